/* SPDX-License-Identifier: MIT */

/*
 * The way to a router: its addresses, and what became of them
 */

#include "net/ws_route.h"

#include "base/mem.h"
#include "net/ws_lookup.h"

#include <errno.h>
#include <string.h>

/* An answer that came when nobody waited any more is still good for so long. */
#define WS_ROUTE_LATE_MS (5u * 60 * 1000)

/* What is known of an address: when it worked and when it failed last, by a count of outcomes. */
struct ws_route_place {
	struct ws_address address;
	uint64_t worked, failed;
};

struct ws_route {
	struct list node;
	struct ws_routes *routes;
	char *host;
	uint16_t port;
	struct ws_lookup *lookup; /* under way */
	uint64_t asked_ms;	  /* since when */
	struct list waiters;
	struct ws_addresses late; /* what the last lookup found for nobody */
	uint64_t late_ms;
	struct ws_route_place places[WS_ROUTE_MAX_ADDRESSES];
	unsigned n_places;
	uint64_t n_outcomes;
};

void ws_routes_init(struct ws_routes *routes, uv_loop_t *loop)
{
	routes->loop = loop;
	list_init(&routes->all);
}

void ws_routes_stop(struct ws_routes *routes)
{
	list_for_each (i, &routes->all) {
		struct ws_route *route = CONTAINER_OF(i, struct ws_route, node);

		if (route->lookup)
			ws_lookup_abandon(TAKE(route->lookup));
	}
}

static struct ws_route *ws_route_free(struct ws_route *route)
{
	if (!route)
		return NULL;
	list_unlink(&route->node);
	mem_free(route->host);
	return mem_free(route);
}

void ws_routes_done(struct ws_routes *routes)
{
	list_for_each_safe (i, &routes->all)
		ws_route_free(CONTAINER_OF(i, struct ws_route, node));
}

struct ws_route *ws_route_get(struct ws_routes *routes, const char *host, uint16_t port)
{
	struct ws_route *route;

	list_for_each (i, &routes->all) {
		route = CONTAINER_OF(i, struct ws_route, node);
		if (route->port == port && strcmp(route->host, host) == 0)
			return route;
	}
	route = mem_alloc(sizeof(*route));
	if (!route)
		return NULL;
	route->routes = routes;
	route->host = mem_strdup(host);
	route->port = port;
	list_init(&route->waiters);
	list_init(&route->node);
	if (!route->host)
		return ws_route_free(route);
	list_append(&routes->all, &route->node);
	return route;
}

/* ---- order ---- */

static struct ws_route_place *ws_route_find(struct ws_route *route,
					    const struct ws_address *address)
{
	for (unsigned i = 0; i < route->n_places; i++) {
		struct ws_route_place *place = &route->places[i];

		if (place->address.len == address->len &&
		    memcmp(&place->address.sa, &address->sa, address->len) == 0)
			return place;
	}
	return NULL;
}

static uint64_t ws_route_place_age(const struct ws_route_place *place)
{
	return place->worked > place->failed ? place->worked : place->failed;
}

/* Room for one more; with none left, the one that was heard of longest ago is forgotten. */
static struct ws_route_place *ws_route_new_place(struct ws_route *route)
{
	struct ws_route_place *oldest = &route->places[0];

	if (route->n_places < WS_ROUTE_MAX_ADDRESSES)
		return &route->places[route->n_places++];
	for (unsigned i = 1; i < route->n_places; i++)
		if (ws_route_place_age(&route->places[i]) < ws_route_place_age(oldest))
			oldest = &route->places[i];
	return oldest;
}

void ws_route_note(struct ws_route *route, const struct ws_address *address, bool worked)
{
	struct ws_route_place *place = ws_route_find(route, address);

	if (!place) {
		place = ws_route_new_place(route);
		*place = (struct ws_route_place){.address = *address};
	}
	route->n_outcomes++;
	if (worked)
		place->worked = route->n_outcomes;
	else
		place->failed = route->n_outcomes;
}

/*
 * Whether a is to be tried before b, which the resolver named first: what worked last comes
 * first, then what was not tried yet, then what failed, the longest ago first.
 */
static bool ws_route_is_better(struct ws_route *route, const struct ws_address *a,
			       const struct ws_address *b)
{
	static const struct ws_route_place unknown;
	const struct ws_route_place *x = ws_route_find(route, a) ?: &unknown;
	const struct ws_route_place *y = ws_route_find(route, b) ?: &unknown;
	bool x_works = x->worked > x->failed, y_works = y->worked > y->failed;

	if (x_works || y_works)
		return x_works && (!y_works || x->worked > y->worked);
	return x->failed < y->failed;
}

/* Sorts without changing what the resolver says about equals. */
static void ws_route_sort(struct ws_route *route, struct ws_addresses *list)
{
	for (unsigned i = 1; i < list->n; i++) {
		struct ws_address address = list->items[i];
		unsigned at = i;

		for (; at && ws_route_is_better(route, &address, &list->items[at - 1]); at--)
			list->items[at] = list->items[at - 1];
		list->items[at] = address;
	}
}

/* ---- lookups ---- */

/* Takes the list of the C library apart. */
static void ws_route_collect(struct ws_addresses *ret, struct addrinfo *addresses)
{
	ret->n = 0;
	for (struct addrinfo *i = addresses; i && ret->n < WS_ROUTE_MAX_ADDRESSES; i = i->ai_next) {
		struct ws_address *to = &ret->items[ret->n];

		if (i->ai_addrlen > sizeof(to->sa))
			continue;
		*to = (struct ws_address){.len = i->ai_addrlen};
		memcpy(&to->sa, i->ai_addr, i->ai_addrlen);
		ret->n++;
	}
	if (addresses)
		freeaddrinfo(addresses);
}

static void ws_route_on_end(void *owner, int status, struct addrinfo *addresses)
{
	struct ws_route *route = owner;
	struct ws_addresses list;
	struct list waiters;

	route->lookup = NULL;
	ws_route_collect(&list, addresses);
	if (status == 0 && !list.n)
		status = EAI_NODATA;
	ws_route_sort(route, &list);
	if (status == 0 && list_is_empty(&route->waiters)) {
		route->late = list;
		route->late_ms = uv_now(route->routes->loop);
	}
	list_init(&waiters);
	list_splice(&waiters, &route->waiters);
	while (!list_is_empty(&waiters)) {
		struct ws_route_waiter *waiter =
			CONTAINER_OF(waiters.next, struct ws_route_waiter, node);

		list_unlink(&waiter->node);
		waiter->on_end(waiter, status, &list);
	}
}

/* The late answer, if it is still good; once. */
static bool ws_route_take_late(struct ws_route *route, struct ws_addresses *ret)
{
	bool is_good =
		route->late.n && uv_now(route->routes->loop) - route->late_ms < WS_ROUTE_LATE_MS;

	if (is_good)
		*ret = route->late;
	route->late.n = 0;
	return is_good;
}

int ws_route_ask(struct ws_route *route, struct ws_addresses *ret, struct ws_route_waiter *waiter)
{
	struct addrinfo *addresses = NULL;
	int r;

	if (ws_lookup_at_once(&addresses, route->host, route->port) == 0)
		ws_route_collect(ret, addresses);
	else if (!ws_route_take_late(route, ret))
		ret->n = 0;
	if (ret->n) {
		ws_route_sort(route, ret);
		return WS_ROUTE_KNOWN;
	}
	if (!route->lookup) {
		r = ws_lookup_start(&route->lookup, route->routes->loop, route->host, route->port,
				    ws_route_on_end, route);
		if (r < 0)
			return r;
		route->asked_ms = uv_now(route->routes->loop);
	}
	list_append(&route->waiters, &waiter->node);
	return 0;
}

uint64_t ws_route_waited_ms(const struct ws_route *route)
{
	return uv_now(route->routes->loop) - route->asked_ms;
}
