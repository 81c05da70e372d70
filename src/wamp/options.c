/* SPDX-License-Identifier: MIT */

/*
 * WAMP options: the table, a lenient reader and a strict check
 */

#include "wamp/options.h"

#include "codec/items.h"

/* Of a dict that goes out; more is told as that. */
#define OPTIONS_MAX_MEMBERS 64

/* A name without escapes and the longest in the table with nothing but escapes. */
#define OPTIONS_MAX_NAME (6 * SCAN_MAX_WORD)

enum options_type {
	OPTION_BOOL,
	OPTION_INTEGER, /* 0 and up */
	OPTION_ID,	/* 1 ... 2^53 */
	OPTION_STRING,
	OPTION_MATCH,
	OPTION_INVOKE,
	OPTION_MODE,
	OPTION_IDS,	/* list of ids */
	OPTION_STRINGS, /* list of strings */
};

struct options_row {
	const char *name;
	enum options_type type;
	bool owned; /* set by the daemon itself; a program uses the member of that name */
	enum wamp_type messages[7]; /* where it may stand */
};

#define PAYLOAD_MESSAGES                                                                           \
	{                                                                                          \
		WAMP_CALL, WAMP_PUBLISH, WAMP_YIELD, WAMP_ERROR, WAMP_EVENT, WAMP_INVOCATION,      \
			WAMP_RESULT                                                                \
	}

static const struct options_row options_table[] = {
	{"acknowledge", OPTION_BOOL, true, {WAMP_PUBLISH}},
	{"exclude_me", OPTION_BOOL, true, {WAMP_PUBLISH}},
	{"retain", OPTION_BOOL, true, {WAMP_PUBLISH}},
	{"disclose_me", OPTION_BOOL, false, {WAMP_PUBLISH, WAMP_CALL}},
	{"exclude", OPTION_IDS, false, {WAMP_PUBLISH}},
	{"exclude_authid", OPTION_STRINGS, false, {WAMP_PUBLISH}},
	{"exclude_authrole", OPTION_STRINGS, false, {WAMP_PUBLISH}},
	{"eligible", OPTION_IDS, false, {WAMP_PUBLISH}},
	{"eligible_authid", OPTION_STRINGS, false, {WAMP_PUBLISH}},
	{"eligible_authrole", OPTION_STRINGS, false, {WAMP_PUBLISH}},
	{"match", OPTION_MATCH, true, {WAMP_SUBSCRIBE, WAMP_REGISTER}},
	{"get_retained", OPTION_BOOL, true, {WAMP_SUBSCRIBE}},
	{"invoke", OPTION_INVOKE, true, {WAMP_REGISTER}},
	{"disclose_caller", OPTION_BOOL, false, {WAMP_REGISTER}},
	{"forward_timeout", OPTION_BOOL, false, {WAMP_REGISTER}},
	{"concurrency", OPTION_ID, false, {WAMP_REGISTER}},
	{"force_reregister", OPTION_BOOL, false, {WAMP_REGISTER}},
	{"timeout", OPTION_INTEGER, true, {WAMP_CALL, WAMP_INVOCATION}},
	{"receive_progress", OPTION_BOOL, true, {WAMP_CALL, WAMP_INVOCATION}},
	{"progress", OPTION_BOOL, true, {WAMP_CALL, WAMP_INVOCATION, WAMP_YIELD, WAMP_RESULT}},
	{"sticky", OPTION_BOOL, false, {WAMP_CALL}},
	{"rkey", OPTION_STRING, false, {WAMP_CALL, WAMP_PUBLISH}},
	{"runmode", OPTION_STRING, false, {WAMP_CALL}},
	{"mode", OPTION_MODE, true, {WAMP_CANCEL, WAMP_INTERRUPT}},
	{"caller", OPTION_ID, true, {WAMP_INVOCATION}},
	{"procedure", OPTION_STRING, true, {WAMP_INVOCATION}},
	{"publisher", OPTION_ID, true, {WAMP_EVENT}},
	{"topic", OPTION_STRING, true, {WAMP_EVENT}},
	{"retained", OPTION_BOOL, true, {WAMP_EVENT}},
	{"reason", OPTION_STRING, true, {WAMP_INTERRUPT, WAMP_UNREGISTERED, WAMP_UNSUBSCRIBED}},
	{"registration", OPTION_ID, true, {WAMP_UNREGISTERED}},
	{"subscription", OPTION_ID, true, {WAMP_UNSUBSCRIBED}},
	{"message", OPTION_STRING, true, {WAMP_ABORT, WAMP_GOODBYE}},
	{"ppt_scheme", OPTION_STRING, false, PAYLOAD_MESSAGES},
	{"ppt_serializer", OPTION_STRING, false, PAYLOAD_MESSAGES},
	{"ppt_cipher", OPTION_STRING, false, PAYLOAD_MESSAGES},
	{"ppt_keyid", OPTION_STRING, false, PAYLOAD_MESSAGES},
	{"enc_algo", OPTION_STRING, false, PAYLOAD_MESSAGES},
	{"enc_key", OPTION_STRING, false, PAYLOAD_MESSAGES},
	{"enc_serializer", OPTION_STRING, false, PAYLOAD_MESSAGES},
};

static const char *const options_matches[] = {"exact", "prefix", "wildcard", NULL};
static const char *const options_invokes[] = {"single", "roundrobin", "random",
					      "first",	"last",	      NULL};
static const char *const options_modes[] = {"skip", "kill", "killnowait", NULL};

static const struct options_row *options_find(enum wamp_type type, struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(options_table); i++) {
		const struct options_row *row = &options_table[i];

		if (!slice_is(name, row->name))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(row->messages) && row->messages[k]; k++)
			if (row->messages[k] == type)
				return row;
	}
	return NULL;
}

/* The index of a word in a list, or -1. */
static int options_word(const char *const *words, const struct scan_value *v)
{
	for (int i = 0; words[i]; i++)
		if (scan_is(v, words[i]))
			return i;
	return -1;
}

/* Of any length: a limit of ours would be told as a wrong type. */
static bool options_is_list(const struct scan_value *v, bool of_ids)
{
	struct scan_value name, item;
	struct items items;
	uint64_t id;

	if (v->type != SCAN_ARRAY)
		return false;
	items = items_of(v);
	while (items_next(&items, &name, &item))
		if (of_ids ? !scan_u64(&item, WAMP_MAX_ID, &id) || !id : item.type != SCAN_STRING)
			return false;
	return true;
}

static bool options_type_is_right(enum options_type type, const struct scan_value *v)
{
	uint64_t n;

	switch (type) {
	case OPTION_BOOL:
		return v->type == SCAN_TRUE || v->type == SCAN_FALSE;
	case OPTION_INTEGER:
		return scan_u64(v, WAMP_MAX_ID, &n);
	case OPTION_ID:
		return scan_u64(v, WAMP_MAX_ID, &n) && n;
	case OPTION_STRING:
		return v->type == SCAN_STRING;
	case OPTION_MATCH:
		return options_word(options_matches, v) >= 0;
	case OPTION_INVOKE:
		return options_word(options_invokes, v) >= 0;
	case OPTION_MODE:
		return options_word(options_modes, v) >= 0;
	case OPTION_IDS:
		return options_is_list(v, true);
	case OPTION_STRINGS:
		return options_is_list(v, false);
	}
	return false;
}

/* ---- checking what goes out ---- */

/* Names of other implementations' attributes (WAMP 2.3.3: _x…; Crossbar: x_…). */
static bool options_is_custom(struct slice name)
{
	return slice_starts_with(name, SLICE("_")) || slice_starts_with(name, SLICE("x_"));
}

/* A router in Python takes 1.0 for another type than 1: integers go out spelled as such. */
static bool options_is_plain(const struct scan_value *v)
{
	struct scan_value name, item;
	struct items items;

	if (v->type == SCAN_REAL || (v->type == SCAN_INTEGER && v->text[0] == '-'))
		return false;
	if (v->type != SCAN_ARRAY)
		return true;
	items = items_of(v);
	while (items_next(&items, &name, &item))
		if (item.type == SCAN_REAL)
			return false;
	return true;
}

/* 0 or what is wrong with one member. */
static int options_check_member(enum wamp_type type, const struct scan_member *m)
{
	const struct options_row *row = options_find(type, m->name);

	if (!row)
		return options_is_custom(m->name) ? 0 : WAMP_OPTIONS_UNKNOWN;
	if (row->owned)
		return WAMP_OPTIONS_OWNED;
	return options_type_is_right(row->type, &m->value) && options_is_plain(&m->value)
		       ? 0
		       : WAMP_OPTIONS_TYPE;
}

int wamp_options_check(enum wamp_type type, const struct scan_value *dict, struct arena *arena,
		       struct slice *ret_name)
{
	struct scan_member members[OPTIONS_MAX_MEMBERS];
	struct scan_names names; /* a decoded name lives here, so that it must not leave */
	struct scan_error error;
	size_t n;
	int r;

	*ret_name = SLICE_NONE;
	if (dict->type != SCAN_OBJECT)
		return WAMP_OPTIONS_TYPE;
	r = scan_object(scan_token(dict), SCAN_STRICT, &names, members, OPTIONS_MAX_MEMBERS, &n,
			&error);
	if (r)
		return r == SCAN_TOO_MANY ? WAMP_OPTIONS_TOO_MANY : WAMP_OPTIONS_TYPE;
	for (size_t i = 0; i < n; i++) {
		char *to;

		r = options_check_member(type, &members[i]);
		to = r ? arena_alloc(arena, members[i].name.len) : NULL;

		if (!r)
			continue;
		if (to)
			*ret_name =
				(struct slice){memcpy(to, members[i].name.ptr, members[i].name.len),
					       members[i].name.len};
		return r;
	}
	return 0;
}

/* ---- reading what comes in ---- */

static struct slice options_text(const struct scan_value *v, struct arena *arena)
{
	char *to;

	if (!(v->flags & SCAN_ESCAPED))
		return scan_raw(v);
	to = arena_alloc(arena, scan_raw(v).len);
	if (!to)
		return SLICE_NONE;
	return (struct slice){to, scan_decode(v, to)};
}

static void options_take(struct wamp_options *o, struct slice name, const struct scan_value *v,
			 struct arena *arena)
{
	const struct {
		const char *name;
		bool *boolean;
		uint64_t *number;
		struct slice *text;
	} targets[] = {
		{"acknowledge", &o->acknowledge, NULL, NULL},
		{"exclude_me", &o->exclude_me, NULL, NULL},
		{"progress", &o->progress, NULL, NULL},
		{"receive_progress", &o->receive_progress, NULL, NULL},
		{"retained", &o->retained, NULL, NULL},
		{"timeout", NULL, &o->timeout_ms, NULL},
		{"caller", NULL, &o->caller, NULL},
		{"publisher", NULL, &o->publisher, NULL},
		{"registration", NULL, &o->registration, NULL},
		{"subscription", NULL, &o->subscription, NULL},
		{"procedure", NULL, NULL, &o->procedure},
		{"topic", NULL, NULL, &o->topic},
		{"mode", NULL, NULL, &o->mode},
		{"reason", NULL, NULL, &o->reason},
		{"message", NULL, NULL, &o->message},
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		if (!slice_is(name, targets[i].name))
			continue;
		if (targets[i].boolean)
			*targets[i].boolean = v->type == SCAN_TRUE;
		else if (targets[i].number)
			(void)scan_u64(v, WAMP_MAX_ID, targets[i].number);
		else
			*targets[i].text = options_text(v, arena);
		return;
	}
	if (slice_is(name, "match"))
		o->match = (enum wamp_match)options_word(options_matches, v);
	else if (slice_is(name, "invoke"))
		o->invoke = (enum wamp_invoke)options_word(options_invokes, v);
	else if (slice_starts_with(name, SLICE("ppt_")) || slice_starts_with(name, SLICE("enc_")))
		o->is_foreign = true;
}

/* A member's name as it reads; one that is too long is none in the table. */
static struct slice options_name(const struct scan_value *name, char to[OPTIONS_MAX_NAME])
{
	if (!(name->flags & SCAN_ESCAPED))
		return scan_raw(name);
	if (scan_raw(name).len > OPTIONS_MAX_NAME)
		return SLICE_NONE;
	return (struct slice){to, scan_decode(name, to)};
}

void wamp_options_read(struct wamp_options *ret, enum wamp_type type, const struct scan_value *dict,
		       struct arena *arena)
{
	struct scan_value name, v;
	struct items items;

	*ret = (struct wamp_options){.exclude_me = true};
	if (dict->type != SCAN_OBJECT || dict->flags & SCAN_EMPTY)
		return;
	items = items_of(dict);
	while (items_next(&items, &name, &v)) {
		char buffer[OPTIONS_MAX_NAME];
		struct slice text = options_name(&name, buffer);
		const struct options_row *row = options_find(type, text);

		if (row && options_type_is_right(row->type, &v))
			options_take(ret, text, &v, arena);
	}
}
