/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The simulated world: hub, programs, links and routers in memory
 *
 * A virtual clock, a seeded scheduler, and channels that split, delay and cut.
 * A *far* link talks in frames to a router machine of its own, over a channel
 * with latency; a *scripted* link talks to the test itself; an *embedded* link
 * is pumped as the daemon does it. After every step the world checks
 * hub_check() and, for every program, that each id gets exactly one terminal
 * reply and that the order of the protocol (§5, §11) is kept.
 */

#include "hub/hub.h"
#include "router/router.h"

#include <jansson.h>

#define WORLD_MAX_PROGRAMS 64
#define WORLD_MAX_LINKS	   4

struct world;

enum world_link_kind { WORLD_EMBEDDED, WORLD_FAR, WORLD_SCRIPTED };

/* A line that a program received. */
struct world_line {
	struct list node;
	json_t *json;
	char *text;
};

struct world_program {
	struct world *world;
	struct peer *peer;
	struct buf input;  /* sent, not yet delivered to the daemon */
	struct buf output; /* received bytes of an unfinished line */
	struct list lines; /* struct world_line, not yet taken by the test */
	json_t *open;	   /* id (dumped) → op, requests without a terminal reply */
	json_t *handles;   /* id → "registration", … live handles */
	size_t n_received;
	bool dirty;	  /* the hub says that there is something to write */
	bool reads;	  /* takes what the daemon writes */
	bool auto_answer; /* results are sent for invocations */
	bool eof, closed;
	struct buf answers; /* lines to send by itself */
};

struct world_frame {
	struct list node;
	uint64_t due_ms;
	size_t len;
	char text[];
};

struct world_link {
	struct world *world;
	struct link *link;
	enum world_link_kind kind;
	bool wants_open; /* the hub wishes for a transport */
	bool is_open;
	bool closing;
	bool down;	       /* attempts are refused */
	bool stalled;	       /* nothing moves either way */
	struct router *router; /* far: the router's side */
	struct router_session *session;
	struct router_session *intruder; /* another session on the same router */
	struct list to_router, to_hub;
	uint64_t latency_ms;
	uint64_t last_request;		       /* the greatest request id seen: ids have no gap */
	unsigned n_unanswered, max_unanswered; /* REGISTER and SUBSCRIBE */
	struct list sent; /* scripted: frames that the hub sent, for the test */
};

struct world {
	struct hub *hub;
	struct router *router;
	struct rng rng, hub_rng;
	struct map_secret secret;
	uint64_t now_ms;
	uint64_t seed;
	bool splits; /* input arrives in random pieces */
	struct world_program programs[WORLD_MAX_PROGRAMS];
	size_t n_programs;
	struct world_link links[WORLD_MAX_LINKS];
	size_t n_links;
	size_t n_notes;
	size_t n_events[HUB_EVENT_ROUTER_VIOLATION + 1]; /* notes by their event */
};

/* A world with no links; hub limits are the defaults of protocol §10. */
struct world *world_new(uint64_t seed, const struct hub_config *config);
void world_free(struct world *w);

struct hub_config world_hub_config(void);
struct link_config world_link_config(const char *name);

struct world_link *world_add_link(struct world *w, enum world_link_kind kind,
				  const struct link_config *config);
void world_start(struct world *w);

/* A world with this one link, started. config: NULL for the usual one; ret may be NULL. */
struct world *world_with(enum world_link_kind kind, uint64_t seed, const struct link_config *config,
			 struct world_link **ret);

struct world_program *world_connect(struct world *w);
struct world_program *world_connect_as(struct world *w, uint32_t uid);
void world_disconnect(struct world_program *p);
void world_half_close(struct world_program *p);

/* Sends one line (the LF is added). */
void world_send(struct world_program *p, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* Everything that can happen now happens. */
void world_settle(struct world *w);

/* The clock moves, stopping at every deadline on the way. */
void world_advance(struct world *w, uint64_t ms);

/* The oldest line not yet taken, or NULL; borrowed until the next call for this program. */
json_t *world_take(struct world_program *p);

/* Takes lines until one has this op; fails the test if there is none. */
json_t *world_expect(struct world_program *p, const char *op);

/* As world_expect, and the member's text equals. */
json_t *world_expect_member(struct world_program *p, const char *op, const char *member,
			    const char *value);

/* The first session line with this state. */
json_t *world_expect_state(struct world_program *p, const char *state);

const char *world_text(json_t *line, const char *member);
int64_t world_number(json_t *line, const char *member);
size_t world_count_lines(struct world_program *p);
void world_drop_lines(struct world_program *p);

/* The far or scripted router dies: the transport is cut now. */
void world_cut(struct world_link *l, const char *text);
/* A far router that starts anew, empty. */
void world_restart_router(struct world_link *l);

/* Scripted links: opens the transport that the hub wishes for; the next frame it sent; a frame to
 * it. */
void world_open(struct world_link *l);
json_t *world_sent(struct world_link *l);
/* Takes that frame and tells its WAMP type alone; 0: there is none. */
int world_sent_type(struct world_link *l);
void world_reply(struct world_link *l, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* Opens and answers HELLO. */
void world_welcome(struct world_link *l);
