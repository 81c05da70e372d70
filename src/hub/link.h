/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Links and what hangs at them: requests without an answer, and wants
 */

#include "hub/hub.h"
#include "hub/timer.h"
#include "local/id.h"
#include "wamp/options.h"

struct program;

/*
 * Unanswered REGISTER, SUBSCRIBE and their undoing on one link. A router's
 * queue for a session may hold 64 messages and drop what comes beyond (nexus'
 * default), so half of it is used.
 */
#define LINK_MAX_UNANSWERED 32

/*
 * Asks that timed out and may still be answered: so many of a link are
 * remembered, the oldest is forgotten first. What it would have brought is then
 * found out as a registration that we do not know.
 */
#define LINK_MAX_LATE 1024

/* For a registration that we may hold ourselves the session is left no more often than this. */
#define LINK_REJOIN_MS 60000

/* Outbound bytes of a link above which programs are held, and below which they are woken. */
#define LINK_HIGH_WATER (1u << 20)
#define LINK_LOW_WATER	(256u << 10)

/*
 * How long calls and publications wait behind registrations that wait for
 * answers of the router (protocol §11.1): order is worth a while, but a router
 * that does not answer must not silence everybody.
 */
#define LINK_HOLD_MS 2000

/* How long an EVENT that may be one's own waits for the PUBLISHED that tells. */
#define OWN_HOLD_MS 1000

/* How long the id of an own publication is remembered while its EVENT does not come. */
#define OWN_MEMORY_MS 10000

/* A refusal that waiting seldom cures is tried again after this, and growing. */
#define LINK_REFUSED_DELAY_MS 5000

/* The longest delay after a network error for a near router: an attempt costs nothing there. */
#define LINK_NEAR_DELAY_MS 500

/* Events that wait in a link of the embedded router: with so many publishers are held. */
#define LINK_MAX_DELIVERIES 4

/* What a program that waits on a link's list waits for. */
enum hold {
	HOLD_FOR_ROOM,	 /* in what is outbound */
	HOLD_FOR_ORDER,	 /* its own registrations are told first */
	HOLD_FOR_EVENTS, /* those before are being delivered */
};

enum link_state {
	LINK_IDLE, /* on demand, and nobody asked */
	LINK_CONNECTING,
	LINK_JOINED,
	LINK_LOST,
	LINK_RECONNECTING,
	LINK_LEFT,
	LINK_FAILED,
	LINK_CLOSING,
};

enum link_transport {
	TRANSPORT_NONE,
	TRANSPORT_OPENING,
	TRANSPORT_OPEN,
	TRANSPORT_CLOSING, /* a wish to close was given; hub_link_over() will come */
};

struct link {
	struct hub *hub;
	void *owner;
	struct list node, dirty;
	struct link_config config; /* strings are owned */
	struct session session;
	enum link_state state;
	enum link_transport transport;
	int wish;
	bool is_receiving; /* what is handled borrows from the session's arena */
	bool ever_joined;
	unsigned attempt;    /* since the last join, the running one included */
	unsigned n_failures; /* in a row: how far the delay has grown */
	bool has_given_up;   /* no attempts are left: rests until hub_rearm() */
	uint64_t retry_at_ms;
	uint64_t joined_at_ms;
	uint64_t rejoined_at_ms; /* when it was left to join anew; 0: never */
	uint64_t since_ms;	 /* of the state, wall clock */
	char *reason, *message;
	struct timer timer;
	uint64_t n_sent;     /* bytes that were ever queued in session.out */
	size_t n_unsent;     /* of those taken out of it: what the router has not got yet */
	struct map requests; /* struct pending by request id */
	struct list pending; /* the same, in order */
	struct map by_uri[2], by_id[2]; /* struct want, by enum want_kind */
	struct list wants;		/* in the order in which programs asked */
	struct list to_send;		/* wants that differ from what the router has */
	unsigned n_unanswered;
	struct list deliveries; /* EVENTs, the oldest first */
	size_t n_deliveries;
	struct map own;	  /* publications whose EVENT must not reach their program, by id */
	struct list late; /* asks that timed out, the oldest first */
	unsigned n_late;
	struct list invocations;
	struct list blocked; /* programs that wait for room */
	struct throttle refusals;
	struct timer hold; /* since the first of them waits for to_send */
	bool is_impatient; /* they have waited long enough for that */
};

/*
 * Whether the router can be told something. The one place that says so: a
 * session that is being left, whoever began it, is not joined any more.
 */
static inline bool link_is_joined(const struct link *l)
{
	return l->state == LINK_JOINED;
}

enum pending_kind {
	PENDING_CALL,
	PENDING_ASK,
	PENDING_PUBLISH,
};

/* How far a request has come that waits to leave. */
struct pending_upload {
	uint64_t timeout_ms;
	uint64_t end;	   /* link->n_sent with it */
	uint64_t taken;	   /* link_taken() when it grew last, */
	uint64_t taken_ms; /* and when that was */
};

/* A request that the router has not answered. Embedded first in what waits. */
struct pending {
	enum pending_kind kind;
	enum wamp_type type; /* of the request */
	struct link *link;
	struct map_node node;
	struct list order;
	uint64_t request;
	struct timer timer;
	struct pending_upload *upload; /* it waits to leave, behind much; or NULL */
};

struct call {
	struct pending pending;
	struct peer_id id;
	struct program *program;
	struct list of_program;
	uint64_t since_ms;
	size_t n_procedure;
	char procedure[];
};

enum want_kind { WANT_REGISTRATION, WANT_SUBSCRIPTION };

/*
 * What makes two wants one: kind, match and URI at one link. Options are sent
 * as they are, and programs that share a want must agree on them.
 */
struct want_key {
	enum want_kind kind;
	enum wamp_match match;
	struct slice uri;
	struct scan_value options; /* REGISTER.Options or SUBSCRIBE.Options; absent: none */
};

enum want_state {
	WANT_ABSENT,  /* the router does not have it */
	WANT_ASKED,   /* REGISTER or SUBSCRIBE is unanswered */
	WANT_ACTIVE,  /* the router has it, with id */
	WANT_UNDOING, /* UNREGISTER or UNSUBSCRIBE is unanswered */
};

struct want {
	struct link *link;
	enum want_state state;
	struct map_node by_uri, by_id;
	struct list node, queue; /* link->wants, link->to_send */
	struct list handles, asks, waiters;
	size_t n_handles;
	struct timer retry;
	bool failed;   /* refused; retry_at_ms tells when it is tried again, NEVER_MS: at the next
			  join */
	bool rejoined; /* the session was left once for its sake since it was active last */
	unsigned attempts;
	uint64_t retry_at_ms;
	uint64_t id;
	struct want_key key; /* its text stands behind the struct */
	char *error_uri;
};

/* One REGISTER, SUBSCRIBE, UNREGISTER or UNSUBSCRIBE on the wire. */
struct ask {
	struct pending pending;
	struct want *want;   /* NULL: nobody wants it any more */
	uint64_t hash;	     /* of its key: somebody may want the same anew */
	struct list of_want; /* the oldest first; the last one is in force */
	struct list late;    /* link->late; linked: it timed out, and keeps nobody waiting */
};
