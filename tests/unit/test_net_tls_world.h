/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the TLS tests share: a small world of certificates, and a client with settings
 */

#include "test_net_client.h"
#include "test_net_server.h"

#include "test_net_tls_server.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <netdb.h>

/* Stands before the C library's for the whole program: "….test" is this machine. */
PUBLIC int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");
	size_t n = node && !(hints->ai_flags & AI_NUMERICHOST) ? strlen(node) : 0;

	if (n && node[n - 1] == '.')
		n--;
	if (n > 5 && strncmp(node + n - 5, ".test", 5) == 0)
		node = "127.0.0.1";
	return real(node, service, hints, ret);
}

/* An authority, and a router that it vouches for. */
struct world {
	struct files files;
	struct pair ca, router;
	const char *ca_file;
};

static inline struct pair world_router(struct world *world, const char *alt)
{
	return pair_new((struct wanted){
		.name = "router",
		.alt = alt,
		.issuer = &world->ca,
		.from = -A_DAY,
		.to = A_DAY,
	});
}

static inline void world_init(struct world *world)
{
	files_init(&world->files);
	world->ca = pair_new(
		(struct wanted){.name = "CA", .from = -A_DAY, .to = 30 * A_DAY, .is_ca = true});
	world->router = world_router(world, "DNS:router.test,IP:127.0.0.1,IP:::1");
	world->ca_file = files_cert(&world->files, "ca.pem", &world->ca);
}

static inline void world_done(struct world *world)
{
	pair_free(&world->ca);
	pair_free(&world->router);
	files_done(&world->files);
}

/* The settings of a careful session. */
static inline struct ws_tls_options world_options(const struct world *world)
{
	return (struct ws_tls_options){
		.ca_file = world->ca_file,
		.verify = true,
		.verify_host = true,
	};
}

static inline struct ws_tls *tls_new(const struct ws_tls_options *options)
{
	char message[WS_TLS_MAX_MESSAGE] = "";
	struct ws_tls *tls = NULL;

	if (ws_tls_new(&tls, options, message))
		fail_msg("%s", message);
	return tls;
}

/* A client of the front, with settings of its own. */
static inline void client_init_tls(struct client *client, const char *host, uint16_t port,
				   const struct ws_tls_options *options)
{
	client_init(client, host, port);
	client->options.tls = tls_new(options);
}

static inline void client_done_tls(struct client *client)
{
	client_done(client);
	ws_tls_free(client->options.tls);
}

/* One attempt that is closed again once it is open. */
static inline void client_visit(struct client *client)
{
	client->act_open = act_close;
	client_open(client);
	client_run_until_over(client);
	if (!client->n_open)
		fail_msg("not open: %s", client->text);
}
