/* SPDX-License-Identifier: MIT */

/*
 * A local connection as a machine: the lines that go out, whole or not at all
 */

#include "local/reply.h"

#include "base/mem.h"
#include "codec/emit.h"
#include "test_peer_start.h"

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
		"{\"op\":\"error\",\"line\":2,\"code\":\"internal\",\"uri\":"
		"\"wampbridge.error.internal\",\"message\":\"\xef\xbf\xbd\",\"origin\":"
		"\"daemon\",\"retry\":true}\n"
		"{\"op\":\"error\",\"line\":2,\"code\":\"too_"
		"many_requests\",\"uri\":"
		"\"wampbridge.error.too_many_requests\","
		"\"message\":\"limit max_inflight of 1024 is "
		"reached\",\"origin\":\"daemon\",\"retry\":"
		"true,\"limit\":{\"name\":\"max_inflight\","
		"\"value\":1024}}\n"
		"{\"op\":\"error\",\"line\":2,\"code\":\"too_"
		"many_registrations\",\"uri\":"
		"\"wampbridge.error.too_many_registrations\","
		"\"message\":\"limit max_registrations of "
		"5 is "
		"reached\",\"origin\":\"daemon\",\"retry\":"
		"true,\"limit\":{"
		"\"name\":\"max_registrations\","
		"\"value\":5}}\n"
		"{\"op\":\"error\",\"id\":7,\"code\":\"app\","
		"\"uri\":\"\",\"message\":\"5\","
		"\"origin\":\"daemon\",\"retry\":false}\n");
	peer_done(&p);
}

/* Every writer of an error asks the one column; where it depends, the caller writes it. */
static void retry_is_told_as_the_catalogue_says(void **state)
{
	static const char member[] = ",\"retry\":true";
	struct reply_to to = {SLICE("7"), 0};
	struct peer p;

	(void)state;
	start(&p);
	for (enum error_code code = 0; code < ERROR_COUNT; code++) {
		bool is_told = error_kind(code)->retry == ERROR_RETRY;

		reply_error(&p, to, code, "x");
		assert_int_equal(strstr(output(&p), member) != NULL, is_told);
		(void)reply_begin_error(&p, to, code, "x");
		reply_end(&p, to);
		assert_int_equal(strstr(output(&p), member) != NULL, is_told);
		reply_limit(&p, to, code, "max_x", 1);
		assert_int_equal(strstr(output(&p), member) != NULL, is_told);
	}
	assert_int_equal(error_kind(ERROR_SHUTTING_DOWN)->retry, ERROR_RETRY);
	assert_int_equal(error_kind(ERROR_BAD_MESSAGE)->retry, ERROR_FINAL);
	assert_int_equal(error_kind(ERROR_SESSION_LOST)->retry, ERROR_FINAL);
	assert_int_equal(error_kind(ERROR_SESSION_FAILED)->retry, ERROR_DEPENDS);
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
	assert_string_equal(
		output(&p),
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
	outq_consume(&p.out, 1);
	peer_drained(&p, 1);
	assert_true(peer_is_choked(&p));
	outq_consume(&p.out, n - 8193);
	peer_drained(&p, n - 8193);
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

static void a_shared_line_that_cannot_be_queued_ends_the_peer(void **state)
{
	char bytes[1000];
	struct block *tail;
	struct peer p;

	(void)state;
	memset(bytes, 'y', sizeof(bytes));
	tail = block_new((struct slice){bytes, sizeof(bytes)}, SLICE("\n"));
	start(&p);
	emit_literal(peer_begin(&p), "{");
	mem_fail_after(0);
	(void)peer_end_shared(&p, tail);
	mem_fail_after(-1);
	assert_int_equal(p.state, PEER_GONE);
	assert_int_equal(tail->n_refs, 1);
	block_unref(tail);
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
	assert_true(outq_len(&p.out) <= 2 * limits.output_hard_limit + 2 * limits.max_line);
	assert_int_equal(outq_len(&p.out), p.n_undrained);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_name_the_id_as_it_was_spelled_or_the_line),
		cmocka_unit_test(retry_is_told_as_the_catalogue_says),
		cmocka_unit_test(a_reply_that_is_too_long_becomes_payload_too_large),
		cmocka_unit_test(an_error_always_fits_a_line),
		cmocka_unit_test(a_push_that_is_too_long_is_taken_back),
		cmocka_unit_test(unread_replies_stop_reading_and_pushes_do_not),
		cmocka_unit_test(bye_is_the_last_line),
		cmocka_unit_test(a_line_that_cannot_be_written_ends_the_peer_at_a_border),
		cmocka_unit_test(a_shared_line_that_cannot_be_queued_ends_the_peer),
		cmocka_unit_test(what_waits_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
