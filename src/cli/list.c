/* SPDX-License-Identifier: MIT */

/*
 * wampctl list: rows of one kind
 *
 * For people a table, for programs the daemon's own text, one row a line. A
 * kind that is not known here is left to the daemon to know or to refuse.
 */

#include "cli/table.h"

#include <stdio.h>

/* A daemon that takes longer for its own state is stuck. */
#define LIST_TIMEOUT_MS 10000

static const struct table_column list_sessions[] = {
	{"SESSION", "session", false}, {"STATE", "state", false},   {"REALM", "realm", false},
	{"ID", "session_id", true},    {"AUTHID", "authid", false}, {"ROLE", "authrole", false},
	{"SINCE", "since", false},     {"ROUTER", "router", false},
};

static const struct table_column list_clients[] = {
	{"CONN", "conn", true},
	{"UID", "uid", true},
	{"PID", "pid", true},
	{"CALLS", "inflight", true},
	{"REG", "registrations", true},
	{"SUB", "subscriptions", true},
	{"QUEUED", "queued_bytes", true},
	{"GAPS", "gaps", true},
	{"PAUSED", "paused", false},
	{"NAME", "name", false},
};

static const struct table_column list_registrations[] = {
	{"PROCEDURE", "uri", false},	 {"STATE", "state", false},
	{"SESSION", "session", false},	 {"CONN", "conn", true},
	{"ID", "registration_id", true}, {"INVOCATIONS", "invocations", true},
};

static const struct table_column list_subscriptions[] = {
	{"TOPIC", "uri", false},	  {"STATE", "state", false},
	{"SESSION", "session", false},	  {"CONN", "conn", true},
	{"ID", "subscription_id", true},  {"QUEUED", "queued", true},
	{"DELIVERED", "delivered", true}, {"DROPPED", "dropped", true},
};

static const struct table_column list_calls[] = {
	{"CONN", "conn", true},
	{"ID", "id", true},
	{"SINCE", "since", false},
	{"SESSION", "session", false},
	{"PROCEDURE", "procedure", false},
};

static const struct table_column list_limits[] = {
	{"LIMIT", "name", false},
	{"VALUE", "value", true},
	{"USED", "used", true},
};

static const struct table_column list_config[] = {
	{"SECTION", "section", false}, {"KEY", "key", false},		{"VALUE", "value", false},
	{"DEFAULT", "default", false}, {"RELOAD", "reloadable", false}, {"SOURCE", "source", false},
};

static const struct table_column list_errors[] = {
	{"CODE", "code", false},
	{"URI", "uri", false},
	{"MEANING", "meaning", false},
};

/* Why a session is not joined, and what is done about it, below its row. */
static void list_note_session(const struct cli_line *row)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);
	const struct scan_value *retry = cli_line_find(row, "retry_in_ms");
	uint64_t ms = 0;

	if (cli_line_is(row, "state", "joined"))
		return;
	if (cli_line_find(row, "reason"))
		printf("  reason:  %s\n", table_cell(row, "reason", &b));
	if (cli_line_find(row, "message"))
		printf("  message: %s\n", table_cell(row, "message", &b));
	if (cli_line_find(row, "attempt"))
		printf("  attempt: %s\n", table_cell(row, "attempt", &b));
	if (retry && scan_u64(retry, UINT64_MAX, &ms))
		printf("  retry:   in %.1f s\n", (double)ms / 1000);
}

static const struct table list_tables[] = {
	{"sessions", list_sessions, ARRAY_SIZE(list_sessions), list_note_session},
	{"clients", list_clients, ARRAY_SIZE(list_clients), NULL},
	{"registrations", list_registrations, ARRAY_SIZE(list_registrations), NULL},
	{"subscriptions", list_subscriptions, ARRAY_SIZE(list_subscriptions), NULL},
	{"calls", list_calls, ARRAY_SIZE(list_calls), NULL},
	{"limits", list_limits, ARRAY_SIZE(list_limits), NULL},
	{"config", list_config, ARRAY_SIZE(list_config), NULL},
	{"errors", list_errors, ARRAY_SIZE(list_errors), NULL},
};

const struct table *list_table(const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(list_tables); i++)
		if (strcmp(what, list_tables[i].what) == 0)
			return &list_tables[i];
	return NULL;
}

int list_ask(struct cli *cli, const char *op, const char *what, struct cli_line *ret)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli no_session = *cli;
	int r;

	no_session.session = NULL;
	cli_begin(&b, &no_session, op, what ? "what" : NULL, what);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	if (r == 0)
		r = cli_receive_reply(cli, cli_now_ms() + LIST_TIMEOUT_MS, ret);
	if (r == CLI_EXIT_TIMEOUT)
		cli_tell("the daemon does not answer");
	return r;
}

static int list_items(struct cli *cli, const char *what, struct cli_line *line,
		      const struct scan_value **ret)
{
	int r = list_ask(cli, "list", what, line);

	if (r)
		return r;
	*ret = cli_line_find(line, "items");
	if (*ret && (*ret)->type == SCAN_ARRAY)
		return 0;
	cli_tell("the daemon's answer cannot be read");
	return EX_PROTOCOL;
}

int list_print(struct cli *cli, const struct table *t)
{
	const struct scan_value *items = NULL;
	struct cli_line line;
	int r = list_items(cli, t->what, &line, &items);

	return r ? r : table_print(items, t);
}

int cli_list(struct cli *cli, const struct cli_options *o)
{
	const struct table *t = o->json ? NULL : list_table(o->word);
	const struct scan_value *items = NULL;
	struct cli_line line;
	int r;

	if (t)
		return list_print(cli, t);
	r = list_items(cli, o->word, &line, &items);
	return r ? r : cli_print_elements(items);
}
