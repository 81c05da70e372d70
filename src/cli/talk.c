/* SPDX-License-Identifier: MIT */

/*
 * wampctl: the connection, and lines as they come
 */

#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int64_t cli_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int talk_fail(const struct cli *cli, int error)
{
	const char *path = cli->client ? wampbridge_path(cli->client) : cli->socket;

	if (!path)
		path = getenv("WAMPBRIDGE_SOCKET");
	cli_tell("%s: %s", path && *path ? path : "wampbridged", wampbridge_strerror(error));
	return error == -EMSGSIZE ? EX_PROTOCOL : EX_UNAVAILABLE;
}

int cli_connect(struct cli *cli)
{
	int r = wampbridge_connect(&cli->client, cli->socket);

	return r < 0 ? talk_fail(cli, r) : 0;
}

int cli_hello(struct cli *cli)
{
	static const char hello[] = "{\"op\":\"hello\",\"proto\":[1,0],\"name\":\"wampctl\"}";
	int r = wampbridge_send(cli->client, hello, sizeof(hello) - 1);

	return r < 0 ? talk_fail(cli, r) : 0;
}

void cli_begin(struct buf *b, const struct cli *cli, const char *op, const char *member,
	       const char *text)
{
	emit_literal(b, "{\"op\":");
	emit_text(b, slice_of(op));
	emit_literal(b, ",\"id\":1");
	if (member)
		emit_member_text(b, member, text);
	emit_member_text(b, "session", cli->session);
}

int cli_send(struct cli *cli, struct buf *line)
{
	struct slice text = buf_bytes(line);
	int r = line->error;

	if (r < 0) {
		cli_tell("%s", r == -ENOBUFS ? "the arguments are too long" : strerror(-r));
		r = r == -ENOBUFS ? EX_DATAERR : EX_OSERR;
	} else {
		r = wampbridge_send(cli->client, text.ptr, text.len);
		r = r < 0 ? talk_fail(cli, r) : 0;
	}
	buf_done(line);
	return r;
}

static int talk_bye(const struct cli_line *line)
{
	char message[512];

	cli_tell("the daemon says goodbye: %s",
		 cli_line_text(line, "message", message, sizeof(message)));
	if (cli_line_is_true(line, "retry"))
		return EX_TEMPFAIL;
	return cli_line_is(line, "code", "protocol_error") ? EX_PROTOCOL : EX_UNAVAILABLE;
}

static int talk_wait_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms < 0 ? -1 : deadline_ms - cli_now_ms();

	return deadline_ms < 0 ? -1 : left > 0 ? (int)left : 0;
}

int cli_receive(struct cli *cli, int64_t deadline_ms, struct cli_line *ret)
{
	int r = wampbridge_next_line(cli->client, talk_wait_ms(deadline_ms), &ret->text.ptr,
				     &ret->text.len);

	if (r == 0)
		return CLI_EXIT_TIMEOUT;
	if (r < 0)
		return talk_fail(cli, r);
	if (cli_line_parse(ret) != 0) {
		cli_tell("the daemon sent a line that is no JSON object");
		return EX_PROTOCOL;
	}
	return cli_line_is(ret, "op", "bye") ? talk_bye(ret) : 0;
}

int cli_receive_reply(struct cli *cli, int64_t deadline_ms, struct cli_line *ret)
{
	int r;

	do {
		r = cli_receive(cli, deadline_ms, ret);
		/* An error without id is about a line that could not be read: ours. */
		if (r == 0 && cli_line_is(ret, "op", "error"))
			return cli_print_error(ret);
	} while (r == 0 && !cli_line_find(ret, "id"));
	return r;
}

/* ---- a line's members ---- */

int cli_line_parse(struct cli_line *line)
{
	struct scan_error error;

	line->n = 0;
	return scan_object(line->text, SCAN_LENIENT, &line->names, line->members,
			   ARRAY_SIZE(line->members), &line->n, &error);
}

const struct scan_value *cli_line_find(const struct cli_line *line, const char *name)
{
	for (size_t i = 0; i < line->n; i++)
		if (slice_is(line->members[i].name, name))
			return &line->members[i].value;
	return NULL;
}

bool cli_line_is(const struct cli_line *line, const char *name, const char *text)
{
	const struct scan_value *v = cli_line_find(line, name);

	return v && v->type == SCAN_STRING && slice_is(scan_raw(v), text);
}

bool cli_line_is_true(const struct cli_line *line, const char *name)
{
	const struct scan_value *v = cli_line_find(line, name);

	return v && v->type == SCAN_TRUE;
}

const char *cli_line_text(const struct cli_line *line, const char *name, char *buf, size_t size)
{
	const struct scan_value *v = cli_line_find(line, name);
	size_t n = 0;

	if (v && v->len < size) {
		if (v->type == SCAN_STRING)
			n = scan_decode(v, buf);
		else
			memcpy(buf, v->text, n = v->len);
	}
	buf[n] = '\0';
	return buf;
}

bool cli_line_inner(const struct cli_line *line, const char *name, struct cli_line *ret)
{
	const struct scan_value *v = cli_line_find(line, name);

	if (!v || v->type != SCAN_OBJECT)
		return false;
	ret->text = scan_token(v);
	return cli_line_parse(ret) == 0;
}
