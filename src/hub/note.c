/* SPDX-License-Identifier: MIT */

/*
 * Notes: what an operator needs to know (operations §6)
 *
 * In a healthy system there are none. They wait in the hub until daemon/ takes
 * them at the end of the turn; more than HUB_MAX_NOTES of one turn are dropped,
 * since nobody would read them.
 */

#include "hub/internal.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define HUB_MAX_NOTES 256

/* Longest text; what a router says is cut off behind it. */
#define NOTE_MAX_TEXT 1024

/* A line that a program or a router can cause at will is written so often at most. */
#define NOTE_THROTTLE_MS 1000

struct note {
	struct list node;
	struct hub_note note; /* its text, uri and peer_name stand behind the struct */
	char bytes[];
};

static struct slice note_keep(char **to, struct slice text)
{
	struct slice kept = {*to, text.len};

	if (text.len)
		memcpy(*to, text.ptr, text.len);
	(*to)[text.len] = '\0';
	*to += text.len + 1;
	return kept;
}

/* Copies what is borrowed; the names of links and codes outlive every note. */
static void note_add(struct hub *hub, const struct hub_note *from, struct slice text)
{
	struct slice name = slice_of(from->peer_name ? from->peer_name : "");
	struct note *note;
	char *to;

	if (hub->n_notes >= HUB_MAX_NOTES)
		return;
	note = mem_alloc(sizeof(*note) + text.len + from->uri.len + name.len + 3);
	if (!note)
		return;
	note->note = *from;
	to = note->bytes;
	note->note.text = note_keep(&to, text);
	note->note.uri = note_keep(&to, from->uri);
	note->note.peer_name = from->peer_name ? note_keep(&to, name).ptr : NULL;
	list_append(&hub->notes, &note->node);
	hub->n_notes++;
}

PRINTF(3, 0)
static void note_add_text(struct hub *hub, const struct hub_note *from, const char *format,
			  va_list args)
{
	char text[NOTE_MAX_TEXT];

	vsnprintf(text, sizeof(text), format, args);
	note_add(hub, from, slice_of(text));
}

void note_plain(struct hub *hub, int level, const char *format, ...)
{
	struct hub_note note = {.level = level};
	va_list args;

	va_start(args, format);
	note_add_text(hub, &note, format, args);
	va_end(args);
}

void note_program(const struct program *p, int level, enum hub_event event, const char *code,
		  const char *format, ...)
{
	struct hub_note note = {
		.level = level,
		.event = event,
		.code = code,
		.conn = p->peer.conn,
		.peer = p->peer.credentials,
		.peer_name = p->peer.name,
		.queued_bytes = p->peer.n_undrained + p->n_queued_bytes,
	};
	va_list args;

	va_start(args, format);
	note_add_text(p->hub, &note, format, args);
	va_end(args);
}

void note_link(const struct link *l, int level, enum hub_event event, const char *format, ...)
{
	bool joined = link_is_joined(l);
	struct hub_note note = {
		.level = level,
		.event = event,
		.uri = slice_of(l->reason ? l->reason : ""),
		.session = l->config.name,
		.realm = l->config.realm,
		.session_id = joined ? l->session.welcome.session_id : 0,
	};
	va_list args;

	va_start(args, format);
	note_add_text(l->hub, &note, format, args);
	va_end(args);
}

bool note_is_due(const struct hub *hub, struct throttle *t, char ret_more[NOTE_MAX_MORE])
{
	if (t->told_ms && hub->now_ms - t->told_ms < NOTE_THROTTLE_MS) {
		t->n_untold++;
		return false;
	}
	ret_more[0] = '\0';
	if (t->n_untold)
		snprintf(ret_more, NOTE_MAX_MORE, " (%u more since the last such line)",
			 t->n_untold);
	t->n_untold = 0;
	t->told_ms = hub->now_ms;
	return true;
}

bool hub_next_note(struct hub *hub, struct hub_note *ret)
{
	struct note *note = list_first(&hub->notes, struct note, node);

	hub->note = mem_free(hub->note);
	if (!note)
		return false;
	list_unlink(&note->node);
	hub->n_notes--;
	hub->note = note;
	*ret = note->note;
	return true;
}

void note_free_all(struct hub *hub)
{
	list_for_each_safe (i, &hub->notes) {
		list_unlink(i);
		mem_free(CONTAINER_OF(i, struct note, node));
	}
	hub->n_notes = 0;
	hub->note = mem_free(hub->note);
}
