/* SPDX-License-Identifier: MIT */

/*
 * What waits because of a user is bounded (protocol §10: user_memory)
 *
 * Charged to a program's user: bytes it does not read, events that wait for
 * it, lines it has not ended, and what its open requests occupy. Over the
 * limit new work is refused with an error that names it; what comes from
 * outside and cannot be refused makes the user's biggest queue be cut off.
 *
 * Charges follow at the end of the turn, whose input is bounded, and there the
 * look at who is over is taken: nobody is in the middle of a line then.
 */

#include "hub/internal.h"

#include <stdio.h>

/* A queue below this is no reason to cut anybody off. */
#define MEMORY_MIN_QUEUE 65536u

/* What an open id and what hangs at it occupy, beside texts. */
#define MEMORY_PER_ID	      384u
#define MEMORY_PER_INVOCATION 192u

/* A watch makes a session line at each change of a state, and one user may have very many. */
#define MEMORY_PER_WATCH 4096u

static size_t memory_queue(const struct program *p)
{
	return p->peer.n_undrained + p->n_queued_bytes + buf_len(&p->peer.in.kept) +
	       buf_len(&p->peer.held);
}

static size_t memory_of(const struct program *p)
{
	const struct peer *peer = &p->peer;
	/* Memory is what was taken from the allocator: buffers grow by doubling. */
	size_t slack = outq_slack(&peer->out) + peer->in.kept.cap - buf_len(&peer->in.kept) +
		       peer->held.cap - buf_len(&peer->held);

	/* Freed before the turn ends, also what is on its way to the kernel. */
	if (peer->state == PEER_GONE)
		return 0;
	return memory_queue(p) + slack + p->n_owned_bytes + p->peer.ids.count * MEMORY_PER_ID +
	       p->n_invocations * MEMORY_PER_INVOCATION + p->n_watches * MEMORY_PER_WATCH;
}

void memory_update(struct program *p)
{
	struct hub *hub = p->hub;
	struct user *user = p->memory.user;

	charge_set(&p->memory, user, USER_BYTES, memory_of(p));
	if (user->charged[USER_BYTES] > hub->config.limits.user_memory &&
	    !list_is_linked(&user->greedy))
		list_append(&hub->greedy_users, &user->greedy);
}

void memory_add(struct program *p, size_t n)
{
	charge_set(&p->memory, p->memory.user, USER_BYTES, p->memory.amount + n);
}

bool memory_is_spent(const struct program *p)
{
	return p->memory.user->charged[USER_BYTES] >= p->hub->config.limits.user_memory;
}

bool memory_refuses(struct program *p, const struct request *r)
{
	bool is_work = r->op == OP_CALL || r->op == OP_PUBLISH || r->op == OP_REGISTER ||
		       r->op == OP_SUBSCRIBE || r->op == OP_WATCH;

	if (!is_work || !memory_is_spent(p))
		return false;
	reply_limit(&p->peer, reply_to_request(r), ERROR_QUOTA_EXCEEDED, "user_memory",
		    p->hub->config.limits.user_memory);
	return true;
}

/* The user's program with the biggest queue, or NULL if none is worth a cut. */
static struct program *memory_find_biggest(struct hub *hub, const struct user *user)
{
	struct program *biggest = NULL;

	list_for_each (i, &hub->programs) {
		struct program *p = CONTAINER_OF(i, struct program, node);

		if (p->memory.user == user && p->peer.state != PEER_GONE &&
		    (!biggest || memory_queue(p) > memory_queue(biggest)))
			biggest = p;
	}
	return biggest && memory_queue(biggest) >= MEMORY_MIN_QUEUE ? biggest : NULL;
}

/* What is not on its way yet is forgotten, so that the memory is free at once. */
static void memory_cut_off(struct program *p)
{
	size_t n = memory_queue(p);
	char why[120];

	snprintf(why, sizeof(why),
		 "waiting, the biggest queue of a user that is over its user_memory of %zu",
		 p->hub->config.limits.user_memory);
	peer_drop_output(&p->peer);
	peer_drop_input(&p->peer);
	program_cut_off(p, HUB_EVENT_QUOTA_HIT, n, why);
}

/* Who has its bye and is still the biggest does not even read that. */
static void memory_end(struct program *p)
{
	peer_drop_output(&p->peer);
	p->peer.state = PEER_GONE;
	program_mark_dirty(p);
}

static void memory_enforce(struct hub *hub, struct user *user)
{
	struct program *biggest;

	/* That nothing can be cut is not found out more than once in a while. */
	if (user->spared_ms == hub->now_ms)
		return;
	while (user->charged[USER_BYTES] > hub->config.limits.user_memory) {
		biggest = memory_find_biggest(hub, user);
		if (!biggest) {
			user->spared_ms = hub->now_ms;
			return;
		}
		if (biggest->peer.state == PEER_LEAVING)
			memory_end(biggest);
		else
			memory_cut_off(biggest);
		memory_update(biggest);
	}
}

uint64_t hub_waiting_bytes(const struct hub *hub)
{
	return hub->users.charged[USER_BYTES];
}

uint64_t hub_take_freed(struct hub *hub, uint64_t n)
{
	uint64_t now = hub->users.charged[USER_BYTES];
	uint64_t freed = hub->users.most[USER_BYTES] - now;

	if (freed < n)
		return 0;
	hub->users.most[USER_BYTES] = now;
	return freed;
}

void memory_enforce_all(struct hub *hub)
{
	struct user *user;

	while ((user = list_first(&hub->greedy_users, struct user, greedy))) {
		list_unlink(&user->greedy);
		memory_enforce(hub, user);
	}
}
