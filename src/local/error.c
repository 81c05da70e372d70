/* SPDX-License-Identifier: MIT */

/*
 * The catalogue of error codes
 */

#include "local/error.h"

#include "base/cleanup.h"

#define OWN(name)  name, "wampbridge.error." name
#define WAMP(name) name, "wamp.error." name

static const struct error_kind error_table[ERROR_COUNT] = {
	[ERROR_BAD_JSON] = {OWN("bad_json"), "the line is not one JSON object", false, ERROR_FINAL},
	[ERROR_BAD_UTF8] = {OWN("bad_utf8"), "invalid UTF-8, a lone surrogate, or a NUL byte",
			    false, ERROR_FINAL},
	[ERROR_LINE_TOO_LONG] = {OWN("line_too_long"), "over max_line; skipped", false,
				 ERROR_FINAL},
	[ERROR_BAD_MESSAGE] = {OWN("bad_message"),
			       "a member is missing, of wrong type, twice, or out of range", false,
			       ERROR_FINAL},
	[ERROR_UNKNOWN_OP] = {OWN("unknown_op"), "this daemon has no such op", false, ERROR_FINAL},
	[ERROR_UNKNOWN_MEMBER] = {OWN("unknown_member"), "the op has no such member", false,
				  ERROR_FINAL},
	[ERROR_ID_REQUIRED] = {OWN("id_required"), "the op needs an id", false, ERROR_FINAL},
	[ERROR_ID_IN_USE] = {OWN("id_in_use"), "an open request or handle has this id", false,
			     ERROR_FINAL},
	[ERROR_HELLO_LATE] = {OWN("hello_late"), "hello was not first", false, ERROR_FINAL},
	[ERROR_PROTO_VERSION] = {OWN("proto_version"), "major version not spoken", false,
				 ERROR_FINAL},
	[ERROR_FEATURE_OFF] = {OWN("feature_off"), "a feature that is not enabled or built", false,
			       ERROR_FINAL},
	[ERROR_INVALID_URI] = {WAMP("invalid_uri"), "not a URI that WAMP allows here", true,
			       ERROR_FINAL},
	[ERROR_INVALID_ARGUMENT] = {WAMP("invalid_argument"), "the callee refuses the arguments",
				    false, ERROR_FINAL},
	[ERROR_NO_SUCH_SESSION] = {OWN("no_such_session"), "unknown router session", false,
				   ERROR_FINAL},
	[ERROR_NO_SUCH_INVOCATION] = {OWN("no_such_invocation"), "an inv that was never issued",
				      false, ERROR_FINAL},
	[ERROR_NO_SUCH_REGISTRATION] = {WAMP("no_such_registration"), "not registered", true,
					ERROR_FINAL},
	[ERROR_NO_SUCH_SUBSCRIPTION] = {WAMP("no_such_subscription"), "not subscribed", true,
					ERROR_FINAL},
	[ERROR_NO_SUCH_PROCEDURE] = {WAMP("no_such_procedure"), "nobody registered it", true,
				     ERROR_FINAL},
	[ERROR_PROCEDURE_ALREADY_EXISTS] = {WAMP("procedure_already_exists"),
					    "somebody else registered it", true, ERROR_FINAL},
	[ERROR_NO_AVAILABLE_CALLEE] = {WAMP("no_available_callee"),
				       "all callees answered unavailable", true, ERROR_RETRY},
	[ERROR_UNAVAILABLE] = {WAMP("unavailable"), "the callee is busy or gone", true,
			       ERROR_RETRY},
	[ERROR_MAX_CONCURRENCY] = {"max_concurrency", "crossbar.error.max_concurrency_reached",
				   "Crossbar's own", true, ERROR_RETRY},
	[ERROR_CANCELED] = {WAMP("canceled"), "by callee loss or by closing", true, ERROR_FINAL},
	[ERROR_TIMEOUT] = {WAMP("timeout"), "not answered in time", true, ERROR_FINAL},
	[ERROR_NOT_AUTHORIZED] = {WAMP("not_authorized"), "the router forbids it", true,
				  ERROR_FINAL},
	[ERROR_AUTHORIZATION_FAILED] = {WAMP("authorization_failed"), "the router could not decide",
					true, ERROR_RETRY},
	[ERROR_OPTION_NOT_ALLOWED] = {WAMP("option_not_allowed"), "the router forbids an option",
				      true, ERROR_FINAL},
	[ERROR_DISCLOSE_ME] = {"disclose_me", "wamp.error.option_disallowed.disclose_me",
			       "the router forbids disclosure", true, ERROR_FINAL},
	[ERROR_FEATURE_NOT_SUPPORTED] = {WAMP("feature_not_supported"),
					 "the router does not have it", true, ERROR_FINAL},
	[ERROR_PAYLOAD_TOO_LARGE] = {"payload_too_large", "wamp.error.payload_size_exceeded",
				     "over the session's max_message_size or max_line", true,
				     ERROR_FINAL},
	[ERROR_NOT_JOINED] = {OWN("not_joined"), "the router session is away", false,
			      ERROR_DEPENDS},
	[ERROR_SESSION_LOST] = {OWN("session_lost"),
				"was in flight when the router was lost; outcome unknown", false,
				ERROR_FINAL},
	[ERROR_SESSION_FAILED] = {OWN("session_failed"), "the router refuses the session", false,
				  ERROR_DEPENDS},
	[ERROR_TOO_MANY_REQUESTS] = {OWN("too_many_requests"), "limit max_inflight", false,
				     ERROR_RETRY},
	[ERROR_TOO_MANY_REGISTRATIONS] = {OWN("too_many_registrations"), "limit max_registrations",
					  false, ERROR_RETRY},
	[ERROR_TOO_MANY_SUBSCRIPTIONS] = {OWN("too_many_subscriptions"), "limit max_subscriptions",
					  false, ERROR_RETRY},
	[ERROR_TOO_MANY_CONNECTIONS] = {OWN("too_many_connections"),
					"a limit of connections; in bye", false, ERROR_RETRY},
	[ERROR_QUOTA_EXCEEDED] = {OWN("quota_exceeded"),
				  "limit user_memory: read what waits, end what is open", false,
				  ERROR_RETRY},
	[ERROR_SLOW_CONSUMER] = {OWN("slow_consumer"), "does not read; in bye", false, ERROR_FINAL},
	[ERROR_PROTOCOL_ERROR] = {OWN("protocol_error"), "unreadable lines; in bye", false,
				  ERROR_FINAL},
	[ERROR_SHUTTING_DOWN] = {OWN("shutting_down"), "the daemon is stopping", false,
				 ERROR_RETRY},
	[ERROR_INTERNAL] = {OWN("internal"), "a bug or no memory", false, ERROR_RETRY},
	[ERROR_APP] = {"app", "", "the application's own error, any other URI", false, ERROR_FINAL},
};

const struct error_kind *error_kind(enum error_code code)
{
	return &error_table[code];
}

enum error_code error_from_uri(struct slice uri)
{
	if (!slice_starts_with(uri, SLICE("wamp.")) && !slice_starts_with(uri, SLICE("crossbar.")))
		return ERROR_APP;
	for (enum error_code code = 0; code < ERROR_APP; code++)
		if (slice_is(uri, error_table[code].uri))
			return code;
	return ERROR_APP;
}
