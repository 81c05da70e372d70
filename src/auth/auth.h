/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Authentication: a challenge in, an answer out (WAMP 4.3; wamp.md 1.7)
 *
 * Knows what the methods compute, and nothing of messages, sockets or where a
 * secret comes from.
 *
 *	ticket	the secret itself
 *	wampcra	base64(HMAC-SHA256(key, challenge)), the key being the secret, or,
 *		with a salt, the base64 text of PBKDF2-HMAC-SHA256 of it
 */

#include "base/buf.h"
#include "codec/scan.h"

enum auth_method {
	AUTH_ANONYMOUS,
	AUTH_TICKET,
	AUTH_WAMPCRA,
};

/* The method of that name, or -1. */
int auth_method_find(struct slice name);

/* Whether an answer needs a secret. */
bool auth_needs_secret(enum auth_method method);

/*
 * Rounds of PBKDF2 that a router may ask for, over all blocks of the key. It is
 * computed on the loop, so that more (100 ms) would be an attack on every local
 * program.
 */
#define AUTH_MAX_ITERATIONS 400000

/* Longest text for people, with its end. */
#define AUTH_MAX_MESSAGE 160

/*
 * Appends the signature for AUTHENTICATE. extra: the challenge's Extra dict.
 * 0; AUTH_REFUSED: the challenge cannot be answered and ret_message says why,
 * without the secret; -ENOMEM, -EIO.
 */
enum auth_outcome { AUTH_REFUSED = 1 };
int auth_answer(struct buf *ret, enum auth_method method, const struct scan_value *extra,
		struct slice secret, char ret_message[AUTH_MAX_MESSAGE]) MUST_CHECK;
