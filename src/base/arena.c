/* SPDX-License-Identifier: MIT */

/*
 * Short-lived bytes: a chain of chunks
 */

#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARENA_CHUNK 4000

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	char bytes[];
};

void arena_init(struct arena *a)
{
	*a = (struct arena){0};
}

static void arena_free_chunk(const struct arena *a, struct arena_chunk *c)
{
	if (a->wipes)
		explicit_bzero(c->bytes, c->used);
	mem_free(c);
}

static void arena_free_after(const struct arena *a, struct arena_chunk *c)
{
	struct arena_chunk *next;

	for (c = c->next; c; c = next) {
		next = c->next;
		arena_free_chunk(a, c);
	}
}

void arena_done(struct arena *a)
{
	if (a->first) {
		arena_free_after(a, a->first);
		arena_free_chunk(a, a->first);
	}
	*a = (struct arena){.wipes = a->wipes};
}

void arena_reset(struct arena *a)
{
	if (!a->first)
		return;
	/* One long text must not cost its memory for ever. */
	if (a->first->size > ARENA_CHUNK) {
		arena_done(a);
		return;
	}
	arena_free_after(a, a->first);
	if (a->wipes)
		explicit_bzero(a->first->bytes, a->first->used);
	a->first->next = NULL;
	a->first->used = 0;
	a->last = a->first;
}

char *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->last;

	if (!c || c->size - c->used < n) {
		size_t size = n > ARENA_CHUNK ? n : ARENA_CHUNK;

		c = mem_realloc(NULL, sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct arena_chunk){.size = size};
		if (a->last)
			a->last->next = c;
		else
			a->first = c;
		a->last = c;
	}
	c->used += n;
	return c->bytes + c->used - n;
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (!text)
		return SLICE("");
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return (struct slice){text, (size_t)n};
}
