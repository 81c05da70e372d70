/* SPDX-License-Identifier: MIT */

/*
 * wampctl raw: lines of standard input to the daemon, its lines to standard output
 *
 * Nothing is added and nothing is read into it: neither a hello nor an error
 * is ours. While the daemon does not read, standard input is not read either,
 * and its answers still are, so that the two cannot wait for each other. The
 * end of input is told to the daemon, which answers what is open and closes.
 */

#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define RAW_READ_SIZE 65536u

struct raw {
	struct wampbridge *client;
	struct buf input;
	size_t searched; /* bytes of input known to hold no line feed */
	bool eof;	 /* of standard input */
	bool ended;	 /* the daemon knows */
	bool deaf;	 /* the daemon takes nothing more; what it said is still to come */
};

/* ---- input ---- */

static int raw_read(struct raw *raw)
{
	char *to = buf_reserve(&raw->input, RAW_READ_SIZE);
	ssize_t n;

	if (!to) {
		cli_tell("a line of standard input is over 16 MiB");
		return EX_DATAERR;
	}
	n = read(STDIN_FILENO, to, RAW_READ_SIZE);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0) {
		cli_tell("standard input: %s", strerror(errno));
		return EX_NOINPUT;
	}
	raw->eof = n == 0;
	buf_commit(&raw->input, (size_t)n);
	return 0;
}

/* The next whole line; at the end of input the rest is one too. */
static bool raw_next(struct raw *raw, struct slice *ret)
{
	struct slice bytes = buf_bytes(&raw->input);
	const char *lf = NULL;

	if (bytes.len > raw->searched)
		lf = memchr(bytes.ptr + raw->searched, '\n', bytes.len - raw->searched);
	if (!lf) {
		raw->searched = bytes.len;
		*ret = bytes;
		return raw->eof && bytes.len;
	}
	*ret = (struct slice){bytes.ptr, (size_t)(lf - bytes.ptr)};
	return true;
}

static void raw_drop(struct raw *raw, size_t n)
{
	buf_consume(&raw->input, n < buf_len(&raw->input) ? n : buf_len(&raw->input));
	raw->searched = 0;
}

static void raw_send(struct raw *raw)
{
	struct slice line;
	int r = wampbridge_flush(raw->client, 0) < 0 ? -EPIPE : 0;

	while (r == 0 && raw_next(raw, &line)) {
		r = wampbridge_try_send(raw->client, line.ptr, line.len);
		if (r == 0)
			raw_drop(raw, line.len + 1);
	}
	if (r == 0 && raw->eof && !raw->ended && wampbridge_events(raw->client) == POLLIN) {
		r = wampbridge_end_sending(raw->client);
		raw->ended = r == 0;
	}
	raw->deaf = r < 0 && r != -EAGAIN;
}

/* ---- output ---- */

/* 0 to go on, else -1 at the end of the connection or an exit code. */
static int raw_print(struct raw *raw)
{
	const char *line;
	size_t len;
	int r, f;

	while ((r = wampbridge_next_line(raw->client, 0, &line, &len)) > 0) {
		cli_write(stdout, (struct slice){line, len});
		putchar('\n');
	}
	f = cli_flush();
	if (f || r == 0)
		return f;
	if (r == -EPIPE)
		return -1;
	cli_tell("%s: %s", wampbridge_path(raw->client), wampbridge_strerror(r));
	return r == -EMSGSIZE ? EX_PROTOCOL : EX_UNAVAILABLE;
}

/* ---- both ---- */

static int raw_turn(struct raw *raw)
{
	short events = raw->deaf ? POLLIN : wampbridge_events(raw->client);
	bool reads = !raw->eof && !raw->deaf && events == POLLIN;
	struct pollfd fds[2] = {
		{.fd = wampbridge_fd(raw->client), .events = events},
		{.fd = reads ? STDIN_FILENO : -1, .events = POLLIN},
	};
	int r = 0;

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR ? 0 : EX_OSERR;
	if (fds[1].revents)
		r = raw_read(raw);
	if (r == 0 && !raw->deaf && !raw->ended)
		raw_send(raw);
	return r == 0 && fds[0].revents ? raw_print(raw) : r;
}

int cli_raw(struct cli *cli, const struct cli_options *o)
{
	struct raw raw = {.client = cli->client};
	int r;

	(void)o;
	buf_init(&raw.input, CLI_MAX_LINE + RAW_READ_SIZE);
	do
		r = raw_turn(&raw);
	while (r == 0);
	buf_done(&raw.input);
	if (r > 0 || raw.ended)
		return r > 0 ? r : 0;
	cli_tell("%s: %s", wampbridge_path(cli->client), wampbridge_strerror(-EPIPE));
	return EX_UNAVAILABLE;
}
