/* SPDX-License-Identifier: MIT */

/*
 * Links that lose, leave and find their router: what is said of their state, and their pace
 */

#include "world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_is_left_to_join_anew_is_not_said_to_be_joined),
		cmocka_unit_test(a_call_that_is_open_when_the_session_is_left_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
