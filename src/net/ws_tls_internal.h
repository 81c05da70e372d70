/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The two halves of the TLS settings: ws_tls.c makes them, ws_tls_peer.c judges by them
 *
 * Nothing else in the daemon but the crypto of authentication knows OpenSSL.
 */

#include "net/ws_internal.h"

#include "base/list.h"

#include <openssl/ssl.h>

/* SHA-256 of a SubjectPublicKeyInfo. */
#define WS_TLS_PIN_SIZE 32

struct ws_tls {
	SSL_CTX *ctx;
	char *server_name; /* NULL: the host */
	bool verify, verify_host;
	/* What is in force already, so that no sentence names it as the cure. */
	bool has_ca, has_cert, has_ciphers, only_1_3;
	unsigned char (*pins)[WS_TLS_PIN_SIZE];
	size_t n_pins;
	struct list users;  /* every ws that is not over: OpenSSL's callbacks find theirs here */
	struct list vhosts; /* of libwebsockets, made of these settings */
	unsigned n_holders; /* the owner, and every ws until it is freed */
};

/* Makes OpenSSL ask us: what name to send and to check, whether the peer is the right one. */
void ws_tls_watch(struct ws_tls *tls);
