/* SPDX-License-Identifier: MIT */

/*
 * The allocator's door
 *
 * Everything that the project allocates comes through here; libraries that
 * take an allocator are given these functions by the tests. The countdown is
 * the only mutable state, and only tests arm it.
 */

#include "base/mem.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static long mem_countdown = -1;
static long mem_failures; /* how many follow; negative: all */

static bool mem_must_fail(void)
{
	if (mem_countdown < 0)
		return false;
	if (mem_countdown > 0) {
		mem_countdown--;
		return false;
	}
	if (mem_failures > 0 && --mem_failures == 0)
		mem_countdown = -1;
	return true;
}

void mem_fail_after(long n)
{
	mem_countdown = n;
	mem_failures = -1;
}

bool mem_fail_once_after(long n)
{
	bool happened = mem_countdown < 0 && mem_failures == 0;

	mem_countdown = n;
	mem_failures = n < 0 ? 0 : 1;
	return happened;
}

/* As glibc has it: 64 of its words of a size, counted as if they had 4 bytes. */
#define MEM_FAST_BYTES (64 * sizeof(size_t) / 4)

/* A long message is larger, the usual buffer is not. */
#define MEM_LARGE_BYTES (1 << 20)

/* As much may lie free at the heap's end. */
#define MEM_FREE_BYTES (4 << 20)

void mem_start(void)
{
	mallopt(M_MMAP_THRESHOLD, MEM_LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, MEM_FREE_BYTES);
}

void mem_set_tidy(bool tidy)
{
	mallopt(M_MXFAST, tidy ? 0 : MEM_FAST_BYTES);
}

void mem_trim(void)
{
	malloc_trim(0);
}

void *mem_alloc(size_t n)
{
	/* Not calloc(): glibc serves that past its per-thread cache, at twice the cost. */
	void *p = mem_must_fail() ? NULL : malloc(n);

	__asm__("" : "+r"(p)); /* or the compiler would make a calloc() of the two */
	if (p)
		memset(p, 0, n);
	return p;
}

void *mem_realloc(void *p, size_t n)
{
	return mem_must_fail() ? NULL : realloc(p, n);
}

char *mem_strndup(const char *text, size_t n)
{
	char *copy = mem_alloc(n + 1);

	if (copy && n)
		memcpy(copy, text, n);
	return copy;
}

char *mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

void *mem_free(void *p)
{
	free(p);
	return NULL;
}

void mem_freep(void *p)
{
	free(*(void **)p);
}
