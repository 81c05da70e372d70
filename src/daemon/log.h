/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The log: to the journal with fields, or one line each on stderr
 *
 * Where: log_open() chooses. Standard error with syslog's prefixes (sd-daemon(3)):
 * <3>text is an error, <4> a warning, <5> a notice, <6> information, <7>
 * debugging; on a terminal the prefix is a word instead. The journal: native
 * entries with PRIORITY, MESSAGE, and what struct log_fields has; those of a
 * kind that an operator may want to find have a fixed MESSAGE_ID, and the
 * catalogue says what to do about it.
 *
 * A journal that does not read must not stop the daemon: entries go by a
 * non-blocking socket, and what it does not take is counted and told later. The
 * same goes for a standard error that is not read, or cannot be written. SIGPIPE,
 * SIGXFSZ and SIGTTOU must be ignored by the program.
 *
 * The sink is the one piece of state in the daemon that is not part of struct
 * app.
 */

#include "base/cleanup.h"
#include "base/slice.h"

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

enum log_target { LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, LOG_TARGET_STDERR };

/* What happened, as WAMPBRIDGE_EVENT= ("session-joined"), each with its MESSAGE_ID. */
enum log_event {
	LOG_EVENT_NONE, /* no MESSAGE_ID */
	LOG_EVENT_SESSION_JOINED,
	LOG_EVENT_SESSION_LOST,
	LOG_EVENT_JOIN_REFUSED,
	LOG_EVENT_SLOW_CONSUMER,
	LOG_EVENT_QUOTA_HIT,
	LOG_EVENT_RELOAD_FAILED,
	LOG_EVENT_ROUTER_VIOLATION,
	LOG_EVENT_COUNT,
};

/* Fields beside the message: all optional, zero or NULL means absent. */
struct log_fields {
	enum log_event event;
	uint64_t conn;	       /* WAMPBRIDGE_CONN; with it the three of the peer */
	uint32_t peer_uid;     /* WAMPBRIDGE_PEER_UID */
	int32_t peer_pid;      /* WAMPBRIDGE_PEER_PID */
	const char *peer_name; /* WAMPBRIDGE_PEER_NAME */
	const char *session;   /* WAMPBRIDGE_SESSION */
	const char *realm;     /* WAMPBRIDGE_REALM */
	uint64_t session_id;   /* WAMPBRIDGE_SESSION_ID */
	const char *uri;       /* WAMPBRIDGE_URI: the reason, such as wamp.error.no_such_realm */
	const char *code;      /* WAMPBRIDGE_CODE: of protocol section 16 */
	uint64_t queued_bytes; /* WAMPBRIDGE_QUEUED_BYTES */
};

/* Before: standard error. AUTO: the journal if $JOURNAL_STREAM is standard error's own device and
 * inode. */
void log_open(enum log_target target);
/* With another socket than journald's, for a test. */
void log_open_at(enum log_target target, const char *journal_path);
void log_close(void);

/* Lines above the level are dropped. Before: info. */
void log_set_level(int level);

/* Text from outside is made harmless for a terminal: control characters are shown as '?'. */
void log_line(int level, const char *format, ...) PRINTF(2, 3);
/* fields NULL: none. */
void log_entry(int level, const struct log_fields *fields, struct slice text);

/* "error", "warning", …: -1 if the name is none. */
int log_level_from_name(const char *name);
