/* SPDX-License-Identifier: MIT */

/*
 * Bytes on their way to one receiver
 *
 * Places of blocks count private bytes since the start of the stream, so that
 * they stay true however the buffer moves its bytes.
 */

#include "base/outq.h"

#include "base/mem.h"

#include <errno.h>

void outq_init(struct outq *q, size_t max)
{
	*q = (struct outq){.bytes = BUF_INIT(max)};
}

void outq_done(struct outq *q)
{
	for (size_t i = 0; i < q->n_refs; i++)
		block_unref(q->refs[q->first_ref + i].block);
	mem_free(q->refs);
	buf_done(&q->bytes);
	outq_init(q, q->bytes.max);
}

static bool outq_make_room(struct outq *q)
{
	size_t cap = q->cap_refs ? q->cap_refs * 2 : 8;
	struct outq_ref *refs;

	if (q->first_ref + q->n_refs < q->cap_refs)
		return true;
	if (q->first_ref > q->n_refs) {
		memmove(q->refs, q->refs + q->first_ref, q->n_refs * sizeof(*q->refs));
		q->first_ref = 0;
		return true;
	}
	refs = mem_realloc(q->refs, cap * sizeof(*refs));
	if (!refs) {
		q->bytes.error = -ENOMEM;
		return false;
	}
	q->refs = refs;
	q->cap_refs = cap;
	return true;
}

void outq_append_block(struct outq *q, struct block *block)
{
	if (block->len < OUTQ_MIN_SHARED) {
		size_t before = buf_len(&q->bytes);

		buf_append_slice(&q->bytes, block_bytes(block));
		outq_end(q, before);
		return;
	}
	if (q->bytes.error || !outq_make_room(q))
		return;
	q->refs[q->first_ref + q->n_refs++] = (struct outq_ref){
		.at = q->consumed + buf_len(&q->bytes),
		.block = block_ref(block),
	};
	q->len += block->len;
}

/* Private bytes that stand before reference i, or before the end for i == n_refs. */
static size_t outq_bytes_until(const struct outq *q, size_t i)
{
	if (i == q->n_refs)
		return buf_len(&q->bytes);
	return q->refs[q->first_ref + i].at - q->consumed;
}

size_t outq_iov(const struct outq *q, struct iovec *iov, size_t max)
{
	struct slice bytes = buf_bytes(&q->bytes);
	size_t n = 0, done = 0;

	for (size_t i = 0; i <= q->n_refs && n < max; i++) {
		size_t until = outq_bytes_until(q, i);
		size_t skip = i == 0 ? q->ref_offset : 0;
		const struct block *block;

		if (until > done)
			iov[n++] = (struct iovec){(char *)bytes.ptr + done, until - done};
		done = until;
		if (i == q->n_refs || n == max)
			continue;
		block = q->refs[q->first_ref + i].block;
		iov[n++] = (struct iovec){(char *)block->bytes + skip, block->len - skip};
	}
	return n;
}

static void outq_consume_bytes(struct outq *q, size_t n)
{
	buf_consume(&q->bytes, n);
	q->consumed += n;
}

void outq_consume(struct outq *q, size_t n)
{
	q->len -= n;
	while (n) {
		size_t until = outq_bytes_until(q, 0);
		size_t take = n < until ? n : until;
		struct outq_ref *ref;

		outq_consume_bytes(q, take);
		n -= take;
		if (!n && until > take)
			return;
		if (!q->n_refs)
			return;
		ref = &q->refs[q->first_ref];
		take = ref->block->len - q->ref_offset;
		if (n < take) {
			q->ref_offset += n;
			return;
		}
		n -= take;
		q->ref_offset = 0;
		block_unref(ref->block);
		q->n_refs--;
		q->first_ref = q->n_refs ? q->first_ref + 1 : 0;
	}
}

void outq_take(struct outq *to, struct outq *q)
{
	size_t max = to->bytes.max;

	mem_free(to->refs);
	buf_done(&to->bytes);
	*to = *q;
	to->bytes.max = max;
	buf_fit(&to->bytes);
	outq_init(q, q->bytes.max);
}

void outq_trim(struct outq *q)
{
	if (q->len)
		return;
	buf_trim(&q->bytes);
	q->refs = mem_free(q->refs);
	q->cap_refs = q->first_ref = 0;
}
