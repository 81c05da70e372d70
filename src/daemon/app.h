/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's one object, and how its files fit together
 *
 * app.c owns the loop and its turn: whatever happened, app_settle() lets hub
 * and embedded router come to rest and then writes what is outbound, once for
 * each connection however many lines. start.c makes everything and takes it
 * apart. conn.c joins a stream with a peer, transport.c a WebSocket or the
 * embedded router with a link. reload.c reads the configuration again, report.c
 * tells log and service manager. Everything hangs off struct app; nothing is
 * global but the log's sink.
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

/* Longest line of status for the service manager, with its end. */
#define REPORT_MAX_STATUS 512

/* What the command line and the environment say beside the configuration. */
struct app_options {
	struct config_source source; /* to read it again */
	const char *listen;	     /* NULL: where the configuration says */
	int log_level;		     /* -1: as the configuration says */
	int log_target;		     /* enum log_target, or -1 */
	const char *credentials;     /* directory of "@credential:", or NULL */
};

struct app {
	uv_loop_t loop;
	const struct app_options *options;
	const struct config *config; /* as started: sessions, paths */
	const struct config *latest; /* as read last: limits, log level; may be the same */
	const char *listen;
	char listen_text[128]; /* of a socket that was passed */
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
	uv_timer_t alive; /* signs of life for the service manager's watchdog */
	uv_signal_t sigterm, sigint, sighup, sigusr1;
	uv_async_t derived;	 /* some session's key */
	struct list conns, more; /* more: with input left */
	struct list transports;
	size_t n_conns;
	bool stopping, stopped;
	bool idling;
	bool flooded;	    /* very much waits for programs */
	bool leaves_thread; /* one that derives a key runs on */
	bool starved;	    /* no memory for who is at the door: looked at again by the sweep */
	int exit_code;	    /* of a stop that was not asked for; else 0 */
	char status[REPORT_MAX_STATUS]; /* told last */
	bool status_is_kept;		/* it says that a reload failed */
	bool is_ready_owed;		/* the service manager has not taken it yet */
	struct hub_setting *settings;	/* of "list config" */
	struct arena settings_text;
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
	struct ws_tls *tls; /* of a session on wss */
	uint64_t tls_stamp; /* of the files that it was made of */
	struct ws *ws;
	struct router_session *embedded;
	struct derive *derive;	   /* a thread that derives a key, or NULL */
	struct auth_job *next_job; /* waits for it */
	bool closing;
	uint64_t linger_ms;
};

/* start.c */
/* Until a signal; returns the exit code. Both must outlive it. */
int app_run(const struct config *config, const struct app_options *options);
/* Begins the orderly end; exit_code: of the process, when it is over. */
void app_drain(struct app *app, int exit_code);
/* From the loop, when no connection and no transport is left. */
void app_stop(struct app *app);

/* app.c */
void app_settle(struct app *app);
/* The callbacks of the loop's handles that make a turn. */
void app_on_prepare(uv_prepare_t *prepare);
void app_on_check(uv_check_t *check);
void app_on_sweep(uv_timer_t *timer);
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

/* reload.c */
struct hub_limits reload_limits(const struct config *config);
void reload_set_log_level(const struct app *app);
void reload_configuration(struct app *app);

/* rows.c: what "list config" shows */
void rows_make(struct app *app);
void rows_done(struct app *app);

/* report.c */
void report_notes(struct app *app);
void report_ready(struct app *app);
/* All there is, to the log. */
void report_state(struct app *app);
void report_reload_failed(struct app *app, const char *why);
void report_stopping(struct app *app);
/* Once a second. */
void report_tick(struct app *app);
void report_alive(uv_timer_t *timer);

/* transport.c */
/* 0, -errno, or SECURE_UNUSABLE: secure_check() tells what is wrong. */
int transport_new(struct app *app, const struct config_session *config);
void transport_free(struct transport *t);
void transport_fulfil(struct transport *t, int wish);
void transport_flush(struct transport *t);
bool transport_pump(struct transport *t);
/* The hub learns how much is still on its way. */
void transport_tell_unsent(struct transport *t);
/* Whether the router is read, as the hub says. */
void transport_set_reading(struct transport *t);
void transport_sweep(struct transport *t, uint64_t now_ms);
