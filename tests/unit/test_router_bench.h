/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A router with a few sessions on the bench
 *
 * Messages are written as frames for the eye only; the router sees and gives
 * views. Its invariants are checked after each step.
 */

#include "router/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static const struct map_secret bench_secret = {3, 4};

#define MAX_PEERS 4

/* Sessions by number; what is outbound is said as "NUMBER FRAME". */
struct bench {
	struct rng rng;
	struct router *router;
	struct router_session *peers[MAX_PEERS];
	uint64_t ids[MAX_PEERS];
	uint64_t requests[MAX_PEERS];
	char input[200]; /* lives until what it causes is taken */
};

static inline void bench_done(struct bench *b)
{
	for (size_t i = 0; i < MAX_PEERS; i++) {
		if (b->peers[i])
			b->peers[i] = router_detach(b->peers[i]);
		router_check(b->router);
	}
	assert_null(router_free(b->router));
}

static inline void send_from(struct bench *b, size_t peer, const char *frame)
{
	struct arena arena = {0};
	struct wamp_fault fault;
	struct wamp_msg msg;

	assert_int_equal(wamp_parse(&msg, slice_of(frame), &arena, &fault), 0);
	router_recv(b->peers[peer], &msg);
	router_check(b->router);
	arena_done(&arena);
}

/* The next message for anybody, into a text; false for none. */
static inline bool take(struct bench *b, size_t *ret_peer, struct wamp_msg *ret, char *text,
			size_t size)
{
	struct buf out = BUF_INIT(100000);
	struct router_session *to;

	if (!router_next(b->router, &to, ret)) {
		router_settle(b->router);
		return false;
	}
	*ret_peer = (size_t)(uintptr_t)router_session_owner(to);
	assert_ptr_equal(b->peers[*ret_peer], to);
	wamp_write(&out, ret);
	snprintf(text, size, "%zu %.*s", *ret_peer, SLICE_ARG(buf_bytes(&out)));
	buf_done(&out);
	return true;
}

static inline void expect_one(struct bench *b, const char *expected)
{
	struct wamp_msg msg;
	char text[2000];
	size_t peer;

	if (!take(b, &peer, &msg, text, sizeof(text)))
		fail_msg("nothing instead of %s", expected);
	assert_string_equal(text, expected);
}

static inline void expect_nothing(struct bench *b)
{
	struct wamp_msg msg;
	char text[2000];
	size_t peer;

	if (take(b, &peer, &msg, text, sizeof(text)))
		fail_msg("%s instead of nothing", text);
}

static inline void attach(struct bench *b, size_t peer)
{
	assert_int_equal(router_attach(b->router, &b->peers[peer], (void *)(uintptr_t)peer), 0);
	router_check(b->router);
}

static inline void join(struct bench *b, size_t peer, const char *realm)
{
	struct wamp_msg msg;
	char text[2000];
	size_t to;

	attach(b, peer);
	snprintf(text, sizeof(text), "[1,\"%s\",{\"roles\":{}}]", realm);
	send_from(b, peer, text);
	assert_true(take(b, &to, &msg, text, sizeof(text)));
	assert_int_equal(to, peer);
	assert_int_equal(msg.type, WAMP_WELCOME);
	assert_true(msg.id >= 1 && msg.id <= WAMP_MAX_ID);
	b->ids[peer] = msg.id;
	expect_nothing(b);
}

static inline void drop(struct bench *b, size_t peer)
{
	b->peers[peer] = router_detach(b->peers[peer]);
	assert_null(b->peers[peer]);
	router_check(b->router);
}

/* n sessions in realm1 */
static inline void bench_init(struct bench *b, size_t n)
{
	*b = (struct bench){.rng = {1}};
	assert_int_equal(router_new(&b->router, &b->rng, &bench_secret), 0);
	router_check(b->router);
	for (size_t i = 0; i < n; i++)
		join(b, i, "realm1");
}
