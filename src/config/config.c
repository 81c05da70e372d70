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
#include "config/rules.h"
#include "config/source.h"
#include "config/store.h"
#include "config/url.h"

#include <errno.h>
#include <string.h>

/* All that building needs at hand. */
struct config_build {
	struct config *config;
	const struct config_source *source;
	struct config_errors *errors;
};

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	if (config->store) {
		settings_done(&config->store->settings);
		arena_done(&config->store->arena);
	}
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
	/* Secrets, headers and queries of urls are among the texts. */
	config->store->arena.wipes = true;
	settings_init(&config->store->settings, &config->store->arena);
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

/* The value of the option table; a list is one of one item. */
static int config_get_fallback(const struct config_build *b, const struct config_option *option,
			       struct value *ret)
{
	struct value value;
	const char **items;

	if (value_parse(&value, option, option->fallback))
		return -EINVAL;
	if (config_type_is_list(option->type)) {
		items = member_room(&b->config->store->arena, sizeof(*items));
		if (!items)
			return -ENOMEM;
		items[0] = value.text;
		value.list = (struct config_list){items, 1};
	}
	*ret = value;
	return 0;
}

/* A mapping of the session's own is merged with that of the defaults. */
static int config_get_mapping(const struct config_build *b, const struct setting *own, size_t index,
			      struct value *ret)
{
	const struct config_option *option = config_option_at(index);
	struct arena *arena = &b->config->store->arena;
	const struct setting *common = &b->config->store->settings.values[index];
	const struct setting *at = own && own[index].file ? &own[index] : common;
	struct settings_merge merge = {
		arena, b->errors, at->file, at->line, &common->value.members, &at->value.members};
	struct member_set set = {0};
	int r = 0;

	if (at->file)
		r = settings_merge(option, &merge, &set);
	if (r < 0)
		return r;
	return option->type == CONFIG_HEADERS ? member_to_list(&ret->list, arena, &set)
					      : member_to_object(&ret->text, arena, &set);
}

/* Fills the fields of one section's structure. own may be NULL. */
static int config_fill(const struct config_build *b, enum config_section section,
		       const struct setting *own, void *ret_fields)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option_at(i);
		const struct setting *setting = store_find(b->config->store, own, i);
		struct value value = {0};
		int r = 0;

		if (option->section != section)
			continue;
		if (config_type_is_mapping(option->type))
			r = config_get_mapping(b, own, i, &value);
		else if (setting)
			value = setting->value;
		else if (option->fallback)
			r = config_get_fallback(b, option, &value);
		else
			continue;
		if (r)
			return r;
		value_store(option, &value, ret_fields);
	}
	return 0;
}

static int config_set_url(const struct config_build *b, const struct setting *own,
			  struct config_session *session)
{
	const struct config_store *store = b->config->store;
	struct arena *arena = &b->config->store->arena;
	const struct setting *chosen = store_choose_url(store, own);
	struct url url = {.use_tls = session->use_tls,
			  .host = session->host,
			  .port = session->port,
			  .path = session->path};
	const char *text;
	int r;

	if (chosen && !store_is_url(store, own, chosen)) {
		text = url_format(arena, url.use_tls, url.host, url.port, url.path);
		if (!text)
			return -ENOMEM;
	} else {
		text = chosen ? chosen->value.text : "embedded:";
		r = url_parse(&url, arena, text);
		if (r)
			return r;
	}
	session->url = text;
	session->embedded = url.embedded;
	session->use_tls = url.use_tls;
	session->host = url.host;
	session->port = url.embedded ? 0 : url.port;
	session->path = url.path;
	session->is_near = url.embedded || url_is_loopback(url.host);
	return 0;
}

/* own is NULL for the session that is made from the defaults alone. */
static int config_add_session(const struct config_build *b, const char *name,
			      const struct setting *own)
{
	struct config_session *session = &b->config->sessions[b->config->n_sessions];
	int r;

	r = config_fill(b, CONFIG_SESSION, own, session);
	if (r)
		return r;
	session->name = name;
	r = config_set_url(b, own, session);
	if (r)
		return r;
	b->config->n_sessions++;
	return 0;
}

static int config_build_sessions(const struct config_build *b)
{
	size_t n = b->config->store->settings.n_sessions;
	int r;

	b->config->sessions = mem_alloc((n ? n : 1) * sizeof(*b->config->sessions));
	if (!b->config->sessions)
		return -ENOMEM;
	if (!n)
		return config_add_session(b, "default", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct settings_session *from = b->config->store->settings.sessions[i];

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
		settings_find(b->config->store->settings.values, CONFIG_DAEMON, "default_session");
	struct config *config = b->config;

	if (setting) {
		if (!config_find_session(config, setting->value.text))
			config_unknown_session(b, setting);
	} else if (config->n_sessions == 1) {
		config->daemon.default_session = config->sessions[0].name;
	} else if (config_find_session(config, "default")) {
		config->daemon.default_session = "default";
	}
	/* Else there is none, and a program must name the session that it means. */
}

static int config_build_daemon(const struct config_build *b)
{
	struct config_daemon *daemon = &b->config->daemon;

	int r = config_fill(b, CONFIG_DAEMON, NULL, daemon);

	if (r)
		return r;
	if (!b->source->default_listen ||
	    settings_find(b->config->store->settings.values, CONFIG_DAEMON, "listen"))
		return 0;
	daemon->listen = member_copy(&b->config->store->arena, slice_of(b->source->default_listen));
	return daemon->listen ? 0 : -ENOMEM;
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
		r = settings_apply(&b->config->store->settings, document, b->errors);
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
	r = config_fill(b, CONFIG_LIMITS, NULL, &b->config->limits);
	if (r)
		return r;
	r = config_build_sessions(b);
	if (r)
		return r;
	rules_check(&(struct rules){b->config, b->errors});
	config_build_default_session(b);
	return 0;
}

int config_load(struct config **ret, const struct config_source *source,
		struct config_errors *errors)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct config_build b = {.source = source, .errors = errors};
	int r;

	r = config_new(&config);
	if (r)
		return r;
	b.config = config;
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
