/* SPDX-License-Identifier: MIT */
#ifndef WAMPBRIDGE_H
#define WAMPBRIDGE_H

/*
 * libwampbridge: a connection to wampbridged
 *
 * One connection carries lines both ways, one JSON object each; what they say
 * is in wampbridge-protocol(7). The library frames, waits and reports; it
 * does not interpret. An object is used by one thread at a time.
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
 * -ENAMETOOLONG, -ENOMEM.
 */
int wampbridge_connect(struct wampbridge **ret, const char *path);

/* Closes and frees. Takes NULL. */
void wampbridge_close(struct wampbridge *w);

/* The path that this connection uses. */
const char *wampbridge_path(const struct wampbridge *w);

/*
 * Sends one line of len bytes; the line feed is added. Blocks while the daemon
 * does not read. 0, -EPIPE when the daemon is gone, -EINVAL for a line that
 * holds a line feed (nothing is sent then), or another negative errno.
 */
int wampbridge_send(struct wampbridge *w, const char *line, size_t len);

/*
 * The next line, without its line feed but followed by a NUL byte; borrowed
 * until the next call or the close. Waits at most timeout_ms (0: not at all,
 * negative: forever). 1 with a line, 0 when none came in time, -EPIPE at the
 * end of the connection, -EMSGSIZE for a line over 16 MiB (nothing can follow
 * it), or another negative errno.
 */
int wampbridge_next_line(struct wampbridge *w, int timeout_ms, const char **ret_line,
			 size_t *ret_len);

/*
 * For one's own event loop: when it is readable, call wampbridge_next_line()
 * with timeout 0 until it returns 0. Stays owned by the connection.
 */
int wampbridge_fd(const struct wampbridge *w);

/* What a negative errno of this library means, in words; borrowed as from strerror(3). */
const char *wampbridge_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
