/* SPDX-License-Identifier: MIT */

/*
 * Local programs: the hub's side of a peer
 *
 * Happy path: hub_add_peer() greets, hub_request() dispatches each line by
 * one table, hub_remove_peer() undoes everything the connection had.
 * Failure modes: too many connections (bye), a congested link (the line is
 * held and the program joins the link's list), a reader that does not read
 * (events wait, then drop; at the hard limit the program is cut off).
 */

#include "hub/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

/* Of the sessions that an error lists; the message that it stands in is cut at 511 bytes. */
#define PROGRAM_MAX_NAMES 400

struct program *program_of(const struct peer *peer)
{
	return CONTAINER_OF(peer, struct program, peer);
}

void *hub_peer_owner(const struct peer *peer)
{
	return program_of(peer)->owner;
}

void program_mark_dirty(struct program *p)
{
	if (!list_is_linked(&p->dirty))
		list_append(&p->hub->dirty_programs, &p->dirty);
}

/* Only what is left after a write can stall: nearly always that is nothing. */
static void program_watch_stall(struct program *p)
{
	struct hub *hub = p->hub;

	if (!p->peer.n_undrained || p->stall.due.is_set)
		return;
	p->progress_ms = hub->now_ms;
	hub_timer_set(hub, &p->stall, hub->now_ms + hub->config.limits.stall_timeout_ms);
}

void hub_peer_flushed(struct hub *hub, struct peer *peer)
{
	size_t limit = hub->config.limits.peer.output_hard_limit;
	char why[80];

	program_watch_stall(program_of(peer));
	if (peer->n_undrained <= limit ||
	    (peer->state != PEER_OPEN && peer->state != PEER_HALF_CLOSED))
		return;
	snprintf(why, sizeof(why), "unread, over the output_hard_limit of %zu", limit);
	program_cut_off(program_of(peer), HUB_EVENT_SLOW_CONSUMER, peer->n_undrained, why);
}

static void program_init_lists(struct program *p)
{
	struct list *lists[] = {&p->node,	  &p->dirty,	   &p->ready,	&p->blocked,
				&p->calls,	  &p->handles,	   &p->watches, &p->waiters,
				&p->publications, &p->invocations, &p->queue,	&p->unsent,
				&p->remembered};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_init(lists[i]);
	map_init(&p->by_inv);
	map_init(&p->by_want);
}

static void program_greet(struct program *p, struct user *user)
{
	if (!admit_program(p, user))
		return;
	if (p->hub->drain != HUB_RUNNING)
		peer_bye(&p->peer, "shutting_down", true, "daemon is stopping");
	else
		status_greet(p);
}

int hub_add_peer(struct hub *hub, const struct peer_credentials *credentials, void *owner,
		 struct peer **ret)
{
	struct program *p = mem_alloc(sizeof(*p));
	struct user *user;
	int r;

	if (!p)
		return -ENOMEM;
	user = users_get(&hub->users, credentials->uid);
	if (!user) {
		mem_free(p);
		return -ENOMEM;
	}
	p->hub = hub;
	p->owner = owner;
	p->since_ms = hub->wall_ms;
	p->stall.kind = TIMER_STALL;
	program_init_lists(p);
	r = peer_init(&p->peer, &hub->config.limits.peer, hub->secret, credentials,
		      ++hub->next_conn);
	if (r < 0) {
		user_unref(user);
		mem_free(p);
		return r;
	}
	list_append(&hub->programs, &p->node);
	hub->n_programs++;
	program_greet(p, user);
	user_unref(user);
	program_mark_dirty(p);
	*ret = &p->peer;
	return 0;
}

static void program_drop_handles(struct program *p, bool all)
{
	list_for_each_safe (i, &p->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_program);
		struct want *w = h->want;

		if (!all && w->key.kind != WANT_REGISTRATION)
			continue;
		if (h->told == HANDLE_UNANSWERED)
			reply_error(&p->peer, reply_to_id(&h->id), ERROR_CANCELED,
				    "who sends no more cannot answer invocations");
		handle_free(h);
		want_update(w);
	}
}

static void program_drop_invocations(struct program *p, const char *message)
{
	list_for_each_safe (i, &p->invocations)
		callee_cancel(CONTAINER_OF(i, struct invocation, of_program), message);
}

/*
 * Everything but the connection: what bye and a broken connection have in
 * common. Each open request is answered; who is gone does not hear it.
 */
static void program_drop_all(struct program *p)
{
	p->is_dropped = true;
	program_drop_invocations(p, "callee disconnected");
	program_drop_handles(p, true);
	list_for_each_safe (c, &p->calls)
		calls_abandon(CONTAINER_OF(c, struct call, of_program));
	list_for_each_safe (i, &p->publications)
		publish_fail(CONTAINER_OF(i, struct publication, of_program), ERROR_CANCELED,
			     "the publisher leaves");
	list_for_each_safe (w, &p->waiters) {
		struct waiter *waiter = CONTAINER_OF(w, struct waiter, of_program);

		reply_ok(&p->peer, reply_to_id(&waiter->id));
		waiter_free(waiter);
	}
	list_for_each_safe (v, &p->watches)
		watch_free(CONTAINER_OF(v, struct watch, of_program));
}

void program_cut_off(struct program *p, enum hub_event event, size_t n, const char *why)
{
	char more[NOTE_MAX_MORE];

	if (note_is_due(p->hub, &p->memory.user->cuts, more))
		note_program(p, 4, event, "slow_consumer",
			     "connection %llu (uid %u, pid %d, \"%s\"): %zu bytes %s: cut off%s",
			     (unsigned long long)p->peer.conn, p->peer.credentials.uid,
			     p->peer.credentials.pid, p->peer.name ? p->peer.name : "", n, why,
			     more);
	program_drop_all(p);
	peer_bye(&p->peer, "slow_consumer", false, "%zu bytes %s (connection %llu); read faster", n,
		 why, (unsigned long long)p->peer.conn);
	program_mark_dirty(p);
}

void hub_remove_peer(struct hub *hub, struct peer *peer)
{
	struct program *p = program_of(peer);

	p->peer.state = PEER_GONE;
	program_drop_all(p);
	hub_timer_stop(hub, &p->stall);
	list_unlink(&p->node);
	list_unlink(&p->dirty);
	list_unlink(&p->ready);
	list_unlink(&p->blocked);
	map_done(&p->by_inv);
	map_done(&p->by_want);
	admit_leave(p);
	peer_done(&p->peer);
	hub->n_programs--;
	mem_free(p);
	drain_advance(hub);
}

void program_drop_registrations(struct program *p)
{
	program_drop_invocations(p, "callee has stopped sending");
	program_drop_handles(p, false);
}

void hub_peer_answered(struct hub *hub, struct peer *peer)
{
	(void)hub;
	/* Too many lines at fault: what the program had goes with its bye. */
	if (peer->state == PEER_LEAVING && !peer->by_choice && !program_of(peer)->is_dropped)
		program_drop_all(program_of(peer));
	if (outq_len(&peer->out) || peer->state != PEER_OPEN)
		program_mark_dirty(program_of(peer));
	else
		memory_update(program_of(peer));
}

void hub_peer_kept(struct hub *hub, struct peer *peer)
{
	(void)hub;
	memory_update(program_of(peer));
}

void hub_end_of_file(struct hub *hub, struct peer *peer)
{
	struct program *p = program_of(peer);

	(void)hub;
	peer_end_of_file(peer);
	program_drop_registrations(p);
	program_close_if_idle(p);
	program_mark_dirty(p);
	drain_advance(p->hub);
}

void program_close_if_idle(struct program *p)
{
	if (p->peer.state != PEER_HALF_CLOSED || p->peer.ids.count || p->is_dropped)
		return;
	/* Nothing open, so nothing will be said: the connection ends without a bye. */
	p->peer.by_choice = true;
	p->peer.state = PEER_LEAVING;
	program_mark_dirty(p);
}

void hub_peer_drained(struct hub *hub, struct peer *peer, size_t n)
{
	struct program *p = program_of(peer);

	peer_drained(peer, n);
	memory_update(p);
	p->progress_ms = hub->now_ms;
	if (!peer->n_undrained)
		hub_timer_stop(hub, &p->stall);
	/* Also when nothing waits but the news that something is missing. */
	if (!list_is_empty(&p->queue) || p->misses)
		ring_flush(p);
}

bool program_open_id(struct program *p, struct peer_id *id, enum peer_id_kind kind,
		     const struct request *r)
{
	bool counts = kind == PEER_ID_CALL || kind == PEER_ID_REQUEST;

	if (counts && p->peer.n_requests >= p->peer.limits->max_inflight) {
		reply_limit(&p->peer, reply_to_request(r), ERROR_TOO_MANY_REQUESTS, "max_inflight",
			    p->peer.limits->max_inflight);
		return false;
	}
	if (peer_id_open(id, &p->peer.ids, p->hub->secret, kind, &r->members[MEMBER_ID]) < 0) {
		reply_error(&p->peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
		return false;
	}
	p->peer.n_requests += counts;
	return true;
}

void program_close_id(struct program *p, struct peer_id *id)
{
	if (!peer_id_is_open(id))
		return;
	if (id->kind == PEER_ID_CALL || id->kind == PEER_ID_REQUEST)
		p->peer.n_requests--;
	peer_id_close(id, &p->peer.ids);
	program_close_if_idle(p);
}

/* "a, b, c", as far as there is room. */
static void program_list_sessions(const struct hub *hub, char *ret_text, size_t n_text)
{
	size_t used = 0;

	ret_text[0] = '\0';
	list_for_each (i, &hub->links) {
		const char *name = CONTAINER_OF(i, struct link, node)->config.name;

		if (used + strlen(name) + sizeof(", ...") > n_text) {
			snprintf(ret_text + used, n_text - used, "%s...", used ? ", " : "");
			return;
		}
		used += (size_t)snprintf(ret_text + used, n_text - used, "%s%s", used ? ", " : "",
					 name);
	}
}

static void program_refuse_session(struct program *p, const struct request *r, struct slice name)
{
	char names[PROGRAM_MAX_NAMES];

	if (name.ptr) {
		reply_error(&p->peer, reply_to_request(r), ERROR_NO_SUCH_SESSION,
			    "no router session \"%.*s\" for uid %u", SLICE_ARG(name),
			    p->peer.credentials.uid);
		return;
	}
	program_list_sessions(p->hub, names, sizeof(names));
	reply_error(&p->peer, reply_to_request(r), ERROR_NO_SUCH_SESSION,
		    "the request names no session, and there is no default; there are: %s", names);
}

struct link *program_find_link(struct program *p, const struct request *r)
{
	struct slice name = slice_of(p->hub->config.default_session);
	struct link *l;

	if (request_has(r, MEMBER_SESSION))
		name = request_text(r, MEMBER_SESSION);
	else if (p->peer.session)
		name = slice_of(p->peer.session);
	l = name.ptr ? hub_find_link(p->hub, name) : NULL;
	if (!l)
		program_refuse_session(p, r, name);
	return l;
}

bool program_uri_is_valid(struct program *p, const struct request *r, enum member m)
{
	struct slice uri = request_text(r, m);

	if (wamp_uri_is_valid(uri))
		return true;
	reply_error(&p->peer, reply_to_request(r), ERROR_INVALID_URI, "\"%.*s\" is not a WAMP URI",
		    (int)(uri.len < 200 ? uri.len : 200), uri.ptr);
	return false;
}

/* ---- requests that concern the connection alone ---- */

/* Only the major version must be ours (§4). */
static bool program_speaks_ours(const struct request *r)
{
	struct scan_value version[2];
	struct scan_error error;
	uint64_t major;
	size_t n;

	return !request_has(r, MEMBER_PROTO) ||
	       (scan_array(scan_token(&r->members[MEMBER_PROTO]), SCAN_STRICT, version, 2, &n,
			   &error) == 0 &&
		n && scan_u64(&version[0], UINT32_MAX, &major) && major == 1);
}

/* What the program says of itself is kept. False with the request answered. */
static bool program_introduce(struct program *p, const struct request *r)
{
	struct slice name = request_text(r, MEMBER_NAME);
	struct peer *peer = &p->peer;
	struct link *l = NULL;

	if (request_has(r, MEMBER_SESSION)) {
		l = program_find_link(p, r);
		if (!l)
			return false;
		peer->session = mem_strdup(l->config.name);
	}
	if (name.ptr)
		peer->name = mem_strndup(name.ptr, name.len);
	/* Its requests must not go to the default session instead. */
	if ((!l || peer->session) && (!name.ptr || peer->name))
		return true;
	reply_error(peer, reply_to_request(r), ERROR_INTERNAL, "out of memory");
	peer_bye(peer, "internal", true, "out of memory");
	return false;
}

static void program_hello(struct program *p, const struct request *r)
{
	struct reply_to to = reply_to_request(r);
	struct peer *peer = &p->peer;
	struct buf *b;

	if (peer->spoke) {
		reply_error(peer, to, ERROR_HELLO_LATE, "hello must be the first message");
		return;
	}
	if (!program_speaks_ours(r)) {
		reply_error(peer, to, ERROR_PROTO_VERSION, "this daemon speaks protocol 1.0");
		peer_bye(peer, "protocol_error", false, "no common protocol version");
		return;
	}
	if (!program_introduce(p, r) || !to.id.ptr)
		return;
	b = reply_begin(peer, "ok", to);
	emit_literal(b, ",\"proto\":[1,0],\"enabled\":[]");
	reply_end(peer, to);
}

static void program_ping(struct program *p, const struct request *r)
{
	struct reply_to to = reply_to_request(r);

	if (to.id.ptr) {
		reply_begin(&p->peer, "pong", to);
		reply_end(&p->peer, to);
		return;
	}
	emit_literal(peer_begin(&p->peer), "{\"op\":\"pong\"}");
	(void)peer_end(&p->peer, PEER_REPLY);
}

static void program_bye(struct program *p, const struct request *r)
{
	(void)r;
	program_drop_all(p);
	p->peer.by_choice = true;
	peer_bye(&p->peer, "client", false, "goodbye");
	drain_advance(p->hub);
}

/* ---- dispatch ---- */

/* Requests for a link share: which link, is it congested, which function. */
static int program_link_request(struct program *p, const struct request *r,
				void (*request)(struct program *, struct link *,
						const struct request *))
{
	struct link *l = program_find_link(p, r);

	if (!l)
		return HUB_DONE;
	link_wake(l);
	if ((r->op == OP_CALL || r->op == OP_PUBLISH) && link_holds(l, p, r->op))
		return HUB_HELD;
	request(p, l, r);
	return HUB_DONE;
}

static int program_dispatch(struct program *p, const struct request *r)
{
	switch (r->op) {
	case OP_HELLO:
		program_hello(p, r);
		break;
	case OP_CALL:
		return program_link_request(p, r, calls_request);
	case OP_RESULT:
	case OP_ERROR:
		return callee_answer(p, r);
	case OP_REGISTER:
		return program_link_request(p, r, handle_register);
	case OP_UNREGISTER:
		handle_undo(p, r, PEER_ID_REGISTRATION);
		break;
	case OP_PUBLISH:
		return program_link_request(p, r, publish_request);
	case OP_SUBSCRIBE:
		return program_link_request(p, r, handle_subscribe);
	case OP_UNSUBSCRIBE:
		handle_undo(p, r, PEER_ID_SUBSCRIPTION);
		break;
	case OP_WATCH:
		watch_request(p, r);
		break;
	case OP_UNWATCH:
		watch_undo(p, r);
		break;
	case OP_PING:
		program_ping(p, r);
		break;
	case OP_STATUS:
		status_request(p, r);
		break;
	case OP_LIST:
		status_list(p, r);
		break;
	case OP_BYE:
		program_bye(p, r);
		break;
	case OP_COUNT:
		break;
	}
	return HUB_DONE;
}

/* An id that is open already must not be answered: it would look like the other's end (§5). */
static bool program_id_is_free(struct program *p, const struct request *r)
{
	const struct scan_value *token = &r->members[MEMBER_ID];
	struct reply_to by_line = {SLICE_NONE, r->line};

	if (token->type == SCAN_ABSENT || !peer_id_find(&p->peer.ids, p->hub->secret, token))
		return true;
	reply_error(&p->peer, by_line, ERROR_ID_IN_USE, "id %.*s is open already", (int)token->len,
		    token->text);
	return false;
}

int hub_request(struct hub *hub, struct peer *peer, const struct request *request)
{
	struct program *p = program_of(peer);
	int r = HUB_DONE;

	(void)hub;
	share_begin_request(p);
	if (!program_id_is_free(p, request)) {
		/* answered by line */
	} else if (drain_refuses(p, request)) {
		reply_error(peer, reply_to_request(request), ERROR_SHUTTING_DOWN,
			    "daemon is stopping");
	} else if (!memory_refuses(p, request)) {
		r = program_dispatch(p, request);
	}
	peer->spoke = true;
	return r;
}
