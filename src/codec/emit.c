/* SPDX-License-Identifier: MIT */

/*
 * Writing JSON into a buffer
 */

#include "codec/emit.h"

#include "codec/chars.h"

#include <stdarg.h>
#include <stdio.h>

#define EMIT_MAX_PRINTF 1024

void emit_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_append(b, digits + i, sizeof(digits) - i);
}

void emit_i64(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_append_char(b, '-');
	emit_u64(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void emit_bool(struct buf *b, bool yes)
{
	if (yes)
		emit_literal(b, "true");
	else
		emit_literal(b, "false");
}

static void emit_escape(struct buf *b, unsigned code)
{
	char text[8];

	buf_append(b, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", code));
}

/* One character that is not plain ASCII; returns the bytes read. */
static size_t emit_special(struct buf *b, const unsigned char *p, const unsigned char *end)
{
	unsigned separator = chars_separator(p, end);
	size_t n;

	if (*p == '"' || *p == '\\') {
		buf_append_char(b, '\\');
		buf_append_char(b, (char)*p);
		return 1;
	}
	if (*p < 0x20) {
		emit_escape(b, *p);
		return 1;
	}
	if (separator) {
		emit_escape(b, separator);
		return separator == 0x85 ? 2 : 3;
	}
	n = chars_length(p, end);
	if (n)
		buf_append(b, p, n);
	else
		emit_literal(b, "\xef\xbf\xbd");
	return n ? n : 1;
}

void emit_text(struct buf *b, struct slice text)
{
	const char *p = text.ptr, *end = p ? p + text.len : NULL;

	buf_append_char(b, '"');
	while (p < end) {
		size_t n = scan_plain_length(p, (size_t)(end - p));

		buf_append(b, p, n);
		p += n;
		if (p < end)
			p += emit_special(b, (const unsigned char *)p, (const unsigned char *)end);
	}
	buf_append_char(b, '"');
}

static void emit_member(struct buf *b, const char *name)
{
	emit_literal(b, ",\"");
	buf_append_slice(b, slice_of(name));
	emit_literal(b, "\":");
}

void emit_member_text(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	emit_member(b, name);
	emit_text(b, slice_of(text));
}

void emit_member_u64(struct buf *b, const char *name, uint64_t n)
{
	emit_member(b, name);
	emit_u64(b, n);
}

void emit_printf(struct buf *b, const char *format, ...)
{
	char text[EMIT_MAX_PRINTF];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	emit_text(b, slice_of(text));
}

static const unsigned char *emit_string_token(struct buf *b, const unsigned char *p,
					      const unsigned char *end)
{
	const unsigned char *from = p++;

	while (p < end && *p != '"') {
		unsigned separator = chars_separator(p, end);

		if (separator) {
			buf_append(b, from, (size_t)(p - from));
			emit_escape(b, separator);
			p += separator == 0x85 ? 2 : 3;
			from = p;
		} else {
			p += *p == '\\' ? 2 : 1;
		}
	}
	p++;
	buf_append(b, from, (size_t)(p - from));
	return p;
}

void emit_value_slow(struct buf *b, const struct scan_value *v)
{
	const unsigned char *p = (const unsigned char *)v->text, *end = p + v->len;

	while (p < end) {
		const unsigned char *from = p;

		if (*p == '"') {
			p = emit_string_token(b, p, end);
			continue;
		}
		while (p<end && * p> ' ' && *p != '"')
			p++;
		buf_append(b, from, (size_t)(p - from));
		while (p < end && *p <= ' ')
			p++;
	}
}
