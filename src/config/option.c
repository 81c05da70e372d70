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

/* clang-format off */
static const struct config_option option_table[] = {
	{CONFIG_DAEMON, "listen", CONFIG_SOCKET, "/run/wampbridge/wampbridge.sock",
	 FIELD(daemon, listen)},
	{CONFIG_DAEMON, "socket_mode", CONFIG_MODE, "0660",
	 RANGE(0, 0777), FIELD(daemon, socket_mode)},
	{CONFIG_DAEMON, "log_level", CONFIG_LEVEL, "info",
	 FIELD(daemon, log_level)},
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
	{CONFIG_SESSION, "realm", CONFIG_REALM, "realm1",
	 FIELD(session, realm)},
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
	{CONFIG_SESSION, "ping_interval", CONFIG_DURATION, "20",
	 RANGE(1 * S, 24 * H), WORD("none", 0), FIELD(session, ping_interval_ms)},
	{CONFIG_SESSION, "ping_timeout", CONFIG_DURATION, "10",
	 RANGE(1 * S, H), FIELD(session, ping_timeout_ms)},
	{CONFIG_SESSION, "shutdown_timeout", CONFIG_DURATION, "15",
	 RANGE(0, H), WORD("unlimited", CONFIG_UNLIMITED_MS), FIELD(session, shutdown_timeout_ms)},
	{CONFIG_SESSION, "max_message_size", CONFIG_SIZE, "16M",
	 RANGE(4 * K, G), FIELD(session, max_message_size)},

	{CONFIG_LIMITS, "max_connections", CONFIG_COUNT, "4096",
	 RANGE(1, 1e6), FIELD(limits, max_connections)},
	{CONFIG_LIMITS, "max_inflight", CONFIG_COUNT, "1024",
	 RANGE(1, 1e6), FIELD(limits, max_inflight)},
	{CONFIG_LIMITS, "max_registrations", CONFIG_COUNT, "1024",
	 RANGE(1, 1e6), FIELD(limits, max_registrations)},
	{CONFIG_LIMITS, "max_subscriptions", CONFIG_COUNT, "1024",
	 RANGE(1, 1e6), FIELD(limits, max_subscriptions)},
	{CONFIG_LIMITS, "max_line", CONFIG_SIZE, "1M",
	 RANGE(4 * K, 256 * M), FIELD(limits, max_line)},
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
	"socket_group", "metrics_listen", "client_ping_interval", "log_target", "inline_commands",
};
static const char *const option_later_session[] = {
	"tls",
	"max_reconnection_attempts",
	"on_give_up",
	"connect",
	"serializers",
	"auth_method",
	"auth_id",
	"auth_role",
	"auth_extra",
	"auth_secret",
	"private_key",
	"router_public_key",
	"channel_binding",
	"tls_ca_file",
	"tls_ca_dir",
	"tls_system_ca",
	"tls_cert",
	"tls_key",
	"tls_key_passphrase",
	"tls_verify",
	"tls_verify_host",
	"tls_server_name",
	"tls_min_version",
	"tls_ciphers",
	"tls_ciphersuites",
	"tls_pin_sha256",
	"close_handshake_timeout",
	"tcp_nodelay",
	"tcp_keepalive",
	"compression",
	"headers",
	"origin",
	"user_agent",
	"proxy",
	"forward_timeout",
	"publish_queue",
	"publish_queue_bytes",
	"publish_queue_age",
	"registry",
};
static const char *const option_later_limits[] = {
	"max_connections_per_user",
	"connect_rate_per_user",
	"user_memory",
};
static const char *const option_later_sections[] = {"registries", "errors", "policies"};

static const struct {
	const char *name;
	const char *const *later;
	size_t n_later;
} option_sections[] = {
	[CONFIG_DAEMON] = {"daemon", option_later_daemon, ARRAY_SIZE(option_later_daemon)},
	[CONFIG_SESSION] = {"defaults", option_later_session, ARRAY_SIZE(option_later_session)},
	[CONFIG_LIMITS] = {"limits", option_later_limits, ARRAY_SIZE(option_later_limits)},
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
