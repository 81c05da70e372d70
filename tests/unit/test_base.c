/* SPDX-License-Identifier: MIT */

/*
 * The containers of base/, each against a model that is too simple to be wrong
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define assert_slice(s, literal)                                                                   \
	do {                                                                                       \
		struct slice got_ = (s);                                                           \
		assert_int_equal(got_.len, sizeof(literal) - 1);                                   \
		assert_memory_equal(got_.ptr, literal, sizeof(literal) - 1);                       \
	} while (0)

/* ---- mem ---- */

static void memory_comes_zeroed(void **state)
{
	unsigned char *p = mem_alloc(1000);

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	memset(p, 0xff, 1000);
	assert_null(mem_free(p));
	p = mem_alloc(1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	assert_null(mem_free(p));
	assert_null(mem_free(NULL));
}

static void allocations_fail_from_the_one_asked_for(void **state)
{
	void *kept[3] = {NULL, NULL, NULL};
	void *grown;

	(void)state;
	mem_fail_after(2);
	kept[0] = mem_alloc(1);
	kept[1] = mem_strdup("ab");
	kept[2] = mem_alloc(1);
	grown = mem_realloc(kept[1], 100);
	assert_null(mem_strndup("x", 1));
	mem_fail_after(-1);
	assert_non_null(kept[0]);
	assert_string_equal(kept[1], "ab");
	assert_null(kept[2]);
	assert_null(grown);
	mem_free(kept[0]);
	mem_free(kept[1]);
	kept[2] = mem_strndup("abc", 2);
	assert_string_equal(kept[2], "ab");
	mem_free(kept[2]);
}

/* ---- buf ---- */

static void a_buffer_grows_and_keeps_its_bytes(void **state)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_append_char(&b, (char)(i * 7));
	assert_int_equal(buf_len(&b), 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buf_bytes(&b).ptr[i], (char)(i * 7));
	buf_done(&b);
	assert_int_equal(buf_len(&b), 0);
}

static void a_full_buffer_latches_and_rewinding_cures_it(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	buf_append_literal(&b, "0123456");
	buf_append_literal(&b, "789a");
	assert_int_equal(b.error, -ENOBUFS);
	buf_append_char(&b, 'x');
	assert_slice(buf_bytes(&b), "0123456");
	buf_rewind(&b, 5);
	assert_int_equal(b.error, 0);
	buf_append_literal(&b, "56789");
	assert_int_equal(b.error, 0);
	assert_slice(buf_bytes(&b), "0123456789");
	buf_append(&b, "", 0);
	assert_int_equal(b.error, 0);
	buf_consume(&b, 3);
	buf_append_literal(&b, "abc");
	assert_slice(buf_bytes(&b), "3456789abc");
	assert_null(buf_reserve(&b, 1));
	buf_clear(&b);
	assert_int_equal(b.error, 0);
	assert_int_equal(buf_len(&b), 0);
	buf_trim(&b);
	assert_null(b.data);
	assert_null(buf_reserve(&b, SIZE_MAX));
	buf_done(&b);
}

static void a_buffer_without_memory_latches(void **state)
{
	struct buf b = BUF_INIT(1000000);

	(void)state;
	buf_append_literal(&b, "abc");
	mem_fail_after(0);
	assert_null(buf_reserve(&b, 10000));
	mem_fail_after(-1);
	assert_int_equal(b.error, -ENOMEM);
	assert_slice(buf_bytes(&b), "abc");
	buf_trim(&b);
	assert_slice(buf_bytes(&b), "abc");
	buf_done(&b);
}

/* Appends at the end and consumes at the front in random pieces: a pipe. */
static void a_buffer_used_as_a_pipe_stays_small(void **state)
{
	struct buf b = BUF_INIT(5000);
	struct rng rng = {1};
	uint32_t in = 0, out = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = rng_below(&rng, 300);
		char *to;

		if (buf_len(&b) + n <= 5000) {
			to = buf_reserve(&b, n);
			assert_true(to || !n);
			for (size_t i = 0; i < n; i++)
				to[i] = (char)(in++ * 31 >> 3);
			buf_commit(&b, n);
		}
		n = rng_below(&rng, 320);
		n = n < buf_len(&b) ? n : buf_len(&b);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(buf_bytes(&b).ptr[i], (char)(out++ * 31 >> 3));
		buf_consume(&b, n);
	}
	assert_int_equal(in - out, buf_len(&b));
	assert_true(b.cap <= 4 * 5000);
	buf_done(&b);
}

/* ---- map ---- */

#define N_THINGS 600

struct thing {
	struct map_node node;
	struct due due;
	struct list link;
	uint64_t key;
};

static const struct map_secret secret = {1, 2};

static struct thing *thing_find(const struct map *m, uint64_t hash, uint64_t key)
{
	for (struct map_node *n = map_first(m, hash); n; n = map_next(n)) {
		assert_true(n->hash == hash);
		if (CONTAINER_OF(n, struct thing, node)->key == key)
			return CONTAINER_OF(n, struct thing, node);
	}
	return NULL;
}

/* Keys share hashes in threes, so that chains of equal hashes are walked. */
static void walk_map(struct map *m, uint64_t seed)
{
	static struct thing things[N_THINGS];
	struct rng rng = {seed};
	size_t count = 0;

	memset(things, 0, sizeof(things));
	for (int round = 0; round < 10000; round++) {
		uint64_t key = rng_below(&rng, N_THINGS), hash = map_hash_u64(key / 3);
		struct thing *t = &things[key];

		assert_ptr_equal(thing_find(m, hash, key), t->node.linked ? t : NULL);
		t->key = key;
		if (rng_below(&rng, 5) < 2) {
			count -= t->node.linked;
			map_remove(m, &t->node);
		} else if (!t->node.linked) {
			map_insert(m, &t->node, hash);
			count++;
		}
		assert_int_equal(m->count, count);
	}
	for (size_t i = 0; i < N_THINGS; i++)
		assert_ptr_equal(thing_find(m, map_hash_u64(i / 3), i),
				 things[i].node.linked ? &things[i] : NULL);
	for (struct map_node *n; (n = map_any(m)); count--)
		map_remove(m, n);
	assert_int_equal(count, 0);
}

static void a_map_holds_what_was_put_in(void **state)
{
	struct map m;

	(void)state;
	map_init(&m);
	assert_null(map_any(&m));
	assert_null(map_first(&m, 0));
	walk_map(&m, 1);
	assert_true(m.n_buckets >= 256);
	walk_map(&m, 2);
	map_done(&m);
}

static void a_map_that_cannot_grow_works_on(void **state)
{
	struct map m;

	(void)state;
	map_init(&m);
	mem_fail_after(0);
	walk_map(&m, 3);
	assert_int_equal(m.n_buckets, 0);
	mem_fail_after(2);
	walk_map(&m, 4);
	assert_int_equal(m.n_buckets, 32);
	mem_fail_after(-1);
	walk_map(&m, 5);
	map_done(&m);
}

static void a_map_that_can_grow_at_last_takes_all_along(void **state)
{
	static struct thing things[100];
	struct map m;

	(void)state;
	map_init(&m);
	mem_fail_after(0);
	for (size_t i = 0; i < 100; i++) {
		if (i == 50)
			mem_fail_after(-1);
		things[i].key = i;
		map_insert(&m, &things[i].node, map_hash_u64(i));
		for (size_t k = 0; k <= i; k++)
			assert_ptr_equal(thing_find(&m, map_hash_u64(k), k), &things[k]);
	}
	for (size_t i = 0; i < 100; i++)
		map_remove(&m, &things[i].node);
	map_done(&m);
}

/*
 * Computed by an implementation in another language, whose SipHash-2-4 gives
 * the published vectors.
 */
static void text_hashes_are_siphash_1_3(void **state)
{
	const struct map_secret key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	assert_int_equal(map_hash_text(&key, (struct slice){text, 0}), 0xabac0158050fc4dc);
	assert_int_equal(map_hash_text(&key, (struct slice){text, 1}), 0xc9f49bf37d57ca93);
	assert_int_equal(map_hash_text(&key, (struct slice){text, 8}), 0x369095118d299a8e);
	assert_int_equal(map_hash_text(&key, (struct slice){text, 63}), 0x9d199062b7bbb3a8);
	assert_int_not_equal(map_hash_text(&secret, SLICE("com.example.a")),
			     map_hash_text(&key, SLICE("com.example.a")));
}

/* ---- heap ---- */

static void the_earliest_is_always_on_top(void **state)
{
	static struct thing things[N_THINGS];
	struct rng rng = {11};
	size_t left = 0;
	struct heap h;

	(void)state;
	heap_init(&h);
	assert_null(heap_peek(&h));
	assert_true(heap_deadline(&h) == NEVER_MS);
	for (int round = 0; round < 5000; round++) {
		struct due *d = &things[rng_below(&rng, 200)].due;
		uint64_t earliest = NEVER_MS;
		size_t count = 0;

		if (rng_below(&rng, 3))
			heap_set(&h, d, rng_below(&rng, 500));
		else
			heap_remove(&h, d);
		for (size_t i = 0; i < N_THINGS; i++) {
			const struct due *other = &things[i].due;

			count += other->is_set;
			if (other->is_set && other->at_ms < earliest)
				earliest = other->at_ms;
		}
		assert_true(heap_deadline(&h) == earliest);
		assert_true(!count || heap_peek(&h)->at_ms == earliest);
	}
	for (size_t i = 0; i < N_THINGS; i++)
		left += things[i].due.is_set;
	for (uint64_t last = 0; heap_peek(&h); heap_remove(&h, heap_peek(&h)), left--) {
		assert_true(heap_deadline(&h) >= last);
		last = heap_deadline(&h);
	}
	assert_int_equal(left, 0);
}

static void a_heap_needs_no_memory(void **state)
{
	struct due dues[9] = {0};
	struct heap h;

	(void)state;
	heap_init(&h);
	mem_fail_after(0);
	for (size_t i = 0; i < 9; i++)
		heap_set(&h, &dues[i], 100 + i);
	heap_set(&h, &dues[7], 2);
	mem_fail_after(-1);
	assert_ptr_equal(heap_peek(&h), &dues[7]);
	heap_remove(&h, &dues[7]);
	assert_false(dues[7].is_set);
	/* when it was due can still be asked */
	assert_int_equal(dues[7].at_ms, 2);
	assert_ptr_equal(heap_peek(&h), &dues[0]);
	heap_remove(&h, &dues[7]);
	assert_ptr_equal(heap_peek(&h), &dues[0]);
}

/* ---- list ---- */

static void lists_keep_order_and_unlink_twice(void **state)
{
	struct thing things[6] = {0};
	struct list a, b;
	size_t i = 0;

	(void)state;
	list_init(&a);
	list_init(&b);
	assert_null(list_first(&a, struct thing, link));
	for (i = 0; i < 6; i++) {
		list_init(&things[i].link);
		assert_false(list_is_linked(&things[i].link));
		list_append(i < 3 ? &a : &b, &things[i].link);
		assert_true(list_is_linked(&things[i].link));
	}
	list_splice(&a, &b);
	assert_true(list_is_empty(&b));
	list_splice(&a, &b);
	i = 0;
	list_for_each (p, &a)
		assert_ptr_equal(CONTAINER_OF(p, struct thing, link), &things[i++]);
	assert_int_equal(i, 6);
	list_unlink(&things[2].link);
	list_unlink(&things[2].link);
	list_insert_before(&things[0].link, &things[2].link);
	assert_ptr_equal(list_first(&a, struct thing, link), &things[2]);
	list_splice(&b, &a);
	list_for_each_safe (p, &b)
		list_unlink(p);
	assert_true(list_is_empty(&b));
	assert_true(list_is_empty(&a));
}

/* ---- arena ---- */

static void arena_bytes_stay_until_the_reset(void **state)
{
	struct arena a;
	struct slice texts[300];
	char expected[32];

	(void)state;
	arena_init(&a);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 300; i++)
			texts[i] = arena_printf(&a, "%d:%*s", i, i % 90, "x");
		memset(arena_alloc(&a, 100000), 'y', 100000);
		for (int i = 0; i < 300; i++) {
			int n = snprintf(expected, sizeof(expected), "%d:", i);

			assert_memory_equal(texts[i].ptr, expected, n);
			assert_int_equal(texts[i].len, n + (i % 90 > 1 ? i % 90 : 1));
			assert_int_equal(texts[i].ptr[texts[i].len - 1], 'x');
		}
		arena_reset(&a);
		assert_ptr_equal(a.first, a.last);
		assert_non_null(a.first);
	}
	arena_done(&a);
	arena_reset(&a);
	arena_done(&a);
}

static void a_chunk_is_used_to_its_last_byte_and_not_beyond(void **state)
{
	struct arena a;

	(void)state;
	for (size_t first = 0; first < 8; first++) {
		arena_init(&a);
		memset(arena_alloc(&a, first), 'x', first);
		for (int i = 0; i < 1000; i++)
			memset(arena_alloc(&a, 8), 'y', 8);
		arena_done(&a);
	}
}

static void an_arena_gives_a_long_text_back(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	memset(arena_alloc(&a, 1000000), 'x', 1000000);
	arena_reset(&a);
	assert_null(a.first);
	assert_non_null(arena_alloc(&a, 10));
	arena_done(&a);
}

static void an_arena_without_memory_says_nothing(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	mem_fail_after(0);
	assert_null(arena_alloc(&a, 10));
	assert_slice(arena_printf(&a, "%d", 5), "");
	mem_fail_after(-1);
	assert_slice(arena_printf(&a, "%d", 5), "5");
	mem_fail_after(0);
	assert_null(arena_alloc(&a, 5000));
	assert_slice(arena_printf(&a, "%d", 6), "6");
	mem_fail_after(-1);
	arena_done(&a);
}

/* ---- user ---- */

static void what_is_charged_is_refunded(void **state)
{
	struct charge connection = {0}, bytes = {0}, more = {0};
	struct users users;
	struct user *user, *other;

	(void)state;
	users_init(&users);
	user = users_get(&users, 1000);
	other = users_get(&users, 0);
	assert_ptr_not_equal(user, other);
	assert_ptr_equal(users_get(&users, 1000), user);
	user_unref(user);
	charge_set(&connection, user, USER_CONNECTIONS, 1);
	charge_set(&bytes, user, USER_BYTES, 500);
	charge_set(&more, user, USER_BYTES, 70);
	charge_set(&bytes, user, USER_BYTES, 20);
	assert_int_equal(user->charged[USER_CONNECTIONS], 1);
	assert_int_equal(user->charged[USER_BYTES], 90);
	assert_int_equal(other->charged[USER_BYTES], 0);
	/* The charges hold the record now. */
	assert_null(user_unref(user));
	assert_null(user_unref(other));
	assert_int_equal(users.map.count, 1);
	charge_done(&bytes);
	charge_done(&bytes);
	assert_int_equal(user->charged[USER_BYTES], 70);
	charge_done(&more);
	charge_done(&connection);
	assert_int_equal(users.map.count, 0);
	assert_null(user_unref(NULL));
	mem_fail_after(0);
	assert_null(users_get(&users, 1));
	mem_fail_after(-1);
	users_done(&users);
}

static void a_map_that_was_large_is_small_again(void **state)
{
	static struct map_node nodes[20000];
	struct map m;

	(void)state;
	map_init(&m);
	for (uint64_t i = 0; i < 20000; i++)
		map_insert(&m, &nodes[i], map_hash_u64(i));
	assert_true(m.n_buckets >= 16384);
	for (uint64_t i = 10; i < 20000; i++)
		map_remove(&m, &nodes[i]);
	assert_true(m.n_buckets <= 1024);
	for (uint64_t i = 0; i < 10; i++) {
		assert_ptr_equal(map_first(&m, map_hash_u64(i)), &nodes[i]);
		map_remove(&m, &nodes[i]);
	}
	map_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_zeroed),
		cmocka_unit_test(allocations_fail_from_the_one_asked_for),
		cmocka_unit_test(a_buffer_grows_and_keeps_its_bytes),
		cmocka_unit_test(a_full_buffer_latches_and_rewinding_cures_it),
		cmocka_unit_test(a_buffer_without_memory_latches),
		cmocka_unit_test(a_buffer_used_as_a_pipe_stays_small),
		cmocka_unit_test(a_map_holds_what_was_put_in),
		cmocka_unit_test(a_map_that_cannot_grow_works_on),
		cmocka_unit_test(a_map_that_can_grow_at_last_takes_all_along),
		cmocka_unit_test(text_hashes_are_siphash_1_3),
		cmocka_unit_test(the_earliest_is_always_on_top),
		cmocka_unit_test(a_heap_needs_no_memory),
		cmocka_unit_test(lists_keep_order_and_unlink_twice),
		cmocka_unit_test(arena_bytes_stay_until_the_reset),
		cmocka_unit_test(a_chunk_is_used_to_its_last_byte_and_not_beyond),
		cmocka_unit_test(an_arena_gives_a_long_text_back),
		cmocka_unit_test(an_arena_without_memory_says_nothing),
		cmocka_unit_test(what_is_charged_is_refunded),
		cmocka_unit_test(a_map_that_was_large_is_small_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
