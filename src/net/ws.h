/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * WebSocket client transport: libwebsockets on the libuv loop
 *
 * Bytes and "message complete" only; what a message says is nobody's business
 * here. Each lookup of a name has a thread of its own, and every address is
 * tried in turn, first the one that worked last. One struct ws is one attempt:
 * opened once, over once (on_over), freed.
 *
 * Happy path: ws_open(), on_open, on_message …, ws_send(), ws_close(), on_over.
 * Failure modes: name unknown, refused, no answer, no WebSocket or another
 * subprotocol, silence (ping), end of file: each ends in one on_over with a
 * reason and a text that a person can act on.
 */

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <uv.h>

struct ws;
struct ws_context;

enum ws_reason {
	WS_CLOSED,	 /* by the peer, or by ws_close() */
	WS_DNS,		 /* the name cannot be resolved */
	WS_TRANSPORT,	 /* refused, reset, not a WebSocket, … */
	WS_BUSY,	 /* somebody is there and asks for patience: HTTP 429, 503 */
	WS_TLS,		 /* the certificate was refused, no TLS there, no common version, … */
	WS_PING_TIMEOUT, /* silent for ping_interval, and no answer to a ping */
};

/*
 * TLS settings of one session, made once and used by all of its attempts: an
 * SSL_CTX of its own, for libwebsockets' would be shared by the names of the
 * files in it.
 */
struct ws_tls;

struct ws_tls_options {
	const char *ca_file, *ca_dir; /* PEM; NULL: none */
	bool system_ca;		      /* also the system's */
	const char *cert, *key;	      /* PEM; both or none */
	const char *key_passphrase;   /* NULL: none */
	bool verify, verify_host;
	const char *server_name; /* for SNI and the check of the name; NULL: the host */
	bool only_1_3;		 /* else 1.2 and up */
	const char *ciphers, *ciphersuites;
	const char *const *pins; /* SHA-256 of a public key (SubjectPublicKeyInfo), 64 hex digits */
	size_t n_pins;
};

/* Longest text for people of ws_tls_new(), with its end. */
#define WS_TLS_MAX_MESSAGE 512

/*
 * Reads the files. 0; WS_TLS_UNUSABLE with a text that names the file or the
 * option and what is wrong with it; -ENOMEM. Needs no context: --check-config
 * calls it too.
 */
enum ws_tls_outcome { WS_TLS_UNUSABLE = 1 };
int ws_tls_new(struct ws_tls **ret, const struct ws_tls_options *options,
	       char ret_message[WS_TLS_MAX_MESSAGE]) MUST_CHECK;

/*
 * At any time: connections that use it keep what they need, and the last of them frees it.
 * Takes NULL; returns NULL.
 */
struct ws_tls *ws_tls_free(struct ws_tls *tls);

struct ws_options {
	const char *host; /* name or numeric address, without brackets */
	uint16_t port;
	const char *path;	  /* "/ws" */
	const char *subprotocol;  /* "wamp.2.json": the only one offered and accepted */
	unsigned open_timeout_ms; /* for the name, then for each address until it is open */
	/*
	 * For the name and all addresses together, a tenth of it kept back for what follows; each
	 * address gets a fair part. 0: as long as it takes.
	 */
	unsigned connection_timeout_ms;
	unsigned ping_interval_ms; /* 0: no pings */
	unsigned ping_timeout_ms;  /* from when a ping has left */
	unsigned close_timeout_ms; /* for the peer's answer to our CLOSE frame; 0: a second */
	size_t max_message;	   /* a longer one ends the connection */
	struct ws_tls *tls;	   /* NULL: plain */
	bool tcp_nodelay, tcp_keepalive;
	bool compression;	    /* offers permessage-deflate */
	const char *const *headers; /* "Name: value" each, sent with the request */
	size_t n_headers;
	const char *origin, *user_agent; /* NULL: none */
};

struct ws_ops {
	void (*on_open)(struct ws *ws, void *owner);
	/* One whole message, borrowed until the callback returns. */
	void (*on_message)(struct ws *ws, void *owner, struct slice message);
	/* An address was silent, as the text says, and the next one is tried. May be NULL. */
	void (*on_detour)(struct ws *ws, void *owner, const char *text);
	/* Room for more: call ws_send() if there is something. */
	void (*on_writable)(struct ws *ws, void *owner);
	/* The end, once; the ws is freed after it. text is borrowed. */
	void (*on_over)(struct ws *ws, void *owner, enum ws_reason reason, const char *text);
};

/*
 * The process' one libwebsockets context on the loop. log gets libwebsockets'
 * own warnings, one line each. -ENOSYS: the libuv plugin is missing.
 */
int ws_context_new(struct ws_context **ret, uv_loop_t *loop,
		   void (*log)(const char *line)) MUST_CHECK;

/*
 * Two-step end: first ws_context_stop() (from a loop callback, when every ws is
 * over), then the loop is run until it ends, then ws_context_free().
 */
void ws_context_stop(struct ws_context *context);
struct ws_context *ws_context_free(struct ws_context *context);

/* Starts an attempt; copies the options' strings. 0, or -errno: then on_over does not come. */
int ws_open(struct ws **ret, struct ws_context *context, const struct ws_options *options,
	    const struct ws_ops *ops, void *owner) MUST_CHECK;

/* Asks for on_writable, soon. */
void ws_want_write(struct ws *ws);

/*
 * Sends text messages out of frames (a uint32_t length, then the bytes, each),
 * masked and framed as one batch, as much as fits one call; consumes what it
 * took. From on_writable only. 0 or -errno (the connection is over then).
 */
int ws_send(struct ws *ws, struct buf *frames) MUST_CHECK;

/*
 * How much of what ws_send() took has not reached the router's machine yet, as
 * far as the kernel tells; framing and TLS are counted with it.
 */
size_t ws_unsent(const struct ws *ws);

/*
 * Whoever is there serves the owner: its address comes first at the next
 * attempt. Of a connection that ends without that the address comes last.
 */
void ws_approve(struct ws *ws);

/*
 * Whether the connection is read; it is until this says no. What has been received already is
 * kept back, too, and comes later in its order. Meanwhile pings are not answered, and a silence
 * is not held against the router as long as it has something waiting to be read. From callbacks
 * as well, and as often as one likes; each ws begins with reading.
 */
void ws_set_reading(struct ws *ws, bool reading);

/* CLOSE frame, the end within a second; on_over(WS_CLOSED) comes, maybe before this returns. */
void ws_close(struct ws *ws);

/* The end at once, without a CLOSE frame; on_over comes, maybe before this returns. */
void ws_kill(struct ws *ws);
