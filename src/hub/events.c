/* SPDX-License-Identifier: MIT */

/*
 * Events on their way to local programs (protocol §8)
 *
 * An EVENT is composed once: a short head for each subscription, and a tail
 * that all share. Happy path: each subscription is given it (ring.c), but those
 * of the program that published it (subscriber.c).
 */

#include "hub/internal.h"

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

void events_deliver(struct link *l, const struct session_event *event)
{
	uint64_t number = ++l->hub->sequence, publication = event->msg.publication;
	struct want *w = want_find_id(l, WANT_SUBSCRIPTION, event->msg.id);
	struct publication *own;
	struct event_text text;

	/* Between UNSUBSCRIBE and UNSUBSCRIBED events nobody wants are normal. */
	if (!w)
		return;
	own = publish_find_own(w, publication);
	text = event_text(l->hub, w, event);
	list_for_each (i, &w->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_want);

		l->hub->n_quarters++;
		if ((!own || h->subscriber != own->subscriber) &&
		    !subscriber_hold(h->subscriber, number, publication, &text))
			event_give(h, number, &text);
	}
	block_unref(text.block);
	buf_clear_to(&l->hub->tail, EVENTS_KEEP_TAIL);
	if (own)
		publish_free(own);
}
