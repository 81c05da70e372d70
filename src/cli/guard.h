/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Nothing that wampctl started outlives it, however it ends
 *
 * A small process of its own that waits for the end of wampctl, which it sees at a
 * pipe, also when that was killed. Then it ends what is left: the process groups
 * that it was told of, and every process that has the guard's mark in its
 * environment (such as one that was just being started): SIGTERM, and after a while
 * SIGKILL.
 */

#include "base/cleanup.h"

#include <sys/types.h>

/* The variable that marks what is guarded; its value is another one for each wampctl. */
#define GUARD_VARIABLE "WAMPCTL_GUARD"

/* Between SIGTERM and SIGKILL. */
#define GUARD_KILL_MS 2000

struct guard {
	int fd;
	pid_t pid;
};

/* Sets the variable and starts the process. 0 or -errno. */
int guard_start(struct guard *ret) MUST_CHECK;

/* The leader of a new process group is there; or it has ended, and its group may be left. */
void guard_add(const struct guard *guard, pid_t leader);
void guard_remove(const struct guard *guard, pid_t leader);

/* Ends what is left and waits for that. */
void guard_stop(struct guard *guard);
