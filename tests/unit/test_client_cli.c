/* SPDX-License-Identifier: MIT */

/*
 * wampctl's pure parts: words to JSON, options, lines, exit codes, environment
 *
 * What they tell on stderr is caught, both to be checked and to keep the
 * test's own output readable.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

/* wampctl is in no archive; the daemon's holds only what is below it. */
#include "cli/environment.c"
#include "cli/options.c"
#include "cli/payload.c"
#include "cli/talk.c"
#include "cli/tell.c"
#include "client/client.c"

#include "base/mem.h"

static char said[4096];

static int hear(void)
{
	int saved = dup(STDERR_FILENO), fds[2];

	fflush(stderr);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	/* Kept where end_hearing() finds it. */
	assert_int_equal(dup2(fds[0], 200), 200);
	close(fds[0]);
	return saved;
}

static void end_hearing(int saved)
{
	ssize_t n;

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(200, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(200);
}

/* The value of an expression whose words go to said[]. */
#define HEAR(expression)                                                                           \
	({                                                                                         \
		int saved_ = hear();                                                               \
		int result_ = (expression);                                                        \
		end_hearing(saved_);                                                               \
		result_;                                                                           \
	})

static void expect_text(const struct buf *b, const char *text)
{
	struct slice bytes = buf_bytes(b);

	assert_int_equal(bytes.len, strlen(text));
	if (bytes.len)
		assert_memory_equal(bytes.ptr, text, bytes.len);
}

/* ---- payload ---- */

static void json_keeps_its_text_and_the_rest_becomes_a_string(void **state)
{
	static const char *const words[][2] = {
		{"1", "1"},
		{"0.1", "0.1"},
		{"-0", "-0"},
		{"18446744073709551616", "18446744073709551616"},
		{"1e400", NULL},
		{"-1E+999", NULL},
		{"[1e400]", NULL},
		{"true", "true"},
		{"null", "null"},
		{"True", "\"True\""},
		{"NaN", "\"NaN\""},
		{"text", "\"text\""},
		{"", "\"\""},
		{"two words", "\"two words\""},
		{"\"quoted\"", "\"quoted\""},
		{"\"open", "\"\\\"open\""},
		{"01", "\"01\""},
		{"+1", "\"+1\""},
		{"1 2", "\"1 2\""},
		{" [ 1 , 2.50 ] ", "[1,2.50]"},
		{"{\"b\": 1, \"a\":2, \"b\":3}", "{\"b\":1,\"a\":2,\"b\":3}"},
		{"[1,", "\"[1,\""},
		{"\xc3\xa9", "\"\xc3\xa9\""},
		{"\xe9", NULL},
		{"\"\xe9\"", NULL},
		{"\"\\ud800\"", NULL},
		{"\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\""},
		{"tab\there", "\"tab\\u0009here\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct cli_payload p;
		int r;

		cli_payload_init(&p);
		r = HEAR(cli_payload_add(&p, words[i][0]));
		assert_int_equal(r, words[i][1] ? 0 : EX_DATAERR);
		if (words[i][1])
			expect_text(&p.args, words[i][1]);
		else
			assert_memory_equal(said, "wampctl: ", 9);
		cli_payload_done(&p);
	}
}

static void a_string_is_a_string_whatever_it_looks_like(void **state)
{
	struct cli_payload p;

	(void)state;
	cli_payload_init(&p);
	assert_int_equal(cli_payload_add_string(&p, "5"), 0);
	assert_int_equal(cli_payload_add_string(&p, "{\"a\":1}"), 0);
	assert_int_equal(cli_payload_add(&p, "5"), 0);
	expect_text(&p.args, "\"5\",\"{\\\"a\\\":1}\",5");
	assert_int_equal(HEAR(cli_payload_add_string(&p, "\xff")), EX_DATAERR);
	cli_payload_done(&p);
}

static void keywords_come_one_by_one_and_as_objects(void **state)
{
	struct cli_payload p;
	struct buf b = BUF_INIT(4096);

	(void)state;
	cli_payload_init(&p);
	assert_int_equal(cli_payload_add_object(&p, "{}"), 0);
	assert_int_equal(cli_payload_add_key(&p, "a=1"), 0);
	assert_int_equal(cli_payload_add_object(&p, " { } "), 0);
	assert_int_equal(cli_payload_add_object(&p, "{ \"b\" : 0.10 , \"c\":[]}"), 0);
	assert_int_equal(cli_payload_add_key(&p, "d=x=y"), 0);
	assert_int_equal(cli_payload_add_key(&p, "e\"="), 0);
	cli_payload_emit(&b, &p.args, &p.kwargs);
	expect_text(&b, ",\"kwargs\":{\"a\":1,\"b\":0.10,\"c\":[],\"d\":\"x=y\",\"e\\\"\":\"\"}");
	buf_done(&b);
	cli_payload_done(&p);
}

static void keywords_that_are_none_are_refused(void **state)
{
	struct cli_payload p;

	(void)state;
	cli_payload_init(&p);
	assert_int_equal(HEAR(cli_payload_add_key(&p, "a")), EX_USAGE);
	assert_int_equal(HEAR(cli_payload_add_key(&p, "=1")), EX_USAGE);
	assert_int_equal(HEAR(cli_payload_add_key(&p, "a=1e999")), EX_DATAERR);
	assert_int_equal(HEAR(cli_payload_add_object(&p, "[1]")), EX_DATAERR);
	assert_int_equal(HEAR(cli_payload_add_object(&p, "{\"a\":}")), EX_DATAERR);
	assert_non_null(strstr(said, "byte 6"));
	assert_int_equal(HEAR(cli_payload_add_object(&p, "")), EX_DATAERR);
	cli_payload_done(&p);
}

static void an_empty_payload_has_no_members(void **state)
{
	struct cli_payload p;
	struct buf b = BUF_INIT(4096);

	(void)state;
	cli_payload_init(&p);
	cli_payload_emit(&b, &p.args, &p.kwargs);
	assert_int_equal(buf_len(&b), 0);
	buf_done(&b);
}

static void what_did_not_fit_is_seen_by_who_sends(void **state)
{
	struct buf args = BUF_INIT(4), kwargs = BUF_INIT(4), b = BUF_INIT(4096);

	(void)state;
	buf_append_literal(&args, "12345");
	cli_payload_emit(&b, &args, &kwargs);
	assert_int_equal(b.error, -ENOBUFS);
	buf_done(&b);
	buf_done(&args);
}

/* The contract of exec: one JSON value, other text without its last newline, nothing. */
static void a_commands_output_becomes_a_result(void **state)
{
	static const char *const outputs[][2] = {
		{"", ""},
		{"5\n", "5"},
		{"5", "5"},
		{"\n", "\"\""},
		{"\n\n", "\"\\u000a\""},
		{"text\n", "\"text\""},
		{"text\n\n", "\"text\\u000a\""},
		{"1\n2\n", "\"1\\u000a2\""},
		{"{\n  \"a\": 0.10\n}\n", "{\"a\":0.10}"},
		{"null\n", "null"},
		/* no JSON on the whole, whatever it begins with */
		{"1e999 bytes\n", "\"1e999 bytes\""},
		{"\"\\udc00\" is it", "\"\\\"\\\\udc00\\\" is it\""},
		{"[1,", "\"[1,\""},
		{"{oops}\n", "\"{oops}\""},
		{"gr\xc3\xbc\xc3\x9f\x65\r\n", "\"gr\xc3\xbc\xc3\x9f\x65\\u000d\""},
		{" 5 ", "5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		struct buf b = BUF_INIT(4096);

		assert_null(cli_payload_emit_output(&b, slice_of(outputs[i][0])));
		expect_text(&b, outputs[i][1]);
		buf_done(&b);
	}
}

static void an_output_that_must_not_be_sent_is_never_a_string(void **state)
{
	static const struct {
		struct slice output;
		const char *fault;
	} table[] = {
		{SLICE("1e999\n"), "range of a double"},
		{SLICE("{\"size\":-1e400}"), "range of a double"},
		{SLICE("\"\\udc00\"\n"), "a lone surrogate"},
		{SLICE("[\"caf\\udce9.txt\"]"), "a lone surrogate"},
		{SLICE("[\"\\u0000no base64\"]"), "base64"},
		{SLICE("\xef\xbb\xbf{\"a\":1}\n"), "byte order mark"},
		{SLICE("x\xffy"), "not UTF-8"},
		{SLICE("[\"\xe9\"]"), "not UTF-8"},
		{SLICE("a\0b"), "a NUL byte"},
		{SLICE("\0"), "a NUL byte"},
		{SLICE("[\"a\0b\"]"), "a NUL byte"},
	};
	char deep[400];
	struct buf b = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *fault = cli_payload_emit_output(&b, table[i].output);

		if (!fault || !strstr(fault, table[i].fault))
			fail_msg("row %zu: %s", i, fault ? fault : "none");
	}
	memset(deep, '[', 129);
	memset(deep + 129, ']', 129);
	deep[258] = '\0';
	assert_non_null(strstr(cli_payload_emit_output(&b, slice_of(deep)), "nesting"));
	assert_int_equal(buf_len(&b), 0);
	buf_done(&b);
}

static void an_argument_that_must_not_be_sent_is_never_a_string(void **state)
{
	struct cli_payload p;
	struct buf b = BUF_INIT(4096);
	char deep[400];

	(void)state;
	cli_payload_init(&p);
	memset(deep, '[', 129);
	memset(deep + 129, ']', 129);
	deep[258] = '\0';
	assert_int_equal(HEAR(cli_payload_add(&p, deep)), EX_DATAERR);
	assert_non_null(strstr(said, "nesting"));
	assert_int_equal(cli_payload_add(&p, "1e999 bytes"), 0);
	/* of a line of standard input */
	assert_int_equal(HEAR(cli_payload_emit_word(&b, SLICE("a\0b"))), EX_DATAERR);
	assert_non_null(strstr(said, "a NUL byte"));
	assert_int_equal(HEAR(cli_payload_emit_word(&b, SLICE("\"a\0b\""))), EX_DATAERR);
	assert_non_null(strstr(said, "a NUL byte"));
	buf_done(&b);
	cli_payload_done(&p);
}

static void a_keyword_that_is_given_twice_is_refused(void **state)
{
	struct cli_payload p;

	(void)state;
	cli_payload_init(&p);
	assert_int_equal(cli_payload_add_key(&p, "a=1"), 0);
	assert_int_equal(cli_payload_add_key(&p, "b=2"), 0);
	assert_int_equal(cli_payload_check(&p), 0);
	assert_int_equal(cli_payload_add_object(&p, "{\"\\u0061\":3}"), 0);
	assert_int_equal(HEAR(cli_payload_check(&p)), EX_USAGE);
	assert_non_null(strstr(said, "\"a\" is given twice"));
	cli_payload_done(&p);
}

static void json_on_a_terminal_cannot_steer_it_and_stays_the_same(void **state)
{
	static const char json[] = "{\"a\":\"x\xc2\x9b"
				   "2J\x7f\xc3\xa9\xc2\xa9\"}";
	int master = posix_openpt(O_RDWR | O_NOCTTY), pipes[2];
	FILE *terminal, *file;
	char text[128];
	ssize_t n;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	terminal = fopen(ptsname(master), "we");
	cli_write(terminal, slice_of(json));
	fflush(terminal);
	n = read(master, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, "{\"a\":\"x\\u009b2J\\u007f\xc3\xa9\xc2\xa9\"}");
	fclose(terminal);
	close(master);
	/* What goes to a program is the text as it came. */
	assert_int_equal(pipe(pipes), 0);
	file = fdopen(pipes[1], "w");
	cli_write(file, slice_of(json));
	fclose(file);
	n = read(pipes[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, json);
	close(pipes[0]);
}

/* ---- options ---- */

static const struct cli_verb verb_call = {
	.name = "call", .takes = CLI_TAKES_PAYLOAD, .accepts = "kKstfi"};
static const struct cli_verb verb_subscribe = {
	.name = "subscribe", .takes = CLI_TAKES_WORD, .accepts = "ntf"};
static const struct cli_verb verb_register = {
	.name = "register", .takes = CLI_TAKES_COMMAND, .accepts = "c"};
static const struct cli_verb verb_wait = {
	.name = "wait", .takes = CLI_TAKES_NOTHING, .accepts = "tS"};

/* Parses what is separated by blanks; the words live until the next call. */
static int parse(struct cli_options *o, const struct cli_verb *verb, const char *line)
{
	static char words[512];
	static char *argv[32];
	int argc = 0;

	snprintf(words, sizeof(words), "wampctl%s%s", *line ? " " : "", line);
	for (char *word = words; word; argc++) {
		argv[argc] = word;
		word = strchr(word, ' ');
		if (word)
			*word++ = '\0';
	}
	argv[argc] = NULL;
	return HEAR(cli_options_parse(o, verb, argc, argv));
}

static void expect_refused(const struct cli_verb *verb, const char *line, int result)
{
	struct cli_options o;

	if (parse(&o, verb, line) != result)
		fail_msg("%s %s", verb->name, line);
	assert_memory_equal(said, "wampctl: ", 9);
	cli_options_done(&o);
}

static void options_and_arguments_may_be_mixed(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(
		parse(&o, &verb_call, "1 -k a=1 2 --full --kwargs={\"b\":2} -s 3 --timeout 1.5 4"),
		0);
	assert_string_equal(o.word, "1");
	expect_text(&o.payload.args, "2,\"3\",4");
	expect_text(&o.payload.kwargs, "\"a\":1,\"b\":2");
	assert_int_equal(o.timeout_ms, 1500);
	assert_true(o.full);
	assert_false(o.ack);
	cli_options_done(&o);
}

static void a_negative_number_is_an_argument(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(parse(&o, &verb_call, "a.b -1 -0.5 -k x=-2 -3"), 0);
	expect_text(&o.payload.args, "-1,-0.5,-3");
	cli_options_done(&o);
}

static void behind_two_dashes_there_are_only_arguments(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(parse(&o, &verb_call, "--full -- a.b --full -k -- -5"), 0);
	assert_string_equal(o.word, "a.b");
	expect_text(&o.payload.args, "\"--full\",\"-k\",\"--\",-5");
	cli_options_done(&o);
}

static void a_command_starts_behind_the_first_two_dashes(void **state)
{
	static const char *const lines[] = {"--concurrency 3 a.b -- sh -c --help -- x",
					    "a.b --concurrency 3 -- sh -c --help -- x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct cli_options o;

		assert_int_equal(parse(&o, &verb_register, lines[i]), 0);
		assert_string_equal(o.word, "a.b");
		assert_int_equal(o.count, 3);
		assert_false(o.help);
		assert_string_equal(o.command[0], "sh");
		assert_string_equal(o.command[2], "--help");
		assert_string_equal(o.command[4], "x");
		assert_null(o.command[5]);
		cli_options_done(&o);
	}
}

static void help_needs_nothing_else(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(parse(&o, &verb_call, "--help"), 0);
	assert_true(o.help);
	assert_int_equal(parse(&o, &verb_register, "-h a b c"), 0);
	assert_true(o.help);
	assert_int_equal(parse(&o, &verb_wait, "--session x --help"), 0);
	assert_true(o.help);
}

static void what_a_command_does_not_take_is_refused(void **state)
{
	(void)state;
	expect_refused(&verb_call, "", EX_USAGE);
	expect_refused(&verb_call, "a --frob", EX_USAGE);
	expect_refused(&verb_call, "a --ack", EX_USAGE);
	assert_non_null(strstr(said, "--ack"));
	assert_non_null(strstr(said, "wampctl call --help"));
	expect_refused(&verb_call, "a -k", EX_USAGE);
	expect_refused(&verb_call, "a --stdin b", EX_USAGE);
	expect_refused(&verb_call, "a 1e400 --timeout 5", EX_DATAERR);
	expect_refused(&verb_subscribe, "", EX_USAGE);
	expect_refused(&verb_subscribe, "a b", EX_USAGE);
	expect_refused(&verb_wait, "a", EX_USAGE);
	expect_refused(&verb_register, "a", EX_USAGE);
	expect_refused(&verb_register, "a --", EX_USAGE);
	expect_refused(&verb_register, "-- sh", EX_USAGE);
	expect_refused(&verb_register, "a b -- sh", EX_USAGE);
}

static void numbers_have_bounds(void **state)
{
	static const char *const timeouts[] = {"-1",  "x",	 "",	 "1s",	   "nan",
					       "inf", "2000001", "1e99", "0.0001", "1e-9",
					       "0x5", "+5",	 "1e1",	 "0x1p3"};
	static const char *const counts[] = {
		"0", "-1", "1.5", "x", "", "1000000001", "99999999999999999999"};
	struct cli_options o;
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		snprintf(line, sizeof(line), "a --timeout %s", timeouts[i]);
		expect_refused(&verb_subscribe, line, EX_USAGE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		snprintf(line, sizeof(line), "a --count %s", counts[i]);
		expect_refused(&verb_subscribe, line, EX_USAGE);
	}
	assert_int_equal(parse(&o, &verb_subscribe, "a --timeout 2000000 --count 1000000000"), 0);
	assert_int_equal(o.timeout_ms, 2000000000);
	assert_int_equal(o.count, 1000000000);
	cli_options_done(&o);
}

/* ---- lines ---- */

static struct cli_line line_of(const char *text)
{
	struct cli_line line = {.text = slice_of(text)};

	assert_int_equal(cli_line_parse(&line), 0);
	return line;
}

static void members_are_found_and_decoded(void **state)
{
	struct cli_line line = line_of("{\"op\":\"x\",\"n\":12.50,\"t\":true,\"f\":false,"
				       "\"s\":\"a\\u00e9\\n\",\"o\":{\"in\":1}}");
	struct cli_line inner;
	char text[8];

	(void)state;
	assert_true(cli_line_is(&line, "op", "x"));
	assert_false(cli_line_is(&line, "op", "y"));
	assert_false(cli_line_is(&line, "n", "12.50"));
	assert_false(cli_line_is(&line, "absent", ""));
	assert_true(cli_line_is_true(&line, "t"));
	assert_false(cli_line_is_true(&line, "f"));
	assert_false(cli_line_is_true(&line, "absent"));
	assert_string_equal(cli_line_text(&line, "n", text, sizeof(text)), "12.50");
	assert_string_equal(cli_line_text(&line, "absent", text, sizeof(text)), "");
	assert_string_equal(cli_line_text(&line, "s", text, sizeof(text)), "");
	assert_true(cli_line_inner(&line, "o", &inner));
	assert_non_null(cli_line_find(&inner, "in"));
	assert_false(cli_line_inner(&line, "op", &inner));
	assert_false(cli_line_inner(&line, "absent", &inner));
}

static void a_text_is_decoded_if_there_is_room_for_its_token(void **state)
{
	struct cli_line line = line_of("{\"s\":\"a\\u00e9\"}");
	char text[10];

	(void)state;
	assert_string_equal(cli_line_text(&line, "s", text, 10), "a\xc3\xa9");
	assert_string_equal(cli_line_text(&line, "s", text, 9), "");
}

static void what_is_no_object_is_no_line(void **state)
{
	struct cli_line line = {.text = SLICE("[]")};

	(void)state;
	assert_int_not_equal(cli_line_parse(&line), 0);
	assert_int_equal(line.n, 0);
}

static void each_error_has_its_exit_code(void **state)
{
	static const struct {
		const char *line;
		int exit;
	} errors[] = {
		{"{\"code\":\"app\",\"uri\":\"com.example.e\"}", 1},
		{"{\"code\":\"no_such_procedure\"}", 1},
		{"{\"code\":\"session_lost\",\"retry\":false}", 1},
		{"{}", 1},
		{"{\"code\":\"invalid_uri\"}", 65},
		{"{\"code\":\"line_too_long\",\"line\":2}", 65},
		{"{\"code\":\"not_joined\",\"retry\":true}", 75},
		{"{\"code\":\"unknown_op\"}", 76},
		{"{\"code\":\"proto_version\"}", 76},
		{"{\"code\":\"denied\"}", 77},
		{"{\"code\":\"not_authorized\"}", 77},
		{"{\"code\":\"timeout\"}", 124},
		{"{\"code\":\"timeout\",\"retry\":true}", 124},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct cli_line line = line_of(errors[i].line);

		assert_int_equal(HEAR(cli_print_error(&line)), errors[i].exit);
		assert_memory_equal(said, errors[i].line, strlen(errors[i].line));
		assert_string_equal(said + strlen(errors[i].line), "\n");
	}
}

static void nothing_told_can_steer_a_terminal(void **state)
{
	struct cli_line line = line_of("{\"state\":\"failed\",\"error\":{\"message\":"
				       "\"held by \\u001b[31m\\n\\u009b\\u00e9\"}}");

	(void)state;
	(void)HEAR((cli_tell_state("a.\x1b", &line), 0));
	assert_string_equal(said, "wampctl: a.? is failed: held by ?[31m???\xc3\xa9\n");
}

static void a_long_text_is_cut(void **state)
{
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	(void)HEAR((cli_tell("%.*s", (int)sizeof(text), text), 0));
	assert_in_range(strlen(said), 1000, 1100);
}

/* ---- environment ---- */

static bool has(const struct environment *e, const char *variable)
{
	size_t n = 0;

	for (size_t i = 0; e->all[i]; i++)
		n += strcmp(e->all[i], variable) == 0;
	return n == 1;
}

static size_t count(const struct environment *e)
{
	size_t n = 0;

	while (e->all[n])
		n++;
	return n;
}

static const char invocation[] =
	"{\"op\":\"invocation\",\"inv\":1,\"args\":[],\"kwargs\":{\"a\":0.10},\"timeout\":500,"
	"\"caller\":{\"session\":9007199254740991,\"authid\":\"j\\u00f6\",\"authrole\":\"user\"}}";

static void a_command_is_told_what_the_invocation_says(void **state)
{
	char *inherited[] = {(char *)"HOME=/x", (char *)"WAMP=1", NULL};
	struct cli_line line = line_of(invocation);
	struct environment e;

	(void)state;
	assert_int_equal(environment_init(&e, "a.b", &line, inherited), 0);
	assert_true(has(&e, "WAMP_PROCEDURE=a.b"));
	assert_true(has(&e, "WAMP_KWARGS={\"a\":0.10}"));
	assert_true(has(&e, "WAMP_TIMEOUT_MS=500"));
	assert_true(has(&e, "WAMP_CALLER=9007199254740991"));
	assert_true(has(&e, "WAMP_CALLER_AUTHID=j\xc3\xb6"));
	assert_true(has(&e, "WAMP_CALLER_AUTHROLE=user"));
	assert_true(has(&e, "HOME=/x"));
	assert_true(has(&e, "WAMP=1"));
	assert_int_equal(count(&e), 8);
	environment_done(&e);
}

static void what_a_variable_cannot_hold_is_not_cut(void **state)
{
	static const char *const callers[] = {
		"{\"kwargs\":{},\"caller\":{\"session\":1,\"authid\":\"root\\u0000x\"}}",
		"{\"kwargs\":{},\"caller\":{\"session\":1,\"authid\":\"caf\\udce9\"}}",
		"{\"kwargs\":{},\"caller\":{\"session\":1,\"authrole\":\"\\u0000AA==\"}}",
	};
	char *inherited[] = {NULL};
	char longer[ENVIRONMENT_MAX_VALUE + 100];
	struct environment e;
	struct cli_line line;
	int n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		line = line_of(callers[i]);
		assert_int_equal(environment_init(&e, "a.b", &line, inherited), ENVIRONMENT_UNFIT);
		environment_done(&e);
	}
	n = snprintf(longer, sizeof(longer), "{\"kwargs\":{},\"caller\":{\"authid\":\"%05000d\"}}",
		     0);
	line = line_of(longer);
	assert_int_equal(environment_init(&e, "a.b", &line, inherited), 0);
	assert_int_equal(strlen(e.own[2]), strlen("WAMP_CALLER_AUTHID=") + 5000);
	environment_done(&e);
	n = snprintf(longer, sizeof(longer), "{\"kwargs\":{},\"caller\":{\"authid\":\"%016383d\"}}",
		     0);
	assert_true(n > ENVIRONMENT_MAX_VALUE);
	line = line_of(longer);
	assert_int_equal(environment_init(&e, "a.b", &line, inherited), ENVIRONMENT_UNFIT);
	environment_done(&e);
}

static void nothing_of_another_call_is_inherited(void **state)
{
	char *inherited[] = {(char *)"WAMP_CALLER=1",	 (char *)"WAMP_TIMEOUT_MS=5",
			     (char *)"WAMP_KWARGS={}",	 (char *)"WAMP_TOPIC=t",
			     (char *)"WAMP_CALLER_X=y",	 (char *)"WAMP_CALLER_AUTHID=me",
			     (char *)"WAMP_PROCEDURE=z", NULL};
	struct cli_line line = line_of("{\"kwargs\":{}}");
	struct environment e;

	(void)state;
	assert_int_equal(environment_init(&e, "a.b", &line, inherited), 0);
	assert_true(has(&e, "WAMP_PROCEDURE=a.b"));
	assert_true(has(&e, "WAMP_KWARGS={}"));
	assert_true(has(&e, "WAMP_CALLER_X=y"));
	assert_int_equal(count(&e), 3);
	environment_done(&e);
}

static void without_memory_there_is_no_environment(void **state)
{
	char *inherited[] = {(char *)"HOME=/x", NULL};
	struct cli_line line = line_of(invocation);
	struct environment e;
	int r = -ENOMEM;

	(void)state;
	for (long n = 0; r == -ENOMEM; n++) {
		assert_in_range(n, 0, 7);
		mem_fail_after(n);
		r = environment_init(&e, "a.b", &line, inherited);
		mem_fail_after(-1);
		environment_done(&e);
	}
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_keeps_its_text_and_the_rest_becomes_a_string),
		cmocka_unit_test(a_string_is_a_string_whatever_it_looks_like),
		cmocka_unit_test(keywords_come_one_by_one_and_as_objects),
		cmocka_unit_test(keywords_that_are_none_are_refused),
		cmocka_unit_test(an_empty_payload_has_no_members),
		cmocka_unit_test(what_did_not_fit_is_seen_by_who_sends),
		cmocka_unit_test(a_commands_output_becomes_a_result),
		cmocka_unit_test(an_output_that_must_not_be_sent_is_never_a_string),
		cmocka_unit_test(an_argument_that_must_not_be_sent_is_never_a_string),
		cmocka_unit_test(a_keyword_that_is_given_twice_is_refused),
		cmocka_unit_test(json_on_a_terminal_cannot_steer_it_and_stays_the_same),
		cmocka_unit_test(options_and_arguments_may_be_mixed),
		cmocka_unit_test(a_negative_number_is_an_argument),
		cmocka_unit_test(behind_two_dashes_there_are_only_arguments),
		cmocka_unit_test(a_command_starts_behind_the_first_two_dashes),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(what_a_command_does_not_take_is_refused),
		cmocka_unit_test(numbers_have_bounds),
		cmocka_unit_test(members_are_found_and_decoded),
		cmocka_unit_test(a_text_is_decoded_if_there_is_room_for_its_token),
		cmocka_unit_test(what_is_no_object_is_no_line),
		cmocka_unit_test(each_error_has_its_exit_code),
		cmocka_unit_test(nothing_told_can_steer_a_terminal),
		cmocka_unit_test(a_long_text_is_cut),
		cmocka_unit_test(a_command_is_told_what_the_invocation_says),
		cmocka_unit_test(what_a_variable_cannot_hold_is_not_cut),
		cmocka_unit_test(nothing_of_another_call_is_inherited),
		cmocka_unit_test(without_memory_there_is_no_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
