/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether the router of an open connection is still there: a part of struct ws
 */

#include <stdbool.h>
#include <stdint.h>

struct ws;

struct ws_life {
	uint64_t n_acked, acked_ms;  /* bytes that its kernel has acknowledged; and when the last */
	uint64_t edge, opened_ms;    /* up to which byte it would take; and when that moved */
	uint64_t pinged_ms, left_ms; /* when a PING was due, and when it had left */
	uint64_t ping_end;	     /* n_acked, when it has left */
	bool is_pinging, is_in_kernel, ping_has_left;
};

/* From on_open on, and whenever the timer of an open connection fires. */
void ws_life_start(struct ws *ws);
void ws_life_check(struct ws *ws);
