/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * WAMP messages as views
 *
 * A struct wamp_msg is one message with its payload as borrowed JSON text. It
 * lives on the stack, owns nothing, and is the form in which session, hub and
 * embedded router hand messages to one another. wamp_parse() makes one from a
 * frame, wamp_write() a frame from one.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "codec/scan.h"

/* WAMP ids are 1 ... 2^53 (WAMP 2.1.2). */
#define WAMP_MAX_ID (UINT64_C(1) << 53)

enum wamp_type {
	WAMP_HELLO = 1,
	WAMP_WELCOME = 2,
	WAMP_ABORT = 3,
	WAMP_CHALLENGE = 4,
	WAMP_AUTHENTICATE = 5,
	WAMP_GOODBYE = 6,
	WAMP_ERROR = 8,
	WAMP_PUBLISH = 16,
	WAMP_PUBLISHED = 17,
	WAMP_SUBSCRIBE = 32,
	WAMP_SUBSCRIBED = 33,
	WAMP_UNSUBSCRIBE = 34,
	WAMP_UNSUBSCRIBED = 35,
	WAMP_EVENT = 36,
	WAMP_CALL = 48,
	WAMP_CANCEL = 49,
	WAMP_RESULT = 50,
	WAMP_REGISTER = 64,
	WAMP_REGISTERED = 65,
	WAMP_UNREGISTER = 66,
	WAMP_UNREGISTERED = 67,
	WAMP_INVOCATION = 68,
	WAMP_INTERRUPT = 69,
	WAMP_YIELD = 70,
};

struct wamp_msg {
	enum wamp_type type;
	enum wamp_type request_type; /* ERROR: what failed */
	uint64_t request;	     /* request id; 0 in a revocation */
	uint64_t id;		     /* session (WELCOME), registration, subscription */
	uint64_t publication;	     /* PUBLISHED, EVENT */
	struct scan_value details;   /* Options or Details dict; absent: written as {} */
	struct slice uri;	/* realm, reason, error, topic, procedure, auth method, signature */
	struct scan_value args; /* array; a string if it is an opaque payload; absent if empty */
	struct scan_value kwargs; /* object; absent if empty */
};

enum wamp_outcome {
	WAMP_MALFORMED = 1, /* the head is unreadable: the session must end (protocol violation) */
	WAMP_UNDECODABLE = 2, /* the head is usable, the payload is not (protocol §2.6) */
	WAMP_UNKNOWN = 3,     /* an extension (type 256 and up): ignore it */
};

/* Why a frame is malformed, for people: "EVENT (36): subscription id is a string". */
struct wamp_fault {
	char text[160];
};

/*
 * Reads one frame. The view borrows from text and, for a URI with escapes,
 * from arena. The head is the type, the ids and the URI: nothing else can make
 * a frame malformed. Details that are not a dictionary are absent; so are args
 * and kwargs that are null, missing, or an empty container of the other kind;
 * what else these cannot be is undecodable. Elements behind them are ignored,
 * and an integer may stand for an error URI or a reason. An ABORT and a GOODBYE
 * without a readable reason have an empty one. 0 or an outcome; ret_fault says
 * why a frame is malformed.
 */
int wamp_parse(struct wamp_msg *ret, struct slice text, struct arena *arena,
	       struct wamp_fault *ret_fault) MUST_CHECK;

/* Appends the message as JSON text. Empty args and kwargs are left out (WAMP 2.3.3). */
void wamp_write(struct buf *b, const struct wamp_msg *msg);

/* "CALL", or "?" for a number that is none. */
const char *wamp_type_name(enum wamp_type type);

/* Loose, non-empty URI: what CALL, PUBLISH and exact matches need (WAMP 2.1.1). */
bool wamp_uri_is_valid(struct slice uri);
