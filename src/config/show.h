/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values as YAML, for people and for config_load()
 */

#include "base/buf.h"
#include "config/value.h"

/* A text, in quotes unless it can stand without. */
void show_text(struct buf *out, const char *text);

/* A value that is no set of members yet; nothing at all is "null". */
void show_value(struct buf *out, const struct config_option *option, const struct value *value);

/* "key: value" of a mapping. */
void show_member(struct buf *out, const struct config_option *option, const struct member *member);
