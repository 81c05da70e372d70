/* SPDX-License-Identifier: MIT */

/*
 * Line framing: however the bytes are cut into reads, the same lines come out
 *
 * Lines are told as text: their number and contents, "L" for one that was too
 * long. A reader that holds back takes only some lines before it keeps the
 * rest, as a slow peer does.
 */

#include "codec/line.h"

#include "base/mem.h"
#include "base/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define MAX_LINE 16

struct sample {
	struct slice in;
	const char *out;
	bool has_rest;
};

#define SAMPLE(in, ...)                                                                            \
	{                                                                                          \
		{(in), sizeof(in) - 1}, __VA_ARGS__                                                \
	}

static const struct sample samples[] = {
	SAMPLE("", "", false),
	SAMPLE("{}\n", "1:{};", false),
	SAMPLE("{}\r\n", "1:{};", false),
	SAMPLE("{}\r\r\n", "1:{}\r;", false),
	SAMPLE("a\rb\n", "1:a\rb;", false),
	SAMPLE("a\nb\nc\n", "1:a;2:b;3:c;", false),
	SAMPLE("a\n\n\nb\n", "1:a;4:b;", false),
	SAMPLE("\n\r\n \t \n \r\na\n", "5:a;", false),
	SAMPLE("# no\n#\n#{}\r\n a#\n", "4: a#;", false),
	SAMPLE(" #x\n", "1: #x;", false),
	SAMPLE("a", "", true),
	SAMPLE("a\nbc", "1:a;", true),
	SAMPLE("a\n#bc", "1:a;", false),
	SAMPLE("a\n  \t", "1:a;", false),
	SAMPLE("a\n  b", "1:a;", true),
	SAMPLE("a\n  #", "1:a;", true),
	SAMPLE("a\r", "", true),
	SAMPLE("\r", "", false),
	SAMPLE("123456789012345\n", "1:123456789012345;", false),
	SAMPLE("12345678901234\r\n", "1:12345678901234;", false),
	SAMPLE("1234567890123456\n", "1L;", false),
	SAMPLE("123456789012345\r\n", "1L;", false),
	SAMPLE("a\n12345678901234567890\nb\n", "1:a;2L;3:b;", false),
	SAMPLE("1234567890123456789012345678901234567890\n\nb\n", "1L;3:b;", false),
	SAMPLE("12345678901234567\n12345678901234567\nb\nc", "1L;2L;3:b;", true),
	SAMPLE("#234567890123456789\na\n", "1L;2:a;", false),
	SAMPLE("12345678901234567890", "", true),
	SAMPLE("a\n12345678901234567890", "1:a;", true),
	SAMPLE("12345678901234567890\n", "1L;", false),
	SAMPLE("12345678901234567890\n#", "1L;", false),
	SAMPLE("a\0b\n\0\n", "1:a\\0b;2:\\0;", false),
	SAMPLE("\xff\n", "1:\xff;", false),
};

struct reading {
	struct line_reader reader;
	char out[400];
	size_t n;
};

static void reading_note(struct reading *r, int outcome, struct slice line)
{
	r->n += (size_t)snprintf(r->out + r->n, sizeof(r->out) - r->n, "%d%s",
				 (int)r->reader.number, outcome == LINE_READY ? ":" : "L");
	for (size_t i = 0; outcome == LINE_READY && i < line.len; i++) {
		char c[] = {line.ptr[i], '\0'};

		r->n += (size_t)snprintf(r->out + r->n, sizeof(r->out) - r->n, "%s",
					 *c ? c : "\\0");
	}
	r->n += (size_t)snprintf(r->out + r->n, sizeof(r->out) - r->n, ";");
	assert_true(r->n < sizeof(r->out));
}

/* Takes at most n lines. */
static void reading_take(struct reading *r, size_t n)
{
	struct slice line = SLICE("untouched");
	int outcome;

	while (n-- > 0 && (outcome = line_next(&r->reader, &line)) != LINE_NONE) {
		assert_true(outcome == LINE_READY || outcome == LINE_TOO_LONG);
		reading_note(r, outcome, line);
	}
}

/* One read of exactly these bytes, gone afterwards. */
static void reading_feed(struct reading *r, struct slice bytes, size_t n_lines)
{
	char *copy = mem_realloc(NULL, bytes.len ? bytes.len : 1);

	assert_non_null(copy);
	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	line_feed(&r->reader, (struct slice){copy, bytes.len});
	assert_true(line_pending(&r->reader) >= bytes.len);
	reading_take(r, n_lines);
	assert_int_equal(line_keep(&r->reader), 0);
	mem_free(copy);
}

static void reading_end(struct reading *r, const struct sample *s)
{
	reading_take(r, SIZE_MAX);
	if (strcmp(r->out, s->out) != 0)
		fail_msg("%.*s gives %s instead of %s", SLICE_ARG(s->in), r->out, s->out);
	assert_int_equal(line_has_rest(&r->reader), s->has_rest);
	line_done(&r->reader);
}

/* Some lines per read; the rest waits. */
static void read_in_pieces(const struct sample *s, size_t first, size_t piece, size_t n_lines)
{
	struct reading r = {.n = 0};

	line_init(&r.reader, MAX_LINE);
	reading_feed(&r, (struct slice){s->in.ptr, first}, n_lines);
	for (size_t at = first; at < s->in.len; at += piece) {
		size_t n = piece < s->in.len - at ? piece : s->in.len - at;

		reading_feed(&r, (struct slice){s->in.ptr + at, n}, n_lines);
	}
	reading_end(&r, s);
}

static void each_text_gives_its_lines_in_one_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		read_in_pieces(&samples[i], samples[i].in.len, 1, SIZE_MAX);
}

static void each_text_gives_the_same_split_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		for (size_t n = 0; n <= samples[i].in.len; n++)
			for (size_t n_lines = 0; n_lines < 4; n_lines++)
				read_in_pieces(&samples[i], n, 1000, n_lines);
}

static void each_text_gives_the_same_in_small_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		for (size_t piece = 1; piece < 20; piece++) {
			read_in_pieces(&samples[i], 0, piece, SIZE_MAX);
			read_in_pieces(&samples[i], 0, piece, 0);
			read_in_pieces(&samples[i], 0, piece, 1);
		}
}

/* All samples that end with a line feed, in one stream, in random pieces. */
static void random_reads_lose_no_line(void **state)
{
	struct rng rng = {5};

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct buf in = BUF_INIT(10000);
		struct line_reader reader;
		size_t at = 0, n_lines = 0, n_long = 0;
		uint64_t n_lf = 0;

		line_init(&reader, MAX_LINE);
		for (int k = 0; k < 20; k++) {
			struct slice s = samples[rng_below(&rng, ARRAY_SIZE(samples))].in;

			if (s.len && s.ptr[s.len - 1] == '\n')
				buf_append_slice(&in, s);
		}
		for (size_t i = 0; i < buf_len(&in); i++)
			n_lf += in.data[i] == '\n';
		while (at < buf_len(&in)) {
			size_t n = 1 + rng_below(&rng, 40), budget = rng_below(&rng, 5);
			struct slice line;
			int r;

			n = n < buf_len(&in) - at ? n : buf_len(&in) - at;
			line_feed(&reader, (struct slice){in.data + at, n});
			at += n;
			if (at == buf_len(&in))
				budget = SIZE_MAX;
			while (budget-- > 0 && (r = line_next(&reader, &line)) != LINE_NONE) {
				n_lines += r == LINE_READY;
				n_long += r == LINE_TOO_LONG;
				assert_true(r == LINE_TOO_LONG || line.len < MAX_LINE);
			}
			assert_int_equal(line_keep(&reader), 0);
		}
		assert_true(n_lines + n_long <= n_lf);
		assert_int_equal(reader.number, n_lf);
		assert_int_equal(line_pending(&reader), 0);
		assert_false(line_has_rest(&reader));
		line_done(&reader);
		buf_done(&in);
	}
}

static void a_line_that_came_whole_is_not_copied(void **state)
{
	static const char text[] = "first\nsecond\n";
	struct line_reader reader;
	struct slice line;

	(void)state;
	line_init(&reader, MAX_LINE);
	line_feed(&reader, (struct slice){text, strlen(text)});
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_ptr_equal(line.ptr, text);
	assert_int_equal(line_pending(&reader), 7);
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_ptr_equal(line.ptr, text + 6);
	assert_int_equal(line_pending(&reader), 0);
	line = SLICE("kept");
	assert_int_equal(line_next(&reader, &line), LINE_NONE);
	assert_true(slice_is(line, "kept"));
	assert_null(reader.kept.data);
	line_done(&reader);
}

static void a_line_stays_whole_until_the_next_call(void **state)
{
	struct line_reader reader;
	struct slice line;

	(void)state;
	line_init(&reader, MAX_LINE);
	line_feed(&reader, SLICE("ab"));
	assert_int_equal(line_next(&reader, &line), LINE_NONE);
	assert_int_equal(line_keep(&reader), 0);
	line_feed(&reader, SLICE("cd\nef\n"));
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_true(slice_is(line, "abcd"));
	assert_false(line_has_rest(&reader));
	assert_int_equal(line_pending(&reader), 3);
	assert_true(slice_is(line, "abcd"));
	assert_int_equal(line_keep(&reader), 0);
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_true(slice_is(line, "ef"));
	line_done(&reader);
}

/* The rest of a line counts over the seam of kept and lent bytes. */
static void a_rest_is_seen_before_it_is_kept(void **state)
{
	static const struct {
		const char *kept, *lent;
		bool has_rest;
	} table[] = {
		{"", "", false},     {"", "a", true},	  {"", "a\n", false},  {"", "a\nb", true},
		{"a", "", true},     {"a", "b\n", false}, {"a", "\n#", false}, {"#", "a", false},
		{" ", " ", false},   {" ", "#", true},	  {" ", "a", true},    {" ", "a\n ", false},
		{"#", "\na", true},  {"a\n", "", false},  {"a\n", "b", true},  {"a\n#", "b", false},
		{"a\n ", "b", true}, {"a\nb", "", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct line_reader reader;

		line_init(&reader, MAX_LINE);
		line_feed(&reader, slice_of(table[i].kept));
		assert_int_equal(line_keep(&reader), 0);
		line_feed(&reader, slice_of(table[i].lent));
		assert_int_equal(line_has_rest(&reader), table[i].has_rest);
		line_done(&reader);
	}
}

static void a_long_line_is_forgotten_even_when_nobody_asks_for_lines(void **state)
{
	struct line_reader reader;
	struct slice line;

	(void)state;
	line_init(&reader, MAX_LINE);
	for (int i = 0; i < 3; i++) {
		line_feed(&reader, SLICE("1234567890"));
		assert_int_equal(line_keep(&reader), 0);
		assert_int_equal(line_pending(&reader), i ? 0 : 10);
		assert_true(line_has_rest(&reader));
	}
	line_feed(&reader, SLICE("x\n#"));
	assert_false(line_has_rest(&reader));
	assert_int_equal(line_keep(&reader), 0);
	assert_false(line_has_rest(&reader));
	line_feed(&reader, SLICE("\n{}\n"));
	assert_int_equal(line_next(&reader, &line), LINE_TOO_LONG);
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_true(slice_is(line, "{}"));
	assert_int_equal(reader.number, 3);
	line_done(&reader);
}

#define LONG_LINE 2000000

static void a_long_line_takes_no_memory_while_it_is_skipped(void **state)
{
	static char bytes[1000];
	struct line_reader reader;
	struct slice line;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	line_init(&reader, 2048);
	for (size_t n = 0; n < LONG_LINE; n += sizeof(bytes)) {
		line_feed(&reader, (struct slice){bytes, sizeof(bytes)});
		assert_int_equal(line_next(&reader, &line), LINE_NONE);
		assert_int_equal(line_keep(&reader), 0);
		assert_true(reader.kept.cap <= 4096);
		assert_true(line_has_rest(&reader));
	}
	assert_int_equal(line_pending(&reader), 0);
	line_feed(&reader, SLICE("x\n{}\n"));
	assert_int_equal(line_next(&reader, &line), LINE_TOO_LONG);
	assert_int_equal(reader.number, 1);
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_true(slice_is(line, "{}"));
	assert_int_equal(reader.number, 2);
	line_done(&reader);
}

/* Would take minutes if each byte were searched or copied again for each that follows. */
static void a_line_of_single_bytes_costs_no_square(void **state)
{
	struct line_reader reader;
	struct slice line;

	(void)state;
	line_init(&reader, LONG_LINE);
	for (size_t n = 0; n < LONG_LINE - 1; n++) {
		line_feed(&reader, SLICE("x"));
		assert_true(line_next(&reader, &line) == LINE_NONE);
		assert_true(line_keep(&reader) == 0);
	}
	line_feed(&reader, SLICE("\n"));
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_int_equal(line.len, LONG_LINE - 1);
	assert_int_equal(line_next(&reader, &line), LINE_NONE);
	assert_null(reader.kept.data);
	line_done(&reader);
}

static void memory_that_is_missing_is_told(void **state)
{
	struct line_reader reader;
	struct slice line;

	(void)state;
	line_init(&reader, MAX_LINE);
	line_feed(&reader, SLICE("whole\nhalf"));
	mem_fail_after(0);
	assert_int_equal(line_next(&reader, &line), LINE_READY);
	assert_int_equal(line_next(&reader, &line), -ENOMEM);
	assert_int_equal(line_keep(&reader), -ENOMEM);
	mem_fail_after(-1);
	line_done(&reader);
	line_init(&reader, MAX_LINE);
	line_feed(&reader, SLICE("half"));
	mem_fail_after(0);
	assert_int_equal(line_keep(&reader), -ENOMEM);
	mem_fail_after(-1);
	line_done(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_gives_its_lines_in_one_read),
		cmocka_unit_test(each_text_gives_the_same_split_anywhere),
		cmocka_unit_test(each_text_gives_the_same_in_small_pieces),
		cmocka_unit_test(random_reads_lose_no_line),
		cmocka_unit_test(a_line_that_came_whole_is_not_copied),
		cmocka_unit_test(a_line_stays_whole_until_the_next_call),
		cmocka_unit_test(a_rest_is_seen_before_it_is_kept),
		cmocka_unit_test(a_long_line_is_forgotten_even_when_nobody_asks_for_lines),
		cmocka_unit_test(a_long_line_takes_no_memory_while_it_is_skipped),
		cmocka_unit_test(a_line_of_single_bytes_costs_no_square),
		cmocka_unit_test(memory_that_is_missing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
