/* SPDX-License-Identifier: MIT */

/*
 * What must hold between two inputs; the tests ask after every step
 */

#include "hub/internal.h"

#include <assert.h>

static size_t check_length(const struct list *l)
{
	size_t n = 0;

	list_for_each (i, l)
		n++;
	return n;
}

static void check_handle(const struct handle *h)
{
	size_t bytes = 0;

	assert(peer_id_is_open(&h->id));
	assert(!h->subscriber == (h->want->key.kind == WANT_REGISTRATION));
	assert(check_length(&h->queue) == h->n_queued);
	assert(h->n_queued <= h->program->peer.limits->subscription_queue + 1);
	list_for_each (i, &h->queue) {
		const struct queued *q = CONTAINER_OF(i, struct queued, of_handle);

		assert(q->handle == h);
		assert(list_is_linked(&q->of_program));
		bytes += sizeof(*q) + (q->tail ? q->tail->len : 0);
	}
	assert(bytes == h->n_queued_bytes);
}

/* What open things are charged for by their size. */
static size_t check_owned_bytes(const struct program *p)
{
	size_t n = 0;

	list_for_each (i, &p->calls)
		n += CONTAINER_OF(i, struct call, of_program)->n_procedure;
	list_for_each (i, &p->handles)
		n += handle_cost(CONTAINER_OF(i, struct handle, of_program)->want);
	return n + check_length(&p->publications) * PUBLICATION_COST;
}

static void check_unsent(const struct program *p)
{
	size_t n = 0;

	list_for_each (i, &p->handles) {
		const struct handle *h = CONTAINER_OF(i, struct handle, of_program);

		assert(list_is_linked(&h->unsent) == list_is_linked(&h->want->queue));
		n += list_is_linked(&h->unsent);
	}
	assert(check_length(&p->unsent) == n);
}

/* What is remembered of own publications has a bound, and an end. */
static void check_publications(const struct program *p)
{
	size_t n_unacknowledged = 0, n_remembered = 0;

	list_for_each (i, &p->publications) {
		const struct publication *pub = CONTAINER_OF(i, struct publication, of_program);

		assert(pub->pending.link || pub->timer.due.is_set);
		assert(pub->by_id.linked == list_is_linked(&pub->remembered));
		n_unacknowledged += pub->pending.link != NULL;
		n_remembered += list_is_linked(&pub->remembered);
	}
	assert(n_unacknowledged == p->n_unacknowledged && n_remembered == p->n_remembered);
	assert(n_unacknowledged <= PUBLISH_MAX_UNACKNOWLEDGED);
	assert(n_remembered <= PUBLISH_MAX_REMEMBERED);
}

static void check_program(const struct program *p)
{
	const struct peer *peer = &p->peer;
	size_t n_handles = check_length(&p->handles);

	check_unsent(p);
	list_for_each (i, &p->handles)
		check_handle(CONTAINER_OF(i, struct handle, of_program));
	list_for_each (i, &p->calls) {
		const struct call *c = CONTAINER_OF(i, struct call, of_program);

		/* Every open call waits at a joined session for exactly one answer. */
		assert(peer_id_is_open(&c->id) && c->pending.link);
		assert(c->pending.node.linked);
	}
	assert(check_owned_bytes(p) == p->n_owned_bytes);
	assert(p->memory.user && p->memory.amount <= p->memory.user->charged[USER_BYTES]);
	assert(check_length(&p->invocations) == p->n_invocations);
	assert(p->by_inv.count == p->n_invocations);
	assert(n_handles == (size_t)peer->n_registrations + peer->n_subscriptions);
	assert(p->by_want.count <= peer->n_subscriptions);
	check_publications(p);
	assert(peer->ids.count == n_handles + peer->n_requests + check_length(&p->watches));
	assert(peer->n_undrained >= outq_len(&peer->out));
	assert(peer->n_requests <= peer->limits->max_inflight);
	assert(p->n_invocations <= peer->limits->max_inflight);
}

static void check_want(const struct want *w)
{
	const struct link *l = w->link;
	bool joined = link_is_joined(l);

	assert(check_length(&w->handles) == w->n_handles);
	assert(w->by_id.linked == (w->id != 0));
	assert(joined || w->state == WANT_ABSENT || l->state == LINK_CLOSING);
	assert(w->state != WANT_ACTIVE || w->id);
	/* A want that nobody has is being undone, or waited for. */
	if (!w->n_handles && joined)
		assert(w->state != WANT_ACTIVE || list_is_linked(&w->queue) || w->retry.due.is_set);
	if (w->key.kind == WANT_REGISTRATION)
		assert(w->n_handles <= 1);
	if (!w->n_handles)
		return;
	/* Wanted and joined: the router has it, is asked, will be asked, or refused it. */
	if (joined)
		assert(w->state != WANT_ABSENT || list_is_linked(&w->queue) || w->failed ||
		       w->retry.due.is_set || l->n_unanswered >= LINK_MAX_UNANSWERED);
}

static void check_deliveries(const struct link *l)
{
	assert(check_length(&l->deliveries) == l->n_deliveries);
	list_for_each (i, &l->deliveries) {
		const struct delivery *d = CONTAINER_OF(i, struct delivery, node);

		assert(d->link == l && (!d->next || d->next->want == d->want));
	}
}

static void check_link(const struct link *l)
{
	size_t counted = 0;

	list_for_each (i, &l->wants)
		check_want(CONTAINER_OF(i, struct want, node));
	list_for_each (i, &l->pending) {
		const struct pending *p = CONTAINER_OF(i, struct pending, order);

		assert(p->link == l && p->node.linked);
		if (p->kind == PENDING_ASK)
			counted += !list_is_linked(&CONTAINER_OF(p, struct ask, pending)->late);
	}
	assert(counted == l->n_unanswered);
	check_deliveries(l);
	assert(check_length(&l->late) == l->n_late && l->n_late <= LINK_MAX_LATE);
	assert(!link_is_joined(l) || l->session.state == SESSION_JOINED);
	assert(l->n_unanswered <= LINK_MAX_UNANSWERED + 8);
	assert(check_length(&l->pending) == l->requests.count);
	assert(link_is_joined(l) || l->state == LINK_CLOSING || list_is_empty(&l->pending));
	assert(link_is_joined(l) || l->state == LINK_CLOSING || list_is_empty(&l->invocations));
	/* A link that is not joined has an attempt running, one planned, or a transport ending. */
	if (!link_is_joined(l) && l->state != LINK_CLOSING && l->hub->drain == HUB_RUNNING)
		assert(l->timer.due.is_set || l->transport != TRANSPORT_NONE || l->wish ||
		       !l->attempt || l->has_given_up);
}

void hub_check(const struct hub *hub)
{
	size_t n_invocations = 0, n_calls = 0, n_admitted = 0;

	assert(check_length(&hub->programs) == hub->n_programs);
	list_for_each (i, &hub->programs) {
		const struct program *p = CONTAINER_OF(i, struct program, node);

		check_program(p);
		n_invocations += p->n_invocations;
		n_calls += check_length(&p->calls);
		n_admitted += p->is_admitted;
	}
	assert(n_invocations == hub->n_invocations);
	assert(n_calls == hub->n_calls);
	assert(n_admitted == hub->n_admitted);
	list_for_each (i, &hub->links)
		check_link(CONTAINER_OF(i, struct link, node));
}
