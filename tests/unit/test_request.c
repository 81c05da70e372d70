/* SPDX-License-Identifier: MIT */

/*
 * Requests: what each op may and must have, and what a line at fault is told
 *
 * Every line is copied to memory of exactly its size, so that the address
 * sanitizer sees a byte read too far.
 */

#include "local/request.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define assert_slice(s, literal)                                                                   \
	do {                                                                                       \
		struct slice got_ = (s);                                                           \
		assert_int_equal(got_.len, sizeof(literal) - 1);                                   \
		assert_memory_equal(got_.ptr, literal, sizeof(literal) - 1);                       \
	} while (0)

/* A parsed line, alive until the next one. */
struct parsed {
	char *copy;
	struct arena arena;
	struct request request;
	struct request_fault fault;
};

static void parsed_done(struct parsed *p)
{
	p->copy = mem_free(p->copy);
	arena_done(&p->arena);
}

static bool parse(struct parsed *p, struct slice line)
{
	parsed_done(p);
	p->copy = mem_realloc(NULL, line.len ? line.len : 1);
	assert_non_null(p->copy);
	if (line.len)
		memcpy(p->copy, line.ptr, line.len);
	/* Nothing may be left from the line before. */
	memset(&p->request, 0xaa, sizeof(p->request));
	memset(&p->fault, 0xaa, sizeof(p->fault));
	return request_parse(&p->request, (struct slice){p->copy, line.len}, 7, &p->arena,
			     &p->fault);
}

static void expect_good(const char *line)
{
	struct parsed p = {0};

	if (!parse(&p, slice_of(line)))
		fail_msg("%s: %s", line, p.fault.message);
	assert_int_equal(p.request.line, 7);
	parsed_done(&p);
}

/* id is the token that the error echoes, or NULL for none. */
static void expect_fault(struct slice line, enum error_code code, const char *id,
			 const char *message)
{
	struct parsed p = {0};

	if (parse(&p, line))
		fail_msg("%.*s passes", SLICE_ARG(line));
	if (p.fault.code != code || (message && strcmp(p.fault.message, message) != 0))
		fail_msg("%.*s: %s: %s", SLICE_ARG(line), error_kind(p.fault.code)->code,
			 p.fault.message);
	if (!id != (p.fault.id.type == SCAN_ABSENT))
		fail_msg("%.*s: an id is %s", SLICE_ARG(line), id ? "missing" : "echoed");
	if (id)
		assert_true(slice_is(scan_token(&p.fault.id), id));
	parsed_done(&p);
}

/* ---- which members ---- */

/* A good value and bad ones for each member; a request may have all of one op's at once. */
static const struct {
	const char *name, *good, *wanted;
	const char *bad[8];
} member_samples[] = {
#define ID_WANTED "a string of 1 to 64 bytes or an integer from 0 to 2^53"
	{"id", "5", NULL, {NULL}},
	{"ack", "true", "true or false", {"1", "\"true\"", "null", "[]"}},
	{"args", "[1]", "an array", {"{\"a\":1}", "\"[]\"", "null", "1"}},
	{"exclude_me", "false", "true or false", {"0", "\"\"", "null", "{}"}},
	{"inv",
	 "9007199254740992",
	 "an integer from 0 to 2^53",
	 {"9007199254740993", "-1", "1.5", "1e-1", "\"1\"", "null", "1e16"}},
	{"kwargs", "{\"a\":1}", "an object", {"[1]", "\"{}\"", "null", "1"}},
	{"message", "\"m\"", "a string", {"1", "null", "[\"m\"]"}},
	{"name", "\"n\"", "a string", {"1", "null", "{}"}},
	{"procedure", "\"com.a\"", "a string", {"1", "null", "[]"}},
	{"proto",
	 "[1,0]",
	 "[major,minor]",
	 {"1", "[1]", "[1,0,0]", "[1.5,0]", "[\"1\",0]", "[1,-1]", "null", "[]"}},
	{"registration", "\"r\"", ID_WANTED, {"\"\"", "null", "1.5", "-1", "[]"}},
	{"session", "\"s\"", "a string", {"1", "null", "true"}},
	{"subscription", "0", ID_WANTED, {"\"\"", "null", "1e30", "{}"}},
	{"timeout", "0", "an integer from 0 to 2^53", {"-5", "0.5", "\"5\"", "null", "true"}},
	{"topic", "\"com.t\"", "a string", {"1", "null", "{}"}},
	{"uri", "\"com.e\"", "a string", {"1", "null", "[]"}},
	{"watch", "\"w\"", ID_WANTED, {"\"\"", "null", "9007199254740993"}},
	{"what", "\"sessions\"", "a string", {"1", "null", "[]"}},
};

static const struct {
	enum op op;
	const char *name, *required, *allowed; /* beside op; separated by a space */
} op_samples[] = {
	{OP_HELLO, "hello", "", "id proto name session"},
	{OP_CALL, "call", "id procedure", "args kwargs timeout session"},
	{OP_RESULT, "result", "inv", "args kwargs"},
	{OP_ERROR, "error", "inv", "uri message args kwargs"},
	{OP_REGISTER, "register", "id procedure", "session"},
	{OP_UNREGISTER, "unregister", "registration", "id"},
	{OP_PUBLISH, "publish", "topic", "id args kwargs ack exclude_me session"},
	{OP_SUBSCRIBE, "subscribe", "id topic", "session"},
	{OP_UNSUBSCRIBE, "unsubscribe", "subscription", "id"},
	{OP_WATCH, "watch", "id", "session"},
	{OP_UNWATCH, "unwatch", "watch", "id"},
	{OP_PING, "ping", "", "id"},
	{OP_STATUS, "status", "id", ""},
	{OP_LIST, "list", "id what", ""},
	{OP_BYE, "bye", "", "id"},
};

static bool is_listed(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = names; (p = strstr(p, name)); p += n)
		if ((p == names || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/* A line of the op with its required members but one, and one member more with a value. */
static const char *compose(char *to, size_t size, size_t op, const char *without, const char *more,
			   const char *value)
{
	int n = snprintf(to, size, "{\"op\":\"%s\"", op_samples[op].name);

	for (size_t i = 0; i < ARRAY_SIZE(member_samples); i++) {
		const char *name = member_samples[i].name;
		bool is_more = more && strcmp(name, more) == 0;

		if (is_more || (is_listed(op_samples[op].required, name) &&
				!(without && strcmp(name, without) == 0)))
			n += snprintf(to + n, size - (size_t)n, ",\"%s\":%s", name,
				      is_more ? value : member_samples[i].good);
	}
	snprintf(to + n, size - (size_t)n, "}");
	return to;
}

static const char *id_of(size_t op, const char *more)
{
	return is_listed(op_samples[op].required, "id") || strcmp(more, "id") == 0 ? "5" : NULL;
}

static void each_op_takes_its_members_and_no_other(void **state)
{
	char line[400], message[200];

	(void)state;
	assert_int_equal(ARRAY_SIZE(op_samples), OP_COUNT);
	assert_int_equal(ARRAY_SIZE(member_samples), MEMBER_COUNT - 1);
	for (size_t op = 0; op < ARRAY_SIZE(op_samples); op++) {
		expect_good(compose(line, sizeof(line), op, NULL, NULL, NULL));
		assert_string_equal(op_name(op_samples[op].op), op_samples[op].name);
		for (size_t i = 0; i < ARRAY_SIZE(member_samples); i++) {
			const char *name = member_samples[i].name;

			compose(line, sizeof(line), op, NULL, name, member_samples[i].good);
			if (is_listed(op_samples[op].allowed, name) ||
			    is_listed(op_samples[op].required, name)) {
				expect_good(line);
				continue;
			}
			snprintf(message, sizeof(message), "op \"%s\" has no member \"%s\"",
				 op_samples[op].name, name);
			expect_fault(slice_of(line), ERROR_UNKNOWN_MEMBER, id_of(op, name),
				     message);
		}
	}
}

static void each_op_is_told_apart_and_given_its_values(void **state)
{
	struct parsed p = {0};
	char line[400];

	(void)state;
	for (size_t op = 0; op < ARRAY_SIZE(op_samples); op++) {
		compose(line, sizeof(line), op, NULL, NULL, NULL);
		assert_true(parse(&p, slice_of(line)));
		assert_int_equal(p.request.op, op_samples[op].op);
		assert_int_equal(request_has(&p.request, MEMBER_ID),
				 is_listed(op_samples[op].required, "id"));
		assert_int_equal(request_has(&p.request, MEMBER_INV),
				 is_listed(op_samples[op].required, "inv"));
		assert_int_equal(request_has(&p.request, MEMBER_TOPIC),
				 is_listed(op_samples[op].required, "topic"));
		assert_false(request_has(&p.request, MEMBER_ARGS));
	}
	parsed_done(&p);
}

static void what_is_required_is_named_when_missing(void **state)
{
	char line[400], message[200];

	(void)state;
	for (size_t op = 0; op < ARRAY_SIZE(op_samples); op++)
		for (size_t i = 0; i < ARRAY_SIZE(member_samples); i++) {
			const char *name = member_samples[i].name;
			bool is_id = strcmp(name, "id") == 0;

			if (!is_listed(op_samples[op].required, name))
				continue;
			compose(line, sizeof(line), op, name, NULL, NULL);
			snprintf(message, sizeof(message),
				 is_id ? "op \"%s\" needs an \"%s\"" : "op \"%s\" needs \"%s\"",
				 op_samples[op].name, name);
			expect_fault(slice_of(line), is_id ? ERROR_ID_REQUIRED : ERROR_BAD_MESSAGE,
				     is_id ? NULL : id_of(op, name), message);
		}
}

static void a_mistyped_member_is_named_with_what_it_must_be(void **state)
{
	char line[400], message[200];

	(void)state;
	for (size_t op = 0; op < ARRAY_SIZE(op_samples); op++)
		for (size_t i = 1; i < ARRAY_SIZE(member_samples); i++) {
			const char *name = member_samples[i].name;

			if (!is_listed(op_samples[op].required, name) &&
			    !is_listed(op_samples[op].allowed, name))
				continue;
			snprintf(message, sizeof(message), "\"%s\" must be %s", name,
				 member_samples[i].wanted);
			for (size_t k = 0; k < 8 && member_samples[i].bad[k]; k++) {
				compose(line, sizeof(line), op, NULL, name,
					member_samples[i].bad[k]);
				expect_fault(slice_of(line), ERROR_BAD_MESSAGE, id_of(op, name),
					     message);
			}
		}
}

/* ---- ids ---- */

#define TEN	  "0123456789"
#define SIXTY	  TEN TEN TEN TEN TEN TEN
#define ESCAPED_8 "\\u0041\\u0042\\u0043\\u0044\\u0045\\u0046\\u0047\\u0048"

/* protocol §5: a string of 1 to 64 bytes or an integer 0 to 2^53 */
static void ids_have_two_forms(void **state)
{
	static const char *const good[] = {
		"0",
		"1",
		"9007199254740992",
		"-0",
		"1.0",
		"1e0",
		"9.007199254740992E15",
		"\"a\"",
		"\" \"",
		"\"" SIXTY "1234\"",
		"\"\\u00e9\\n\"",
		"\"" ESCAPED_8 ESCAPED_8 ESCAPED_8 ESCAPED_8 ESCAPED_8 ESCAPED_8 ESCAPED_8 ESCAPED_8
		"\"",
		"\"\\ud83d\\ude00\"",
		"\"\\u0000\"",
	};
	static const char *const bad[] = {
		"-1",
		"1.5",
		"1e-1",
		"9.007199254740993e15",
		/* what is echoed verbatim has an end, too */
		"1.0000000000000000000000000000000000000000000000000000000000000000",
		"9007199254740993",
		"18446744073709551616",
		"null",
		"true",
		"[]",
		"{}",
		"[1]",
		"\"\"",
		"\"" SIXTY "12345\"",
		"\"" SIXTY "12\\u20ac\"",
	};
	char line[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(line, sizeof(line), "{\"op\":\"ping\",\"id\":%s}", good[i]);
		expect_good(line);
		/* Any other fault is answered with the id as it was spelled. */
		snprintf(line, sizeof(line), "{\"op\":\"ping\",\"args\":[],\"id\":%s}", good[i]);
		expect_fault(slice_of(line), ERROR_UNKNOWN_MEMBER, good[i], NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "{\"op\":\"ping\",\"id\":%s}", bad[i]);
		expect_fault(slice_of(line), ERROR_BAD_MESSAGE, NULL, "\"id\" must be " ID_WANTED);
		snprintf(line, sizeof(line), "{\"id\":%s,\"op\":\"frob\"}", bad[i]);
		expect_fault(slice_of(line), ERROR_BAD_MESSAGE, NULL, "\"id\" must be " ID_WANTED);
	}
}

/* ---- faults ---- */

/* protocol §17.9, word for word */
static void faults_say_what_the_protocol_shows(void **state)
{
	(void)state;
	expect_fault(SLICE("{oops"), ERROR_BAD_JSON, NULL, "expected string at byte 2");
	expect_fault(SLICE("{\"op\":\"call\",\"procedure\":\"com.example.add2\"}"),
		     ERROR_ID_REQUIRED, NULL, "op \"call\" needs an \"id\"");
	expect_fault(
		SLICE("{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.add2\",\"timout\":5}"),
		ERROR_UNKNOWN_MEMBER, "1", "op \"call\" has no member \"timout\"");
	expect_fault(SLICE("{\"op\":\"frob\",\"id\":2}"), ERROR_UNKNOWN_OP, "2",
		     "unknown op \"frob\"");
}

static void each_fault_has_its_code_and_id(void **state)
{
	static const struct {
		struct slice line;
		enum error_code code;
		const char *id, *message;
	} table[] = {
		{SLICE(""), ERROR_BAD_JSON, NULL, "expected '{' at byte 1"},
		{SLICE("\xef\xbb\xbf{\"op\":\"ping\",\"id\":1}"), ERROR_BAD_JSON, NULL,
		 "the line begins with a byte order mark: send UTF-8 without one"},
		{SLICE("\xff\xfe{\0\"\0o\0"), ERROR_BAD_JSON, NULL,
		 "the line begins with a byte order mark and is UTF-16: send UTF-8 without one"},
		{SLICE("\xfe\xff\0{\0\""), ERROR_BAD_JSON, NULL,
		 "the line begins with a byte order mark and is UTF-16: send UTF-8 without one"},
		{SLICE("[]"), ERROR_BAD_JSON, NULL, "expected '{' at byte 1"},
		{SLICE("{\"op\":\"ping\",\"id\":1"), ERROR_BAD_JSON, NULL,
		 "expected ',' or '}' at byte 20"},
		{SLICE("{\"op\":\"ping\"} x"), ERROR_BAD_JSON, NULL,
		 "expected nothing behind the value at byte 15"},
		{SLICE("{\"id\":1,\"op\":\"\xff\"}"), ERROR_BAD_UTF8, NULL,
		 "expected valid UTF-8 at byte 15"},
		{SLICE("{\"id\":1,\"op\":\"\\ud800\"}"), ERROR_BAD_UTF8, NULL,
		 "expected a pair of surrogates at byte 15"},
		{SLICE("{\"id\":1,\0"), ERROR_BAD_UTF8, NULL, "expected no NUL byte at byte 9"},
		{SLICE("{\"id\":1,\"op\":\"call\",\"args\":[1e400]}"), ERROR_BAD_MESSAGE, "1",
		 "number at byte 29 is beyond the range of a double"},
		{SLICE("{}"), ERROR_BAD_MESSAGE, NULL, "member \"op\" is missing"},
		{SLICE("{\"id\":3}"), ERROR_BAD_MESSAGE, "3", "member \"op\" is missing"},
		{SLICE("{\"id\":3,\"op\":5}"), ERROR_BAD_MESSAGE, "3", "\"op\" must be a string"},
		{SLICE("{\"id\":3,\"op\":\"\"}"), ERROR_UNKNOWN_OP, "3", "unknown op \"\""},
		{SLICE("{\"id\":3,\"op\":\"Ping\"}"), ERROR_UNKNOWN_OP, "3", "unknown op \"Ping\""},
		{SLICE("{\"id\":3,\"op\":\"pin\"}"), ERROR_UNKNOWN_OP, "3", "unknown op \"pin\""},
		{SLICE("{\"id\":3,\"op\":\"pings\"}"), ERROR_UNKNOWN_OP, "3",
		 "unknown op \"pings\""},
		{SLICE("{\"id\":3,\"op\":\"cancel\"}"), ERROR_UNKNOWN_OP, "3",
		 "unknown op \"cancel\""},
		{SLICE("{\"id\":3,\"op\":\"ping\",\"ID\":1}"), ERROR_UNKNOWN_MEMBER, "3",
		 "op \"ping\" has no member \"ID\""},
		{SLICE("{\"id\":3,\"op\":\"ping\",\"\":1}"), ERROR_UNKNOWN_MEMBER, "3",
		 "op \"ping\" has no member \"\""},
		{SLICE("{\"id\":3,\"op\":\"ping\",\"__x\":1}"), ERROR_UNKNOWN_MEMBER, "3",
		 "op \"ping\" has no member \"__x\""},
		{SLICE("{\"id\":3,\"op\":\"ping\",\"X-a\":1}"), ERROR_UNKNOWN_MEMBER, "3",
		 "op \"ping\" has no member \"X-a\""},
		/* §2.5: twice; an id that stands twice is no id to answer with (§5) */
		{SLICE("{\"op\":\"ping\",\"id\":3,\"op\":\"ping\"}"), ERROR_BAD_MESSAGE, "3",
		 "member \"op\" stands twice"},
		{SLICE("{\"op\":\"ping\",\"id\":3,\"id\":4}"), ERROR_BAD_MESSAGE, NULL,
		 "member \"id\" stands twice"},
		{SLICE("{\"op\":\"ping\",\"id\":3,\"\\u0069\\u0064\":3}"), ERROR_BAD_MESSAGE, NULL,
		 "member \"id\" stands twice"},
		{SLICE("{\"op\":\"ping\",\"id\":[],\"op\":1}"), ERROR_BAD_MESSAGE, NULL,
		 "member \"op\" stands twice"},
		{SLICE("{\"op\":\"ping\",\"x-a\":1,\"id\":3,\"x-a\":1}"), ERROR_BAD_MESSAGE, "3",
		 "member \"x-a\" stands twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		expect_fault(table[i].line, table[i].code, table[i].id, table[i].message);
}

static void members_of_downstream_programs_are_ignored(void **state)
{
	char line[4000];
	int n;

	(void)state;
	expect_good("{\"op\":\"ping\",\"x-\":null,\"x-trace\":{\"a\":[1]},\"\\u0078-b\":1}");
	n = snprintf(line, sizeof(line), "{\"op\":\"ping\",\"id\":3");
	for (int i = 0; i < 46; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ",\"x-%d\":1", i);
	snprintf(line + n, sizeof(line) - (size_t)n, "}");
	expect_good(line);
	snprintf(line + n, sizeof(line) - (size_t)n, ",\"x-y\":1}");
	expect_fault(slice_of(line), ERROR_BAD_MESSAGE, "3", "more than 48 members");
}

static void long_names_are_cut_in_messages(void **state)
{
	struct parsed p = {0};
	char line[2000];
	int n = snprintf(line, sizeof(line), "{\"op\":\"");

	(void)state;
	for (int i = 0; i < 200; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "\xe2\x82\xac");
	snprintf(line + n, sizeof(line) - (size_t)n, "\"}");
	assert_false(parse(&p, slice_of(line)));
	/* 21 whole characters of three bytes. */
	assert_int_equal(strlen(p.fault.message), strlen("unknown op \"\"") + 63);
	parsed_done(&p);
}

static void long_texts_have_their_limit(void **state)
{
	static const struct {
		const char *before, *behind;
		size_t max;
	} table[] = {
		{"{\"op\":\"hello\",\"name\":\"", "\"}", 64},
		{"{\"op\":\"hello\",\"session\":\"", "\"}", 64},
		{"{\"op\":\"call\",\"id\":1,\"procedure\":\"", "\"}", 1024},
		{"{\"op\":\"publish\",\"topic\":\"", "\"}", 1024},
		{"{\"op\":\"error\",\"inv\":1,\"uri\":\"", "\"}", 1024},
		{"{\"op\":\"error\",\"inv\":1,\"message\":\"", "\"}", 65536},
		{"{\"op\":\"list\",\"id\":1,\"what\":\"", "\"}", 64},
	};
	static char line[70000];
	struct parsed p = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		for (size_t over = 0; over < 2; over++) {
			size_t n = strlen(table[i].before), len = table[i].max + over;

			memcpy(line, table[i].before, n);
			memset(line + n, 'x', len);
			memcpy(line + n + len, table[i].behind, strlen(table[i].behind) + 1);
			assert_int_equal(parse(&p, slice_of(line)), !over);
			if (over)
				assert_non_null(
					strstr(p.fault.message, "must be a shorter string"));
			/* What counts is what it says, not how it is spelled. */
			memcpy(line + n, "\\u0041", 6);
			memcpy(line + n + 6 + len - 1, table[i].behind,
			       strlen(table[i].behind) + 1);
			memset(line + n + 6, 'x', len - 1);
			assert_int_equal(parse(&p, slice_of(line)), !over);
		}
	parsed_done(&p);
}

static void a_line_cut_anywhere_is_bad_json(void **state)
{
	struct slice line = SLICE("{\"op\":\"call\",\"id\":\"a\\n\",\"procedure\":\"x\",\"args\":"
				  "[1.5,{\"k\":[]}],\"kwargs\":{},\"timeout\":5,\"x-y\":null}");
	struct parsed p = {0};

	(void)state;
	for (size_t n = 0; n < line.len; n++) {
		assert_false(parse(&p, (struct slice){line.ptr, n}));
		assert_int_equal(p.fault.code, ERROR_BAD_JSON);
		assert_int_equal(p.fault.id.type, SCAN_ABSENT);
	}
	assert_true(parse(&p, line));
	parsed_done(&p);
}

/* ---- values ---- */

/* One number has many spellings, and a word has more; a writer of JSON chooses. */
static void a_line_means_the_same_however_it_is_spelled(void **state)
{
	struct arena arena = {0};
	struct request r;
	struct request_fault fault;

	(void)state;
	assert_true(request_parse(&r,
				  SLICE("{\"\\u006fp\":\"c\\u0061ll\",\"i\\u0064\":1e0,"
					"\"proce\\u0064ure\":\"com.\\u0061.b\",\"timeout\":1.5E+3,"
					"\"\\u0078-more\":1}"),
				  1, &arena, &fault));
	assert_int_equal(r.op, OP_CALL);
	assert_true(slice_is(scan_token(&r.members[MEMBER_ID]), "1e0"));
	assert_true(slice_is(request_text(&r, MEMBER_PROCEDURE), "com.a.b"));
	assert_int_equal(request_u64(&r, MEMBER_TIMEOUT, 0), 1500);
	assert_true(
		request_parse(&r, SLICE("{\"op\":\"result\",\"inv\":12.0}"), 1, &arena, &fault));
	assert_int_equal(request_u64(&r, MEMBER_INV, 0), 12);
	arena_done(&arena);
}

/* PHP and Lua know one empty container, and write it as they like. */
static void an_empty_container_of_the_other_kind_is_absent(void **state)
{
	struct arena arena = {0};
	struct request r;
	struct request_fault fault;

	(void)state;
	assert_true(request_parse(&r,
				  SLICE("{\"op\":\"publish\",\"topic\":\"a.b\",\"args\":{ },"
					"\"kwargs\":[]}"),
				  1, &arena, &fault));
	assert_false(request_has(&r, MEMBER_ARGS));
	assert_false(request_has(&r, MEMBER_KWARGS));
	arena_done(&arena);
}

static void values_are_read_with_their_defaults(void **state)
{
	struct parsed p = {0};

	(void)state;
	assert_true(
		parse(&p, SLICE("{\"op\":\"publish\",\"topic\":\"c\\u006fm.t\",\"ack\":false}")));
	assert_slice(request_text(&p.request, MEMBER_TOPIC), "com.t");
	assert_slice(scan_token(&p.request.members[MEMBER_TOPIC]), "\"c\\u006fm.t\"");
	assert_null(request_text(&p.request, MEMBER_SESSION).ptr);
	assert_false(request_bool(&p.request, MEMBER_ACK, true));
	assert_true(request_bool(&p.request, MEMBER_EXCLUDE_ME, true));
	assert_false(request_bool(&p.request, MEMBER_EXCLUDE_ME, false));
	assert_true(parse(&p, SLICE(" { \"op\" : \"call\" , \"id\" : 1 , \"procedure\" : \"\" , "
				    "\"timeout\" : 1500 , \"args\" : [ 1 ] } ")));
	assert_int_equal(request_u64(&p.request, MEMBER_TIMEOUT, 3), 1500);
	assert_int_equal(request_u64(&p.request, MEMBER_INV, 3), 3);
	assert_slice(request_text(&p.request, MEMBER_PROCEDURE), "");
	assert_non_null(request_text(&p.request, MEMBER_PROCEDURE).ptr);
	assert_slice(scan_token(&p.request.members[MEMBER_ARGS]), "[ 1 ]");
	assert_int_equal(p.request.members[MEMBER_ARGS].flags, SCAN_SPACED);
	parsed_done(&p);
}

static void without_memory_an_escaped_text_is_absent(void **state)
{
	struct parsed p = {0};

	(void)state;
	assert_true(parse(&p, SLICE("{\"op\":\"publish\",\"topic\":\"\\u0061\"}")));
	arena_done(&p.arena);
	mem_fail_after(0);
	assert_null(request_text(&p.request, MEMBER_TOPIC).ptr);
	mem_fail_after(-1);
	parsed_done(&p);
}

/* ---- the catalogue ---- */

static void every_error_has_a_code_of_its_own_and_a_uri(void **state)
{
	(void)state;
	for (enum error_code a = 0; a < ERROR_COUNT; a++) {
		assert_true(error_kind(a)->code[0]);
		assert_true(error_kind(a)->meaning[0]);
		assert_int_equal(error_kind(a)->uri[0] != 0, a != ERROR_APP);
		for (enum error_code b = 0; b < a; b++) {
			assert_string_not_equal(error_kind(a)->code, error_kind(b)->code);
			assert_string_not_equal(error_kind(a)->uri, error_kind(b)->uri);
		}
	}
}

static void uris_of_routers_are_known_by_their_code(void **state)
{
	(void)state;
	assert_int_equal(error_from_uri(SLICE("wamp.error.no_such_procedure")),
			 ERROR_NO_SUCH_PROCEDURE);
	assert_int_equal(error_from_uri(SLICE("wamp.error.canceled")), ERROR_CANCELED);
	assert_int_equal(error_from_uri(SLICE("wamp.error.payload_size_exceeded")),
			 ERROR_PAYLOAD_TOO_LARGE);
	assert_int_equal(error_from_uri(SLICE("crossbar.error.max_concurrency_reached")),
			 ERROR_MAX_CONCURRENCY);
	assert_int_equal(error_from_uri(SLICE("wamp.error.option_disallowed.disclose_me")),
			 ERROR_DISCLOSE_ME);
	/* No program may speak for the daemon. */
	assert_int_equal(error_from_uri(SLICE("wampbridge.error.internal")), ERROR_APP);
	assert_int_equal(error_from_uri(SLICE("wamp.error.runtime_error")), ERROR_APP);
	assert_int_equal(error_from_uri(SLICE("com.example.error")), ERROR_APP);
	assert_int_equal(error_from_uri(SLICE("")), ERROR_APP);
	assert_int_equal(error_from_uri(SLICE_NONE), ERROR_APP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_op_takes_its_members_and_no_other),
		cmocka_unit_test(each_op_is_told_apart_and_given_its_values),
		cmocka_unit_test(what_is_required_is_named_when_missing),
		cmocka_unit_test(a_mistyped_member_is_named_with_what_it_must_be),
		cmocka_unit_test(ids_have_two_forms),
		cmocka_unit_test(faults_say_what_the_protocol_shows),
		cmocka_unit_test(each_fault_has_its_code_and_id),
		cmocka_unit_test(members_of_downstream_programs_are_ignored),
		cmocka_unit_test(long_names_are_cut_in_messages),
		cmocka_unit_test(long_texts_have_their_limit),
		cmocka_unit_test(a_line_cut_anywhere_is_bad_json),
		cmocka_unit_test(a_line_means_the_same_however_it_is_spelled),
		cmocka_unit_test(an_empty_container_of_the_other_kind_is_absent),
		cmocka_unit_test(values_are_read_with_their_defaults),
		cmocka_unit_test(without_memory_an_escaped_text_is_absent),
		cmocka_unit_test(every_error_has_a_code_of_its_own_and_a_uri),
		cmocka_unit_test(uris_of_routers_are_known_by_their_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
