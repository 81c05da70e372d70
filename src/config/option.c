/* SPDX-License-Identifier: MIT */

/*
 * The option table
 *
 * scripts/check-options reads the rows below as text: a row begins a line, with
 * the section, the name, the type and the default in this order.
 */

#include "config/option.h"

#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define K 1024.0
#define M (1024 * K)
#define G (1024 * M)
#define S 1000.0
#define H (3600 * S)

#define FIELD(section, member)                                                                     \
	.offset = offsetof(struct config_##section, member),                                       \
	.size = sizeof(((struct config_##section *)NULL)->member)
#define RANGE(least, most) .min = (least), .max = (most)
#define WORD(text, value)  .word = (text), .word_value = (value)
#define CHOICE(name)	   .words = &option_##name

#define WORDS(names)	      .known = (names), .n_known = ARRAY_SIZE(names)
#define WORDS_OF_LATER(names) .later = (names), .n_later = ARRAY_SIZE(names)

/* The order of a choice is that of its enum, or no and yes. */
static const char *const option_target_words[] = {"auto", "journal", "stderr"};
static const char *const option_connect_words[] = {"eager", "on_demand"};
static const char *const option_give_up_words[] = {"stay", "exit"};
static const char *const option_version_words[] = {"1.2", "1.3"};
static const char *const option_forward_words[] = {"off", "ms", "s"};
static const char *const option_serializer_words[] = {"json"};
static const char *const option_serializers_of_later[] = {
	"msgpack", "cbor", "json.batched", "msgpack.batched", "cbor.batched",
};
static const char *const option_method_words[] = {"anonymous", "ticket", "wampcra"};
static const char *const option_methods_of_later[] = {"cryptosign", "wamp-scram", "scram"};

static const struct config_words option_targets = {
	WORDS(option_target_words),
};
static const struct config_words option_connects = {
	WORDS(option_connect_words),
};
static const struct config_words option_give_ups = {
	WORDS(option_give_up_words),
};
static const struct config_words option_versions = {
	WORDS(option_version_words),
};
static const struct config_words option_forwards = {
	WORDS(option_forward_words),
};
static const struct config_words option_serializers = {
	WORDS(option_serializer_words),
	WORDS_OF_LATER(option_serializers_of_later),
};
static const struct config_words option_methods = {
	WORDS(option_method_words),
	WORDS_OF_LATER(option_methods_of_later),
};

/* clang-format off */
static const struct config_option option_table[] = {
	{CONFIG_DAEMON, "listen", CONFIG_SOCKET, "/run/wampbridge/wampbridge.sock",
	 FIELD(daemon, listen)},
	{CONFIG_DAEMON, "socket_mode", CONFIG_MODE, "0660",
	 RANGE(0, 0777), FIELD(daemon, socket_mode)},
	{CONFIG_DAEMON, "socket_group", CONFIG_NAME, NULL,
	 FIELD(daemon, socket_group)},
	{CONFIG_DAEMON, "log_level", CONFIG_LEVEL, "info",
	 FIELD(daemon, log_level)},
	{CONFIG_DAEMON, "log_target", CONFIG_CHOICE, "auto",
	 CHOICE(targets), FIELD(daemon, log_target)},
	{CONFIG_DAEMON, "default_session", CONFIG_NAME, NULL,
	 FIELD(daemon, default_session)},
	{CONFIG_DAEMON, "shutdown_timeout", CONFIG_DURATION, "15",
	 RANGE(0, H), WORD("unlimited", CONFIG_UNLIMITED_MS), FIELD(daemon, shutdown_timeout_ms)},

	{CONFIG_SESSION, "url", CONFIG_URL, NULL,
	 FIELD(session, url)},
	{CONFIG_SESSION, "host", CONFIG_HOST, "localhost",
	 FIELD(session, host)},
	{CONFIG_SESSION, "port", CONFIG_COUNT, "8080",
	 RANGE(1, UINT16_MAX), FIELD(session, port)},
	{CONFIG_SESSION, "path", CONFIG_PATH, "/ws",
	 FIELD(session, path)},
	{CONFIG_SESSION, "tls", CONFIG_BOOL, "no",
	 FIELD(session, use_tls)},
	{CONFIG_SESSION, "realm", CONFIG_REALM, "realm1",
	 FIELD(session, realm)},
	{CONFIG_SESSION, "connect", CONFIG_CHOICE, "eager",
	 CHOICE(connects), FIELD(session, on_demand)},
	{CONFIG_SESSION, "connection_timeout", CONFIG_DURATION, "10",
	 RANGE(0.1 * S, H), FIELD(session, connection_timeout_ms)},
	{CONFIG_SESSION, "open_handshake_timeout", CONFIG_DURATION, "5",
	 RANGE(1 * S, H), FIELD(session, open_handshake_timeout_ms)},
	{CONFIG_SESSION, "registration_timeout", CONFIG_DURATION, "10",
	 RANGE(0.1 * S, H), FIELD(session, registration_timeout_ms)},
	{CONFIG_SESSION, "call_timeout", CONFIG_DURATION, "none",
	 RANGE(1, 24 * H), WORD("none", 0), FIELD(session, call_timeout_ms)},
	{CONFIG_SESSION, "reconnect_delay", CONFIG_DURATION, "0.25",
	 RANGE(10, 24 * H), FIELD(session, reconnect_delay_ms)},
	{CONFIG_SESSION, "reconnect_growth", CONFIG_FACTOR, "1.5",
	 RANGE(1, 100), FIELD(session, reconnect_growth)},
	{CONFIG_SESSION, "reconnect_max_delay", CONFIG_DURATION, "60",
	 RANGE(10, 24 * H), FIELD(session, reconnect_max_delay_ms)},
	{CONFIG_SESSION, "reconnect_jitter", CONFIG_FACTOR, "0.2",
	 RANGE(0, 1), FIELD(session, reconnect_jitter)},
	{CONFIG_SESSION, "max_reconnection_attempts", CONFIG_COUNT, "unlimited",
	 RANGE(0, 1e6), WORD("unlimited", UINT64_MAX), FIELD(session, max_reconnection_attempts)},
	{CONFIG_SESSION, "on_give_up", CONFIG_CHOICE, "stay",
	 CHOICE(give_ups), FIELD(session, exit_on_give_up)},
	{CONFIG_SESSION, "ping_interval", CONFIG_DURATION, "20",
	 RANGE(0.1 * S, 24 * H), WORD("none", 0), FIELD(session, ping_interval_ms)},
	{CONFIG_SESSION, "ping_timeout", CONFIG_DURATION, "10",
	 RANGE(0.1 * S, H), FIELD(session, ping_timeout_ms)},
	{CONFIG_SESSION, "close_handshake_timeout", CONFIG_DURATION, "1",
	 RANGE(0.1 * S, 60 * S), FIELD(session, close_handshake_timeout_ms)},
	{CONFIG_SESSION, "shutdown_timeout", CONFIG_DURATION, "15",
	 RANGE(0, H), WORD("unlimited", CONFIG_UNLIMITED_MS), FIELD(session, shutdown_timeout_ms)},
	{CONFIG_SESSION, "max_message_size", CONFIG_SIZE, "16M",
	 RANGE(4 * K, G), FIELD(session, max_message_size)},
	{CONFIG_SESSION, "serializers", CONFIG_WORDS, "json",
	 RANGE(1, 8), CHOICE(serializers), FIELD(session, serializers)},
	{CONFIG_SESSION, "auth_method", CONFIG_WORDS, "anonymous",
	 RANGE(1, 8), CHOICE(methods), FIELD(session, auth_method)},
	{CONFIG_SESSION, "auth_id", CONFIG_TEXT, NULL,
	 FIELD(session, auth_id)},
	{CONFIG_SESSION, "auth_role", CONFIG_TEXT, NULL,
	 FIELD(session, auth_role)},
	{CONFIG_SESSION, "auth_extra", CONFIG_OBJECT, NULL,
	 FIELD(session, auth_extra)},
	{CONFIG_SESSION, "auth_secret", CONFIG_SECRET, NULL,
	 FIELD(session, auth_secret)},
	{CONFIG_SESSION, "tls_ca_file", CONFIG_FILE, NULL,
	 FIELD(session, tls.ca_file)},
	{CONFIG_SESSION, "tls_ca_dir", CONFIG_FILE, NULL,
	 FIELD(session, tls.ca_dir)},
	{CONFIG_SESSION, "tls_system_ca", CONFIG_BOOL, "yes",
	 FIELD(session, tls.system_ca)},
	{CONFIG_SESSION, "tls_cert", CONFIG_FILE, NULL,
	 FIELD(session, tls.cert)},
	{CONFIG_SESSION, "tls_key", CONFIG_FILE, NULL,
	 FIELD(session, tls.key)},
	{CONFIG_SESSION, "tls_key_passphrase", CONFIG_SECRET, NULL,
	 FIELD(session, tls.key_passphrase)},
	{CONFIG_SESSION, "tls_verify", CONFIG_BOOL, "yes",
	 FIELD(session, tls.verify)},
	{CONFIG_SESSION, "tls_verify_host", CONFIG_BOOL, "yes",
	 FIELD(session, tls.verify_host)},
	{CONFIG_SESSION, "tls_server_name", CONFIG_HOST, NULL,
	 FIELD(session, tls.server_name)},
	{CONFIG_SESSION, "tls_min_version", CONFIG_CHOICE, "1.2",
	 CHOICE(versions), FIELD(session, tls.min_version)},
	{CONFIG_SESSION, "tls_ciphers", CONFIG_TEXT, NULL,
	 FIELD(session, tls.ciphers)},
	{CONFIG_SESSION, "tls_ciphersuites", CONFIG_TEXT, NULL,
	 FIELD(session, tls.ciphersuites)},
	{CONFIG_SESSION, "tls_pin_sha256", CONFIG_PINS, NULL,
	 RANGE(0, 16), FIELD(session, tls.pin_sha256)},
	{CONFIG_SESSION, "tcp_nodelay", CONFIG_BOOL, "yes",
	 FIELD(session, tcp_nodelay)},
	{CONFIG_SESSION, "tcp_keepalive", CONFIG_BOOL, "yes",
	 FIELD(session, tcp_keepalive)},
	{CONFIG_SESSION, "compression", CONFIG_BOOL, "no",
	 FIELD(session, compression)},
	{CONFIG_SESSION, "headers", CONFIG_HEADERS, NULL,
	 FIELD(session, headers)},
	{CONFIG_SESSION, "origin", CONFIG_ORIGIN, NULL,
	 FIELD(session, origin)},
	{CONFIG_SESSION, "user_agent", CONFIG_TEXT, NULL,
	 FIELD(session, user_agent)},
	{CONFIG_SESSION, "forward_timeout", CONFIG_CHOICE, "off",
	 CHOICE(forwards), FIELD(session, forward_timeout)},

	{CONFIG_LIMITS, "max_connections", CONFIG_COUNT, "4096",
	 RANGE(1, 1e6), FIELD(limits, max_connections)},
	{CONFIG_LIMITS, "max_connections_per_user", CONFIG_COUNT, "2048",
	 RANGE(1, 1e6), FIELD(limits, max_connections_per_user)},
	{CONFIG_LIMITS, "connect_rate_per_user", CONFIG_COUNT, "1000",
	 RANGE(0, 1e6), WORD("none", 0), FIELD(limits, connect_rate_per_user)},
	{CONFIG_LIMITS, "user_memory", CONFIG_SIZE, "64M",
	 RANGE(64 * K, 2 * G), FIELD(limits, user_memory)},
	{CONFIG_LIMITS, "max_inflight", CONFIG_COUNT, "1024",
	 RANGE(1, 1e6), FIELD(limits, max_inflight)},
	{CONFIG_LIMITS, "max_registrations", CONFIG_COUNT, "1024",
	 RANGE(1, 1e6), FIELD(limits, max_registrations)},
	{CONFIG_LIMITS, "max_subscriptions", CONFIG_COUNT, "1024",
	 RANGE(1, 1e6), FIELD(limits, max_subscriptions)},
	{CONFIG_LIMITS, "max_line", CONFIG_SIZE, "1M",
	 RANGE(4 * K, 16 * M), FIELD(limits, max_line)},
	{CONFIG_LIMITS, "subscription_queue", CONFIG_COUNT, "1000",
	 RANGE(1, 1e6), FIELD(limits, subscription_queue)},
	{CONFIG_LIMITS, "output_soft_limit", CONFIG_SIZE, "256K",
	 RANGE(4 * K, G), FIELD(limits, output_soft_limit)},
	{CONFIG_LIMITS, "output_hard_limit", CONFIG_SIZE, "8M",
	 RANGE(8 * K, G), FIELD(limits, output_hard_limit)},
	{CONFIG_LIMITS, "stall_timeout", CONFIG_DURATION, "60",
	 RANGE(1 * S, 24 * H), FIELD(limits, stall_timeout_ms)},
	{CONFIG_LIMITS, "bad_lines", CONFIG_COUNT, "16",
	 RANGE(1, 1e6), FIELD(limits, bad_lines)},
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(option_table) <= CONFIG_MAX_OPTIONS, "more rows than struct settings");

/* Keys of the whole design that this version refuses with a word of its own. */
static const char *const option_later_daemon[] = {
	"metrics_listen",
	"client_ping_interval",
	"inline_commands",
};
static const char *const option_later_session[] = {
	"private_key",	 "router_public_key",	"channel_binding",   "proxy",
	"publish_queue", "publish_queue_bytes", "publish_queue_age", "registry",
};
static const char *const option_later_sections[] = {"registries", "errors", "policies"};

static const struct {
	const char *name;
	const char *const *later;
	size_t n_later;
} option_sections[] = {
	[CONFIG_DAEMON] = {"daemon", option_later_daemon, ARRAY_SIZE(option_later_daemon)},
	[CONFIG_SESSION] = {"defaults", option_later_session, ARRAY_SIZE(option_later_session)},
	[CONFIG_LIMITS] = {"limits", NULL, 0},
};

size_t config_option_count(void)
{
	return ARRAY_SIZE(option_table);
}

const struct config_option *config_option_at(size_t index)
{
	return &option_table[index];
}

int config_option_find(enum config_section section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_table); i++)
		if (option_table[i].section == section && strcmp(option_table[i].name, name) == 0)
			return (int)i;
	return -1;
}

enum config_secrecy config_option_secrecy(const struct config_option *option)
{
	switch (option->type) {
	case CONFIG_URL:
	case CONFIG_PATH:
		return CONFIG_QUERY;
	case CONFIG_HOST:
	case CONFIG_TEXT:
	case CONFIG_FILE:
	case CONFIG_ORIGIN:
		return CONFIG_UNQUOTED;
	case CONFIG_SECRET:
		return CONFIG_REFERENCE;
	case CONFIG_HEADERS:
	case CONFIG_OBJECT:
		return CONFIG_NAMES;
	case CONFIG_BOOL:
	case CONFIG_COUNT:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
	case CONFIG_FACTOR:
	case CONFIG_MODE:
	case CONFIG_LEVEL:
	case CONFIG_CHOICE:
	case CONFIG_SOCKET:
	case CONFIG_NAME:
	case CONFIG_REALM:
	case CONFIG_WORDS:
	case CONFIG_PINS:
		return CONFIG_PUBLIC;
	}
	return CONFIG_REFERENCE;
}

bool config_option_is_reloadable(const struct config_option *option)
{
	return option->section == CONFIG_LIMITS ||
	       (option->section == CONFIG_DAEMON && strcmp(option->name, "log_level") == 0);
}

bool config_type_is_text(enum config_type type)
{
	return type >= CONFIG_SOCKET && type < CONFIG_WORDS;
}

bool config_type_is_list(enum config_type type)
{
	return type == CONFIG_WORDS || type == CONFIG_PINS;
}

bool config_type_is_mapping(enum config_type type)
{
	return type >= CONFIG_HEADERS;
}

const char *config_section_name(enum config_section section)
{
	return option_sections[section].name;
}

static bool option_contains(const char *const *names, size_t n_names, const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool config_option_is_later(enum config_section section, const char *name)
{
	return option_contains(option_sections[section].later, option_sections[section].n_later,
			       name);
}

bool config_section_is_later(const char *name)
{
	return option_contains(option_later_sections, ARRAY_SIZE(option_later_sections), name);
}

const char *config_option_elsewhere(enum config_section section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_table); i++)
		if (option_table[i].section != section && strcmp(option_table[i].name, name) == 0)
			return config_section_name(option_table[i].section);
	return NULL;
}

/* More letters than any key has; a longer word is no slip. */
#define OPTION_MAX_WORD 40

/*
 * Insertions, deletions, replacements and swaps of neighbours, each 1
 * (optimal string alignment). Three rows of the table are enough.
 */
static unsigned option_edits(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned rows[3][OPTION_MAX_WORD + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (size_t j = 0; j <= n_b; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= n_a; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= n_b; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[n_b];
}

int config_option_distance(const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b);
	unsigned distance;

	if (n_a > OPTION_MAX_WORD || n_b > OPTION_MAX_WORD)
		return -1;
	distance = option_edits(a, n_a, b, n_b);
	return distance <= 1 + n_b / 4 ? (int)distance : -1;
}

const char *config_option_nearest(enum config_section section, const char *name)
{
	const char *nearest = NULL;
	int least = 0;

	for (size_t i = 0; i < ARRAY_SIZE(option_table); i++) {
		int distance = option_table[i].section == section
				       ? config_option_distance(name, option_table[i].name)
				       : -1;

		if (distance >= 0 && (!nearest || distance < least)) {
			nearest = option_table[i].name;
			least = distance;
		}
	}
	return nearest;
}

void config_option_list(enum config_section section, char *ret_text, size_t n_text)
{
	size_t used = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(option_table) && used < n_text; i++)
		if (option_table[i].section == section)
			used += (size_t)snprintf(ret_text + used, n_text - used, "%s%s",
						 used ? ", " : "", option_table[i].name);
}
