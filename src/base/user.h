/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who pays
 *
 * Each local program acts for a Unix user; what it makes the daemon hold is
 * charged to that user, and refunded when the thing is freed. A struct user
 * lives while something is charged to it. Accounting starts with the first
 * connection that is accepted, so that a limit needs no new bookkeeping.
 */

#include "base/list.h"
#include "base/map.h"

#include <sys/types.h>

/* What may be told once a second; all zero: never yet. */
struct throttle {
	uint64_t told_ms; /* when it was told last */
	uint32_t n_untold;
};

struct user {
	struct map_node node;
	struct users *users;
	uid_t uid;
	uint32_t n_refs;
	uint64_t charged[2]; /* by enum user_slot */

	/* of who admits connections: */
	struct list recent; /* keeps the record for the second in which the user connected */
	uint64_t second_ms; /* when that began */
	uint32_t n_second;  /* connections in it */

	/* of who writes the log: */
	struct throttle refusals, cuts;

	/* of who shares turns: */
	uint64_t turn;	 /* the last one in which something was done for the user */
	uint32_t n_work; /* in it */

	/* of who bounds memory: */
	struct list greedy; /* over the limit: looked at before the turn ends */
	uint64_t spared_ms; /* when nothing was found that could be cut */
};

enum user_slot {
	USER_CONNECTIONS, /* open local connections */
	USER_BYTES,	  /* bytes that wait in queues */
};

struct users {
	struct map map;
	uint64_t charged[2]; /* to all of them */
	uint64_t most[2];    /* that it has been; who looks at it may set it back */
};

/* What one thing costs; embedded in it. All zero: nothing is charged. */
struct charge {
	struct user *user;
	enum user_slot slot;
	uint64_t amount;
};

void users_init(struct users *users);

/* Every reference must be gone. */
void users_done(struct users *users);

/* A reference to the user's record, or NULL without memory. */
struct user *users_get(struct users *users, uid_t uid);
struct user *user_ref(struct user *user);

/* Takes NULL; returns NULL. */
struct user *user_unref(struct user *user);

/* Sets what c costs, replacing what it cost before; the slot and user are those of the first call.
 */
void charge_set(struct charge *c, struct user *user, enum user_slot slot, uint64_t amount);

/* Refunds all; harmless when nothing is charged. */
void charge_done(struct charge *c);
