/* SPDX-License-Identifier: MIT */

/*
 * What an established WebSocket receives: frames, pings, pauses, and how much in a turn
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include "net/ws_frame.h"

#include <errno.h>
#include <zlib.h>

/* ---- the parser ---- */

/* Two fragments around a ping, an empty message, a masked one, a long one, a close. */
static const char stream[] = "\x01\x02"
			     "ab"
			     "\x89\x01p"
			     "\x00\x00"
			     "\x80\x01"
			     "c"
			     "\x81\x00"
			     "\x82\x82\x01\x02\x03\x04"
			     "ef"
			     "\x81\x7e\x00\x80"
			     "0123456789012345678901234567890123456789012345678901234567890123"
			     "0123456789012345678901234567890123456789012345678901234567890123"
			     "\x88\x02\x03\xe8";

/* Everything that is in the bytes, when they come in pieces of that many. */
static void parse_all(char *ret, size_t size, size_t step)
{
	char bytes[sizeof(stream)];
	struct ws_parser parser = {0};
	size_t at = 0, n = 0, used;

	memcpy(bytes, stream, sizeof(stream));
	*ret = '\0';
	while (at < sizeof(stream) - 1) {
		struct ws_piece piece;
		size_t len = sizeof(stream) - 1 - at < step ? sizeof(stream) - 1 - at : step;
		int r = ws_parser_next(&parser, bytes + at, len, &used, &piece);

		assert_true(r >= 0);
		assert_true(r == WS_PARSER_PIECE || used == len);
		at += used;
		if (r == WS_PARSER_HUNGRY)
			continue;
		n += (size_t)snprintf(ret + n, size - n, "%s%.*s%s",
				      piece.opcode == WS_FRAME_TEXT   ? ""
				      : piece.opcode == WS_FRAME_PING ? "<ping "
								      : "<close ",
				      SLICE_ARG(piece.payload),
				      piece.opcode != WS_FRAME_TEXT ? ">"
				      : piece.last		    ? "."
								    : "");
	}
}

static void frames_are_cut_the_same_however_they_come(void **state)
{
	char whole[512], other[512];

	(void)state;
	parse_all(whole, sizeof(whole), sizeof(stream));
	assert_memory_equal(whole, "ab<ping p>c..dd.0123456789", 26);
	for (size_t step = 1; step < sizeof(stream); step++) {
		parse_all(other, sizeof(other), step);
		assert_string_equal(other, whole);
	}
}

static void a_broken_rule_is_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *error;
	} broken[] = {
		{"\x09\x00", 2, "a control frame in fragments"},
		{"\xc9\x00", 2, "a control frame with a reserved bit"},
		{"\x8b\x00", 2, "a frame of an unknown type"},
		{"\x83\x00", 2, "a frame of an unknown type"},
		{"\x89\x7e\x00\x7e", 4, "a control frame of more than 125 bytes"},
		{"\x80\x00", 2, "the continuation of no message"},
		{"\x01\x00\x81\x00", 4, "a message inside another one"},
		{"\xc1\x00", 2, "a reserved bit that means nothing here"},
		{"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, "a frame of an impossible length"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct ws_parser parser = {0};
		struct ws_piece piece;
		char bytes[16];
		size_t used;

		memcpy(bytes, broken[i].bytes, broken[i].n);
		assert_int_equal(ws_parser_next(&parser, bytes, broken[i].n, &used, &piece),
				 -EBADMSG);
		assert_string_equal(parser.error, broken[i].error);
	}
}

/* ---- pings ---- */

/* Notes the payload of each pong, with a comma. */
static void note_pongs(struct server *server, int fd)
{
	unsigned char *bytes;
	size_t len;
	int first;

	server->bytes = calloc(1, 4096);
	while ((first = server_receive(server, fd, &bytes, &len)) >= 0 && first != 0x88) {
		if (first == 0x8a) {
			memcpy(server->bytes + server->n_bytes, bytes, len);
			server->n_bytes += len;
			server->bytes[server->n_bytes++] = ',';
		}
		free(bytes);
		if (first == 0x81)
			server_send(fd, 0x81, ".", 1);
	}
	if (first == 0x88) {
		server_send(fd, 0x88, bytes, len);
		free(bytes);
	}
}

static void script_three_pings(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_write(fd,
		     "\x89\x03one"
		     "\x89\x03two"
		     "\x89\x05three"
		     "\x81\x01?",
		     20);
	note_pongs(server, fd);
}

static void script_pings_between_fragments(struct server *server, int fd)
{
	char longest[2 + 125] = "\x89\x7d";

	memset(longest + 2, 'x', 125);
	server_upgrade(server, fd, "chat.json");
	server_write(fd,
		     "\x01\x01"
		     "a"
		     "\x89\x00"
		     "\x00\x01"
		     "b"
		     "\x89\x03two",
		     13);
	server_write(fd, longest, sizeof(longest));
	server_write(fd,
		     "\x80\x01"
		     "c",
		     3);
	note_pongs(server, fd);
}

/* More than there is room for answers: the latest must be among them. */
static void script_many_pings(struct server *server, int fd)
{
	char *bytes = malloc((size_t)3000 * 6), *at = bytes;

	server_upgrade(server, fd, "chat.json");
	for (int i = 0; i < 3000; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%04d", i);
		memcpy(at, "\x89\x04", 2);
		memcpy(at + 2, text, 4);
		at += 6;
	}
	server_write(fd, bytes, (size_t)3000 * 6);
	free(bytes);
	server_write(fd, "\x81\x01?", 3);
	note_pongs(server, fd);
}

/* Sends something behind the pongs, and ends when that is answered. */
static void act_ask_then_close(struct client *client)
{
	if (client->n_messages == 1) {
		client_queue(client, "x", 1);
		ws_want_write(client->ws);
	} else {
		ws_close(client->ws);
	}
}

static void expect_pongs(void (*script)(struct server *, int), const char *pongs)
{
	struct server server;
	struct client client;
	size_t n = strlen(pongs);

	server_start(&server, "127.0.0.1", script);
	client_init(&client, "127.0.0.1", server.port);
	client.act_message = act_ask_then_close;
	client_open(&client);
	client_run_until_over(&client);
	client_done(&client);
	server_join(&server);
	assert_int_equal(client.reason, WS_CLOSED);
	assert_true(server.n_bytes >= n);
	assert_memory_equal(server.bytes + server.n_bytes - n, pongs, n);
	assert_int_equal(server.n_unmasked, 0);
	server_done(&server);
}

static void pings_that_come_together_are_all_answered(void **state)
{
	char pongs[200];

	(void)state;
	expect_pongs(script_three_pings, "one,two,three,");
	snprintf(pongs, sizeof(pongs), ",two,%0125d,", 0);
	for (char *c = pongs; *c; c++)
		*c = *c == '0' ? 'x' : *c;
	expect_pongs(script_pings_between_fragments, pongs);
}

static void of_very_many_pings_the_latest_are_answered(void **state)
{
	(void)state;
	expect_pongs(script_many_pings, "2997,2998,2999,");
}

/* ---- pauses ---- */

static void script_ten_at_once(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	for (int part = 0; part < 2; part++)
		server_write(fd,
			     "\x81\x01"
			     "0\x81\x01"
			     "1\x81\x01"
			     "2\x81\x01"
			     "3\x81\x01"
			     "4",
			     15);
	server_serve(server, fd, false, true);
}

static void act_pause_at_two(struct client *client)
{
	if (client->n_messages == 2)
		ws_set_reading(client->ws, false);
}

static void what_is_received_waits_while_nothing_is_read(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_ten_at_once);
	client_init(&client, "127.0.0.1", server.port);
	client.act_message = act_pause_at_two;
	client_open(&client);
	client_run_ms(&client, 300);
	assert_int_equal(client.n_messages, 2);
	ws_set_reading(client.ws, false);
	ws_set_reading(client.ws, true);
	/* Never from inside the call. */
	assert_int_equal(client.n_messages, 2);
	client_run_ms(&client, 100);
	assert_int_equal(client.n_messages, 10);
	assert_memory_equal(client.received, "0123401234", 10);
	ws_close(client.ws);
	client_run_until_over(&client);
	client_done(&client);
	server_done(&server);
}

static void act_pause(struct client *client)
{
	ws_set_reading(client->ws, false);
}

/* Also one that was paused before anything came ends by a CLOSE frame, by a kill, and without one.
 */
static void a_paused_connection_ends_like_another_one(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct server server;
		struct client client;
		uint64_t start;

		server_start(&server, "127.0.0.1", script_ten_at_once);
		client_init(&client, "127.0.0.1", server.port);
		client.act_open = act_pause;
		client_open(&client);
		client_run_ms(&client, 100);
		assert_int_equal(client.n_messages, 0);
		assert_int_equal(client.n_over, 0);
		start = uv_hrtime();
		if (i == 0)
			ws_close(client.ws);
		else if (i == 1)
			ws_kill(client.ws);
		else
			ws_set_reading(client.ws, true);
		if (i == 2) {
			client_run_ms(&client, 100);
			ws_close(client.ws);
		}
		client_run_until_over(&client);
		assert_in_range((uv_hrtime() - start) / 1000000, 0, 500);
		assert_int_equal(client.n_messages, i == 2 ? 10 : 0);
		assert_int_equal(client.reason, WS_CLOSED);
		client_done(&client);
		server_join(&server);
		assert_int_equal(server.close_code, i == 1 ? 0 : 1000);
		server_done(&server);
	}
}

/* ---- turns ---- */

static void script_flood(struct server *server, int fd)
{
	char *bytes = malloc((size_t)20000 * 3);

	server_upgrade(server, fd, "chat.json");
	for (size_t i = 0; i < 20000; i++)
		memcpy(bytes + i * 3,
		       "\x81\x01"
		       "m",
		       3);
	server_write(fd, bytes, (size_t)20000 * 3);
	free(bytes);
	server_serve(server, fd, false, true);
}

static void a_flood_of_small_messages_comes_in_turns(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_flood);
	client_init(&client, "127.0.0.1", server.port);
	client_open(&client);
	while (client.n_messages < 20000) {
		unsigned before = client.n_messages;

		uv_run(&client.loop, UV_RUN_ONCE);
		assert_in_range(client.n_messages - before, 0, 128);
	}
	ws_close(client.ws);
	client_run_until_over(&client);
	client_done(&client);
	server_done(&server);
}

static void agree(struct server *server, int fd)
{
	char answer[512];
	size_t n;

	server_read_request(server, fd);
	n = server_answer(server, "chat.json", answer, sizeof(answer)) - 2;
	n += (size_t)snprintf(answer + n, sizeof(answer) - n,
			      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
	server_write(fd, answer, n);
}

#define BOMB_SIZE (8u << 20)

/* Four messages of a few kilobytes, which are megabytes, in one segment. */
static void script_bombs(struct server *server, int fd)
{
	unsigned char *bytes = malloc(BOMB_SIZE);
	char *text = malloc(BOMB_SIZE);
	z_stream z = {0};

	memset(text, 'a', BOMB_SIZE);
	agree(server, fd);
	deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	for (int i = 0; i < 4; i++) {
		z.next_in = (unsigned char *)text;
		z.avail_in = BOMB_SIZE;
		z.next_out = bytes;
		z.avail_out = BOMB_SIZE;
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
		server_send(fd, 0xc1, bytes, BOMB_SIZE - z.avail_out - 4);
		server_send(fd, 0x81, ".", 1);
	}
	deflateEnd(&z);
	free(bytes);
	free(text);
	server_serve(server, fd, false, true);
}

static void what_inflates_far_is_inflated_in_turns(void **state)
{
	struct server server;
	struct client client;
	unsigned n_turns = 0;

	(void)state;
	server_start(&server, "127.0.0.1", script_bombs);
	client_init(&client, "127.0.0.1", server.port);
	client.options.compression = true;
	client.options.max_message = BOMB_SIZE;
	client_open(&client);
	while (client.n_messages < 8 && !client.n_over) {
		uv_run(&client.loop, UV_RUN_ONCE);
		n_turns++;
	}
	assert_int_equal(client.n_received, 4 * (size_t)BOMB_SIZE + 4);
	for (size_t i = 0; i < client.n_received; i++)
		assert_true(client.received[i] == ((i + 1) % (BOMB_SIZE + 1) ? 'a' : '.'));
	/* At most two turns of a quarter of a megabyte each time the loop goes round. */
	assert_in_range(n_turns, 64, 100000);
	ws_close(client.ws);
	client_run_until_over(&client);
	client_done(&client);
	server_done(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_cut_the_same_however_they_come),
		cmocka_unit_test(a_broken_rule_is_named),
		cmocka_unit_test(pings_that_come_together_are_all_answered),
		cmocka_unit_test(of_very_many_pings_the_latest_are_answered),
		cmocka_unit_test(what_is_received_waits_while_nothing_is_read),
		cmocka_unit_test(a_paused_connection_ends_like_another_one),
		cmocka_unit_test(a_flood_of_small_messages_comes_in_turns),
		cmocka_unit_test(what_inflates_far_is_inflated_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
