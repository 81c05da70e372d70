/* SPDX-License-Identifier: MIT */

/*
 * The Unix socket that local programs connect to
 */

#include "net/listener.h"

#include "base/mem.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un listener_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, strlen(path) + 1);
	return address;
}

/* Whether somebody answers at path: 0 nobody, LISTENER_IN_USE, or -errno. */
static int listener_probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (r == ECONNREFUSED || r == ENOENT)
		return 0;
	/* A full backlog means that a live daemon is busy. */
	return r == 0 || r == EAGAIN ? LISTENER_IN_USE : -r;
}

/* Removes what a dead daemon left. */
static int listener_clear(const struct sockaddr_un *address)
{
	struct stat st;
	int r;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = listener_probe(address);
	if (r)
		return r;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* As the service manager's RuntimeDirectory= would: one level, if it is missing. */
static int listener_make_directory(const char *path)
{
	char *copy = mem_strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	if (slash && slash != copy) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			r = -errno;
	}
	mem_free(copy);
	return r;
}

/* A bound socket that nobody else can reach before its mode is set, or -errno. */
static int listener_bind(const struct sockaddr_un *address, mode_t mode, gid_t group)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r = 0;

	if (fd < 0)
		return -errno;
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		r = -errno;
	umask(mask);
	if (r == 0 && group != (gid_t)-1 && chown(address->sun_path, (uid_t)-1, group) < 0)
		r = -errno;
	if (r == 0 && chmod(address->sun_path, mode) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static void listener_on_connection(uv_stream_t *server, int status)
{
	struct listener *l = CONTAINER_OF(server, struct listener, pipe);

	if (status < 0 || l->closing)
		return;
	/* A connection that is not taken stops libuv's accepting until it is. */
	if (l->n_accepted == LISTENER_MAX_ACCEPTS) {
		l->is_waiting = true;
		return;
	}
	l->n_accepted++;
	l->on_connection(l);
}

void listener_begin_turn(struct listener *l)
{
	l->n_accepted = 0;
}

void listener_go_on(struct listener *l)
{
	if (!l->is_waiting || l->closing)
		return;
	l->is_waiting = false;
	l->on_connection(l);
}

static void listener_on_close(uv_handle_t *handle)
{
	struct listener *l = CONTAINER_OF(handle, struct listener, pipe);

	if (l->on_closed)
		l->on_closed(l);
}

static int listener_start(struct listener *l, uv_loop_t *loop, int fd)
{
	struct stat st;
	int r;

	if (l->path && lstat(l->path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	uv_pipe_init(loop, &l->pipe, 0);
	r = uv_pipe_open(&l->pipe, fd);
	if (r < 0)
		close(fd);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&l->pipe, SOMAXCONN, listener_on_connection);
	if (r < 0)
		listener_close(l, NULL);
	return r;
}

int listener_adopt(struct listener *l, uv_loop_t *loop, int fd,
		   void (*on_connection)(struct listener *listener))
{
	*l = (struct listener){.on_connection = on_connection};
	return listener_start(l, loop, fd);
}

int listener_open(struct listener *l, uv_loop_t *loop, const char *path, mode_t mode, gid_t group,
		  void (*on_connection)(struct listener *listener))
{
	struct sockaddr_un address;
	int r;

	*l = (struct listener){.on_connection = on_connection, .closing = true};
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	address = listener_address(path);
	r = listener_make_directory(path);
	if (r == 0)
		r = listener_clear(&address);
	if (r)
		return r;
	r = listener_bind(&address, mode, group);
	if (r < 0)
		return r;
	l->path = mem_strdup(path);
	if (!l->path) {
		close(r);
		return -ENOMEM;
	}
	l->closing = false;
	return listener_start(l, loop, r);
}

static void listener_unlink(struct listener *l)
{
	struct stat st;

	/* Somebody else's socket may stand there by now, or the service manager holds it. */
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
}

void listener_close(struct listener *l, void (*on_closed)(struct listener *listener))
{
	if (l->closing)
		return;
	l->closing = true;
	l->on_closed = on_closed;
	listener_unlink(l);
	l->path = mem_free(l->path);
	uv_close((uv_handle_t *)&l->pipe, listener_on_close);
}
