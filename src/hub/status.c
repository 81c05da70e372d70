/* SPDX-License-Identifier: MIT */

/*
 * greet, status and list (protocol §4, §14)
 */

#include "hub/internal.h"

/* A greet beyond this leaves its sessions out, so that a small reader can take it (§4). */
#define STATUS_MAX_GREET 4096

static void status_write_sessions(struct buf *b, const struct hub *hub)
{
	bool first = true;

	emit_literal(b, ",\"sessions\":{");
	list_for_each (i, &hub->links) {
		const struct link *l = CONTAINER_OF(i, struct link, node);

		if (!first)
			buf_append_char(b, ',');
		first = false;
		emit_text(b, slice_of(l->config.name));
		buf_append_char(b, ':');
		emit_text(b, slice_of(link_state_name(l->state)));
	}
	buf_append_char(b, '}');
}

static void status_write_limits(struct buf *b, const struct peer_limits *limits)
{
	emit_literal(b, ",\"limits\":{\"max_line\":");
	emit_u64(b, limits->max_line);
	emit_literal(b, ",\"max_inflight\":");
	emit_u64(b, limits->max_inflight);
	emit_literal(b, ",\"max_registrations\":");
	emit_u64(b, limits->max_registrations);
	emit_literal(b, ",\"max_subscriptions\":");
	emit_u64(b, limits->max_subscriptions);
	emit_literal(b, ",\"subscription_queue\":");
	emit_u64(b, limits->subscription_queue);
	buf_append_char(b, '}');
}

static void status_write_greet(struct program *p, bool with_sessions)
{
	const struct hub *hub = p->hub;
	struct buf *b = peer_begin(&p->peer);

	emit_literal(b, "{\"op\":\"greet\",\"proto\":[1,0],\"server\":");
	emit_text(b, slice_of(hub->config.server));
	emit_literal(b, ",\"features\":[]");
	status_write_limits(b, &hub->config.limits.peer);
	if (with_sessions)
		status_write_sessions(b, hub);
	emit_member_text(b, "default_session", hub->config.default_session);
	emit_literal(b, ",\"peer\":{\"conn\":");
	emit_u64(b, p->peer.conn);
	emit_literal(b, ",\"uid\":");
	emit_u64(b, p->peer.credentials.uid);
	emit_literal(b, ",\"gid\":");
	emit_u64(b, p->peer.credentials.gid);
	emit_literal(b, ",\"pid\":");
	emit_i64(b, p->peer.credentials.pid);
	emit_literal(b, "}}");
}

void status_greet(struct program *p)
{
	struct buf *b = outq_begin(&p->peer.out);

	status_write_greet(p, true);
	if (buf_len(b) - p->peer.line_before >= STATUS_MAX_GREET) {
		peer_cancel(&p->peer);
		status_write_greet(p, false);
	}
	(void)peer_end(&p->peer, PEER_REPLY);
}

static void status_write_link(struct buf *b, const struct link *l)
{
	emit_text(b, slice_of(l->config.name));
	emit_literal(b, ":{\"state\":");
	emit_text(b, slice_of(link_state_name(l->state)));
	emit_literal(b, ",\"realm\":");
	emit_text(b, slice_of(l->session.welcome.realm ?: l->config.realm));
	if (link_is_joined(l))
		emit_member_u64(b, "session_id", l->session.welcome.session_id);
	emit_member_text(b, "reason", l->reason);
	emit_member_text(b, "message", l->message);
	if (l->retry_at_ms > l->hub->now_ms)
		emit_member_u64(b, "retry_in_ms", l->retry_at_ms - l->hub->now_ms);
	buf_append_char(b, '}');
}

void status_request(struct program *p, const struct request *r)
{
	struct hub *hub = p->hub;
	struct reply_to to = reply_to_request(r);
	struct buf *b = reply_begin(&p->peer, "ok", to);
	bool first = true;

	emit_literal(b, ",\"server\":");
	emit_text(b, slice_of(hub->config.server));
	emit_literal(b, ",\"uptime_ms\":");
	emit_u64(b, hub->now_ms - hub->started_ms);
	emit_literal(b, ",\"sessions\":{");
	list_for_each (i, &hub->links) {
		if (!first)
			buf_append_char(b, ',');
		first = false;
		status_write_link(b, CONTAINER_OF(i, struct link, node));
	}
	emit_literal(b, "},\"clients\":");
	emit_u64(b, hub->n_programs);
	reply_end(&p->peer, to);
}

/* ---- list: one function for the rows of each kind ---- */

/* Rows of other users are for administrators alone (§14). */
static bool status_may_see(const struct program *viewer, const struct program *row)
{
	return admit_is_admin(viewer) || viewer->peer.credentials.uid == row->peer.credentials.uid;
}

/* A row that is looked at costs this part of an event that is delivered, shown or not. */
#define STATUS_ROWS_PER_QUARTER 16

/* The work that a list has been, whatever it says. */
static void status_count_work(struct program *viewer, size_t n_rows)
{
	viewer->hub->n_quarters += n_rows / STATUS_ROWS_PER_QUARTER;
}

/*
 * Whether no reader could take more: the reply will be refused as too long, and
 * composing the rest of it would only keep others waiting.
 */
static bool status_is_full(const struct program *viewer)
{
	const struct buf *b = &viewer->peer.out.bytes;

	return buf_len(b) - viewer->peer.line_before > peer_max_line(&viewer->peer);
}

static void status_row(struct buf *b)
{
	if (buf_len(b) && b->data[b->tail - 1] == '}')
		buf_append_char(b, ',');
	buf_append_char(b, '{');
}

static void status_list_sessions(struct program *viewer, struct buf *b)
{
	list_for_each (i, &viewer->hub->links) {
		status_row(b);
		watch_write_link(b, CONTAINER_OF(i, struct link, node));
		buf_append_char(b, '}');
	}
}

static void status_client(struct buf *b, const struct program *p)
{
	status_row(b);
	emit_literal(b, "\"conn\":");
	emit_u64(b, p->peer.conn);
	emit_member_u64(b, "uid", p->peer.credentials.uid);
	emit_literal(b, ",\"pid\":");
	emit_i64(b, p->peer.credentials.pid);
	emit_member_text(b, "name", p->peer.name);
	emit_literal(b, ",\"since\":");
	watch_write_time(b, p->since_ms);
	emit_member_u64(b, "inflight", p->peer.n_requests);
	emit_member_u64(b, "registrations", p->peer.n_registrations);
	emit_member_u64(b, "subscriptions", p->peer.n_subscriptions);
	emit_member_u64(b, "queued_bytes", p->peer.n_undrained + p->n_queued_bytes);
	emit_member_u64(b, "gaps", p->n_gaps);
	emit_literal(b, ",\"paused\":");
	emit_bool(b, p->peer.is_held || peer_is_choked(&p->peer));
	buf_append_char(b, '}');
}

static void status_list_clients(struct program *viewer, struct buf *b)
{
	status_count_work(viewer, viewer->hub->n_programs);
	list_for_each (i, &viewer->hub->programs) {
		const struct program *p = CONTAINER_OF(i, struct program, node);

		if (status_is_full(viewer))
			return;
		if (status_may_see(viewer, p))
			status_client(b, p);
	}
}

static void status_handle(struct buf *b, const struct handle *h)
{
	const struct want *w = h->want;

	status_row(b);
	emit_literal(b, "\"uri\":");
	emit_text(b, w->key.uri);
	emit_literal(b, ",\"match\":\"exact\"");
	if (w->key.kind == WANT_REGISTRATION)
		emit_literal(b, ",\"invoke\":\"single\"");
	emit_literal(b, ",\"session\":");
	emit_text(b, slice_of(w->link->config.name));
	emit_literal(b, ",\"state\":");
	emit_text(b, slice_of(want_state_name(w)));
	emit_member_u64(b, "conn", h->program->peer.conn);
	emit_literal(b, ",\"id\":");
	buf_append_slice(b, peer_id_token(&h->id));
	if (w->id)
		emit_member_u64(
			b, w->key.kind == WANT_REGISTRATION ? "registration_id" : "subscription_id",
			w->id);
	if (w->key.kind == WANT_REGISTRATION) {
		emit_member_u64(b, "invocations", h->n_delivered);
	} else {
		emit_member_u64(b, "queued", h->n_queued);
		emit_member_u64(b, "delivered", h->n_delivered);
		emit_member_u64(b, "dropped", h->n_dropped);
		emit_literal(b, ",\"overflow\":\"drop_oldest\"");
	}
	buf_append_char(b, '}');
}

static void status_list_handles(struct program *viewer, struct buf *b, enum want_kind kind)
{
	size_t n_rows = viewer->hub->n_programs;

	list_for_each (i, &viewer->hub->programs) {
		const struct program *p = CONTAINER_OF(i, struct program, node);

		if (!status_may_see(viewer, p) || status_is_full(viewer))
			continue;
		n_rows += (size_t)p->peer.n_registrations + p->peer.n_subscriptions;
		list_for_each (k, &p->handles) {
			const struct handle *h = CONTAINER_OF(k, struct handle, of_program);

			if (h->want->key.kind == kind)
				status_handle(b, h);
			if (status_is_full(viewer))
				break;
		}
	}
	status_count_work(viewer, n_rows);
}

static void status_list_registrations(struct program *viewer, struct buf *b)
{
	status_list_handles(viewer, b, WANT_REGISTRATION);
}

static void status_list_subscriptions(struct program *viewer, struct buf *b)
{
	status_list_handles(viewer, b, WANT_SUBSCRIPTION);
}

static void status_call(struct buf *b, const struct call *c)
{
	status_row(b);
	emit_literal(b, "\"conn\":");
	emit_u64(b, c->program->peer.conn);
	emit_literal(b, ",\"id\":");
	buf_append_slice(b, peer_id_token(&c->id));
	emit_literal(b, ",\"procedure\":");
	emit_text(b, (struct slice){c->procedure, c->n_procedure});
	emit_literal(b, ",\"session\":");
	emit_text(b, slice_of(c->pending.link->config.name));
	emit_literal(b, ",\"since\":");
	watch_write_time(b, c->since_ms);
	buf_append_char(b, '}');
}

static void status_list_calls(struct program *viewer, struct buf *b)
{
	status_count_work(viewer, viewer->hub->n_programs);
	list_for_each (i, &viewer->hub->programs) {
		const struct program *p = CONTAINER_OF(i, struct program, node);

		if (!status_may_see(viewer, p))
			continue;
		list_for_each (k, &p->calls) {
			if (status_is_full(viewer))
				return;
			status_call(b, CONTAINER_OF(k, struct call, of_program));
		}
	}
}

static void status_limit(struct buf *b, const char *name, uint64_t value, int64_t used)
{
	status_row(b);
	emit_literal(b, "\"name\":");
	emit_text(b, slice_of(name));
	emit_member_u64(b, "value", value);
	if (used >= 0)
		emit_member_u64(b, "used", (uint64_t)used);
	buf_append_char(b, '}');
}

static void status_list_limits(struct program *viewer, struct buf *b)
{
	const struct hub *hub = viewer->hub;
	const struct hub_limits *limits = &hub->config.limits;
	const struct peer_limits *l = &limits->peer;
	const struct peer *peer = &viewer->peer;
	const uint64_t *charged = viewer->memory.user->charged;

	status_limit(b, "max_connections", limits->max_connections, (int64_t)hub->n_admitted);
	status_limit(b, "max_connections_per_user", limits->max_connections_per_user,
		     (int64_t)charged[USER_CONNECTIONS]);
	status_limit(b, "connect_rate_per_user", limits->connect_rate_per_user,
		     viewer->memory.user->n_second);
	status_limit(b, "user_memory", limits->user_memory, (int64_t)charged[USER_BYTES]);
	status_limit(b, "max_inflight", l->max_inflight, peer->n_requests);
	status_limit(b, "max_registrations", l->max_registrations, peer->n_registrations);
	status_limit(b, "max_subscriptions", l->max_subscriptions, peer->n_subscriptions);
	status_limit(b, "max_line", l->max_line, -1);
	status_limit(b, "subscription_queue", l->subscription_queue, -1);
	status_limit(b, "output_soft_limit", l->output_soft_limit, -1);
	status_limit(b, "output_hard_limit", l->output_hard_limit, (int64_t)peer->n_undrained);
	status_limit(b, "stall_timeout", limits->stall_timeout_ms, -1);
	status_limit(b, "bad_lines", l->bad_lines, peer->n_bad_lines);
}

/* Where things stand in the files is for administrators alone. */
static void status_list_config(struct program *viewer, struct buf *b)
{
	const struct hub *hub = viewer->hub;

	for (size_t i = 0; admit_is_admin(viewer) && i < hub->n_settings; i++) {
		const struct hub_setting *s = &hub->settings[i];

		status_row(b);
		emit_literal(b, "\"section\":");
		emit_text(b, slice_of(s->section));
		emit_member_text(b, "key", s->key);
		emit_member_text(b, "value", s->value);
		emit_member_text(b, "default", s->fallback);
		emit_member_text(b, "source", s->source);
		emit_literal(b, ",\"reloadable\":");
		emit_bool(b, s->reloadable);
		buf_append_char(b, '}');
	}
}

static void status_list_errors(struct program *viewer, struct buf *b)
{
	(void)viewer;
	for (enum error_code code = 0; code < ERROR_COUNT; code++) {
		const struct error_kind *kind = error_kind(code);

		status_row(b);
		emit_literal(b, "\"code\":");
		emit_text(b, slice_of(kind->code));
		emit_literal(b, ",\"uri\":");
		emit_text(b, slice_of(kind->uri));
		emit_literal(b, ",\"meaning\":");
		emit_text(b, slice_of(kind->meaning));
		buf_append_char(b, '}');
	}
}

static const struct status_kind {
	const char *what;
	void (*rows)(struct program *viewer, struct buf *b);
} status_kinds[] = {
	{"sessions", status_list_sessions},
	{"clients", status_list_clients},
	{"registrations", status_list_registrations},
	{"subscriptions", status_list_subscriptions},
	{"calls", status_list_calls},
	{"limits", status_list_limits},
	{"config", status_list_config},
	{"errors", status_list_errors},
};

void status_list(struct program *p, const struct request *r)
{
	struct reply_to to = reply_to_request(r);
	struct slice what = request_text(r, MEMBER_WHAT);
	struct buf *b;

	for (size_t i = 0; i < ARRAY_SIZE(status_kinds); i++) {
		if (!slice_is(what, status_kinds[i].what))
			continue;
		b = reply_begin(&p->peer, "ok", to);
		emit_literal(b, ",\"what\":");
		emit_text(b, what);
		emit_literal(b, ",\"items\":[");
		status_kinds[i].rows(p, b);
		/* Also what is taken back as too long has been work. */
		p->hub->n_quarters += (buf_len(b) - p->peer.line_before) / 256;
		buf_append_char(b, ']');
		reply_end(&p->peer, to);
		return;
	}
	reply_error(
		&p->peer, to, ERROR_BAD_MESSAGE,
		"\"what\" must be sessions, clients, registrations, subscriptions, calls, limits, "
		"config or errors");
}
