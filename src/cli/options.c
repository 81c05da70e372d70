/* SPDX-License-Identifier: MIT */

/*
 * wampctl: one parser for the options of all commands
 *
 * Each option has one letter and one meaning; a command's row says which
 * letters it accepts. Options and arguments may be mixed. A negative number is
 * an argument.
 */

#include "cli/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Some 24 days: as many milliseconds as an int holds. */
#define OPTIONS_MAX_SECONDS 2000000
#define OPTIONS_MAX_COUNT   1000000000

static const struct option options_all[] = {
	{"key", required_argument, NULL, 'k'},	   {"kwargs", required_argument, NULL, 'K'},
	{"string", required_argument, NULL, 's'},  {"timeout", required_argument, NULL, 't'},
	{"full", no_argument, NULL, 'f'},	   {"ack", no_argument, NULL, 'a'},
	{"no-exclude-me", no_argument, NULL, 'x'}, {"stdin", no_argument, NULL, 'i'},
	{"count", required_argument, NULL, 'n'},   {"concurrency", required_argument, NULL, 'c'},
	{"json", no_argument, NULL, 'j'},	   {"session", required_argument, NULL, 'S'},
	{"help", no_argument, NULL, 'h'},	   {0},
};

static int options_try(const char *verb)
{
	fprintf(stderr, "Try \"wampctl %s%s--help\".\n", verb ? verb : "", verb ? " " : "");
	return EX_USAGE;
}

int cli_usage(const char *verb, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_tell("%s", text);
	return options_try(verb);
}

static const char *options_name(int letter)
{
	const struct option *o = options_all;

	while (o->name && o->val != letter)
		o++;
	return o->name ? o->name : "?";
}

static int options_read_timeout(struct cli_options *o, const struct cli_verb *verb)
{
	char *end;
	double seconds = strtod(optarg, &end);

	/* strtod() takes " 5", "+5" and "0x5", too, which the configuration does not. */
	if (end == optarg || *end || optarg[strspn(optarg, "0123456789.")] ||
	    seconds > OPTIONS_MAX_SECONDS)
		return cli_usage(verb->name, "\"%s\" is no number of seconds up to %d", optarg,
				 OPTIONS_MAX_SECONDS);
	o->timeout_ms = (int64_t)(seconds * 1000 + 0.5);
	/* 0 would be no limit at all. */
	if (seconds > 0 && !o->timeout_ms)
		return cli_usage(verb->name, "\"%s\" is less than a millisecond", optarg);
	return 0;
}

static int options_read_count(struct cli_options *o, const struct cli_verb *verb)
{
	struct scan_value value;
	struct scan_error error;
	uint64_t n = 0;

	if (scan_one(slice_of(optarg), SCAN_STRICT, &value, &error) != 0 ||
	    !scan_u64(&value, OPTIONS_MAX_COUNT, &n) || !n)
		return cli_usage(verb->name, "\"%s\" is no count from 1", optarg);
	o->count = n;
	return 0;
}

static int options_take_word(struct cli_options *o, const struct cli_verb *verb, const char *word)
{
	if (!o->word && verb->takes != CLI_TAKES_NOTHING && verb->takes != CLI_TAKES_LINES)
		o->word = word;
	else if (verb->takes == CLI_TAKES_PAYLOAD)
		return cli_payload_add(&o->payload, word);
	else
		return cli_usage(verb->name, "one argument too many: \"%s\"", word);
	return 0;
}

static int options_take(struct cli_options *o, const struct cli_verb *verb, int letter)
{
	if (letter == 1)
		return options_take_word(o, verb, optarg);
	if (letter == '?') /* getopt_long() has told what is wrong */
		return options_try(verb->name);
	if (!strchr(verb->accepts, letter) && letter != 'h')
		return cli_usage(verb->name, "%s has no option --%s", verb->name,
				 options_name(letter));
	switch (letter) {
	case 'k':
		return cli_payload_add_key(&o->payload, optarg);
	case 'K':
		return cli_payload_add_object(&o->payload, optarg);
	case 's':
		return cli_payload_add_string(&o->payload, optarg);
	case 't':
		return options_read_timeout(o, verb);
	case 'n':
	case 'c':
		return options_read_count(o, verb);
	case 'f':
		o->full = true;
		return 0;
	case 'a':
		o->ack = true;
		return 0;
	case 'x':
		o->to_self = true;
		return 0;
	case 'i':
		o->from_stdin = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'S':
		o->session = optarg;
		return 0;
	}
	o->help = true;
	return 0;
}

/* As getopt_long(), with 1 for what is no option, wherever it stands; -1 at the end or "--". */
static int options_next(int argc, char **argv)
{
	/* Behind the first call optind is the next one to be looked at. */
	if (optind > 1 && optind < argc && argv[optind][0] == '-' &&
	    isdigit((unsigned char)argv[optind][1])) {
		optarg = argv[optind++];
		return 1;
	}
	return getopt_long(argc, argv, "-k:s:h", options_all, NULL);
}

/* URI -- COMMAND: the part behind the first "--" is not ours to read. */
static int options_split(struct cli_options *o, const struct cli_verb *verb, int argc, char **argv)
{
	if (verb->takes != CLI_TAKES_COMMAND)
		return argc;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			o->command = argv + i + 1;
			return i;
		}
	}
	return argc;
}

static int options_check(const struct cli_options *o, const struct cli_verb *verb)
{
	switch (verb->takes) {
	case CLI_TAKES_NOTHING:
	case CLI_TAKES_LINES:
		return 0;
	case CLI_TAKES_WORD:
	case CLI_TAKES_PAYLOAD:
		break;
	case CLI_TAKES_COMMAND:
		if (!o->command || !o->command[0])
			return cli_usage(verb->name, "it takes URI -- COMMAND [ARG]...");
		break;
	}
	if (!o->word)
		return cli_usage(verb->name, "an argument is missing");
	if (o->from_stdin && buf_len(&o->payload.args))
		return cli_usage(verb->name, "--stdin takes no arguments besides");
	return cli_payload_check(&o->payload);
}

int cli_options_parse(struct cli_options *ret, const struct cli_verb *verb, int argc, char **argv)
{
	int letter, r = 0, n;

	*ret = (struct cli_options){.timeout_ms = -1};
	cli_payload_init(&ret->payload);
	n = options_split(ret, verb, argc, argv);
	optind = 0; /* main() used getopt before: this starts it anew */
	while (r == 0 && !ret->help && (letter = options_next(n, argv)) != -1)
		r = options_take(ret, verb, letter);
	for (int i = optind; r == 0 && !ret->help && i < n; i++)
		r = options_take_word(ret, verb, argv[i]);
	return r || ret->help ? r : options_check(ret, verb);
}

void cli_options_done(struct cli_options *o)
{
	cli_payload_done(&o->payload);
}
