/* SPDX-License-Identifier: MIT */

/*
 * Sizes are those of what is really sent: max_message_size towards the router
 *
 * JSON grows when it is written: U+2028 has three bytes and is escaped with
 * six. A frame over the limit would end the session that everybody shares.
 */

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_MESSAGE 65536

static struct world *world_small(struct world_link **ret)
{
	struct link_config config = world_link_config("default");
	struct world *w;

	config.max_message_size = MAX_MESSAGE;
	w = world_with(WORLD_SCRIPTED, 1, &config, ret);
	world_welcome(*ret);
	return w;
}

/* n times the text; for free(). */
static char *repeat(const char *text, size_t n)
{
	size_t len = strlen(text);
	char *all = malloc(n * len + 1);

	assert_non_null(all);
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	all[n * len] = '\0';
	return all;
}

static void refused_as_too_large(struct world_program *p, int64_t at_least)
{
	json_t *line = world_expect_member(p, "error", "code", "payload_too_large");
	json_t *limit = json_object_get(line, "limit");
	long long told = 0;

	assert_string_equal(world_text(limit, "name"), "max_message_size");
	assert_int_equal(world_number(limit, "value"), MAX_MESSAGE);
	assert_int_equal(sscanf(world_text(line, "message"), "message of %lld bytes", &told), 1);
	assert_true(told > MAX_MESSAGE && told >= at_least);
}

static void what_grows_over_the_limit_when_it_is_escaped_is_refused(void **state)
{
	struct world_link *l;
	struct world *w = world_small(&l);
	struct world_program *p = world_connect(w);
	char *big = repeat("\u2028", 20000);

	(void)state;
	world_send(p, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.p\",\"args\":[\"%s\"]}", big);
	world_settle(w);
	refused_as_too_large(p, 120000);
	world_send(p, "{\"op\":\"publish\",\"id\":2,\"topic\":\"com.t\",\"kwargs\":{\"%s\":1}}",
		   big);
	world_settle(w);
	refused_as_too_large(p, 120000);
	assert_int_equal(world_sent_type(l), 0);
	/* No request id is lost by it: the world asserts that they have no gap. */
	world_send(p, "{\"op\":\"call\",\"id\":3,\"procedure\":\"com.p\"}");
	world_settle(w);
	assert_int_equal(world_sent_type(l), WAMP_CALL);
	free(big);
	world_free(w);
}

static void an_answer_that_grows_over_the_limit_is_an_error_for_the_caller(void **state)
{
	static const char *const answers[] = {
		"{\"op\":\"result\",\"inv\":%d,\"args\":[\"%s\"]}",
		"{\"op\":\"error\",\"inv\":%d,\"uri\":\"com.e\",\"kwargs\":{\"k\":\"%s\"}}",
		"{\"op\":\"error\",\"inv\":%d,\"message\":\"%s\"}",
	};
	struct world_link *l;
	struct world *w = world_small(&l);
	struct world_program *p = world_connect(w);
	char *big = repeat("\u2028", 20000);
	json_t *frame;

	(void)state;
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.p\"}");
	world_settle(w);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_reply(l, "[65,1,9]");
	for (int i = 0; i < (int)(sizeof(answers) / sizeof(*answers)); i++) {
		world_reply(l, "[68,%d,9,{}]", i + 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		world_send(p, answers[i], i + 1, big);
#pragma GCC diagnostic pop
		world_settle(w);
		world_expect_member(p, "error", "code", "payload_too_large");
		frame = world_sent(l);
		assert_string_equal(json_string_value(json_array_get(frame, 4)),
				    "wamp.error.payload_size_exceeded");
		json_decref(frame);
	}
	free(big);
	world_free(w);
}

static void callers_cannot_get_a_callee_cut_off_by_what_grows(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);
	/* Two bytes each in the frame, six in the line: a million. */
	char *big = repeat("\xc2\x85", 166600);
	unsigned n_refused = 0;

	(void)state;
	world_welcome(l);
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.p\"}");
	world_settle(w);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_reply(l, "[65,1,9]");
	p->reads = false;
	for (int i = 1; i <= 12; i++)
		world_reply(l, "[68,%d,9,{},[\"%s\"]]", i, big);
	while (world_sent_type(l) == WAMP_ERROR)
		n_refused++;
	assert_int_equal(n_refused, 4);
	assert_non_null(p->peer);
	assert_int_equal(p->peer->state, PEER_OPEN);
	free(big);
	world_free(w);
}

/* The length of [48,1,{},"com.p",["aaa…"]] with n letters: 25 beside them. */
static void call_of(struct world_program *p, int id, size_t n)
{
	char *text = repeat("a", n);

	world_send(p, "{\"op\":\"call\",\"id\":%d,\"procedure\":\"com.p\",\"args\":[\"%s\"]}", id,
		   text);
	world_settle(p->world);
	free(text);
}

static void a_message_of_exactly_the_limit_is_sent(void **state)
{
	struct world_link *l;
	struct world *w = world_small(&l);
	struct world_program *p = world_connect(w);
	size_t beside = strlen("[48,1,{},\"com.p\",[\"\"]]");

	(void)state;
	call_of(p, 1, MAX_MESSAGE - beside + 1);
	refused_as_too_large(p, MAX_MESSAGE + 1);
	assert_int_equal(world_sent_type(l), 0);
	call_of(p, 2, MAX_MESSAGE - beside);
	assert_int_equal(world_sent_type(l), WAMP_CALL);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_grows_over_the_limit_when_it_is_escaped_is_refused),
		cmocka_unit_test(an_answer_that_grows_over_the_limit_is_an_error_for_the_caller),
		cmocka_unit_test(callers_cannot_get_a_callee_cut_off_by_what_grows),
		cmocka_unit_test(a_message_of_exactly_the_limit_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
