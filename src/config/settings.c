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
#include "config/config.h"
#include "config/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One walk over one document. */
struct settings_walk {
	struct settings *settings;
	const struct document *document;
	const char *file;
	struct config_errors *errors;
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

struct settings_session *settings_find_session(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_sessions; i++)
		if (strcmp(settings->sessions[i]->name, name) == 0)
			return settings->sessions[i];
	return NULL;
}

static bool settings_has_nul(const struct node *node)
{
	return node->kind == NODE_TEXT && memchr(node->text.ptr, '\0', node->text.len);
}

/* The rules for nodes of every kind. */
static bool settings_check_node(const struct settings_walk *w, const struct node *node,
				unsigned line)
{
	if (node->has_tag)
		config_errors_add(w->errors, w->file, line,
				  "YAML tags (such as !include or !!int) have no meaning here; "
				  "write the value alone");
	else if (settings_has_nul(node))
		config_errors_add(w->errors, w->file, line, "a NUL character cannot be used");
	else
		return true;
	return false;
}

/* Nothing behind the colon is a mapping without keys: all of them may be comments. */
static bool settings_check_mapping(const struct settings_walk *w, const struct node *node,
				   unsigned line, const char *what)
{
	if (!settings_check_node(w, node, line))
		return false;
	if (node->kind != NODE_MAPPING && !node->is_empty)
		config_errors_add(w->errors, w->file, line,
				  "%s must be a mapping (indented lines 'key: value'), not %s",
				  what, node->kind == NODE_LIST ? "a list" : "a single value");
	else if (document_size(w->document, node) > SETTINGS_MAX_KEYS)
		config_errors_add(w->errors, w->file, line, "%s must have at most %d keys", what,
				  SETTINGS_MAX_KEYS);
	else
		return true;
	return false;
}

/* The line on which the same key stands before pair i, or 0. */
static unsigned settings_find_duplicate(const struct settings_walk *w, const struct node *mapping,
					size_t i, struct slice key)
{
	struct node other, value;

	for (size_t j = 0; j < i; j++) {
		document_pair(w->document, mapping, j, &other, &value);
		if (other.kind == NODE_TEXT && slice_equal(other.text, key))
			return other.line;
	}
	return 0;
}

/* Pair i of the mapping, unless there is something wrong with its key. */
static bool settings_get_pair(const struct settings_walk *w, const struct node *mapping, size_t i,
			      struct node *ret_key, struct node *ret_value)
{
	struct node key, value;
	unsigned first;

	document_pair(w->document, mapping, i, &key, &value);
	if (key.kind != NODE_TEXT || key.is_empty) {
		config_errors_add(w->errors, w->file, key.line, "a key must be a single word");
		return false;
	}
	if (!settings_check_node(w, &key, key.line))
		return false;
	first = settings_find_duplicate(w, mapping, i, key.text);
	if (first) {
		config_errors_add(w->errors, w->file, key.line,
				  "duplicate key '%.60s': it stands on line %u already; keep one",
				  key.text.ptr, first);
		return false;
	}
	*ret_key = key;
	*ret_value = value;
	return true;
}

static void settings_unknown_key(const struct settings_walk *w, const struct settings_place *place,
				 const struct node *key)
{
	const char *name = key->text.ptr;
	const char *elsewhere = config_option_elsewhere(place->section, name);
	const char *nearest = config_option_nearest(place->section, name);
	char all[600];

	if (config_option_is_later(place->section, name)) {
		config_errors_add(w->errors, w->file, key->line,
				  "key '%s' in %s is not supported by this version; remove it",
				  name, place->name);
	} else if (strcmp(name, "<<") == 0) {
		config_errors_add(w->errors, w->file, key->line,
				  "'<<' does not merge here; what sessions share stands in "
				  "'defaults'");
	} else if (elsewhere) {
		config_errors_add(w->errors, w->file, key->line,
				  "unknown key '%s' in %s; it belongs in '%s'", name, place->name,
				  elsewhere);
	} else if (nearest) {
		config_errors_add(w->errors, w->file, key->line,
				  "unknown key '%s' in %s; did you mean '%s'?", name, place->name,
				  nearest);
	} else {
		config_option_list(place->section, all, sizeof(all));
		config_errors_add(w->errors, w->file, key->line,
				  "unknown key '%.60s' in %s; known are: %s", name, place->name,
				  all);
	}
}

/* A list of one may be written as a single value, and the other way round where lists will be. */
static bool settings_unpack_url(const struct settings_walk *w, const struct node *key,
				struct node *value)
{
	if (document_size(w->document, value) == 1) {
		*value = document_item(w->document, value, 0);
		return true;
	}
	config_errors_add(w->errors, w->file, key->line,
			  "a list of urls (fail-over) is not supported by this version; give one "
			  "url");
	return false;
}

static void settings_wrong_value(const struct settings_walk *w, const struct config_option *option,
				 unsigned line, const char *text)
{
	char right[200];

	if (option->type == CONFIG_URL) {
		config_errors_add(w->errors, w->file, line, "'%s' %s", option->name,
				  url_problem(url_check(text)));
		return;
	}
	value_describe(option, right, sizeof(right));
	config_errors_add(w->errors, w->file, line, "'%s' must be %s, not '%.60s'", option->name,
			  right, text);
}

/* The text of a value that can be one, or NULL with the mistake recorded. */
static const char *settings_get_text(const struct settings_walk *w,
				     const struct config_option *option, const struct node *key,
				     struct node value)
{
	char right[200];

	if (option->type == CONFIG_URL && value.kind == NODE_LIST &&
	    !settings_unpack_url(w, key, &value))
		return NULL;
	if (!settings_check_node(w, &value, key->line))
		return NULL;
	if (value.kind == NODE_TEXT && !value.is_empty)
		return value.text.ptr;
	value_describe(option, right, sizeof(right));
	config_errors_add(w->errors, w->file, key->line, "'%s' must be %s, not %s", option->name,
			  right,
			  value.kind == NODE_TEXT   ? "nothing"
			  : value.kind == NODE_LIST ? "a list"
						    : "a mapping");
	return NULL;
}

static int settings_apply_key(const struct settings_walk *w, const struct settings_place *place,
			      const struct node *key, const struct node *value)
{
	int index = config_option_find(place->section, key->text.ptr);
	struct setting setting = {.file = w->file, .line = key->line};
	const struct config_option *option;
	const char *text;

	if (index < 0) {
		settings_unknown_key(w, place, key);
		return 0;
	}
	option = config_option_at((size_t)index);
	text = settings_get_text(w, option, key, *value);
	if (!text)
		return 0;
	if (value_parse(&setting.value, option, text)) {
		settings_wrong_value(w, option, key->line, text);
		return 0;
	}
	if (setting.value.text) {
		struct slice copy = arena_printf(w->settings->arena, "%s", setting.value.text);

		if (!copy.len)
			return -ENOMEM;
		setting.value.text = copy.ptr;
	}
	place->values[index] = setting;
	return 0;
}

static int settings_apply_place(const struct settings_walk *w, const struct settings_place *place,
				const struct node *mapping, unsigned line)
{
	size_t n;

	if (!settings_check_mapping(w, mapping, line, place->name))
		return 0;
	n = document_size(w->document, mapping);
	for (size_t i = 0; i < n && !config_errors_are_full(w->errors); i++) {
		struct node key, value;
		int r;

		if (!settings_get_pair(w, mapping, i, &key, &value))
			continue;
		r = settings_apply_key(w, place, &key, &value);
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
		config_errors_add(w->errors, w->file, key->line,
				  "a session must have %s, not '%.80s'", right, key->text.ptr);
		return 0;
	}
	session = settings_find_session(w->settings, name.text);
	if (!session && w->settings->n_sessions == SETTINGS_MAX_KEYS) {
		config_errors_add(w->errors, w->file, key->line,
				  "there must be at most %d sessions", SETTINGS_MAX_KEYS);
		return 0;
	}
	if (!session) {
		r = settings_add_session(w->settings, &session, name.text);
		if (r)
			return r;
		session->file = w->file;
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

	if (!settings_check_mapping(w, mapping, line, "sessions"))
		return 0;
	n = document_size(w->document, mapping);
	for (size_t i = 0; i < n && !config_errors_are_full(w->errors); i++) {
		struct node key, value;
		int r;

		if (!settings_get_pair(w, mapping, i, &key, &value))
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

	if (config_section_is_later(name)) {
		config_errors_add(w->errors, w->file, key->line,
				  "section '%s' is not supported by this version; remove it", name);
		return;
	}
	for (int s = CONFIG_DAEMON; s <= CONFIG_LIMITS; s++) {
		if (config_option_find((enum config_section)s, name) < 0)
			continue;
		config_errors_add(w->errors, w->file, key->line,
				  "'%s' is no section; it is a key of '%s'", name,
				  config_section_name((enum config_section)s));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (config_option_distance(name, names[i]) < 0)
			continue;
		config_errors_add(w->errors, w->file, key->line,
				  "unknown section '%s'; did you mean '%s'?", name, names[i]);
		return;
	}
	config_errors_add(w->errors, w->file, key->line,
			  "unknown section '%.60s'; known are: daemon, defaults, sessions, limits",
			  name);
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
	struct settings_walk w = {settings, document, document_file(document), errors};
	struct node root = document_root(document);
	size_t n;

	if (!settings_check_mapping(&w, &root, root.line, "the file"))
		return 0;
	n = document_size(document, &root);
	for (size_t i = 0; i < n && !config_errors_are_full(errors); i++) {
		struct node key, value;
		int r;

		if (!settings_get_pair(&w, &root, i, &key, &value))
			continue;
		r = settings_apply_section(&w, &key, &value);
		if (r)
			return r;
	}
	return 0;
}
