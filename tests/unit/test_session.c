/* SPDX-License-Identifier: MIT */

/*
 * The session machine: what each state makes of each input
 */

#include "wamp/session.h"

#include "base/mem.h"
#include "test_session_start.h"

#include <stdio.h>

#define VIOLATION "wamp.error.protocol_violation"

#define NO_EVENT (-1)

/* One input in one state: what goes out, what is told, and the state behind it. */
static const struct row {
	enum session_state state;
	const char *input, *output;
	int event;
	const char *reason, *message;
	enum session_state then;
} rows[] = {
#define QUIET(s, in)                                                                               \
	{                                                                                          \
		SESSION_##s, in, "", NO_EVENT, NULL, NULL, SESSION_##s                             \
	}
#define BROKEN(s, in, text)                                                                        \
	{                                                                                          \
		SESSION_##s, in, "[3,{\"message\":\"" text "\"},\"" VIOLATION "\"]",               \
			SESSION_EVENT_VIOLATION, VIOLATION, text, SESSION_CLOSED                   \
	}
#define TOLD(in)                                                                                   \
	{                                                                                          \
		SESSION_JOINED, in, "", SESSION_EVENT_MESSAGE, "", "", SESSION_JOINED              \
	}
#define WRONG " must not come from a router here"
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
	BROKEN(HELLO_SENT, "[2,0,{}]", "WELCOME (2): session id is 0"),
	{SESSION_HELLO_SENT, "[2,1,[]]", "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	{SESSION_HELLO_SENT, "[2,1,\"x\",7]", "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	{SESSION_HELLO_SENT, "[2,1,{\"x\":NaN}]", "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	{SESSION_HELLO_SENT, "[2,1]", "", SESSION_EVENT_JOINED, "", "", SESSION_JOINED},
	BROKEN(HELLO_SENT, "[2,\"1\",{}]", "WELCOME (2): session id is a string"),
	BROKEN(HELLO_SENT, "[2,9007199254740993,{}]",
	       "WELCOME (2): session id is 9007199254740993, which is not an integer from 0 to "
	       "2^53"),
	BROKEN(HELLO_SENT, "", "not a WAMP message: expected '[' at byte 1"),
	BROKEN(HELLO_SENT, "[50,1,{}]", "RESULT (50) before WELCOME"),
	BROKEN(HELLO_SENT, "[8,48,1,{},\"a.b\"]", "ERROR (8) before WELCOME"),
	BROKEN(HELLO_SENT, "[36,1,2,{},[NaN]]", "EVENT (36) before WELCOME"),
	BROKEN(HELLO_SENT, "[1,\"realm1\",{}]", "HELLO (1) before WELCOME"),
	QUIET(HELLO_SENT, "[300,1]"),
	{SESSION_HELLO_SENT, "[3,{\"message\":\"no \\\"x\\\"\"},\"wamp.error.no_such_realm\"]", "",
	 SESSION_EVENT_REFUSED, "wamp.error.no_such_realm", "no \"x\"", SESSION_CLOSED},
	{SESSION_HELLO_SENT, "[3,{\"message\":5},\"a.b\",[1]]", "", SESSION_EVENT_REFUSED, "a.b",
	 "", SESSION_CLOSED},
	{SESSION_HELLO_SENT, "[6,{},\"wamp.close.system_shutdown\"]", "", SESSION_EVENT_REFUSED,
	 "wamp.close.system_shutdown", "", SESSION_CLOSED},
	{SESSION_HELLO_SENT, "[4,\"ticket\",{}]",
	 "[3,{\"message\":\"the challenge cannot be answered\"},"
	 "\"wamp.error.cannot_authenticate\"]",
	 SESSION_EVENT_REFUSED, "wamp.error.cannot_authenticate",
	 "expected authentication method \"anonymous\" but received a \"ticket\" challenge instead",
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
	BROKEN(JOINED, "[1,\"realm1\",{}]", "HELLO (1)" WRONG),
	BROKEN(JOINED, WELCOME, "WELCOME (2)" WRONG),
	BROKEN(JOINED, "[4,\"ticket\",{}]", "CHALLENGE (4)" WRONG),
	BROKEN(JOINED, "[5,\"x\",{}]", "AUTHENTICATE (5)" WRONG),
	BROKEN(JOINED, "[16,1,{},\"a.b\"]", "PUBLISH (16)" WRONG),
	BROKEN(JOINED, "[32,1,{},\"a.b\"]", "SUBSCRIBE (32)" WRONG),
	BROKEN(JOINED, "[34,1,2]", "UNSUBSCRIBE (34)" WRONG),
	BROKEN(JOINED, "[48,1,{},\"a.b\"]", "CALL (48)" WRONG),
	BROKEN(JOINED, "[49,1,{}]", "CANCEL (49)" WRONG),
	BROKEN(JOINED, "[64,1,{},\"a.b\"]", "REGISTER (64)" WRONG),
	BROKEN(JOINED, "[66,1,2]", "UNREGISTER (66)" WRONG),
	BROKEN(JOINED, "[70,1,{}]", "YIELD (70)" WRONG),
	BROKEN(JOINED, "[]", "not a WAMP message: an empty list"),
	BROKEN(JOINED, "hello", "not a WAMP message: expected '[' at byte 1"),
	BROKEN(JOINED, "[9]", "unknown message type 9"),
	BROKEN(JOINED, "[50,\"1\",{}]", "RESULT (50): request id is a string"),
	BROKEN(JOINED, "[65,1", "REGISTERED (65): expected ',' or ']' at byte 6"),
	TOLD("[50,1]"),
	TOLD("[36,1,2,[],{},[]]"),
	TOLD("[68,1,2,7,{\"a\":1}]"),
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
		input(&s, rows[i].input);
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
			/* a message of which only the end is missing may count */
			assert_true(s.state == rows[i].state || s.state == rows[i].then ||
				    s.state == SESSION_CLOSED);
			session_done(&s);
			mem_free(copy);
		}
}

static void welcome_is_read_and_what_is_missing_is_null(void **state)
{
	struct session s;

	(void)state;
	start(&s, SESSION_HELLO_SENT);
	input(&s, "[2,9129137332,{\"realm\":\"other\",\"authid\":\"joe\",\"authrole\":\"user\","
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
	input(&s, "[2,5,{\"authid\":7,\"roles\":{\"broker\":{},\"dealer\":{\"features\":"
		  "{\"call_canceling\":1}}}}]");
	assert_null(s.welcome.realm);
	assert_null(s.welcome.authid);
	assert_true(s.welcome.has_broker);
	assert_true(s.welcome.has_dealer);
	assert_false(s.welcome.call_canceling);
	session_reset(&s);
	session_open(&s);
	input(&s, "[2,5,{}]");
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
	input(&s, "[68,3,4,{\"procedure\":\"a.b\"},[1.50],{\"k\":null}]");
	assert_true(session_next_event(&s, &event));
	assert_false(event.undecodable);
	assert_int_equal(event.msg.type, WAMP_INVOCATION);
	assert_int_equal(event.msg.request, 3);
	assert_int_equal(event.msg.id, 4);
	assert_true(slice_is(scan_token(&event.msg.args), "[1.50]"));
	assert_true(slice_is(scan_token(&event.msg.kwargs), "{\"k\":null}"));
	input(&s, "[68,3,4,{},[NaN]]");
	assert_true(session_next_event(&s, &event));
	assert_true(event.undecodable);
	assert_int_equal(event.msg.type, WAMP_INVOCATION);
	assert_int_equal(event.msg.args.type, SCAN_ABSENT);
	/* One that was not taken is over with the next input. */
	input(&s, "[50,1,{}]");
	input(&s, "[300]");
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
	input(&s, frame);
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.type, SESSION_EVENT_REFUSED);
	assert_true(event.message.len < 200);
	session_done(&s);
}

/* A router in the same process has no memory for them. */
static void unreadable_details_are_absent_ones(void **state)
{
	struct wamp_msg welcome = {
		.type = WAMP_WELCOME, .id = 3, .details = {"{\"a\":}", 6, SCAN_OBJECT, 0}};
	struct session_event event;
	struct session s;

	(void)state;
	start(&s, SESSION_HELLO_SENT);
	session_recv(&s, &welcome);
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.type, SESSION_EVENT_JOINED);
	assert_true(s.welcome.has_broker && s.welcome.has_dealer);
	session_done(&s);
}

static void roles_are_read_in_each_form(void **state)
{
	static const struct {
		const char *roles;
		bool has_broker, has_dealer, call_canceling;
	} table[] = {
		{"[]", true, true, false},
		{"null", true, true, false},
		{"{}", true, true, false},
		{"7", true, true, false},
		{"{\"broker\":[],\"dealer\":[]}", true, true, false},
		{"{\"broker\":null}", true, false, false},
		{"{\"broker\":false,\"dealer\":true}", false, true, false},
		{"{\"dealer\":{\"features\":[]}}", false, true, false},
		{"{\"dealer\":{\"features\":{\"call_canceling\":true}}}", false, true, true},
		{"{\"dealer\":{\"features\":{\"call_canceling\":\"true\"}}}", false, true, false},
		{"{\"d\\u0065aler\":{\"features\":[\"x\",\"call_canceling\"]}}", false, true, true},
		{"[\"broker\",\"dealer\"]", true, true, false},
		{"[7,\"broker\"]", true, false, false},
	};
	char frame[200];
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		start(&s, SESSION_HELLO_SENT);
		snprintf(frame, sizeof(frame), "[2,1,{\"x\":1,\"x\":2,\"roles\":%s}]",
			 table[i].roles);
		input(&s, frame);
		assert_int_equal(s.state, SESSION_JOINED);
		if (s.welcome.has_broker != table[i].has_broker ||
		    s.welcome.has_dealer != table[i].has_dealer ||
		    s.welcome.call_canceling != table[i].call_canceling)
			fail_msg("%s", table[i].roles);
		session_done(&s);
	}
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
		cmocka_unit_test(welcome_is_read_and_what_is_missing_is_null),
		cmocka_unit_test(a_message_is_handed_on_as_it_came),
		cmocka_unit_test(a_long_method_of_a_challenge_is_cut),
		cmocka_unit_test(unreadable_details_are_absent_ones),
		cmocka_unit_test(roles_are_read_in_each_form),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
