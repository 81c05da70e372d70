/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * WAMP options, typed
 *
 * One table says which name may stand in which message's Options or Details,
 * of which type and range. A mistyped option makes a router drop the session
 * that everybody shares, so whatever goes out passes through this table, and
 * whatever comes in is read by it: known names with the wrong type count as
 * absent, unknown names are ignored (WAMP 2.3.3).
 */

#include "wamp/msg.h"

enum wamp_match { WAMP_MATCH_EXACT, WAMP_MATCH_PREFIX, WAMP_MATCH_WILDCARD };
enum wamp_invoke {
	WAMP_INVOKE_SINGLE,
	WAMP_INVOKE_ROUNDROBIN,
	WAMP_INVOKE_RANDOM,
	WAMP_INVOKE_FIRST,
	WAMP_INVOKE_LAST,
};

/* What an Options or Details dict says, with the specification's defaults. */
struct wamp_options {
	bool acknowledge;
	bool exclude_me; /* default true */
	bool progress;
	bool receive_progress;
	bool retained;
	enum wamp_match match;
	enum wamp_invoke invoke;
	uint64_t timeout_ms;
	uint64_t caller, publisher;	     /* session ids, 0 unless disclosed */
	struct slice procedure;		     /* INVOCATION of a pattern registration */
	struct slice topic;		     /* EVENT of a pattern subscription */
	struct slice mode;		     /* CANCEL, INTERRUPT */
	struct slice reason;		     /* INTERRUPT, revocations */
	struct slice message;		     /* ABORT, GOODBYE: text for people */
	uint64_t registration, subscription; /* revocations */
	bool is_foreign; /* the payload is encrypted or of another serializer (ppt_*, enc_*) */
};

/* Reads a received dict leniently, whatever its size; the last of two counts. Escaped strings are
 * decoded into arena. */
void wamp_options_read(struct wamp_options *ret, enum wamp_type type, const struct scan_value *dict,
		       struct arena *arena);

enum wamp_options_outcome {
	WAMP_OPTIONS_UNKNOWN = 1,  /* no such option for this message */
	WAMP_OPTIONS_TYPE = 2,	   /* wrong type or out of range */
	WAMP_OPTIONS_OWNED = 3,	   /* the daemon's own business (protocol §6) */
	WAMP_OPTIONS_TOO_MANY = 4, /* over 64 of them */
};

/*
 * Checks a dict that is to be sent. Names like _x... and x_... pass. 0, or an
 * outcome with the name in ret_name: borrowed from arena, none if the dict
 * itself is at fault (or without memory).
 */
int wamp_options_check(enum wamp_type type, const struct scan_value *dict, struct arena *arena,
		       struct slice *ret_name) MUST_CHECK;
