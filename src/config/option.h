/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The option table: one row for every key of the configuration
 *
 * The row drives reading, range, default and showing; the manual page and the
 * sample file are checked against it. A new key is a row here, a field in
 * config/config.h, and a paragraph in each of the two.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

enum config_section {
	CONFIG_DAEMON,
	CONFIG_SESSION, /* "defaults", and each entry of "sessions" */
	CONFIG_LIMITS,
};

enum config_type {
	CONFIG_BOOL,
	CONFIG_COUNT,
	CONFIG_SIZE,	 /* in bytes */
	CONFIG_DURATION, /* in milliseconds */
	CONFIG_FACTOR,
	CONFIG_MODE,   /* of a file, octal */
	CONFIG_LEVEL,  /* of syslog */
	CONFIG_CHOICE, /* one of the row's words, as its number */

	CONFIG_SOCKET, /* from here on: texts */
	CONFIG_NAME,
	CONFIG_URL,
	CONFIG_HOST,
	CONFIG_PATH, /* of a url */
	CONFIG_REALM,
	CONFIG_TEXT, /* one line */
	CONFIG_FILE, /* an absolute path */
	CONFIG_ORIGIN,
	CONFIG_SECRET, /* or where it stands, see config/secret.h */

	CONFIG_WORDS, /* from here on: lists of texts; these of the row's words */
	CONFIG_PINS,

	CONFIG_HEADERS, /* from here on: mappings; this one becomes a list */
	CONFIG_OBJECT,	/* and this one the text of a JSON object */
};

/* What a choice, or an item of a list of words, can be. */
struct config_words {
	const char *const *known;
	size_t n_known;
	const char *const *later; /* of the design, refused by this version */
	size_t n_later;
};

struct config_option {
	enum config_section section;
	const char *name;
	enum config_type type;
	const char
		*fallback; /* the default as a file would say it; NULL: depends, see the manual */
	double min, max;   /* for numbers, in the type's unit; for lists, of how many items */
	const char *word;  /* accepted in the place of a number, or NULL */
	uint64_t word_value;
	const struct config_words *words;
	size_t offset, size; /* of the field in the section's structure */
};

/* More rows do not fit in struct settings. */
#define CONFIG_MAX_OPTIONS 96

size_t config_option_count(void);

/* index < config_option_count(); the rows of one section stand together. */
const struct config_option *config_option_at(size_t index);

/* The index, or -1. */
int config_option_find(enum config_section section, const char *name);

/*
 * What of a value may be told, in a dump, in "list config" and in a message: the
 * one list of what is secret.
 */
enum config_secrecy {
	CONFIG_PUBLIC,
	CONFIG_UNQUOTED,  /* shown, but not repeated when it is wrong: who pastes a key where
			     the name of its file belongs must not find it in the log */
	CONFIG_QUERY,	  /* shown up to its '?' */
	CONFIG_NAMES,	  /* of its members, and not what they are */
	CONFIG_REFERENCE, /* "@file:..." is shown, anything else is not */
};
enum config_secrecy config_option_secrecy(const struct config_option *option);

/* Whether SIGHUP takes a new value; the others need a restart. */
bool config_option_is_reloadable(const struct config_option *option);

bool config_type_is_text(enum config_type type);
bool config_type_is_list(enum config_type type);
bool config_type_is_mapping(enum config_type type);

/* Of the mapping that holds the keys: "daemon", "defaults", "limits". */
const char *config_section_name(enum config_section section);

/* Whether the design knows the key or the whole section, and this version does not. */
bool config_option_is_later(enum config_section section, const char *name);
bool config_section_is_later(const char *name);

/*
 * What to say to somebody who knows the key from the seed or from another
 * client, to follow "key '...' in ...: "; or NULL.
 */
const char *config_option_hint(enum config_section section, const char *name);

/* The same for the keys of the seed's "protocol_options". */
const char *config_protocol_option_hint(const char *name);

/* The same for sections; "clients is 'sessions' here". */
const char *config_section_hint(const char *name);

/* Another section that has this key, or NULL. */
const char *config_option_elsewhere(enum config_section section, const char *name);

/* The key of the section that was probably meant, or NULL. */
const char *config_option_nearest(enum config_section section, const char *name);

/* All keys of the section, with commas; cut off where the room ends. */
void config_option_list(enum config_section section, char *ret_text, size_t n_text);

/* Whether a is so near b that it may be a slip of the keyboard; the distance, or -1. */
int config_option_distance(const char *a, const char *b);
