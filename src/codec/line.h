/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Line framing (protocol §2)
 *
 * Bytes are lent by line_feed(), lines come out of line_next() without their
 * LF and CR, and line_keep() copies what must outlive the lent bytes: an
 * unfinished line, or lines that are held back. A line that arrives whole in
 * one read is never copied. Empty lines and comments are skipped here and
 * counted.
 */

#include "base/buf.h"
#include "base/cleanup.h"

struct line_reader {
	struct buf kept;    /* bytes that outlive their read */
	struct slice fresh; /* lent bytes, taken after kept */
	size_t searched;    /* bytes of kept known to hold no LF */
	size_t taken;	    /* bytes of kept that the line handed out last occupies */
	size_t max;	    /* longest line, LF included */
	uint64_t number;    /* LFs seen: the number of the line handed out last */
	bool skipping;	    /* inside a line that is too long */
};

enum line_outcome {
	LINE_NONE = 0,	   /* no whole line left */
	LINE_READY = 1,	   /* ret_line holds one, until the next call */
	LINE_TOO_LONG = 2, /* one was skipped to its LF */
};

void line_init(struct line_reader *r, size_t max);
void line_done(struct line_reader *r);

/* Lends bytes; what an earlier feed lent must have been used up or kept. */
void line_feed(struct line_reader *r, struct slice bytes);

/* -ENOMEM or an outcome. */
int line_next(struct line_reader *r, struct slice *ret_line) MUST_CHECK;

/* Copies what is left of the lent bytes. 0 or -ENOMEM. Bytes of a line being skipped are dropped.
 */
int line_keep(struct line_reader *r) MUST_CHECK;

/* Forgets everything that waits. */
void line_drop(struct line_reader *r);

/* Bytes that wait: kept and lent. */
size_t line_pending(const struct line_reader *r);

/* Whether an unterminated line that is no comment waits: at end of file it is an error (§2.7). */
bool line_has_rest(const struct line_reader *r);
