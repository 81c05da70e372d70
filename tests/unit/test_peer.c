/* SPDX-License-Identifier: MIT */

/*
 * A local connection as a machine: bytes in, requests out
 */

#include "local/peer.h"

#include "base/mem.h"
#include "local/reply.h"
#include "test_peer_start.h"

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
			"{\"op\":\"error\",\"id\":2" FAULT(
				"bad_message",
				"op \\\"call\\\" needs \\\"procedure\\\"") "{\"op\":\"error\","
									   "\"line\":5" FAULT("bad_"
											      "jso"
											      "n",
											      "expe"
											      "cted"
											      " str"
											      "ing "
											      "at "
											      "byte"
											      " "
											      "2"));
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
		"{\"op\":\"error\",\"line\":1" FAULT(
			"bad_json",
			"expected string at byte 2") "{\"op\":\"error\",\"line\":"
						     "2" FAULT(
							     "id_required",
							     "op \\\"call\\\" needs "
							     "an \\\"id\\\"") "{\"op"
									      "\":"
									      "\"erro"
									      "r\","
									      "\"id\""
									      ":"
									      "1" FAULT(
										      "unknown_"
										      "member",
										      "op "
										      "\\\"call\\\""
										      " has no "
										      "member "
										      "\\\"timout\\"
										      "\"") "{\"op"
											    "\":"
											    "\"erro"
											    "r\","
											    "\"id\""
											    ":"
											    "2" FAULT("unknown_op", "unknown op \\\"frob\\\"") "{\"op\":\"error\",\"line\":5" FAULT(
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
	assert_string_equal(output(&p), "{\"op\":\"error\",\"line\":2" FAULT(
						"line_too_long", "line is longer than 4096 bytes"));
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
	assert_int_equal(p.state, PEER_OPEN);
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
	assert_non_null(strstr(
		out,
		"\"line\":16" FAULT(
			"bad_json",
			"expected string at byte 2") "{\"op\":\"bye\",\"code\":\"protocol_error\","
						     "\"message\":\"16 unreadable lines in a "
						     "row\"}\n"));
	assert_null(strstr(out, "\"line\":17"));
	peer_done(&p);
}

static void whatever_makes_a_line_unreadable_counts(void **state)
{
	char long_line[5000];
	struct peer p;

	(void)state;
	memset(long_line, 'x', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = '\n';
	start(&p);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(p.state, PEER_OPEN);
		if (i % 3 == 0)
			feed(&p, "{\"\xff\":1}\n");
		else if (i % 3 == 1)
			feed(&p, "{\n");
		else
			peer_feed(&p, (struct slice){long_line, sizeof(long_line)});
		expect_no_request(&p);
		assert_true(i == 0 || p.n_bad_lines > 1);
	}
	assert_int_equal(p.state, PEER_LEAVING);
	assert_true(p.spoke);
	peer_done(&p);
}

/* protocol §15: a letter begins an inline command, nothing else does. */
static void letters_begin_inline_commands(void **state)
{
	static const char letters[] = "azAZmM", others[] = "@[`{0-\"~";
	char line[] = "? x\n";
	struct peer p;

	(void)state;
	start(&p);
	for (size_t i = 0; i + 1 < sizeof(letters); i++) {
		line[0] = letters[i];
		feed(&p, line);
		expect_no_request(&p);
		assert_non_null(strstr(output(&p), "\"code\":\"feature_off\""));
	}
	for (size_t i = 0; i + 1 < sizeof(others); i++) {
		line[0] = others[i];
		feed(&p, line);
		expect_no_request(&p);
		assert_non_null(strstr(output(&p), "\"code\":\"bad_json\""));
	}
	peer_done(&p);
}

static void requests_leave_no_memory_behind(void **state)
{
	struct users users;
	struct user *user;
	struct peer p;

	(void)state;
	users_init(&users);
	user = users_get(&users, 1000);
	start(&p);
	charge_set(&p.charge, user, USER_CONNECTIONS, 1);
	user_unref(user);
	p.name = mem_strdup("name");
	p.session = mem_strdup("plant");
	for (int i = 0; i < 2000; i++) {
		feed(&p, "{\"op\":\"ping\",\"id\":\"\\u0061\\u0062\\u0063\"}\n");
		expect_request(&p, OP_PING, (uint64_t)i + 1);
	}
	assert_ptr_equal(p.arena.first, p.arena.last);
	peer_done(&p);
	users_done(&users);
}

static void a_line_without_memory_ends_the_peer(void **state)
{
	char rest[1000];
	struct peer p;

	(void)state;
	memset(rest, ' ', sizeof(rest));
	rest[sizeof(rest) - 1] = '\n';
	start(&p);
	feed(&p, "{\"op\":\"ping\"}");
	expect_no_request(&p);
	peer_keep(&p);
	peer_feed(&p, (struct slice){rest, sizeof(rest)});
	mem_fail_after(0);
	expect_no_request(&p);
	mem_fail_after(-1);
	assert_int_equal(p.state, PEER_GONE);
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
			assert_string_equal(output(&p),
					    "{\"op\":\"error\",\"line\":2" FAULT(
						    "bad_json",
						    "unterminated last line is not executed; "
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
	static const char *const rests[] = {"",	   "{\"op\":\"ping\"}\n", "# note", "  ", "\r",
					    "\n\n"};
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_in_line_order_with_their_numbers),
		cmocka_unit_test(requests_may_come_in_any_pieces),
		cmocka_unit_test(a_line_at_fault_is_answered_and_changes_nothing_else),
		cmocka_unit_test(a_line_that_is_too_long_is_skipped_and_told),
		cmocka_unit_test(sixteen_unreadable_lines_in_a_row_end_the_connection),
		cmocka_unit_test(whatever_makes_a_line_unreadable_counts),
		cmocka_unit_test(letters_begin_inline_commands),
		cmocka_unit_test(requests_leave_no_memory_behind),
		cmocka_unit_test(a_line_without_memory_ends_the_peer),
		cmocka_unit_test(a_request_that_is_held_comes_again),
		cmocka_unit_test(without_memory_a_held_line_ends_the_peer),
		cmocka_unit_test(an_unterminated_last_line_is_answered_and_not_executed),
		cmocka_unit_test(an_end_behind_whole_lines_is_silent),
		cmocka_unit_test(a_sixteenth_bad_line_may_be_the_unterminated_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
