/* SPDX-License-Identifier: MIT */

/*
 * wampctl subscribe: events as they come, until there were enough
 */

#include "cli/cli.h"

static int subscribe_print(const struct cli_line *line, bool full)
{
	const struct scan_value *args = cli_line_find(line, "args");
	const struct scan_value *kwargs = cli_line_find(line, "kwargs");

	if (!full && args && (!kwargs || kwargs->flags & SCAN_EMPTY))
		cli_print_value(args);
	else
		cli_print_full(line);
	return cli_flush();
}

static void subscribe_tell_gap(const struct cli_line *line)
{
	char dropped[32], reason[128];

	cli_line_text(line, "dropped", dropped, sizeof(dropped));
	cli_line_text(line, "reason", reason, sizeof(reason));
	if (*dropped == '-')
		cli_tell("events may be missing (%s)", reason);
	else
		cli_tell("%s events are missing (%s)", dropped, reason);
}

/* What is no event is for people. An active subscription is nothing to speak of at first. */
static int subscribe_other(const struct cli_line *line, const char *topic)
{
	bool is_reply = cli_line_is(line, "op", "ok");

	if (cli_line_is(line, "op", "error"))
		return cli_print_error(line);
	if (cli_line_is(line, "op", "gap"))
		subscribe_tell_gap(line);
	else if (cli_line_is(line, "op", "state") ||
		 (is_reply && !cli_line_is(line, "state", "active")))
		cli_tell_state(topic, line);
	return 0;
}

static int64_t subscribe_deadline(const struct cli_options *o)
{
	return o->timeout_ms < 0 ? CLI_FOREVER : cli_now_ms() + o->timeout_ms;
}

int cli_subscribe(struct cli *cli, const struct cli_options *o)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	int64_t deadline_ms = subscribe_deadline(o);
	struct cli_line line;
	uint64_t n = 0;
	int r;

	cli_begin(&b, cli, "subscribe", "topic", o->word);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	while (r == 0 && (!o->count || n < o->count)) {
		r = cli_receive(cli, deadline_ms, &line);
		if (r == 0 && cli_line_is(&line, "op", "event")) {
			r = subscribe_print(&line, o->full);
			deadline_ms = subscribe_deadline(o);
			n++;
		} else if (r == 0) {
			r = subscribe_other(&line, o->word);
		}
	}
	return r;
}
