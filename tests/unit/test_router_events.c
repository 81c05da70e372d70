/* SPDX-License-Identifier: MIT */

/*
 * The embedded router: subscriptions and events in scenarios, and all of it at
 * random
 */

#include "router/router.h"

#include "base/mem.h"
#include "test_router_bench.h"

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

/* Twenty come in for every fifteen that go out. */
static void what_waits_comes_out_in_order(void **state)
{
	struct bench b;
	char text[100];
	int sent = 0, taken = 0;

	(void)state;
	bench_init(&b, 1);
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 20; i++) {
			snprintf(text, sizeof(text), "[32,%d,{},\"com.t\"]", ++sent);
			send_from(&b, 0, text);
		}
		for (int i = 0; i < 15; i++) {
			snprintf(text, sizeof(text), "0 [33,%d,1]", ++taken);
			expect_one(&b, text);
		}
	}
	while (taken < sent) {
		snprintf(text, sizeof(text), "0 [33,%d,1]", ++taken);
		expect_one(&b, text);
	}
	expect_nothing(&b);
	bench_done(&b);
}

#define NO_CALLEE(uri) "[\"no callee registered for procedure <" uri ">\"]"

static void text_lives_until_all_is_taken_and_settled(void **state)
{
	struct wamp_msg first, second, third;
	struct router_session *to;
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	send_from(&b, 0, "[48,1,{},\"com.one\"]");
	send_from(&b, 0, "[48,2,{},\"com.two\"]");
	assert_true(router_next(b.router, &to, &first));
	router_settle(b.router);
	send_from(&b, 0, "[48,3,{},\"com.six\"]");
	assert_true(router_next(b.router, &to, &second));
	assert_true(router_next(b.router, &to, &third));
	assert_true(slice_is(scan_token(&first.args), NO_CALLEE("com.one")));
	assert_true(slice_is(scan_token(&second.args), NO_CALLEE("com.two")));
	router_settle(b.router);
	send_from(&b, 0, "[48,4,{},\"com.ten\"]");
	assert_true(router_next(b.router, &to, &third));
	assert_ptr_equal(third.args.text, first.args.text);
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

	snprintf(b->input, sizeof(b->input), "%.*s%d%.*s%d%s", (int)strlen(request[0]) - 1,
		 request[0], (int)++b->requests[peer], (int)(hash - request[1]), request[1], arg,
		 hash + 1);
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
		"[1,\"realm1\",{}]",	  "[64,1,{},\"com.a\"]",     "[48,2,{},\"com.a\"]",
		"[48,3,{},\"com.b\"]",	  "[32,4,{},\"com.t\"]",     "[32,5,{},\"com.u\"]",
		"[16,6,{},\"com.t\",[]]", "[6,{},\"wamp.close.x\"]",
	};
	struct router_session *session, *to;
	struct arena arena = {0};
	struct wamp_fault fault;
	struct wamp_msg msg;

	if (router_attach(router, &session, NULL) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(script); i++) {
		assert_int_equal(wamp_parse(&msg, slice_of(script[i]), &arena, &fault), 0);
		router_recv(session, &msg);
		router_check(router);
	}
	while (router_next(router, &to, &msg))
		;
	router_settle(router);
	router_detach(session);
	router_check(router);
}

/* Whichever allocation it is: the topic, the subscription, or those of their maps. */
static void a_subscriber_without_memory_is_told(void **state)
{
	struct wamp_msg msg = {.type = WAMP_SUBSCRIBE, .uri = SLICE("com.t")}, answer = {0};
	struct bench b;
	char text[2000];
	size_t to;

	(void)state;
	bench_init(&b, 1);
	for (long n = 0; answer.type != WAMP_SUBSCRIBED; n++) {
		assert_true(n < 10);
		msg.request++;
		mem_fail_after(n);
		router_recv(b.peers[0], &msg);
		mem_fail_after(-1);
		router_check(b.router);
		assert_true(take(&b, &to, &answer, text, sizeof(text)));
		assert_int_equal(answer.request, msg.request);
		if (n < 2)
			assert_true(slice_is(answer.uri, "wamp.error.unavailable"));
		expect_nothing(&b);
	}
	bench_done(&b);
}

/* The invariants hold and nothing leaks. */
static void each_allocation_may_fail(void **state)
{
	struct rng rng = {1};

	(void)state;
	for (long n = 0; n < 60; n++) {
		struct router *router;

		mem_fail_after(n);
		if (router_new(&router, &rng, &bench_secret) < 0)
			continue;
		live(router);
		assert_null(router_free(router));
	}
	mem_fail_after(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_reaches_every_subscriber_but_its_publisher),
		cmocka_unit_test(subscribing_twice_is_one_subscription),
		cmocka_unit_test(realms_do_not_see_each_other),
		cmocka_unit_test(what_waits_for_one_that_goes_is_dropped_alone),
		cmocka_unit_test(what_waits_comes_out_in_order),
		cmocka_unit_test(text_lives_until_all_is_taken_and_settled),
		cmocka_unit_test(random_traffic_keeps_the_invariants),
		cmocka_unit_test(a_subscriber_without_memory_is_told),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
