/* SPDX-License-Identifier: MIT */

/*
 * Due times: a pairing heap (Fredman, Sedgewick, Sleator and Tarjan, 1986)
 */

#include "base/heap.h"

#include <stddef.h>

void heap_init(struct heap *h)
{
	*h = (struct heap){0};
}

/* Of two trees, either of which may be empty, the later one becomes a child of the other. */
static struct due *heap_merge(struct due *a, struct due *b)
{
	struct due *parent, *child;

	if (!a || !b)
		return a ? a : b;
	parent = a->at_ms <= b->at_ms ? a : b;
	child = parent == a ? b : a;
	child->before = parent;
	child->next = parent->child;
	if (child->next)
		child->next->before = child;
	parent->child = child;
	return parent;
}

/* Takes the tree below d, d included, out of its siblings. */
static void heap_cut(struct due *d)
{
	if (d->before->child == d)
		d->before->child = d->next;
	else
		d->before->next = d->next;
	if (d->next)
		d->next->before = d->before;
	d->next = d->before = NULL;
}

/* Detaches a tree from the front of its siblings. */
static struct due *heap_take_first(struct due **siblings)
{
	struct due *first = *siblings;

	if (!first)
		return NULL;
	*siblings = first->next;
	first->next = first->before = NULL;
	return first;
}

/*
 * One tree out of siblings: first they are merged by twos from the left, then
 * the results from the right, which is what makes removing cheap. In between,
 * the results hang by their next.
 */
static struct due *heap_pair(struct due *siblings)
{
	struct due *pairs = NULL, *tree = NULL;

	while (siblings) {
		struct due *a = heap_take_first(&siblings);
		struct due *pair = heap_merge(a, heap_take_first(&siblings));

		pair->next = pairs;
		pairs = pair;
	}
	while (pairs) {
		struct due *pair = heap_take_first(&pairs);

		tree = heap_merge(tree, pair);
	}
	return tree;
}

void heap_remove(struct heap *h, struct due *d)
{
	struct due *below;

	if (!d->is_set)
		return;
	below = heap_pair(d->child);
	if (h->root == d) {
		h->root = below;
	} else {
		heap_cut(d);
		h->root = heap_merge(h->root, below);
	}
	*d = (struct due){.at_ms = d->at_ms};
}

void heap_set(struct heap *h, struct due *d, uint64_t at_ms)
{
	heap_remove(h, d);
	d->at_ms = at_ms;
	d->is_set = true;
	h->root = heap_merge(h->root, d);
}

struct due *heap_peek(const struct heap *h)
{
	return h->root;
}

uint64_t heap_deadline(const struct heap *h)
{
	return h->root ? h->root->at_ms : NEVER_MS;
}
