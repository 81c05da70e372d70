/* SPDX-License-Identifier: MIT */

/*
 * The receiving half of permessage-deflate, by zlib
 *
 * libwebsockets has one, too; in 4.1.6 a message that inflates to a little
 * more than its buffer ends the process by an assertion.
 *
 * The window is always the largest: it reads the streams of smaller ones, and
 * of peers that start each message anew, so no parameter matters here.
 */

#include "net/ws_inflate.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

/* Room that is made at a time. */
#define WS_INFLATE_STEP 16384

/* What the sender left out at the end of each message (RFC 7692 §7.2.2). */
static const char ws_inflate_tail[] = {0, 0, (char)0xff, (char)0xff};

struct ws_inflate {
	z_stream z;
	size_t n_tail; /* bytes of ws_inflate_tail that were read at the end of this message */
};

static void *ws_inflate_on_alloc(void *opaque, unsigned n, unsigned size)
{
	(void)opaque;
	return mem_alloc((size_t)n * size);
}

static void ws_inflate_on_free(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

int ws_inflate_new(struct ws_inflate **ret)
{
	struct ws_inflate *inflate = mem_alloc(sizeof(*inflate));

	if (!inflate)
		return -ENOMEM;
	inflate->z.zalloc = ws_inflate_on_alloc;
	inflate->z.zfree = ws_inflate_on_free;
	/* Negative: without zlib's own header. */
	if (inflateInit2(&inflate->z, -MAX_WBITS) != Z_OK) {
		mem_free(inflate);
		return -ENOMEM;
	}
	*ret = inflate;
	return 0;
}

struct ws_inflate *ws_inflate_free(struct ws_inflate *inflate)
{
	if (!inflate)
		return NULL;
	inflateEnd(&inflate->z);
	return mem_free(inflate);
}

/* How much may be added at once: what fits the buffer and the budget. */
static size_t ws_inflate_step(const struct buf *to, size_t budget)
{
	size_t room = to->max - buf_len(to);

	if (budget > WS_INFLATE_STEP)
		budget = WS_INFLATE_STEP;
	return room < budget ? room : budget;
}

/* One call of zlib into the buffer: 1 if there may be more to come out, 0 if not, or -errno. */
static int ws_inflate_turn(z_stream *z, struct buf *to, size_t *budget)
{
	size_t step = ws_inflate_step(to, *budget);
	unsigned char over = 0;
	char *room = step ? buf_reserve(to, step) : NULL;
	int r;

	if (step && !room)
		return to->error;
	/* A full buffer may just be the end of the message: one byte more tells. */
	z->next_out = step ? (unsigned char *)room : &over;
	z->avail_out = step ? (unsigned)step : 1;
	r = inflate(z, Z_SYNC_FLUSH);
	if (!step && !z->avail_out) {
		to->error = -ENOBUFS;
		return -ENOBUFS;
	}
	if (step) {
		buf_commit(to, step - z->avail_out);
		*budget -= step - z->avail_out;
	}
	if (r == Z_MEM_ERROR)
		to->error = -ENOMEM;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	/* A stream that ends by itself (Z_STREAM_END) goes on with the next message. */
	if (r == Z_STREAM_END)
		return inflateReset(z) == Z_OK && z->avail_in ? 1 : 0;
	if (r != Z_OK && r != Z_BUF_ERROR)
		return -EBADMSG;
	return z->avail_out == 0 || (z->avail_in && r == Z_OK);
}

/* Inflates as much of the piece as the budget allows; *piece is what is left. */
static int ws_inflate_run(struct ws_inflate *inflate, struct slice *piece, struct buf *to,
			  size_t *budget)
{
	z_stream *z = &inflate->z;
	int r = 1;

	if (piece->len > UINT_MAX)
		return -EBADMSG;
	z->next_in = (unsigned char *)(uintptr_t)piece->ptr;
	z->avail_in = (unsigned)piece->len;
	while (r > 0 && *budget)
		r = ws_inflate_turn(z, to, budget);
	*piece = (struct slice){(const char *)z->next_in, z->avail_in};
	return r > 0 ? WS_INFLATE_MORE : r;
}

int ws_inflate_add(struct ws_inflate *inflate, struct slice *piece, bool is_last, struct buf *to,
		   size_t *budget)
{
	struct slice tail = {ws_inflate_tail + inflate->n_tail,
			     sizeof(ws_inflate_tail) - inflate->n_tail};
	int r = 0;

	/* Once the tail is being read the piece is behind us. */
	if (!inflate->n_tail)
		r = ws_inflate_run(inflate, piece, to, budget);
	if (r || !is_last)
		return r;
	r = ws_inflate_run(inflate, &tail, to, budget);
	inflate->n_tail = r ? sizeof(ws_inflate_tail) - tail.len : 0;
	return r;
}
