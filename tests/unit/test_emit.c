/* SPDX-License-Identifier: MIT */

/*
 * Writing JSON: canonical, one line, and always valid
 */

#include "codec/emit.h"

#include "base/mem.h"
#include "base/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

/* Compares what b holds, and empties it. */
#define assert_written(b, literal)                                                                 \
	do {                                                                                       \
		struct slice got_ = buf_bytes(b);                                                  \
		if (got_.len != sizeof(literal) - 1 ||                                             \
		    memcmp(got_.ptr, literal, sizeof(literal) - 1) != 0)                           \
			fail_msg("wrote %.*s", SLICE_ARG(got_));                                   \
		buf_clear(b);                                                                      \
	} while (0)

static void integers_are_written_as_printf_does(void **state)
{
	static const uint64_t edges[] = {
		0, 1, 9, 10, 99, 100, INT64_MAX, UINT64_MAX, (uint64_t)INT64_MAX + 1};
	struct buf b = BUF_INIT(100);
	struct rng rng = {1};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		uint64_t n =
			i < ARRAY_SIZE(edges) ? edges[i] : rng_next(&rng) >> rng_below(&rng, 64);

		emit_u64(&b, n);
		buf_append_char(&b, ' ');
		emit_i64(&b, (int64_t)n);
		snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRId64, n, (int64_t)n);
		assert_int_equal(buf_len(&b), strlen(expected));
		assert_memory_equal(buf_bytes(&b).ptr, expected, strlen(expected));
		buf_clear(&b);
	}
	emit_bool(&b, true);
	emit_bool(&b, false);
	emit_literal(&b, "{}");
	assert_written(&b, "truefalse{}");
	buf_done(&b);
}

static void text_is_quoted_and_escaped(void **state)
{
	struct buf b = BUF_INIT(10000);

	(void)state;
	emit_text(&b, SLICE(""));
	emit_text(&b, SLICE_NONE);
	assert_written(&b, "\"\"\"\"");
	emit_text(&b, SLICE("plain text, longer than a word of the machine"));
	assert_written(&b, "\"plain text, longer than a word of the machine\"");
	emit_text(&b, SLICE("say \"hi\" \\ /"));
	assert_written(&b, "\"say \\\"hi\\\" \\\\ /\"");
	emit_text(&b, SLICE("\0\n\t\x1f\x7f"));
	assert_written(&b, "\"\\u0000\\u000a\\u0009\\u001f\x7f\"");
	emit_text(&b, SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	assert_written(&b, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	emit_text(&b,
		  SLICE("\xc2\x85|\xe2\x80\xa8|\xe2\x80\xa9|\xc2\x84|\xe2\x80\xa7|\xe2\x80\xaa"));
	assert_written(&b, "\"\\u0085|\\u2028|\\u2029|\xc2\x84|\xe2\x80\xa7|\xe2\x80\xaa\"");
	buf_done(&b);
}

#define REPLACED "\xef\xbf\xbd"

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
	struct buf b = BUF_INIT(10000);

	(void)state;
	emit_text(&b, SLICE("a\xff"
			    "b\x80"));
	assert_written(&b, "\"a" REPLACED "b" REPLACED "\"");
	emit_text(&b, SLICE("\xc3"));
	emit_text(&b, SLICE("\xe2\x80"));
	emit_text(&b, SLICE("\xed\xa0\x80"));
	assert_written(&b, "\"" REPLACED "\"\"" REPLACED REPLACED "\"\"" REPLACED REPLACED REPLACED
			   "\"");
	emit_text(&b, SLICE("\xc3\"\xc3\n"));
	assert_written(&b, "\"" REPLACED "\\\"" REPLACED "\\u000a\"");
	buf_done(&b);
}

/* Whatever the bytes, what is written is a string of one line, and says the same. */
static void any_bytes_become_a_string_that_says_them(void **state)
{
	static const unsigned char often[] = {0xc2, 0x85, 0xe2, 0x80, 0xa8, 0xf0, 0x9f, 0x98,
					      0xed, 0xa0, '"',	'\\', '\n', 0,	  'a',	0xc3};
	struct buf b = BUF_INIT(10000);
	struct rng rng = {3};
	char text[32], decoded[200];

	(void)state;
	for (int i = 0; i < 30000; i++) {
		size_t n = rng_below(&rng, sizeof(text) + 1), n_decoded;
		struct scan_error error;
		struct scan_value v;
		char *copy;

		for (size_t k = 0; k < n; k++)
			text[k] = (char)(rng_below(&rng, 4) ? often[rng_below(&rng, sizeof(often))]
							    : rng_below(&rng, 256));
		copy = mem_realloc(NULL, n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, text, n);
		emit_text(&b, (struct slice){copy, n});
		mem_free(copy);
		/* Text may begin with U+0000 without being a byte string. */
		assert_int_equal(scan_one(buf_bytes(&b), SCAN_LENIENT, &v, &error), 0);
		assert_int_equal(v.flags & SCAN_UNSAFE, 0);
		assert_int_equal(v.len, buf_len(&b));
		/* Valid bytes come back; others only as replacements. */
		n_decoded = scan_decode(&v, decoded);
		if (n_decoded != n || memcmp(text, decoded, n) != 0)
			assert_non_null(memmem(decoded, n_decoded, REPLACED, 3));
		buf_clear(&b);
	}
	buf_done(&b);
}

static void formatted_text_is_cut_at_its_limit(void **state)
{
	struct buf b = BUF_INIT(10000);

	(void)state;
	emit_printf(&b, "op \"%s\" %d\n", "call", 5);
	assert_written(&b, "\"op \\\"call\\\" 5\\u000a\"");
	emit_printf(&b, "%01020d", 7);
	assert_int_equal(buf_len(&b), 1022);
	buf_clear(&b);
	emit_printf(&b, "%03000d", 7);
	assert_int_equal(buf_len(&b), 1023 + 2);
	buf_clear(&b);
	/* The cut is in the middle of a character. */
	emit_printf(&b, "%01022d%s", 7, "\xc3\xa9");
	assert_int_equal(buf_bytes(&b).ptr[buf_len(&b) - 1], '"');
	assert_int_equal(scan_one(buf_bytes(&b), SCAN_STRICT, &(struct scan_value){0},
				  &(struct scan_error){0}),
			 0);
	buf_done(&b);
}

static void emit_token(struct buf *b, struct slice text)
{
	struct scan_error error;
	struct scan_value v;

	assert_int_equal(scan_one(text, SCAN_LENIENT, &v, &error), 0);
	emit_value(b, &v);
}

static void tokens_are_copied_but_for_white_space_and_separators(void **state)
{
	struct buf b = BUF_INIT(10000);

	(void)state;
	emit_token(&b, SLICE(" 0.10 "));
	emit_token(&b, SLICE("-0"));
	emit_token(&b, SLICE("18446744073709551616"));
	emit_token(&b, SLICE("1E400"));
	assert_written(&b, "0.10-0184467440737095516161E400");
	emit_token(&b, SLICE("{\"b\":1,\"a\":2,\"b\":3}"));
	assert_written(&b, "{\"b\":1,\"a\":2,\"b\":3}");
	emit_token(&b, SLICE(" [ 1 ,\r\n\t{ \"a b\" : \"c  d\" , \"e\" : [ ] } , null ] "));
	assert_written(&b, "[1,{\"a b\":\"c  d\",\"e\":[]},null]");
	emit_token(&b, SLICE("[ \"\\\" \\\\\" , \"\\u0020\\/ \" ]"));
	assert_written(&b, "[\"\\\" \\\\\",\"\\u0020\\/ \"]");
	emit_token(&b, SLICE("\"a\xc2\x85\xe2\x80\xa8\xe2\x80\xa9z\""));
	assert_written(&b, "\"a\\u0085\\u2028\\u2029z\"");
	emit_token(&b, SLICE("[ \"\\\\\xc2\x85 \", \"\xc3\xa9\xe2\x80\xa7\" ]"));
	assert_written(&b, "[\"\\\\\\u0085 \",\"\xc3\xa9\xe2\x80\xa7\"]");
	emit_token(&b, SLICE("\"\\ud800\""));
	assert_written(&b, "\"\\ud800\"");
	emit_value(&b, &SCAN_LITERAL("{}", SCAN_OBJECT));
	assert_written(&b, "{}");
	buf_done(&b);
}

static void a_full_buffer_is_told_once_at_the_end(void **state)
{
	struct buf b = BUF_INIT(8);

	(void)state;
	emit_text(&b, SLICE("123456"));
	assert_int_equal(b.error, 0);
	emit_u64(&b, 1);
	assert_int_equal(b.error, -ENOBUFS);
	emit_token(&b, SLICE("[ 1 ]"));
	emit_text(&b, SLICE("\n"));
	emit_printf(&b, "x");
	assert_int_equal(b.error, -ENOBUFS);
	buf_rewind(&b, 8);
	assert_written(&b, "\"123456\"");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_written_as_printf_does),
		cmocka_unit_test(text_is_quoted_and_escaped),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(any_bytes_become_a_string_that_says_them),
		cmocka_unit_test(formatted_text_is_cut_at_its_limit),
		cmocka_unit_test(tokens_are_copied_but_for_white_space_and_separators),
		cmocka_unit_test(a_full_buffer_is_told_once_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
