/* SPDX-License-Identifier: MIT */

/*
 * An established WebSocket: messages both ways, pings, the ends
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

/* ---- scripts ---- */

static void script_echo(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_serve(server, fd, true, true);
}

static void script_note(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_serve(server, fd, false, true);
}

static void script_never_answer(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_serve(server, fd, false, false);
}

/* Reads nothing until the client has gone. */
static void script_stuck(struct server *server, int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLRDHUP};

	server_upgrade(server, fd, "chat.json");
	while (poll(&pollfd, 1, 50) >= 0 && !(pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		if (!server->running)
			return;
}

static void script_fragments(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x01, "one ", 4);
	server_send(fd, 0x89, "p", 1);
	server_send(fd, 0x00, "", 0);
	server_send(fd, 0x00, "two ", 4);
	server_send(fd, 0x8a, "", 0);
	server_send(fd, 0x80, "three", 5);
	server_send(fd, 0x81, "", 0);
	server_send(fd, 0x81, ".", 1);
	server_serve(server, fd, false, true);
}

/* The answer and the first frames in one segment, then a frame byte by byte. */
static void script_coalesced(struct server *server, int fd)
{
	char bytes[1024];
	size_t n;

	server_read_request(server, fd);
	n = server_answer(server, "chat.json", bytes, sizeof(bytes));
	memcpy(bytes + n, "\x81\x01" "a" "\x81\x01" "b", 6);
	server_write(fd, bytes, n + 6);
	for (const char *p = "\x81\x05" "cdefg"; *p; p++) {
		usleep(2000);
		server_write(fd, p, 1);
	}
	server_serve(server, fd, false, true);
}

/* ---- tools ---- */

static void act_close(struct client *client)
{
	ws_close(client->ws);
	ws_close(client->ws);
}

static void act_kill(struct client *client)
{
	ws_kill(client->ws);
	ws_kill(client->ws);
}

static void act_close_after_echo(struct client *client)
{
	if (client->n_received >= client->options.max_message)
		ws_close(client->ws);
}

static char *pattern(size_t n)
{
	char *bytes = malloc(n + 1);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(' ' + (x >> 24) % 90);
	}
	return bytes;
}

/* ---- messages ---- */

static void a_message_comes_back(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_echo);
	client_init(&client, "127.0.0.1", server.port);
	client.act_message = act_close;
	client_queue(&client, "[1,\"x\"]", 7);
	client_open(&client);
	client_run_until_over(&client);
	client_done(&client);
	server_join(&server);
	assert_int_equal(client.n_open, 1);
	assert_int_equal(client.n_messages, 1);
	assert_int_equal(server.n_bytes, 7);
	assert_memory_equal(server.bytes, "[1,\"x\"]", 7);
	assert_int_equal(server.n_unmasked, 0);
	assert_int_equal(server.close_code, 1000);
	assert_int_equal(client.reason, WS_CLOSED);
	assert_non_null(strstr(server.request, "GET /ws HTTP/1.1\r\n"));
	assert_non_null(strstr(server.request, "Sec-WebSocket-Protocol: chat.json\r\n"));
	assert_null(strstr(server.request, "Origin"));
	server_done(&server);
}

static void the_host_header_names_host_and_port(void **state)
{
	static const char *hosts[][2] = {{"127.0.0.1", "127.0.0.1"}, {"::1", "[::1]"}};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct server server;
		struct client client;

		server_start(&server, hosts[i][0], script_echo);
		client_init(&client, hosts[i][0], server.port);
		client.act_open = act_close;
		client_open(&client);
		client_run_until_over(&client);
		client_done(&client);
		server_join(&server);
		snprintf(expected, sizeof(expected), "Host: %s:%u\r\n", hosts[i][1], server.port);
		assert_non_null(strstr(server.request, expected));
		server_done(&server);
	}
}

static void act_close_at_dot(struct client *client)
{
	if (client->received[client->n_received - 1] == '.')
		ws_close(client->ws);
}

static void fragments_are_joined_across_control_frames(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_fragments);
	client_init(&client, "127.0.0.1", server.port);
	client.act_message = act_close_at_dot;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 3);
	assert_int_equal(client.n_received, 14);
	assert_memory_equal(client.received, "one two three.", 14);
	client_done(&client);
	server_done(&server);
}

static void act_close_at_seven(struct client *client)
{
	if (client->n_received == 7)
		ws_close(client->ws);
}

static void frames_right_behind_the_answer_are_not_lost(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_coalesced);
	client_init(&client, "127.0.0.1", server.port);
	client.act_message = act_close_at_seven;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 3);
	assert_memory_equal(client.received, "abcdefg", 7);
	client_done(&client);
	server_done(&server);
}

static void ten_thousand_messages_arrive_byte_for_byte(void **state)
{
	enum { N = 10000 };
	size_t max = 0;
	char *bytes = pattern(N * 300);
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	client.act_sent = act_close;
	for (size_t i = 0; i < N; i++) {
		size_t len = i % 300;

		client_queue(&client, bytes + max, len);
		max += len;
	}
	client_open(&client);
	client_run_until_over(&client);
	client_done(&client);
	server_join(&server);
	assert_int_equal(server.n_frames, N);
	assert_int_equal(server.n_unmasked, 0);
	assert_int_equal(server.n_bytes, max);
	assert_memory_equal(server.bytes, bytes, max);
	assert_int_equal(server.close_code, 1000);
	server_done(&server);
	free(bytes);
}

static void lengths_around_the_borders_survive_both_ways(void **state)
{
	static const size_t lengths[] = {0,     1,     125,   126,   127,   32767, 32768,
					 32769, 65520, 65529, 65530, 65535, 65536, 70000};
	char *bytes = pattern(70000);
	struct server server;
	struct client client;
	size_t total = 0;

	(void)state;
	server_start(&server, "127.0.0.1", script_echo);
	client_init(&client, "127.0.0.1", server.port);
	client.act_message = act_close_after_echo;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		client_queue(&client, bytes, lengths[i]);
		total += lengths[i];
	}
	client.options.max_message = total;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, ARRAY_SIZE(lengths));
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(lengths); at += lengths[i++])
		assert_memory_equal(client.received + at, bytes, lengths[i]);
	client_done(&client);
	server_done(&server);
	free(bytes);
}

static void three_megabytes_go_both_ways(void **state)
{
	size_t len = 3u << 20;
	char *bytes = pattern(len);
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_echo);
	client_init(&client, "127.0.0.1", server.port);
	client.options.max_message = len;
	client.act_message = act_close_after_echo;
	client_queue(&client, bytes, len);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 1);
	assert_int_equal(client.n_received, len);
	assert_memory_equal(client.received, bytes, len);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done(&client);
	server_join(&server);
	assert_int_equal(server.n_frames, 1);
	server_done(&server);
	free(bytes);
}

/* While a long message waits for the reader, the server's pings must not be answered inside it. */
static void script_ping_the_writer(struct server *server, int fd)
{
	unsigned char *bytes;
	size_t len;
	int first;

	server_upgrade(server, fd, "chat.json");
	usleep(100000);
	server_send(fd, 0x89, "abc", 3);
	usleep(100000);
	while ((first = server_receive(server, fd, &bytes, &len)) >= 0) {
		if (first == 0x8a && len == 3)
			server->saw_ping = true;
		if (first == 0x81)
			server->n_bytes += len;
		server->n_frames += first == 0x81;
		if (first == 0x88)
			server_send(fd, 0x88, bytes, len);
		free(bytes);
		if (first == 0x88)
			return;
	}
}

static void a_pong_does_not_break_into_a_long_message(void **state)
{
	size_t len = 8u << 20;
	char *bytes = pattern(len);
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_ping_the_writer);
	client_init(&client, "127.0.0.1", server.port);
	client.act_sent = act_close;
	client_queue(&client, bytes, len);
	client_queue(&client, "x", 1);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done(&client);
	server_join(&server);
	assert_int_equal(server.n_frames, 2);
	assert_int_equal(server.n_bytes, len + 1);
	server_done(&server);
	free(bytes);
}

static void script_too_much(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x01, "0123456789", 10);
	server_send(fd, 0x80, "0123456789", 10);
	server_serve(server, fd, false, true);
}

static void script_too_much_at_once(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x81, "01234567890123456789", 20);
	server_serve(server, fd, false, true);
}

static void a_message_over_the_limit_ends_the_connection(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", i ? script_too_much : script_too_much_at_once);
		client_init(&client, "127.0.0.1", server.port);
		client.options.max_message = 19;
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.n_messages, 0);
		assert_int_equal(client.reason, WS_TRANSPORT);
		assert_text(&client, "more than 19 bytes");
		client_done(&client);
		server_join(&server);
		assert_int_equal(server.close_code, 1009);
		server_done(&server);
	}
}

/* ---- pings ---- */

static void silence_is_found_by_a_ping(void **state)
{
	struct server server;
	struct client client;
	uint64_t start;

	(void)state;
	server_start(&server, "127.0.0.1", script_never_answer);
	client_init(&client, "127.0.0.1", server.port);
	client.options.ping_interval_s = 1;
	client.options.ping_timeout_s = 1;
	start = uv_hrtime();
	client_open(&client);
	client_run_until_over(&client);
	assert_in_range((uv_hrtime() - start) / 1000000, 1900, 3500);
	assert_int_equal(client.reason, WS_PING_TIMEOUT);
	assert_text(&client, "no sign of life");
	client_done(&client);
	server_join(&server);
	assert_true(server.saw_ping);
	server_done(&server);
}

static void silence_ends_also_when_the_peer_does_not_read(void **state)
{
	size_t len = 16u << 20;
	char *bytes = pattern(len);
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_stuck);
	client_init(&client, "127.0.0.1", server.port);
	client.options.ping_interval_s = 1;
	client.options.ping_timeout_s = 1;
	client_queue(&client, bytes, len);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_PING_TIMEOUT);
	client_done(&client);
	server_done(&server);
	free(bytes);
}

static void a_peer_that_answers_pings_lives(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	client.options.ping_interval_s = 1;
	client.options.ping_timeout_s = 1;
	client_open(&client);
	client_run_ms(&client, 3400);
	assert_int_equal(client.n_over, 0);
	ws_close(client.ws);
	client_run_until_over(&client);
	client_done(&client);
	server_join(&server);
	assert_true(server.saw_ping);
	server_done(&server);
}

/* One frame that takes three seconds, and nothing else. */
static void script_trickle(struct server *server, int fd)
{
	unsigned char header[10];

	server_upgrade(server, fd, "chat.json");
	server_write(fd, header, server_frame_header(header, 0x81, 10));
	for (int i = 0; i < 10; i++) {
		usleep(300000);
		server_write(fd, "x", 1);
	}
	server_serve(server, fd, false, false);
}

static void a_message_that_comes_slowly_is_life(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_trickle);
	client_init(&client, "127.0.0.1", server.port);
	client.options.ping_interval_s = 1;
	client.options.ping_timeout_s = 1;
	client.act_message = act_kill;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_CLOSED);
	assert_int_equal(client.n_received, 10);
	client_done(&client);
	server_done(&server);
}

/* ---- ends ---- */

static void script_say_goodbye(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x81, "last", 4);
	server_send(fd, 0x88, "\x03\xe9going \x1b[0m away", 17);
	server_serve(server, fd, false, false);
}

static void the_peers_close_is_told_with_code_and_reason(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_say_goodbye);
	client_init(&client, "127.0.0.1", server.port);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 1);
	assert_int_equal(client.reason, WS_CLOSED);
	assert_text(&client, "1001, going ?[0m away");
	client_done(&client);
	server_join(&server);
	assert_int_equal(server.close_code, 1001);
	server_done(&server);
}

static void script_hang_up(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x81, "last", 4);
}

static void an_end_of_file_is_told_after_the_last_message(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_hang_up);
	client_init(&client, "127.0.0.1", server.port);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 1);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, "connection lost");
	client_done(&client);
	server_done(&server);
}

static void script_break_the_rules(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0xf3, "?", 1);
	server_serve(server, fd, false, false);
}

static void a_frame_against_the_rules_ends_the_connection(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_break_the_rules);
	client_init(&client, "127.0.0.1", server.port);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_TRANSPORT);
	client_done(&client);
	server_done(&server);
}

static void a_close_that_is_not_answered_ends_within_a_second(void **state)
{
	struct server server;
	struct client client;
	uint64_t start = uv_hrtime();

	(void)state;
	server_start(&server, "127.0.0.1", script_never_answer);
	client_init(&client, "127.0.0.1", server.port);
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	assert_in_range((uv_hrtime() - start) / 1000000, 900, 2000);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done(&client);
	server_join(&server);
	assert_int_equal(server.close_code, 1000);
	server_done(&server);
}

static void a_close_behind_a_stuck_write_ends_within_a_second(void **state)
{
	size_t len = 16u << 20;
	char *bytes = pattern(len);
	struct server server;
	struct client client;
	uint64_t start = uv_hrtime();

	(void)state;
	server_start(&server, "127.0.0.1", script_stuck);
	client_init(&client, "127.0.0.1", server.port);
	client.act_sent = act_close;
	client_queue(&client, bytes, len);
	client_open(&client);
	client_run_until_over(&client);
	assert_in_range((uv_hrtime() - start) / 1000000, 900, 2500);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done(&client);
	server_done(&server);
	free(bytes);
}

static void kill_ends_at_once_from_inside_and_outside(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", script_echo);
		client_init(&client, "127.0.0.1", server.port);
		client_queue(&client, "x", 1);
		client.act_open = i == 0 ? act_kill : NULL;
		client.act_message = i == 1 ? act_kill : NULL;
		client.act_sent = i == 2 ? act_kill : NULL;
		client_open(&client);
		if (i == 3) {
			while (!client.n_messages)
				uv_run(&client.loop, UV_RUN_ONCE);
			ws_kill(client.ws);
			assert_int_equal(client.n_over, 1);
		}
		client_run_until_over(&client);
		assert_int_equal(client.reason, WS_CLOSED);
		client_done(&client);
		server_join(&server);
		assert_int_equal(server.close_code, 0);
		assert_true(server.saw_eof);
		server_done(&server);
	}
}

static void act_note_sent(struct client *client)
{
	client->n_open++;
}

static void kill_ends_at_once_with_bytes_unsent(void **state)
{
	size_t len = 16u << 20;
	char *bytes = pattern(len);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", script_stuck);
		client_init(&client, "127.0.0.1", server.port);
		client_queue(&client, bytes, len);
		client.act_sent = i ? act_kill : act_note_sent;
		client_open(&client);
		while (client.n_open < 2 && !client.n_over)
			uv_run(&client.loop, UV_RUN_ONCE);
		if (!i) {
			client_run_ms(&client, 100);
			ws_kill(client.ws);
		}
		assert_int_equal(client.n_over, 1);
		client_done(&client);
		server_done(&server);
	}
	free(bytes);
}

static void act_open_again(struct client *client)
{
	client->act_over = NULL;
	client->n_over = 0;
	client_open(client);
}

static void the_next_attempt_may_start_from_on_over(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_hang_up);
	client_init(&client, "127.0.0.1", server.port);
	client.options.open_timeout_s = 1;
	client.act_over = act_open_again;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 1);
	client_done(&client);
	server_done(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_comes_back),
		cmocka_unit_test(the_host_header_names_host_and_port),
		cmocka_unit_test(fragments_are_joined_across_control_frames),
		cmocka_unit_test(frames_right_behind_the_answer_are_not_lost),
		cmocka_unit_test(ten_thousand_messages_arrive_byte_for_byte),
		cmocka_unit_test(lengths_around_the_borders_survive_both_ways),
		cmocka_unit_test(three_megabytes_go_both_ways),
		cmocka_unit_test(a_pong_does_not_break_into_a_long_message),
		cmocka_unit_test(a_message_over_the_limit_ends_the_connection),
		cmocka_unit_test(silence_is_found_by_a_ping),
		cmocka_unit_test(silence_ends_also_when_the_peer_does_not_read),
		cmocka_unit_test(a_peer_that_answers_pings_lives),
		cmocka_unit_test(a_message_that_comes_slowly_is_life),
		cmocka_unit_test(the_peers_close_is_told_with_code_and_reason),
		cmocka_unit_test(an_end_of_file_is_told_after_the_last_message),
		cmocka_unit_test(a_frame_against_the_rules_ends_the_connection),
		cmocka_unit_test(a_close_that_is_not_answered_ends_within_a_second),
		cmocka_unit_test(a_close_behind_a_stuck_write_ends_within_a_second),
		cmocka_unit_test(kill_ends_at_once_from_inside_and_outside),
		cmocka_unit_test(kill_ends_at_once_with_bytes_unsent),
		cmocka_unit_test(the_next_attempt_may_start_from_on_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
