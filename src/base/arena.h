/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Short-lived bytes
 *
 * Text that is composed while one input is handled and borrowed by the views
 * that follow from it. Nothing moves until arena_reset(), which forgets all at
 * once and keeps a first chunk of the usual size.
 */

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *first, *last;
	bool wipes; /* holds secrets: no byte of it is given back to the heap as it is */
};

void arena_init(struct arena *a);
void arena_done(struct arena *a);
void arena_reset(struct arena *a);

/* n uninitialised bytes, or NULL. */
char *arena_alloc(struct arena *a, size_t n);

/* Formatted text; an empty slice without memory. */
struct slice arena_printf(struct arena *a, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
