/* SPDX-License-Identifier: MIT */

/*
 * TLS: reading what libwebsockets' connection of OpenSSL has received
 */

#include "net/ws_tls_internal.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>

ssize_t ws_tls_read(SSL *ssl, char *to, size_t size)
{
	int n;

	ERR_clear_error();
	errno = 0;
	n = SSL_read(ssl, to, size > INT_MAX ? INT_MAX : (int)size);
	if (n > 0)
		return n;
	switch (SSL_get_error(ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return errno ? -errno : 0;
	}
	/* An end of file without TLS' own end is how many servers leave. */
	n = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? 0 : -EPROTO;
	ERR_clear_error();
	return n;
}

bool ws_tls_is_pending(const SSL *ssl)
{
	return SSL_has_pending(ssl);
}
