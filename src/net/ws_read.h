/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reading an established connection, in turns: a part of struct ws
 */

#include "base/cleanup.h"
#include "base/slice.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ws;

/* What a connection may still do in this turn of the loop. */
struct ws_turn {
	size_t n_bytes, n_messages, n_inflated;
};

/* In CLIENT_ESTABLISHED: from now on libwebsockets does not read any more. */
void ws_read_take_over(struct ws *ws);
int ws_read_start(struct ws *ws) MUST_CHECK;
/* Bytes that it had read by then. */
void ws_read_early(struct ws *ws, struct slice bytes);
/* Whether OpenSSL has something that the socket has not any more. */
bool ws_read_is_pending(const struct ws *ws);
void ws_read_resume(struct ws *ws);
void ws_read_stop(struct ws *ws);

/* ws_tls_read.c: as recv(), with -errno; -EAGAIN: nothing to read now. */
ssize_t ws_tls_read(SSL *ssl, char *to, size_t size) MUST_CHECK;
bool ws_tls_is_pending(const SSL *ssl);
