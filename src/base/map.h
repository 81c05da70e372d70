/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Intrusive hash map
 *
 * An element embeds a map_node; the map stores the hash and the caller
 * compares the key, so that any kind of key works without a callback:
 *
 *	for (n = map_first(m, hash); n; n = map_next(n))
 *		if (key equals CONTAINER_OF(n, struct thing, node)) ...
 *
 * Insertion never fails: when the table cannot grow, chains get longer. Text
 * keys are hashed with a per-process secret (SipHash-1-3), since local
 * programs and routers choose them.
 */

#include "base/cleanup.h"
#include "base/slice.h"

#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
	bool linked;
};

struct map {
	struct map_node **buckets; /* NULL: the one chain below serves */
	struct map_node *chain;
	size_t n_buckets; /* a power of two, or 0 */
	size_t count;
};

/* The two words of the hash secret; daemon/ fills one at start, tests use a constant. */
struct map_secret {
	uint64_t k0, k1;
};

uint64_t map_hash_text(const struct map_secret *secret, struct slice text);
uint64_t map_hash_u64(uint64_t n);

void map_init(struct map *m);

/* The map must be empty: who owns elements removes them first. */
void map_done(struct map *m);

void map_insert(struct map *m, struct map_node *node, uint64_t hash);

/* Harmless when the node is not in the map. */
void map_remove(struct map *m, struct map_node *node);

/* First and following nodes with exactly this hash, or NULL. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next(const struct map_node *node);

/* Any node, for emptying a map; NULL when it is empty. */
struct map_node *map_any(const struct map *m);
