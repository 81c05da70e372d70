/* SPDX-License-Identifier: MIT */

/*
 * WAMP messages as views: one table row for each message
 *
 * A row says what stands at each place of the array. Reading and writing are
 * the same walk along the row.
 */

#include "wamp/msg.h"

#include "codec/emit.h"
#include "codec/uri.h"

enum msg_field {
	FIELD_END = 0,
	FIELD_REQUEST,
	FIELD_REQUEST_TYPE,
	FIELD_ID,
	FIELD_PUBLICATION,
	FIELD_DETAILS,
	FIELD_URI,
	FIELD_ARGS,
	FIELD_KWARGS,
};

#define MSG_MAX_FIELDS 7

/* Trailing elements beyond the known ones are tolerated up to this. */
#define MSG_MAX_ELEMENTS 16

struct msg_row {
	enum wamp_type type;
	const char *name;
	uint8_t n_head; /* fields that must be there */
	uint8_t fields[MSG_MAX_FIELDS];
};

static const struct msg_row msg_rows[] = {
	{WAMP_EVENT,
	 "EVENT",
	 3,
	 {FIELD_ID, FIELD_PUBLICATION, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_CALL, "CALL", 3, {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_RESULT, "RESULT", 2, {FIELD_REQUEST, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_INVOCATION,
	 "INVOCATION",
	 3,
	 {FIELD_REQUEST, FIELD_ID, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_YIELD, "YIELD", 2, {FIELD_REQUEST, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_PUBLISH,
	 "PUBLISH",
	 3,
	 {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_PUBLISHED, "PUBLISHED", 2, {FIELD_REQUEST, FIELD_PUBLICATION}},
	{WAMP_ERROR,
	 "ERROR",
	 4,
	 {FIELD_REQUEST_TYPE, FIELD_REQUEST, FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_REGISTER, "REGISTER", 3, {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI}},
	{WAMP_REGISTERED, "REGISTERED", 2, {FIELD_REQUEST, FIELD_ID}},
	{WAMP_UNREGISTER, "UNREGISTER", 2, {FIELD_REQUEST, FIELD_ID}},
	{WAMP_UNREGISTERED, "UNREGISTERED", 1, {FIELD_REQUEST, FIELD_DETAILS}},
	{WAMP_SUBSCRIBE, "SUBSCRIBE", 3, {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI}},
	{WAMP_SUBSCRIBED, "SUBSCRIBED", 2, {FIELD_REQUEST, FIELD_ID}},
	{WAMP_UNSUBSCRIBE, "UNSUBSCRIBE", 2, {FIELD_REQUEST, FIELD_ID}},
	{WAMP_UNSUBSCRIBED, "UNSUBSCRIBED", 1, {FIELD_REQUEST, FIELD_DETAILS}},
	{WAMP_CANCEL, "CANCEL", 2, {FIELD_REQUEST, FIELD_DETAILS}},
	{WAMP_INTERRUPT, "INTERRUPT", 2, {FIELD_REQUEST, FIELD_DETAILS}},
	{WAMP_HELLO, "HELLO", 2, {FIELD_URI, FIELD_DETAILS}},
	{WAMP_WELCOME, "WELCOME", 2, {FIELD_ID, FIELD_DETAILS}},
	{WAMP_ABORT, "ABORT", 2, {FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS}},
	{WAMP_CHALLENGE, "CHALLENGE", 2, {FIELD_URI, FIELD_DETAILS}},
	{WAMP_AUTHENTICATE, "AUTHENTICATE", 2, {FIELD_URI, FIELD_DETAILS}},
	{WAMP_GOODBYE, "GOODBYE", 2, {FIELD_DETAILS, FIELD_URI}},
};

static const struct msg_row *msg_find(uint64_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(msg_rows); i++)
		if ((uint64_t)msg_rows[i].type == type)
			return &msg_rows[i];
	return NULL;
}

const char *wamp_type_name(enum wamp_type type)
{
	const struct msg_row *row = msg_find((uint64_t)type);

	return row ? row->name : "?";
}

/* ---- reading ---- */

static bool msg_read_uri(struct slice *ret, const struct scan_value *v, struct arena *arena,
			 bool number_too)
{
	char *to;

	if (v->type == SCAN_INTEGER && number_too) {
		*ret = scan_token(v);
		return true;
	}
	if (v->type != SCAN_STRING)
		return false;
	if (!(v->flags & SCAN_ESCAPED)) {
		*ret = scan_raw(v);
		return true;
	}
	to = arena_alloc(arena, scan_raw(v).len);
	if (!to)
		return false;
	*ret = (struct slice){to, scan_decode(v, to)};
	return true;
}

/* A dict or list; null stands for an absent one (fox-wamp sends that). */
static bool msg_read_container(struct scan_value *ret, const struct scan_value *v,
			       enum scan_type type, enum scan_type other)
{
	if (v->type == SCAN_NULL)
		return true;
	if (v->type != type && v->type != other)
		return false;
	*ret = *v;
	return true;
}

static bool msg_read_type(enum wamp_type *ret, const struct scan_value *v)
{
	uint64_t n;

	if (!scan_u64(v, WAMP_YIELD, &n))
		return false;
	*ret = (enum wamp_type)n;
	return true;
}

static bool msg_read_field(struct wamp_msg *msg, enum msg_field field, const struct scan_value *v,
			   struct arena *arena)
{
	switch (field) {
	case FIELD_END:
		return true;
	case FIELD_REQUEST:
		return scan_u64(v, WAMP_MAX_ID, &msg->request);
	case FIELD_REQUEST_TYPE:
		return msg_read_type(&msg->request_type, v);
	case FIELD_ID:
		return scan_u64(v, WAMP_MAX_ID, &msg->id);
	case FIELD_PUBLICATION:
		return scan_u64(v, WAMP_MAX_ID, &msg->publication);
	case FIELD_DETAILS:
		return msg_read_container(&msg->details, v, SCAN_OBJECT, SCAN_OBJECT);
	case FIELD_URI:
		return msg_read_uri(&msg->uri, v, arena, msg->type == WAMP_ERROR);
	case FIELD_ARGS:
		/* A string is an opaque payload (Crossbar's payload transparency). */
		return msg_read_container(&msg->args, v, SCAN_ARRAY, SCAN_STRING);
	case FIELD_KWARGS:
		return msg_read_container(&msg->kwargs, v, SCAN_OBJECT, SCAN_OBJECT);
	}
	return false;
}

static int msg_malformed(struct scan_error *error, const char *expected)
{
	error->expected = expected;
	return WAMP_MALFORMED;
}

static bool msg_has_payload(const struct msg_row *row)
{
	return row->type != WAMP_ABORT && row->fields[row->n_head] == FIELD_ARGS;
}

int wamp_parse(struct wamp_msg *ret, struct slice text, struct arena *arena,
	       struct scan_error *ret_error)
{
	struct scan_value items[MSG_MAX_ELEMENTS];
	struct wamp_msg msg = {0};
	const struct msg_row *row;
	uint64_t type;
	size_t n;
	int r;

	r = scan_array(text, SCAN_LENIENT, items, MSG_MAX_ELEMENTS, &n, ret_error);
	if (!n || !scan_u64(&items[0], UINT32_MAX, &type))
		return msg_malformed(ret_error, "a message type");
	row = msg_find(type);
	if (!row)
		return type < 256 ? msg_malformed(ret_error, "a known message type") : WAMP_UNKNOWN;
	if (n < row->n_head + 1u)
		return msg_malformed(ret_error, "more elements");
	msg.type = row->type;
	for (size_t i = 0; i < MSG_MAX_FIELDS && i + 1 < n && row->fields[i]; i++) {
		/* Behind a fault in the payload nothing is taken: half a payload is none. */
		if (r && r != SCAN_TOO_MANY && i >= row->n_head)
			break;
		if (!msg_read_field(&msg, row->fields[i], &items[i + 1], arena))
			return msg_malformed(ret_error, "an element of another type");
	}
	if (r && r != SCAN_TOO_MANY && !msg_has_payload(row))
		return WAMP_MALFORMED;
	*ret = msg;
	return r && r != SCAN_TOO_MANY ? WAMP_UNDECODABLE : 0;
}

/* ---- writing ---- */

static bool msg_is_empty(const struct scan_value *v)
{
	return v->type == SCAN_ABSENT || v->flags & SCAN_EMPTY;
}

static void msg_write_value(struct buf *b, const struct scan_value *v, const char *otherwise)
{
	if (v->type == SCAN_ABSENT)
		buf_append_slice(b, slice_of(otherwise));
	else
		emit_value(b, v);
}

static void msg_write_field(struct buf *b, enum msg_field field, const struct wamp_msg *msg)
{
	buf_append_char(b, ',');
	switch (field) {
	case FIELD_END:
		return;
	case FIELD_REQUEST:
		emit_u64(b, msg->request);
		return;
	case FIELD_REQUEST_TYPE:
		emit_u64(b, (uint64_t)msg->request_type);
		return;
	case FIELD_ID:
		emit_u64(b, msg->id);
		return;
	case FIELD_PUBLICATION:
		emit_u64(b, msg->publication);
		return;
	case FIELD_DETAILS:
		msg_write_value(b, &msg->details, "{}");
		return;
	case FIELD_URI:
		emit_text(b, msg->uri);
		return;
	case FIELD_ARGS:
		msg_write_value(b, &msg->args, "[]");
		return;
	case FIELD_KWARGS:
		msg_write_value(b, &msg->kwargs, "{}");
		return;
	}
}

/* How many fields are written: what is empty at the end is left out. */
static size_t msg_count_fields(const struct msg_row *row, const struct wamp_msg *msg)
{
	size_t n = row->n_head;

	if (row->type == WAMP_UNREGISTERED || row->type == WAMP_UNSUBSCRIBED)
		return msg->request ? n : n + 1;
	if (row->fields[n] != FIELD_ARGS)
		return n;
	if (!msg_is_empty(&msg->kwargs))
		return n + 2;
	return msg_is_empty(&msg->args) ? n : n + 1;
}

void wamp_write(struct buf *b, const struct wamp_msg *msg)
{
	const struct msg_row *row = msg_find((uint64_t)msg->type);
	size_t n = msg_count_fields(row, msg);

	buf_append_char(b, '[');
	emit_u64(b, (uint64_t)msg->type);
	for (size_t i = 0; i < n; i++)
		msg_write_field(b, row->fields[i], msg);
	buf_append_char(b, ']');
}

/* ---- URIs ---- */

bool wamp_uri_is_valid(struct slice uri)
{
	return uri_is_valid(uri);
}
