/* SPDX-License-Identifier: MIT */

/*
 * Limits (protocol §10): places, rates and memory of each user, and a link's attempts
 */

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ADMIN 990

static struct world *world_limited(const struct hub_limits *limits)
{
	struct hub_config hub = world_hub_config();
	struct link_config config = world_link_config("default");
	struct world *w;

	hub.limits = *limits;
	w = world_new(1, &hub);
	world_add_link(w, WORLD_EMBEDDED, &config);
	world_start(w);
	return w;
}

static struct hub_limits limits(void)
{
	return world_hub_config().limits;
}

static void refused(struct world_program *p, const char *limit)
{
	json_t *bye = world_expect(p, "bye");

	assert_string_equal(world_text(bye, "code"), "too_many_connections");
	assert_true(json_is_true(json_object_get(bye, "retry")));
	if (!strstr(world_text(bye, "message"), limit))
		fail_msg("%s instead of %s", world_text(bye, "message"), limit);
	assert_null(p->peer);
}

static void the_last_places_are_for_administrators(void **state)
{
	struct hub_limits l = limits();
	struct world *w;

	(void)state;
	l.max_connections = 3;
	w = world_limited(&l);
	for (int i = 0; i < 3; i++)
		world_expect(world_connect(w), "greet");
	refused(world_connect(w), "max_connections of 3");
	for (int i = 0; i < HUB_RESERVED_CONNECTIONS; i++)
		world_expect(world_connect_as(w, i % 2 ? 0 : ADMIN), "greet");
	refused(world_connect_as(w, 0), "max_connections of 3");
	world_disconnect(&w->programs[0]);
	refused(world_connect_as(w, 1001), "max_connections of 3");
	for (int i = 0; i < HUB_RESERVED_CONNECTIONS; i++)
		world_disconnect(&w->programs[4 + i]);
	world_expect(world_connect_as(w, 1001), "greet");
	world_free(w);
}

static void one_user_cannot_take_all_places(void **state)
{
	struct hub_limits l = limits();
	struct world *w;

	(void)state;
	l.max_connections_per_user = 2;
	w = world_limited(&l);
	world_expect(world_connect(w), "greet");
	world_expect(world_connect(w), "greet");
	refused(world_connect(w), "max_connections_per_user of 2");
	world_expect(world_connect_as(w, 1001), "greet");
	world_disconnect(&w->programs[0]);
	world_expect(world_connect(w), "greet");
	world_free(w);
}

static void a_user_that_connects_in_a_loop_is_told_once_a_second(void **state)
{
	struct hub_limits l = limits();
	struct world *w;

	(void)state;
	l.connect_rate_per_user = 5;
	w = world_limited(&l);
	for (int i = 0; i < 5; i++) {
		struct world_program *p = world_connect(w);

		world_expect(p, "greet");
		world_disconnect(p);
	}
	for (int i = 0; i < 10; i++)
		refused(world_connect(w), "connect_rate_per_user of 5");
	assert_int_equal(w->n_events[HUB_EVENT_QUOTA_HIT], 1);
	world_expect(world_connect_as(w, 1001), "greet");
	world_advance(w, 1000);
	world_expect(world_connect(w), "greet");
	assert_int_equal(w->n_events[HUB_EVENT_QUOTA_HIT], 1);
	world_free(w);
}

static void new_work_of_a_user_that_holds_too_much_is_refused(void **state)
{
	struct hub_limits l = limits();
	struct world_program *p, *other;
	struct world *w;
	json_t *line;
	int i;

	(void)state;
	l.user_memory = 40000;
	w = world_limited(&l);
	p = world_connect(w);
	other = world_connect_as(w, 1001);
	world_send(other, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.slow\"}");
	world_settle(w);
	world_drop_lines(p);
	for (i = 0; i < 200; i++) {
		world_send(p, "{\"op\":\"call\",\"id\":%d,\"procedure\":\"com.example.slow\"}", i);
		world_settle(w);
		if (world_count_lines(p))
			break;
	}
	line = world_expect(p, "error");
	assert_string_equal(world_text(line, "code"), "quota_exceeded");
	line = json_object_get(line, "limit");
	assert_string_equal(world_text(line, "name"), "user_memory");
	assert_int_equal(world_number(line, "value"), 40000);
	assert_in_range(i, 40, 110);
	/* what is no new work goes on, and so do others */
	world_send(p, "{\"op\":\"ping\",\"id\":\"x\"}");
	world_send(other, "{\"op\":\"publish\",\"id\":2,\"topic\":\"com.a\",\"ack\":true}");
	world_settle(w);
	world_expect(p, "pong");
	world_expect_member(other, "ok", "op", "ok");
	/* ending something makes room */
	world_send(other, "{\"op\":\"result\",\"inv\":1}");
	world_settle(w);
	world_expect(p, "result");
	world_send(p, "{\"op\":\"call\",\"id\":\"n\",\"procedure\":\"com.example.none\"}");
	world_settle(w);
	world_expect_member(p, "error", "code", "no_such_procedure");
	world_free(w);
}

static void publish_big(struct world_program *p, const char *topic, int n)
{
	static char big[8001];

	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < n; i++) {
		world_send(p, "{\"op\":\"publish\",\"topic\":\"%s\",\"args\":[\"%s\"]}", topic,
			   big);
		world_settle(p->world);
	}
}

static struct world_program *slow_reader(struct world *w, uint32_t uid, const char *topic)
{
	struct world_program *p = world_connect_as(w, uid);

	world_send(p, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"%s\"}", topic);
	world_settle(w);
	world_drop_lines(p);
	p->reads = false;
	return p;
}

static void the_biggest_queue_of_a_user_is_cut_first(void **state)
{
	struct hub_limits l = limits();
	struct world_program *small, *big, *foreign, *publisher;
	struct world *w;

	(void)state;
	l.user_memory = 800000;
	l.peer.output_soft_limit = 64 << 10;
	w = world_limited(&l);
	small = slow_reader(w, 1000, "com.small");
	big = slow_reader(w, 1000, "com.big");
	foreign = slow_reader(w, 1001, "com.big");
	publisher = world_connect_as(w, 1002);
	publish_big(publisher, "com.small", 20);
	publish_big(publisher, "com.big", 60);
	assert_int_equal(big->peer->state, PEER_OPEN);
	publish_big(publisher, "com.big", 40);
	assert_int_equal(big->peer->state, PEER_LEAVING);
	assert_int_equal(small->peer->state, PEER_OPEN);
	/* 800 KiB are too much for one user as well, but of another one's queue it is the only */
	assert_int_equal(foreign->peer->state, PEER_LEAVING);
	assert_int_equal(w->n_events[HUB_EVENT_QUOTA_HIT], 2);
	big->reads = true;
	big->dirty = true;
	world_settle(w);
	assert_string_equal(world_text(world_expect(big, "bye"), "code"), "slow_consumer");
	foreign->reads = small->reads = true;
	foreign->dirty = small->dirty = true;
	world_settle(w);
	world_send(small, "{\"op\":\"ping\",\"id\":1}");
	world_settle(w);
	world_free(w);
}

static void who_leaves_without_reading_is_ended_when_its_user_holds_too_much(void **state)
{
	struct hub_limits l = limits();
	struct world_program *leaver, *other, *publisher;
	struct world *w;

	(void)state;
	l.user_memory = 400000;
	w = world_limited(&l);
	leaver = slow_reader(w, 1000, "com.a");
	other = slow_reader(w, 1000, "com.b");
	publisher = world_connect_as(w, 1001);
	publish_big(publisher, "com.a", 30);
	/* on its way into a socket that nobody reads: not to be taken back any more */
	outq_consume(&leaver->peer->out, outq_len(&leaver->peer->out));
	world_send(leaver, "{\"op\":\"bye\"}");
	world_settle(w);
	assert_int_equal(leaver->peer->state, PEER_LEAVING);
	/* what it still holds counts, and it is the first to go */
	publish_big(publisher, "com.b", 25);
	assert_null(leaver->peer);
	assert_int_equal(other->peer->state, PEER_OPEN);
	world_free(w);
}

static void who_is_cut_off_holds_no_procedure_any_more(void **state)
{
	struct hub_limits l = limits();
	struct world_program *slow, *caller, *heir;
	struct world *w;

	(void)state;
	l.stall_timeout_ms = 1000;
	w = world_limited(&l);
	slow = world_connect(w);
	caller = world_connect(w);
	heir = world_connect(w);
	world_send(slow, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	slow->reads = false;
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_advance(w, 1000);
	assert_int_equal(slow->peer->state, PEER_LEAVING);
	world_expect_member(caller, "error", "code", "canceled");
	world_send(heir, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_expect_member(heir, "ok", "state", "active");
	world_free(w);
}

static void a_half_closed_program_that_is_cut_off_is_told_so(void **state)
{
	struct hub_limits l = limits();
	struct world_program *slow, *callee;
	struct world *w;

	(void)state;
	l.stall_timeout_ms = 1000;
	w = world_limited(&l);
	slow = world_connect(w);
	callee = world_connect(w);
	world_send(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_send(slow, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_send(slow, "{\"op\":\"ping\",\"id\":2}");
	slow->reads = false;
	world_settle(w);
	world_half_close(slow);
	world_settle(w);
	world_advance(w, 1000);
	assert_int_equal(slow->peer->state, PEER_LEAVING);
	assert_false(slow->peer->by_choice);
	/* and is not cut off again */
	world_advance(w, 5000);
	assert_int_equal(w->n_events[HUB_EVENT_SLOW_CONSUMER], 1);
	slow->reads = slow->dirty = true;
	world_settle(w);
	world_expect_member(slow, "error", "code", "canceled");
	assert_string_equal(world_text(world_expect(slow, "bye"), "code"), "slow_consumer");
	world_free(w);
}

static void a_list_that_no_line_can_hold_is_work_all_the_same(void **state)
{
	struct hub_limits l = limits();
	struct world_program *p;
	struct world *w;

	(void)state;
	l.peer.max_line = 300000;
	w = world_limited(&l);
	p = world_connect(w);
	world_connect_as(w, 1001);
	for (int i = 0; i < 1000; i++)
		world_send(p, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.%0200d\"}", i, i);
	world_settle(w);
	world_drop_lines(p);
	hub_begin_turn(w->hub);
	world_send(p, "{\"op\":\"list\",\"id\":\"l\",\"what\":\"subscriptions\"}");
	world_settle(w);
	hub_end_request(w->hub, p->peer);
	assert_false(hub_has_turn(w->hub, p->peer));
	world_expect_member(p, "error", "code", "payload_too_large");
	world_free(w);
}

static void rows_that_are_looked_at_and_not_shown_are_work_too(void **state)
{
	static const char *const kinds[] = {"registrations", "subscriptions"};
	struct world *w = world_with(WORLD_EMBEDDED, 1, NULL, NULL);
	struct world_program *p = world_connect(w);

	(void)state;
	for (int i = 0; i < 1000; i++)
		world_send(p, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t\"}", i);
	world_settle(w);
	for (int i = 0; i < 2; i++) {
		hub_begin_turn(w->hub);
		world_send(p, "{\"op\":\"list\",\"id\":\"l\",\"what\":\"%s\"}", kinds[i]);
		world_settle(w);
		hub_end_request(w->hub, p->peer);
		assert_true(p->peer->charge.user->n_work >= 1 + 1000 / 16 / 4);
	}
	world_free(w);
}

static void watches_are_charged_for_the_lines_that_they_cause(void **state)
{
	struct hub_limits l = limits();
	struct world_program *p;
	struct world *w;

	(void)state;
	l.user_memory = 1 << 20;
	w = world_limited(&l);
	p = world_connect(w);
	for (int i = 0; i < 240; i++)
		world_send(p, "{\"op\":\"watch\",\"id\":%d}", i);
	world_settle(w);
	world_drop_lines(p);
	world_send(p, "{\"op\":\"watch\",\"id\":\"x\"}");
	world_settle(w);
	world_expect_member(p, "error", "code", "quota_exceeded");
	world_free(w);
}

static void a_line_that_is_never_ended_is_charged_too(void **state)
{
	struct hub_limits l = limits();
	struct world_program *p;
	struct world *w;
	char *part = calloc(1, 300001);

	(void)state;
	l.user_memory = 500000;
	w = world_limited(&l);
	memset(part, 'x', 300000);
	p = world_connect(w);
	for (int i = 0; i < 2; i++) {
		struct world_program *q = i ? world_connect(w) : p;

		peer_feed(q->peer, (struct slice){part, 300000});
		assert_false(peer_next(q->peer, &(struct request){0}));
		peer_keep(q->peer);
		hub_peer_kept(w->hub, q->peer);
		world_settle(w);
	}
	/* one of the two is cut off */
	assert_int_equal(w->n_events[HUB_EVENT_QUOTA_HIT], 1);
	free(part);
	world_free(w);
}

static void limits_can_change_while_programs_are_connected(void **state)
{
	struct hub_limits l = limits();
	struct world *w = world_limited(&l);
	struct world_program *p = world_connect(w);

	(void)state;
	l.max_connections = 1;
	l.peer.max_inflight = 1;
	l.peer.max_line = 8192;
	hub_set_limits(w->hub, &l);
	refused(world_connect(w), "max_connections of 1");
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.slow\"}");
	world_settle(w);
	world_send(p, "{\"op\":\"call\",\"id\":2,\"procedure\":\"com.example.slow\"}");
	world_send(p, "{\"op\":\"call\",\"id\":3,\"procedure\":\"com.example.slow\"}");
	world_settle(w);
	world_expect_member(p, "error", "code", "too_many_requests");
	/* a connection keeps the max_line that it was greeted with */
	assert_int_equal(peer_max_line(p->peer), 1 << 20);
	world_free(w);
}

static void a_user_has_its_share_of_a_turn_unless_it_is_alone(void **state)
{
	struct hub_limits l = limits();
	struct world *w = world_limited(&l);
	struct world_program *p = world_connect(w), *second = world_connect(w);
	struct world_program *other;

	(void)state;
	hub_begin_turn(w->hub);
	for (int i = 0; i < 10 * HUB_TURN_WORK; i++)
		hub_end_request(w->hub, p->peer);
	assert_true(hub_has_turn(w->hub, p->peer));
	other = world_connect_as(w, 1001);
	hub_begin_turn(w->hub);
	for (int i = 0; i < HUB_TURN_WORK; i++)
		hub_end_request(w->hub, p->peer);
	assert_false(hub_has_turn(w->hub, p->peer));
	assert_false(hub_has_turn(w->hub, second->peer));
	assert_true(hub_has_turn(w->hub, other->peer));
	hub_begin_turn(w->hub);
	assert_true(hub_has_turn(w->hub, second->peer));
	/* what a request made the daemon say counts as well */
	world_send(p, "{\"op\":\"list\",\"id\":1,\"what\":\"errors\"}");
	p->reads = false;
	world_settle(w);
	for (int i = 0; i < HUB_TURN_WORK / 2; i++)
		hub_end_request(w->hub, p->peer);
	assert_false(hub_has_turn(w->hub, p->peer));
	world_free(w);
}

static void who_holds_much_is_read_little_at_a_time(void **state)
{
	struct hub_limits l = limits();
	struct world *w;
	struct world_program *p;
	char *part = calloc(1, 30000);

	(void)state;
	l.user_memory = 100000;
	w = world_limited(&l);
	p = world_connect(w);
	memset(part, 'x', 30000);
	assert_int_equal(hub_read_size(w->hub, p->peer, 1 << 18), 1 << 18);
	peer_feed(p->peer, (struct slice){part, 30000});
	assert_false(peer_next(p->peer, &(struct request){0}));
	peer_keep(p->peer);
	hub_peer_kept(w->hub, p->peer);
	assert_int_equal(hub_read_size(w->hub, p->peer, 1 << 18), 16384);
	free(part);
	world_free(w);
}

static const struct hub_setting settings[] = {
	{"daemon", "log_level", "debug", "info", "/etc/x.yaml:3", true},
	{"limits", "max_line", "1M", "1M", NULL, true},
};

static void the_configuration_is_listed_for_administrators(void **state)
{
	struct hub_limits l = limits();
	struct world *w = world_limited(&l);
	struct world_program *p = world_connect(w), *admin = world_connect_as(w, ADMIN);
	json_t *items;

	(void)state;
	hub_set_settings(w->hub, settings, 2);
	world_send(p, "{\"op\":\"list\",\"id\":1,\"what\":\"config\"}");
	world_send(admin, "{\"op\":\"list\",\"id\":1,\"what\":\"config\"}");
	world_settle(w);
	items = json_object_get(world_expect(p, "ok"), "items");
	assert_int_equal(json_array_size(items), 0);
	items = json_object_get(world_expect(admin, "ok"), "items");
	assert_int_equal(json_array_size(items), 2);
	assert_string_equal(world_text(json_array_get(items, 0), "source"), "/etc/x.yaml:3");
	assert_null(json_object_get(json_array_get(items, 1), "source"));
	assert_string_equal(world_text(json_array_get(items, 1), "key"), "max_line");
	world_free(w);
}

/* ---- links ---- */

static void a_session_on_demand_waits_for_the_first_request(void **state)
{
	struct link_config config = world_link_config("default");
	struct world_program *p;
	struct world_link *l;
	struct world *w;
	json_t *line;

	(void)state;
	config.on_demand = true;
	w = world_with(WORLD_SCRIPTED, 1, &config, &l);
	p = world_connect(w);
	world_advance(w, 60000);
	assert_false(l->wants_open);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_settle(w);
	world_expect_member(p, "session", "state", "idle");
	assert_false(l->wants_open);
	world_send(p, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.a\"}");
	world_settle(w);
	world_expect_member(p, "session", "state", "connecting");
	line = world_expect_member(p, "error", "code", "not_joined");
	assert_string_equal(world_text(line, "state"), "connecting");
	assert_true(json_is_true(json_object_get(line, "retry")));
	assert_true(l->wants_open);
	world_welcome(l);
	world_expect_member(p, "session", "state", "joined");
	world_free(w);
}

static void a_session_gives_up_after_its_attempts_and_is_armed_again(void **state)
{
	struct link_config config = world_link_config("default");
	struct world_program *p;
	struct world_link *l;
	struct world *w;
	json_t *line;

	(void)state;
	config.max_reconnection_attempts = 2;
	w = world_with(WORLD_SCRIPTED, 1, &config, &l);
	l->down = true;
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_advance(w, 120000);
	line = world_expect_state(p, "failed");
	assert_int_equal(world_number(line, "attempt"), 3);
	assert_null(json_object_get(line, "retry_in_ms"));
	assert_true(hub_link_has_given_up(l->link));
	world_send(p, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.a\"}");
	world_settle(w);
	line = world_expect_member(p, "error", "code", "session_failed");
	assert_true(json_is_false(json_object_get(line, "retry")));
	l->down = false;
	hub_rearm(w->hub);
	world_settle(w);
	world_welcome(l);
	world_expect_state(p, "joined");
	assert_false(hub_link_has_given_up(l->link));
	world_free(w);
}

static void a_session_is_armed_again_when_its_transport_has_ended(void **state)
{
	struct link_config config = world_link_config("default");
	struct world_link *l;
	struct link *link;
	struct world *w;

	(void)state;
	config.max_reconnection_attempts = 0;
	w = world_with(WORLD_SCRIPTED, 1, &config, &l);
	hub_link_opened(l->link);
	l->wants_open = false;
	l->is_open = true;
	/* refused, and the transport takes its time to close */
	hub_link_frame(l->link, SLICE("[3,{},\"wamp.error.no_such_realm\"]"));
	assert_true(hub_link_has_given_up(l->link));
	assert_int_equal(hub_next_wish(w->hub, &link), HUB_WISH_CLOSE);
	hub_rearm(w->hub);
	assert_false(hub_link_has_given_up(l->link));
	assert_int_equal(hub_next_wish(w->hub, &link), 0);
	/* only when it is over the next one is wished for */
	hub_link_over(l->link, HUB_OVER_TRANSPORT, "closed");
	l->is_open = false;
	world_settle(w);
	assert_true(l->wants_open);
	world_welcome(l);
	world_free(w);
}

static void what_a_router_says_is_cut(void **state)
{
	struct link_config config = world_link_config("default");
	struct world_program *p;
	struct world_link *l;
	char message[3001];
	struct world *w;
	json_t *line;

	(void)state;
	w = world_with(WORLD_SCRIPTED, 1, &config, &l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	world_open(l);
	json_decref(world_sent(l));
	world_reply(l, "[3,{\"message\":\"%s\xc3\xa9\"},\"wamp.error.%s\"]", message, message);
	line = world_expect_state(p, "connecting");
	while (!json_object_get(line, "reason"))
		line = world_expect_state(p, "connecting");
	assert_int_equal(strlen(world_text(line, "message")), 512);
	assert_int_equal(strlen(world_text(line, "reason")), 256);
	world_free(w);
}

static void a_timeout_is_told_to_the_router_in_its_unit(void **state)
{
	static const struct {
		enum link_forward forward;
		const char *options;
	} rows[] = {
		{LINK_FORWARD_OFF, "{}"},
		{LINK_FORWARD_MS, "{\"timeout\":1500}"},
		{LINK_FORWARD_S, "{\"timeout\":2}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link_config config = world_link_config("default");
		struct world_program *p;
		struct world_link *l;
		struct world *w;
		json_t *frame;
		char *dump;

		config.forward_timeout = rows[i].forward;
		w = world_with(WORLD_SCRIPTED, 1, &config, &l);
		world_welcome(l);
		p = world_connect(w);
		world_send(p,
			   "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.a\",\"timeout\":1500}");
		world_settle(w);
		frame = world_sent(l);
		dump = json_dumps(json_array_get(frame, 2), JSON_COMPACT);
		assert_string_equal(dump, rows[i].options);
		free(dump);
		json_decref(frame);
		world_free(w);
	}
}

static void a_certificate_is_not_tried_again_and_again_though_the_router_is_near(void **state)
{
	struct link_config config = world_link_config("default");
	struct world_program *p;
	struct world_link *l;
	struct world *w;
	json_t *line;

	(void)state;
	config.is_near = true;
	w = world_with(WORLD_SCRIPTED, 1, &config, &l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_settle(w);
	hub_link_over(l->link, HUB_OVER_TLS, "certificate has expired");
	l->wants_open = false;
	world_settle(w);
	world_expect_member(p, "session", "state", "connecting");
	line = world_expect_member(p, "session", "reason", "wampbridge.error.tls");
	assert_string_equal(world_text(line, "state"), "connecting");
	assert_true(world_number(line, "retry_in_ms") >= 4000);
	hub_link_over(l->link, HUB_OVER_SECRET, "x");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_places_are_for_administrators),
		cmocka_unit_test(one_user_cannot_take_all_places),
		cmocka_unit_test(a_user_that_connects_in_a_loop_is_told_once_a_second),
		cmocka_unit_test(new_work_of_a_user_that_holds_too_much_is_refused),
		cmocka_unit_test(the_biggest_queue_of_a_user_is_cut_first),
		cmocka_unit_test(who_leaves_without_reading_is_ended_when_its_user_holds_too_much),
		cmocka_unit_test(who_is_cut_off_holds_no_procedure_any_more),
		cmocka_unit_test(a_half_closed_program_that_is_cut_off_is_told_so),
		cmocka_unit_test(a_list_that_no_line_can_hold_is_work_all_the_same),
		cmocka_unit_test(rows_that_are_looked_at_and_not_shown_are_work_too),
		cmocka_unit_test(watches_are_charged_for_the_lines_that_they_cause),
		cmocka_unit_test(a_line_that_is_never_ended_is_charged_too),
		cmocka_unit_test(limits_can_change_while_programs_are_connected),
		cmocka_unit_test(a_user_has_its_share_of_a_turn_unless_it_is_alone),
		cmocka_unit_test(who_holds_much_is_read_little_at_a_time),
		cmocka_unit_test(the_configuration_is_listed_for_administrators),
		cmocka_unit_test(a_session_on_demand_waits_for_the_first_request),
		cmocka_unit_test(a_session_gives_up_after_its_attempts_and_is_armed_again),
		cmocka_unit_test(a_session_is_armed_again_when_its_transport_has_ended),
		cmocka_unit_test(what_a_router_says_is_cut),
		cmocka_unit_test(a_timeout_is_told_to_the_router_in_its_unit),
		cmocka_unit_test(
			a_certificate_is_not_tried_again_and_again_though_the_router_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
