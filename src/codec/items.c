/* SPDX-License-Identifier: MIT */

/*
 * The members of an object or the elements of an array, one by one
 *
 * The text is known to be JSON: where a value ends follows from brackets and
 * quotes alone. What is not JSON all the same ends the walk.
 */

#include "codec/items.h"

struct items items_of(const struct scan_value *container)
{
	bool is_container = container->type == SCAN_OBJECT || container->type == SCAN_ARRAY;

	if (!is_container || container->len < 2)
		return (struct items){0};
	/* Without its brackets. */
	return (struct items){{container->text + 1, container->len - 2},
			      container->type == SCAN_OBJECT};
}

static size_t items_skip_string(struct slice text, size_t at)
{
	for (at++; at < text.len && text.ptr[at] != '"'; at++)
		at += text.ptr[at] == '\\';
	return at;
}

/* Where the first such character stands outside of strings and brackets; text.len: nowhere. */
static size_t items_find(struct slice text, char wanted)
{
	size_t depth = 0;

	for (size_t at = 0; at < text.len; at++) {
		char c = text.ptr[at];

		if (c == wanted && !depth)
			return at;
		if (c == '"')
			at = items_skip_string(text, at);
		else if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth)
			depth--;
	}
	return text.len;
}

static struct slice items_behind(struct slice text, size_t at)
{
	return at < text.len ? (struct slice){text.ptr + at + 1, text.len - at - 1} : SLICE_NONE;
}

static bool items_read(struct slice text, struct scan_value *ret)
{
	struct scan_error error;

	return scan_one(text, SCAN_LENIENT, ret, &error) == 0;
}

bool items_next(struct items *items, struct scan_value *ret_name, struct scan_value *ret)
{
	size_t end = items_find(items->rest, ',');
	struct slice item = {items->rest.ptr, end};

	*ret_name = SCAN_VALUE_NONE;
	items->rest = items_behind(items->rest, end);
	if (items->is_object) {
		size_t colon = items_find(item, ':');

		if (!items_read((struct slice){item.ptr, colon}, ret_name) ||
		    ret_name->type != SCAN_STRING)
			return false;
		item = items_behind(item, colon);
	}
	return items_read(item, ret);
}
