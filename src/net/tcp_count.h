/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the kernel counts of a TCP connection
 *
 * In a file of its own: the header of the kernel that has these counters and
 * the C library's cannot be read together.
 */

#include <stdbool.h>
#include <stdint.h>

struct tcp_count {
	uint64_t n_acked;    /* bytes that the peer's kernel has acknowledged */
	uint64_t n_unacked;  /* and those in the send queue that it has not */
	uint64_t edge;	     /* up to which byte it would take: n_acked and its window */
	uint64_t n_received; /* bytes of the peer's */
	uint64_t silence_ms; /* since data was last received */
};

/* Whether the socket is one of TCP and there are such counters. */
bool tcp_count(struct tcp_count *ret, int fd);
