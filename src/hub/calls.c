/* SPDX-License-Identifier: MIT */

/*
 * Calls of local programs (protocol §6)
 *
 * Happy path: the line's args and kwargs are copied into a CALL, the RESULT's
 * into a result line. Failure modes: not joined, too large, too many open, the
 * daemon's own timer (the callee is left to finish, its late answer finds no
 * call), the caller gone (CANCEL), the session lost. Each ends in one reply.
 */

#include "hub/internal.h"
#include "hub/size.h"

#include "base/mem.h"

static struct call *calls_free(struct call *c)
{
	pending_stop(&c->pending);
	program_close_id(c->program, &c->id);
	list_unlink(&c->of_program);
	c->program->n_owned_bytes -= c->n_procedure;
	c->program->hub->n_calls--;
	return mem_free(c);
}

bool calls_may_send(struct program *p, struct link *l, const struct request *r, enum member uri)
{
	if (!program_uri_is_valid(p, r, uri))
		return false;
	if (!link_is_joined(l)) {
		away_refuse(p, l, r);
		return false;
	}
	return true;
}

bool calls_fits(struct program *p, struct link *l, const struct request *r,
		const struct wamp_msg *msg)
{
	struct reply_to to = reply_to_request(r);
	size_t size = link_is_too_long(l, msg);
	struct buf *b;

	if (!size)
		return true;
	link_settle(l);
	b = reply_begin_error(&p->peer, to, ERROR_PAYLOAD_TOO_LARGE,
			      "message of %zu bytes exceeds %zu of session \"%s\"", size,
			      l->config.max_message_size, l->config.name);
	reply_write_limit(b, "max_message_size", l->config.max_message_size);
	reply_end(&p->peer, to);
	return false;
}

static struct call *calls_new(struct program *p, const struct request *r, struct slice procedure)
{
	struct call *c = mem_alloc(sizeof(*c) + procedure.len);

	if (!c) {
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	c->program = p;
	c->n_procedure = procedure.len;
	memcpy(c->procedure, procedure.ptr, procedure.len);
	c->since_ms = p->hub->wall_ms;
	list_init(&c->of_program);
	list_init(&c->pending.order);
	if (!program_open_id(p, &c->id, PEER_ID_CALL, r))
		return mem_free(c);
	list_append(&p->calls, &c->of_program);
	p->n_owned_bytes += procedure.len;
	p->hub->n_calls++;
	return c;
}

/* CALL.Options.timeout, where the router is to keep time too (configuration: forward_timeout). */
static struct scan_value calls_options(struct link *l, uint64_t timeout_ms)
{
	struct slice text;

	if (!timeout_ms || l->config.forward_timeout == LINK_FORWARD_OFF)
		return SCAN_VALUE_NONE;
	if (l->config.forward_timeout == LINK_FORWARD_S)
		timeout_ms = (timeout_ms + 999) / 1000;
	text = arena_printf(&l->session.arena, "{\"timeout\":%llu}",
			    (unsigned long long)timeout_ms);
	return text.len ? (struct scan_value){text.ptr, (uint32_t)text.len, SCAN_OBJECT, 0}
			: SCAN_VALUE_NONE;
}

void calls_request(struct program *p, struct link *l, const struct request *r)
{
	struct wamp_msg msg = {
		.type = WAMP_CALL,
		.uri = request_text(r, MEMBER_PROCEDURE),
		.args = r->members[MEMBER_ARGS],
		.kwargs = r->members[MEMBER_KWARGS],
	};
	uint64_t timeout_ms = request_u64(r, MEMBER_TIMEOUT, l->config.call_timeout_ms);
	struct call *c;

	if (!calls_may_send(p, l, r, MEMBER_PROCEDURE))
		return;
	if (!l->session.welcome.has_dealer) {
		away_lacks_role(p, l, r, "dealer");
		return;
	}
	msg.details = calls_options(l, timeout_ms);
	if (!calls_fits(p, l, r, &msg))
		return;
	c = calls_new(p, r, msg.uri);
	if (!c)
		return;
	pending_start(&c->pending, l, PENDING_CALL, WAMP_CALL, link_send(l, &msg), timeout_ms);
}

static void calls_result(struct call *c, const struct wamp_msg *msg)
{
	struct peer *peer = &c->program->peer;
	struct reply_to to = reply_to_id(&c->id);
	struct buf *b = reply_begin(peer, "result", to);

	payload_write(b, msg);
	reply_end(peer, to);
}

static void calls_undecodable(struct call *c)
{
	struct reply_to to = reply_to_id(&c->id);
	struct buf *b = reply_begin(&c->program->peer, "error", to);

	buf_append_char(b, ',');
	router_error_write_head(b, SLICE(ERROR_URI_INVALID_PAYLOAD),
				SLICE("the result is not JSON that this protocol can carry"));
	emit_literal(b, ",\"origin\":\"daemon\"");
	reply_end(&c->program->peer, to);
}

static void calls_error(struct call *c, const struct session_event *event)
{
	struct reply_to to = reply_to_id(&c->id);
	struct buf *b = reply_begin(&c->program->peer, "error", to);

	buf_append_char(b, ',');
	router_error_write(b, event, true);
	reply_end(&c->program->peer, to);
}

/* Some routers deliver progressive results that nobody asked for. */
static bool calls_is_progress(struct call *c, const struct wamp_msg *msg)
{
	struct wamp_options options;

	if (msg->details.flags & SCAN_EMPTY || msg->details.type != SCAN_OBJECT)
		return false;
	wamp_options_read(&options, WAMP_RESULT, &msg->details, &c->pending.link->session.arena);
	return options.progress;
}

void calls_answer(struct call *c, const struct session_event *event)
{
	struct program *p = c->program;

	if (event->msg.type == WAMP_ERROR)
		calls_error(c, event);
	else if (event->msg.type != WAMP_RESULT || calls_is_progress(c, &event->msg))
		return;
	else if (event->undecodable || event->msg.args.type == SCAN_STRING)
		calls_undecodable(c);
	else
		calls_result(c, &event->msg);
	calls_free(c);
	program_mark_dirty(p);
	drain_advance(p->hub);
}

void calls_fail(struct call *c, enum error_code code, const char *message)
{
	struct program *p = c->program;

	away_fail(p, c->pending.link, reply_to_id(&c->id), code, message);
	calls_free(c);
	program_mark_dirty(p);
}

void calls_timeout(struct call *c)
{
	struct hub *hub = c->program->hub;

	/* on_timeout is always "skip": the callee is left to finish (§6). */
	calls_fail(c, ERROR_TIMEOUT, "call timed out");
	drain_advance(hub);
}

void calls_abandon(struct call *c)
{
	static const struct scan_value killnowait =
		SCAN_LITERAL("{\"mode\":\"killnowait\"}", SCAN_OBJECT);
	struct link *l = c->pending.link;
	struct wamp_msg msg = {
		.type = WAMP_CANCEL, .request = c->pending.request, .details = killnowait};

	if (l && link_is_joined(l) && l->session.welcome.call_canceling)
		(void)link_send(l, &msg);
	calls_fail(c, ERROR_CANCELED, "the caller leaves");
}
