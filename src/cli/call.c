/* SPDX-License-Identifier: MIT */

/*
 * wampctl call: one call, its results one a line
 */

#include "cli/cli.h"

/* How much later than the daemon's own timer we give up on the daemon itself. */
#define CALL_GRACE_MS 5000

static void call_write(struct buf *b, const struct cli *cli, const struct cli_options *o)
{
	cli_begin(b, cli, "call", "procedure", o->word);
	cli_payload_emit(b, &o->payload.args, &o->payload.kwargs);
	if (o->timeout_ms >= 0) {
		emit_literal(b, ",\"timeout\":");
		emit_u64(b, (uint64_t)o->timeout_ms);
	}
	buf_append_char(b, '}');
}

static int call_print(const struct cli_line *line, bool full)
{
	const struct scan_value *args = cli_line_find(line, "args");
	const struct scan_value *kwargs = cli_line_find(line, "kwargs");

	if (!full && args && (!kwargs || kwargs->flags & SCAN_EMPTY))
		return cli_print_elements(args);
	cli_print_full(line);
	return 0;
}

int cli_call(struct cli *cli, const struct cli_options *o)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli_line line;
	int64_t deadline_ms = CLI_FOREVER;
	int r;

	call_write(&b, cli, o);
	r = cli_send(cli, &b);
	/* A timeout of 0 is none (protocol §6). */
	if (o->timeout_ms > 0)
		deadline_ms = cli_now_ms() + o->timeout_ms + CALL_GRACE_MS;
	if (r == 0)
		r = cli_receive_reply(cli, deadline_ms, &line);
	if (r == 0)
		r = call_print(&line, o->full);
	else if (r == CLI_EXIT_TIMEOUT && cli_now_ms() >= deadline_ms && deadline_ms > 0)
		cli_tell("the daemon does not answer");
	return r;
}
