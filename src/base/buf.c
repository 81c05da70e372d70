/* SPDX-License-Identifier: MIT */

/*
 * Growing bytes with a maximum: the slow paths
 */

#include "base/buf.h"

#include "base/mem.h"

#include <errno.h>

/* Smallest allocation: a line of usual size fits without growing again. */
#define BUF_MIN_CAP 256

void buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

static void buf_free(struct buf *b)
{
	if (b->wipes && b->data)
		explicit_bzero(b->data, b->cap);
	b->data = mem_free(b->data);
}

void buf_done(struct buf *b)
{
	buf_free(b);
	*b = BUF_INIT(b->max);
}

static void buf_to_front(struct buf *b)
{
	size_t len = buf_len(b);

	if (!b->head)
		return;
	memmove(b->data, b->data + b->head, len);
	b->head = 0;
	b->tail = len;
}

/* As realloc(3), but what was there is wiped if that is asked for. */
static char *buf_resize(struct buf *b, size_t cap)
{
	char *data;

	if (!b->wipes)
		return mem_realloc(b->data, cap);
	data = mem_realloc(NULL, cap);
	if (data && b->data) {
		memcpy(data, b->data, b->tail);
		explicit_bzero(b->data, b->cap);
		mem_free(b->data);
	}
	return data;
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t len = buf_len(b);
	size_t cap = b->cap < BUF_MIN_CAP ? BUF_MIN_CAP : b->cap;
	char *data;

	if (b->error)
		return NULL;
	if (n > b->max || len > b->max - n) {
		b->error = -ENOBUFS;
		return NULL;
	}
	/* Moving costs len bytes and frees head: only worth it when head is the greater part. */
	if (b->head >= len && b->cap - len >= n) {
		buf_to_front(b);
		return b->data + b->tail;
	}
	while (cap < b->head + len + n)
		cap *= 2;
	data = buf_resize(b, cap);
	if (!data) {
		b->error = -ENOMEM;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	return b->data + b->tail;
}

void buf_consume(struct buf *b, size_t n)
{
	b->head += n;
	if (b->head == b->tail)
		b->head = b->tail = 0;
}

void buf_rewind(struct buf *b, size_t len)
{
	b->tail = b->head + len;
	b->error = 0;
	if (!len)
		b->head = b->tail = 0;
}

void buf_clear(struct buf *b)
{
	buf_rewind(b, 0);
}

void buf_wipe(struct buf *b)
{
	b->wipes = true;
	buf_clear(b);
	buf_trim(b);
}

void buf_fit(struct buf *b)
{
	char *data;

	if (b->wipes || b->cap - b->tail < BUF_MIN_CAP || !b->tail)
		return;
	data = mem_realloc(b->data, b->tail);
	if (!data)
		return;
	b->data = data;
	b->cap = b->tail;
}

void buf_clear_to(struct buf *b, size_t n)
{
	buf_clear(b);
	if (b->cap > n)
		buf_trim(b);
}

void buf_trim(struct buf *b)
{
	if (buf_len(b))
		return;
	buf_free(b);
	b->head = b->tail = b->cap = 0;
}
