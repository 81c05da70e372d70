/* SPDX-License-Identifier: MIT */

/*
 * Line framing
 *
 * A line is looked for in what was kept first, then in the lent bytes. Only
 * when a line begins in kept bytes and ends in lent ones are its lent bytes
 * copied behind the kept ones.
 */

#include "codec/line.h"

void line_init(struct line_reader *r, size_t max)
{
	/* What is kept is bounded by what the owner feeds: max, and the lines it holds back. */
	*r = (struct line_reader){.kept = BUF_INIT(SIZE_MAX / 2), .max = max};
}

void line_done(struct line_reader *r)
{
	buf_done(&r->kept);
}

void line_feed(struct line_reader *r, struct slice bytes)
{
	r->fresh = bytes;
}

void line_drop(struct line_reader *r)
{
	uint64_t number = r->number;

	line_done(r);
	line_init(r, r->max);
	r->number = number;
}

size_t line_pending(const struct line_reader *r)
{
	return buf_len(&r->kept) - r->taken + r->fresh.len;
}

static void line_drop_taken(struct line_reader *r)
{
	if (!r->taken)
		return;
	buf_consume(&r->kept, r->taken);
	r->taken = 0;
	r->searched = 0;
	if (!buf_len(&r->kept))
		buf_trim(&r->kept);
}

/* Moves lent bytes up to an LF behind the kept ones, so that the line is in one piece. */
static int line_join(struct line_reader *r)
{
	const char *lf = memchr(r->fresh.ptr, '\n', r->fresh.len);
	size_t n = lf ? (size_t)(lf - r->fresh.ptr) + 1 : r->fresh.len;

	if (!r->skipping && buf_len(&r->kept) + n > r->max) {
		r->skipping = true;
		buf_clear(&r->kept);
		r->searched = 0;
	}
	if (!r->skipping)
		buf_append(&r->kept, r->fresh.ptr, n);
	else if (lf)
		buf_append_char(&r->kept, '\n');
	r->fresh.ptr += n;
	r->fresh.len -= n;
	return r->kept.error;
}

/* A whole line out of kept bytes, LF included. */
static bool line_from_kept(struct line_reader *r, struct slice *ret)
{
	struct slice bytes = buf_bytes(&r->kept);
	const char *lf;

	if (bytes.len == r->searched)
		return false;
	lf = memchr(bytes.ptr + r->searched, '\n', bytes.len - r->searched);
	if (!lf) {
		r->searched = bytes.len;
		return false;
	}
	*ret = (struct slice){bytes.ptr, (size_t)(lf - bytes.ptr) + 1};
	r->taken = ret->len;
	return true;
}

static bool line_from_fresh(struct line_reader *r, struct slice *ret)
{
	const char *lf = r->fresh.len ? memchr(r->fresh.ptr, '\n', r->fresh.len) : NULL;

	if (!lf)
		return false;
	*ret = (struct slice){r->fresh.ptr, (size_t)(lf - r->fresh.ptr) + 1};
	r->fresh.ptr += ret->len;
	r->fresh.len -= ret->len;
	return true;
}

/* The next line with its LF: 1, 0 for none, or -ENOMEM. */
static int line_find(struct line_reader *r, struct slice *ret)
{
	int e;

	line_drop_taken(r);
	if (!buf_len(&r->kept) && line_from_fresh(r, ret))
		return 1;
	if (line_from_kept(r, ret))
		return 1;
	if (!r->fresh.len)
		return 0;
	e = line_join(r);
	if (e < 0)
		return e;
	return line_from_kept(r, ret);
}

static bool line_is_blank(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
			return false;
	return true;
}

static bool line_is_comment(struct slice line)
{
	return (line.len && line.ptr[0] == '#') || line_is_blank(line);
}

int line_next(struct line_reader *r, struct slice *ret_line)
{
	struct slice line;
	int found;

	while ((found = line_find(r, &line)) > 0) {
		bool too_long = r->skipping || line.len > r->max;

		r->number++;
		r->skipping = false;
		if (too_long)
			return LINE_TOO_LONG;
		line.len--;
		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line_is_comment(line))
			continue;
		*ret_line = line;
		return LINE_READY;
	}
	return found < 0 ? found : LINE_NONE;
}

/* What is kept of a line that is too long already is not needed any more. */
static void line_shorten(struct line_reader *r)
{
	struct slice bytes = buf_bytes(&r->kept);

	if (!bytes.len || (bytes.len <= r->max && !r->skipping) ||
	    memchr(bytes.ptr, '\n', bytes.len))
		return;
	r->skipping = true;
	r->searched = 0;
	buf_clear(&r->kept);
}

int line_keep(struct line_reader *r)
{
	line_drop_taken(r);
	if (r->fresh.len)
		buf_append_slice(&r->kept, r->fresh);
	r->fresh = SLICE_NONE;
	line_shorten(r);
	return r->kept.error;
}

/* What stands behind the last LF, or all. */
static struct slice line_behind_lf(struct slice bytes)
{
	const char *lf = bytes.len ? memrchr(bytes.ptr, '\n', bytes.len) : NULL;

	if (!lf)
		return bytes;
	return (struct slice){lf + 1, (size_t)(bytes.ptr + bytes.len - (lf + 1))};
}

bool line_has_rest(const struct line_reader *r)
{
	struct slice kept = buf_bytes(&r->kept), head, tail;
	bool skipping = r->skipping;

	if (r->taken)
		kept = (struct slice){kept.ptr + r->taken, kept.len - r->taken};
	head = line_behind_lf(kept);
	tail = line_behind_lf(r->fresh);
	if (head.len < kept.len)
		skipping = false;
	if (tail.len < r->fresh.len) {
		skipping = false;
		head = SLICE_NONE;
	}
	if (skipping)
		return true;
	return head.len ? !line_is_comment(head) || (line_is_blank(head) && !line_is_blank(tail))
			: tail.len && !line_is_comment(tail);
}
