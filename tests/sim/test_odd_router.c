/* SPDX-License-Identifier: MIT */

/*
 * What programs and people see of a router that is odd, terse or talkative
 */

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const methods[] = {"wampcra", "ticket"};

static struct world *odd_world(uint64_t seed, struct world_link **ret, const char *secret)
{
	struct world *w = world_new(seed, NULL);
	struct link_config config = world_link_config("default");

	if (secret)
		config.auth =
			(struct session_auth){.methods = methods, .n_methods = 2, .id = "joe"};
	*ret = world_add_link(w, WORLD_SCRIPTED, &config);
	world_start(w);
	if (secret)
		assert_int_equal(
			session_set_secret(hub_link_session((*ret)->link), slice_of(secret)), 0);
	return w;
}

static void expect_frame(struct world_link *l, int type, const char *uri)
{
	json_t *frame = world_sent(l);

	assert_non_null(frame);
	assert_int_equal(json_integer_value(json_array_get(frame, 0)), type);
	if (uri)
		assert_string_equal(json_string_value(json_array_get(frame, 4)), uri);
	json_decref(frame);
}

/* protocol §2.6: each ends for itself, and the session that everybody shares goes on. */
static void a_payload_of_another_type_ends_nothing_else(void **state)
{
	static const char *const payloads[] = {"{\"a\":1}", "7",    "[],[1]",
					       "[],\"x\"",  "true", "[NaN]"};
	struct world_link *l;
	struct world *w = odd_world(1, &l, NULL);
	struct world_program *p;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.p\"}");
	world_send(p, "{\"op\":\"subscribe\",\"id\":\"s\",\"topic\":\"com.example.t\"}");
	world_settle(w);
	world_reply(l, "[65,1,11]");
	world_reply(l, "[33,2,12]");
	expect_frame(l, WAMP_REGISTER, NULL);
	expect_frame(l, WAMP_SUBSCRIBE, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		world_drop_lines(p);
		world_reply(l, "[68,%zu,11,{},%s]", i + 1, payloads[i]);
		expect_frame(l, WAMP_ERROR, "wamp.error.invalid_payload");
		world_reply(l, "[36,12,%zu,{},%s]", i + 1, payloads[i]);
		world_expect_member(p, "gap", "reason", "undecodable");
		world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.q\"}");
		world_settle(w);
		expect_frame(l, WAMP_CALL, NULL);
		world_reply(l, "[50,%zu,{},%s]", 2 * i + 3, payloads[i]);
		world_expect_member(p, "error", "uri", "wamp.error.invalid_payload");
		world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.q\"}");
		world_settle(w);
		expect_frame(l, WAMP_CALL, NULL);
		world_reply(l, "[8,48,%zu,[],\"com.example.e\",%s]", 2 * i + 4, payloads[i]);
		world_expect_member(p, "error", "uri", "com.example.e");
	}
	assert_null(world_sent(l));
	world_free(w);
}

static void empty_containers_of_the_other_kind_are_no_payload(void **state)
{
	struct world_link *l;
	struct world *w = odd_world(2, &l, NULL);
	struct world_program *p;
	json_t *line;

	(void)state;
	world_open(l);
	expect_frame(l, WAMP_HELLO, NULL);
	world_reply(l, "[2,4711,[]]");
	p = world_connect(w);
	world_send(p, "{\"op\":\"call\",\"id\":\"c\",\"procedure\":\"com.example.q\"}");
	world_send(p, "{\"op\":\"subscribe\",\"id\":\"s\",\"topic\":\"com.example.t\"}");
	world_settle(w);
	world_reply(l, "[50,1,[],{},[]]");
	line = world_expect(p, "result");
	assert_int_equal(json_array_size(json_object_get(line, "args")), 0);
	assert_true(json_is_object(json_object_get(line, "kwargs")));
	world_reply(l, "[33,2,12,{}]");
	world_reply(l, "[36,12,1,[],null,[]]");
	line = world_expect(p, "event");
	assert_true(json_is_array(json_object_get(line, "args")));
	assert_true(json_is_object(json_object_get(line, "kwargs")));
	world_free(w);
}

/* ---- why ---- */

/* Brings the session to an end with this frame; the line that a watcher gets. */
static json_t *watch_end(struct world *w, struct world_link *l, bool joined, const char *frame,
			 const char *state, struct world_program **ret)
{
	struct world_program *p = world_connect(w);

	if (joined) {
		world_welcome(l);
	} else {
		world_open(l);
		expect_frame(l, WAMP_HELLO, NULL);
	}
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\",\"session\":\"default\"}");
	world_settle(w);
	world_drop_lines(p);
	world_reply(l, "%s", frame);
	*ret = p;
	return world_expect_member(p, "session", "state", state);
}

static void a_reason_is_told_with_a_sentence(void **state)
{
	static const struct {
		bool joined;
		const char *frame, *state, *message;
	} table[] = {
		{false, "[3,[],\"wamp.error.no_such_realm\"]", "failed",
		 "the router has no realm \"realm1\""},
		{false, "[3,{\"message\":\"\"},\"wamp.error.no_such_realm\"]", "failed",
		 "the router has no realm \"realm1\""},
		{false, "[3,{\"message\":[\"x\"]},\"wamp.error.authentication_denied\"]", "failed",
		 "the router refuses the credentials (auth_id, auth_secret)"},
		{false, "[3,{\"message\":\" \\n\\u0000\\u0085\\u2028 \"},\"com.example.odd\"]",
		 "connecting", "the router gave \"com.example.odd\" and no text"},
		{false, "[3,{\"message\":\"\\u0000no\\r\\nway\\u001b[31m \"},\"com.example.odd\"]",
		 "connecting", "no  way [31m"},
		{false, "[3]", "connecting", "the router gave no reason"},
		{true, "[6,[],\"wamp.close.system_shutdown\"]", "left",
		 "the router is shutting down"},
		{true, "[6,{},\"wamp.close.close_realm\"]", "left",
		 "the router closes realm \"realm1\""},
		{true, "[6,{\"message\":null},null]", "left", "the router gave no reason"},
		{true, "[36,\"1\",2,{}]", "lost", "EVENT (36): subscription id is a string"},
		{true, "[17,\"1\",2]", "lost", "PUBLISHED (17): request id is a string"},
	};
	struct world_program *p;
	struct world_link *l;
	json_t *line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = odd_world(10 + i, &l, NULL);

		line = watch_end(w, l, table[i].joined, table[i].frame, table[i].state, &p);
		assert_string_equal(world_text(line, "message"), table[i].message);
		if (!table[i].joined) {
			world_send(p, "{\"op\":\"call\",\"id\":1,\"procedure\":\"a.b\"}");
			world_settle(w);
			line = world_expect(p, "error");
			assert_non_null(strstr(world_text(line, "message"), table[i].message));
		}
		world_free(w);
	}
}

static void a_transport_that_says_nothing_is_told_with_a_sentence(void **state)
{
	struct world_link *l;
	struct world *w = odd_world(30, &l, NULL);
	struct world_program *p = world_connect(w);

	(void)state;
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\",\"session\":\"default\"}");
	world_settle(w);
	world_welcome(l);
	world_drop_lines(p);
	world_cut(l, "");
	world_settle(w);
	world_expect_member(p, "session", "message", "the connection to the router failed");
	world_free(w);
}

static void a_long_message_is_cut_and_still_told(void **state)
{
	struct world_program *p;
	struct world_link *l;
	struct world *w = odd_world(31, &l, NULL);
	char frame[20000];
	json_t *line;

	(void)state;
	memset(frame, 'm', sizeof(frame));
	memcpy(frame, "[3,{\"message\":\"", 15);
	snprintf(frame + sizeof(frame) - 20, 20, "\"},\"a.b\"]");
	line = watch_end(w, l, false, frame, "connecting", &p);
	assert_int_equal(strlen(world_text(line, "message")), 512);
	world_free(w);
}

/* ---- what must not be told ---- */

#define TICKET "T1cketQwertz7788"

/* No line that anybody gets, and no note, may hold the ticket. */
static void a_repeated_ticket_reaches_nobody(void **state)
{
	static const struct {
		bool joined;
		const char *frame, *state;
	} table[] = {
		{false, "[3,{\"message\":\"invalid ticket '" TICKET "'\"},\"com.example.invalid\"]",
		 "connecting"},
		{false, "[3,{\"message\":\"\\u00541cketQwertz7788\"},\"com." TICKET ".e\"]",
		 "connecting"},
		{false, "[3,{},\"" TICKET "\"]", "connecting"},
		{true, "[6,{\"message\":\"bye " TICKET "\"},\"wamp.close.normal\"]", "left"},
		{true, "[3,{\"message\":\"" TICKET "\"},\"a.b\"]", "lost"},
	};
	struct world_program *p;
	struct world_link *l;
	struct hub_note note;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = odd_world(40 + i, &l, TICKET);
		json_t *line = watch_end(w, l, table[i].joined, table[i].frame, table[i].state, &p);

		assert_non_null(world_text(line, "message"));
		world_send(p, "{\"op\":\"status\",\"id\":1}");
		world_send(p, "{\"op\":\"call\",\"id\":2,\"procedure\":\"a.b\"}");
		hub_note_links(w->hub);
		while (hub_next_note(w->hub, &note)) {
			assert_null(strstr(note.text.ptr, TICKET));
			assert_null(strstr(note.uri.ptr, TICKET));
		}
		world_settle(w);
		for (; line; line = world_take(p)) {
			char *text = json_dumps(line, 0);

			assert_null(strstr(text, TICKET));
			free(text);
		}
		world_free(w);
	}
}

static void a_ticket_in_the_text_of_a_close_reaches_nobody(void **state)
{
	struct world_link *l;
	struct world *w = odd_world(60, &l, TICKET);
	struct world_program *p = world_connect(w);

	(void)state;
	world_send(p, "{\"op\":\"watch\",\"id\":\"w\",\"session\":\"default\"}");
	world_settle(w);
	world_open(l);
	world_drop_lines(p);
	world_cut(l, "closed by the router: 1008 bad ticket " TICKET);
	world_settle(w);
	world_expect_member(p, "session", "message", "closed by the router: 1008 bad ticket ***");
	world_free(w);
}

static void a_refused_registration_does_not_tell_the_ticket(void **state)
{
	struct world_link *l;
	struct world *w = odd_world(61, &l, TICKET);
	struct world_program *p;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.example.p\"}");
	world_settle(w);
	world_reply(l, "[8,64,1,{},\"wamp.error.not_authorized\",[\"not for " TICKET "\"]]");
	world_expect_member(p, "error", "message", "not for ***");
	world_free(w);
}

/* A salted challenge takes another way; the world derives as the daemon's thread does. */
static void a_salted_challenge_is_answered_and_joined(void **state)
{
	struct world_link *l;
	struct world *w = odd_world(62, &l, "secret");
	json_t *frame;

	(void)state;
	world_open(l);
	expect_frame(l, WAMP_HELLO, NULL);
	world_reply(l,
		    "[4,\"wampcra\",{\"challenge\":\"x\",\"salt\":\"salt123\",\"iterations\":10}]");
	frame = world_sent(l);
	assert_non_null(frame);
	assert_string_equal(json_string_value(json_array_get(frame, 1)),
			    "/mKMh0X1DG2FHytr5I8hN23WoBMkF4Ht6MWpB1bY+jQ=");
	json_decref(frame);
	world_reply(l, "[2,1,{}]");
	assert_int_equal(hub_link_session(l->link)->state, SESSION_JOINED);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_payload_of_another_type_ends_nothing_else),
		cmocka_unit_test(empty_containers_of_the_other_kind_are_no_payload),
		cmocka_unit_test(a_reason_is_told_with_a_sentence),
		cmocka_unit_test(a_transport_that_says_nothing_is_told_with_a_sentence),
		cmocka_unit_test(a_long_message_is_cut_and_still_told),
		cmocka_unit_test(a_repeated_ticket_reaches_nobody),
		cmocka_unit_test(a_ticket_in_the_text_of_a_close_reaches_nobody),
		cmocka_unit_test(a_refused_registration_does_not_tell_the_ticket),
		cmocka_unit_test(a_salted_challenge_is_answered_and_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
