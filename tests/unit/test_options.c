/* SPDX-License-Identifier: MIT */

/*
 * Options and Details: what may be sent in which message, and what is read
 */

#include "wamp/options.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define assert_slice(s, literal)                                                                   \
	do {                                                                                       \
		struct slice got_ = (s);                                                           \
		assert_int_equal(got_.len, sizeof(literal) - 1);                                   \
		assert_memory_equal(got_.ptr, literal, sizeof(literal) - 1);                       \
	} while (0)

static struct scan_value value(const char *text)
{
	struct scan_error error;
	struct scan_value v;

	assert_int_equal(scan_one(slice_of(text), SCAN_LENIENT, &v, &error), 0);
	return v;
}

/* ---- what goes out ---- */

static const struct sample {
	enum wamp_type type;
	const char *dict;
	int outcome;
	const char *name;
} samples[] = {
	{WAMP_CALL, "{}", 0, NULL},
	{WAMP_CALL, "{\"disclose_me\":true,\"sticky\":false}", 0, NULL},
	{WAMP_CALL, "{\"rkey\":\"\",\"runmode\":\"partition\"}", 0, NULL},
	{WAMP_CALL, "{\"_custom\":[],\"x_custom\":{},\"_\":1}", 0, NULL},
	{WAMP_CALL, "{\"ppt_scheme\":\"x\",\"ppt_serializer\":\"cbor\",\"ppt_cipher\":\"\"}", 0,
	 NULL},
	{WAMP_CALL, "{\"disclose_me\":1}", WAMP_OPTIONS_TYPE, "disclose_me"},
	{WAMP_CALL, "{\"sticky\":true,\"disclose_me\":\"true\"}", WAMP_OPTIONS_TYPE, "disclose_me"},
	{WAMP_CALL, "{\"disclose_me\":null}", WAMP_OPTIONS_TYPE, "disclose_me"},
	{WAMP_CALL, "{\"rkey\":5}", WAMP_OPTIONS_TYPE, "rkey"},
	{WAMP_CALL, "{\"enc_algo\":[]}", WAMP_OPTIONS_TYPE, "enc_algo"},
	{WAMP_CALL, "{\"timeout\":5}", WAMP_OPTIONS_OWNED, "timeout"},
	{WAMP_CALL, "{\"receive_progress\":true}", WAMP_OPTIONS_OWNED, "receive_progress"},
	{WAMP_CALL, "{\"progress\":true}", WAMP_OPTIONS_OWNED, "progress"},
	{WAMP_CALL, "{\"acknowledge\":true}", WAMP_OPTIONS_UNKNOWN, "acknowledge"},
	{WAMP_CALL, "{\"disclose_ME\":true}", WAMP_OPTIONS_UNKNOWN, "disclose_ME"},
	{WAMP_CALL, "{\"\":true}", WAMP_OPTIONS_UNKNOWN, ""},
	{WAMP_CALL, "{\"\\u0064oes\\/not\":true}", WAMP_OPTIONS_UNKNOWN, "does/not"},
	{WAMP_CALL, "{\"disclose\\u005fme\":1}", WAMP_OPTIONS_TYPE, "disclose_me"},
	{WAMP_CALL, "{\"x-a\":true}", WAMP_OPTIONS_UNKNOWN, "x-a"},
	{WAMP_CALL, "{\"sticky\":true,\"sticky\":true}", WAMP_OPTIONS_TYPE, NULL},
	{WAMP_CALL, "[]", WAMP_OPTIONS_TYPE, NULL},
	{WAMP_CALL, "null", WAMP_OPTIONS_TYPE, NULL},

	{WAMP_REGISTER, "{\"disclose_caller\":true,\"forward_timeout\":true}", 0, NULL},
	{WAMP_REGISTER, "{\"concurrency\":1,\"force_reregister\":false}", 0, NULL},
	{WAMP_REGISTER, "{\"concurrency\":9007199254740992}", 0, NULL},
	{WAMP_REGISTER, "{\"concurrency\":9007199254740993}", WAMP_OPTIONS_TYPE, "concurrency"},
	{WAMP_REGISTER, "{\"concurrency\":0}", WAMP_OPTIONS_TYPE, "concurrency"},
	{WAMP_REGISTER, "{\"concurrency\":-1}", WAMP_OPTIONS_TYPE, "concurrency"},
	{WAMP_REGISTER, "{\"concurrency\":1.0}", WAMP_OPTIONS_TYPE, "concurrency"},
	{WAMP_REGISTER, "{\"match\":\"prefix\"}", WAMP_OPTIONS_OWNED, "match"},
	{WAMP_REGISTER, "{\"invoke\":\"single\"}", WAMP_OPTIONS_OWNED, "invoke"},
	{WAMP_REGISTER, "{\"ppt_scheme\":\"x\"}", WAMP_OPTIONS_UNKNOWN, "ppt_scheme"},

	{WAMP_PUBLISH, "{\"exclude\":[1,2],\"eligible\":[]}", 0, NULL},
	{WAMP_PUBLISH, "{\"exclude_authid\":[\"a\"],\"eligible_authrole\":[\"\"]}", 0, NULL},
	{WAMP_PUBLISH, "{\"exclude_authrole\":[\"a\",\"b\"],\"disclose_me\":false}", 0, NULL},
	{WAMP_PUBLISH, "{\"ppt_keyid\":\"k\",\"enc_serializer\":\"cbor\"}", 0, NULL},
	{WAMP_PUBLISH, "{\"exclude\":[ 1 , 2 ] , \"rkey\" : \"k\"}", 0, NULL},
	{WAMP_PUBLISH, "{\"exclude\":5}", WAMP_OPTIONS_TYPE, "exclude"},
	{WAMP_PUBLISH, "{\"exclude\":[0]}", WAMP_OPTIONS_TYPE, "exclude"},
	{WAMP_PUBLISH, "{\"exclude\":[1,\"2\"]}", WAMP_OPTIONS_TYPE, "exclude"},
	{WAMP_PUBLISH, "{\"eligible\":{\"1\":1}}", WAMP_OPTIONS_TYPE, "eligible"},
	{WAMP_PUBLISH, "{\"exclude_authid\":[1]}", WAMP_OPTIONS_TYPE, "exclude_authid"},
	{WAMP_PUBLISH, "{\"eligible_authid\":\"a\"}", WAMP_OPTIONS_TYPE, "eligible_authid"},
	{WAMP_PUBLISH, "{\"acknowledge\":true}", WAMP_OPTIONS_OWNED, "acknowledge"},
	{WAMP_PUBLISH, "{\"exclude_me\":true}", WAMP_OPTIONS_OWNED, "exclude_me"},
	{WAMP_PUBLISH, "{\"retain\":true}", WAMP_OPTIONS_OWNED, "retain"},

	{WAMP_SUBSCRIBE, "{}", 0, NULL},
	{WAMP_SUBSCRIBE, "{\"match\":\"exact\"}", WAMP_OPTIONS_OWNED, "match"},
	{WAMP_SUBSCRIBE, "{\"get_retained\":true}", WAMP_OPTIONS_OWNED, "get_retained"},
	{WAMP_SUBSCRIBE, "{\"invoke\":\"single\"}", WAMP_OPTIONS_UNKNOWN, "invoke"},
	{WAMP_YIELD, "{\"progress\":true}", WAMP_OPTIONS_OWNED, "progress"},
	{WAMP_YIELD, "{\"enc_algo\":\"x\",\"enc_key\":\"k\"}", 0, NULL},
	{WAMP_HELLO, "{\"disclose_me\":true}", WAMP_OPTIONS_UNKNOWN, "disclose_me"},
};

static void what_is_sent_is_checked_by_name_and_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		struct scan_value dict = value(s->dict);
		struct arena arena = {0};
		struct slice name;
		int r = wamp_options_check(s->type, &dict, &arena, &name);

		if (r != s->outcome)
			fail_msg("%s %s: %d", wamp_type_name(s->type), s->dict, r);
		if (s->name)
			assert_true(slice_is(name, s->name));
		else
			assert_null(name.ptr);
		arena_done(&arena);
	}
}

/* protocol §6: a program has a member of its own for these, or no business with them. */
static void what_the_daemon_sets_itself_is_refused(void **state)
{
	static const struct {
		enum wamp_type type;
		const char *dict;
	} table[] = {
		{WAMP_CANCEL, "{\"mode\":\"kill\"}"},
		{WAMP_INTERRUPT, "{\"reason\":\"x\"}"},
		{WAMP_INVOCATION, "{\"caller\":1}"},
		{WAMP_INVOCATION, "{\"procedure\":\"x\"}"},
		{WAMP_EVENT, "{\"publisher\":1}"},
		{WAMP_EVENT, "{\"topic\":\"x\"}"},
		{WAMP_EVENT, "{\"retained\":true}"},
		{WAMP_UNREGISTERED, "{\"registration\":1}"},
		{WAMP_UNSUBSCRIBED, "{\"subscription\":1}"},
		{WAMP_ABORT, "{\"message\":\"x\"}"},
		{WAMP_GOODBYE, "{\"message\":\"x\"}"},
	};
	struct arena arena = {0};
	struct slice name;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct scan_value dict = value(table[i].dict);

		assert_int_equal(wamp_options_check(table[i].type, &dict, &arena, &name),
				 WAMP_OPTIONS_OWNED);
	}
	arena_done(&arena);
}

static void a_list_of_an_option_has_any_length(void **state)
{
	static const char *const ends[] = {"]}", ",1.0]}", ",\"x\"]}", ",0]}"};
	struct arena arena = {0};
	struct scan_value dict;
	struct slice name;
	char text[20000];
	int n;

	(void)state;
	for (size_t e = 0; e < ARRAY_SIZE(ends); e++) {
		n = snprintf(text, sizeof(text), "{\"exclude\":[1");
		for (int i = 1; i < 2000; i++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, ",%d", i);
		snprintf(text + n, sizeof(text) - (size_t)n, "%s", ends[e]);
		dict = value(text);
		assert_int_equal(wamp_options_check(WAMP_PUBLISH, &dict, &arena, &name),
				 e ? WAMP_OPTIONS_TYPE : 0);
	}
	arena_done(&arena);
}

static void too_many_options_are_told_as_that(void **state)
{
	struct arena arena = {0};
	struct scan_value dict;
	struct slice name;
	char text[2000];
	int n = snprintf(text, sizeof(text), "{\"rkey\":\"k\"");

	(void)state;
	for (int i = 0; i < 64; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"_x%d\":1", i);
	snprintf(text + n, sizeof(text) - (size_t)n, "}");
	dict = value(text);
	assert_int_equal(wamp_options_check(WAMP_PUBLISH, &dict, &arena, &name),
			 WAMP_OPTIONS_TOO_MANY);
	assert_null(name.ptr);
	arena_done(&arena);
}

/* ---- what comes in ---- */

/* A dict that is read, alive until options_done. */
struct read {
	struct wamp_options o;
	struct arena arena;
};

static void read_dict(struct read *r, enum wamp_type type, const char *text)
{
	struct scan_value dict = text ? value(text) : SCAN_VALUE_NONE;

	memset(&r->o, 0xaa, sizeof(r->o));
	wamp_options_read(&r->o, type, &dict, &r->arena);
}

static void expect_defaults(const struct wamp_options *o)
{
	assert_false(o->acknowledge);
	assert_true(o->exclude_me);
	assert_false(o->progress);
	assert_false(o->receive_progress);
	assert_false(o->retained);
	assert_false(o->is_foreign);
	assert_int_equal(o->match, WAMP_MATCH_EXACT);
	assert_int_equal(o->invoke, WAMP_INVOKE_SINGLE);
	assert_int_equal(o->timeout_ms, 0);
	assert_int_equal(o->caller, 0);
	assert_int_equal(o->publisher, 0);
	assert_int_equal(o->registration, 0);
	assert_int_equal(o->subscription, 0);
	assert_null(o->procedure.ptr);
	assert_null(o->topic.ptr);
	assert_null(o->mode.ptr);
	assert_null(o->reason.ptr);
	assert_null(o->message.ptr);
}

/* WAMP 2.3.3: unknown names are ignored, known ones of another type count as absent. */
static void what_is_absent_unknown_or_mistyped_is_the_default(void **state)
{
	static const struct {
		enum wamp_type type;
		const char *dict;
	} table[] = {
		{WAMP_PUBLISH, NULL},
		{WAMP_PUBLISH, "{}"},
		{WAMP_PUBLISH, "{ }"},
		{WAMP_PUBLISH, "[]"},
		{WAMP_PUBLISH, "\"acknowledge\""},
		{WAMP_PUBLISH, "{\"acknowledge\":1,\"exclude_me\":0,\"retain\":\"x\"}"},
		{WAMP_PUBLISH, "{\"acknowledge\":\"true\",\"exclude_me\":null,\"zzz\":[{}]}"},
		{WAMP_PUBLISH, "{\"match\":\"prefix\",\"timeout\":5,\"caller\":5}"},
		{WAMP_CALL, "{\"timeout\":-1,\"receive_progress\":\"y\",\"progress\":0}"},
		{WAMP_CALL, "{\"timeout\":1.5}"},
		{WAMP_CALL, "{\"timeout\":9007199254740993,\"acknowledge\":true}"},
		{WAMP_REGISTER, "{\"match\":\"regex\",\"invoke\":\"load\"}"},
		{WAMP_REGISTER, "{\"match\":1,\"invoke\":null}"},
		{WAMP_REGISTER, "{\"match\":\"Prefix\",\"invoke\":\"\"}"},
		{WAMP_SUBSCRIBE, "{\"match\":\"\",\"invoke\":\"random\"}"},
		{WAMP_INVOCATION, "{\"caller\":0,\"procedure\":5,\"timeout\":\"1\"}"},
		{WAMP_INVOCATION, "{\"caller\":9007199254740993,\"topic\":\"a\"}"},
		{WAMP_EVENT, "{\"publisher\":\"1\",\"topic\":null,\"retained\":\"yes\"}"},
		{WAMP_EVENT, "{\"ppt_scheme\":5,\"enc_algo\":null}"},
		{WAMP_INTERRUPT, "{\"mode\":\"murder\",\"reason\":1}"},
		{WAMP_GOODBYE, "{\"message\":[\"x\"],\"reason\":\"x\"}"},
		{WAMP_UNREGISTERED, "{\"registration\":0,\"reason\":{}}"},
	};
	struct read r = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		read_dict(&r, table[i].type, table[i].dict);
		expect_defaults(&r.o);
	}
	arena_done(&r.arena);
}

static void each_option_is_read_where_it_belongs(void **state)
{
	struct read r = {0};

	(void)state;
	read_dict(&r, WAMP_PUBLISH, "{\"acknowledge\":true,\"exclude_me\":false}");
	assert_true(r.o.acknowledge);
	assert_false(r.o.exclude_me);
	read_dict(&r, WAMP_CALL, "{\"timeout\":1500,\"receive_progress\":true,\"progress\":true}");
	assert_int_equal(r.o.timeout_ms, 1500);
	assert_true(r.o.receive_progress);
	assert_true(r.o.progress);
	read_dict(&r, WAMP_INVOCATION,
		  "{\"caller\":7,\"procedure\":\"a.\\u0062\",\"timeout\":0,\"progress\":true}");
	assert_int_equal(r.o.caller, 7);
	assert_slice(r.o.procedure, "a.b");
	assert_true(r.o.progress);
	read_dict(&r, WAMP_EVENT,
		  "{\"publisher\":9007199254740992,\"topic\":\"\",\"retained\":true}");
	assert_true(r.o.publisher == WAMP_MAX_ID);
	assert_slice(r.o.topic, "");
	assert_non_null(r.o.topic.ptr);
	assert_true(r.o.retained);
	read_dict(&r, WAMP_INTERRUPT,
		  "{\"mode\":\"killnowait\",\"reason\":\"wamp.error.timeout\"}");
	assert_slice(r.o.mode, "killnowait");
	assert_slice(r.o.reason, "wamp.error.timeout");
	read_dict(&r, WAMP_UNREGISTERED, "{\"registration\":5,\"reason\":\"moved\"}");
	assert_int_equal(r.o.registration, 5);
	assert_slice(r.o.reason, "moved");
	read_dict(&r, WAMP_UNSUBSCRIBED, "{\"subscription\":6}");
	assert_int_equal(r.o.subscription, 6);
	read_dict(&r, WAMP_ABORT, "{\"message\":\"no \\ud83d\\ude00 \\ud800\"}");
	assert_slice(r.o.message, "no \xf0\x9f\x98\x80 \xef\xbf\xbd");
	read_dict(&r, WAMP_RESULT, "{\"progress\":true}");
	assert_true(r.o.progress);
	arena_done(&r.arena);
}

static void words_are_read_as_what_they_name(void **state)
{
	static const char *const matches[] = {"exact", "prefix", "wildcard"};
	static const char *const invokes[] = {"single", "roundrobin", "random", "first", "last"};
	struct read r = {0};
	char text[100];

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(matches); m++)
		for (size_t i = 0; i < ARRAY_SIZE(invokes); i++) {
			snprintf(text, sizeof(text), "{\"match\":\"%s\",\"invoke\":\"%s\"}",
				 matches[m], invokes[i]);
			read_dict(&r, WAMP_REGISTER, text);
			assert_int_equal(r.o.match, m);
			assert_int_equal(r.o.invoke, i);
		}
	arena_done(&r.arena);
}

/* protocol §7: such a payload is opaque. */
static void encrypted_and_foreign_payloads_are_told(void **state)
{
	static const char *const names[] = {"ppt_scheme",    "ppt_serializer", "ppt_cipher",
					    "ppt_keyid",     "enc_algo",       "enc_key",
					    "enc_serializer"};
	static const enum wamp_type types[] = {WAMP_CALL,  WAMP_PUBLISH,    WAMP_YIELD, WAMP_ERROR,
					       WAMP_EVENT, WAMP_INVOCATION, WAMP_RESULT};
	struct read r = {0};
	char text[100];

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		snprintf(text, sizeof(text), "{\"%s\":\"x\"}", names[n]);
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			read_dict(&r, types[t], text);
			assert_true(r.o.is_foreign);
		}
		read_dict(&r, WAMP_REGISTER, text);
		assert_false(r.o.is_foreign);
	}
	arena_done(&r.arena);
}

static void a_crowded_or_doubled_dict_is_read_whole(void **state)
{
	struct read r = {0};
	char text[8000];
	int n = snprintf(text, sizeof(text), "{\"acknowledge\":true");

	(void)state;
	for (int i = 0; i < 300; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"\\u0078%d\":null", i);
	snprintf(text + n, sizeof(text) - (size_t)n, ",\"e\\u0078clude_me\":false}");
	read_dict(&r, WAMP_PUBLISH, text);
	assert_true(r.o.acknowledge);
	assert_false(r.o.exclude_me);
	read_dict(&r, WAMP_PUBLISH, "{\"acknowledge\":true,\"x\":1,\"x\":2,\"exclude_me\":false}");
	assert_true(r.o.acknowledge);
	assert_false(r.o.exclude_me);
	read_dict(&r, WAMP_EVENT, "{\"publisher\":1,\"publisher\":2}");
	assert_int_equal(r.o.publisher, 2);
	arena_done(&r.arena);
}

static void each_spelling_of_a_word_or_a_number_counts(void **state)
{
	struct read r = {0};

	(void)state;
	read_dict(&r, WAMP_REGISTER,
		  "{\"m\\u0061tch\":\"prefi\\u0078\",\"invoke\":\"\\u0072andom\"}");
	assert_int_equal(r.o.match, WAMP_MATCH_PREFIX);
	assert_int_equal(r.o.invoke, WAMP_INVOKE_RANDOM);
	read_dict(&r, WAMP_INVOCATION, "{\"timeout\":5.0,\"caller\":7e0}");
	assert_int_equal(r.o.timeout_ms, 5);
	assert_int_equal(r.o.caller, 7);
	arena_done(&r.arena);
}

static void without_memory_an_escaped_text_is_absent(void **state)
{
	struct read r = {0};

	(void)state;
	mem_fail_after(0);
	read_dict(&r, WAMP_EVENT, "{\"topic\":\"\\u0061\",\"publisher\":3}");
	mem_fail_after(-1);
	assert_null(r.o.topic.ptr);
	assert_int_equal(r.o.publisher, 3);
	arena_done(&r.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_is_checked_by_name_and_type),
		cmocka_unit_test(what_the_daemon_sets_itself_is_refused),
		cmocka_unit_test(a_list_of_an_option_has_any_length),
		cmocka_unit_test(too_many_options_are_told_as_that),
		cmocka_unit_test(what_is_absent_unknown_or_mistyped_is_the_default),
		cmocka_unit_test(each_option_is_read_where_it_belongs),
		cmocka_unit_test(words_are_read_as_what_they_name),
		cmocka_unit_test(encrypted_and_foreign_payloads_are_told),
		cmocka_unit_test(a_crowded_or_doubled_dict_is_read_whole),
		cmocka_unit_test(each_spelling_of_a_word_or_a_number_counts),
		cmocka_unit_test(without_memory_an_escaped_text_is_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
