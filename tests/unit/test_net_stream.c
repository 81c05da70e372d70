/* SPDX-License-Identifier: MIT */

/*
 * The Unix listener and its streams, on real sockets
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "net/listener.h"
#include "net/stream.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* One listener, the last stream that it accepted, and a blocking client. */
struct world {
	uv_loop_t loop;
	uv_timer_t guard;
	struct listener listener;
	struct stream stream;
	struct outq out;
	char *read_buffer;
	int fd; /* the client's end, -1 when closed */
	bool close_on_bytes, write_on_drained;
	unsigned n_accepted, n_eof, n_gone, n_drained, n_closed, n_listener_closed;
	char received[64];
	size_t n_received;
	char dir[32], path[64];
};

static struct world *world_of(struct stream *stream)
{
	return CONTAINER_OF(stream, struct world, stream);
}

static void world_on_bytes(struct stream *stream, struct slice bytes)
{
	struct world *w = world_of(stream);

	assert_int_equal(w->n_closed, 0);
	assert_in_range(w->n_received + bytes.len, 0, sizeof(w->received));
	memcpy(w->received + w->n_received, bytes.ptr, bytes.len);
	w->n_received += bytes.len;
	if (w->close_on_bytes)
		stream_close(stream);
}

static void world_on_eof(struct stream *stream)
{
	world_of(stream)->n_eof++;
}

static void world_on_gone(struct stream *stream)
{
	world_of(stream)->n_gone++;
}

static void world_on_drained(struct stream *stream)
{
	struct world *w = world_of(stream);

	w->n_drained++;
	if (w->write_on_drained)
		assert_int_equal(stream_write(stream, &w->out), 0);
}

static void world_on_closed(struct stream *stream)
{
	world_of(stream)->n_closed++;
}

static const struct stream_ops world_ops = {
	.on_bytes = world_on_bytes,
	.on_eof = world_on_eof,
	.on_gone = world_on_gone,
	.on_drained = world_on_drained,
	.on_closed = world_on_closed,
};

static void world_on_connection(struct listener *listener)
{
	struct world *w = CONTAINER_OF(listener, struct world, listener);

	w->n_accepted++;
	assert_int_equal(stream_accept(&w->stream, (uv_stream_t *)&listener->pipe, w->read_buffer,
				       &world_ops),
			 0);
}

static void world_on_listener_closed(struct listener *listener)
{
	CONTAINER_OF(listener, struct world, listener)->n_listener_closed++;
}

static void world_on_guard(uv_timer_t *timer)
{
	(void)timer;
	fprintf(stderr, "the test hangs\n");
	abort();
}

static void world_init(struct world *w)
{
	*w = (struct world){.fd = -1, .dir = "/tmp/test-net-XXXXXX"};
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/s.sock", w->dir);
	w->read_buffer = malloc(STREAM_READ_SIZE);
	outq_init(&w->out, 64u << 20);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	uv_timer_init(&w->loop, &w->guard);
	uv_timer_start(&w->guard, world_on_guard, 20000, 0);
	uv_unref((uv_handle_t *)&w->guard);
}

static int world_listen(struct world *w)
{
	return listener_open(&w->listener, &w->loop, w->path, 0660, (gid_t)-1, world_on_connection);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void world_run(struct world *w)
{
	uv_run(&w->loop, UV_RUN_NOWAIT);
}

static void world_connect(struct world *w)
{
	assert_int_equal(world_listen(w), 0);
	w->fd = connect_to(w->path);
	assert_true(w->fd >= 0);
	while (!w->n_accepted)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void world_done(struct world *w)
{
	if (w->fd >= 0)
		close(w->fd);
	if (w->n_accepted)
		stream_close(&w->stream);
	listener_close(&w->listener, world_on_listener_closed);
	uv_close((uv_handle_t *)&w->guard, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	assert_int_equal(w->n_closed, w->n_accepted ? 1 : 0);
	outq_done(&w->out);
	free(w->read_buffer);
	(void)unlink(w->path);
	assert_int_equal(rmdir(w->dir), 0);
}

/* Reads n bytes at the client's end while the loop runs; compares them with the counter pattern. */
static void world_drain(struct world *w, size_t n)
{
	char *bytes = malloc(n);
	size_t got = 0;

	while (got < n) {
		ssize_t r = recv(w->fd, bytes + got, n - got, MSG_DONTWAIT);

		if (r > 0)
			got += (size_t)r;
		else if (r == 0 || errno != EAGAIN)
			fail_msg("end after %zu of %zu bytes", got, n);
		world_run(w);
	}
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != (char)(i % 251))
			fail_msg("byte %zu is wrong", i);
	free(bytes);
}

static void queue_pattern(struct outq *q, size_t from, size_t n)
{
	struct buf *b = outq_begin(q);
	size_t before = buf_len(b);

	for (size_t i = 0; i < n; i++)
		buf_append_char(b, (char)((from + i) % 251));
	outq_end(q, before);
}

/* ---- streams ---- */

static void bytes_and_credentials_arrive(void **state)
{
	struct world w;
	struct ucred ucred;

	(void)state;
	world_init(&w);
	world_connect(&w);
	assert_int_equal(stream_credentials(&w.stream, &ucred), 0);
	assert_int_equal(ucred.pid, getpid());
	assert_int_equal(ucred.uid, getuid());
	assert_int_equal(write(w.fd, "hello", 5), 5);
	while (w.n_received < 5)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_memory_equal(w.received, "hello", 5);
	world_done(&w);
}

static void a_small_write_goes_at_once(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	queue_pattern(&w.out, 0, 1000);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	assert_int_equal(outq_len(&w.out), 0);
	assert_int_equal(stream_in_flight(&w.stream), 0);
	assert_int_equal(w.stream.n_written, 1000);
	world_drain(&w, 1000);
	assert_int_equal(w.n_drained, 0);
	world_done(&w);
}

static void what_does_not_fit_is_in_flight_until_it_went(void **state)
{
	size_t n = 4u << 20;
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	queue_pattern(&w.out, 0, n);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	assert_int_equal(outq_len(&w.out), 0);
	assert_true(stream_in_flight(&w.stream) > 0);
	assert_int_equal(w.stream.n_written + stream_in_flight(&w.stream), n);
	queue_pattern(&w.out, n, 5000);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	assert_int_equal(outq_len(&w.out), 5000);
	w.write_on_drained = true;
	world_drain(&w, n + 5000);
	assert_true(w.n_drained >= 1);
	assert_int_equal(w.stream.n_written, n + 5000);
	assert_int_equal(stream_in_flight(&w.stream), 0);
	world_done(&w);
}

/* More pieces than one writev takes, with private bytes between shared blocks. */
static void shared_blocks_keep_their_places(void **state)
{
	enum { BLOCK = 3000, N = 300 };
	char bytes[BLOCK];
	struct world w;
	size_t at = 0;

	(void)state;
	world_init(&w);
	world_connect(&w);
	for (size_t i = 0; i < N; i++) {
		struct block *block;

		queue_pattern(&w.out, at, i % 3);
		at += i % 3;
		for (size_t j = 0; j < BLOCK; j++)
			bytes[j] = (char)((at + j) % 251);
		block = block_new((struct slice){bytes, BLOCK}, SLICE_NONE);
		outq_append_block(&w.out, block);
		block_unref(block);
		at += BLOCK;
	}
	assert_int_equal(outq_len(&w.out), at);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	assert_true(stream_in_flight(&w.stream) > 0);
	world_drain(&w, at);
	assert_int_equal(w.stream.n_written, at);
	assert_int_equal(w.n_drained, 1);
	world_done(&w);
}

static void a_drained_stream_keeps_no_memory(void **state)
{
	size_t n = 4u << 20;
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	queue_pattern(&w.out, 0, n);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	world_drain(&w, n);
	while (!w.n_drained)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_null(w.stream.in_flight.bytes.data);
	world_done(&w);
}

static void a_half_closed_peer_can_still_be_written_to(void **state)
{
	struct world w;
	char c[4];

	(void)state;
	world_init(&w);
	world_connect(&w);
	assert_int_equal(write(w.fd, "x", 1), 1);
	assert_int_equal(shutdown(w.fd, SHUT_WR), 0);
	while (!w.n_eof)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.n_received, 1);
	assert_int_equal(w.n_gone, 0);
	assert_false(stream_is_gone(&w.stream));
	stream_resume(&w.stream);
	world_run(&w);
	queue_pattern(&w.out, 0, 3);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	assert_int_equal(read(w.fd, c, 4), 3);
	close(w.fd);
	w.fd = -1;
	assert_true(stream_is_gone(&w.stream));
	world_run(&w);
	assert_int_equal(w.n_eof, 1);
	world_done(&w);
}

static void a_peer_that_goes_away_is_told(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	close(w.fd);
	w.fd = -1;
	while (!w.n_gone && !w.n_eof)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.n_gone, 1);
	queue_pattern(&w.out, 0, 3);
	assert_int_equal(stream_write(&w.stream, &w.out), -EPIPE);
	world_done(&w);
}

static void a_peer_that_goes_away_with_bytes_in_flight_is_told(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	stream_pause(&w.stream);
	queue_pattern(&w.out, 0, 4u << 20);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	close(w.fd);
	w.fd = -1;
	while (!w.n_gone)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.n_drained, 0);
	world_done(&w);
}

static void nothing_but_on_closed_comes_after_close(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	w.close_on_bytes = true;
	queue_pattern(&w.out, 0, 4u << 20);
	assert_int_equal(stream_write(&w.stream, &w.out), 0);
	assert_int_equal(write(w.fd, "ab", 2), 2);
	while (!w.n_closed)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.n_received, 2);
	assert_int_equal(w.n_gone + w.n_eof + w.n_drained, 0);
	world_done(&w);
}

static void a_paused_stream_reads_nothing(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_connect(&w);
	stream_pause(&w.stream);
	stream_pause(&w.stream);
	assert_int_equal(write(w.fd, "ab", 2), 2);
	for (int i = 0; i < 5; i++)
		world_run(&w);
	assert_int_equal(w.n_received, 0);
	stream_resume(&w.stream);
	stream_resume(&w.stream);
	while (!w.n_received)
		uv_run(&w.loop, UV_RUN_ONCE);
	world_done(&w);
}

/* ---- the listener ---- */

static void the_file_has_its_mode_whatever_the_umask(void **state)
{
	struct world w;
	struct stat st;
	mode_t mask = umask(0077);

	(void)state;
	world_init(&w);
	assert_int_equal(world_listen(&w), 0);
	assert_int_equal(umask(mask), 0077);
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	world_done(&w);
	assert_int_equal(w.n_listener_closed, 1);
	assert_int_equal(access(w.path, F_OK), -1);
}

static void a_live_socket_is_refused_and_left_alone(void **state)
{
	struct world w, other;

	(void)state;
	world_init(&w);
	assert_int_equal(world_listen(&w), 0);
	world_init(&other);
	assert_int_equal(listener_open(&other.listener, &other.loop, w.path, 0600, (gid_t)-1,
				       world_on_connection),
			 LISTENER_IN_USE);
	world_done(&other);
	assert_int_equal(access(w.path, F_OK), 0);
	world_done(&w);
}

static void a_dead_socket_is_replaced(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct world w;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	world_init(&w);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", w.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	world_connect(&w);
	world_done(&w);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_init(&w);
	fd = open(w.path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(world_listen(&w), -EEXIST);
	assert_int_equal(access(w.path, F_OK), 0);
	world_done(&w);
}

static void a_path_that_would_be_cut_is_refused(void **state)
{
	struct world w;
	char path[200];

	(void)state;
	world_init(&w);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	assert_int_equal(
		listener_open(&w.listener, &w.loop, path, 0600, (gid_t)-1, world_on_connection),
		-ENAMETOOLONG);
	world_done(&w);
}

static void a_path_of_full_length_works(void **state)
{
	struct world w;
	char path[109];
	int n;

	(void)state;
	world_init(&w);
	n = snprintf(path, sizeof(path), "%s/", w.dir);
	memset(path + n, 'x', 107 - (size_t)n);
	path[107] = '\0';
	assert_int_equal(
		listener_open(&w.listener, &w.loop, path, 0600, (gid_t)-1, world_on_connection), 0);
	assert_int_equal(access(path, F_OK), 0);
	world_done(&w);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_missing_directory_is_made(void **state)
{
	struct world w;
	struct stat st;
	char path[64], dir[48];

	(void)state;
	world_init(&w);
	snprintf(dir, sizeof(dir), "%s/run", w.dir);
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(
		listener_open(&w.listener, &w.loop, path, 0600, (gid_t)-1, world_on_connection), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	listener_close(&w.listener, world_on_listener_closed);
	assert_int_equal(rmdir(dir), 0);
	world_done(&w);
}

static void two_missing_directories_are_an_error(void **state)
{
	struct world w;
	char path[64];

	(void)state;
	world_init(&w);
	snprintf(path, sizeof(path), "%s/a/b/s", w.dir);
	assert_int_equal(
		listener_open(&w.listener, &w.loop, path, 0600, (gid_t)-1, world_on_connection),
		-ENOENT);
	world_done(&w);
}

static void a_file_of_somebody_else_is_not_unlinked(void **state)
{
	struct world w, other;

	(void)state;
	world_init(&w);
	assert_int_equal(world_listen(&w), 0);
	assert_int_equal(unlink(w.path), 0);
	world_init(&other);
	assert_int_equal(listener_open(&other.listener, &other.loop, w.path, 0600, (gid_t)-1,
				       world_on_connection),
			 0);
	listener_close(&w.listener, NULL);
	assert_int_equal(access(w.path, F_OK), 0);
	world_done(&other);
	assert_int_equal(access(w.path, F_OK), -1);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_credentials_arrive),
		cmocka_unit_test(a_small_write_goes_at_once),
		cmocka_unit_test(what_does_not_fit_is_in_flight_until_it_went),
		cmocka_unit_test(shared_blocks_keep_their_places),
		cmocka_unit_test(a_drained_stream_keeps_no_memory),
		cmocka_unit_test(a_half_closed_peer_can_still_be_written_to),
		cmocka_unit_test(a_peer_that_goes_away_is_told),
		cmocka_unit_test(a_peer_that_goes_away_with_bytes_in_flight_is_told),
		cmocka_unit_test(nothing_but_on_closed_comes_after_close),
		cmocka_unit_test(a_paused_stream_reads_nothing),
		cmocka_unit_test(the_file_has_its_mode_whatever_the_umask),
		cmocka_unit_test(a_live_socket_is_refused_and_left_alone),
		cmocka_unit_test(a_dead_socket_is_replaced),
		cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
		cmocka_unit_test(a_path_that_would_be_cut_is_refused),
		cmocka_unit_test(a_path_of_full_length_works),
		cmocka_unit_test(a_missing_directory_is_made),
		cmocka_unit_test(two_missing_directories_are_an_error),
		cmocka_unit_test(a_file_of_somebody_else_is_not_unlinked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
