/* SPDX-License-Identifier: MIT */

/*
 * wampctl watch: the states of router sessions, the present one and each change
 */

#include "cli/table.h"

#include <stdio.h>

/* SINCE SESSION STATE, then what belongs to that state. */
static void watch_print(const struct cli_line *line)
{
	static const struct {
		const char *key, *before, *after;
	} parts[] = {
		{"realm", " realm ", ""},     {"session_id", " id ", ""},
		{"authid", " authid ", ""},   {"authrole", " role ", ""},
		{"attempt", " attempt ", ""}, {"retry_in_ms", " retry in ", " ms"},
		{"reason", " (", ")"},	      {"message", ": ", ""},
	};
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);

	printf("%s ", table_cell(line, "since", &b));
	printf("%s ", table_cell(line, "session", &b));
	printf("%s", table_cell(line, "state", &b));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (cli_line_find(line, parts[i].key))
			printf("%s%s%s", parts[i].before, table_cell(line, parts[i].key, &b),
			       parts[i].after);
	putchar('\n');
}

static int watch_line(const struct cli_line *line, bool json)
{
	int r = 0;

	if (json)
		r = cli_print_content(line);
	else
		watch_print(line);
	return r ? r : cli_flush();
}

static int64_t watch_deadline(const struct cli_options *o)
{
	return o->timeout_ms < 0 ? CLI_FOREVER : cli_now_ms() + o->timeout_ms;
}

int cli_watch(struct cli *cli, const struct cli_options *o)
{
	int64_t deadline_ms = watch_deadline(o);
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli_line line;
	uint64_t n = 0;
	int r;

	if (o->session)
		cli->session = o->session;
	if (!cli->session)
		cli->session = "*";
	cli_begin(&b, cli, "watch", NULL, NULL);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	while (r == 0 && (!o->count || n < o->count)) {
		r = cli_receive(cli, deadline_ms, &line);
		if (r == 0 && cli_line_is(&line, "op", "error"))
			return cli_print_error(&line);
		if (r == 0 && cli_line_is(&line, "op", "session")) {
			r = watch_line(&line, o->json);
			deadline_ms = watch_deadline(o);
			n++;
		}
	}
	return r;
}
