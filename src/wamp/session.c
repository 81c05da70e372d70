/* SPDX-License-Identifier: MIT */

/*
 * WAMP client session: the state machine
 *
 * Happy path: open (HELLO), WELCOME, messages both ways, leave (GOODBYE),
 * GOODBYE. Failure modes: ABORT or a challenge (refused), the router's own
 * GOODBYE (answered), a violation (ABORT). Unknown ids, extra elements and
 * unknown extensions are not violations: routers differ there.
 */

#include "wamp/session.h"

#include "base/mem.h"
#include "codec/chars.h"
#include "codec/emit.h"
#include "wamp/hello.h"
#include "wamp/hide.h"
#include "wamp/options.h"

#include <errno.h>

/* Views that may wait; only a loop that does not pump could make more. */
#define SESSION_MAX_VIEWS 65536

#define SESSION_MAX_SECRET 65536

/* The view's queue keeps this much room when it is empty. */
#define SESSION_KEPT_VIEWS 256

/* ---- life-cycle ---- */

void session_mark(struct session *s, struct slice text)
{
	hide_mark(&s->marks, text);
}

int session_init(struct session *s, const struct session_config *config)
{
	static const char *const anonymous[] = {"anonymous"};

	*s = (struct session){.config = *config, .state = SESSION_IDLE};
	if (!config->auth.n_methods) {
		s->config.auth.methods = anonymous;
		s->config.auth.n_methods = 1;
	}
	buf_init(&s->out, SESSION_MAX_OUT);
	buf_init(&s->secret, SESSION_MAX_SECRET);
	arena_init(&s->arena);
	hide_mark_query(&s->marks, s->config.query);
	return 0;
}

/* What was written of it may lie in the buffer of outbound messages, too. */
static void session_wipe_secret(struct session *s)
{
	buf_wipe(&s->secret);
	if (!s->out.wipes || buf_len(&s->out))
		return;
	buf_wipe(&s->out);
	s->out.wipes = false;
}

int session_set_secret(struct session *s, struct slice secret)
{
	session_wipe_secret(s);
	s->out.wipes = true;
	s->arena.wipes = true;
	marks_add(&s->marks, secret);
	buf_append_slice(&s->secret, secret);
	return s->secret.error;
}

static void session_drop_job(struct session *s)
{
	s->job = auth_job_free(s->job);
	s->job_wanted = 0;
}

/* What one burst needed is not kept for ever. */
static void session_trim_views(struct session *s)
{
	if (s->n_views || s->cap_views <= SESSION_KEPT_VIEWS)
		return;
	s->views = mem_free(s->views);
	s->first_view = s->cap_views = 0;
}

void session_done(struct session *s)
{
	session_wipe_secret(s);
	session_drop_job(s);
	marks_forget(&s->marks);
	hello_welcome_done(&s->welcome);
	buf_done(&s->out);
	mem_free(s->views);
	arena_done(&s->arena);
}

void session_reset(struct session *s)
{
	s->state = SESSION_IDLE;
	s->last_request = 0;
	s->n_challenges = 0;
	s->has_event = false;
	s->first_view = s->n_views = 0;
	session_trim_views(s);
	buf_clear(&s->out);
	session_wipe_secret(s);
	session_drop_job(s);
	buf_trim(&s->out);
	arena_reset(&s->arena);
	marks_forget(&s->marks);
	hide_mark_query(&s->marks, s->config.query);
}

const char *session_state_name(enum session_state state)
{
	switch (state) {
	case SESSION_IDLE:
		return "idle";
	case SESSION_HELLO_SENT:
		return "hello_sent";
	case SESSION_JOINED:
		return "joined";
	case SESSION_CLOSING:
		return "closing";
	case SESSION_CLOSED:
		return "closed";
	}
	return "?";
}

/* ---- outbound ---- */

static bool session_make_room(struct session *s)
{
	size_t cap = s->cap_views ? s->cap_views * 2 : 16;
	struct wamp_msg *views;

	if (s->first_view + s->n_views < s->cap_views)
		return true;
	if (s->first_view) {
		memmove(s->views, s->views + s->first_view, s->n_views * sizeof(*views));
		s->first_view = 0;
		return true;
	}
	if (s->n_views >= SESSION_MAX_VIEWS) {
		s->out.error = -ENOBUFS;
		return false;
	}
	views = mem_realloc(s->views, cap * sizeof(*views));
	if (!views) {
		s->out.error = -ENOMEM;
		return false;
	}
	s->views = views;
	s->cap_views = cap;
	return true;
}

static void session_queue_frame(struct session *s, const struct wamp_msg *msg)
{
	size_t before = buf_len(&s->out);
	uint32_t len = 0;

	buf_append(&s->out, &len, SESSION_FRAME_HEADER);
	wamp_write(&s->out, msg);
	if (s->out.error)
		return;
	len = (uint32_t)(buf_len(&s->out) - before - SESSION_FRAME_HEADER);
	memcpy(s->out.data + s->out.head + before, &len, sizeof(len));
}

static void session_queue(struct session *s, const struct wamp_msg *msg)
{
	if (!s->config.views)
		session_queue_frame(s, msg);
	else if (session_make_room(s))
		s->views[s->first_view + s->n_views++] = *msg;
}

/* As above, but not a frame that is longer than the session's messages may be. */
static bool session_queue_bounded(struct session *s, const struct wamp_msg *msg)
{
	size_t before = buf_len(&s->out);

	session_queue(s, msg);
	if (!s->config.max_frame || s->out.error ||
	    buf_len(&s->out) - before <= s->config.max_frame + SESSION_FRAME_HEADER)
		return true;
	buf_rewind(&s->out, before);
	return false;
}

static bool session_is_request(enum wamp_type type)
{
	return type == WAMP_CALL || type == WAMP_PUBLISH || type == WAMP_REGISTER ||
	       type == WAMP_UNREGISTER || type == WAMP_SUBSCRIBE || type == WAMP_UNSUBSCRIBE;
}

uint64_t session_send(struct session *s, const struct wamp_msg *msg)
{
	struct wamp_msg request;

	if (s->state != SESSION_JOINED)
		return 0;
	if (!session_is_request(msg->type)) {
		session_queue(s, msg);
		return 0;
	}
	request = *msg;
	request.request = s->last_request = s->last_request % WAMP_MAX_ID + 1;
	session_queue(s, &request);
	return request.request;
}

/* {"message":…}: what a person on the other side reads. */
static struct scan_value session_details(struct session *s, const char *message)
{
	struct buf b = BUF_INIT(4096);
	struct scan_value details = {0};
	char *text;

	if (!message)
		return details;
	emit_literal(&b, "{\"message\":");
	emit_text(&b, slice_of(message));
	buf_append_char(&b, '}');
	text = b.error ? NULL : arena_alloc(&s->arena, buf_len(&b));
	if (text) {
		memcpy(text, b.data, buf_len(&b));
		details = (struct scan_value){text, (uint32_t)buf_len(&b), SCAN_OBJECT, 0};
	}
	buf_done(&b);
	return details;
}

static void session_queue_end(struct session *s, enum wamp_type type, const char *reason,
			      const char *message)
{
	struct wamp_msg msg = {
		.type = type, .details = session_details(s, message), .uri = slice_of(reason)};

	session_queue(s, &msg);
}

void session_open(struct session *s)
{
	struct wamp_msg hello = {
		.type = WAMP_HELLO,
		.uri = slice_of(s->config.realm),
		.details = hello_details(&s->arena, &s->config),
	};

	if (s->state != SESSION_IDLE)
		return;
	s->state = SESSION_HELLO_SENT;
	hide_mark_extra(&s->marks, s->config.auth.extra, &s->arena);
	if (!hello.details.len) {
		/* Without details it would be no message. */
		s->out.error = -ENOMEM;
		return;
	}
	if (!session_queue_bounded(s, &hello))
		s->out.error = -EMSGSIZE;
}

void session_leave(struct session *s, const char *reason)
{
	if (s->state != SESSION_JOINED)
		return;
	session_queue_end(s, WAMP_GOODBYE, reason, NULL);
	s->state = SESSION_CLOSING;
}

void session_abort(struct session *s, const char *reason, const char *message)
{
	session_queue_end(s, WAMP_ABORT, reason, message);
	s->state = SESSION_CLOSED;
}

/* ---- inbound ---- */

static struct session_event *session_emit(struct session *s, enum session_event_type type)
{
	s->event = (struct session_event){.type = type};
	s->has_event = true;
	return &s->event;
}

/* text stays until the next input; it is told to people on both sides. */
static void session_violation(struct session *s, struct slice text)
{
	struct session_event *event;

	session_abort(s, "wamp.error.protocol_violation", text.ptr);
	event = session_emit(s, SESSION_EVENT_VIOLATION);
	event->reason = SLICE("wamp.error.protocol_violation");
	event->message = text;
}

/* "EVENT (36) before WELCOME" */
static void session_misplaced(struct session *s, const struct wamp_msg *msg, const char *where)
{
	session_violation(s, arena_printf(&s->arena, "%s (%d) %s", wamp_type_name(msg->type),
					  (int)msg->type, where));
}

struct slice session_hide(struct session *s, struct slice text)
{
	return hide_text(&s->marks, text, &s->arena);
}

/* The end that the router says, with its reason and text. */
static void session_end(struct session *s, enum session_event_type type, const struct wamp_msg *msg)
{
	struct session_event *event = session_emit(s, type);
	struct wamp_options options;

	wamp_options_read(&options, msg->type, &msg->details, &s->arena);
	event->reason = hide_uri(&s->marks, msg->uri, &s->arena);
	event->message = session_hide(s, options.message);
	s->state = SESSION_CLOSED;
	if (msg->uri.len)
		return;
	event->reason = msg->type == WAMP_GOODBYE ? SLICE("wamp.close.normal")
						  : SLICE("wamp.error.protocol_violation");
	if (!event->message.len)
		event->message = SLICE("the router gave no reason");
}

/* Gives the join up; text is for people on this side, the router learns no more than it needs. */
static void session_cannot_authenticate(struct session *s, struct slice text)
{
	struct session_event *event;

	session_abort(s, "wamp.error.cannot_authenticate", "the challenge cannot be answered");
	event = session_emit(s, SESSION_EVENT_REFUSED);
	event->reason = SLICE("wamp.error.cannot_authenticate");
	event->message = text;
}

static void session_cannot_compute(struct session *s, int r)
{
	session_cannot_authenticate(s, arena_printf(&s->arena,
						    "the answer to the challenge cannot be "
						    "computed: %s",
						    strerror(-r)));
}

static bool session_offers(const struct session *s, struct slice method)
{
	for (size_t i = 0; i < s->config.auth.n_methods; i++)
		if (slice_is(method, s->config.auth.methods[i]))
			return true;
	return false;
}

static struct slice session_unexpected_method(struct session *s, struct slice method)
{
	const struct session_auth *auth = &s->config.auth;
	struct slice text = SLICE("");

	/* The router's word is bounded: it goes to logs and terminals. */
	method = hide_uri(&s->marks, method, &s->arena);
	method.len = chars_cut(method.ptr, method.len, 64);
	for (size_t i = 0; i < auth->n_methods; i++)
		text = arena_printf(&s->arena, "%.*s%s\"%s\"", SLICE_ARG(text), i ? ", " : "",
				    auth->methods[i]);
	return arena_printf(&s->arena,
			    "expected authentication method %.*s but received a \"%.*s\" challenge "
			    "instead",
			    SLICE_ARG(text), SLICE_ARG(method));
}

static void session_send_answer(struct session *s, struct slice answer)
{
	struct wamp_msg msg = {.type = WAMP_AUTHENTICATE};

	marks_add(&s->marks, answer);
	/* A view borrows until it is settled; a frame is written now. */
	msg.uri = s->config.views ? arena_printf(&s->arena, "%.*s", SLICE_ARG(answer)) : answer;
	if (session_queue_bounded(s, &msg))
		return;
	session_cannot_authenticate(s, arena_printf(&s->arena,
						    "the answer to the challenge exceeds "
						    "max_message_size of %zu bytes",
						    s->config.max_frame));
}

/* The job waits to be taken; one that was out before is not waited for any more. */
static void session_want_key(struct session *s, struct auth_job *job)
{
	session_drop_job(s);
	job->number = s->job_wanted = ++s->n_jobs;
	s->job = job;
}

struct auth_job *session_take_job(struct session *s)
{
	return TAKE(s->job);
}

static void session_authenticate(struct session *s, const struct wamp_msg *challenge)
{
	CLEANUP(buf_done) struct buf answer = {.max = SESSION_MAX_SECRET, .wipes = true};
	char message[AUTH_MAX_MESSAGE];
	struct auth_job *job = NULL;
	int r = auth_answer(&answer, &job, (enum auth_method)auth_method_find(challenge->uri),
			    &challenge->details, buf_bytes(&s->secret), message);

	if (r == 0)
		session_send_answer(s, buf_bytes(&answer));
	else if (r == AUTH_DERIVES)
		session_want_key(s, job);
	else if (r == AUTH_REFUSED)
		session_cannot_authenticate(s, arena_printf(&s->arena, "%s", message));
	else
		session_cannot_compute(s, r);
}

/* WAMP 4.3: the router chooses one of the methods offered. */
static void session_challenged(struct session *s, const struct wamp_msg *msg)
{
	if (!session_offers(s, msg->uri) || auth_method_find(msg->uri) < 0)
		session_cannot_authenticate(s, session_unexpected_method(s, msg->uri));
	else if (s->n_challenges++ == SESSION_MAX_CHALLENGES)
		session_cannot_authenticate(s, SLICE("the router challenges again and again"));
	else
		session_authenticate(s, msg);
}

static void session_recv_hello_sent(struct session *s, const struct wamp_msg *msg)
{
	if (msg->type == WAMP_WELCOME) {
		if (!msg->id) {
			session_violation(s, SLICE("WELCOME (2): session id is 0"));
			return;
		}
		hello_welcome(&s->welcome, msg, &s->marks, &s->arena);
		marks_forget_brief(&s->marks);
		s->state = SESSION_JOINED;
		session_emit(s, SESSION_EVENT_JOINED);
	} else if (msg->type == WAMP_CHALLENGE) {
		session_challenged(s, msg);
	} else if (msg->type == WAMP_ABORT || msg->type == WAMP_GOODBYE) {
		session_end(s, SESSION_EVENT_REFUSED, msg);
	} else {
		session_misplaced(s, msg, "before WELCOME");
	}
}

static bool session_is_for_clients(enum wamp_type type)
{
	switch (type) {
	case WAMP_ERROR:
	case WAMP_PUBLISHED:
	case WAMP_SUBSCRIBED:
	case WAMP_UNSUBSCRIBED:
	case WAMP_EVENT:
	case WAMP_RESULT:
	case WAMP_REGISTERED:
	case WAMP_UNREGISTERED:
	case WAMP_INVOCATION:
	case WAMP_INTERRUPT:
		return true;
	case WAMP_HELLO:
	case WAMP_WELCOME:
	case WAMP_ABORT:
	case WAMP_CHALLENGE:
	case WAMP_AUTHENTICATE:
	case WAMP_GOODBYE:
	case WAMP_PUBLISH:
	case WAMP_SUBSCRIBE:
	case WAMP_UNSUBSCRIBE:
	case WAMP_CALL:
	case WAMP_CANCEL:
	case WAMP_REGISTER:
	case WAMP_UNREGISTER:
	case WAMP_YIELD:
		return false;
	}
	return false;
}

static void session_recv_joined(struct session *s, const struct wamp_msg *msg, bool undecodable)
{
	struct session_event *event;

	if (msg->type == WAMP_GOODBYE) {
		session_queue_end(s, WAMP_GOODBYE, "wamp.close.goodbye_and_out", NULL);
		session_end(s, SESSION_EVENT_LEFT, msg);
	} else if (msg->type == WAMP_ABORT) {
		session_end(s, SESSION_EVENT_REFUSED, msg);
	} else if (!session_is_for_clients(msg->type)) {
		session_misplaced(s, msg, "must not come from a router here");
	} else {
		event = session_emit(s, SESSION_EVENT_MESSAGE);
		event->msg = *msg;
		event->undecodable = undecodable;
		hide_message(&s->marks, &event->msg, &s->arena);
	}
}

static void session_recv_any(struct session *s, const struct wamp_msg *msg, bool undecodable)
{
	s->has_event = false;
	switch (s->state) {
	case SESSION_HELLO_SENT:
		session_recv_hello_sent(s, msg);
		if (s->state == SESSION_HELLO_SENT)
			return;
		session_wipe_secret(s);
		session_drop_job(s);
		return;
	case SESSION_JOINED:
		session_recv_joined(s, msg, undecodable);
		return;
	case SESSION_CLOSING:
		/* WAMP 4.1: only the router's GOODBYE counts now. */
		if (msg->type == WAMP_GOODBYE || msg->type == WAMP_ABORT)
			session_end(s, SESSION_EVENT_CLOSED, msg);
		return;
	case SESSION_IDLE:
	case SESSION_CLOSED:
		return;
	}
}

void session_answer(struct session *s, struct auth_job *job)
{
	bool is_wanted = s->state == SESSION_HELLO_SENT && job->number == s->job_wanted;

	s->has_event = false;
	if (is_wanted) {
		s->job_wanted = 0;
		marks_add(&s->marks, slice_of(job->key));
		if (job->result == 0)
			session_send_answer(s, slice_of(job->signature));
		else
			session_cannot_compute(s, job->result);
	}
	auth_job_free(job);
	/* Of an attempt that is over: the secret is already that of the next one. */
	if (is_wanted && s->state != SESSION_HELLO_SENT)
		session_wipe_secret(s);
}

void session_recv(struct session *s, const struct wamp_msg *msg)
{
	session_recv_any(s, msg, false);
}

void session_recv_frame(struct session *s, struct slice frame)
{
	struct wamp_fault fault;
	struct wamp_msg msg;
	int r;

	s->has_event = false;
	if (s->state == SESSION_IDLE || s->state == SESSION_CLOSED)
		return;
	r = wamp_parse(&msg, frame, &s->arena, &fault);
	if (r == WAMP_MALFORMED && s->state == SESSION_CLOSING)
		return;
	if (r == WAMP_MALFORMED)
		session_violation(s,
				  arena_printf(&s->arena, "%.*s",
					       SLICE_ARG(session_hide(s, slice_of(fault.text)))));
	else if (r != WAMP_UNKNOWN)
		session_recv_any(s, &msg, r == WAMP_UNDECODABLE);
}

/* ---- output ---- */

bool session_next_event(struct session *s, struct session_event *ret)
{
	if (!s->has_event)
		return false;
	s->has_event = false;
	*ret = s->event;
	return true;
}

bool session_next_view(struct session *s, struct wamp_msg *ret)
{
	if (!s->n_views)
		return false;
	*ret = s->views[s->first_view++];
	if (!--s->n_views)
		s->first_view = 0;
	return true;
}

void session_settle(struct session *s)
{
	if (s->n_views)
		return;
	arena_reset(&s->arena);
	session_trim_views(s);
}
