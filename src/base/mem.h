/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The one door to the allocator, so that a test can let the Nth allocation fail
 */

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory, or NULL. Released by mem_free(). */
void *mem_alloc(size_t n) __attribute__((__malloc__, __warn_unused_result__));

/* As realloc(3): new bytes are not initialised, and on failure p stays valid. */
void *mem_realloc(void *p, size_t n) __attribute__((__warn_unused_result__));

/* A NUL-terminated copy of n bytes, or NULL. */
char *mem_strndup(const char *text, size_t n) __attribute__((__warn_unused_result__));
char *mem_strdup(const char *text) __attribute__((__warn_unused_result__));

/* Takes NULL; returns NULL, for "return mem_free(p)". */
void *mem_free(void *p);

/* For CLEANUP(mem_freep), of a variable of any pointer type. */
void mem_freep(void *p);

/*
 * Once, at the start: a large block goes back to the system when it is freed.
 * By itself the allocator keeps the next ones after it has freed a large one.
 */
void mem_start(void);

/*
 * While very much is in use: what is freed is joined with its neighbours at
 * once, instead of all of it some day, in one go, while everybody waits. It
 * costs some percent of a call.
 */
void mem_set_tidy(bool tidy);

/* Gives what is free back to the system; costs milliseconds for each 100 MiB. */
void mem_trim(void);

/*
 * Tests only: the allocation after n successful ones fails, and every one
 * behind it; a negative n switches that off.
 */
void mem_fail_after(long n);

/*
 * Tests only: the allocation after n successful ones fails, and no other; a
 * negative n switches that off. Whether the one asked for before has failed.
 */
bool mem_fail_once_after(long n);
