/* SPDX-License-Identifier: MIT */

/*
 * The Unix socket that local programs connect to
 */

#include "net/listener.h"

#include "base/mem.h"
#include "net/lock.h"

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

/*
 * As the service manager's DirectoryMode= would: one level, if it is missing, with
 * the mode that is promised whatever the umask is. One that is there stays as it is.
 */
static int listener_make_directory(const char *path)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	mode_t mask;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	if (!slash || slash == copy)
		return 0;
	*slash = '\0';
	mask = umask(0);
	if (mkdir(copy, LISTENER_DIRECTORY_MODE) < 0 && errno != EEXIST)
		r = -errno;
	umask(mask);
	return r;
}

/* Nobody else can reach it before its mode is set. */
static int listener_bind_to(int fd, const struct sockaddr_un *address, mode_t mode, gid_t group)
{
	mode_t mask = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(mask);
	if (r < 0)
		return r;
	if (group != (gid_t)-1 && chown(address->sun_path, (uid_t)-1, group) < 0)
		r = -errno;
	if (r == 0 && chmod(address->sun_path, mode) < 0)
		r = -errno;
	if (r < 0)
		unlink(address->sun_path);
	return r;
}

/* A bound socket, or -errno. */
static int listener_bind(const struct sockaddr_un *address, mode_t mode, gid_t group)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = listener_bind_to(fd, address, mode, group);
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

static int listener_open_alone(struct listener *l, uv_loop_t *loop, const char *path, mode_t mode,
			       gid_t group)
{
	const struct sockaddr_un address = listener_address(path);
	int r = listener_clear(&address);

	if (r)
		return r;
	l->path = mem_strdup(path);
	if (!l->path)
		return -ENOMEM;
	r = listener_bind(&address, mode, group);
	if (r < 0) {
		l->path = mem_free(l->path);
		return r;
	}
	l->closing = false;
	return listener_start(l, loop, r);
}

int listener_open(struct listener *l, uv_loop_t *loop, const char *path, mode_t mode, gid_t group,
		  void (*on_connection)(struct listener *listener))
{
	CLEANUP(lock_release) struct lock lock = {.fd = -1};
	int r;

	*l = (struct listener){.on_connection = on_connection, .closing = true};
	/* An empty path would be a socket without a file, which no mode protects. */
	if (!*path)
		return -EINVAL;
	if (strlen(path) > LISTENER_MAX_PATH)
		return -ENAMETOOLONG;
	r = listener_make_directory(path);
	if (r == 0)
		r = lock_take(&lock, path);
	if (r)
		return r < 0 ? r : LISTENER_IN_USE;
	return listener_open_alone(l, loop, path, mode, group);
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
