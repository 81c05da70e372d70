/* SPDX-License-Identifier: MIT */

/*
 * One member of a dict that a router sent, by its name
 */

#include "codec/dict.h"

#include "base/mem.h"

#include <errno.h>

/* Crossbar's WELCOME has some fifteen. */
#define DICT_MAX_MEMBERS 64

int dict_find(struct scan_value *ret, const struct scan_value *dict, const char *name)
{
	struct scan_member members[DICT_MAX_MEMBERS];
	struct scan_names names;
	struct scan_error error;
	size_t n;
	int r;

	*ret = SCAN_VALUE_NONE;
	if (dict->type != SCAN_OBJECT)
		return 0;
	r = scan_object(scan_token(dict), SCAN_LENIENT, &names, members, DICT_MAX_MEMBERS, &n,
			&error);
	for (size_t i = 0; i < n; i++)
		if (slice_is(members[i].name, name))
			*ret = members[i].value;
	return r && r != SCAN_TOO_MANY && r != SCAN_DUPLICATE ? -EPROTO : 0;
}

char *dict_text(const struct scan_value *dict, const char *name)
{
	struct scan_value v;
	char *text;

	if (dict_find(&v, dict, name) < 0 || v.type != SCAN_STRING)
		return NULL;
	text = mem_alloc(scan_raw(&v).len + 1);
	if (text)
		(void)scan_decode(&v, text);
	return text;
}
