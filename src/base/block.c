/* SPDX-License-Identifier: MIT */

/*
 * Shared bytes
 */

#include "base/block.h"

#include "base/mem.h"

struct block *block_new(struct slice a, struct slice b)
{
	struct block *block = mem_alloc(sizeof(*block) + a.len + b.len);

	if (!block)
		return NULL;
	block->n_refs = 1;
	block->len = (uint32_t)(a.len + b.len);
	if (a.len)
		memcpy(block->bytes, a.ptr, a.len);
	if (b.len)
		memcpy(block->bytes + a.len, b.ptr, b.len);
	return block;
}

struct block *block_ref(struct block *b)
{
	b->n_refs++;
	return b;
}

struct block *block_unref(struct block *b)
{
	if (b && --b->n_refs == 0)
		mem_free(b);
	return NULL;
}
