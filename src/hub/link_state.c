/* SPDX-License-Identifier: MIT */

/*
 * Links: the state as programs and operators see it
 */

#include "hub/internal.h"

#include "base/mem.h"
#include "codec/chars.h"
#include "wamp/reason.h"

#include <stdio.h>

/* Failed attempts in a row that are worth a line each in the log; later ones are for debugging. */
#define LINK_LOUD_FAILURES 5

const char *link_state_name(enum link_state state)
{
	switch (state) {
	case LINK_IDLE:
		return "idle";
	case LINK_CONNECTING:
		return "connecting";
	case LINK_JOINED:
		return "joined";
	case LINK_LOST:
		return "lost";
	case LINK_RECONNECTING:
		return "reconnecting";
	case LINK_LEFT:
		return "left";
	case LINK_FAILED:
		return "failed";
	case LINK_CLOSING:
		return "closing";
	}
	return "?";
}

/* Longest reason and message that are kept, and both of them together with a little more. */
#define LINK_MAX_REASON	 256
#define LINK_MAX_MESSAGE 512
#define LINK_MAX_WHY	 800

/* What a router gave as its reason, and what is for people. */
static const char *link_explain(const struct link *l, char why[LINK_MAX_WHY])
{
	bool by_router = l->reason && strncmp(l->reason, "wampbridge.", 11) != 0;

	if (!l->message || !*l->message)
		return l->reason ? l->reason : "stopping";
	if (!by_router)
		return l->message;
	snprintf(why, LINK_MAX_WHY, "%s (%s)", l->message, l->reason);
	return why;
}

/* The level of a state's line, and what it is for those who search. */
static const struct {
	int level;
	enum hub_event event;
} link_notes[] = {
	[LINK_IDLE] = {6, HUB_EVENT_NONE},
	[LINK_CONNECTING] = {4, HUB_EVENT_NONE},
	[LINK_JOINED] = {6, HUB_EVENT_SESSION_JOINED},
	[LINK_LOST] = {4, HUB_EVENT_SESSION_LOST},
	[LINK_RECONNECTING] = {5, HUB_EVENT_NONE},
	[LINK_LEFT] = {4, HUB_EVENT_SESSION_LOST},
	[LINK_FAILED] = {3, HUB_EVENT_JOIN_REFUSED},
	[LINK_CLOSING] = {6, HUB_EVENT_NONE},
};

static enum hub_event link_event_of(const struct link *l)
{
	if (l->reason && strcmp(l->reason, "wamp.error.protocol_violation") == 0)
		return HUB_EVENT_ROUTER_VIOLATION;
	return link_notes[l->state].event;
}

static void link_note_state(const struct link *l, int level, enum hub_event event)
{
	uint64_t now = l->hub->now_ms;
	char buffer[LINK_MAX_WHY];
	const char *why = link_explain(l, buffer);

	if (link_is_joined(l))
		note_link(l, level, event, "session %s (%s): joined %s as %llu", l->config.name,
			  l->config.url, l->session.welcome.realm ?: l->config.realm,
			  (unsigned long long)l->session.welcome.session_id);
	else if (l->retry_at_ms > now && l->state != LINK_CLOSING && l->attempt)
		note_link(l, level, event,
			  "session %s (%s): %s, attempt %u: %s; next one in %llu ms",
			  l->config.name, l->config.url, link_state_name(l->state), l->attempt, why,
			  (unsigned long long)(l->retry_at_ms - now));
	else if (l->has_given_up && l->state == LINK_FAILED)
		note_link(l, level, event,
			  "session %s (%s): given up after %u attempts: %s; reload to try again",
			  l->config.name, l->config.url, l->attempt, why);
	else if (l->reason || l->state == LINK_CLOSING)
		note_link(l, level, event, "session %s (%s): %s: %s", l->config.name, l->config.url,
			  link_state_name(l->state), why);
	else
		note_link(l, level, event, "session %s (%s): %s", l->config.name, l->config.url,
			  link_state_name(l->state));
}

static void link_log_state(const struct link *l)
{
	bool quiet = l->n_failures > LINK_LOUD_FAILURES && !link_is_joined(l) && !l->has_given_up;

	/* A state without a reason is the start of something that will be told. */
	if (link_is_joined(l) || l->state == LINK_CLOSING || l->reason)
		link_note_state(l, quiet ? 7 : link_notes[l->state].level, link_event_of(l));
}

void hub_note_links(struct hub *hub)
{
	list_for_each (i, &hub->links)
		link_note_state(CONTAINER_OF(i, struct link, node), 6, HUB_EVENT_NONE);
}

/* What a router says is a stranger's text: as much of it as is good for status and log. */
static char *link_keep(struct slice text, size_t max)
{
	CLEANUP(mem_freep) char *kept = NULL;
	size_t n;

	if (!text.len)
		return NULL;
	kept = mem_strndup(text.ptr, chars_cut(text.ptr, text.len, max));
	n = kept ? chars_tidy(kept, chars_cut(text.ptr, text.len, max)) : 0;
	if (!n)
		return NULL;
	kept[n] = '\0';
	return TAKE(kept);
}

/* A reason is told with a sentence, also where the router gave only its URI. */
static char *link_keep_message(const struct link *l, const char *reason, struct slice message)
{
	char sentence[WAMP_MAX_REASON];
	char *kept = link_keep(message, LINK_MAX_MESSAGE);

	if (kept || !reason)
		return kept;
	wamp_reason_text(sentence, slice_of(reason), l->config.realm);
	return mem_strdup(sentence);
}

void link_set_state(struct link *l, enum link_state state, struct slice reason,
		    struct slice message)
{
	char *new_reason = link_keep(reason, LINK_MAX_REASON);
	char *new_message = link_keep_message(l, new_reason, message);

	mem_free(l->reason);
	mem_free(l->message);
	l->reason = new_reason;
	l->message = new_message;
	l->state = state;
	l->since_ms = l->hub->wall_ms;
	link_log_state(l);
	watch_changed(l);
}
