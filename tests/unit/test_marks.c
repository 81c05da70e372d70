/* SPDX-License-Identifier: MIT */

/*
 * Marks: a secret is known again in whatever a router says, and nothing else is
 */

#include "auth/marks.h"

#include "base/mem.h"
#include "codec/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECRET "T1cket+Qw/ertz"

struct world {
	struct marks marks;
	struct arena arena;
};

static void start(struct world *w, const char *secret)
{
	*w = (struct world){.arena.wipes = true};
	marks_add(&w->marks, slice_of(secret));
}

static void expect(struct world *w, const char *text, const char *shown)
{
	struct slice got = marks_hide(&w->marks, slice_of(text), 1024, &w->arena);

	if (!shown && !got.ptr)
		return;
	if (!shown || !slice_is(got, shown))
		fail_msg("%s: %.*s", text, SLICE_ARG(got));
}

static void done(struct world *w)
{
	marks_forget(&w->marks);
	arena_done(&w->arena);
}

static void a_secret_is_replaced_wherever_it_stands(void **state)
{
	struct world w;

	(void)state;
	start(&w, SECRET);
	expect(&w, "", "");
	expect(&w, "no secret at all", "no secret at all");
	expect(&w, SECRET, "***");
	expect(&w, "invalid ticket '" SECRET "' for joe", "invalid ticket '***' for joe");
	expect(&w, SECRET SECRET "x" SECRET, "******x***");
	expect(&w, "T1cket+Qw/ert", "T1cket+Qw/ert");
	expect(&w, "T1cket+Qw/T1cket+Qw/ertzz", "T1cket+Qw/***z");
	/* base64 of it, with and without its padding */
	expect(&w, "VDFja2V0K1F3L2VydHo=", "***=");
	expect(&w, "basic VDFja2V0K1F3L2VydHo", "basic ***");
	done(&w);
}

static void a_secret_under_escapes_hides_the_whole_text(void **state)
{
	static const char *const texts[] = {
		"{\"ticket\":\"\\u00541cket+Qw\\/ertz\"}",
		"T1cket\\u002bQw\\u002Fertz",
		"GET /?t=T1cket%2BQw%2fertz",
		"%54%31%63%6b%65%74%2B%51%77%2F%65%72%74%7A",
		"100% of T1cket\\u002BQw/ertz",
	};
	struct world w;

	(void)state;
	start(&w, SECRET);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect(&w, texts[i], NULL);
	expect(&w, "100 % of C:\\t and \\u0041%zz%", "100 % of C:\\t and \\u0041%zz%");
	done(&w);
	start(&w, "a\"b\\c%41d");
	expect(&w, "got a\"b\\c%41d", "got ***");
	expect(&w, "got \"a\\\"b\\\\c%41d\"", NULL);
	done(&w);
}

/* A ticket "a" must not make every "a" unreadable, and must not be told either. */
static void a_short_secret_counts_as_a_word_of_its_own(void **state)
{
	struct world w;

	(void)state;
	start(&w, "a");
	expect(&w, "bank account", "bank account");
	expect(&w, "invalid ticket 'a'", NULL);
	expect(&w, "a", NULL);
	expect(&w, "a\xc3\xa9", "a\xc3\xa9");
	done(&w);
	start(&w, "1234567");
	expect(&w, "pin 12345678", "pin 12345678");
	expect(&w, "pin=1234567;", NULL);
	done(&w);
	start(&w, "12345678");
	expect(&w, "pin 9123456789", "pin 9***9");
	done(&w);
}

/* What is cut away first could leave the half of a secret. */
static void a_text_is_cut_behind_the_last_secret_that_begins_in_it(void **state)
{
	struct world w;
	char text[4000];
	struct slice shown;

	(void)state;
	start(&w, SECRET);
	for (size_t at = 980; at < 1040; at++) {
		memset(text, '.', sizeof(text));
		memcpy(text + at, SECRET, strlen(SECRET));
		shown = marks_hide(&w.marks, (struct slice){text, sizeof(text)}, 1024, &w.arena);
		assert_true(shown.len <= 1024 + 3);
		for (size_t i = 0; i < shown.len; i++)
			assert_true(shown.ptr[i] == '.' || shown.ptr[i] == '*' || at >= 1024);
		if (at >= 1024)
			assert_int_equal(shown.len, 1024);
	}
	done(&w);
}

static void each_string_of_a_value_is_looked_at(void **state)
{
	static const char text[] =
		"[\"x\",{\"T1cket+Qw/ertz\":1,\"k\":\"<\\u00541cket+Qw\\/ertz>\"},"
		"\"\",\"a\\\"\",[7,null]]";
	struct scan_value v = {text, sizeof(text) - 1, SCAN_ARRAY, 0}, shown, again;
	struct scan_error error;
	struct world w;

	(void)state;
	start(&w, SECRET);
	shown = marks_hide_value(&w.marks, &v, &w.arena);
	assert_true(slice_is(scan_token(&shown), "[\"x\",{\"***\":1,\"k\":\"<***>\"},"
						 "\"\",\"a\\\"\",[7,null]]"));
	assert_int_equal(scan_one(scan_token(&shown), SCAN_STRICT, &again, &error), 0);
	again = marks_hide_value(&w.marks, &shown, &w.arena);
	assert_ptr_equal(again.text, shown.text);
	again = marks_hide_value(&w.marks, &SCAN_VALUE_NONE, &w.arena);
	assert_int_equal(again.type, SCAN_ABSENT);
	done(&w);
}

static void without_memory_nothing_is_told(void **state)
{
	static const char text[] = "[\"" SECRET "\"]";
	struct scan_value v = {text, sizeof(text) - 1, SCAN_ARRAY, 0};
	struct world w;

	(void)state;
	start(&w, SECRET);
	mem_fail_after(0);
	expect(&w, "x " SECRET, NULL);
	assert_int_equal(marks_hide_value(&w.marks, &v, &w.arena).type, SCAN_ABSENT);
	mem_fail_after(-1);
	done(&w);
}

static void a_secret_without_memory_for_its_mark_hides_everything(void **state)
{
	struct scan_value v = SCAN_LITERAL("[\"x\"]", SCAN_ARRAY), shown;
	struct world w = {0};

	(void)state;
	mem_fail_after(0);
	marks_add(&w.marks, SLICE(SECRET));
	mem_fail_after(-1);
	expect(&w, "x", NULL);
	shown = marks_hide_value(&w.marks, &v, &w.arena);
	assert_true(slice_is(scan_token(&shown), "[\"***\"]"));
	marks_forget(&w.marks);
	expect(&w, "x", "x");
	done(&w);
}

static void what_is_known_briefly_is_forgotten_and_no_secret_is(void **state)
{
	struct world w;

	(void)state;
	start(&w, SECRET);
	marks_add_brief(&w.marks, SLICE(SECRET));
	marks_add_brief(&w.marks, SLICE("warehouse"));
	marks_add_brief(&w.marks, SLICE("qwertz-secret"));
	marks_add(&w.marks, SLICE("qwertz-secret"));
	expect(&w, "warehouse " SECRET " qwertz-secret", "*** *** ***");
	marks_forget_brief(&w.marks);
	expect(&w, "warehouse " SECRET " qwertz-secret", "warehouse *** ***");
	done(&w);
}

static void every_one_of_many_is_known(void **state)
{
	struct world w = {0};
	char secret[] = "secret-number-00";

	(void)state;
	for (int i = 0; i < 100; i++) {
		secret[14] = (char)('0' + i / 10);
		secret[15] = (char)('0' + i % 10);
		marks_add(&w.marks, slice_of(secret));
		marks_add(&w.marks, slice_of(secret));
	}
	assert_int_equal(w.marks.n, 200);
	expect(&w, "secret-number-07", "***");
	expect(&w, "secret-number-99", "***");
	marks_forget(&w.marks);
	assert_int_equal(w.marks.n, 0);
	expect(&w, "secret-number-07", "secret-number-07");
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_replaced_wherever_it_stands),
		cmocka_unit_test(a_secret_under_escapes_hides_the_whole_text),
		cmocka_unit_test(a_short_secret_counts_as_a_word_of_its_own),
		cmocka_unit_test(a_text_is_cut_behind_the_last_secret_that_begins_in_it),
		cmocka_unit_test(each_string_of_a_value_is_looked_at),
		cmocka_unit_test(without_memory_nothing_is_told),
		cmocka_unit_test(a_secret_without_memory_for_its_mark_hides_everything),
		cmocka_unit_test(what_is_known_briefly_is_forgotten_and_no_secret_is),
		cmocka_unit_test(every_one_of_many_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
