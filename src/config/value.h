/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values: text as it stands in a file ⇄ what the option table says it is
 *
 * The table decides the type, never the look of the text: `no`, `0x10`,
 * `1e3` and `null` hold no surprise. No locale has a say.
 */

#include "config/option.h"

struct value {
	uint64_t number;  /* bool, count, size, duration, mode, level */
	double real;	  /* factor */
	const char *text; /* all others; borrowed from the text that was read */
};

enum value_outcome { VALUE_WRONG = 1 };
int value_parse(struct value *ret, const struct config_option *option, const char *text) MUST_CHECK;

/* What would be right, to follow "must be": "a duration from 1s to 1h, such as ...". */
void value_describe(const struct config_option *option, char *ret_text, size_t n_text);

/* As a file would say it; value_parse() gives the same value back. */
void value_format(const struct config_option *option, const struct value *value, char *ret_text,
		  size_t n_text);

/* Between a value and the field of the section's structure that the row names. */
void value_store(const struct config_option *option, const struct value *value, void *section);
void value_load(struct value *ret, const struct config_option *option, const void *section);
