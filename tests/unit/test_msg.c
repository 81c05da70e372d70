/* SPDX-License-Identifier: MIT */

/*
 * Messages as frames and as views: each form that the specification gives, and
 * what real routers make of it
 *
 * Every frame is copied to memory of exactly its size, so that the address
 * sanitizer sees a byte read too far.
 */

#include "wamp/msg.h"

#include "base/mem.h"
#include "codec/chars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_slice(s, literal)                                                                   \
	do {                                                                                       \
		struct slice got_ = (s);                                                           \
		assert_int_equal(got_.len, sizeof(literal) - 1);                                   \
		assert_memory_equal(got_.ptr, literal, sizeof(literal) - 1);                       \
	} while (0)

/* A parsed frame, alive until the next one. */
struct frame {
	char *copy;
	struct arena arena;
	struct wamp_msg msg;
	struct scan_error error;
	int outcome;
};

static void frame_done(struct frame *f)
{
	f->copy = mem_free(f->copy);
	arena_done(&f->arena);
}

static int parse(struct frame *f, struct slice text)
{
	frame_done(f);
	f->copy = mem_realloc(NULL, text.len ? text.len : 1);
	assert_non_null(f->copy);
	if (text.len)
		memcpy(f->copy, text.ptr, text.len);
	f->msg = (struct wamp_msg){.type = 9999};
	f->outcome = wamp_parse(&f->msg, (struct slice){f->copy, text.len}, &f->arena, &f->error);
	if (f->outcome == WAMP_MALFORMED || f->outcome == WAMP_UNKNOWN)
		assert_int_equal(f->msg.type, 9999);
	return f->outcome;
}

static void expect_written(const struct wamp_msg *msg, struct slice expected)
{
	struct buf b = BUF_INIT(100000);

	wamp_write(&b, msg);
	assert_int_equal(b.error, 0);
	if (!slice_equal(buf_bytes(&b), expected))
		fail_msg("%.*s instead of %.*s", SLICE_ARG(buf_bytes(&b)), SLICE_ARG(expected));
	buf_done(&b);
}

/* WAMP, "Messages": every message in each of its forms, as it goes over the wire. */
static const struct golden {
	struct slice text;
	enum wamp_type type;
	const char *name;
	bool has_payload;
	size_t n_head; /* bytes that make a usable head */
} goldens[] = {
#define PLAIN(t, type)                                                                             \
	{                                                                                          \
		SLICE(t), WAMP_##type, #type, false, 0                                             \
	}
#define WITH(head, t, type)                                                                        \
	{                                                                                          \
		SLICE(head t), WAMP_##type, #type, true, sizeof(head) - 1                          \
	}
	PLAIN("[1,\"somerealm\",{\"agent\":\"x\",\"roles\":{\"publisher\":{},\"subscriber\":{}}}]",
	      HELLO),
	PLAIN("[2,9129137332,{\"roles\":{\"broker\":{}}}]", WELCOME),
	PLAIN("[3,{\"message\":\"The realm does not exist.\"},\"wamp.error.no_such_realm\"]",
	      ABORT),
	PLAIN("[3,{},\"wamp.error.x\",[1]]", ABORT),
	PLAIN("[3,{},\"wamp.error.x\",[],{\"a\":1}]", ABORT),
	PLAIN("[4,\"wampcra\",{\"challenge\":\"{}\"}]", CHALLENGE),
	PLAIN("[5,\"gir1mSx+deCDUV7wRM5SGIn/+R/ClqLZuH4m7FJeBVI=\",{}]", AUTHENTICATE),
	PLAIN("[6,{\"message\":\"going down\"},\"wamp.close.system_shutdown\"]", GOODBYE),
	PLAIN("[6,{},\"wamp.close.goodbye_and_out\"]", GOODBYE),
	WITH("[8,64,25349185,{},\"wamp.error.procedure_already_exists\"", "]", ERROR),
	WITH("[8,68,6131533,{},\"com.myapp.error.protected\"", ",[\"It is.\"]]", ERROR),
	WITH("[8,48,7814135,{},\"com.myapp.error.e\"", ",[],{\"severity\":3}]", ERROR),
	WITH("[16,239714735,{\"exclude_me\":false},\"com.myapp.mytopic1\"", "]", PUBLISH),
	WITH("[16,239714735,{},\"com.myapp.mytopic1\"", ",[\"Hello, world!\"]]", PUBLISH),
	WITH("[16,239714735,{},\"com.myapp.mytopic1\"", ",[],{\"color\":\"orange\"}]", PUBLISH),
	PLAIN("[17,239714735,4429313566]", PUBLISHED),
	PLAIN("[32,713845233,{\"match\":\"prefix\"},\"com.myapp.mytopic1\"]", SUBSCRIBE),
	PLAIN("[33,713845233,5512315355]", SUBSCRIBED),
	PLAIN("[34,85346237,5512315355]", UNSUBSCRIBE),
	PLAIN("[35,85346237]", UNSUBSCRIBED),
	PLAIN("[35,0,{\"subscription\":5512315355,\"reason\":\"x\"}]", UNSUBSCRIBED),
	WITH("[36,5512315355,4429313566,{\"publisher\":3335656}", "]", EVENT),
	WITH("[36,5512315355,4429313566,{}", ",[\"Hello\"]]", EVENT),
	WITH("[36,5512315355,4429313566,{}", ",[],{\"karma\":10}]", EVENT),
	WITH("[48,77133,{\"receive_progress\":true},\"com.myapp.revenue\"", "]", CALL),
	WITH("[48,77133,{},\"com.myapp.revenue\"", ",[2010,2011,2012]]", CALL),
	WITH("[48,77133,{},\"com.myapp.revenue\"", ",[\"j\"],{\"name\":\"J\"}]", CALL),
	PLAIN("[49,77133,{\"mode\":\"killnowait\"}]", CANCEL),
	WITH("[50,77133,{\"progress\":true}", "]", RESULT),
	WITH("[50,77133,{}", ",[\"Y2010\",120]]", RESULT),
	WITH("[50,77133,{}", ",[],{\"userid\":123}]", RESULT),
	PLAIN("[64,25349185,{\"invoke\":\"roundrobin\"},\"com.myapp.myprocedure1\"]", REGISTER),
	PLAIN("[65,25349185,2103333224]", REGISTERED),
	PLAIN("[66,788923562,2103333224]", UNREGISTER),
	PLAIN("[67,788923562]", UNREGISTERED),
	PLAIN("[67,0,{\"registration\":1293722,\"reason\":\"moved\"}]", UNREGISTERED),
	WITH("[68,87683,324,{\"receive_progress\":true}", "]", INVOCATION),
	WITH("[68,87683,324,{}", ",[2010]]", INVOCATION),
	WITH("[68,87683,324,{}", ",[2010],{\"a\":[{}]}]", INVOCATION),
	PLAIN("[69,87683,{\"mode\":\"kill\"}]", INTERRUPT),
	WITH("[70,87683,{\"progress\":true}", "]", YIELD),
	WITH("[70,87683,{}", ",[\"Y2010\",120]]", YIELD),
	WITH("[70,87683,{}", ",[],{\"userid\":123}]", YIELD),
#undef PLAIN
#undef WITH
};

static void every_message_is_read_and_written_as_it_was(void **state)
{
	struct frame f = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
		assert_int_equal(parse(&f, goldens[i].text), 0);
		assert_int_equal(f.msg.type, goldens[i].type);
		assert_string_equal(wamp_type_name(f.msg.type), goldens[i].name);
		expect_written(&f.msg, goldens[i].text);
	}
	frame_done(&f);
}

static void each_element_arrives_in_its_field(void **state)
{
	struct frame f = {0};

	(void)state;
	assert_int_equal(parse(&f, SLICE("[8,48,7,{\"a\":1},\"x.y\",[1],{\"k\":2}]")), 0);
	assert_int_equal(f.msg.request_type, WAMP_CALL);
	assert_int_equal(f.msg.request, 7);
	assert_slice(scan_token(&f.msg.details), "{\"a\":1}");
	assert_slice(f.msg.uri, "x.y");
	assert_slice(scan_token(&f.msg.args), "[1]");
	assert_slice(scan_token(&f.msg.kwargs), "{\"k\":2}");
	assert_int_equal(parse(&f, SLICE("[68,1,2,{\"b\":1},[3]]")), 0);
	assert_int_equal(f.msg.request, 1);
	assert_int_equal(f.msg.id, 2);
	assert_slice(scan_token(&f.msg.args), "[3]");
	assert_int_equal(f.msg.kwargs.type, SCAN_ABSENT);
	assert_int_equal(parse(&f, SLICE("[36,3,4,{}]")), 0);
	assert_int_equal(f.msg.id, 3);
	assert_int_equal(f.msg.publication, 4);
	assert_int_equal(f.msg.request, 0);
	assert_int_equal(parse(&f, SLICE("[17,5,6]")), 0);
	assert_int_equal(f.msg.request, 5);
	assert_int_equal(f.msg.publication, 6);
	assert_int_equal(parse(&f, SLICE("[2,9007199254740992,{}]")), 0);
	assert_true(f.msg.id == WAMP_MAX_ID);
	frame_done(&f);
}

/* Cut within the head it is no message; behind it, one without a payload. */
static void a_message_cut_anywhere_is_refused_or_undecodable(void **state)
{
	struct frame f = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
		const struct golden *g = &goldens[i];

		for (size_t n = 0; n < g->text.len; n++) {
			int r = parse(&f, (struct slice){g->text.ptr, n});

			if (g->has_payload && n >= g->n_head) {
				assert_int_equal(r, WAMP_UNDECODABLE);
				assert_int_equal(f.msg.type, g->type);
			} else if (n) {
				assert_int_equal(r, WAMP_MALFORMED);
			}
		}
	}
	frame_done(&f);
}

static void a_mistyped_element_ends_the_session(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"[[]]",
		"null",
		"[null]",
		"[\"48\",1,{},\"a.b\"]",
		"[48.0,1,{},\"a.b\"]",
		"[-1]",
		"[0]",
		"[7]",
		"[9,1]",
		"[255]",
		"[48]",
		"[48,1]",
		"[48,1,{}]",
		"[48,null,{},\"a.b\"]",
		"[48,\"1\",{},\"a.b\"]",
		"[48,1.5,{},\"a.b\"]",
		"[48,-1,{},\"a.b\"]",
		"[48,9007199254740993,{},\"a.b\"]",
		"[48,99999999999999999999,{},\"a.b\"]",
		"[48,1,[],\"a.b\"]",
		"[48,1,\"\",\"a.b\"]",
		"[48,1,{},null]",
		"[48,1,{},7]",
		"[48,1,{},[\"a.b\"]]",
		"[48,1,{},\"a.b\",{}]",
		"[48,1,{},\"a.b\",true]",
		"[48,1,{},\"a.b\",[],[]]",
		"[48,1,{},\"a.b\",[],\"x\"]",
		"[36,\"1\",2,{}]",
		"[36,1,[2],{}]",
		"[36,1,2,[]]",
		"[36,1,2]",
		"[8,\"48\",1,{},\"a.b\"]",
		"[8,71,1,{},\"a.b\"]",
		"[8,48,1,{},{}]",
		"[8,48,1,{},1.5]",
		"[8,48,1,{}]",
		"[1,{},{}]",
		"[2,{},{}]",
		"[2,1]",
		"[3,{}]",
		"[4,1,{}]",
		"[6,\"x\",{}]",
		"[17,1]",
		"[17,1,{}]",
		"[33,1,\"2\"]",
		"[65,{},1]",
		"[67]",
		"[67,0,7]",
		"[67,0,[]]",
		"[35,0,\"x\"]",
		"[69,1,[]]",
		"[32,1,{},\"a.b\"",
		"[65,1,2",
		"[2,1,{}] [2,1,{}]",
		"[36,1,2,{\"x\":NaN},[1]]",
		"[36,1,2,{\"x\":\"\xff\"},[1]]",
	};
	struct frame f = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(&f, slice_of(bad[i])) != WAMP_MALFORMED)
			fail_msg("%s: %d", bad[i], f.outcome);
		assert_true(f.error.expected[0]);
	}
	frame_done(&f);
}

static void extensions_are_told_from_nonsense(void **state)
{
	struct frame f = {0};

	(void)state;
	assert_int_equal(parse(&f, SLICE("[256]")), WAMP_UNKNOWN);
	assert_int_equal(parse(&f, SLICE("[337,4711]")), WAMP_UNKNOWN);
	assert_int_equal(parse(&f, SLICE("[1023,{},[],\"\"]")), WAMP_UNKNOWN);
	assert_int_equal(parse(&f, SLICE("[4294967295]")), WAMP_UNKNOWN);
	assert_int_equal(parse(&f, SLICE("[4294967296]")), WAMP_MALFORMED);
	assert_string_equal(wamp_type_name((enum wamp_type)7), "?");
	assert_string_equal(wamp_type_name((enum wamp_type)337), "?");
	frame_done(&f);
}

static void what_routers_leave_out_or_add_is_tolerated(void **state)
{
	static const struct {
		struct slice text, written;
	} table[] = {
		{SLICE("[50,1,null]"), SLICE("[50,1,{}]")},
		{SLICE("[50,1,{},null]"), SLICE("[50,1,{}]")},
		{SLICE("[50,1,{},null,null]"), SLICE("[50,1,{}]")},
		{SLICE("[50,1,{},[2],null]"), SLICE("[50,1,{},[2]]")},
		{SLICE("[50,1,{},null,{\"a\":1}]"), SLICE("[50,1,{},[],{\"a\":1}]")},
		{SLICE("[50,1,{},[],{}]"), SLICE("[50,1,{}]")},
		{SLICE("[50,1,{},[ ],{ }]"), SLICE("[50,1,{}]")},
		{SLICE("[50,1,{},[1],{}]"), SLICE("[50,1,{},[1]]")},
		{SLICE("[50,1,{},[],{},\"more\",[NULL]]"), SLICE("[50,1,{}]")},
		{SLICE("[50,1,{},[1],{},\"more\",[]]"), SLICE("[50,1,{},[1]]")},
		{SLICE("[36,1,2,{},\"opaque\"]"), SLICE("[36,1,2,{},\"opaque\"]")},
		{SLICE("[67,9,{}]"), SLICE("[67,9]")},
		{SLICE("[67,9,null]"), SLICE("[67,9]")},
		{SLICE("[67,0]"), SLICE("[67,0,{}]")},
		{SLICE("[65,1,2,{}]"), SLICE("[65,1,2]")},
		{SLICE("[8,48,1,{},404]"), SLICE("[8,48,1,{},\"404\"]")},
		{SLICE("[8,0,1,{},\"\"]"), SLICE("[8,0,1,{},\"\"]")},
		{SLICE(" [ 36 ,\t1 , 2 ,\r\n { } , [ 1 , \"a b\" ] ] "),
		 SLICE("[36,1,2,{},[1,\"a b\"]]")},
		{SLICE("[2,1,{},1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"), SLICE("[2,1,{}]")},
	};
	struct frame f = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r = parse(&f, table[i].text);

		/* What is no JSON behind the head leaves the head. */
		assert_int_equal(r, i == 8 ? WAMP_UNDECODABLE : 0);
		expect_written(&f.msg, table[i].written);
	}
	frame_done(&f);
}

/* protocol §2.6: spelling and order stay, white space goes, separators are escaped. */
static void a_payload_keeps_its_spelling(void **state)
{
	struct frame f = {0};

	(void)state;
	assert_int_equal(parse(&f, SLICE("[48,1,{},\"a.b\",[0.10,-0,1E5,18446744073709551616,"
					 "\"\\u00e9\\/\",\"\xc2\x85\"],"
					 "{\"b\":1 ,\"a\":2,\"b\": 3}]")),
			 0);
	expect_written(&f.msg, SLICE("[48,1,{},\"a.b\",[0.10,-0,1E5,18446744073709551616,"
				     "\"\\u00e9\\/\",\"\\u0085\"],{\"b\":1,\"a\":2,\"b\":3}]"));
	/* protocol §2.6: from a router both of these pass. */
	assert_int_equal(parse(&f, SLICE("[36,1,2,{},[1e400,\"\\ud800\"]]")), 0);
	expect_written(&f.msg, SLICE("[36,1,2,{},[1e400,\"\\ud800\"]]"));
	frame_done(&f);
}

static void a_uri_with_escapes_is_decoded(void **state)
{
	struct frame f = {0};
	char text[9000];
	size_t n;

	(void)state;
	assert_int_equal(parse(&f, SLICE("[48,1,{},\"com.\\u0061\\/b\\n\"]")), 0);
	assert_slice(f.msg.uri, "com.a/b\n");
	expect_written(&f.msg, SLICE("[48,1,{},\"com.a/b\\u000a\"]"));
	assert_int_equal(parse(&f, SLICE("[48,1,{},\"\\ud800x\"]")), 0);
	assert_slice(f.msg.uri, "\xef\xbf\xbdx");
	memcpy(text, "[48,1,{},\"", 10);
	for (n = 10; n < 8000; n += 2)
		memcpy(text + n, "\\/", 2);
	memcpy(text + n, "\"]", 2);
	assert_int_equal(parse(&f, (struct slice){text, n + 2}), 0);
	assert_int_equal(f.msg.uri.len, 3995);
	frame_done(&f);
}

static void a_uri_that_cannot_be_decoded_without_memory_is_refused(void **state)
{
	struct arena arena = {0};
	struct scan_error error;
	struct wamp_msg msg;

	(void)state;
	mem_fail_after(0);
	assert_int_equal(wamp_parse(&msg, SLICE("[48,1,{},\"a\\/b\"]"), &arena, &error),
			 WAMP_MALFORMED);
	mem_fail_after(-1);
	arena_done(&arena);
}

/* protocol §2.6: the head is usable, args and kwargs are absent. */
static void a_payload_that_is_no_json_leaves_a_usable_head(void **state)
{
	static const char *const payloads[] = {
		",[NaN]]",
		",[Infinity]]",
		",[\"\xff\"]]",
		",[\"\xed\xa0\x80\"]]",
		",[\"\n\"]]",
		",[1]",
		",[1],{\"a\"}]",
		",[1],{,}]",
		",[\"\\x\"]]",
		",[01]]",
		",]",
		"",
		"]]",
		",[1],{},NaN]",
		",[-]]",
	};
	static const char *const heads[] = {"[36,7,8,{}", "[68,7,8,{}", "[50,7,{}",
					    "[8,48,7,{},\"a.b\""};
	struct frame f = {0};
	char text[200];

	(void)state;
	for (size_t h = 0; h < ARRAY_SIZE(heads); h++)
		for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
			size_t n = strlen(heads[h]);

			memcpy(text, heads[h], n);
			memcpy(text + n, payloads[i], strlen(payloads[i]) + 1);
			assert_int_equal(parse(&f, slice_of(text)), WAMP_UNDECODABLE);
			assert_int_equal(f.msg.request ? f.msg.request : f.msg.id, 7);
			assert_int_equal(f.msg.args.type, SCAN_ABSENT);
			assert_int_equal(f.msg.kwargs.type, SCAN_ABSENT);
		}
	frame_done(&f);
}

static void a_payload_that_is_too_deep_leaves_a_usable_head(void **state)
{
	struct frame f = {0};
	char text[400];
	size_t n = 10;

	(void)state;
	memcpy(text, "[36,7,8,{}", n);
	text[n++] = ',';
	memset(text + n, '[', 127);
	memset(text + n + 127, ']', 128);
	assert_int_equal(parse(&f, (struct slice){text, n + 255}), 0);
	memset(text + n, '[', 128);
	memset(text + n + 128, ']', 129);
	assert_int_equal(parse(&f, (struct slice){text, n + 257}), WAMP_UNDECODABLE);
	assert_int_equal(f.msg.id, 7);
	frame_done(&f);
}

static void uris_are_loose_but_have_no_empty_component(void **state)
{
	static const struct {
		struct slice uri;
		bool is_valid;
	} table[] = {
		{SLICE("a"), true},
		{SLICE("com.example.add2"), true},
		{SLICE("com.\xc3\xa9t\xc3\xa9.\xe2\x82\xac"), true},
		{SLICE("A-b.C/d:e"), true},
		{SLICE("com.example.\"x\""), true},
		{SLICE("wamp.session.count"), true},
		{SLICE(""), false},
		{SLICE("."), false},
		{SLICE(".a"), false},
		{SLICE("a."), false},
		{SLICE("a..b"), false},
		{SLICE("a b"), false},
		{SLICE(" a"), false},
		{SLICE("a\t"), false},
		{SLICE("a\nb"), false},
		{SLICE("a#b"), false},
		{SLICE("a\0b"), false},
		{SLICE("a\x7f"), false},
		{SLICE("a.b.c."), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (wamp_uri_is_valid(table[i].uri) != table[i].is_valid)
			fail_msg("<%.*s>", SLICE_ARG(table[i].uri));
	assert_false(wamp_uri_is_valid(SLICE_NONE));
}

/*
 * A strict router takes "\s" as Unicode does, and drops the whole session for
 * one URI that has it (seen with Crossbar 26.10).
 */
static void no_white_space_of_unicode_is_in_a_uri(void **state)
{
	static const unsigned spaces[] = {
		0x85,	0xa0,	0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
		0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
	};
	char text[8] = "a.";
	size_t next = 0, n;

	(void)state;
	for (unsigned c = 0x80; c < 0x110000; c++) {
		bool is_space = next < ARRAY_SIZE(spaces) && c == spaces[next];

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		n = 2 + chars_put(text + 2, c);
		if (wamp_uri_is_valid((struct slice){text, n}) == is_space)
			fail_msg("U+%04x at the end", c);
		text[n] = 'b';
		if (wamp_uri_is_valid((struct slice){text, n + 1}) == is_space)
			fail_msg("U+%04x in the middle", c);
		next += is_space;
	}
	assert_int_equal(next, ARRAY_SIZE(spaces));
}

static void a_message_that_does_not_fit_latches(void **state)
{
	struct wamp_msg msg = {.type = WAMP_CALL, .request = 1, .uri = SLICE("com.example.a")};

	(void)state;
	for (size_t max = 0; max < 26; max++) {
		struct buf b = BUF_INIT(max);

		wamp_write(&b, &msg);
		assert_int_equal(b.error != 0, max < sizeof("[48,1,{},\"com.example.a\"]") - 1);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_is_read_and_written_as_it_was),
		cmocka_unit_test(each_element_arrives_in_its_field),
		cmocka_unit_test(a_message_cut_anywhere_is_refused_or_undecodable),
		cmocka_unit_test(a_mistyped_element_ends_the_session),
		cmocka_unit_test(extensions_are_told_from_nonsense),
		cmocka_unit_test(what_routers_leave_out_or_add_is_tolerated),
		cmocka_unit_test(a_payload_keeps_its_spelling),
		cmocka_unit_test(a_uri_with_escapes_is_decoded),
		cmocka_unit_test(a_uri_that_cannot_be_decoded_without_memory_is_refused),
		cmocka_unit_test(a_payload_that_is_no_json_leaves_a_usable_head),
		cmocka_unit_test(a_payload_that_is_too_deep_leaves_a_usable_head),
		cmocka_unit_test(uris_are_loose_but_have_no_empty_component),
		cmocka_unit_test(no_white_space_of_unicode_is_in_a_uri),
		cmocka_unit_test(a_message_that_does_not_fit_latches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
