/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * wampctl: what its commands share
 *
 * A command is a row of the table in main.c and a function that takes its
 * parsed options. Results go to stdout, one JSON value a line; everything else
 * goes to stderr. Functions that return an int return 0 or the exit code with
 * which the program ends, its reason told: 1 an error of the procedure or the
 * router, 64 usage, 65 bad JSON, 66 stdin, 69 no daemon, 74 stdout, 75 may succeed
 * later, 76 protocol, 77 not allowed, 124 timeout.
 */

#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/emit.h"
#include "codec/scan.h"
#include "wampbridge.h"

#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#define CLI_EXIT_ERROR	 1
#define CLI_EXIT_TIMEOUT 124

/* Longest line that is sent or composed: the daemon's own greatest max_line. */
#define CLI_MAX_LINE (16u << 20)

/* A deadline that never comes; 0 is one that has passed. */
#define CLI_FOREVER (-1)

struct cli {
	const char *socket;
	const char *session;
	struct wampbridge *client;
};

/* payload.c: arguments of the command line as JSON */
struct cli_payload {
	struct buf args, kwargs; /* the insides of [] and {} */
};

void cli_payload_init(struct cli_payload *p);
void cli_payload_done(struct cli_payload *p);
/* JSON as it is, anything else as a string. */
int cli_payload_add(struct cli_payload *p, const char *arg) MUST_CHECK;
int cli_payload_add_string(struct cli_payload *p, const char *arg) MUST_CHECK;
/* KEY=VALUE */
int cli_payload_add_key(struct cli_payload *p, const char *arg) MUST_CHECK;
/* A JSON object's members. */
int cli_payload_add_object(struct cli_payload *p, const char *json) MUST_CHECK;
/* The members args and kwargs, as far as there is something in them. */
void cli_payload_emit(struct buf *b, const struct buf *args, const struct buf *kwargs);
/* Appends text as JSON or as a string; what is no UTF-8, or must not be sent, is refused. */
int cli_payload_emit_word(struct buf *b, struct slice text) MUST_CHECK;
/*
 * A command's output as the inside of []: JSON by its grammar as it is, other text as
 * a string without its last newline. Returns what is in it that must not be sent, to
 * follow "the output holds", or NULL; nothing is altered.
 */
const char *cli_payload_emit_output(struct buf *b, struct slice text) MUST_CHECK;
/* Whether the keyword arguments fit together; else the reason is told. */
int cli_payload_check(const struct cli_payload *p) MUST_CHECK;

/* options.c: one parser for all commands */
enum cli_takes {
	CLI_TAKES_NOTHING,
	CLI_TAKES_LINES,   /* nothing but lines of the protocol: none of ours, not even hello */
	CLI_TAKES_WORD,	   /* URI or WHAT */
	CLI_TAKES_PAYLOAD, /* URI [ARG]... */
	CLI_TAKES_COMMAND, /* URI -- COMMAND [ARG]... */
};

struct cli_options {
	const char *word;
	char **command;
	struct cli_payload payload;
	const char *session;
	int64_t timeout_ms; /* -1: none given */
	uint64_t count;	    /* --count, --concurrency; 0: none given */
	bool full, ack, from_stdin, to_self, json, help;
};

struct cli_verb {
	const char *name, *alias;
	enum cli_takes takes;
	const char *accepts; /* letters of options.c */
	const char *summary;
	const char *usage; /* behind "wampctl " */
	const char *help;
	int (*run)(struct cli *cli, const struct cli_options *options);
};

/* To be released by cli_options_done(), whatever it returned. */
int cli_options_parse(struct cli_options *ret, const struct cli_verb *verb, int argc,
		      char **argv) MUST_CHECK;
void cli_options_done(struct cli_options *o);

/* Tells what is wrong and where help is; verb may be NULL. Returns EX_USAGE. */
int cli_usage(const char *verb, const char *format, ...) PRINTF(2, 3);

/* the commands, each in the file of its name */
int cli_call(struct cli *cli, const struct cli_options *options);
int cli_publish(struct cli *cli, const struct cli_options *options);
int cli_subscribe(struct cli *cli, const struct cli_options *options);
int cli_register(struct cli *cli, const struct cli_options *options);
int cli_status(struct cli *cli, const struct cli_options *options);
int cli_list(struct cli *cli, const struct cli_options *options);
int cli_wait(struct cli *cli, const struct cli_options *options);
int cli_watch(struct cli *cli, const struct cli_options *options);
int cli_raw(struct cli *cli, const struct cli_options *options);

/* talk.c: the connection, and lines as they come */
struct cli_line {
	struct slice text;
	struct scan_member members[32];
	size_t n;
	struct scan_names names;
};

int64_t cli_now_ms(void);

int cli_connect(struct cli *cli) MUST_CHECK;
/* Tells the daemon who we are; for all but raw. */
int cli_hello(struct cli *cli) MUST_CHECK;

/* Starts a request with id 1: {"op":OP,"id":1 and, if given, ,MEMBER:TEXT and the session. */
void cli_begin(struct buf *b, const struct cli *cli, const char *op, const char *member,
	       const char *text);
/* Sends the line and releases the buffer. */
int cli_send(struct cli *cli, struct buf *line) MUST_CHECK;

/*
 * The next line; it borrows until the next call. A bye is told and ends the
 * command; CLI_EXIT_TIMEOUT alone is not told.
 */
int cli_receive(struct cli *cli, int64_t deadline_ms, struct cli_line *ret) MUST_CHECK;
/* The reply to request 1, past what else comes; an error is printed. */
int cli_receive_reply(struct cli *cli, int64_t deadline_ms, struct cli_line *ret) MUST_CHECK;

/* line.text → its members. 0, or an outcome of scan_object(). */
int cli_line_parse(struct cli_line *line) MUST_CHECK;
const struct scan_value *cli_line_find(const struct cli_line *line, const char *name);
bool cli_line_is(const struct cli_line *line, const char *name, const char *text);
bool cli_line_is_true(const struct cli_line *line, const char *name);
/* A member, decoded, in buf; "" when it is absent or does not fit. Returns buf. */
const char *cli_line_text(const struct cli_line *line, const char *name, char *buf, size_t size);
/* A member that is an object, as a line of its own. false if there is none. */
bool cli_line_inner(const struct cli_line *line, const char *name, struct cli_line *ret);

/* tell.c: output */

/* One line of words on stderr; nothing in it can steer a terminal. */
void cli_tell(const char *format, ...) PRINTF(1, 2);
/* "NAME is STATE", with the error if the line holds one. */
void cli_tell_state(const char *name, const struct cli_line *line);
/* Replaces what could steer a terminal. */
void cli_clean(char *text);
/*
 * Writes JSON as it came; to a terminal, what could steer it is escaped, which JSON
 * reads as the same.
 */
void cli_write(FILE *to, struct slice json);
/* Prints an error line on stderr; returns the exit code that belongs to it. */
int cli_print_error(const struct cli_line *line);
void cli_print_value(const struct scan_value *v);
/* An array's elements; released by mem_free(). */
int cli_elements(const struct scan_value *array, struct scan_value **ret, size_t *ret_n) MUST_CHECK;
/* The line without op, id and watch, which belong to the conversation. */
int cli_print_content(const struct cli_line *line) MUST_CHECK;
/* Each element on a line of its own. */
int cli_print_elements(const struct scan_value *array) MUST_CHECK;
/* {"args":…,"kwargs":…} */
void cli_print_full(const struct cli_line *line);
/* Nothing printed waits any longer; EX_IOERR if it could not be written. */
int cli_flush(void) MUST_CHECK;
