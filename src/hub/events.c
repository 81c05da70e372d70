/* SPDX-License-Identifier: MIT */

/*
 * Events on their way to local programs (protocol §8)
 *
 * An EVENT is composed once: a short head for each subscription, and a tail
 * that all share. Happy path: each subscription is given it at once (ring.c),
 * but those of the program that published it (subscriber.c).
 * Failure mode: a topic has so many subscriptions, or events are so many, that
 * the loop would stand still. A turn has HUB_TURN_DELIVERIES; what is left of
 * an event waits in the link, and those behind it in their order, while the
 * router is not read and publishers on the router in this process are held.
 */

#include "hub/internal.h"

#include "base/mem.h"

/* Memory that is kept to compose the next one in: one long event must not cost its own for ever. */
#define EVENTS_KEEP_TAIL 65536u

static void event_compose(struct buf *b, const struct want *w, const struct wamp_msg *msg)
{
	buf_clear(b);
	emit_literal(b, "\"topic\":");
	emit_text(b, w->key.uri);
	emit_literal(b, ",\"publication\":");
	emit_u64(b, msg->publication);
	payload_write(b, msg);
	emit_literal(b, "}\n");
}

void event_give(struct handle *h, uint64_t number, struct event_text *text)
{
	if (h->told != HANDLE_ACTIVE || h->since >= number)
		return;
	if (text->gap)
		ring_gap(h, 1, text->gap);
	else
		ring_give(h, text);
	program_mark_dirty(h->program);
}

/* Composed, or why not. */
static struct event_text event_text(struct hub *hub, const struct want *w,
				    const struct session_event *event)
{
	if (event->undecodable || event->msg.args.type == SCAN_STRING)
		return (struct event_text){.gap = "undecodable"};
	event_compose(&hub->tail, w, &event->msg);
	/* Without memory for it the event is lost to all, and they are told. */
	if (hub->tail.error)
		return (struct event_text){.gap = "overflow"};
	return (struct event_text){.bytes = buf_bytes(&hub->tail)};
}

/* ---- one event, to all that there are ---- */

static struct handle *event_after(const struct handle *h)
{
	const struct want *w = h->want;

	return h->of_want.next == &w->handles
		       ? NULL
		       : CONTAINER_OF(h->of_want.next, struct handle, of_want);
}

/* Goes on with the event, as far as n_turn allows. Whether all have been given it. */
static bool delivery_go_on(struct delivery *d, size_t *n_turn)
{
	while (d->next && *n_turn) {
		struct handle *h = d->next;

		d->next = event_after(h);
		--*n_turn;
		if (h->subscriber != d->except &&
		    !subscriber_hold(h->subscriber, d->number, d->publication, &d->text))
			event_give(h, d->number, &d->text);
	}
	return !d->next;
}

static struct delivery *delivery_free(struct delivery *d)
{
	d->link->n_deliveries--;
	d->link->hub->n_deliveries--;
	list_unlink(&d->node);
	block_unref(d->text.block);
	return mem_free(d);
}

static void events_go_on(struct link *l, size_t *n_turn)
{
	struct delivery *d;

	while ((d = list_first(&l->deliveries, struct delivery, node)) && delivery_go_on(d, n_turn))
		delivery_free(d);
	if (l->n_deliveries < LINK_MAX_DELIVERIES)
		link_wake_publishers(l);
}

/* What is left of the event waits. Without memory for that it cannot. */
static void delivery_wait(struct delivery *d)
{
	struct delivery *copy = mem_alloc(sizeof(*copy));
	size_t all = SIZE_MAX;

	if (!d->text.gap && !d->text.block)
		d->text.block = block_new(d->text.bytes, SLICE_NONE);
	if (!copy || (!d->text.gap && !d->text.block)) {
		mem_free(copy);
		/* Behind those that wait already. */
		events_go_on(d->link, &all);
		all = SIZE_MAX;
		(void)delivery_go_on(d, &all);
		return;
	}
	*copy = *d;
	if (copy->text.block)
		copy->text.bytes = block_bytes(block_ref(copy->text.block));
	list_init(&copy->node);
	list_append(&d->link->deliveries, &copy->node);
	d->link->n_deliveries++;
	d->link->hub->n_deliveries++;
}

/* The publication whose EVENT this is has done its work. */
static const struct subscriber *event_take_own(const struct want *w, uint64_t publication)
{
	struct publication *own = publish_find_own(w, publication);
	const struct subscriber *s = own ? own->subscriber : NULL;

	if (own)
		publish_free(own);
	return s;
}

void events_deliver(struct link *l, const struct session_event *event)
{
	struct want *w = want_find_id(l, WANT_SUBSCRIPTION, event->msg.id);
	struct hub *hub = l->hub;
	struct delivery d = {
		.link = l, .number = ++hub->sequence, .publication = event->msg.publication};

	/* Between UNSUBSCRIBE and UNSUBSCRIBED events nobody wants are normal. */
	if (!w || !w->n_handles)
		return;
	d.want = w;
	d.next = list_first(&w->handles, struct handle, of_want);
	d.except = event_take_own(w, d.publication);
	d.text = event_text(hub, w, event);
	hub->n_quarters += w->n_handles;
	if (l->n_deliveries || !delivery_go_on(&d, &hub->n_turn))
		delivery_wait(&d);
	block_unref(d.text.block);
	buf_clear_to(&hub->tail, EVENTS_KEEP_TAIL);
}

/* ---- those that wait ---- */

bool events_exclude(const struct subscriber *s, uint64_t publication)
{
	list_for_each (i, &s->want->link->deliveries) {
		struct delivery *d = CONTAINER_OF(i, struct delivery, node);

		if (d->want != s->want || d->publication != publication)
			continue;
		d->except = s;
		return true;
	}
	return false;
}

void events_forget(const struct handle *h)
{
	list_for_each (i, &h->want->link->deliveries) {
		struct delivery *d = CONTAINER_OF(i, struct delivery, node);

		if (d->next == h)
			d->next = event_after(h);
		if (!d->next)
			d->want = NULL;
	}
}

void events_drop_all(struct link *l)
{
	list_for_each_safe (i, &l->deliveries)
		delivery_free(CONTAINER_OF(i, struct delivery, node));
	link_wake_publishers(l);
}

/* Each link has its part: the events of one router must not keep those of another waiting. */
bool hub_deliver(struct hub *hub)
{
	size_t n_links = 0, before = hub->n_turn, share;

	if (!hub->n_deliveries || !hub->n_turn)
		return false;
	list_for_each (i, &hub->links)
		n_links += CONTAINER_OF(i, struct link, node)->n_deliveries != 0;
	share = hub->n_turn / n_links + 1;
	list_for_each (i, &hub->links) {
		struct link *l = CONTAINER_OF(i, struct link, node);
		size_t n = share < hub->n_turn ? share : hub->n_turn;
		size_t left = n;

		if (l->n_deliveries)
			events_go_on(l, &left);
		hub->n_turn -= n - left;
	}
	return hub->n_turn != before;
}

bool hub_is_delivering(const struct hub *hub)
{
	return hub->n_deliveries != 0;
}

bool hub_link_wants_input(const struct link *l)
{
	return !l->n_deliveries;
}
