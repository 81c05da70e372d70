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
 * Absent also where the dict is none, such as the [] that PHP and Lua write for
 * an empty one. Of a name that stands twice the last counts.
 */
struct scan_value dict_find(const struct scan_value *dict, const char *name);

/* A string member as decoded, NUL-terminated text that the caller frees; NULL: none, or no memory.
 */
char *dict_text(const struct scan_value *dict, const char *name);
