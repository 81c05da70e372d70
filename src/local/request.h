/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Requests: one validated line of a local program
 *
 * Two tables are the vocabulary: which ops there are with the members that
 * each may and must have, and which type every member is of. What comes out
 * of request_parse() may be used without another check of types and ranges.
 */

#include "base/arena.h"
#include "codec/scan.h"
#include "local/error.h"

/* In alphabetical order of their names, as the members below. */
enum op {
	OP_BYE,
	OP_CALL,
	OP_ERROR,
	OP_HELLO,
	OP_LIST,
	OP_PING,
	OP_PUBLISH,
	OP_REGISTER,
	OP_RESULT,
	OP_STATUS,
	OP_SUBSCRIBE,
	OP_UNREGISTER,
	OP_UNSUBSCRIBE,
	OP_UNWATCH,
	OP_WATCH,
	OP_COUNT,
};

/* In alphabetical order of their names, on which request_find_member() relies. */
enum member {
	MEMBER_ACK,
	MEMBER_ARGS,
	MEMBER_EXCLUDE_ME,
	MEMBER_ID,
	MEMBER_INV,
	MEMBER_KWARGS,
	MEMBER_MESSAGE,
	MEMBER_NAME,
	MEMBER_OP,
	MEMBER_PROCEDURE,
	MEMBER_PROTO,
	MEMBER_REGISTRATION,
	MEMBER_SESSION,
	MEMBER_SUBSCRIPTION,
	MEMBER_TIMEOUT,
	MEMBER_TOPIC,
	MEMBER_URI,
	MEMBER_WATCH,
	MEMBER_WHAT,
	MEMBER_COUNT,
};

/* Borrows from the line and the arena that it was parsed with. */
struct request {
	enum op op;
	uint64_t line; /* its number on the connection, from 1 */
	struct arena *arena;
	struct scan_value members[MEMBER_COUNT]; /* SCAN_ABSENT where not given */
};

/* Why a line is refused; text for people in message. */
struct request_fault {
	enum error_code code;
	struct scan_value id; /* echoed if present: the fault lies elsewhere */
	char message[256];
};

/* True with *ret filled, or false with *ret_fault filled. */
bool request_parse(struct request *ret, struct slice line, uint64_t number, struct arena *arena,
		   struct request_fault *ret_fault);

static inline bool request_has(const struct request *r, enum member m)
{
	return r->members[m].type != SCAN_ABSENT;
}

/* A string member's decoded text; SLICE_NONE when absent (or, escaped, without memory). */
struct slice request_text(const struct request *r, enum member m);

/* An integer member, or the default when absent. */
uint64_t request_u64(const struct request *r, enum member m, uint64_t otherwise);
bool request_bool(const struct request *r, enum member m, bool otherwise);

const char *op_name(enum op op);
