/* SPDX-License-Identifier: MIT */

/*
 * Open ids of one connection
 */

#include "local/id.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

/* A number by its value: 1, 1.0 and 1e0 are one id. */
static size_t peer_id_number_key(const struct scan_value *token, char key[PEER_ID_MAX_KEY])
{
	uint64_t n = 0;

	(void)scan_u64(token, UINT64_MAX, &n);
	return (size_t)snprintf(key, PEER_ID_MAX_KEY, "%llu", (unsigned long long)n);
}

/* A token's canonical text; the token was validated, so it fits. */
static size_t peer_id_key(const struct scan_value *token, char key[PEER_ID_MAX_KEY])
{
	char decoded[6 * PEER_ID_MAX_KEY];
	size_t n;

	if (token->type == SCAN_REAL || token->text[0] == '-')
		return peer_id_number_key(token, key);
	if (token->type != SCAN_STRING || !(token->flags & SCAN_ESCAPED)) {
		memcpy(key, token->text, token->len);
		return token->len;
	}
	n = scan_decode(token, decoded);
	key[0] = '"';
	memcpy(key + 1, decoded, n);
	key[n + 1] = '"';
	return n + 2;
}

static struct peer_id *peer_id_lookup(const struct map *ids, struct slice key, uint64_t hash)
{
	for (struct map_node *n = map_first(ids, hash); n; n = map_next(n)) {
		struct peer_id *id = CONTAINER_OF(n, struct peer_id, node);

		if (slice_equal(key, (struct slice){id->key, id->n_key}))
			return id;
	}
	return NULL;
}

int peer_id_open(struct peer_id *id, struct map *ids, const struct map_secret *secret,
		 enum peer_id_kind kind, const struct scan_value *token)
{
	size_t n = peer_id_key(token, id->key);
	struct slice key = {id->key, n};
	uint64_t hash = map_hash_text(secret, key);

	if (peer_id_lookup(ids, key, hash))
		return -EEXIST;
	id->token = NULL;
	if (!slice_equal(key, scan_token(token))) {
		id->token = mem_strndup(token->text, token->len);
		if (!id->token)
			return -ENOMEM;
	}
	id->kind = kind;
	id->n_key = (uint16_t)n;
	id->n_token = (uint16_t)token->len;
	map_insert(ids, &id->node, hash);
	return 0;
}

void peer_id_close(struct peer_id *id, struct map *ids)
{
	map_remove(ids, &id->node);
	id->token = mem_free(id->token);
}

struct peer_id *peer_id_find(const struct map *ids, const struct map_secret *secret,
			     const struct scan_value *token)
{
	char key[PEER_ID_MAX_KEY];
	struct slice text = {key, peer_id_key(token, key)};

	return peer_id_lookup(ids, text, map_hash_text(secret, text));
}
