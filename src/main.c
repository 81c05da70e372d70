/* SPDX-License-Identifier: MIT */

/*
 * wampbridged: arguments, configuration, then the daemon
 */

#include "config/config.h"
#include "daemon/app.h"
#include "daemon/log.h"

#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <yaml.h>

static const char *arg_file;
static const char *arg_dir;
static const char *arg_listen;
static int arg_log_level = -1;
static bool arg_check;
static bool arg_quiet;

static const char main_help[] =
	"Usage: wampbridged [OPTION]...\n"
	"Gives local programs WAMP through a Unix socket, one JSON object per line.\n"
	"\n"
	"  -c, --config FILE      read FILE and nothing else\n"
	"  -C, --config-dir DIR   read DIR/wampbridge.yaml and DIR/conf.d/*.yaml\n"
	"  -t, --check-config     check the configuration, print every mistake, exit 0 or 78\n"
	"      --quiet            with --check-config: print nothing if it is right\n"
	"      --listen PATH      listen there instead of daemon.listen\n"
	"      --log-level LEVEL  error, warning, notice, info or debug\n"
	"  -V, --version          versions of program, protocol and libraries\n"
	"  -h, --help             this text\n"
	"\n"
	"Without a configuration file one session named \"default\" lives on the router that is\n"
	"built in. The daemon stays in the foreground; SIGTERM ends it in order, a second one at "
	"once.\n"
	"See wampbridged(8), wampbridge.yaml(5), wampbridge-protocol(7), wampctl(1).\n";

static int main_version(void)
{
	printf("wampbridged %s\n", WAMPBRIDGE_VERSION);
	printf("protocol 1.0\n");
	printf("libuv %s\n", uv_version_string());
	printf("libwebsockets %s\n", lws_get_library_version());
	printf("jansson %s\n", JANSSON_VERSION);
	printf("libyaml %s\n", yaml_get_version_string());
	return EX_OK;
}

static int main_usage(const char *text, const char *what)
{
	fprintf(stderr, "wampbridged: %s%s\nTry \"wampbridged --help\".\n", text, what);
	return EX_USAGE;
}

enum { OPTION_QUIET = 256, OPTION_LISTEN, OPTION_LOG_LEVEL };

/* -1 to go on, or the exit code. */
static int main_option(int c)
{
	switch (c) {
	case 'c':
		arg_file = optarg;
		return -1;
	case 'C':
		arg_dir = optarg;
		return -1;
	case 't':
		arg_check = true;
		return -1;
	case OPTION_QUIET:
		arg_quiet = true;
		return -1;
	case OPTION_LISTEN:
		arg_listen = optarg;
		return -1;
	case OPTION_LOG_LEVEL:
		arg_log_level = log_level_from_name(optarg);
		if (arg_log_level >= 0)
			return -1;
		return main_usage("--log-level must be error, warning, notice, info or debug, not ",
				  optarg);
	case 'V':
		return main_version();
	case 'h':
		fputs(main_help, stdout);
		return EX_OK;
	}
	return main_usage("", "wrong option");
}

static int main_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"config-dir", required_argument, NULL, 'C'},
		{"check-config", no_argument, NULL, 't'},
		{"quiet", no_argument, NULL, OPTION_QUIET},
		{"listen", required_argument, NULL, OPTION_LISTEN},
		{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c, r = -1;

	while (r < 0 && (c = getopt_long(argc, argv, "c:C:tVh", options, NULL)) != -1)
		r = main_option(c);
	if (r >= 0)
		return r;
	if (optind < argc)
		return main_usage("there are no arguments, but: ", argv[optind]);
	if (arg_file && arg_dir)
		return main_usage("", "--config and --config-dir exclude each other");
	return -1;
}

/* Root's daemon is the system's; anybody else's lives where the user's sockets are. */
static const char *main_default_listen(char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || !runtime || !*runtime)
		return NULL;
	snprintf(path, size, "%s/wampbridge/wampbridge.sock", runtime);
	return path;
}

static int main_load(struct config **ret, const char *default_listen)
{
	struct config_source source = {
		.file = arg_file,
		.dir = arg_dir,
		.default_listen = default_listen,
	};
	struct config_errors errors;
	int r;

	config_errors_init(&errors);
	r = config_load(ret, &source, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%s\n", errors.texts[i]);
	config_errors_done(&errors);
	if (r < 0)
		fprintf(stderr, "wampbridged: the configuration cannot be read: %s\n",
			strerror(-r));
	return r == 0 ? EX_OK : EX_CONFIG;
}

/*
 * A standard descriptor that is closed would be the number of the first socket,
 * which libuv refuses to close, and on which the log would be written.
 */
static void main_open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct config *config = NULL;
	char listen[4096];
	int r;

	main_open_standard_descriptors();
	r = main_arguments(argc, argv);

	if (r >= 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	r = main_load(&config, main_default_listen(listen, sizeof(listen)));
	if (r != EX_OK)
		return r;
	if (arg_check) {
		if (!arg_quiet)
			puts("configuration is valid");
	} else {
		log_set_level(arg_log_level >= 0 ? arg_log_level : config->daemon.log_level);
		r = app_run(config, arg_listen);
	}
	config_free(config);
	return r;
}
