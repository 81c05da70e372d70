/* SPDX-License-Identifier: MIT */

/*
 * The daemon: start and end
 *
 * The start makes everything before it listens; what cannot be made is told
 * and gives the exit code. The end: SIGTERM drains the hub; when every program
 * has its bye and every connection is closed the handles go, the loop ends by
 * itself, and what is left is freed. A second SIGTERM ends the process at once.
 */

#include "daemon/app.h"

#include "base/mem.h"
#include "daemon/derive.h"
#include "daemon/log.h"
#include "daemon/sd.h"
#include "daemon/secure.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define START_SWEEP_MS 1000

/* FileDescriptorName= of the socket unit. */
#define START_SOCKET_NAME "client"

/* ---- signals ---- */

void app_drain(struct app *app, int exit_code)
{
	if (app->stopping)
		return;
	app->stopping = true;
	app->exit_code = exit_code;
	if (exit_code)
		sd_tell_error(0, "a session has given up");
	report_stopping(app);
	app_touch_clock(app);
	listener_close(&app->listener, NULL);
	hub_drain(app->hub);
}

static void start_on_signal(uv_signal_t *handle, int number)
{
	struct app *app = handle->data;

	if (app->stopping) {
		log_line(LOG_LEVEL_NOTICE, "second signal %d: ending at once", number);
		_exit(EX_OK);
	}
	log_line(LOG_LEVEL_INFO, "stopping (signal %d): waiting for %zu connections", number,
		 app->n_conns);
	app_drain(app, EX_OK);
}

static void start_on_hangup(uv_signal_t *handle, int number)
{
	struct app *app = handle->data;

	(void)number;
	app_touch_clock(app);
	if (!app->stopping)
		reload_configuration(app);
}

/* Told as information: at a higher log_level it is not. */
static void start_on_report(uv_signal_t *handle, int number)
{
	struct app *app = handle->data;

	(void)number;
	app_touch_clock(app);
	report_state(app);
}

/* ---- start ---- */

static void start_on_ws_log(const char *line)
{
	log_line(LOG_LEVEL_DEBUG, "libwebsockets: %s", line);
}

static int start_loop(struct app *app)
{
	int r = uv_loop_init(&app->loop);

	if (r < 0)
		return r;
	list_init(&app->conns);
	list_init(&app->more);
	list_init(&app->transports);
	arena_init(&app->settings_text);
	uv_prepare_init(&app->loop, &app->prepare);
	uv_check_init(&app->loop, &app->check);
	uv_idle_init(&app->loop, &app->idle);
	uv_timer_init(&app->loop, &app->timer);
	uv_timer_init(&app->loop, &app->sweep);
	uv_timer_init(&app->loop, &app->alive);
	uv_signal_init(&app->loop, &app->sigterm);
	uv_signal_init(&app->loop, &app->sigint);
	uv_signal_init(&app->loop, &app->sighup);
	uv_signal_init(&app->loop, &app->sigusr1);
	app->sigterm.data = app->sigint.data = app->sighup.data = app->sigusr1.data = app;
	/* What closes without having been opened must not look open. */
	app->listener.closing = true;
	return derive_init(app);
}

static int start_core(struct app *app)
{
	const struct config *config = app->config;
	struct hub_config hub = {
		.limits = reload_limits(config),
		.admin_uid = geteuid(),
		.shutdown_timeout_ms = config->daemon.shutdown_timeout_ms,
		.server = "wampbridge/" WAMPBRIDGE_VERSION,
		.default_session = config->daemon.default_session,
	};
	int r;

	if (getrandom(&app->secret, sizeof(app->secret), 0) < 0 ||
	    getrandom(&app->rng, sizeof(app->rng), 0) < 0)
		return -errno;
	app->read_buffer = mem_realloc(NULL, STREAM_READ_SIZE);
	if (!app->read_buffer)
		return -ENOMEM;
	r = hub_new(&app->hub, &hub, &app->secret, &app->rng);
	if (r == 0)
		r = router_new(&app->router, &app->rng, &app->secret);
	if (r < 0)
		return r;
	app_touch_clock(app);
	rows_make(app);
	for (size_t i = 0; r == 0 && i < config->n_sessions; i++)
		r = transport_new(app, &config->sessions[i]);
	return r;
}

/* 0 or the exit code, with the reason told. */
static int start_ws(struct app *app)
{
	bool needed = false;
	int r;

	for (size_t i = 0; i < app->config->n_sessions; i++)
		needed |= !app->config->sessions[i].embedded;
	if (!needed)
		return 0;
	r = ws_context_new(&app->ws_context, &app->loop, start_on_ws_log);
	if (r == 0)
		return 0;
	log_line(LOG_LEVEL_ERROR,
		 "libwebsockets cannot start on libuv: %s (is the package libwebsockets-evlib-uv "
		 "installed?)",
		 strerror(-r));
	return EX_UNAVAILABLE;
}

/* ---- listening ---- */

/* 0 or the exit code, with the reason told. */
static int start_find_group(const struct config *config, gid_t *ret)
{
	const char *name = config->daemon.socket_group;
	char problem[SECURE_MAX_MESSAGE];
	const struct group *group;

	*ret = (gid_t)-1;
	if (!name)
		return 0;
	group = getgrnam(name);
	if (!group) {
		secure_explain_group(config, problem);
		log_line(LOG_LEVEL_ERROR, "%s", problem);
		return EX_CONFIG;
	}
	*ret = group->gr_gid;
	return 0;
}

/* Why the socket cannot be made, and what helps. */
static const char *start_listen_problem(int error)
{
	switch (error) {
	case -EINVAL:
		return "the path is empty; give an absolute one";
	case -ENAMETOOLONG:
		return "the path is longer than the 107 bytes that the path of a socket may have";
	case -EEXIST:
		return "what is there is no socket; remove it, or listen elsewhere";
	case -ENOENT:
	case -ENOTDIR:
		return "only the last directory of the path is made; make those above it";
	}
	return strerror(-error);
}

static int start_listen_at(struct app *app, const char *path)
{
	gid_t group;
	int r = start_find_group(app->config, &group);

	if (r)
		return r;
	r = listener_open(&app->listener, &app->loop, path, app->config->daemon.socket_mode, group,
			  conn_accept);
	if (r == LISTENER_IN_USE) {
		log_line(LOG_LEVEL_ERROR, "%s: another daemon is listening there", path);
		return EX_UNAVAILABLE;
	}
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "%s: cannot listen: %s", path, start_listen_problem(r));
		return r == -EACCES || r == -EPERM ? EX_NOPERM : EX_CANTCREAT;
	}
	return 0;
}

/* The socket that the service manager holds. */
static int start_adopt(struct app *app, int fd)
{
	struct sockaddr_un address = {0};
	socklen_t n = sizeof(address) - 1;
	struct slice path = SLICE("a socket of the service manager");
	int r;

	if (getsockname(fd, (struct sockaddr *)&address, &n) == 0 && address.sun_path[0])
		path = slice_of(address.sun_path);
	snprintf(app->listen_text, sizeof(app->listen_text), "%.*s", SLICE_ARG(path));
	app->listen = app->listen_text;
	r = listener_adopt(&app->listener, &app->loop, fd, conn_accept);
	if (r == 0)
		return 0;
	log_line(LOG_LEVEL_ERROR, "%.*s: cannot listen: %s", SLICE_ARG(path), strerror(-r));
	return EX_OSERR;
}

static int start_listen(struct app *app)
{
	char why[SD_MAX_MESSAGE] = "";
	int fd = sd_listen_socket(START_SOCKET_NAME, why);

	if (why[0])
		log_line(LOG_LEVEL_WARNING, "%s", why);
	if (fd >= 0)
		return start_adopt(app, fd);
	if (fd != -ENOENT) {
		log_line(LOG_LEVEL_ERROR, "the socket that was passed cannot be used: %s",
			 strerror(-fd));
		return EX_OSERR;
	}
	return start_listen_at(app, app->listen);
}

/* ---- */

static void start_handles(struct app *app)
{
	uint64_t watchdog_ms = sd_watchdog_interval_ms();

	uv_prepare_start(&app->prepare, app_on_prepare);
	uv_check_start(&app->check, app_on_check);
	uv_timer_start(&app->sweep, app_on_sweep, START_SWEEP_MS, START_SWEEP_MS);
	uv_signal_start(&app->sigterm, start_on_signal, SIGTERM);
	uv_signal_start(&app->sigint, start_on_signal, SIGINT);
	uv_signal_start(&app->sighup, start_on_hangup, SIGHUP);
	uv_signal_start(&app->sigusr1, start_on_report, SIGUSR1);
	if (watchdog_ms)
		uv_timer_start(&app->alive, report_alive, 0, watchdog_ms);
}

/*
 * Only now: of an entry by the journal's socket, the journal knows the unit only while the
 * process lives, while standard error is the unit's. What ends a start must not be lost to
 * systemctl status.
 */
static void start_log(const struct app *app)
{
	static const enum log_target targets[] = {
		[CONFIG_LOG_AUTO] = LOG_TARGET_AUTO,
		[CONFIG_LOG_JOURNAL] = LOG_TARGET_JOURNAL,
		[CONFIG_LOG_STDERR] = LOG_TARGET_STDERR,
	};

	log_open(app->options->log_target >= 0 ? (enum log_target)app->options->log_target
					       : targets[app->config->daemon.log_target]);
}

/* TLS files that cannot be used are mistakes of the configuration, told with their lines. */
static void start_tell_unusable(const struct app *app)
{
	struct config_errors errors;

	config_errors_init(&errors);
	if (secure_check(app->config, app->options->credentials, &errors) < 0)
		log_line(LOG_LEVEL_ERROR, "out of memory");
	for (size_t i = 0; i < errors.n; i++)
		log_line(LOG_LEVEL_ERROR, "%s", errors.texts[i]);
	config_errors_done(&errors);
}

/* 0 or the exit code, with the reason told. */
static int start_all(struct app *app)
{
	int r;

	mem_start();
	r = start_core(app);
	if (r == SECURE_UNUSABLE) {
		start_tell_unusable(app);
		return EX_CONFIG;
	}
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot start: %s", strerror(-r));
		return EX_OSERR;
	}
	r = start_ws(app);
	if (r == 0)
		r = start_listen(app);
	if (r)
		return r;
	start_log(app);
	start_handles(app);
	hub_start(app->hub);
	log_line(LOG_LEVEL_INFO, "wampbridged %s listening on %s", WAMPBRIDGE_VERSION, app->listen);
	report_ready(app);
	return 0;
}

/* ---- end ---- */

void app_stop(struct app *app)
{
	uv_handle_t *handles[] = {
		(uv_handle_t *)&app->prepare, (uv_handle_t *)&app->check,
		(uv_handle_t *)&app->idle,    (uv_handle_t *)&app->timer,
		(uv_handle_t *)&app->sweep,   (uv_handle_t *)&app->alive,
		(uv_handle_t *)&app->sigterm, (uv_handle_t *)&app->sigint,
		(uv_handle_t *)&app->sighup,  (uv_handle_t *)&app->sigusr1,
	};

	app->stopped = true;
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		uv_close(handles[i], NULL);
	derive_stop(app);
	listener_close(&app->listener, NULL);
	if (app->ws_context)
		ws_context_stop(app->ws_context);
}

static void start_undo(struct app *app)
{
	ws_context_free(app->ws_context);
	hub_free(app->hub);
	list_for_each_safe (i, &app->transports)
		transport_free(CONTAINER_OF(i, struct transport, node));
	router_free(app->router);
	rows_done(app);
	if (app->latest != app->config)
		config_free((struct config *)app->latest);
	mem_free(app->read_buffer);
	if (uv_loop_close(&app->loop) < 0)
		log_line(LOG_LEVEL_DEBUG, "the loop had handles left");
}

int app_run(const struct config *config, const struct app_options *options)
{
	struct app *app = mem_alloc(sizeof(*app));
	bool leaves_thread;
	int r;

	if (!app)
		return EX_OSERR;
	app->options = options;
	app->config = app->latest = config;
	app->listen = options->listen ? options->listen : config->daemon.listen;
	reload_set_log_level(app);
	if (start_loop(app) < 0) {
		mem_free(app);
		return EX_UNAVAILABLE;
	}
	r = start_all(app);
	if (r) {
		sd_tell_error(0, "cannot start, see the log");
		app_stop(app);
	}
	uv_run(&app->loop, UV_RUN_DEFAULT);
	if (r == 0)
		r = app->exit_code;
	leaves_thread = app->leaves_thread;
	start_undo(app);
	mem_free(app);
	if (r == 0)
		log_line(LOG_LEVEL_INFO, "stopped");
	/* Nobody waits for a key that nobody wants; what exit() takes down, the thread still uses.
	 */
	if (leaves_thread)
		_exit(r);
	return r;
}
