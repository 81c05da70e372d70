/* SPDX-License-Identifier: MIT */

/*
 * Why a session ended, in a sentence: the table
 */

#include "wamp/reason.h"

#include "base/cleanup.h"

#include <stdio.h>

/* Longest realm or URI that is quoted. */
#define REASON_MAX_QUOTED 200

struct reason_row {
	const char *uri;
	const char *text;
	bool names_realm; /* behind the text, in quotes */
};

static const struct reason_row reason_table[] = {
	{"wamp.error.no_such_realm", "the router has no realm", true},
	{"wamp.error.no_such_role", "the router has no such role (auth_role)", false},
	{"wamp.error.no_such_principal", "the router does not know this auth_id", false},
	{"wamp.error.no_matching_auth_method",
	 "the router accepts none of the authentication methods offered (auth_method)", false},
	{"wamp.error.no_auth_method",
	 "the router accepts none of the authentication methods offered (auth_method)", false},
	{"wamp.error.authentication_denied",
	 "the router refuses the credentials (auth_id, auth_secret)", false},
	{"wamp.error.authentication_failed",
	 "the router refuses the credentials (auth_id, auth_secret)", false},
	{"wamp.error.authentication_required",
	 "the router demands authentication (auth_method, auth_id, auth_secret)", false},
	{"wamp.error.cannot_authenticate", "the challenge cannot be answered", false},
	{"wamp.error.not_authorized", "the router does not let this session into realm", true},
	{"wamp.error.authorization_denied", "the router does not let this session into realm",
	 true},
	{"wamp.error.authorization_required", "the router demands authorization for realm", true},
	{"wamp.error.authorization_failed", "the router could not decide who may join realm", true},
	{"wamp.error.no_such_procedure", "the router's authenticator is not there", false},
	{"wamp.error.invalid_uri", "the router calls this name invalid: realm", true},
	{"wamp.error.invalid_argument", "the router refuses what HELLO said", false},
	{"wamp.error.protocol_violation", "the router says that the protocol was violated", false},
	{"wamp.error.payload_size_exceeded", "the router says that a message was too large", false},
	{"wamp.error.feature_not_supported", "the router lacks a feature that was asked for",
	 false},
	{"wamp.error.network_failure", "the router lost a connection that it needs", false},
	{"wamp.error.unavailable", "the router is out of resources", false},
	{"wamp.error.canceled", "the router canceled the session", false},
	{"wamp.error.timeout", "the router waited too long for an answer", false},
	{"wamp.error.system_shutdown", "the router is shutting down", false},
	{"wamp.error.close_realm", "the router closes realm", true},
	{"wamp.error.goodbye_and_out", "the router ended the session", false},
	{"wamp.close.system_shutdown", "the router is shutting down", false},
	{"wamp.close.close_realm", "the router closes realm", true},
	{"wamp.close.goodbye_and_out", "the router ended the session", false},
	{"wamp.close.normal", "the router ended the session", false},
	{"wamp.close.killed", "somebody ended this session at the router", false},
	{"wamp.close.logout", "the router logged this session out", false},
	{"wamp.close.timeout", "the router waited too long for this session", false},
	{"wampbridge.error.transport", "the connection to the router failed", false},
	{"wampbridge.error.dns", "the router's name cannot be looked up", false},
	{"wampbridge.error.tls", "TLS with the router failed", false},
	{"wampbridge.error.ping_timeout", "the router does not answer pings", false},
	{"wampbridge.error.join_timeout", "the router did not answer in time", false},
	{"wampbridge.error.secret", "the secret cannot be read (auth_secret)", false},
};

static const struct reason_row *reason_find(struct slice uri)
{
	for (size_t i = 0; i < ARRAY_SIZE(reason_table); i++)
		if (slice_is(uri, reason_table[i].uri))
			return &reason_table[i];
	return NULL;
}

bool wamp_reason_is_known(struct slice uri)
{
	return reason_find(uri) != NULL;
}

void wamp_reason_text(char ret[WAMP_MAX_REASON], struct slice uri, const char *realm)
{
	const struct reason_row *row = reason_find(uri);
	int quoted = (int)(uri.len < REASON_MAX_QUOTED ? uri.len : REASON_MAX_QUOTED);

	if (!row)
		snprintf(ret, WAMP_MAX_REASON, "the router gave \"%.*s\" and no text", quoted,
			 uri.ptr ? uri.ptr : "");
	else if (row->names_realm)
		snprintf(ret, WAMP_MAX_REASON, "%s \"%.*s\"", row->text, REASON_MAX_QUOTED, realm);
	else
		snprintf(ret, WAMP_MAX_REASON, "%s", row->text);
}
