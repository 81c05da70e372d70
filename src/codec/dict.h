/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One member of a dict that a router sent, by its name
 *
 * The dict is scanned anew for each name: for what is read once for each join,
 * not for what is read once for each message. Lenient: what stands beside the
 * member wanted, such as a lone surrogate or 2^64, is nobody's business.
 */

#include "codec/scan.h"

/*
 * Absent also where the dict is none, or holds it behind the first 64 members.
 * Of a name that stands twice the last counts. 0, or -EPROTO if the dict cannot
 * be read.
 */
int dict_find(struct scan_value *ret, const struct scan_value *dict, const char *name) MUST_CHECK;

/* A string member as decoded, NUL-terminated text that the caller frees; NULL: none, or no memory.
 */
char *dict_text(const struct scan_value *dict, const char *name);
