/* SPDX-License-Identifier: MIT */
#ifndef WAMPBRIDGE_H
#define WAMPBRIDGE_H

/*
 * libwampbridge: a connection to wampbridged
 *
 * One connection carries lines both ways, one JSON object each; what they say
 * is in wampbridge-protocol(7). The library frames, waits and reports; it
 * does not interpret, starts no thread, keeps no state outside its objects,
 * installs no signal handler and never causes SIGPIPE.
 *
 *	struct wampbridge *w;
 *	const char *line;
 *	size_t len;
 *
 *	if (wampbridge_connect(&w, NULL) < 0)
 *		...
 *	wampbridge_send(w, "{\"op\":\"ping\",\"id\":1}", 20);
 *	while (wampbridge_next_line(w, 1000, &line, &len) > 0)
 *		...
 *	wampbridge_close(w);
 *
 * Errors are negative errno values; errno itself means nothing. What a
 * function returns through its arguments is left alone when it fails.
 *
 * Threads: an object is used by one thread at a time, different objects by
 * different threads at once. wampbridge_connect() reads the environment, so
 * no thread may change that meanwhile. A child process does not use what its
 * parent has connected; programs that it executes do not inherit it.
 *
 * ABI: within libwampbridge.so.1 functions are only ever added, each with a
 * symbol version of its release, and none changes its meaning. The object is
 * opaque. New values of errno may come: pass on those that you do not know.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wampbridge;

/*
 * Connects. path NULL: $WAMPBRIDGE_SOCKET, else the user's own daemon
 * ($XDG_RUNTIME_DIR/wampbridge/wampbridge.sock) if its socket exists and the
 * user is not root, else the system's /run/wampbridge/wampbridge.sock. 0, or a
 * negative errno: -ENOENT or -ECONNREFUSED (no daemon there), -EACCES,
 * -ENAMETOOLONG, -ENOMEM. May wait for a daemon that systemd is about to
 * start.
 */
int wampbridge_connect(struct wampbridge **ret, const char *path);

/* Closes and frees; what was not yet sent is dropped. Takes NULL. */
void wampbridge_close(struct wampbridge *w);

/* The path that this connection uses. Lives as long as the connection. */
const char *wampbridge_path(const struct wampbridge *w);

/*
 * Sends one line of len bytes; the line feed is added. Blocks while the daemon
 * does not read, which it may stop to do while its own lines are not read: a
 * program that sends much takes lines in between. 0, -EPIPE when the daemon is
 * gone (its last lines, a goodbye among them, can still be taken), -EINVAL for
 * a line that holds a line feed (nothing is sent then), or another negative
 * errno: then the line may be sent in part, and only closing is left.
 */
int wampbridge_send(struct wampbridge *w, const char *line, size_t len);

/*
 * As wampbridge_send(), but never blocks: what the socket does not take is
 * kept and goes out by wampbridge_flush() or in front of the next line.
 * -EAGAIN when bytes of an earlier line are still waiting: then this one is
 * not taken, and may be offered again when wampbridge_events() is without
 * POLLOUT. -ENOBUFS for a line of 64 MiB and more. Without memory for what the
 * socket does not take it is -ENOMEM, at each further call too if the socket
 * had taken a part.
 */
int wampbridge_try_send(struct wampbridge *w, const char *line, size_t len);

/*
 * Sends what waits, for at most timeout_ms (0: without blocking, negative:
 * forever). 1 when nothing waits any more, 0 when something still does, or a
 * negative errno as from wampbridge_send().
 */
int wampbridge_flush(struct wampbridge *w, int timeout_ms);

/*
 * Says that nothing more will be sent, which is after what waits: the daemon
 * answers what is open and closes. 0, or a negative errno. Sending fails with
 * -EPIPE from then on.
 */
int wampbridge_end_sending(struct wampbridge *w);

/*
 * The next line, without its line feed but followed by a NUL byte; borrowed
 * until the next call of this function or the close. Waits at most timeout_ms
 * (0: not at all, negative: forever). 1 with a line, 0 when none came in time,
 * -EPIPE at the end of the connection (again at each further call),
 * -EMSGSIZE for a line over 16 MiB (nothing can follow it), or another
 * negative errno. Lines that have been read are returned before any error.
 */
int wampbridge_next_line(struct wampbridge *w, int timeout_ms, const char **ret_line,
			 size_t *ret_len);

/*
 * For one's own event loop. Wait for the events of poll(2) that
 * wampbridge_events() names: POLLIN, and POLLOUT while something waits to be
 * sent. When it is readable call wampbridge_next_line() with timeout 0 until
 * it returns 0: several lines come by one read, and those that are in the
 * buffer already make nothing readable. When it is writable call
 * wampbridge_flush() with timeout 0. The descriptor stays owned by the
 * connection; it may be made non-blocking, nothing here minds.
 */
int wampbridge_fd(const struct wampbridge *w);
short wampbridge_events(const struct wampbridge *w);

/* What a negative errno of this library means, in words; never freed. */
const char *wampbridge_strerror(int error);

/* The version of the library that runs, as "0.1.0"; never freed. */
const char *wampbridge_version(void);

#ifdef __cplusplus
}
#endif

#endif
