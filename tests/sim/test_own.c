/* SPDX-License-Identifier: MIT */

/*
 * Own publications: a program does not hear itself, and what is remembered for that has an end
 */

#include "world.h"

#include "hub/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void subscribe(struct world_program *p, int id)
{
	world_send(p, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t\"}", id);
	world_settle(p->world);
}

/* Both have com.t, with the subscription id 77. */
static struct world *world_of_two(struct world_link **l, struct world_program **a,
				  struct world_program **b)
{
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, l);

	world_welcome(*l);
	*a = world_connect(w);
	*b = world_connect(w);
	subscribe(*a, 1);
	subscribe(*b, 1);
	assert_int_equal(world_sent_type(*l), WAMP_SUBSCRIBE);
	world_reply(*l, "[33,1,77]");
	world_drop_lines(*a);
	world_drop_lines(*b);
	return w;
}

/* The request id of the PUBLISH. */
static long long publish(struct world_link *l, struct world_program *p)
{
	json_t *frame;
	long long id;

	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\",\"args\":[\"own\"]}");
	world_settle(p->world);
	frame = world_sent(l);
	assert_int_equal(json_integer_value(json_array_get(frame, 0)), WAMP_PUBLISH);
	id = json_integer_value(json_array_get(frame, 1));
	json_decref(frame);
	return id;
}

static void hears(struct world_program *p, int publication)
{
	assert_int_equal(world_number(world_expect(p, "event"), "publication"), publication);
}

static void hears_nothing(struct world_program *p)
{
	assert_int_equal(world_count_lines(p), 0);
}

static void publications_without_an_event_are_refused_to_nobody(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);

	(void)state;
	/* The router takes the subscription away, and refuses to give it again. */
	world_reply(l, "[35,0,{\"subscription\":77,\"reason\":\"wamp.error.not_authorized\"}]");
	world_advance(w, 500);
	assert_int_equal(world_sent_type(l), WAMP_SUBSCRIBE);
	world_reply(l, "[8,32,2,{},\"wamp.error.not_authorized\"]");
	world_drop_lines(a);
	for (int i = 0; i < 1500; i++) {
		json_t *frame;

		world_send(a, "{\"op\":\"publish\",\"id\":%d,\"topic\":\"com.t\"}", 10 + i);
		world_settle(w);
		frame = world_sent(l);
		/* Nobody here could hear it: it need not even be acknowledged. */
		assert_null(json_object_get(json_array_get(frame, 2), "acknowledge"));
		json_decref(frame);
		world_expect(a, "ok");
	}
	world_free(w);
}

static void publications_whose_event_the_router_drops_are_forgotten(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		long long request = publish(l, a);

		world_reply(l, "[17,%lld,%d]", request, 500 + i);
	}
	hears_nothing(a);
	assert_int_equal(l->link->own.count, PUBLISH_MAX_REMEMBERED);
	/* The newest are those that are remembered. */
	world_reply(l, "[36,77,%d,{}]", 500 + 2999);
	hears_nothing(a);
	hears(b, 500 + 2999);
	world_advance(w, 10000);
	assert_int_equal(l->link->own.count, 0);
	world_free(w);
}

static void too_many_without_published_are_refused_with_a_name(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	json_t *line, *limit;

	(void)state;
	for (int i = 0; i < 1024; i++)
		(void)publish(l, a);
	world_send(a, "{\"op\":\"publish\",\"id\":\"x\",\"topic\":\"com.t\"}");
	world_settle(w);
	line = world_expect_member(a, "error", "code", "too_many_requests");
	limit = json_object_get(line, "limit");
	assert_string_equal(world_text(limit, "name"), "max_unacknowledged_publications");
	assert_int_equal(world_number(limit, "value"), 1024);
	world_free(w);
}

static void a_subscription_that_is_made_in_between_does_not_hear_it_either(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	long long first, second;

	(void)state;
	first = publish(l, a);
	subscribe(a, 2);
	world_expect_member(a, "ok", "state", "active");
	second = publish(l, a);
	world_reply(l, "[17,%lld,501]", first);
	world_reply(l, "[36,77,502,{}]");
	hears_nothing(a);
	world_reply(l, "[17,%lld,502]", second);
	world_reply(l, "[36,77,501,{}]");
	hears_nothing(a);
	hears(b, 502);
	hears(b, 501);
	world_free(w);
}

static void a_new_subscription_is_not_given_what_was_held_before_it(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	long long request = publish(l, a);
	json_t *line;

	(void)state;
	world_reply(l, "[36,77,600,{}]");
	subscribe(a, 2);
	world_expect_member(a, "ok", "state", "active");
	world_reply(l, "[17,%lld,501]", request);
	line = world_expect(a, "event");
	assert_int_equal(world_number(line, "publication"), 600);
	assert_int_equal(world_number(line, "subscription"), 1);
	hears_nothing(a);
	world_free(w);
}

static void a_router_that_was_busy_does_not_make_a_program_hear_itself(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	long long request = publish(l, a);

	(void)state;
	world_advance(w, 9000);
	world_reply(l, "[36,77,501,{}]");
	world_advance(w, 900);
	world_reply(l, "[17,%lld,501]", request);
	world_advance(w, 5000);
	hears_nothing(a);
	hears(b, 501);
	world_free(w);
}

static void an_event_waits_a_second_from_when_it_came(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);

	(void)state;
	(void)publish(l, a);
	world_advance(w, 3000);
	world_reply(l, "[36,77,600,{}]");
	world_advance(w, 500);
	world_reply(l, "[36,77,601,{}]");
	world_advance(w, 499);
	hears_nothing(a);
	world_advance(w, 1);
	hears(a, 600);
	hears_nothing(a);
	world_advance(w, 500);
	hears(a, 601);
	world_free(w);
}

static void who_publishes_all_the_time_hears_others_all_the_same(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	long long before = publish(l, a);

	(void)state;
	for (int i = 0; i < 50; i++) {
		long long next;

		world_reply(l, "[36,77,%d,{}]", 1000 + i);
		/* One is always without its PUBLISHED. */
		next = publish(l, a);
		world_reply(l, "[17,%lld,%d]", before, 500 + i);
		before = next;
		hears(a, 1000 + i);
	}
	world_free(w);
}

static void gaps_keep_their_place_among_what_is_held(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	long long request = publish(l, a);

	(void)state;
	world_reply(l, "[36,77,600,{}]");
	world_reply(l, "[36,77,601,{},[NaN]]");
	world_reply(l, "[36,77,501,{}]");
	world_reply(l, "[36,77,602,{}]");
	hears_nothing(a);
	world_reply(l, "[17,%lld,501]", request);
	hears(a, 600);
	world_expect_member(a, "gap", "reason", "undecodable");
	hears(a, 602);
	hears_nothing(a);
	world_free(w);
}

static void what_may_be_own_is_in_the_gap_when_the_session_is_lost(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);
	json_t *line;

	(void)state;
	world_advance(w, 2000);
	(void)publish(l, a);
	world_reply(l, "[36,77,501,{}]");
	world_cut(l, "cut");
	world_settle(w);
	line = world_take(a);
	assert_string_equal(world_text(line, "state"), "pending");
	hears(b, 501);
	world_welcome(l);
	assert_int_equal(world_sent_type(l), WAMP_SUBSCRIBE);
	world_reply(l, "[33,1,78]");
	world_expect_member(a, "state", "state", "active");
	world_expect_member(a, "gap", "reason", "session_lost");
	world_free(w);
}

static void an_event_of_a_subscription_that_timed_out_may_be_own(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *a = world_connect(w), *b = world_connect(w);
	long long request;

	(void)state;
	/* Both are told "pending", so they stay when the router is late. */
	subscribe(a, 1);
	subscribe(b, 1);
	world_welcome(l);
	assert_int_equal(world_sent_type(l), WAMP_SUBSCRIBE);
	world_advance(w, 10001);
	world_drop_lines(a);
	request = publish(l, a);
	world_reply(l, "[33,1,77]");
	world_expect_member(a, "state", "state", "active");
	world_reply(l, "[17,%lld,501]", request);
	world_reply(l, "[36,77,501,{}]");
	hears_nothing(a);
	world_free(w);
}

static void what_is_held_has_a_bound(void **state)
{
	struct world_link *l;
	struct world_program *a, *b;
	struct world *w = world_of_two(&l, &a, &b);

	(void)state;
	(void)publish(l, a);
	for (int i = 0; i < 1100; i++)
		world_reply(l, "[36,77,%d,{}]", 2000 + i);
	/* Rather too early than not at all. */
	for (int i = 0; i < 100; i++)
		hears(a, 2000 + i);
	hears_nothing(a);
	world_advance(w, 1000);
	for (int i = 100; i < 1100; i++)
		hears(a, 2000 + i);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publications_without_an_event_are_refused_to_nobody),
		cmocka_unit_test(publications_whose_event_the_router_drops_are_forgotten),
		cmocka_unit_test(too_many_without_published_are_refused_with_a_name),
		cmocka_unit_test(a_subscription_that_is_made_in_between_does_not_hear_it_either),
		cmocka_unit_test(a_new_subscription_is_not_given_what_was_held_before_it),
		cmocka_unit_test(a_router_that_was_busy_does_not_make_a_program_hear_itself),
		cmocka_unit_test(an_event_waits_a_second_from_when_it_came),
		cmocka_unit_test(who_publishes_all_the_time_hears_others_all_the_same),
		cmocka_unit_test(gaps_keep_their_place_among_what_is_held),
		cmocka_unit_test(what_may_be_own_is_in_the_gap_when_the_session_is_lost),
		cmocka_unit_test(an_event_of_a_subscription_that_timed_out_may_be_own),
		cmocka_unit_test(what_is_held_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
