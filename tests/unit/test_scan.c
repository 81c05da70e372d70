/* SPDX-License-Identifier: MIT */

/*
 * The JSON scanner on texts whose outcome is known
 *
 * Every text is copied to memory of exactly its size, so that the address
 * sanitizer sees a byte read too far.
 */

#include "codec/scan.h"

#include "base/mem.h"
#include "test_scan_table.h"

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

struct result {
	int outcome;
	struct scan_error error;
	struct scan_value value; /* its text is gone */
	size_t start;		 /* where it stood */
};

static struct result scan_copy(struct slice text, enum scan_rules rules)
{
	char *copy = mem_realloc(NULL, text.len ? text.len : 1);
	struct result r = {0};

	assert_non_null(copy);
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	r.value.type = 99;
	r.outcome = scan_one((struct slice){copy, text.len}, rules, &r.value, &r.error);
	if (r.outcome) {
		assert_int_equal(r.value.type, 99);
		assert_true(r.error.offset <= text.len);
		assert_true(r.error.expected[0]);
	} else {
		r.start = (size_t)(r.value.text - copy);
		assert_true(r.start + r.value.len <= text.len);
	}
	mem_free(copy);
	return r;
}

static void expect(struct slice text, enum scan_rules rules, int outcome, size_t offset)
{
	struct result r = scan_copy(text, rules);

	if (r.outcome != outcome || (outcome && r.error.offset != offset))
		fail_msg("%.*s: outcome %d at %zu (expected %s) instead of %d at %zu",
			 SLICE_ARG(text), r.outcome, r.error.offset, r.error.expected, outcome,
			 offset);
}

static void each_text_has_its_outcome_and_offset(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];

		expect(s->text, SCAN_STRICT, s->strict, s->offset);
		expect(s->text, SCAN_LENIENT, s->lenient, s->offset);
	}
}

/* Whether a cut at n would be in the middle of a character, spelled or escaped. */
static bool splits_character(struct slice text, size_t n)
{
	for (size_t back = 1; back < 12 && back <= n; back++)
		if (text.ptr[n - back] == '\\')
			return true;
	return n && n < text.len && text.ptr[n] & 0x80;
}

/* What is cut off is missed where it was cut off; what was wrong before stays wrong. */
static void each_text_is_refused_when_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		bool is_closed = strchr("{[\"", s->text.ptr[0]) && s->text.len;

		for (size_t n = 0; n < s->text.len; n++) {
			struct slice head = {s->text.ptr, n};

			if (s->strict == SCAN_BAD_JSON && n > s->offset)
				expect(head, SCAN_STRICT, SCAN_BAD_JSON, s->offset);
			else if (!s->strict && is_closed && !splits_character(s->text, n))
				expect(head, SCAN_STRICT, SCAN_BAD_JSON, n);
			else if (!s->strict && is_closed)
				assert_int_not_equal(scan_copy(head, SCAN_STRICT).outcome, 0);
			else
				(void)scan_copy(head, SCAN_STRICT);
			(void)scan_copy(head, SCAN_LENIENT);
			(void)scan_copy((struct slice){s->text.ptr + n, s->text.len - n},
					SCAN_STRICT);
		}
	}
}

static struct slice wrap(char *to, const char *before, struct slice text, const char *behind)
{
	size_t a = strlen(before), b = strlen(behind);

	memcpy(to, before, a);
	memcpy(to + a, text.ptr, text.len);
	memcpy(to + a + text.len, behind, b);
	return (struct slice){to, a + text.len + b};
}

static void each_text_means_the_same_inside_a_container(void **state)
{
	static const char *const wraps[][2] = {
		{"[", "]"}, {"[[0,", "]]"}, {"{\"k\":", "}"}, {"  [ {\"k\":[", ",1]}]"}};
	char bytes[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];

		/* A bracket or comma behind a whole value means something else there. */
		if (s->strict &&
		    (s->offset == s->text.len || strchr(",]}", s->text.ptr[s->offset])))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(wraps); k++)
			expect(wrap(bytes, wraps[k][0], s->text, wraps[k][1]), SCAN_STRICT,
			       s->strict, s->offset + strlen(wraps[k][0]));
	}
}

static void white_space_around_is_not_part_of_the_value(void **state)
{
	struct result r = scan_copy(SLICE(" \n [1, 2]\t"), SCAN_STRICT);

	(void)state;
	assert_int_equal(r.start, 3);
	assert_int_equal(r.value.len, 6);
	assert_int_equal(scan_copy(SLICE_NONE, SCAN_STRICT).outcome, SCAN_BAD_JSON);
}

static void what_is_missing_is_said_in_words(void **state)
{
	static const struct {
		struct slice text;
		const char *expected;
	} table[] = {
		{SLICE("{oops"), "string"},
		{SLICE("{\"a\""), "':'"},
		{SLICE("{\"a\":1"), "',' or '}'"},
		{SLICE("[1 2]"), "',' or ']'"},
		{SLICE("[1,]"), "a value"},
		{SLICE("nul"), "null"},
		{SLICE("[-]"), "a digit"},
		{SLICE("{} {}"), "nothing behind the value"},
		{SLICE("\"\\u00x0\""), "a hexadecimal digit"},
		{SLICE("\"\xff\""), "valid UTF-8"},
		{SLICE("\"\\ud800\""), "a pair of surrogates"},
		{SLICE("[\0]"), "no NUL byte"},
		{SLICE("1e999"), "a number within the range of a double"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(scan_copy(table[i].text, SCAN_STRICT).error.expected,
				    table[i].expected);
}

static void a_value_knows_its_type_and_flags(void **state)
{
	static const struct {
		struct slice text;
		enum scan_type type;
		unsigned flags;
	} table[] = {
		{SLICE("null"), SCAN_NULL, 0},
		{SLICE("true"), SCAN_TRUE, 0},
		{SLICE("false"), SCAN_FALSE, 0},
		{SLICE("-12"), SCAN_INTEGER, 0},
		{SLICE(" 12 "), SCAN_INTEGER, 0},
		{SLICE("1.0"), SCAN_REAL, 0},
		{SLICE("1e2"), SCAN_REAL, 0},
		{SLICE("\"\""), SCAN_STRING, SCAN_EMPTY},
		{SLICE("\" \""), SCAN_STRING, 0},
		{SLICE(" \"a\\n\" "), SCAN_STRING, SCAN_ESCAPED},
		{SLICE("\"\xc2\x85\""), SCAN_STRING, SCAN_UNSAFE},
		{SLICE("\"\xe2\x80\xa8\""), SCAN_STRING, SCAN_UNSAFE},
		{SLICE("\"\xe2\x80\xa9\\n\""), SCAN_STRING, SCAN_UNSAFE | SCAN_ESCAPED},
		{SLICE("\"\xc2\x84\xc2\x86\xe2\x80\xa7\xe2\x80\xaa\xe2\x81\xa8\""), SCAN_STRING, 0},
		{SLICE("\"\\u2028\""), SCAN_STRING, SCAN_ESCAPED},
		{SLICE("[]"), SCAN_ARRAY, SCAN_EMPTY},
		{SLICE(" [] "), SCAN_ARRAY, SCAN_EMPTY},
		{SLICE("[ ]"), SCAN_ARRAY, SCAN_EMPTY | SCAN_SPACED},
		{SLICE("[\n\t ]"), SCAN_ARRAY, SCAN_EMPTY | SCAN_SPACED},
		{SLICE("[1]"), SCAN_ARRAY, 0},
		{SLICE("[1, 2]"), SCAN_ARRAY, SCAN_SPACED},
		{SLICE("[1 ,2]"), SCAN_ARRAY, SCAN_SPACED},
		{SLICE("[ 1]"), SCAN_ARRAY, SCAN_SPACED},
		{SLICE("[1 ]"), SCAN_ARRAY, SCAN_SPACED},
		{SLICE("[\"a b\"]"), SCAN_ARRAY, 0},
		{SLICE("[\"\\n\"]"), SCAN_ARRAY, 0},
		{SLICE("[[{\"a\":\"\xc2\x85\"}]]"), SCAN_ARRAY, SCAN_UNSAFE},
		{SLICE("{}"), SCAN_OBJECT, SCAN_EMPTY},
		{SLICE("{ }"), SCAN_OBJECT, SCAN_EMPTY | SCAN_SPACED},
		{SLICE("{\"a\": 1}"), SCAN_OBJECT, SCAN_SPACED},
		{SLICE("{\"a\" :1}"), SCAN_OBJECT, SCAN_SPACED},
		{SLICE("{\"\xe2\x80\xa8\":[ ]}"), SCAN_OBJECT, SCAN_UNSAFE | SCAN_SPACED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct result r = scan_copy(table[i].text, SCAN_STRICT);

		if (r.outcome || r.value.type != table[i].type || r.value.flags != table[i].flags)
			fail_msg("%.*s: outcome %d type %d flags %d", SLICE_ARG(table[i].text),
				 r.outcome, r.value.type, r.value.flags);
	}
}

/* depth brackets, each open one of the kind that kinds says */
static size_t nest(char *to, size_t depth, const char *kinds)
{
	size_t n = 0;

	for (size_t i = 0; i < depth; i++) {
		bool is_object = kinds[i % strlen(kinds)] == '{';

		to[n++] = is_object ? '{' : '[';
		if (is_object && i + 1 < depth)
			n += (size_t)snprintf(to + n, 5, "\"k\":");
	}
	for (size_t i = depth; i-- > 0;)
		to[n++] = kinds[i % strlen(kinds)] == '{' ? '}' : ']';
	return n;
}

static void depth_is_128_and_not_more(void **state)
{
	static const char *const kinds[] = {"[", "{", "[{", "[[{"};
	struct scan_member member;
	struct scan_names names;
	struct scan_error error;
	struct scan_value item;
	char text[2000];
	size_t n, count;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		n = nest(text, 128, kinds[i]);
		assert_int_equal(scan_copy((struct slice){text, n}, SCAN_STRICT).outcome, 0);
		n = nest(text, 129, kinds[i]);
		assert_int_equal(scan_copy((struct slice){text, n}, SCAN_STRICT).outcome,
				 SCAN_BAD_JSON);
	}
	n = nest(text, 129, "[");
	expect((struct slice){text, n}, SCAN_LENIENT, SCAN_BAD_JSON, 128);
	assert_int_equal(scan_array((struct slice){text, n}, SCAN_STRICT, &item, 1, &count, &error),
			 SCAN_BAD_JSON);
	assert_int_equal(error.offset, 128);
	assert_int_equal(
		scan_array((struct slice){text + 1, n - 2}, SCAN_STRICT, &item, 1, &count, &error),
		0);
	n = nest(text, 129, "{");
	assert_int_equal(scan_object((struct slice){text, n}, SCAN_STRICT, &names, &member, 1,
				     &count, &error),
			 SCAN_BAD_JSON);
	assert_int_equal(error.offset, 128 * 5);
	n = nest(text, 128, "{");
	assert_int_equal(scan_object((struct slice){text, n}, SCAN_STRICT, &names, &member, 1,
				     &count, &error),
			 0);
}

/* ---- outermost containers ---- */

struct object {
	struct scan_member members[8];
	struct scan_names names;
	struct scan_error error;
	size_t n;
};

static int scan_to(struct object *o, struct slice text, size_t max)
{
	return scan_object(text, SCAN_STRICT, &o->names, o->members, max, &o->n, &o->error);
}

static void members_come_in_order_with_decoded_names(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(scan_to(&o,
				 SLICE(" { \"op\" : \"call\" , \"\\u0069\\u0064\":[ 1 ],"
				       "\"\":null,\"\\u00e9\\n\":{}} "),
				 8),
			 0);
	assert_int_equal(o.n, 4);
	assert_slice(o.members[0].name, "op");
	assert_slice(o.members[1].name, "id");
	assert_slice(o.members[2].name, "");
	assert_slice(o.members[3].name, "\xc3\xa9\n");
	assert_slice(scan_token(&o.members[0].value), "\"call\"");
	assert_slice(scan_raw(&o.members[0].value), "call");
	assert_slice(scan_token(&o.members[1].value), "[ 1 ]");
	assert_int_equal(o.members[0].value.flags, 0);
	assert_int_equal(o.members[1].value.flags, SCAN_SPACED);
	assert_int_equal(o.members[3].value.flags, SCAN_EMPTY);
	assert_int_equal(scan_to(&o, SLICE("{}"), 0), 0);
	assert_int_equal(o.n, 0);
	assert_int_equal(scan_to(&o, SLICE("{ }\n"), 0), 0);
}

static void a_member_stands_once_however_it_is_spelled(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(scan_to(&o, SLICE("{\"a\":1,\"b\":2,\"a\":3}"), 8), SCAN_DUPLICATE);
	assert_int_equal(o.error.offset, 13);
	assert_slice(o.error.name, "a");
	assert_int_equal(o.n, 2);
	assert_int_equal(scan_to(&o, SLICE("{\"id\":1,\"\\u0069d\":2}"), 8), SCAN_DUPLICATE);
	assert_slice(o.error.name, "id");
	assert_int_equal(scan_to(&o, SLICE("{\"\\/\":1,\"/\":2}"), 8), SCAN_DUPLICATE);
	assert_int_equal(scan_to(&o, SLICE("{\"\":1,\"\":2}"), 8), SCAN_DUPLICATE);
	assert_int_equal(scan_to(&o, SLICE("{\"a\\u0000\":1,\"a\":2}"), 8), 0);
	assert_int_equal(scan_to(&o, SLICE("{\"a\":{\"b\":1,\"b\":1},\"b\":1}"), 8), 0);
}

static void more_members_than_room_are_refused(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(scan_to(&o, SLICE("{\"a\":1,\"b\":2}"), 2), 0);
	assert_int_equal(scan_to(&o, SLICE("{\"a\":1,\"b\":2,\"c\":3}"), 2), SCAN_TOO_MANY);
	assert_int_equal(o.n, 2);
	assert_int_equal(o.error.offset, 13);
}

static void names_that_cannot_be_compared_are_refused_from_clients_only(void **state)
{
	struct object o;
	char text[6000];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text), "{\"\\u0061");
	memset(text + n, 'x', 5000);
	n += 5000;
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\":1,\"\\u0062\":2}");
	assert_int_equal(scan_to(&o, (struct slice){text, n}, 8), SCAN_BAD_JSON);
	assert_int_equal(o.error.offset, 1);
	assert_int_equal(scan_object((struct slice){text, n}, SCAN_LENIENT, &o.names, o.members, 8,
				     &o.n, &o.error),
			 0);
	assert_int_equal(o.members[0].name.len, 5006);
	assert_slice(o.members[1].name, "b");
}

static void a_faulty_object_shows_the_members_before(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(scan_to(&o, SLICE("{\"id\":7,\"args\":[1,}"), 8), SCAN_BAD_JSON);
	assert_int_equal(o.n, 1);
	assert_slice(scan_token(&o.members[0].value), "7");
	assert_int_equal(scan_to(&o, SLICE("[1]"), 8), SCAN_BAD_JSON);
	assert_int_equal(o.error.offset, 0);
	assert_string_equal(o.error.expected, "'{'");
	assert_int_equal(scan_to(&o, SLICE_NONE, 8), SCAN_BAD_JSON);
	assert_int_equal(scan_to(&o, SLICE("{\"a\":1} {"), 8), SCAN_BAD_JSON);
	assert_int_equal(o.error.offset, 8);
}

static void a_faulty_array_shows_the_elements_before(void **state)
{
	static const struct {
		struct slice text;
		int outcome;
		size_t n, offset;
	} table[] = {
		{SLICE("[36,1,{},[2]]"), 0, 4, 0},
		{SLICE(" [ ] "), 0, 0, 0},
		{SLICE("[36,1,{},[NaN]]"), SCAN_BAD_JSON, 3, 10},
		{SLICE("[36,1,{},[\"\xff\"]]"), SCAN_BAD_UTF8, 3, 11},
		{SLICE("[36,1,{},[1]"), SCAN_BAD_JSON, 4, 12},
		{SLICE("[36,1,{},"), SCAN_BAD_JSON, 3, 9},
		{SLICE("[36,1,{},[1e400]]"), 0, 4, 0},
		{SLICE("[36,1,{},[\"\\ud800\"]]"), 0, 4, 0},
		{SLICE("[1,2,3,4,5]"), SCAN_TOO_MANY, 4, 9},
		{SLICE("[1,2,3,4]x"), SCAN_BAD_JSON, 4, 9},
		{SLICE("{}"), SCAN_BAD_JSON, 0, 0},
		{SLICE(""), SCAN_BAD_JSON, 0, 0},
	};
	struct scan_value items[4];
	struct scan_error error;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		n = 99;
		assert_int_equal(scan_array(table[i].text, SCAN_LENIENT, items, 4, &n, &error),
				 table[i].outcome);
		assert_int_equal(n, table[i].n);
		assert_int_equal(error.offset, table[i].offset);
		if (n)
			assert_ptr_equal(items[0].text, strchr(table[i].text.ptr, '[') + 1);
	}
}

/* ---- tokens ---- */

static struct slice decode(struct slice text, char *to, enum scan_rules rules)
{
	struct scan_error error;
	struct scan_value v;

	assert_int_equal(scan_one(text, rules, &v, &error), 0);
	return (struct slice){to, scan_decode(&v, to)};
}

static void escapes_are_decoded(void **state)
{
	char to[64];

	(void)state;
	assert_slice(decode(SLICE("\"\""), to, SCAN_STRICT), "");
	assert_slice(decode(SLICE("\"plain \xc3\xa9\""), to, SCAN_STRICT), "plain \xc3\xa9");
	assert_slice(decode(SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), to, SCAN_STRICT),
		     "\"\\/\b\f\n\r\t");
	assert_slice(
		decode(SLICE("\"\\u0000\\u007f\\u0080\\u07FF\\u0800\\uffff\""), to, SCAN_LENIENT),
		"\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
	assert_slice(decode(SLICE("\"\\ud800\\udc00\\uDBFF\\uDFFF\""), to, SCAN_STRICT),
		     "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	assert_slice(decode(SLICE("\"\\ud83da\\udc00\\ud83d\\u0041\\ud83d\""), to, SCAN_LENIENT),
		     "\xef\xbf\xbd"
		     "a"
		     "\xef\xbf\xbd\xef\xbf\xbd"
		     "A"
		     "\xef\xbf\xbd");
	assert_slice(decode(SLICE("\"\\ud83d\\ud83d\\ude00\""), to, SCAN_LENIENT),
		     "\xef\xbf\xbd\xf0\x9f\x98\x80");
	assert_slice(decode(SLICE("\"\\\\u0041\""), to, SCAN_STRICT), "\\u0041");
}

static void integers_are_read_within_their_limit(void **state)
{
	static const struct {
		struct slice text;
		uint64_t max;
		bool is_read;
		uint64_t n;
	} table[] = {
		{SLICE("0"), 0, true, 0},
		{SLICE("1"), 0, false, 0},
		{SLICE("255"), 255, true, 255},
		{SLICE("256"), 255, false, 0},
		{SLICE("9007199254740992"), UINT64_C(1) << 53, true, UINT64_C(1) << 53},
		{SLICE("9007199254740993"), UINT64_C(1) << 53, false, 0},
		{SLICE("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
		{SLICE("18446744073709551616"), UINT64_MAX, false, 0},
		{SLICE("99999999999999999999"), UINT64_MAX, false, 0},
		{SLICE("184467440737095516150"), UINT64_MAX, false, 0},
		{SLICE("-1"), UINT64_MAX, false, 0},
		/* one number has many spellings: Lua writes large integers with an exponent */
		{SLICE("-0"), UINT64_MAX, true, 0},
		{SLICE("-0.0e7"), 0, true, 0},
		{SLICE("0e99999999999999999999"), 0, true, 0},
		{SLICE("1.0"), UINT64_MAX, true, 1},
		{SLICE("1e0"), UINT64_MAX, true, 1},
		{SLICE("1.000000000000000000000000000000"), 1, true, 1},
		{SLICE("100E-2"), 1, true, 1},
		{SLICE("0.001e+6"), 1000, true, 1000},
		{SLICE("1.50e1"), 15, true, 15},
		{SLICE("1.50e1"), 14, false, 0},
		{SLICE("1.2345678901234e+15"), UINT64_C(1) << 53, true, UINT64_C(1234567890123400)},
		{SLICE("9.007199254740992e15"), UINT64_C(1) << 53, true, UINT64_C(1) << 53},
		{SLICE("9.007199254740993e15"), UINT64_C(1) << 53, false, 0},
		{SLICE("1.8446744073709551615e19"), UINT64_MAX, true, UINT64_MAX},
		{SLICE("1.8446744073709551616e19"), UINT64_MAX, false, 0},
		{SLICE("1e300"), UINT64_MAX, false, 0},
		{SLICE("-1.0"), UINT64_MAX, false, 0},
		{SLICE("0.5"), UINT64_MAX, false, 0},
		{SLICE("1.5"), UINT64_MAX, false, 0},
		{SLICE("15e-1"), UINT64_MAX, false, 0},
		{SLICE("1e-300"), UINT64_MAX, false, 0},
		{SLICE("\"1\""), UINT64_MAX, false, 0},
		{SLICE("null"), UINT64_MAX, false, 0},
	};
	struct scan_error error;
	struct scan_value v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint64_t n = 4711;

		assert_int_equal(scan_one(table[i].text, SCAN_STRICT, &v, &error), 0);
		assert_int_equal(scan_u64(&v, table[i].max, &n), table[i].is_read);
		assert_true(n == (table[i].is_read ? table[i].n : 4711));
	}
	assert_false(scan_u64(&SCAN_VALUE_NONE, 1, &(uint64_t){0}));
}

/* Every byte value at every place of a word and of the rest behind it. */
static void a_word_is_known_however_it_is_spelled(void **state)
{
	static const struct {
		struct slice text;
		bool is;
	} table[] = {
		{SLICE("\"exact\""), true},
		{SLICE("\"\\u0065xact\""), true},
		{SLICE("\"exac\\u0074\""), true},
		{SLICE("\"exac\""), false},
		{SLICE("\"exact\\u0000\""), false},
		{SLICE("\"Exact\""), false},
		{SLICE("\"\""), false},
		{SLICE("null"), false},
		{SLICE("[\"exact\"]"), false},
	};
	char text[2000];
	struct scan_error error;
	struct scan_value v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(scan_one(table[i].text, SCAN_STRICT, &v, &error), 0);
		assert_int_equal(scan_is(&v, "exact"), table[i].is);
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, "\"\\n", 3);
	text[sizeof(text) - 1] = '"';
	assert_int_equal(scan_one((struct slice){text, sizeof(text)}, SCAN_STRICT, &v, &error), 0);
	assert_false(scan_is(&v, "exact"));
}

static void a_plain_run_ends_at_the_first_special_byte(void **state)
{
	char text[24];

	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < sizeof(text); at++) {
			bool is_plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

			memset(text, ' ', sizeof(text));
			text[at] = (char)c;
			assert_int_equal(scan_plain_length(text, sizeof(text)),
					 is_plain ? sizeof(text) : at);
		}
	assert_int_equal(scan_plain_length(text, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_has_its_outcome_and_offset),
		cmocka_unit_test(each_text_is_refused_when_cut_anywhere),
		cmocka_unit_test(each_text_means_the_same_inside_a_container),
		cmocka_unit_test(white_space_around_is_not_part_of_the_value),
		cmocka_unit_test(what_is_missing_is_said_in_words),
		cmocka_unit_test(a_value_knows_its_type_and_flags),
		cmocka_unit_test(depth_is_128_and_not_more),
		cmocka_unit_test(members_come_in_order_with_decoded_names),
		cmocka_unit_test(a_member_stands_once_however_it_is_spelled),
		cmocka_unit_test(more_members_than_room_are_refused),
		cmocka_unit_test(names_that_cannot_be_compared_are_refused_from_clients_only),
		cmocka_unit_test(a_faulty_object_shows_the_members_before),
		cmocka_unit_test(a_faulty_array_shows_the_elements_before),
		cmocka_unit_test(escapes_are_decoded),
		cmocka_unit_test(integers_are_read_within_their_limit),
		cmocka_unit_test(a_word_is_known_however_it_is_spelled),
		cmocka_unit_test(a_plain_run_ends_at_the_first_special_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
