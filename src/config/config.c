/* SPDX-License-Identifier: MIT */

/*
 * From settings to the configuration object
 *
 * Every file is read and checked by itself, then the whole is put together:
 * a session's own value, else that of `defaults`, else that of the option
 * table; then the rules between keys are checked.
 */

#include "config/config.h"

#include "base/mem.h"
#include "config/settings.h"
#include "config/source.h"
#include "config/url.h"

#include <errno.h>
#include <string.h>

struct config_store {
	struct arena arena;
};

/* All that building needs at hand. */
struct config_build {
	struct config *config;
	const struct config_source *source;
	struct settings settings;
	struct config_errors *errors;
};

static void config_build_done(struct config_build *b)
{
	settings_done(&b->settings);
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	if (config->store)
		arena_done(&config->store->arena);
	mem_free(config->store);
	mem_free(config->sessions);
	return mem_free(config);
}

static int config_new(struct config **ret)
{
	CLEANUP(config_freep) struct config *config = mem_alloc(sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->store = mem_alloc(sizeof(*config->store));
	if (!config->store)
		return -ENOMEM;
	arena_init(&config->store->arena);
	*ret = TAKE(config);
	return 0;
}

const struct config_session *config_find_session(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_sessions; i++)
		if (strcmp(config->sessions[i].name, name) == 0)
			return &config->sessions[i];
	return NULL;
}

/* The setting that counts, or NULL if only the option table has a word. own may be NULL. */
static const struct setting *config_find_setting(const struct config_build *b,
						 const struct setting *own, size_t index)
{
	if (own && own[index].file)
		return &own[index];
	return b->settings.values[index].file ? &b->settings.values[index] : NULL;
}

/* Fills the fields of one section's structure. */
static void config_fill(const struct config_build *b, enum config_section section,
			const struct setting *own, void *ret_fields)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option_at(i);
		const struct setting *setting;
		struct value value;

		if (option->section != section)
			continue;
		setting = config_find_setting(b, own, i);
		if (setting)
			value_store(option, &setting->value, ret_fields);
		else if (option->fallback && value_parse(&value, option, option->fallback) == 0)
			value_store(option, &value, ret_fields);
	}
}

static const struct setting *config_find(const struct setting *values, enum config_section section,
					 const char *name)
{
	const struct setting *setting = &values[config_option_find(section, name)];

	return setting->file ? setting : NULL;
}

/* Whether host, port or path is set there; the one that stands last. */
static const struct setting *config_find_parts(const struct setting *values)
{
	static const char *const names[] = {"host", "port", "path"};
	const struct setting *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct setting *setting = config_find(values, CONFIG_SESSION, names[i]);

		if (setting)
			found = setting;
	}
	return found;
}

static void config_check_url(const struct config_build *b, const struct setting *values,
			     const char *where, const char *name)
{
	const struct setting *url = config_find(values, CONFIG_SESSION, "url");
	const struct setting *parts = config_find_parts(values);

	if (url && parts)
		config_errors_add(b->errors, url->file, url->line,
				  "%s%s has a 'url', and also 'host', 'port' or 'path' (%s:%u); "
				  "give either",
				  where, name, parts->file, parts->line);
}

/*
 * Which of the two ways to name a router counts: the session's own one before
 * that of the defaults; without any, the embedded router.
 */
static const char *config_choose_url(const struct config_build *b, const struct setting *own)
{
	const struct setting *const places[] = {own, b->settings.values};

	for (size_t i = own ? 0 : 1; i < ARRAY_SIZE(places); i++) {
		const struct setting *url = config_find(places[i], CONFIG_SESSION, "url");

		if (url)
			return url->value.text;
		if (config_find_parts(places[i]))
			return NULL;
	}
	return "embedded:";
}

static int config_set_url(const struct config_build *b, const struct setting *own,
			  struct config_session *session)
{
	struct arena *arena = &b->config->store->arena;
	const char *text = config_choose_url(b, own);
	struct url url = {.host = session->host, .port = session->port, .path = session->path};
	int r;

	if (text) {
		r = url_parse(&url, arena, text);
		if (r)
			return r;
	} else {
		text = url_format(arena, url.host, url.port, url.path);
		if (!text)
			return -ENOMEM;
	}
	session->url = text;
	session->embedded = url.embedded;
	session->host = url.host;
	session->port = url.embedded ? 0 : url.port;
	session->path = url.path;
	session->is_near = url.embedded || url_is_loopback(url.host);
	return 0;
}

/* Of two settings that contradict each other, the one of the session itself, else any that is set.
 */
static const struct setting *config_blame(const struct config_build *b, const struct setting *own,
					  enum config_section section, const char *const names[2])
{
	const struct setting *found = NULL;

	for (size_t i = 0; own && i < 2 && !found; i++)
		found = config_find(own, section, names[i]);
	for (size_t i = 0; i < 2 && !found; i++)
		found = config_find(b->settings.values, section, names[i]);
	return found;
}

static void config_check_delays(const struct config_build *b, const struct setting *own,
				const struct config_session *session)
{
	static const char *const names[2] = {"reconnect_max_delay", "reconnect_delay"};
	const struct setting *at;

	if (session->reconnect_max_delay_ms >= session->reconnect_delay_ms)
		return;
	at = config_blame(b, own, CONFIG_SESSION, names);
	config_errors_add(b->errors, at->file, at->line,
			  "session '%s': 'reconnect_max_delay' (%gs) must not be less than "
			  "'reconnect_delay' (%gs)",
			  session->name, (double)session->reconnect_max_delay_ms / 1000,
			  (double)session->reconnect_delay_ms / 1000);
}

/* own is NULL for the session that is made from the defaults alone. */
static int config_add_session(const struct config_build *b, const char *name,
			      const struct setting *own)
{
	struct config_session *session = &b->config->sessions[b->config->n_sessions];
	int r;

	config_fill(b, CONFIG_SESSION, own, session);
	session->name = name;
	r = config_set_url(b, own, session);
	if (r)
		return r;
	b->config->n_sessions++;
	config_check_delays(b, own, session);
	if (own)
		config_check_url(b, own, "session ", name);
	return 0;
}

static int config_build_sessions(const struct config_build *b)
{
	size_t n = b->settings.n_sessions;
	int r;

	b->config->sessions = mem_alloc((n ? n : 1) * sizeof(*b->config->sessions));
	if (!b->config->sessions)
		return -ENOMEM;
	config_check_url(b, b->settings.values, "defaults", "");
	if (!n)
		return config_add_session(b, "default", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct settings_session *from = b->settings.sessions[i];

		r = config_add_session(b, from->name, from->values);
		if (r)
			return r;
	}
	return 0;
}

static void config_unknown_session(const struct config_build *b, const struct setting *setting)
{
	const char *nearest = b->config->sessions[0].name;
	int least = -1;

	for (size_t i = 0; i < b->config->n_sessions; i++) {
		const char *name = b->config->sessions[i].name;
		int distance = config_option_distance(setting->value.text, name);

		if (distance >= 0 && (least < 0 || distance < least)) {
			least = distance;
			nearest = name;
		}
	}
	config_errors_add(b->errors, setting->file, setting->line,
			  "'default_session' names '%s', which is not among 'sessions'; %s '%s'%s",
			  setting->value.text, least < 0 ? "there is" : "did you mean", nearest,
			  least < 0 ? "" : "?");
}

static void config_build_default_session(const struct config_build *b)
{
	const struct setting *setting =
		config_find(b->settings.values, CONFIG_DAEMON, "default_session");
	struct config *config = b->config;

	if (setting) {
		if (!config_find_session(config, setting->value.text))
			config_unknown_session(b, setting);
	} else if (config->n_sessions == 1) {
		config->daemon.default_session = config->sessions[0].name;
	} else if (config_find_session(config, "default")) {
		config->daemon.default_session = "default";
	} else {
		config_errors_add(b->errors, b->settings.sessions[0]->file,
				  b->settings.sessions[0]->line,
				  "there are several sessions and none is named 'default'; "
				  "'default_session' in 'daemon' must name the one that programs "
				  "get without asking, such as '%s'",
				  config->sessions[0].name);
	}
}

static void config_check_limits(const struct config_build *b)
{
	static const char *const hard[2] = {"output_hard_limit", "max_line"};
	static const char *const soft[2] = {"output_soft_limit", "output_hard_limit"};
	const struct config_limits *l = &b->config->limits;
	const struct setting *at;

	/* protocol §10: a reply of the greatest length must fit beside what waits. */
	if (l->output_hard_limit / 2 < l->max_line) {
		at = config_blame(b, NULL, CONFIG_LIMITS, hard);
		config_errors_add(
			b->errors, at->file, at->line,
			"'output_hard_limit' (%zu bytes) must be at least twice 'max_line' "
			"(%zu bytes)",
			l->output_hard_limit, l->max_line);
	}
	if (l->output_soft_limit > l->output_hard_limit) {
		at = config_blame(b, NULL, CONFIG_LIMITS, soft);
		config_errors_add(b->errors, at->file, at->line,
				  "'output_soft_limit' (%zu bytes) must not be more than "
				  "'output_hard_limit' (%zu bytes)",
				  l->output_soft_limit, l->output_hard_limit);
	}
}

static int config_build_daemon(const struct config_build *b)
{
	struct config_daemon *daemon = &b->config->daemon;
	struct slice copy;

	config_fill(b, CONFIG_DAEMON, NULL, daemon);
	if (!b->source->default_listen || config_find(b->settings.values, CONFIG_DAEMON, "listen"))
		return 0;
	copy = arena_printf(&b->config->store->arena, "%s", b->source->default_listen);
	if (!copy.len)
		return -ENOMEM;
	daemon->listen = copy.ptr;
	return 0;
}

/*
 * Names of files go to the store too, since settings point at them. When a
 * file is no YAML, the others are read for their own mistakes, but the rules
 * between keys would complain about what is only missing.
 */
static int config_read(struct config_build *b)
{
	struct arena *arena = &b->config->store->arena;
	CLEANUP(source_files_done) struct source_files files = {0};
	int outcome = 0, r;

	r = source_list(&files, b->source, arena, b->errors);
	if (r)
		return r;
	for (size_t i = 0; i < files.n; i++) {
		CLEANUP(document_freep) struct document *document = NULL;

		r = document_load(&document, files.files[i].path, files.files[i].may_be_missing,
				  b->errors);
		if (r < 0)
			return r;
		if (r)
			outcome = CONFIG_INVALID;
		if (!document)
			continue;
		r = settings_apply(&b->settings, document, b->errors);
		if (r)
			return r;
	}
	return outcome;
}

static int config_build(struct config_build *b)
{
	int r;

	r = config_build_daemon(b);
	if (r)
		return r;
	config_fill(b, CONFIG_LIMITS, NULL, &b->config->limits);
	config_check_limits(b);
	r = config_build_sessions(b);
	if (r)
		return r;
	config_build_default_session(b);
	return 0;
}

int config_load(struct config **ret, const struct config_source *source,
		struct config_errors *errors)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(config_build_done) struct config_build b = {.source = source, .errors = errors};
	int r;

	r = config_new(&config);
	if (r)
		return r;
	b.config = config;
	settings_init(&b.settings, &config->store->arena);
	r = config_read(&b);
	if (r == 0)
		r = config_build(&b);
	if (r < 0)
		return r;
	if (errors->error)
		return errors->error;
	if (errors->n)
		return CONFIG_INVALID;
	*ret = TAKE(config);
	return 0;
}
