/* SPDX-License-Identifier: MIT */

/*
 * Watching router sessions (protocol §13): the present state, then each change
 */

#include "hub/internal.h"

#include "base/mem.h"

#include <time.h>

void watch_write_time(struct buf *b, uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[32];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	emit_printf(b, "%s.%03uZ", date, (unsigned)(wall_ms % 1000));
}

static void watch_write_joined(struct buf *b, const struct link *l)
{
	const struct session_welcome *w = &l->session.welcome;

	emit_member_text(b, "realm", w->realm ?: l->config.realm);
	emit_member_u64(b, "session_id", w->session_id);
	emit_member_text(b, "authid", w->authid);
	emit_member_text(b, "authrole", w->authrole);
	emit_member_text(b, "authmethod", w->authmethod);
}

void watch_write_link(struct buf *b, const struct link *l)
{
	uint64_t now = l->hub->now_ms;

	emit_literal(b, "\"session\":");
	emit_text(b, slice_of(l->config.name));
	emit_member_text(b, "state", link_state_name(l->state));
	if (link_is_joined(l))
		watch_write_joined(b, l);
	emit_member_text(b, "router", l->config.url);
	if (l->attempt > 1 || (l->attempt && !link_is_joined(l)))
		emit_member_u64(b, "attempt", l->attempt);
	if (l->retry_at_ms > now)
		emit_member_u64(b, "retry_in_ms", l->retry_at_ms - now);
	emit_literal(b, ",\"since\":");
	watch_write_time(b, l->since_ms);
	emit_member_text(b, "reason", l->reason);
	emit_member_text(b, "message", l->message);
}

static void watch_tell(struct watch *w, const struct link *l)
{
	struct buf *b = peer_begin(&w->program->peer);

	emit_literal(b, "{\"op\":\"session\",\"watch\":");
	buf_append_slice(b, peer_id_token(&w->id));
	buf_append_char(b, ',');
	watch_write_link(b, l);
	buf_append_char(b, '}');
	(void)peer_end(&w->program->peer, PEER_PUSH);
	program_mark_dirty(w->program);
}

void watch_changed(struct link *l)
{
	list_for_each (i, &l->hub->watches) {
		struct watch *w = CONTAINER_OF(i, struct watch, of_hub);

		if (!w->link || w->link == l)
			watch_tell(w, l);
	}
}

struct watch *watch_free(struct watch *w)
{
	w->program->n_watches--;
	list_unlink(&w->of_program);
	list_unlink(&w->of_hub);
	program_close_id(w->program, &w->id);
	return mem_free(w);
}

void watch_request(struct program *p, const struct request *r)
{
	struct reply_to to = reply_to_request(r);
	bool all = request_has(r, MEMBER_SESSION) && slice_is(request_text(r, MEMBER_SESSION), "*");
	struct link *l = all ? NULL : program_find_link(p, r);
	struct watch *w;

	if (!all && !l)
		return;
	/* Watches have the limit of subscriptions, counted by themselves. */
	if (p->n_watches >= p->peer.limits->max_subscriptions) {
		reply_limit(&p->peer, to, ERROR_TOO_MANY_SUBSCRIPTIONS, "max_subscriptions",
			    p->peer.limits->max_subscriptions);
		return;
	}
	w = mem_alloc(sizeof(*w));
	if (!w) {
		reply_error(&p->peer, to, ERROR_INTERNAL, "out of memory");
		return;
	}
	if (!program_open_id(p, &w->id, PEER_ID_WATCH, r)) {
		mem_free(w);
		return;
	}
	w->program = p;
	w->link = l;
	list_init(&w->of_program);
	list_init(&w->of_hub);
	p->n_watches++;
	list_append(&p->watches, &w->of_program);
	list_append(&p->hub->watches, &w->of_hub);
	reply_ok(&p->peer, to);
	list_for_each (i, &p->hub->links) {
		struct link *other = CONTAINER_OF(i, struct link, node);

		if (all || other == l)
			watch_tell(w, other);
	}
}

void watch_undo(struct program *p, const struct request *r)
{
	const struct scan_value *token = &r->members[MEMBER_WATCH];
	struct peer_id *id = peer_id_find(&p->peer.ids, p->hub->secret, token);
	struct reply_to to = reply_to_request(r);

	if (!id || id->kind != PEER_ID_WATCH) {
		reply_error(&p->peer, to, ERROR_NO_SUCH_SUBSCRIPTION, "no watch %.*s",
			    (int)token->len, token->text);
		return;
	}
	watch_free(CONTAINER_OF(id, struct watch, id));
	reply_ok(&p->peer, to);
}
