/* SPDX-License-Identifier: MIT */

/*
 * Links that lose, leave and find their router: what is said of their state, and their pace
 */

#include "world.h"

#include "hub/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A registration that was answered "pending" timed out, and somebody holds it at the router. */
static void leave_to_join_anew(struct world *w, struct world_link *l, struct world_program *p)
{
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.taken\"}");
	world_welcome(l);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_advance(w, 10500);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_reply(l, "[8,64,2,{},\"wamp.error.procedure_already_exists\"]");
}

static void a_session_that_is_left_to_join_anew_is_not_said_to_be_joined(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w), *other = world_connect(w);
	json_t *line;

	(void)state;
	world_send(other, "{\"op\":\"watch\",\"id\":\"w\"}");
	leave_to_join_anew(w, l, p);
	world_send(other, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.p\"}");
	world_send(other, "{\"op\":\"publish\",\"id\":2,\"topic\":\"com.t\"}");
	world_settle(w);
	line = world_expect_state(other, "lost");
	assert_string_equal(world_text(line, "reason"), "wamp.close.close_realm");
	for (int i = 0; i < 2; i++) {
		line = world_expect_member(other, "error", "code", "not_joined");
		assert_string_equal(world_text(line, "state"), "lost");
		assert_null(strstr(world_text(line, "message"), "joined"));
	}
	/* GOODBYE has left before the transport ends. */
	assert_int_equal(world_sent_type(l), WAMP_GOODBYE);
	assert_true(l->wants_open);
	world_free(w);
}

static void a_call_that_is_open_when_the_session_is_left_is_told_at_once(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w), *other = world_connect(w);

	(void)state;
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.taken\"}");
	world_welcome(l);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_send(other, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.p\"}");
	world_settle(w);
	assert_int_equal(world_sent_type(l), WAMP_CALL);
	world_advance(w, 10500);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_reply(l, "[8,64,3,{},\"wamp.error.procedure_already_exists\"]");
	world_expect_member(other, "error", "code", "session_lost");
	world_free(w);
}

/* Some routers end the transport at a GOODBYE and say nothing. */
static void a_transport_that_ends_while_the_daemon_stops_is_no_failed_attempt(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);

	(void)state;
	world_welcome(l);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_settle(w);
	hub_drain(w->hub);
	world_settle(w);
	world_expect_state(p, "closing");
	assert_int_equal(world_sent_type(l), WAMP_GOODBYE);
	world_cut(l, "connection reset by peer");
	world_settle(w);
	assert_string_equal(world_text(world_take(p), "op"), "bye");
	assert_int_equal(l->link->state, LINK_CLOSING);
	world_free(w);
}

/* A frame to the router, or 0; the request's id. */
static int64_t next_request(struct world_link *l, int type)
{
	json_t *frame = world_sent(l);
	int64_t id;

	assert_int_equal(json_integer_value(json_array_get(frame, 0)), type);
	id = json_integer_value(json_array_get(frame, 1));
	json_decref(frame);
	return id;
}

static struct world *world_with_pending_register(struct world_link **l, struct world_program **p)
{
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, l);

	*p = world_connect(w);
	world_send(*p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_send(*p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.taken\"}");
	world_welcome(*l);
	world_expect_state(*p, "joined");
	return w;
}

static void a_router_that_refuses_late_does_not_make_the_session_leave(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_pending_register(&l, &p);

	(void)state;
	/* Each REGISTER is answered, half a timeout after its timeout. */
	for (int i = 0; i < 20; i++) {
		int64_t id = next_request(l, WAMP_REGISTER);

		world_advance(w, 15000);
		world_reply(l, "[8,64,%lld,{},\"wamp.error.procedure_already_exists\"]",
			    (long long)id);
		for (int k = 0; k < 120 && list_is_empty(&l->sent); k++)
			world_advance(w, 1000);
	}
	world_expect_member(p, "state", "state", "failed");
	while (world_count_lines(p))
		assert_string_not_equal(world_text(world_take(p), "op"), "session");
	world_free(w);
}

/* The newest of them is refused; none of those before it was answered. */
static void refuse_the_last_register(struct world_link *l)
{
	int64_t id = 0;

	while (!list_is_empty(&l->sent))
		id = next_request(l, WAMP_REGISTER);
	world_reply(l, "[8,64,%lld,{},\"wamp.error.procedure_already_exists\"]", (long long)id);
}

static void a_session_is_left_once_for_a_registration(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_pending_register(&l, &p);

	(void)state;
	world_advance(w, 10500);
	refuse_the_last_register(l);
	world_expect_state(p, "lost");
	assert_int_equal(world_sent_type(l), WAMP_GOODBYE);
	world_welcome(l);
	world_expect_state(p, "joined");
	/* Long after, and the same as before. */
	world_advance(w, 10 * LINK_REJOIN_MS + 500);
	refuse_the_last_register(l);
	assert_null(world_sent(l));
	while (world_count_lines(p))
		assert_string_not_equal(world_text(world_take(p), "op"), "session");
	world_free(w);
}

static void a_session_is_not_left_for_one_registration_after_the_other(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_pending_register(&l, &p);

	(void)state;
	world_advance(w, 10500);
	refuse_the_last_register(l);
	world_expect_state(p, "lost");
	assert_int_equal(world_sent_type(l), WAMP_GOODBYE);
	world_send(p, "{\"op\":\"unregister\",\"id\":\"u\",\"registration\":\"r\"}");
	world_send(p, "{\"op\":\"register\",\"id\":\"r2\",\"procedure\":\"com.taken\"}");
	world_welcome(l);
	world_advance(w, 10500);
	refuse_the_last_register(l);
	assert_null(world_sent(l));
	world_free(w);
}

static void an_older_register_that_succeeds_counts(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_pending_register(&l, &p);
	int64_t first, second;

	(void)state;
	first = next_request(l, WAMP_REGISTER);
	world_advance(w, 10500);
	second = next_request(l, WAMP_REGISTER);
	world_reply(l, "[65,%lld,12]", (long long)first);
	world_expect_member(p, "state", "state", "failed"); /* timed out */
	world_expect_member(p, "state", "state", "active");
	world_reply(l, "[8,64,%lld,{},\"wamp.error.procedure_already_exists\"]", (long long)second);
	world_reply(l, "[68,1,12,{}]");
	world_expect(p, "invocation");
	assert_null(world_sent(l));
	world_free(w);
}

static void a_second_registration_that_nobody_asked_for_is_given_back(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_pending_register(&l, &p);
	int64_t first, second;

	(void)state;
	first = next_request(l, WAMP_REGISTER);
	world_advance(w, 10500);
	second = next_request(l, WAMP_REGISTER);
	world_reply(l, "[65,%lld,12]", (long long)second);
	world_reply(l, "[65,%lld,13]", (long long)first);
	(void)next_request(l, WAMP_UNREGISTER);
	world_reply(l, "[68,1,12,{}]");
	world_expect(p, "invocation");
	world_free(w);
}

static void requests_that_a_router_never_answers_are_forgotten_in_the_end(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);
	size_t n_asked = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		world_send(p, "{\"op\":\"register\",\"id\":%d,\"procedure\":\"com.p%d\"}", i, i);
	world_welcome(l);
	for (int minute = 0; minute < 180; minute++) {
		world_advance(w, 60000);
		while (world_sent_type(l) == WAMP_REGISTER)
			n_asked++;
		world_drop_lines(p);
	}
	assert_true(n_asked > 5000);
	/* Two of each registration, and those that still keep others waiting. */
	assert_true(l->link->requests.count <= 2 * 200 + LINK_MAX_UNANSWERED);
	world_free(w);
}

static void programs_that_come_and_go_leave_a_bounded_number_behind(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);

	(void)state;
	world_welcome(l);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 32; i++)
			world_send(p, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t%d\"}",
				   round * 32 + i, i);
		world_advance(w, 10000);
		while (world_sent_type(l))
			;
		world_drop_lines(p);
	}
	assert_int_equal(l->link->requests.count, LINK_MAX_LATE);
	world_free(w);
}

/* Both SUBSCRIBEs reach a router that is slow, and it has one subscription for them, as WAMP says.
 */
static void a_topic_that_is_asked_for_again_is_not_lost_by_the_first_answer(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);
	int64_t first, second;

	(void)state;
	world_welcome(l);
	world_send(p, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.t\"}");
	first = next_request(l, WAMP_SUBSCRIBE);
	world_advance(w, 10000);
	world_expect_member(p, "error", "code", "timeout");
	world_send(p, "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.t\"}");
	second = next_request(l, WAMP_SUBSCRIBE);
	world_reply(l, "[33,%lld,77]", (long long)first);
	world_expect_member(p, "ok", "state", "active");
	world_reply(l, "[33,%lld,77]", (long long)second);
	assert_null(world_sent(l));
	world_reply(l, "[36,77,1,{}]");
	world_expect(p, "event");
	world_free(w);
}

/* The same, answered in the other order; and nobody wants it any more in the end. */
static void a_late_answer_for_a_topic_that_is_there_takes_nothing_away(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);
	int64_t first, second;

	(void)state;
	world_welcome(l);
	world_send(p, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.t\"}");
	first = next_request(l, WAMP_SUBSCRIBE);
	world_advance(w, 10000);
	world_send(p, "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.t\"}");
	second = next_request(l, WAMP_SUBSCRIBE);
	world_reply(l, "[33,%lld,77]", (long long)second);
	world_reply(l, "[33,%lld,77]", (long long)first);
	assert_null(world_sent(l));
	world_send(p, "{\"op\":\"unsubscribe\",\"id\":3,\"subscription\":2}");
	(void)next_request(l, WAMP_UNSUBSCRIBE);
	world_free(w);
}

/* An UNSUBSCRIBE waits for its turn behind others. Returns the first of their ids. */
static long long unsubscribe_and_wait(struct world_link *l, struct world_program *p,
				      struct world_program *other)
{
	int64_t first;

	world_welcome(l);
	world_send(p, "{\"op\":\"subscribe\",\"id\":\"s\",\"topic\":\"com.t\"}");
	first = next_request(l, WAMP_SUBSCRIBE);
	world_reply(l, "[33,%lld,77]", (long long)first);
	for (int i = 0; i < LINK_MAX_UNANSWERED; i++)
		world_send(other, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t%d\"}", i, i);
	world_settle(l->world);
	world_drop_lines(p);
	world_send(p, "{\"op\":\"unsubscribe\",\"id\":\"u\",\"subscription\":\"s\"}");
	world_settle(l->world);
	assert_int_equal(world_count_lines(p), 0);
	return first + 1;
}

static void an_unsubscribe_is_answered_when_somebody_wants_the_topic_again(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w), *other = world_connect(w);
	long long first;

	(void)state;
	world_drop_lines(p);
	first = unsubscribe_and_wait(l, p, other);
	world_send(other, "{\"op\":\"subscribe\",\"id\":\"s\",\"topic\":\"com.t\"}");
	world_settle(w);
	for (int i = 0; i < LINK_MAX_UNANSWERED; i++)
		world_reply(l, "[33,%lld,%d]", first + i, 100 + i);
	world_advance(w, 100000);
	assert_string_equal(world_text(world_expect(p, "ok"), "id"), "u");
	world_free(w);
}

static void an_unsubscribe_is_answered_when_the_router_takes_the_topic_away(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w), *other = world_connect(w);
	long long first;

	(void)state;
	world_drop_lines(p);
	first = unsubscribe_and_wait(l, p, other);
	world_reply(l, "[35,0,{\"subscription\":77}]");
	for (int i = 0; i < LINK_MAX_UNANSWERED; i++)
		world_reply(l, "[33,%lld,%d]", first + i, 100 + i);
	world_advance(w, 100000);
	assert_string_equal(world_text(world_expect(p, "ok"), "id"), "u");
	world_free(w);
}

/* What was sent is still on its way: so many bytes of it. */
static void on_its_way(struct world_link *l, size_t n)
{
	hub_link_set_unsent(l->link, n);
}

static struct world *world_with_long_upload(struct world_link **l, struct world_program **p)
{
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, l);
	char text[1024];

	world_welcome(*l);
	*p = world_connect(w);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 900; i++)
		world_send(*p, "{\"op\":\"publish\",\"topic\":\"com.t\",\"args\":[\"%s\"]}", text);
	world_settle(w);
	while (world_sent_type(*l))
		;
	on_its_way(*l, 900 << 10);
	world_send(*p, "{\"op\":\"publish\",\"id\":1,\"topic\":\"com.t\",\"ack\":true}");
	world_send(*p, "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.t\"}");
	world_settle(w);
	world_drop_lines(*p);
	return w;
}

static void the_time_for_an_answer_begins_when_the_request_has_left(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_long_upload(&l, &p);

	(void)state;
	/* A slow line, for a minute. */
	for (int i = 0; i < 60; i++) {
		on_its_way(l, (size_t)(900 - 15 * i) << 10);
		world_advance(w, 1000);
		assert_int_equal(world_count_lines(p), 0);
	}
	on_its_way(l, 0);
	world_advance(w, 10900);
	assert_int_equal(world_count_lines(p), 0);
	world_advance(w, 200);
	world_expect_member(p, "error", "code", "timeout");
	world_expect_member(p, "error", "code", "timeout");
	world_free(w);
}

static void a_router_that_takes_nothing_has_no_more_time_than_any(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_long_upload(&l, &p);

	(void)state;
	world_advance(w, 9900);
	assert_int_equal(world_count_lines(p), 0);
	world_advance(w, 1200);
	world_expect_member(p, "error", "code", "timeout");
	world_expect_member(p, "error", "code", "timeout");
	world_free(w);
}

static void a_call_has_the_time_that_its_caller_gave_it(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = world_with_long_upload(&l, &p);

	(void)state;
	world_send(p, "{\"op\":\"call\",\"id\":3,\"procedure\":\"com.p\",\"timeout\":500}");
	world_settle(w);
	world_advance(w, 500);
	world_expect_member(p, "error", "code", "timeout");
	world_free(w);
}

static struct world *world_without_router(uint64_t attempts, struct world_link **ret)
{
	struct link_config config = world_link_config("default");
	struct world *w = world_new(1, NULL);

	config.max_reconnection_attempts = attempts;
	*ret = world_add_link(w, WORLD_FAR, &config);
	(*ret)->down = true;
	return w;
}

static void expect_failed(struct world_program *p, bool retry)
{
	json_t *line = world_expect_member(p, "error", "code", "session_failed");

	assert_true(json_is_boolean(json_object_get(line, "retry")));
	assert_int_equal(json_is_true(json_object_get(line, "retry")), retry);
	assert_string_equal(world_text(line, "session"), "default");
	assert_string_equal(world_text(line, "state"), "failed");
	if (retry)
		assert_true(world_number(line, "retry_in_ms") > 0);
}

static void every_request_is_told_alike_whether_the_session_tries_again(void **state)
{
	struct world_link *l;
	struct world *w = world_without_router(0, &l);
	struct world_program *p = world_connect(w);

	(void)state;
	world_start(w);
	world_send(p, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.p\"}");
	world_send(p, "{\"op\":\"publish\",\"id\":2,\"topic\":\"com.t\"}");
	world_send(p, "{\"op\":\"publish\",\"id\":3,\"topic\":\"com.t\",\"ack\":true}");
	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	for (int i = 0; i < 4; i++)
		expect_failed(p, false);
	world_free(w);
}

static void a_refused_session_that_goes_on_trying_may_be_tried_again(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);

	(void)state;
	world_open(l);
	world_reply(l, "[3,{},\"wamp.error.no_such_realm\"]");
	world_send(p, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.p\"}");
	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	for (int i = 0; i < 2; i++)
		expect_failed(p, true);
	world_free(w);
}

static void publications_that_nobody_awaits_are_counted(void **state)
{
	struct world_link *l;
	struct world *w = world_without_router(0, &l);
	struct world_program *p = world_connect(w);
	json_t *line;

	(void)state;
	world_start(w);
	for (int i = 0; i < 5; i++)
		world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	line = world_expect(p, "error");
	assert_non_null(strstr(world_text(line, "message"), "; 1 publications were not sent"));
	assert_int_equal(world_count_lines(p), 0);
	world_advance(w, 1000);
	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	line = world_expect(p, "error");
	assert_non_null(strstr(world_text(line, "message"), "; 5 publications were not sent"));
	world_free(w);
}

static void who_asks_for_patience_is_not_hurried_though_near(void **state)
{
	struct link_config config = world_link_config("default");
	struct world_program *p;
	struct world_link *l;
	struct world *w;

	(void)state;
	config.is_near = true;
	config.reconnect_jitter = 0;
	w = world_with(WORLD_SCRIPTED, 1, &config, &l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_settle(w);
	world_drop_lines(p);
	for (int64_t i = 0, delay = 0; i < 8; i++) {
		json_t *line;

		hub_link_over(l->link, HUB_OVER_BUSY, "HTTP 503");
		world_settle(w);
		line = world_expect_state(p, "connecting");
		assert_string_equal(world_text(line, "reason"), "wampbridge.error.transport");
		assert_true(world_number(line, "retry_in_ms") > delay);
		delay = world_number(line, "retry_in_ms");
		world_advance(w, (uint64_t)delay);
		world_drop_lines(p);
	}
	world_free(w);
}

static void a_link_that_is_armed_anew_begins_with_a_short_delay(void **state)
{
	struct world_link *l;
	struct world *w = world_without_router(20, &l);
	struct world_program *p = world_connect(w);
	json_t *line;

	(void)state;
	world_start(w);
	world_advance(w, 3600 * 1000);
	assert_true(hub_link_has_given_up(l->link));
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\"}");
	world_settle(w);
	world_drop_lines(p);
	hub_rearm(w->hub);
	world_settle(w);
	line = world_expect_state(p, "connecting");
	assert_int_equal(world_number(line, "attempt"), 1);
	assert_true(world_number(line, "retry_in_ms") <= 300);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_is_left_to_join_anew_is_not_said_to_be_joined),
		cmocka_unit_test(a_call_that_is_open_when_the_session_is_left_is_told_at_once),
		cmocka_unit_test(every_request_is_told_alike_whether_the_session_tries_again),
		cmocka_unit_test(a_refused_session_that_goes_on_trying_may_be_tried_again),
		cmocka_unit_test(publications_that_nobody_awaits_are_counted),
		cmocka_unit_test(who_asks_for_patience_is_not_hurried_though_near),
		cmocka_unit_test(a_link_that_is_armed_anew_begins_with_a_short_delay),
		cmocka_unit_test(a_router_that_refuses_late_does_not_make_the_session_leave),
		cmocka_unit_test(a_session_is_left_once_for_a_registration),
		cmocka_unit_test(a_session_is_not_left_for_one_registration_after_the_other),
		cmocka_unit_test(an_older_register_that_succeeds_counts),
		cmocka_unit_test(a_second_registration_that_nobody_asked_for_is_given_back),
		cmocka_unit_test(requests_that_a_router_never_answers_are_forgotten_in_the_end),
		cmocka_unit_test(programs_that_come_and_go_leave_a_bounded_number_behind),
		cmocka_unit_test(the_time_for_an_answer_begins_when_the_request_has_left),
		cmocka_unit_test(a_router_that_takes_nothing_has_no_more_time_than_any),
		cmocka_unit_test(a_call_has_the_time_that_its_caller_gave_it),
		cmocka_unit_test(a_topic_that_is_asked_for_again_is_not_lost_by_the_first_answer),
		cmocka_unit_test(a_late_answer_for_a_topic_that_is_there_takes_nothing_away),
		cmocka_unit_test(an_unsubscribe_is_answered_when_somebody_wants_the_topic_again),
		cmocka_unit_test(an_unsubscribe_is_answered_when_the_router_takes_the_topic_away),
		cmocka_unit_test(a_transport_that_ends_while_the_daemon_stops_is_no_failed_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
