/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines that answer a request (protocol §5, §16)
 *
 * A struct reply_to says which request: by its id, or by its line when it
 * had none. Members beyond the common ones are written between
 * reply_begin_…() and reply_end().
 */

#include "local/peer.h"

struct reply_to {
	struct slice id; /* token to echo; none: by line */
	uint64_t line;
};

static inline struct reply_to reply_to_request(const struct request *r)
{
	return (struct reply_to){request_has(r, MEMBER_ID) ? scan_token(&r->members[MEMBER_ID])
							   : SLICE_NONE,
				 r->line};
}

static inline struct reply_to reply_to_id(const struct peer_id *id)
{
	return (struct reply_to){peer_id_token(id), 0};
}

/* {"op":OP,"id":… ; op is a literal such as "ok". The caller adds ",…" and calls reply_end(). */
struct buf *reply_begin(struct peer *p, const char *op, struct reply_to to);

/* Closes the object. A reply that is too long becomes error payload_too_large. */
void reply_end(struct peer *p, struct reply_to to);

/* {"op":"ok","id":…}; nothing for a request without an id. */
void reply_ok(struct peer *p, struct reply_to to);

/* An error of the daemon's own, whole. */
void reply_error(struct peer *p, struct reply_to to, enum error_code code, const char *format, ...)
	PRINTF(4, 5);

/* As reply_error, left open for further members: ends with reply_end(). */
struct buf *reply_begin_error(struct peer *p, struct reply_to to, enum error_code code,
			      const char *format, ...) PRINTF(4, 5);

/*
 * The member retry of an error with this code, as its kind says; nothing where
 * it depends. reply_begin_error() and reply_error() do this by themselves.
 */
void reply_write_retry(struct buf *b, enum error_code code);

/* ,"limit":{"name":…,"value":…} */
void reply_write_limit(struct buf *b, const char *limit, uint64_t value);

/* too_many_… with its limit member. */
void reply_limit(struct peer *p, struct reply_to to, enum error_code code, const char *limit,
		 uint64_t value);
