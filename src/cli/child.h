/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A command that runs for one invocation
 *
 * Input in, output out, how it ended. A child belongs to its set and frees
 * itself when its process is gone and its handles are closed; the set must
 * outlive the loop's run.
 */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/list.h"

#include <uv.h>

/* Output over this ends the child. */
#define CHILD_MAX_OUTPUT (16u << 20)

/* Between TERM and KILL. */
#define CHILD_KILL_MS 2000

enum child_end {
	CHILD_EXITED,	/* with c->code */
	CHILD_SIGNALED, /* by c->code */
	CHILD_TOO_MUCH, /* it printed more than CHILD_MAX_OUTPUT */
};

struct child;

/* Told once, when the output is complete or too much; not at all after child_stop(). */
typedef void child_end_fn(struct child *c, enum child_end end);

struct guard;

struct child_set {
	uv_loop_t *loop;
	const struct guard *guard; /* told of each child; may be NULL */
	char **command;		   /* as given to exec, no shell */
	child_end_fn *on_end;
	void *data;
	struct list list;
	size_t n;
};

struct child {
	struct child_set *set;
	struct list node;
	uint64_t inv;
	int64_t code;
	struct buf input, output;
	/* private */
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t timer;
	uv_write_t write;
	int signal;
	int n_handles;
	bool ended, eof, is_over, stopping;
};

void child_set_init(struct child_set *set, uv_loop_t *loop, char **command, child_end_fn *on_end,
		    void *data);

/*
 * Starts a child with the signals' default actions and a process group of its
 * own; takes input over, which is written to its standard input and ended. 0,
 * or a negative errno when the command cannot be run.
 */
int child_start(struct child_set *set, uint64_t inv, struct buf *input,
		char **environment) MUST_CHECK;

/* Nobody waits for it any more: TERM to its group, KILL if that does not help. */
void child_stop(struct child *c);
void child_set_stop(struct child_set *set);
/* Stops the one that serves the invocation; false if there is none. */
bool child_set_interrupt(struct child_set *set, uint64_t inv);
