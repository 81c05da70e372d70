/* SPDX-License-Identifier: MIT */

/*
 * wampctl's tables: cells, widths, notes, and rows that are none
 *
 * What is printed goes to a file of the test's own, which is no terminal.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* wampctl is in no archive; the daemon's holds only what is below it. */
#include "cli/list.c"
#include "cli/table.c"
#include "cli/talk.c"
#include "cli/tell.c"
#include "client/client.c"

#include <fcntl.h>

static char printed[8192];

/* Prints items as that table; what came out is in printed[]. */
static int print(const char *items, const struct table *t)
{
	const struct scan_value array = {
		.text = items, .len = (uint32_t)strlen(items), .type = SCAN_ARRAY};
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO), r;
	ssize_t n;

	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	r = table_print(&array, t);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	n = pread(fileno(file), printed, sizeof(printed) - 1, 0);
	printed[n > 0 ? n : 0] = '\0';
	fclose(file);
	return r;
}

static void expect_table(const char *items, const struct table *t, const char *text)
{
	assert_int_equal(print(items, t), 0);
	assert_string_equal(printed, text);
}

static const struct table_column columns[] = {
	{"NAME", "name", false},
	{"N", "n", true},
	{"STATE", "state", false},
};

static const struct table table = {"things", columns, ARRAY_SIZE(columns), NULL};

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	(void)state;
	expect_table("[{\"name\":\"a\",\"n\":1,\"state\":\"joined\"},"
		     "{\"state\":\"failed\",\"n\":12345,\"name\":\"longer\"}]",
		     &table,
		     "NAME        N  STATE\n"
		     "a           1  joined\n"
		     "longer  12345  failed\n");
}

static void without_rows_there_are_the_titles(void **state)
{
	(void)state;
	expect_table("[]", &table, "NAME  N  STATE\n");
}

static void what_is_not_there_is_a_dash(void **state)
{
	(void)state;
	expect_table("[{\"name\":null,\"state\":\"\"},{},17,\"text\"]", &table,
		     "NAME  N  STATE\n"
		     "-     -  -\n"
		     "-     -  -\n"
		     "-     -  -\n"
		     "-     -  -\n");
}

static void characters_are_counted_and_not_bytes(void **state)
{
	(void)state;
	expect_table("[{\"name\":\"K\\u00fcche \\u2192\",\"n\":1,\"state\":\"x\"},"
		     "{\"name\":\"Bad\",\"n\":2,\"state\":\"y\"}]",
		     &table,
		     "NAME     N  STATE\n"
		     "K\xc3\xbc"
		     "che \xe2\x86\x92  1  x\n"
		     "Bad      2  y\n");
}

static void each_type_has_its_spelling(void **state)
{
	(void)state;
	expect_table("[{\"name\":true,\"n\":18446744073709551616,\"state\":[1,{\"a\":0.10}]},"
		     "{\"name\":false,\"n\":1e3,\"state\":{}}]",
		     &table,
		     "NAME                     N  STATE\n"
		     "yes   18446744073709551616  [1,{\"a\":0.10}]\n"
		     "no                     1e3  {}\n");
}

static void nothing_in_a_cell_can_steer_a_terminal(void **state)
{
	(void)state;
	expect_table("[{\"name\":\"a\\u001b[2J\\nb\\u0000c\\u009b\",\"n\":1,\"state\":\"x\"}]",
		     &table,
		     "NAME         N  STATE\n"
		     "a?[2J?b?c??  1  x\n");
}

static void a_long_cell_is_not_cut(void **state)
{
	char items[4096], name[2001];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(items, sizeof(items), "[{\"name\":\"%s\",\"n\":1,\"state\":\"joined\"}]", name);
	assert_int_equal(print(items, &table), 0);
	assert_non_null(strstr(printed, name));
}

static void a_session_that_is_not_joined_says_why(void **state)
{
	const struct table *t = list_table("sessions");

	(void)state;
	assert_int_equal(print("[{\"session\":\"plant\",\"state\":\"failed\",\"attempt\":3,"
			       "\"retry_in_ms\":29940,\"reason\":\"wamp.error.no_such_realm\","
			       "\"message\":\"no realm \\\"x\\\"\"}]",
			       t),
			 0);
	assert_non_null(strstr(printed, "\n"
					"  reason:  wamp.error.no_such_realm\n"
					"  message: no realm \"x\"\n"
					"  attempt: 3\n"
					"  retry:   in 29.9 s\n"));
	assert_int_equal(
		print("[{\"session\":\"plant\",\"state\":\"joined\",\"reason\":\"old\"}]", t), 0);
	assert_null(strstr(printed, "old"));
}

static void each_kind_has_a_table_that_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(list_tables); i++) {
		assert_true(list_tables[i].n_columns <= TABLE_MAX_COLUMNS);
		assert_ptr_equal(list_table(list_tables[i].what), &list_tables[i]);
	}
	assert_null(list_table("features"));
}

static void without_memory_a_table_is_an_error(void **state)
{
	int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO), r;

	(void)state;
	dup2(null, STDERR_FILENO);
	mem_fail_after(0);
	r = print("[{\"name\":\"a\"}]", &table);
	mem_fail_after(-1);
	dup2(saved, STDERR_FILENO);
	close(null);
	close(saved);
	assert_int_equal(r, EX_OSERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(without_rows_there_are_the_titles),
		cmocka_unit_test(what_is_not_there_is_a_dash),
		cmocka_unit_test(characters_are_counted_and_not_bytes),
		cmocka_unit_test(each_type_has_its_spelling),
		cmocka_unit_test(nothing_in_a_cell_can_steer_a_terminal),
		cmocka_unit_test(a_long_cell_is_not_cut),
		cmocka_unit_test(a_session_that_is_not_joined_says_why),
		cmocka_unit_test(each_kind_has_a_table_that_fits),
		cmocka_unit_test(without_memory_a_table_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
