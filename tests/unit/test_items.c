/* SPDX-License-Identifier: MIT */

/*
 * Members and elements one by one: as many as there are, and nothing of what is no JSON
 */

#include "codec/items.h"

#include "base/mem.h"
#include "codec/dict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static struct scan_value value(struct slice text)
{
	struct scan_error error;
	struct scan_value v;

	assert_int_equal(scan_one(text, SCAN_LENIENT, &v, &error), 0);
	return v;
}

static void each_member_and_element_comes_in_order(void **state)
{
	char text[4000];
	struct scan_value v, name, item;
	struct items items;
	size_t n, count;
	uint64_t number;

	(void)state;
	for (int is_object = 0; is_object < 2; is_object++) {
		n = (size_t)snprintf(text, sizeof(text), is_object ? " { " : " [ ");
		for (int i = 0; i < 300; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      is_object ? "%s\"k\" : %d" : "%s %d", i ? " ," : "",
					      i);
		n += (size_t)snprintf(text + n, sizeof(text) - n, is_object ? " } " : " ] ");
		v = value((struct slice){text, n});
		items = items_of(&v);
		for (count = 0; items_next(&items, &name, &item); count++) {
			assert_int_equal(scan_is(&name, "k"), is_object);
			assert_true(scan_u64(&item, 300, &number) && number == count);
		}
		assert_int_equal(count, 300);
		assert_false(items_next(&items, &name, &item));
	}
}

static void values_are_whole_with_their_types_and_flags(void **state)
{
	static const char text[] =
		"{\"a,\\\"}:\":[1,{\"b\":[\"]\",\",\"]}],\"\\u0062\" : {\"x\":{}, \"y\":[]} ,"
		"\"c\":\"\\\\\",\"d\":null,\"\":\"\",\"e\":[ ]}";
	static const struct {
		const char *token;
		enum scan_type type;
		unsigned flags;
	} table[] = {
		{"[1,{\"b\":[\"]\",\",\"]}]", SCAN_ARRAY, 0},
		{"{\"x\":{}, \"y\":[]}", SCAN_OBJECT, SCAN_SPACED},
		{"\"\\\\\"", SCAN_STRING, SCAN_ESCAPED},
		{"null", SCAN_NULL, 0},
		{"\"\"", SCAN_STRING, SCAN_EMPTY},
		{"[ ]", SCAN_ARRAY, SCAN_SPACED | SCAN_EMPTY},
	};
	struct scan_value v = value(slice_of(text)), name, item;
	struct items items = items_of(&v);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_true(items_next(&items, &name, &item));
		assert_int_equal(name.type, SCAN_STRING);
		assert_int_equal(scan_is(&name, "b"), i == 1);
		assert_true(slice_is(scan_token(&item), table[i].token));
		assert_int_equal(item.type, table[i].type);
		assert_int_equal(item.flags, table[i].flags);
	}
	assert_false(items_next(&items, &name, &item));
}

static void what_is_no_container_has_none(void **state)
{
	static const struct slice texts[] = {SLICE("{}"),   SLICE("[]"), SLICE("[ ]"),
					     SLICE("null"), SLICE("7"),	 SLICE("\"[1]\"")};
	static const struct scan_value empty = {"", 0, SCAN_OBJECT, 0};
	struct scan_value v, name, item;
	struct items items;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		v = value(texts[i]);
		items = items_of(&v);
		assert_false(items_next(&items, &name, &item));
	}
	items = items_of(&empty);
	assert_false(items_next(&items, &name, &item));
	items = items_of(&SCAN_VALUE_NONE);
	assert_false(items_next(&items, &name, &item));
}

/* Only what was validated should come here; anything else must do no harm. */
static void any_bytes_do_no_harm(void **state)
{
	static const char *const texts[] = {"{\"a\":}", "{\"a\"}", "{:1}", "[1,,2]", "[\"]",
					    "[\"\\]",	"{1:2}",   "[}{]", "[NaN]",  "{\"a\":1,}"};
	struct scan_value name, item;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			char *copy = mem_realloc(NULL, n + 1);
			struct scan_value v = {memcpy(copy, texts[i], n), (uint32_t)n,
					       texts[i][0] == '{' ? SCAN_OBJECT : SCAN_ARRAY, 0};
			struct items items = items_of(&v);

			for (int k = 0; k < 8 && items_next(&items, &name, &item); k++)
				;
			mem_free(copy);
		}
}

static void the_last_member_of_a_name_counts(void **state)
{
	struct scan_value v = value(SLICE("{\"x\":1,\"\\u0078\":2,\"y\":3}")),
			  list = value(SLICE("[]"));
	uint64_t n;
	struct scan_value x = dict_find(&v, "x"), none = dict_find(&v, "z"),
			  of_list = dict_find(&list, "x");
	char *text = dict_text(&v, "x");

	(void)state;
	assert_true(scan_u64(&x, 9, &n) && n == 2);
	assert_int_equal(none.type, SCAN_ABSENT);
	assert_int_equal(of_list.type, SCAN_ABSENT);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_member_and_element_comes_in_order),
		cmocka_unit_test(values_are_whole_with_their_types_and_flags),
		cmocka_unit_test(what_is_no_container_has_none),
		cmocka_unit_test(any_bytes_do_no_harm),
		cmocka_unit_test(the_last_member_of_a_name_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
