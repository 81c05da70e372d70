/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The client's side of the WebSocket tests: a loop, a context, one ws, notes
 *
 * client_done() is part of every test: after it nothing may be left, neither
 * in the loop nor in the heap.
 */

#include "net/ws.h"

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test that takes longer hangs. */
#define CLIENT_GUARD_MS 20000

struct client {
	uv_loop_t loop;
	uv_timer_t guard, stop, tick;
	struct ws_context *context;
	struct ws *ws;
	struct ws_options options;
	struct buf out;	  /* sent when writable */
	bool disapproves; /* what it is told is a refusal */
	/* What a test does inside a callback, if anything. */
	void (*act_open)(struct client *client);
	void (*act_message)(struct client *client);
	void (*act_sent)(struct client *client); /* all of out has been taken */
	void (*act_over)(struct client *client);
	/* What was told. */
	unsigned n_open, n_messages, n_over;
	char *received;
	size_t n_received;
	enum ws_reason reason;
	char text[512];
	char log[512];
};

static inline void client_on_open(struct ws *ws, void *owner)
{
	struct client *client = owner;

	assert_ptr_equal(ws, client->ws);
	client->n_open++;
	if (buf_len(&client->out))
		ws_want_write(ws);
	if (client->act_open)
		client->act_open(client);
}

static inline void client_on_message(struct ws *ws, void *owner, struct slice message)
{
	struct client *client = owner;

	assert_ptr_equal(ws, client->ws);
	assert_int_equal(client->n_over, 0);
	client->n_messages++;
	client->received = realloc(client->received, client->n_received + message.len + 1);
	memcpy(client->received + client->n_received, message.ptr, message.len);
	client->n_received += message.len;
	if (!client->disapproves)
		ws_approve(ws);
	if (client->act_message)
		client->act_message(client);
}

static inline void client_on_writable(struct ws *ws, void *owner)
{
	struct client *client = owner;
	bool had = buf_len(&client->out);

	assert_int_equal(client->n_over, 0);
	if (ws_send(ws, &client->out) < 0)
		return;
	if (buf_len(&client->out))
		ws_want_write(ws);
	else if (had && client->act_sent)
		client->act_sent(client);
}

static inline void client_on_over(struct ws *ws, void *owner, enum ws_reason reason,
				  const char *text)
{
	struct client *client = owner;

	assert_ptr_equal(ws, client->ws);
	client->n_over++;
	client->reason = reason;
	snprintf(client->text, sizeof(client->text), "%s", text);
	if (client->act_over)
		client->act_over(client);
}

static inline void client_on_guard(uv_timer_t *timer)
{
	(void)timer;
	fprintf(stderr, "the test hangs\n");
	abort();
}

static inline void client_on_log(const char *line)
{
	if (getenv("TEST_VERBOSE"))
		fprintf(stderr, "lws: %s\n", line);
}

static inline void client_init(struct client *client, const char *host, uint16_t port)
{
	*client = (struct client){
		.options =
			{
				.host = host,
				.port = port,
				.path = "/ws",
				.subprotocol = "chat.json",
				.open_timeout_ms = 5000,
				.max_message = 8u << 20,
				.tcp_nodelay = true,
			},
	};
	buf_init(&client->out, 64u << 20);
	assert_int_equal(uv_loop_init(&client->loop), 0);
	uv_timer_init(&client->loop, &client->guard);
	uv_timer_init(&client->loop, &client->stop);
	uv_timer_init(&client->loop, &client->tick);
	uv_timer_start(&client->guard, client_on_guard, CLIENT_GUARD_MS, 0);
	assert_int_equal(ws_context_new(&client->context, &client->loop, client_on_log), 0);
}

static inline void client_open(struct client *client)
{
	static const struct ws_ops ops = {
		.on_open = client_on_open,
		.on_message = client_on_message,
		.on_writable = client_on_writable,
		.on_over = client_on_over,
	};

	assert_int_equal(ws_open(&client->ws, client->context, &client->options, &ops, client), 0);
	assert_int_equal(client->n_over, 0);
}

static inline void client_queue(struct client *client, const void *bytes, size_t len)
{
	uint32_t length = (uint32_t)len;

	buf_append(&client->out, &length, sizeof(length));
	buf_append(&client->out, bytes, len);
	assert_int_equal(client->out.error, 0);
}

static inline void client_run_until_over(struct client *client)
{
	while (!client->n_over)
		uv_run(&client->loop, UV_RUN_ONCE);
}

static inline void client_on_nothing(uv_timer_t *timer)
{
	(void)timer;
}

/* Runs the loop for a while. */
static inline void client_run_ms(struct client *client, uint64_t ms)
{
	uint64_t end;

	uv_update_time(&client->loop);
	end = uv_now(&client->loop) + ms;
	while (uv_now(&client->loop) < end) {
		uv_timer_start(&client->tick, client_on_nothing, end - uv_now(&client->loop), 0);
		uv_run(&client->loop, UV_RUN_ONCE);
	}
}

static inline void client_on_stop(uv_timer_t *timer)
{
	struct client *client = CONTAINER_OF(timer, struct client, stop);

	ws_context_stop(client->context);
	uv_close((uv_handle_t *)&client->guard, NULL);
	uv_close((uv_handle_t *)&client->stop, NULL);
	uv_close((uv_handle_t *)&client->tick, NULL);
}

static inline void client_done(struct client *client)
{
	uv_timer_start(&client->stop, client_on_stop, 0, 0);
	uv_run(&client->loop, UV_RUN_DEFAULT);
	ws_context_free(client->context);
	assert_int_equal(uv_loop_close(&client->loop), 0);
	buf_done(&client->out);
	free(client->received);
	assert_in_range(client->n_over, 0, 1);
}

static inline void assert_text(const struct client *client, const char *part)
{
	if (!strstr(client->text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, client->text);
}

/* ---- what several tests do ---- */

static inline void act_close(struct client *client)
{
	ws_close(client->ws);
	ws_close(client->ws);
}

static inline void act_kill(struct client *client)
{
	ws_kill(client->ws);
	ws_kill(client->ws);
}

static inline char *pattern(size_t n)
{
	char *bytes = malloc(n + 1);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(' ' + (x >> 24) % 90);
	}
	return bytes;
}
