/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Mappings as values: sets of members that are merged key by key
 *
 * "headers" and "auth_extra": a file adds to those before it, a session to
 * the defaults. In the end a set becomes a list of texts, or one text.
 */

#include "base/arena.h"
#include "config/config.h"

struct member {
	const char *key;  /* a header's name; or a JSON string, with its quotes */
	const char *text; /* the header's value; or JSON */
	const char *file; /* where it stands */
	unsigned line;
};

/* Borrowed; the members never change. */
struct member_set {
	const struct member *items;
	size_t n;
};

/*
 * What all of it together may be long: headers, since the request must fit the
 * buffer of the WebSocket library; the object, since it is a part of HELLO.
 */
#define MEMBER_MAX_HEADERS 3072
#define MEMBER_MAX_OBJECT  16384

/* Room for an array of pointers or members, not initialised; NULL without memory. */
void *member_room(struct arena *arena, size_t n_bytes);

/* A NUL-terminated copy that may be empty; NULL without memory. */
const char *member_copy(struct arena *arena, struct slice text);

/* As sent: "name: value\r\n", or "name":value and a comma. */
size_t member_bytes(const struct member_set *set);

/* The member of that key, or NULL. */
const struct member *member_find(const struct member_set *set, const char *key, bool ignore_case);

/* Those of newer, and of older what newer has not. 0 or -ENOMEM. */
int member_merge(struct member_set *ret, struct arena *arena, const struct member_set *older,
		 const struct member_set *newer, bool ignore_case) MUST_CHECK;

/* Each "Name: value". 0 or -ENOMEM. */
int member_to_list(struct config_list *ret, struct arena *arena,
		   const struct member_set *set) MUST_CHECK;

/* {"a":1,"b":2}, or NULL for an empty set. 0 or -ENOMEM. */
int member_to_object(const char **ret, struct arena *arena,
		     const struct member_set *set) MUST_CHECK;
