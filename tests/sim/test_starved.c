/* SPDX-License-Identifier: MIT */

/*
 * Without memory: the Nth allocation of a whole scene fails, and all behind it
 *
 * Two programs, the hub and the embedded router, wired as the daemon wires
 * them. Whatever is lost then must be lost in order: nothing crashes, nothing
 * leaks, invariants hold, no line is half a line, no request is answered twice,
 * and when there is memory again newcomers are served as ever.
 */

#include "scene.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* More allocations than the scene makes; the test finds the number by itself. */
#define SCENE_MAX_ALLOCATIONS 5000

static unsigned n_answers[SCENE_PROGRAMS][10]; /* terminal replies by id */

static const struct hub_config scene_hub = {
	.limits =
		{
			.peer =
				{
					.max_line = 65536,
					.max_inflight = 100,
					.max_registrations = 100,
					.max_subscriptions = 100,
					.subscription_queue = 10,
					.output_soft_limit = 65536,
					.output_hard_limit = 1 << 20,
					.bad_lines = 16,
				},
			.max_connections = 10,
			.max_connections_per_user = 10,
			.user_memory = 64 << 20,
			.stall_timeout_ms = 60000,
		},
	.shutdown_timeout_ms = 1000,
	.server = "test",
	.default_session = "default",
};

static const struct link_config scene_link = {
	.name = "default",
	.url = "embedded:",
	.realm = "realm1",
	.agent = "test",
	.embedded = true,
	.is_near = true,
	.connection_timeout_ms = 1000,
	.registration_timeout_ms = 1000,
	.reconnect_delay_ms = 100,
	.reconnect_max_delay_ms = 200,
	.reconnect_growth = 1,
	.max_reconnection_attempts = UINT64_MAX,
	.shutdown_timeout_ms = 1000,
	.max_message_size = 1 << 20,
};

static void on_line(struct scene *s, int who, struct slice line)
{
	static const char *const answers[] = {"ok", "result", "error", "pong"};
	char op[16], head[64];
	int id;

	(void)s;
	snprintf(head, sizeof(head), "%.*s", SLICE_ARG(line));
	if (sscanf(head, "{\"op\":\"%15[a-z]\",\"id\":%d", op, &id) != 2)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (strcmp(op, answers[i]) == 0 && id >= 0 && id < 10)
			n_answers[who][id]++;
}

/* ---- the scene ---- */

static void begin(struct scene *s)
{
	s->on_line = on_line;
	memset(n_answers, 0, sizeof(n_answers));
	scene_begin(s, &scene_hub, &scene_link);
}

static void scene_send(struct scene *s, int who, const char *lines)
{
	scene_say(s, who, slice_of(lines));
}

static void scene_play(struct scene *s)
{
	scene_connect(s, 0);
	scene_connect(s, 1);
	scene_send(s, 0,
		   "{\"op\":\"hello\",\"id\":0,\"name\":\"callee\"}\n"
		   "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}\n"
		   "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.example.t\"}\n"
		   "{\"op\":\"watch\",\"id\":3}\n");
	scene_send(s, 1,
		   "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\",\"args\":[1],"
		   "\"timeout\":900}\n"
		   "{\"op\":\"call\",\"id\":2,\"procedure\":\"com.example.p\",\"timeout\":100}\n"
		   "{\"op\":\"publish\",\"id\":3,\"topic\":\"com.example.t\",\"ack\":true}\n"
		   "{\"op\":\"publish\",\"topic\":\"com.example.t\",\"kwargs\":{\"a\":1}}\n"
		   "{\"op\":\"subscribe\",\"id\":4,\"topic\":\"com.example.t\"}\n");
	scene_send(s, 0,
		   "{\"op\":\"result\",\"inv\":1,\"args\":[\"a \\u0041\"]}\n"
		   "{\"op\":\"publish\",\"id\":4,\"topic\":\"com.example.t\",\"ack\":true}\n"
		   "{\"op\":\"list\",\"id\":5,\"what\":\"clients\"}\n"
		   "no json\n{\"op\":\"status\",\"id\":6}\n{\"op\":\"pi");
	scene_send(s, 0, "ng\",\"id\":7}\n");
	scene_advance(s, 150);
	/* the session is lost and comes back */
	scene_cut(s);
	scene_advance(s, 500);
	scene_send(s, 1,
		   "{\"op\":\"call\",\"id\":5,\"procedure\":\"com.example.p\",\"timeout\":900}\n"
		   "{\"op\":\"unsubscribe\",\"id\":6,\"subscription\":4}\n");
	scene_send(s, 0,
		   "{\"op\":\"error\",\"inv\":3,\"uri\":\"com.example.no\"}\n"
		   "{\"op\":\"unregister\",\"id\":8,\"registration\":1}\n");
	scene_send(s, 1, "{\"op\":\"list\",\"id\":7,\"what\":\"subscriptions\"}\n");
	scene_send(s, 1, "{\"op\":\"list\",\"id\":8,\"what\":\"calls\"}\n");
	scene_advance(s, 2000);
}

/* Newcomers find everything as it should be. */
static void scene_check_service(struct scene *s)
{
	scene_leave(s, 0);
	scene_leave(s, 1);
	scene_settle(s);
	for (int i = 0; i < 20; i++)
		scene_advance(s, 1000);
	memset(n_answers, 0, sizeof(n_answers));
	scene_connect(s, 2);
	assert_non_null(s->programs[2]);
	scene_send(s, 2,
		   "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}\n"
		   "{\"op\":\"call\",\"id\":2,\"procedure\":\"com.example.p\"}\n");
	scene_send(s, 2, "{\"op\":\"result\",\"inv\":1}\n");
	assert_int_equal(n_answers[2][1], 1);
	assert_int_equal(n_answers[2][2], 1);
}

static void nothing_is_answered_twice(void)
{
	for (int who = 0; who < SCENE_PROGRAMS; who++)
		for (int id = 0; id < 10; id++)
			if (n_answers[who][id] > 1)
				fail_msg("program %d, id %d: %u answers", who, id,
					 n_answers[who][id]);
}

/* What the scene asks for, by program and id. */
static const bool scene_asks[2][10] = {{1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1, 1}};

/* Whoever still has its connection has all its answers. */
static void everything_is_answered(const struct scene *s)
{
	for (int who = 0; who < 2; who++)
		for (int id = 0; s->programs[who] && id < 10; id++)
			if (n_answers[who][id] != scene_asks[who][id])
				fail_msg("program %d, id %d: %u answers", who, id,
					 n_answers[who][id]);
}

static void scene_ends_well(struct scene *s)
{
	nothing_is_answered_twice();
	scene_check_service(s);
	scene_end(s);
}

/* The nth allocation fails; whether there was one. */
static bool starve_once(long n)
{
	struct scene s;
	bool happened;

	begin(&s);
	(void)mem_fail_once_after(n);
	scene_play(&s);
	happened = mem_fail_once_after(-1);
	everything_is_answered(&s);
	scene_ends_well(&s);
	return happened;
}

/* The nth allocation fails, and all behind it until the scene is over. */
static void starve_from(long n)
{
	struct scene s;

	begin(&s);
	mem_fail_after(n);
	scene_play(&s);
	mem_fail_after(-1);
	scene_ends_well(&s);
}

static void any_allocation_of_a_scene_may_fail(void **state)
{
	long n = 0;

	(void)state;
	while (starve_once(n) && n < SCENE_MAX_ALLOCATIONS)
		n++;
	assert_in_range(n, 50, SCENE_MAX_ALLOCATIONS - 1);
	while (n >= 0)
		starve_from(n--);
}

/* What the program says of itself is kept, or it is told that it is not. */
static bool starve_hello(long n)
{
	struct scene s;
	bool happened;

	begin(&s);
	scene_connect(&s, 0);
	(void)mem_fail_once_after(n);
	scene_send(&s, 0, "{\"op\":\"hello\",\"id\":1,\"name\":\"me\",\"session\":\"default\"}\n");
	happened = mem_fail_once_after(-1);
	if (s.programs[0]) {
		assert_string_equal(s.programs[0]->name, "me");
		assert_string_equal(s.programs[0]->session, "default");
	}
	nothing_is_answered_twice();
	scene_end(&s);
	return happened;
}

static void a_hello_without_memory_is_no_other_hello(void **state)
{
	long n = 0;

	(void)state;
	while (starve_hello(n))
		n++;
	assert_in_range(n, 2, 100);
}

static unsigned n_events;

static void on_event(struct scene *s, int who, struct slice line)
{
	(void)s;
	if (who == 0 && (slice_starts_with(line, SLICE("{\"op\":\"event\"")) ||
			 slice_starts_with(line, SLICE("{\"op\":\"gap\""))))
		n_events++;
}

/* As a message of a router: a publisher in this process would be told of its failure. */
static bool starve_event(long n)
{
	struct link_config link = scene_link;
	struct scene s;
	bool happened;

	n_events = 0;
	s.on_line = on_event;
	link.embedded = false;
	scene_begin(&s, &scene_hub, &link);
	hub_link_frame(s.link, SLICE("[2,1,{\"roles\":{\"broker\":{},\"dealer\":{}}}]"));
	scene_connect(&s, 0);
	scene_send(&s, 0, "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.example.t\"}\n");
	hub_link_frame(s.link, SLICE("[33,1,77]"));
	scene_settle(&s);
	(void)mem_fail_once_after(n);
	hub_link_frame(s.link, SLICE("[36,77,5,{},[1]]"));
	scene_settle(&s);
	happened = mem_fail_once_after(-1);
	if (s.programs[0])
		assert_int_equal(n_events, 1);
	scene_end(&s);
	return happened;
}

static void an_event_without_memory_is_a_gap(void **state)
{
	long n = 0;

	(void)state;
	while (starve_event(n))
		n++;
	assert_in_range(n, 1, 100);
}

static void with_memory_everything_is_answered_once(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	scene_play(&s);
	assert_non_null(s.programs[0]);
	assert_non_null(s.programs[1]);
	everything_is_answered(&s);
	scene_check_service(&s);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_memory_everything_is_answered_once),
		cmocka_unit_test(any_allocation_of_a_scene_may_fail),
		cmocka_unit_test(a_hello_without_memory_is_no_other_hello),
		cmocka_unit_test(an_event_without_memory_is_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
