/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The receiving half of permessage-deflate (RFC 7692): pieces in, a message out
 *
 * Knows no socket and no frame. What a peer can make of a few bytes is bounded
 * by the maximum of the buffer that it goes to.
 */

#include "base/buf.h"
#include "base/cleanup.h"

struct ws_inflate;

int ws_inflate_new(struct ws_inflate **ret) MUST_CHECK;
struct ws_inflate *ws_inflate_free(struct ws_inflate *inflate);

/*
 * Appends what the next piece of a compressed message says to "to"; is_last:
 * the message ends with it. A few bytes may inflate to millions, so each call
 * has a budget of bytes that may come out; what came out is taken off it.
 * 0; WS_INFLATE_MORE when the budget is used up: then *piece is what is left,
 * maybe nothing, and the call is to be repeated with it; -EBADMSG: damaged;
 * -ENOMEM, -ENOBUFS: latched in "to" as well. After a failure the rest of the
 * stream has no meaning.
 */
enum ws_inflate_outcome { WS_INFLATE_MORE = 1 };
int ws_inflate_add(struct ws_inflate *inflate, struct slice *piece, bool is_last, struct buf *to,
		   size_t *budget) MUST_CHECK;
