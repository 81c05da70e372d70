/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The hub's own structures, and what its files say to one another
 *
 * Ownership: hub ► programs ► calls, handles, watches, waiters, invocations,
 * publications; hub ► links ► session, wants ► asks. Whatever hangs in two
 * places is freed by the function of its own file, which unlinks both.
 */

#include "base/heap.h"
#include "codec/emit.h"
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
	TIMER_LINK,    /* the next attempt, or the end of one: struct link */
	TIMER_OWN,     /* struct publication, while its EVENT is awaited */
	TIMER_STALL,   /* struct program */
	TIMER_DRAIN,   /* struct hub */
};

struct timer {
	struct due due;
	enum timer_kind kind;
};

struct note {
	struct list node;
	int level;
	size_t len;
	char text[];
};

struct hub {
	struct hub_config config;
	const struct map_secret *secret;
	struct rng *rng;
	uint64_t now_ms, wall_ms, started_ms;
	struct heap heap; /* of struct timer */
	struct users users;
	struct list programs, links, watches;
	struct list dirty_programs, ready_programs, dirty_links;
	struct list notes;
	struct note *note; /* handed out last */
	size_t n_notes;
	size_t n_programs, n_calls, n_invocations;
	uint64_t next_conn;
	enum hub_drain_state drain;
	struct timer drain_timer;
	struct buf tail; /* where an event's shared part is composed */
};

struct program {
	struct peer peer;
	struct hub *hub;
	void *owner;
	struct list node, dirty, ready, blocked; /* blocked: on a link's list */
	struct list calls, handles, watches, waiters, publications;
	struct list invocations;
	struct map by_inv;
	struct map by_want; /* handles by the address of their want */
	unsigned n_publications;
	unsigned n_invocations;
	uint64_t last_inv;
	struct list queue; /* events that wait, in the order of the router */
	size_t n_queued_bytes;
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

enum want_state {
	WANT_ABSENT,  /* the router does not have it */
	WANT_ASKED,   /* REGISTER or SUBSCRIBE is unanswered */
	WANT_ACTIVE,  /* the router has it, with id */
	WANT_UNDOING, /* UNREGISTER or UNSUBSCRIBE is unanswered */
};

struct want {
	struct link *link;
	enum want_kind kind;
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
	struct slice uri; /* behind the struct */
	char *error_uri, *error_message;
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

/* hub.c */
void hub_timer_set(struct hub *hub, struct timer *timer, uint64_t at_ms);
void hub_timer_stop(struct hub *hub, struct timer *timer);
void hub_note(struct hub *hub, int level, const char *format, ...) PRINTF(3, 4);
struct link *hub_find_link(struct hub *hub, struct slice name);

/* program.c */
struct program *program_of(const struct peer *peer);
void program_mark_dirty(struct program *p);
/* Opens the request's id, or answers why not: false. */
bool program_open_id(struct program *p, struct peer_id *id, enum peer_id_kind kind,
		     const struct request *r);
void program_close_id(struct program *p, struct peer_id *id);
/* The link that a request is for, or NULL with the request answered. */
struct link *program_find_link(struct program *p, const struct request *r);
/* Drops what cannot be served any more when the program sends nothing: §12 half-close. */
void program_drop_registrations(struct program *p);
/* Closes a half-closed program that waits for nothing. */
void program_close_if_idle(struct program *p);

/* link.c */
void link_mark_dirty(struct link *l);
bool link_is_congested(const struct link *l);
uint64_t link_send(struct link *l, const struct wamp_msg *msg);
/* The session is over, for the state's reason; undoes all in the order of §11.6. */
void link_down(struct link *l, enum link_state state, const char *reason, struct slice message);
void link_rejoin(struct link *l, const char *message);
void link_leave(struct link *l);
void link_on_timer(struct link *l);
void link_wake_blocked(struct link *l);
void link_free(struct link *l);
const char *link_state_name(enum link_state state);

/* reconnect.c */
uint64_t reconnect_delay_ms(const struct link_config *config, unsigned n_failures, bool refused,
			    struct rng *rng);
bool reconnect_is_refusal(struct slice reason);

/* pending.c */
void pending_start(struct pending *p, struct link *l, enum pending_kind kind, enum wamp_type type,
		   uint64_t request, uint64_t timeout_ms);
void pending_stop(struct pending *p);
struct pending *pending_find(struct link *l, uint64_t request);
void pending_on_timer(struct pending *p);

/* calls.c */
/* URI, state and size of what is to be sent; false with the request answered. */
bool calls_may_send(struct program *p, struct link *l, const struct request *r, enum member uri);
void calls_request(struct program *p, struct link *l, const struct request *r);
void calls_answer(struct call *c, const struct session_event *event);
void calls_fail(struct call *c, enum error_code code, const char *message);
void calls_timeout(struct call *c);
/* The caller is gone: nobody is told, the router is asked to stop the callee. */
void calls_abandon(struct call *c);

/* callee.c */
void callee_invoke(struct link *l, const struct session_event *event);
void callee_answer(struct program *p, const struct request *r);
/* The program cannot answer any more. */
void callee_cancel(struct invocation *inv, const char *message);
/* The session is gone: the program is told, its answer will be ignored. */
void callee_session_lost(struct invocation *inv);

/* want.c */
struct want *want_find(struct link *l, enum want_kind kind, struct slice uri);
struct want *want_find_id(struct link *l, enum want_kind kind, uint64_t id);
struct want *want_get(struct link *l, enum want_kind kind, struct slice uri);
/* Whatever changed: queues what the router must be told, or frees a want that nobody has. */
void want_update(struct want *w);
void want_pump(struct link *l);
void want_answer(struct ask *a, const struct session_event *event);
void want_ask_timeout(struct ask *a);
void want_on_timer(struct want *w);
void want_revoked(struct link *l, enum want_kind kind, uint64_t id, struct slice reason);
void want_session_lost(struct link *l);
void want_joined(struct link *l);
void want_free_all(struct link *l);
const char *want_state_name(const struct want *w);

/* handle.c */
void handle_register(struct program *p, struct link *l, const struct request *r);
void handle_subscribe(struct program *p, struct link *l, const struct request *r);
void handle_undo(struct program *p, const struct request *r, enum peer_id_kind kind);
struct handle *handle_free(struct handle *h);
struct waiter *waiter_free(struct waiter *w);
/* The first and the following handles of a program in a want, or NULL. */
struct handle *handle_first(const struct program *p, const struct want *w);
struct handle *handle_next(const struct handle *h);
/* Tells the program what became of its want, if it does not know yet. */
void handle_tell_active(struct handle *h);
void handle_tell_pending(struct handle *h);
/* A refusal; frees a handle whose request was not answered yet. */
void handle_tell_refused(struct handle *h, const struct session_event *event);
void handle_tell_timeout(struct handle *h);

/* events.c */
void events_deliver(struct link *l, const struct session_event *event);
void events_gap(struct handle *h, int64_t n, const char *reason);
void events_flush(struct program *p);
void events_drop_all(struct handle *h);
void events_release(struct handle *h);
/* Removes a waiting event of this publication; whether there was one. */
bool events_take_back(struct handle *h, uint64_t publication);

/* publish.c */
void publish_request(struct program *p, struct link *l, const struct request *r);
void publish_answer(struct publication *pub, const struct session_event *event);
void publish_timeout(struct publication *pub);
void publish_on_own_timer(struct publication *pub);
void publish_fail(struct publication *pub, enum error_code code, const char *message);
struct publication *publish_free(struct publication *pub);
/* The publication whose EVENT this is, if its own program must not hear it; else NULL. */
struct publication *publish_find_own(struct want *w, uint64_t publication);

/* watch.c */
void watch_request(struct program *p, const struct request *r);
void watch_undo(struct program *p, const struct request *r);
struct watch *watch_free(struct watch *w);
void watch_changed(struct link *l);
/* The members of a session line behind "session": shared with list sessions. */
void watch_write_link(struct buf *b, const struct link *l);
/* RFC 3339, in quotes. */
void watch_write_time(struct buf *b, uint64_t wall_ms);

/* status.c */
void status_request(struct program *p, const struct request *r);
void status_list(struct program *p, const struct request *r);
void status_greet(struct program *p);

/* drain.c */
void drain_advance(struct hub *hub);
bool drain_refuses(const struct program *p, const struct request *r);

/* router_error.c */
/* The members code … kwargs of an error that a router or a callee sent. */
void router_error_write(struct buf *b, const struct session_event *event, bool with_payload);
/* {"code":…,"uri":…,"message":… without the closing brace. */
void router_error_write_head(struct buf *b, struct slice uri, struct slice message);
