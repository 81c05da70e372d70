/* SPDX-License-Identifier: MIT */

/*
 * wampctl: rows of the daemon as a table for people
 *
 * Cells are as wide as their text, however long: a URI that is cut is no use.
 * A row is a JSON object; what a column names and a row lacks is a dash.
 */

#include "cli/table.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TABLE_MAX_COLUMNS 10

/* Characters, not bytes. */
static int table_width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* A token as text that can be printed; to has room for it and a NUL. */
static void table_decode(const struct scan_value *v, char *to)
{
	size_t n = v->len;

	if (v->type == SCAN_STRING)
		n = scan_decode(v, to);
	else
		memcpy(to, v->text, n);
	for (size_t i = 0; i < n; i++)
		if (!to[i]) /* would hide what stands behind it */
			to[i] = '?';
	to[n] = '\0';
	cli_clean(to);
}

const char *table_cell(const struct cli_line *row, const char *key, struct buf *b)
{
	const struct scan_value *v = cli_line_find(row, key);
	char *to;

	if (!v || v->type == SCAN_NULL || (v->type == SCAN_STRING && v->flags & SCAN_EMPTY))
		return "-";
	if (v->type == SCAN_TRUE || v->type == SCAN_FALSE)
		return v->type == SCAN_TRUE ? "yes" : "no";
	buf_clear(b);
	to = buf_reserve(b, v->len + 1);
	if (!to)
		return "-";
	table_decode(v, to);
	return to;
}

static const char *table_colour(const char *key, const char *text)
{
	const char *no = getenv("NO_COLOR");

	if (strcmp(key, "state") != 0 || !isatty(STDOUT_FILENO) || (no && *no))
		return "";
	return strcmp(text, "joined") == 0 || strcmp(text, "active") == 0 ? "\x1b[32m" : "\x1b[31m";
}

static void table_print_cell(const struct table_column *column, const char *text, int width,
			     bool is_last)
{
	const char *colour = table_colour(column->key, text);
	int space = width - table_width(text);

	if (column->to_the_right)
		printf("%*s", space, "");
	printf("%s%s%s", colour, text, *colour ? "\x1b[0m" : "");
	if (!is_last)
		printf("%*s  ", column->to_the_right ? 0 : space, "");
}

/* What is no object is a row of dashes. */
static void table_row(const struct scan_value *item, struct cli_line *ret)
{
	ret->text = scan_token(item);
	if (cli_line_parse(ret) != 0)
		ret->n = 0;
}

static void table_measure(const struct scan_value *items, size_t n, const struct table *t,
			  int *ret_widths)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli_line row;

	for (size_t i = 0; i < t->n_columns; i++)
		ret_widths[i] = table_width(t->columns[i].title);
	for (size_t k = 0; k < n; k++) {
		table_row(&items[k], &row);
		for (size_t i = 0; i < t->n_columns; i++) {
			int width = table_width(table_cell(&row, t->columns[i].key, &b));

			if (width > ret_widths[i])
				ret_widths[i] = width;
		}
	}
}

static void table_print_rows(const struct scan_value *items, size_t n, const struct table *t,
			     const int *widths)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli_line row;

	for (size_t k = 0; k < n; k++) {
		table_row(&items[k], &row);
		for (size_t i = 0; i < t->n_columns; i++)
			table_print_cell(&t->columns[i], table_cell(&row, t->columns[i].key, &b),
					 widths[i], i + 1 == t->n_columns);
		putchar('\n');
		if (t->note)
			t->note(&row);
	}
}

int table_print(const struct scan_value *array, const struct table *t)
{
	CLEANUP(mem_freep) struct scan_value *items = NULL;
	int widths[TABLE_MAX_COLUMNS];
	size_t n = 0;
	int r = cli_elements(array, &items, &n);

	if (r)
		return r;
	table_measure(items, n, t, widths);
	for (size_t i = 0; i < t->n_columns; i++)
		table_print_cell(&t->columns[i], t->columns[i].title, widths[i],
				 i + 1 == t->n_columns);
	putchar('\n');
	table_print_rows(items, n, t, widths);
	return 0;
}
