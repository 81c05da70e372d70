/* SPDX-License-Identifier: MIT */

/*
 * wampctl register: a procedure served by a command
 *
 * Each invocation starts a child (child.h), whose end becomes the one answer.
 * Whatever comes in between is answered at once: too many children, keyword
 * arguments that fit no environment, a command that cannot be run. An
 * invocation that the daemon interrupts, and those that run when wampctl ends,
 * get no answer of ours: the daemon has given one.
 */

#include "cli/cli.h"

#include "cli/child.h"
#include "cli/environment.h"
#include "cli/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

/* A variable of the environment is at most 128 KiB in Linux; beyond this the call is refused. */
#define REGISTER_MAX_KWARGS (96u << 10)

#define REGISTER_CONCURRENCY 8

/* The daemon's default, until its greeting tells (protocol §4). */
#define REGISTER_MAX_LINE (1u << 20)

struct reg {
	struct cli *cli;
	uv_loop_t loop;
	uv_poll_t poll;
	uv_signal_t sigint, sigterm;
	const char *uri;
	struct child_set children;
	struct guard guard;
	uint64_t concurrency;
	uint64_t max_line; /* of what the daemon takes, line feed included */
	int exit;
	bool closing;
};

/* ---- answering ---- */

static void register_send(struct reg *reg, struct buf *line)
{
	int r = cli_send(reg->cli, line);

	if (r && !reg->exit)
		reg->exit = r;
}

static void register_begin(struct buf *b, const char *op, uint64_t inv)
{
	emit_literal(b, "{\"op\":");
	emit_text(b, slice_of(op));
	emit_literal(b, ",\"inv\":");
	emit_u64(b, inv);
}

static void register_error(struct reg *reg, uint64_t inv, const char *uri, const char *message)
{
	struct buf b = BUF_INIT(CLI_MAX_LINE);

	register_begin(&b, "error", inv);
	emit_literal(&b, ",\"uri\":");
	emit_text(&b, slice_of(uri));
	emit_literal(&b, ",\"message\":");
	emit_text(&b, slice_of(message));
	buf_append_char(&b, '}');
	register_send(reg, &b);
}

/* Whether the daemon would refuse the line, in which case nobody would get an answer. */
static bool register_is_refused(const struct buf *line)
{
	struct cli_line unused = {.n = 0};
	struct scan_error error;

	return scan_object(buf_bytes(line), SCAN_STRICT, &unused.names, unused.members,
			   ARRAY_SIZE(unused.members), &unused.n, &error) != 0;
}

static void register_result(struct reg *reg, uint64_t inv, struct slice output)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);
	const char *fault = NULL;
	char message[128];

	register_begin(&b, "result", inv);
	if (output.len) {
		emit_literal(&b, ",\"args\":[");
		fault = cli_payload_emit_output(&b, output);
		buf_append_char(&b, ']');
	}
	buf_append_char(&b, '}');
	if (fault ? output.len >= reg->max_line : b.error || buf_len(&b) >= reg->max_line) {
		register_error(reg, inv, "wamp.error.payload_size_exceeded",
			       "the command's output does not fit a line");
		return;
	}
	if (!fault && register_is_refused(&b))
		fault = "too many levels of nesting"; /* the rest was seen before */
	if (fault) {
		snprintf(message, sizeof(message), "the command's output holds %s", fault);
		register_error(reg, inv, "wamp.error.invalid_payload", message);
		return;
	}
	register_send(reg, &b);
}

static void register_on_end(struct child *c, enum child_end end)
{
	struct reg *reg = c->set->data;
	char message[64];

	switch (end) {
	case CHILD_TOO_MUCH:
		register_error(reg, c->inv, "wamp.error.payload_size_exceeded",
			       "the command printed too much");
		return;
	case CHILD_SIGNALED:
		snprintf(message, sizeof(message), "killed by signal %lld", (long long)c->code);
		register_error(reg, c->inv, "wamp.error.runtime_error", message);
		return;
	case CHILD_EXITED:
		break;
	}
	if (c->code) {
		snprintf(message, sizeof(message), "exit status %lld", (long long)c->code);
		register_error(reg, c->inv, "wamp.error.runtime_error", message);
	} else {
		register_result(reg, c->inv, buf_bytes(&c->output));
	}
}

/* ---- lines of the daemon ---- */

static uint64_t register_inv(const struct cli_line *line)
{
	const struct scan_value *v = cli_line_find(line, "inv");
	uint64_t inv = 0;

	if (v)
		(void)scan_u64(v, UINT64_MAX, &inv);
	return inv;
}

static int register_run_command(struct reg *reg, const struct cli_line *line)
{
	CLEANUP(buf_done) struct buf input = BUF_INIT(CLI_MAX_LINE);
	CLEANUP(environment_done) struct environment environment = {0};
	int r = environment_init(&environment, reg->uri, line, environ);

	emit_value(&input, cli_line_find(line, "args"));
	buf_append_char(&input, '\n');
	if (r)
		return r;
	return child_start(&reg->children, register_inv(line), &input, environment.all);
}

static void register_invoke(struct reg *reg, const struct cli_line *line)
{
	const struct scan_value *kwargs = cli_line_find(line, "kwargs");
	uint64_t inv = register_inv(line);
	char message[256];
	int r;

	if (!kwargs || !cli_line_find(line, "args")) {
		register_error(reg, inv, "wamp.error.invalid_payload", "no arguments in JSON");
	} else if (kwargs->len > REGISTER_MAX_KWARGS) {
		register_error(reg, inv, "wamp.error.payload_size_exceeded",
			       "keyword arguments over 96 KiB do not fit the environment");
	} else if (reg->children.n >= reg->concurrency) {
		register_error(reg, inv, "wamp.error.unavailable", "too many commands are running");
	} else if ((r = register_run_command(reg, line)) == ENVIRONMENT_UNFIT) {
		register_error(reg, inv, "wamp.error.invalid_payload",
			       "what is told of the caller does not fit the environment");
	} else if (r < 0) {
		snprintf(message, sizeof(message), "cannot run %s: %s", reg->children.command[0],
			 uv_strerror(r));
		cli_tell("%s", message);
		register_error(reg, inv, "wamp.error.runtime_error", message);
	}
}

/* Only in mode kill is the answer still ours to give (protocol §7). */
static void register_interrupt(struct reg *reg, const struct cli_line *line)
{
	uint64_t inv = register_inv(line);

	if (child_set_interrupt(&reg->children, inv) && cli_line_is(line, "mode", "kill"))
		register_error(reg, inv, "wamp.error.canceled", "the call was canceled");
}

static void register_read_greeting(struct reg *reg, const struct cli_line *line)
{
	const struct scan_value *max_line;
	struct cli_line limits;

	if (!cli_line_inner(line, "limits", &limits))
		return;
	max_line = cli_line_find(&limits, "max_line");
	if (max_line)
		(void)scan_u64(max_line, CLI_MAX_LINE, &reg->max_line);
}

static void register_close(struct reg *reg, int exit)
{
	if (reg->closing)
		return;
	reg->closing = true;
	if (!reg->exit)
		reg->exit = exit;
	child_set_stop(&reg->children);
	uv_close((uv_handle_t *)&reg->poll, NULL);
	uv_close((uv_handle_t *)&reg->sigint, NULL);
	uv_close((uv_handle_t *)&reg->sigterm, NULL);
}

static void register_line(struct reg *reg, const struct cli_line *line)
{
	int r;

	if (cli_line_is(line, "op", "invocation")) {
		register_invoke(reg, line);
	} else if (cli_line_is(line, "op", "interrupt")) {
		register_interrupt(reg, line);
	} else if (cli_line_is(line, "op", "ok") || cli_line_is(line, "op", "state")) {
		cli_tell_state(reg->uri, line);
	} else if (cli_line_is(line, "op", "greet")) {
		register_read_greeting(reg, line);
	} else if (cli_line_is(line, "op", "error")) {
		/* Without an id it is about one answer, and others are still wanted. */
		r = cli_print_error(line);
		if (cli_line_find(line, "id"))
			register_close(reg, r);
	}
}

/* ---- the loop ---- */

static void register_on_readable(uv_poll_t *poll, int status, int events)
{
	struct reg *reg = poll->data;
	struct cli_line line;
	int r;

	(void)status; /* an error of the socket is what the next read says */
	(void)events;
	while (!reg->closing && (r = cli_receive(reg->cli, 0, &line)) != CLI_EXIT_TIMEOUT) {
		if (r)
			register_close(reg, r);
		else
			register_line(reg, &line);
		if (reg->exit)
			register_close(reg, reg->exit);
	}
}

/* The daemon hears of it at once, and answers the callers, while commands have time to end. */
static void register_on_signal(uv_signal_t *handle, int number)
{
	static const char bye[] = "{\"op\":\"bye\"}";
	struct reg *reg = handle->data;

	(void)number;
	(void)wampbridge_send(reg->cli->client, bye, sizeof(bye) - 1);
	register_close(reg, EX_OK);
}

static void register_start(struct reg *reg)
{
	uv_poll_init(&reg->loop, &reg->poll, wampbridge_fd(reg->cli->client));
	uv_signal_init(&reg->loop, &reg->sigint);
	uv_signal_init(&reg->loop, &reg->sigterm);
	reg->poll.data = reg->sigint.data = reg->sigterm.data = reg;
	signal(SIGPIPE, SIG_IGN); /* a command that does not read its input */
	uv_signal_start(&reg->sigint, register_on_signal, SIGINT);
	uv_signal_start(&reg->sigterm, register_on_signal, SIGTERM);
	uv_poll_start(&reg->poll, UV_READABLE, register_on_readable);
}

int cli_register(struct cli *cli, const struct cli_options *o)
{
	struct reg reg = {
		.cli = cli,
		.uri = o->word,
		.concurrency = o->count ? o->count : REGISTER_CONCURRENCY,
		.max_line = REGISTER_MAX_LINE,
	};
	struct buf b = BUF_INIT(CLI_MAX_LINE);
	int r;

	cli_begin(&b, cli, "register", "procedure", o->word);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	if (r)
		return r;
	r = guard_start(&reg.guard);
	if (r < 0) {
		cli_tell("commands cannot be guarded: %s", strerror(-r));
		return EX_OSERR;
	}
	if (uv_loop_init(&reg.loop) < 0) {
		cli_tell("no event loop");
		reg.exit = EX_OSERR;
	} else {
		child_set_init(&reg.children, &reg.loop, o->command, register_on_end, &reg);
		reg.children.guard = &reg.guard;
		register_start(&reg);
		uv_run(&reg.loop, UV_RUN_DEFAULT);
		uv_loop_close(&reg.loop);
	}
	guard_stop(&reg.guard);
	return reg.exit;
}
