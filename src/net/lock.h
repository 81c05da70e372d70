/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One process at a time makes the socket at a path
 *
 * Looking whether a socket is alive, removing a dead one and making a new one
 * are several steps; two daemons that took them at once would each remove what
 * the other has just made. So they are taken under a lock, a file beside the
 * socket that only its owner can open and that is gone afterwards. One that a
 * killed process left is free.
 */

#include "base/cleanup.h"

struct lock {
	char *path;
	int fd;
};

enum lock_outcome { LOCK_TAKEN = 1 /* another process holds it */ };

/* The lock of the socket at path; never waits. 0, LOCK_TAKEN or -errno. */
int lock_take(struct lock *ret, const char *path) MUST_CHECK;

/* Also for one that was not taken. */
void lock_release(struct lock *lock);
