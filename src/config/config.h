/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The configuration: files in, one immutable object out
 *
 * config_load() reads everything, checks everything and either hands out an
 * object that is whole, or says every mistake at once with its file, its line
 * and what would be right. Nothing is opened, resolved or changed; nothing
 * here reads the environment.
 *
 * Every key is one row of the option table, see config/option.h.
 */

#include "config/errors.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A duration that never comes to its end (shutdown_timeout: unlimited), yet
 * small enough that a clock can be added to it.
 */
#define CONFIG_UNLIMITED_MS ((uint64_t)1 << 52)

struct config_daemon {
	const char *listen;
	unsigned socket_mode;
	int log_level; /* of syslog: 3 error ... 7 debug */
	const char *default_session;
	uint64_t shutdown_timeout_ms; /* may be CONFIG_UNLIMITED_MS */
};

struct config_session {
	const char *name;
	const char *url;  /* as people see it: "ws://[::1]:8080/ws", "embedded:" */
	bool embedded;	  /* host, port and path are not used */
	bool is_near;	  /* embedded, or a loopback address by number or as "localhost" */
	const char *host; /* without brackets */
	uint16_t port;
	const char *path; /* with the query */
	const char *realm;
	uint64_t connection_timeout_ms;
	uint64_t open_handshake_timeout_ms;
	uint64_t registration_timeout_ms;
	uint64_t call_timeout_ms; /* 0: none */
	uint64_t reconnect_delay_ms;
	double reconnect_growth;
	uint64_t reconnect_max_delay_ms;
	double reconnect_jitter;
	uint64_t ping_interval_ms; /* 0: none */
	uint64_t ping_timeout_ms;
	uint64_t shutdown_timeout_ms; /* may be CONFIG_UNLIMITED_MS */
	size_t max_message_size;
};

/* protocol §10 */
struct config_limits {
	unsigned max_connections;
	unsigned max_inflight;
	unsigned max_registrations;
	unsigned max_subscriptions;
	size_t max_line;
	unsigned subscription_queue;
	size_t output_soft_limit;
	size_t output_hard_limit;
	uint64_t stall_timeout_ms;
	unsigned bad_lines;
};

struct config {
	struct config_daemon daemon;
	struct config_session *sessions; /* in the order of the files; at least one */
	size_t n_sessions;
	struct config_limits limits;
	struct config_store *store; /* of the texts */
};

/* The trees of the system, the strongest last; the last one holds the main file. */
#define CONFIG_N_ROOTS 3

/*
 * Where to read. With file: that file and nothing else. With dir:
 * dir/wampbridge.yaml and dir/conf.d/?*.yaml. With neither: the system's
 * trees. file and dir exclude each other.
 */
struct config_source {
	const char *file;
	const char *dir;
	const char *roots[CONFIG_N_ROOTS]; /* NULL: of the system, such as /etc/wampbridge */
	const char *default_listen;	   /* NULL: /run/wampbridge/wampbridge.sock */
};

/*
 * 0, or CONFIG_INVALID with at least one mistake in errors, or -errno.
 * errors must be initialised and empty.
 */
enum config_outcome { CONFIG_INVALID = 1 };
int config_load(struct config **ret, const struct config_source *source,
		struct config_errors *errors) MUST_CHECK;

/* Takes NULL; returns NULL. */
struct config *config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free);

/* The session of that name or NULL. */
const struct config_session *config_find_session(const struct config *config, const char *name);
