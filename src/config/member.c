/* SPDX-License-Identifier: MIT */

/*
 * Sets of members
 *
 * They live in an arena and are small, so a merge copies and looks at all.
 */

#include "config/member.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* An arena hands out bytes at any address. */
void *member_room(struct arena *arena, size_t n_bytes)
{
	const size_t align = _Alignof(struct member);
	char *bytes = arena_alloc(arena, n_bytes + align);

	return bytes ? bytes + (align - (uintptr_t)bytes % align) : NULL;
}

const char *member_copy(struct arena *arena, struct slice text)
{
	char *copy = arena_alloc(arena, text.len + 1);

	if (!copy)
		return NULL;
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

size_t member_bytes(const struct member_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += strlen(set->items[i].key) + strlen(set->items[i].text) + strlen(": \r\n");
	return n;
}

const struct member *member_find(const struct member_set *set, const char *key, bool ignore_case)
{
	for (size_t i = 0; i < set->n; i++)
		if ((ignore_case ? strcasecmp : strcmp)(set->items[i].key, key) == 0)
			return &set->items[i];
	return NULL;
}

int member_merge(struct member_set *ret, struct arena *arena, const struct member_set *older,
		 const struct member_set *newer, bool ignore_case)
{
	size_t n = 0;
	struct member *items;

	if (!older->n || !newer->n) {
		*ret = older->n ? *older : *newer;
		return 0;
	}
	items = member_room(arena, (older->n + newer->n) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < older->n; i++)
		if (!member_find(newer, older->items[i].key, ignore_case))
			items[n++] = older->items[i];
	for (size_t i = 0; i < newer->n; i++)
		items[n++] = newer->items[i];
	*ret = (struct member_set){items, n};
	return 0;
}

int member_to_list(struct config_list *ret, struct arena *arena, const struct member_set *set)
{
	const char **items = member_room(arena, set->n * sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < set->n; i++) {
		struct slice text =
			arena_printf(arena, "%s: %s", set->items[i].key, set->items[i].text);

		if (!text.len)
			return -ENOMEM;
		items[i] = text.ptr;
	}
	*ret = (struct config_list){items, set->n};
	return 0;
}

int member_to_object(const char **ret, struct arena *arena, const struct member_set *set)
{
	char *text, *at;

	if (!set->n) {
		*ret = NULL;
		return 0;
	}
	text = at = arena_alloc(arena, member_bytes(set) + sizeof("{}"));
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < set->n; i++) {
		*at++ = i ? ',' : '{';
		at = stpcpy(at, set->items[i].key);
		*at++ = ':';
		at = stpcpy(at, set->items[i].text);
	}
	stpcpy(at, "}");
	*ret = text;
	return 0;
}
