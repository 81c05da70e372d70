/* SPDX-License-Identifier: MIT */

/*
 * Requests that the router has not answered
 *
 * Found by request id in O(1), kept in the order in which they were sent, each
 * with its own deadline. What waits embeds a struct pending.
 */

#include "hub/internal.h"

void pending_start(struct pending *p, struct link *l, enum pending_kind kind, enum wamp_type type,
		   uint64_t request, uint64_t timeout_ms)
{
	p->kind = kind;
	p->type = type;
	p->link = l;
	p->request = request;
	p->timer.kind = TIMER_PENDING;
	map_insert(&l->requests, &p->node, map_hash_u64(request));
	list_append(&l->pending, &p->order);
	if (timeout_ms)
		hub_timer_set(l->hub, &p->timer, l->hub->now_ms + timeout_ms);
}

void pending_stop(struct pending *p)
{
	if (!p->link)
		return;
	hub_timer_stop(p->link->hub, &p->timer);
	map_remove(&p->link->requests, &p->node);
	list_unlink(&p->order);
	p->link = NULL;
}

struct pending *pending_find(struct link *l, uint64_t request)
{
	for (struct map_node *n = map_first(&l->requests, map_hash_u64(request)); n;
	     n = map_next(n)) {
		struct pending *p = CONTAINER_OF(n, struct pending, node);

		if (p->request == request)
			return p;
	}
	return NULL;
}

void pending_on_timer(struct pending *p)
{
	switch (p->kind) {
	case PENDING_CALL:
		calls_timeout(CONTAINER_OF(p, struct call, pending));
		return;
	case PENDING_ASK:
		want_ask_timeout(CONTAINER_OF(p, struct ask, pending));
		return;
	case PENDING_PUBLISH:
		publish_timeout(CONTAINER_OF(p, struct publication, pending));
		return;
	}
}
