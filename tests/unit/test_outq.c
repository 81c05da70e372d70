/* SPDX-License-Identifier: MIT */

/*
 * Queues of private and shared bytes: nothing is lost or out of order, however
 * the kernel takes them
 */

#include "base/mem.h"
#include "base/outq.h"
#include "base/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

/* What is queued, by way of iovecs of at most max entries. */
static size_t gather(const struct outq *q, size_t max, char *to)
{
	struct iovec iov[8];
	size_t n = 0, entries = outq_iov(q, iov, max);

	assert_true(entries <= max);
	for (size_t i = 0; i < entries; i++) {
		assert_true(iov[i].iov_len > 0);
		memcpy(to + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	return n;
}

static struct block *block_of(char c, size_t n)
{
	char bytes[2000];
	struct block *block;

	memset(bytes, c, sizeof(bytes));
	assert_true(n <= sizeof(bytes));
	block = block_new((struct slice){bytes, n / 2}, (struct slice){bytes, n - n / 2});
	assert_non_null(block);
	assert_int_equal(block_bytes(block).len, n);
	return block;
}

static void put(struct outq *q, const char *text)
{
	size_t before = buf_len(outq_begin(q));

	buf_append_slice(outq_begin(q), slice_of(text));
	outq_end(q, before);
}

static void put_block(struct outq *q, char c, size_t n)
{
	struct block *block = block_of(c, n);

	outq_append_block(q, block);
	block_unref(block);
}

/* "head" D×600 "mid" E×512 F×700 "short" ggg */
static size_t fill(struct outq *q, char *expected)
{
	size_t n = 0;

	put(q, "head");
	put_block(q, 'D', 600);
	put(q, "mid");
	put_block(q, 'E', OUTQ_MIN_SHARED);
	put_block(q, 'F', 700);
	put(q, "short");
	put_block(q, 'g', 3);
	n += (size_t)snprintf(expected, 4096, "head");
	memset(expected + n, 'D', 600);
	n += 600;
	n += (size_t)snprintf(expected + n, 4096 - n, "mid");
	memset(expected + n, 'E', OUTQ_MIN_SHARED);
	n += OUTQ_MIN_SHARED;
	memset(expected + n, 'F', 700);
	n += 700;
	n += (size_t)snprintf(expected + n, 4096 - n, "shortggg");
	return n;
}

static void a_queue_comes_out_in_order_whatever_the_kernel_takes(void **state)
{
	char expected[4096], got[4096];
	struct outq q;
	size_t n;

	(void)state;
	outq_init(&q, 10000);
	n = fill(&q, expected);
	outq_done(&q);
	for (size_t split = 0; split <= n; split++) {
		outq_init(&q, 10000);
		assert_int_equal(fill(&q, expected), n);
		assert_int_equal(outq_len(&q), n);
		assert_int_equal(gather(&q, 8, got), n);
		assert_memory_equal(got, expected, n);
		outq_consume(&q, split);
		assert_int_equal(outq_len(&q), n - split);
		assert_int_equal(gather(&q, 8, got), n - split);
		assert_memory_equal(got, expected + split, n - split);
		put(&q, "more");
		assert_int_equal(gather(&q, 8, got), n - split + 4);
		assert_memory_equal(got + n - split, "more", 4);
		outq_consume(&q, n - split + 4);
		assert_int_equal(outq_len(&q), 0);
		assert_int_equal(outq_iov(&q, (struct iovec[8]){{0}}, 8), 0);
		assert_int_equal(q.n_refs, 0);
		outq_done(&q);
	}
}

static void an_empty_queue_has_nothing_to_write(void **state)
{
	struct iovec iov[2];
	struct outq q, to;

	(void)state;
	outq_init(&q, 100);
	outq_init(&to, 100);
	assert_int_equal(outq_iov(&q, iov, 2), 0);
	put(&q, "");
	put_block(&q, 'x', 0);
	outq_consume(&q, 0);
	outq_trim(&q);
	outq_take(&to, &q);
	assert_int_equal(outq_iov(&to, iov, 2), 0);
	assert_int_equal(outq_error(&to), 0);
	outq_done(&to);
	outq_done(&q);
	outq_done(&q);
}

static void few_iovecs_give_a_prefix(void **state)
{
	char expected[4096], got[4096];
	struct outq q;
	size_t n;

	(void)state;
	for (size_t max = 1; max <= 8; max++) {
		size_t done = 0;

		outq_init(&q, 10000);
		n = fill(&q, expected);
		while (outq_len(&q)) {
			size_t piece = gather(&q, max, got);

			assert_true(piece > 0);
			assert_memory_equal(got, expected + done, piece);
			outq_consume(&q, piece);
			done += piece;
		}
		assert_int_equal(done, n);
		outq_done(&q);
	}
}

static void a_taken_queue_leaves_an_empty_one(void **state)
{
	char expected[4096], got[4096];
	struct outq q, to;
	size_t n;

	(void)state;
	outq_init(&q, 10000);
	outq_init(&to, 20000);
	for (int round = 0; round < 3; round++) {
		n = fill(&q, expected);
		outq_consume(&q, 100);
		outq_take(&to, &q);
		assert_int_equal(outq_len(&q), 0);
		put(&q, "fresh");
		assert_int_equal(outq_len(&to), n - 100);
		assert_int_equal(gather(&to, 8, got), n - 100);
		assert_memory_equal(got, expected + 100, n - 100);
		outq_consume(&to, n - 100);
		assert_int_equal(gather(&q, 8, got), 5);
		outq_consume(&q, 5);
		assert_int_equal(to.bytes.max, 20000);
		assert_int_equal(q.bytes.max, 10000);
		outq_trim(&to);
		assert_null(to.refs);
	}
	outq_done(&q);
	outq_done(&to);
}

/* A stream in which one byte is its own position, so that any slip shows. */
static void random_appends_and_writes_keep_the_stream(void **state)
{
	struct rng rng = {7};
	struct outq q;
	char got[4096], shared[1000];
	unsigned in = 0, out = 0;

	(void)state;
	outq_init(&q, 100000);
	for (int round = 0; round < 20000; round++) {
		size_t n = rng_below(&rng, 1000);
		size_t before = buf_len(outq_begin(&q));
		struct block *block;

		for (size_t i = 0; i < n; i++)
			shared[i] = (char)(in + i);
		if (outq_len(&q) > 3000) {
			n = 0;
		} else if (rng_below(&rng, 2)) {
			block = block_new((struct slice){shared, n}, SLICE_NONE);
			outq_append_block(&q, block);
			block_unref(block);
		} else {
			buf_append(outq_begin(&q), shared, n);
			outq_end(&q, before);
		}
		in += (unsigned)n;
		n = gather(&q, 1 + rng_below(&rng, 8), got);
		n = rng_below(&rng, n + 1);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(got[i], (char)out++);
		outq_consume(&q, n);
		assert_int_equal(outq_len(&q), in - out);
	}
	outq_done(&q);
}

static void a_shared_block_is_freed_by_the_last_receiver(void **state)
{
	struct block *block = block_of('x', 900);
	struct outq a, b;

	(void)state;
	outq_init(&a, 10000);
	outq_init(&b, 10000);
	outq_append_block(&a, block);
	outq_append_block(&b, block);
	assert_int_equal(block->n_refs, 3);
	outq_consume(&a, 899);
	assert_int_equal(block->n_refs, 3);
	outq_consume(&a, 1);
	assert_int_equal(block->n_refs, 2);
	assert_null(block_unref(block_ref(block)));
	outq_done(&b);
	assert_int_equal(block->n_refs, 1);
	outq_done(&a);
	block_unref(block);
	assert_null(block_unref(NULL));
}

static void a_queue_without_memory_latches_and_keeps_what_it_has(void **state)
{
	struct block *block = block_of('x', 900);
	struct outq q;

	(void)state;
	outq_init(&q, 4);
	mem_fail_after(0);
	assert_null(block_new(SLICE("a"), SLICE("b")));
	outq_append_block(&q, block);
	mem_fail_after(-1);
	assert_int_equal(outq_error(&q), -ENOMEM);
	assert_int_equal(outq_len(&q), 0);
	assert_int_equal(block->n_refs, 1);
	outq_done(&q);
	put(&q, "abc");
	put_block(&q, 'y', 2);
	assert_int_equal(outq_error(&q), -ENOBUFS);
	assert_int_equal(outq_len(&q), 3);
	outq_append_block(&q, block);
	assert_int_equal(outq_len(&q), 3);
	assert_int_equal(block->n_refs, 1);
	outq_done(&q);
	block_unref(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_comes_out_in_order_whatever_the_kernel_takes),
		cmocka_unit_test(an_empty_queue_has_nothing_to_write),
		cmocka_unit_test(few_iovecs_give_a_prefix),
		cmocka_unit_test(a_taken_queue_leaves_an_empty_one),
		cmocka_unit_test(random_appends_and_writes_keep_the_stream),
		cmocka_unit_test(a_shared_block_is_freed_by_the_last_receiver),
		cmocka_unit_test(a_queue_without_memory_latches_and_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
