/* SPDX-License-Identifier: MIT */

/*
 * The session machine: saying who one is, and answering challenges
 */

#include "test_session_start.h"

static const char *const both[] = {"wampcra", "ticket"};

static const struct session_config auth_config = {
	.realm = "realm1",
	.agent = "te\"st",
	.auth = {both, 2, "peter", "user", "{\"a\":[1,{}]}"},
};

static void start_auth(struct session *s, const char *secret)
{
	assert_int_equal(session_init(s, &auth_config), 0);
	assert_int_equal(session_set_secret(s, slice_of(secret)), 0);
	session_open(s);
	skip_frame(s);
}

static void refused(struct session *s, const char *text)
{
	struct session_event event;

	assert_true(session_next_event(s, &event));
	assert_int_equal(event.type, SESSION_EVENT_REFUSED);
	assert_true(slice_is(event.reason, "wamp.error.cannot_authenticate"));
	if (!slice_is(event.message, text))
		fail_msg("%.*s instead of %s", SLICE_ARG(event.message), text);
	expect_frame(s, "[3,{\"message\":\"the challenge cannot be answered\"},"
			"\"wamp.error.cannot_authenticate\"]");
	assert_int_equal(s->state, SESSION_CLOSED);
	assert_int_equal(s->secret.cap, 0);
}

static void hello_offers_the_methods_in_their_order(void **state)
{
	struct session s;

	(void)state;
	assert_int_equal(session_init(&s, &auth_config), 0);
	session_open(&s);
	expect_frame(
		&s,
		"[1,\"realm1\",{\"agent\":\"te\\\"st\",\"authmethods\":[\"wampcra\",\"ticket\"],"
		"\"authid\":\"peter\",\"authrole\":\"user\",\"authextra\":{\"a\":[1,{}]},"
		"\"roles\":{"
		"\"caller\":{\"features\":{\"call_canceling\":true}},"
		"\"callee\":{\"features\":{\"registration_revocation\":true}},"
		"\"publisher\":{\"features\":{\"publisher_exclusion\":true}},"
		"\"subscriber\":{\"features\":{\"subscription_revocation\":true}}}}]");
	session_done(&s);
}

static void a_ticket_goes_out_as_a_json_string(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "a \"b\" \\ \xc3\xa9");
	input(&s, "[4,\"ticket\",{}]");
	expect_frame(&s, "[5,\"a \\\"b\\\" \\\\ \xc3\xa9\",{}]");
	assert_int_equal(s.state, SESSION_HELLO_SENT);
	session_done(&s);
}

static void the_router_chooses_the_method(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	input(&s, "[4,\"wampcra\",{\"challenge\":\"x\"}]");
	expect_frame(&s, "[5,\"EX7KMy9+E8y45FdOTzPaohKpIxNTZwwri0eX3wu3evo=\",{}]");
	session_done(&s);
}

static void a_method_that_was_not_offered_is_not_answered(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	input(&s, "[4,\"cryptosign\",{\"challenge\":\"00\"}]");
	refused(&s, "expected authentication method \"wampcra\", \"ticket\" but received a "
		    "\"cryptosign\" challenge instead");
	session_done(&s);
}

static void a_challenge_that_cannot_be_answered_is_refused(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	input(&s, "[4,\"wampcra\",{}]");
	refused(&s, "the router's wampcra challenge holds no text");
	session_done(&s);
}

static void two_rounds_are_answered_and_endless_ones_are_not(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	for (int i = 0; i < SESSION_MAX_CHALLENGES; i++) {
		input(&s, "[4,\"ticket\",{}]");
		expect_frame(&s, "[5,\"secret\",{}]");
	}
	input(&s, "[4,\"ticket\",{}]");
	refused(&s, "the router challenges again and again");
	session_reset(&s);
	assert_int_equal(session_set_secret(&s, SLICE("secret")), 0);
	session_open(&s);
	skip_frame(&s);
	input(&s, "[4,\"ticket\",{}]");
	expect_frame(&s, "[5,\"secret\",{}]");
	session_done(&s);
}

static void the_secret_is_gone_when_the_session_is_joined(void **state)
{
	struct session_event event;
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	input(&s, "[4,\"ticket\",{}]");
	skip_frame(&s);
	assert_true(s.secret.cap);
	input(&s, WELCOME);
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.type, SESSION_EVENT_JOINED);
	assert_int_equal(s.secret.cap, 0);
	/* the buffer it was sent from too */
	assert_int_equal(s.out.cap, 0);
	session_done(&s);
}

static void a_reset_forgets_the_secret(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	session_reset(&s);
	assert_int_equal(s.secret.cap, 0);
	session_done(&s);
}

static void a_challenge_behind_welcome_is_a_violation(void **state)
{
	struct session_event event;
	struct session s;

	(void)state;
	start(&s, SESSION_JOINED);
	input(&s, "[4,\"anonymous\",{}]");
	assert_true(session_next_event(&s, &event));
	assert_int_equal(event.type, SESSION_EVENT_VIOLATION);
	session_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_offers_the_methods_in_their_order),
		cmocka_unit_test(a_ticket_goes_out_as_a_json_string),
		cmocka_unit_test(the_router_chooses_the_method),
		cmocka_unit_test(a_method_that_was_not_offered_is_not_answered),
		cmocka_unit_test(a_challenge_that_cannot_be_answered_is_refused),
		cmocka_unit_test(two_rounds_are_answered_and_endless_ones_are_not),
		cmocka_unit_test(the_secret_is_gone_when_the_session_is_joined),
		cmocka_unit_test(a_reset_forgets_the_secret),
		cmocka_unit_test(a_challenge_behind_welcome_is_a_violation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
