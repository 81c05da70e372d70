/* SPDX-License-Identifier: MIT */

/*
 * The few primitives that authentication needs, by OpenSSL
 */

#include "auth/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int crypto_hmac_sha256(unsigned char ret[CRYPTO_SHA256_SIZE], struct slice key, struct slice text)
{
	unsigned n = CRYPTO_SHA256_SIZE;

	if (key.len > INT_MAX)
		return -EIO;
	return HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len,
		    ret, &n)
		       ? 0
		       : -EIO;
}

int crypto_pbkdf2_sha256(unsigned char *ret, size_t n, struct slice secret, struct slice salt,
			 unsigned iterations)
{
	if (secret.len > INT_MAX || salt.len > INT_MAX || n > INT_MAX || iterations > INT_MAX)
		return -EIO;
	return PKCS5_PBKDF2_HMAC(secret.ptr, (int)secret.len, (const unsigned char *)salt.ptr,
				 (int)salt.len, (int)iterations, EVP_sha256(), (int)n, ret) == 1
		       ? 0
		       : -EIO;
}

const char *crypto_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

size_t crypto_base64(char *ret, const unsigned char *bytes, size_t n)
{
	return (size_t)EVP_EncodeBlock((unsigned char *)ret, bytes, (int)n);
}
