/* SPDX-License-Identifier: MIT */

/*
 * wampctl register: a procedure served by a command
 *
 * Happy path: an invocation starts a child, its standard input gets the
 * arguments, what it prints becomes the result when it has ended and closed
 * its output. Failure modes: it cannot be started, it ends with a status, it
 * prints too much, the call is over before it ends (TERM, then KILL). A second
 * answer to one invocation is never sent: the child is the only one to answer.
 */

#include "cli/cli.h"

#include "base/list.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define REGISTER_MAX_OUTPUT	 (16u << 20)
#define REGISTER_MAX_KWARGS	 (96u << 10)
#define REGISTER_KILL_MS	 2000
#define REGISTER_MAX_CONCURRENCY 8

extern char **environ;

struct reg {
	struct cli *cli;
	uv_loop_t loop;
	uv_poll_t poll;
	uv_signal_t sigint, sigterm;
	const char *uri;
	char **command;
	long concurrency;
	struct list children;
	long n_children;
	int exit;
	bool closing;
};

struct child {
	struct reg *reg;
	struct list node;
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t timer;
	uv_write_t write;
	struct buf input, output;
	char *environment[3];
	uint64_t inv;
	int64_t status;
	int signal;
	int n_handles;
	bool ended, eof, too_much, is_over; /* is_over: nobody waits for the answer */
};

/* ---- answering ---- */

static void register_send(struct reg *reg, struct buf *line)
{
	int r = cli_send(reg->cli, line);

	if (r && !reg->exit)
		reg->exit = r;
}

static void register_error(struct reg *reg, uint64_t inv, const char *uri, const char *message)
{
	struct buf b = BUF_INIT(65536);

	emit_literal(&b, "{\"op\":\"error\",\"inv\":");
	emit_u64(&b, inv);
	emit_literal(&b, ",\"uri\":");
	emit_text(&b, slice_of(uri));
	emit_literal(&b, ",\"message\":");
	emit_text(&b, slice_of(message));
	buf_append_char(&b, '}');
	register_send(reg, &b);
}

/* One JSON value as it is, other text as a string without its last newline, nothing as nothing. */
static void register_result(struct reg *reg, uint64_t inv, struct slice text)
{
	struct buf b = BUF_INIT(REGISTER_MAX_OUTPUT * 2);

	if (text.len && text.ptr[text.len - 1] == '\n')
		text.len--;
	emit_literal(&b, "{\"op\":\"result\",\"inv\":");
	emit_u64(&b, inv);
	if (text.len) {
		emit_literal(&b, ",\"args\":[");
		cli_emit_guess(&b, text);
		buf_append_char(&b, ']');
	}
	buf_append_char(&b, '}');
	register_send(reg, &b);
}

static void child_answer(struct child *c)
{
	char message[64];

	if (c->is_over)
		return;
	c->is_over = true;
	if (c->too_much) {
		register_error(c->reg, c->inv, "wamp.error.payload_size_exceeded",
			       "the command printed too much");
	} else if (c->signal) {
		snprintf(message, sizeof(message), "killed by signal %d", c->signal);
		register_error(c->reg, c->inv, "wamp.error.runtime_error", message);
	} else if (c->status) {
		snprintf(message, sizeof(message), "exit status %lld", (long long)c->status);
		register_error(c->reg, c->inv, "wamp.error.runtime_error", message);
	} else {
		register_result(c->reg, c->inv, buf_bytes(&c->output));
	}
}

/* ---- children ---- */

static void child_on_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;

	if (--c->n_handles)
		return;
	list_unlink(&c->node);
	c->reg->n_children--;
	buf_done(&c->input);
	buf_done(&c->output);
	mem_free(c->environment[0]);
	mem_free(c->environment[1]);
	mem_free(c);
}

static void child_close(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, child_on_closed);
}

/* A child is over when it has ended and closed its output: then it answers. */
static void child_finish(struct child *c)
{
	if (!c->ended || !c->eof)
		return;
	child_answer(c);
	child_close((uv_handle_t *)&c->process);
	child_close((uv_handle_t *)&c->in);
	child_close((uv_handle_t *)&c->out);
	child_close((uv_handle_t *)&c->timer);
}

static void child_on_exit(uv_process_t *process, int64_t status, int signal)
{
	struct child *c = process->data;

	c->ended = true;
	c->status = status;
	c->signal = signal;
	/* Something it started may hold its output; nobody waits for that when the call is over. */
	c->eof |= c->is_over;
	child_finish(c);
}

/* The command and whatever it started. */
static void child_kill(const struct child *c, int signal)
{
	kill(-c->process.pid, signal);
}

static void child_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct child *c = handle->data;
	char *to = buf_reserve(&c->output, suggested);

	*ret = uv_buf_init(to, to ? (unsigned)suggested : 0);
}

static void child_on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct child *c = stream->data;

	(void)buf;
	if (n > 0) {
		buf_commit(&c->output, (size_t)n);
		return;
	}
	if (n == 0)
		return;
	c->too_much = n == UV_ENOBUFS;
	if (c->too_much)
		child_kill(c, SIGTERM);
	uv_read_stop(stream);
	c->eof = true;
	child_finish(c);
}

static void child_on_written(uv_write_t *write, int status)
{
	struct child *c = write->data;

	/* A command that does not read its input is no error. */
	(void)status;
	child_close((uv_handle_t *)&c->in);
}

static void child_on_kill(uv_timer_t *timer)
{
	struct child *c = timer->data;

	if (!c->ended)
		child_kill(c, SIGKILL);
}

/* Nobody waits for it any more: TERM, and KILL if that does not help. */
static void child_stop(struct child *c)
{
	c->is_over = true;
	if (c->ended)
		return;
	child_kill(c, SIGTERM);
	uv_timer_start(&c->timer, child_on_kill, REGISTER_KILL_MS, 0);
}

static struct child *child_new(struct reg *reg, uint64_t inv)
{
	struct child *c = mem_alloc(sizeof(*c));

	if (!c)
		return NULL;
	c->reg = reg;
	c->inv = inv;
	buf_init(&c->input, REGISTER_MAX_OUTPUT);
	buf_init(&c->output, REGISTER_MAX_OUTPUT);
	list_init(&c->node);
	list_append(&reg->children, &c->node);
	reg->n_children++;
	uv_pipe_init(&reg->loop, &c->in, 0);
	uv_pipe_init(&reg->loop, &c->out, 0);
	uv_timer_init(&reg->loop, &c->timer);
	c->in.data = c->out.data = c->timer.data = c->process.data = c->write.data = c;
	c->n_handles = 4;
	return c;
}

static char *child_variable(const char *name, struct slice value)
{
	size_t n = strlen(name);
	char *text = mem_alloc(n + value.len + 1);

	if (text) {
		memcpy(text, name, n);
		memcpy(text + n, value.ptr, value.len);
	}
	return text;
}

static char **child_environment(struct child *c, struct slice kwargs)
{
	size_t n = 0;
	char **environment;

	while (environ[n])
		n++;
	environment = mem_alloc((n + 3) * sizeof(char *));
	c->environment[0] = child_variable("WAMP_PROCEDURE=", slice_of(c->reg->uri));
	c->environment[1] = child_variable("WAMP_KWARGS=", kwargs);
	if (!environment || !c->environment[0] || !c->environment[1])
		return mem_free(environment);
	memcpy(environment, c->environment, 2 * sizeof(char *));
	memcpy(environment + 2, environ, n * sizeof(char *));
	return environment;
}

static int child_spawn(struct child *c, struct slice kwargs)
{
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&c->in},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->out},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {
		.exit_cb = child_on_exit,
		.file = c->reg->command[0],
		.args = c->reg->command,
		.env = child_environment(c, kwargs),
		.flags = UV_PROCESS_DETACHED, /* a group of its own, for child_kill() */
		.stdio_count = 3,
		.stdio = stdio,
	};
	int r = options.env ? uv_spawn(&c->reg->loop, &c->process, &options) : UV_ENOMEM;

	mem_free(options.env);
	c->process.data = c;
	return r;
}

static void child_start(struct child *c, const struct scan_value *args, struct slice kwargs)
{
	uv_buf_t input;
	char message[256];
	int r;

	emit_value(&c->input, args);
	buf_append_char(&c->input, '\n');
	r = child_spawn(c, kwargs);
	if (r < 0) {
		snprintf(message, sizeof(message), "cannot run %s: %s", c->reg->command[0],
			 uv_strerror(r));
		fprintf(stderr, "wampctl: %s\n", message);
		register_error(c->reg, c->inv, "wamp.error.runtime_error", message);
		c->is_over = c->ended = c->eof = true;
		child_finish(c);
		return;
	}
	uv_read_start((uv_stream_t *)&c->out, child_on_alloc, child_on_output);
	input = uv_buf_init(c->input.data, (unsigned)buf_len(&c->input));
	if (uv_write(&c->write, (uv_stream_t *)&c->in, &input, 1, child_on_written) < 0)
		child_close((uv_handle_t *)&c->in);
}

/* ---- lines of the daemon ---- */

static uint64_t register_inv(const struct cli_line *line)
{
	const struct scan_value *v = cli_member(line, "inv");
	uint64_t inv = 0;

	if (v)
		(void)scan_u64(v, UINT64_MAX, &inv);
	return inv;
}

static void register_invoke(struct reg *reg, const struct cli_line *line)
{
	const struct scan_value *args = cli_member(line, "args");
	const struct scan_value *kwargs = cli_member(line, "kwargs");
	uint64_t inv = register_inv(line);
	struct child *c;

	if (!args || !kwargs)
		return;
	if (kwargs->len > REGISTER_MAX_KWARGS) {
		register_error(reg, inv, "wamp.error.payload_size_exceeded",
			       "keyword arguments over 96 KiB do not fit the environment");
		return;
	}
	if (reg->n_children >= reg->concurrency) {
		register_error(reg, inv, "wamp.error.unavailable", "too many commands are running");
		return;
	}
	c = child_new(reg, inv);
	if (c)
		child_start(c, args, scan_token(kwargs));
	else
		register_error(reg, inv, "wamp.error.runtime_error", "out of memory");
}

static void register_interrupt(struct reg *reg, const struct cli_line *line)
{
	uint64_t inv = register_inv(line);

	list_for_each (i, &reg->children) {
		struct child *c = CONTAINER_OF(i, struct child, node);

		if (c->inv == inv)
			child_stop(c);
	}
}

static void register_tell_state(const struct cli_line *line)
{
	char state[64];

	fprintf(stderr, "wampctl: %s\n", cli_text(line, "state", state, sizeof(state)));
}

static void register_close(struct reg *reg, int exit)
{
	if (reg->closing)
		return;
	reg->closing = true;
	if (!reg->exit)
		reg->exit = exit;
	list_for_each (i, &reg->children)
		child_stop(CONTAINER_OF(i, struct child, node));
	uv_close((uv_handle_t *)&reg->poll, NULL);
	uv_close((uv_handle_t *)&reg->sigint, NULL);
	uv_close((uv_handle_t *)&reg->sigterm, NULL);
}

static void register_line(struct reg *reg, const struct cli_line *line)
{
	if (cli_is(line, "op", "invocation"))
		register_invoke(reg, line);
	else if (cli_is(line, "op", "interrupt"))
		register_interrupt(reg, line);
	else if (cli_is(line, "op", "ok") || cli_is(line, "op", "state"))
		register_tell_state(line);
	else if (cli_is(line, "op", "error") && cli_member(line, "id"))
		register_close(reg, cli_print_error(line));
}

static void register_on_readable(uv_poll_t *poll, int status, int events)
{
	struct reg *reg = poll->data;
	struct cli_line line;
	int r;

	(void)status;
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

static void register_on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	register_close(handle->data, EX_OK);
}

static int register_run(struct reg *reg)
{
	struct buf b = BUF_INIT(65536);
	int r = cli_connect(reg->cli);

	if (r)
		return r;
	cli_begin(&b, reg->cli, "register", "procedure", reg->uri);
	buf_append_char(&b, '}');
	r = cli_send(reg->cli, &b);
	if (r)
		return r;
	list_init(&reg->children);
	if (uv_loop_init(&reg->loop) < 0)
		return EX_OSERR;
	uv_poll_init(&reg->loop, &reg->poll, wampbridge_fd(reg->cli->client));
	uv_signal_init(&reg->loop, &reg->sigint);
	uv_signal_init(&reg->loop, &reg->sigterm);
	reg->poll.data = reg->sigint.data = reg->sigterm.data = reg;
	signal(SIGPIPE, SIG_IGN);
	uv_signal_start(&reg->sigint, register_on_signal, SIGINT);
	uv_signal_start(&reg->sigterm, register_on_signal, SIGTERM);
	uv_poll_start(&reg->poll, UV_READABLE, register_on_readable);
	uv_run(&reg->loop, UV_RUN_DEFAULT);
	uv_loop_close(&reg->loop);
	return reg->exit;
}

int cli_register(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"concurrency", required_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct reg reg = {.cli = cli, .concurrency = REGISTER_MAX_CONCURRENCY};
	int c;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (c == 'h')
			return cli_help("register");
		if (c != 'c')
			return cli_usage("register", "wrong option");
		reg.concurrency = cli_count(optarg);
		if (reg.concurrency < 0)
			return cli_usage("register", "\"%s\" is no count", optarg);
	}
	if (optind + 2 < argc && strcmp(argv[optind + 1], "--") == 0) {
		reg.uri = argv[optind];
		reg.command = argv + optind + 2;
		return register_run(&reg);
	}
	return cli_usage("register", "it takes URI -- COMMAND [ARG]...");
}
