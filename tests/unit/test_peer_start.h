/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A peer to test: small limits, lent text in, everything outbound as one text
 */

#include "local/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct map_secret peer_secret = {5, 6};
static const struct peer_credentials credentials = {.uid = 1000, .gid = 1000, .pid = 42};
static const struct peer_limits limits = {
	.max_line = 4096,
	.max_inflight = 8,
	.max_registrations = 8,
	.max_subscriptions = 8,
	.subscription_queue = 8,
	.output_soft_limit = 8192,
	.output_hard_limit = 16384,
	.bad_lines = 16,
};

static inline void start(struct peer *p)
{
	assert_int_equal(peer_init(p, &limits, &peer_secret, &credentials, 1), 0);
}

static inline void feed(struct peer *p, const char *text)
{
	peer_feed(p, slice_of(text));
}

/* Everything outbound as text; taken out and said to be drained. */
static const char *output(struct peer *p)
{
	static char text[200000];
	struct iovec iov[64];
	size_t n = 0;

	while (outq_len(&p->out)) {
		size_t count = outq_iov(&p->out, iov, ARRAY_SIZE(iov)), before = n;

		for (size_t i = 0; i < count; i++) {
			memcpy(text + n, iov[i].iov_base, iov[i].iov_len);
			n += iov[i].iov_len;
		}
		outq_consume(&p->out, n - before);
	}
	peer_drained(p, n);
	text[n] = '\0';
	return text;
}

static inline void expect_request(struct peer *p, enum op op, uint64_t line)
{
	struct request r;

	assert_true(peer_next(p, &r));
	assert_int_equal(r.op, op);
	assert_int_equal(r.line, line);
}

static inline void expect_no_request(struct peer *p)
{
	struct request r;

	assert_false(peer_next(p, &r));
}

#define FAULT(code, message)                                                                       \
	",\"code\":\"" code "\",\"uri\":\"wampbridge.error." code "\",\"message\":\"" message      \
	"\",\"origin\":\"daemon\"}\n"
