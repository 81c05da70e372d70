/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the text of a number is worth
 *
 * The numbers of JSON have no limits, most readers' have. What becomes
 * infinite at the receiver ends its session there (protocol §2.6). All texts
 * given are numbers in the grammar of JSON.
 */

#include "base/slice.h"

#include <stdint.h>

/* The largest decimal exponent of a double. */
#define NUMBER_MAX_EXPONENT 308

/* Whether the double nearest to it is finite. */
bool number_is_finite(struct slice number);

/*
 * An integer 0 ... max in any spelling (1, 1.0, 10e-1, -0): true and *ret, else
 * false.
 */
bool number_read_u64(struct slice number, uint64_t max, uint64_t *ret);
