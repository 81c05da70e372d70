/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The catalogue of error codes (protocol §16)
 *
 * One table serves the daemon's own errors, the codes of what routers send,
 * "list errors", and the manual page.
 */

#include "base/slice.h"

enum error_code {
	ERROR_BAD_JSON,
	ERROR_BAD_UTF8,
	ERROR_LINE_TOO_LONG,
	ERROR_BAD_MESSAGE,
	ERROR_UNKNOWN_OP,
	ERROR_UNKNOWN_MEMBER,
	ERROR_ID_REQUIRED,
	ERROR_ID_IN_USE,
	ERROR_HELLO_LATE,
	ERROR_PROTO_VERSION,
	ERROR_FEATURE_OFF,
	ERROR_INVALID_URI,
	ERROR_INVALID_ARGUMENT,
	ERROR_NO_SUCH_SESSION,
	ERROR_NO_SUCH_INVOCATION,
	ERROR_NO_SUCH_REGISTRATION,
	ERROR_NO_SUCH_SUBSCRIPTION,
	ERROR_NO_SUCH_PROCEDURE,
	ERROR_PROCEDURE_ALREADY_EXISTS,
	ERROR_NO_AVAILABLE_CALLEE,
	ERROR_UNAVAILABLE,
	ERROR_MAX_CONCURRENCY,
	ERROR_CANCELED,
	ERROR_TIMEOUT,
	ERROR_NOT_AUTHORIZED,
	ERROR_AUTHORIZATION_FAILED,
	ERROR_OPTION_NOT_ALLOWED,
	ERROR_DISCLOSE_ME,
	ERROR_FEATURE_NOT_SUPPORTED,
	ERROR_PAYLOAD_TOO_LARGE,
	ERROR_NOT_JOINED,
	ERROR_SESSION_LOST,
	ERROR_SESSION_FAILED,
	ERROR_TOO_MANY_REQUESTS,
	ERROR_TOO_MANY_REGISTRATIONS,
	ERROR_TOO_MANY_SUBSCRIPTIONS,
	ERROR_TOO_MANY_CONNECTIONS,
	ERROR_QUOTA_EXCEEDED,
	ERROR_SLOW_CONSUMER,
	ERROR_PROTOCOL_ERROR,
	ERROR_SHUTTING_DOWN,
	ERROR_INTERNAL,
	ERROR_APP,
	ERROR_COUNT,
};

/*
 * Whether the same request may succeed later, unchanged: what was wrong is over
 * by itself, and nothing was done. The member retry of an error line is written
 * from this column (reply_write_retry()).
 */
enum error_retry {
	ERROR_FINAL,
	ERROR_RETRY,
	ERROR_DEPENDS, /* on whether the daemon goes on trying: the writer of the line knows */
};

struct error_kind {
	const char *code;
	const char *uri;
	const char *meaning;
	bool from_router; /* the router itself says it, no callee */
	enum error_retry retry;
};

const struct error_kind *error_kind(enum error_code code);

/* The code of a URI that a router sent; ERROR_APP if it is none of ours. */
enum error_code error_from_uri(struct slice uri);

/* URIs that are written on the wire without being a line's error. */
#define ERROR_URI_CANCELED	  "wamp.error.canceled"
#define ERROR_URI_RUNTIME	  "wamp.error.runtime_error"
#define ERROR_URI_INVALID_PAYLOAD "wamp.error.invalid_payload"
#define ERROR_URI_UNAVAILABLE	  "wamp.error.unavailable"
#define ERROR_URI_TOO_LARGE	  "wamp.error.payload_size_exceeded"
#define ERROR_URI_NO_REGISTRATION "wamp.error.no_such_registration"
#define ERROR_URI_SESSION_LOST	  "wampbridge.error.session_lost"
