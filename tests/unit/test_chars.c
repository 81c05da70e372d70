/* SPDX-License-Identifier: MIT */

/*
 * What one character looks like: white space, and what nobody sees
 */

#include "codec/chars.h"

#include "base/cleanup.h"
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_space(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	return chars_is_space(p, p + strlen(text));
}

static void white_space_is_that_of_ascii_and_of_unicode(void **state)
{
	static const char *const spaces[] = {
		" ",
		"\t",
		"\n",
		"\v",
		"\f",
		"\r",
		"\x1c",
		"\x1f",
		"\xc2\x85",
		"\xc2\xa0",
		"\xe1\x9a\x80",
		"\xe2\x80\x80",
		"\xe2\x80\x8a",
		"\xe2\x80\xa8",
		"\xe2\x80\xa9",
		"\xe2\x80\xaf",
		"\xe2\x81\x9f",
		"\xe3\x80\x80",
	};
	static const char *const others[] = {
		"a",
		"#",
		"\x7f",
		"\x1b",
		"\xc2\xad",
		"\xe2\x80\x8b",
		"\xef\xbb\xbf",
		"\xc2",
		"\xe2\x80",
		"\xf0\x9f\x98\x80",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if (!is_space(spaces[i]))
			fail_msg("no space: row %zu", i);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (is_space(others[i]))
			fail_msg("a space: row %zu", i);
}

static void a_blank_end_is_one_that_nobody_sees(void **state)
{
	static const char *const blank[] = {
		" a",
		"a ",
		"a\t",
		" ",
		"\xc2\xa0",
		"a\xc2\xa0",
		"\xc2\xa0\x61",
		"a\xe3\x80\x80",
		"a\xe2\x80\xa8",
		"a\xe2\x80\x8b",
		"\xef\xbb\xbf\x61",
		"a\xef\xbb\xbf",
		"a\xe2\x80\x8e",
	};
	static const char *const plain[] = {
		"", "a", "a b", "a\xc2\xa0\x62", "\xc3\xa9", "a\xf0\x9f\x98\x80", "\xe2\x82\xac",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blank); i++)
		if (!chars_has_blank_end(blank[i], strlen(blank[i])))
			fail_msg("<%s> has none", blank[i]);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (chars_has_blank_end(plain[i], strlen(plain[i])))
			fail_msg("<%s> has one", plain[i]);
	/* Bytes that are no text are looked at within their bounds. */
	assert_false(chars_has_blank_end("\x80\x80", 2));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_space_is_that_of_ascii_and_of_unicode),
		cmocka_unit_test(a_blank_end_is_one_that_nobody_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
