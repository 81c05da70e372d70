/* SPDX-License-Identifier: MIT */

/*
 * The JSON scanner beside jansson and strtod()
 *
 * Random texts from a fixed seed: what one accepts the other accepts, and a
 * value that emit_value() has rewritten is the same value. What is known to
 * differ: jansson takes neither integers beyond 64 bits nor NUL in member
 * names, and a NUL byte behind a value is the end of the text to it.
 */

#include "codec/emit.h"
#include "codec/scan.h"

#include "base/rng.h"
#include "codec/number.h"
#include "test_scan_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define N_GENERATED 20000
#define N_MUTATIONS 200000
#define N_NUMBERS   30000

/* ---- a generator of values ---- */

struct maker {
	struct rng rng;
	struct buf text;
};

static void make_space(struct maker *m)
{
	static const char spaces[] = " \t\r\n";

	while (rng_below(&m->rng, 6) == 0)
		buf_append_char(&m->text, spaces[rng_below(&m->rng, 4)]);
}

static void make_string(struct maker *m)
{
	static const char *const pieces[] = {
		"a",
		"bc",
		" ",
		"plain text of some length",
		"\\n",
		"\\\\",
		"\\\"",
		"\\u0000",
		"\\u00e9",
		"\\u2028",
		"\\/",
		"\\uD83D\\uDE00",
		"\xc3\xa9",
		"\xe2\x80\xa8",
		"\xc2\x85",
		"\x7f",
		"\xe2\x82\xac",
		"[{,:}]",
		"\xf0\x9f\x98\x80",
		"#",
		"12345678",
		"\\t",
	};

	buf_append_char(&m->text, '"');
	/* What begins with U+0000 must go on in base64, of which jansson knows nothing. */
	buf_append_char(&m->text, 's');
	for (uint64_t n = rng_below(&m->rng, 8); n; n--)
		buf_append_slice(&m->text,
				 slice_of(pieces[rng_below(&m->rng, ARRAY_SIZE(pieces))]));
	buf_append_char(&m->text, '"');
}

static void make_number(struct maker *m)
{
	char text[64];
	double d = rng_unit(&m->rng) - 0.5;
	int precision = (int)rng_below(&m->rng, 18);

	for (uint64_t n = rng_below(&m->rng, 18); n; n--)
		d *= 10;
	switch (rng_below(&m->rng, 3)) {
	case 0:
		snprintf(text, sizeof(text), "%.*f", precision, d);
		break;
	case 1:
		snprintf(text, sizeof(text), "%.*e", precision, d);
		break;
	default:
		snprintf(text, sizeof(text), "%.*G", precision, d);
	}
	buf_append_slice(&m->text, slice_of(text));
}

static void make_value(struct maker *m, int depth);

static void make_container(struct maker *m, bool is_object, int depth)
{
	uint64_t n = rng_below(&m->rng, 5);

	buf_append_char(&m->text, is_object ? '{' : '[');
	for (uint64_t i = 0; i < n; i++) {
		char name[32];

		make_space(m);
		/* Names differ: of two equal ones jansson keeps the last. */
		snprintf(name, sizeof(name), "\"%s%d\"", i % 2 ? "\\u0061 b" : "k\xc2\x85", (int)i);
		if (is_object) {
			buf_append_slice(&m->text, slice_of(name));
			make_space(m);
			buf_append_char(&m->text, ':');
		}
		make_value(m, depth + 1);
		if (i + 1 < n)
			buf_append_char(&m->text, ',');
	}
	make_space(m);
	buf_append_char(&m->text, is_object ? '}' : ']');
}

static void make_value(struct maker *m, int depth)
{
	static const char *const words[] = {"null",
					    "true",
					    "false",
					    "0",
					    "-0",
					    "-9223372036854775808",
					    "9223372036854775807",
					    "1.7976931348623157e308",
					    "5e-324"};
	uint64_t kind = rng_below(&m->rng, depth < 5 ? 8 : 4);

	make_space(m);
	if (kind == 0)
		buf_append_slice(&m->text, slice_of(words[rng_below(&m->rng, ARRAY_SIZE(words))]));
	else if (kind == 1)
		make_number(m);
	else if (kind < 4)
		make_string(m);
	else
		make_container(m, kind < 6, depth);
	make_space(m);
}

/* ---- comparing ---- */

static json_t *load(struct slice text, json_error_t *error)
{
	return json_loadb(text.ptr, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, error);
}

static void assert_same_value(struct slice a, struct slice b)
{
	json_error_t error;
	json_t *one = load(a, &error), *two = load(b, &error);
	char *one_text, *two_text;

	assert_non_null(one);
	assert_non_null(two);
	assert_true(json_equal(one, two));
	one_text = json_dumps(one, JSON_ENCODE_ANY | JSON_COMPACT);
	two_text = json_dumps(two, JSON_ENCODE_ANY | JSON_COMPACT);
	assert_string_equal(one_text, two_text);
	free(one_text);
	free(two_text);
	json_decref(one);
	json_decref(two);
}

/* Written out, a token is one line without white space outside strings (protocol §2.4). */
static void assert_written_well(struct slice text, const struct scan_value *v, struct buf *out)
{
	struct scan_error error;
	struct scan_value again;

	buf_clear(out);
	emit_value(out, v);
	assert_int_equal(out->error, 0);
	assert_int_equal(scan_one(buf_bytes(out), SCAN_LENIENT, &again, &error), 0);
	assert_int_equal(again.flags & (SCAN_SPACED | SCAN_UNSAFE), 0);
	assert_int_equal(again.len, buf_len(out));
	assert_null(memchr(out->data, '\n', buf_len(out)));
	if (!(v->flags & (SCAN_SPACED | SCAN_UNSAFE)))
		assert_int_equal(again.len, v->len);
	assert_same_value(text, buf_bytes(out));
}

static void generated_values_survive_being_written(void **state)
{
	struct maker m = {.rng = {42}, .text = BUF_INIT(SIZE_MAX / 2)};
	struct buf out = BUF_INIT(SIZE_MAX / 2);
	struct scan_error error;
	struct scan_value v;
	size_t n_slow = 0;

	(void)state;
	for (int i = 0; i < N_GENERATED; i++) {
		buf_clear(&m.text);
		make_value(&m, 0);
		assert_int_equal(m.text.error, 0);
		if (scan_one(buf_bytes(&m.text), SCAN_STRICT, &v, &error))
			fail_msg("refused: %.*s", SLICE_ARG(buf_bytes(&m.text)));
		n_slow += (v.flags & (SCAN_SPACED | SCAN_UNSAFE)) != 0;
		assert_written_well(buf_bytes(&m.text), &v, &out);
	}
	/* The generator makes both kinds. */
	assert_true(n_slow > N_GENERATED / 10 && n_slow < N_GENERATED * 9 / 10);
	buf_done(&m.text);
	buf_done(&out);
}

static bool is_known_difference(struct slice text, bool is_ours, int outcome,
				const json_error_t *error)
{
	if (is_ours)
		return json_error_code(error) == json_error_numeric_overflow ||
		       json_error_code(error) == json_error_null_byte_in_key;
	/* No text here is long enough to be nested too deep for us. */
	return outcome == SCAN_BAD_BINARY || memchr(text.ptr, '\0', text.len) != NULL;
}

static bool is_accepted_by_both(struct slice text)
{
	struct scan_error error;
	struct scan_value v;
	json_error_t json_error;
	json_t *json = load(text, &json_error);
	int outcome = scan_one(text, SCAN_STRICT, &v, &error);
	bool is_ours = outcome == 0;
	bool is_theirs = json != NULL;

	json_decref(json);
	if (is_ours != is_theirs && !is_known_difference(text, is_ours, outcome, &json_error))
		fail_msg("%s refuse, %s: %.*s", is_ours ? "they" : "we",
			 is_ours ? json_error.text : error.expected, SLICE_ARG(text));
	/* What the strict rules accept the lenient ones do, to the same token. */
	if (is_ours) {
		struct scan_value lenient;

		assert_int_equal(scan_one(text, SCAN_LENIENT, &lenient, &error), 0);
		assert_int_equal(lenient.len, v.len);
		assert_int_equal(lenient.flags, v.flags);
	}
	return is_ours && is_theirs;
}

static void mutate(struct rng *rng, char *text, size_t *n, size_t max)
{
	static const char likely[] =
		"\"\\{}[]:,0123456789eE+-.u \t\ntfnd8c\x80\xbf\xc2\xe2\xed\xf4";
	size_t at = rng_below(rng, *n + 1);
	char c = rng_below(rng, 4) ? likely[rng_below(rng, sizeof(likely))]
				   : (char)rng_below(rng, 256);

	switch (rng_below(rng, 4)) {
	case 0: /* puts one in */
		if (*n == max)
			break;
		memmove(text + at + 1, text + at, *n - at);
		text[at] = c;
		++*n;
		break;
	case 1: /* takes one out */
		if (at < *n) {
			memmove(text + at, text + at + 1, *n - at - 1);
			--*n;
		}
		break;
	case 2: /* swaps two */
		if (at + 1 < *n) {
			c = text[at];
			text[at] = text[at + 1];
			text[at + 1] = c;
		}
		break;
	default:
		if (at < *n)
			text[at] = c;
	}
}

static void mutations_are_accepted_by_both_or_by_none(void **state)
{
	struct maker m = {.rng = {43}, .text = BUF_INIT(SIZE_MAX / 2)};
	size_t n_accepted = 0;

	(void)state;
	for (int i = 0; i < N_MUTATIONS; i++) {
		const struct sample *s = &samples[rng_below(&m.rng, ARRAY_SIZE(samples))];
		char text[80];
		size_t n;

		buf_clear(&m.text);
		if (i % 4 == 0)
			make_value(&m, 2);
		else if (!s->strict)
			buf_append_slice(&m.text, s->text);
		n = buf_len(&m.text);
		if (!n || n > sizeof(text))
			continue;
		memcpy(text, m.text.data, n);
		for (uint64_t k = rng_below(&m.rng, 3) + 1; k; k--)
			mutate(&m.rng, text, &n, sizeof(text));
		n_accepted += is_accepted_by_both((struct slice){text, n});
	}
	assert_true(n_accepted > N_MUTATIONS / 50);
	buf_done(&m.text);
}

static void samples_are_accepted_by_both_or_by_none(void **state)
{
	size_t n_accepted = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		n_accepted += is_accepted_by_both(samples[i].text);
	assert_true(n_accepted > 50);
}

/* A number whose value is near the largest double, with zeros and a point anywhere. */
static void make_edge(struct rng *rng, char *to, size_t size)
{
	static const char limit[] = LIMIT_307 "92";
	char digits[400];
	size_t n = 1 + rng_below(rng, sizeof(limit) + 20), shift = rng_below(rng, n + 1);
	int zeros = (int)rng_below(rng, 5), exponent;

	for (size_t i = 0; i < n; i++)
		digits[i] = i < sizeof(limit) - 1 ? limit[i] : '0';
	if (rng_below(rng, 4))
		digits[rng_below(rng, n)] = (char)('0' + rng_below(rng, 10));
	/* The digits stand for 0.1797...: shift of them before the point, or zeros behind it. */
	exponent = 309 - (int)shift + (int)rng_below(rng, 3) - 1;
	if (shift)
		snprintf(to, size, "%s%.*s.%.*s0e%d", digits[0] == '0' ? "1" : "", (int)shift,
			 digits, (int)(n - shift), digits + shift, exponent);
	else
		snprintf(to, size, "-0.%0*d%.*sE+%d", zeros + 1, 0, (int)n, digits,
			 exponent + zeros + 1);
}

static void finite_is_what_strtod_calls_finite(void **state)
{
	struct rng rng = {44};
	size_t n_finite = 0;
	char text[800];

	(void)state;
	for (int i = 0; i < N_NUMBERS; i++) {
		bool is_finite;

		make_edge(&rng, text, sizeof(text));
		is_finite = isfinite(strtod(text, NULL));
		n_finite += is_finite;
		if (number_is_finite(slice_of(text)) != is_finite)
			fail_msg("%s is %s", text, is_finite ? "finite" : "infinite");
	}
	assert_true(n_finite > N_NUMBERS / 4 && n_finite < N_NUMBERS * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_values_survive_being_written),
		cmocka_unit_test(samples_are_accepted_by_both_or_by_none),
		cmocka_unit_test(mutations_are_accepted_by_both_or_by_none),
		cmocka_unit_test(finite_is_what_strtod_calls_finite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
