/* SPDX-License-Identifier: MIT */

/*
 * libwampbridge: a connection to wampbridged
 *
 * A blocking socket and two growing buffers: what came in, and the rest of the
 * one line that a sender who would not wait has left behind. Every call on the
 * socket says itself whether it waits, so that nothing depends on the
 * descriptor's own mode, which the caller's loop may change. It frames lines
 * (protocol §2) and must not know what they say.
 */

#include "wampbridge.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_SYSTEM_SOCKET "/run/wampbridge/wampbridge.sock"
/* The daemon's own largest max_line; what is longer ends the connection's use. */
#define CLIENT_MAX_LINE	 (16u << 20)
#define CLIENT_READ_SIZE 65536u
/* Of a line that may have to be kept: more than any daemon takes. */
#define CLIENT_MAX_KEPT (64u << 20)
#define CLIENT_FOREVER	(-1)

struct wampbridge {
	int fd;
	struct buf in, out;
	int broken;	 /* a line went out in part: the -errno of all further sending */
	size_t taken;	 /* bytes of the line handed out last */
	size_t searched; /* bytes known to hold no line feed */
	struct sockaddr_un address;
};

/*
 * The user's own daemon, if its socket is there. Root's is the system's: an
 * environment that sudo left over must not lead it to somebody else's.
 */
static bool client_user_path(char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int n;

	/* One that is not absolute counts as none (XDG base directory specification). */
	if (geteuid() == 0 || !runtime || *runtime != '/')
		return false;
	n = snprintf(path, size, "%s/wampbridge/wampbridge.sock", runtime);
	return n > 0 && (size_t)n < size && stat(path, &st) == 0;
}

static int client_find_path(struct sockaddr_un *address, const char *path)
{
	const char *named = path ? path : getenv("WAMPBRIDGE_SOCKET");
	size_t size = sizeof(address->sun_path);

	address->sun_family = AF_UNIX;
	/* Who gives an empty path, such as that of an unset variable, means no other daemon. */
	if (path && !*path)
		return -ENOENT;
	if (!named || !*named) {
		if (client_user_path(address->sun_path, size))
			return 0;
		named = CLIENT_SYSTEM_SOCKET;
	}
	if (strlen(named) >= size)
		return -ENAMETOOLONG;
	memcpy(address->sun_path, named, strlen(named) + 1);
	return 0;
}

static int client_open(struct wampbridge *w, const char *path)
{
	int r = client_find_path(&w->address, path);

	if (r < 0)
		return r;
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -errno;
	do
		r = connect(w->fd, (struct sockaddr *)&w->address, sizeof(w->address));
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

PUBLIC int wampbridge_connect(struct wampbridge **ret, const char *path)
{
	struct wampbridge *w = mem_alloc(sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	buf_init(&w->in, CLIENT_MAX_LINE + CLIENT_READ_SIZE);
	buf_init(&w->out, CLIENT_MAX_KEPT);
	r = client_open(w, path);
	if (r < 0) {
		wampbridge_close(w);
		return r;
	}
	*ret = w;
	return 0;
}

PUBLIC void wampbridge_close(struct wampbridge *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	buf_done(&w->in);
	buf_done(&w->out);
	mem_free(w);
}

PUBLIC const char *wampbridge_path(const struct wampbridge *w)
{
	return w->address.sun_path;
}

PUBLIC int wampbridge_fd(const struct wampbridge *w)
{
	return w->fd;
}

static int64_t client_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t client_deadline_ms(int timeout_ms)
{
	return timeout_ms < 0 ? CLIENT_FOREVER : client_now_ms() + timeout_ms;
}

/* 1 when the socket is ready (or may be), 0 when not in time, or -errno. */
static int client_wait(const struct wampbridge *w, short events, int64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = w->fd, .events = events};
	int64_t left = deadline_ms < 0 ? -1 : deadline_ms - client_now_ms();
	int r = poll(&pollfd, 1, deadline_ms < 0 ? -1 : left > 0 ? (int)left : 0);

	if (r < 0)
		return errno == EINTR ? 1 : -errno; /* nothing is found then, time is looked at */
	return r;
}

/* ---- sending ---- */

/* The bytes that the socket takes at once, perhaps 0, or -errno. */
static ssize_t client_write(const struct wampbridge *w, struct iovec *iov, size_t n)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
	ssize_t sent = sendmsg(w->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent >= 0)
		return sent;
	if (errno == EINTR || errno == EAGAIN)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

/* Moves past n bytes. */
static void client_advance(struct iovec iov[2], size_t n)
{
	size_t first = n < iov[0].iov_len ? n : iov[0].iov_len;

	if (first)
		iov[0].iov_base = (char *)iov[0].iov_base + first;
	iov[0].iov_len -= first;
	iov[1].iov_len -= n - first;
}

static int client_check(const struct wampbridge *w, const char *line, size_t len)
{
	if (len && memchr(line, '\n', len))
		return -EINVAL;
	return w->broken;
}

/* A line of which a part is gone can neither be taken back nor followed by another. */
static int client_tear(struct wampbridge *w, int error, bool is_torn)
{
	if (is_torn)
		w->broken = error;
	return error;
}

static int client_keep(struct wampbridge *w, const struct iovec iov[2])
{
	int r;

	buf_append(&w->out, iov[0].iov_base, iov[0].iov_len);
	buf_append(&w->out, iov[1].iov_base, iov[1].iov_len);
	r = w->out.error;
	if (r < 0)
		buf_clear(&w->out);
	return r;
}

PUBLIC int wampbridge_flush(struct wampbridge *w, int timeout_ms)
{
	int64_t deadline_ms = client_deadline_ms(timeout_ms);

	if (w->broken)
		return w->broken;
	while (buf_len(&w->out)) {
		struct slice rest = buf_bytes(&w->out);
		struct iovec iov = {(char *)rest.ptr, rest.len};
		ssize_t n = client_write(w, &iov, 1);
		int r;

		if (n < 0)
			return (int)n;
		buf_consume(&w->out, (size_t)n);
		if (!buf_len(&w->out))
			break;
		r = client_wait(w, POLLOUT, deadline_ms);
		if (r <= 0)
			return r;
	}
	buf_trim(&w->out);
	return 1;
}

PUBLIC int wampbridge_try_send(struct wampbridge *w, const char *line, size_t len)
{
	char lf[] = "\n";
	struct iovec iov[2] = {{(char *)line, len}, {lf, 1}};
	int r = client_check(w, line, len);
	ssize_t n;

	if (r == 0 && len >= CLIENT_MAX_KEPT)
		r = -ENOBUFS;
	if (r == 0)
		r = wampbridge_flush(w, 0);
	if (r <= 0)
		return r < 0 ? r : -EAGAIN;
	n = client_write(w, iov, 2);
	if (n < 0)
		return (int)n;
	client_advance(iov, (size_t)n);
	r = client_keep(w, iov);
	return r < 0 ? client_tear(w, r, n > 0) : 0;
}

PUBLIC int wampbridge_send(struct wampbridge *w, const char *line, size_t len)
{
	char lf[] = "\n";
	struct iovec iov[2] = {{(char *)line, len}, {lf, 1}};
	int r = client_check(w, line, len);

	if (r == 0)
		r = wampbridge_flush(w, -1);
	while (r >= 0 && iov[1].iov_len) {
		ssize_t n = client_write(w, iov, 2);

		if (n > 0)
			client_advance(iov, (size_t)n);
		r = n < 0 ? (int)n : 0;
		if (r == 0 && iov[1].iov_len)
			r = client_wait(w, POLLOUT, CLIENT_FOREVER);
	}
	return r < 0 ? client_tear(w, r, iov[0].iov_len < len) : 0;
}

PUBLIC int wampbridge_end_sending(struct wampbridge *w)
{
	int r = wampbridge_flush(w, -1);

	if (r < 0)
		return r;
	return shutdown(w->fd, SHUT_WR) < 0 ? -errno : 0;
}

PUBLIC short wampbridge_events(const struct wampbridge *w)
{
	return buf_len(&w->out) ? POLLIN | POLLOUT : POLLIN;
}

/* ---- receiving ---- */

/* 1 with a line, 0 when none is there whole, or -EMSGSIZE. */
static int client_take(struct wampbridge *w, const char **ret_line, size_t *ret_len)
{
	struct slice bytes = buf_bytes(&w->in);
	char *lf;

	if (bytes.len == w->searched)
		return 0;
	lf = memchr(bytes.ptr + w->searched, '\n', bytes.len - w->searched);
	if (!lf) {
		w->searched = bytes.len;
		return 0;
	}
	if (lf - bytes.ptr >= CLIENT_MAX_LINE)
		return -EMSGSIZE;
	*lf = '\0';
	*ret_line = bytes.ptr;
	*ret_len = (size_t)(lf - bytes.ptr);
	w->taken = *ret_len + 1;
	return 1;
}

static int client_read(struct wampbridge *w)
{
	char *to = buf_len(&w->in) < CLIENT_MAX_LINE ? buf_reserve(&w->in, CLIENT_READ_SIZE) : NULL;
	ssize_t n;

	if (!to)
		return w->in.error ? w->in.error : -EMSGSIZE;
	/* Readiness may be spurious, and a timeout is a promise: never wait here. */
	n = recv(w->fd, to, CLIENT_READ_SIZE, MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0
		       : errno == ECONNRESET		 ? -EPIPE
							 : -errno;
	if (n == 0)
		return -EPIPE;
	buf_commit(&w->in, (size_t)n);
	return 0;
}

PUBLIC int wampbridge_next_line(struct wampbridge *w, int timeout_ms, const char **ret_line,
				size_t *ret_len)
{
	int64_t deadline_ms = client_deadline_ms(timeout_ms);
	int r;

	if (w->taken) {
		buf_consume(&w->in, w->taken);
		w->taken = w->searched = 0;
	}
	while ((r = client_take(w, ret_line, ret_len)) == 0) {
		r = client_wait(w, POLLIN, deadline_ms);
		if (r <= 0)
			return r;
		r = client_read(w);
		if (r < 0)
			return r;
	}
	return r;
}

PUBLIC const char *wampbridge_strerror(int error)
{
	const char *words;

	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return "no daemon listens there (is wampbridged running?)";
	case -EACCES:
	case -EPERM:
		return "no permission to talk to the daemon";
	case -ENAMETOOLONG:
		return "the socket's path is too long";
	case -EPIPE:
		return "the daemon closed the connection";
	case -EMSGSIZE:
		return "the daemon sent a line over 16 MiB";
	case -EINVAL:
		return "a line must not hold a line feed";
	case -EAGAIN:
		return "an earlier line still waits to be sent";
	}
	/* Not strerror(): what that returns may change under another thread. */
	words = strerrordesc_np(error < 0 && error != INT_MIN ? -error : error);
	return words ? words : "unknown error";
}

PUBLIC const char *wampbridge_version(void)
{
	return WAMPBRIDGE_VERSION;
}
