/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One lookup of a host's addresses, in a thread of its own
 *
 * The resolver blocks for as long as name servers are silent, half a minute
 * and more, and cannot be interrupted. In the loop's own threads, of which
 * there are four for everything, such lookups would hold up all others, and
 * the end of the process. So each has its thread, which nobody waits for.
 */

#include "base/cleanup.h"

#include <netdb.h>
#include <stdint.h>
#include <uv.h>

struct ws_lookup;

/*
 * In the loop, once, unless the lookup is abandoned before; it is gone then. 0
 * and addresses, to be freed by freeaddrinfo(); or one of EAI_….
 */
typedef void (*ws_lookup_fn)(void *owner, int status, struct addrinfo *addresses);

/* Copies the host. 0 or -errno. */
int ws_lookup_start(struct ws_lookup **ret, uv_loop_t *loop, const char *host, uint16_t port,
		    ws_lookup_fn on_end, void *owner) MUST_CHECK;

/* The owner is not interested any more; the thread ends by itself, whenever that is. */
void ws_lookup_abandon(struct ws_lookup *lookup);

/*
 * What needs no name server: a numeric address, or localhost and the names below it
 * (RFC 6761 §6.3). 0 and addresses, or one of EAI_….
 */
int ws_lookup_at_once(struct addrinfo **ret, const char *host, uint16_t port) MUST_CHECK;
