/* SPDX-License-Identifier: MIT */

/*
 * The listener: modes, a crowd at the door, a socket that somebody else holds,
 * and two that want the same one
 */

#include "net/listener.h"

#include "net/lock.h"
#include "net/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* ---- modes ---- */

/* A listener on a loop of its own, without connections. */
struct single {
	uv_loop_t loop;
	struct listener listener;
};

static int single_open(struct single *s, const char *path, mode_t mode, gid_t group)
{
	int r;

	assert_int_equal(uv_loop_init(&s->loop), 0);
	r = listener_open(&s->listener, &s->loop, path, mode, group, on_connection);
	if (r)
		assert_int_equal(uv_loop_close(&s->loop), 0);
	return r;
}

static void single_close(struct single *s)
{
	listener_close(&s->listener, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&s->loop), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void the_modes_are_those_promised_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 027, 077, 0777};
	static const mode_t modes[] = {0666, 0660, 0600, 0777, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		char dir[] = "/tmp/test-door-XXXXXX", run[64], path[64];
		struct single s;
		mode_t before;
		int r;

		assert_non_null(mkdtemp(dir));
		snprintf(run, sizeof(run), "%s/run", dir);
		snprintf(path, sizeof(path), "%s/run/s", dir);
		before = umask(masks[i]);
		r = single_open(&s, path, modes[i], (gid_t)-1);
		assert_int_equal(umask(before), masks[i]);
		assert_int_equal(r, 0);
		assert_int_equal(mode_of(run), LISTENER_DIRECTORY_MODE);
		assert_int_equal(mode_of(path), modes[i]);
		single_close(&s);
		/* Neither the socket nor a lock is left. */
		assert_int_equal(rmdir(run), 0);
		assert_int_equal(rmdir(dir), 0);
	}
}

static void a_directory_that_is_there_keeps_its_mode(void **state)
{
	char dir[] = "/tmp/test-door-XXXXXX", path[64];
	struct single s;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 02711), 0);
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(single_open(&s, path, 0660, (gid_t)-1), 0);
	assert_int_equal(mode_of(dir), 02711);
	single_close(&s);
	assert_int_equal(rmdir(dir), 0);
}

static void a_path_that_cannot_be_a_sockets_leaves_nothing(void **state)
{
	char dir[] = "/tmp/test-door-XXXXXX", longest[LISTENER_MAX_PATH + 2], file[64], deep[64];
	struct single s;

	(void)state;
	assert_non_null(mkdtemp(dir));
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, dir, strlen(dir));
	longest[strlen(dir)] = '/';
	longest[LISTENER_MAX_PATH + 1] = '\0';
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(deep, sizeof(deep), "%s/a/b/s", dir);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(single_open(&s, longest, 0660, (gid_t)-1), -ENAMETOOLONG);
	assert_int_equal(single_open(&s, "", 0660, (gid_t)-1), -EINVAL);
	assert_int_equal(single_open(&s, deep, 0660, (gid_t)-1), -ENOENT);
	assert_int_equal(single_open(&s, file, 0660, (gid_t)-1), -EEXIST);
	/* A group that nobody may give, which only root could: then it is not tried. */
	if (geteuid()) {
		snprintf(deep, sizeof(deep), "%s/s", dir);
		assert_int_equal(single_open(&s, deep, 0660, 0), -EPERM);
	}
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(rmdir(dir), 0);
	/* The longest one is no mistake. */
	assert_int_equal(mkdir(dir, 0700), 0);
	longest[LISTENER_MAX_PATH] = '\0';
	assert_int_equal(single_open(&s, longest, 0660, (gid_t)-1), 0);
	single_close(&s);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- two that want the same ---- */

static void a_dead_socket_is_replaced_and_a_living_one_is_not(void **state)
{
	char dir[] = "/tmp/test-door-XXXXXX", path[64];
	struct single first, second;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	close(open_socket(path, true));
	assert_int_equal(single_open(&first, path, 0660, (gid_t)-1), 0);
	assert_int_equal(single_open(&second, path, 0660, (gid_t)-1), LISTENER_IN_USE);
	/* The end of who lost removes nothing. */
	listener_close(&second.listener, NULL);
	close(open_socket(path, false));
	single_close(&first);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(dir), 0);
}

static void a_socket_of_somebody_else_by_now_is_not_removed(void **state)
{
	char dir[] = "/tmp/test-door-XXXXXX", path[64];
	struct single s;
	int other;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(single_open(&s, path, 0660, (gid_t)-1), 0);
	assert_int_equal(unlink(path), 0);
	other = open_socket(path, true);
	single_close(&s);
	close(open_socket(path, false));
	close(other);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void who_finds_another_at_work_leaves_everything_alone(void **state)
{
	char dir[] = "/tmp/test-door-XXXXXX", path[64], lock_path[80];
	struct lock lock, other;
	struct single s;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	/* One that a killed process left is free. */
	assert_int_not_equal(fd = creat(lock_path, 0600), -1);
	close(fd);
	assert_int_equal(lock_take(&lock, path), 0);
	assert_int_equal(lock_take(&other, path), LOCK_TAKEN);
	lock_release(&other);
	/* What is there is a dead socket, which the other one is about to replace. */
	close(open_socket(path, true));
	assert_int_equal(single_open(&s, path, 0660, (gid_t)-1), LISTENER_IN_USE);
	assert_int_equal(access(path, F_OK), 0);
	lock_release(&lock);
	assert_int_equal(access(lock_path, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_at_the_door_comes_in_by_turns),
		cmocka_unit_test(a_socket_that_was_passed_is_served_and_stays),
		cmocka_unit_test(the_modes_are_those_promised_whatever_the_umask),
		cmocka_unit_test(a_directory_that_is_there_keeps_its_mode),
		cmocka_unit_test(a_path_that_cannot_be_a_sockets_leaves_nothing),
		cmocka_unit_test(a_dead_socket_is_replaced_and_a_living_one_is_not),
		cmocka_unit_test(a_socket_of_somebody_else_by_now_is_not_removed),
		cmocka_unit_test(who_finds_another_at_work_leaves_everything_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
