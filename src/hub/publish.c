/* SPDX-License-Identifier: MIT */

/*
 * Publications of local programs (protocol §8; architecture: sharing one session)
 *
 * All programs share one session, and WAMP excludes the publishing *session*.
 * So PUBLISH says exclude_me:false whenever another program subscribes here,
 * and the EVENT is kept from its own program by its publication id
 * (subscriber.c), for which PUBLISHED is asked for.
 *
 *   PUBLISH ──► unknown ──PUBLISHED──► known, by its id ──EVENT──► forgotten
 *                  │                     │
 *                  └─ERROR, timeout──────┴─OWN_MEMORY_MS, or too many──► forgotten
 */

#include "hub/internal.h"

#include "base/mem.h"

/* ---- life-cycle ---- */

static struct publication *publish_new(struct program *p, struct link *l, const struct request *r,
				       bool ack)
{
	struct publication *pub;

	if (p->n_unacknowledged >= PUBLISH_MAX_UNACKNOWLEDGED) {
		reply_limit(&p->peer, reply_to_request(r), ERROR_TOO_MANY_REQUESTS,
			    "max_unacknowledged_publications", PUBLISH_MAX_UNACKNOWLEDGED);
		return NULL;
	}
	pub = mem_alloc(sizeof(*pub));
	if (!pub) {
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	pub->program = p;
	pub->link = l;
	pub->line = r->line;
	pub->tell_line = !request_has(r, MEMBER_ID);
	pub->timer.kind = TIMER_OWN;
	list_init(&pub->of_program);
	list_init(&pub->of_subscriber);
	list_init(&pub->remembered);
	list_init(&pub->pending.order);
	if (ack && !program_open_id(p, &pub->id, PEER_ID_REQUEST, r))
		return mem_free(pub);
	list_append(&p->publications, &pub->of_program);
	p->n_owned_bytes += PUBLICATION_COST;
	p->n_unacknowledged++;
	return pub;
}

/* PUBLISHED is not awaited any more. */
static void publish_stop(struct publication *pub)
{
	if (pub->pending.link)
		pub->program->n_unacknowledged--;
	pending_stop(&pub->pending);
}

static void publish_hide(struct publication *pub, struct subscriber *s)
{
	pub->subscriber = s;
	pub->number = ++s->program->hub->sequence;
	list_append(&s->unknown, &pub->of_subscriber);
}

/* Its EVENT is recognised from now on; the oldest are forgotten. */
static void publish_remember(struct publication *pub)
{
	struct program *p = pub->program;

	list_unlink(&pub->of_subscriber);
	list_append(&pub->subscriber->known, &pub->of_subscriber);
	map_insert(&pub->link->own, &pub->by_id, map_hash_u64(pub->publication));
	list_append(&p->remembered, &pub->remembered);
	hub_timer_set(p->hub, &pub->timer, p->hub->now_ms + OWN_MEMORY_MS);
	if (++p->n_remembered > PUBLISH_MAX_REMEMBERED)
		publish_free(list_first(&p->remembered, struct publication, remembered));
}

static void publish_forget(struct publication *pub)
{
	if (list_is_linked(&pub->remembered))
		pub->program->n_remembered--;
	list_unlink(&pub->remembered);
	list_unlink(&pub->of_subscriber);
	map_remove(&pub->link->own, &pub->by_id);
	hub_timer_stop(pub->program->hub, &pub->timer);
	pub->subscriber = NULL;
}

struct publication *publish_free(struct publication *pub)
{
	struct subscriber *s = pub->subscriber;

	publish_stop(pub);
	publish_forget(pub);
	program_close_id(pub->program, &pub->id);
	list_unlink(&pub->of_program);
	pub->program->n_owned_bytes -= PUBLICATION_COST;
	/* The charge follows at the end of the turn. */
	program_mark_dirty(pub->program);
	mem_free(pub);
	if (s)
		subscriber_release(s);
	return NULL;
}

void publish_forget_subscriber(struct publication *pub)
{
	publish_forget(pub);
	if (!pub->pending.link)
		publish_free(pub);
}

struct publication *publish_find_own(const struct want *w, uint64_t publication)
{
	struct map_node *n = map_first(&w->link->own, map_hash_u64(publication));

	for (; n; n = map_next(n)) {
		struct publication *pub = CONTAINER_OF(n, struct publication, by_id);

		if (pub->publication == publication && pub->subscriber->want == w)
			return pub;
	}
	return NULL;
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
	away_lacks_role(p, l, r, "broker");
	return false;
}

/*
 * The program's subscriptions of a topic whose EVENT may come back, or NULL. A
 * SUBSCRIBE that the router has not been sent, or has refused, brings none; one
 * that it has not answered in time may.
 */
static struct subscriber *publish_find_subscriber(const struct program *p, const struct want *w)
{
	if (!w || w->state == WANT_UNDOING || (w->state == WANT_ABSENT && list_is_empty(&w->asks)))
		return NULL;
	return subscriber_find(p, w);
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
	struct subscriber *own;
	struct want *w;
	bool others, hide;

	if (!publish_check(p, l, r))
		return;
	key.uri = msg.uri;
	w = want_find(l, &key);
	own = publish_find_subscriber(p, w);
	others = w && w->n_handles > (own ? own->n_handles : 0);
	hide = exclude_me && own && others;
	msg.details = *publish_options(ack || hide, exclude_me && !others);
	if (!calls_fits(p, l, r, &msg))
		return;
	if (ack || hide) {
		pub = publish_new(p, l, r, ack);
		if (!pub)
			return;
	}
	if (hide)
		publish_hide(pub, own);
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
static void publish_known(struct publication *pub)
{
	struct subscriber *s = pub->subscriber;
	bool held = subscriber_take_back(s, pub->publication);

	/* It may be held, and on its way to the program's other subscriptions. */
	if (events_exclude(s, pub->publication) || held) {
		publish_free(pub);
		return;
	}
	publish_remember(pub);
	subscriber_release(s);
}

void publish_answer(struct publication *pub, const struct session_event *event)
{
	struct program *p = pub->program;

	publish_stop(pub);
	if (event->msg.type == WAMP_PUBLISHED) {
		pub->publication = event->msg.publication;
		publish_reply_ok(pub);
	} else {
		publish_reply_error(pub, event);
	}
	if (event->msg.type == WAMP_PUBLISHED && pub->subscriber)
		publish_known(pub);
	else
		publish_free(pub);
	program_mark_dirty(p);
}

void publish_fail(struct publication *pub, enum error_code code, const char *message)
{
	struct program *p = pub->program;

	if (peer_id_is_open(&pub->id))
		away_fail(p, pub->pending.link, reply_to_id(&pub->id), code, message);
	if (code == ERROR_SESSION_LOST && pub->subscriber)
		subscriber_drop_since(pub->subscriber, pub->number);
	publish_free(pub);
	program_mark_dirty(p);
}

void publish_timeout(struct publication *pub)
{
	publish_fail(pub, ERROR_TIMEOUT, "the router did not acknowledge in time");
}
