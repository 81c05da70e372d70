/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The few primitives that authentication needs, by OpenSSL
 *
 * The only file of this layer that knows OpenSSL. All functions: 0, or -EIO
 * when OpenSSL refuses (no memory, a provider that forbids the algorithm).
 */

#include "base/cleanup.h"
#include "base/slice.h"

#define CRYPTO_SHA256_SIZE 32

/* Characters of n bytes in padded base64, and the NUL behind them. */
#define CRYPTO_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

int crypto_hmac_sha256(unsigned char ret[CRYPTO_SHA256_SIZE], struct slice key,
		       struct slice text) MUST_CHECK;

/* PBKDF2 (RFC 8018) with HMAC-SHA256; n bytes go to ret. iterations >= 1. */
int crypto_pbkdf2_sha256(unsigned char *ret, size_t n, struct slice secret, struct slice salt,
			 unsigned iterations) MUST_CHECK;

/* OpenSSL's own, for --version. */
const char *crypto_library_version(void);

/* Padded, in one line. Room: CRYPTO_BASE64_SIZE(n). Returns the length. */
size_t crypto_base64(char *ret, const unsigned char *bytes, size_t n);
