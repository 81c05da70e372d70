/* SPDX-License-Identifier: MIT */

/*
 * The hub in the simulated world: what programs see while routers come and go
 */

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int frame_type(json_t *frame)
{
	return (int)json_integer_value(json_array_get(frame, 0));
}

static long long frame_request(json_t *frame)
{
	return (long long)json_integer_value(json_array_get(frame, 1));
}

/* ---- on the embedded router ---- */

static void a_program_is_greeted_with_its_sessions(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 1, NULL, NULL);
	struct world_program *p = world_connect(w);
	json_t *greet = world_expect(p, "greet");

	(void)state;
	assert_string_equal(world_text(json_object_get(greet, "sessions"), "default"), "joined");
	assert_string_equal(world_text(greet, "default_session"), "default");
	world_free(w);
}

static void without_a_default_session_a_request_must_name_one(void **state)
{
	struct link_config first = world_link_config("default"), plant = world_link_config("plant");
	struct hub_config config = world_hub_config();
	struct world_program *p, *named;
	struct world *w;
	json_t *line;

	(void)state;
	config.default_session = NULL;
	w = world_new(2, &config);
	world_add_link(w, WORLD_EMBEDDED, &first);
	world_add_link(w, WORLD_EMBEDDED, &plant);
	world_start(w);
	p = world_connect(w);
	assert_null(json_object_get(world_expect(p, "greet"), "default_session"));
	for (size_t i = 0; i < 5; i++) {
		static const char *const requests[] = {
			"{\"op\":\"call\",\"id\":1,\"procedure\":\"a.b\"}",
			"{\"op\":\"register\",\"id\":1,\"procedure\":\"a.b\"}",
			"{\"op\":\"subscribe\",\"id\":1,\"topic\":\"a.b\"}",
			"{\"op\":\"publish\",\"id\":1,\"topic\":\"a.b\"}",
			"{\"op\":\"watch\",\"id\":1}",
		};

		world_send(p, "%s", requests[i]);
		world_settle(w);
		line = world_expect_member(p, "error", "code", "no_such_session");
		assert_string_equal(world_text(line, "message"),
				    "the request names no session, and there is no default; there "
				    "are: default, plant");
	}
	world_send(p, "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"a.b\",\"session\":\"plant\"}");
	world_settle(w);
	world_expect(p, "ok");
	/* hello names it for all that follows */
	named = world_connect(w);
	world_send(named, "{\"op\":\"hello\",\"session\":\"plant\"}");
	world_send(named, "{\"op\":\"register\",\"id\":2,\"procedure\":\"a.b\"}");
	world_settle(w);
	world_expect(named, "ok");
	world_free(w);
}

static void a_call_reaches_the_callee_and_its_result_the_caller(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 2, NULL, NULL);
	struct world_program *callee = world_connect(w), *caller = world_connect(w);
	json_t *line;
	char *dump;

	(void)state;
	world_send(callee, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.add\"}");
	world_settle(w);
	world_expect_member(callee, "ok", "state", "active");
	world_send(caller, "{\"op\":\"call\",\"id\":7,\"procedure\":\"com.example.add\","
			   "\"args\":[ 0.1 , -0 ],\"kwargs\":{\"b\":1,\"a\":2}}");
	world_settle(w);
	line = world_expect_member(callee, "invocation", "registration", "r");
	dump = json_dumps(json_object_get(line, "kwargs"), JSON_COMPACT);
	assert_string_equal(dump, "{\"b\":1,\"a\":2}");
	free(dump);
	world_send(callee, "{\"op\":\"result\",\"inv\":1,\"args\":[3]}");
	world_settle(w);
	line = world_expect(caller, "result");
	assert_int_equal(world_number(line, "id"), 7);
	world_free(w);
}

static void an_error_of_the_callee_keeps_uri_message_and_kwargs(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 3, NULL, NULL);
	struct world_program *callee = world_connect(w), *caller = world_connect(w);
	json_t *line;

	(void)state;
	world_send(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.user\"}");
	world_settle(w);
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.user\"}");
	world_settle(w);
	world_send(callee, "{\"op\":\"error\",\"inv\":1,\"uri\":\"com.example.error.not_found\","
			   "\"message\":\"no user 99\",\"kwargs\":{\"id\":99}}");
	world_settle(w);
	line = world_expect_member(caller, "error", "code", "app");
	assert_string_equal(world_text(line, "uri"), "com.example.error.not_found");
	assert_string_equal(world_text(line, "message"), "no user 99");
	assert_string_equal(world_text(line, "origin"), "peer");
	assert_int_equal(world_number(json_object_get(line, "kwargs"), "id"), 99);
	world_free(w);
}

static void a_procedure_nobody_has_is_told_by_the_router(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 4, NULL, NULL);
	struct world_program *p = world_connect(w);

	(void)state;
	world_send(p, "{\"op\":\"call\",\"id\":3,\"procedure\":\"com.example.nope\"}");
	world_settle(w);
	world_expect_member(p, "error", "message",
			    "no callee registered for procedure <com.example.nope>");
	world_free(w);
}

static void a_publication_reaches_others_but_not_its_own_program(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 5, NULL, NULL);
	struct world_program *a = world_connect(w), *b = world_connect(w);

	(void)state;
	world_send(a, "{\"op\":\"subscribe\",\"id\":\"t\",\"topic\":\"com.example.temp\"}");
	world_send(b, "{\"op\":\"subscribe\",\"id\":\"t\",\"topic\":\"com.example.temp\"}");
	world_settle(w);
	world_drop_lines(a);
	world_drop_lines(b);
	world_send(a, "{\"op\":\"publish\",\"topic\":\"com.example.temp\",\"args\":[1]}");
	world_settle(w);
	world_expect_member(b, "event", "topic", "com.example.temp");
	assert_int_equal(world_count_lines(a), 0);
	world_send(a, "{\"op\":\"publish\",\"topic\":\"com.example.temp\",\"exclude_me\":false}");
	world_settle(w);
	world_expect(a, "event");
	world_expect(b, "event");
	world_free(w);
}

static void a_half_closed_program_gets_its_result_and_is_closed(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 6, NULL, NULL);
	struct world_program *callee = world_connect(w), *caller = world_connect(w);

	(void)state;
	world_send(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_half_close(caller);
	assert_false(caller->closed);
	world_send(callee, "{\"op\":\"result\",\"inv\":1}");
	world_settle(w);
	world_expect(caller, "result");
	assert_true(caller->closed);
	world_free(w);
}

static void a_callee_that_leaves_cancels_its_callers(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 7, NULL, NULL);
	struct world_program *callee = world_connect(w), *caller = world_connect(w);

	(void)state;
	world_send(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_disconnect(callee);
	world_expect_member(caller, "error", "code", "canceled");
	world_free(w);
}

static void a_call_times_out_in_the_daemon_and_its_late_answer_is_ignored(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 8, NULL, NULL);
	struct world_program *callee = world_connect(w), *caller = world_connect(w);

	(void)state;
	world_send(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_send(caller,
		   "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\",\"timeout\":300}");
	world_advance(w, 299);
	world_expect(caller, "greet");
	assert_int_equal(world_count_lines(caller), 0);
	world_advance(w, 1);
	world_expect_member(caller, "error", "code", "timeout");
	world_send(callee, "{\"op\":\"result\",\"inv\":1}");
	world_settle(w);
	assert_int_equal(world_count_lines(caller), 0);
	world_free(w);
}

static void a_program_that_does_not_read_loses_the_oldest_events_with_a_gap(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 9, NULL, NULL);
	struct world_program *slow = world_connect(w), *p = world_connect(w);
	char big[2001];
	int64_t dropped, events = 0;
	json_t *line;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	world_send(slow, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.example.t\"}");
	world_settle(w);
	world_drop_lines(slow);
	slow->reads = false;
	for (int i = 0; i < 3000; i++) {
		world_send(p,
			   "{\"op\":\"publish\",\"topic\":\"com.example.t\",\"args\":[%d,\"%s\"]}",
			   i, big);
		world_settle(w);
	}
	assert_true(slow->peer->n_undrained < (256 << 10) + 4096);
	slow->reads = true;
	world_settle(w);
	while ((line = world_take(slow)) && strcmp(world_text(line, "op"), "event") == 0)
		events++;
	assert_non_null(line);
	assert_string_equal(world_text(line, "reason"), "overflow");
	dropped = world_number(line, "dropped");
	while ((line = world_take(slow)))
		events++;
	assert_int_equal(events + dropped, 3000);
	world_free(w);
}

static void a_bad_line_is_answered_and_the_sixteenth_in_a_row_ends_the_connection(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 10, NULL, NULL);
	struct world_program *p = world_connect(w);

	(void)state;
	for (int i = 0; i < 15; i++)
		world_send(p, "{oops");
	world_settle(w);
	world_send(p, "{\"op\":\"ping\",\"id\":1}");
	world_settle(w);
	world_expect(p, "pong");
	for (int i = 0; i < 16; i++)
		world_send(p, "{oops");
	world_settle(w);
	world_expect_member(p, "bye", "code", "protocol_error");
	assert_true(p->closed);
	world_free(w);
}

/* ---- answers that a router owes ---- */

static void an_event_before_published_waits_and_is_kept_from_its_own_program(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 20, NULL, &l);
	struct world_program *a, *b;

	(void)state;
	world_welcome(l);
	a = world_connect(w);
	b = world_connect(w);
	world_send(a, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.example.t\"}");
	world_send(b, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.example.t\"}");
	world_settle(w);
	json_decref(world_sent(l));
	assert_null(world_sent(l)); /* one SUBSCRIBE for two programs */
	world_reply(l, "[33,1,77]");
	world_drop_lines(a);
	world_drop_lines(b);
	world_send(a, "{\"op\":\"publish\",\"topic\":\"com.example.t\",\"args\":[1]}");
	world_settle(w);
	json_decref(world_sent(l));
	world_reply(l, "[36,77,501,{},[1]]");
	world_reply(l, "[36,77,502,{},[2]]");
	assert_int_equal(world_count_lines(a), 0);
	assert_int_equal(world_count_lines(b), 2);
	world_reply(l, "[17,2,501]");
	assert_int_equal(world_number(world_expect(a, "event"), "publication"), 502);
	assert_int_equal(world_count_lines(a), 0);
	world_free(w);
}

static void a_hold_ends_after_a_second_without_published(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 21, NULL, &l);
	struct world_program *a, *b;

	(void)state;
	world_welcome(l);
	a = world_connect(w);
	b = world_connect(w);
	world_send(a, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.example.t\"}");
	world_send(b, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.example.t\"}");
	world_settle(w);
	world_reply(l, "[33,1,77]");
	world_drop_lines(a);
	world_send(a, "{\"op\":\"publish\",\"topic\":\"com.example.t\"}");
	world_settle(w);
	world_reply(l, "[36,77,9,{}]");
	world_advance(w, 999);
	assert_int_equal(world_count_lines(a), 0);
	world_advance(w, 2);
	world_expect(a, "event");
	world_free(w);
}

static void an_undecodable_payload_is_answered_as_the_protocol_says(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 22, NULL, &l);
	struct world_program *p;
	json_t *frame;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.p\"}");
	world_send(p, "{\"op\":\"subscribe\",\"id\":\"s\",\"topic\":\"com.example.t\"}");
	world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.q\"}");
	world_settle(w);
	world_reply(l, "[65,1,11]");
	world_reply(l, "[33,2,12]");
	for (int i = 0; i < 3; i++)
		json_decref(world_sent(l));
	world_drop_lines(p);
	world_reply(l, "[68,1,11,{},[NaN]]");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_ERROR);
	assert_string_equal(json_string_value(json_array_get(frame, 4)),
			    "wamp.error.invalid_payload");
	json_decref(frame);
	world_reply(l, "[36,12,1,{},[\"\xff\"]]");
	world_expect_member(p, "gap", "reason", "undecodable");
	world_reply(l, "[50,3,{},[NaN]]");
	world_expect_member(p, "error", "uri", "wamp.error.invalid_payload");
	world_free(w);
}

static void answers_for_unknown_ids_change_nothing(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 23, NULL, &l);
	struct world_program *p;
	static const char *const frames[] = {
		"[50,99,{}]",
		"[8,48,99,{},\"com.e\"]",
		"[65,99,1]",
		"[33,99,1]",
		"[36,99,1,{}]",
		"[17,99,1]",
		"[67,99]",
		"[35,99]",
		"[67,0,{\"registration\":5}]",
		"[69,99,{}]",
		"[35,0,{}]",
		"[300,1]",
	};

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_expect(p, "greet");
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		world_reply(l, "%s", frames[i]);
	/* A REGISTERED that nobody asked for is nobody's. */
	assert_null(world_sent(l));
	assert_int_equal(world_count_lines(p), 0);
	world_reply(l, "[68,5,99,{}]");
	json_decref(world_sent(l));
	world_send(p, "{\"op\":\"ping\",\"id\":1}");
	world_settle(w);
	world_expect(p, "pong");
	world_free(w);
}

static void a_register_without_answer_times_out_and_a_late_one_is_given_back(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 24, NULL, &l);
	struct world_program *p;
	json_t *frame;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	json_decref(world_sent(l));
	world_advance(w, 10000);
	world_expect_member(p, "error", "code", "timeout");
	world_reply(l, "[65,1,11]");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_UNREGISTER);
	assert_int_equal(frame_request(frame), 2);
	json_decref(frame);
	world_free(w);
}

static void a_timed_out_register_that_is_taken_makes_the_session_join_anew(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 25, NULL, &l);
	struct world_program *p;
	json_t *frame;

	(void)state;
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_welcome(l);
	json_decref(world_sent(l));
	world_advance(w, 10500);
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_REGISTER);
	world_reply(l, "[8,64,2,{},\"wamp.error.procedure_already_exists\"]");
	json_decref(frame);
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_GOODBYE);
	json_decref(frame);
	world_reply(l, "[6,{},\"wamp.close.goodbye_and_out\"]");
	world_settle(w);
	assert_true(l->wants_open);
	world_free(w);
}

/* ---- routers that go and come ---- */

static void a_router_that_is_down_at_start_is_joined_when_it_comes(void **state)
{
	struct world *w = world_new(30, NULL);
	struct link_config config = world_link_config("default");
	struct world_link *l = world_add_link(w, WORLD_FAR, &config);
	struct world_program *p;
	json_t *line;

	(void)state;
	l->down = true;
	world_start(w);
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\",\"session\":\"*\"}");
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.p\"}");
	world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_expect_member(p, "session", "state", "connecting");
	world_expect_member(p, "ok", "state", "pending");
	line = world_expect_member(p, "error", "code", "not_joined");
	assert_true(json_is_true(json_object_get(line, "retry")));
	l->down = false;
	world_advance(w, 1000);
	world_expect_member(p, "session", "state", "joined");
	world_expect_member(p, "state", "state", "active");
	world_free(w);
}

static void a_lost_session_is_told_in_order_and_everything_comes_back(void **state)
{
	static const char *const order[] = {
		"session lost",	  "error session_lost", "state pending", "state pending",
		"session joined", "state active",	"state active",	 "gap session_lost",
	};
	struct world_link *l;
	struct world *w = world_with(WORLD_FAR, 31, NULL, &l);
	struct world_program *p;
	json_t *line;
	size_t i = 0;

	(void)state;
	world_advance(w, 2000);
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.p\"}");
	world_send(p, "{\"op\":\"subscribe\",\"id\":\"t\",\"topic\":\"com.example.t\"}");
	world_advance(w, 10);
	world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.p\"}");
	world_advance(w, 10);
	world_drop_lines(p);
	world_restart_router(l);
	world_cut(l, "connection reset by peer");
	world_advance(w, 100);
	while ((line = world_take(p))) {
		char text[64];
		const char *op = world_text(line, "op");
		const char *what = world_text(line, "state") ?: world_text(line, "code");

		if (strcmp(op, "interrupt") == 0)
			continue;
		snprintf(text, sizeof(text), "%s %s", op, what ?: world_text(line, "reason"));
		assert_true(i < sizeof(order) / sizeof(*order));
		assert_string_equal(text, order[i]);
		i++;
	}
	assert_int_equal(i, sizeof(order) / sizeof(*order));
	world_free(w);
}

static void a_thousand_registrations_come_back_in_order_at_most_32_unanswered(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 32, NULL, &l);
	struct world_program *p;
	json_t *frame;
	int n = 0, open = 0;

	(void)state;
	p = world_connect(w);
	for (int i = 0; i < 1000; i++)
		world_send(p, "{\"op\":\"register\",\"id\":%d,\"procedure\":\"com.example.p%d\"}",
			   i, i);
	world_welcome(l);
	while ((frame = world_sent(l))) {
		char uri[64];

		snprintf(uri, sizeof(uri), "com.example.p%d", n);
		assert_string_equal(json_string_value(json_array_get(frame, 3)), uri);
		assert_int_equal(frame_request(frame), n + 1);
		json_decref(frame);
		n++;
		open++;
		assert_true(open <= 32);
		if (open == 32 || n == 1000) {
			for (; open; open--)
				world_reply(l, "[65,%d,%d]", n - open + 1, 5000 + n - open);
		}
	}
	assert_int_equal(n, 1000);
	world_free(w);
}

static void a_router_that_answers_no_register_does_not_silence_callers(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 39, NULL, &l);
	struct world_program *p, *caller;
	json_t *frame;

	(void)state;
	p = world_connect(w);
	caller = world_connect(w);
	for (int i = 0; i < 40; i++)
		world_send(p, "{\"op\":\"register\",\"id\":%d,\"procedure\":\"com.example.p%d\"}",
			   i, i);
	world_welcome(l);
	for (int i = 0; i < 32; i++)
		json_decref(world_sent(l));
	/* others do not wait for what one program asks for */
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.q\"}");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_CALL);
	json_decref(frame);
	world_reply(l, "[50,33,{}]");
	world_expect(caller, "result");
	/* and itself only a while */
	world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.q\"}");
	assert_null(world_sent(l));
	world_advance(w, 2000);
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_CALL);
	json_decref(frame);
	world_reply(l, "[50,34,{}]");
	world_expect(p, "result");
	world_free(w);
}

static void a_zombie_registration_is_retried_alone_while_the_session_stays(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 33, NULL, &l);
	struct world_program *p;
	json_t *frame, *line;

	(void)state;
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.p\"}");
	world_welcome(l);
	json_decref(world_sent(l));
	world_reply(l, "[8,64,1,{},\"wamp.error.procedure_already_exists\"]");
	line = world_expect_member(p, "state", "state", "failed");
	assert_string_equal(world_text(json_object_get(line, "error"), "code"),
			    "procedure_already_exists");
	assert_true(world_number(json_object_get(line, "error"), "retry_in_ms") >= 200);
	world_advance(w, 310);
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_REGISTER);
	json_decref(frame);
	world_reply(l, "[65,2,12]");
	world_expect_member(p, "state", "state", "active");
	world_free(w);
}

static void the_delay_grows_with_jitter_up_to_its_maximum(void **state)
{
	struct link_config config = world_link_config("default");
	struct world *w = world_new(34, NULL);
	struct world_link *l;
	struct world_program *p;
	double expected = 250;
	json_t *line;

	(void)state;
	config.reconnect_max_delay_ms = 2000;
	l = world_add_link(w, WORLD_FAR, &config);
	l->down = true;
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_settle(w);
	world_expect(p, "session");
	world_start(w);
	for (int i = 1; i <= 12; i++) {
		int64_t delay;

		line = world_expect_member(p, "session", "state", "connecting");
		delay = world_number(line, "retry_in_ms");
		assert_int_equal(world_number(line, "attempt"), i);
		assert_true((double)delay >= expected * 0.79 && (double)delay <= expected * 1.21);
		expected = expected * 1.5 < 2000 ? expected * 1.5 : 2000;
		world_advance(w, (uint64_t)delay);
	}
	world_free(w);
}

static void a_refusal_is_told_and_tried_again_slowly(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 35, NULL, &l);
	struct world_program *p = world_connect(w);
	json_t *line;

	(void)state;
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_open(l);
	json_decref(world_sent(l));
	world_reply(l,
		    "[3,{\"message\":\"no realm \\\"realm1\\\"\"},\"wamp.error.no_such_realm\"]");
	line = world_expect_member(p, "session", "state", "connecting");
	line = world_expect_member(p, "session", "state", "failed");
	assert_string_equal(world_text(line, "message"), "no realm \"realm1\"");
	assert_true(world_number(line, "retry_in_ms") >= 4000);
	world_free(w);
}

static void a_goodbye_of_the_router_is_answered_and_followed_by_a_new_attempt(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 36, NULL, &l);
	struct world_program *p = world_connect(w);
	json_t *frame;

	(void)state;
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_welcome(l);
	world_reply(l, "[6,{},\"wamp.close.system_shutdown\"]");
	world_expect_member(p, "session", "state", "connecting");
	world_expect_member(p, "session", "state", "joined");
	world_expect_member(p, "session", "reason", "wamp.close.system_shutdown");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_GOODBYE);
	json_decref(frame);
	world_advance(w, 1000);
	assert_true(l->wants_open);
	world_free(w);
}

static void garbage_from_the_router_ends_the_session_with_an_abort(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 37, NULL, &l);
	json_t *frame;

	(void)state;
	world_welcome(l);
	world_reply(l, "{\"hello\":1}");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_ABORT);
	json_decref(frame);
	world_advance(w, 1000);
	assert_true(l->wants_open);
	world_free(w);
}

static void no_welcome_in_time_is_a_failed_attempt(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 38, NULL, &l);
	struct world_program *p = world_connect(w);

	(void)state;
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_open(l);
	world_advance(w, 10000);
	world_expect_member(p, "session", "state", "connecting");
	world_expect_member(p, "session", "reason", "wampbridge.error.join_timeout");
	world_free(w);
}

/* ---- the end ---- */

static void a_drain_lets_a_running_handler_finish(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_FAR, 40, NULL, &l);
	struct world_program *callee, *caller;

	(void)state;
	world_advance(w, 10);
	callee = world_connect(w);
	caller = world_connect(w);
	world_send(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_advance(w, 10);
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_advance(w, 10);
	hub_drain(w->hub);
	world_advance(w, 1000);
	assert_int_equal(hub_drain_state(w->hub), HUB_DRAINING);
	world_send(caller, "{\"op\":\"call\",\"id\":2,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_expect_member(caller, "error", "code", "shutting_down");
	world_send(callee, "{\"op\":\"result\",\"inv\":1,\"args\":[5]}");
	world_advance(w, 100);
	world_expect(caller, "result");
	world_expect_member(caller, "bye", "code", "shutting_down");
	assert_int_equal(hub_drain_state(w->hub), HUB_DRAIN_OVER);
	world_free(w);
}

static void a_drain_ends_at_its_timeout(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 41, NULL, NULL);
	struct world_program *p = world_connect(w);

	(void)state;
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_send(p, "{\"op\":\"call\",\"id\":2,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	hub_drain(w->hub);
	world_advance(w, 14999);
	assert_int_equal(hub_drain_state(w->hub), HUB_DRAINING);
	world_advance(w, 2000);
	assert_int_equal(hub_drain_state(w->hub), HUB_DRAIN_OVER);
	world_expect_member(p, "error", "code", "session_lost");
	world_expect(p, "bye");
	world_free(w);
}

/* ---- what a review found ---- */

static void a_payload_of_many_mebibytes_is_refused_to_its_caller(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 50, NULL, &l);
	struct world_program *p;
	size_t n = 11u << 20;
	char *big = malloc(n + 1);
	json_t *frame;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	json_decref(world_sent(l));
	world_reply(l, "[65,1,77]");
	memset(big, 'a', n);
	big[n] = 0;
	world_reply(l, "[68,5,77,{},[\"%s\"]]", big);
	free(big);
	frame = world_sent(l);
	assert_string_equal(json_string_value(json_array_get(frame, 4)),
			    "wamp.error.payload_size_exceeded");
	json_decref(frame);
	world_send(p, "{\"op\":\"ping\",\"id\":2}");
	world_settle(w);
	world_expect(p, "pong");
	world_free(w);
}

static void an_acknowledged_publication_is_answered_though_its_topic_is_gone(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 51, NULL, &l);
	struct world_program *a, *b;

	(void)state;
	world_welcome(l);
	a = world_connect(w);
	b = world_connect(w);
	world_send(a, "{\"op\":\"subscribe\",\"id\":\"t\",\"topic\":\"com.example.t\"}");
	world_send(b, "{\"op\":\"subscribe\",\"id\":\"t\",\"topic\":\"com.example.t\"}");
	world_settle(w);
	world_reply(l, "[33,1,77]");
	world_send(a, "{\"op\":\"publish\",\"id\":9,\"topic\":\"com.example.t\",\"ack\":true}");
	world_send(a, "{\"op\":\"unsubscribe\",\"subscription\":\"t\"}");
	world_send(b, "{\"op\":\"unsubscribe\",\"subscription\":\"t\"}");
	world_settle(w);
	world_drop_lines(a);
	/* An EVENT with no publication id is nobody's own. */
	world_reply(l, "[36,77,0,{}]");
	world_reply(l, "[35,3]");
	world_reply(l, "[17,2,500]");
	assert_int_equal(world_number(world_expect(a, "ok"), "publication"), 500);
	world_free(w);
}

static void a_procedure_wanted_again_while_it_is_undone_comes_before_the_call(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 52, NULL, &l);
	struct world_program *p;
	json_t *frame;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	json_decref(world_sent(l));
	world_reply(l, "[65,1,77]");
	world_send(p, "{\"op\":\"unregister\",\"id\":2,\"registration\":1}");
	world_send(p, "{\"op\":\"register\",\"id\":3,\"procedure\":\"com.example.p\"}");
	world_send(p, "{\"op\":\"call\",\"id\":4,\"procedure\":\"com.example.p\"}");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_UNREGISTER);
	json_decref(frame);
	assert_null(world_sent(l));
	world_reply(l, "[67,2]");
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_REGISTER);
	json_decref(frame);
	frame = world_sent(l);
	assert_int_equal(frame_type(frame), WAMP_CALL);
	json_decref(frame);
	world_free(w);
}

static void an_answer_of_the_wrong_kind_is_none(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 53, NULL, &l);
	struct world_program *p;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_drop_lines(p);
	world_reply(l, "[50,1,{}]");
	world_reply(l, "[65,1,0]");
	world_reply(l, "[17,1,5]");
	assert_int_equal(world_count_lines(p), 0);
	world_reply(l, "[65,1,77]");
	world_expect_member(p, "ok", "state", "active");
	world_free(w);
}

static void a_drain_with_many_registrations_does_not_wait_for_its_timeout(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_FAR, 54, NULL, &l);
	struct world_program *p;

	(void)state;
	world_advance(w, 10);
	p = world_connect(w);
	for (int i = 0; i < 100; i++)
		world_send(p, "{\"op\":\"register\",\"id\":%d,\"procedure\":\"com.example.p%d\"}",
			   i, i);
	world_advance(w, 100);
	world_send(p, "{\"op\":\"unregister\",\"id\":\"u\",\"registration\":5}");
	world_settle(w);
	hub_drain(w->hub);
	world_advance(w, 200);
	assert_int_equal(hub_drain_state(w->hub), HUB_DRAIN_OVER);
	world_expect(p, "bye");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_greeted_with_its_sessions),
		cmocka_unit_test(without_a_default_session_a_request_must_name_one),
		cmocka_unit_test(a_call_reaches_the_callee_and_its_result_the_caller),
		cmocka_unit_test(an_error_of_the_callee_keeps_uri_message_and_kwargs),
		cmocka_unit_test(a_procedure_nobody_has_is_told_by_the_router),
		cmocka_unit_test(a_publication_reaches_others_but_not_its_own_program),
		cmocka_unit_test(a_half_closed_program_gets_its_result_and_is_closed),
		cmocka_unit_test(a_callee_that_leaves_cancels_its_callers),
		cmocka_unit_test(a_call_times_out_in_the_daemon_and_its_late_answer_is_ignored),
		cmocka_unit_test(a_program_that_does_not_read_loses_the_oldest_events_with_a_gap),
		cmocka_unit_test(
			a_bad_line_is_answered_and_the_sixteenth_in_a_row_ends_the_connection),
		cmocka_unit_test(an_event_before_published_waits_and_is_kept_from_its_own_program),
		cmocka_unit_test(a_hold_ends_after_a_second_without_published),
		cmocka_unit_test(an_undecodable_payload_is_answered_as_the_protocol_says),
		cmocka_unit_test(answers_for_unknown_ids_change_nothing),
		cmocka_unit_test(a_register_without_answer_times_out_and_a_late_one_is_given_back),
		cmocka_unit_test(a_timed_out_register_that_is_taken_makes_the_session_join_anew),
		cmocka_unit_test(a_router_that_is_down_at_start_is_joined_when_it_comes),
		cmocka_unit_test(a_lost_session_is_told_in_order_and_everything_comes_back),
		cmocka_unit_test(a_thousand_registrations_come_back_in_order_at_most_32_unanswered),
		cmocka_unit_test(a_router_that_answers_no_register_does_not_silence_callers),
		cmocka_unit_test(a_zombie_registration_is_retried_alone_while_the_session_stays),
		cmocka_unit_test(the_delay_grows_with_jitter_up_to_its_maximum),
		cmocka_unit_test(a_refusal_is_told_and_tried_again_slowly),
		cmocka_unit_test(a_goodbye_of_the_router_is_answered_and_followed_by_a_new_attempt),
		cmocka_unit_test(garbage_from_the_router_ends_the_session_with_an_abort),
		cmocka_unit_test(no_welcome_in_time_is_a_failed_attempt),
		cmocka_unit_test(a_drain_lets_a_running_handler_finish),
		cmocka_unit_test(a_drain_ends_at_its_timeout),
		cmocka_unit_test(a_payload_of_many_mebibytes_is_refused_to_its_caller),
		cmocka_unit_test(an_acknowledged_publication_is_answered_though_its_topic_is_gone),
		cmocka_unit_test(a_procedure_wanted_again_while_it_is_undone_comes_before_the_call),
		cmocka_unit_test(an_answer_of_the_wrong_kind_is_none),
		cmocka_unit_test(a_drain_with_many_registrations_does_not_wait_for_its_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
