/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Open ids of one connection (protocol §5)
 *
 * A request that waits for its reply, and a handle that lives, embed a struct
 * peer_id. Two spellings of one string or number are one id; the spelling that came is
 * the one that goes back.
 */

#include "base/map.h"
#include "codec/scan.h"

enum peer_id_kind {
	PEER_ID_CALL,
	PEER_ID_REGISTRATION,
	PEER_ID_SUBSCRIPTION,
	PEER_ID_WATCH,
	PEER_ID_REQUEST, /* anything else that waits for an answer */
};

/* 64 bytes and the quotes. */
#define PEER_ID_MAX_KEY 66

struct peer_id {
	struct map_node node;
	enum peer_id_kind kind;
	uint16_t n_key, n_token;
	char key[PEER_ID_MAX_KEY]; /* canonical: a number's digits, or a decoded string in quotes */
	char *token;		   /* as it was spelled, where that differs from key */
};

/* Takes the id into the map. 0, -EEXIST when it is open already, or -ENOMEM. */
int peer_id_open(struct peer_id *id, struct map *ids, const struct map_secret *secret,
		 enum peer_id_kind kind, const struct scan_value *token) MUST_CHECK;

/* Harmless when it is not open. */
void peer_id_close(struct peer_id *id, struct map *ids);

/* The open id that a member names, or NULL. */
struct peer_id *peer_id_find(const struct map *ids, const struct map_secret *secret,
			     const struct scan_value *token);

/* The token to echo. */
static inline struct slice peer_id_token(const struct peer_id *id)
{
	return (struct slice){id->token ? id->token : id->key, id->n_token};
}

static inline bool peer_id_is_open(const struct peer_id *id)
{
	return id->node.linked;
}
