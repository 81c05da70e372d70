/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Due times
 *
 * A binary heap of intrusive entries ordered by their due time; the earliest
 * is looked at in O(1), moved or removed in O(log n). Room for an entry is
 * made when it is added, so moving and removing cannot fail.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/* A time that never comes. All times are milliseconds of one monotonic clock. */
#define NEVER_MS UINT64_MAX

struct due {
	uint64_t at_ms;
	size_t index; /* 1-based place in the heap; 0 while not in it */
};

struct heap {
	struct due **items;
	size_t count, cap;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h);

/* Adds d, or moves it when it is in already. 0 or -ENOMEM (only when it was not in). */
int heap_set(struct heap *h, struct due *d, uint64_t at_ms) MUST_CHECK;

/* Harmless when d is not in. */
void heap_remove(struct heap *h, struct due *d);

/* The earliest entry or NULL; stays in. */
struct due *heap_peek(const struct heap *h);

/* The time of the earliest entry, NEVER_MS when empty. */
uint64_t heap_deadline(const struct heap *h);
