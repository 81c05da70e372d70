/* SPDX-License-Identifier: MIT */

/*
 * What a URI of WAMP looks like
 */

#include "codec/uri.h"

#include "codec/chars.h"

/* What a byte is in a URI: 0 forbidden (white space, control characters, #), 1 a dot, 2 anything
 * else. */
static unsigned uri_class(const unsigned char *p, const unsigned char *end)
{
	if (*p >= 0xc2 && *p <= 0xe3)
		return chars_is_space(p, end) ? 0 : 2;
	if (*p > '.')
		return *p == 0x7f ? 0 : 2;
	if (*p == '.')
		return 1;
	return *p > ' ' && *p != '#' ? 2 : 0;
}

bool uri_is_valid(struct slice uri)
{
	const unsigned char *p = (const unsigned char *)uri.ptr, *end = p ? p + uri.len : NULL;
	unsigned before = 1;

	for (; p < end; p++) {
		unsigned class = uri_class(p, end);

		/* No component is empty. */
		if (!class || class + before == 2)
			return false;
		before = class;
	}
	return before == 2;
}
