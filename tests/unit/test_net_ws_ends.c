/* SPDX-License-Identifier: MIT */

/*
 * How an established WebSocket ends: silence, the peer, ourselves
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include <fcntl.h>

/* ---- pings ---- */

/* A quick rhythm, so that the tests are quick. */
static void be_impatient(struct client *client)
{
	client->options.ping_interval_ms = client->options.ping_timeout_ms = 300;
}

static void silence_is_found_by_a_ping(void **state)
{
	struct server server;
	struct client client;
	uint64_t start;

	(void)state;
	server_start(&server, "127.0.0.1", script_never_answer);
	client_init(&client, "127.0.0.1", server.port);
	client.options.ping_interval_ms = 1000;
	client.options.ping_timeout_ms = 1000;
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
	client.options.ping_interval_ms = 1000;
	client.options.ping_timeout_ms = 1000;
	client_queue(&client, bytes, len);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_PING_TIMEOUT);
	client_done(&client);
	server_done(&server);
	free(bytes);
}

/* As a stopped process: its kernel goes on, takes what fits its window, and answers. */
static void script_stop_reading(struct server *server, int fd)
{
	unsigned char *bytes;
	size_t len;

	server_upgrade(server, fd, "chat.json");
	if (server_receive(server, fd, &bytes, &len) >= 0)
		free(bytes);
	while (server->running)
		usleep(10000);
}

/* With nothing, little and much behind what it has read last. */
static void a_stopped_peer_is_found_in_time_however_much_is_queued(void **state)
{
	static const size_t lens[] = {1, 1000, 16u << 20};
	char *bytes = pattern(16u << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct server server;
		struct client client;
		uint64_t start;

		server_start(&server, "127.0.0.1", script_stop_reading);
		client_init(&client, "127.0.0.1", server.port);
		be_impatient(&client);
		client_queue(&client, "x", 1);
		client_queue(&client, bytes, lens[i]);
		start = uv_hrtime();
		client_open(&client);
		client_run_until_over(&client);
		assert_in_range((uv_hrtime() - start) / 1000000, 590, 1300);
		assert_int_equal(client.reason, WS_PING_TIMEOUT);
		assert_text(&client,
			    lens[i] > 1000 ? "is not acknowledged" : "no answer to a ping");
		client_done(&client);
		server_done(&server);
	}
	free(bytes);
}

/* Reads all the time, but not fast, and answers pings when it gets to them. */
static void slow_read(int fd, size_t *at, unsigned char *bytes, size_t n)
{
	while (n) {
		ssize_t r = recv(fd, bytes, n < 4096 ? n : 4096, 0);

		if (r <= 0)
			return;
		bytes += r;
		n -= (size_t)r;
		*at += (size_t)r;
		usleep(10000);
	}
}

#define SLOW_SIZE 800000

static void serve_slowly(struct server *server, int fd)
{
	/* A message and a ping, with their headers of 14 and 6 bytes. */
	unsigned char *bytes = malloc(SLOW_SIZE + 20);

	server_upgrade(server, fd, "chat.json");
	slow_read(fd, &server->n_bytes, bytes, SLOW_SIZE + 20);
	server->saw_ping = bytes[SLOW_SIZE + 14] == 0x89;
	server_send(fd, 0x8a, "", 0);
	free(bytes);
	server_serve(server, fd, false, true);
}

static void script_slow(struct server *server, int fd)
{
	int size = 8192;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	serve_slowly(server, fd);
}

/* The message takes two seconds and more, ten times as long as silence is suffered. */
static void a_peer_that_reads_slowly_lives(void **state)
{
	char *bytes = pattern(SLOW_SIZE);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", i ? script_slow : serve_slowly);
		client_init(&client, "127.0.0.1", server.port);
		client.options.ping_interval_ms = client.options.ping_timeout_ms = 400;
		client_queue(&client, bytes, SLOW_SIZE);
		client_open(&client);
		while (server.n_bytes < SLOW_SIZE + 20 && !client.n_over)
			client_run_ms(&client, 50);
		client_run_ms(&client, 100);
		if (client.n_over)
			fail_msg("%s", client.text);
		ws_close(client.ws);
		client_run_until_over(&client);
		client_done(&client);
		server_join(&server);
		assert_true(server.saw_ping);
		server_done(&server);
	}
	free(bytes);
}

static void act_pause(struct client *client)
{
	ws_set_reading(client->ws, false);
}

static void script_talk(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x81, "x", 1);
	server_serve(server, fd, false, true);
}

/* What waits because this side does not read is no silence; a real one is found. */
static void a_pause_is_not_held_against_the_peer(void **state)
{
	(void)state;
	for (int silent = 0; silent < 2; silent++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", silent ? script_never_answer : script_talk);
		client_init(&client, "127.0.0.1", server.port);
		be_impatient(&client);
		client.act_open = act_pause;
		client_open(&client);
		client_run_ms(&client, 1500);
		assert_int_equal(client.n_over, silent);
		if (!silent) {
			assert_int_equal(client.n_messages, 0);
			ws_set_reading(client.ws, true);
			client_run_ms(&client, 100);
			assert_int_equal(client.n_messages, 1);
			ws_close(client.ws);
		}
		client_run_until_over(&client);
		assert_int_equal(client.reason, silent ? WS_PING_TIMEOUT : WS_CLOSED);
		client_done(&client);
		server_done(&server);
	}
}

/* Pings more often than an answer may take, and less often. */
static void intervals_and_timeouts_of_a_tenth_of_a_second_work(void **state)
{
	static const unsigned times[][2] = {{100, 100}, {100, 2000}, {500, 100}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(times); i++) {
		bool polite = i % 2;
		struct server server;
		struct client client;
		uint64_t start = uv_hrtime();

		server_start(&server, "127.0.0.1", polite ? script_note : script_never_answer);
		client_init(&client, "127.0.0.1", server.port);
		client.options.ping_interval_ms = times[i / 2][0];
		client.options.ping_timeout_ms = times[i / 2][1];
		client_open(&client);
		if (polite) {
			client_run_ms(&client, 1000);
			assert_int_equal(client.n_over, 0);
			ws_close(client.ws);
		}
		client_run_until_over(&client);
		if (!polite)
			assert_in_range((uv_hrtime() - start) / 1000000,
					times[i / 2][0] + times[i / 2][1] - 10,
					times[i / 2][0] + times[i / 2][1] + 400);
		assert_int_equal(client.reason, polite ? WS_CLOSED : WS_PING_TIMEOUT);
		client_done(&client);
		server_join(&server);
		assert_true(server.saw_ping);
		server_done(&server);
	}
}

static void a_peer_that_answers_pings_lives(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	client.options.ping_interval_ms = 1000;
	client.options.ping_timeout_ms = 1000;
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
	client.options.ping_interval_ms = 1000;
	client.options.ping_timeout_ms = 1000;
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

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void kill_ends_at_once_with_bytes_unsent(void **state)
{
	size_t len = 16u << 20;
	char *bytes = pattern(len);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct server server;
		struct client client;
		size_t n_fds;

		server_start(&server, "127.0.0.1", script_stuck);
		client_init(&client, "127.0.0.1", server.port);
		n_fds = count_fds();
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
		/* The connection itself must end too, and not wait to be flushed. */
		client_run_ms(&client, 500);
		assert_int_equal(count_fds(), n_fds + 1);
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
	client.options.open_timeout_ms = 1000;
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
		cmocka_unit_test(silence_is_found_by_a_ping),
		cmocka_unit_test(silence_ends_also_when_the_peer_does_not_read),
		cmocka_unit_test(a_stopped_peer_is_found_in_time_however_much_is_queued),
		cmocka_unit_test(a_peer_that_reads_slowly_lives),
		cmocka_unit_test(a_pause_is_not_held_against_the_peer),
		cmocka_unit_test(intervals_and_timeouts_of_a_tenth_of_a_second_work),
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
