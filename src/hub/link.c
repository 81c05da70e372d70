/* SPDX-License-Identifier: MIT */

/*
 * Links: one router session each, together with its reconnecting
 *
 *   IDLE (on demand) ──first request──► CONNECTING
 *   CONNECTING ──joined──► JOINED ──transport gone──► LOST ──attempt failed──► RECONNECTING
 *       │ ▲                  │                          │                          │
 *       ▼ │                  └──router's GOODBYE─► LEFT ┴──────────joined──────────┴──► JOINED
 *      FAILED (refused; goes on trying slowly, or rests when no attempts are left)
 *
 * Happy path: hub_start() wishes for a transport, hub_link_opened() says HELLO,
 * WELCOME makes it joined, all wants are told to the router.
 * Failure modes: no transport, no WELCOME in time, a refusal: one session line
 * for each failed attempt, the next one after a growing delay, forever. A
 * joined session that ends goes through link_down(), the one place that undoes
 * it, and one attempt follows at once.
 */

#include "hub/internal.h"
#include "hub/size.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

/* A router is given so long to answer a GOODBYE, however late the drain is. */
#define LINK_MIN_GOODBYE_MS 1000

/* A session that did not live so long counts as a failed attempt: no tight loop of joins. */
#define LINK_MIN_LIFE_MS 1000

/* ---- life-cycle ---- */

static int link_copy_config(struct link *l, const struct link_config *config)
{
	l->config = *config;
	l->config.name = mem_strdup(config->name);
	l->config.url = mem_strdup(config->url);
	l->config.realm = mem_strdup(config->realm);
	l->config.agent = mem_strdup(config->agent);
	return l->config.name && l->config.url && l->config.realm && l->config.agent ? 0 : -ENOMEM;
}

static void link_init_lists(struct link *l)
{
	struct list *lists[] = {&l->node,    &l->dirty,	  &l->pending,
				&l->wants,   &l->to_send, &l->invocations,
				&l->blocked, &l->late,	  &l->deliveries};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_init(lists[i]);
	for (size_t i = 0; i < 2; i++) {
		map_init(&l->by_uri[i]);
		map_init(&l->by_id[i]);
	}
	map_init(&l->requests);
	map_init(&l->own);
}

int hub_add_link(struct hub *hub, const struct link_config *config, void *owner, struct link **ret)
{
	struct link *l = mem_alloc(sizeof(*l));
	struct session_config session;
	int r;

	if (!l)
		return -ENOMEM;
	l->hub = hub;
	l->owner = owner;
	l->timer.kind = TIMER_LINK;
	l->hold.kind = TIMER_HOLD;
	l->since_ms = hub->wall_ms;
	l->state = config->on_demand ? LINK_IDLE : LINK_CONNECTING;
	link_init_lists(l);
	r = link_copy_config(l, config);
	session =
		(struct session_config){l->config.realm, l->config.agent, config->embedded,
					config->auth,	 config->query,	  config->max_message_size};
	if (r == 0)
		r = session_init(&l->session, &session);
	if (r < 0) {
		link_free(l);
		return r;
	}
	list_append(&hub->links, &l->node);
	*ret = l;
	return 0;
}

void link_free(struct link *l)
{
	events_drop_all(l);
	want_free_all(l);
	hub_timer_stop(l->hub, &l->timer);
	hub_timer_stop(l->hub, &l->hold);
	list_unlink(&l->node);
	list_unlink(&l->dirty);
	for (size_t i = 0; i < 2; i++) {
		map_done(&l->by_uri[i]);
		map_done(&l->by_id[i]);
	}
	map_done(&l->requests);
	map_done(&l->own);
	session_done(&l->session);
	mem_free((char *)l->config.name);
	mem_free((char *)l->config.url);
	mem_free((char *)l->config.realm);
	mem_free((char *)l->config.agent);
	mem_free(l->reason);
	mem_free(l->message);
	mem_free(l);
}

void *hub_link_owner(const struct link *l)
{
	return l->owner;
}

struct session *hub_link_session(struct link *l)
{
	return &l->session;
}

/* ---- wishes ---- */

static void link_wish(struct link *l, int wish)
{
	l->wish = wish;
	l->transport = TRANSPORT_CLOSING;
	hub_timer_stop(l->hub, &l->timer);
}

/* ---- outbound ---- */

void link_mark_dirty(struct link *l)
{
	if (!list_is_linked(&l->dirty))
		list_append(&l->hub->dirty_links, &l->dirty);
}

/* Programs can cause any number of messages while the router says nothing. */
void link_settle(struct link *l)
{
	/* Views borrow until the router in this process has had them. */
	if (!l->is_receiving && !l->config.embedded)
		session_settle(&l->session);
}

uint64_t link_taken(const struct link *l)
{
	uint64_t left = buf_len(&l->session.out) + l->n_unsent;

	/* What the transport adds to frames is counted with what is left. */
	return l->n_sent > left ? l->n_sent - left : 0;
}

void hub_link_set_unsent(struct link *l, size_t n)
{
	l->n_unsent = n;
}

uint64_t link_send(struct link *l, const struct wamp_msg *msg)
{
	size_t before = buf_len(&l->session.out);
	uint64_t request = session_send(&l->session, msg);

	l->n_sent += buf_len(&l->session.out) - before;

	/* A message that is lost would be waited for: better a session that is lost, and told so.
	 */
	if (l->session.out.error && l->transport == TRANSPORT_OPEN) {
		note_link(l, 3, HUB_EVENT_NONE, "session %s: too much waits for the router: %s",
			  l->config.name, strerror(-l->session.out.error));
		link_wish(l, HUB_WISH_KILL);
	}
	/* Text that was composed for the message is in the frame now. */
	link_settle(l);
	link_mark_dirty(l);
	return request;
}

size_t link_measure(const struct link *l, const struct wamp_msg *msg)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(SESSION_MAX_OUT);
	struct wamp_msg copy = *msg;

	if (!copy.request)
		copy.request = l->session.last_request + 1;
	wamp_write(&text, &copy);
	/* What cannot even be measured is too long, too. */
	if (text.error)
		return link_size_at_most(msg);
	return buf_len(&text) > l->config.max_message_size ? buf_len(&text) : 0;
}

/* ---- attempts ---- */

static void link_connect(struct link *l)
{
	if (l->hub->drain != HUB_RUNNING)
		return;
	l->attempt++;
	l->retry_at_ms = 0;
	l->transport = TRANSPORT_OPENING;
	l->wish = HUB_WISH_OPEN;
	session_reset(&l->session);
	hub_timer_set(l->hub, &l->timer, l->hub->now_ms + l->config.connection_timeout_ms);
}

void hub_start(struct hub *hub)
{
	hub->started_ms = hub->now_ms;
	list_for_each (i, &hub->links) {
		struct link *l = CONTAINER_OF(i, struct link, node);

		if (l->state != LINK_IDLE)
			link_connect(l);
	}
}

void link_wake(struct link *l)
{
	if (l->state != LINK_IDLE)
		return;
	link_set_state(l, LINK_CONNECTING, SLICE_NONE, SLICE_NONE);
	link_connect(l);
}

bool hub_link_is_settled(const struct link *l)
{
	return link_is_joined(l) && l->hub->now_ms - l->joined_at_ms >= LINK_MIN_LIFE_MS;
}

bool hub_link_has_given_up(const struct link *l)
{
	return l->has_given_up;
}

void hub_rearm(struct hub *hub)
{
	list_for_each (i, &hub->links) {
		struct link *l = CONTAINER_OF(i, struct link, node);

		if (!l->has_given_up)
			continue;
		l->has_given_up = false;
		l->attempt = 0;
		/* Somebody asks for it: the pace begins anew, too. */
		l->n_failures = 0;
		/* A transport that is still ending is followed by the next attempt anyway. */
		if (l->transport == TRANSPORT_NONE)
			link_connect(l);
	}
}

/* What follows when no transport is left: the next attempt, now or when its time comes. */
static void link_next_attempt(struct link *l)
{
	if (l->state == LINK_CLOSING || l->hub->drain != HUB_RUNNING || l->has_given_up)
		return;
	if (l->retry_at_ms > l->hub->now_ms)
		hub_timer_set(l->hub, &l->timer, l->retry_at_ms);
	else
		link_connect(l);
}

static void link_plan_retry(struct link *l, enum reconnect_pace pace)
{
	l->n_failures++;
	l->retry_at_ms =
		l->hub->now_ms + reconnect_delay_ms(&l->config, l->n_failures, pace, l->hub->rng);
}

/* max_reconnection_attempts: the first attempt and so many more (configuration). */
static bool link_may_try_again(const struct link *l)
{
	return l->attempt == 0 || l->attempt - 1 < l->config.max_reconnection_attempts;
}

static void link_attempt_failed_at(struct link *l, struct slice reason, struct slice message,
				   enum reconnect_pace pace)
{
	bool refused = reconnect_is_refusal(reason);
	enum link_state state = l->ever_joined ? LINK_RECONNECTING : LINK_CONNECTING;

	l->has_given_up = !link_may_try_again(l);
	if (l->has_given_up)
		l->retry_at_ms = 0;
	else
		link_plan_retry(l, refused || reconnect_is_costly(reason) ? PACE_SLOW : pace);
	link_set_state(l, refused || l->has_given_up ? LINK_FAILED : state, reason, message);
}

static void link_attempt_failed(struct link *l, struct slice reason, struct slice message)
{
	link_attempt_failed_at(l, reason, message, PACE_USUAL);
}

static const char *link_over_uri(enum hub_over reason)
{
	switch (reason) {
	case HUB_OVER_TRANSPORT:
	case HUB_OVER_BUSY:
		return "wampbridge.error.transport";
	case HUB_OVER_DNS:
		return "wampbridge.error.dns";
	case HUB_OVER_TLS:
		return "wampbridge.error.tls";
	case HUB_OVER_PING_TIMEOUT:
		return "wampbridge.error.ping_timeout";
	case HUB_OVER_SECRET:
		return "wampbridge.error.secret";
	}
	return "wampbridge.error.transport";
}

void hub_link_opened(struct link *l)
{
	if (l->transport != TRANSPORT_OPENING)
		return;
	l->transport = TRANSPORT_OPEN;
	session_open(&l->session);
	if (l->session.out.error) {
		link_attempt_failed(l, slice_of(link_over_uri(HUB_OVER_TRANSPORT)),
				    l->session.out.error == -EMSGSIZE
					    ? SLICE("HELLO exceeds max_message_size (auth_extra)")
					    : slice_of(strerror(-l->session.out.error)));
		link_wish(l, HUB_WISH_KILL);
	}
	link_mark_dirty(l);
}

void hub_link_answer(struct link *l, struct auth_job *job)
{
	struct session_event event;

	l->is_receiving = true;
	session_answer(&l->session, job);
	link_mark_dirty(l);
	while (session_next_event(&l->session, &event))
		hub_link_event(l, &event);
	l->is_receiving = false;
	link_settle(l);
	session_settle(&l->session);
}

void hub_link_over(struct link *l, enum hub_over reason, const char *text)
{
	enum link_transport was = l->transport;
	/* It may quote the router: a status line, the reason of a CLOSE. */
	struct slice message = session_hide(&l->session, slice_of(text));

	l->transport = TRANSPORT_NONE;
	l->n_unsent = 0;
	l->wish = 0;
	hub_timer_stop(l->hub, &l->timer);
	if (link_is_joined(l))
		link_down(l, LINK_LOST, link_over_uri(reason), message);
	else if (l->state != LINK_CLOSING && (was == TRANSPORT_OPENING || was == TRANSPORT_OPEN))
		link_attempt_failed_at(l, slice_of(link_over_uri(reason)), message,
				       reason == HUB_OVER_BUSY ? PACE_PATIENT : PACE_USUAL);
	session_reset(&l->session);
	link_next_attempt(l);
	if (l->hub->drain != HUB_RUNNING)
		drain_advance(l->hub);
}

static void link_join_timeout(struct link *l)
{
	char message[96];
	int n = snprintf(message, sizeof(message), "no %s within %llu ms",
			 l->transport == TRANSPORT_OPEN ? "WELCOME" : "connection",
			 (unsigned long long)l->config.connection_timeout_ms);

	link_attempt_failed(l, SLICE("wampbridge.error.join_timeout"),
			    (struct slice){message, (size_t)n});
	link_wish(l, HUB_WISH_KILL);
}

void link_on_timer(struct link *l)
{
	if (l->transport == TRANSPORT_NONE)
		link_next_attempt(l);
	else if (l->state == LINK_CLOSING)
		link_wish(l, HUB_WISH_KILL);
	else
		link_join_timeout(l);
}

/* ---- the end of a session ---- */

static void link_fail_pending(struct link *l)
{
	static const char message[] = "router connection lost while the %s was in flight";
	char text[96];

	list_for_each_safe (i, &l->pending) {
		struct pending *p = CONTAINER_OF(i, struct pending, order);

		if (p->kind == PENDING_CALL) {
			snprintf(text, sizeof(text), message, "call");
			calls_fail(CONTAINER_OF(p, struct call, pending), ERROR_SESSION_LOST, text);
		} else if (p->kind == PENDING_PUBLISH) {
			snprintf(text, sizeof(text), message, "publication");
			publish_fail(CONTAINER_OF(p, struct publication, pending),
				     ERROR_SESSION_LOST, text);
		}
	}
}

void link_down(struct link *l, enum link_state state, const char *reason, struct slice message)
{
	bool lived_short = l->hub->now_ms - l->joined_at_ms < LINK_MIN_LIFE_MS;

	l->attempt = 0;
	l->retry_at_ms = 0;
	if (!lived_short)
		l->n_failures = 0;
	else if (l->n_failures)
		link_plan_retry(l, PACE_USUAL);
	else
		l->n_failures = 1;
	link_set_state(l, state, slice_of(reason), message);
	/* What was not given yet is part of the gap that follows. */
	events_drop_all(l);
	link_fail_pending(l);
	list_for_each_safe (i, &l->invocations)
		callee_session_lost(CONTAINER_OF(i, struct invocation, of_link));
	want_session_lost(l);
	/* Patience begins anew with the next session. */
	l->is_impatient = false;
	hub_timer_stop(l->hub, &l->hold);
	link_wake_blocked(l);
	if (l->transport == TRANSPORT_OPENING || l->transport == TRANSPORT_OPEN)
		link_wish(l, HUB_WISH_CLOSE);
	link_mark_dirty(l);
}

/*
 * Leaves and joins anew: our own session may hold what the router refuses to
 * give us. It counts as lost from now on; the GOODBYE goes out before the
 * transport ends, and its answer is not waited for.
 */
void link_rejoin(struct link *l, const char *message)
{
	if (!link_is_joined(l))
		return;
	l->rejoined_at_ms = l->hub->now_ms;
	session_leave(&l->session, "wamp.close.close_realm");
	link_down(l, LINK_LOST, "wamp.close.close_realm", slice_of(message));
}

/*
 * How long the router may take to answer our GOODBYE: the session's
 * shutdown_timeout, but no longer than the whole drain, and a second at least.
 */
static uint64_t link_leave_deadline(const struct link *l)
{
	uint64_t now = l->hub->now_ms, drain = l->hub->drain_timer.due.at_ms;
	uint64_t latest = drain > now + LINK_MIN_GOODBYE_MS ? drain : now + LINK_MIN_GOODBYE_MS;
	uint64_t wanted = now + l->config.shutdown_timeout_ms;

	return wanted < latest ? wanted : latest;
}

/* The daemon stops: GOODBYE, bounded by the close of the transport. */
void link_leave(struct link *l)
{
	bool joined = link_is_joined(l);

	if (l->state == LINK_CLOSING)
		return;
	link_set_state(l, LINK_CLOSING, SLICE_NONE, SLICE_NONE);
	link_fail_pending(l);
	list_for_each (i, &l->wants)
		want_release_waiters(CONTAINER_OF(i, struct want, node), false);
	link_wake_blocked(l);
	if (joined) {
		session_leave(&l->session, "wamp.close.system_shutdown");
		link_mark_dirty(l);
		hub_timer_set(l->hub, &l->timer, link_leave_deadline(l));
	} else if (l->transport == TRANSPORT_OPENING || l->transport == TRANSPORT_OPEN) {
		link_wish(l, HUB_WISH_KILL);
	} else if (l->transport == TRANSPORT_NONE) {
		hub_timer_stop(l->hub, &l->timer);
	}
}

/* ---- inbound ---- */

static void link_joined(struct link *l)
{
	hub_timer_stop(l->hub, &l->timer);
	l->ever_joined = true;
	l->retry_at_ms = 0;
	l->joined_at_ms = l->hub->now_ms;
	link_set_state(l, LINK_JOINED, SLICE_NONE, SLICE_NONE);
	want_joined(l);
}

/* Whether a message can be the answer to a request. */
static bool link_is_answer(enum wamp_type request, const struct wamp_msg *msg)
{
	static const enum wamp_type answers[][2] = {
		{WAMP_CALL, WAMP_RESULT},
		{WAMP_PUBLISH, WAMP_PUBLISHED},
		{WAMP_REGISTER, WAMP_REGISTERED},
		{WAMP_SUBSCRIBE, WAMP_SUBSCRIBED},
		{WAMP_UNREGISTER, WAMP_UNREGISTERED},
		{WAMP_UNSUBSCRIBE, WAMP_UNSUBSCRIBED},
	};

	if (msg->type == WAMP_ERROR)
		return msg->request_type == request;
	/* An id that is none cannot be undone later. */
	if ((msg->type == WAMP_REGISTERED || msg->type == WAMP_SUBSCRIBED) && !msg->id)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i][0] == request)
			return answers[i][1] == msg->type;
	return false;
}

static void link_answer(struct link *l, const struct session_event *event)
{
	struct pending *p = pending_find(l, event->msg.request);

	/* A late answer to what timed out, or one that nobody asked for: ignored (WAMP
	 * details 1.12). */
	if (!p || !link_is_answer(p->type, &event->msg))
		return;
	switch (p->kind) {
	case PENDING_CALL:
		calls_answer(CONTAINER_OF(p, struct call, pending), event);
		return;
	case PENDING_ASK:
		want_answer(CONTAINER_OF(p, struct ask, pending), event);
		return;
	case PENDING_PUBLISH:
		publish_answer(CONTAINER_OF(p, struct publication, pending), event);
		return;
	}
}

/* UNREGISTERED and UNSUBSCRIBED with request id 0: the router took it away. */
static void link_revoked(struct link *l, const struct session_event *event)
{
	enum want_kind kind =
		event->msg.type == WAMP_UNREGISTERED ? WANT_REGISTRATION : WANT_SUBSCRIPTION;
	struct wamp_options options;

	wamp_options_read(&options, event->msg.type, &event->msg.details, &l->session.arena);
	want_revoked(l, kind,
		     kind == WANT_REGISTRATION ? options.registration : options.subscription,
		     options.reason);
}

static void link_message(struct link *l, const struct session_event *event)
{
	enum wamp_type type = event->msg.type;

	if (type == WAMP_EVENT)
		events_deliver(l, event);
	else if (type == WAMP_INVOCATION)
		callee_invoke(l, event);
	else if ((type == WAMP_UNREGISTERED || type == WAMP_UNSUBSCRIBED) && !event->msg.request)
		link_revoked(l, event);
	else if (type != WAMP_INTERRUPT)
		link_answer(l, event);
}

static void link_refused(struct link *l, struct slice reason, struct slice message)
{
	if (link_is_joined(l)) {
		char *uri = mem_strndup(reason.ptr, reason.len);

		link_down(l, LINK_LOST, uri ?: "wamp.error.protocol_violation", message);
		mem_free(uri);
		return;
	}
	link_attempt_failed(l, reason, message);
	link_wish(l, HUB_WISH_CLOSE);
}

void hub_link_event(struct link *l, const struct session_event *event)
{
	if (l->transport != TRANSPORT_OPEN)
		return;
	switch (event->type) {
	case SESSION_EVENT_JOINED:
		link_joined(l);
		return;
	case SESSION_EVENT_MESSAGE:
		link_message(l, event);
		return;
	case SESSION_EVENT_LEFT:
		if (link_is_joined(l)) {
			char *uri = mem_strndup(event->reason.ptr, event->reason.len);

			link_down(l, LINK_LEFT, uri ?: "wamp.close.normal", event->message);
			mem_free(uri);
			return;
		}
		/* Both said GOODBYE. */
		link_wish(l, HUB_WISH_CLOSE);
		return;
	case SESSION_EVENT_CLOSED:
		link_wish(l, HUB_WISH_CLOSE);
		return;
	case SESSION_EVENT_REFUSED:
	case SESSION_EVENT_VIOLATION:
		if (l->state == LINK_CLOSING)
			link_wish(l, HUB_WISH_CLOSE);
		else
			link_refused(l, event->reason, event->message);
		return;
	}
}

void hub_link_frame(struct link *l, struct slice frame)
{
	struct session_event event;

	l->is_receiving = true;
	session_recv_frame(&l->session, frame);
	link_mark_dirty(l);
	while (session_next_event(&l->session, &event))
		hub_link_event(l, &event);
	l->is_receiving = false;
	session_settle(&l->session);
}
