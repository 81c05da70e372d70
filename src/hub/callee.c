/* SPDX-License-Identifier: MIT */

/*
 * Invocations of local programs (protocol §7)
 *
 * Happy path: INVOCATION becomes an invocation line, the program's result a
 * YIELD. Failure modes, each answered to the router: nobody serves it any
 * more, the program has too many open, the payload cannot be carried, the
 * program goes away. When the session is lost the program gets an interrupt
 * and its answer is ignored.
 */

#include "hub/internal.h"
#include "hub/size.h"

#include "base/mem.h"

static void callee_refuse(struct link *l, uint64_t request, const char *uri, const char *message)
{
	struct wamp_msg msg = {
		.type = WAMP_ERROR,
		.request_type = WAMP_INVOCATION,
		.request = request,
		.uri = slice_of(uri),
	};
	struct slice args = arena_printf(&l->session.arena, "[\"%s\"]", message);

	if (args.len)
		msg.args = (struct scan_value){args.ptr, (uint32_t)args.len, SCAN_ARRAY, 0};
	(void)link_send(l, &msg);
}

static struct invocation *callee_free(struct invocation *inv)
{
	struct program *p = inv->program;

	map_remove(&p->by_inv, &inv->by_inv);
	list_unlink(&inv->of_program);
	list_unlink(&inv->of_link);
	p->n_invocations--;
	p->hub->n_invocations--;
	return mem_free(inv);
}

static struct invocation *callee_new(struct program *p, struct link *l, uint64_t request)
{
	struct invocation *inv = mem_alloc(sizeof(*inv));

	if (!inv)
		return NULL;
	inv->program = p;
	inv->link = l;
	inv->request = request;
	inv->inv = ++p->last_inv;
	list_init(&inv->of_program);
	list_init(&inv->of_link);
	map_insert(&p->by_inv, &inv->by_inv, map_hash_u64(inv->inv));
	list_append(&p->invocations, &inv->of_program);
	list_append(&l->invocations, &inv->of_link);
	p->n_invocations++;
	p->hub->n_invocations++;
	return inv;
}

/* Callers must not be able to get a callee cut off: what waits and the line, as it is written. */
static bool callee_has_room(const struct peer *peer, const struct buf *b)
{
	size_t n = buf_len(b) - peer->line_before;

	/* What is longer than any line is refused as that. */
	return n >= peer_max_line(peer) || peer->n_undrained + n < peer->limits->output_hard_limit;
}

/* False with the invocation refused. */
static bool callee_write(struct invocation *inv, const struct handle *h, const struct wamp_msg *msg)
{
	struct peer *peer = &inv->program->peer;
	struct buf *b = peer_begin(peer);

	emit_literal(b, "{\"op\":\"invocation\",\"inv\":");
	emit_u64(b, inv->inv);
	emit_literal(b, ",\"registration\":");
	buf_append_slice(b, peer_id_token(&h->id));
	emit_literal(b, ",\"procedure\":");
	emit_text(b, h->want->key.uri);
	payload_write(b, msg);
	buf_append_char(b, '}');
	if (!callee_has_room(peer, b)) {
		peer_cancel(peer);
		callee_refuse(inv->link, inv->request, ERROR_URI_UNAVAILABLE,
			      "callee does not read");
		return false;
	}
	if (peer_end(peer, PEER_PUSH))
		return true;
	callee_refuse(inv->link, inv->request, ERROR_URI_TOO_LARGE,
		      "longer than the callee's max_line");
	return false;
}

static void callee_hand_over(struct link *l, struct handle *h, const struct wamp_msg *msg)
{
	struct program *p = h->program;
	struct invocation *inv = callee_new(p, l, msg->request);

	if (!inv) {
		callee_refuse(l, msg->request, ERROR_URI_UNAVAILABLE, "out of memory");
		return;
	}
	if (!callee_write(inv, h, msg)) {
		callee_free(inv);
		return;
	}
	h->n_delivered++;
	program_mark_dirty(p);
}

void callee_invoke(struct link *l, const struct session_event *event)
{
	const struct wamp_msg *msg = &event->msg;
	struct want *w = want_find_id(l, WANT_REGISTRATION, msg->id);
	struct handle *h = w ? list_first(&w->handles, struct handle, of_want) : NULL;

	/* What the router sends for a registration that is being undone finds no handle yet
	 * (§11.2). */
	if (!h || h->told != HANDLE_ACTIVE)
		callee_refuse(l, msg->request, ERROR_URI_UNAVAILABLE, "callee is gone");
	else if (event->undecodable || msg->args.type == SCAN_STRING)
		callee_refuse(l, msg->request, ERROR_URI_INVALID_PAYLOAD,
			      "not JSON that the callee can be given");
	else if (h->program->n_invocations >= h->program->peer.limits->max_inflight)
		callee_refuse(l, msg->request, ERROR_URI_UNAVAILABLE, "callee is busy");
	else if (memory_is_spent(h->program))
		callee_refuse(l, msg->request, ERROR_URI_UNAVAILABLE, "callee does not read");
	else
		callee_hand_over(l, h, msg);
}

static struct invocation *callee_find(struct program *p, uint64_t number)
{
	for (struct map_node *n = map_first(&p->by_inv, map_hash_u64(number)); n; n = map_next(n)) {
		struct invocation *inv = CONTAINER_OF(n, struct invocation, by_inv);

		if (inv->inv == number)
			return inv;
	}
	return NULL;
}

/* message becomes args[0] if there are no args (§7). */
static void callee_fill_error(struct wamp_msg *msg, struct invocation *inv, const struct request *r)
{
	const struct scan_value *message = &r->members[MEMBER_MESSAGE];
	struct slice args;

	msg->type = WAMP_ERROR;
	msg->request_type = WAMP_INVOCATION;
	msg->uri =
		request_has(r, MEMBER_URI) ? request_text(r, MEMBER_URI) : SLICE(ERROR_URI_RUNTIME);
	if (msg->args.type != SCAN_ABSENT || message->type != SCAN_STRING)
		return;
	args = arena_printf(&inv->link->session.arena, "[%.*s]", (int)message->len, message->text);
	if (args.len)
		msg->args = (struct scan_value){args.ptr, (uint32_t)args.len, SCAN_ARRAY,
						message->flags & SCAN_UNSAFE};
}

static bool callee_uri_is_valid(struct program *p, struct invocation *inv, const struct request *r)
{
	struct reply_to by_line = {SLICE_NONE, r->line};

	if (!request_has(r, MEMBER_URI) || wamp_uri_is_valid(request_text(r, MEMBER_URI)))
		return true;
	reply_error(&p->peer, by_line, ERROR_INVALID_URI,
		    "\"uri\" is not a WAMP URI; the caller gets %s", ERROR_URI_RUNTIME);
	callee_refuse(inv->link, inv->request, ERROR_URI_RUNTIME,
		      "the callee's error URI is invalid");
	return false;
}

static void callee_send_answer(struct program *p, struct invocation *inv, const struct request *r)
{
	struct wamp_msg msg = {
		.type = WAMP_YIELD,
		.request = inv->request,
		.args = r->members[MEMBER_ARGS],
		.kwargs = r->members[MEMBER_KWARGS],
	};
	struct reply_to by_line = {SLICE_NONE, r->line};
	size_t size;

	if (r->op == OP_ERROR && !callee_uri_is_valid(p, inv, r))
		return;
	if (r->op == OP_ERROR)
		callee_fill_error(&msg, inv, r);
	size = link_is_too_long(inv->link, &msg);
	if (size) {
		reply_error(&p->peer, by_line, ERROR_PAYLOAD_TOO_LARGE,
			    "answer of %zu bytes exceeds %zu of session \"%s\"", size,
			    inv->link->config.max_message_size, inv->link->config.name);
		callee_refuse(inv->link, inv->request, ERROR_URI_TOO_LARGE,
			      "the result is over the session's max_message_size");
		return;
	}
	(void)link_send(inv->link, &msg);
}

int callee_answer(struct program *p, const struct request *r)
{
	uint64_t number = request_u64(r, MEMBER_INV, 0);
	struct invocation *inv = callee_find(p, number);
	struct reply_to by_line = {SLICE_NONE, r->line};

	if (inv && link_holds_for_room(inv->link, p))
		return HUB_HELD;
	if (inv) {
		callee_send_answer(p, inv, r);
		callee_free(inv);
		program_close_if_idle(p);
		drain_advance(p->hub);
	} else if (!number || number > p->last_inv) {
		reply_error(&p->peer, by_line, ERROR_NO_SUCH_INVOCATION,
			    "invocation %llu was never issued", (unsigned long long)number);
	}
	/* Otherwise it is over already: the answers crossed on the wire. */
	return HUB_DONE;
}

void callee_cancel(struct invocation *inv, const char *message)
{
	if (link_is_joined(inv->link))
		callee_refuse(inv->link, inv->request, ERROR_URI_CANCELED, message);
	callee_free(inv);
}

void callee_session_lost(struct invocation *inv)
{
	struct program *p = inv->program;
	struct buf *b = peer_begin(&p->peer);

	emit_literal(b, "{\"op\":\"interrupt\",\"inv\":");
	emit_u64(b, inv->inv);
	emit_literal(b, ",\"mode\":\"killnowait\",\"reason\":\"" ERROR_URI_SESSION_LOST "\"}");
	(void)peer_end(&p->peer, PEER_PUSH);
	callee_free(inv);
	program_mark_dirty(p);
}
