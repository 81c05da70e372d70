/* SPDX-License-Identifier: MIT */

/*
 * Requests: from a line's members to a validated request
 *
 * Adding an op is a row in request_ops and a function in hub/; adding a member
 * is a row in request_members.
 */

#include "local/request.h"

#include "codec/chars.h"

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
	uint8_t n_name;
	enum request_type type;
	uint32_t max;
};

#define NAME(text) text, sizeof(text) - 1

static const struct request_member request_members[MEMBER_COUNT] = {
	[MEMBER_OP] = {NAME("op"), TYPE_ANY, 0},
	[MEMBER_ID] = {NAME("id"), TYPE_ID, 0},
	[MEMBER_PROTO] = {NAME("proto"), TYPE_VERSION, 0},
	[MEMBER_NAME] = {NAME("name"), TYPE_STRING, 64},
	[MEMBER_SESSION] = {NAME("session"), TYPE_STRING, 64},
	[MEMBER_PROCEDURE] = {NAME("procedure"), TYPE_STRING, 1024},
	[MEMBER_TOPIC] = {NAME("topic"), TYPE_STRING, 1024},
	[MEMBER_ARGS] = {NAME("args"), TYPE_ARRAY, 0},
	[MEMBER_KWARGS] = {NAME("kwargs"), TYPE_OBJECT, 0},
	[MEMBER_TIMEOUT] = {NAME("timeout"), TYPE_INTEGER, 0},
	[MEMBER_REGISTRATION] = {NAME("registration"), TYPE_ID, 0},
	[MEMBER_SUBSCRIPTION] = {NAME("subscription"), TYPE_ID, 0},
	[MEMBER_WATCH] = {NAME("watch"), TYPE_ID, 0},
	[MEMBER_INV] = {NAME("inv"), TYPE_INTEGER, 0},
	[MEMBER_URI] = {NAME("uri"), TYPE_STRING, 1024},
	[MEMBER_MESSAGE] = {NAME("message"), TYPE_STRING, 65536},
	[MEMBER_ACK] = {NAME("ack"), TYPE_BOOL, 0},
	[MEMBER_EXCLUDE_ME] = {NAME("exclude_me"), TYPE_BOOL, 0},
	[MEMBER_WHAT] = {NAME("what"), TYPE_STRING, 64},
};

#define BIT(name)   (1u << MEMBER_##name)
#define PAYLOAD	    (BIT(ARGS) | BIT(KWARGS))
#define ALWAYS	    (BIT(OP) | BIT(ID))
#define ANSWER_ONLY (BIT(OP))

struct request_op {
	const char *name;
	uint8_t n_name;
	uint32_t allowed;
	uint32_t required;
};

static const struct request_op request_ops[OP_COUNT] = {
	[OP_HELLO] = {NAME("hello"), ALWAYS | BIT(PROTO) | BIT(NAME) | BIT(SESSION), 0},
	[OP_CALL] = {NAME("call"), ALWAYS | BIT(PROCEDURE) | PAYLOAD | BIT(TIMEOUT) | BIT(SESSION),
		     BIT(ID) | BIT(PROCEDURE)},
	[OP_RESULT] = {NAME("result"), ANSWER_ONLY | BIT(INV) | PAYLOAD, BIT(INV)},
	[OP_ERROR] = {NAME("error"), ANSWER_ONLY | BIT(INV) | BIT(URI) | BIT(MESSAGE) | PAYLOAD,
		      BIT(INV)},
	[OP_REGISTER] = {NAME("register"), ALWAYS | BIT(PROCEDURE) | BIT(SESSION),
			 BIT(ID) | BIT(PROCEDURE)},
	[OP_UNREGISTER] = {NAME("unregister"), ALWAYS | BIT(REGISTRATION), BIT(REGISTRATION)},
	[OP_PUBLISH] = {NAME("publish"),
			ALWAYS | BIT(TOPIC) | PAYLOAD | BIT(ACK) | BIT(EXCLUDE_ME) | BIT(SESSION),
			BIT(TOPIC)},
	[OP_SUBSCRIBE] = {NAME("subscribe"), ALWAYS | BIT(TOPIC) | BIT(SESSION),
			  BIT(ID) | BIT(TOPIC)},
	[OP_UNSUBSCRIBE] = {NAME("unsubscribe"), ALWAYS | BIT(SUBSCRIPTION), BIT(SUBSCRIPTION)},
	[OP_WATCH] = {NAME("watch"), ALWAYS | BIT(SESSION), BIT(ID)},
	[OP_UNWATCH] = {NAME("unwatch"), ALWAYS | BIT(WATCH), BIT(WATCH)},
	[OP_PING] = {NAME("ping"), ALWAYS, 0},
	[OP_STATUS] = {NAME("status"), ALWAYS, BIT(ID)},
	[OP_LIST] = {NAME("list"), ALWAYS | BIT(WHAT), BIT(ID) | BIT(WHAT)},
	[OP_BYE] = {NAME("bye"), ALWAYS, 0},
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
	case SCAN_BAD_BINARY:
		return request_refuse(
			fault, ERROR_BAD_MESSAGE,
			"string at byte %zu begins with U+0000, but is no byte string: "
			"expected %s",
			error->offset + 1, error->expected);
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
	/* What is echoed as it is spelled has an end. */
	return v->len <= REQUEST_MAX_ID && scan_u64(v, REQUEST_MAX_INTEGER, &n);
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

/*
 * Takes an empty container of the other kind away: some languages know only one
 * (protocol §2.6).
 */
static void request_drop_empty(enum request_type type, struct scan_value *v)
{
	bool is_other = (type == TYPE_ARRAY && v->type == SCAN_OBJECT) ||
			(type == TYPE_OBJECT && v->type == SCAN_ARRAY);

	if (is_other && v->flags & SCAN_EMPTY)
		*v = SCAN_VALUE_NONE;
}

/* The first name of each letter; the others of that letter follow it. */
static const uint8_t request_members_from[26] = {
	['a' - 'a'] = MEMBER_ACK,	   ['e' - 'a'] = MEMBER_EXCLUDE_ME,
	['i' - 'a'] = MEMBER_ID,	   ['k' - 'a'] = MEMBER_KWARGS,
	['m' - 'a'] = MEMBER_MESSAGE,	   ['n' - 'a'] = MEMBER_NAME,
	['o' - 'a'] = MEMBER_OP,	   ['p' - 'a'] = MEMBER_PROCEDURE,
	['r' - 'a'] = MEMBER_REGISTRATION, ['s' - 'a'] = MEMBER_SESSION,
	['t' - 'a'] = MEMBER_TIMEOUT,	   ['u' - 'a'] = MEMBER_URI,
	['w' - 'a'] = MEMBER_WATCH,
};

static const uint8_t request_ops_from[26] = {
	['b' - 'a'] = OP_BYE,	   ['c' - 'a'] = OP_CALL,   ['e' - 'a'] = OP_ERROR,
	['h' - 'a'] = OP_HELLO,	   ['l' - 'a'] = OP_LIST,   ['p' - 'a'] = OP_PING,
	['r' - 'a'] = OP_REGISTER, ['s' - 'a'] = OP_STATUS, ['u' - 'a'] = OP_UNREGISTER,
	['w' - 'a'] = OP_WATCH,
};

static bool request_is_letter(struct slice name)
{
	return name.len && name.ptr[0] >= 'a' && name.ptr[0] <= 'z';
}

static enum member request_find_member(struct slice name)
{
	enum member m =
		request_is_letter(name) ? request_members_from[name.ptr[0] - 'a'] : MEMBER_COUNT;

	for (; m < MEMBER_COUNT && request_members[m].name[0] == name.ptr[0]; m++)
		if (request_members[m].n_name == name.len &&
		    memcmp(request_members[m].name, name.ptr, name.len) == 0)
			return m;
	return MEMBER_COUNT;
}

static enum op request_find_op(struct slice name)
{
	enum op op = request_is_letter(name) ? request_ops_from[name.ptr[0] - 'a'] : OP_COUNT;

	for (; op < OP_COUNT && request_ops[op].name[0] == name.ptr[0]; op++)
		if (request_ops[op].n_name == name.len &&
		    memcmp(request_ops[op].name, name.ptr, name.len) == 0)
			return op;
	return OP_COUNT;
}

/*
 * Sorts the values into their places, without a look at what they are. A
 * known name keeps its place until the op decides whether it may stand here.
 */
static void request_place(struct request *r, const struct scan_member *given, size_t n,
			  uint8_t *places)
{
	for (size_t i = 0; i < n; i++) {
		enum member m = request_find_member(given[i].name);

		places[i] = (uint8_t)m;
		if (m < MEMBER_COUNT)
			r->members[m] = given[i].value;
	}
}

/* The id is looked at first, so that any other fault can be answered with it. */
static bool request_check_id(struct request *r, struct request_fault *fault)
{
	const char *wanted;

	if (!request_has(r, MEMBER_ID))
		return true;
	wanted = request_check(&request_members[MEMBER_ID], &r->members[MEMBER_ID], r->arena);
	if (wanted)
		return request_refuse(fault, ERROR_BAD_MESSAGE, "\"id\" must be %s", wanted);
	fault->id = r->members[MEMBER_ID];
	return true;
}

static bool request_check_op(struct request *r, struct request_fault *fault)
{
	struct slice name;

	if (!request_has(r, MEMBER_OP))
		return request_refuse(fault, ERROR_BAD_MESSAGE, "member \"op\" is missing");
	if (r->members[MEMBER_OP].type != SCAN_STRING)
		return request_refuse(fault, ERROR_BAD_MESSAGE, "\"op\" must be a string");
	name = request_text(r, MEMBER_OP);
	r->op = request_find_op(name);
	return r->op < OP_COUNT || request_refuse(fault, ERROR_UNKNOWN_OP, "unknown op \"%.*s\"",
						  request_cut(name), name.ptr);
}

static bool request_check_member(struct request *r, enum member m, struct slice name,
				 struct request_fault *fault)
{
	const char *wanted;

	if (m == MEMBER_COUNT || !(request_ops[r->op].allowed & (1u << m))) {
		if (slice_starts_with(name, SLICE("x-")))
			return true;
		return request_refuse(fault, ERROR_UNKNOWN_MEMBER,
				      "op \"%s\" has no member \"%.*s\"", op_name(r->op),
				      request_cut(name), name.ptr);
	}
	if (m == MEMBER_ID)
		return true;
	wanted = request_check(&request_members[m], &r->members[m], r->arena);
	if (!wanted)
		return true;
	request_drop_empty(request_members[m].type, &r->members[m]);
	return !request_has(r, m) || request_refuse(fault, ERROR_BAD_MESSAGE, "\"%s\" must be %s",
						    request_members[m].name, wanted);
}

static bool request_check_required(const struct request *r, uint32_t given,
				   struct request_fault *fault)
{
	uint32_t missing = request_ops[r->op].required & ~given;

	if (!missing)
		return true;
	if (missing & BIT(ID))
		return request_refuse(fault, ERROR_ID_REQUIRED, "op \"%s\" needs an \"id\"",
				      op_name(r->op));
	return request_refuse(fault, ERROR_BAD_MESSAGE, "op \"%s\" needs \"%s\"", op_name(r->op),
			      request_members[__builtin_ctz(missing)].name);
}

static bool request_check_all(struct request *r, const struct scan_member *given, size_t n,
			      const uint8_t *places, struct request_fault *fault)
{
	uint32_t seen = 0;

	if (!request_check_id(r, fault) || !request_check_op(r, fault))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!request_check_member(r, places[i], given[i].name, fault))
			return false;
		seen |= places[i] < MEMBER_COUNT ? 1u << places[i] : 0;
	}
	return request_check_required(r, seen, fault);
}

/* Of the text or the programs of another system: what is wrong then is not seen on a screen. */
static bool request_refuse_mark(struct request_fault *fault, struct slice line)
{
	bool is_utf16 = slice_starts_with(line, SLICE("\xff\xfe")) ||
			slice_starts_with(line, SLICE("\xfe\xff"));

	if (!is_utf16 && !slice_starts_with(line, SLICE(CHARS_BYTE_ORDER_MARK)))
		return true;
	return request_refuse(fault, ERROR_BAD_JSON,
			      "the line begins with a byte order mark%s: send UTF-8 without one",
			      is_utf16 ? " and is UTF-16" : "");
}

bool request_parse(struct request *ret, struct slice line, uint64_t number, struct arena *arena,
		   struct request_fault *ret_fault)
{
	struct scan_member given[REQUEST_MAX_MEMBERS];
	uint8_t places[REQUEST_MAX_MEMBERS];
	struct scan_names names;
	struct scan_error error;
	size_t n = 0;
	int r;

	ret_fault->id = SCAN_VALUE_NONE;
	*ret = (struct request){.op = OP_COUNT, .line = number, .arena = arena};
	r = scan_object(line, SCAN_STRICT, &names, given, REQUEST_MAX_MEMBERS, &n, &error);
	request_place(ret, given, n, places);
	if (!r)
		return request_check_all(ret, given, n, places, ret_fault);
	/* JSON it is, or may be: an id that came before the fault is told, unless it is the double.
	 */
	if (r != SCAN_BAD_JSON && r != SCAN_BAD_UTF8)
		(void)request_check_id(ret, ret_fault);
	else if (!request_refuse_mark(ret_fault, line))
		return false;
	return request_refuse_scan(ret_fault, r, &error);
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
