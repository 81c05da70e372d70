/* SPDX-License-Identifier: MIT */

/*
 * One member of a dict that a router sent, by its name
 */

#include "codec/dict.h"

#include "base/mem.h"
#include "codec/items.h"

struct scan_value dict_find(const struct scan_value *dict, const char *name)
{
	struct scan_value found = SCAN_VALUE_NONE, key, v;
	struct items items;

	if (dict->type != SCAN_OBJECT)
		return found;
	items = items_of(dict);
	while (items_next(&items, &key, &v))
		if (scan_is(&key, name))
			found = v;
	return found;
}

char *dict_text(const struct scan_value *dict, const char *name)
{
	struct scan_value v = dict_find(dict, name);
	char *text;

	if (v.type != SCAN_STRING)
		return NULL;
	text = mem_alloc(scan_raw(&v).len + 1);
	if (text)
		(void)scan_decode(&v, text);
	return text;
}
