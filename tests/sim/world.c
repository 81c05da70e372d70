/* SPDX-License-Identifier: MIT */

/*
 * The simulated world
 */

#include "world.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WORLD_WALL_MS UINT64_C(1790000000000)

/* ---- making ---- */

struct hub_config world_hub_config(void)
{
	return (struct hub_config){
		.limits.peer =
			{
				.max_line = 1 << 20,
				.max_inflight = 1024,
				.max_registrations = 1024,
				.max_subscriptions = 1024,
				.subscription_queue = 1000,
				.output_soft_limit = 256 << 10,
				.output_hard_limit = 8 << 20,
				.bad_lines = 16,
			},
		.limits.max_connections = 4096,
		.limits.max_connections_per_user = 2048,
		.limits.connect_rate_per_user = 1000,
		.limits.user_memory = 64 << 20,
		.limits.stall_timeout_ms = 60000,
		.admin_uid = 990,
		.shutdown_timeout_ms = 15000,
		.server = "wampbridge/test",
		.default_session = "default",
	};
}

struct link_config world_link_config(const char *name)
{
	return (struct link_config){
		.name = name,
		.url = "sim:",
		.realm = "realm1",
		.agent = "wampbridge/test",
		.connection_timeout_ms = 10000,
		.registration_timeout_ms = 10000,
		.reconnect_delay_ms = 250,
		.reconnect_max_delay_ms = 60000,
		.reconnect_growth = 1.5,
		.reconnect_jitter = 0.2,
		.max_reconnection_attempts = UINT64_MAX,
		.shutdown_timeout_ms = 15000,
		.max_message_size = 16 << 20,
	};
}

static void world_tell_time(struct world *w)
{
	hub_set_time(w->hub, w->now_ms, WORLD_WALL_MS + w->now_ms);
}

struct world *world_new(uint64_t seed, const struct hub_config *config)
{
	struct world *w = mem_alloc(sizeof(*w));
	struct hub_config defaults = world_hub_config();
	int r;

	assert(w);
	w->seed = seed;
	w->rng.state = seed;
	w->hub_rng.state = seed ^ 0x5eed;
	w->secret = (struct map_secret){seed, ~seed};
	w->now_ms = 1000;
	r = hub_new(&w->hub, config ?: &defaults, &w->secret, &w->hub_rng);
	assert(r == 0);
	r = router_new(&w->router, &w->hub_rng, &w->secret);
	assert(r == 0);
	world_tell_time(w);
	return w;
}

struct world_link *world_add_link(struct world *w, enum world_link_kind kind,
				  const struct link_config *config)
{
	struct world_link *l = &w->links[w->n_links++];
	struct link_config copy = *config;
	int r;

	assert(w->n_links <= WORLD_MAX_LINKS);
	l->world = w;
	l->kind = kind;
	copy.embedded = kind == WORLD_EMBEDDED;
	list_init(&l->to_router);
	list_init(&l->to_hub);
	list_init(&l->sent);
	if (kind == WORLD_FAR) {
		r = router_new(&l->router, &w->hub_rng, &w->secret);
		assert(r == 0);
		l->latency_ms = 1;
	}
	r = hub_add_link(w->hub, &copy, l, &l->link);
	assert(r == 0);
	return l;
}

void world_start(struct world *w)
{
	hub_start(w->hub);
	world_settle(w);
}

struct world *world_with(enum world_link_kind kind, uint64_t seed, const struct link_config *config,
			 struct world_link **ret)
{
	struct world *w = world_new(seed, NULL);
	struct link_config usual = world_link_config("default");
	struct world_link *l = world_add_link(w, kind, config ?: &usual);

	world_start(w);
	if (ret)
		*ret = l;
	return w;
}

/* ---- frames on their way ---- */

static void world_frame_free(struct world_frame *f)
{
	list_unlink(&f->node);
	mem_free(f);
}

static void world_frames_free(struct list *frames)
{
	list_for_each_safe (i, frames)
		world_frame_free(CONTAINER_OF(i, struct world_frame, node));
}

static void world_frame_add(struct list *to, struct slice text, uint64_t due_ms)
{
	struct world_frame *f = mem_alloc(sizeof(*f) + text.len + 1);

	assert(f);
	f->due_ms = due_ms;
	f->len = text.len;
	memcpy(f->text, text.ptr, text.len);
	list_append(to, &f->node);
}

/* What every frame that the hub sends must obey. */
static void world_check_frame(struct world_link *l, const char *text)
{
	json_error_t error;
	json_t *frame = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
	json_int_t type;

	if (!frame)
		return; /* payloads that jansson cannot read are legal */
	assert(json_is_array(frame));
	type = json_integer_value(json_array_get(frame, 0));
	if (type == WAMP_CALL || type == WAMP_REGISTER || type == WAMP_UNREGISTER ||
	    type == WAMP_SUBSCRIBE || type == WAMP_UNSUBSCRIBE || type == WAMP_PUBLISH) {
		uint64_t request = (uint64_t)json_integer_value(json_array_get(frame, 1));

		assert(request == l->last_request + 1);
		l->last_request = request;
	}
	if (type == WAMP_REGISTER || type == WAMP_SUBSCRIBE) {
		l->n_unanswered++;
		if (l->n_unanswered > l->max_unanswered)
			l->max_unanswered = l->n_unanswered;
	}
	json_decref(frame);
}

static void world_count_answer(struct world_link *l, const struct wamp_msg *msg)
{
	bool answers = msg->type == WAMP_REGISTERED || msg->type == WAMP_SUBSCRIBED ||
		       (msg->type == WAMP_ERROR && (msg->request_type == WAMP_REGISTER ||
						    msg->request_type == WAMP_SUBSCRIBE));

	if (answers && l->n_unanswered)
		l->n_unanswered--;
}

static bool world_collect_frames(struct world_link *l)
{
	struct buf *out = &hub_link_session(l->link)->out;
	bool any = false;

	while (l->is_open && buf_len(out) >= SESSION_FRAME_HEADER) {
		uint32_t len;
		struct slice bytes = buf_bytes(out);

		memcpy(&len, bytes.ptr, sizeof(len));
		world_frame_add(l->kind == WORLD_SCRIPTED ? &l->sent : &l->to_router,
				(struct slice){bytes.ptr + SESSION_FRAME_HEADER, len},
				l->world->now_ms + l->latency_ms);
		world_check_frame(
			l,
			CONTAINER_OF((l->kind == WORLD_SCRIPTED ? &l->sent : &l->to_router)->prev,
				     struct world_frame, node)
				->text);
		buf_consume(out, SESSION_FRAME_HEADER + len);
		any = true;
	}
	hub_link_drained(l->link);
	return any;
}

static bool world_route(struct world_link *l)
{
	struct world *w = l->world;
	struct router_session *to;
	struct wamp_msg msg;
	struct buf frame = BUF_INIT(64 << 20);
	bool any = false;

	while (l->router && router_next(l->router, &to, &msg)) {
		any = true;
		if (to != l->session)
			continue;
		buf_clear(&frame);
		wamp_write(&frame, &msg);
		world_count_answer(l, &msg);
		world_frame_add(&l->to_hub, buf_bytes(&frame), w->now_ms + l->latency_ms);
	}
	if (any)
		router_settle(l->router);
	buf_done(&frame);
	return any;
}

static bool world_deliver_to_router(struct world_link *l)
{
	struct world_frame *f = list_first(&l->to_router, struct world_frame, node);
	struct wamp_fault fault;
	struct arena arena;
	struct wamp_msg msg;
	int r;

	if (!f || f->due_ms > l->world->now_ms || l->stalled)
		return false;
	arena_init(&arena);
	r = wamp_parse(&msg, (struct slice){f->text, f->len}, &arena, &fault);
	assert(r == 0);
	router_recv(l->session, &msg);
	router_check(l->router);
	world_route(l);
	arena_done(&arena);
	world_frame_free(f);
	return true;
}

/* What a thread does in the daemon. */
static void world_derive(struct world_link *l)
{
	struct auth_job *job = session_take_job(hub_link_session(l->link));

	if (!job)
		return;
	auth_job_run(job);
	hub_link_answer(l->link, job);
}

static bool world_deliver_to_hub(struct world_link *l)
{
	struct world_frame *f = list_first(&l->to_hub, struct world_frame, node);

	if (!f || f->due_ms > l->world->now_ms || l->stalled || !l->is_open ||
	    !hub_link_wants_input(l->link))
		return false;
	list_unlink(&f->node);
	hub_link_frame(l->link, (struct slice){f->text, f->len});
	mem_free(f);
	world_derive(l);
	return true;
}

/* ---- transports ---- */

static void world_link_over(struct world_link *l, const char *text)
{
	world_frames_free(&l->to_router);
	world_frames_free(&l->to_hub);
	l->is_open = false;
	l->closing = false;
	l->wants_open = false;
	if (l->session)
		l->session = router_detach(l->session);
	world_route(l);
	hub_link_over(l->link, HUB_OVER_TRANSPORT, text);
}

void world_cut(struct world_link *l, const char *text)
{
	if (l->is_open || l->wants_open)
		world_link_over(l, text);
}

static void world_link_open(struct world_link *l)
{
	int r;

	l->wants_open = false;
	l->is_open = true;
	l->last_request = 0;
	l->n_unanswered = 0;
	if (l->kind != WORLD_SCRIPTED) {
		struct router *router = l->kind == WORLD_FAR ? l->router : l->world->router;

		r = router_attach(router, &l->session, l);
		assert(r == 0);
	}
	hub_link_opened(l->link);
}

static void world_fulfil(struct world_link *l, int wish)
{
	switch ((enum hub_wish)wish) {
	case HUB_WISH_OPEN:
		if (l->kind == WORLD_SCRIPTED || l->stalled)
			l->wants_open = true;
		else if (l->down)
			hub_link_over(l->link, HUB_OVER_TRANSPORT, "connection refused");
		else
			world_link_open(l);
		return;
	case HUB_WISH_CLOSE:
		l->closing = true;
		return;
	case HUB_WISH_KILL:
		world_link_over(l, "killed");
		return;
	}
}

void world_open(struct world_link *l)
{
	assert(l->wants_open);
	world_link_open(l);
	world_settle(l->world);
}

void world_restart_router(struct world_link *l)
{
	int r;

	if (l->session)
		l->session = router_detach(l->session);
	if (l->intruder)
		l->intruder = router_detach(l->intruder);
	world_route(l);
	router_free(l->router);
	r = router_new(&l->router, &l->world->hub_rng, &l->world->secret);
	assert(r == 0);
}

/* ---- programs ---- */

struct world_program *world_connect(struct world *w)
{
	return world_connect_as(w, 1000);
}

struct world_program *world_connect_as(struct world *w, uint32_t uid)
{
	struct world_program *p = &w->programs[w->n_programs++];
	struct peer_credentials credentials = {uid, uid, (int)w->n_programs};
	int r;

	assert(w->n_programs <= WORLD_MAX_PROGRAMS);
	p->world = w;
	buf_init(&p->input, 64 << 20);
	buf_init(&p->output, 64 << 20);
	buf_init(&p->answers, 64 << 20);
	list_init(&p->lines);
	p->open = json_object();
	p->handles = json_object();
	p->reads = true;
	world_tell_time(w);
	r = hub_add_peer(w->hub, &credentials, p, &p->peer);
	assert(r == 0);
	world_settle(w);
	return p;
}

void world_disconnect(struct world_program *p)
{
	if (!p->peer)
		return;
	hub_remove_peer(p->world->hub, p->peer);
	p->peer = NULL;
	p->closed = true;
	json_object_clear(p->open);
	world_settle(p->world);
}

void world_half_close(struct world_program *p)
{
	world_settle(p->world);
	/* The daemon tells the end of file when all that came before it is done. */
	if (!p->peer || p->peer->is_held || buf_len(&p->input))
		return;
	p->eof = true;
	hub_end_of_file(p->world->hub, p->peer);
	world_settle(p->world);
}

static char *world_id(json_t *line)
{
	json_t *id = json_object_get(line, "id");

	return id ? json_dumps(id, JSON_ENCODE_ANY) : NULL;
}

/* Remembers what must be answered. */
static void world_note_request(struct world_program *p, const char *text)
{
	json_t *line = json_loads(text, JSON_ALLOW_NUL, NULL);
	char *id = line ? world_id(line) : NULL;

	if (id && !json_object_get(p->open, id) && !json_object_get(p->handles, id))
		json_object_set(p->open, id, json_object_get(line, "op"));
	free(id);
	json_decref(line);
}

void world_send(struct world_program *p, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	assert(n >= 0);
	va_end(args);
	world_note_request(p, text);
	buf_append(&p->input, text, strlen(text));
	buf_append_char(&p->input, '\n');
	free(text);
}

static bool world_is_terminal(const char *op)
{
	return strcmp(op, "ok") == 0 || strcmp(op, "result") == 0 || strcmp(op, "pong") == 0 ||
	       strcmp(op, "error") == 0;
}

static bool world_is_handle(const char *op)
{
	return strcmp(op, "register") == 0 || strcmp(op, "subscribe") == 0 ||
	       strcmp(op, "watch") == 0;
}

/* Protocol §5: every reply with an id ends exactly one open request. */
static void world_check_reply(struct world_program *p, const char *op, char *id)
{
	json_t *request = json_object_get(p->open, id);

	if (!request) {
		fprintf(stderr, "seed %llu: a second or unasked reply to id %s\n",
			(unsigned long long)p->world->seed, id);
		abort();
	}
	if (strcmp(op, "ok") == 0 && world_is_handle(json_string_value(request)))
		json_object_set(p->handles, id, request);
	json_object_del(p->open, id);
}

static const char *world_handle_member(const char *op)
{
	if (strcmp(op, "event") == 0 || strcmp(op, "gap") == 0)
		return "subscription";
	if (strcmp(op, "invocation") == 0)
		return "registration";
	return strcmp(op, "session") == 0 ? "watch" : NULL;
}

/* Protocol §11.2: nothing for a handle before its ok. */
static void world_check_push(struct world_program *p, json_t *line, const char *op)
{
	const char *member = world_handle_member(op);
	char *id;

	if (!member)
		return;
	id = json_dumps(json_object_get(line, member), JSON_ENCODE_ANY);
	if (!id || !json_object_get(p->handles, id)) {
		char *dump = json_dumps(line, JSON_COMPACT);

		fprintf(stderr, "seed %llu: for no handle: %s\n",
			(unsigned long long)p->world->seed, dump);
		abort();
	}
	free(id);
}

static void world_answer(struct world_program *p, json_t *line)
{
	char text[64];
	int n;

	if (!p->auto_answer || strcmp(world_text(line, "op"), "invocation") != 0)
		return;
	n = snprintf(text, sizeof(text), "{\"op\":\"result\",\"inv\":%lld}\n",
		     (long long)world_number(line, "inv"));
	buf_append(&p->answers, text, (size_t)n);
}

static void world_receive_line(struct world_program *p, struct slice text)
{
	struct world_line *line = mem_alloc(sizeof(*line));
	json_error_t error;
	const char *op;
	char *id;

	assert(line && slice_starts_with(text, SLICE("{\"op\":\"")));
	line->text = mem_strndup(text.ptr, text.len);
	line->json = json_loads(line->text, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	if (!line->json) {
		fprintf(stderr, "seed %llu: not JSON: %s\n%s\n", (unsigned long long)p->world->seed,
			error.text, line->text);
		abort();
	}
	op = world_text(line->json, "op");
	id = world_id(line->json);
	if (id && world_is_terminal(op))
		world_check_reply(p, op, id);
	world_check_push(p, line->json, op);
	world_answer(p, line->json);
	free(id);
	p->n_received++;
	list_append(&p->lines, &line->node);
}

static void world_receive(struct world_program *p, const char *bytes, size_t n)
{
	struct slice all;
	const char *lf;

	buf_append(&p->output, bytes, n);
	while ((all = buf_bytes(&p->output)).len && (lf = memchr(all.ptr, '\n', all.len))) {
		size_t len = (size_t)(lf - all.ptr);

		world_receive_line(p, (struct slice){all.ptr, len});
		buf_consume(&p->output, len + 1);
	}
}

static bool world_flush_program(struct world_program *p)
{
	struct iovec iov[8];
	size_t n, total = 0;

	if (p->peer && p->dirty)
		hub_peer_flushed(p->world->hub, p->peer);
	/* Only what the hub called dirty is written, as in the daemon. */
	if (!p->peer || !p->reads || !p->dirty || p->peer->state == PEER_GONE)
		return false;
	p->dirty = false;
	n = outq_iov(&p->peer->out, iov, ARRAY_SIZE(iov));
	for (size_t i = 0; i < n; i++) {
		world_receive(p, iov[i].iov_base, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	if (!total)
		return false;
	outq_consume(&p->peer->out, total);
	p->dirty = outq_len(&p->peer->out) > 0;
	hub_peer_drained(p->world->hub, p->peer, total);
	return true;
}

static void world_close_if_over(struct world_program *p)
{
	if (p->peer && (p->peer->state == PEER_GONE ||
			(p->peer->state == PEER_LEAVING && !p->peer->n_undrained)))
		world_disconnect(p);
}

static bool world_pump_embedded(struct world *w);

static void world_serve(struct world_program *p)
{
	struct request request;

	while (p->peer && peer_next(p->peer, &request)) {
		bool held = hub_request(p->world->hub, p->peer, &request) == HUB_HELD;

		world_pump_embedded(p->world);
		hub_check(p->world->hub);
		if (held)
			return;
	}
}

static bool world_feed_program(struct world_program *p)
{
	struct slice bytes;
	size_t n;

	if (!p->peer)
		return false;
	if (buf_len(&p->answers) && !p->eof) {
		buf_append_slice(&p->input, buf_bytes(&p->answers));
		buf_clear(&p->answers);
	}
	bytes = buf_bytes(&p->input);
	if (!bytes.len || p->peer->is_held || p->peer->state != PEER_OPEN ||
	    peer_is_choked(p->peer))
		return false;
	n = p->world->splits ? 1 + rng_below(&p->world->rng, bytes.len < 40 ? bytes.len : 40)
			     : bytes.len;
	peer_feed(p->peer, (struct slice){bytes.ptr, n});
	world_serve(p);
	if (p->peer)
		peer_keep(p->peer);
	if (p->peer)
		hub_peer_answered(p->world->hub, p->peer);
	buf_consume(&p->input, n);
	return true;
}

/* ---- the turn ---- */

static bool world_pump_embedded(struct world *w)
{
	struct session_event event;
	struct router_session *to;
	struct wamp_msg msg;
	bool any, ever = false;

	do {
		any = false;
		for (size_t i = 0; i < w->n_links; i++) {
			struct world_link *l = &w->links[i];

			while (l->kind == WORLD_EMBEDDED && l->session &&
			       session_next_view(hub_link_session(l->link), &msg)) {
				router_recv(l->session, &msg);
				any = true;
			}
		}
		while (router_next(w->router, &to, &msg)) {
			struct world_link *l = router_session_owner(to);

			any = true;
			session_recv(hub_link_session(l->link), &msg);
			while (session_next_event(hub_link_session(l->link), &event))
				hub_link_event(l->link, &event);
		}
		ever |= any;
	} while (any);
	if (ever) {
		router_settle(w->router);
		for (size_t i = 0; i < w->n_links; i++)
			if (w->links[i].kind == WORLD_EMBEDDED)
				session_settle(hub_link_session(w->links[i].link));
	}
	return ever;
}

static bool world_step_link(struct world_link *l)
{
	bool any = world_collect_frames(l);

	if (l->kind == WORLD_FAR && l->is_open) {
		any |= world_deliver_to_router(l);
		any |= world_deliver_to_hub(l);
	}
	if (l->closing && !buf_len(&hub_link_session(l->link)->out)) {
		world_link_over(l, "closed");
		any = true;
	}
	return any;
}

static bool world_step(struct world *w)
{
	struct link *link;
	struct peer *peer;
	struct hub_note note;
	int wish;
	bool any = false;

	while ((wish = hub_next_wish(w->hub, &link))) {
		world_fulfil(hub_link_owner(link), wish);
		any = true;
	}
	hub_begin_turn(w->hub);
	any |= world_pump_embedded(w);
	any |= hub_deliver(w->hub);
	while ((peer = hub_next_ready(w->hub))) {
		world_serve(hub_peer_owner(peer));
		any = true;
	}
	for (size_t i = 0; i < w->n_links; i++)
		any |= world_step_link(&w->links[i]);
	while ((peer = hub_next_dirty_peer(w->hub)))
		((struct world_program *)hub_peer_owner(peer))->dirty = true;
	while (hub_next_dirty_link(w->hub))
		;
	for (size_t k = 0, i = rng_below(&w->rng, w->n_programs + 1); k < w->n_programs; k++, i++) {
		struct world_program *p = &w->programs[i % w->n_programs];

		any |= world_feed_program(p);
		any |= world_flush_program(p);
		world_close_if_over(p);
	}
	while (hub_next_note(w->hub, &note)) {
		w->n_notes++;
		w->n_events[note.event]++;
	}
	hub_check(w->hub);
	router_check(w->router);
	return any;
}

void world_settle(struct world *w)
{
	world_tell_time(w);
	while (world_step(w))
		;
}

static uint64_t world_next_event(const struct world *w)
{
	uint64_t next = hub_deadline(w->hub);

	for (size_t i = 0; i < w->n_links; i++) {
		const struct world_link *l = &w->links[i];
		const struct list *lists[] = {&l->to_router, &l->to_hub};

		for (size_t k = 0; k < 2 && !l->stalled; k++) {
			struct world_frame *f = list_first(lists[k], struct world_frame, node);

			if (f && f->due_ms < next)
				next = f->due_ms;
		}
	}
	return next;
}

void world_advance(struct world *w, uint64_t ms)
{
	uint64_t until = w->now_ms + ms;

	world_settle(w);
	for (;;) {
		uint64_t next = world_next_event(w);

		if (next > until)
			break;
		w->now_ms = next > w->now_ms ? next : w->now_ms;
		world_tell_time(w);
		hub_expire(w->hub);
		hub_check(w->hub);
		world_settle(w);
	}
	w->now_ms = until;
	world_settle(w);
}

/* ---- what programs received ---- */

static json_t *world_last(struct world_program *p, json_t *line)
{
	/* Kept alive until the next one is taken. */
	json_object_set_new(p->handles, "\x01last", line);
	return line;
}

json_t *world_take(struct world_program *p)
{
	struct world_line *line = list_first(&p->lines, struct world_line, node);
	json_t *json;

	if (!line)
		return NULL;
	list_unlink(&line->node);
	json = line->json;
	mem_free(line->text);
	mem_free(line);
	return world_last(p, json);
}

json_t *world_expect(struct world_program *p, const char *op)
{
	json_t *line;

	while ((line = world_take(p)))
		if (strcmp(world_text(line, "op"), op) == 0)
			return line;
	fprintf(stderr, "seed %llu: no line with op %s\n", (unsigned long long)p->world->seed, op);
	abort();
}

json_t *world_expect_member(struct world_program *p, const char *op, const char *member,
			    const char *value)
{
	json_t *line = world_expect(p, op);
	const char *text = world_text(line, member);

	if (!text || strcmp(text, value) != 0) {
		char *dump = json_dumps(line, JSON_COMPACT);

		fprintf(stderr, "seed %llu: expected %s %s=%s, got %s\n",
			(unsigned long long)p->world->seed, op, member, value, dump);
		abort();
	}
	return line;
}

json_t *world_expect_state(struct world_program *p, const char *state)
{
	json_t *line;

	do
		line = world_expect(p, "session");
	while (strcmp(world_text(line, "state"), state) != 0);
	return line;
}

const char *world_text(json_t *line, const char *member)
{
	return json_string_value(json_object_get(line, member));
}

int64_t world_number(json_t *line, const char *member)
{
	return json_integer_value(json_object_get(line, member));
}

size_t world_count_lines(struct world_program *p)
{
	size_t n = 0;

	list_for_each (i, &p->lines)
		n++;
	return n;
}

void world_drop_lines(struct world_program *p)
{
	while (world_take(p))
		;
}

/* ---- scripted routers ---- */

json_t *world_sent(struct world_link *l)
{
	struct world_frame *f;
	json_t *json;

	world_settle(l->world);
	f = list_first(&l->sent, struct world_frame, node);
	if (!f)
		return NULL;
	json = json_loads(f->text, JSON_ALLOW_NUL, NULL);
	world_frame_free(f);
	return json;
}

int world_sent_type(struct world_link *l)
{
	json_t *frame = world_sent(l);
	int type = (int)json_integer_value(json_array_get(frame, 0));

	json_decref(frame);
	return type;
}

void world_reply(struct world_link *l, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	assert(n >= 0);
	va_end(args);
	world_tell_time(l->world);
	hub_link_frame(l->link, slice_of(text));
	world_derive(l);
	free(text);
	world_settle(l->world);
}

void world_welcome(struct world_link *l)
{
	json_t *hello;

	world_open(l);
	hello = world_sent(l);
	assert(hello && json_integer_value(json_array_get(hello, 0)) == WAMP_HELLO);
	json_decref(hello);
	world_reply(l, "[2,4711,{\"roles\":{\"broker\":{},\"dealer\":{\"features\":{"
		       "\"call_canceling\":true}}},\"authid\":\"anon\"}]");
}

/* ---- the end ---- */

static void world_free_program(struct world_program *p)
{
	if (p->peer)
		hub_remove_peer(p->world->hub, p->peer);
	world_drop_lines(p);
	json_decref(p->open);
	json_decref(p->handles);
	buf_done(&p->input);
	buf_done(&p->output);
	buf_done(&p->answers);
}

static void world_free_link(struct world_link *l)
{
	world_frames_free(&l->to_router);
	world_frames_free(&l->to_hub);
	world_frames_free(&l->sent);
	if (l->session)
		router_detach(l->session);
	if (l->intruder)
		router_detach(l->intruder);
	router_free(l->router);
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->n_programs; i++)
		world_free_program(&w->programs[i]);
	hub_free(w->hub);
	for (size_t i = 0; i < w->n_links; i++)
		world_free_link(&w->links[i]);
	router_free(w->router);
	mem_free(w);
}
