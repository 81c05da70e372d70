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

#include "auth/crypto.h"
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
 * Rounds of PBKDF2 that a router may ask for, over all blocks of the key: about
 * a third of a second of one processor, for each attempt to join.
 */
#define AUTH_MAX_ITERATIONS 400000

/* Bytes of derived key; more is no protection, and a router has no say in our memory. */
#define AUTH_MAX_KEY 256

/* A signature of wampcra as text, with its end. */
#define AUTH_MAX_SIGNATURE CRYPTO_BASE64_SIZE(CRYPTO_SHA256_SIZE)

/* Longest text for people, with its end. */
#define AUTH_MAX_MESSAGE 160

/*
 * A key that must be derived before a challenge can be answered. It owns all it
 * needs and shares nothing, so that auth_job_run() may be called in another
 * thread, and it is wiped when it is freed.
 */
struct auth_job {
	struct buf secret;
	char *challenge, *salt;
	unsigned iterations;
	size_t keylen;
	uint64_t number; /* which one the session waits for */
	/* what auth_job_run() leaves */
	int result; /* 0 or -EIO; before: -EINPROGRESS */
	char key[CRYPTO_BASE64_SIZE(AUTH_MAX_KEY)];
	char signature[AUTH_MAX_SIGNATURE];
};

/* Allocates nothing. */
void auth_job_run(struct auth_job *job);

/* Takes NULL; returns NULL. */
struct auth_job *auth_job_free(struct auth_job *job);

/*
 * Appends the signature for AUTHENTICATE. extra: the challenge's Extra dict.
 * 0; AUTH_REFUSED: the challenge cannot be answered and ret_message says why,
 * without the secret; AUTH_DERIVES: *ret_job, which the caller owns, must run
 * first, and holds the signature then; -ENOMEM, -EIO.
 */
enum auth_outcome { AUTH_REFUSED = 1, AUTH_DERIVES = 2 };
int auth_answer(struct buf *ret, struct auth_job **ret_job, enum auth_method method,
		const struct scan_value *extra, struct slice secret,
		char ret_message[AUTH_MAX_MESSAGE]) MUST_CHECK;
