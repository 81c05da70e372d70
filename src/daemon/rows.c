/* SPDX-License-Identifier: MIT */

/*
 * What "list config" shows: the value of each key that is in force, and where
 * it stands. It is made anew after each reload, since it borrows from the
 * configuration.
 */

#include "daemon/app.h"

#include "base/mem.h"
#include "config/option.h"

/* The rows while they are made. */
struct rows {
	struct app *app;
	struct hub_setting *rows;
	size_t n;
	struct buf text; /* one value at a time */
	bool failed;
};

#define ROWS_MAX_TEXT (2u << 20)

/* NULL for nothing that is set. */
static const char *rows_keep(struct rows *list, struct slice text)
{
	struct slice copy;

	if (!text.len || slice_is(text, "null"))
		return NULL;
	copy = arena_printf(&list->app->settings_text, "%.*s", SLICE_ARG(text));
	list->failed |= !copy.len;
	return copy.ptr;
}

static const char *rows_source(struct rows *list, struct config_origin origin)
{
	struct slice text;

	if (!origin.file)
		return NULL;
	text = arena_printf(&list->app->settings_text, "%s:%u", origin.file, origin.line);
	list->failed |= !text.len;
	return text.ptr;
}

static void rows_add(struct rows *list, const char *section, const struct config_session *session,
		     size_t option)
{
	const struct config_option *row = config_option_at(option);
	bool reloadable = config_option_is_reloadable(row);
	const struct config *config = reloadable ? list->app->latest : list->app->config;

	buf_clear(&list->text);
	config_show(config, session, option, &list->text);
	list->rows[list->n++] = (struct hub_setting){
		.section = section,
		.key = row->name,
		.value = rows_keep(list, buf_bytes(&list->text)),
		.fallback = row->fallback,
		.source = rows_source(list, config_origin(config, session, option)),
		.reloadable = reloadable,
	};
}

static void rows_add_section(struct rows *list, enum config_section section, const char *name,
			     const struct config_session *session)
{
	for (size_t i = 0; i < config_option_count(); i++)
		if (config_option_at(i)->section == section)
			rows_add(list, name, session, i);
}

static void rows_add_all(struct rows *list)
{
	const struct config *config = list->app->config;

	rows_add_section(list, CONFIG_DAEMON, "daemon", NULL);
	for (size_t i = 0; i < config->n_sessions; i++) {
		const struct config_session *session = &config->sessions[i];
		struct slice name =
			arena_printf(&list->app->settings_text, "sessions.%s", session->name);

		list->failed |= !name.len;
		rows_add_section(list, CONFIG_SESSION, name.ptr, session);
	}
	rows_add_section(list, CONFIG_LIMITS, "limits", NULL);
}

/* Without memory there is nothing to list, which is not worth failing for. */
void rows_make(struct app *app)
{
	size_t max = config_option_count() * (app->config->n_sessions + 1);
	struct rows list = {.app = app, .text = BUF_INIT(ROWS_MAX_TEXT)};

	hub_set_settings(app->hub, NULL, 0);
	arena_reset(&app->settings_text);
	mem_free(app->settings);
	app->settings = list.rows = mem_alloc(max * sizeof(*list.rows));
	if (!list.rows)
		return;
	rows_add_all(&list);
	if (!list.failed && !list.text.error)
		hub_set_settings(app->hub, app->settings, list.n);
	buf_done(&list.text);
}

void rows_done(struct app *app)
{
	app->settings = mem_free(app->settings);
	arena_done(&app->settings_text);
}
