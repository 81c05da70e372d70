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

/* What a challenge asks for. */
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
	if (!auth_read_number(&ret->keylen, extra, "keylen", AUTH_MAX_KEY, AUTH_CRA_KEYLEN))
		return auth_refuse(ret_message, "the router asks for a key of no or over %d bytes",
				   AUTH_MAX_KEY);
	if (!auth_read_number(&ret->iterations, extra, "iterations", AUTH_MAX_ITERATIONS,
			      AUTH_CRA_ITERATIONS) ||
	    ret->iterations * auth_blocks(ret->keylen) > AUTH_MAX_ITERATIONS)
		return auth_refuse(ret_message,
				   "the router asks for more than %d rounds of key derivation, or "
				   "for none",
				   AUTH_MAX_ITERATIONS);
	return 0;
}

static int auth_sign(char ret[AUTH_MAX_SIGNATURE], struct slice key, const char *challenge)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	int r = crypto_hmac_sha256(digest, key, slice_of(challenge));

	if (r == 0)
		(void)crypto_base64(ret, digest, sizeof(digest));
	explicit_bzero(digest, sizeof(digest));
	return r;
}

/* ---- deriving ---- */

static struct auth_job *auth_job_new(struct auth_cra *cra, struct slice secret)
{
	struct auth_job *job = mem_alloc(sizeof(*job));

	if (!job)
		return NULL;
	job->secret = (struct buf){.max = secret.len, .wipes = true};
	buf_append_slice(&job->secret, secret);
	job->challenge = TAKE(cra->challenge);
	job->salt = TAKE(cra->salt);
	job->iterations = (unsigned)cra->iterations;
	job->keylen = (size_t)cra->keylen;
	job->result = -EINPROGRESS;
	return job->secret.error ? auth_job_free(job) : job;
}

struct auth_job *auth_job_free(struct auth_job *job)
{
	if (!job)
		return NULL;
	buf_done(&job->secret);
	mem_free(job->challenge);
	mem_free(job->salt);
	explicit_bzero(job, sizeof(*job));
	return mem_free(job);
}

/* The key is the base64 *text* of what is derived: no specification says so, every peer does so. */
void auth_job_run(struct auth_job *job)
{
	unsigned char key[AUTH_MAX_KEY];
	int r = crypto_pbkdf2_sha256(key, job->keylen, buf_bytes(&job->secret), slice_of(job->salt),
				     job->iterations);

	if (r == 0) {
		(void)crypto_base64(job->key, key, job->keylen);
		r = auth_sign(job->signature, slice_of(job->key), job->challenge);
	}
	explicit_bzero(key, sizeof(key));
	job->result = r;
}

/* ---- all methods ---- */

static int auth_answer_cra(struct buf *ret, struct auth_job **ret_job,
			   const struct scan_value *extra, struct slice secret,
			   char ret_message[AUTH_MAX_MESSAGE])
{
	CLEANUP(auth_cra_done) struct auth_cra cra = {0};
	char signature[AUTH_MAX_SIGNATURE];
	int r = auth_read_cra(&cra, extra, ret_message);

	if (r)
		return r;
	if (cra.salt) {
		*ret_job = auth_job_new(&cra, secret);
		return *ret_job ? AUTH_DERIVES : -ENOMEM;
	}
	r = auth_sign(signature, secret, cra.challenge);
	if (r == 0)
		buf_append_slice(ret, slice_of(signature));
	explicit_bzero(signature, sizeof(signature));
	return r < 0 ? r : ret->error;
}

int auth_answer(struct buf *ret, struct auth_job **ret_job, enum auth_method method,
		const struct scan_value *extra, struct slice secret,
		char ret_message[AUTH_MAX_MESSAGE])
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
		return auth_answer_cra(ret, ret_job, extra, secret, ret_message);
	}
	return auth_refuse(ret_message, "unknown method");
}
