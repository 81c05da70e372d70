/* SPDX-License-Identifier: MIT */

/*
 * Lines that answer a request
 */

#include "local/reply.h"

#include "codec/emit.h"

#include <stdarg.h>
#include <stdio.h>

struct buf *reply_begin(struct peer *p, const char *op, struct reply_to to)
{
	struct buf *b = peer_begin(p);

	emit_literal(b, "{\"op\":\"");
	buf_append_slice(b, slice_of(op));
	if (to.id.ptr) {
		emit_literal(b, "\",\"id\":");
		buf_append_slice(b, to.id);
	} else {
		emit_literal(b, "\",\"line\":");
		emit_u64(b, to.line);
	}
	return b;
}

void reply_end(struct peer *p, struct reply_to to)
{
	buf_append_char(outq_begin(&p->out), '}');
	if (!peer_end(p, PEER_REPLY))
		reply_error(p, to, ERROR_PAYLOAD_TOO_LARGE,
			    "the reply is longer than the %zu bytes of max_line", peer_max_line(p));
}

void reply_ok(struct peer *p, struct reply_to to)
{
	if (!to.id.ptr)
		return;
	reply_begin(p, "ok", to);
	reply_end(p, to);
}

void reply_write_retry(struct buf *b, enum error_code code)
{
	if (error_kind(code)->retry == ERROR_RETRY)
		emit_literal(b, ",\"retry\":true");
}

PRINTF(4, 0)
static struct buf *reply_begin_error_v(struct peer *p, struct reply_to to, enum error_code code,
				       const char *format, va_list args)
{
	struct buf *b = reply_begin(p, "error", to);
	char message[512];

	vsnprintf(message, sizeof(message), format, args);
	emit_literal(b, ",\"code\":\"");
	buf_append_slice(b, slice_of(error_kind(code)->code));
	emit_literal(b, "\",\"uri\":\"");
	buf_append_slice(b, slice_of(error_kind(code)->uri));
	emit_literal(b, "\",\"message\":");
	emit_text(b, slice_of(message));
	emit_literal(b, ",\"origin\":\"daemon\"");
	reply_write_retry(b, code);
	return b;
}

struct buf *reply_begin_error(struct peer *p, struct reply_to to, enum error_code code,
			      const char *format, ...)
{
	struct buf *b;
	va_list args;

	va_start(args, format);
	b = reply_begin_error_v(p, to, code, format, args);
	va_end(args);
	return b;
}

void reply_error(struct peer *p, struct reply_to to, enum error_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	reply_begin_error_v(p, to, code, format, args);
	va_end(args);
	reply_end(p, to);
}

void reply_write_limit(struct buf *b, const char *limit, uint64_t value)
{
	emit_literal(b, ",\"limit\":{\"name\":");
	emit_text(b, slice_of(limit));
	emit_literal(b, ",\"value\":");
	emit_u64(b, value);
	buf_append_char(b, '}');
}

void reply_limit(struct peer *p, struct reply_to to, enum error_code code, const char *limit,
		 uint64_t value)
{
	struct buf *b = reply_begin_error(p, to, code, "limit %s of %llu is reached", limit,
					  (unsigned long long)value);

	reply_write_limit(b, limit, value);
	reply_end(p, to);
}
