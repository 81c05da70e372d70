/* SPDX-License-Identifier: MIT */

/*
 * Fair shares: no user makes another one wait for long
 *
 * A connection has its bound of lines a turn, but a user may have thousands of
 * connections. So work is also counted for each user, and what is over its
 * share waits, unread or kept, until everybody else had a turn.
 */

#include "hub/internal.h"

/* Read at once for a user who holds a quarter of what it may: lines still come through. */
#define SHARE_SMALL_READ 16384u

/* An event costs about a quarter of what a line costs, and so do 256 bytes composed. */
#define SHARE_QUARTERS 4

void hub_begin_turn(struct hub *hub)
{
	hub->turn++;
	hub->n_turn = hub->max_turn;
}

bool hub_has_turn(const struct hub *hub, const struct peer *peer)
{
	const struct user *user = peer->charge.user;

	if (hub->users.map.count <= 1 || user->turn != hub->turn)
		return true;
	return user->n_work < HUB_TURN_WORK;
}

void share_begin_request(struct program *p)
{
	p->n_said = p->peer.n_undrained;
	p->hub->n_quarters = 0;
}

void hub_end_request(struct hub *hub, struct peer *peer)
{
	struct program *p = program_of(peer);
	size_t said = peer->n_undrained > p->n_said ? peer->n_undrained - p->n_said : 0;
	struct user *user = peer->charge.user;

	if (user->turn != hub->turn) {
		user->turn = hub->turn;
		user->n_work = 0;
	}
	user->n_work += 1 + (uint32_t)((peer->line.len + said) >> 10) +
			(uint32_t)(hub->n_quarters / SHARE_QUARTERS);
}

size_t hub_read_size(const struct hub *hub, const struct peer *peer, size_t most)
{
	const struct user *user = peer->charge.user;

	if (user->charged[USER_BYTES] < hub->config.limits.user_memory / 4)
		return most;
	return most < SHARE_SMALL_READ ? most : SHARE_SMALL_READ;
}
