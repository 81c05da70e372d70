/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the files say, gathered before it becomes a configuration
 *
 * Files are applied one after the other: mappings are merged key by key,
 * everything else is replaced, the later file wins. Every value is checked
 * where it stands, also one that a later file replaces.
 */

#include "config/value.h"
#include "config/walk.h"

/* A key that is set, and where. */
struct setting {
	const char *file; /* NULL: not set */
	unsigned line;
	struct value value;
};

struct settings_session {
	const char *name;
	const char *file; /* where it was first mentioned */
	unsigned line;
	struct setting values[CONFIG_MAX_OPTIONS]; /* by row of the option table */
};

struct settings {
	struct arena *arena;			   /* of names and texts; belongs to the caller */
	struct setting values[CONFIG_MAX_OPTIONS]; /* daemon, defaults, limits */
	struct settings_session **sessions;
	size_t n_sessions;
};

void settings_init(struct settings *settings, struct arena *arena);
void settings_done(struct settings *settings);

/* Mistakes go to errors. 0 or -errno. The document's file name must outlive the settings. */
int settings_apply(struct settings *settings, const struct document *document,
		   struct config_errors *errors) MUST_CHECK;

/* What is set there, or NULL. The section must have the key. */
const struct setting *settings_find(const struct setting *values, enum config_section section,
				    const char *name);

/* Two sets of members, and where to complain. */
struct settings_merge {
	struct arena *arena;
	struct config_errors *errors;
	const char *file;
	unsigned line;
	const struct member_set *older, *newer;
};

/* 0, or CONFIG_INVALID with the mistake recorded, or -ENOMEM. */
int settings_merge(const struct config_option *option, const struct settings_merge *m,
		   struct member_set *ret) MUST_CHECK;

/* The session or NULL. */
struct settings_session *settings_find_session(const struct settings *settings, const char *name);
