/* SPDX-License-Identifier: MIT */

/*
 * The embedded router: sessions, registrations and calls in scenarios
 */

#include "router/router.h"

#include "base/mem.h"
#include "test_router_bench.h"

/* ---- sessions ---- */

static void a_session_joins_and_says_goodbye(void **state)
{
	struct wamp_msg msg;
	struct bench b;
	char text[2000];
	size_t to;

	(void)state;
	bench_init(&b, 0);
	attach(&b, 0);
	send_from(&b, 0, "[1,\"a.realm\",{}]");
	assert_true(take(&b, &to, &msg, text, sizeof(text)));
	assert_int_equal(msg.type, WAMP_WELCOME);
	assert_non_null(strstr(text, "\"realm\":\"a.realm\""));
	assert_non_null(strstr(text, "\"broker\":{\"features\":{\"publisher_exclusion\":true"));
	assert_non_null(strstr(text, "\"dealer\":{"));
	send_from(&b, 0, "[6,{},\"wamp.close.close_realm\"]");
	expect_one(&b, "0 [6,{},\"wamp.close.goodbye_and_out\"]");
	send_from(&b, 0, "[48,1,{},\"a.b\"]");
	send_from(&b, 0, "[6,{},\"wamp.close.close_realm\"]");
	expect_nothing(&b);
	bench_done(&b);
}

static void a_realm_with_a_quote_is_welcomed_readably(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 0);
	join(&b, 0, "a\\\"b");
	bench_done(&b);
}

static void violations_are_aborted(void **state)
{
	static const struct {
		bool joined;
		const char *input, *reason;
	} table[] = {
		{false, "[48,1,{},\"a.b\"]", "wamp.error.protocol_violation"},
		{false, "[6,{},\"a.b\"]", "wamp.error.protocol_violation"},
		{false, "[2,1,{}]", "wamp.error.protocol_violation"},
		{false, "[1,\"\",{}]", "wamp.error.invalid_uri"},
		{false, "[1,\"a..b\",{}]", "wamp.error.invalid_uri"},
		{true, "[1,\"realm1\",{}]", "wamp.error.protocol_violation"},
		{true, "[2,1,{}]", "wamp.error.protocol_violation"},
		{true, "[5,\"x\",{}]", "wamp.error.protocol_violation"},
		{true, "[36,1,1,{}]", "wamp.error.protocol_violation"},
		{true, "[50,1,{}]", "wamp.error.protocol_violation"},
		{true, "[65,1,1]", "wamp.error.protocol_violation"},
		{true, "[69,1,{}]", "wamp.error.protocol_violation"},
		/* WAMP 2.1.2: request ids have no gap */
		{true, "[48,0,{},\"a.b\"]", "wamp.error.protocol_violation"},
		{true, "[48,2,{},\"a.b\"]", "wamp.error.protocol_violation"},
		{true, "[16,9007199254740992,{},\"a.b\"]", "wamp.error.protocol_violation"},
		{true, "[34,5,1]", "wamp.error.protocol_violation"},
	};
	char expected[200];
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		bench_init(&b, 1);
		if (!table[i].joined)
			attach(&b, 1);
		send_from(&b, table[i].joined ? 0 : 1, table[i].input);
		snprintf(expected, sizeof(expected), "%d [3,{},\"%s\"]", !table[i].joined,
			 table[i].reason);
		expect_one(&b, expected);
		send_from(&b, table[i].joined ? 0 : 1, table[i].input);
		expect_nothing(&b);
		bench_done(&b);
	}
}

static void an_abort_or_a_cancel_is_not_answered(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[49,1,{}]");
	send_from(&b, 0, "[70,1,{}]");
	send_from(&b, 0, "[8,68,1,{},\"a.b\"]");
	expect_nothing(&b);
	send_from(&b, 0, "[3,{},\"a.b\"]");
	send_from(&b, 0, "[48,1,{},\"a.b\"]");
	expect_nothing(&b);
	bench_done(&b);
}

/* ---- calls ---- */

static void a_call_goes_to_the_callee_and_its_result_back(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[64,1,{},\"com.add\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 1, "[48,1,{},\"com.add\",[1.0,2],{\"k\":1}]");
	expect_one(&b, "0 [68,1,1,{},[1.0,2],{\"k\":1}]");
	send_from(&b, 1, "[48,2,{\"timeout\":5},\"com.add\"]");
	expect_one(&b, "0 [68,2,1,{}]");
	expect_nothing(&b);
	send_from(&b, 0, "[70,2,{},[],{\"r\":2}]");
	expect_one(&b, "1 [50,2,{},[],{\"r\":2}]");
	send_from(&b, 0, "[70,1,{},[3.0]]");
	expect_one(&b, "1 [50,1,{},[3.0]]");
	/* An answer to a call that is over, or never was. */
	send_from(&b, 0, "[70,1,{},[3]]");
	send_from(&b, 0, "[70,9,{},[3]]");
	send_from(&b, 1, "[70,1,{},[3]]");
	expect_nothing(&b);
	bench_done(&b);
}

static void an_error_of_the_callee_reaches_the_caller(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[64,1,{},\"com.add\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 1, "[16,1,{},\"com.t\"]");
	send_from(&b, 1, "[48,2,{},\"com.add\"]");
	expect_one(&b, "0 [68,1,1,{}]");
	send_from(&b, 0, "[8,48,1,{},\"com.error\"]");
	expect_nothing(&b);
	send_from(&b, 0, "[8,68,1,{\"d\":1},\"com.error\",[\"why\"],{\"k\":2}]");
	expect_one(&b, "1 [8,48,2,{\"d\":1},\"com.error\",[\"why\"],{\"k\":2}]");
	send_from(&b, 0, "[8,68,1,{},\"com.error\"]");
	expect_nothing(&b);
	bench_done(&b);
}

static void a_session_may_call_itself(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	send_from(&b, 0, "[64,1,{},\"com.self\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 0, "[48,2,{},\"com.self\",[1]]");
	expect_one(&b, "0 [68,1,1,{},[1]]");
	send_from(&b, 0, "[70,1,{},[2]]");
	expect_one(&b, "0 [50,2,{},[2]]");
	send_from(&b, 0, "[48,3,{},\"com.self\",[1]]");
	expect_one(&b, "0 [68,2,1,{},[1]]");
	drop(&b, 0);
	expect_nothing(&b);
	bench_done(&b);
}

static void a_call_nobody_serves_is_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	send_from(&b, 0, "[48,1,{},\"com.nope\"]");
	expect_one(&b, "0 [8,48,1,{},\"wamp.error.no_such_procedure\","
		       "[\"no callee registered for procedure <com.nope>\"]]");
	send_from(&b, 0, "[48,2,{},\"com..nope\"]");
	expect_one(&b, "0 [8,48,2,{},\"wamp.error.invalid_uri\"]");
	send_from(&b, 0, "[48,3,{},\"\"]");
	expect_one(&b, "0 [8,48,3,{},\"wamp.error.invalid_uri\"]");
	send_from(&b, 0, "[48,4,{},\"wamp.session.count\"]");
	expect_one(&b, "0 [8,48,4,{},\"wamp.error.no_such_procedure\","
		       "[\"no callee registered for procedure <wamp.session.count>\"]]");
	bench_done(&b);
}

static void a_registration_is_exclusive_and_can_be_undone(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[64,1,{},\"com.a\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 1, "[64,1,{},\"com.a\"]");
	expect_one(&b, "1 [8,64,1,{},\"wamp.error.procedure_already_exists\"]");
	send_from(&b, 0, "[64,2,{},\"com.a\"]");
	expect_one(&b, "0 [8,64,2,{},\"wamp.error.procedure_already_exists\"]");
	/* Not its own: to others the id does not exist. */
	send_from(&b, 1, "[66,2,1]");
	expect_one(&b, "1 [8,66,2,{},\"wamp.error.no_such_registration\"]");
	send_from(&b, 0, "[66,3,1]");
	expect_one(&b, "0 [67,3]");
	send_from(&b, 0, "[66,4,1]");
	expect_one(&b, "0 [8,66,4,{},\"wamp.error.no_such_registration\"]");
	send_from(&b, 1, "[64,3,{},\"com.a\"]");
	expect_one(&b, "1 [65,3,2]");
	bench_done(&b);
}

static void what_the_basic_profile_lacks_is_refused(void **state)
{
	static const char *const table[][2] = {
		{"[64,1,{\"match\":\"prefix\"},\"a.b\"]",
		 "0 [8,64,1,{},\"wamp.error.option_not_allowed\"]"},
		{"[64,1,{\"match\":\"wildcard\"},\"a..b\"]",
		 "0 [8,64,1,{},\"wamp.error.option_not_allowed\"]"},
		{"[64,1,{\"invoke\":\"roundrobin\"},\"a.b\"]",
		 "0 [8,64,1,{},\"wamp.error.option_not_allowed\"]"},
		{"[64,1,{\"match\":\"exact\",\"invoke\":\"single\",\"x\":[]},\"a.b\"]",
		 "0 [65,1,1]"},
		{"[64,1,{},\"a..b\"]", "0 [8,64,1,{},\"wamp.error.invalid_uri\"]"},
		{"[64,1,{},\"wamp.x\"]", "0 [8,64,1,{},\"wamp.error.invalid_uri\"]"},
		{"[64,1,{},\"wampum\"]", "0 [65,1,1]"},
		{"[32,1,{\"match\":\"prefix\"},\"a.b\"]",
		 "0 [8,32,1,{},\"wamp.error.option_not_allowed\"]"},
		{"[32,1,{},\"a b\"]", "0 [8,32,1,{},\"wamp.error.invalid_uri\"]"},
		{"[32,1,{},\"wamp.session.on_join\"]", "0 [33,1,1]"},
		{"[34,1,77]", "0 [8,34,1,{},\"wamp.error.no_such_subscription\"]"},
		{"[16,1,{\"acknowledge\":true},\"wamp.x\"]",
		 "0 [8,16,1,{},\"wamp.error.invalid_uri\"]"},
		{"[16,1,{\"acknowledge\":true},\"\"]", "0 [8,16,1,{},\"wamp.error.invalid_uri\"]"},
	};
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		bench_init(&b, 1);
		send_from(&b, 0, table[i][0]);
		expect_one(&b, table[i][1]);
		expect_nothing(&b);
		bench_done(&b);
	}
}

static void the_callers_of_a_callee_that_goes_hear_of_it(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 3);
	send_from(&b, 0, "[64,1,{},\"com.a\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 1, "[48,1,{},\"com.a\"]");
	send_from(&b, 2, "[48,1,{},\"com.a\"]");
	send_from(&b, 1, "[48,2,{},\"com.a\"]");
	expect_one(&b, "0 [68,1,1,{}]");
	/* The other two invocations wait, and are dropped with their receiver. */
	drop(&b, 0);
	expect_one(&b, "1 [8,48,1,{},\"wamp.error.canceled\",[\"callee disconnected\"]]");
	expect_one(&b, "2 [8,48,1,{},\"wamp.error.canceled\",[\"callee disconnected\"]]");
	expect_one(&b, "1 [8,48,2,{},\"wamp.error.canceled\",[\"callee disconnected\"]]");
	expect_nothing(&b);
	send_from(&b, 2, "[64,2,{},\"com.a\"]");
	expect_one(&b, "2 [65,2,2]");
	bench_done(&b);
}

static void a_goodbye_takes_registrations_and_calls_along(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[64,1,{},\"com.a\"]");
	send_from(&b, 1, "[48,1,{},\"com.a\"]");
	expect_one(&b, "0 [65,1,1]");
	expect_one(&b, "0 [68,1,1,{}]");
	send_from(&b, 0, "[6,{},\"wamp.close.close_realm\"]");
	expect_one(&b, "0 [6,{},\"wamp.close.goodbye_and_out\"]");
	expect_one(&b, "1 [8,48,1,{},\"wamp.error.canceled\",[\"callee disconnected\"]]");
	send_from(&b, 1, "[48,2,{},\"com.a\"]");
	expect_one(&b, "1 [8,48,2,{},\"wamp.error.no_such_procedure\","
		       "[\"no callee registered for procedure <com.a>\"]]");
	bench_done(&b);
}

static void an_answer_for_a_caller_that_went_is_dropped(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[64,1,{},\"com.a\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 1, "[48,1,{},\"com.a\"]");
	send_from(&b, 1, "[48,2,{},\"com.a\"]");
	expect_one(&b, "0 [68,1,1,{}]");
	expect_one(&b, "0 [68,2,1,{}]");
	/* One answer waits for the caller, the other comes later. */
	send_from(&b, 0, "[70,1,{}]");
	drop(&b, 1);
	expect_nothing(&b);
	send_from(&b, 0, "[70,2,{}]");
	expect_nothing(&b);
	join(&b, 1, "realm1");
	send_from(&b, 1, "[48,1,{},\"com.a\"]");
	expect_one(&b, "0 [68,3,1,{}]");
	bench_done(&b);
}

static void an_unregistered_callee_still_answers(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[64,1,{},\"com.a\"]");
	expect_one(&b, "0 [65,1,1]");
	send_from(&b, 1, "[48,1,{},\"com.a\"]");
	expect_one(&b, "0 [68,1,1,{}]");
	send_from(&b, 0, "[66,2,1]");
	expect_one(&b, "0 [67,2]");
	send_from(&b, 0, "[70,1,{},[1]]");
	expect_one(&b, "1 [50,1,{},[1]]");
	bench_done(&b);
}

/* ---- without memory ---- */

/* As send_from(), with nothing of the test's own that needs memory. */
static void send_starved(struct bench *b, size_t peer, const char *frame)
{
	struct arena arena = {0};
	struct wamp_fault fault;
	struct wamp_msg msg;

	assert_int_equal(wamp_parse(&msg, slice_of(frame), &arena, &fault), 0);
	router_recv(b->peers[peer], &msg);
	router_check(b->router);
}

/* What became of requests 1 … 60 of session 1, whose callee is session 0. */
struct fate {
	bool is_answered[61];
	bool caller_ended, callee_ended;
};

static void meet_fate(struct bench *b, struct fate *fate)
{
	struct wamp_msg msg;
	char text[2000];
	size_t to;

	while (take(b, &to, &msg, text, sizeof(text))) {
		if (msg.type == WAMP_ABORT && to == 1)
			fate->caller_ended = true;
		else if (msg.type == WAMP_ABORT)
			fate->callee_ended = true;
		else if (to == 1)
			fate->is_answered[msg.request] = true;
		else if (!fate->callee_ended)
			send_from(b, 0,
				  (snprintf(text, sizeof(text), "[70,%llu,{}]",
					    (unsigned long long)msg.request),
				   text));
	}
}

/* Whichever allocation fails: a call is answered, or one of both sessions is told that it ends. */
static void no_call_waits_for_a_message_that_found_no_memory(void **state)
{
	struct fate fate;
	struct bench b;
	char text[100];
	bool any = true;

	(void)state;
	for (long n = 0; any; n++) {
		bench_init(&b, 2);
		send_from(&b, 0, "[64,1,{},\"com.add\"]");
		expect_one(&b, "0 [65,1,1]");
		expect_nothing(&b);
		memset(&fate, 0, sizeof(fate));
		mem_fail_once_after(n);
		for (int i = 1; i <= 60; i++) {
			snprintf(text, sizeof(text), "[48,%d,{},\"com.%s\"]", i,
				 i % 4 ? "add" : "no");
			send_starved(&b, text[1] == '7' ? 0 : 1, text);
		}
		any = mem_fail_once_after(-1);
		meet_fate(&b, &fate);
		for (int i = 1; i <= 60; i++)
			assert_true(fate.is_answered[i] || fate.caller_ended);
		bench_done(&b);
	}
}

/* The same while answers go back. */
static void no_answer_is_lost_for_want_of_memory(void **state)
{
	struct fate fate;
	struct bench b;
	char text[100];
	bool any = true;

	(void)state;
	for (long n = 0; any; n++) {
		bench_init(&b, 2);
		send_from(&b, 0, "[64,1,{},\"com.add\"]");
		expect_one(&b, "0 [65,1,1]");
		for (int i = 1; i <= 60; i++) {
			struct wamp_msg msg;
			size_t to;

			snprintf(text, sizeof(text), "[48,%d,{},\"com.add\"]", i);
			send_from(&b, 1, text);
			assert_true(take(&b, &to, &msg, text, sizeof(text)));
		}
		expect_nothing(&b);
		memset(&fate, 0, sizeof(fate));
		mem_fail_once_after(n);
		for (int i = 1; i <= 60; i++) {
			snprintf(text, sizeof(text), "[70,%d,{}]", i);
			send_starved(&b, text[1] == '7' ? 0 : 1, text);
		}
		any = mem_fail_once_after(-1);
		meet_fate(&b, &fate);
		for (int i = 1; i <= 60; i++)
			assert_true(fate.is_answered[i] || fate.caller_ended);
		bench_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_joins_and_says_goodbye),
		cmocka_unit_test(a_realm_with_a_quote_is_welcomed_readably),
		cmocka_unit_test(violations_are_aborted),
		cmocka_unit_test(an_abort_or_a_cancel_is_not_answered),
		cmocka_unit_test(a_call_goes_to_the_callee_and_its_result_back),
		cmocka_unit_test(an_error_of_the_callee_reaches_the_caller),
		cmocka_unit_test(a_session_may_call_itself),
		cmocka_unit_test(a_call_nobody_serves_is_refused),
		cmocka_unit_test(a_registration_is_exclusive_and_can_be_undone),
		cmocka_unit_test(what_the_basic_profile_lacks_is_refused),
		cmocka_unit_test(the_callers_of_a_callee_that_goes_hear_of_it),
		cmocka_unit_test(a_goodbye_takes_registrations_and_calls_along),
		cmocka_unit_test(an_answer_for_a_caller_that_went_is_dropped),
		cmocka_unit_test(an_unregistered_callee_still_answers),
		cmocka_unit_test(no_call_waits_for_a_message_that_found_no_memory),
		cmocka_unit_test(no_answer_is_lost_for_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
