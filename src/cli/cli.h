/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * wampctl: what its commands share
 *
 * Results go to stdout, one JSON value a line; everything else goes to stderr.
 * Exit codes are those of operations: 0, 1 for an error of the procedure, 64
 * usage, 65 bad JSON, 69 no daemon, 75 may succeed later, 76 protocol, 77 not
 * allowed, 124 timeout.
 */

#include "base/buf.h"
#include "codec/emit.h"
#include "codec/scan.h"
#include "wampbridge.h"

#include <getopt.h>
#include <sysexits.h>

#define CLI_EXIT_ERROR	 1
#define CLI_EXIT_TIMEOUT 124

struct cli {
	const char *socket;
	const char *session;
	struct wampbridge *client;
};

struct cli_verb {
	const char *name, *alias;
	const char *usage; /* behind "wampctl " */
	const char *help;
	int (*run)(struct cli *cli, int argc, char **argv);
};

int cli_call(struct cli *cli, int argc, char **argv);
int cli_publish(struct cli *cli, int argc, char **argv);
int cli_subscribe(struct cli *cli, int argc, char **argv);
int cli_register(struct cli *cli, int argc, char **argv);
int cli_status(struct cli *cli, int argc, char **argv);
int cli_list(struct cli *cli, int argc, char **argv);
int cli_wait(struct cli *cli, int argc, char **argv);

/* main.c */
int cli_usage(const char *verb, const char *format, ...) PRINTF(2, 3);
/* Prints the verb's help; returns 0. */
int cli_help(const char *verb);

/* talk.c: the connection, and lines as they come */
struct cli_line {
	struct slice text;
	struct scan_member members[32];
	size_t n;
	struct scan_names names;
};

/* 0 or an exit code, with the reason told. */
int cli_connect(struct cli *cli);
int cli_send(struct cli *cli, struct buf *line);
/* 0 with a line, or an exit code with the reason told; CLI_EXIT_TIMEOUT is not told. */
int cli_receive(struct cli *cli, int timeout_ms, struct cli_line *ret);
const struct scan_value *cli_member(const struct cli_line *line, const char *name);
bool cli_is(const struct cli_line *line, const char *member, const char *text);
/* A string member in buf, cut to fit; "" when absent. */
const char *cli_text(const struct cli_line *line, const char *member, char *buf, size_t size);
/* Prints an error line on stderr; returns the exit code that belongs to it. */
int cli_print_error(const struct cli_line *line);
void cli_print_value(const struct scan_value *v);
/* Each argument on a line of its own, or {"args":…,"kwargs":…}. */
void cli_print_payload(const struct cli_line *line, bool full);

/* payload.c: arguments of the command line as JSON */
struct cli_payload {
	struct buf args, kwargs; /* the insides of [] and {} */
};
void cli_payload_init(struct cli_payload *p);
void cli_payload_done(struct cli_payload *p);
void cli_payload_add(struct cli_payload *p, const char *arg);
void cli_payload_add_string(struct cli_payload *p, const char *arg);
/* KEY=VALUE; an exit code if there is no '='. */
int cli_payload_add_key(struct cli_payload *p, const char *arg);
/* A JSON object's members; an exit code if it is none. */
int cli_payload_add_object(struct cli_payload *p, const char *json);
void cli_payload_emit(struct buf *b, const struct cli_payload *p);
/* JSON as it is, anything else as a string. */
void cli_emit_guess(struct buf *b, struct slice text);

/* {"op":OP,"id":1,MEMBER:URI and the session, if one was given; left open. */
void cli_begin(struct buf *b, const struct cli *cli, const char *op, const char *member,
	       const char *uri);
/* Seconds with a fraction → milliseconds; -1 if it is none. */
long cli_milliseconds(const char *seconds);
/* A whole number from 1; -1 if it is none. */
long cli_count(const char *text);
