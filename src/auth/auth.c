/* SPDX-License-Identifier: MIT */

/*
 * Authentication: a challenge in, an answer out
 */

#include "auth/auth.h"

#include "auth/crypto.h"
#include "base/mem.h"
#include "codec/dict.h"
#include "codec/number.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Where a salted challenge is silent (WAMP 4.3.2). */
#define AUTH_CRA_ITERATIONS 1000
#define AUTH_CRA_KEYLEN	    32

/* Bytes of derived key; more is no protection, and a router has no say in our memory. */
#define AUTH_CRA_MAX_KEYLEN 256

static const char *const auth_names[] = {
	[AUTH_ANONYMOUS] = "anonymous",
	[AUTH_TICKET] = "ticket",
	[AUTH_WAMPCRA] = "wampcra",
};

int auth_method_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(auth_names); i++)
		if (slice_is(name, auth_names[i]))
			return (int)i;
	return -1;
}

bool auth_needs_secret(enum auth_method method)
{
	return method != AUTH_ANONYMOUS;
}

PRINTF(2, 3)
static int auth_refuse(char ret_message[AUTH_MAX_MESSAGE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret_message, AUTH_MAX_MESSAGE, format, args);
	va_end(args);
	return AUTH_REFUSED;
}

/* ---- wampcra ---- */

/* What a salted challenge asks for. */
struct auth_cra {
	char *challenge, *salt; /* salt NULL: none */
	uint64_t iterations, keylen;
};

static void auth_cra_done(struct auth_cra *cra)
{
	mem_free(cra->challenge);
	mem_free(cra->salt);
}

/* A number that some router wrote as a string of digits. */
static bool auth_read_digits(uint64_t *ret, struct slice digits, uint64_t max)
{
	for (size_t i = 0; i < digits.len; i++)
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return false;
	return digits.len && number_read_u64(digits, max, ret);
}

/* An integer 1 … max, or the fallback where there is none. */
static bool auth_read_number(uint64_t *ret, const struct scan_value *extra, const char *name,
			     uint64_t max, uint64_t fallback)
{
	struct scan_value v = dict_find(extra, name);
	bool is_read;

	*ret = fallback;
	if (v.type == SCAN_ABSENT || v.type == SCAN_NULL ||
	    (v.type != SCAN_STRING && v.flags & SCAN_EMPTY))
		return true;
	is_read = v.type == SCAN_STRING ? auth_read_digits(ret, scan_raw(&v), max)
					: scan_u64(&v, max, ret);
	return is_read && *ret;
}

/* Each block of a hash's length has all the rounds. */
static uint64_t auth_blocks(uint64_t keylen)
{
	return (keylen + CRYPTO_SHA256_SIZE - 1) / CRYPTO_SHA256_SIZE;
}

static int auth_read_cra(struct auth_cra *ret, const struct scan_value *extra,
			 char ret_message[AUTH_MAX_MESSAGE])
{
	struct scan_value salt;

	ret->challenge = dict_text(extra, "challenge");
	if (!ret->challenge)
		return auth_refuse(ret_message, "the router's wampcra challenge holds no text");
	salt = dict_find(extra, "salt");
	if (salt.type != SCAN_STRING)
		return 0;
	ret->salt = dict_text(extra, "salt");
	if (!ret->salt)
		return -ENOMEM;
	if (!auth_read_number(&ret->keylen, extra, "keylen", AUTH_CRA_MAX_KEYLEN, AUTH_CRA_KEYLEN))
		return auth_refuse(ret_message, "the router asks for a key of no or over %d bytes",
				   AUTH_CRA_MAX_KEYLEN);
	if (!auth_read_number(&ret->iterations, extra, "iterations", AUTH_MAX_ITERATIONS,
			      AUTH_CRA_ITERATIONS) ||
	    ret->iterations * auth_blocks(ret->keylen) > AUTH_MAX_ITERATIONS)
		return auth_refuse(ret_message,
				   "the router asks for more than %d rounds of key derivation, or "
				   "for none",
				   AUTH_MAX_ITERATIONS);
	return 0;
}

static int auth_sign(struct buf *ret, struct slice key, const char *challenge)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	char text[CRYPTO_BASE64_SIZE(CRYPTO_SHA256_SIZE)];
	int r = crypto_hmac_sha256(digest, key, slice_of(challenge));

	if (r < 0)
		return r;
	buf_append(ret, text, crypto_base64(text, digest, sizeof(digest)));
	return ret->error;
}

/* The key is the base64 *text* of what is derived: no specification says so, every peer does so. */
static int auth_sign_salted(struct buf *ret, const struct auth_cra *cra, struct slice secret)
{
	unsigned char key[AUTH_CRA_MAX_KEYLEN];
	char text[CRYPTO_BASE64_SIZE(AUTH_CRA_MAX_KEYLEN)];
	size_t n = (size_t)cra->keylen;
	int r = crypto_pbkdf2_sha256(key, n, secret, slice_of(cra->salt),
				     (unsigned)cra->iterations);

	if (r == 0)
		r = auth_sign(ret, (struct slice){text, crypto_base64(text, key, n)},
			      cra->challenge);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return r;
}

static int auth_answer_cra(struct buf *ret, const struct scan_value *extra, struct slice secret,
			   char ret_message[AUTH_MAX_MESSAGE])
{
	CLEANUP(auth_cra_done) struct auth_cra cra = {0};
	int r = auth_read_cra(&cra, extra, ret_message);

	if (r)
		return r;
	return cra.salt ? auth_sign_salted(ret, &cra, secret)
			: auth_sign(ret, secret, cra.challenge);
}

/* ---- all methods ---- */

int auth_answer(struct buf *ret, enum auth_method method, const struct scan_value *extra,
		struct slice secret, char ret_message[AUTH_MAX_MESSAGE])
{
	if (auth_needs_secret(method) && !secret.len)
		return auth_refuse(ret_message, "there is no secret to answer a %s challenge with",
				   auth_names[method]);
	switch (method) {
	case AUTH_ANONYMOUS:
		return auth_refuse(ret_message, "the router challenges an anonymous session");
	case AUTH_TICKET:
		buf_append_slice(ret, secret);
		return ret->error;
	case AUTH_WAMPCRA:
		return auth_answer_cra(ret, extra, secret, ret_message);
	}
	return auth_refuse(ret_message, "unknown method");
}
