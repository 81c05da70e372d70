/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A peer: one local connection as a pure machine
 *
 * Bytes go in by peer_feed(), validated requests come out of peer_next(),
 * lines to send gather in peer.out. The machine knows framing, ids, limits
 * and how replies look; what a request means is the hub's business. No
 * socket, no clock; nothing calls back.
 *
 * Words: a *reply* answers a request (ok, result, error, pong) and counts
 * towards the limit at which reading stops; a *push* (event, invocation,
 * state, session) does not, or a client that is blocked writing a result and
 * a daemon that waits for it to read events would wait for each other
 * (protocol §10). *Undrained* is what the kernel has not taken.
 *
 * Start reading at peer_next().
 */

#include "base/arena.h"
#include "base/list.h"
#include "base/outq.h"
#include "base/user.h"
#include "codec/line.h"
#include "local/id.h"
#include "local/request.h"

/* protocol §10; every number is per connection. */
struct peer_limits {
	size_t max_line;       /* bytes, LF included, both ways */
	unsigned max_inflight; /* open requests; open invocations */
	unsigned max_registrations;
	unsigned max_subscriptions;
	unsigned subscription_queue; /* events that wait, per subscription */
	size_t output_soft_limit;    /* undrained: events wait above it; replies: reading stops */
	size_t output_hard_limit;    /* undrained: the peer is cut off */
	unsigned bad_lines;	     /* unreadable lines in a row that end the connection */
};

/* A line under composition may be so long until it is taken back. */
#define PEER_MAX_COMPOSED (128u << 20)

/*
 * No limit, but what a limit may ever be: that of the day is looked at when a
 * line ends, since it may change.
 */
#define PEER_MAX_OUT (((size_t)4 << 30) + PEER_MAX_COMPOSED)

/* Bytes of events that may wait, per subscription. */
#define PEER_MAX_QUEUE_BYTES (1u << 20)

struct peer_credentials {
	uint32_t uid, gid;
	int pid;
};

enum peer_state {
	PEER_OPEN,
	PEER_HALF_CLOSED, /* the peer sends no more, but reads */
	PEER_LEAVING,	  /* bye is the last line in out: flush, then close */
	PEER_GONE,	  /* the connection is broken: close, nothing can be sent */
};

struct peer {
	const struct peer_limits *limits;
	const struct map_secret *secret;
	struct peer_credentials credentials;
	struct charge charge;
	uint64_t conn;
	enum peer_state state;

	struct line_reader in;
	struct slice line; /* of the request just taken */
	struct buf held;   /* a line put back by peer_hold() */
	uint64_t held_line;
	bool is_held;
	bool by_choice; /* leaving at its own wish: it may take its time to read the rest */
	bool spoke;	/* a message was received: hello would be late */
	unsigned n_bad_lines;
	struct arena arena;

	struct outq out;
	size_t line_before;   /* private bytes of out when the line began */
	size_t n_undrained;   /* bytes that the kernel has not taken, in out or in flight */
	size_t n_reply_bytes; /* at least so many of them are replies */

	struct map ids;
	unsigned n_requests, n_registrations, n_subscriptions;

	char *name;    /* from hello, or NULL */
	char *session; /* from hello, or NULL */
};

/* As the peer was greeted with: a change of the limit is for newcomers. */
static inline size_t peer_max_line(const struct peer *p)
{
	return p->in.max;
}

int peer_init(struct peer *p, const struct peer_limits *limits, const struct map_secret *secret,
	      const struct peer_credentials *credentials, uint64_t conn) MUST_CHECK;

/* All ids must be closed. */
void peer_done(struct peer *p);

/* Lends bytes until the next peer_keep(), which must come before they go. */
void peer_feed(struct peer *p, struct slice bytes);

/*
 * The next valid request, or false: nothing more, or nothing to be read now.
 * Lines at fault are answered on the way.
 */
bool peer_next(struct peer *p, struct request *ret);

/* Puts the request just taken back: peer_next() yields it again. */
void peer_hold(struct peer *p);

/* Copies what is left of the lent bytes. */
void peer_keep(struct peer *p);

/* The request taken last is dealt with: what it was decoded into goes. */
void peer_rest(struct peer *p);

/* Forgets lines that were read and not handled. */
void peer_drop_input(struct peer *p);

/* Forgets what waits in out, which is whole lines. */
void peer_drop_output(struct peer *p);

/* End of file in a peer that can still read: what is unterminated is answered (§2.7). */
void peer_end_of_file(struct peer *p);

/* Whether taking requests must pause until more is drained (§10). */
bool peer_is_choked(const struct peer *p);

/* The kernel took n bytes of out. */
void peer_drained(struct peer *p, size_t n);

/*
 * Writing a line: peer_begin() hands out the buffer, the caller writes the
 * object, peer_end() ends the line. A line longer than max_line is taken back:
 * false.
 */
enum peer_line_kind { PEER_REPLY, PEER_PUSH };
struct buf *peer_begin(struct peer *p);
bool peer_end(struct peer *p, enum peer_line_kind kind);

/* Takes the line under composition back. */
void peer_cancel(struct peer *p);

/* Ends a line whose rest, its LF included, is the shared tail. */
bool peer_end_shared(struct peer *p, struct block *tail);

/* Says bye and leaves: nothing is sent behind it. */
void peer_bye(struct peer *p, const char *code, bool retry, const char *format, ...) PRINTF(4, 5);
