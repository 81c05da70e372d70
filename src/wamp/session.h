/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * WAMP client session (WAMP 4, "Sessions")
 *
 * A pure state machine: it owns no socket, no timer and no clock. Messages go
 * in, messages and events come out; nothing here calls back. Deadlines of a
 * session are kept by its link in hub/.
 *
 *   IDLE ──session_open()──► HELLO_SENT ──WELCOME──► JOINED ──session_leave()──► CLOSING
 *                                │                     │                           │
 *                                └──ABORT──► CLOSED ◄──┴──GOODBYE, violation───────┘
 *
 * Start reading at session_recv(). Words: a *frame* is one message as JSON
 * text; a *view* is a struct wamp_msg; *outbound* things wait in the session
 * until the transport takes them: as frames for a socket, as views for the
 * router in the same process (then nothing is encoded at all).
 */

#include "auth/auth.h"
#include "auth/marks.h"
#include "wamp/msg.h"

enum session_state {
	SESSION_IDLE,	    /* no transport */
	SESSION_HELLO_SENT, /* waiting for WELCOME, CHALLENGE or ABORT; challenges are answered */
	SESSION_JOINED,
	SESSION_CLOSING, /* our GOODBYE sent, waiting for theirs */
	SESSION_CLOSED,	 /* over; only session_reset() is useful */
};

enum session_event_type {
	SESSION_EVENT_JOINED,	 /* WELCOME; session_welcome() has the details */
	SESSION_EVENT_MESSAGE,	 /* an answer, INVOCATION, EVENT, …: see msg */
	SESSION_EVENT_REFUSED,	 /* ABORT, or a challenge that cannot be answered */
	SESSION_EVENT_LEFT,	 /* the router said GOODBYE; ours has been answered */
	SESSION_EVENT_CLOSED,	 /* the GOODBYE that we started is complete */
	SESSION_EVENT_VIOLATION, /* the router broke the protocol; our ABORT is outbound */
};

struct session_event {
	enum session_event_type type;
	bool undecodable;     /* MESSAGE: the payload is not JSON; args and kwargs are absent */
	struct wamp_msg msg;  /* MESSAGE; borrowed until the next input */
	struct slice reason;  /* REFUSED, LEFT, CLOSED, VIOLATION: a URI */
	struct slice message; /* text for people, may be empty; no secret of ours is in it */
};

/* What the router said in WELCOME; strings are NULL when it did not. */
struct session_welcome {
	uint64_t session_id;
	char *realm, *authid, *authrole, *authmethod, *agent;
	bool has_broker, has_dealer;
	bool call_canceling; /* the dealer takes CANCEL */
};

/* How the session says who it is. */
struct session_auth {
	const char *const *methods; /* WAMP's names, the preferred one first; none: anonymous */
	size_t n_methods;
	const char *id, *role; /* NULL: not told */
	const char *extra;     /* authextra as JSON text, or NULL */
};

/* Everything in it must outlive the session. */
struct session_config {
	const char *realm;
	const char *agent;
	bool views; /* outbound messages are views, not frames */
	struct session_auth auth;
	const char *query; /* of the url, which may hold a token; NULL: none */
	size_t max_frame;  /* of HELLO and AUTHENTICATE; 0: none */
};

/* Challenges of one join that are answered: two rounds are legal, more are an attack. */
#define SESSION_MAX_CHALLENGES 2

/* Frames in session.out: a uint32_t length in host order, then that many bytes. */
#define SESSION_FRAME_HEADER 4

/* Outbound bytes that a session may hold; above it the session is given up (out.error). */
#define SESSION_MAX_OUT (64u << 20)

struct session {
	struct session_config config;
	enum session_state state;
	struct session_welcome welcome;
	uint64_t last_request; /* request ids are 1, 2, 3 … without a gap (WAMP 2.1.2) */
	struct buf out;	       /* frames; config.views: unused */
	struct wamp_msg *views;
	size_t first_view, n_views, cap_views;
	struct arena arena; /* text that views and events borrow */
	struct buf secret;  /* from session_set_secret() until it is not needed any more */
	struct marks marks; /* what was sent of it, to know it again in the router's texts */
	unsigned n_challenges;
	struct auth_job *job; /* waits for session_take_job() */
	uint64_t job_wanted;  /* its number; 0: none is under way */
	uint64_t n_jobs;
	struct session_event event;
	bool has_event;
};

int session_init(struct session *s, const struct session_config *config) MUST_CHECK;
void session_done(struct session *s);

/* Back to IDLE for a new transport: forgets everything outbound, ids start at 1 again. */
void session_reset(struct session *s);

/*
 * The secret for the join that begins now, before session_open(). It is copied,
 * and wiped as soon as the session is joined or over. 0 or -ENOMEM.
 */
int session_set_secret(struct session *s, struct slice secret) MUST_CHECK;

/*
 * The transport is there: queues HELLO. From IDLE only. One that is longer than
 * max_frame is not queued: out.error is -EMSGSIZE.
 */
void session_open(struct session *s);

/*
 * A key that must be derived before a challenge is answered, or NULL; the
 * caller owns it. It takes long: auth_job_run() belongs into another thread.
 */
struct auth_job *session_take_job(struct session *s);

/*
 * Answers with what was derived, and frees the job. Nothing happens if the
 * session is another one meanwhile, or does not wait any more. Events as
 * after an input.
 */
void session_answer(struct session *s, struct auth_job *job);

/*
 * What else is sent for this join and may be a secret, such as a token in a
 * header: it is hidden in the router's texts, too. A short one is a word like
 * any other.
 */
void session_mark(struct session *s, struct slice text);

/*
 * A text that came from the router, outside of a message: without what was sent
 * to it as a secret, and cut. SLICE_NONE: nothing of it may be told. It borrows
 * from text and from the arena.
 */
struct slice session_hide(struct session *s, struct slice text);

/*
 * Input: one whole message. What follows from it is taken with
 * session_next_event() before the next input.
 */
void session_recv_frame(struct session *s, struct slice frame);
void session_recv(struct session *s, const struct wamp_msg *msg);

/* The next event, or false. It borrows from the input and from the arena. */
bool session_next_event(struct session *s, struct session_event *ret);

/*
 * Queues a message. A request (CALL, REGISTER, UNREGISTER, PUBLISH, SUBSCRIBE,
 * UNSUBSCRIBE) gets the next request id, which is returned; msg->request is
 * not looked at. Others (YIELD, ERROR, CANCEL) go as they are; returns 0.
 * JOINED only. Failures latch in out.error.
 */
uint64_t session_send(struct session *s, const struct wamp_msg *msg);

/* Queues GOODBYE; JOINED only. */
void session_leave(struct session *s, const char *reason);

/* Queues ABORT with wamp.error.protocol_violation or the reason given; the session is CLOSED. */
void session_abort(struct session *s, const char *reason, const char *message);

/* Output for an embedded router: the next view, or false. Its slices live until session_settle().
 */
bool session_next_view(struct session *s, struct wamp_msg *ret);

/* All borrowed views are done with: forgets the text behind them. */
void session_settle(struct session *s);

const char *session_state_name(enum session_state state);
