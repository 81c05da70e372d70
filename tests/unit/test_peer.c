/* SPDX-License-Identifier: MIT */

/*
 * A local connection as a machine: bytes in, requests and lines out
 */

#include "local/peer.h"

#include "base/mem.h"
#include "codec/emit.h"
#include "local/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

static const struct map_secret secret = {5, 6};
static const struct peer_credentials credentials = {.uid = 1000, .gid = 1000, .pid = 42};
static const struct peer_limits limits = {
	.max_line = 4096,
	.max_inflight = 8,
	.max_registrations = 8,
	.max_subscriptions = 8,
	.subscription_queue = 8,
	.output_soft_limit = 8192,
	.output_hard_limit = 16384,
	.bad_lines = 16,
};

static void start(struct peer *p)
{
	assert_int_equal(peer_init(p, &limits, &secret, &credentials, 1), 0);
}

static void feed(struct peer *p, const char *text)
{
	peer_feed(p, slice_of(text));
}

/* Everything outbound as text; taken out and said to be drained. */
static const char *output(struct peer *p)
{
	static char text[200000];
	struct iovec iov[64];
	size_t n = 0;

	while (outq_len(&p->out)) {
		size_t count = outq_iov(&p->out, iov, ARRAY_SIZE(iov)), before = n;

		for (size_t i = 0; i < count; i++) {
			memcpy(text + n, iov[i].iov_base, iov[i].iov_len);
			n += iov[i].iov_len;
		}
		outq_consume(&p->out, n - before);
	}
	peer_drained(p, n);
	text[n] = '\0';
	return text;
}

static void expect_request(struct peer *p, enum op op, uint64_t line)
{
	struct request r;

	assert_true(peer_next(p, &r));
	assert_int_equal(r.op, op);
	assert_int_equal(r.line, line);
}

static void expect_no_request(struct peer *p)
{
	struct request r;

	assert_false(peer_next(p, &r));
}

#define FAULT(code, message)                                                                       \
	",\"code\":\"" code "\",\"uri\":\"wampbridge.error." code "\",\"message\":\"" message      \
	"\",\"origin\":\"daemon\"}\n"

/* ---- reading ---- */

static void requests_come_in_line_order_with_their_numbers(void **state)
{
	struct peer p;

	(void)state;
	start(&p);
	feed(&p, "{\"op\":\"ping\"}\n\n# note\n  \r\n{\"op\":\"bye\"}\r\n{\"op\":\"list\",");
	expect_request(&p, OP_PING, 1);
	expect_request(&p, OP_BYE, 5);
	expect_no_request(&p);
	peer_keep(&p);
	feed(&p, "\"id\":1,\"what\":\"x\"}\n");
	expect_request(&p, OP_LIST, 6);
	expect_no_request(&p);
	peer_keep(&p);
	assert_string_equal(output(&p), "");
	peer_done(&p);
}

static void requests_may_come_in_any_pieces(void **state)
{
	static const char text[] = "{\"op\":\"ping\",\"id\":1}\n{\"op\":\"call\",\"id\":2}\n"
				   "#\n{\"op\":\"ping\",\"id\":\"\xc3\xa9\"}\r\n{bad\n";
	struct request r;
	struct peer p;

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		size_t n = 0;

		start(&p);
		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t len = sizeof(text) - 1 - at < piece ? sizeof(text) - 1 - at : piece;
			char *lent = mem_strndup(text + at, len);

			peer_feed(&p, (struct slice){lent, len});
			while (peer_next(&p, &r))
				n++;
			peer_keep(&p);
			mem_free(lent);
		}
		assert_int_equal(n, 2);
		assert_string_equal(
			output(&p),
			"{\"op\":\"error\",\"id\":2" FAULT("bad_message",
							   "op \\\"call\\\" needs \\\"procedure\\\"")
			"{\"op\":\"error\",\"line\":5" FAULT("bad_json",
							     "expected string at byte 2"));
		peer_done(&p);
	}
}

/* protocol §17.9, as it goes over the socket */
static void a_line_at_fault_is_answered_and_changes_nothing_else(void **state)
{
	struct peer p;

	(void)state;
	start(&p);
	feed(&p, "{oops\n"
		 "{\"op\":\"call\",\"procedure\":\"com.example.add2\"}\n"
		 "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.example.add2\",\"timout\":5}\n"
		 "{\"op\":\"frob\",\"id\":2}\n"
		 "call com.example.add2 [1,2,3]\n"
		 "{\"op\":\"ping\"}\n");
	expect_request(&p, OP_PING, 6);
	expect_no_request(&p);
	assert_string_equal(
		output(&p),
		"{\"op\":\"error\",\"line\":1" FAULT("bad_json", "expected string at byte 2")
		"{\"op\":\"error\",\"line\":2" FAULT("id_required",
						     "op \\\"call\\\" needs an \\\"id\\\"")
		"{\"op\":\"error\",\"id\":1" FAULT(
			"unknown_member", "op \\\"call\\\" has no member \\\"timout\\\"")
		"{\"op\":\"error\",\"id\":2" FAULT("unknown_op", "unknown op \\\"frob\\\"")
		"{\"op\":\"error\",\"line\":5" FAULT(
			"feature_off",
			"inline commands are not built in; send one JSON object per line"));
	assert_int_equal(p.state, PEER_OPEN);
	peer_done(&p);
}

static void a_line_that_is_too_long_is_skipped_and_told(void **state)
{
	char line[4200];
	struct peer p;

	(void)state;
	start(&p);
	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"op\":\"ping\"}", 13);
	line[4095] = '\n';
	peer_feed(&p, (struct slice){line, 4096});
	expect_request(&p, OP_PING, 1);
	line[4095] = ' ';
	line[4096] = '\n';
	peer_feed(&p, (struct slice){line, 4097});
	expect_no_request(&p);
	peer_keep(&p);
	feed(&p, "{\"op\":\"ping\"}\n");
	expect_request(&p, OP_PING, 3);
	assert_string_equal(output(&p),
			    "{\"op\":\"error\",\"line\":2" FAULT("line_too_long",
								 "line is longer than 4096 bytes"));
	peer_done(&p);
}

/* protocol §10: bad_lines; the 16th is answered, then bye. */
static void sixteen_unreadable_lines_in_a_row_end_the_connection(void **state)
{
	const char *out;
	struct peer p;
	size_t n = 0;

	(void)state;
	start(&p);
	for (int i = 0; i < 15; i++) {
		feed(&p, i % 3 ? "{bad\n" : "\"\xff\n");
		expect_no_request(&p);
	}
	/* One that can be read starts the count anew, even if it is refused. */
	feed(&p, "{\"op\":\"frob\"}\n");
	expect_no_request(&p);
	for (int i = 0; i < 15; i++) {
		feed(&p, "]\n");
		expect_no_request(&p);
	}
	feed(&p, "{\"op\":\"ping\"}\n");
	expect_request(&p, OP_PING, 32);
	(void)output(&p);
	for (int i = 0; i < 15; i++) {
		feed(&p, i & 1 ? "{\"a\":\x01}\n" : "{\n");
		expect_no_request(&p);
	}
	peer_done(&p);

	start(&p);
	feed(&p, "{1\n{2\n{3\n{4\n{5\n{6\n{7\n{8\n{9\n{a\n{b\n{c\n{d\n{e\n{f\n{16\n{17\n"
		 "{\"op\":\"ping\"}\n");
	expect_no_request(&p);
	assert_int_equal(p.state, PEER_LEAVING);
	expect_no_request(&p);
	out = output(&p);
	for (const char *lf = out; (lf = strchr(lf, '\n')); lf++)
		n++;
	assert_int_equal(n, 17);
	assert_non_null(strstr(out, "\"line\":16" FAULT("bad_json", "expected string at byte 2")
			       "{\"op\":\"bye\",\"code\":\"protocol_error\","
			       "\"message\":\"16 unreadable lines in a row\"}\n"));
	assert_null(strstr(out, "\"line\":17"));
	peer_done(&p);
}

static void a_request_that_is_held_comes_again(void **state)
{
	struct request r;
	struct peer p;

	(void)state;
	start(&p);
	for (int round = 0; round < 3; round++) {
		char *lent = mem_strdup("{\"op\":\"call\",\"id\":1,\"procedure\":\"a\\u002eb\"}\n"
					"{\"op\":\"ping\"}\n");

		feed(&p, lent);
		for (int i = 0; i < 3; i++) {
			assert_true(peer_next(&p, &r));
			assert_int_equal(r.op, OP_CALL);
			assert_int_equal(r.line, 1 + 2 * round);
			assert_true(slice_is(request_text(&r, MEMBER_PROCEDURE), "a.b"));
			peer_hold(&p);
			/* The lent bytes go; the held line stays. */
			if (i == 0)
				peer_keep(&p);
			if (i == 0)
				lent = mem_free(lent);
		}
		expect_request(&p, OP_CALL, 1 + 2 * round);
		expect_request(&p, OP_PING, 2 + 2 * round);
		peer_hold(&p);
		expect_request(&p, OP_PING, 2 + 2 * round);
		expect_no_request(&p);
		peer_keep(&p);
	}
	peer_done(&p);
}

static void without_memory_a_held_line_ends_the_peer(void **state)
{
	struct peer p;

	(void)state;
	start(&p);
	feed(&p, "{\"op\":\"ping\"}\n");
	expect_request(&p, OP_PING, 1);
	mem_fail_after(0);
	peer_hold(&p);
	mem_fail_after(-1);
	assert_int_equal(p.state, PEER_GONE);
	expect_no_request(&p);
	peer_done(&p);
	start(&p);
	feed(&p, "{\"op\"");
	mem_fail_after(0);
	peer_keep(&p);
	mem_fail_after(-1);
	assert_int_equal(p.state, PEER_GONE);
	peer_done(&p);
}

/* ---- end of file ---- */

/* protocol §2.7 */
static void an_unterminated_last_line_is_answered_and_not_executed(void **state)
{
	static const char *const rests[] = {"{\"op\":\"ping\"}", "{", "x", " {", "[\r"};
	struct peer p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rests); i++)
		for (int kept = 0; kept < 2; kept++) {
			start(&p);
			feed(&p, "{\"op\":\"ping\"}\n");
			expect_request(&p, OP_PING, 1);
			peer_keep(&p);
			feed(&p, rests[i]);
			expect_no_request(&p);
			if (kept)
				peer_keep(&p);
			peer_end_of_file(&p);
			assert_string_equal(
				output(&p),
				"{\"op\":\"error\",\"line\":2" FAULT(
					"bad_json", "unterminated last line is not executed; "
						    "end it with a line feed"));
			assert_int_equal(p.state, PEER_HALF_CLOSED);
			expect_no_request(&p);
			peer_end_of_file(&p);
			assert_string_equal(output(&p), "");
			peer_done(&p);
		}
}

static void an_end_behind_whole_lines_is_silent(void **state)
{
	static const char *const rests[] = {"", "{\"op\":\"ping\"}\n", "# note", "  ", "\r", "\n\n"};
	struct request r;
	struct peer p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rests); i++) {
		start(&p);
		feed(&p, rests[i]);
		while (peer_next(&p, &r))
			;
		peer_keep(&p);
		peer_end_of_file(&p);
		assert_string_equal(output(&p), "");
		assert_int_equal(p.state, PEER_HALF_CLOSED);
		/* It still gets its answers. */
		reply_ok(&p, (struct reply_to){SLICE("1"), 0});
		assert_string_equal(output(&p), "{\"op\":\"ok\",\"id\":1}\n");
		peer_done(&p);
	}
}

static void a_sixteenth_bad_line_may_be_the_unterminated_one(void **state)
{
	struct peer p;

	(void)state;
	start(&p);
	feed(&p, "{1\n{2\n{3\n{4\n{5\n{6\n{7\n{8\n{9\n{a\n{b\n{c\n{d\n{e\n{f\n{16");
	expect_no_request(&p);
	assert_int_equal(p.state, PEER_OPEN);
	peer_end_of_file(&p);
	assert_int_equal(p.state, PEER_LEAVING);
	assert_non_null(strstr(output(&p), "{\"op\":\"bye\",\"code\":\"protocol_error\""));
	peer_done(&p);
}

/* ---- writing ---- */

static void replies_name_the_id_as_it_was_spelled_or_the_line(void **state)
{
	struct request r;
	struct peer p;
	struct buf *b;

	(void)state;
	start(&p);
	feed(&p, "{\"op\":\"ping\",\"id\":\"\\u0061\"}\n{\"op\":\"ping\"}\n");
	assert_true(peer_next(&p, &r));
	b = reply_begin(&p, "pong", reply_to_request(&r));
	emit_literal(b, ",\"x\":1");
	reply_end(&p, reply_to_request(&r));
	reply_ok(&p, reply_to_request(&r));
	reply_error(&p, reply_to_request(&r), ERROR_NO_SUCH_PROCEDURE, "no \"%s\"\n", "x");
	assert_true(peer_next(&p, &r));
	reply_ok(&p, reply_to_request(&r));
	reply_error(&p, reply_to_request(&r), ERROR_INTERNAL, "%s", "\xff");
	reply_limit(&p, reply_to_request(&r), ERROR_TOO_MANY_REQUESTS, "max_inflight", 1024);
	reply_limit(&p, reply_to_request(&r), ERROR_TOO_MANY_REGISTRATIONS, "max_registrations", 5);
	b = reply_begin_error(&p, (struct reply_to){SLICE("7"), 0}, ERROR_APP, "%d", 5);
	emit_literal(b, ",\"retry\":false");
	reply_end(&p, (struct reply_to){SLICE("7"), 0});
	assert_string_equal(
		output(&p),
		"{\"op\":\"pong\",\"id\":\"\\u0061\",\"x\":1}\n"
		"{\"op\":\"ok\",\"id\":\"\\u0061\"}\n"
		"{\"op\":\"error\",\"id\":\"\\u0061\",\"code\":\"no_such_procedure\",\"uri\":"
		"\"wamp.error.no_such_procedure\",\"message\":\"no \\\"x\\\"\\u000a\",\"origin\":"
		"\"daemon\"}\n"
		"{\"op\":\"error\",\"line\":2" FAULT("internal", "\xef\xbf\xbd")
		"{\"op\":\"error\",\"line\":2,\"code\":\"too_many_requests\",\"uri\":"
		"\"wampbridge.error.too_many_requests\",\"message\":\"limit max_inflight of 1024 is "
		"reached\",\"origin\":\"daemon\",\"retry\":true,\"limit\":{\"name\":\"max_inflight\","
		"\"value\":1024}}\n"
		"{\"op\":\"error\",\"line\":2,\"code\":\"too_many_registrations\",\"uri\":"
		"\"wampbridge.error.too_many_registrations\",\"message\":\"limit max_registrations of "
		"5 is reached\",\"origin\":\"daemon\",\"limit\":{\"name\":\"max_registrations\","
		"\"value\":5}}\n"
		"{\"op\":\"error\",\"id\":7,\"code\":\"app\",\"uri\":\"\",\"message\":\"5\","
		"\"origin\":\"daemon\",\"retry\":false}\n");
	peer_done(&p);
}

static void write_text(struct peer *p, size_t n)
{
	struct buf *b = outq_begin(&p->out);

	for (size_t i = 0; i < n; i++)
		buf_append_char(b, 'x');
}

/* protocol §2.3 */
static void a_reply_that_is_too_long_becomes_payload_too_large(void **state)
{
	struct reply_to to = {SLICE("\"a\""), 0};
	struct peer p;
	size_t overhead = strlen("{\"op\":\"result\",\"id\":\"a\"}\n");

	(void)state;
	start(&p);
	reply_begin(&p, "result", to);
	write_text(&p, 4096 - overhead);
	reply_end(&p, to);
	assert_int_equal(strlen(output(&p)), 4096);
	reply_ok(&p, to);
	reply_begin(&p, "result", to);
	write_text(&p, 4096 - overhead + 1);
	reply_end(&p, to);
	assert_string_equal(output(&p),
			    "{\"op\":\"ok\",\"id\":\"a\"}\n"
			    "{\"op\":\"error\",\"id\":\"a\",\"code\":\"payload_too_large\",\"uri\":"
			    "\"wamp.error.payload_size_exceeded\",\"message\":\"the reply is longer "
			    "than the 4096 bytes of max_line\",\"origin\":\"daemon\"}\n");
	assert_int_equal(p.n_undrained, 0);
	peer_done(&p);
}

/* The longest message of the ugliest text, for the ugliest id, fits the shortest max_line. */
static void an_error_always_fits_a_line(void **state)
{
	char id[400], ugly[600];
	struct peer p;
	size_t n = 0;

	(void)state;
	id[n++] = '"';
	for (int i = 0; i < 64; i++, n += 6)
		memcpy(id + n, "\\u0041", 6);
	id[n++] = '"';
	memset(ugly, 1, sizeof(ugly) - 1);
	ugly[sizeof(ugly) - 1] = '\0';
	start(&p);
	reply_error(&p, (struct reply_to){{id, n}, 0}, ERROR_TOO_MANY_SUBSCRIPTIONS, "%s", ugly);
	n = strlen(output(&p));
	assert_true(n > 3000 && n <= 4096);
	peer_bye(&p, "slow_consumer", true, "%s", ugly);
	assert_int_equal(p.state, PEER_LEAVING);
	peer_done(&p);
}

static void a_push_that_is_too_long_is_taken_back(void **state)
{
	struct block *tail = block_new(SLICE(",\"args\":[]}\n"), SLICE_NONE);
	struct block *big;
	char bytes[4096];
	struct peer p;

	(void)state;
	memset(bytes, 'y', sizeof(bytes));
	big = block_new((struct slice){bytes, 4000}, SLICE("\n"));
	start(&p);
	(void)peer_begin(&p);
	write_text(&p, 4095);
	assert_true(peer_end(&p, PEER_PUSH));
	assert_int_equal(strlen(output(&p)), 4096);
	(void)peer_begin(&p);
	write_text(&p, 4096);
	assert_false(peer_end(&p, PEER_PUSH));
	emit_literal(peer_begin(&p), "{\"op\":\"event\"");
	assert_true(peer_end_shared(&p, tail));
	emit_literal(peer_begin(&p), "{");
	assert_true(peer_end_shared(&p, big));
	assert_int_equal(big->n_refs, 2);
	(void)peer_begin(&p);
	write_text(&p, 96);
	assert_false(peer_end_shared(&p, big));
	assert_int_equal(big->n_refs, 2);
	assert_int_equal(p.n_undrained, strlen("{\"op\":\"event\",\"args\":[]}\n") + 4002);
	assert_int_equal(p.n_undrained, outq_len(&p.out));
	assert_memory_equal(output(&p), "{\"op\":\"event\",\"args\":[]}\n{yyy", 29);
	assert_int_equal(big->n_refs, 1);
	block_unref(tail);
	block_unref(big);
	peer_done(&p);
}

/* protocol §10: undrained replies stop reading, pushes never do. */
static void unread_replies_stop_reading_and_pushes_do_not(void **state)
{
	struct reply_to to = {SLICE("1"), 0};
	struct peer p;
	size_t n;

	(void)state;
	start(&p);
	feed(&p, "{\"op\":\"ping\"}\n{\"op\":\"ping\"}\n{\"op\":\"ping\"}\n");
	for (int i = 0; i < 4; i++) {
		(void)peer_begin(&p);
		write_text(&p, 4000);
		assert_true(peer_end(&p, PEER_PUSH));
	}
	assert_false(peer_is_choked(&p));
	expect_request(&p, OP_PING, 1);
	(void)output(&p);
	for (int i = 0; i < 3; i++) {
		assert_false(peer_is_choked(&p));
		reply_begin(&p, "result", to);
		write_text(&p, 4000);
		reply_end(&p, to);
	}
	assert_true(peer_is_choked(&p));
	expect_no_request(&p);
	n = outq_len(&p.out);
	outq_consume(&p.out, n - 8192);
	peer_drained(&p, n - 8192);
	assert_false(peer_is_choked(&p));
	expect_request(&p, OP_PING, 2);
	(void)output(&p);
	assert_int_equal(p.n_undrained, 0);
	expect_request(&p, OP_PING, 3);
	peer_done(&p);
}

static void bye_is_the_last_line(void **state)
{
	struct block *tail = block_new(SLICE("x}\n"), SLICE_NONE);
	struct reply_to to = {SLICE("1"), 0};
	struct peer p;

	(void)state;
	start(&p);
	feed(&p, "{\"op\":\"ping\"}\n{\"op\":\"ping\"}\n");
	expect_request(&p, OP_PING, 1);
	reply_ok(&p, to);
	peer_bye(&p, "shutting_down", true, "daemon is %s", "stopping");
	assert_int_equal(p.state, PEER_LEAVING);
	reply_ok(&p, to);
	reply_error(&p, to, ERROR_INTERNAL, "late");
	reply_begin(&p, "result", to);
	write_text(&p, 5000);
	reply_end(&p, to);
	(void)peer_begin(&p);
	write_text(&p, 10);
	assert_true(peer_end(&p, PEER_PUSH));
	emit_literal(peer_begin(&p), "{");
	assert_true(peer_end_shared(&p, tail));
	peer_bye(&p, "client", false, "again");
	peer_end_of_file(&p);
	expect_no_request(&p);
	assert_string_equal(output(&p), "{\"op\":\"ok\",\"id\":1}\n"
					"{\"op\":\"bye\",\"code\":\"shutting_down\",\"message\":"
					"\"daemon is stopping\",\"retry\":true}\n");
	block_unref(tail);
	peer_done(&p);
	start(&p);
	peer_bye(&p, "client", false, "goodbye");
	assert_string_equal(output(&p),
			    "{\"op\":\"bye\",\"code\":\"client\",\"message\":\"goodbye\"}\n");
	peer_done(&p);
}

static void a_line_that_cannot_be_written_ends_the_peer_at_a_border(void **state)
{
	struct reply_to to = {SLICE("1"), 0};
	struct peer p;

	(void)state;
	start(&p);
	reply_ok(&p, to);
	mem_fail_after(0);
	reply_begin(&p, "result", to);
	write_text(&p, 3000);
	reply_end(&p, to);
	peer_bye(&p, "client", false, "goodbye");
	mem_fail_after(-1);
	assert_int_equal(p.state, PEER_GONE);
	reply_ok(&p, to);
	assert_string_equal(output(&p), "{\"op\":\"ok\",\"id\":1}\n");
	peer_done(&p);
}

/* A peer that reads nothing is bounded whatever is written to it. */
static void what_waits_is_bounded(void **state)
{
	struct reply_to to = {SLICE("1"), 0};
	struct peer p;

	(void)state;
	start(&p);
	for (int i = 0; i < 20; i++) {
		reply_begin(&p, "result", to);
		write_text(&p, 3000);
		reply_end(&p, to);
	}
	assert_int_equal(p.state, PEER_GONE);
	assert_true(outq_len(&p.out) <= limits.output_hard_limit + 2 * limits.max_line);
	assert_int_equal(outq_len(&p.out), p.n_undrained);
	peer_done(&p);
}

/* ---- ids ---- */

static struct scan_value token(const char *text)
{
	struct scan_error error;
	struct scan_value v;

	assert_int_equal(scan_one(slice_of(text), SCAN_STRICT, &v, &error), 0);
	return v;
}

/* protocol §5: two spellings of one string are one id. */
static void an_id_is_open_once_however_it_is_spelled(void **state)
{
	static const char *const same[][2] = {
		{"\"a\"", "\"\\u0061\""},
		{"\"\xc3\xa9\"", "\"\\u00e9\""},
		{"\"/\"", "\"\\/\""},
		{"\"\\\"\"", "\"\\u0022\""},
		{"7", "7"},
	};
	struct scan_value first, second;
	struct peer_id a = {0}, b = {0};
	struct map ids;

	(void)state;
	map_init(&ids);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		for (int swap = 0; swap < 2; swap++) {
			first = token(same[i][swap]);
			second = token(same[i][!swap]);
			assert_null(peer_id_find(&ids, &secret, &first));
			assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_CALL, &first), 0);
			assert_true(peer_id_is_open(&a));
			assert_ptr_equal(peer_id_find(&ids, &secret, &second), &a);
			assert_int_equal(peer_id_open(&b, &ids, &secret, PEER_ID_CALL, &second),
					 -EEXIST);
			assert_true(slice_is(peer_id_token(&a), same[i][swap]));
			peer_id_close(&a, &ids);
			peer_id_close(&a, &ids);
			assert_false(peer_id_is_open(&a));
		}
	map_done(&ids);
}

static void a_number_and_a_string_are_two_ids(void **state)
{
	struct scan_value number = token("1"), string = token("\"1\""), other = token("\"1\\u0000\"");
	struct peer_id a = {0}, b = {0}, c = {0};
	struct map ids;

	(void)state;
	map_init(&ids);
	assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_WATCH, &number), 0);
	assert_int_equal(peer_id_open(&b, &ids, &secret, PEER_ID_REQUEST, &string), 0);
	assert_int_equal(peer_id_open(&c, &ids, &secret, PEER_ID_REQUEST, &other), 0);
	assert_ptr_equal(peer_id_find(&ids, &secret, &number), &a);
	assert_ptr_equal(peer_id_find(&ids, &secret, &string), &b);
	assert_ptr_equal(peer_id_find(&ids, &secret, &other), &c);
	assert_int_equal(a.kind, PEER_ID_WATCH);
	peer_id_close(&a, &ids);
	peer_id_close(&b, &ids);
	peer_id_close(&c, &ids);
	map_done(&ids);
}

static void the_longest_id_fits_and_one_without_memory_is_not_opened(void **state)
{
	char text[6 * 64 + 3];
	struct scan_value v;
	struct peer_id a = {0};
	struct map ids;

	(void)state;
	map_init(&ids);
	text[0] = '"';
	for (size_t i = 0; i < 64; i++)
		memcpy(text + 1 + 6 * i, "\\u0041", 6);
	memcpy(text + sizeof(text) - 2, "\"", 2);
	v = token(text);
	mem_fail_after(0);
	assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_CALL, &v), -ENOMEM);
	mem_fail_after(-1);
	assert_false(peer_id_is_open(&a));
	assert_int_equal(peer_id_open(&a, &ids, &secret, PEER_ID_CALL, &v), 0);
	assert_int_equal(a.n_key, 66);
	assert_true(slice_is(peer_id_token(&a), text));
	peer_id_close(&a, &ids);
	map_done(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_in_line_order_with_their_numbers),
		cmocka_unit_test(requests_may_come_in_any_pieces),
		cmocka_unit_test(a_line_at_fault_is_answered_and_changes_nothing_else),
		cmocka_unit_test(a_line_that_is_too_long_is_skipped_and_told),
		cmocka_unit_test(sixteen_unreadable_lines_in_a_row_end_the_connection),
		cmocka_unit_test(a_request_that_is_held_comes_again),
		cmocka_unit_test(without_memory_a_held_line_ends_the_peer),
		cmocka_unit_test(an_unterminated_last_line_is_answered_and_not_executed),
		cmocka_unit_test(an_end_behind_whole_lines_is_silent),
		cmocka_unit_test(a_sixteenth_bad_line_may_be_the_unterminated_one),
		cmocka_unit_test(replies_name_the_id_as_it_was_spelled_or_the_line),
		cmocka_unit_test(a_reply_that_is_too_long_becomes_payload_too_large),
		cmocka_unit_test(an_error_always_fits_a_line),
		cmocka_unit_test(a_push_that_is_too_long_is_taken_back),
		cmocka_unit_test(unread_replies_stop_reading_and_pushes_do_not),
		cmocka_unit_test(bye_is_the_last_line),
		cmocka_unit_test(a_line_that_cannot_be_written_ends_the_peer_at_a_border),
		cmocka_unit_test(what_waits_is_bounded),
		cmocka_unit_test(an_id_is_open_once_however_it_is_spelled),
		cmocka_unit_test(a_number_and_a_string_are_two_ids),
		cmocka_unit_test(the_longest_id_fits_and_one_without_memory_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
