/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The hub: local programs on one side, router sessions on the other
 *
 * It multiplexes many peers onto few links and keeps three promises: a local
 * program never notices how the router session lives; none can hurt another;
 * every request with an id gets exactly one terminal reply.
 *
 * The hub is a pure machine. Time is told by hub_set_time(); input are
 * requests, frames and what happens to transports; output are the bytes of
 * dirty peers and links, and *wishes* about transports, which daemon/ takes
 * and fulfils. Nothing calls back.
 *
 * Words: a *peer* is one local connection; a *link* is one configured router
 * session together with its reconnecting; a *want* is a registration or
 * subscription that programs want to be at the router; a *handle* is one
 * program's share in a want.
 *
 * Start reading at hub_request() for what programs do, at hub_link_event()
 * for what routers do, at link_down() for how a session is lost.
 */

#include "base/rng.h"
#include "local/peer.h"
#include "wamp/session.h"

struct hub;
struct link;

/* protocol §10; all of them may change while the daemon runs. */
struct hub_limits {
	struct peer_limits peer;
	unsigned max_connections; /* and HUB_RESERVED_CONNECTIONS for administrators */
	unsigned max_connections_per_user;
	unsigned connect_rate_per_user; /* a second; 0: no limit */
	size_t user_memory;		/* queued bytes of one user */
	uint64_t stall_timeout_ms;	/* no byte taken for so long while some wait: cut off */
};

/* Places beyond max_connections that only administrators get. */
#define HUB_RESERVED_CONNECTIONS 8

struct hub_config {
	struct hub_limits limits;
	uint32_t admin_uid;	      /* beside root: the daemon's own user */
	uint64_t shutdown_timeout_ms; /* of a drain */
	const char *server;	      /* "wampbridge/0.1.0" */
	const char *default_session;  /* NULL: a request must name one */
};

/* Whether a call's timeout is told to the router too, and in what unit it reads it. */
enum link_forward { LINK_FORWARD_OFF, LINK_FORWARD_MS, LINK_FORWARD_S };

/* Strings are copied, but those of auth. */
struct link_config {
	const char *name;
	const char *url; /* as people see it */
	const char *realm;
	const char *agent;
	bool embedded;		  /* messages go as views */
	bool is_near;		  /* loopback or Unix socket: retried quickly (reconnect_delay) */
	bool on_demand;		  /* waits for the first request that needs the router */
	struct session_auth auth; /* its strings are not copied and must outlive the link */
	const char
		*query; /* of the url, which may hold a token; NULL: none. As the strings of auth */
	uint64_t connection_timeout_ms;
	uint64_t registration_timeout_ms;
	uint64_t call_timeout_ms; /* 0: none */
	uint64_t reconnect_delay_ms;
	uint64_t reconnect_max_delay_ms;
	double reconnect_growth;
	double reconnect_jitter;
	uint64_t max_reconnection_attempts; /* UINT64_MAX: unlimited */
	uint64_t shutdown_timeout_ms;
	enum link_forward forward_timeout;
	size_t max_message_size;
};

/* What daemon/ must do for a link; taken with hub_next_wish(). */
enum hub_wish {
	HUB_WISH_OPEN = 1,  /* open a transport; then hub_link_opened() or hub_link_over() */
	HUB_WISH_CLOSE = 2, /* flush what is outbound, then close; then hub_link_over() */
	HUB_WISH_KILL = 3,  /* close at once; then hub_link_over() */
};

/* Why a transport ended; names in the reason URIs of protocol §13. */
enum hub_over {
	HUB_OVER_TRANSPORT,
	HUB_OVER_DNS,
	HUB_OVER_TLS,
	HUB_OVER_PING_TIMEOUT,
	HUB_OVER_BUSY,	 /* a transport that was refused for now: not to be hurried */
	HUB_OVER_SECRET, /* not even tried: the secret cannot be read */
};

/* What happened, for those who search a log (operations §6). */
enum hub_event {
	HUB_EVENT_NONE,
	HUB_EVENT_SESSION_JOINED,
	HUB_EVENT_SESSION_LOST,
	HUB_EVENT_JOIN_REFUSED,
	HUB_EVENT_SLOW_CONSUMER,
	HUB_EVENT_QUOTA_HIT,
	HUB_EVENT_ROUTER_VIOLATION,
};

/* Something an operator needs to know. Absent things are zero, NULL or empty. */
struct hub_note {
	int level; /* of syslog */
	enum hub_event event;
	struct slice text;
	const char *code; /* of protocol §16 */
	struct slice uri; /* the reason that a router gave */
	uint64_t conn;	  /* about a program; then also: */
	struct peer_credentials peer;
	const char *peer_name;
	size_t queued_bytes;
	const char *session; /* about a link; then also: */
	const char *realm;
	uint64_t session_id;
};

/* A line of "list config". */
struct hub_setting {
	const char *section, *key;
	const char *value, *fallback, *source; /* as text; NULL: none */
	bool reloadable;
};

/* secret, rng and the strings of config must outlive the hub. */
int hub_new(struct hub **ret, const struct hub_config *config, const struct map_secret *secret,
	    struct rng *rng) MUST_CHECK;
/* Every peer must be removed. Takes NULL; returns NULL. */
struct hub *hub_free(struct hub *hub);

/* In the order in which status shows them. owner comes back from hub_link_owner(). */
int hub_add_link(struct hub *hub, const struct link_config *config, void *owner,
		 struct link **ret) MUST_CHECK;
void *hub_link_owner(const struct link *link);
struct session *hub_link_session(struct link *link);

/* Before any input: monotonic milliseconds, and those since 1970. */
void hub_set_time(struct hub *hub, uint64_t now_ms, uint64_t wall_ms);

/* All links begin to connect. */
void hub_start(struct hub *hub);

/* ---- local side ---- */

/* Greets, or (limit max_connections, draining) says bye: see peer->state. */
int hub_add_peer(struct hub *hub, const struct peer_credentials *credentials, void *owner,
		 struct peer **ret) MUST_CHECK;

/* The connection is over: undoes everything of it (protocol §12) and frees it. */
void hub_remove_peer(struct hub *hub, struct peer *peer);
void *hub_peer_owner(const struct peer *peer);

/*
 * Handles one request from peer_next(). HUB_HELD: the link it is for is
 * congested; the request was put back and the peer is woken by
 * hub_next_ready() later.
 */
enum hub_request_outcome { HUB_DONE = 0, HUB_HELD = 1 };
int hub_request(struct hub *hub, struct peer *peer, const struct request *request);

/* Lines at fault were answered by the peer itself: there may be something to write. */
void hub_peer_answered(struct hub *hub, struct peer *peer);

/*
 * Fair shares of a turn. For one user at most so much is done before others have
 * their turn, whatever the number of its connections: a unit for each line, one
 * for each KiB of it and of what it made the daemon say to it, one for every few
 * events. A user that is alone needs no share.
 */
#define HUB_TURN_WORK 256

/*
 * Events are shared out, too: so many subscriptions are given one in a turn, some
 * milliseconds of work. The rest waits for hub_deliver() in the next turns.
 */
#define HUB_TURN_DELIVERIES 16384
void hub_begin_turn(struct hub *hub);
/* Goes on with events that wait; whether anything was done. */
bool hub_deliver(struct hub *hub);
/* Whether some still wait: the loop must not. */
bool hub_is_delivering(const struct hub *hub);
/* A request has been handled, and what follows from it in this process too. */
void hub_end_request(struct hub *hub, struct peer *peer);
/* Whether the peer's user may still have a request handled in this turn. */
bool hub_has_turn(const struct hub *hub, const struct peer *peer);

/*
 * How much may be read at once from the peer: what is read and not yet handled
 * is held for it, and a user who holds much already is given little at a time.
 */
size_t hub_read_size(const struct hub *hub, const struct peer *peer, size_t most);

/* The peer keeps what it was lent (peer_keep()): memory that its user pays for. */
void hub_peer_kept(struct hub *hub, struct peer *peer);

/* The peer sends no more but reads (half-close). */
void hub_end_of_file(struct hub *hub, struct peer *peer);

/* The kernel took n bytes of what was undrained. */
void hub_peer_drained(struct hub *hub, struct peer *peer, size_t n);

/* A write was tried: who still has too much unread is cut off (§10). */
void hub_peer_flushed(struct hub *hub, struct peer *peer);

/* A peer with something to write or whose state changed; NULL when there is none. */
struct peer *hub_next_dirty_peer(struct hub *hub);

/* A peer that was held and may be read again; NULL when there is none. */
struct peer *hub_next_ready(struct hub *hub);

/* ---- router side ---- */

/* Links that have given up try again. */
void hub_rearm(struct hub *hub);

/* Whether the link has used up max_reconnection_attempts and rests. */
bool hub_link_has_given_up(const struct link *link);

/* Whether the session is joined, and has lived long enough to be worth coming back to. */
bool hub_link_is_settled(const struct link *link);

/* The transport is there: HELLO becomes outbound. */
void hub_link_opened(struct link *link);

/* One whole frame (not for embedded links). */
void hub_link_frame(struct link *link, struct slice frame);

/* Whether frames may come. A router is not read while its last events are being delivered. */
bool hub_link_wants_input(const struct link *link);

/*
 * The key for the router's challenge is derived; frees the job. After a frame
 * there may be one to derive: session_take_job(), then auth_job_run() in another
 * thread. It may be given back however late.
 */
void hub_link_answer(struct link *link, struct auth_job *job);

/* One event of the link's session; hub_link_frame() does this by itself. */
void hub_link_event(struct link *link, const struct session_event *event);

/* The transport is gone, or could not be opened. text is for people. */
void hub_link_over(struct link *link, enum hub_over reason, const char *text);

/* Outbound bytes were taken by the transport. */
void hub_link_drained(struct link *link);

/*
 * So many of them have not reached the router yet, as far as is known: before
 * hub_expire(), and when they may be many.
 */
void hub_link_set_unsent(struct link *link, size_t n);

/* A link with something outbound; NULL when there is none. */
struct link *hub_next_dirty_link(struct hub *hub);

/* The next wish and whose it is; 0 when there is none. */
int hub_next_wish(struct hub *hub, struct link **ret_link);

/* ---- time, log, end ---- */

/* When hub_expire() wants to be called; NEVER_MS for never. */
uint64_t hub_deadline(const struct hub *hub);
void hub_expire(struct hub *hub);

/* The next note, or false. Borrowed until the next call. */
bool hub_next_note(struct hub *hub, struct hub_note *ret);

/* Notes the state of each link. */
void hub_note_links(struct hub *hub);

/* From now on. What is over a limit already stays until it ends by itself. */
void hub_set_limits(struct hub *hub, const struct hub_limits *limits);

/* What "list config" shows to administrators; must outlive the hub or the next call. */
void hub_set_settings(struct hub *hub, const struct hub_setting *settings, size_t n);

/* Begins the orderly end (protocol §12); HUB_DRAIN_OVER: all peers have their bye. */
enum hub_drain_state { HUB_RUNNING, HUB_DRAINING, HUB_LEAVING, HUB_DRAIN_OVER };
void hub_drain(struct hub *hub);
enum hub_drain_state hub_drain_state(const struct hub *hub);

/* How much there is of what; registrations and subscriptions are the programs' handles. */
struct hub_counts {
	size_t links, joined, programs, registrations, subscriptions, calls, invocations;
};
void hub_count(const struct hub *hub, struct hub_counts *ret);

/* How much waits because of programs, as it is charged to users. */
uint64_t hub_waiting_bytes(const struct hub *hub);

/*
 * How much less waits because of programs than once, if that is n or more; it is
 * counted anew then. Else 0.
 */
uint64_t hub_take_freed(struct hub *hub, uint64_t n);

/* Asserts the invariants; tests call it after every step. */
void hub_check(const struct hub *hub);
