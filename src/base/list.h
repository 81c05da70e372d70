/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Intrusive doubly linked list
 *
 * A list is a node that points to itself when empty. An element embeds a
 * node; list_init() on it makes "is it linked?" answerable and unlinking
 * twice harmless. The list owns nothing.
 */

#include "base/cleanup.h"

#include <stdbool.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Whether an element's node is in some list. */
static inline bool list_is_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_insert_before(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_append(struct list *l, struct list *node)
{
	list_insert_before(l, node);
}

static inline void list_unlink(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Appends all of from to l, in order; from is empty afterwards. */
static inline void list_splice(struct list *l, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = l->prev;
	l->prev->next = from->next;
	from->prev->next = l;
	l->prev = from->prev;
	list_init(from);
}

/* The element, or NULL when the list is empty. */
#define list_first(l, type, member)                                                                \
	(list_is_empty(l) ? NULL : CONTAINER_OF((l)->next, type, member))

/* p is a struct list *; the plain form must not unlink p in its body. */
#define list_for_each(p, l) for (struct list *p = (l)->next; p != (l); p = p->next)
#define list_for_each_safe(p, l)                                                                   \
	for (struct list *p = (l)->next, *p##_next = p->next; p != (l);                            \
	     p = p##_next, p##_next = p->next)
