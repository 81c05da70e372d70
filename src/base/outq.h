/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Bytes on their way to one receiver
 *
 * One stream of private bytes, with shared blocks spliced in where they
 * belong, so that one event for a thousand receivers is stored once. The
 * owner of the file descriptor asks for an iovec, writes what the kernel
 * takes, and consumes that much. Nothing moves between outq_iov() and
 * outq_consume(); a receiver whose write must stay in flight takes the whole
 * queue with outq_take().
 *
 * Errors latch as in struct buf.
 */

#include "base/block.h"
#include "base/buf.h"

#include <sys/uio.h>

struct outq_ref {
	uint64_t at; /* the block stands before this private byte, counted since the start */
	struct block *block;
};

struct outq {
	struct buf bytes;
	struct outq_ref *refs;
	size_t first_ref, n_refs, cap_refs;
	uint64_t consumed; /* private bytes since the start */
	size_t ref_offset; /* bytes of the first block that are consumed */
	size_t len;	   /* everything that is queued */
};

/* A block shorter than this is copied: an iovec entry costs the kernel more than the copy. */
#define OUTQ_MIN_SHARED 512

void outq_init(struct outq *q, size_t max);
void outq_done(struct outq *q);

static inline size_t outq_len(const struct outq *q)
{
	return q->len;
}

/*
 * A writer appends to the private bytes between these two; outq_end()
 * accounts for what came. Nothing else may touch the queue in between.
 */
static inline struct buf *outq_begin(struct outq *q)
{
	return &q->bytes;
}

static inline void outq_end(struct outq *q, size_t len_before)
{
	q->len += buf_len(&q->bytes) - len_before;
}

/* Memory that the queue has taken beside what is queued. */
static inline size_t outq_slack(const struct outq *q)
{
	return q->bytes.cap - buf_len(&q->bytes) + q->cap_refs * sizeof(struct outq_ref);
}

/* Appends the block by reference, or by copy if it is short. */
void outq_append_block(struct outq *q, struct block *block);

/* Fills at most max entries; returns how many. */
size_t outq_iov(const struct outq *q, struct iovec *iov, size_t max);
void outq_consume(struct outq *q, size_t n);

/* Moves everything from q into the empty queue to, which has no more memory than it needs. */
void outq_take(struct outq *to, struct outq *q);

/* Gives the memory of an empty queue back. */
void outq_trim(struct outq *q);

static inline int outq_error(const struct outq *q)
{
	return q->bytes.error;
}
