/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The embedded router's own structures
 *
 * router ► realms ► procedures, topics; router ► sessions ► registrations,
 * subscriptions, calls. A call hangs at its caller and at its callee and is
 * freed by dealer_call_free(), which unlinks both.
 */

#include "base/arena.h"
#include "base/list.h"
#include "router/router.h"
#include "wamp/options.h"

struct realm {
	struct map_node node;
	struct router *router;
	struct map procedures; /* struct registration by URI */
	struct map topics;     /* struct topic by URI */
	struct map by_topic_id;
	unsigned n_sessions;
	size_t n_name;
	char name[];
};

struct router_out {
	struct router_session *to;
	struct wamp_msg msg;
};

struct router {
	const struct map_secret *secret;
	struct rng *rng;
	struct map realms;
	struct list sessions;
	struct arena arena;
	struct router_out *out;
	size_t first_out, n_out, cap_out;
	size_t n_broken;
	uint64_t last_id; /* of registrations and subscriptions */
};

enum router_session_state { ROUTER_OPENED, ROUTER_JOINED, ROUTER_CLOSED };

struct router_session {
	struct router *router;
	void *owner;
	struct list node;
	enum router_session_state state;
	bool is_broken; /* something could not be queued for it: it ends with an ABORT */
	struct realm *realm;
	uint64_t id;
	uint64_t last_request;	  /* the client's */
	uint64_t last_invocation; /* ours to it */
	struct list registrations, subscriptions;
	struct list made, served; /* calls as caller, as callee */
	struct map registrations_by_id, invocations;
};

struct registration {
	struct map_node by_uri, by_id;
	struct list of_session;
	struct router_session *session;
	uint64_t id;
	struct slice uri; /* behind the struct */
};

struct topic {
	struct map_node by_uri, by_id;
	struct realm *realm;
	struct list subscriptions;
	uint64_t id;
	struct slice uri; /* behind the struct */
};

struct subscription {
	struct list of_topic, of_session;
	struct topic *topic;
	struct router_session *session;
};

struct routed_call {
	struct map_node by_invocation;
	struct list of_caller, of_callee;
	struct router_session *caller, *callee;
	uint64_t request, invocation;
};

/* router.c */
void router_send(struct router_session *to, const struct wamp_msg *msg);
void router_send_error(struct router_session *to, enum wamp_type type, uint64_t request,
		       const char *uri, struct slice text);
uint64_t router_random_id(struct router *router);
/* Registrations and publications under wamp. are the router's own (WAMP 2.1.1). */
bool router_uri_is_free(struct slice uri);

/* dealer.c */
void dealer_register(struct router_session *s, const struct wamp_msg *msg);
void dealer_unregister(struct router_session *s, const struct wamp_msg *msg);
void dealer_call(struct router_session *s, const struct wamp_msg *msg);
void dealer_yield(struct router_session *s, const struct wamp_msg *msg);
void dealer_error(struct router_session *s, const struct wamp_msg *msg);
void dealer_leave(struct router_session *s);
void dealer_check(const struct router_session *s);

/* broker.c */
void broker_subscribe(struct router_session *s, const struct wamp_msg *msg);
void broker_unsubscribe(struct router_session *s, const struct wamp_msg *msg);
void broker_publish(struct router_session *s, const struct wamp_msg *msg);
void broker_leave(struct router_session *s);
