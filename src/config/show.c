/* SPDX-License-Identifier: MIT */

/*
 * Values as YAML
 *
 * All on one line. JSON is YAML but for some characters that libyaml does not
 * take as they are; both know \\uXXXX within quotes.
 */

#include "config/show.h"

#include "codec/chars.h"
#include "config/headers.h"
#include "config/secret.h"

#include <stdio.h>

#define SHOW_HIDDEN "(hidden)"

#define SHOW_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Whether it means itself to YAML without quotes. */
static bool show_is_simple(const char *text)
{
	return *text && strchr(SHOW_LETTERS "/", *text) &&
	       !text[strspn(text, SHOW_LETTERS "_./-:@+%=")] && text[strlen(text) - 1] != ':';
}

/* What libyaml refuses, or takes for an end of line, below U+10000. */
static bool show_is_unsafe(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

/* The character that begins at p, which is n bytes long. */
static unsigned show_decode(const unsigned char *p, size_t n)
{
	unsigned c = n == 1 ? p[0] : n == 2 ? p[0] & 0x1fu : n == 3 ? p[0] & 0x0fu : p[0] & 0x07u;

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* Text for within quotes; with escape, quotes and backslashes in it are escaped. */
static void show_inside(struct buf *out, const char *text, bool escape)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);

	while (p < end) {
		size_t n = chars_length(p, end);
		unsigned c = n ? show_decode(p, n) : CHARS_REPLACEMENT;
		char hex[8];

		if (escape && (c == '"' || c == '\\'))
			buf_append_char(out, '\\');
		if (show_is_unsafe(c)) {
			snprintf(hex, sizeof(hex), "\\u%04x", c);
			buf_append_slice(out, slice_of(hex));
		} else if (n) {
			buf_append(out, p, n);
		} else {
			buf_append_literal(out, "\\ufffd");
		}
		p += n ? n : 1;
	}
}

static void show_quoted(struct buf *out, const char *text)
{
	buf_append_char(out, '"');
	show_inside(out, text, true);
	buf_append_char(out, '"');
}

void show_text(struct buf *out, const char *text)
{
	if (show_is_simple(text))
		buf_append_slice(out, slice_of(text));
	else
		show_quoted(out, text);
}

static void show_list(struct buf *out, const struct config_list *list)
{
	buf_append_char(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			buf_append_literal(out, ", ");
		show_quoted(out, list->items[i]);
	}
	buf_append_char(out, ']');
}

static void show_header(struct buf *out, const char *name, const char *value)
{
	show_quoted(out, name);
	buf_append_literal(out, ": ");
	show_quoted(out, headers_is_secret(name) ? SHOW_HIDDEN : value);
}

/* "Name: value" each. */
static void show_headers(struct buf *out, const struct config_list *list)
{
	buf_append_char(out, '{');
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->items[i], *colon = strchr(text, ':');
		char name[MEMBER_MAX_HEADERS + 1];

		snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
		if (i)
			buf_append_literal(out, ", ");
		show_header(out, name, colon + 2);
	}
	buf_append_char(out, '}');
}

void show_member(struct buf *out, const struct config_option *option, const struct member *member)
{
	if (option->type == CONFIG_HEADERS) {
		show_header(out, member->key, member->text);
		return;
	}
	show_inside(out, member->key, false);
	buf_append_literal(out, ": ");
	show_inside(out, member->text, false);
}

void show_value(struct buf *out, const struct config_option *option, const struct value *value)
{
	char number[64];

	if (option->type == CONFIG_HEADERS) {
		show_headers(out, &value->list);
	} else if (config_type_is_list(option->type)) {
		show_list(out, &value->list);
	} else if (option->type != CONFIG_OBJECT && !config_type_is_text(option->type)) {
		value_format(option, value, number, sizeof(number));
		show_text(out, number);
	} else if (!value->text) {
		buf_append_literal(out, "null");
	} else if (option->type == CONFIG_OBJECT) {
		show_inside(out, value->text, false);
	} else if (option->type == CONFIG_SECRET && secret_is_inline(value->text)) {
		buf_append_literal(out, "\"" SHOW_HIDDEN "\"");
	} else {
		show_text(out, value->text);
	}
}
