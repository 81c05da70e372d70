/* SPDX-License-Identifier: MIT */

/*
 * The embedded router's broker: topics and publications
 */

#include "router/internal.h"

#include "base/mem.h"

static struct topic *broker_find(struct realm *realm, struct slice uri)
{
	uint64_t hash = map_hash_text(realm->router->secret, uri);

	for (struct map_node *n = map_first(&realm->topics, hash); n; n = map_next(n)) {
		struct topic *t = CONTAINER_OF(n, struct topic, by_uri);

		if (slice_equal(uri, t->uri))
			return t;
	}
	return NULL;
}

static struct topic *broker_find_id(struct realm *realm, uint64_t id)
{
	for (struct map_node *n = map_first(&realm->by_topic_id, map_hash_u64(id)); n;
	     n = map_next(n)) {
		struct topic *t = CONTAINER_OF(n, struct topic, by_id);

		if (t->id == id)
			return t;
	}
	return NULL;
}

static struct topic *broker_topic_new(struct realm *realm, struct slice uri)
{
	struct topic *t = mem_alloc(sizeof(*t) + uri.len);

	if (!t)
		return NULL;
	memcpy(t + 1, uri.ptr, uri.len);
	t->uri = (struct slice){(char *)(t + 1), uri.len};
	t->realm = realm;
	t->id = ++realm->router->last_id;
	list_init(&t->subscriptions);
	map_insert(&realm->topics, &t->by_uri, map_hash_text(realm->router->secret, uri));
	map_insert(&realm->by_topic_id, &t->by_id, map_hash_u64(t->id));
	return t;
}

static void broker_topic_free(struct topic *t)
{
	map_remove(&t->realm->topics, &t->by_uri);
	map_remove(&t->realm->by_topic_id, &t->by_id);
	mem_free(t);
}

static struct subscription *broker_subscription(struct topic *t, const struct router_session *s)
{
	list_for_each (i, &t->subscriptions) {
		struct subscription *sub = CONTAINER_OF(i, struct subscription, of_topic);

		if (sub->session == s)
			return sub;
	}
	return NULL;
}

static struct subscription *broker_subscription_new(struct topic *t, struct router_session *s)
{
	struct subscription *sub = mem_alloc(sizeof(*sub));

	if (!sub)
		return NULL;
	sub->topic = t;
	sub->session = s;
	list_init(&sub->of_topic);
	list_init(&sub->of_session);
	list_append(&t->subscriptions, &sub->of_topic);
	list_append(&s->subscriptions, &sub->of_session);
	return sub;
}

static void broker_subscription_free(struct subscription *sub)
{
	struct topic *t = sub->topic;

	list_unlink(&sub->of_topic);
	list_unlink(&sub->of_session);
	mem_free(sub);
	if (list_is_empty(&t->subscriptions))
		broker_topic_free(t);
}

static void broker_out_of_memory(struct router_session *s, const struct wamp_msg *msg)
{
	router_send_error(s, msg->type, msg->request, "wamp.error.unavailable",
			  SLICE("out of memory"));
}

void broker_subscribe(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg reply = {.type = WAMP_SUBSCRIBED, .request = msg->request};
	struct wamp_options options;
	struct topic *t;

	wamp_options_read(&options, WAMP_SUBSCRIBE, &msg->details, &s->router->arena);
	if (options.match != WAMP_MATCH_EXACT || !wamp_uri_is_valid(msg->uri)) {
		router_send_error(s, WAMP_SUBSCRIBE, msg->request,
				  options.match != WAMP_MATCH_EXACT
					  ? "wamp.error.option_not_allowed"
					  : "wamp.error.invalid_uri",
				  SLICE_NONE);
		return;
	}
	t = broker_find(s->realm, msg->uri);
	if (!t)
		t = broker_topic_new(s->realm, msg->uri);
	/* The same session and topic again: the same subscription (WAMP 5.2). */
	if (!t || (!broker_subscription(t, s) && !broker_subscription_new(t, s))) {
		if (t && list_is_empty(&t->subscriptions))
			broker_topic_free(t);
		broker_out_of_memory(s, msg);
		return;
	}
	reply.id = t->id;
	router_send(s, &reply);
}

void broker_unsubscribe(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg reply = {.type = WAMP_UNSUBSCRIBED, .request = msg->request};
	struct topic *t = broker_find_id(s->realm, msg->id);
	struct subscription *sub = t ? broker_subscription(t, s) : NULL;

	if (!sub) {
		router_send_error(s, WAMP_UNSUBSCRIBE, msg->request,
				  "wamp.error.no_such_subscription", SLICE_NONE);
		return;
	}
	broker_subscription_free(sub);
	router_send(s, &reply);
}

static void broker_dispatch(struct router_session *s, const struct wamp_msg *msg,
			    uint64_t publication, bool exclude_me)
{
	struct wamp_msg event = {.type = WAMP_EVENT,
				 .publication = publication,
				 .args = msg->args,
				 .kwargs = msg->kwargs};
	struct topic *t = broker_find(s->realm, msg->uri);

	if (!t)
		return;
	event.id = t->id;
	list_for_each (i, &t->subscriptions) {
		struct subscription *sub = CONTAINER_OF(i, struct subscription, of_topic);

		if (sub->session != s || !exclude_me)
			router_send(sub->session, &event);
	}
}

void broker_publish(struct router_session *s, const struct wamp_msg *msg)
{
	struct wamp_msg reply = {.type = WAMP_PUBLISHED, .request = msg->request};
	struct wamp_options options;

	wamp_options_read(&options, WAMP_PUBLISH, &msg->details, &s->router->arena);
	if (!router_uri_is_free(msg->uri)) {
		if (options.acknowledge)
			router_send_error(s, WAMP_PUBLISH, msg->request, "wamp.error.invalid_uri",
					  SLICE_NONE);
		return;
	}
	reply.publication = router_random_id(s->router);
	if (options.acknowledge)
		router_send(s, &reply);
	broker_dispatch(s, msg, reply.publication, options.exclude_me);
}

void broker_leave(struct router_session *s)
{
	list_for_each_safe (i, &s->subscriptions)
		broker_subscription_free(CONTAINER_OF(i, struct subscription, of_session));
}
