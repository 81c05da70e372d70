/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writing JSON into a buffer
 *
 * Small pieces, appended in order; the buffer latches errors, so that a whole
 * message is written and then checked once. Output is canonical (protocol
 * §2.4): no white space between tokens; control characters, U+0085, U+2028
 * and U+2029 escaped.
 */

#include "base/buf.h"
#include "codec/scan.h"

#define emit_literal(b, text) buf_append_literal(b, text)

void emit_u64(struct buf *b, uint64_t n);
void emit_i64(struct buf *b, int64_t n);
void emit_bool(struct buf *b, bool yes);

/* Plain text as a quoted string; bytes that are not UTF-8 become U+FFFD. */
void emit_text(struct buf *b, struct slice text);

/* As emit_text, from a format. At most 1 KiB, cut off behind that. */
void emit_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);

/* ,"name":"text" behind other members; nothing for NULL. name needs no escapes. */
void emit_member_text(struct buf *b, const char *name, const char *text);
/* ,"name":n */
void emit_member_u64(struct buf *b, const char *name, uint64_t n);

/* A validated token: copied as it stands, or rewritten where its flags ask for it. */
void emit_value_slow(struct buf *b, const struct scan_value *v);

static inline void emit_value(struct buf *b, const struct scan_value *v)
{
	if (v->flags & (SCAN_SPACED | SCAN_UNSAFE))
		emit_value_slow(b, v);
	else
		buf_append(b, v->text, v->len);
}
