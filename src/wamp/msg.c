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

#include <stdarg.h>
#include <stdio.h>

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

/* Known elements, and some of those behind them, which are ignored. */
#define MSG_MAX_ELEMENTS 16

/* WAMP 2.3: numbers from here on are extensions'. */
#define WAMP_FIRST_EXTENSION 256

struct msg_row {
	enum wamp_type type;
	const char *name;
	uint8_t n_head; /* fields that must be there */
	uint8_t fields[MSG_MAX_FIELDS];
	const char *id, *uri; /* what these are, for people */
};

static const struct msg_row msg_rows[] = {
	{WAMP_EVENT,
	 "EVENT",
	 3,
	 {FIELD_ID, FIELD_PUBLICATION, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS},
	 "subscription id",
	 NULL},
	{WAMP_CALL,
	 "CALL",
	 3,
	 {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS},
	 NULL,
	 "procedure"},
	{WAMP_RESULT,
	 "RESULT",
	 2,
	 {FIELD_REQUEST, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS},
	 NULL,
	 NULL},
	{WAMP_INVOCATION,
	 "INVOCATION",
	 3,
	 {FIELD_REQUEST, FIELD_ID, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS},
	 "registration id",
	 NULL},
	{WAMP_YIELD,
	 "YIELD",
	 2,
	 {FIELD_REQUEST, FIELD_DETAILS, FIELD_ARGS, FIELD_KWARGS},
	 NULL,
	 NULL},
	{WAMP_PUBLISH,
	 "PUBLISH",
	 3,
	 {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS},
	 NULL,
	 "topic"},
	{WAMP_PUBLISHED, "PUBLISHED", 2, {FIELD_REQUEST, FIELD_PUBLICATION}, NULL, NULL},
	{WAMP_ERROR,
	 "ERROR",
	 4,
	 {FIELD_REQUEST_TYPE, FIELD_REQUEST, FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS},
	 NULL,
	 "error URI"},
	{WAMP_REGISTER,
	 "REGISTER",
	 3,
	 {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI},
	 NULL,
	 "procedure"},
	{WAMP_REGISTERED, "REGISTERED", 2, {FIELD_REQUEST, FIELD_ID}, "registration id", NULL},
	{WAMP_UNREGISTER, "UNREGISTER", 2, {FIELD_REQUEST, FIELD_ID}, "registration id", NULL},
	{WAMP_UNREGISTERED, "UNREGISTERED", 1, {FIELD_REQUEST, FIELD_DETAILS}, NULL, NULL},
	{WAMP_SUBSCRIBE, "SUBSCRIBE", 3, {FIELD_REQUEST, FIELD_DETAILS, FIELD_URI}, NULL, "topic"},
	{WAMP_SUBSCRIBED, "SUBSCRIBED", 2, {FIELD_REQUEST, FIELD_ID}, "subscription id", NULL},
	{WAMP_UNSUBSCRIBE, "UNSUBSCRIBE", 2, {FIELD_REQUEST, FIELD_ID}, "subscription id", NULL},
	{WAMP_UNSUBSCRIBED, "UNSUBSCRIBED", 1, {FIELD_REQUEST, FIELD_DETAILS}, NULL, NULL},
	{WAMP_CANCEL, "CANCEL", 2, {FIELD_REQUEST, FIELD_DETAILS}, NULL, NULL},
	{WAMP_INTERRUPT, "INTERRUPT", 2, {FIELD_REQUEST, FIELD_DETAILS}, NULL, NULL},
	{WAMP_HELLO, "HELLO", 2, {FIELD_URI, FIELD_DETAILS}, NULL, "realm"},
	{WAMP_WELCOME, "WELCOME", 2, {FIELD_ID, FIELD_DETAILS}, "session id", NULL},
	{WAMP_ABORT,
	 "ABORT",
	 2,
	 {FIELD_DETAILS, FIELD_URI, FIELD_ARGS, FIELD_KWARGS},
	 NULL,
	 "reason"},
	{WAMP_CHALLENGE, "CHALLENGE", 2, {FIELD_URI, FIELD_DETAILS}, NULL, "authentication method"},
	{WAMP_AUTHENTICATE, "AUTHENTICATE", 2, {FIELD_URI, FIELD_DETAILS}, NULL, "signature"},
	{WAMP_GOODBYE, "GOODBYE", 2, {FIELD_DETAILS, FIELD_URI}, NULL, "reason"},
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

/* A frame on its way to a view. */
struct msg_reading {
	const struct msg_row *row;
	struct wamp_msg msg;
	struct arena *arena;
	struct wamp_fault *fault;
	bool is_cut;	     /* what stands behind the elements is not JSON */
	bool is_undecodable; /* the payload is none that args and kwargs can be */
};

PRINTF(2, 3)
static int msg_malformed(struct wamp_fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return WAMP_MALFORMED;
}

static const char *msg_field_name(const struct msg_row *row, enum msg_field field)
{
	switch (field) {
	case FIELD_REQUEST:
		return "request id";
	case FIELD_REQUEST_TYPE:
		return "request type";
	case FIELD_ID:
		return row->id;
	case FIELD_PUBLICATION:
		return "publication id";
	case FIELD_URI:
		return row->uri;
	case FIELD_END:
	case FIELD_DETAILS:
	case FIELD_ARGS:
	case FIELD_KWARGS:
		break;
	}
	return "element";
}

static const char *msg_kind_of(const struct scan_value *v)
{
	switch ((enum scan_type)v->type) {
	case SCAN_ABSENT:
		return "missing";
	case SCAN_NULL:
		return "null";
	case SCAN_FALSE:
	case SCAN_TRUE:
		return "a truth value";
	case SCAN_INTEGER:
	case SCAN_REAL:
		return "a number";
	case SCAN_STRING:
		return "a string";
	case SCAN_ARRAY:
		return "a list";
	case SCAN_OBJECT:
		return "a dictionary";
	}
	return "missing";
}

/* What is wrong with an element of the head, for people. */
static int msg_unreadable(struct msg_reading *r, enum msg_field field, const struct scan_value *v)
{
	const char *name = msg_field_name(r->row, field);
	bool is_number = v->type == SCAN_INTEGER || v->type == SCAN_REAL;

	if (is_number && field != FIELD_URI)
		return msg_malformed(r->fault, "%s (%d): %s is %.*s, which is not %s", r->row->name,
				     (int)r->row->type, name, v->len < 24 ? (int)v->len : 24,
				     v->text,
				     field == FIELD_REQUEST_TYPE ? "a message type"
								 : "an integer from 0 to 2^53");
	if (v->type == SCAN_STRING && field == FIELD_URI)
		return msg_malformed(r->fault, "%s (%d): no memory for the %s", r->row->name,
				     (int)r->row->type, name);
	return msg_malformed(r->fault, "%s (%d): %s is %s", r->row->name, (int)r->row->type, name,
			     msg_kind_of(v));
}

/* The session ends with it anyway; what else it says must not be lost for its reason. */
static bool msg_is_end(enum wamp_type type)
{
	return type == WAMP_ABORT || type == WAMP_GOODBYE;
}

static bool msg_read_uri(struct msg_reading *r, const struct scan_value *v)
{
	bool is_reason = r->msg.type == WAMP_ERROR || msg_is_end(r->msg.type);
	char *to;

	if (v->type == SCAN_INTEGER && is_reason) {
		r->msg.uri = scan_token(v);
		return true;
	}
	if (v->type != SCAN_STRING)
		return msg_is_end(r->msg.type);
	if (!(v->flags & SCAN_ESCAPED)) {
		r->msg.uri = scan_raw(v);
		return true;
	}
	to = arena_alloc(r->arena, scan_raw(v).len);
	if (!to)
		return msg_is_end(r->msg.type);
	r->msg.uri = (struct slice){to, scan_decode(v, to)};
	return true;
}

/*
 * args or kwargs. null stands for none (fox-wamp sends that), and so does an
 * empty container of the other kind (PHP and Lua know only one).
 */
static void msg_read_payload(struct msg_reading *r, struct scan_value *ret,
			     const struct scan_value *v, enum scan_type type)
{
	bool is_container = v->type == SCAN_ARRAY || v->type == SCAN_OBJECT;

	if (v->type == type)
		*ret = *v;
	else if (v->type != SCAN_NULL && !(is_container && v->flags & SCAN_EMPTY))
		r->is_undecodable = true;
}

static bool msg_read_type(enum wamp_type *ret, const struct scan_value *v)
{
	uint64_t n;

	if (!scan_u64(v, WAMP_YIELD, &n))
		return false;
	*ret = (enum wamp_type)n;
	return true;
}

/* Whether it is readable. Nothing that Details or the payload are can make it unreadable. */
static bool msg_read_field(struct msg_reading *r, enum msg_field field, const struct scan_value *v)
{
	struct wamp_msg *msg = &r->msg;

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
		if (v->type == SCAN_OBJECT)
			msg->details = *v;
		return true;
	case FIELD_URI:
		return msg_read_uri(r, v);
	case FIELD_ARGS:
		/* A string is an opaque payload (Crossbar's payload transparency). */
		msg_read_payload(r, &msg->args, v,
				 v->type == SCAN_STRING ? SCAN_STRING : SCAN_ARRAY);
		return true;
	case FIELD_KWARGS:
		msg_read_payload(r, &msg->kwargs, v, SCAN_OBJECT);
		return true;
	}
	return false;
}

static bool msg_has_payload(const struct msg_row *row)
{
	return row->type != WAMP_ABORT && row->fields[row->n_head] == FIELD_ARGS;
}

/* The message's type, its row found. 0, or an outcome. */
static int msg_read_row(struct msg_reading *r, const struct scan_value *type)
{
	uint64_t n;

	if (!scan_u64(type, UINT64_MAX, &n))
		return msg_malformed(r->fault, "not a WAMP message: the message type is %s",
				     msg_kind_of(type));
	r->row = msg_find(n);
	if (r->row)
		r->msg.type = r->row->type;
	else if (n < WAMP_FIRST_EXTENSION)
		return msg_malformed(r->fault, "unknown message type %u", (unsigned)n);
	return r->row ? 0 : WAMP_UNKNOWN;
}

/* The elements behind the type. 0, or WAMP_MALFORMED. */
static int msg_read_fields(struct msg_reading *r, const struct scan_value *items, size_t n)
{
	for (size_t i = 0; i < MSG_MAX_FIELDS && r->row->fields[i]; i++) {
		enum msg_field field = r->row->fields[i];
		const struct scan_value *v = i < n ? &items[i] : &SCAN_VALUE_NONE;

		if (i >= n && i >= r->row->n_head)
			return 0;
		if (!msg_read_field(r, field, v))
			return msg_unreadable(r, field, v);
	}
	return 0;
}

/*
 * How many elements are whole. A number ends by what follows it: where that is
 * wrong, it may be the beginning of another one ("12" of "123").
 */
static size_t msg_count_whole(struct slice text, const struct scan_value *items, size_t n,
			      const struct scan_error *error)
{
	const struct scan_value *last = &items[n - 1];
	const char *p = last->text + last->len, *at = text.ptr + error->offset;

	if (last->type != SCAN_INTEGER && last->type != SCAN_REAL)
		return n;
	while (p < at && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p == at ? n - 1 : n;
}

static int msg_read(struct msg_reading *r, const struct scan_value *items, size_t n,
		    const struct scan_error *error)
{
	int outcome;

	if (!n && !r->is_cut)
		return msg_malformed(r->fault, "not a WAMP message: an empty list");
	outcome = n ? msg_read_row(r, &items[0]) : WAMP_MALFORMED;
	if (!outcome)
		outcome = msg_read_fields(r, items + 1, n - 1);
	if (outcome == WAMP_MALFORMED && r->is_cut && r->row)
		return msg_malformed(r->fault, "%s (%d): expected %s at byte %zu", r->row->name,
				     (int)r->row->type, error->expected, error->offset + 1);
	if (outcome == WAMP_MALFORMED && r->is_cut)
		return msg_malformed(r->fault, "not a WAMP message: expected %s at byte %zu",
				     error->expected, error->offset + 1);
	return outcome;
}

int wamp_parse(struct wamp_msg *ret, struct slice text, struct arena *arena,
	       struct wamp_fault *ret_fault)
{
	struct scan_value items[MSG_MAX_ELEMENTS];
	struct msg_reading r = {.arena = arena, .fault = ret_fault};
	struct scan_error error;
	size_t n;
	int outcome = scan_array(text, SCAN_LENIENT, items, MSG_MAX_ELEMENTS, &n, &error);

	ret_fault->text[0] = '\0';
	r.is_cut = outcome && outcome != SCAN_TOO_MANY;
	if (r.is_cut && n)
		n = msg_count_whole(text, items, n, &error);
	outcome = msg_read(&r, items, n, &error);
	if (outcome)
		return outcome;
	r.is_undecodable = (r.is_undecodable || r.is_cut) && msg_has_payload(r.row);
	/* Half a payload is none. */
	if (r.is_undecodable)
		r.msg.args = r.msg.kwargs = SCAN_VALUE_NONE;
	*ret = r.msg;
	return r.is_undecodable ? WAMP_UNDECODABLE : 0;
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
