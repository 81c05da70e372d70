/* SPDX-License-Identifier: MIT */

/*
 * The embedded router: realms, sessions, and the queue of what goes out
 */

#include "router/internal.h"

#include "base/mem.h"
#include "codec/emit.h"

#include <assert.h>
#include <errno.h>

#define ROUTER_WELCOME                                                                             \
	"{\"realm\":%s,\"authid\":\"local\",\"authrole\":\"anonymous\","                           \
	"\"authmethod\":\"anonymous\",\"agent\":\"wampbridge\",\"roles\":{"                        \
	"\"broker\":{\"features\":{\"publisher_exclusion\":true}},\"dealer\":{\"features\":{}}}}"

/* Messages that wait to be taken; only a loop that does not pump could make more. */
#define ROUTER_MAX_OUT (1u << 20)

/* So many have room when none waits. */
#define ROUTER_KEPT_OUT 256

/* ---- life-cycle ---- */

int router_new(struct router **ret, struct rng *rng, const struct map_secret *secret)
{
	struct router *router = mem_alloc(sizeof(*router));

	if (!router)
		return -ENOMEM;
	router->rng = rng;
	router->secret = secret;
	map_init(&router->realms);
	list_init(&router->sessions);
	arena_init(&router->arena);
	*ret = router;
	return 0;
}

struct router *router_free(struct router *router)
{
	if (!router)
		return NULL;
	assert(list_is_empty(&router->sessions));
	map_done(&router->realms);
	arena_done(&router->arena);
	mem_free(router->out);
	return mem_free(router);
}

int router_attach(struct router *router, struct router_session **ret, void *owner)
{
	struct router_session *s = mem_alloc(sizeof(*s));
	struct list *lists[5];

	if (!s)
		return -ENOMEM;
	s->router = router;
	s->owner = owner;
	lists[0] = &s->node;
	lists[1] = &s->registrations;
	lists[2] = &s->subscriptions;
	lists[3] = &s->made;
	lists[4] = &s->served;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_init(lists[i]);
	map_init(&s->registrations_by_id);
	map_init(&s->invocations);
	list_append(&router->sessions, &s->node);
	*ret = s;
	return 0;
}

void *router_session_owner(const struct router_session *session)
{
	return session->owner;
}

static void realm_unref(struct realm *realm)
{
	if (--realm->n_sessions)
		return;
	map_remove(&realm->router->realms, &realm->node);
	map_done(&realm->procedures);
	map_done(&realm->topics);
	map_done(&realm->by_topic_id);
	mem_free(realm);
}

/* Everything of the session at its realm; it may still be told things. */
static void router_leave(struct router_session *s)
{
	if (s->state == ROUTER_JOINED) {
		dealer_leave(s);
		broker_leave(s);
		realm_unref(s->realm);
		s->realm = NULL;
	}
	s->state = ROUTER_CLOSED;
}

struct router_session *router_detach(struct router_session *s)
{
	struct router *router = s->router;
	size_t kept = 0;

	router_leave(s);
	for (size_t i = 0; i < router->n_out; i++) {
		struct router_out *out = &router->out[router->first_out + i];

		if (out->to != s)
			router->out[router->first_out + kept++] = *out;
	}
	router->n_out = kept;
	router->n_broken -= s->is_broken;
	map_done(&s->registrations_by_id);
	map_done(&s->invocations);
	list_unlink(&s->node);
	return mem_free(s);
}

/* ---- output ---- */

static bool router_make_room(struct router *router)
{
	size_t cap = router->cap_out ? router->cap_out * 2 : 16;
	struct router_out *out;

	if (router->first_out + router->n_out < router->cap_out)
		return true;
	if (router->n_out >= ROUTER_MAX_OUT)
		return false;
	if (router->first_out > router->n_out) {
		memmove(router->out, router->out + router->first_out, router->n_out * sizeof(*out));
		router->first_out = 0;
		return true;
	}
	out = mem_realloc(router->out, cap * sizeof(*out));
	if (!out)
		return false;
	router->out = out;
	router->cap_out = cap;
	return true;
}

/* What a session does not get it would wait for, and for ever without a timeout: it ends. */
static void router_break(struct router_session *s)
{
	s->is_broken = true;
	s->router->n_broken++;
}

void router_send(struct router_session *to, const struct wamp_msg *msg)
{
	struct router *router = to->router;

	if (to->is_broken)
		return;
	if (router_make_room(router))
		router->out[router->first_out + router->n_out++] = (struct router_out){to, *msg};
	else
		router_break(to);
}

void router_send_error(struct router_session *to, enum wamp_type type, uint64_t request,
		       const char *uri, struct slice text)
{
	struct wamp_msg msg = {
		.type = WAMP_ERROR, .request_type = type, .request = request, .uri = slice_of(uri)};
	struct buf b = BUF_INIT(8192);
	char *args;

	emit_literal(&b, "[");
	emit_text(&b, text);
	emit_literal(&b, "]");
	args = text.len && !b.error ? arena_alloc(&to->router->arena, buf_len(&b)) : NULL;
	if (args) {
		memcpy(args, b.data, buf_len(&b));
		msg.args = (struct scan_value){args, (uint32_t)buf_len(&b), SCAN_ARRAY, 0};
	}
	buf_done(&b);
	router_send(to, &msg);
}

/* The end of a session that something could not be queued for; it needs no room. */
static bool router_next_broken(struct router *router, struct router_session **ret_to,
			       struct wamp_msg *ret)
{
	static const struct scan_value details =
		SCAN_LITERAL("{\"message\":\"out of memory\"}", SCAN_OBJECT);

	list_for_each (i, &router->sessions) {
		struct router_session *s = CONTAINER_OF(i, struct router_session, node);

		if (!s->is_broken)
			continue;
		*ret_to = s;
		*ret = (struct wamp_msg){.type = WAMP_ABORT,
					 .details = details,
					 .uri = SLICE("wamp.error.unavailable")};
		router_leave(s);
		s->is_broken = false;
		router->n_broken--;
		return true;
	}
	return false;
}

bool router_next(struct router *router, struct router_session **ret_to, struct wamp_msg *ret)
{
	struct router_out *out;

	/* Behind all that was queued before. */
	if (!router->n_out)
		return router->n_broken && router_next_broken(router, ret_to, ret);
	out = &router->out[router->first_out++];
	*ret_to = out->to;
	*ret = out->msg;
	if (!--router->n_out)
		router->first_out = 0;
	return true;
}

void router_settle(struct router *router)
{
	if (router->n_out || router->n_broken)
		return;
	arena_reset(&router->arena);
	if (router->cap_out <= ROUTER_KEPT_OUT)
		return;
	router->out = mem_free(router->out);
	router->first_out = router->cap_out = 0;
}

uint64_t router_random_id(struct router *router)
{
	return 1 + rng_below(router->rng, WAMP_MAX_ID);
}

bool router_uri_is_free(struct slice uri)
{
	return wamp_uri_is_valid(uri) && !slice_starts_with(uri, SLICE("wamp."));
}

/* ---- sessions ---- */

static struct realm *realm_get(struct router *router, struct slice name)
{
	uint64_t hash = map_hash_text(router->secret, name);
	struct realm *realm;

	for (struct map_node *n = map_first(&router->realms, hash); n; n = map_next(n)) {
		realm = CONTAINER_OF(n, struct realm, node);
		if (slice_equal(name, (struct slice){realm->name, realm->n_name}))
			return realm;
	}
	realm = mem_alloc(sizeof(*realm) + name.len);
	if (!realm)
		return NULL;
	realm->router = router;
	realm->n_name = name.len;
	memcpy(realm->name, name.ptr, name.len);
	map_init(&realm->procedures);
	map_init(&realm->topics);
	map_init(&realm->by_topic_id);
	map_insert(&router->realms, &realm->node, hash);
	return realm;
}

static void router_abort(struct router_session *s, const char *reason)
{
	struct wamp_msg msg = {.type = WAMP_ABORT, .uri = slice_of(reason)};

	router_send(s, &msg);
	router_leave(s);
}

static void router_hello(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg welcome = {.type = WAMP_WELCOME};
	struct buf name = BUF_INIT(6 * msg->uri.len + 3); /* each byte escaped */
	struct slice details;

	if (!wamp_uri_is_valid(msg->uri)) {
		router_abort(s, "wamp.error.invalid_uri");
		return;
	}
	s->realm = realm_get(s->router, msg->uri);
	if (!s->realm) {
		router_abort(s, "wamp.error.no_such_realm");
		return;
	}
	s->realm->n_sessions++;
	s->state = ROUTER_JOINED;
	s->id = welcome.id = router_random_id(s->router);
	emit_text(&name, msg->uri);
	buf_append_char(&name, '\0');
	details = arena_printf(&s->router->arena, ROUTER_WELCOME, name.error ? "\"\"" : name.data);
	if (details.len)
		welcome.details =
			(struct scan_value){details.ptr, (uint32_t)details.len, SCAN_OBJECT, 0};
	buf_done(&name);
	router_send(s, &welcome);
}

static void router_goodbye(struct router_session *s)
{
	struct wamp_msg reply = {.type = WAMP_GOODBYE, .uri = SLICE("wamp.close.goodbye_and_out")};

	router_send(s, &reply);
	router_leave(s);
}

static bool router_is_request(enum wamp_type type)
{
	return type == WAMP_REGISTER || type == WAMP_UNREGISTER || type == WAMP_CALL ||
	       type == WAMP_SUBSCRIBE || type == WAMP_UNSUBSCRIBE || type == WAMP_PUBLISH;
}

/* WAMP 2.1.2: request ids are sequential; a gap is a violation. */
static bool router_id_is_next(struct router_session *s, const struct wamp_msg *msg)
{
	if (!router_is_request(msg->type))
		return true;
	if (msg->request != s->last_request % WAMP_MAX_ID + 1)
		return false;
	s->last_request = msg->request;
	return true;
}

static void router_dispatch(struct router_session *s, const struct wamp_msg *msg)
{
	if (msg->type == WAMP_CALL)
		dealer_call(s, msg);
	else if (msg->type == WAMP_YIELD)
		dealer_yield(s, msg);
	else if (msg->type == WAMP_ERROR)
		dealer_error(s, msg);
	else if (msg->type == WAMP_PUBLISH)
		broker_publish(s, msg);
	else if (msg->type == WAMP_REGISTER)
		dealer_register(s, msg);
	else if (msg->type == WAMP_UNREGISTER)
		dealer_unregister(s, msg);
	else if (msg->type == WAMP_SUBSCRIBE)
		broker_subscribe(s, msg);
	else if (msg->type == WAMP_UNSUBSCRIBE)
		broker_unsubscribe(s, msg);
	else if (msg->type == WAMP_GOODBYE)
		router_goodbye(s);
	else if (msg->type == WAMP_ABORT)
		router_leave(s);
	else if (msg->type != WAMP_CANCEL)
		router_abort(s, "wamp.error.protocol_violation");
}

void router_recv(struct router_session *s, const struct wamp_msg *msg)
{
	switch (s->state) {
	case ROUTER_OPENED:
		if (msg->type == WAMP_HELLO)
			router_hello(s, msg);
		else
			router_abort(s, "wamp.error.protocol_violation");
		return;
	case ROUTER_JOINED:
		if (router_id_is_next(s, msg))
			router_dispatch(s, msg);
		else
			router_abort(s, "wamp.error.protocol_violation");
		return;
	case ROUTER_CLOSED:
		return;
	}
}

static size_t realm_count_sessions(const struct map_node *n)
{
	size_t count = 0;

	for (; n; n = n->next)
		count += CONTAINER_OF(n, struct realm, node)->n_sessions;
	return count;
}

void router_check(const struct router *router)
{
	/* A map that found no memory for buckets has one chain. */
	size_t n_joined = 0, n_broken = 0, n_in_realms = realm_count_sessions(router->realms.chain);

	list_for_each (i, &router->sessions) {
		const struct router_session *s = CONTAINER_OF(i, struct router_session, node);

		assert((s->state == ROUTER_JOINED) == (s->realm != NULL));
		n_joined += s->state == ROUTER_JOINED;
		n_broken += s->is_broken;
		dealer_check(s);
	}
	assert(n_broken == router->n_broken);
	for (size_t i = 0; i < router->realms.n_buckets; i++)
		n_in_realms += realm_count_sessions(router->realms.buckets[i]);
	assert(n_in_realms == n_joined);
}
