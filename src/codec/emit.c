/* SPDX-License-Identifier: MIT */

/*
 * Writing JSON into a buffer
 */

#include "codec/emit.h"

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

/* The length of one UTF-8 sequence that starts at p, or 0 if it is not one. */
static size_t emit_sequence(const unsigned char *p, size_t room)
{
	static const struct {
		unsigned char from, to, min, max, n;
	} rows[] = {
		{0x20, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (p[0] < rows[i].from || p[0] > rows[i].to)
			continue;
		if (room < rows[i].n ||
		    (rows[i].n > 1 && (p[1] < rows[i].min || p[1] > rows[i].max)))
			return 0;
		for (size_t k = 2; k < rows[i].n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].n;
	}
	return 0;
}

static void emit_escape(struct buf *b, unsigned code)
{
	char text[8];

	buf_append(b, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", code));
}

/* U+0085, U+2028, U+2029 at p, or 0. */
static unsigned emit_separator(const unsigned char *p, size_t n)
{
	if (n >= 2 && p[0] == 0xc2 && p[1] == 0x85)
		return 0x85;
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 0x2000u | (p[2] & 0x3fu);
	return 0;
}

/* One character that is not plain ASCII; returns the bytes read. */
static size_t emit_special(struct buf *b, const unsigned char *p, size_t room)
{
	unsigned separator = emit_separator(p, room);
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
	n = emit_sequence(p, room);
	if (n)
		buf_append(b, p, n);
	else
		emit_literal(b, "\xef\xbf\xbd");
	return n ? n : 1;
}

void emit_text(struct buf *b, struct slice text)
{
	size_t i = 0;

	buf_append_char(b, '"');
	while (i < text.len) {
		size_t n = scan_plain_length(text.ptr + i, text.len - i);

		buf_append(b, text.ptr + i, n);
		i += n;
		if (i < text.len)
			i += emit_special(b, (const unsigned char *)text.ptr + i, text.len - i);
	}
	buf_append_char(b, '"');
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
		unsigned separator = emit_separator(p, (size_t)(end - p));

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
