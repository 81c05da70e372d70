/* SPDX-License-Identifier: MIT */

/*
 * The orderly end (protocol §12)
 *
 * RUNNING ─► DRAINING: nothing new; handlers that run may finish, within
 * shutdown_timeout ─► LEAVING: GOODBYE to every router ─► OVER: bye to every
 * program.
 */

#include "hub/internal.h"

bool drain_refuses(const struct program *p, const struct request *r)
{
	if (p->hub->drain == HUB_RUNNING)
		return false;
	switch (r->op) {
	case OP_CALL:
	case OP_PUBLISH:
		/* A running handler may need them to finish. */
		return p->hub->drain != HUB_DRAINING || !p->n_invocations;
	case OP_REGISTER:
	case OP_SUBSCRIBE:
		return true;
	case OP_HELLO:
	case OP_RESULT:
	case OP_ERROR:
	case OP_UNREGISTER:
	case OP_UNSUBSCRIBE:
	case OP_WATCH:
	case OP_UNWATCH:
	case OP_PING:
	case OP_STATUS:
	case OP_LIST:
	case OP_BYE:
	case OP_COUNT:
		return false;
	}
	return false;
}

static void drain_drop_handles(struct program *p)
{
	list_for_each_safe (i, &p->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_program);
		struct want *w = h->want;

		if (h->told == HANDLE_UNANSWERED)
			reply_error(&p->peer, reply_to_id(&h->id), ERROR_SHUTTING_DOWN,
				    "daemon is stopping");
		handle_free(h);
		want_update(w);
	}
}

void hub_drain(struct hub *hub)
{
	if (hub->drain != HUB_RUNNING)
		return;
	hub_timer_set(hub, &hub->drain_timer, hub->now_ms + hub->config.shutdown_timeout_ms);
	list_for_each (i, &hub->programs) {
		struct program *p = CONTAINER_OF(i, struct program, node);

		drain_drop_handles(p);
		program_mark_dirty(p);
	}
	hub->drain = HUB_DRAINING;
	drain_advance(hub);
}

static bool drain_may_leave(const struct hub *hub)
{
	if (hub->now_ms >= hub->drain_timer.due.at_ms && !hub->drain_timer.due.is_set)
		return true;
	list_for_each (i, &hub->links)
		if (!list_is_empty(&CONTAINER_OF(i, struct link, node)->to_send))
			return false;
	return !hub->n_calls && !hub->n_invocations;
}

static bool drain_has_left(const struct hub *hub)
{
	list_for_each (i, &hub->links)
		if (CONTAINER_OF(i, struct link, node)->transport != TRANSPORT_NONE)
			return false;
	return true;
}

static void drain_say_bye(struct hub *hub)
{
	list_for_each (i, &hub->programs) {
		struct program *p = CONTAINER_OF(i, struct program, node);

		peer_bye(&p->peer, "shutting_down", true, "daemon is stopping");
		program_mark_dirty(p);
	}
}

void drain_advance(struct hub *hub)
{
	if (hub->drain == HUB_DRAINING && drain_may_leave(hub)) {
		hub->drain = HUB_LEAVING;
		hub_timer_stop(hub, &hub->drain_timer);
		list_for_each (i, &hub->links)
			link_leave(CONTAINER_OF(i, struct link, node));
	}
	if (hub->drain == HUB_LEAVING && drain_has_left(hub)) {
		hub->drain = HUB_DRAIN_OVER;
		drain_say_bye(hub);
	}
}

enum hub_drain_state hub_drain_state(const struct hub *hub)
{
	return hub->drain;
}
