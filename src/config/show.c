/* SPDX-License-Identifier: MIT */

/*
 * Values as YAML
 *
 * All on one line. JSON is YAML but for some characters that libyaml does not
 * take as they are; both know \\uXXXX within quotes.
 */

#include "config/show.h"

#include "codec/chars.h"
#include "codec/emit.h"
#include "config/secret.h"
#include "config/url.h"
#include "config/walk.h"

#include <stdio.h>

#define SHOW_HIDDEN "(hidden)"

/* The longest url, with its scheme, host and port. */
#define SHOW_MAX_URL (URL_MAX_NAME + URL_MAX_PATH + 64)

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

static void show_hidden_member(struct buf *out, const char *name)
{
	show_quoted(out, name);
	buf_append_literal(out, ": \"" SHOW_HIDDEN "\"");
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
		show_hidden_member(out, name);
	}
	buf_append_char(out, '}');
}

/* The names of a JSON object's members. */
static void show_object(struct buf *out, const char *json)
{
	struct scan_member members[WALK_MAX_KEYS];
	struct scan_names names;
	struct scan_error error;
	size_t n = 0;
	int r = scan_object(slice_of(json), SCAN_LENIENT, &names, members, WALK_MAX_KEYS, &n,
			    &error);

	/* It was written by the reader of the files, so there is no error. */
	(void)r;
	buf_append_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		CLEANUP(buf_done) struct buf name = BUF_INIT(MEMBER_MAX_OBJECT);

		emit_text(&name, members[i].name);
		buf_append_char(&name, '\0');
		if (i)
			buf_append_literal(out, ", ");
		if (!name.error)
			show_inside(out, name.data, false);
		buf_append_literal(out, ": \"" SHOW_HIDDEN "\"");
	}
	buf_append_char(out, '}');
}

void show_member(struct buf *out, const struct config_option *option, const struct member *member)
{
	if (option->type == CONFIG_HEADERS) {
		show_hidden_member(out, member->key);
		return;
	}
	show_inside(out, member->key, false);
	buf_append_literal(out, ": \"" SHOW_HIDDEN "\"");
}

/* A url or a path: what stands behind the '?' may be a token. */
static void show_without_query(struct buf *out, const char *text)
{
	const char *query = strchr(text, '?');
	char shown[SHOW_MAX_URL];

	if (!query) {
		show_text(out, text);
		return;
	}
	snprintf(shown, sizeof(shown), "%.*s?" SHOW_HIDDEN, (int)(query - text), text);
	show_text(out, shown);
}

static void show_one_text(struct buf *out, const struct config_option *option, const char *text)
{
	switch (config_option_secrecy(option)) {
	case CONFIG_PUBLIC:
	case CONFIG_UNQUOTED:
		show_text(out, text);
		return;
	case CONFIG_QUERY:
		show_without_query(out, text);
		return;
	case CONFIG_NAMES:
		show_object(out, text);
		return;
	case CONFIG_REFERENCE:
		show_text(out, secret_is_inline(text) ? SHOW_HIDDEN : text);
		return;
	}
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
	} else {
		show_one_text(out, option, value->text);
	}
}
