/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * wampctl: rows of the daemon as a table for people, and which columns each
 * kind of list has
 */

#include "cli/cli.h"

struct table_column {
	const char *title;
	const char *key;
	bool to_the_right; /* numbers */
};

/* At most ten columns. */
struct table {
	const char *what; /* of list (protocol §14) */
	const struct table_column *columns;
	size_t n_columns;
	void (*note)(const struct cli_line *row); /* lines behind a row, or NULL */
};

/* What a member says, in b or static; "-" when there is nothing. Cannot steer a terminal. */
const char *table_cell(const struct cli_line *row, const char *key, struct buf *b);

int table_print(const struct scan_value *array, const struct table *t) MUST_CHECK;

/* list.c */

/* NULL for a kind of which nothing is known here. */
const struct table *list_table(const char *what);

/* Asks the daemon about itself; the answer is in ret. */
int list_ask(struct cli *cli, const char *op, const char *what, struct cli_line *ret) MUST_CHECK;

/* Asks for rows and prints them as that table. */
int list_print(struct cli *cli, const struct table *t) MUST_CHECK;
