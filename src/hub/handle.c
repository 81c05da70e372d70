/* SPDX-License-Identifier: MIT */

/*
 * Handles: one program's share in a registration or subscription (protocol §7, §8)
 *
 * A register or subscribe makes a handle and joins it to its want. The request
 * is answered when the router answers, or at once with "pending" while the
 * router is away; from then on changes are told as state lines.
 */

#include "hub/internal.h"

#include "base/mem.h"

static const char *handle_member(const struct handle *h)
{
	return h->want->key.kind == WANT_REGISTRATION ? "registration" : "subscription";
}

static const char *handle_uri_member(const struct handle *h)
{
	return h->want->key.kind == WANT_REGISTRATION ? "procedure" : "topic";
}

/* ---- life-cycle ---- */

size_t handle_cost(const struct want *w)
{
	return sizeof(struct handle) + sizeof(*w) + w->key.uri.len + w->key.options.len;
}

/* NULL with the request answered. */
static struct handle *handle_new(struct program *p, struct want *w, const struct request *r)
{
	struct handle *h = mem_alloc(sizeof(*h));
	enum peer_id_kind kind =
		w->key.kind == WANT_REGISTRATION ? PEER_ID_REGISTRATION : PEER_ID_SUBSCRIPTION;

	if (!h) {
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	if (!program_open_id(p, &h->id, kind, r))
		return mem_free(h);
	h->program = p;
	h->want = w;
	list_init(&h->queue);
	list_init(&h->of_program);
	list_init(&h->of_want);
	list_init(&h->unsent);
	list_init(&h->of_subscriber);
	if (w->key.kind == WANT_SUBSCRIPTION && !subscriber_join(h)) {
		program_close_id(p, &h->id);
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return mem_free(h);
	}
	if (list_is_linked(&w->queue))
		list_append(&p->unsent, &h->unsent);
	list_append(&p->handles, &h->of_program);
	list_append(&w->handles, &h->of_want);
	w->n_handles++;
	p->n_owned_bytes += handle_cost(w);
	p->hub->n_handles[w->key.kind]++;
	if (w->key.kind == WANT_REGISTRATION)
		p->peer.n_registrations++;
	else
		p->peer.n_subscriptions++;
	return h;
}

struct handle *handle_free(struct handle *h)
{
	struct program *p = h->program;

	events_forget(h);
	ring_drop_all(h);
	subscriber_leave(h);
	h->want->n_handles--;
	p->n_owned_bytes -= handle_cost(h->want);
	p->hub->n_handles[h->want->key.kind]--;
	if (h->want->key.kind == WANT_REGISTRATION)
		p->peer.n_registrations--;
	else
		p->peer.n_subscriptions--;
	list_unlink(&h->unsent);
	list_unlink(&h->of_program);
	list_unlink(&h->of_want);
	program_close_id(p, &h->id);
	return mem_free(h);
}

struct waiter *waiter_free(struct waiter *w)
{
	list_unlink(&w->of_program);
	list_unlink(&w->of_want);
	program_close_id(w->program, &w->id);
	return mem_free(w);
}

/* ---- telling the program ---- */

static void handle_answer(struct handle *h, const char *state)
{
	struct reply_to to = reply_to_id(&h->id);
	struct buf *b = reply_begin(&h->program->peer, "ok", to);

	emit_literal(b, ",\"state\":\"");
	buf_append_slice(b, slice_of(state));
	emit_literal(b, "\",\"");
	buf_append_slice(b, slice_of(handle_uri_member(h)));
	emit_literal(b, "\":");
	emit_text(b, h->want->key.uri);
	reply_end(&h->program->peer, to);
}

static struct buf *handle_begin_state(struct handle *h, const char *state)
{
	struct buf *b = peer_begin(&h->program->peer);

	emit_literal(b, "{\"op\":\"state\",\"");
	buf_append_slice(b, slice_of(handle_member(h)));
	emit_literal(b, "\":");
	buf_append_slice(b, peer_id_token(&h->id));
	emit_literal(b, ",\"session\":");
	emit_text(b, slice_of(h->want->link->config.name));
	emit_literal(b, ",\"state\":\"");
	buf_append_slice(b, slice_of(state));
	buf_append_char(b, '"');
	return b;
}

static void handle_end_state(struct handle *h)
{
	buf_append_char(outq_begin(&h->program->peer.out), '}');
	(void)peer_end(&h->program->peer, PEER_PUSH);
}

void handle_tell_active(struct handle *h)
{
	if (h->told == HANDLE_UNANSWERED) {
		handle_answer(h, "active");
	} else {
		handle_begin_state(h, "active");
		handle_end_state(h);
		if (h->was_active && h->want->key.kind == WANT_SUBSCRIPTION)
			ring_gap(h, -1, "session_lost");
	}
	h->told = HANDLE_ACTIVE;
	h->since = h->program->hub->sequence;
	h->was_active = true;
	program_mark_dirty(h->program);
}

void handle_tell_pending(struct handle *h)
{
	if (h->told == HANDLE_UNANSWERED) {
		handle_answer(h, "pending");
	} else if (h->told != HANDLE_PENDING) {
		handle_begin_state(h, "pending");
		handle_end_state(h);
	}
	h->told = HANDLE_PENDING;
	program_mark_dirty(h->program);
}

static void handle_write_retry(struct buf *b, const struct want *w)
{
	uint64_t now = w->link->hub->now_ms;

	if (w->retry_at_ms == NEVER_MS)
		return;
	emit_literal(b, ",\"retry_in_ms\":");
	emit_u64(b, w->retry_at_ms > now ? w->retry_at_ms - now : 0);
}

void handle_tell_refused(struct handle *h, const struct session_event *event)
{
	struct program *p = h->program;
	struct reply_to to = reply_to_id(&h->id);
	struct buf *b;

	if (h->told == HANDLE_UNANSWERED) {
		b = reply_begin(&p->peer, "error", to);
		buf_append_char(b, ',');
		router_error_write(b, event, true);
		reply_end(&p->peer, to);
		handle_free(h);
	} else {
		b = handle_begin_state(h, "failed");
		emit_literal(b, ",\"error\":{");
		router_error_write(b, event, false);
		handle_write_retry(b, h->want);
		buf_append_char(b, '}');
		handle_end_state(h);
		h->told = HANDLE_FAILED;
	}
	program_mark_dirty(p);
}

void handle_tell_timeout(struct handle *h)
{
	struct program *p = h->program;
	struct buf *b;

	if (h->told == HANDLE_UNANSWERED) {
		reply_error(&p->peer, reply_to_id(&h->id), ERROR_TIMEOUT,
			    "the router did not answer within %llu ms",
			    (unsigned long long)h->want->link->config.registration_timeout_ms);
		handle_free(h);
	} else {
		b = handle_begin_state(h, "failed");
		emit_literal(b, ",\"error\":{");
		router_error_write_head(b, SLICE("wamp.error.timeout"),
					SLICE("the router did not answer"));
		handle_write_retry(b, h->want);
		buf_append_char(b, '}');
		handle_end_state(h);
		h->told = HANDLE_FAILED;
	}
	program_mark_dirty(p);
}

/* ---- requests ---- */

/* A joined handle is answered by what its want is or becomes. */
static void handle_join(struct program *p, struct want *w, const struct request *r)
{
	struct link *l = w->link;
	struct handle *h = handle_new(p, w, r);

	if (!h) {
		/* answered already */
	} else if (w->state == WANT_ACTIVE) {
		handle_tell_active(h);
	} else if (!link_is_joined(l)) {
		handle_tell_pending(h);
	} else if (w->failed) {
		/* Somebody asks anew: so do we. */
		want_on_timer(w);
		return;
	}
	want_update(w);
}

void handle_register(struct program *p, struct link *l, const struct request *r)
{
	struct want_key key = {WANT_REGISTRATION, WAMP_MATCH_EXACT,
			       request_text(r, MEMBER_PROCEDURE), SCAN_VALUE_NONE};
	struct reply_to to = reply_to_request(r);
	struct want *w;

	if (!program_uri_is_valid(p, r, MEMBER_PROCEDURE))
		return;
	if (p->peer.n_registrations >= p->peer.limits->max_registrations) {
		reply_limit(&p->peer, to, ERROR_TOO_MANY_REGISTRATIONS, "max_registrations",
			    p->peer.limits->max_registrations);
		return;
	}
	w = want_find(l, &key);
	if (w && !list_is_empty(&w->handles)) {
		reply_error(&p->peer, to, ERROR_PROCEDURE_ALREADY_EXISTS,
			    "\"%.*s\" is registered by a local program", SLICE_ARG(key.uri));
		return;
	}
	w = want_get(l, &key);
	if (w)
		handle_join(p, w, r);
	else
		reply_error(&p->peer, to, ERROR_INTERNAL, "out of memory");
}

void handle_subscribe(struct program *p, struct link *l, const struct request *r)
{
	struct want_key key = {WANT_SUBSCRIPTION, WAMP_MATCH_EXACT, request_text(r, MEMBER_TOPIC),
			       SCAN_VALUE_NONE};
	struct reply_to to = reply_to_request(r);
	struct want *w;

	if (!program_uri_is_valid(p, r, MEMBER_TOPIC))
		return;
	if (p->peer.n_subscriptions >= p->peer.limits->max_subscriptions) {
		reply_limit(&p->peer, to, ERROR_TOO_MANY_SUBSCRIPTIONS, "max_subscriptions",
			    p->peer.limits->max_subscriptions);
		return;
	}
	w = want_get(l, &key);
	if (w)
		handle_join(p, w, r);
	else
		reply_error(&p->peer, to, ERROR_INTERNAL, "out of memory");
}

/*
 * The router is to be told: the answer waits for it, at most
 * registration_timeout. False: refused and answered, and nothing is undone.
 */
static bool handle_wait_undone(struct program *p, struct want *w, const struct request *r)
{
	struct waiter *waiter;

	if (!request_has(r, MEMBER_ID))
		return true;
	waiter = mem_alloc(sizeof(*waiter));
	if (!waiter) {
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return false;
	}
	if (!program_open_id(p, &waiter->id, PEER_ID_REQUEST, r)) {
		mem_free(waiter);
		return false;
	}
	waiter->program = p;
	list_init(&waiter->of_program);
	list_init(&waiter->of_want);
	list_append(&p->waiters, &waiter->of_program);
	list_append(&w->waiters, &waiter->of_want);
	return true;
}

/* The live handle of that kind that a member names, or NULL with the request answered. */
static struct handle *handle_find(struct program *p, const struct request *r,
				  enum peer_id_kind kind)
{
	bool registration = kind == PEER_ID_REGISTRATION;
	const struct scan_value *token =
		&r->members[registration ? MEMBER_REGISTRATION : MEMBER_SUBSCRIPTION];
	struct peer_id *id = peer_id_find(&p->peer.ids, p->hub->secret, token);

	if (id && id->kind == kind &&
	    CONTAINER_OF(id, struct handle, id)->told != HANDLE_UNANSWERED)
		return CONTAINER_OF(id, struct handle, id);
	reply_error(&p->peer, reply_to_request(r),
		    registration ? ERROR_NO_SUCH_REGISTRATION : ERROR_NO_SUCH_SUBSCRIPTION,
		    "no %s %.*s", registration ? "registration" : "subscription", (int)token->len,
		    token->text);
	return NULL;
}

void handle_undo(struct program *p, const struct request *r, enum peer_id_kind kind)
{
	struct handle *h = handle_find(p, r, kind);
	struct want *w;
	bool is_last;

	if (!h)
		return;
	w = h->want;
	is_last = w->n_handles == 1 && w->state == WANT_ACTIVE && link_is_joined(w->link);
	if (is_last && !handle_wait_undone(p, w, r))
		return;
	handle_free(h);
	if (!is_last)
		reply_ok(&p->peer, reply_to_request(r));
	want_update(w);
}
