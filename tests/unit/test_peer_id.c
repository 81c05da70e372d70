/* SPDX-License-Identifier: MIT */

/*
 * Open ids of a connection: one string is one id, however it is spelled
 */

#include "local/id.h"

#include "base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct map_secret secret = {5, 6};

static struct scan_value token(const char *text)
{
	struct scan_error error;
	struct scan_value v;

	assert_int_equal(scan_one(slice_of(text), SCAN_STRICT, &v, &error), 0);
	return v;
}

/* protocol §5: two spellings of one string, or of one number, are one id. */
static void an_id_is_open_once_however_it_is_spelled(void **state)
{
	static const char *const same[][2] = {
		{"\"a\"", "\"\\u0061\""},
		{"\"\xc3\xa9\"", "\"\\u00e9\""},
		{"\"/\"", "\"\\/\""},
		{"\"\\\"\"", "\"\\u0022\""},
		{"7", "7"},
		{"7", "7.0"},
		{"0", "-0"},
		{"100", "1.00e+2"},
	};
	struct scan_value first, second;
	struct peer_id a = {0}, b = {0};
	struct map ids;

	(void)state;
	map_init(&ids);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		for (int swap = 0; swap < 2; swap++) {
			first = token(same[i][swap]);
			second = token(same[i][!swap]);
			assert_null(peer_id_find(&ids, &secret, &first));
			assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_CALL, &first), 0);
			assert_true(peer_id_is_open(&a));
			assert_ptr_equal(peer_id_find(&ids, &secret, &second), &a);
			assert_int_equal(peer_id_open(&b, &ids, &secret, PEER_ID_CALL, &second),
					 -EEXIST);
			assert_true(slice_is(peer_id_token(&a), same[i][swap]));
			peer_id_close(&a, &ids);
			peer_id_close(&a, &ids);
			assert_false(peer_id_is_open(&a));
		}
	map_done(&ids);
}

static void a_number_and_a_string_are_two_ids(void **state)
{
	struct scan_value number = token("1"), string = token("\"1\""),
			  other = token("\"1\\u0000\"");
	struct peer_id a = {0}, b = {0}, c = {0};
	struct map ids;

	(void)state;
	map_init(&ids);
	assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_WATCH, &number), 0);
	assert_int_equal(peer_id_open(&b, &ids, &secret, PEER_ID_REQUEST, &string), 0);
	assert_int_equal(peer_id_open(&c, &ids, &secret, PEER_ID_REQUEST, &other), 0);
	assert_ptr_equal(peer_id_find(&ids, &secret, &number), &a);
	assert_ptr_equal(peer_id_find(&ids, &secret, &string), &b);
	assert_ptr_equal(peer_id_find(&ids, &secret, &other), &c);
	assert_int_equal(a.kind, PEER_ID_WATCH);
	peer_id_close(&a, &ids);
	peer_id_close(&b, &ids);
	peer_id_close(&c, &ids);
	map_done(&ids);
}

static void the_longest_id_fits_and_one_without_memory_is_not_opened(void **state)
{
	char text[6 * 64 + 3];
	struct scan_value v;
	struct peer_id a = {0};
	struct map ids;

	(void)state;
	map_init(&ids);
	text[0] = '"';
	for (size_t i = 0; i < 64; i++)
		memcpy(text + 1 + 6 * i, "\\u0041", 6);
	memcpy(text + sizeof(text) - 2, "\"", 2);
	v = token(text);
	mem_fail_after(0);
	assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_CALL, &v), -ENOMEM);
	mem_fail_after(-1);
	assert_false(peer_id_is_open(&a));
	assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_CALL, &v), 0);
	assert_int_equal(a.n_key, 66);
	assert_true(slice_is(peer_id_token(&a), text));
	peer_id_close(&a, &ids);
	map_done(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_open_once_however_it_is_spelled),
		cmocka_unit_test(a_number_and_a_string_are_two_ids),
		cmocka_unit_test(the_longest_id_fits_and_one_without_memory_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
