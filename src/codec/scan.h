/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The JSON scanner: validate once, hand out slices
 *
 * One pass over a text checks the grammar (RFC 8259), UTF-8 and depth, and
 * yields the outermost members or elements as borrowed tokens. No tree is
 * built, nothing is allocated, any bytes may be given. A token can be copied
 * into another message as it stands; its flags say when emit_value() has to
 * rewrite it first.
 */

#include "base/cleanup.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Nesting allowed, the outermost container being depth 1 (protocol §2.5). */
#define SCAN_MAX_DEPTH 128

/* Texts are at most this long, so that a token's length fits its field. */
#define SCAN_MAX_TEXT 0x7fffffff

enum scan_type {
	SCAN_ABSENT = 0, /* no such member or element */
	SCAN_NULL,
	SCAN_FALSE,
	SCAN_TRUE,
	SCAN_INTEGER, /* neither fraction nor exponent; any size */
	SCAN_REAL,
	SCAN_STRING,
	SCAN_ARRAY,
	SCAN_OBJECT,
};

enum scan_flag {
	SCAN_SPACED = 1,  /* white space stands between its tokens */
	SCAN_UNSAFE = 2,  /* a string in it holds U+0085, U+2028 or U+2029 unescaped */
	SCAN_ESCAPED = 4, /* a string token (itself, not an inner one) with a backslash */
	SCAN_EMPTY = 8,	  /* a container without elements, an empty string */
};

/* A borrowed token, quotes and brackets included. */
struct scan_value {
	const char *text;
	uint32_t len;
	uint8_t type;  /* enum scan_type */
	uint8_t flags; /* enum scan_flag */
};

#define SCAN_VALUE_NONE ((struct scan_value){0})

struct scan_member {
	struct slice name; /* decoded; one that had escapes lives in the scan_names given */
	struct scan_value value;
};

/* Room for decoded member names, which are borrowed from it. */
struct scan_names {
	char bytes[4096];
	size_t used;
};

enum scan_outcome {
	SCAN_BAD_JSON = 1,   /* not the grammar, too deep, or text behind the value */
	SCAN_BAD_UTF8 = 2,   /* invalid UTF-8; strict: a lone surrogate; a NUL byte anywhere */
	SCAN_BAD_NUMBER = 3, /* strict: beyond the range of a double */
	SCAN_DUPLICATE = 4,  /* a member name twice in the outermost object */
	SCAN_BAD_BINARY = 6, /* strict: a value "\\u0000…" whose rest is no base64 (protocol §3) */
	SCAN_TOO_MANY = 5,   /* more members or elements than there is room for */
};

struct scan_error {
	size_t offset;	      /* of the byte that was wrong, from 0 */
	const char *expected; /* static text: "string", "',' or '}'", "valid UTF-8", … */
	struct slice name;    /* SCAN_DUPLICATE: the member */
};

enum scan_rules {
	SCAN_LENIENT = 0, /* what a router sends: lone surrogates and 1e400 pass */
	SCAN_STRICT = 1,  /* what a client sends (protocol §2.6) */
};

/*
 * An object's members, in order. White space around the object is allowed,
 * anything else behind it is not. 0 or an outcome, which fills ret_error; on
 * an outcome *ret_n tells how many members before the fault are filled in.
 * When names is full, an escaped name is refused by the strict rules
 * (SCAN_BAD_JSON), and left as it is spelled by the lenient ones.
 */
int scan_object(struct slice text, enum scan_rules rules, struct scan_names *names,
		struct scan_member *members, size_t max, size_t *ret_n,
		struct scan_error *ret_error) MUST_CHECK;

/*
 * An array's elements, in order. On an outcome *ret_n tells how many elements
 * before the fault are filled in and usable: the head of a message whose
 * payload is broken. Lone faults: SCAN_DUPLICATE never.
 */
int scan_array(struct slice text, enum scan_rules rules, struct scan_value *items, size_t max,
	       size_t *ret_n, struct scan_error *ret_error) MUST_CHECK;

/* One value of any type, with nothing but white space around it. */
int scan_one(struct slice text, enum scan_rules rules, struct scan_value *ret,
	     struct scan_error *ret_error) MUST_CHECK;

/* The token's text as a slice. */
static inline struct slice scan_token(const struct scan_value *v)
{
	return (struct slice){v->text, v->len};
}

/* A string's raw contents between the quotes (what it says, unless SCAN_ESCAPED). */
static inline struct slice scan_raw(const struct scan_value *v)
{
	return (struct slice){v->text + 1, v->len - 2};
}

/*
 * Decodes a string token's escapes into to, which has room for its raw length;
 * returns the number of bytes. A lone surrogate becomes U+FFFD.
 */
size_t scan_decode(const struct scan_value *v, char *to);

/* How many bytes from the start are ASCII that stands in a JSON string as it is. */
size_t scan_plain_length(const char *text, size_t len);

/* Whether it is a string that says this, however it is spelled; text has at most 64 bytes. */
#define SCAN_MAX_WORD 64
bool scan_is(const struct scan_value *v, const char *text);

/* An integer 0 ... max in any spelling of JSON (1, 1.0, 10e-1): true and *ret, else false. */
bool scan_u64(const struct scan_value *v, uint64_t max, uint64_t *ret);

/* A token of constant text known to be valid, such as "{}". */
#define SCAN_LITERAL(literal, kind)                                                                \
	((struct scan_value){(literal), sizeof(literal) - 1, (kind),                               \
			     sizeof(literal) == 3 ? SCAN_EMPTY : 0})
