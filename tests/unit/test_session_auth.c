/* SPDX-License-Identifier: MIT */

/*
 * The session machine: saying who one is, and answering challenges
 */

#include "test_session_start.h"

#include <errno.h>
#include <stdio.h>

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

#define SALTED_CHALLENGE(text)                                                                     \
	"[4,\"wampcra\",{\"challenge\":\"" text "\",\"salt\":\"salt123\",\"iterations\":10}]"

/* Deriving takes long: it is done elsewhere, and the machine waits. */
static void a_salted_challenge_is_answered_when_its_key_is_derived(void **state)
{
	struct session_event event;
	struct auth_job *job;
	struct session s;

	(void)state;
	start_auth(&s, "secret");
	assert_null(session_take_job(&s));
	input(&s, SALTED_CHALLENGE("x"));
	expect_frame(&s, "");
	job = session_take_job(&s);
	assert_non_null(job);
	assert_null(session_take_job(&s));
	assert_false(session_next_event(&s, &event));
	auth_job_run(job);
	session_answer(&s, job);
	expect_frame(&s, "[5,\"/mKMh0X1DG2FHytr5I8hN23WoBMkF4Ht6MWpB1bY+jQ=\",{}]");
	assert_int_equal(s.state, SESSION_HELLO_SENT);
	session_done(&s);
}

/* Whatever happens meanwhile, a key that is not waited for any more does nothing. */
static void a_key_that_comes_too_late_is_thrown_away(void **state)
{
	static const char *const meanwhile[] = {
		WELCOME, "[3,{},\"a.b\"]", "garbage", "[4,\"cryptosign\",{}]", "reset", "again"};
	struct session_event event;
	struct auth_job *job;
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(meanwhile); i++) {
		start_auth(&s, "secret");
		input(&s, SALTED_CHALLENGE("x"));
		job = session_take_job(&s);
		auth_job_run(job);
		if (strcmp(meanwhile[i], "reset") == 0) {
			session_reset(&s);
			session_open(&s);
		} else if (strcmp(meanwhile[i], "again") == 0) {
			input(&s, SALTED_CHALLENGE("y"));
		} else {
			input(&s, meanwhile[i]);
		}
		buf_clear(&s.out);
		session_answer(&s, job);
		assert_false(session_next_event(&s, &event));
		expect_frame(&s, "");
		session_done(&s);
	}
}

/* The next attempt's secret is given before its transport is open. */
static void a_key_of_the_attempt_before_does_not_cost_the_next_its_secret(void **state)
{
	struct session s;
	struct auth_job *job;

	(void)state;
	start_auth(&s, "secret");
	input(&s, "[4,\"wampcra\",{\"challenge\":\"x\",\"salt\":\"s\",\"iterations\":10,"
		  "\"keylen\":32}]");
	job = session_take_job(&s);
	assert_non_null(job);
	auth_job_run(job);
	session_reset(&s);
	assert_int_equal(session_set_secret(&s, SLICE("secret")), 0);
	session_answer(&s, job);
	session_open(&s);
	skip_frame(&s);
	input(&s, "[4,\"ticket\",{}]");
	expect_frame(&s, "[5,\"secret\",{}]");
	session_done(&s);
}

static void a_key_that_cannot_be_derived_ends_the_attempt_with_a_reason(void **state)
{
	struct session s;
	struct auth_job *job;

	(void)state;
	start_auth(&s, "secret");
	input(&s, SALTED_CHALLENGE("x"));
	job = session_take_job(&s);
	job->result = -ENOMEM;
	session_answer(&s, job);
	refused(&s, "the answer to the challenge cannot be computed: Cannot allocate memory");
	session_done(&s);
}

/* ---- what a router repeats ---- */

static void told(struct session *s, const char *frame, const char *reason, const char *message)
{
	struct session_event event;

	input(s, frame);
	assert_true(session_next_event(s, &event));
	if (!slice_is(event.reason, reason) || !slice_is(event.message, message))
		fail_msg("%s: %.*s, %.*s", frame, SLICE_ARG(event.reason),
			 SLICE_ARG(event.message));
}

static void a_secret_that_the_router_repeats_is_not_told(void **state)
{
	static const struct {
		const char *frame, *reason, *message;
	} table[] = {
		{"[3,{\"message\":\"invalid ticket 'T1cketQwertz' of joe\"},\"com.e\"]", "com.e",
		 "invalid ticket '***' of joe"},
		{"[3,{\"message\":\"\\u00541cketQwert\\u007A\"},\"com.e.T1cketQwertz\"]",
		 "com.e.***", "***"},
		{"[3,{\"message\":\"{\\\"t\\\":\\\"\\\\u00541cketQwertz\\\"}\"},\"com.e\"]",
		 "com.e", ""},
		{"[6,{\"message\":\"T1cketQwertz\"},\"a.b\"]", "a.b", "***"},
		{"[4,\"T1cketQwertz\",{}]", "wamp.error.cannot_authenticate",
		 "expected authentication method \"wampcra\", \"ticket\" but received a \"***\" "
		 "challenge instead"},
		{"[\"T1cketQwertz\"]", "wamp.error.protocol_violation",
		 "not a WAMP message: the message type is a string"},
	};
	struct session s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		start_auth(&s, "T1cketQwertz");
		input(&s, "[4,\"ticket\",{}]");
		skip_frame(&s);
		told(&s, table[i].frame, table[i].reason, table[i].message);
		session_done(&s);
	}
}

/* The secret is wiped at WELCOME; the router may repeat it later all the same. */
static void a_secret_is_known_again_while_the_session_lasts(void **state)
{
	struct session_event event;
	struct session s;

	(void)state;
	start_auth(&s, "T1cketQwertz");
	input(&s, "[4,\"ticket\",{}]");
	skip_frame(&s);
	input(&s, "[2,1,{\"authid\":\"by T1cketQwertz\",\"authrole\":\"user\"}]");
	assert_string_equal(s.welcome.authid, "by ***");
	assert_string_equal(s.welcome.authrole, "user");
	assert_int_equal(s.secret.cap, 0);
	input(&s, "[8,64,1,{\"x\":\"T1cketQwertz\"},\"a.T1cketQwertz\",[\"no T1cketQwertz\"],"
		  "{\"k\":\"T1cketQwertz\"}]");
	assert_true(session_next_event(&s, &event));
	assert_true(slice_is(event.msg.uri, "a.***"));
	assert_true(slice_is(scan_token(&event.msg.details), "{\"x\":\"***\"}"));
	assert_true(slice_is(scan_token(&event.msg.args), "[\"no ***\"]"));
	assert_true(slice_is(scan_token(&event.msg.kwargs), "{\"k\":\"***\"}"));
	input(&s, "[67,0,{\"registration\":7,\"reason\":\"T1cketQwertz\"}]");
	assert_true(session_next_event(&s, &event));
	assert_true(slice_is(scan_token(&event.msg.details),
			     "{\"registration\":7,\"reason\":\"***\"}"));
	/* what others send is theirs */
	input(&s, "[50,1,{},[\"T1cketQwertz\"]]");
	assert_true(session_next_event(&s, &event));
	assert_true(slice_is(scan_token(&event.msg.args), "[\"T1cketQwertz\"]"));
	told(&s, "[6,{\"message\":\"bye T1cketQwertz\"},\"wamp.close.normal\"]",
	     "wamp.close.normal", "bye ***");
	session_done(&s);
}

static void a_name_that_is_cut_does_not_end_with_half_a_secret(void **state)
{
	char frame[600];
	struct session s;

	(void)state;
	for (int before = 240; before <= 260; before++) {
		start_auth(&s, "T1cketQwertz");
		snprintf(frame, sizeof(frame), "[2,1,{\"authid\":\"%0*dT1cketQwertz\"}]", before,
			 0);
		input(&s, frame);
		assert_null(strchr(s.welcome.authid, 'T'));
		assert_true(strlen(s.welcome.authid) <= 256);
		session_done(&s);
	}
}

static void signatures_and_derived_keys_are_known_again_too(void **state)
{
	struct auth_job *job;
	struct session s;
	char frame[200];

	(void)state;
	start_auth(&s, "secret");
	input(&s, "[4,\"wampcra\",{\"challenge\":\"x\"}]");
	skip_frame(&s);
	told(&s,
	     "[3,{\"message\":\"bad EX7KMy9+E8y45FdOTzPaohKpIxNTZwwri0eX3wu3evo= of 'secret1'\"},"
	     "\"a.b\"]",
	     "a.b", "bad *** of 'secret1'");
	session_done(&s);
	start_auth(&s, "secret");
	input(&s, SALTED_CHALLENGE("x"));
	job = session_take_job(&s);
	auth_job_run(job);
	assert_int_equal(strlen(job->key), 44);
	snprintf(frame, sizeof(frame), "[3,{\"message\":\"key %s, sig %s\"},\"a.b\"]", job->key,
		 job->signature);
	session_answer(&s, job);
	told(&s, frame, "a.b", "key ***, sig ***");
	session_done(&s);
}

/* A reason that everybody knows stays, whatever the secret is. */
static void a_short_secret_hides_the_text_and_not_the_reason(void **state)
{
	struct session s;

	(void)state;
	start_auth(&s, "error");
	told(&s, "[3,{\"message\":\"an error\"},\"wamp.error.no_such_realm\"]",
	     "wamp.error.no_such_realm", "");
	session_done(&s);
	start_auth(&s, "error");
	told(&s, "[3,{\"message\":\"terrors\"},\"com.error.x\"]", "***", "terrors");
	session_done(&s);
}

static void the_token_of_the_url_is_known_again(void **state)
{
	struct session_config config = frames_config;
	struct session s;

	(void)state;
	config.query = "v=1&token=Hgfdsa6677&k=ab%2Bcd%2fefgh%3D&x";
	assert_int_equal(session_init(&s, &config), 0);
	for (int again = 0; again < 2; again++) {
		session_open(&s);
		told(&s, "[3,{\"message\":\"1 of Hgfdsa6677, ab+cd/efgh=\"},\"a.b\"]", "a.b",
		     "1 of ***, ***");
		assert_true(slice_is(session_hide(&s, SLICE("GET /?v=1&token=Hgfdsa6677&k=ab%2Bcd%"
							    "2fefgh%3D&x")),
				     "GET /?***"));
		session_reset(&s);
	}
	session_done(&s);
}

/* Afterwards a word of it may stand in what a callee answers, which is not changed. */
static void what_stands_in_auth_extra_is_known_again_until_welcome(void **state)
{
	struct session_config config = frames_config;
	struct session s;

	(void)state;
	config.auth.extra = "{\"name-of-it\":[\"Token\\u002bQwertz\",{\"b\":\"short\"}],\"site\":"
			    "\"warehouse\"}";
	assert_int_equal(session_init(&s, &config), 0);
	for (int again = 0; again < 2; again++) {
		session_open(&s);
		told(&s,
		     "[3,{\"message\":\"no Token+Qwertz, short name-of-it in warehouse\"},\"a.b\"]",
		     "a.b", "no ***, short name-of-it in ***");
		session_reset(&s);
	}
	session_open(&s);
	input(&s, "[2,1,{}]");
	assert_true(slice_is(session_hide(&s, SLICE("the warehouse")), "the warehouse"));
	session_done(&s);
}

static void an_end_without_a_reason_says_so(void **state)
{
	struct session s;

	(void)state;
	start(&s, SESSION_HELLO_SENT);
	told(&s, "[3]", "wamp.error.protocol_violation", "the router gave no reason");
	session_done(&s);
	start(&s, SESSION_JOINED);
	told(&s, "[6,{\"message\":\"m\"},null]", "wamp.close.normal", "m");
	session_done(&s);
}

/* ---- sizes ---- */

static void what_is_longer_than_a_message_may_be_is_not_sent(void **state)
{
	struct session_config config = auth_config;
	struct session s;
	char secret[101];

	(void)state;
	config.max_frame = 200;
	assert_int_equal(session_init(&s, &config), 0);
	session_open(&s);
	assert_int_equal(s.out.error, -EMSGSIZE);
	session_done(&s);
	config.max_frame = 600;
	assert_int_equal(session_init(&s, &config), 0);
	memset(secret, 1, sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	assert_int_equal(session_set_secret(&s, slice_of(secret)), 0);
	session_open(&s);
	skip_frame(&s);
	/* 100 bytes are 600 where each is escaped */
	input(&s, "[4,\"ticket\",{}]");
	refused(&s, "the answer to the challenge exceeds max_message_size of 600 bytes");
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
		cmocka_unit_test(a_salted_challenge_is_answered_when_its_key_is_derived),
		cmocka_unit_test(a_key_that_comes_too_late_is_thrown_away),
		cmocka_unit_test(a_key_that_cannot_be_derived_ends_the_attempt_with_a_reason),
		cmocka_unit_test(a_secret_that_the_router_repeats_is_not_told),
		cmocka_unit_test(a_secret_is_known_again_while_the_session_lasts),
		cmocka_unit_test(a_name_that_is_cut_does_not_end_with_half_a_secret),
		cmocka_unit_test(signatures_and_derived_keys_are_known_again_too),
		cmocka_unit_test(a_short_secret_hides_the_text_and_not_the_reason),
		cmocka_unit_test(what_stands_in_auth_extra_is_known_again_until_welcome),
		cmocka_unit_test(the_token_of_the_url_is_known_again),
		cmocka_unit_test(an_end_without_a_reason_says_so),
		cmocka_unit_test(what_is_longer_than_a_message_may_be_is_not_sent),
		cmocka_unit_test(a_reset_forgets_the_secret),
		cmocka_unit_test(a_challenge_behind_welcome_is_a_violation),
		cmocka_unit_test(a_key_of_the_attempt_before_does_not_cost_the_next_its_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
