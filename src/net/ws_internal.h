/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One WebSocket attempt, and how its files fit together
 *
 *	RESOLVING ──► CONNECTING ──► OPEN ──► CLOSING ──► OVER
 *	    └─────────────┴───────────┴──────────┴──────────┘
 *
 * ws.c owns the life: open, close, kill, the one end (ws_over), the timer.
 * ws_connect.c tries the addresses of the name in turn, which ws_route.c knows
 * by ws_lookup.c and from earlier attempts; ws_conn.c is
 * the established connection, ws_read.c what it receives, ws_life.c its pings;
 * ws_frame.c makes and reads frames; ws_context.c is the process' libwebsockets context and deals
 *its callbacks out; ws_request.c holds what the HTTP request says; ws_tls*.c is TLS.
 *
 * libwebsockets' connection (wsi) and the ws part before the ws ends:
 * ws_detach() makes every later callback of that wsi find nobody. So our own
 * kills never come back as callbacks, and the end is told in one place.
 */

#include "net/ws.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "net/ws_answer.h"
#include "net/ws_frame.h"
#include "net/ws_inflate.h"
#include "net/ws_life.h"
#include "net/ws_read.h"
#include "net/ws_route.h"

#include <libwebsockets.h>
#include <netdb.h>
#include <stdbool.h>

/* Frames are sent in batches of this size; a longer frame goes alone. */
#define WS_BATCH_SIZE (64u << 10)

/* Read at once, and so the longest message that is lent out without a copy. */
#define WS_READ_SIZE (32u << 10)

/* Answers to pings that may wait to be sent; if more come, the older ones are forgotten. */
#define WS_MAX_PONGS 4096

/* Room for the addresses that were silent. */
#define WS_MAX_SILENT 160

/* How long the peer may take to answer our CLOSE frame, unless the options say. */
#define WS_CLOSE_MS 1000

/* Longest text of on_over; a CLOSE frame's reason has at most 123 bytes. */
#define WS_MAX_TEXT 400

/* Longest request: what fits one write to a new socket, and more than most routers read. */
#define WS_REQUEST_MAX (16u << 10)

/* Room for "[host]:port". */
#define WS_MAX_HOST (NI_MAXHOST + 16)

/*
 * Where libwebsockets keeps one session's TLS settings, whose own contexts of TLS would be shared
 * by the names of the files, whatever is in them by now. It goes with the settings.
 */
struct ws_vhost {
	struct ws_context *context;
	struct list of_context, of_tls;
	struct ws_tls *tls; /* NULL: plain */
	bool compression;
	struct lws_vhost *lws;
	SSL_CTX *ssl_ctx; /* as long as libwebsockets may look at it */
	unsigned n_wsi;	  /* connections that libwebsockets has not freed yet */
	bool is_dropped;  /* to be destroyed when there are none */
};

struct ws_context {
	uv_loop_t *loop;
	struct lws_context *lws;
	struct list vhosts; /* made when they are first needed */
	struct ws_routes routes;
	uv_timer_t sweep; /* of vhosts that were dropped */
	bool has_stopped;
	unsigned n_vhosts;
	struct rng rng;	      /* masking keys */
	unsigned char *batch; /* LWS_PRE + WS_BATCH_SIZE bytes, shared by all connections */
	char *read_buffer;    /* WS_READ_SIZE bytes, shared as well */
};

enum ws_state {
	WS_STATE_RESOLVING,
	WS_STATE_CONNECTING, /* with a wsi: an address is being tried; without: the next is due */
	WS_STATE_OPEN,
	WS_STATE_CLOSING, /* nothing but the end is told any more */
	WS_STATE_OVER,
};

/* How far the best attempt came: its failure says the most. */
enum ws_rank {
	WS_RANK_UNREACHED,
	WS_RANK_TLS, /* TCP is connected, TLS is not yet */
	WS_RANK_CONNECTED,
	WS_RANK_ANSWERED,
};

struct ws {
	struct ws_context *context;
	const struct ws_ops *ops;
	void *owner;
	struct ws_options options; /* with own copies of the strings */
	enum ws_state state;
	struct lws *wsi, *early; /* early: not yet returned by libwebsockets' connect */
	uv_timer_t timer;	 /* of whatever the state waits for */

	/* connecting */
	struct ws_route *route;
	struct ws_route_waiter waiter; /* for the lookup */
	struct ws_addresses addresses;
	unsigned next;		    /* the address to try next; the one before it is being tried */
	uint64_t deadline_ms;	    /* for all of them; or NEVER_MS */
	uint64_t share_ms;	    /* of the name or the address that is being tried */
	char address[NI_MAXHOST];   /* the one that is tried, numeric */
	char silent[WS_MAX_SILENT]; /* those that did not answer: "a, b" */
	enum ws_rank rank, best;    /* of this attempt, and of the one that text is about */
	bool starting;		    /* inside libwebsockets' connect */
	struct ws_answer answer;
	struct list tls_user; /* in tls->users, until it is over */
	bool tls_expects;     /* OpenSSL knows whom to expect */
	/* Why this attempt fails, if that is known before its end; else the text is empty. */
	enum ws_reason cause;
	char cause_text[WS_MAX_TEXT];

	/* connected: receiving */
	uv_poll_t poll;	 /* of read_fd */
	uv_idle_t go_on; /* runs while something received waits for its turn */
	int read_fd;	 /* a copy of libwebsockets' */
	bool has_poll;
	bool paused;	 /* the owner wants nothing read */
	bool unreadable; /* what follows has no meaning any more */
	struct buf rest; /* received, and not looked at yet */
	struct ws_parser parser;
	struct ws_turn turn;
	struct buf message;	    /* pieces of an unfinished message */
	struct ws_inflate *inflate; /* NULL: compression was not agreed upon */
	bool inflating;		    /* a piece was not inflated to its end: */
	bool inflates_last;	    /* it is the last of its message */
	size_t n_to_inflate;	    /* bytes of it that "rest" begins with */
	uint64_t received_ms;	    /* when something was last received */

	/* connected: sending */
	struct buf pongs; /* frames */
	struct ws_life life;
	size_t n_written; /* with the last write: at most so much is left of it in libwebsockets */
	unsigned close_code;
	bool ping_wanted, close_sent, peer_closes;

	/* ending */
	unsigned calling; /* owner's callbacks that are on the stack below a callback of wsi */
	bool doomed;	  /* ws_kill() came from there */
	bool has_opened;
	bool has_worked;    /* the owner says so */
	unsigned n_handles; /* of the loop, not yet closed */
	enum ws_reason reason;
	char text[WS_MAX_TEXT];
};

/* ws.c */
void ws_set_end(struct ws *ws, enum ws_reason reason, const char *format, ...) PRINTF(3, 4);
void ws_set_timer(struct ws *ws, uint64_t ms);
/* From now on callbacks of the wsi find nobody; it is returned. */
struct lws *ws_detach(struct ws *ws);
/*
 * To be called before a wsi is closed for good: libwebsockets keeps one with
 * unsent bytes, to flush them, also when it is told to kill it. With the socket
 * shut down the flush fails, and that it takes for the end.
 */
void ws_break(struct lws *wsi);
/* Detaches and closes the connection at once. Not from a callback of it. */
void ws_drop(struct ws *ws);
/* For uv_close() of the ws' handles; each is counted in n_handles. */
void ws_on_handle_closed(uv_handle_t *handle);
/* Tells the end as ws_set_end() put it. The ws lives until the loop has closed its handles. */
void ws_over(struct ws *ws);
/* Ends the connection by a CLOSE frame with this code. */
void ws_start_closing(struct ws *ws, unsigned close_code);

/* ws_context.c: where connections like this one belong; NULL: out of memory. */
struct ws_vhost *ws_context_vhost(struct ws_context *context, struct ws_tls *tls, bool compression);
/* No connection will use it any more. */
void ws_context_drop_vhost(struct ws_vhost *v);

/* ws_request.c */
/* Copies what options point to; on failure ws_request_done() is still to be called. */
int ws_request_init(struct ws_options *ret, const struct ws_options *options) MUST_CHECK;
void ws_request_done(struct ws_options *options);
/* The Host header: brackets for an IPv6 literal, the port if it is not the default. */
void ws_request_host(const struct ws_options *options, char ret[WS_MAX_HOST]);
/*
 * Writes the request over the one that libwebsockets has made, from start to *at, of which only
 * the key stays; *at becomes its new end. 0; -ENOBUFS: longer than WS_REQUEST_MAX.
 */
int ws_request_write(const struct ws_options *options, unsigned char *start,
		     unsigned char **at) MUST_CHECK;

/* ws_tls.c, ws_tls_peer.c */
/* The settings live as long as somebody holds them; both take NULL. */
void ws_tls_hold(struct ws_tls *tls);
void ws_tls_release(struct ws_tls *tls);
/* Made of the settings; to be given back. */
SSL_CTX *ws_tls_take_ssl_ctx(struct ws_tls *tls);
void ws_tls_give_ssl_ctx(SSL_CTX *ssl_ctx);
/* Its vhosts go with it, as long as the list has them. */
void ws_tls_add_vhost(struct ws_tls *tls, struct ws_vhost *v);
/* From the first attempt on until the ws is over TLS may call back about it. */
void ws_tls_enter(struct ws *ws);
void ws_tls_leave(struct ws *ws);
/*
 * At the end of a connection: hears an alert that libwebsockets has not read, since the reset
 * behind it came first.
 */
void ws_tls_listen(struct ws *ws, struct lws *wsi);

/* ws_connect.c */
int ws_connect_start(struct ws *ws) MUST_CHECK;
/* The clock of the attempt, once there is a timer. */
void ws_connect_begin(struct ws *ws);
/* The ws is over: nobody waits for the name, and the address is remembered for what it was. */
void ws_connect_leave(struct ws *ws);
void ws_connect_on_timer(struct ws *ws);
/* The request is about to be sent; at: where in its buffer headers may be added. -1 ends it. */
int ws_connect_reached(struct ws *ws, struct lws *wsi, unsigned char **at, size_t room);
/* The HTTP answer is here. */
void ws_connect_answered(struct ws *ws, struct lws *wsi);
/* Whether the answer was not too long, once nothing of it is left to be read. */
bool ws_connect_fits(struct ws *ws);
/* Whether the answer, a 101, is what was asked for. */
bool ws_connect_is_agreed(struct ws *ws, struct lws *wsi);
/* The attempt is over; text is libwebsockets' own or absent. */
void ws_connect_failed(struct ws *ws, struct lws *wsi, struct slice text);

/* ws_conn.c; what returns int returns -1 to let libwebsockets close the connection. */
int ws_conn_on_open(struct ws *ws);
/* permessage-deflate was agreed upon; before on_open. */
int ws_conn_on_compression(struct ws *ws);
int ws_conn_on_writable(struct ws *ws);
/* libwebsockets has closed it. */
void ws_conn_on_closed(struct ws *ws);
/* There is nothing more to read: 0 is the end of file, else -errno. */
void ws_conn_on_end(struct ws *ws, int error);
void ws_conn_on_timer(struct ws *ws);
/* The next piece of what is received; returns how many bytes at its end wait for the next turn. */
size_t ws_conn_on_piece(struct ws *ws, const struct ws_piece *piece);
/* The same with what waited. */
size_t ws_conn_inflate(struct ws *ws, struct slice bytes, bool last);
/* The parser says which rule was broken. */
void ws_conn_refuse_frame(struct ws *ws);
