/* SPDX-License-Identifier: MIT */

/*
 * wampbridged: arguments, configuration, then the daemon
 */

#include "auth/crypto.h"
#include "config/config.h"
#include "daemon/app.h"
#include "daemon/log.h"
#include "daemon/secure.h"

#include <fcntl.h>
#include <getopt.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>
#include <yaml.h>

static struct app_options arg_options = {.log_level = -1, .log_target = -1};
static bool arg_check;
static bool arg_dump;
static bool arg_quiet;

#ifdef __SANITIZE_ADDRESS__
/*
 * Freed memory is kept back to find who uses it still; with the usual 256 MiB
 * nobody could see any more whether memory goes back.
 */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16";
}
#endif

static const char main_help[] =
	"Usage: wampbridged [OPTION]...\n"
	"Gives local programs WAMP through a Unix socket, one JSON object per line.\n"
	"\n"
	"  -c, --config FILE      read FILE and nothing else\n"
	"  -C, --config-dir DIR   read DIR/wampbridge.yaml and DIR/conf.d/*.yaml\n"
	"  -t, --check-config     check the configuration, print every mistake, exit 0 or 78\n"
	"      --quiet            with --check-config: print nothing if it is right\n"
	"      --dump-config      print every value and where it stands, then exit\n"
	"      --listen PATH      listen there instead of daemon.listen\n"
	"      --log-level LEVEL  error, warning, notice, info or debug\n"
	"      --log-target WHERE journal, stderr or auto\n"
	"  -V, --version          versions of program, protocol and libraries\n"
	"  -h, --help             this text\n"
	"\n"
	"Without a configuration file one session named \"default\" lives on the router that is\n"
	"built in. The daemon stays in the foreground; SIGTERM ends it in order, a second one at "
	"once;\n"
	"SIGHUP reads log level and limits again; SIGUSR1 writes the state to the log.\n"
	"See wampbridged(8), wampbridge.yaml(5), wampbridge-protocol(7), wampctl(1).\n";

static int main_version(void)
{
	printf("wampbridged %s\n", WAMPBRIDGE_VERSION);
	printf("protocol 1.0\n");
	printf("features tls auth:ticket auth:wampcra systemd\n");
	printf("libuv %s\n", uv_version_string());
	printf("libwebsockets %s\n", lws_get_library_version());
	printf("libyaml %s\n", yaml_get_version_string());
	printf("OpenSSL %s\n", crypto_library_version());
	return EX_OK;
}

static int main_usage(const char *text, const char *what)
{
	fprintf(stderr, "wampbridged: %s%s\nTry \"wampbridged --help\".\n", text, what);
	return EX_USAGE;
}

enum { OPTION_QUIET = 256, OPTION_DUMP, OPTION_LISTEN, OPTION_LOG_LEVEL, OPTION_LOG_TARGET };

static int main_log_level(const char *name)
{
	arg_options.log_level = log_level_from_name(name);
	if (arg_options.log_level >= 0)
		return -1;
	return main_usage("--log-level must be error, warning, notice, info or debug, not ", name);
}

static int main_log_target(const char *name)
{
	static const char *const names[] = {"auto", "journal", "stderr"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			arg_options.log_target = (int)i;
	if (arg_options.log_target >= 0)
		return -1;
	return main_usage("--log-target must be journal, stderr or auto, not ", name);
}

/* -1 to go on, or the exit code. */
static int main_option(int c)
{
	switch (c) {
	case 'c':
		arg_options.source.file = optarg;
		return -1;
	case 'C':
		arg_options.source.dir = optarg;
		return -1;
	case 't':
		arg_check = true;
		return -1;
	case OPTION_QUIET:
		arg_quiet = true;
		return -1;
	case OPTION_DUMP:
		arg_dump = true;
		return -1;
	case OPTION_LISTEN:
		arg_options.listen = optarg;
		return -1;
	case OPTION_LOG_LEVEL:
		return main_log_level(optarg);
	case OPTION_LOG_TARGET:
		return main_log_target(optarg);
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
		{"dump-config", no_argument, NULL, OPTION_DUMP},
		{"listen", required_argument, NULL, OPTION_LISTEN},
		{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
		{"log-target", required_argument, NULL, OPTION_LOG_TARGET},
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
	if (arg_options.source.file && arg_options.source.dir)
		return main_usage("", "--config and --config-dir exclude each other");
	return -1;
}

/* Root's daemon is the system's; anybody else's lives where the user's sockets are. */
static const char *main_default_listen(char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	/* One that is not absolute counts as none (XDG base directory specification). */
	if (geteuid() == 0 || !runtime || *runtime != '/')
		return NULL;
	snprintf(path, size, "%s/wampbridge/wampbridge.sock", runtime);
	return path;
}

/*
 * A check may run where there are no credentials, and the service manager lets
 * only the service's main process look at them: then it passes over them.
 */
static const char *main_credentials(void)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	/* An empty name would be that of the root directory. */
	if (directory && !*directory)
		directory = NULL;
	if (arg_check && (!directory || access(directory, R_OK | X_OK) < 0))
		return SECRET_UNSEEN;
	return directory;
}

/* Mistakes go to standard error; warnings to the log, or there too. */
static void main_tell(const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		if (arg_check || arg_dump)
			fprintf(stderr, "%s\n", errors->texts[i]);
		else
			log_line(LOG_LEVEL_ERROR, "%s", errors->texts[i]);
	}
	for (size_t i = 0; i < errors->n_warnings && !arg_quiet; i++) {
		if (arg_check || arg_dump)
			fprintf(stderr, "%s: warning\n", errors->warnings[i]);
		else
			log_line(LOG_LEVEL_WARNING, "%s", errors->warnings[i]);
	}
}

/*
 * Secrets are looked at before the start; TLS files are read by it, and only a
 * check by itself reads them too.
 */
static int main_check_files(const struct config *config, struct config_errors *errors)
{
	if (arg_dump)
		return 0;
	return arg_check ? secure_check(config, arg_options.credentials, errors)
			 : config_check_secrets(config, arg_options.credentials, errors);
}

static int main_load(struct config **ret)
{
	struct config_errors errors;
	int r;

	config_errors_init(&errors);
	r = config_load(ret, &arg_options.source, &errors);
	if (r == 0)
		r = main_check_files(*ret, &errors);
	if (r == 0 && errors.n)
		r = CONFIG_INVALID;
	main_tell(&errors);
	config_errors_done(&errors);
	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "the configuration cannot be read: %s", strerror(-r));
	return r == 0 ? EX_OK : EX_CONFIG;
}

static int main_dump(const struct config *config)
{
	struct buf out = BUF_INIT(64u << 20);
	int r = config_dump(config, &out);

	if (r == 0)
		fwrite(out.data, 1, buf_len(&out), stdout);
	buf_done(&out);
	return r == 0 && fflush(stdout) == 0 ? EX_OK : EX_OSERR;
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

/*
 * What a log that cannot be written sends: at a reader who is gone, at a limit on
 * the size of files, and at a terminal that wants no words from the background.
 */
static void main_ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
}

/*
 * No core file, and no other process of this user, shall hold what the memory does:
 * secrets, headers, keys of TLS. The leak checker of a sanitizer build has to look
 * into the process.
 */
static void main_hide_memory(void)
{
	static const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__)
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int main_run(const struct config *config)
{
	if (arg_dump)
		return main_dump(config);
	if (arg_check) {
		if (!arg_quiet)
			puts("configuration is valid");
		return EX_OK;
	}
	return app_run(config, &arg_options);
}

int main(int argc, char **argv)
{
	struct config *config = NULL;
	char listen[4096];
	int r;

	main_open_standard_descriptors();
	main_hide_memory();
	r = main_arguments(argc, argv);
	if (r >= 0)
		return r;
	main_ignore_signals();
	arg_options.source.default_listen = main_default_listen(listen, sizeof(listen));
	arg_options.credentials = main_credentials();
	r = main_load(&config);
	if (r == EX_OK)
		r = main_run(config);
	config_free(config);
	log_close();
	return r;
}
