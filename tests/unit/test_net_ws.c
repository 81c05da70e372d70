/* SPDX-License-Identifier: MIT */

/*
 * An established WebSocket: messages both ways
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

/* ---- scripts ---- */

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
	memcpy(bytes + n,
	       "\x81\x01"
	       "a"
	       "\x81\x01"
	       "b",
	       6);
	server_write(fd, bytes, n + 6);
	for (const char *p = "\x81\x05"
			     "cdefg";
	     *p; p++) {
		usleep(2000);
		server_write(fd, p, 1);
	}
	server_serve(server, fd, false, true);
}

static void act_close_after_echo(struct client *client)
{
	if (client->n_received >= client->options.max_message)
		ws_close(client->ws);
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

static void script_three_at_once(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_write(fd,
		     "\x81\x01"
		     "a\x81\x01"
		     "b\x81\x01"
		     "c",
		     9);
	server_serve(server, fd, false, true);
}

static void nothing_is_delivered_after_close_or_kill(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", script_three_at_once);
		client_init(&client, "127.0.0.1", server.port);
		client.act_message = i ? act_kill : act_close;
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.n_messages, 1);
		client_done(&client);
		server_done(&server);
	}
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
	static const size_t lengths[] = {0,	1,     125,   126,   127,   32767, 32768,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_comes_back),
		cmocka_unit_test(the_host_header_names_host_and_port),
		cmocka_unit_test(fragments_are_joined_across_control_frames),
		cmocka_unit_test(frames_right_behind_the_answer_are_not_lost),
		cmocka_unit_test(nothing_is_delivered_after_close_or_kill),
		cmocka_unit_test(ten_thousand_messages_arrive_byte_for_byte),
		cmocka_unit_test(lengths_around_the_borders_survive_both_ways),
		cmocka_unit_test(three_megabytes_go_both_ways),
		cmocka_unit_test(a_pong_does_not_break_into_a_long_message),
		cmocka_unit_test(a_message_over_the_limit_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
