/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The way to a router: its addresses, and what became of them
 *
 * One route for each host and port, kept by the context for as long as it
 * lives. It has at most one lookup under way, however many attempts come and
 * go meanwhile, and an answer that comes too late serves the next attempt. It
 * remembers which address worked and which failed: the one that worked last is
 * tried first, and the one that failed last is tried last.
 */

#include "base/cleanup.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

/* More addresses of one name are not tried, nor remembered. */
#define WS_ROUTE_MAX_ADDRESSES 16

struct ws_address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct ws_addresses {
	struct ws_address items[WS_ROUTE_MAX_ADDRESSES];
	unsigned n;
};

/* Who waits for the lookup; embedded. */
struct ws_route_waiter {
	struct list node;
	/* In the loop, once: 0 and addresses in the order in which to try them, or one of EAI_…. */
	void (*on_end)(struct ws_route_waiter *waiter, int status,
		       const struct ws_addresses *addresses);
};

struct ws_route;

/* The routes of a loop. */
struct ws_routes {
	uv_loop_t *loop;
	struct list all;
};

void ws_routes_init(struct ws_routes *routes, uv_loop_t *loop);
/* Nobody waits any more: lookups under way are left to themselves. The loop must run after it. */
void ws_routes_stop(struct ws_routes *routes);
void ws_routes_done(struct ws_routes *routes);

/* The route to there, a new one if there is none yet; NULL: out of memory. */
struct ws_route *ws_route_get(struct ws_routes *routes, const char *host, uint16_t port);

/*
 * WS_ROUTE_KNOWN: *ret says where, without a lookup. 0: the waiter will be told. Or -errno.
 */
enum ws_route_outcome { WS_ROUTE_KNOWN = 1 };
int ws_route_ask(struct ws_route *route, struct ws_addresses *ret,
		 struct ws_route_waiter *waiter) MUST_CHECK;

/* How long the lookup has been under way. */
uint64_t ws_route_waited_ms(const struct ws_route *route);

/* What became of an attempt at an address. */
void ws_route_note(struct ws_route *route, const struct ws_address *address, bool worked);
