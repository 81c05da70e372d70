/* SPDX-License-Identifier: MIT */

/*
 * wampctl status, list
 *
 * For people a table, for programs the daemon's own text. jansson reads only
 * what becomes a table: there no number has to keep its spelling.
 */

#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A daemon that takes longer for its own state is stuck. */
#define STATUS_TIMEOUT_MS 10000

#define STATUS_MAX_COLUMNS 8
#define STATUS_CELL	   256

struct status_column {
	const char *title;
	const char *key;
	bool to_the_right; /* numbers */
};

static int status_ask(struct cli *cli, const char *op, const char *what, struct cli_line *line)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli no_session = *cli;
	int r;

	no_session.session = NULL;
	cli_begin(&b, &no_session, op, what ? "what" : NULL, what);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	if (r == 0)
		r = cli_receive_reply(cli, cli_now_ms() + STATUS_TIMEOUT_MS, line);
	if (r == CLI_EXIT_TIMEOUT)
		cli_tell("the daemon does not answer");
	return r;
}

static json_t *status_load(const struct cli_line *line)
{
	json_t *reply = json_loadb(line->text.ptr, line->text.len, JSON_ALLOW_NUL, NULL);

	if (!reply)
		cli_tell("the daemon's answer cannot be read");
	return reply;
}

/* ---- tables ---- */

static const char *status_cell(json_t *row, const char *key, char cell[STATUS_CELL])
{
	json_t *value = json_object_get(row, key);

	if (json_is_string(value) && json_string_length(value))
		snprintf(cell, STATUS_CELL, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(cell, STATUS_CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		snprintf(cell, STATUS_CELL, "-");
	cli_clean(cell);
	return cell;
}

/* Characters, not bytes. */
static int status_width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void status_measure(json_t *items, const struct status_column *columns, size_t n_columns,
			   int *ret_widths)
{
	const size_t n = json_array_size(items);
	char cell[STATUS_CELL];

	for (size_t i = 0; i < n_columns; i++) {
		ret_widths[i] = status_width(columns[i].title);
		for (size_t k = 0; k < n; k++) {
			int width = status_width(
				status_cell(json_array_get(items, k), columns[i].key, cell));

			if (width > ret_widths[i])
				ret_widths[i] = width;
		}
	}
}

static const char *status_colour(const char *key, const char *text)
{
	const char *no = getenv("NO_COLOR");

	if (strcmp(key, "state") != 0 || !isatty(STDOUT_FILENO) || (no && *no))
		return "";
	return strcmp(text, "joined") == 0 ? "\x1b[32m" : "\x1b[31m";
}

static void status_print_cell(const struct status_column *column, const char *text, int width,
			      bool is_last)
{
	const char *colour = status_colour(column->key, text);
	int space = width - status_width(text);

	if (column->to_the_right)
		printf("%*s", space, "");
	printf("%s%s%s", colour, text, *colour ? "\x1b[0m" : "");
	if (!is_last)
		printf("%*s  ", column->to_the_right ? 0 : space, "");
}

/* What a session that is not joined says, behind its row. */
static void status_print_note(json_t *row)
{
	json_int_t retry = json_integer_value(json_object_get(row, "retry_in_ms"));
	char cell[STATUS_CELL];

	if (json_object_get(row, "message"))
		printf("  %s\n", status_cell(row, "message", cell));
	if (retry)
		printf("  next attempt in %.1f s\n", (double)retry / 1000);
}

static void status_print_table(json_t *items, const struct status_column *columns, size_t n_columns)
{
	const size_t n = json_array_size(items);
	int widths[STATUS_MAX_COLUMNS];
	char cell[STATUS_CELL];

	status_measure(items, columns, n_columns, widths);
	for (size_t i = 0; i < n_columns; i++)
		status_print_cell(&columns[i], columns[i].title, widths[i], i + 1 == n_columns);
	putchar('\n');
	for (size_t k = 0; k < n; k++) {
		json_t *row = json_array_get(items, k);

		for (size_t i = 0; i < n_columns; i++)
			status_print_cell(&columns[i], status_cell(row, columns[i].key, cell),
					  widths[i], i + 1 == n_columns);
		putchar('\n');
		status_print_note(row);
	}
}

static int status_print_list(struct cli *cli, const char *what, const struct status_column *columns,
			     size_t n_columns)
{
	struct cli_line line;
	int r = status_ask(cli, "list", what, &line);
	json_t *reply = r ? NULL : status_load(&line);

	if (r)
		return r;
	if (!reply)
		return EX_PROTOCOL;
	status_print_table(json_object_get(reply, "items"), columns, n_columns);
	json_decref(reply);
	return 0;
}

/* ---- status ---- */

static int status_print_daemon(const struct cli_line *line)
{
	json_t *status = status_load(line);
	json_int_t seconds = json_integer_value(json_object_get(status, "uptime_ms")) / 1000;
	char cell[STATUS_CELL];

	if (!status)
		return EX_PROTOCOL;
	printf("%s, up %lld:%02lld:%02lld, %lld clients\n\n", status_cell(status, "server", cell),
	       seconds / 3600, seconds / 60 % 60, seconds % 60,
	       json_integer_value(json_object_get(status, "clients")));
	json_decref(status);
	return 0;
}

static int status_print(struct cli *cli, const struct cli_line *line)
{
	static const struct status_column sessions[] = {
		{"SESSION", "session", false}, {"STATE", "state", false},
		{"REALM", "realm", false},     {"ID", "session_id", true},
		{"SINCE", "since", false},     {"ROUTER", "router", false},
	};
	static const struct status_column clients[] = {
		{"CONN", "conn", true},
		{"UID", "uid", true},
		{"PID", "pid", true},
		{"CALLS", "inflight", true},
		{"REG", "registrations", true},
		{"SUB", "subscriptions", true},
		{"QUEUED", "queued_bytes", true},
		{"NAME", "name", false},
	};
	int r = status_print_daemon(line);

	if (r == 0)
		r = status_print_list(cli, "sessions", sessions, ARRAY_SIZE(sessions));
	putchar('\n');
	if (r == 0)
		r = status_print_list(cli, "clients", clients, ARRAY_SIZE(clients));
	return r;
}

/* The reply without what belongs to the conversation. */
static void status_print_json(const struct cli_line *line)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	const char *before = "{";

	for (size_t i = 0; i < line->n; i++) {
		const struct scan_member *m = &line->members[i];

		if (slice_is(m->name, "op") || slice_is(m->name, "id"))
			continue;
		buf_append_slice(&b, slice_of(before));
		emit_text(&b, m->name);
		buf_append_char(&b, ':');
		emit_value(&b, &m->value);
		before = ",";
	}
	printf("%s%.*s}\n", *before == '{' ? before : "", SLICE_ARG(buf_bytes(&b)));
	buf_done(&b);
}

int cli_status(struct cli *cli, const struct cli_options *o)
{
	struct cli_line line;
	int r = status_ask(cli, "status", NULL, &line);

	if (r)
		return r;
	if (!o->json)
		return status_print(cli, &line);
	status_print_json(&line);
	return 0;
}

/* ---- list ---- */

int cli_list(struct cli *cli, const struct cli_options *o)
{
	const struct scan_value *items;
	struct cli_line line;
	int r = status_ask(cli, "list", o->word, &line);

	if (r)
		return r;
	items = cli_line_find(&line, "items");
	return items ? cli_print_elements(items) : EX_PROTOCOL;
}
