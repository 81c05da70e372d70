/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The Unix socket that local programs connect to
 *
 * A socket file that a dead daemon left is replaced; one that a live daemon
 * listens on is refused. Of two that start at once one wins, and the other is
 * refused. The file is unlinked at the end only if this process made it and it
 * still is the same file.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

/*
 * At most so many connections are accepted in one turn of the loop (protocol
 * §10), so that a crowd at the door does not keep those inside waiting.
 */
#define LISTENER_MAX_ACCEPTS 64

/* What fits struct sockaddr_un with its NUL. */
#define LISTENER_MAX_PATH 107

/* Of the socket's directory, if it has to be made. */
#define LISTENER_DIRECTORY_MODE 0755

struct listener {
	uv_pipe_t pipe;
	char *path;
	dev_t dev;
	ino_t ino;
	void (*on_connection)(struct listener *listener); /* call stream_accept(&l->pipe) */
	void (*on_closed)(struct listener *listener);
	bool closing;
	unsigned n_accepted; /* in this turn */
	bool is_waiting;     /* one more is at the door, and accepting has stopped for it */
};

enum listener_outcome {
	LISTENER_IN_USE = 1, /* a live daemon answers there, or is about to */
};

/*
 * Makes the socket at path, and its directory if that is missing; their modes
 * are as given whatever the umask is. group: (gid_t)-1 for the process' own. 0,
 * LISTENER_IN_USE, or -errno: -ENAMETOOLONG for a path over LISTENER_MAX_PATH,
 * -EINVAL for an empty one, -EEXIST where something else than a socket is.
 */
int listener_open(struct listener *listener, uv_loop_t *loop, const char *path, mode_t mode,
		  gid_t group, void (*on_connection)(struct listener *listener)) MUST_CHECK;

/*
 * Takes a listening socket that somebody else made and keeps: its file is
 * never unlinked. The descriptor is taken, also on failure. 0 or -errno.
 */
int listener_adopt(struct listener *listener, uv_loop_t *loop, int fd,
		   void (*on_connection)(struct listener *listener)) MUST_CHECK;

/* A new turn of the loop begins: so many may be accepted anew. */
void listener_begin_turn(struct listener *listener);

/* Accepts who waits at the door, if somebody does. */
void listener_go_on(struct listener *listener);

/* Stops accepting and unlinks the file; on_closed (may be NULL) comes when the handle is gone. */
void listener_close(struct listener *listener, void (*on_closed)(struct listener *listener));
