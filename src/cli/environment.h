/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a command that serves a procedure finds in its environment: what
 * wampctl itself has, and the variables of the contract of exec.
 */

#include "cli/cli.h"

#define ENVIRONMENT_MAX_OWN 6

struct environment {
	char **all; /* NULL behind the last; own ones first, the others are borrowed */
	char *own[ENVIRONMENT_MAX_OWN];
	size_t n_own;
};

/*
 * For one invocation. -ENOMEM, 0, or ENVIRONMENT_UNFIT for a value that a variable
 * cannot hold as it is, being too long or having a NUL in it: an authid that is cut
 * is somebody else's. environment_done() in any case. What was inherited of these
 * variables is dropped: it belonged to another call.
 */
enum environment_outcome { ENVIRONMENT_UNFIT = 1 };
int environment_init(struct environment *e, const char *procedure,
		     const struct cli_line *invocation, char *const *inherited) MUST_CHECK;
void environment_done(struct environment *e);
