/* SPDX-License-Identifier: MIT */

/*
 * wampctl wait: until a router session is joined
 */

#include "cli/cli.h"

#include <string.h>

int cli_wait(struct cli *cli, const struct cli_options *o)
{
	int64_t deadline_ms = o->timeout_ms < 0 ? CLI_FOREVER : cli_now_ms() + o->timeout_ms;
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli_line line;
	char state[64] = "unknown", reason[256] = "", message[512] = "";
	int r;

	if (o->session)
		cli->session = o->session;
	cli_begin(&b, cli, "watch", NULL, NULL);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	while (r == 0 && strcmp(state, "joined") != 0) {
		r = cli_receive(cli, deadline_ms, &line);
		if (r == 0 && cli_line_is(&line, "op", "error"))
			r = cli_print_error(&line);
		else if (r == 0 && cli_line_is(&line, "op", "session")) {
			cli_line_text(&line, "state", state, sizeof(state));
			cli_line_text(&line, "reason", reason, sizeof(reason));
			cli_line_text(&line, "message", message, sizeof(message));
		}
	}
	if (r == CLI_EXIT_TIMEOUT)
		cli_tell("the session is %s%s%s%s%s", state, *reason ? ": " : "", reason,
			 *message ? ": " : "", message);
	return r;
}
