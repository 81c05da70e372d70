/* SPDX-License-Identifier: MIT */

/*
 * wampctl status: the daemon, its router sessions, its clients
 */

#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t status_number(const struct cli_line *line, const char *name)
{
	const struct scan_value *v = cli_line_find(line, name);
	uint64_t n = 0;

	if (v)
		(void)scan_u64(v, UINT64_MAX, &n);
	return n;
}

static void status_print_daemon(const struct cli_line *line)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);
	uint64_t seconds = status_number(line, "uptime_ms") / 1000;
	uint64_t clients = status_number(line, "clients");

	printf("%s, up %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ", %" PRIu64 " client%s\n\n",
	       table_cell(line, "server", &b), seconds / 3600, seconds / 60 % 60, seconds % 60,
	       clients, clients == 1 ? "" : "s");
}

static int status_print(struct cli *cli, const struct cli_line *line)
{
	int r;

	status_print_daemon(line);
	r = list_print(cli, list_table("sessions"));
	if (r)
		return r;
	putchar('\n');
	return list_print(cli, list_table("clients"));
}

int cli_status(struct cli *cli, const struct cli_options *o)
{
	struct cli_line line;
	int r = list_ask(cli, "status", NULL, &line);

	if (r)
		return r;
	if (!o->json)
		return status_print(cli, &line);
	return cli_print_content(&line);
}
