/* SPDX-License-Identifier: MIT */

/*
 * A program's subscriptions of one topic, and its own publications there
 * (architecture: sharing one session)
 *
 * A program must not hear what it publishes itself, and WAMP excludes the
 * publishing session only. So the EVENT is recognised by its publication id,
 * which PUBLISHED tells; some routers send the EVENT first. Until then events
 * for this subscriber are held, each for OWN_HOLD_MS at most from when it came.
 *
 * Happy path: PUBLISHED, then EVENT: nothing is held at all. Failure modes:
 * EVENT first (held until PUBLISHED takes it out), no PUBLISHED in time (held
 * events are given, and the program may hear itself), a subscription that is
 * made in between (it takes part in what is held, but for what came before it).
 */

#include "hub/internal.h"

#include "base/mem.h"

/* An EVENT, or a gap, that a subscriber is not given yet. */
struct held {
	struct list node;
	uint64_t number; /* when it came, among events and publications */
	uint64_t since_ms;
	uint64_t publication;
	struct block *tail; /* NULL: a gap */
	const char *gap;
};

static size_t held_cost(const struct held *e)
{
	return sizeof(*e) + (e->tail ? e->tail->len : 0);
}

static void held_free(struct subscriber *s, struct held *e)
{
	s->n_held--;
	s->n_held_bytes -= held_cost(e);
	s->program->n_queued_bytes -= held_cost(e);
	list_unlink(&e->node);
	block_unref(e->tail);
	mem_free(e);
}

/* ---- life-cycle ---- */

struct subscriber *subscriber_find(const struct program *p, const struct want *w)
{
	struct map_node *n = map_first(&p->by_want, map_hash_u64((uintptr_t)w));

	for (; n; n = map_next(n))
		if (CONTAINER_OF(n, struct subscriber, by_want)->want == w)
			return CONTAINER_OF(n, struct subscriber, by_want);
	return NULL;
}

static struct subscriber *subscriber_new(struct program *p, struct want *w)
{
	struct subscriber *s = mem_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->program = p;
	s->want = w;
	s->timer.kind = TIMER_HELD;
	list_init(&s->handles);
	list_init(&s->unknown);
	list_init(&s->known);
	list_init(&s->held);
	map_insert(&p->by_want, &s->by_want, map_hash_u64((uintptr_t)w));
	return s;
}

bool subscriber_join(struct handle *h)
{
	struct subscriber *s = subscriber_find(h->program, h->want);

	if (!s)
		s = subscriber_new(h->program, h->want);
	if (!s)
		return false;
	h->subscriber = s;
	list_append(&s->handles, &h->of_subscriber);
	s->n_handles++;
	return true;
}

static void subscriber_free(struct subscriber *s)
{
	struct list *lists[] = {&s->unknown, &s->known};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_for_each_safe (k, lists[i])
			publish_forget_subscriber(
				CONTAINER_OF(k, struct publication, of_subscriber));
	list_for_each_safe (i, &s->held)
		held_free(s, CONTAINER_OF(i, struct held, node));
	hub_timer_stop(s->program->hub, &s->timer);
	map_remove(&s->program->by_want, &s->by_want);
	mem_free(s);
}

void subscriber_leave(struct handle *h)
{
	struct subscriber *s = h->subscriber;

	if (!s)
		return;
	list_unlink(&h->of_subscriber);
	h->subscriber = NULL;
	if (--s->n_handles == 0)
		subscriber_free(s);
}

/* ---- events ---- */

static void subscriber_give(struct subscriber *s, const struct held *e)
{
	struct event_text text = {.block = e->tail, .gap = e->gap};

	if (e->tail)
		text.bytes = block_bytes(e->tail);
	list_for_each (i, &s->handles)
		event_give(CONTAINER_OF(i, struct handle, of_subscriber), e->number, &text);
}

/* Whether the event may be one of those whose PUBLISHED is still to come. */
static bool subscriber_may_be_own(const struct subscriber *s, const struct held *e)
{
	const struct publication *first =
		list_first(&s->unknown, struct publication, of_subscriber);

	return first && first->number < e->number &&
	       s->program->hub->now_ms - e->since_ms < OWN_HOLD_MS;
}

void subscriber_release(struct subscriber *s)
{
	struct held *e;

	while ((e = list_first(&s->held, struct held, node)) && !subscriber_may_be_own(s, e)) {
		subscriber_give(s, e);
		held_free(s, e);
	}
	if (e)
		hub_timer_set(s->program->hub, &s->timer, e->since_ms + OWN_HOLD_MS);
	else
		hub_timer_stop(s->program->hub, &s->timer);
}

static void subscriber_give_oldest(struct subscriber *s)
{
	struct held *e = list_first(&s->held, struct held, node);

	subscriber_give(s, e);
	held_free(s, e);
}

/* Rather too early than not at all: hearing oneself is the lesser evil. */
static void subscriber_make_room(struct subscriber *s, size_t cost)
{
	while (s->n_held && (s->n_held >= s->program->peer.limits->subscription_queue ||
			     s->n_held_bytes + cost > PEER_MAX_QUEUE_BYTES))
		subscriber_give_oldest(s);
}

static void subscriber_add_held(struct subscriber *s, struct held *e)
{
	size_t cost = held_cost(e);

	subscriber_make_room(s, cost);
	list_init(&e->node);
	list_append(&s->held, &e->node);
	s->n_held++;
	s->n_held_bytes += cost;
	s->program->n_queued_bytes += cost;
	memory_add(s->program, cost);
	/* Each subscriber is bounded, but they are many: who holds too much is found when it is
	 * dirty. */
	program_mark_dirty(s->program);
	subscriber_release(s);
}

/* Whether the event is held, for all handles together: what is given later is given to each. */
static bool subscriber_decide(struct subscriber *s, uint64_t number, uint64_t publication,
			      struct event_text *text)
{
	struct held *e;

	if (list_is_empty(&s->unknown) && !s->n_held)
		return false;
	if (!text->gap && !text->block)
		text->block = block_new(text->bytes, SLICE_NONE);
	e = mem_alloc(sizeof(*e));
	if (!e || (!text->gap && !text->block)) {
		mem_free(e);
		while (s->n_held)
			subscriber_give_oldest(s);
		return false;
	}
	*e = (struct held){.number = number,
			   .since_ms = s->program->hub->now_ms,
			   .publication = publication,
			   .tail = text->gap ? NULL : block_ref(text->block),
			   .gap = text->gap};
	subscriber_add_held(s, e);
	return true;
}

bool subscriber_hold(struct subscriber *s, uint64_t number, uint64_t publication,
		     struct event_text *text)
{
	/* Between two of its handles PUBLISHED may come, or the program publish. */
	if (s->decided != number) {
		s->decided = number;
		s->decided_held = subscriber_decide(s, number, publication, text);
	}
	return s->decided_held;
}

void subscriber_drop_since(struct subscriber *s, uint64_t number)
{
	list_for_each_safe (i, &s->held) {
		struct held *e = CONTAINER_OF(i, struct held, node);

		if (e->number > number)
			held_free(s, e);
	}
}

bool subscriber_take_back(struct subscriber *s, uint64_t publication)
{
	list_for_each (i, &s->held) {
		struct held *e = CONTAINER_OF(i, struct held, node);

		if (e->tail && e->publication == publication) {
			held_free(s, e);
			return true;
		}
	}
	return false;
}
