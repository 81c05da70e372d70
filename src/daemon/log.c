/* SPDX-License-Identifier: MIT */

/*
 * The log sink
 *
 * A journal entry is one datagram to journald's own socket, formatted here
 * (systemd.journal-fields(7), "native journal protocol"): libsystemd's call
 * waits when the journal does not read, and a daemon that waits for its log
 * serves nobody. What would have to wait, or cannot be written (no room, a limit
 * on the size of files, nobody at the other end), is dropped and counted instead;
 * the number goes out before the next entry that is taken.
 *
 * Where there is no journal at all, an entry becomes a line on standard error.
 */

#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A pipe takes so much in one piece, so that lines of several processes do not mix. */
#define LOG_MAX_LINE 4096
/* Longer texts are cut. Far below the send buffer of a datagram socket, 208 KiB. */
#define LOG_MAX_MESSAGE 8192
/* Values of other fields are cut here: a URI may be long, and its end tells little. */
#define LOG_MAX_VALUE 1024
/* The message, six texts at most, the numbers, and the names of all of them. */
#define LOG_MAX_ENTRY 16384

struct log_state {
	int max_level;
	int journal_fd; /* -1: standard error */
	struct sockaddr_un journal;
	uint64_t n_dropped;
	char rest[LOG_MAX_LINE]; /* of a line of which standard error took a part */
	size_t n_rest;
};

static struct log_state log_state = {.max_level = LOG_LEVEL_INFO, .journal_fd = -1};

static const char *const log_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

/* Each of them is explained in systemd/wampbridge.catalog. Never reuse an id. */
static const struct log_kind {
	const char *name, *message_id;
} log_kinds[LOG_EVENT_COUNT] = {
	[LOG_EVENT_SESSION_JOINED] = {"session-joined", "f72d318a083c49119ceafb867dfe766c"},
	[LOG_EVENT_SESSION_LOST] = {"session-lost", "4c870b5b2d0546f09e88c65b4f8e4317"},
	[LOG_EVENT_JOIN_REFUSED] = {"join-refused", "a9f3e3a2bb1446f4bd2db863962c3194"},
	[LOG_EVENT_SLOW_CONSUMER] = {"slow-consumer", "5b3e15619f4b4b45979344ac3f27332e"},
	[LOG_EVENT_QUOTA_HIT] = {"quota-hit", "82569ba099a2481ea1a83960107af063"},
	[LOG_EVENT_RELOAD_FAILED] = {"reload-failed", "5c92523245b24b2baf9011bb768ae76a"},
	[LOG_EVENT_ROUTER_VIOLATION] = {"router-violation", "227180c853514ee7baf36d1a8bde7574"},
};

void log_set_level(int level)
{
	log_state.max_level = level;
}

int log_level_from_name(const char *name)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++)
		if (strcmp(name, log_names[i]) == 0)
			return i;
	return -1;
}

/* sd_journal_stream_fd(3): the manager says which stream it connected to the journal. */
static bool log_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void log_open(enum log_target target)
{
	log_open_at(target, "/run/systemd/journal/socket");
}

void log_open_at(enum log_target target, const char *journal_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	log_close();
	if (target == LOG_TARGET_STDERR || (target == LOG_TARGET_AUTO && !log_stderr_is_journal()))
		return;
	if (strlen(journal_path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, journal_path, strlen(journal_path));
	log_state.journal = address;
	/* Without a descriptor: standard error, which is there. */
	log_state.journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void log_close(void)
{
	if (log_state.journal_fd >= 0)
		close(log_state.journal_fd);
	log_state.journal_fd = -1;
	log_state.n_dropped = 0;
	log_state.n_rest = 0;
}

/* The length of at most max bytes that do not end within a character. */
static size_t log_cut(struct slice text, size_t max)
{
	size_t n = max;

	if (text.len <= max)
		return text.len;
	while (n > 0 && max - n < 3 && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/*
 * What routers and programs say ends up here: it must neither forge a line nor
 * command a terminal, which also obeys U+0080 to U+009F.
 */
static size_t log_clean(char *to, size_t max, struct slice text)
{
	size_t n_text = log_cut(text, max), n = 0;

	for (size_t i = 0; i < n_text; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_c1 = c == 0xc2 && i + 1 < n_text && (text.ptr[i + 1] & 0xe0) == 0x80;

		to[n++] = is_c1 || c < 0x20 || c == 0x7f ? '?' : text.ptr[i];
		i += is_c1;
	}
	return n;
}

struct log_buf {
	size_t n;
	char bytes[LOG_MAX_ENTRY];
};

static void log_add(struct log_buf *b, const char *key, struct slice value)
{
	size_t n_key = strlen(key);

	if (!value.ptr || n_key + 1 + 8 + value.len + 1 > sizeof(b->bytes) - b->n)
		return;
	memcpy(b->bytes + b->n, key, n_key);
	b->n += n_key;
	if (memchr(value.ptr, '\n', value.len)) {
		/* The form for any bytes: the length as 64 bits, little end first. */
		b->bytes[b->n++] = '\n';
		for (int i = 0; i < 8; i++)
			b->bytes[b->n++] = (char)((uint64_t)value.len >> (8 * i) & 0xff);
	} else {
		b->bytes[b->n++] = '=';
	}
	memcpy(b->bytes + b->n, value.ptr, value.len);
	b->n += value.len;
	b->bytes[b->n++] = '\n';
}

static void log_add_text(struct log_buf *b, const char *key, const char *text)
{
	struct slice value = slice_of(text);

	value.len = log_cut(value, LOG_MAX_VALUE);
	log_add(b, key, value);
}

static void log_add_number(struct log_buf *b, const char *key, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	log_add(b, key, slice_of(text));
}

static void log_add_unsigned(struct log_buf *b, const char *key, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	log_add(b, key, slice_of(text));
}

static void log_add_fields(struct log_buf *b, const struct log_fields *f)
{
	if (f->event > LOG_EVENT_NONE && f->event < LOG_EVENT_COUNT) {
		log_add_text(b, "MESSAGE_ID", log_kinds[f->event].message_id);
		log_add_text(b, "WAMPBRIDGE_EVENT", log_kinds[f->event].name);
	}
	if (f->conn) {
		log_add_unsigned(b, "WAMPBRIDGE_CONN", f->conn);
		log_add_unsigned(b, "WAMPBRIDGE_PEER_UID", f->peer_uid);
		log_add_number(b, "WAMPBRIDGE_PEER_PID", f->peer_pid);
	}
	log_add_text(b, "WAMPBRIDGE_PEER_NAME", f->peer_name);
	log_add_text(b, "WAMPBRIDGE_SESSION", f->session);
	log_add_text(b, "WAMPBRIDGE_REALM", f->realm);
	if (f->session_id)
		log_add_unsigned(b, "WAMPBRIDGE_SESSION_ID", f->session_id);
	log_add_text(b, "WAMPBRIDGE_URI", f->uri);
	log_add_text(b, "WAMPBRIDGE_CODE", f->code);
	if (f->queued_bytes)
		log_add_unsigned(b, "WAMPBRIDGE_QUEUED_BYTES", f->queued_bytes);
}

/* 0, or -errno: -EAGAIN if the journal does not read. */
static int log_send_entry(int level, const struct log_fields *fields, struct slice text)
{
	struct log_buf b = {.n = 0};
	char message[LOG_MAX_MESSAGE];
	size_t n_message = log_clean(message, sizeof(message), text);

	log_add(&b, "MESSAGE", (struct slice){message, n_message});
	log_add_number(&b, "PRIORITY", level);
	log_add(&b, "SYSLOG_IDENTIFIER", SLICE("wampbridged"));
	if (fields)
		log_add_fields(&b, fields);
	if (sendto(log_state.journal_fd, b.bytes, b.n, MSG_NOSIGNAL,
		   (const struct sockaddr *)&log_state.journal, sizeof(log_state.journal)) < 0)
		return -errno;
	return 0;
}

/* ---- standard error ---- */

/*
 * A descriptor of its own for a pipe or a terminal, so that it can be told not to
 * wait: standard error itself is shared with whoever started the daemon. -1: none is
 * needed, or none can be had.
 */
static int log_open_stderr(const struct stat *st)
{
	if (!S_ISFIFO(st->st_mode) && !S_ISCHR(st->st_mode))
		return -1;
	return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* How much was written, or -errno. */
static ssize_t log_write_now(const char *bytes, size_t n)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct stat st = {0};
	ssize_t written;
	int fd, r;

	if (fstat(STDERR_FILENO, &st) < 0)
		return -errno;
	fd = log_open_stderr(&st);
	if (fd < 0 && poll(&p, 1, 0) == 0)
		return -EAGAIN;
	do {
		written = S_ISSOCK(st.st_mode)
				  ? send(STDERR_FILENO, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL)
				  : write(fd < 0 ? STDERR_FILENO : fd, bytes, n);
		r = written < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (fd >= 0)
		close(fd);
	return r < 0 ? r : written;
}

/* Whether nothing is left of a line of which a part was written. */
static bool log_write_rest(void)
{
	ssize_t n;

	if (!log_state.n_rest)
		return true;
	n = log_write_now(log_state.rest, log_state.n_rest);
	if (n <= 0)
		return false;
	log_state.n_rest -= (size_t)n;
	memmove(log_state.rest, log_state.rest + n, log_state.n_rest);
	return !log_state.n_rest;
}

/* False if the line would have to wait, or cannot be written. */
static bool log_write_line(int level, struct slice text)
{
	char line[LOG_MAX_LINE];
	ssize_t written;
	size_t n;

	if (!log_write_rest())
		return false;
	if (isatty(STDERR_FILENO))
		n = (size_t)snprintf(line, sizeof(line), "%s: ", log_names[level]);
	else
		n = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	n += log_clean(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	written = log_write_now(line, n);
	if (written <= 0)
		return false;
	/* A terminal that is slow, or a disk that is full, takes a part: the rest is not forgotten.
	 */
	log_state.n_rest = n - (size_t)written;
	memcpy(log_state.rest, line + written, log_state.n_rest);
	return true;
}

/* False if it was dropped. */
static bool log_put(int level, const struct log_fields *fields, struct slice text)
{
	int r;

	if (log_state.journal_fd < 0)
		return log_write_line(level, text);
	r = log_send_entry(level, fields, text);
	if (r == -EAGAIN || r == -ENOBUFS)
		return false;
	return r == 0 || log_write_line(level, text);
}

static bool log_put_n_dropped(void)
{
	char text[128];

	if (!log_state.n_dropped)
		return true;
	snprintf(text, sizeof(text), "%" PRIu64 " log entries are lost: they could not be written",
		 log_state.n_dropped);
	if (!log_put(LOG_LEVEL_WARNING, NULL, slice_of(text)))
		return false;
	log_state.n_dropped = 0;
	return true;
}

void log_entry(int level, const struct log_fields *fields, struct slice text)
{
	if (level > log_state.max_level || level > LOG_LEVEL_DEBUG)
		return;
	if (level < LOG_LEVEL_ERROR)
		level = LOG_LEVEL_ERROR;
	if (!log_put_n_dropped() || !log_put(level, fields, text))
		log_state.n_dropped++;
}

void log_line(int level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (level > log_state.max_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_entry(level, NULL, slice_of(text));
}
