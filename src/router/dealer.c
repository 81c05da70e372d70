/* SPDX-License-Identifier: MIT */

/*
 * The embedded router's dealer: procedures and calls
 */

#include "router/internal.h"

#include "base/mem.h"

#include <assert.h>

/* ---- registrations ---- */

static struct registration *dealer_find(struct realm *realm, struct slice uri)
{
	uint64_t hash = map_hash_text(realm->router->secret, uri);

	for (struct map_node *n = map_first(&realm->procedures, hash); n; n = map_next(n)) {
		struct registration *r = CONTAINER_OF(n, struct registration, by_uri);

		if (slice_equal(uri, r->uri))
			return r;
	}
	return NULL;
}

static struct registration *dealer_find_id(struct router_session *s, uint64_t id)
{
	struct map_node *n;

	for (n = map_first(&s->registrations_by_id, map_hash_u64(id)); n; n = map_next(n)) {
		struct registration *r = CONTAINER_OF(n, struct registration, by_id);

		if (r->id == id)
			return r;
	}
	return NULL;
}

static struct registration *dealer_add(struct router_session *s, struct slice uri)
{
	struct registration *r = mem_alloc(sizeof(*r) + uri.len);
	uint64_t hash = map_hash_text(s->router->secret, uri);

	if (!r)
		return NULL;
	memcpy(r + 1, uri.ptr, uri.len);
	r->uri = (struct slice){(char *)(r + 1), uri.len};
	r->session = s;
	r->id = ++s->router->last_id;
	list_init(&r->of_session);
	list_append(&s->registrations, &r->of_session);
	map_insert(&s->realm->procedures, &r->by_uri, hash);
	map_insert(&s->registrations_by_id, &r->by_id, map_hash_u64(r->id));
	return r;
}

static void dealer_remove(struct registration *r)
{
	map_remove(&r->session->realm->procedures, &r->by_uri);
	map_remove(&r->session->registrations_by_id, &r->by_id);
	list_unlink(&r->of_session);
	mem_free(r);
}

/* Why a REGISTER is refused, or NULL. Basic profile: exact match, one callee. */
static const char *dealer_refusal(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_options options;

	wamp_options_read(&options, WAMP_REGISTER, &msg->details, &s->router->arena);
	if (options.match != WAMP_MATCH_EXACT || options.invoke != WAMP_INVOKE_SINGLE)
		return "wamp.error.option_not_allowed";
	if (!router_uri_is_free(msg->uri))
		return "wamp.error.invalid_uri";
	if (dealer_find(s->realm, msg->uri))
		return "wamp.error.procedure_already_exists";
	return NULL;
}

void dealer_register(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg reply = {.type = WAMP_REGISTERED, .request = msg->request};
	const char *refusal = dealer_refusal(s, msg);
	struct registration *r;

	if (refusal) {
		router_send_error(s, WAMP_REGISTER, msg->request, refusal, SLICE_NONE);
		return;
	}
	r = dealer_add(s, msg->uri);
	if (!r) {
		router_send_error(s, WAMP_REGISTER, msg->request, "wamp.error.unavailable",
				  SLICE("out of memory"));
		return;
	}
	reply.id = r->id;
	router_send(s, &reply);
}

void dealer_unregister(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg reply = {.type = WAMP_UNREGISTERED, .request = msg->request};
	struct registration *r = dealer_find_id(s, msg->id);

	if (!r) {
		router_send_error(s, WAMP_UNREGISTER, msg->request,
				  "wamp.error.no_such_registration", SLICE_NONE);
		return;
	}
	dealer_remove(r);
	router_send(s, &reply);
}

/* ---- calls ---- */

static struct routed_call *dealer_call_free(struct routed_call *c)
{
	map_remove(&c->callee->invocations, &c->by_invocation);
	list_unlink(&c->of_caller);
	list_unlink(&c->of_callee);
	return mem_free(c);
}

static struct routed_call *dealer_call_new(struct router_session *caller,
					   struct router_session *callee, uint64_t request)
{
	struct routed_call *c = mem_alloc(sizeof(*c));

	if (!c)
		return NULL;
	c->caller = caller;
	c->callee = callee;
	c->request = request;
	c->invocation = ++callee->last_invocation;
	list_init(&c->of_caller);
	list_init(&c->of_callee);
	list_append(&caller->made, &c->of_caller);
	list_append(&callee->served, &c->of_callee);
	map_insert(&callee->invocations, &c->by_invocation, map_hash_u64(c->invocation));
	return c;
}

static void dealer_no_such_procedure(struct router_session *s, const struct wamp_msg *msg)
{
	struct slice text =
		arena_printf(&s->router->arena, "no callee registered for procedure <%.*s>",
			     (int)(msg->uri.len < 1024 ? msg->uri.len : 1024), msg->uri.ptr);

	router_send_error(s, WAMP_CALL, msg->request, "wamp.error.no_such_procedure", text);
}

void dealer_call(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg invocation = {
		.type = WAMP_INVOCATION, .args = msg->args, .kwargs = msg->kwargs};
	struct registration *r;
	struct routed_call *c;

	r = dealer_find(s->realm, msg->uri);
	if (!r && !wamp_uri_is_valid(msg->uri)) {
		router_send_error(s, WAMP_CALL, msg->request, "wamp.error.invalid_uri", SLICE_NONE);
		return;
	}
	if (!r) {
		dealer_no_such_procedure(s, msg);
		return;
	}
	c = dealer_call_new(s, r->session, msg->request);
	if (!c) {
		router_send_error(s, WAMP_CALL, msg->request, "wamp.error.unavailable",
				  SLICE("out of memory"));
		return;
	}
	invocation.request = c->invocation;
	invocation.id = r->id;
	router_send(r->session, &invocation);
}

static struct routed_call *dealer_find_call(struct router_session *s, uint64_t invocation)
{
	struct map_node *n;

	for (n = map_first(&s->invocations, map_hash_u64(invocation)); n; n = map_next(n)) {
		struct routed_call *c = CONTAINER_OF(n, struct routed_call, by_invocation);

		if (c->invocation == invocation)
			return c;
	}
	return NULL;
}

/* An answer to a call that is over is late, and nobody's any more. */
void dealer_yield(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg result = {.type = WAMP_RESULT, .args = msg->args, .kwargs = msg->kwargs};
	struct routed_call *c = dealer_find_call(s, msg->request);

	if (!c)
		return;
	result.request = c->request;
	router_send(c->caller, &result);
	dealer_call_free(c);
}

void dealer_error(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg error = *msg;
	struct routed_call *c = dealer_find_call(s, msg->request);

	if (!c || msg->request_type != WAMP_INVOCATION)
		return;
	error.request_type = WAMP_CALL;
	error.request = c->request;
	router_send(c->caller, &error);
	dealer_call_free(c);
}

void dealer_leave(struct router_session *s)
{
	list_for_each_safe (i, &s->registrations)
		dealer_remove(CONTAINER_OF(i, struct registration, of_session));
	list_for_each_safe (m, &s->made)
		dealer_call_free(CONTAINER_OF(m, struct routed_call, of_caller));
	list_for_each_safe (v, &s->served) {
		struct routed_call *c = CONTAINER_OF(v, struct routed_call, of_callee);

		router_send_error(c->caller, WAMP_CALL, c->request, "wamp.error.canceled",
				  SLICE("callee disconnected"));
		dealer_call_free(c);
	}
}

void dealer_check(const struct router_session *s)
{
	size_t n = 0;

	list_for_each (i, &s->served) {
		const struct routed_call *c = CONTAINER_OF(i, struct routed_call, of_callee);

		assert(c->callee == s && c->caller->state == ROUTER_JOINED);
		n++;
	}
	assert(n == s->invocations.count);
	n = 0;
	list_for_each (k, &s->registrations)
		n++;
	assert(n == s->registrations_by_id.count);
}
