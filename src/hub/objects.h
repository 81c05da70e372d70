/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The hub's own structures
 *
 * Ownership: hub ► programs ► calls, handles, watches, waiters, invocations,
 * publications; hub ► links ► session, wants ► asks. Whatever hangs in two
 * places is freed by the function of its own file, which unlinks both.
 */

#include "hub/link.h"
#include "local/reply.h"

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
	size_t n_deliveries; /* that wait, in all links */
	size_t n_turn;	     /* subscriptions that may be given an event in this turn */
	size_t max_turn;     /* HUB_TURN_DELIVERIES; tests make do with less */
	uint64_t next_conn;
	uint64_t sequence; /* numbers EVENTs and own publications in the order in which they come */
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
	enum hold held_for;			 /* there */
	struct list unsent;			 /* handles whose want waits in a link's to_send */
	struct list calls, handles, watches, waiters, publications;
	struct list invocations;
	struct map by_inv;
	struct map by_want;	/* subscribers by the address of their want */
	struct list remembered; /* own publications whose EVENT is still to come */
	unsigned n_unacknowledged, n_remembered, n_watches;
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

/*
 * Publications of one program that PUBLISHED is awaited for: one more is
 * refused. As many whose EVENT is awaited behind that are remembered, the oldest
 * being forgotten.
 */
#define PUBLISH_MAX_UNACKNOWLEDGED 1024
#define PUBLISH_MAX_REMEMBERED	   1024

/* What a handle's program was told last. */
enum handle_told { HANDLE_UNANSWERED, HANDLE_PENDING, HANDLE_ACTIVE, HANDLE_FAILED };

struct handle {
	struct peer_id id;
	struct program *program;
	struct want *want;
	struct list of_program, of_want;
	struct list unsent; /* program->unsent */
	enum handle_told told;
	bool was_active;
	uint64_t n_delivered; /* invocations or events */
	/* subscriptions: */
	struct subscriber *subscriber;
	struct list of_subscriber;
	uint64_t since;	   /* hub->sequence when it became active: earlier events are not for it */
	struct list queue; /* struct queued */
	unsigned n_queued;
	size_t n_queued_bytes;
	uint64_t n_missing;  /* dropped before the oldest that waits */
	bool misses_unknown; /* and nobody knows how many */
	uint64_t n_dropped;
};

/* An event that waits for its program to read, or a gap between such. */
struct queued {
	struct list of_handle, of_program;
	struct handle *handle;
	struct block *tail; /* NULL: a gap */
	int64_t gap;	    /* how many events are missing; -1: unknown */
	const char *reason;
};

/* A program's subscriptions of one topic, seen as one: subscriber.c. */
struct subscriber {
	struct program *program;
	struct want *want;
	struct map_node by_want; /* program->by_want */
	struct list handles;
	size_t n_handles;
	/* Own publications whose EVENT must not reach it, in the order of PUBLISH: */
	struct list unknown; /* without PUBLISHED */
	struct list known;
	struct list held; /* events that may be one of the unknown */
	unsigned n_held;
	size_t n_held_bytes;
	struct timer timer; /* of the oldest of them */
	/* An event comes to all of its handles, in several turns maybe, but is held for all or
	 * none. */
	uint64_t decided; /* the number of the last event that came */
	bool decided_held;
};

/* The part of an EVENT that all its subscribers share: from "topic" on, with its LF. */
struct event_text {
	struct slice bytes;
	struct block *block; /* made when somebody needs it to stay */
	const char *gap;     /* why there is no text, and all get a gap; NULL: there is */
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

/* An EVENT that some of its subscriptions have not been given yet. */
struct delivery {
	struct list node; /* link->deliveries */
	struct link *link;
	const struct want *want;	 /* NULL: nobody is left */
	struct handle *next;		 /* to be given it; NULL: all have been */
	const struct subscriber *except; /* published it; or NULL */
	uint64_t number, publication;
	struct event_text text;
};

/* A PUBLISH that is answered, or whose EVENT is to be kept from its own program. */
struct publication {
	struct pending pending;
	struct peer_id id; /* open: the program waits for "ok" */
	struct program *program;
	struct list of_program;
	uint64_t line; /* to tell a failure to a program that gave no id */
	bool tell_line;
	struct subscriber *subscriber; /* must not be given its EVENT; NULL: nobody */
	struct list of_subscriber;
	uint64_t number; /* hub->sequence at PUBLISH */
	/* with PUBLISHED, while the EVENT is awaited: */
	struct link *link;
	struct map_node by_id; /* link->own */
	uint64_t publication;
	struct list remembered; /* program->remembered */
	struct timer timer;	/* TIMER_OWN */
};

/* What one occupies, with its places in the heap and in maps: its program's user pays for it. */
#define PUBLICATION_COST (sizeof(struct publication) + 64)
