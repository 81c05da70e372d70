/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The members of an object or the elements of an array, one by one
 *
 * Of any number: a reader with an array of fixed size has a limit, which is
 * then told as something else. For what is read now and then; a message and a
 * request are scanned into arrays (scan_array(), scan_object()).
 */

#include "codec/scan.h"

struct items {
	struct slice rest;
	bool is_object;
};

/* The container was validated; what is none has no items. */
struct items items_of(const struct scan_value *container);

/* The next one, or false. ret_name: an object's, as a string token; absent in an array. */
bool items_next(struct items *items, struct scan_value *ret_name, struct scan_value *ret);
