/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One walk over the tree of one file
 *
 * What is wrong with a node is recorded here, in the same words wherever it
 * stands; who walks looks at the next one then.
 */

#include "base/arena.h"
#include "config/document.h"
#include "config/errors.h"

struct walk {
	struct arena *arena; /* of what is kept */
	const struct document *document;
	const char *file; /* outlives what is kept */
	struct config_errors *errors;
};

/* A mapping with more keys is refused. */
#define WALK_MAX_KEYS 1000

/* The rules for nodes of every kind. */
bool walk_check_node(const struct walk *w, const struct node *node, unsigned line);

/* Nothing behind the colon is a mapping without keys: all of them may be comments. */
bool walk_check_mapping(const struct walk *w, const struct node *node, unsigned line,
			const char *what);

/* Pair i of the mapping, unless there is something wrong with its key. */
bool walk_get_pair(const struct walk *w, const struct node *mapping, size_t i, struct node *ret_key,
		   struct node *ret_value);

/*
 * How much of a key that is not known may be shown: up to its first colon, since
 * "name: value" in quotes is a key too, and the value may be a secret.
 */
int walk_shown(const char *key);
