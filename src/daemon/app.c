/* SPDX-License-Identifier: MIT */

/*
 * The daemon: loop, turn, start and end
 *
 * One turn of the loop: callbacks bring bytes and timeouts to the hub, which
 * answers into queues. Before the loop waits again, app_settle() fulfils
 * wishes, pumps the embedded router, wakes held connections, and writes every
 * dirty connection once.
 *
 * The end: SIGTERM drains the hub; when every program has its bye and every
 * connection is closed the handles go, the loop ends by itself, and what is
 * left is freed. A second SIGTERM ends the process at once.
 */

#include "daemon/app.h"

#include "base/heap.h"
#include "base/mem.h"
#include "daemon/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define APP_SWEEP_MS 1000

/* Descriptors kept for routers, the loop and the log. */
#define APP_RESERVED_FDS 64

void app_touch_clock(struct app *app)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME_COARSE, &wall);
	hub_set_time(app->hub, uv_now(&app->loop),
		     (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000);
}

/* ---- the embedded router ---- */

static bool app_pump_router(struct app *app)
{
	struct router_session *to;
	struct session_event event;
	struct wamp_msg msg;
	bool any = false;

	while (router_next(app->router, &to, &msg)) {
		struct transport *t = router_session_owner(to);
		struct session *session = hub_link_session(t->link);

		any = true;
		session_recv(session, &msg);
		while (session_next_event(session, &event))
			hub_link_event(t->link, &event);
	}
	return any;
}

bool app_pump(struct app *app)
{
	bool any, ever = false;

	do {
		any = false;
		list_for_each (i, &app->transports)
			any |= transport_pump(CONTAINER_OF(i, struct transport, node));
		any |= app_pump_router(app);
		ever |= any;
	} while (any);
	if (!ever)
		return false;
	router_settle(app->router);
	list_for_each (i, &app->transports) {
		struct transport *t = CONTAINER_OF(i, struct transport, node);

		if (t->embedded)
			session_settle(hub_link_session(t->link));
	}
	return true;
}

/* ---- the turn ---- */

static bool app_fulfil_wishes(struct app *app)
{
	struct link *link;
	bool any = false;
	int wish;

	while ((wish = hub_next_wish(app->hub, &link))) {
		transport_fulfil(hub_link_owner(link), wish);
		any = true;
	}
	return any;
}

static bool app_wake_held(struct app *app)
{
	struct peer *peer;
	bool any = false;

	while ((peer = hub_next_ready(app->hub))) {
		conn_serve(hub_peer_owner(peer));
		any = true;
	}
	return any;
}

static void app_take_notes(struct app *app)
{
	struct slice text;
	int level;

	while (hub_next_note(app->hub, &level, &text))
		log_text(level, text);
}

static void app_flush(struct app *app)
{
	struct peer *peer;
	struct link *link;

	while ((peer = hub_next_dirty_peer(app->hub)))
		conn_flush(hub_peer_owner(peer));
	while ((link = hub_next_dirty_link(app->hub)))
		transport_flush(hub_link_owner(link));
}

static void app_stop(struct app *app);

static void app_on_idle(uv_idle_t *idle)
{
	struct app *app = CONTAINER_OF(idle, struct app, idle);
	struct list turn;

	/* Those that still have input afterwards join the list anew, behind the others. */
	list_init(&turn);
	list_splice(&turn, &app->more);
	app_touch_clock(app);
	while (!list_is_empty(&turn)) {
		struct conn *c = list_first(&turn, struct conn, more);

		list_unlink(&c->more);
		conn_serve(c);
	}
}

static void app_keep_awake(struct app *app)
{
	bool wanted = !list_is_empty(&app->more);

	if (wanted && !app->idling)
		uv_idle_start(&app->idle, app_on_idle);
	else if (!wanted && app->idling)
		uv_idle_stop(&app->idle);
	app->idling = wanted;
}

static void app_on_deadline(uv_timer_t *timer)
{
	struct app *app = CONTAINER_OF(timer, struct app, timer);

	app_touch_clock(app);
	hub_expire(app->hub);
}

static void app_arm_timer(struct app *app)
{
	uint64_t deadline = hub_deadline(app->hub);
	uint64_t now = uv_now(&app->loop);

	if (deadline == NEVER_MS)
		uv_timer_stop(&app->timer);
	else
		uv_timer_start(&app->timer, app_on_deadline, deadline > now ? deadline - now : 0,
			       0);
}

void app_settle(struct app *app)
{
	bool any;

	do {
		any = app_fulfil_wishes(app);
		any |= app_pump(app);
		any |= app_wake_held(app);
	} while (any);
	app_flush(app);
	app_take_notes(app);
	app_keep_awake(app);
	app_arm_timer(app);
	if (hub_drain_state(app->hub) == HUB_DRAIN_OVER && !app->n_conns && !app->stopped)
		app_stop(app);
}

static void app_on_check(uv_check_t *check)
{
	struct app *app = CONTAINER_OF(check, struct app, check);

	if (!app->stopped)
		app_settle(app);
}

static void app_on_prepare(uv_prepare_t *prepare)
{
	struct app *app = CONTAINER_OF(prepare, struct app, prepare);

	if (!app->stopped)
		app_settle(app);
}

static void app_on_sweep(uv_timer_t *timer)
{
	struct app *app = CONTAINER_OF(timer, struct app, sweep);
	uint64_t now = uv_now(&app->loop);

	app_touch_clock(app);
	list_for_each_safe (i, &app->conns)
		conn_sweep(CONTAINER_OF(i, struct conn, node), now);
	list_for_each (i, &app->transports)
		transport_sweep(CONTAINER_OF(i, struct transport, node), now);
}

/* ---- start ---- */

/* More connections than descriptors would be closed unheard by the loop: the limit stays below. */
static unsigned app_max_connections(unsigned wanted)
{
	struct rlimit limit;
	rlim_t need = (rlim_t)wanted + APP_RESERVED_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return wanted;
	if (limit.rlim_cur < need) {
		limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= need)
		return wanted;
	need = limit.rlim_cur > 2 * APP_RESERVED_FDS ? limit.rlim_cur - APP_RESERVED_FDS
						     : APP_RESERVED_FDS;
	log_line(
		LOG_LEVEL_WARNING,
		"max_connections %u needs more file descriptors than the limit of %llu: %llu it is "
		"(raise LimitNOFILE=)",
		wanted, (unsigned long long)limit.rlim_cur, (unsigned long long)need);
	return (unsigned)need;
}

static struct hub_config app_hub_config(const struct config *config)
{
	const struct config_limits *l = &config->limits;

	return (struct hub_config){
		.limits =
			{
				.max_line = l->max_line,
				.max_inflight = l->max_inflight,
				.max_registrations = l->max_registrations,
				.max_subscriptions = l->max_subscriptions,
				.subscription_queue = l->subscription_queue,
				.output_soft_limit = l->output_soft_limit,
				.output_hard_limit = l->output_hard_limit,
				.bad_lines = l->bad_lines,
			},
		.max_connections = app_max_connections(l->max_connections),
		.stall_timeout_ms = l->stall_timeout_ms,
		.shutdown_timeout_ms = config->daemon.shutdown_timeout_ms,
		.server = "wampbridge/" WAMPBRIDGE_VERSION,
		.default_session = config->daemon.default_session,
	};
}

static void app_on_ws_log(const char *line)
{
	log_line(LOG_LEVEL_DEBUG, "libwebsockets: %s", line);
}

static void app_on_signal(uv_signal_t *handle, int number)
{
	struct app *app = handle->data;

	if (app->stopping) {
		log_line(LOG_LEVEL_NOTICE, "second signal %d: ending at once", number);
		if (app->listener.path)
			unlink(app->listener.path);
		_exit(EX_OK);
	}
	log_line(LOG_LEVEL_INFO, "stopping (signal %d): waiting for %zu connections", number,
		 app->n_conns);
	app->stopping = true;
	app_touch_clock(app);
	listener_close(&app->listener, NULL);
	hub_drain(app->hub);
}

/* What usually means "reload" must at least not end the daemon. */
static void app_on_hangup(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	log_line(LOG_LEVEL_WARNING,
		 "SIGHUP: this version does not reload; restart it to read the configuration");
}

static int app_init_loop(struct app *app)
{
	int r = uv_loop_init(&app->loop);

	if (r < 0)
		return r;
	list_init(&app->conns);
	list_init(&app->more);
	list_init(&app->transports);
	uv_prepare_init(&app->loop, &app->prepare);
	uv_check_init(&app->loop, &app->check);
	uv_idle_init(&app->loop, &app->idle);
	uv_timer_init(&app->loop, &app->timer);
	uv_timer_init(&app->loop, &app->sweep);
	uv_signal_init(&app->loop, &app->sigterm);
	uv_signal_init(&app->loop, &app->sigint);
	uv_signal_init(&app->loop, &app->sighup);
	app->sigterm.data = app->sigint.data = app;
	return 0;
}

static int app_init_core(struct app *app)
{
	struct hub_config hub = app_hub_config(app->config);
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
	app_touch_clock(app);
	for (size_t i = 0; r == 0 && i < app->config->n_sessions; i++)
		r = transport_new(app, &app->config->sessions[i]);
	return r;
}

static bool app_needs_ws(const struct app *app)
{
	for (size_t i = 0; i < app->config->n_sessions; i++)
		if (!app->config->sessions[i].embedded)
			return true;
	return false;
}

/* 0 or the exit code, with the reason told. */
static int app_listen(struct app *app)
{
	const char *path = app->listen;
	int r = listener_open(&app->listener, &app->loop, path, app->config->daemon.socket_mode,
			      conn_accept);

	if (r == LISTENER_IN_USE) {
		log_line(LOG_LEVEL_ERROR, "%s: another daemon is listening there", path);
		return EX_UNAVAILABLE;
	}
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "%s: cannot listen: %s", path, strerror(-r));
		return r == -EACCES || r == -EPERM ? EX_NOPERM : EX_CANTCREAT;
	}
	return 0;
}

static int app_start(struct app *app)
{
	int r = app_init_core(app);

	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot start: %s", strerror(-r));
		return EX_OSERR;
	}
	if (app_needs_ws(app)) {
		r = ws_context_new(&app->ws_context, &app->loop, app_on_ws_log);
		if (r < 0) {
			log_line(LOG_LEVEL_ERROR,
				 "libwebsockets cannot start on libuv: %s (is the package "
				 "libwebsockets-evlib-uv installed?)",
				 strerror(-r));
			return EX_UNAVAILABLE;
		}
	}
	r = app_listen(app);
	if (r)
		return r;
	uv_prepare_start(&app->prepare, app_on_prepare);
	uv_check_start(&app->check, app_on_check);
	uv_timer_start(&app->sweep, app_on_sweep, APP_SWEEP_MS, APP_SWEEP_MS);
	uv_signal_start(&app->sigterm, app_on_signal, SIGTERM);
	uv_signal_start(&app->sigint, app_on_signal, SIGINT);
	uv_signal_start(&app->sighup, app_on_hangup, SIGHUP);
	hub_start(app->hub);
	log_line(LOG_LEVEL_INFO, "wampbridged %s listening on %s", WAMPBRIDGE_VERSION, app->listen);
	return 0;
}

/* ---- end ---- */

/* From the loop, when no connection and no transport is left; the loop ends when all handles are.
 */
static void app_stop(struct app *app)
{
	app->stopped = true;
	uv_close((uv_handle_t *)&app->prepare, NULL);
	uv_close((uv_handle_t *)&app->check, NULL);
	uv_close((uv_handle_t *)&app->idle, NULL);
	uv_close((uv_handle_t *)&app->timer, NULL);
	uv_close((uv_handle_t *)&app->sweep, NULL);
	uv_close((uv_handle_t *)&app->sigterm, NULL);
	uv_close((uv_handle_t *)&app->sigint, NULL);
	uv_close((uv_handle_t *)&app->sighup, NULL);
	if (app->ws_context)
		ws_context_stop(app->ws_context);
}

static void app_done(struct app *app)
{
	ws_context_free(app->ws_context);
	hub_free(app->hub);
	list_for_each_safe (i, &app->transports)
		transport_free(CONTAINER_OF(i, struct transport, node));
	router_free(app->router);
	mem_free(app->read_buffer);
	if (uv_loop_close(&app->loop) < 0)
		log_line(LOG_LEVEL_DEBUG, "the loop had handles left");
}

int app_run(const struct config *config, const char *listen)
{
	struct app *app = mem_alloc(sizeof(*app));
	int r;

	if (!app)
		return EX_OSERR;
	app->config = config;
	app->listen = listen ? listen : config->daemon.listen;
	if (app_init_loop(app) < 0) {
		mem_free(app);
		return EX_UNAVAILABLE;
	}
	r = app_start(app);
	if (r)
		app_stop(app);
	uv_run(&app->loop, UV_RUN_DEFAULT);
	app_done(app);
	mem_free(app);
	if (r == 0)
		log_line(LOG_LEVEL_INFO, "stopped");
	return r;
}
