/* SPDX-License-Identifier: MIT */

/*
 * The configuration, shown again
 *
 * The dump has the shape of the files merged into one: what a session takes
 * from the defaults stands there and not again in the session, so that it
 * reads back to the same configuration with the same warnings.
 */

#include "config/show.h"
#include "config/store.h"

#include <stdio.h>

static const void *dump_fields(const struct config *config, const struct config_session *session,
			       enum config_section section)
{
	switch (section) {
	case CONFIG_DAEMON:
		return &config->daemon;
	case CONFIG_SESSION:
		return session;
	case CONFIG_LIMITS:
		return &config->limits;
	}
	return NULL;
}

static void dump_load(struct value *ret, const struct config *config,
		      const struct config_session *session, const struct config_option *option)
{
	value_load(ret, option, dump_fields(config, session, option->section));
}

void config_show(const struct config *config, const struct config_session *session, size_t option,
		 struct buf *out)
{
	struct value value;

	dump_load(&value, config, session, config_option_at(option));
	show_value(out, config_option_at(option), &value);
}

bool config_is_same(const struct config *a, const struct config_session *session_a,
		    const struct config *b, const struct config_session *session_b, size_t option)
{
	struct value value_a, value_b;

	dump_load(&value_a, a, session_a, config_option_at(option));
	dump_load(&value_b, b, session_b, config_option_at(option));
	return value_equal(&value_a, &value_b);
}

static void dump_place(struct buf *out, const char *file, unsigned line)
{
	char number[16];

	if (!file) {
		buf_append_literal(out, "  # default\n");
		return;
	}
	buf_append_literal(out, "  # ");
	for (; *file; file++)
		buf_append_char(out, *file >= ' ' && *file <= '~' ? *file : '?');
	snprintf(number, sizeof(number), ":%u\n", line);
	buf_append_slice(out, slice_of(number));
}

/* One section, or one session, of the dump. */
struct dump {
	const struct config *config;
	enum config_section section;
	const char *indent;
	const struct setting *values;
	bool with_defaults; /* also what is not set */
	struct buf *out;
};

/* Each member on a line of its own, since each has its own place. */
static void dump_members(const struct dump *d, const struct config_option *option,
			 const struct setting *setting)
{
	const struct member_set *members = &setting->value.members;

	if (!members->n)
		buf_append_literal(d->out, " {}");
	dump_place(d->out, setting->file, setting->line);
	for (size_t i = 0; i < members->n; i++) {
		buf_append_slice(d->out, slice_of(d->indent));
		buf_append_literal(d->out, "  ");
		show_member(d->out, option, &members->items[i]);
		dump_place(d->out, members->items[i].file, members->items[i].line);
	}
}

/* The pieces of a url would mean one. */
static bool dump_is_piece(const struct config_option *option)
{
	static const char *const pieces[] = {"host", "port", "path", "tls"};

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		if (option->section == CONFIG_SESSION && strcmp(option->name, pieces[i]) == 0)
			return true;
	return false;
}

static bool dump_has_default(const struct dump *d, const struct config_option *option)
{
	struct value value;

	if (d->section == CONFIG_SESSION)
		return option->fallback != NULL;
	dump_load(&value, d->config, NULL, option);
	return !config_type_is_text(option->type) || value.text;
}

/* Of the table, or what was decided for "listen" and "default_session". */
static void dump_default(const struct dump *d, size_t i)
{
	if (d->section == CONFIG_SESSION)
		show_text(d->out, config_option_at(i)->fallback);
	else
		config_show(d->config, NULL, i, d->out);
}

/* "  name: value", or nothing if there is none to show. */
static void dump_option(const struct dump *d, size_t i)
{
	const struct config_option *option = config_option_at(i);
	const struct setting *setting = &d->values[i];

	if (!setting->file && !d->with_defaults)
		return;
	if (!setting->file && (dump_is_piece(option) || !dump_has_default(d, option)))
		return;
	buf_append_slice(d->out, slice_of(d->indent));
	buf_append_slice(d->out, slice_of(option->name));
	buf_append_char(d->out, ':');
	if (config_type_is_mapping(option->type)) {
		dump_members(d, option, setting);
		return;
	}
	buf_append_char(d->out, ' ');
	if (setting->file)
		show_value(d->out, option, &setting->value);
	else
		dump_default(d, i);
	dump_place(d->out, setting->file, setting->line);
}

static void dump_options(const struct dump *d)
{
	for (size_t i = 0; i < config_option_count(); i++)
		if (config_option_at(i)->section == d->section)
			dump_option(d, i);
}

static void dump_section(const struct config *config, enum config_section section, struct buf *out)
{
	const struct dump d = {.config = config,
			       .section = section,
			       .indent = "  ",
			       .values = config->store->settings.values,
			       .with_defaults = true,
			       .out = out};

	buf_append_slice(out, slice_of(config_section_name(section)));
	buf_append_literal(out, ":\n");
	dump_options(&d);
}

static void dump_session(const struct config *config, const struct settings_session *session,
			 struct buf *out)
{
	const struct dump d = {.config = config,
			       .section = CONFIG_SESSION,
			       .indent = "    ",
			       .values = session->values,
			       .out = out};

	buf_append_literal(out, "  ");
	show_text(out, session->name);
	buf_append_char(out, ':');
	dump_place(out, session->file, session->line);
	dump_options(&d);
}

int config_dump(const struct config *config, struct buf *out)
{
	const struct settings *settings = &config->store->settings;

	dump_section(config, CONFIG_DAEMON, out);
	dump_section(config, CONFIG_SESSION, out);
	if (settings->n_sessions)
		buf_append_literal(out, "sessions:\n");
	for (size_t i = 0; i < settings->n_sessions; i++)
		dump_session(config, settings->sessions[i], out);
	dump_section(config, CONFIG_LIMITS, out);
	return out->error;
}
