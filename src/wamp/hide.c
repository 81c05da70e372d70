/* SPDX-License-Identifier: MIT */

/*
 * A router's words without what was sent to it as a secret
 */

#include "wamp/hide.h"

#include "codec/chars.h"
#include "codec/items.h"
#include "wamp/reason.h"

void hide_mark(struct marks *m, struct slice text)
{
	if (text.len >= MARKS_MIN_LENGTH)
		marks_add(m, text);
}

/* As the configuration bounds it (config/url.c). */
#define HIDE_MAX_QUERY 1024

/* A router that has read "a%2Bb" says "a+b". */
static void hide_mark_decoded(struct marks *m, struct slice text)
{
	char plain[HIDE_MAX_QUERY];
	size_t n = 0;

	if (text.len > sizeof(plain) || !memchr(text.ptr, '%', text.len))
		return;
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char *p = (const unsigned char *)text.ptr + i;
		bool is_escape = text.len - i > 2 && *p == '%' && chars_hex(p[1]) >= 0 &&
				 chars_hex(p[2]) >= 0;

		plain[n++] = (char)(is_escape ? chars_hex(p[1]) << 4 | chars_hex(p[2]) : *p);
		i += is_escape ? 2 : 0;
	}
	hide_mark(m, (struct slice){plain, n});
	explicit_bzero(plain, sizeof(plain));
}

void hide_mark_query(struct marks *m, const char *query)
{
	const char *p = query ? query : "", *end, *value;

	hide_mark(m, slice_of(p));
	for (; *p; p = *end ? end + 1 : end) {
		end = p + strcspn(p, "&");
		value = memchr(p, '=', (size_t)(end - p));
		value = value ? value + 1 : p;
		hide_mark(m, (struct slice){value, (size_t)(end - value)});
		hide_mark_decoded(m, (struct slice){value, (size_t)(end - value)});
	}
}

/* Its depth is bounded by the configuration. */
static void hide_mark_strings(struct marks *m, const struct scan_value *v, struct arena *arena)
{
	struct items items = items_of(v);
	struct scan_value name, item;
	struct slice text = scan_raw(v);
	char *to;

	while (items_next(&items, &name, &item))
		hide_mark_strings(m, &item, arena);
	if (v->type != SCAN_STRING || text.len < MARKS_MIN_LENGTH)
		return;
	to = arena_alloc(arena, text.len);
	if (to)
		marks_add_brief(m, (struct slice){to, scan_decode(v, to)});
	else
		m->is_blind = true;
}

void hide_mark_extra(struct marks *m, const char *extra, struct arena *arena)
{
	struct scan_value v = {extra, extra ? (uint32_t)strlen(extra) : 0, SCAN_OBJECT, 0};

	if (extra)
		hide_mark_strings(m, &v, arena);
}

struct slice hide_text(const struct marks *m, struct slice text, struct arena *arena)
{
	return marks_hide(m, text, HIDE_MAX_TEXT, arena);
}

struct slice hide_uri(const struct marks *m, struct slice uri, struct arena *arena)
{
	struct slice shown = wamp_reason_is_known(uri) ? uri : hide_text(m, uri, arena);

	return shown.ptr || !uri.len ? shown : SLICE("***");
}

void hide_message(const struct marks *m, struct wamp_msg *msg, struct arena *arena)
{
	if ((!m->n && !m->is_blind) || msg->type == WAMP_RESULT || msg->type == WAMP_INVOCATION ||
	    msg->type == WAMP_EVENT)
		return;
	if (msg->uri.len)
		msg->uri = hide_uri(m, msg->uri, arena);
	msg->details = marks_hide_value(m, &msg->details, arena);
	msg->args = marks_hide_value(m, &msg->args, arena);
	msg->kwargs = marks_hide_value(m, &msg->kwargs, arena);
}
