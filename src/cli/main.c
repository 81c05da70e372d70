/* SPDX-License-Identifier: MIT */

/*
 * wampctl: one table of commands
 */

#include "cli/cli.h"

#include <getopt.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const struct cli_verb main_verbs[] = {
	{"call", NULL, CLI_TAKES_PAYLOAD, "kKstf", "call a procedure",
	 "call [OPTION]... URI [ARG]...",
	 "Calls a procedure and prints its results, one a line; keyword results too, as one "
	 "object.\n"
	 "\n"
	 "  -k, --key KEY=VALUE    a keyword argument\n"
	 "      --kwargs JSON      keyword arguments as an object\n"
	 "  -s, --string ARG       an argument that is a string, whatever it looks like\n"
	 "      --timeout SECONDS  give up after that long (exit 124)\n"
	 "      --full             print {\"args\":...,\"kwargs\":...}\n"
	 "\n"
	 "An ARG or VALUE is JSON if it reads as JSON, else a string.\n",
	 cli_call},
	{"publish", "pub", CLI_TAKES_PAYLOAD, "kKsaxi", "publish an event",
	 "publish [OPTION]... TOPIC [ARG]...",
	 "Publishes an event.\n"
	 "\n"
	 "  -k, --key KEY=VALUE    a keyword argument\n"
	 "      --kwargs JSON      keyword arguments as an object\n"
	 "  -s, --string ARG       an argument that is a string, whatever it looks like\n"
	 "      --ack              wait for the router, print the publication's id\n"
	 "      --no-exclude-me    to subscribers of this connection, too\n"
	 "      --stdin            one event for each line of standard input, its one argument\n"
	 "\n"
	 "An ARG, VALUE or line is JSON if it reads as JSON, else a string.\n",
	 cli_publish},
	{"subscribe", "sub", CLI_TAKES_WORD, "ntf", "print events", "subscribe [OPTION]... TOPIC",
	 "Prints the arguments of each event as one JSON array a line; with keyword arguments, "
	 "the\n"
	 "object that --full prints.\n"
	 "\n"
	 "      --count N          stop after N events\n"
	 "      --timeout SECONDS  stop (exit 124) when no event comes for that long\n"
	 "      --full             print {\"args\":...,\"kwargs\":...}\n",
	 cli_subscribe},
	{"register", NULL, CLI_TAKES_COMMAND, "c", "serve a procedure by a command",
	 "register [OPTION]... URI -- COMMAND [ARG]...",
	 "Serves a procedure by a command, run once for each call.\n"
	 "\n"
	 "      --concurrency N    commands that may run at once (8); beyond it callers are\n"
	 "                         told wamp.error.unavailable\n"
	 "\n"
	 "The command is not given to a shell. Its standard input is the array of arguments as\n"
	 "one line of JSON; WAMP_PROCEDURE, WAMP_KWARGS and, if known, WAMP_CALLER,\n"
	 "WAMP_CALLER_AUTHID, WAMP_CALLER_AUTHROLE and WAMP_TIMEOUT_MS are set. Its output is\n"
	 "the result: one JSON value as it is, other text as a string without its last newline,\n"
	 "nothing as no result. An exit status other than 0 is the error\n"
	 "wamp.error.runtime_error. SIGINT and SIGTERM end it (exit 0).\n",
	 cli_register},
	{"status", NULL, CLI_TAKES_NOTHING, "j", "what the daemon is doing", "status [--json]",
	 "Shows the daemon, its router sessions and its clients.\n"
	 "\n"
	 "      --json             for programs\n",
	 cli_status},
	{"list", NULL, CLI_TAKES_WORD, "j", "rows of one kind", "list [--json] WHAT",
	 "Prints a table of sessions, clients, registrations, subscriptions, calls, limits,\n"
	 "config or errors.\n"
	 "\n"
	 "      --json             for programs: one JSON object a line\n",
	 cli_list},
	{"watch", NULL, CLI_TAKES_NOTHING, "jntS", "states of router sessions as they change",
	 "watch [OPTION]...",
	 "Prints the state of each router session, and then each change, one a line.\n"
	 "\n"
	 "      --session NAME     only that one\n"
	 "      --count N          stop after N lines\n"
	 "      --timeout SECONDS  stop (exit 124) when nothing changes for that long\n"
	 "      --json             for programs: one JSON object a line\n",
	 cli_watch},
	{"wait", NULL, CLI_TAKES_NOTHING, "tS", "wait until a router session is joined",
	 "wait [OPTION]...",
	 "Waits until the session is joined.\n"
	 "\n"
	 "      --session NAME     which one, instead of the daemon's default\n"
	 "      --timeout SECONDS  give up after that long (exit 124)\n",
	 cli_wait},
	{"raw", NULL, CLI_TAKES_LINES, "", "lines of the protocol by hand", "raw",
	 "Sends each line of standard input to the daemon and prints each line that it sends,\n"
	 "both as they are (wampbridge-protocol(7)). At the end of input the daemon answers\n"
	 "what is open; it ends when the daemon closes.\n",
	 cli_raw},
};

static const char main_options_help[] =
	"  help         this text, or that of a command\n"
	"\n"
	"      --socket PATH    the daemon's socket ($WAMPBRIDGE_SOCKET)\n"
	"      --session NAME   the router session to use\n"
	"  -V, --version        the version\n"
	"  -h, --help           this text; \"wampctl COMMAND --help\" for a command\n"
	"\n"
	"Exit status: 0 done, 1 the procedure returned an error, 64 usage, 65 bad JSON, 69 no\n"
	"daemon, 75 may succeed later, 76 protocol, 77 not allowed, 124 timeout. See wampctl(1).\n";

static int main_help(void)
{
	printf("Usage: wampctl [--socket PATH] [--session NAME] COMMAND ...\n"
	       "Talks WAMP through wampbridged.\n"
	       "\n");
	for (size_t i = 0; i < ARRAY_SIZE(main_verbs); i++)
		printf("  %-12s %s\n", main_verbs[i].name, main_verbs[i].summary);
	fputs(main_options_help, stdout);
	return EX_OK;
}

static int main_verb_help(const struct cli_verb *verb)
{
	printf("Usage: wampctl %s\n%s", verb->usage, verb->help);
	return EX_OK;
}

static const struct cli_verb *main_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(main_verbs); i++)
		if (strcmp(name, main_verbs[i].name) == 0 ||
		    (main_verbs[i].alias && strcmp(name, main_verbs[i].alias) == 0))
			return &main_verbs[i];
	return NULL;
}

static int main_run_verb(struct cli *cli, const struct cli_verb *verb, int argc, char **argv)
{
	CLEANUP(cli_options_done) struct cli_options options;
	int r = cli_options_parse(&options, verb, argc, argv);

	if (r)
		return r;
	if (options.help)
		return main_verb_help(verb);
	r = cli_connect(cli);
	if (r == 0 && verb->takes != CLI_TAKES_LINES)
		r = cli_hello(cli);
	if (r == 0)
		r = verb->run(cli, &options);
	wampbridge_close(cli->client);
	return r;
}

static int main_run(struct cli *cli, int argc, char **argv)
{
	bool is_help = argc > 0 && strcmp(argv[0], "help") == 0;
	const char *name = is_help ? argv[1] : argc > 0 ? argv[0] : NULL;
	const struct cli_verb *verb = name ? main_find(name) : NULL;

	if (is_help && !name)
		return main_help();
	if (!name)
		return cli_usage(NULL, "a command is missing");
	if (!verb)
		return cli_usage(NULL, "unknown command \"%s\"", name);
	if (is_help)
		return main_verb_help(verb);
	argv[0] = (char *)"wampctl"; /* getopt_long() begins its complaints with it */
	return main_run_verb(cli, verb, argc, argv);
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

	/* Some parents ignore it; then a reader's end would not end us. */
	signal(SIGPIPE, SIG_DFL);
	/* Commands get what the contract of exec says, and no descriptor that we were left. */
	(void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
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
			return cli_flush();
		case 'h':
			main_help();
			return cli_flush();
		default:
			return EX_USAGE;
		}
	}
	r = main_run(&cli, argc - optind, argv + optind);
	return r ? r : cli_flush();
}
