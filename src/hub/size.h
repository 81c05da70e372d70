/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How long a message is as it is really sent, escapes included
 *
 * A router that enforces its own limit would drop the session of everybody. A
 * bound that costs a few additions spares nearly all messages the measuring.
 */

#include "hub/link.h"

/* What a message has beside its texts, and how much longer those may become when they are written.
 */
#define LINK_OVERHEAD	 128u
#define LINK_MAX_ESCAPED 6u

static inline size_t link_size_of(const struct scan_value *v)
{
	return (size_t)v->len * (v->flags & SCAN_UNSAFE ? LINK_MAX_ESCAPED : 1);
}

static inline size_t link_size_at_most(const struct wamp_msg *msg)
{
	return LINK_OVERHEAD + msg->uri.len * LINK_MAX_ESCAPED + link_size_of(&msg->details) +
	       link_size_of(&msg->args) + link_size_of(&msg->kwargs);
}

/* Its length if that is over max_message_size, else 0: by writing it. */
size_t link_measure(const struct link *l, const struct wamp_msg *msg);

/* The same, nearly always without writing it. */
static inline size_t link_is_too_long(const struct link *l, const struct wamp_msg *msg)
{
	return link_size_at_most(msg) <= l->config.max_message_size ? 0 : link_measure(l, msg);
}
