/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The Unix socket that local programs connect to
 *
 * A socket file that a dead daemon left is replaced; one that a live daemon
 * listens on is refused. The file is unlinked at the end only if this process
 * made it and it still is the same file.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct listener {
	uv_pipe_t pipe;
	char *path;
	dev_t dev;
	ino_t ino;
	void (*on_connection)(struct listener *listener); /* call stream_accept(&l->pipe) */
	void (*on_closed)(struct listener *listener);
	bool closing;
};

enum listener_outcome {
	LISTENER_IN_USE = 1, /* a live daemon answers there */
};

/* 0, LISTENER_IN_USE, or -errno (-ENAMETOOLONG for a path over 107 bytes). */
int listener_open(struct listener *listener, uv_loop_t *loop, const char *path, mode_t mode,
		  void (*on_connection)(struct listener *listener)) MUST_CHECK;

/* Stops accepting and unlinks the file; on_closed (may be NULL) comes when the handle is gone. */
void listener_close(struct listener *listener, void (*on_closed)(struct listener *listener));
