/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * "auth_extra": a mapping that is sent as a JSON object
 */

#include "config/member.h"
#include "config/walk.h"

/* More levels are refused, the mapping itself being the first. */
#define OBJECT_MAX_DEPTH 16

/*
 * 0, or CONFIG_INVALID with the mistake recorded, or -ENOMEM. Keys and values
 * are JSON. name: of the option, for people.
 */
int object_read(struct member_set *ret, const struct walk *w, const char *name,
		const struct node *mapping, unsigned line) MUST_CHECK;
