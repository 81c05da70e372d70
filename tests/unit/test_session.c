/* SPDX-License-Identifier: MIT */

/*
 * The session machine: what each state makes of each input
 */

#include "wamp/session.h"

#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#define WELCOME "[2,77,{\"realm\":\"realm1\",\"roles\":{\"broker\":{},\"dealer\":{}}}]"

#define VIOLATION "wamp.error.protocol_violation"

static const struct session_config frames_config = {.realm = "realm1", .agent = "test"};
static const struct session_config views_config = {
	.realm = "realm1", .agent = "test", .views = true};

/* The next outbound frame, or "" for none. */
static void expect_frame(struct session *s, const char *expected)
{
	struct slice out = buf_bytes(&s->out), frame;
	uint32_t len;

	if (!expected[0]) {
		assert_int_equal(out.len, 0);
		return;
	}
	assert_true(out.len > SESSION_FRAME_HEADER);
	memcpy(&len, out.ptr, sizeof(len));
	assert_true(len <= out.len - SESSION_FRAME_HEADER);
	frame = (struct slice){out.ptr + SESSION_FRAME_HEADER, len};
	if (!slice_is(frame, expected))
		fail_msg("%.*s instead of %s", SLICE_ARG(frame), expected);
	buf_consume(&s->out, SESSION_FRAME_HEADER + len);
}

static void skip_frame(struct session *s)
{
	uint32_t len;

	memcpy(&len, buf_bytes(&s->out).ptr, sizeof(len));
	buf_consume(&s->out, SESSION_FRAME_HEADER + len);
}

static void recv(struct session *s, const char *frame)
{
	session_recv_frame(s, slice_of(frame));
}

/* A session brought into a state, nothing outbound. */
static void start(struct session *s, enum session_state state)
{
	struct session_event event;

	assert_int_equal(session_init(s, &frames_config), 0);
	if (state == SESSION_IDLE)
		return;
	session_open(s);
	skip_frame(s);
	if (state == SESSION_HELLO_SENT)
		return;
	recv(s, WELCOME);
	assert_true(session_next_event(s, &event));
	assert_int_equal(event.type, SESSION_EVENT_JOINED);
	if (state == SESSION_JOINED)
		return;
	if (state == SESSION_CLOSING)
		session_leave(s, "wamp.close.close_realm");
	else
		session_abort(s, "x.y", NULL);
	skip_frame(s);
	assert_int_equal(s->state, state);
}

#define NO_EVENT (-1)

/* One input in one state: what goes out, what is told, and the state behind it. */
static const struct row {
	enum session_state state;
	const char *input, *output;
	int event;
	const char *reason, *message;
	enum session_state then;
} rows[] = {
#define QUIET(s, in) {SESSION_##s, in, "", NO_EVENT, NULL, NULL, SESSION_##s}
#define BROKEN(s, in, text)                                                                        \
	{                                                                                          \
		SESSION_##s, in, "[3,{\"message\":\"" text "\"},\"" VIOLATION "\"]",               \
			SESSION_EVENT_VIOLATION, VIOLATION, text, SESSION_CLOSED                   \
	}
#define TOLD(in) {SESSION_JOINED, in, "", SESSION_EVENT_MESSAGE, "", "", SESSION_JOINED}
#define NO_ID	 "WELCOME without a session id or readable details"
#define EARLY	 "a message before WELCOME"
#define NO_WAMP	 "a frame that is no WAMP message"
#define WRONG	 "a message that a router must not send here"
	/* before HELLO and behind the end nothing counts */
	QUIET(IDLE, WELCOME),
	QUIET(IDLE, "garbage"),
	QUIET(CLOSED, WELCOME),
	QUIET(CLOSED, "[6,{},\"a.b\"]"),
	QUIET(CLOSED, "garbage"),

	/* waiting for WELCOME */
	{SESSION_HELLO_SENT, WELCOME, "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	{SESSION_HELLO_SENT, "[2,1,null]", "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	/* what other parsers stumble over is none of our business here */
	{SESSION_HELLO_SENT,
	 "[2,1,{\"x\":[\"\\ud800\",\"\\u0000\",1e400,18446744073709551616],\"\\u0000\":1,\"x\":2}]",
	 "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	BROKEN(HELLO_SENT, "[2,0,{}]", NO_ID),
	BROKEN(HELLO_SENT, "[2,1,[]]", NO_WAMP),
	BROKEN(HELLO_SENT, "[2,1]", NO_WAMP),
	BROKEN(HELLO_SENT, "", NO_WAMP),
	BROKEN(HELLO_SENT, "[50,1,{}]", EARLY),
	BROKEN(HELLO_SENT, "[8,48,1,{},\"a.b\"]", EARLY),
	BROKEN(HELLO_SENT, "[36,1,2,{},[NaN]]", EARLY),
	BROKEN(HELLO_SENT, "[1,\"realm1\",{}]", EARLY),
	QUIET(HELLO_SENT, "[300,1]"),
	{SESSION_HELLO_SENT, "[3,{\"message\":\"no \\\"x\\\"\"},\"wamp.error.no_such_realm\"]", "",
	 SESSION_EVENT_REFUSED, "wamp.error.no_such_realm", "no \"x\"", SESSION_CLOSED},
	{SESSION_HELLO_SENT, "[3,{\"message\":5},\"a.b\",[1]]", "", SESSION_EVENT_REFUSED, "a.b", "",
	 SESSION_CLOSED},
	{SESSION_HELLO_SENT, "[6,{},\"wamp.close.system_shutdown\"]", "", SESSION_EVENT_REFUSED,
	 "wamp.close.system_shutdown", "", SESSION_CLOSED},
	{SESSION_HELLO_SENT, "[4,\"ticket\",{}]",
	 "[3,{\"message\":\"no authentication is configured\"},"
	 "\"wamp.error.cannot_authenticate\"]",
	 SESSION_EVENT_REFUSED, "wamp.error.cannot_authenticate",
	 "the router demands authentication by \"ticket\", but this session is anonymous",
	 SESSION_CLOSED},

	/* joined */
	TOLD("[8,48,1,{},\"a.b\"]"),
	TOLD("[17,1,2]"),
	TOLD("[33,1,2]"),
	TOLD("[35,1]"),
	TOLD("[35,0,{\"subscription\":5}]"),
	TOLD("[36,1,2,{},[1]]"),
	TOLD("[50,1,{}]"),
	TOLD("[65,1,2]"),
	TOLD("[67,1]"),
	TOLD("[68,1,2,{}]"),
	TOLD("[69,1,{}]"),
	BROKEN(JOINED, "[1,\"realm1\",{}]", WRONG),
	BROKEN(JOINED, WELCOME, WRONG),
	BROKEN(JOINED, "[4,\"ticket\",{}]", WRONG),
	BROKEN(JOINED, "[5,\"x\",{}]", WRONG),
	BROKEN(JOINED, "[16,1,{},\"a.b\"]", WRONG),
	BROKEN(JOINED, "[32,1,{},\"a.b\"]", WRONG),
	BROKEN(JOINED, "[34,1,2]", WRONG),
	BROKEN(JOINED, "[48,1,{},\"a.b\"]", WRONG),
	BROKEN(JOINED, "[49,1,{}]", WRONG),
	BROKEN(JOINED, "[64,1,{},\"a.b\"]", WRONG),
	BROKEN(JOINED, "[66,1,2]", WRONG),
	BROKEN(JOINED, "[70,1,{}]", WRONG),
	BROKEN(JOINED, "[]", NO_WAMP),
	BROKEN(JOINED, "hello", NO_WAMP),
	BROKEN(JOINED, "[9]", NO_WAMP),
	BROKEN(JOINED, "[50,\"1\",{}]", NO_WAMP),
	BROKEN(JOINED, "[65,1", NO_WAMP),
	QUIET(JOINED, "[256,{}]"),
	{SESSION_JOINED, "[6,{\"message\":\"bye\"},\"wamp.close.system_shutdown\"]",
	 "[6,{},\"wamp.close.goodbye_and_out\"]", SESSION_EVENT_LEFT, "wamp.close.system_shutdown",
	 "bye", SESSION_CLOSED},
	{SESSION_JOINED, "[3,{},\"wamp.error.invalid_uri\"]", "", SESSION_EVENT_REFUSED,
	 "wamp.error.invalid_uri", "", SESSION_CLOSED},

	/* GOODBYE sent: all but its answer is ignored (WAMP 4.1) */
	QUIET(CLOSING, "[50,1,{}]"),
	QUIET(CLOSING, "[36,1,2,{},[NaN]]"),
	QUIET(CLOSING, "[1,\"realm1\",{}]"),
	QUIET(CLOSING, WELCOME),
	QUIET(CLOSING, "garbage"),
	QUIET(CLOSING, "[400]"),
	{SESSION_CLOSING, "[6,{},\"wamp.close.goodbye_and_out\"]", "", SESSION_EVENT_CLOSED,
	 "wamp.close.goodbye_and_out", "", SESSION_CLOSED},
	{SESSION_CLOSING, "[3,{},\"a.b\"]", "", SESSION_EVENT_CLOSED, "a.b", "", SESSION_CLOSED},
};

static void expect_event(struct session *s, const struct row *row)
{
	struct session_event event;

	if (row->event == NO_EVENT) {
		assert_false(session_next_event(s, &event));
		return;
	}
	assert_true(session_next_event(s, &event));
	assert_int_equal(event.type, row->event);
	assert_true(slice_is(event.reason, row->reason));
	assert_true(slice_is(event.message, row->message));
	assert_false(session_next_event(s, &event));
}

static void each_state_answers_each_input(void **state)
{
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		start(&s, rows[i].state);
		recv(&s, rows[i].input);
		if (s.state != rows[i].then)
			fail_msg("%s in state %s: %s", rows[i].input,
				 session_state_name(rows[i].state), session_state_name(s.state));
		expect_event(&s, &rows[i]);
		expect_frame(&s, rows[i].output);
		expect_frame(&s, "");
		session_done(&s);
	}
}

static void frames_cut_anywhere_do_no_harm(void **state)
{
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t n = 0; n < strlen(rows[i].input); n++) {
			char *copy = mem_strndup(rows[i].input, n);

			start(&s, rows[i].state);
			session_recv_frame(&s, (struct slice){copy, n});
			assert_true(s.state == rows[i].state || s.state == SESSION_CLOSED);
			session_done(&s);
			mem_free(copy);
		}
}

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

static void welcome_is_read_and_what_is_missing_is_null(void **state)
{
	struct session s;

	(void)state;
	start(&s, SESSION_HELLO_SENT);
	recv(&s, "[2,9129137332,{\"realm\":\"other\",\"authid\":\"joe\",\"authrole\":\"user\","
		 "\"authmethod\":\"anonymous\",\"agent\":\"r\\u0041\",\"x_cb_node\":[null],"
		 "\"authextra\":{\"x\":\"\\u0000AA==\"},"
		 "\"roles\":{\"dealer\":{\"features\":{\"call_canceling\":true}}}}]");
	assert_int_equal(s.state, SESSION_JOINED);
	assert_true(s.welcome.session_id == 9129137332);
	assert_string_equal(s.welcome.realm, "other");
	assert_string_equal(s.welcome.authid, "joe");
	assert_string_equal(s.welcome.authrole, "user");
	assert_string_equal(s.welcome.authmethod, "anonymous");
	assert_string_equal(s.welcome.agent, "rA");
	assert_false(s.welcome.has_broker);
	assert_true(s.welcome.has_dealer);
	assert_true(s.welcome.call_canceling);
	session_reset(&s);
	session_open(&s);
	recv(&s, "[2,5,{\"authid\":7,\"roles\":{\"broker\":{},\"dealer\":{\"features\":"
		 "{\"call_canceling\":1}}}}]");
	assert_null(s.welcome.realm);
	assert_null(s.welcome.authid);
	assert_true(s.welcome.has_broker);
	assert_true(s.welcome.has_dealer);
	assert_false(s.welcome.call_canceling);
	session_reset(&s);
	session_open(&s);
	recv(&s, "[2,5,{}]");
	assert_true(s.welcome.has_broker);
	assert_true(s.welcome.has_dealer);
	session_done(&s);
}

static void a_message_is_handed_on_as_it_came(void **state)
{
	struct session_event event;
	struct session s;

	(void)state;
	start(&s, SESSION_JOINED);
	recv(&s, "[68,3,4,{\"procedure\":\"a.b\"},[1.50],{\"k\":null}]");
	assert_true(session_next_event(&s, &event));
	assert_false(event.undecodable);
	assert_int_equal(event.msg.type, WAMP_INVOCATION);
	assert_int_equal(event.msg.request, 3);
	assert_int_equal(event.msg.id, 4);
	assert_true(slice_is(scan_token(&event.msg.args), "[1.50]"));
	assert_true(slice_is(scan_token(&event.msg.kwargs), "{\"k\":null}"));
	recv(&s, "[68,3,4,{},[NaN]]");
	assert_true(session_next_event(&s, &event));
	assert_true(event.undecodable);
	assert_int_equal(event.msg.type, WAMP_INVOCATION);
	assert_int_equal(event.msg.args.type, SCAN_ABSENT);
	/* One that was not taken is over with the next input. */
	recv(&s, "[50,1,{}]");
	recv(&s, "[300]");
	assert_false(session_next_event(&s, &event));
	session_done(&s);
}

static void a_long_method_of_a_challenge_is_cut(void **state)
{
	struct session_event event;
	struct session s;
	char frame[3000];

	(void)state;
	start(&s, SESSION_HELLO_SENT);
	memset(frame, 'm', sizeof(frame));
	memcpy(frame, "[4,\"", 4);
	memcpy(frame + sizeof(frame) - 6, "\",{}]", 6);
	recv(&s, frame);
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.type, SESSION_EVENT_REFUSED);
	assert_true(event.message.len < 200);
	session_done(&s);
}

static const enum wamp_type request_types[] = {WAMP_CALL,      WAMP_PUBLISH,   WAMP_REGISTER,
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
		struct scan_error error;
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
		assert_int_equal(wamp_parse(&sent, out, &arena, &error), 0);
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
	recv(&s, "[50,1,{}]");
	session_reset(&s);
	assert_int_equal(s.state, SESSION_IDLE);
	assert_false(session_next_event(&s, &event));
	expect_frame(&s, "");
	session_open(&s);
	skip_frame(&s);
	recv(&s, WELCOME);
	assert_int_equal(session_send(&s, &msg), 1);
	expect_frame(&s, "[48,1,{},\"a.b\"]");
	session_done(&s);
}

static void views_carry_what_frames_would(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .uri = SLICE("a.b"), .request = 99}, view;
	struct wamp_msg welcome = {.type = WAMP_WELCOME, .id = 3};
	struct session_event event;
	struct session s;

	(void)state;
	assert_int_equal(session_init(&s, &views_config), 0);
	session_open(&s);
	assert_true(session_next_view(&s, &view));
	assert_int_equal(view.type, WAMP_HELLO);
	assert_true(slice_is(view.uri, "realm1"));
	assert_false(session_next_view(&s, &view));
	session_recv(&s, &welcome);
	session_settle(&s);
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.type, SESSION_EVENT_JOINED);
	for (uint64_t i = 1, taken = 1; i <= 1000; i++) {
		assert_int_equal(session_send(&s, &msg), i);
		/* Two in three are taken at once, the others wait. */
		while (i % 3 && session_next_view(&s, &view))
			assert_int_equal(view.request, taken++);
	}
	expect_frame(&s, "");
	session_abort(&s, "x.y", "text");
	assert_true(session_next_view(&s, &view));
	assert_int_equal(view.type, WAMP_ABORT);
	assert_true(slice_is(scan_token(&view.details), "{\"message\":\"text\"}"));
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
		recv(&s, "[2,5,{\"realm\":\"r\",\"authid\":\"a\",\"agent\":\"b\"}]");
		n_joined += session_next_event(&s, &event) && event.type == SESSION_EVENT_JOINED;
		recv(&s, "[4,\"x\\ny\",{}]");
		mem_fail_after(-1);
		session_done(&s);
	}
	assert_true(n_joined > 10);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(session_state_name(SESSION_IDLE), "idle");
	assert_string_equal(session_state_name(SESSION_HELLO_SENT), "hello_sent");
	assert_string_equal(session_state_name(SESSION_JOINED), "joined");
	assert_string_equal(session_state_name(SESSION_CLOSING), "closing");
	assert_string_equal(session_state_name(SESSION_CLOSED), "closed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_answers_each_input),
		cmocka_unit_test(frames_cut_anywhere_do_no_harm),
		cmocka_unit_test(hello_is_sent_once_with_realm_and_honest_roles),
		cmocka_unit_test(welcome_is_read_and_what_is_missing_is_null),
		cmocka_unit_test(a_message_is_handed_on_as_it_came),
		cmocka_unit_test(a_long_method_of_a_challenge_is_cut),
		cmocka_unit_test(request_ids_have_no_gap_in_100000_mixed_messages),
		cmocka_unit_test(request_ids_go_round_behind_the_largest),
		cmocka_unit_test(only_a_joined_session_sends),
		cmocka_unit_test(leaving_says_goodbye_with_the_reason),
		cmocka_unit_test(aborting_escapes_its_text),
		cmocka_unit_test(a_reset_session_starts_anew),
		cmocka_unit_test(views_carry_what_frames_would),
		cmocka_unit_test(a_session_without_memory_latches_its_output),
		cmocka_unit_test(each_allocation_may_fail_while_joining),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
