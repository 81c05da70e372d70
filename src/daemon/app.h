/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's one object, and how its files fit together
 *
 * app.c owns the loop and its turn: whatever happened, app_settle() lets hub
 * and embedded router come to rest and then writes what is outbound, once for
 * each connection however many lines. conn.c joins a stream with a peer,
 * transport.c a WebSocket or the embedded router with a link. Everything hangs
 * off struct app; nothing is global.
 */

#include "base/list.h"
#include "config/config.h"
#include "hub/hub.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/ws.h"
#include "router/router.h"

#include <uv.h>

/* At most so many lines, or so many bytes read, of one connection a turn (protocol §10). */
#define CONN_MAX_LINES 64

/* How long a connection that has its bye may take to read it. */
#define CONN_LINGER_MS 2000

/* How long a transport may take to send what is outbound before it is killed. */
#define TRANSPORT_LINGER_MS 1000

struct app {
	uv_loop_t loop;
	const struct config *config;
	const char *listen;
	struct map_secret secret;
	struct rng rng;
	struct hub *hub;
	struct router *router;
	struct ws_context *ws_context;
	struct listener listener;
	char *read_buffer; /* shared by all streams */
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;	  /* runs while some connection has input left to handle */
	uv_timer_t timer; /* the hub's deadline */
	uv_timer_t sweep; /* once a second: who is gone, who lingers */
	uv_signal_t sigterm, sigint, sighup;
	struct list conns, more; /* more: with input left */
	struct list transports;
	size_t n_conns;
	bool stopping, stopped;
	bool idling, sweeping;
};

/* One local connection. */
struct conn {
	struct stream stream;
	struct app *app;
	struct peer *peer; /* NULL once it is removed from the hub */
	struct list node, more;
	uint64_t n_told;    /* bytes that the hub knows to be written */
	uint64_t linger_ms; /* when it is closed at the latest; 0: not leaving */
	bool choked;	    /* undrained replies stopped it; it goes on when they are read */
	bool waits;	    /* whole lines are left, or reading must pause: none is done now */
	bool eof, eof_told;
};

/* A link's way to its router. */
struct transport {
	struct app *app;
	struct link *link;
	struct list node;
	const struct config_session *config;
	struct ws *ws;
	struct router_session *embedded;
	bool closing;
	uint64_t linger_ms;
};

/* app.c */
/* Until a signal; returns the exit code. listen NULL: where the configuration says. */
int app_run(const struct config *config, const char *listen);
void app_settle(struct app *app);
/*
 * Lets the sessions on the embedded router and the router talk until nothing
 * is left to say. Whether anything was said.
 */
bool app_pump(struct app *app);
void app_touch_clock(struct app *app);

/* conn.c */
void conn_accept(struct listener *listener);
void conn_serve(struct conn *c);
/* Writes what waits, and closes what has ended. */
void conn_flush(struct conn *c);
void conn_sweep(struct conn *c, uint64_t now_ms);

/* transport.c */
int transport_new(struct app *app, const struct config_session *config);
void transport_free(struct transport *t);
void transport_fulfil(struct transport *t, int wish);
void transport_flush(struct transport *t);
bool transport_pump(struct transport *t);
void transport_sweep(struct transport *t, uint64_t now_ms);
