/* SPDX-License-Identifier: MIT */

/*
 * permessage-deflate: what a peer may send compressed, and what it must not
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include "base/mem.h"
#include "net/ws_inflate.h"

#include <errno.h>
#include <zlib.h>

/* ---- the stream ---- */

/* The whole piece, as if work had no bounds. */
static int add(struct ws_inflate *inflate, const void *bytes, size_t n, bool is_last,
	       struct buf *to)
{
	struct slice piece = {bytes, n};
	size_t budget = SIZE_MAX;

	return ws_inflate_add(inflate, &piece, is_last, to, &budget);
}

static void expect_text(struct ws_inflate *inflate, const void *bytes, size_t n, const char *text)
{
	struct buf to = BUF_INIT(1000);

	assert_int_equal(add(inflate, bytes, n, true, &to), 0);
	assert_int_equal(buf_len(&to), strlen(text));
	assert_memory_equal(buf_bytes(&to).ptr, text, strlen(text));
	buf_done(&to);
}

/* RFC 7692 §7.2.3. */
static void the_examples_of_the_rfc_are_read(void **state)
{
	static const unsigned char fixed[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},
				   again[] = {0xf2, 0x00, 0x11, 0x00, 0x00},
				   stored[] = {0x00, 0x05, 0x00, 0xfa, 0xff, 0x48,
					       0x65, 0x6c, 0x6c, 0x6f, 0x00},
				   final[] = {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00},
				   two_blocks[] = {0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff,
						   0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00},
				   empty[] = {0x00};
	struct ws_inflate *inflate;

	(void)state;
	assert_int_equal(ws_inflate_new(&inflate), 0);
	expect_text(inflate, fixed, sizeof(fixed), "Hello");
	expect_text(inflate, again, sizeof(again), "Hello");
	expect_text(inflate, stored, sizeof(stored), "Hello");
	expect_text(inflate, empty, sizeof(empty), "");
	expect_text(inflate, two_blocks, sizeof(two_blocks), "Hello");
	expect_text(inflate, final, sizeof(final), "Hello");
	expect_text(inflate, fixed, sizeof(fixed), "Hello");
	ws_inflate_free(inflate);
}

static void damage_is_told(void **state)
{
	static const unsigned char damaged[] = {0xff, 0xff, 0xff, 0xff};
	struct ws_inflate *inflate;
	struct buf to = BUF_INIT(1000);

	(void)state;
	assert_int_equal(ws_inflate_new(&inflate), 0);
	assert_int_equal(add(inflate, damaged, sizeof(damaged), true, &to), -EBADMSG);
	ws_inflate_free(inflate);
	buf_done(&to);
}

/* A message as a peer compresses it, malloc'ed. */
static unsigned char *compressed(z_stream *z, const char *text, size_t len, size_t *ret_len)
{
	size_t room = len + len / 8 + 100;
	unsigned char *bytes = malloc(room);

	z->next_in = (unsigned char *)(uintptr_t)text;
	z->avail_in = (unsigned)len;
	z->next_out = bytes;
	z->avail_out = (unsigned)room;
	assert_int_equal(deflate(z, Z_SYNC_FLUSH), Z_OK);
	*ret_len = room - z->avail_out - 4;
	return bytes;
}

/* The longest message that is allowed passes, one byte more does not, however small it came. */
static void the_maximum_is_exact(void **state)
{
	static const size_t sizes[] = {1, 258, 16383, 16384, 16385, 32768, 32769, 1000000};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i / 2], n;
		char *text = malloc(size);
		struct buf to = BUF_INIT(size - i % 2);
		struct ws_inflate *inflate;
		unsigned char *bytes;
		z_stream z = {0};

		memset(text, 'a', size);
		deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
		bytes = compressed(&z, text, size, &n);
		assert_int_equal(ws_inflate_new(&inflate), 0);
		assert_int_equal(add(inflate, bytes, n, true, &to), i % 2 ? -ENOBUFS : 0);
		assert_int_equal(to.error, i % 2 ? -ENOBUFS : 0);
		if (i % 2 == 0)
			assert_memory_equal(buf_bytes(&to).ptr, text, size);
		ws_inflate_free(inflate);
		deflateEnd(&z);
		buf_done(&to);
		free(bytes);
		free(text);
	}
}

static void without_memory_it_fails_and_leaves_nothing(void **state)
{
	static const unsigned char fixed[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};
	long n = -1;
	int r;

	(void)state;
	do {
		struct ws_inflate *inflate = NULL;
		struct buf to = BUF_INIT(1000);

		mem_fail_after(++n);
		r = ws_inflate_new(&inflate);
		if (r == 0)
			r = add(inflate, fixed, sizeof(fixed), true, &to);
		mem_fail_after(-1);
		ws_inflate_free(inflate);
		buf_done(&to);
	} while (r == -ENOMEM);
	assert_int_equal(r, 0);
	assert_true(n >= 3);
}

/* ---- the connection ---- */

static void agree(struct server *server, int fd)
{
	char answer[512];
	size_t n;

	server_read_request(server, fd);
	n = server_answer(server, "chat.json", answer, sizeof(answer)) - 2;
	n += (size_t)snprintf(answer + n, sizeof(answer) - n,
			      "Sec-WebSocket-Extensions: permessage-deflate; "
			      "server_no_context_takeover; server_max_window_bits=15\r\n\r\n");
	server_write(fd, answer, n);
}

/* Long ones in two frames around a PING, with an uncompressed one behind each. */
static void script_compress(struct server *server, int fd)
{
	static const size_t sizes[] = {5, 32768, 32800, 33024, 65794, 300000};
	z_stream z = {0};

	agree(server, fd);
	deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i / 2], n;
		char *text = pattern(size);
		unsigned char *bytes;

		if (i % 2)
			memset(text, 'a', size);
		bytes = compressed(&z, text, size, &n);
		server_send(fd, 0x41, bytes, n / 2);
		server_send(fd, 0x89, "p", 1);
		server_send(fd, 0x80, bytes + n / 2, n - n / 2);
		server_send(fd, 0x81, "plain", 5);
		free(bytes);
		free(text);
	}
	deflateEnd(&z);
	server_serve(server, fd, false, true);
}

static void close_when_all_is_here(struct client *client)
{
	if (client->n_messages == 24)
		ws_close(client->ws);
}

static void compressed_messages_arrive_between_plain_ones(void **state)
{
	static const size_t sizes[] = {5, 32768, 32800, 33024, 65794, 300000};
	struct server server;
	struct client client;
	size_t at = 0;

	(void)state;
	server_start(&server, "127.0.0.1", script_compress);
	client_init(&client, "127.0.0.1", server.port);
	client.options.compression = true;
	client.act_message = close_when_all_is_here;
	client_queue(&client, "ours", 4);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 24);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		char *text = pattern(sizes[i / 2]);

		if (i % 2)
			memset(text, 'a', sizes[i / 2]);
		assert_memory_equal(client.received + at, text, sizes[i / 2]);
		assert_memory_equal(client.received + at + sizes[i / 2], "plain", 5);
		at += sizes[i / 2] + 5;
		free(text);
	}
	assert_int_equal(client.n_received, at);
	client_done(&client);
	server_join(&server);
	assert_non_null(strstr(server.request, "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
	assert_int_equal(server.n_bytes, 4);
	assert_memory_equal(server.bytes, "ours", 4);
	server_done(&server);
}

static void expect_end(void (*script)(struct server *, int), bool compression, const char *text)
{
	struct server server;
	struct client client;

	server_start(&server, "127.0.0.1", script);
	client_init(&client, "127.0.0.1", server.port);
	client.options.compression = compression;
	client.options.max_message = 100000;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_messages, 0);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, text);
	client_done(&client);
	server_done(&server);
}

static void script_bomb(struct server *server, int fd)
{
	char *text = calloc(1, 10u << 20);
	z_stream z = {0};
	unsigned char *bytes;
	size_t n;

	agree(server, fd);
	deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	bytes = compressed(&z, text, 10u << 20, &n);
	server_send(fd, 0xc1, bytes, n);
	deflateEnd(&z);
	free(bytes);
	free(text);
	server_serve(server, fd, false, true);
}

static void script_damage(struct server *server, int fd)
{
	agree(server, fd);
	server_send(fd, 0xc1, "\xff\xff\xff\xff", 4);
	server_serve(server, fd, false, true);
}

static void script_agree(struct server *server, int fd)
{
	agree(server, fd);
	server_serve(server, fd, false, true);
}

static void what_inflates_too_far_or_not_at_all_ends_the_connection(void **state)
{
	(void)state;
	expect_end(script_bomb, true, "a message of more than 100000 bytes");
	expect_end(script_damage, true, "cannot be inflated");
}

static void compression_that_was_not_offered_is_refused(void **state)
{
	(void)state;
	expect_end(script_agree, false, "broken WebSocket handshake");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfc_are_read),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(the_maximum_is_exact),
		cmocka_unit_test(without_memory_it_fails_and_leaves_nothing),
		cmocka_unit_test(compressed_messages_arrive_between_plain_ones),
		cmocka_unit_test(what_inflates_too_far_or_not_at_all_ends_the_connection),
		cmocka_unit_test(compression_that_was_not_offered_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
