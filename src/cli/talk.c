/* SPDX-License-Identifier: MIT */

/*
 * wampctl: the connection, and lines as they come
 */

#include "cli/cli.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int talk_fail(const struct cli *cli, int error)
{
	const char *path = cli->client ? wampbridge_path(cli->client) : cli->socket;

	if (!path)
		path = getenv("WAMPBRIDGE_SOCKET");
	fprintf(stderr, "wampctl: %s: %s%s\n", path ? path : "wampbridged",
		error == -EPIPE ? "the daemon closed the connection" : strerror(-error),
		error == -ENOENT || error == -ECONNREFUSED ? " (is wampbridged running?)" : "");
	return EX_UNAVAILABLE;
}

int cli_connect(struct cli *cli)
{
	static const char hello[] = "{\"op\":\"hello\",\"name\":\"wampctl\"}";
	int r = wampbridge_connect(&cli->client, cli->socket);

	if (r == 0)
		r = wampbridge_send(cli->client, hello, sizeof(hello) - 1);
	return r < 0 ? talk_fail(cli, r) : 0;
}

int cli_send(struct cli *cli, struct buf *line)
{
	int r = line->error;

	if (r == 0)
		r = wampbridge_send(cli->client, line->data, buf_len(line));
	buf_done(line);
	return r < 0 ? talk_fail(cli, r) : 0;
}

static int talk_parse(struct cli_line *ret, const char *text, size_t len)
{
	struct scan_error error;

	ret->text = (struct slice){text, len};
	if (scan_object(ret->text, SCAN_LENIENT, &ret->names, ret->members,
			ARRAY_SIZE(ret->members), &ret->n, &error) == 0)
		return 0;
	fprintf(stderr, "wampctl: the daemon sent a line that is no JSON object\n");
	return EX_PROTOCOL;
}

int cli_receive(struct cli *cli, int timeout_ms, struct cli_line *ret)
{
	const char *text;
	char message[512];
	size_t len;
	int r;

	r = wampbridge_next_line(cli->client, timeout_ms, &text, &len);
	if (r == 0)
		return CLI_EXIT_TIMEOUT;
	if (r < 0)
		return talk_fail(cli, r);
	r = talk_parse(ret, text, len);
	if (r || !cli_is(ret, "op", "bye"))
		return r;
	fprintf(stderr, "wampctl: the daemon says bye: %s\n",
		cli_text(ret, "message", message, sizeof(message)));
	return cli_member(ret, "retry") ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

const struct scan_value *cli_member(const struct cli_line *line, const char *name)
{
	for (size_t i = 0; i < line->n; i++)
		if (slice_is(line->members[i].name, name))
			return &line->members[i].value;
	return NULL;
}

bool cli_is(const struct cli_line *line, const char *member, const char *text)
{
	const struct scan_value *v = cli_member(line, member);

	return v && v->type == SCAN_STRING && slice_is(scan_raw(v), text);
}

const char *cli_text(const struct cli_line *line, const char *member, char *buf, size_t size)
{
	const struct scan_value *v = cli_member(line, member);
	size_t n = 0;

	if (v && v->type == SCAN_STRING && scan_raw(v).len < size)
		n = scan_decode(v, buf);
	else if (v && v->type != SCAN_STRING)
		n = (size_t)snprintf(buf, size, "%.*s", SLICE_ARG(scan_token(v)));
	buf[n < size ? n : size - 1] = '\0';
	return buf;
}

static bool talk_may_retry(const struct cli_line *line)
{
	const struct scan_value *v = cli_member(line, "retry");

	return v && v->type == SCAN_TRUE;
}

int cli_print_error(const struct cli_line *line)
{
	static const struct {
		const char *code;
		int exit;
	} exits[] = {
		{"timeout", CLI_EXIT_TIMEOUT},	{"denied", EX_NOPERM},
		{"not_authorized", EX_NOPERM},	{"bad_json", EX_PROTOCOL},
		{"bad_utf8", EX_DATAERR},	{"bad_message", EX_PROTOCOL},
		{"unknown_op", EX_PROTOCOL},	{"unknown_member", EX_PROTOCOL},
		{"proto_version", EX_PROTOCOL}, {"invalid_uri", EX_DATAERR},
	};

	fprintf(stderr, "%.*s\n", SLICE_ARG(line->text));
	for (size_t i = 0; i < ARRAY_SIZE(exits); i++)
		if (cli_is(line, "code", exits[i].code))
			return exits[i].exit;
	return talk_may_retry(line) ? EX_TEMPFAIL : CLI_EXIT_ERROR;
}

void cli_print_value(const struct scan_value *v)
{
	fwrite(v->text, 1, v->len, stdout);
	putchar('\n');
}

static void talk_print_args(const struct scan_value *args)
{
	struct scan_value *items = NULL, *more;
	struct scan_error error;
	size_t n = 0, max = 16;
	int r;

	do {
		max *= 4;
		more = mem_realloc(items, max * sizeof(*items));
		if (!more)
			break;
		items = more;
		r = scan_array(scan_token(args), SCAN_LENIENT, items, max, &n, &error);
	} while (r == SCAN_TOO_MANY);
	for (size_t i = 0; i < n; i++)
		cli_print_value(&items[i]);
	mem_free(items);
}

void cli_print_payload(const struct cli_line *line, bool full)
{
	const struct scan_value *args = cli_member(line, "args");
	const struct scan_value *kwargs = cli_member(line, "kwargs");

	if (!args || !kwargs)
		return;
	if (full || !(kwargs->flags & SCAN_EMPTY))
		printf("{\"args\":%.*s,\"kwargs\":%.*s}\n", SLICE_ARG(scan_token(args)),
		       SLICE_ARG(scan_token(kwargs)));
	else
		talk_print_args(args);
	fflush(stdout);
}
