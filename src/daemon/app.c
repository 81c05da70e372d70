/* SPDX-License-Identifier: MIT */

/*
 * The daemon: the turn of the loop
 *
 * One turn of the loop: callbacks bring bytes and timeouts to the hub, which
 * answers into queues. Before the loop waits again, app_settle() fulfils
 * wishes, pumps the embedded router, wakes held connections, and writes every
 * dirty connection once.
 */

#include "daemon/app.h"

#include "base/heap.h"
#include "base/mem.h"
#include "daemon/log.h"

#include <sysexits.h>
#include <time.h>

/* So much less waits than once: worth the milliseconds of giving it back. */
#define APP_TRIM_BYTES (8u << 20)

/* From here on, and until half of it, freeing what waits must not be put off. */
#define APP_FLOOD_BYTES (8u << 20)

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

static void app_flush(struct app *app)
{
	struct peer *peer;
	struct link *link;

	while ((peer = hub_next_dirty_peer(app->hub)))
		conn_flush(hub_peer_owner(peer));
	while ((link = hub_next_dirty_link(app->hub)))
		transport_flush(hub_link_owner(link));
}

static void app_on_idle(uv_idle_t *idle)
{
	struct app *app = CONTAINER_OF(idle, struct app, idle);
	struct list turn;

	listener_go_on(&app->listener);
	/* Those that still have input afterwards join the list anew, behind those left out. */
	list_init(&turn);
	list_splice(&turn, &app->more);
	app_touch_clock(app);
	list_for_each_safe (i, &turn) {
		struct conn *c = CONTAINER_OF(i, struct conn, more);

		if (!hub_has_turn(app->hub, c->peer))
			continue;
		list_unlink(&c->more);
		conn_serve(c);
	}
	list_splice(&turn, &app->more);
	list_splice(&app->more, &turn);
}

static void app_mind_flood(struct app *app)
{
	uint64_t bytes = hub_waiting_bytes(app->hub);
	bool flooded = bytes >= (app->flooded ? APP_FLOOD_BYTES / 2 : APP_FLOOD_BYTES);

	if (flooded != app->flooded)
		mem_set_tidy(flooded);
	app->flooded = flooded;
}

static void app_keep_awake(struct app *app)
{
	bool wanted = !list_is_empty(&app->more) || (app->listener.is_waiting && !app->starved) ||
		      hub_is_delivering(app->hub);

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
	list_for_each (i, &app->transports)
		transport_tell_unsent(CONTAINER_OF(i, struct transport, node));
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

/* A session that rests after its last attempt, and whose on_give_up is exit, ends the daemon. */
static bool app_must_give_up(struct app *app)
{
	list_for_each (i, &app->transports) {
		struct transport *t = CONTAINER_OF(i, struct transport, node);

		if (!t->config->exit_on_give_up || !hub_link_has_given_up(t->link))
			continue;
		log_line(LOG_LEVEL_ERROR, "session %s has given up: ending, as on_give_up says",
			 t->config->name);
		return true;
	}
	return false;
}

static bool app_work(struct app *app)
{
	bool any, ever = false;

	do {
		any = app_fulfil_wishes(app);
		any |= app_pump(app);
		any |= hub_deliver(app->hub);
		any |= app_wake_held(app);
		ever |= any;
	} while (any);
	return ever;
}

void app_settle(struct app *app)
{
	(void)app_work(app);
	/* The log knows before any program does. */
	report_notes(app);
	/* Who is cut off while it is written to leaves something to do. */
	do
		app_flush(app);
	while (app_work(app));
	report_notes(app);
	if (!app->stopping && app_must_give_up(app)) {
		app_drain(app, EX_UNAVAILABLE);
		app_settle(app);
		return;
	}
	list_for_each (i, &app->transports)
		transport_set_reading(CONTAINER_OF(i, struct transport, node));
	app_mind_flood(app);
	app_keep_awake(app);
	app_arm_timer(app);
	if (hub_drain_state(app->hub) == HUB_DRAIN_OVER && !app->n_conns && !app->stopped)
		app_stop(app);
}

void app_on_check(uv_check_t *check)
{
	struct app *app = CONTAINER_OF(check, struct app, check);

	/* What waits from now on is served before anything new is read. */
	hub_begin_turn(app->hub);
	if (!app->stopped)
		app_settle(app);
}

void app_on_prepare(uv_prepare_t *prepare)
{
	struct app *app = CONTAINER_OF(prepare, struct app, prepare);

	listener_begin_turn(&app->listener);
	if (!app->stopped)
		app_settle(app);
}

void app_on_sweep(uv_timer_t *timer)
{
	struct app *app = CONTAINER_OF(timer, struct app, sweep);
	uint64_t now = uv_now(&app->loop);

	app_touch_clock(app);
	list_for_each_safe (i, &app->conns)
		conn_sweep(CONTAINER_OF(i, struct conn, node), now);
	list_for_each (i, &app->transports)
		transport_sweep(CONTAINER_OF(i, struct transport, node), now);
	app->starved = false;
	/* The allocator keeps what a flood has left behind, in pieces. */
	if (hub_take_freed(app->hub, APP_TRIM_BYTES))
		mem_trim();
	report_tick(app);
}
