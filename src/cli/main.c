/* SPDX-License-Identifier: MIT */

/*
 * wampctl: one table of commands
 */

#include "cli/cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

static const struct cli_verb main_verbs[] = {
	{"call", NULL, "call [OPTION]... URI [ARG]...",
	 "Calls a procedure and prints its results, one a line.\n"
	 "\n"
	 "  -k, --key KEY=VALUE    a keyword argument\n"
	 "      --kwargs JSON      keyword arguments as an object\n"
	 "  -s, --string ARG       an argument that is a string, whatever it looks like\n"
	 "      --timeout SECONDS  give up after that long (exit 124)\n"
	 "      --full             print {\"args\":...,\"kwargs\":...}\n"
	 "\n"
	 "An ARG or VALUE is JSON if it reads as JSON, else a string. Negative numbers follow "
	 "\"--\".\n",
	 cli_call},
	{"publish", "pub", "publish [OPTION]... TOPIC [ARG]...",
	 "Publishes an event.\n"
	 "\n"
	 "  -k, --key KEY=VALUE    a keyword argument\n"
	 "      --kwargs JSON      keyword arguments as an object\n"
	 "  -s, --string ARG       an argument that is a string\n"
	 "      --ack              wait for the router, print the publication's id\n"
	 "      --stdin            one event for each line of standard input, its one argument\n",
	 cli_publish},
	{"subscribe", "sub", "subscribe [OPTION]... TOPIC",
	 "Prints the arguments of each event as one JSON array a line.\n"
	 "\n"
	 "      --count N          stop after N events\n"
	 "      --timeout SECONDS  stop (exit 124) when no event comes for that long\n"
	 "      --full             print {\"args\":...,\"kwargs\":...}\n",
	 cli_subscribe},
	{"register", NULL, "register [OPTION]... URI -- COMMAND [ARG]...",
	 "Serves a procedure by a command, run once for each call.\n"
	 "\n"
	 "      --concurrency N    commands that may run at once (8); beyond it callers are\n"
	 "                         told wamp.error.unavailable\n"
	 "\n"
	 "The command is not given to a shell. Its standard input is the array of arguments as "
	 "one\n"
	 "line of JSON; WAMP_PROCEDURE and WAMP_KWARGS are set. Its output is the result: one "
	 "JSON\n"
	 "value as it is, other text as a string without its last newline, nothing as no result. "
	 "An\n"
	 "exit status other than 0 is the error wamp.error.runtime_error.\n",
	 cli_register},
	{"status", NULL, "status [--json]",
	 "Shows the daemon, its router sessions and its clients.\n"
	 "\n"
	 "      --json             for programs\n",
	 cli_status},
	{"list", NULL, "list WHAT",
	 "Prints rows as JSON, one a line: sessions, clients, registrations, subscriptions, "
	 "calls,\n"
	 "limits or errors.\n",
	 cli_list},
	{"wait", NULL, "wait [--timeout SECONDS]",
	 "Waits until the session is joined (exit 124 if it is not in time).\n", cli_wait},
};

static const char main_help[] =
	"Usage: wampctl [--socket PATH] [--session NAME] COMMAND ...\n"
	"Talks WAMP through wampbridged.\n"
	"\n"
	"  call         call a procedure\n"
	"  publish      publish an event\n"
	"  subscribe    print events\n"
	"  register     serve a procedure by a command\n"
	"  status       what the daemon is doing\n"
	"  list         rows of one kind\n"
	"  wait         wait until a router session is joined\n"
	"\n"
	"      --socket PATH    the daemon's socket ($WAMPBRIDGE_SOCKET)\n"
	"      --session NAME   the router session to use\n"
	"  -V, --version        the version\n"
	"  -h, --help           this text; \"wampctl COMMAND --help\" for a command\n"
	"\n"
	"Exit status: 0 done, 1 the procedure returned an error, 64 usage, 65 bad JSON, 69 no "
	"daemon,\n"
	"75 may succeed later, 76 protocol, 77 not allowed, 124 timeout. See wampctl(1).\n";

static const struct cli_verb *main_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(main_verbs); i++)
		if (strcmp(name, main_verbs[i].name) == 0 ||
		    (main_verbs[i].alias && strcmp(name, main_verbs[i].alias) == 0))
			return &main_verbs[i];
	return NULL;
}

int cli_usage(const char *verb, const char *format, ...)
{
	va_list args;

	fputs("wampctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry \"wampctl %s%s--help\".\n", verb ? verb : "", verb ? " " : "");
	return EX_USAGE;
}

int cli_help(const char *name)
{
	const struct cli_verb *verb = main_find(name);

	printf("Usage: wampctl %s\n%s", verb->usage, verb->help);
	return EX_OK;
}

static int main_run(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *verb;
	int r;

	if (argc < 1)
		return cli_usage(NULL, "a command is missing");
	if (strcmp(argv[0], "help") == 0) {
		verb = argc > 1 ? main_find(argv[1]) : NULL;
		if (verb)
			return cli_help(verb->name);
		fputs(main_help, stdout);
		return EX_OK;
	}
	verb = main_find(argv[0]);
	if (!verb)
		return cli_usage(NULL, "unknown command \"%s\"", argv[0]);
	optind = 0;
	r = verb->run(cli, argc, argv);
	wampbridge_close(cli->client);
	return r;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 'S'},
		{"session", required_argument, NULL, 'N'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct cli cli = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "+Vh", options, NULL)) != -1) {
		switch (c) {
		case 'S':
			cli.socket = optarg;
			break;
		case 'N':
			cli.session = optarg;
			break;
		case 'V':
			printf("wampctl %s\n", WAMPBRIDGE_VERSION);
			return EX_OK;
		case 'h':
			fputs(main_help, stdout);
			return EX_OK;
		default:
			return EX_USAGE;
		}
	}
	r = main_run(&cli, argc - optind, argv + optind);
	if (fflush(stdout) != 0 && r == EX_OK)
		r = EX_IOERR;
	return r;
}
