/* SPDX-License-Identifier: MIT */

/*
 * Due times: a binary heap
 */

#include "base/heap.h"

#include "base/mem.h"

#include <errno.h>

void heap_init(struct heap *h)
{
	*h = (struct heap){0};
}

void heap_done(struct heap *h)
{
	mem_free(h->items);
	heap_init(h);
}

static void heap_put(struct heap *h, size_t index, struct due *d)
{
	h->items[index - 1] = d;
	d->index = index;
}

static void heap_up(struct heap *h, struct due *d)
{
	size_t i = d->index;

	while (i > 1 && h->items[i / 2 - 1]->at_ms > d->at_ms) {
		heap_put(h, i, h->items[i / 2 - 1]);
		i /= 2;
	}
	heap_put(h, i, d);
}

static void heap_down(struct heap *h, struct due *d)
{
	size_t i = d->index;

	while (2 * i <= h->count) {
		size_t child = 2 * i;

		if (child < h->count && h->items[child]->at_ms < h->items[child - 1]->at_ms)
			child++;
		if (h->items[child - 1]->at_ms >= d->at_ms)
			break;
		heap_put(h, i, h->items[child - 1]);
		i = child;
	}
	heap_put(h, i, d);
}

static int heap_make_room(struct heap *h)
{
	size_t cap = h->cap ? h->cap * 2 : 8;
	struct due **items;

	if (h->count < h->cap)
		return 0;
	items = mem_realloc(h->items, cap * sizeof(struct due *));
	if (!items)
		return -ENOMEM;
	h->items = items;
	h->cap = cap;
	return 0;
}

int heap_set(struct heap *h, struct due *d, uint64_t at_ms)
{
	if (!d->index) {
		int r = heap_make_room(h);

		if (r < 0)
			return r;
		h->count++;
		heap_put(h, h->count, d);
	}
	d->at_ms = at_ms;
	heap_up(h, d);
	heap_down(h, d);
	return 0;
}

void heap_remove(struct heap *h, struct due *d)
{
	struct due *last;
	size_t index = d->index;

	if (!index)
		return;
	last = h->items[h->count - 1];
	h->count--;
	d->index = 0;
	if (last == d)
		return;
	heap_put(h, index, last);
	heap_up(h, last);
	heap_down(h, last);
}

struct due *heap_peek(const struct heap *h)
{
	return h->count ? h->items[0] : NULL;
}

uint64_t heap_deadline(const struct heap *h)
{
	return h->count ? h->items[0]->at_ms : NEVER_MS;
}
