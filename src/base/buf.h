/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Growing bytes with a maximum
 *
 * Bytes are appended at the end and consumed at the front. A buffer that
 * cannot grow (no memory: -ENOMEM, over its maximum: -ENOBUFS) latches the
 * error and ignores what follows, as a stdio stream does, so that a writer of
 * twenty small pieces checks once. buf_rewind() takes a half-written piece
 * back.
 */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t head; /* first unconsumed byte */
	size_t tail; /* first free byte */
	size_t cap;
	size_t max; /* of unconsumed bytes */
	int error;  /* 0 or the latched -errno */
	bool wipes; /* holds a secret: no byte of it is given back to the heap as it is */
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

/* The unconsumed bytes; valid until the next append. */
static inline struct slice buf_bytes(const struct buf *b)
{
	/* C gives no meaning to an offset from NULL, not even to 0. */
	return (struct slice){b->data ? b->data + b->head : NULL, b->tail - b->head};
}

/* Slow path of buf_reserve(). */
char *buf_grow(struct buf *b, size_t n);

/*
 * Room for n bytes at the end, or NULL with the error latched. The caller
 * fills some and adds their number to b->tail (buf_commit).
 */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (__builtin_expect(!b->error && b->cap - b->tail >= n && buf_len(b) + n <= b->max, 1))
		return b->data + b->tail;
	return buf_grow(b, n);
}

static inline void buf_commit(struct buf *b, size_t n)
{
	b->tail += n;
}

static inline void buf_append(struct buf *b, const void *bytes, size_t n)
{
	char *to = n ? buf_reserve(b, n) : NULL;

	if (to) {
		memcpy(to, bytes, n);
		b->tail += n;
	}
}

static inline void buf_append_slice(struct buf *b, struct slice s)
{
	buf_append(b, s.ptr, s.len);
}

#define buf_append_literal(b, text) buf_append((b), (text), sizeof(text) - 1)

static inline void buf_append_char(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

/* Drops n bytes at the front; an emptied buffer starts again at offset 0. */
void buf_consume(struct buf *b, size_t n);

/* Drops everything behind offset len (of the unconsumed bytes) and the latched error. */
void buf_rewind(struct buf *b, size_t len);

/* Forgets all bytes, keeps the memory. */
void buf_clear(struct buf *b);

/* Forgets all bytes, now and from now on so that none is left in memory; gives the memory back. */
void buf_wipe(struct buf *b);

/* Gives the memory of an empty buffer back. */
void buf_trim(struct buf *b);

/* Gives back memory behind the last byte, if that is worth it and possible. */
void buf_fit(struct buf *b);

/* Forgets all bytes; keeps the memory if it is not more than n. */
void buf_clear_to(struct buf *b, size_t n);
