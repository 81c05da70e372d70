/* SPDX-License-Identifier: MIT */

/*
 * From YAML nodes to checked settings
 *
 * The shape is fixed: sections, keys, and one level of names in between for
 * sessions. So the walk is three mappings deep whatever an alias points at.
 *
 * A mistake never ends the walk: it is recorded, and the next key is looked
 * at, so that all are shown at once.
 */

#include "config/settings.h"

#include "base/mem.h"
#include "config/headers.h"
#include "config/object.h"
#include "config/secret.h"
#include "config/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One walk over one document. */
struct settings_walk {
	struct walk base;
	struct settings *settings;
};

/* Where keys come from and go to. */
struct settings_place {
	const char *name; /* for people: "daemon", "sessions.plant" */
	enum config_section section;
	struct setting *values;
};

void settings_init(struct settings *settings, struct arena *arena)
{
	*settings = (struct settings){.arena = arena};
}

void settings_done(struct settings *settings)
{
	for (size_t i = 0; i < settings->n_sessions; i++)
		mem_free(settings->sessions[i]);
	mem_free(settings->sessions);
	settings_init(settings, NULL);
}

const struct setting *settings_find(const struct setting *values, enum config_section section,
				    const char *name)
{
	const struct setting *setting = &values[config_option_find(section, name)];

	return setting->file ? setting : NULL;
}

struct settings_session *settings_find_session(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_sessions; i++)
		if (strcmp(settings->sessions[i]->name, name) == 0)
			return settings->sessions[i];
	return NULL;
}

static void settings_unknown_key(const struct settings_walk *w, const struct settings_place *place,
				 const struct node *key)
{
	const char *name = key->text.ptr;
	const char *elsewhere = config_option_elsewhere(place->section, name);
	const char *nearest = config_option_nearest(place->section, name);
	const char *hint = config_option_hint(place->section, name);
	char all[900];

	if (hint) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "key '%s' in %s is not known: %s", name, place->name, hint);
	} else if (config_option_is_later(place->section, name)) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "key '%s' in %s is not supported by this version; remove it",
				  name, place->name);
	} else if (elsewhere) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "unknown key '%s' in %s; it belongs in '%s'", name, place->name,
				  elsewhere);
	} else if (nearest) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "unknown key '%.*s' in %s; did you mean '%s'?", walk_shown(name),
				  name, place->name, nearest);
	} else {
		config_option_list(place->section, all, sizeof(all));
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "unknown key '%.*s' in %s; known are: %s", walk_shown(name), name,
				  place->name, all);
	}
}

/* Each key of the seed's mapping has a word of its own. */
static void settings_refuse_protocol_options(const struct settings_walk *w, const struct node *key,
					     const struct node *value)
{
	size_t n = value->kind == NODE_MAPPING ? document_size(w->base.document, value) : 0;

	if (!n)
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "'protocol_options' is not known: what counts has a key of its "
				  "own here, such as 'ping_interval' or 'max_message_size'; "
				  "remove it");
	for (size_t i = 0; i < n && i < WALK_MAX_KEYS; i++) {
		struct node name, ignored;
		const char *hint;

		if (!walk_get_pair(&w->base, value, i, &name, &ignored))
			continue;
		hint = config_protocol_option_hint(name.text.ptr);
		config_errors_add(w->base.errors, w->base.file, name.line,
				  "'%.*s' in 'protocol_options' is not known: %s",
				  walk_shown(name.text.ptr), name.text.ptr,
				  hint ? hint : "there is no such option; remove it");
	}
}

static const char *settings_kind_name(const struct node *value)
{
	switch (value->kind) {
	case NODE_TEXT:
		return value->is_empty ? "nothing" : "a single value";
	case NODE_LIST:
		return "a list";
	case NODE_MAPPING:
		return "a mapping";
	}
	return "";
}

/* A list of one may be written as a single value, and the other way round where lists will be. */
static bool settings_unpack_url(const struct settings_walk *w, const struct node *key,
				struct node *value)
{
	if (document_size(w->base.document, value) == 1) {
		*value = document_item(w->base.document, value, 0);
		return true;
	}
	config_errors_add(w->base.errors, w->base.file, key->line,
			  "a list of urls (fail-over) is not supported by this version; give one "
			  "url");
	return false;
}

/* What is wrong with a text whose type can tell; "" for the others. */
static void settings_explain(const struct config_option *option, const char *text,
			     char ret_text[URL_MAX_PROBLEM])
{
	ret_text[0] = '\0';
	if (option->type == CONFIG_URL)
		url_explain(url_check(text), text, ret_text);
	else if (option->type == CONFIG_HOST)
		url_explain(url_check_host(text), text, ret_text);
	else if (option->type == CONFIG_PATH)
		url_explain(url_check_path(text), text, ret_text);
	else if (option->type == CONFIG_SECRET)
		snprintf(ret_text, URL_MAX_PROBLEM, "%s", secret_problem(text));
}

/* A secret is never repeated, nor a url, which may hold one. */
static void settings_wrong_value(const struct settings_walk *w, const struct config_option *option,
				 unsigned line, const char *text)
{
	struct config_errors *errors = w->base.errors;
	char right[300], problem[URL_MAX_PROBLEM];

	value_describe(option, right, sizeof(right));
	settings_explain(option, text, problem);
	if (problem[0])
		config_errors_add(errors, w->base.file, line, "'%s' %s", option->name, problem);
	else if (value_is_later(option, text))
		config_errors_add(errors, w->base.file, line,
				  "'%s': '%s' is not supported by this version, and will be by a "
				  "later one; give %s",
				  option->name, text, right);
	else if (config_option_secrecy(option) != CONFIG_PUBLIC)
		config_errors_add(errors, w->base.file, line, "'%s' must be %s", option->name,
				  right);
	else
		config_errors_add(errors, w->base.file, line, "'%s' must be %s, not '%.60s'%s",
				  option->name, right, text, value_hint(option, text));
}

static void settings_wrong_kind(const struct settings_walk *w, const struct config_option *option,
				unsigned line, const struct node *value)
{
	char right[300];

	value_describe(option, right, sizeof(right));
	config_errors_add(w->base.errors, w->base.file, line, "'%s' must be %s, not %s",
			  option->name, right, settings_kind_name(value));
}

/* One text. 0 with a copy in the value; CONFIG_INVALID with the mistake recorded; -ENOMEM. */
static int settings_read_text(const struct settings_walk *w, const struct config_option *option,
			      unsigned line, const struct node *node, struct value *ret)
{
	struct value value;

	if (!walk_check_node(&w->base, node, line))
		return CONFIG_INVALID;
	if (node->kind != NODE_TEXT || node->is_empty) {
		settings_wrong_kind(w, option, line, node);
		return CONFIG_INVALID;
	}
	if (value_parse(&value, option, node->text.ptr)) {
		settings_wrong_value(w, option, line, node->text.ptr);
		return CONFIG_INVALID;
	}
	if (option->type == CONFIG_SECRET && node->is_plain &&
	    document_has_comment_behind(w->base.document, node))
		config_errors_warn(w->base.errors, w->base.file, line,
				   "'%s' ends before the '#', which begins a comment; if that "
				   "belongs to it, put all of it in quotes",
				   option->name);
	if (value.text) {
		value.text = member_copy(w->base.arena, node->text);
		if (!value.text)
			return -ENOMEM;
	}
	*ret = value;
	return 0;
}

static bool settings_has_item(const char *const *items, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i], text) == 0)
			return true;
	return false;
}

/* A list, or a single value in its place. */
static int settings_read_list(const struct settings_walk *w, const struct config_option *option,
			      unsigned line, const struct node *node, struct value *ret)
{
	bool is_list = node->kind == NODE_LIST;
	size_t n = is_list ? document_size(w->base.document, node) : 1;
	const char **items;

	if (is_list && !walk_check_node(&w->base, node, line))
		return CONFIG_INVALID;
	if ((double)n < option->min || (double)n > option->max) {
		config_errors_add(w->base.errors, w->base.file, line,
				  "'%s' must be a list of %g to %g items, not of %zu", option->name,
				  option->min, option->max, n);
		return CONFIG_INVALID;
	}
	items = member_room(w->base.arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct node item = is_list ? document_item(w->base.document, node, i) : *node;
		unsigned item_line = is_list ? item.line : line;
		struct value value;
		int r = settings_read_text(w, option, item_line, &item, &value);

		if (r)
			return r;
		if (settings_has_item(items, i, value.text)) {
			config_errors_add(w->base.errors, w->base.file, item_line,
					  "'%s' has '%s' twice; keep one", option->name,
					  value.text);
			return CONFIG_INVALID;
		}
		items[i] = value.text;
	}
	ret->list = (struct config_list){items, n};
	return 0;
}

int settings_merge(const struct config_option *option, const struct settings_merge *m,
		   struct member_set *ret)
{
	bool is_headers = option->type == CONFIG_HEADERS;
	size_t max = is_headers ? MEMBER_MAX_HEADERS : MEMBER_MAX_OBJECT;
	struct member_set merged;
	int r = member_merge(&merged, m->arena, m->older, m->newer, is_headers);

	if (r)
		return r;
	if (member_bytes(&merged) > max) {
		config_errors_add(m->errors, m->file, m->line,
				  "'%s' is longer than %zu KiB, with what it is merged with",
				  option->name, max / 1024);
		return CONFIG_INVALID;
	}
	*ret = merged;
	return 0;
}

/* A mapping, added to what earlier files have said in the same place. */
static int settings_read_mapping(const struct settings_walk *w, const struct config_option *option,
				 unsigned line, const struct node *node,
				 const struct setting *before, struct value *ret)
{
	struct member_set members;
	int r;

	if (node->kind != NODE_MAPPING && !node->is_empty) {
		settings_wrong_kind(w, option, line, node);
		return CONFIG_INVALID;
	}
	r = option->type == CONFIG_HEADERS
		    ? headers_read(&members, &w->base, node, line)
		    : object_read(&members, &w->base, option->name, node, line);
	if (r)
		return r;
	return settings_merge(option,
			      &(struct settings_merge){w->base.arena, w->base.errors, w->base.file,
						       line, &before->value.members, &members},
			      &ret->members);
}

static int settings_apply_key(const struct settings_walk *w, const struct settings_place *place,
			      const struct node *key, struct node value)
{
	int index = config_option_find(place->section, key->text.ptr);
	struct setting setting = {.file = w->base.file, .line = key->line};
	const struct config_option *option;
	int r;

	if (index < 0 && place->section == CONFIG_SESSION &&
	    slice_is(key->text, "protocol_options")) {
		settings_refuse_protocol_options(w, key, &value);
		return 0;
	}
	if (index < 0) {
		settings_unknown_key(w, place, key);
		return 0;
	}
	option = config_option_at((size_t)index);
	if (option->type == CONFIG_URL && value.kind == NODE_LIST &&
	    !settings_unpack_url(w, key, &value))
		return 0;
	if (config_type_is_mapping(option->type))
		r = settings_read_mapping(w, option, key->line, &value, &place->values[index],
					  &setting.value);
	else if (config_type_is_list(option->type))
		r = settings_read_list(w, option, key->line, &value, &setting.value);
	else
		r = settings_read_text(w, option, key->line, &value, &setting.value);
	if (r < 0)
		return r;
	if (r == 0)
		place->values[index] = setting;
	return 0;
}

static int settings_apply_place(const struct settings_walk *w, const struct settings_place *place,
				const struct node *mapping, unsigned line)
{
	size_t n;

	if (!walk_check_mapping(&w->base, mapping, line, place->name))
		return 0;
	n = document_size(w->base.document, mapping);
	for (size_t i = 0; i < n && !config_errors_are_full(w->base.errors); i++) {
		struct node key, value;
		int r;

		if (!walk_get_pair(&w->base, mapping, i, &key, &value))
			continue;
		r = settings_apply_key(w, place, &key, value);
		if (r)
			return r;
	}
	return 0;
}

static int settings_add_session(struct settings *settings, struct settings_session **ret,
				const char *name)
{
	CLEANUP(mem_freep) struct settings_session *session = mem_alloc(sizeof(*session));
	struct settings_session **sessions;
	struct slice copy;

	if (!session)
		return -ENOMEM;
	copy = arena_printf(settings->arena, "%s", name);
	sessions = mem_realloc(settings->sessions, (settings->n_sessions + 1) * sizeof(*sessions));
	if (sessions)
		settings->sessions = sessions;
	if (!copy.len || !sessions)
		return -ENOMEM;
	session->name = copy.ptr;
	*ret = sessions[settings->n_sessions++] = TAKE(session);
	return 0;
}

static int settings_apply_session(const struct settings_walk *w, const struct node *key,
				  const struct node *value)
{
	static const struct config_option rule = {.type = CONFIG_NAME};
	struct settings_session *session;
	char what[80], right[200];
	struct value name;
	int r;

	if (value_parse(&name, &rule, key->text.ptr)) {
		value_describe(&rule, right, sizeof(right));
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "a session must have %s, not '%.*s'", right,
				  walk_shown(key->text.ptr), key->text.ptr);
		return 0;
	}
	session = settings_find_session(w->settings, name.text);
	if (!session && w->settings->n_sessions == WALK_MAX_KEYS) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "there must be at most %d sessions", WALK_MAX_KEYS);
		return 0;
	}
	if (!session) {
		r = settings_add_session(w->settings, &session, name.text);
		if (r)
			return r;
		session->file = w->base.file;
		session->line = key->line;
	}
	snprintf(what, sizeof(what), "sessions.%s", session->name);
	return settings_apply_place(w,
				    &(struct settings_place){what, CONFIG_SESSION, session->values},
				    value, key->line);
}

static int settings_apply_sessions(const struct settings_walk *w, const struct node *mapping,
				   unsigned line)
{
	size_t n;

	if (!walk_check_mapping(&w->base, mapping, line, "sessions"))
		return 0;
	n = document_size(w->base.document, mapping);
	for (size_t i = 0; i < n && !config_errors_are_full(w->base.errors); i++) {
		struct node key, value;
		int r;

		if (!walk_get_pair(&w->base, mapping, i, &key, &value))
			continue;
		r = settings_apply_session(w, &key, &value);
		if (r)
			return r;
	}
	return 0;
}

static void settings_unknown_section(const struct settings_walk *w, const struct node *key)
{
	static const char *const names[] = {"daemon", "defaults", "sessions", "limits"};
	const char *name = key->text.ptr;

	if (config_section_hint(name)) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "section '%s' is not known: %s", name, config_section_hint(name));
		return;
	}
	if (config_section_is_later(name)) {
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "section '%s' is not supported by this version; remove it", name);
		return;
	}
	for (int s = CONFIG_DAEMON; s <= CONFIG_LIMITS; s++) {
		if (config_option_find((enum config_section)s, name) < 0)
			continue;
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "'%s' is no section; it is a key of '%s'", name,
				  config_section_name((enum config_section)s));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (config_option_distance(name, names[i]) < 0)
			continue;
		config_errors_add(w->base.errors, w->base.file, key->line,
				  "unknown section '%.*s'; did you mean '%s'?", walk_shown(name),
				  name, names[i]);
		return;
	}
	config_errors_add(w->base.errors, w->base.file, key->line,
			  "unknown section '%.*s'; known are: daemon, defaults, sessions, limits",
			  walk_shown(name), name);
}

static int settings_apply_section(const struct settings_walk *w, const struct node *key,
				  const struct node *value)
{
	if (slice_is(key->text, "sessions"))
		return settings_apply_sessions(w, value, key->line);
	for (int s = CONFIG_DAEMON; s <= CONFIG_LIMITS; s++) {
		struct settings_place place = {config_section_name((enum config_section)s),
					       (enum config_section)s, w->settings->values};

		if (slice_is(key->text, place.name))
			return settings_apply_place(w, &place, value, key->line);
	}
	settings_unknown_section(w, key);
	return 0;
}

int settings_apply(struct settings *settings, const struct document *document,
		   struct config_errors *errors)
{
	struct settings_walk w = {
		.base = {settings->arena, document, document_file(document), errors},
		.settings = settings,
	};
	struct node root = document_root(document);
	size_t n;

	if (!walk_check_mapping(&w.base, &root, root.line, "the file"))
		return 0;
	n = document_size(document, &root);
	for (size_t i = 0; i < n && !config_errors_are_full(errors); i++) {
		struct node key, value;
		int r;

		if (!walk_get_pair(&w.base, &root, i, &key, &value))
			continue;
		r = settings_apply_section(&w, &key, &value);
		if (r)
			return r;
	}
	return 0;
}
