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
	/* Nearly always the first one is of this link. */
	list_for_each (i, &p->unsent)
		if (CONTAINER_OF(i, struct handle, unsent)->want->link == l)
			return true;
	return false;
}

static bool link_is_full(const struct link *l)
{
	return link_is_joined(l) && buf_len(&l->session.out) > LINK_HIGH_WATER;
}

/*
 * The router in this process cannot be left unread: who makes its events is held
 * instead, whichever of its sessions they are for.
 */
static bool link_is_delivering(const struct link *l)
{
	if (!l->config.embedded)
		return false;
	list_for_each (i, &l->hub->links) {
		const struct link *other = CONTAINER_OF(i, struct link, node);

		if (other->config.embedded && other->n_deliveries >= LINK_MAX_DELIVERIES)
			return true;
	}
	return false;
}

static void link_hold(struct link *l, struct program *p, enum hold reason)
{
	peer_hold(&p->peer);
	p->held_for = reason;
	list_unlink(&p->blocked);
	list_append(&l->blocked, &p->blocked);
	if (reason == HOLD_FOR_ORDER && !l->hold.due.is_set)
		hub_timer_set(l->hub, &l->hold, l->hub->now_ms + LINK_HOLD_MS);
}

bool link_holds_for_room(struct link *l, struct program *p)
{
	if (!link_is_full(l))
		return false;
	link_hold(l, p, HOLD_FOR_ROOM);
	return true;
}

bool link_holds(struct link *l, struct program *p, enum op op)
{
	if (link_holds_for_room(l, p))
		return true;
	if (op == OP_PUBLISH && link_is_delivering(l)) {
		link_hold(l, p, HOLD_FOR_EVENTS);
		return true;
	}
	if (!link_is_joined(l) || !link_has_unsent(l, p))
		return false;
	link_hold(l, p, HOLD_FOR_ORDER);
	return true;
}

/* Whether what the program was held for is still so. */
static bool link_still_holds(const struct link *l, const struct program *p)
{
	if (!link_is_joined(l))
		return false;
	switch (p->held_for) {
	case HOLD_FOR_ROOM:
		return buf_len(&l->session.out) >= LINK_LOW_WATER;
	case HOLD_FOR_ORDER:
		return link_has_unsent(l, p);
	case HOLD_FOR_EVENTS:
		return link_is_delivering(l);
	}
	return false;
}

void link_wake_blocked(struct link *l)
{
	list_for_each_safe (i, &l->blocked) {
		struct program *p = CONTAINER_OF(i, struct program, blocked);

		if (link_still_holds(l, p))
			continue;
		list_unlink(i);
		if (!list_is_linked(&p->ready))
			list_append(&l->hub->ready_programs, &p->ready);
	}
}

void link_wake_publishers(struct link *l)
{
	if (!l->config.embedded)
		return;
	list_for_each (i, &l->hub->links) {
		struct link *other = CONTAINER_OF(i, struct link, node);

		if (other->config.embedded)
			link_wake_blocked(other);
	}
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
	link_wake_blocked(l);
}
