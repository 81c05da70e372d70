/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What one character looks like
 *
 * As bytes of UTF-8 and as an escape of JSON. Shared by who reads and who
 * writes strings.
 */

#include <stdbool.h>
#include <stddef.h>

/* How much of a text stays when it is cut to at most max bytes between two characters. */
size_t chars_cut(const char *text, size_t len, size_t max);

/*
 * Makes one line for people of a text that a stranger wrote, in its place:
 * control characters and separators of lines become spaces, and those at its
 * ends go. Returns the new length; 0: nothing was told.
 */
size_t chars_tidy(char *text, size_t len);

/* What stands for a character that cannot be told. */
#define CHARS_REPLACEMENT 0xfffd

/* The length of the well-formed sequence at p, or 0. There is at least one byte. */
size_t chars_length(const unsigned char *p, const unsigned char *end);

/* Writes c, which is no surrogate, to at most 4 bytes; returns how many. */
size_t chars_put(char *to, unsigned c);

/*
 * U+0085, U+2028 or U+2029 if that stands at p, else 0: a naive reader of lines
 * takes them for an end of line (protocol §2.4).
 */
unsigned chars_separator(const unsigned char *p, const unsigned char *end);

/*
 * Whether white space stands at p: that of ASCII, and that of Unicode, which
 * "\s" means too where a router is strict.
 */
bool chars_is_space(const unsigned char *p, const unsigned char *end);

/*
 * Whether a text begins or ends with white space, or with a character that
 * nobody sees, such as a byte order mark: hardly meant, and sent all the same.
 */
bool chars_has_blank_end(const char *text, size_t len);

/* U+FEFF, which editors of another system put before a text. */
#define CHARS_BYTE_ORDER_MARK "\xef\xbb\xbf"

/* The value of a hexadecimal digit, or -1. */
int chars_hex(unsigned char c);

/* The UTF-16 unit escaped at p as \uXXXX, or -1. */
int chars_unit(const unsigned char *p, const unsigned char *end);

static inline bool chars_is_high(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static inline bool chars_is_low(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/*
 * Whether the inside of a valid JSON string is padded standard base64. Writers
 * of JSON escape what they like: .NET writes every + as \u002B.
 */
bool chars_are_base64(const unsigned char *p, const unsigned char *end);
