/* SPDX-License-Identifier: MIT */

/*
 * Requests: from a line's members to a validated request
 *
 * Adding an op is a row in request_ops and a function in hub/; adding a member
 * is a row in request_members.
 */

#include "local/request.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>

/* More members than any op has, with some room for "x-" ones. */
#define REQUEST_MAX_MEMBERS 48

/* 2^53: the largest integer that every JSON implementation keeps (protocol §5). */
#define REQUEST_MAX_INTEGER (UINT64_C(1) << 53)

#define REQUEST_MAX_ID 64

enum request_type {
	TYPE_ANY,
	TYPE_ID,     /* string of 1 ... 64 bytes, or integer 0 ... 2^53 */
	TYPE_STRING, /* up to max bytes */
	TYPE_INTEGER,
	TYPE_BOOL,
	TYPE_ARRAY,
	TYPE_OBJECT,
	TYPE_VERSION, /* [major, minor] */
};

struct request_member {
	const char *name;
	enum request_type type;
	uint32_t max;
};

static const struct request_member request_members[MEMBER_COUNT] = {
	[MEMBER_OP] = {"op", TYPE_ANY, 0},
	[MEMBER_ID] = {"id", TYPE_ID, 0},
	[MEMBER_PROTO] = {"proto", TYPE_VERSION, 0},
	[MEMBER_NAME] = {"name", TYPE_STRING, 64},
	[MEMBER_SESSION] = {"session", TYPE_STRING, 64},
	[MEMBER_PROCEDURE] = {"procedure", TYPE_STRING, 1024},
	[MEMBER_TOPIC] = {"topic", TYPE_STRING, 1024},
	[MEMBER_ARGS] = {"args", TYPE_ARRAY, 0},
	[MEMBER_KWARGS] = {"kwargs", TYPE_OBJECT, 0},
	[MEMBER_TIMEOUT] = {"timeout", TYPE_INTEGER, 0},
	[MEMBER_REGISTRATION] = {"registration", TYPE_ID, 0},
	[MEMBER_SUBSCRIPTION] = {"subscription", TYPE_ID, 0},
	[MEMBER_WATCH] = {"watch", TYPE_ID, 0},
	[MEMBER_INV] = {"inv", TYPE_INTEGER, 0},
	[MEMBER_URI] = {"uri", TYPE_STRING, 1024},
	[MEMBER_MESSAGE] = {"message", TYPE_STRING, 65536},
	[MEMBER_ACK] = {"ack", TYPE_BOOL, 0},
	[MEMBER_EXCLUDE_ME] = {"exclude_me", TYPE_BOOL, 0},
	[MEMBER_WHAT] = {"what", TYPE_STRING, 64},
};

#define BIT(name)   (1u << MEMBER_##name)
#define PAYLOAD	    (BIT(ARGS) | BIT(KWARGS))
#define ALWAYS	    (BIT(OP) | BIT(ID))
#define ANSWER_ONLY (BIT(OP))

struct request_op {
	const char *name;
	uint32_t allowed;
	uint32_t required;
};

static const struct request_op request_ops[OP_COUNT] = {
	[OP_HELLO] = {"hello", ALWAYS | BIT(PROTO) | BIT(NAME) | BIT(SESSION), 0},
	[OP_CALL] = {"call", ALWAYS | BIT(PROCEDURE) | PAYLOAD | BIT(TIMEOUT) | BIT(SESSION),
		     BIT(ID) | BIT(PROCEDURE)},
	[OP_RESULT] = {"result", ANSWER_ONLY | BIT(INV) | PAYLOAD, BIT(INV)},
	[OP_ERROR] = {"error", ANSWER_ONLY | BIT(INV) | BIT(URI) | BIT(MESSAGE) | PAYLOAD,
		      BIT(INV)},
	[OP_REGISTER] = {"register", ALWAYS | BIT(PROCEDURE) | BIT(SESSION),
			 BIT(ID) | BIT(PROCEDURE)},
	[OP_UNREGISTER] = {"unregister", ALWAYS | BIT(REGISTRATION), BIT(REGISTRATION)},
	[OP_PUBLISH] = {"publish",
			ALWAYS | BIT(TOPIC) | PAYLOAD | BIT(ACK) | BIT(EXCLUDE_ME) | BIT(SESSION),
			BIT(TOPIC)},
	[OP_SUBSCRIBE] = {"subscribe", ALWAYS | BIT(TOPIC) | BIT(SESSION), BIT(ID) | BIT(TOPIC)},
	[OP_UNSUBSCRIBE] = {"unsubscribe", ALWAYS | BIT(SUBSCRIPTION), BIT(SUBSCRIPTION)},
	[OP_WATCH] = {"watch", ALWAYS | BIT(SESSION), BIT(ID)},
	[OP_UNWATCH] = {"unwatch", ALWAYS | BIT(WATCH), BIT(WATCH)},
	[OP_PING] = {"ping", ALWAYS, 0},
	[OP_STATUS] = {"status", ALWAYS, BIT(ID)},
	[OP_LIST] = {"list", ALWAYS | BIT(WHAT), BIT(ID) | BIT(WHAT)},
	[OP_BYE] = {"bye", ALWAYS, 0},
};

const char *op_name(enum op op)
{
	return request_ops[op].name;
}

PRINTF(3, 4)
static bool request_refuse(struct request_fault *fault, enum error_code code, const char *format,
			   ...)
{
	va_list args;

	fault->code = code;
	va_start(args, format);
	vsnprintf(fault->message, sizeof(fault->message), format, args);
	va_end(args);
	return false;
}

/* Names are quoted in messages: a long one is cut, at a character's border. */
static int request_cut(struct slice s)
{
	size_t n = s.len < 64 ? s.len : 64;

	while (n && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--;
	return (int)n;
}

static bool request_refuse_scan(struct request_fault *fault, int outcome,
				const struct scan_error *error)
{
	switch ((enum scan_outcome)outcome) {
	case SCAN_BAD_JSON:
		return request_refuse(fault, ERROR_BAD_JSON, "expected %s at byte %zu",
				      error->expected, error->offset + 1);
	case SCAN_BAD_UTF8:
		return request_refuse(fault, ERROR_BAD_UTF8, "expected %s at byte %zu",
				      error->expected, error->offset + 1);
	case SCAN_BAD_NUMBER:
		return request_refuse(fault, ERROR_BAD_MESSAGE,
				      "number at byte %zu is beyond the range of a double",
				      error->offset + 1);
	case SCAN_DUPLICATE:
		if (slice_is(error->name, "id"))
			fault->id = SCAN_VALUE_NONE;
		return request_refuse(fault, ERROR_BAD_MESSAGE, "member \"%.*s\" stands twice",
				      request_cut(error->name), error->name.ptr);
	case SCAN_TOO_MANY:
		return request_refuse(fault, ERROR_BAD_MESSAGE, "more than %d members",
				      REQUEST_MAX_MEMBERS);
	}
	return false;
}

static size_t request_text_len(const struct scan_value *v, struct arena *arena)
{
	char *to;

	if (!(v->flags & SCAN_ESCAPED))
		return scan_raw(v).len;
	to = arena_alloc(arena, scan_raw(v).len);
	return to ? scan_decode(v, to) : 0;
}

static bool request_id_is_valid(const struct scan_value *v, struct arena *arena)
{
	uint64_t n;

	if (v->type == SCAN_STRING) {
		n = request_text_len(v, arena);
		return n >= 1 && n <= REQUEST_MAX_ID;
	}
	return scan_u64(v, REQUEST_MAX_INTEGER, &n);
}

static bool request_version_is_valid(const struct scan_value *v)
{
	struct scan_value items[2];
	struct scan_error error;
	uint64_t n;
	size_t count;

	return v->type == SCAN_ARRAY &&
	       scan_array(scan_token(v), SCAN_STRICT, items, 2, &count, &error) == 0 &&
	       count == 2 && scan_u64(&items[0], UINT32_MAX, &n) &&
	       scan_u64(&items[1], UINT32_MAX, &n);
}

/* NULL, or what the value should have been. */
static const char *request_check(const struct request_member *m, const struct scan_value *v,
				 struct arena *arena)
{
	uint64_t n;

	switch (m->type) {
	case TYPE_ANY:
		return NULL;
	case TYPE_ID:
		return request_id_is_valid(v, arena)
			       ? NULL
			       : "a string of 1 to 64 bytes or an integer from 0 to 2^53";
	case TYPE_STRING:
		if (v->type != SCAN_STRING)
			return "a string";
		return request_text_len(v, arena) <= m->max ? NULL : "a shorter string";
	case TYPE_INTEGER:
		return scan_u64(v, REQUEST_MAX_INTEGER, &n) ? NULL : "an integer from 0 to 2^53";
	case TYPE_BOOL:
		return v->type == SCAN_TRUE || v->type == SCAN_FALSE ? NULL : "true or false";
	case TYPE_ARRAY:
		return v->type == SCAN_ARRAY ? NULL : "an array";
	case TYPE_OBJECT:
		return v->type == SCAN_OBJECT ? NULL : "an object";
	case TYPE_VERSION:
		return request_version_is_valid(v) ? NULL : "[major,minor]";
	}
	return NULL;
}

static enum member request_find_member(struct slice name)
{
	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		const char *known = request_members[m].name;

		if (name.len && known[0] == name.ptr[0] && slice_is(name, known))
			return m;
	}
	return MEMBER_COUNT;
}

static enum op request_find_op(struct slice name)
{
	for (enum op op = 0; op < OP_COUNT; op++)
		if (name.len && request_ops[op].name[0] == name.ptr[0] &&
		    slice_is(name, request_ops[op].name))
			return op;
	return OP_COUNT;
}

/* The id is looked at first, so that any other fault can be answered with it. */
static bool request_take_id(struct scan_member *members, size_t n, struct arena *arena,
			    struct request_fault *fault)
{
	for (size_t i = 0; i < n; i++) {
		const struct request_member *m = &request_members[MEMBER_ID];
		const char *wanted;

		if (!slice_is(members[i].name, "id"))
			continue;
		wanted = request_check(m, &members[i].value, arena);
		if (wanted)
			return request_refuse(fault, ERROR_BAD_MESSAGE, "\"id\" must be %s",
					      wanted);
		fault->id = members[i].value;
	}
	return true;
}

static bool request_take_op(struct request *r, struct scan_member *members, size_t n,
			    struct request_fault *fault)
{
	for (size_t i = 0; i < n; i++) {
		struct slice name;

		if (!slice_is(members[i].name, "op"))
			continue;
		if (members[i].value.type != SCAN_STRING)
			return request_refuse(fault, ERROR_BAD_MESSAGE, "\"op\" must be a string");
		r->members[MEMBER_OP] = members[i].value;
		name = request_text(r, MEMBER_OP);
		r->op = request_find_op(name);
		if (r->op == OP_COUNT)
			return request_refuse(fault, ERROR_UNKNOWN_OP, "unknown op \"%.*s\"",
					      request_cut(name), name.ptr);
		return true;
	}
	return request_refuse(fault, ERROR_BAD_MESSAGE, "member \"op\" is missing");
}

static bool request_take_member(struct request *r, const struct scan_member *given,
				struct request_fault *fault)
{
	enum member m = request_find_member(given->name);
	const char *wanted;

	if (m == MEMBER_COUNT || !(request_ops[r->op].allowed & (1u << m))) {
		if (slice_starts_with(given->name, SLICE("x-")))
			return true;
		return request_refuse(fault, ERROR_UNKNOWN_MEMBER,
				      "op \"%s\" has no member \"%.*s\"", op_name(r->op),
				      request_cut(given->name), given->name.ptr);
	}
	wanted = request_check(&request_members[m], &given->value, r->arena);
	if (wanted)
		return request_refuse(fault, ERROR_BAD_MESSAGE, "\"%s\" must be %s",
				      request_members[m].name, wanted);
	r->members[m] = given->value;
	return true;
}

static bool request_check_required(const struct request *r, struct request_fault *fault)
{
	uint32_t required = request_ops[r->op].required;

	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		if (!(required & (1u << m)) || request_has(r, m))
			continue;
		if (m == MEMBER_ID)
			return request_refuse(fault, ERROR_ID_REQUIRED, "op \"%s\" needs an \"id\"",
					      op_name(r->op));
		return request_refuse(fault, ERROR_BAD_MESSAGE, "op \"%s\" needs \"%s\"",
				      op_name(r->op), request_members[m].name);
	}
	return true;
}

/* A duplicated member hides what came before: the id may still be told, unless it is the double. */
static void request_salvage_id(struct scan_member *members, size_t n, struct arena *arena,
			       struct request_fault *fault)
{
	struct request_fault ignored = {0};

	if (request_take_id(members, n, arena, &ignored))
		fault->id = ignored.id;
}

bool request_parse(struct request *ret, struct slice line, uint64_t number, struct arena *arena,
		   struct request_fault *ret_fault)
{
	struct scan_member members[REQUEST_MAX_MEMBERS];
	struct scan_names names;
	struct scan_error error = {0};
	size_t n = 0;
	int r;

	*ret_fault = (struct request_fault){.code = ERROR_BAD_JSON};
	*ret = (struct request){.op = OP_COUNT, .line = number, .arena = arena};
	names.used = 0;
	r = scan_object(line, SCAN_STRICT, &names, members, REQUEST_MAX_MEMBERS, &n, &error);
	if (r == SCAN_DUPLICATE || r == SCAN_TOO_MANY)
		request_salvage_id(members, n, arena, ret_fault);
	if (r)
		return request_refuse_scan(ret_fault, r, &error);
	if (!request_take_id(members, n, arena, ret_fault) ||
	    !request_take_op(ret, members, n, ret_fault))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!request_take_member(ret, &members[i], ret_fault))
			return false;
	return request_check_required(ret, ret_fault);
}

struct slice request_text(const struct request *r, enum member m)
{
	const struct scan_value *v = &r->members[m];
	char *to;

	if (v->type != SCAN_STRING)
		return SLICE_NONE;
	if (!(v->flags & SCAN_ESCAPED))
		return scan_raw(v);
	to = arena_alloc(r->arena, scan_raw(v).len);
	if (!to)
		return SLICE_NONE;
	return (struct slice){to, scan_decode(v, to)};
}

uint64_t request_u64(const struct request *r, enum member m, uint64_t otherwise)
{
	uint64_t n = otherwise;

	(void)scan_u64(&r->members[m], REQUEST_MAX_INTEGER, &n);
	return n;
}

bool request_bool(const struct request *r, enum member m, bool otherwise)
{
	return request_has(r, m) ? r->members[m].type == SCAN_TRUE : otherwise;
}
