/* SPDX-License-Identifier: MIT */

/*
 * Publications of local programs (protocol §8; architecture: sharing one session)
 *
 * All programs share one session, and WAMP excludes the publishing *session*.
 * So PUBLISH says exclude_me:false whenever another program subscribes here,
 * and the EVENT is kept from its own program by its publication id. Routers
 * may deliver the EVENT before PUBLISHED tells the id: until then, and for at
 * most OWN_HOLD_MS, the publisher's own delivery of that subscription waits.
 */

#include "hub/internal.h"

#include "base/mem.h"

/* ---- holding ---- */

static void publish_hold(struct publication *pub)
{
	pub->holds = true;
	for (struct handle *h = handle_first(pub->program, pub->want); h; h = handle_next(h))
		h->n_holds++;
	hub_timer_set(pub->program->hub, &pub->timer, pub->program->hub->now_ms + OWN_HOLD_MS);
}

static void publish_release(struct publication *pub)
{
	if (!pub->holds)
		return;
	pub->holds = false;
	for (struct handle *h = handle_first(pub->program, pub->want); h; h = handle_next(h)) {
		if (h->n_holds)
			h->n_holds--;
		events_release(h);
	}
}

struct publication *publish_find_own(struct want *w, uint64_t publication)
{
	list_for_each (i, &w->own) {
		struct publication *pub = CONTAINER_OF(i, struct publication, of_want);

		if (pub->publication && pub->publication == publication)
			return pub;
	}
	return NULL;
}

/* ---- life-cycle ---- */

static struct publication *publish_new(struct program *p, const struct request *r, bool ack)
{
	struct publication *pub;

	if (p->n_publications >= PUBLISH_MAX_OWN) {
		reply_limit(&p->peer, reply_to_request(r), ERROR_TOO_MANY_REQUESTS,
			    "publications without their PUBLISHED", PUBLISH_MAX_OWN);
		return NULL;
	}
	pub = mem_alloc(sizeof(*pub));
	if (!pub) {
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	pub->program = p;
	pub->line = r->line;
	pub->tell_line = !request_has(r, MEMBER_ID);
	pub->timer.kind = TIMER_OWN;
	list_init(&pub->of_program);
	list_init(&pub->of_want);
	list_init(&pub->pending.order);
	if (ack && !program_open_id(p, &pub->id, PEER_ID_REQUEST, r))
		return mem_free(pub);
	list_append(&p->publications, &pub->of_program);
	p->n_publications++;
	return pub;
}

struct publication *publish_free(struct publication *pub)
{
	if (!pub)
		return NULL;
	publish_release(pub);
	pending_stop(&pub->pending);
	hub_timer_stop(pub->program->hub, &pub->timer);
	program_close_id(pub->program, &pub->id);
	list_unlink(&pub->of_program);
	list_unlink(&pub->of_want);
	pub->program->n_publications--;
	return mem_free(pub);
}

void publish_forget_want(struct publication *pub)
{
	publish_release(pub);
	list_unlink(&pub->of_want);
	pub->want = NULL;
	if (!pub->pending.link)
		publish_free(pub);
}

/* ---- the request ---- */

static const struct scan_value *publish_options(bool acknowledge, bool exclude_me)
{
	static const struct scan_value options[2][2] = {
		{SCAN_LITERAL("{\"exclude_me\":false}", SCAN_OBJECT),
		 SCAN_LITERAL("{}", SCAN_OBJECT)},
		{SCAN_LITERAL("{\"acknowledge\":true,\"exclude_me\":false}", SCAN_OBJECT),
		 SCAN_LITERAL("{\"acknowledge\":true}", SCAN_OBJECT)},
	};

	return &options[acknowledge][exclude_me];
}

static bool publish_check(struct program *p, struct link *l, const struct request *r)
{
	struct reply_to to = reply_to_request(r);

	if (request_bool(r, MEMBER_ACK, false) && !to.id.ptr) {
		reply_error(&p->peer, to, ERROR_ID_REQUIRED, "\"ack\" needs an \"id\"");
		return false;
	}
	if (!link_is_joined(l) && !to.id.ptr) {
		away_complain(p, l, r);
		return false;
	}
	if (!calls_may_send(p, l, r, MEMBER_TOPIC))
		return false;
	if (l->session.welcome.has_broker)
		return true;
	reply_error(&p->peer, to, ERROR_FEATURE_NOT_SUPPORTED,
		    "the router of session \"%s\" is no broker", l->config.name);
	return false;
}

/* How many subscriptions of this topic the program itself has. */
static size_t publish_count_own(const struct program *p, const struct want *w)
{
	size_t n = 0;

	for (struct handle *h = handle_first(p, w); h; h = handle_next(h))
		n++;
	return n;
}

void publish_request(struct program *p, struct link *l, const struct request *r)
{
	struct wamp_msg msg = {
		.type = WAMP_PUBLISH,
		.uri = request_text(r, MEMBER_TOPIC),
		.args = r->members[MEMBER_ARGS],
		.kwargs = r->members[MEMBER_KWARGS],
	};
	bool ack = request_bool(r, MEMBER_ACK, false);
	bool exclude_me = request_bool(r, MEMBER_EXCLUDE_ME, true);
	struct want_key key = {.kind = WANT_SUBSCRIPTION, .match = WAMP_MATCH_EXACT};
	struct publication *pub = NULL;
	struct want *w;
	size_t n_own, n_others;
	bool hide;

	if (!publish_check(p, l, r))
		return;
	key.uri = msg.uri;
	w = want_find(l, &key);
	n_own = w ? publish_count_own(p, w) : 0;
	n_others = w ? w->n_handles - n_own : 0;
	hide = exclude_me && n_own && n_others;
	msg.details = *publish_options(ack || hide, exclude_me && !n_others);
	if (!calls_fits(p, l, r, &msg))
		return;
	if (ack || hide) {
		pub = publish_new(p, r, ack);
		if (!pub)
			return;
	}
	if (hide) {
		pub->want = w;
		list_append(&w->own, &pub->of_want);
		publish_hold(pub);
	}
	if (pub)
		pending_start(&pub->pending, l, PENDING_PUBLISH, WAMP_PUBLISH, link_send(l, &msg),
			      l->config.registration_timeout_ms);
	else
		(void)link_send(l, &msg);
	if (!ack)
		reply_ok(&p->peer, reply_to_request(r));
}

/* ---- what the router says ---- */

static void publish_reply_error(struct publication *pub, const struct session_event *event)
{
	struct peer *peer = &pub->program->peer;
	struct reply_to to = {SLICE_NONE, pub->line};
	struct buf *b;

	if (peer_id_is_open(&pub->id))
		to = reply_to_id(&pub->id);
	else if (!pub->tell_line)
		return;
	b = reply_begin(peer, "error", to);
	buf_append_char(b, ',');
	router_error_write(b, event, true);
	reply_end(peer, to);
}

static void publish_reply_ok(struct publication *pub)
{
	struct peer *peer = &pub->program->peer;
	struct reply_to to;
	struct buf *b;

	if (!peer_id_is_open(&pub->id))
		return;
	to = reply_to_id(&pub->id);
	b = reply_begin(peer, "ok", to);
	emit_literal(b, ",\"publication\":");
	emit_u64(b, pub->publication);
	reply_end(peer, to);
	program_close_id(pub->program, &pub->id);
}

/* The id is known: the EVENT has come and waits, or is still to come. */
static void publish_meet_event(struct publication *pub)
{
	bool came = false;

	for (struct handle *h = handle_first(pub->program, pub->want); h; h = handle_next(h))
		came |= events_take_back(h, pub->publication);
	publish_release(pub);
	if (came)
		publish_free(pub);
	else
		hub_timer_set(pub->program->hub, &pub->timer,
			      pub->program->hub->now_ms + OWN_MEMORY_MS);
}

void publish_answer(struct publication *pub, const struct session_event *event)
{
	struct program *p = pub->program;

	pending_stop(&pub->pending);
	if (event->msg.type == WAMP_PUBLISHED) {
		pub->publication = event->msg.publication;
		publish_reply_ok(pub);
	} else {
		publish_reply_error(pub, event);
	}
	if (event->msg.type == WAMP_PUBLISHED && pub->want)
		publish_meet_event(pub);
	else
		publish_free(pub);
	program_mark_dirty(p);
}

void publish_fail(struct publication *pub, enum error_code code, const char *message)
{
	struct program *p = pub->program;

	if (peer_id_is_open(&pub->id))
		away_fail(p, pub->pending.link, reply_to_id(&pub->id), code, message);
	publish_free(pub);
	program_mark_dirty(p);
}

void publish_timeout(struct publication *pub)
{
	publish_fail(pub, ERROR_TIMEOUT, "the router did not acknowledge in time");
}

void publish_on_own_timer(struct publication *pub)
{
	publish_release(pub);
	if (!pub->pending.link)
		publish_free(pub);
}
