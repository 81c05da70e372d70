/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Due times
 *
 * A pairing heap of intrusive entries ordered by their due time: the earliest
 * is looked at in O(1), one is added in O(1), moved or removed in O(log n)
 * amortised. Entries hold the links themselves, so nothing is allocated and no
 * deadline can be lost for want of memory.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/* A time that never comes. All times are milliseconds of one monotonic clock. */
#define NEVER_MS UINT64_MAX

/* All zero: not in a heap. */
struct due {
	uint64_t at_ms;
	bool is_set;	    /* in the heap */
	struct due *child;  /* the first of those that are due later */
	struct due *next;   /* its sibling */
	struct due *before; /* the sibling before it, or of the first one the parent */
};

struct heap {
	struct due *root;
};

void heap_init(struct heap *h);

/* Adds d, or moves it when it is in already. */
void heap_set(struct heap *h, struct due *d, uint64_t at_ms);

/* Harmless when d is not in. */
void heap_remove(struct heap *h, struct due *d);

/* The earliest entry or NULL; stays in. */
struct due *heap_peek(const struct heap *h);

/* The time of the earliest entry, NEVER_MS when empty. */
uint64_t heap_deadline(const struct heap *h);
