/* SPDX-License-Identifier: MIT */

/*
 * What the daemon says of itself: notes to the log, a line of status and signs
 * of life to the service manager
 */

#include "daemon/app.h"

#include "daemon/log.h"
#include "daemon/sd.h"

#include <stdio.h>
#include <string.h>

/* What a stop may take from one tick to the next, before the service manager loses patience. */
#define REPORT_EXTEND_MS 10000

static enum log_event report_event(enum hub_event event)
{
	switch (event) {
	case HUB_EVENT_NONE:
		return LOG_EVENT_NONE;
	case HUB_EVENT_SESSION_JOINED:
		return LOG_EVENT_SESSION_JOINED;
	case HUB_EVENT_SESSION_LOST:
		return LOG_EVENT_SESSION_LOST;
	case HUB_EVENT_JOIN_REFUSED:
		return LOG_EVENT_JOIN_REFUSED;
	case HUB_EVENT_SLOW_CONSUMER:
		return LOG_EVENT_SLOW_CONSUMER;
	case HUB_EVENT_QUOTA_HIT:
		return LOG_EVENT_QUOTA_HIT;
	case HUB_EVENT_ROUTER_VIOLATION:
		return LOG_EVENT_ROUTER_VIOLATION;
	}
	return LOG_EVENT_NONE;
}

void report_notes(struct app *app)
{
	struct hub_note note;

	while (hub_next_note(app->hub, &note)) {
		struct log_fields fields = {
			.event = report_event(note.event),
			.conn = note.conn,
			.peer_uid = note.peer.uid,
			.peer_pid = note.peer.pid,
			.peer_name = note.peer_name,
			.session = note.session,
			.realm = note.realm,
			.session_id = note.session_id,
			.uri = note.uri.len ? note.uri.ptr : NULL,
			.code = note.code,
			.queued_bytes = note.queued_bytes,
		};

		log_entry(note.level, &fields, note.text);
	}
}

static void report_write_status(const struct app *app, char ret[REPORT_MAX_STATUS])
{
	struct hub_counts n;

	hub_count(app->hub, &n);
	snprintf(ret, REPORT_MAX_STATUS,
		 "%zu/%zu sessions joined, %zu clients, %zu registrations, %zu subscriptions",
		 n.joined, n.links, n.programs, n.registrations, n.subscriptions);
}

void report_state(struct app *app)
{
	char status[REPORT_MAX_STATUS];
	struct hub_counts n;

	hub_count(app->hub, &n);
	report_write_status(app, status);
	log_line(LOG_LEVEL_INFO, "%s, %zu open calls, %zu open invocations", status, n.calls,
		 n.invocations);
	hub_note_links(app->hub);
}

void report_ready(struct app *app)
{
	report_write_status(app, app->status);
	app->is_ready_owed = !sd_tell_ready(app->status);
}

void report_reload_failed(struct app *app, const char *why)
{
	snprintf(app->status, sizeof(app->status), "reload failed: %s", why);
	app->is_ready_owed = !sd_tell_ready(app->status);
	/* It stays to be read until the next reload. */
	app->status_is_kept = true;
}

void report_stopping(struct app *app)
{
	(void)app;
	sd_tell_stopping("stopping: waiting for handlers and routers");
	sd_tell_extend(REPORT_EXTEND_MS);
}

void report_tick(struct app *app)
{
	char status[REPORT_MAX_STATUS];

	if (app->stopping) {
		/* As long as the loop turns, the drain has its own bound. */
		sd_tell_extend(REPORT_EXTEND_MS);
		return;
	}
	/* The manager had no room for it. */
	if (app->is_ready_owed)
		app->is_ready_owed = !sd_tell_ready(app->status);
	if (app->status_is_kept)
		return;
	report_write_status(app, status);
	if (strcmp(status, app->status) == 0)
		return;
	if (sd_tell_status(status))
		memcpy(app->status, status, sizeof(status));
}

/* On the loop: a loop that is stuck gives no sign of life. */
void report_alive(uv_timer_t *timer)
{
	(void)timer;
	sd_tell_watchdog();
}
