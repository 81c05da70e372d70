/* SPDX-License-Identifier: MIT */

/*
 * The embedded router in scenarios: messages in, messages out, in order
 *
 * Messages are written as frames for the eye only; the router sees and gives
 * views. Its invariants are checked after each step.
 */

#include "router/router.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

static const struct map_secret secret = {3, 4};

#define MAX_PEERS 4

/* Sessions by number; what is outbound is said as "NUMBER FRAME". */
struct bench {
	struct rng rng;
	struct router *router;
	struct router_session *peers[MAX_PEERS];
	uint64_t ids[MAX_PEERS];
	uint64_t requests[MAX_PEERS];
	char input[200]; /* lives until what it causes is taken */
};

static void bench_done(struct bench *b)
{
	for (size_t i = 0; i < MAX_PEERS; i++) {
		if (b->peers[i])
			b->peers[i] = router_detach(b->peers[i]);
		router_check(b->router);
	}
	assert_null(router_free(b->router));
}

static void send_from(struct bench *b, size_t peer, const char *frame)
{
	struct arena arena = {0};
	struct scan_error error;
	struct wamp_msg msg;

	assert_int_equal(wamp_parse(&msg, slice_of(frame), &arena, &error), 0);
	router_recv(b->peers[peer], &msg);
	router_check(b->router);
	arena_done(&arena);
}

/* The next message for anybody, into a text; false for none. */
static bool take(struct bench *b, size_t *ret_peer, struct wamp_msg *ret, char *text, size_t size)
{
	struct buf out = BUF_INIT(100000);
	struct router_session *to;

	if (!router_next(b->router, &to, ret)) {
		router_settle(b->router);
		return false;
	}
	*ret_peer = (size_t)(uintptr_t)router_session_owner(to);
	assert_ptr_equal(b->peers[*ret_peer], to);
	wamp_write(&out, ret);
	snprintf(text, size, "%zu %.*s", *ret_peer, SLICE_ARG(buf_bytes(&out)));
	buf_done(&out);
	return true;
}

static void expect_one(struct bench *b, const char *expected)
{
	struct wamp_msg msg;
	char text[2000];
	size_t peer;

	if (!take(b, &peer, &msg, text, sizeof(text)))
		fail_msg("nothing instead of %s", expected);
	assert_string_equal(text, expected);
}

static void expect_nothing(struct bench *b)
{
	struct wamp_msg msg;
	char text[2000];
	size_t peer;

	if (take(b, &peer, &msg, text, sizeof(text)))
		fail_msg("%s instead of nothing", text);
}

static void attach(struct bench *b, size_t peer)
{
	assert_int_equal(
		router_attach(b->router, &b->peers[peer], (void *)(uintptr_t)peer), 0);
	router_check(b->router);
}

static void join(struct bench *b, size_t peer, const char *realm)
{
	struct wamp_msg msg;
	char text[2000];
	size_t to;

	attach(b, peer);
	snprintf(text, sizeof(text), "[1,\"%s\",{\"roles\":{}}]", realm);
	send_from(b, peer, text);
	assert_true(take(b, &to, &msg, text, sizeof(text)));
	assert_int_equal(to, peer);
	assert_int_equal(msg.type, WAMP_WELCOME);
	assert_true(msg.id >= 1 && msg.id <= WAMP_MAX_ID);
	b->ids[peer] = msg.id;
	expect_nothing(b);
}

static void drop(struct bench *b, size_t peer)
{
	b->peers[peer] = router_detach(b->peers[peer]);
	assert_null(b->peers[peer]);
	router_check(b->router);
}

/* n sessions in realm1 */
static void bench_init(struct bench *b, size_t n)
{
	*b = (struct bench){.rng = {1}};
	assert_int_equal(router_new(&b->router, &b->rng, &secret), 0);
	router_check(b->router);
	for (size_t i = 0; i < n; i++)
		join(b, i, "realm1");
}

/* The frame of any type with its ids unknown, as that of a PUBLISHED. */
static uint64_t expect_published(struct bench *b, size_t peer, uint64_t request)
{
	struct wamp_msg msg;
	char text[2000];
	size_t to;

	assert_true(take(b, &to, &msg, text, sizeof(text)));
	assert_int_equal(to, peer);
	assert_int_equal(msg.type, WAMP_PUBLISHED);
	assert_int_equal(msg.request, request);
	assert_true(msg.publication >= 1 && msg.publication <= WAMP_MAX_ID);
	return msg.publication;
}

static void expect_event(struct bench *b, size_t peer, uint64_t subscription, uint64_t publication,
			 const char *payload)
{
	struct wamp_msg msg;
	char text[2000], expected[2000];
	size_t to;

	assert_true(take(b, &to, &msg, text, sizeof(text)));
	assert_int_equal(msg.type, WAMP_EVENT);
	assert_true(!publication || msg.publication == publication);
	snprintf(expected, sizeof(expected), "%zu [36,%llu,%llu,{}%s]", peer,
		 (unsigned long long)subscription, (unsigned long long)msg.publication, payload);
	assert_string_equal(text, expected);
}

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
	send_from(&b, 1, "[48,1,{},\"com.add\"]");
	expect_one(&b, "0 [68,1,1,{}]");
	send_from(&b, 0, "[8,48,1,{},\"com.error\"]");
	expect_nothing(&b);
	send_from(&b, 0, "[8,68,1,{\"d\":1},\"com.error\",[\"why\"],{\"k\":2}]");
	expect_one(&b, "1 [8,48,1,{\"d\":1},\"com.error\",[\"why\"],{\"k\":2}]");
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
		{"[64,1,{\"match\":\"exact\",\"invoke\":\"single\",\"x\":[]},\"a.b\"]", "0 [65,1,1]"},
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

/* ---- events ---- */

static void an_event_reaches_every_subscriber_but_its_publisher(void **state)
{
	struct bench b;
	uint64_t publication;

	(void)state;
	bench_init(&b, 3);
	for (size_t i = 0; i < 3; i++)
		send_from(&b, i, "[32,1,{},\"com.t\"]");
	expect_one(&b, "0 [33,1,1]");
	expect_one(&b, "1 [33,1,1]");
	expect_one(&b, "2 [33,1,1]");
	send_from(&b, 1, "[16,2,{},\"com.t\",[1],{\"k\":2}]");
	expect_event(&b, 0, 1, 0, ",[1],{\"k\":2}");
	expect_event(&b, 2, 1, 0, ",[1],{\"k\":2}");
	expect_nothing(&b);
	/* PUBLISHED stands before the events of the same publication. */
	send_from(&b, 1, "[16,3,{\"acknowledge\":true,\"exclude_me\":false},\"com.t\"]");
	publication = expect_published(&b, 1, 3);
	expect_event(&b, 0, 1, publication, "");
	expect_event(&b, 1, 1, publication, "");
	expect_event(&b, 2, 1, publication, "");
	expect_nothing(&b);
	/* A mistyped option counts as absent. */
	send_from(&b, 1, "[16,4,{\"acknowledge\":1,\"exclude_me\":\"no\"},\"com.t\"]");
	expect_event(&b, 0, 1, 0, "");
	expect_event(&b, 2, 1, 0, "");
	expect_nothing(&b);
	send_from(&b, 1, "[16,5,{\"acknowledge\":true},\"com.nobody\"]");
	expect_published(&b, 1, 5);
	send_from(&b, 1, "[16,6,{},\"wamp.t\"]");
	expect_nothing(&b);
	bench_done(&b);
}

static void subscribing_twice_is_one_subscription(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	send_from(&b, 0, "[32,1,{},\"com.t\"]");
	send_from(&b, 0, "[32,2,{},\"com.t\"]");
	send_from(&b, 0, "[32,3,{},\"com.u\"]");
	expect_one(&b, "0 [33,1,1]");
	expect_one(&b, "0 [33,2,1]");
	expect_one(&b, "0 [33,3,2]");
	send_from(&b, 1, "[16,1,{},\"com.t\"]");
	expect_event(&b, 0, 1, 0, "");
	expect_nothing(&b);
	send_from(&b, 1, "[34,2,1]");
	expect_one(&b, "1 [8,34,2,{},\"wamp.error.no_such_subscription\"]");
	send_from(&b, 0, "[34,4,1]");
	expect_one(&b, "0 [35,4]");
	send_from(&b, 1, "[16,3,{},\"com.t\"]");
	expect_nothing(&b);
	send_from(&b, 0, "[34,5,1]");
	expect_one(&b, "0 [8,34,5,{},\"wamp.error.no_such_subscription\"]");
	bench_done(&b);
}

static void realms_do_not_see_each_other(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	join(&b, 1, "realm2");
	send_from(&b, 0, "[64,1,{},\"com.a\"]");
	send_from(&b, 1, "[64,1,{},\"com.a\"]");
	expect_one(&b, "0 [65,1,1]");
	expect_one(&b, "1 [65,1,2]");
	send_from(&b, 0, "[32,2,{},\"com.t\"]");
	expect_one(&b, "0 [33,2,3]");
	send_from(&b, 1, "[16,2,{},\"com.t\"]");
	expect_nothing(&b);
	send_from(&b, 1, "[34,3,3]");
	expect_one(&b, "1 [8,34,3,{},\"wamp.error.no_such_subscription\"]");
	drop(&b, 1);
	join(&b, 1, "realm2");
	send_from(&b, 1, "[48,1,{},\"com.a\"]");
	expect_one(&b, "1 [8,48,1,{},\"wamp.error.no_such_procedure\","
		       "[\"no callee registered for procedure <com.a>\"]]");
	bench_done(&b);
}

static void what_waits_for_one_that_goes_is_dropped_alone(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 3);
	send_from(&b, 0, "[32,1,{},\"com.t\"]");
	send_from(&b, 1, "[32,1,{},\"com.t\"]");
	expect_one(&b, "0 [33,1,1]");
	expect_one(&b, "1 [33,1,1]");
	send_from(&b, 2, "[16,1,{},\"com.t\",[1]]");
	send_from(&b, 2, "[16,2,{},\"com.t\",[2]]");
	expect_event(&b, 0, 1, 0, ",[1]");
	drop(&b, 0);
	expect_event(&b, 1, 1, 0, ",[1]");
	expect_event(&b, 1, 1, 0, ",[2]");
	expect_nothing(&b);
	send_from(&b, 2, "[16,3,{},\"com.t\",[3]]");
	expect_event(&b, 1, 1, 0, ",[3]");
	expect_nothing(&b);
	bench_done(&b);
}

/* ---- at random ---- */

static void random_request(struct bench *b, struct rng *rng, size_t peer, int arg)
{
	static const char *const requests[][2] = {
		{"[64,%", ",{},\"p.#\"]"},
		{"[66,%", ",#]"},
		{"[48,%", ",{},\"p.#\",[1]]"},
		{"[48,%", ",{},\"p.#\"]"},
		{"[32,%", ",{},\"t.#\"]"},
		{"[34,%", ",#]"},
		{"[16,%", ",{\"acknowledge\":true,\"exclude_me\":false},\"t.#\",[2]]"},
	};
	const char *const *request = requests[rng_below(rng, ARRAY_SIZE(requests))];
	const char *hash = strchr(request[1], '#');

	snprintf(b->input, sizeof(b->input), "%.*s%d%.*s%d%s", (int)strlen(request[0]) - 1, request[0],
		 (int)++b->requests[peer], (int)(hash - request[1]), request[1], arg, hash + 1);
	send_from(b, peer, b->input);
}

static void random_answer(struct bench *b, struct rng *rng, size_t peer)
{
	int invocation = 1 + (int)rng_below(rng, 30);

	if (rng_below(rng, 2))
		snprintf(b->input, sizeof(b->input), "[70,%d,{},[3]]", invocation);
	else
		snprintf(b->input, sizeof(b->input), "[8,68,%d,{},\"e.e\"]", invocation);
	send_from(b, peer, b->input);
}

static size_t take_all(struct bench *b)
{
	struct wamp_msg msg;
	char text[2000];
	size_t n = 0, to;

	for (; take(b, &to, &msg, text, sizeof(text)); n++)
		assert_int_not_equal(msg.type, WAMP_ABORT);
	return n;
}

/* Messages that are mostly right, from sessions that come and go. */
static void random_traffic_keeps_the_invariants(void **state)
{
	struct rng rng = {9};
	struct bench b;
	size_t n_taken = 0;

	(void)state;
	bench_init(&b, 0);
	for (int i = 0; i < 30000; i++) {
		size_t peer = rng_below(&rng, MAX_PEERS);
		int arg = (int)rng_below(&rng, 12);

		if (!b.peers[peer]) {
			join(&b, peer, arg & 1 ? "r1" : "r2");
			b.requests[peer] = 0;
		} else if (rng_below(&rng, 60) == 0) {
			drop(&b, peer);
		} else if (rng_below(&rng, 3) == 0) {
			random_answer(&b, &rng, peer);
		} else {
			random_request(&b, &rng, peer, arg);
		}
		n_taken += take_all(&b);
	}
	assert_true(n_taken > 20000);
	bench_done(&b);
}

/* The whole life of one session, with whatever memory there is. */
static void live(struct router *router)
{
	static const char *const script[] = {
		"[1,\"realm1\",{}]",	"[64,1,{},\"com.a\"]",	 "[48,2,{},\"com.a\"]",
		"[48,3,{},\"com.b\"]",	"[32,4,{},\"com.t\"]",	 "[32,5,{},\"com.u\"]",
		"[16,6,{},\"com.t\",[]]", "[6,{},\"wamp.close.x\"]",
	};
	struct router_session *session, *to;
	struct arena arena = {0};
	struct scan_error error;
	struct wamp_msg msg;

	if (router_attach(router, &session, NULL) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(script); i++) {
		assert_int_equal(wamp_parse(&msg, slice_of(script[i]), &arena, &error), 0);
		router_recv(session, &msg);
		router_check(router);
	}
	while (router_next(router, &to, &msg))
		;
	router_settle(router);
	router_detach(session);
	router_check(router);
}

/* The invariants hold and nothing leaks. */
static void each_allocation_may_fail(void **state)
{
	struct rng rng = {1};

	(void)state;
	for (long n = 0; n < 60; n++) {
		struct router *router;

		mem_fail_after(n);
		if (router_new(&router, &rng, &secret) < 0)
			continue;
		live(router);
		assert_null(router_free(router));
	}
	mem_fail_after(-1);
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
		cmocka_unit_test(an_event_reaches_every_subscriber_but_its_publisher),
		cmocka_unit_test(subscribing_twice_is_one_subscription),
		cmocka_unit_test(realms_do_not_see_each_other),
		cmocka_unit_test(what_waits_for_one_that_goes_is_dropped_alone),
		cmocka_unit_test(random_traffic_keeps_the_invariants),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
