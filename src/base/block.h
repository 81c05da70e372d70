/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared bytes
 *
 * An immutable, exact-size, reference-counted copy of what must wait for
 * several receivers: one event's tail for any number of subscribers.
 */

#include "base/slice.h"

#include <stdint.h>

struct block {
	uint32_t n_refs;
	uint32_t len;
	char bytes[];
};

/* Joins two slices (the second may be empty) into a new block with one reference, or NULL. */
struct block *block_new(struct slice a, struct slice b);
struct block *block_ref(struct block *b);

/* Takes NULL; returns NULL. The last one frees. */
struct block *block_unref(struct block *b);

static inline struct slice block_bytes(const struct block *b)
{
	return (struct slice){b->bytes, b->len};
}
