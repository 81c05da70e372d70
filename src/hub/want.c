/* SPDX-License-Identifier: MIT */

/*
 * Wants: what programs want to be at the router, against what is there
 *
 * Registrations and subscriptions are wanted state. want_update() compares
 * and queues; want_pump() tells the router, in the original order and with a
 * bounded number unanswered; answers, timeouts, revocations and the loss of
 * the session change what is there, and the same comparison runs again.
 *
 *   ABSENT ──ask──► ASKED ──REGISTERED──► ACTIVE ──nobody wants it──► UNDOING ──► ABSENT
 *     ▲               │ refused, timeout     │ revoked, session lost
 *     └───────────────┴──────────────────────┘
 */

#include "hub/internal.h"

#include "base/mem.h"

/* What could not be told for want of memory is tried again after this. */
#define WANT_STARVED_MS 1000

/* ---- finding ---- */

static uint64_t want_hash(const struct link *l, const struct want_key *key)
{
	return map_hash_text(l->hub->secret, key->uri) ^ (uint64_t)key->match;
}

struct want *want_find(struct link *l, const struct want_key *key)
{
	struct map_node *n = map_first(&l->by_uri[key->kind], want_hash(l, key));

	for (; n; n = map_next(n)) {
		struct want *w = CONTAINER_OF(n, struct want, by_uri);

		if (w->key.match == key->match && slice_equal(key->uri, w->key.uri))
			return w;
	}
	return NULL;
}

struct want *want_find_id(struct link *l, enum want_kind kind, uint64_t id)
{
	for (struct map_node *n = map_first(&l->by_id[kind], map_hash_u64(id)); n;
	     n = map_next(n)) {
		struct want *w = CONTAINER_OF(n, struct want, by_id);

		if (w->id == id)
			return w;
	}
	return NULL;
}

/* The key's text, copied behind the struct: the URI with a NUL, then the options. */
static void want_copy_key(struct want *w, const struct want_key *key)
{
	char *text = (char *)(w + 1);

	w->key = *key;
	memcpy(text, key->uri.ptr, key->uri.len);
	w->key.uri.ptr = text;
	if (key->options.type == SCAN_ABSENT)
		return;
	text += key->uri.len + 1;
	memcpy(text, key->options.text, key->options.len);
	w->key.options.text = text;
}

static struct want *want_new(struct link *l, const struct want_key *key)
{
	struct want *w = mem_alloc(sizeof(*w) + key->uri.len + 1 + key->options.len);
	struct list *lists[5];

	if (!w)
		return NULL;
	w->link = l;
	w->retry.kind = TIMER_WANT;
	want_copy_key(w, key);
	lists[0] = &w->node;
	lists[1] = &w->queue;
	lists[2] = &w->handles;
	lists[3] = &w->asks;
	lists[4] = &w->waiters;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_init(lists[i]);
	map_insert(&l->by_uri[key->kind], &w->by_uri, want_hash(l, key));
	list_append(&l->wants, &w->node);
	return w;
}

struct want *want_get(struct link *l, const struct want_key *key)
{
	struct want *w = want_find(l, key);

	if (w && list_is_empty(&w->handles)) {
		/* Wanted anew: it takes its place at the end of the order. */
		list_unlink(&w->node);
		list_append(&l->wants, &w->node);
	}
	return w ?: want_new(l, key);
}

/* ---- freeing ---- */

static void want_clear_error(struct want *w)
{
	w->failed = false;
	w->error_uri = mem_free(w->error_uri);
	hub_timer_stop(w->link->hub, &w->retry);
}

static void want_set_id(struct want *w, uint64_t id)
{
	map_remove(&w->link->by_id[w->key.kind], &w->by_id);
	w->id = id;
	if (id)
		map_insert(&w->link->by_id[w->key.kind], &w->by_id, map_hash_u64(id));
}

/* To be told to the router; programs wait for their own only, so each knows which these are. */
static void want_queue(struct want *w)
{
	if (list_is_linked(&w->queue))
		return;
	list_append(&w->link->to_send, &w->queue);
	list_for_each (i, &w->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_want);

		list_append(&h->program->unsent, &h->unsent);
	}
}

static void want_unqueue(struct want *w)
{
	list_unlink(&w->queue);
	list_for_each (i, &w->handles)
		list_unlink(&CONTAINER_OF(i, struct handle, of_want)->unsent);
}

static struct want *want_free(struct want *w)
{
	want_clear_error(w);
	want_set_id(w, 0);
	list_for_each_safe (i, &w->asks) {
		struct ask *a = CONTAINER_OF(i, struct ask, of_want);

		a->want = NULL;
		list_unlink(i);
	}
	map_remove(&w->link->by_uri[w->key.kind], &w->by_uri);
	list_unlink(&w->node);
	want_unqueue(w);
	return mem_free(w);
}

static struct ask *ask_free(struct ask *a)
{
	struct link *l = a->pending.link;

	if (list_is_linked(&a->late))
		l->n_late--;
	else
		l->n_unanswered--;
	list_unlink(&a->late);
	pending_stop(&a->pending);
	list_unlink(&a->of_want);
	return mem_free(a);
}

void want_free_all(struct link *l)
{
	list_for_each_safe (p, &l->pending) {
		struct pending *pending = CONTAINER_OF(p, struct pending, order);

		if (pending->kind == PENDING_ASK)
			ask_free(CONTAINER_OF(pending, struct ask, pending));
	}
	list_for_each_safe (i, &l->wants)
		want_free(CONTAINER_OF(i, struct want, node));
}

/* ---- comparing ---- */

static bool want_differs(const struct want *w)
{
	bool wanted = !list_is_empty(&w->handles);

	return (w->state == WANT_ABSENT && wanted && !w->failed) ||
	       (w->state == WANT_ACTIVE && !wanted);
}

static bool want_is_wanted_again(const struct want *w)
{
	return w->state == WANT_UNDOING && !list_is_empty(&w->handles);
}

static bool want_is_over(const struct want *w)
{
	return w->state == WANT_ABSENT && list_is_empty(&w->handles) && list_is_empty(&w->waiters);
}

void want_release_waiters(struct want *w, bool timed_out)
{
	list_for_each_safe (i, &w->waiters) {
		struct waiter *waiter = CONTAINER_OF(i, struct waiter, of_want);
		struct program *p = waiter->program;
		struct reply_to to = reply_to_id(&waiter->id);

		if (timed_out)
			reply_error(&p->peer, to, ERROR_TIMEOUT,
				    "the router did not answer; nothing is delivered any more");
		else
			reply_ok(&p->peer, to);
		waiter_free(waiter);
		program_mark_dirty(p);
	}
}

/* Else nothing is left to wait for: it is wanted again, or the router took it away itself. */
static bool want_is_to_be_undone(const struct want *w)
{
	return w->state == WANT_UNDOING || (w->state == WANT_ACTIVE && !w->n_handles);
}

void want_update(struct want *w)
{
	struct link *l = w->link;

	if (!want_is_to_be_undone(w))
		want_release_waiters(w, false);
	if (want_is_over(w)) {
		want_free(w);
		/* Its program may have waited for nothing else. */
		hub_link_drained(l);
		return;
	}
	if (!link_is_joined(l))
		return;
	if (want_differs(w) || want_is_wanted_again(w))
		want_queue(w);
	want_pump(l);
}

/* ---- telling the router ---- */

static enum wamp_type want_type(const struct want *w, bool undo)
{
	if (w->key.kind == WANT_REGISTRATION)
		return undo ? WAMP_UNREGISTER : WAMP_REGISTER;
	return undo ? WAMP_UNSUBSCRIBE : WAMP_SUBSCRIBE;
}

/* Whether it is on its way; without memory it is not. */
static bool want_ask(struct link *l, struct want *w, const struct wamp_msg *msg)
{
	struct ask *a = mem_alloc(sizeof(*a));

	if (!a) {
		note_plain(l->hub, 3, "out of memory: a registration or subscription is not told");
		return false;
	}
	list_init(&a->of_want);
	list_init(&a->late);
	list_init(&a->pending.order);
	a->want = w;
	l->n_unanswered++;
	if (w) {
		a->hash = w->by_uri.hash;
		list_append(&w->asks, &a->of_want);
	}
	pending_start(&a->pending, l, PENDING_ASK, msg->type, link_send(l, msg),
		      l->config.registration_timeout_ms);
	return true;
}

static void want_send(struct want *w)
{
	enum want_state before = w->state;
	bool undo = before == WANT_ACTIVE;
	struct wamp_msg msg = {.type = want_type(w, undo)};

	if (undo) {
		msg.id = w->id;
	} else {
		msg.uri = w->key.uri;
		msg.details = w->key.options;
	}
	w->state = undo ? WANT_UNDOING : WANT_ASKED;
	if (want_ask(w->link, w, &msg))
		return;
	w->state = before;
	hub_timer_set(w->link->hub, &w->retry, w->link->hub->now_ms + WANT_STARVED_MS);
}

void want_pump(struct link *l)
{
	bool sent = false;

	list_for_each_safe (i, &l->to_send) {
		struct want *w = CONTAINER_OF(i, struct want, queue);

		if (!link_is_joined(l) || l->n_unanswered >= LINK_MAX_UNANSWERED)
			break;
		/* Wanted again while it is being undone: it keeps its place until that is answered.
		 */
		if (want_is_wanted_again(w))
			continue;
		want_unqueue(w);
		sent = true;
		if (want_differs(w))
			want_send(w);
	}
	if (sent || list_is_empty(&l->to_send))
		hub_link_drained(l);
	if (list_is_empty(&l->to_send) && l->hub->drain == HUB_DRAINING)
		drain_advance(l->hub);
}

/* ---- what the router says ---- */

static void want_activate(struct want *w, uint64_t id)
{
	w->state = WANT_ACTIVE;
	w->attempts = 0;
	w->rejoined = false;
	want_clear_error(w);
	want_set_id(w, id);
	list_for_each_safe (i, &w->handles)
		handle_tell_active(CONTAINER_OF(i, struct handle, of_want));
}

/* Whether the time may bring what was refused: then it is tried again while the session stays up.
 */
static bool want_is_curable(struct slice uri)
{
	return slice_is(uri, "wamp.error.procedure_already_exists") ||
	       slice_is(uri, "wamp.error.timeout") || slice_is(uri, "wamp.error.unregistered") ||
	       slice_is(uri, "wamp.error.canceled") || slice_is(uri, "wamp.error.unavailable") ||
	       slice_is(uri, "wamp.error.network_failure");
}

static void want_fail(struct want *w, struct slice uri, bool curable)
{
	struct link *l = w->link;

	w->state = WANT_ABSENT;
	want_set_id(w, 0);
	w->failed = true;
	w->attempts++;
	w->error_uri = mem_free(w->error_uri);
	w->error_uri = mem_strndup(uri.ptr, uri.len);
	w->retry_at_ms = NEVER_MS;
	if (!curable)
		return;
	w->retry_at_ms = l->hub->now_ms +
			 reconnect_delay_ms(&l->config, w->attempts, PACE_USUAL, l->hub->rng);
	hub_timer_set(l->hub, &w->retry, w->retry_at_ms);
}

/* Programs cause refusals at will: one a second is told, the others are for debugging. */
static void want_note(const struct want *w, int level, const char *what, struct slice uri)
{
	struct link *l = w->link;
	char more[NOTE_MAX_MORE] = "";
	bool due = note_is_due(l->hub, &l->refusals, more);

	note_link(l, due ? level : 7, HUB_EVENT_NONE, "session %s: %s %.*s: %.*s%s", l->config.name,
		  what, (int)(w->key.uri.len < 200 ? w->key.uri.len : 200), w->key.uri.ptr,
		  (int)(uri.len < 200 ? uri.len : 200), uri.ptr, more);
}

static void want_refused(struct want *w, const struct session_event *event)
{
	struct slice uri = event->msg.uri;

	want_fail(w, uri, want_is_curable(uri));
	want_note(w, 5, "the router refuses", uri);
	list_for_each_safe (i, &w->handles)
		handle_tell_refused(CONTAINER_OF(i, struct handle, of_want), event);
}

static void want_undone(struct want *w, bool timed_out)
{
	w->state = WANT_ABSENT;
	want_set_id(w, 0);
	want_release_waiters(w, timed_out);
}

/* What the router just gave is not wanted, or not wanted twice: it is given back. */
static void want_give_back(struct link *l, const struct session_event *event)
{
	struct wamp_msg msg = {.id = event->msg.id};

	if (event->msg.type != WAMP_REGISTERED && event->msg.type != WAMP_SUBSCRIBED)
		return;
	msg.type = event->msg.type == WAMP_REGISTERED ? WAMP_UNREGISTER : WAMP_UNSUBSCRIBE;
	(void)want_ask(l, NULL, &msg);
}

static bool ask_is_undo(const struct ask *a)
{
	return a->pending.type == WAMP_UNREGISTER || a->pending.type == WAMP_UNSUBSCRIBE;
}

/* Whether the state of its want hangs on this ask, and not on one before it. */
static bool ask_is_in_force(const struct ask *a)
{
	const struct want *w = a->want;

	return w && !list_is_linked(&a->late) && w->asks.prev == &a->of_want &&
	       w->state == (ask_is_undo(a) ? WANT_UNDOING : WANT_ASKED);
}

/*
 * Whose state the answer changes, or NULL. Who asks anew for what timed out is
 * given the same: a router has one subscription of a topic for a session, and
 * giving back the first one would take away the second.
 */
static struct want *ask_find_want(const struct ask *a)
{
	enum want_kind kind =
		a->pending.type == WAMP_REGISTER ? WANT_REGISTRATION : WANT_SUBSCRIPTION;
	struct map_node *n;

	if (a->want || ask_is_undo(a))
		return a->want;
	n = map_first(&a->pending.link->by_uri[kind], a->hash);
	return n ? CONTAINER_OF(n, struct want, by_uri) : NULL;
}

/*
 * Whether the holder of a registration may be ourselves: only while an older
 * REGISTER for it is unanswered, which may have succeeded.
 */
static bool ask_may_be_ours(const struct ask *a)
{
	list_for_each (i, &a->want->asks) {
		const struct ask *older = CONTAINER_OF(i, struct ask, of_want);

		if (older != a && older->pending.type == WAMP_REGISTER)
			return true;
	}
	return false;
}

/* Everybody loses by it what is in flight: once for a registration, and seldom altogether. */
static bool ask_is_worth_rejoining(const struct ask *a, const struct session_event *event)
{
	const struct link *l = a->pending.link;

	return slice_is(event->msg.uri, "wamp.error.procedure_already_exists") &&
	       !a->want->rejoined && ask_may_be_ours(a) &&
	       (!l->rejoined_at_ms || l->hub->now_ms - l->rejoined_at_ms >= LINK_REJOIN_MS);
}

/* A REGISTER or SUBSCRIBE has succeeded, maybe one whose answer was not awaited any more. */
static void want_given(struct want *w, const struct session_event *event)
{
	if (w->state == WANT_ASKED || w->state == WANT_ABSENT)
		want_activate(w, event->msg.id);
	else if (w->id != event->msg.id)
		want_give_back(w->link, event);
}

/* Answers of asks that are not in force say nothing, but for what they bring. */
static void want_answered(struct want *w, const struct session_event *event, bool undo,
			  bool in_force)
{
	if (event->msg.type != WAMP_ERROR && !undo)
		want_given(w, event);
	else if (in_force && undo)
		want_undone(w, false);
	else if (in_force)
		want_refused(w, event);
	want_update(w);
}

void want_answer(struct ask *a, const struct session_event *event)
{
	struct link *l = a->pending.link;
	struct want *w = ask_find_want(a);
	bool undo = ask_is_undo(a), in_force = ask_is_in_force(a);

	if (in_force && event->msg.type == WAMP_ERROR && ask_is_worth_rejoining(a, event)) {
		w->rejoined = true;
		/* The ask is gone with the session, and the want may be. */
		link_rejoin(l, "a registration that timed out is held by somebody, maybe by us");
		return;
	}
	ask_free(a);
	if (w)
		want_answered(w, event, undo, in_force);
	else
		want_give_back(l, event);
	want_pump(l);
}

/*
 * Of one want the oldest is enough to know that a newer one may meet our own
 * registration; a router that answers in order answers it first.
 */
static void ask_set_late(struct ask *a)
{
	struct link *l = a->pending.link;
	struct list *before = a->of_want.prev;

	l->n_unanswered--;
	list_append(&l->late, &a->late);
	l->n_late++;
	if (a->want && before != &a->want->asks && before->prev != &a->want->asks)
		ask_free(CONTAINER_OF(before, struct ask, of_want));
	if (l->n_late > LINK_MAX_LATE)
		ask_free(list_first(&l->late, struct ask, late));
}

void want_ask_timeout(struct ask *a)
{
	struct link *l = a->pending.link;
	struct want *w = a->want;
	bool undo = ask_is_undo(a), in_force = ask_is_in_force(a);

	/* The answer may still come: the ask stays, but does not keep others waiting. */
	ask_set_late(a);
	if (in_force && undo) {
		want_undone(w, true);
	} else if (in_force) {
		want_fail(w, SLICE("wamp.error.timeout"), true);
		list_for_each_safe (i, &w->handles)
			handle_tell_timeout(CONTAINER_OF(i, struct handle, of_want));
	}
	if (w)
		want_update(w);
	want_pump(l);
}

void want_on_timer(struct want *w)
{
	w->failed = false;
	want_update(w);
}

void want_revoked(struct link *l, enum want_kind kind, uint64_t id, struct slice reason)
{
	struct want *w = want_find_id(l, kind, id);
	struct session_event event = {
		.type = SESSION_EVENT_MESSAGE,
		.msg = {.type = WAMP_ERROR,
			.uri = reason.len ? reason : SLICE("wamp.error.unregistered")},
	};

	if (!w || w->state != WANT_ACTIVE)
		return;
	want_note(w, 4, "the router took away", event.msg.uri);
	want_fail(w, event.msg.uri, true);
	list_for_each_safe (i, &w->handles)
		handle_tell_refused(CONTAINER_OF(i, struct handle, of_want), &event);
	want_update(w);
}

/* ---- sessions come and go ---- */

static void want_forget(struct want *w)
{
	want_clear_error(w);
	want_set_id(w, 0);
	want_unqueue(w);
	w->state = WANT_ABSENT;
	w->attempts = 0;
	list_for_each_safe (i, &w->handles)
		handle_tell_pending(CONTAINER_OF(i, struct handle, of_want));
	want_release_waiters(w, false);
}

void want_session_lost(struct link *l)
{
	list_for_each_safe (p, &l->pending) {
		struct pending *pending = CONTAINER_OF(p, struct pending, order);

		if (pending->kind == PENDING_ASK)
			ask_free(CONTAINER_OF(pending, struct ask, pending));
	}
	list_for_each_safe (i, &l->wants) {
		struct want *w = CONTAINER_OF(i, struct want, node);

		want_forget(w);
		want_update(w);
	}
}

void want_joined(struct link *l)
{
	list_for_each (i, &l->wants) {
		struct want *w = CONTAINER_OF(i, struct want, node);

		if (want_differs(w))
			want_queue(w);
	}
	want_pump(l);
}

const char *want_state_name(const struct want *w)
{
	if (w->state == WANT_ACTIVE)
		return "active";
	return w->failed ? "failed" : "pending";
}
