/* SPDX-License-Identifier: MIT */

/*
 * Programs that wait for a link: for room in what is outbound, or for their
 * own registrations to be told first (protocol §10, §11.1)
 *
 * Who is held keeps its line and joins the link's list, woken first in, first
 * out. Nobody waits for what others asked for, and nobody for ever.
 */

#include "hub/internal.h"

/* Whether the program has asked for something that the router has not been told yet. */
static bool link_has_unsent(const struct link *l, const struct program *p)
{
	if (list_is_empty(&l->to_send) || l->is_impatient)
		return false;
	list_for_each (i, &p->handles) {
		const struct want *w = CONTAINER_OF(i, struct handle, of_program)->want;

		if (w->link == l && list_is_linked(&w->queue))
			return true;
	}
	return false;
}

bool link_is_congested(const struct link *l, const struct program *p)
{
	if (l->state != LINK_JOINED)
		return false;
	return buf_len(&l->session.out) > LINK_HIGH_WATER || link_has_unsent(l, p);
}

void link_wake_blocked(struct link *l)
{
	list_for_each_safe (i, &l->blocked) {
		struct program *p = CONTAINER_OF(i, struct program, blocked);

		if (link_is_congested(l, p))
			continue;
		list_unlink(i);
		if (!list_is_linked(&p->ready))
			list_append(&l->hub->ready_programs, &p->ready);
	}
}

void link_block(struct link *l, struct program *p)
{
	list_unlink(&p->blocked);
	list_append(&l->blocked, &p->blocked);
	if (!list_is_empty(&l->to_send) && !l->hold.due.is_set)
		hub_timer_set(l->hub, &l->hold, l->hub->now_ms + LINK_HOLD_MS);
}

void link_on_hold_timer(struct link *l)
{
	l->is_impatient = true;
	hub_link_drained(l);
}

void hub_link_drained(struct link *l)
{
	if (list_is_empty(&l->to_send)) {
		l->is_impatient = false;
		hub_timer_stop(l->hub, &l->hold);
	}
	if (buf_len(&l->session.out) < LINK_LOW_WATER)
		link_wake_blocked(l);
}
