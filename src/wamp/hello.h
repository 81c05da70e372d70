/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a session says of itself in HELLO, and reads of the router in WELCOME
 */

#include "wamp/session.h"

/*
 * HELLO.Details with the roles and features that are really there; lives in
 * arena. Absent without memory.
 */
struct scan_value hello_details(struct arena *arena, const struct session_config *config);

/*
 * Reads WELCOME, as far as it is readable and holds no marked secret; replaces
 * what *ret held.
 */
void hello_welcome(struct session_welcome *ret, const struct wamp_msg *msg,
		   const struct marks *marks, struct arena *arena);

void hello_welcome_done(struct session_welcome *w);
