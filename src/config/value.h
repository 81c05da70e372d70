/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values: text as it stands in a file ⇄ what the option table says it is
 *
 * The table decides the type, never the look of the text: `no`, `0x10`,
 * `1e3` and `null` hold no surprise. No locale has a say.
 */

#include "config/config.h"
#include "config/member.h"
#include "config/option.h"

struct value {
	uint64_t number;	   /* bool, count, size, duration, mode, level, choice */
	double real;		   /* factor */
	const char *text;	   /* texts, and a mapping that became one; borrowed */
	struct config_list list;   /* lists, and a mapping that became one */
	struct member_set members; /* a mapping before it becomes either */
};

/*
 * The value of a text. For a list it is that of one item, as a text. Mappings
 * have none.
 */
enum value_outcome { VALUE_WRONG = 1 };
int value_parse(struct value *ret, const struct config_option *option, const char *text) MUST_CHECK;

/* What would be right, to follow "must be": "a duration from 1s to 1h, such as ...". */
void value_describe(const struct config_option *option, char *ret_text, size_t n_text);

/* What is wrong with a text that is no value, if it is a slip of a known kind, in brackets; or "".
 */
const char *value_hint(const struct config_option *option, const char *text);

/* Whether it is a word that the row will know in a later version. */
bool value_is_later(const struct config_option *option, const char *text);

/* A number as a file would say it; value_parse() gives the same value back. Not for texts. */
void value_format(const struct config_option *option, const struct value *value, char *ret_text,
		  size_t n_text);

/* Between a value, which is no single item and no members, and the field of the section's structure
 * that the row names. */
void value_store(const struct config_option *option, const struct value *value, void *section);
void value_load(struct value *ret, const struct config_option *option, const void *section);

bool value_equal(const struct value *a, const struct value *b);
