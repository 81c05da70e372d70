/* SPDX-License-Identifier: MIT */

/*
 * Requests that the router has not answered
 *
 * Found by request id in O(1), kept in the order in which they were sent, each
 * with its own deadline. What waits embeds a struct pending.
 *
 * Happy path: the time that the router has for an answer begins when the
 * request is queued. Failure mode: it is long itself, or behind something long,
 * and the line is slow. Then its time begins when it has left this machine, and
 * until then the router must only go on taking bytes.
 */

#include "hub/internal.h"

#include "base/mem.h"

/* A request with so much before it, itself included, may take its time to leave. */
#define PENDING_BEHIND 65536u

/* How often is looked whether it has left. */
#define PENDING_LOOK_MS 1000

static uint64_t pending_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A call's timeout is its caller's, and bounds all of it (§6). */
static bool pending_is_behind(const struct link *l, enum pending_kind kind)
{
	return kind != PENDING_CALL && buf_len(&l->session.out) + l->n_unsent >= PENDING_BEHIND;
}

/* NULL without memory: then its time begins at once, as that of any other. */
static struct pending_upload *pending_upload_new(const struct link *l, uint64_t timeout_ms)
{
	struct pending_upload *upload = mem_alloc(sizeof(*upload));

	if (upload)
		*upload = (struct pending_upload){
			.timeout_ms = timeout_ms,
			.end = l->n_sent,
			.taken = link_taken(l),
			.taken_ms = l->hub->now_ms,
		};
	return upload;
}

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
	if (timeout_ms && pending_is_behind(l, kind))
		p->upload = pending_upload_new(l, timeout_ms);
	if (p->upload)
		timeout_ms = pending_min(timeout_ms, PENDING_LOOK_MS);
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
	p->upload = mem_free(p->upload);
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

/* Whether the router's time has only begun, or has not yet; then the timer is set anew. */
static bool pending_is_early(struct pending *p)
{
	struct hub *hub = p->link->hub;
	struct pending_upload *upload = p->upload;
	uint64_t taken = link_taken(p->link), next;

	if (!upload)
		return false;
	if (taken > upload->taken) {
		upload->taken = taken;
		upload->taken_ms = hub->now_ms;
	}
	if (taken >= upload->end) {
		next = upload->timeout_ms;
		p->upload = mem_free(upload);
	} else if (hub->now_ms - upload->taken_ms < upload->timeout_ms) {
		next = pending_min(upload->timeout_ms, PENDING_LOOK_MS);
	} else {
		return false;
	}
	hub_timer_set(hub, &p->timer, hub->now_ms + next);
	return true;
}

void pending_on_timer(struct pending *p)
{
	if (pending_is_early(p))
		return;
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
