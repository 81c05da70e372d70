/* SPDX-License-Identifier: MIT */

/*
 * The listener: a crowd at the door, and a socket that somebody else holds
 */

#include "net/listener.h"

#include "net/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define CROWD 150

struct door {
	uv_loop_t loop;
	struct listener listener;
	char dir[32], path[64];
	struct stream streams[CROWD];
	char *read_buffer;
	unsigned n_accepted;
	int clients[CROWD];
};

static void on_bytes(struct stream *stream, struct slice bytes)
{
	(void)stream;
	(void)bytes;
}

static void on_stream(struct stream *stream)
{
	(void)stream;
}

static const struct stream_ops ops = {
	.on_bytes = on_bytes,
	.on_eof = on_stream,
	.on_gone = on_stream,
	.on_drained = on_stream,
	.on_closed = on_stream,
};

static void on_connection(struct listener *listener)
{
	struct door *d = CONTAINER_OF(listener, struct door, listener);

	assert_int_equal(stream_accept(&d->streams[d->n_accepted++], (uv_stream_t *)&listener->pipe,
				       d->read_buffer, &ops),
			 0);
}

static int open_socket(const char *path, bool listening)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (listening) {
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
		assert_int_equal(listen(fd, CROWD), 0);
	} else {
		assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	}
	return fd;
}

static void door_init(struct door *d)
{
	*d = (struct door){.dir = "/tmp/test-door-XXXXXX"};
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/s.sock", d->dir);
	d->read_buffer = malloc(STREAM_READ_SIZE);
	assert_int_equal(uv_loop_init(&d->loop), 0);
}

static void door_crowd(struct door *d)
{
	for (size_t i = 0; i < CROWD; i++)
		d->clients[i] = open_socket(d->path, false);
}

static void door_done(struct door *d)
{
	for (size_t i = 0; i < CROWD; i++)
		close(d->clients[i]);
	for (unsigned i = 0; i < d->n_accepted; i++)
		stream_close(&d->streams[i]);
	listener_close(&d->listener, NULL);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&d->loop), 0);
	(void)unlink(d->path);
	assert_int_equal(rmdir(d->dir), 0);
	free(d->read_buffer);
	free(d);
}

/* One turn as the daemon makes it. */
static void door_turn(struct door *d)
{
	listener_begin_turn(&d->listener);
	uv_run(&d->loop, UV_RUN_NOWAIT);
}

static void a_crowd_at_the_door_comes_in_by_turns(void **state)
{
	struct door *d = malloc(sizeof(*d));

	(void)state;
	door_init(d);
	assert_int_equal(
		listener_open(&d->listener, &d->loop, d->path, 0600, (gid_t)-1, on_connection), 0);
	door_crowd(d);
	door_turn(d);
	assert_int_equal(d->n_accepted, LISTENER_MAX_ACCEPTS);
	assert_true(d->listener.is_waiting);
	/* without being asked it does not go on, and does not spin either */
	door_turn(d);
	assert_int_equal(d->n_accepted, LISTENER_MAX_ACCEPTS);
	listener_go_on(&d->listener);
	door_turn(d);
	assert_int_equal(d->n_accepted, 2 * LISTENER_MAX_ACCEPTS + 1);
	listener_go_on(&d->listener);
	door_turn(d);
	assert_int_equal(d->n_accepted, CROWD);
	assert_false(d->listener.is_waiting);
	door_done(d);
}

static void a_socket_that_was_passed_is_served_and_stays(void **state)
{
	struct door *d = malloc(sizeof(*d));

	(void)state;
	door_init(d);
	assert_int_equal(
		listener_adopt(&d->listener, &d->loop, open_socket(d->path, true), on_connection),
		0);
	door_crowd(d);
	door_turn(d);
	assert_int_equal(d->n_accepted, LISTENER_MAX_ACCEPTS);
	listener_close(&d->listener, NULL);
	assert_int_equal(access(d->path, F_OK), 0);
	door_done(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_at_the_door_comes_in_by_turns),
		cmocka_unit_test(a_socket_that_was_passed_is_served_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
