/* SPDX-License-Identifier: MIT */

/*
 * wampctl publish: one event, or one for each line of standard input
 */

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>

static int publish_one(struct cli *cli, const struct cli_options *o, const struct buf *args)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	struct cli_line line;
	char publication[32];
	int r;

	cli_begin(&b, cli, "publish", "topic", o->word);
	cli_payload_emit(&b, args, &o->payload.kwargs);
	if (o->ack)
		emit_literal(&b, ",\"ack\":true");
	if (o->to_self)
		emit_literal(&b, ",\"exclude_me\":false");
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	if (r == 0)
		r = cli_receive_reply(cli, CLI_FOREVER, &line);
	if (r || !o->ack)
		return r;
	puts(cli_line_text(&line, "publication", publication, sizeof(publication)));
	return cli_flush();
}

/* A line without its line feed. 1 with one, 0 at the end, or an exit code. */
static int publish_read_line(struct buf *line)
{
	int c;

	buf_clear(line);
	while ((c = getc_unlocked(stdin)) != EOF && c != '\n')
		buf_append_char(line, (char)c);
	if (line->error) {
		cli_tell("a line of standard input is over 16 MiB");
		return EX_DATAERR;
	}
	/* The end that a fault makes is not that of the input. */
	if (ferror(stdin)) {
		cli_tell("standard input: %s", strerror(errno));
		return EX_NOINPUT;
	}
	return c == EOF && !buf_len(line) ? 0 : 1;
}

static int publish_stdin(struct cli *cli, const struct cli_options *o)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(CLI_MAX_LINE);
	CLEANUP(buf_done) struct buf args = BUF_INIT(CLI_MAX_LINE);
	int r;

	while ((r = publish_read_line(&text)) == 1) {
		buf_clear(&args);
		r = cli_payload_emit_word(&args, buf_len(&text) ? buf_bytes(&text) : SLICE(""));
		if (r == 0)
			r = publish_one(cli, o, &args);
		if (r)
			return r;
	}
	return r;
}

int cli_publish(struct cli *cli, const struct cli_options *o)
{
	return o->from_stdin ? publish_stdin(cli, o) : publish_one(cli, o, &o->payload.args);
}
