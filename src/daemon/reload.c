/* SPDX-License-Identifier: MIT */

/*
 * Reading the configuration again (operations §3)
 *
 * Read into a new object, check all of it, then take over what can be taken
 * over: the log level and the limits. Whatever else differs is named in a
 * warning, since it waits for a restart. A mistake changes nothing.
 */

#include "daemon/app.h"

#include "base/mem.h"
#include "config/option.h"
#include "daemon/log.h"
#include "daemon/sd.h"
#include "daemon/secure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Descriptors kept for routers, the loop and the log. */
#define RELOAD_RESERVED_FDS 64

/* More connections than descriptors would be closed unheard by the loop: the limit stays below. */
static unsigned reload_max_connections(unsigned wanted)
{
	rlim_t extra = RELOAD_RESERVED_FDS + HUB_RESERVED_CONNECTIONS;
	rlim_t need = (rlim_t)wanted + extra;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return wanted;
	if (limit.rlim_cur < need) {
		limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= need)
		return wanted;
	need = limit.rlim_cur > 2 * extra ? limit.rlim_cur - extra : extra;
	log_line(LOG_LEVEL_WARNING,
		 "max_connections %u needs more file descriptors than the limit of %llu: %llu it "
		 "is (raise LimitNOFILE=)",
		 wanted, (unsigned long long)limit.rlim_cur, (unsigned long long)need);
	return (unsigned)need;
}

struct hub_limits reload_limits(const struct config *config)
{
	const struct config_limits *l = &config->limits;

	return (struct hub_limits){
		.peer =
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
		.max_connections = reload_max_connections(l->max_connections),
		.max_connections_per_user = l->max_connections_per_user,
		.connect_rate_per_user = l->connect_rate_per_user,
		.user_memory = l->user_memory,
		.stall_timeout_ms = l->stall_timeout_ms,
	};
}

void reload_set_log_level(const struct app *app)
{
	log_set_level(app->options->log_level >= 0 ? app->options->log_level
						   : app->latest->daemon.log_level);
}

/* ---- what differs ---- */

static void reload_warn(const char *where, const char *key)
{
	log_line(LOG_LEVEL_WARNING, "reload: %s%s%s has changed: that needs a restart", where,
		 *key ? "." : "", key);
}

/* Values of one section that a reload does not take over; sessions are NULL for "daemon". */
static void reload_compare(const char *where, enum config_section section,
			   const struct config *before, const struct config_session *session_before,
			   const struct config *now, const struct config_session *session_now)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option_at(i);

		if (option->section != section || config_option_is_reloadable(option))
			continue;
		if (!config_is_same(before, session_before, now, session_now, i))
			reload_warn(where, option->name);
	}
}

static void reload_compare_sessions(const struct config *before, const struct config *now)
{
	for (size_t i = 0; i < before->n_sessions; i++) {
		const struct config_session *old = &before->sessions[i];
		const struct config_session *session = config_find_session(now, old->name);
		char where[160];

		snprintf(where, sizeof(where), "sessions.%s", old->name);
		if (session)
			reload_compare(where, CONFIG_SESSION, before, old, now, session);
		else
			reload_warn(where, "");
	}
	for (size_t i = 0; i < now->n_sessions; i++)
		if (!config_find_session(before, now->sessions[i].name)) {
			char where[160];

			snprintf(where, sizeof(where), "sessions.%s", now->sessions[i].name);
			reload_warn(where, "");
		}
}

/* ---- reading ---- */

static void reload_tell_mistakes(const struct config_errors *errors)
{
	static const struct log_fields fields = {.event = LOG_EVENT_RELOAD_FAILED,
						 .code = "config_invalid"};

	for (size_t i = 0; i < errors->n; i++)
		log_entry(LOG_LEVEL_ERROR, &fields, slice_of(errors->texts[i]));
}

/* 0 with the configuration, or 1 with errors, or -errno. */
static int reload_read(struct config **ret, const struct app *app, struct config_errors *errors)
{
	CLEANUP(config_freep) struct config *config = NULL;
	int r = config_load(&config, &app->options->source, errors);

	if (r == 0)
		r = secure_check(config, app->options->credentials, errors);
	if (r)
		return r;
	if (errors->n)
		return CONFIG_INVALID;
	*ret = TAKE(config);
	return 0;
}

static void reload_take_over(struct app *app, struct config *config)
{
	struct hub_limits limits;

	reload_compare("daemon", CONFIG_DAEMON, app->config, NULL, config, NULL);
	reload_compare_sessions(app->config, config);
	if (app->latest != app->config)
		config_free((struct config *)app->latest);
	app->latest = config;
	reload_set_log_level(app);
	limits = reload_limits(config);
	hub_set_limits(app->hub, &limits);
	hub_rearm(app->hub);
	rows_make(app);
	app->status_is_kept = false;
	log_line(LOG_LEVEL_NOTICE, "configuration read again");
	report_ready(app);
}

void reload_configuration(struct app *app)
{
	struct config_errors errors;
	struct config *config = NULL;
	int r;

	sd_tell_reloading();
	config_errors_init(&errors);
	r = reload_read(&config, app, &errors);
	for (size_t i = 0; i < errors.n_warnings; i++)
		log_line(LOG_LEVEL_WARNING, "%s", errors.warnings[i]);
	if (r == 0) {
		reload_take_over(app, config);
	} else {
		reload_tell_mistakes(&errors);
		log_line(LOG_LEVEL_ERROR, "reload failed, everything stays as it is%s%s",
			 r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
		report_reload_failed(app, errors.n ? errors.texts[0] : strerror(-r));
	}
	config_errors_done(&errors);
}
