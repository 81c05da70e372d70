/* SPDX-License-Identifier: MIT */

/*
 * What to say about keys that somebody brings along from elsewhere
 *
 * Not keys of ours: those of the program whose configuration this one
 * resembles, and of the WebSocket library below it. Who writes one should
 * read what it is here, or why there is none.
 */

#include "config/option.h"

#include <string.h>

struct hint {
	const char *name, *text;
};

static const struct hint hint_session[] = {
	{"tls_context",
	 "there is no such object here; 'tls_ca_file', 'tls_cert' and 'tls_key' name files"},
	{"serializer", "it is 'serializers' here, and json when it is not given"},
	{"extra_headers", "they are 'headers' here"},
	{"http_headers", "they are 'headers' here"},
	{"ticket", "give 'auth_method: ticket' and the ticket as 'auth_secret'"},
	{"password", "give it as 'auth_secret'"},
	{"secret", "give it as 'auth_secret'"},
	{"auth_secret_file", "give auth_secret: \"@file:/path\""},
	{"auth_methods", "it is 'auth_method' here, which may be a list"},
	{"max_retries", "it is 'max_reconnection_attempts' here"},
	{"ssl", "it is 'tls' here, or a url with wss://"},
};

static const struct hint hint_protocol[] = {
	{"version", "there is one version of WebSocket, 13 (RFC 6455); remove it"},
	{"maskClientFrames", "a client must mask its frames (RFC 6455 5.3); remove it"},
	{"applyMask", "a client must mask its frames (RFC 6455 5.3); remove it"},
	{"acceptMaskedServerFrames",
	 "a server must not mask its frames (RFC 6455 5.1), and one that does is refused; "
	 "remove it"},
	{"utf8validateIncoming", "what comes in is always validated; remove it"},
	{"maxFramePayloadSize", "what counts is the whole message; it is 'max_message_size' here"},
	{"maxMessagePayloadSize", "it is 'max_message_size' here"},
	{"autoFragmentSize", "messages are never split into frames; remove it"},
	{"failByDrop", "a failure is always told to the router before the end; remove it"},
	{"echoCloseCodeReason", "the answer to a CLOSE frame is as RFC 6455 5.5.1 says; remove it"},
	{"serverConnectionDropTimeout", "it is a part of 'close_handshake_timeout' here"},
	{"openHandshakeTimeout", "it is 'open_handshake_timeout' here"},
	{"closeHandshakeTimeout", "it is 'close_handshake_timeout' here"},
	{"tcpNoDelay", "it is 'tcp_nodelay' here"},
	{"autoPingInterval", "it is 'ping_interval' here"},
	{"autoPingTimeout", "it is 'ping_timeout' here"},
	{"autoPingSize", "the size of a ping means nothing to a router; remove it"},
	{"autoPingRestartOnAnyTraffic", "any traffic always counts as an answer; remove it"},
	{"perMessageCompressionOffers", "it is 'compression' here, yes or no"},
	{"perMessageCompressionAccept", "it is 'compression' here, yes or no"},
	{"perMessageDeflate", "it is 'compression' here, yes or no"},
	{"logFrames", "frames are not logged; remove it"},
	{"logOctets", "bytes are not logged; remove it"},
};

static const struct hint hint_sections[] = {
	{"clients", "they are 'sessions' here"},
	{"components", "what stood below it stands in 'sessions' here"},
	{"wamp", "what stood below it stands in 'defaults' or in 'sessions' here"},
	{"connections", "they are 'sessions' here"},
	{"routers", "they are 'sessions' here, each with its url"},
	{"logging", "it is 'log_level' and 'log_target' in 'daemon' here"},
};

static const char *hint_find(const struct hint *hints, size_t n_hints, const char *name)
{
	for (size_t i = 0; i < n_hints; i++)
		if (strcmp(hints[i].name, name) == 0)
			return hints[i].text;
	return NULL;
}

const char *config_option_hint(enum config_section section, const char *name)
{
	const char *text = NULL;

	if (section == CONFIG_SESSION)
		text = hint_find(hint_session, ARRAY_SIZE(hint_session), name);
	if (!text && section == CONFIG_SESSION)
		text = config_protocol_option_hint(name);
	return text;
}

const char *config_protocol_option_hint(const char *name)
{
	return hint_find(hint_protocol, ARRAY_SIZE(hint_protocol), name);
}

const char *config_section_hint(const char *name)
{
	return hint_find(hint_sections, ARRAY_SIZE(hint_sections), name);
}
