/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The hub's own structures
 *
 * Ownership: hub ► programs ► calls, handles, watches, waiters, invocations,
 * publications; hub ► links ► session, wants ► asks. Whatever hangs in two
 * places is freed by the function of its own file, which unlinks both.
 */

#include "base/heap.h"
#include "hub/hub.h"
#include "local/reply.h"
#include "wamp/options.h"

/*
 * Unanswered REGISTER, SUBSCRIBE and their undoing on one link. A router's
 * queue for a session may hold 64 messages and drop what comes beyond (nexus'
 * default), so half of it is used.
 */
#define LINK_MAX_UNANSWERED 32

/* Outbound bytes of a link above which programs are held, and below which they are woken. */
#define LINK_HIGH_WATER (1u << 20)
#define LINK_LOW_WATER	(256u << 10)

/*
 * How long calls and publications wait behind registrations that wait for
 * answers of the router (protocol §11.1): order is worth a while, but a router
 * that does not answer must not silence everybody.
 */
#define LINK_HOLD_MS 2000

/* How long the delivery of one's own publication waits for its PUBLISHED. */
#define OWN_HOLD_MS 1000

/* How long the id of an own publication is remembered while its EVENT does not come. */
#define OWN_MEMORY_MS 10000

/* A refusal that waiting seldom cures is tried again after this, and growing. */
#define LINK_REFUSED_DELAY_MS 5000

/* The longest delay after a network error for a near router: an attempt costs nothing there. */
#define LINK_NEAR_DELAY_MS 500

enum timer_kind {
	TIMER_PENDING, /* an unanswered request: struct pending */
	TIMER_WANT,    /* a refused want is tried again: struct want */
	TIMER_HOLD,    /* struct link: programs have waited long enough for its registrations */
	TIMER_LINK,    /* the next attempt, or the end of one: struct link */
	TIMER_OWN,     /* struct publication, while its EVENT is awaited */
	TIMER_STALL,   /* struct program */
	TIMER_DRAIN,   /* struct hub */
};

struct timer {
	struct due due;
	enum timer_kind kind;
};

struct hub {
	struct hub_config config;
	const struct map_secret *secret;
	struct rng *rng;
	uint64_t now_ms, wall_ms, started_ms;
	struct heap heap; /* of struct timer */
	struct users users;
	struct list recent_users; /* who connected within the last second, the oldest first */
	struct list greedy_users; /* who may be over user_memory */
	const struct hub_setting *settings;
	size_t n_settings;
	struct list programs, links, watches;
	struct list dirty_programs, ready_programs, dirty_links;
	struct list notes;
	struct note *note; /* handed out last */
	size_t n_notes;
	size_t n_programs, n_calls, n_invocations;
	size_t n_admitted;   /* programs that were greeted */
	size_t n_handles[2]; /* by enum want_kind */
	uint64_t next_conn;
	uint64_t turn;
	uint64_t n_quarters; /* of units of work, in the request that is being handled */
	enum hub_drain_state drain;
	struct timer drain_timer;
	struct buf tail; /* where an event's shared part is composed */
};

struct program {
	struct peer peer;
	struct hub *hub;
	void *owner;
	bool is_dropped;      /* it has nothing any more but its connection */
	bool is_admitted;     /* greeted: it counts for max_connections */
	struct charge memory; /* what waits because of it */
	size_t n_said;	      /* undrained when the request began that is being handled */
	size_t n_owned_bytes; /* of calls, handles, …, by their size */
	struct list node, dirty, ready, blocked; /* blocked: on a link's list */
	struct list calls, handles, watches, waiters, publications;
	struct list invocations;
	struct map by_inv;
	struct map by_want; /* handles by the address of their want */
	unsigned n_publications, n_watches;
	unsigned n_invocations;
	uint64_t last_inv;
	struct list queue; /* events that wait, in the order of the router */
	size_t n_queued_bytes;
	bool misses; /* some handle lost events and has nothing waiting */
	uint64_t n_gaps;
	uint64_t since_ms; /* wall clock */
	struct timer stall;
	uint64_t progress_ms;	     /* when the kernel last took something */
	uint64_t complained_ms;	     /* last error line for an unanswered publish */
	uint64_t n_failed_publishes; /* not told since */
};

/* An own publication keeps at most so many of one program in memory. */
#define PUBLISH_MAX_OWN 1024

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
	bool rejoin; /* our own doing: not a failure of the router */
	bool ever_joined;
	unsigned attempt;    /* since the last join, the running one included */
	unsigned n_failures; /* in a row: how far the delay has grown */
	bool refused;	     /* the last failure was one that waiting seldom cures */
	bool has_given_up;   /* no attempts are left: rests until hub_rearm() */
	uint64_t retry_at_ms;
	uint64_t joined_at_ms;
	uint64_t since_ms; /* of the state, wall clock */
	char *reason, *message;
	struct timer timer;
	struct map requests;		/* struct pending by request id */
	struct list pending;		/* the same, in order */
	struct map by_uri[2], by_id[2]; /* struct want, by enum want_kind */
	struct list wants;		/* in the order in which programs asked */
	struct list to_send;		/* wants that differ from what the router has */
	unsigned n_unanswered;
	struct list invocations;
	struct list blocked; /* programs that wait for room */
	struct throttle refusals;
	struct timer hold; /* since the first of them waits for to_send */
	bool is_impatient; /* they have waited long enough for that */
};

enum pending_kind {
	PENDING_CALL,
	PENDING_ASK,
	PENDING_PUBLISH,
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
	struct list own; /* publications whose EVENT must not reach their program */
	struct timer retry;
	bool failed;	/* refused; retry_at_ms tells when it is tried again, NEVER_MS: at the next
			   join */
	bool timed_out; /* an unanswered ask of this session may have succeeded */
	unsigned attempts;
	uint64_t retry_at_ms;
	uint64_t id;
	struct want_key key; /* its text stands behind the struct */
	char *error_uri;
};

/* One REGISTER, SUBSCRIBE, UNREGISTER or UNSUBSCRIBE on the wire. */
struct ask {
	struct pending pending;
	struct want *want; /* NULL: nobody wants it any more */
	struct list of_want;
	bool counted; /* among the unanswered */
};

/* What a handle's program was told last. */
enum handle_told { HANDLE_UNANSWERED, HANDLE_PENDING, HANDLE_ACTIVE, HANDLE_FAILED };

struct handle {
	struct peer_id id;
	struct program *program;
	struct want *want;
	struct list of_program, of_want;
	struct map_node by_want; /* program->by_want */
	enum handle_told told;
	bool was_active;
	uint64_t n_delivered; /* invocations or events */
	/* subscriptions: */
	struct list queue; /* struct queued */
	unsigned n_queued;
	size_t n_queued_bytes;
	unsigned n_holds;   /* own publications without their PUBLISHED: nothing is delivered */
	uint64_t n_missing; /* dropped before the oldest that waits */
	uint64_t n_dropped;
};

/* An event that waits for its program to read, or a gap between such. */
struct queued {
	struct list of_handle, of_program;
	struct handle *handle;
	uint64_t publication;
	struct block *tail; /* NULL: a gap */
	int64_t gap;	    /* how many events are missing; -1: unknown */
	const char *reason;
};

/* Who waits for the end of an undoing. */
struct waiter {
	struct peer_id id;
	struct program *program;
	struct list of_program, of_want;
};

struct watch {
	struct peer_id id;
	struct program *program;
	struct list of_program, of_hub;
	struct link *link; /* NULL: all */
};

struct invocation {
	struct map_node by_inv;
	struct list of_program, of_link;
	struct program *program;
	struct link *link;
	uint64_t request, inv;
};

/* A PUBLISH that is answered, or whose EVENT is to be kept from its own program. */
struct publication {
	struct pending pending;
	struct peer_id id; /* open: the program waits for "ok" */
	struct program *program;
	struct list of_program;
	uint64_t line; /* to tell a failure to a program that gave no id */
	bool tell_line;
	bool holds;	   /* delivery to its own program waits for PUBLISHED */
	struct want *want; /* whose EVENT is awaited */
	struct list of_want;
	struct timer timer; /* TIMER_OWN */
	uint64_t publication;
};
