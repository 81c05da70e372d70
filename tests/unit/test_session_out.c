/* SPDX-License-Identifier: MIT */

/*
 * The session machine: what goes out, as frames and as views
 */

#include "wamp/session.h"

#include "base/mem.h"
#include "base/rng.h"
#include "test_session_start.h"

#include <errno.h>

static void hello_is_sent_once_with_realm_and_honest_roles(void **state)
{
	struct session s;

	(void)state;
	start(&s, SESSION_IDLE);
	session_open(&s);
	assert_int_equal(s.state, SESSION_HELLO_SENT);
	expect_frame(&s, "[1,\"realm1\",{\"agent\":\"test\",\"authmethods\":[\"anonymous\"],"
			 "\"roles\":{\"caller\":{\"features\":{\"call_canceling\":true}},"
			 "\"callee\":{\"features\":{\"registration_revocation\":true}},"
			 "\"publisher\":{\"features\":{\"publisher_exclusion\":true}},"
			 "\"subscriber\":{\"features\":{\"subscription_revocation\":true}}}}]");
	session_open(&s);
	expect_frame(&s, "");
	session_done(&s);
}

static const enum wamp_type request_types[] = {WAMP_CALL,	WAMP_PUBLISH,	WAMP_REGISTER,
					       WAMP_UNREGISTER, WAMP_SUBSCRIBE, WAMP_UNSUBSCRIBE};
static const enum wamp_type other_types[] = {WAMP_YIELD, WAMP_ERROR, WAMP_CANCEL};

/* WAMP 2.1.2 */
static void request_ids_have_no_gap_in_100000_mixed_messages(void **state)
{
	struct wamp_msg msg = {.uri = SLICE("a.b"), .id = 7, .request_type = WAMP_INVOCATION};
	struct rng rng = {5};
	uint64_t expected = 0;
	struct session s;

	(void)state;
	start(&s, SESSION_JOINED);
	for (int i = 0; i < 100000; i++) {
		struct arena arena = {0};
		struct wamp_fault fault;
		struct wamp_msg sent;
		struct slice out;

		msg.request = rng_next(&rng) % WAMP_MAX_ID;
		if (rng_below(&rng, 3)) {
			msg.type = request_types[rng_below(&rng, ARRAY_SIZE(request_types))];
			assert_int_equal(session_send(&s, &msg), ++expected);
		} else {
			msg.type = other_types[rng_below(&rng, ARRAY_SIZE(other_types))];
			assert_int_equal(session_send(&s, &msg), 0);
		}
		out = buf_bytes(&s.out);
		out.ptr += SESSION_FRAME_HEADER;
		out.len -= SESSION_FRAME_HEADER;
		assert_int_equal(wamp_parse(&sent, out, &arena, &fault), 0);
		assert_int_equal(sent.type, msg.type);
		assert_true(sent.request == (msg.type == WAMP_YIELD || msg.type == WAMP_ERROR ||
							     msg.type == WAMP_CANCEL
						     ? msg.request
						     : expected));
		skip_frame(&s);
		arena_done(&arena);
	}
	assert_true(expected > 60000);
	session_done(&s);
}

static void request_ids_go_round_behind_the_largest(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b")};
	struct session s;

	(void)state;
	start(&s, SESSION_JOINED);
	s.last_request = WAMP_MAX_ID - 1;
	assert_true(session_send(&s, &msg) == WAMP_MAX_ID);
	assert_int_equal(session_send(&s, &msg), 1);
	session_done(&s);
}

static void only_a_joined_session_sends(void **state)
{
	static const enum session_state others[] = {SESSION_IDLE, SESSION_HELLO_SENT,
						    SESSION_CLOSING, SESSION_CLOSED};
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b")};
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		start(&s, others[i]);
		assert_int_equal(session_send(&s, &msg), 0);
		session_leave(&s, "x.y");
		expect_frame(&s, "");
		assert_int_equal(s.state, others[i]);
		assert_int_equal(s.last_request, 0);
		session_done(&s);
	}
}

static void leaving_says_goodbye_with_the_reason(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b")};
	struct session s;

	(void)state;
	start(&s, SESSION_JOINED);
	assert_int_equal(session_send(&s, &msg), 1);
	session_leave(&s, "wamp.close.system_shutdown");
	session_leave(&s, "wamp.close.system_shutdown");
	assert_int_equal(s.state, SESSION_CLOSING);
	expect_frame(&s, "[48,1,{},\"a.b\"]");
	expect_frame(&s, "[6,{},\"wamp.close.system_shutdown\"]");
	expect_frame(&s, "");
	session_done(&s);
}

static void aborting_escapes_its_text(void **state)
{
	struct session s;

	(void)state;
	start(&s, SESSION_HELLO_SENT);
	session_abort(&s, "wamp.close.timeout", "a \"b\"\n");
	assert_int_equal(s.state, SESSION_CLOSED);
	expect_frame(&s, "[3,{\"message\":\"a \\\"b\\\"\\u000a\"},\"wamp.close.timeout\"]");
	session_done(&s);
}

static void a_reset_session_starts_anew(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b")};
	struct session_event event;
	struct session s;

	(void)state;
	start(&s, SESSION_JOINED);
	session_send(&s, &msg);
	input(&s, "[50,1,{}]");
	session_reset(&s);
	assert_int_equal(s.state, SESSION_IDLE);
	assert_false(session_next_event(&s, &event));
	expect_frame(&s, "");
	session_open(&s);
	skip_frame(&s);
	input(&s, WELCOME);
	assert_int_equal(session_send(&s, &msg), 1);
	expect_frame(&s, "[48,1,{},\"a.b\"]");
	session_done(&s);
}

static void start_with_views(struct session *s)
{
	struct wamp_msg welcome = {.type = WAMP_WELCOME, .id = 3}, view;
	struct session_event event;

	assert_int_equal(session_init(s, &views_config), 0);
	session_open(s);
	assert_true(session_next_view(s, &view));
	assert_int_equal(view.type, WAMP_HELLO);
	assert_true(slice_is(view.uri, "realm1"));
	assert_false(session_next_view(s, &view));
	session_recv(s, &welcome);
	assert_true(session_next_event(s, &event));
	assert_int_equal(event.type, SESSION_EVENT_JOINED);
}

static void views_carry_what_frames_would(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b"), .request = 99}, view;
	struct wamp_msg result = {.type = WAMP_RESULT, .request = 7};
	struct session_event event;
	struct session s;
	uint64_t taken = 0;

	(void)state;
	start_with_views(&s);
	for (uint64_t i = 1; i <= 1000; i++) {
		assert_int_equal(session_send(&s, &msg), i);
		/* Two in three are taken at once, the others wait. */
		if (i % 3 && session_next_view(&s, &view))
			assert_int_equal(view.request, ++taken);
	}
	while (session_next_view(&s, &view))
		assert_int_equal(view.request, ++taken);
	assert_int_equal(taken, 1000);
	expect_frame(&s, "");
	session_recv(&s, &result);
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.msg.request, 7);
	assert_false(event.undecodable);
	/* One that was not taken is over with the next input. */
	session_recv(&s, &result);
	session_leave(&s, "x.y");
	session_recv(&s, &result);
	assert_false(session_next_event(&s, &event));
	session_reset(&s);
	assert_false(session_next_view(&s, &view));
	session_done(&s);
}

static void text_behind_views_lives_until_they_are_settled(void **state)
{
	struct wamp_msg first, second, third;
	struct session s;

	(void)state;
	start_with_views(&s);
	session_settle(&s);
	session_abort(&s, "x.y", "one");
	session_settle(&s);
	session_abort(&s, "x.y", "two");
	assert_true(session_next_view(&s, &first));
	session_settle(&s);
	assert_true(session_next_view(&s, &second));
	assert_int_equal(first.type, WAMP_ABORT);
	assert_true(slice_is(scan_token(&first.details), "{\"message\":\"one\"}"));
	assert_true(slice_is(scan_token(&second.details), "{\"message\":\"two\"}"));
	session_settle(&s);
	session_abort(&s, "x.y", "six");
	assert_true(session_next_view(&s, &third));
	assert_ptr_equal(third.details.text, first.details.text);
	session_reset(&s);
	session_abort(&s, "x.y", "ten");
	assert_true(session_next_view(&s, &third));
	assert_ptr_equal(third.details.text, first.details.text);
	session_done(&s);
}

static void a_session_without_memory_latches_its_output(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b")};
	struct session s;

	(void)state;
	assert_int_equal(session_init(&s, &frames_config), 0);
	mem_fail_after(0);
	session_open(&s);
	mem_fail_after(-1);
	assert_int_equal(s.out.error, -ENOMEM);
	session_reset(&s);
	assert_int_equal(s.out.error, 0);
	session_done(&s);
	assert_int_equal(session_init(&s, &views_config), 0);
	mem_fail_after(0);
	session_open(&s);
	mem_fail_after(-1);
	assert_int_equal(s.out.error, -ENOMEM);
	session_reset(&s);
	s.state = SESSION_JOINED;
	for (int i = 0; i < 65536; i++)
		session_send(&s, &msg);
	assert_int_equal(s.out.error, 0);
	session_send(&s, &msg);
	assert_int_equal(s.out.error, -ENOBUFS);
	session_done(&s);
}

/* There is room for a frame, but none for what HELLO says: half a HELLO is not sent. */
static void a_hello_without_details_is_not_sent(void **state)
{
	const struct session_config *const configs[] = {&frames_config, &views_config};
	struct wamp_msg msg;
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		assert_int_equal(session_init(&s, configs[i]), 0);
		assert_non_null(buf_reserve(&s.out, 1000));
		mem_fail_after(0);
		session_open(&s);
		mem_fail_after(-1);
		assert_int_equal(s.out.error, -ENOMEM);
		assert_int_equal(buf_len(&s.out), 0);
		assert_false(session_next_view(&s, &msg));
		session_done(&s);
	}
}

/* Any allocation may fail: the session gets on or ends, and nothing leaks. */
static void each_allocation_may_fail_while_joining(void **state)
{
	struct session_event event;
	struct session s;
	int n_joined = 0;

	(void)state;
	for (long n = 0; n < 20; n++) {
		assert_int_equal(session_init(&s, &frames_config), 0);
		mem_fail_after(n);
		session_open(&s);
		input(&s, "[2,5,{\"realm\":\"r\",\"authid\":\"a\",\"agent\":\"b\"}]");
		n_joined += session_next_event(&s, &event) && event.type == SESSION_EVENT_JOINED;
		input(&s, "[4,\"x\\ny\",{}]");
		mem_fail_after(-1);
		session_done(&s);
	}
	assert_true(n_joined > 10);
}

/* What one burst needed is not kept for ever. */
static void a_burst_of_views_gives_its_memory_back(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b")}, taken;
	struct session s;

	(void)state;
	assert_int_equal(session_init(&s, &views_config), 0);
	session_open(&s);
	assert_true(session_next_view(&s, &taken));
	input(&s, WELCOME);
	for (int i = 0; i < 1000; i++)
		(void)session_send(&s, &msg);
	assert_true(s.cap_views >= 1000);
	while (session_next_view(&s, &taken))
		session_settle(&s);
	session_settle(&s);
	assert_int_equal(s.cap_views, 0);
	(void)session_send(&s, &msg);
	assert_true(session_next_view(&s, &taken));
	session_settle(&s);
	assert_true(s.cap_views > 0);
	session_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_is_sent_once_with_realm_and_honest_roles),
		cmocka_unit_test(request_ids_have_no_gap_in_100000_mixed_messages),
		cmocka_unit_test(request_ids_go_round_behind_the_largest),
		cmocka_unit_test(only_a_joined_session_sends),
		cmocka_unit_test(leaving_says_goodbye_with_the_reason),
		cmocka_unit_test(aborting_escapes_its_text),
		cmocka_unit_test(a_reset_session_starts_anew),
		cmocka_unit_test(views_carry_what_frames_would),
		cmocka_unit_test(text_behind_views_lives_until_they_are_settled),
		cmocka_unit_test(a_session_without_memory_latches_its_output),
		cmocka_unit_test(a_hello_without_details_is_not_sent),
		cmocka_unit_test(each_allocation_may_fail_while_joining),
		cmocka_unit_test(a_burst_of_views_gives_its_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
