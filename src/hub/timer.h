/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Deadlines in the hub's one heap: what each of them is embedded in
 */

#include "base/heap.h"

enum timer_kind {
	TIMER_PENDING, /* an unanswered request: struct pending */
	TIMER_WANT,    /* a refused want is tried again: struct want */
	TIMER_HOLD,    /* struct link: programs have waited long enough for its registrations */
	TIMER_LINK,    /* the next attempt, or the end of one: struct link */
	TIMER_OWN,     /* struct publication, while its EVENT is awaited */
	TIMER_HELD,    /* struct subscriber: an event has waited long enough for PUBLISHED */
	TIMER_STALL,   /* struct program */
	TIMER_DRAIN,   /* struct hub */
};

struct timer {
	struct due due;
	enum timer_kind kind;
};
