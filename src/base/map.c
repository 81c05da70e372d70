/* SPDX-License-Identifier: MIT */

/*
 * Intrusive hash map, chained, with SipHash-1-3 for text
 */

#include "base/map.h"

#include "base/mem.h"

#include <assert.h>

#define MAP_MIN_BUCKETS 16

/* A map with fewer elements than this part of its buckets gets fewer of them, if it has many. */
#define MAP_SPARSE	 8
#define MAP_KEPT_BUCKETS 1024

static uint64_t map_rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void map_sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = map_rotate(v[1], 13) ^ v[0];
	v[0] = map_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = map_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = map_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = map_rotate(v[1], 17) ^ v[2];
	v[2] = map_rotate(v[2], 32);
}

static void map_sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	map_sip_round(v);
	v[0] ^= word;
}

uint64_t map_hash_text(const struct map_secret *secret, struct slice text)
{
	uint64_t v[4] = {secret->k0 ^ 0x736f6d6570736575, secret->k1 ^ 0x646f72616e646f6d,
			 secret->k0 ^ 0x6c7967656e657261, secret->k1 ^ 0x7465646279746573};
	uint64_t word;
	size_t i;

	for (i = 0; i + 8 <= text.len; i += 8) {
		memcpy(&word, text.ptr + i, 8);
		map_sip_word(v, word);
	}
	word = (uint64_t)text.len << 56;
	for (size_t k = 0; i + k < text.len; k++)
		word |= (uint64_t)(unsigned char)text.ptr[i + k] << (8 * k);
	map_sip_word(v, word);
	v[2] ^= 0xff;
	map_sip_round(v);
	map_sip_round(v);
	map_sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash_u64(uint64_t n)
{
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
	n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
	return n ^ (n >> 31);
}

void map_init(struct map *m)
{
	*m = (struct map){0};
}

void map_done(struct map *m)
{
	assert(!m->count);
	mem_free(m->buckets);
	map_init(m);
}

static struct map_node **map_bucket(struct map *m, uint64_t hash)
{
	return m->n_buckets ? &m->buckets[hash & (m->n_buckets - 1)] : &m->chain;
}

static void map_move_chain(struct map *to, struct map_node *chain)
{
	struct map_node *next;

	for (struct map_node *n = chain; n; n = next) {
		struct map_node **bucket = map_bucket(to, n->hash);

		next = n->next;
		n->next = *bucket;
		*bucket = n;
	}
}

static void map_resize(struct map *m, size_t n_buckets)
{
	struct map bigger = {.n_buckets = n_buckets, .count = m->count};

	bigger.buckets = mem_alloc(n_buckets * sizeof(struct map_node *));
	if (!bigger.buckets)
		return;
	map_move_chain(&bigger, m->chain);
	for (size_t i = 0; i < m->n_buckets; i++)
		map_move_chain(&bigger, m->buckets[i]);
	mem_free(m->buckets);
	*m = bigger;
}

void map_insert(struct map *m, struct map_node *node, uint64_t hash)
{
	struct map_node **bucket;

	assert(!node->linked);
	if (m->count >= m->n_buckets)
		map_resize(m, m->n_buckets ? m->n_buckets * 2 : MAP_MIN_BUCKETS);
	bucket = map_bucket(m, hash);
	node->hash = hash;
	node->next = *bucket;
	node->linked = true;
	*bucket = node;
	m->count++;
}

void map_remove(struct map *m, struct map_node *node)
{
	struct map_node **at;

	if (!node->linked)
		return;
	for (at = map_bucket(m, node->hash); *at != node; at = &(*at)->next)
		;
	*at = node->next;
	node->next = NULL;
	node->linked = false;
	m->count--;
	/* What many have needed must not stay for ever. */
	if (m->n_buckets > MAP_KEPT_BUCKETS && m->count < m->n_buckets / MAP_SPARSE)
		map_resize(m, m->n_buckets / MAP_SPARSE * 2);
}

static struct map_node *map_match(struct map_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
	if (!m->n_buckets)
		return map_match(m->chain, hash);
	return map_match(m->buckets[hash & (m->n_buckets - 1)], hash);
}

struct map_node *map_next(const struct map_node *node)
{
	return map_match(node->next, node->hash);
}

struct map_node *map_any(const struct map *m)
{
	for (size_t i = 0; m->count && i < m->n_buckets; i++)
		if (m->buckets[i])
			return m->buckets[i];
	return m->chain;
}
