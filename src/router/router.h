/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The embedded router: broker and dealer, basic profile
 *
 * A pure machine over message views: one session's message goes in, messages
 * for any sessions come out, in order. No socket, no clock, no encoding. A
 * realm comes to be when a session names it and ends with its last session;
 * the sessions of one realm see each other. PUBLISHED goes out before the
 * EVENTs of the same publication.
 *
 * Memory: a view that router_next() yields borrows from the input that caused
 * it and from the router's own arena, until router_settle().
 */

#include "base/map.h"
#include "base/rng.h"
#include "wamp/msg.h"

struct router;
struct router_session;

/* rng gives session and publication ids; both must outlive the router. */
int router_new(struct router **ret, struct rng *rng, const struct map_secret *secret) MUST_CHECK;

/* Every session must be detached. Takes NULL; returns NULL. */
struct router *router_free(struct router *router);

/* A new transport; owner comes back from router_session_owner(). */
int router_attach(struct router *router, struct router_session **ret, void *owner) MUST_CHECK;

/*
 * The transport is gone: its registrations, subscriptions and calls go, its
 * callers' calls get ERROR wamp.error.canceled. Messages for it that wait are
 * dropped. Frees the session; returns NULL.
 */
struct router_session *router_detach(struct router_session *session);

void *router_session_owner(const struct router_session *session);

/* Input: a message of this session. A violation is answered with ABORT. */
void router_recv(struct router_session *session, const struct wamp_msg *msg);

/*
 * Output: the next message and whom it is for, or false. A session for which
 * something could not be queued gets what was queued before, and then an ABORT.
 */
bool router_next(struct router *router, struct router_session **ret_to, struct wamp_msg *ret);

/* Everything taken has been dealt with: forgets borrowed text. */
void router_settle(struct router *router);

/* Asserts what must hold between two inputs; the tests call it after each step. */
void router_check(const struct router *router);
