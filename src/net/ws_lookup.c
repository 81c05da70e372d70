/* SPDX-License-Identifier: MIT */

/*
 * One lookup of a host's addresses, in a thread of its own
 *
 * The lookup belongs to two: the loop, until its handle is closed, and the
 * thread, until it ends; who is the last frees it. The lock holds only for a
 * moment. Behind "abandoned" the thread touches the handle no more, so the loop
 * may close it, and be closed itself, long before the thread comes back.
 */

#include "net/ws_lookup.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Plenty for the C library and for modules of nsswitch.conf. */
#define WS_LOOKUP_STACK_SIZE (1u << 20)

struct ws_lookup {
	pthread_mutex_t lock;
	unsigned n_owners;
	bool abandoned;
	uv_async_t async;
	ws_lookup_fn on_end;
	void *owner;
	char port[8];
	int status;
	struct addrinfo *addresses;
	char host[]; /* behind all else */
};

static void ws_lookup_leave(struct ws_lookup *lookup)
{
	bool is_last;

	pthread_mutex_lock(&lookup->lock);
	is_last = --lookup->n_owners == 0;
	pthread_mutex_unlock(&lookup->lock);
	if (!is_last)
		return;
	if (lookup->addresses)
		freeaddrinfo(lookup->addresses);
	pthread_mutex_destroy(&lookup->lock);
	mem_free(lookup);
}

static void *ws_lookup_main(void *arg)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct ws_lookup *lookup = arg;
	struct addrinfo *addresses = NULL;
	int status = getaddrinfo(lookup->host, lookup->port, &hints, &addresses);

	pthread_mutex_lock(&lookup->lock);
	lookup->status = status;
	lookup->addresses = status ? NULL : addresses;
	if (!lookup->abandoned)
		uv_async_send(&lookup->async);
	pthread_mutex_unlock(&lookup->lock);
	ws_lookup_leave(lookup);
	return NULL;
}

static void ws_lookup_on_closed(uv_handle_t *handle)
{
	ws_lookup_leave(CONTAINER_OF(handle, struct ws_lookup, async));
}

void ws_lookup_abandon(struct ws_lookup *lookup)
{
	pthread_mutex_lock(&lookup->lock);
	lookup->abandoned = true;
	pthread_mutex_unlock(&lookup->lock);
	uv_close((uv_handle_t *)&lookup->async, ws_lookup_on_closed);
}

static void ws_lookup_on_end(uv_async_t *async)
{
	struct ws_lookup *lookup = CONTAINER_OF(async, struct ws_lookup, async);
	struct addrinfo *addresses = TAKE(lookup->addresses);

	ws_lookup_abandon(lookup);
	lookup->on_end(lookup->owner, lookup->status, addresses);
}

/* 0 or -errno. The thread hears no signal: those are the loop's. */
static int ws_lookup_spawn(struct ws_lookup *lookup)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r = pthread_attr_init(&attributes);

	if (r)
		return -r;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, WS_LOOKUP_STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attributes, ws_lookup_main, lookup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

int ws_lookup_start(struct ws_lookup **ret, uv_loop_t *loop, const char *host, uint16_t port,
		    ws_lookup_fn on_end, void *owner)
{
	size_t size = strlen(host) + 1;
	struct ws_lookup *lookup = mem_alloc(sizeof(*lookup) + size);
	int r;

	if (!lookup)
		return -ENOMEM;
	memcpy(lookup->host, host, size);
	snprintf(lookup->port, sizeof(lookup->port), "%u", port);
	lookup->on_end = on_end;
	lookup->owner = owner;
	pthread_mutex_init(&lookup->lock, NULL);
	lookup->n_owners = 2;
	r = uv_async_init(loop, &lookup->async, ws_lookup_on_end);
	if (r < 0) {
		mem_free(lookup);
		return r;
	}
	/* Who waits for it has a timer; a lookup alone does not keep the loop running. */
	uv_unref((uv_handle_t *)&lookup->async);
	r = ws_lookup_spawn(lookup);
	if (r < 0) {
		lookup->n_owners = 1;
		ws_lookup_abandon(lookup);
		return r;
	}
	*ret = lookup;
	return 0;
}

static bool ws_lookup_is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t n = strlen(host);

	if (n && host[n - 1] == '.')
		n--;
	if (n < sizeof(name) - 1 ||
	    strncasecmp(host + n - (sizeof(name) - 1), name, sizeof(name) - 1) != 0)
		return false;
	return n == sizeof(name) - 1 || host[n - sizeof(name)] == '.';
}

int ws_lookup_at_once(struct addrinfo **ret, const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	char text[8];

	snprintf(text, sizeof(text), "%u", port);
	/* Without a name, and without "passive", it is the loopback addresses. */
	return getaddrinfo(ws_lookup_is_localhost(host) ? NULL : host, text, &hints, ret);
}
