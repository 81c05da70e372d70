/* SPDX-License-Identifier: MIT */

/*
 * What programs are told about a router that is away (protocol §13)
 *
 * One writer for each of the two answers: a request cannot be sent now, and a
 * request was in flight when the session was lost. Whether and when trying
 * again may help is said the same way to everybody.
 */

#include "hub/internal.h"

#include <stdio.h>

/* Failures of requests without an id are told at most this often. */
#define AWAY_COMPLAIN_MS 1000

/* more: "", or what stands in the sentence before the reason. */
static void away_write(struct program *p, struct link *l, struct reply_to to, const char *more)
{
	bool failed = l->state == LINK_FAILED;
	uint64_t now = l->hub->now_ms;
	struct buf *b;

	b = reply_begin_error(&p->peer, to, failed ? ERROR_SESSION_FAILED : ERROR_NOT_JOINED,
			      "session \"%s\" is %s%s%s%s", l->config.name,
			      link_state_name(l->state), more, l->message ? ": " : "",
			      l->message ?: "");
	emit_literal(b, ",\"retry\":");
	emit_bool(b, !l->has_given_up);
	if (l->retry_at_ms > now)
		emit_member_u64(b, "retry_in_ms", l->retry_at_ms - now);
	emit_member_text(b, "session", l->config.name);
	emit_member_text(b, "state", link_state_name(l->state));
	reply_end(&p->peer, to);
}

void away_refuse(struct program *p, struct link *l, const struct request *r)
{
	away_write(p, l, reply_to_request(r), "");
}

void away_complain(struct program *p, struct link *l, const struct request *r)
{
	struct reply_to to = {SLICE_NONE, r->line};
	uint64_t now = p->hub->now_ms;
	char more[64];

	p->n_failed_publishes++;
	if (p->complained_ms && now - p->complained_ms < AWAY_COMPLAIN_MS)
		return;
	snprintf(more, sizeof(more), "; %llu publications were not sent",
		 (unsigned long long)p->n_failed_publishes);
	away_write(p, l, to, more);
	p->complained_ms = now ?: 1;
	p->n_failed_publishes = 0;
}

void away_lacks_role(struct program *p, const struct link *l, const struct request *r,
		     const char *role)
{
	reply_error(&p->peer, reply_to_request(r), ERROR_FEATURE_NOT_SUPPORTED,
		    "the router of session \"%s\" has no %s role", l->config.name, role);
}

void away_fail(struct program *p, const struct link *l, struct reply_to to, enum error_code code,
	       const char *message)
{
	struct buf *b = reply_begin_error(&p->peer, to, code, "%s", message);

	/* Nobody but the program knows whether doing it twice does harm. */
	if (code == ERROR_SESSION_LOST) {
		emit_literal(b, ",\"outcome\":\"unknown\",\"retry\":false");
		emit_member_text(b, "session", l->config.name);
	}
	reply_end(&p->peer, to);
}
