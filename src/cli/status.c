/* SPDX-License-Identifier: MIT */

/*
 * wampctl status, list, wait
 */

#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int status_ask(struct cli *cli, const char *request, struct cli_line *line)
{
	struct buf b = BUF_INIT(4096);
	int r;

	buf_append_slice(&b, slice_of(request));
	r = cli_send(cli, &b);
	while (r == 0) {
		r = cli_receive(cli, 10000, line);
		if (r == 0 && cli_is(line, "op", "error"))
			return cli_print_error(line);
		if (r == 0 && cli_member(line, "id"))
			return 0;
	}
	return r;
}

static json_t *status_load(const struct cli_line *line)
{
	return json_loadb(line->text.ptr, line->text.len, JSON_ALLOW_NUL, NULL);
}

static bool status_has_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}

static const char *status_string(json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "-";
}

static void status_print_state(const char *state, int width)
{
	bool joined = strcmp(state, "joined") == 0;

	if (status_has_colour())
		printf("\x1b[%sm%-*s\x1b[0m", joined ? "32" : "31", width, state);
	else
		printf("%-*s", width, state);
}

static void status_print_sessions(json_t *items)
{
	const size_t n = json_array_size(items);

	printf("%-16s %-13s %-16s %s\n", "SESSION", "STATE", "REALM", "ROUTER");
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array_get(items, i);
		const char *message = json_string_value(json_object_get(row, "message"));
		json_int_t retry = json_integer_value(json_object_get(row, "retry_in_ms"));

		printf("%-16s ", status_string(row, "session"));
		status_print_state(status_string(row, "state"), 13);
		printf(" %-16s %s\n", status_string(row, "realm"), status_string(row, "router"));
		if (message)
			printf("%-16s   %s\n", "", message);
		if (retry)
			printf("%-16s   next attempt in %.1f s\n", "", (double)retry / 1000);
	}
}

static void status_print_clients(json_t *items)
{
	const size_t n = json_array_size(items);

	printf("\n%6s %6s %8s %-20s %5s %5s %5s %9s\n", "CONN", "UID", "PID", "NAME", "CALLS",
	       "REG", "SUB", "QUEUED");
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array_get(items, i);

		printf("%6lld %6lld %8lld %-20s %5lld %5lld %5lld %9lld\n",
		       json_integer_value(json_object_get(row, "conn")),
		       json_integer_value(json_object_get(row, "uid")),
		       json_integer_value(json_object_get(row, "pid")), status_string(row, "name"),
		       json_integer_value(json_object_get(row, "inflight")),
		       json_integer_value(json_object_get(row, "registrations")),
		       json_integer_value(json_object_get(row, "subscriptions")),
		       json_integer_value(json_object_get(row, "queued_bytes")));
	}
}

static void status_print_daemon(json_t *status)
{
	json_int_t seconds = json_integer_value(json_object_get(status, "uptime_ms")) / 1000;

	printf("%s, up %lld:%02lld:%02lld, %lld clients\n\n", status_string(status, "server"),
	       seconds / 3600, seconds / 60 % 60, seconds % 60,
	       json_integer_value(json_object_get(status, "clients")));
}

/* The reply without op and id. */
static int status_print_json(const struct cli_line *line)
{
	json_t *status = status_load(line);

	if (!status)
		return EX_PROTOCOL;
	json_object_del(status, "op");
	json_object_del(status, "id");
	json_dumpf(status, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(status);
	return 0;
}

static int status_print_list(struct cli *cli, const char *request, void (*print)(json_t *items))
{
	struct cli_line line;
	int r = status_ask(cli, request, &line);
	json_t *reply;

	if (r)
		return r;
	reply = status_load(&line);
	print(json_object_get(reply, "items"));
	json_decref(reply);
	return 0;
}

static int status_print(struct cli *cli, const struct cli_line *line)
{
	json_t *status = status_load(line);
	int r;

	status_print_daemon(status);
	json_decref(status);
	r = status_print_list(cli, "{\"op\":\"list\",\"id\":2,\"what\":\"sessions\"}",
			      status_print_sessions);
	if (r == 0)
		r = status_print_list(cli, "{\"op\":\"list\",\"id\":3,\"what\":\"clients\"}",
				      status_print_clients);
	return r;
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct cli_line line;
	bool json = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			return cli_help("status");
		if (c != 'j')
			return cli_usage("status", "wrong option");
		json = true;
	}
	if (optind < argc)
		return cli_usage("status", "too many arguments");
	r = cli_connect(cli);
	if (r == 0)
		r = status_ask(cli, "{\"op\":\"status\",\"id\":1}", &line);
	if (r)
		return r;
	return json ? status_print_json(&line) : status_print(cli, &line);
}

/* ---- list ---- */

static void list_print(json_t *items)
{
	const size_t n = json_array_size(items);

	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array_get(items, i);
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

int cli_list(struct cli *cli, int argc, char **argv)
{
	struct buf b = BUF_INIT(4096);
	int r;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return cli_help("list");
	if (argc != 2)
		return cli_usage("list", "WHAT is missing");
	r = cli_connect(cli);
	if (r)
		return r;
	emit_literal(&b, "{\"op\":\"list\",\"id\":1,\"what\":");
	emit_text(&b, slice_of(argv[1]));
	emit_literal(&b, "}");
	buf_append_char(&b, '\0');
	r = b.error ? EX_OSERR : status_print_list(cli, b.data, list_print);
	buf_done(&b);
	return r;
}

/* ---- wait ---- */

static int64_t wait_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_run(struct cli *cli, long timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? -1 : wait_now_ms() + timeout_ms;
	struct buf b = BUF_INIT(4096);
	struct cli_line line;
	char state[64] = "unknown";
	int r;

	cli_begin(&b, cli, "watch", NULL, NULL);
	buf_append_char(&b, '}');
	r = cli_send(cli, &b);
	while (r == 0 && strcmp(state, "joined") != 0) {
		int64_t left = deadline < 0 ? -1 : deadline - wait_now_ms();

		r = cli_receive(cli, deadline < 0 ? -1 : left > 0 ? (int)left : 0, &line);
		if (r == 0 && cli_is(&line, "op", "error"))
			r = cli_print_error(&line);
		else if (r == 0 && cli_is(&line, "op", "session"))
			cli_text(&line, "state", state, sizeof(state));
	}
	if (r == CLI_EXIT_TIMEOUT)
		fprintf(stderr, "wampctl: the session is %s\n", state);
	return r;
}

int cli_wait(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"timeout", required_argument, NULL, 't'},
						{"session", required_argument, NULL, 'N'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	long timeout_ms = -1;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			return cli_help("wait");
		if (c == 'N')
			cli->session = optarg;
		else if (c == 't')
			timeout_ms = cli_milliseconds(optarg);
		else
			return cli_usage("wait", "wrong option");
		if (c == 't' && timeout_ms < 0)
			return cli_usage("wait", "\"%s\" is no number of seconds", optarg);
	}
	if (optind < argc)
		return cli_usage("wait", "too many arguments");
	r = cli_connect(cli);
	return r ? r : wait_run(cli, timeout_ms);
}
