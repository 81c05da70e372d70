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

#include "base/buf.h"
#include "config/errors.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A duration that never comes to its end (shutdown_timeout: unlimited), yet
 * small enough that a clock can be added to it.
 */
#define CONFIG_UNLIMITED_MS ((uint64_t)1 << 52)

enum config_log_target {
	CONFIG_LOG_AUTO, /* the journal if standard error leads there */
	CONFIG_LOG_JOURNAL,
	CONFIG_LOG_STDERR,
};

struct config_daemon {
	const char *listen; /* when the service manager passes no socket */
	unsigned socket_mode;
	const char *socket_group; /* NULL: the process' own */
	int log_level;		  /* of syslog: 3 error ... 7 debug */
	enum config_log_target log_target;
	const char *default_session;  /* NULL: none, a program must name one */
	uint64_t shutdown_timeout_ms; /* may be CONFIG_UNLIMITED_MS */
};

/* A list as the files have it; empty: not set. Texts belong to the configuration. */
struct config_list {
	const char *const *items;
	size_t n;
};

/* "tls_min_version" */
enum config_tls_version {
	CONFIG_TLS_1_2,
	CONFIG_TLS_1_3,
};

/* "forward_timeout": whether a call's timeout is also sent to the router, and in what unit. */
enum config_forward {
	CONFIG_FORWARD_OFF,
	CONFIG_FORWARD_MS,
	CONFIG_FORWARD_S,
};

/*
 * TLS of one session. Files are named, not read; secrets are references for
 * config/secret.h. Only for wss.
 */
struct config_tls {
	const char *ca_file, *ca_dir;
	bool system_ca;
	const char *cert, *key;
	const char *key_passphrase; /* a secret */
	bool verify, verify_host;
	const char *server_name; /* NULL: the host */
	enum config_tls_version min_version;
	const char *ciphers, *ciphersuites; /* NULL: OpenSSL's own choice */
	struct config_list pin_sha256;	    /* of the router's public key, 64 hex digits each */
};

struct config_session {
	const char *name;
	const char *url;  /* as people see it: "wss://router.example/ws", "embedded:" */
	bool embedded;	  /* host, port and path are not used */
	bool is_near;	  /* embedded, or a loopback address by number or as "localhost" */
	bool use_tls;	  /* by "wss://", or by "tls: yes" beside host, port and path */
	const char *host; /* without brackets */
	uint16_t port;
	const char *path; /* with the query */
	const char *realm;
	bool on_demand; /* "connect": with the first request that needs the router */
	uint64_t connection_timeout_ms;
	uint64_t open_handshake_timeout_ms;
	uint64_t registration_timeout_ms;
	uint64_t call_timeout_ms; /* 0: none */
	uint64_t reconnect_delay_ms;
	double reconnect_growth;
	uint64_t reconnect_max_delay_ms;
	double reconnect_jitter;
	uint64_t max_reconnection_attempts; /* UINT64_MAX: unlimited */
	bool exit_on_give_up;
	uint64_t ping_interval_ms; /* 0: none */
	uint64_t ping_timeout_ms;
	uint64_t close_handshake_timeout_ms;
	uint64_t shutdown_timeout_ms; /* may be CONFIG_UNLIMITED_MS */
	size_t max_message_size;
	struct config_list serializers; /* "json" is the only one yet */
	struct config_list auth_method; /* in the order of preference; at least one */
	const char *auth_id, *auth_role;
	const char *auth_extra;	 /* a JSON object as text, or NULL */
	const char *auth_secret; /* a secret; NULL: none */
	struct config_tls tls;
	bool tcp_nodelay, tcp_keepalive, compression;
	struct config_list headers; /* "Name: value", merged key by key with those of defaults */
	const char *origin, *user_agent;
	enum config_forward forward_timeout;
};

/* protocol §10 */
struct config_limits {
	unsigned max_connections;
	unsigned max_connections_per_user;
	unsigned connect_rate_per_user; /* connections a second; 0: no limit */
	size_t user_memory;		/* queued bytes of one user */
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

/* Where a value stands; file NULL: nowhere, it is the default. */
struct config_origin {
	const char *file;
	unsigned line;
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

/*
 * Where the value of a row of the option table comes from. session: for rows
 * of CONFIG_SESSION, else NULL. A value that a session takes from "defaults"
 * has its origin there.
 */
struct config_origin config_origin(const struct config *config,
				   const struct config_session *session, size_t option);

/*
 * The value of a row as one line of YAML, without a key: a word, a number, a
 * text (in quotes where YAML needs them), a list or a mapping in brackets.
 * What is secret (config_option_secrecy()) is not shown: of a secret only its
 * reference, of a url what stands before its query, of headers and auth_extra
 * their names; in its place stands "(hidden)". What is not set is "null".
 * Errors are latched in out.
 */
void config_show(const struct config *config, const struct config_session *session, size_t option,
		 struct buf *out);

/*
 * Whether the value of a row is the same in two configurations; also where it
 * is not shown. Sessions are given for rows of CONFIG_SESSION, else NULL.
 */
bool config_is_same(const struct config *a, const struct config_session *session_a,
		    const struct config *b, const struct config_session *session_b, size_t option);

/*
 * The configuration as YAML that config_load() reads back to the same values, but
 * for what is hidden: the defaults, and of each session what it sets itself, each line with the
 * place it comes from: "  realm: realm1  # /etc/…:12", or "# default". Values
 * are shown as config_show() does. 0 or -errno.
 */
int config_dump(const struct config *config, struct buf *out) MUST_CHECK;

/*
 * What the files that the configuration names would say now: each secret is
 * read once and wiped, and complaints go to errors with the line that names
 * it. credentials: the directory of "@credential:", or NULL.
 * 0, CONFIG_INVALID or -errno.
 */
int config_check_secrets(const struct config *config, const char *credentials,
			 struct config_errors *errors) MUST_CHECK;

/* The session of that name or NULL. */
const struct config_session *config_find_session(const struct config *config, const char *name);
