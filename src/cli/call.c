/* SPDX-License-Identifier: MIT */

/*
 * wampctl call, publish, subscribe, wait
 */

#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#define CALL_MAX_LINE (16u << 20)

/* Options that call and publish share; what remains is the URI and the arguments. */
struct call_options {
	const char *verb;
	const char *uri;
	struct cli_payload payload;
	long timeout_ms; /* -1: none */
	long count;	 /* 0: no end */
	bool full, ack, from_stdin;
};

enum { OPTION_KWARGS = 256, OPTION_TIMEOUT, OPTION_FULL, OPTION_ACK, OPTION_STDIN, OPTION_COUNT };

static int call_option(struct call_options *o, int c, bool with_arguments)
{
	switch (c) {
	case 1: /* an argument, in its place among the options */
		if (!o->uri)
			o->uri = optarg;
		else if (with_arguments)
			cli_payload_add(&o->payload, optarg);
		else
			return cli_usage(o->verb, "too many arguments: \"%s\"", optarg);
		return 0;
	case 'k':
		return cli_payload_add_key(&o->payload, optarg);
	case 's':
		cli_payload_add_string(&o->payload, optarg);
		return 0;
	case OPTION_KWARGS:
		return cli_payload_add_object(&o->payload, optarg);
	case OPTION_TIMEOUT:
		o->timeout_ms = cli_milliseconds(optarg);
		return o->timeout_ms < 0
			       ? cli_usage(o->verb, "\"%s\" is no number of seconds", optarg)
			       : 0;
	case OPTION_COUNT:
		o->count = cli_count(optarg);
		return o->count < 0 ? cli_usage(o->verb, "\"%s\" is no count", optarg) : 0;
	case OPTION_FULL:
		o->full = true;
		return 0;
	case OPTION_ACK:
		o->ack = true;
		return 0;
	case OPTION_STDIN:
		o->from_stdin = true;
		return 0;
	}
	return cli_usage(o->verb, "wrong option");
}

/* 0, an exit code, or -1 when help was printed. */
static int call_parse(struct call_options *o, int argc, char **argv, const char *verb,
		      const char *letters, const struct option *options, bool with_arguments)
{
	int c, r = 0;

	*o = (struct call_options){.verb = verb, .timeout_ms = -1};
	cli_payload_init(&o->payload);
	while (r == 0 && (c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (c == 'h') {
			cli_help(verb);
			return -1;
		}
		r = call_option(o, c, with_arguments);
	}
	for (int i = optind; r == 0 && i < argc; i++) {
		optarg = argv[i];
		r = call_option(o, 1, with_arguments);
	}
	if (r == 0 && !o->uri)
		r = cli_usage(verb, "the URI is missing");
	return r;
}

static int call_end(struct call_options *o, int r)
{
	cli_payload_done(&o->payload);
	return r < 0 ? EX_OK : r;
}

/* Waits for the one reply to id 1. */
static int call_wait_reply(struct cli *cli, int timeout_ms, struct cli_line *line)
{
	int r;

	do
		r = cli_receive(cli, timeout_ms, line);
	while (r == 0 && !cli_member(line, "id") && !cli_is(line, "op", "error"));
	if (r == 0 && cli_is(line, "op", "error"))
		r = cli_print_error(line);
	return r;
}

/* ---- call ---- */

static int call_run(struct cli *cli, const struct call_options *o)
{
	struct buf b = BUF_INIT(CALL_MAX_LINE);
	struct cli_line line;
	int r = cli_connect(cli);

	if (r)
		return r;
	cli_begin(&b, cli, "call", "procedure", o->uri);
	cli_payload_emit(&b, &o->payload);
	if (o->timeout_ms >= 0) {
		emit_literal(&b, ",\"timeout\":");
		emit_u64(&b, (uint64_t)o->timeout_ms);
	}
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	if (r == 0)
		r = call_wait_reply(cli, -1, &line);
	if (r == 0)
		cli_print_payload(&line, o->full);
	return r;
}

int cli_call(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"kwargs", required_argument, NULL, OPTION_KWARGS},
		{"string", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{"full", no_argument, NULL, OPTION_FULL},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct call_options o;
	int r = call_parse(&o, argc, argv, "call", "-k:s:h", options, true);

	if (r == 0)
		r = call_run(cli, &o);
	return call_end(&o, r);
}

/* ---- publish ---- */

static int publish_one(struct cli *cli, const struct call_options *o,
		       const struct cli_payload *payload)
{
	struct buf b = BUF_INIT(CALL_MAX_LINE);
	struct cli_line line;
	char id[32];
	int r;

	cli_begin(&b, cli, "publish", "topic", o->uri);
	cli_payload_emit(&b, payload);
	if (o->ack)
		emit_literal(&b, ",\"ack\":true");
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	if (r == 0)
		r = call_wait_reply(cli, -1, &line);
	if (r == 0 && o->ack)
		printf("%s\n", cli_text(&line, "publication", id, sizeof(id)));
	return r;
}

static int publish_stdin(struct cli *cli, const struct call_options *o)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = getline(&text, &size, stdin)) > 0) {
		struct cli_payload payload;

		if (text[n - 1] == '\n')
			text[--n] = '\0';
		cli_payload_init(&payload);
		cli_emit_guess(&payload.args, (struct slice){text, (size_t)n});
		r = publish_one(cli, o, &payload);
		cli_payload_done(&payload);
	}
	free(text);
	return r;
}

int cli_publish(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"kwargs", required_argument, NULL, OPTION_KWARGS},
		{"string", required_argument, NULL, 's'},
		{"ack", no_argument, NULL, OPTION_ACK},
		{"stdin", no_argument, NULL, OPTION_STDIN},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct call_options o;
	int r = call_parse(&o, argc, argv, "publish", "-k:s:h", options, true);

	if (r == 0)
		r = cli_connect(cli);
	if (r == 0)
		r = o.from_stdin ? publish_stdin(cli, &o) : publish_one(cli, &o, &o.payload);
	return call_end(&o, r);
}

/* ---- subscribe ---- */

static void subscribe_print(const struct cli_line *line, bool full)
{
	const struct scan_value *args = cli_member(line, "args");
	const struct scan_value *kwargs = cli_member(line, "kwargs");

	if (args && kwargs && !full && kwargs->flags & SCAN_EMPTY) {
		cli_print_value(args);
		fflush(stdout);
	} else {
		cli_print_payload(line, true);
	}
}

/* What is no event is for people. */
static void subscribe_tell(const struct cli_line *line)
{
	char state[64], dropped[32], reason[128];

	if (cli_is(line, "op", "gap"))
		fprintf(stderr, "wampctl: events are missing: %s (%s)\n",
			cli_text(line, "dropped", dropped, sizeof(dropped)),
			cli_text(line, "reason", reason, sizeof(reason)));
	else if (cli_is(line, "op", "state") || !cli_is(line, "state", "active"))
		fprintf(stderr, "wampctl: subscription is %s\n",
			cli_text(line, "state", state, sizeof(state)));
}

static int subscribe_run(struct cli *cli, const struct call_options *o)
{
	struct buf b = BUF_INIT(CALL_MAX_LINE);
	struct cli_line line;
	long n = 0;
	int r = cli_connect(cli);

	if (r)
		return r;
	cli_begin(&b, cli, "subscribe", "topic", o->uri);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	while (r == 0 && (!o->count || n < o->count)) {
		r = cli_receive(cli, (int)o->timeout_ms, &line);
		if (r)
			break;
		if (cli_is(&line, "op", "event")) {
			subscribe_print(&line, o->full);
			n++;
		} else if (cli_is(&line, "op", "error")) {
			r = cli_print_error(&line);
		} else if (!cli_is(&line, "op", "greet")) {
			subscribe_tell(&line);
		}
	}
	return r;
}

int cli_subscribe(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{"count", required_argument, NULL, OPTION_COUNT},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{"full", no_argument, NULL, OPTION_FULL},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct call_options o;
	int r = call_parse(&o, argc, argv, "subscribe", "-h", options, false);

	if (r == 0)
		r = subscribe_run(cli, &o);
	return call_end(&o, r);
}
