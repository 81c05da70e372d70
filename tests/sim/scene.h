/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A scene: a few programs, the hub and one link, wired as the daemon wires them
 *
 * Nothing but what the hub itself needs is allocated, so that a test can let
 * the Nth allocation fail, and a fuzzer can make thousands a second. The world
 * (world.h) has clocks, delays and rules of its own; here the test is the rule.
 */

#include "hub/hub.h"
#include "router/router.h"

#define SCENE_PROGRAMS 3

struct scene {
	struct hub *hub;
	struct router *router;
	struct rng rng;
	struct map_secret secret;
	struct link *link;
	struct router_session *session;
	struct peer *programs[SCENE_PROGRAMS]; /* NULL: not connected, or gone */
	uint64_t now_ms;
	bool embedded; /* else the test is the router: hub_link_frame() */
	/* Each whole line that a program receives; NULL: nobody listens. */
	void (*on_line)(struct scene *s, int who, struct slice line);
};

/* Hub and link as given; a link that is not embedded has the secret "secret". */
void scene_begin(struct scene *s, const struct hub_config *hub, const struct link_config *link);
void scene_end(struct scene *s);

/* Connects, unless there is no memory. Programs have the uids 1000, 1001, … */
void scene_connect(struct scene *s, int who);
void scene_leave(struct scene *s, int who);
void scene_say(struct scene *s, int who, struct slice bytes);

/* The transport ends. */
void scene_cut(struct scene *s);

/* Everything that can happen now happens, and invariants are asked for. */
void scene_settle(struct scene *s);
void scene_advance(struct scene *s, uint64_t ms);
