/* SPDX-License-Identifier: MIT */

/*
 * What the WebSocket's HTTP request says, and what the socket is told
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include "base/mem.h"
#include "net/ws_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* ---- tools ---- */

static int option_of_fd(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value != 0;
}

/* Visits a server with the client's options; its request is left in server. */
static void visit(struct client *client, struct server *server)
{
	client->act_open = act_close;
	client_open(client);
	client_run_until_over(client);
	if (!client->n_open)
		fail_msg("not open: %s", client->text);
	client_done(client);
	server_join(server);
}

static void assert_line(const struct server *server, const char *line)
{
	if (!strstr(server->request, line))
		fail_msg("\"%s\" is not in \"%s\"", line, server->request);
}

static int refusal_of(const struct ws_options *options)
{
	static const struct ws_ops ops;
	struct client client;
	struct ws *ws = NULL;
	int r;

	client_init(&client, "127.0.0.1", 9);
	r = ws_open(&ws, client.context, options, &ops, NULL);
	assert_null(ws);
	client_done(&client);
	return r;
}

/* ---- Host ---- */

static void host_has_the_port_unless_it_is_the_usual_one(void **state)
{
	struct ws_tls *tls = (struct ws_tls *)&(char){0};
	struct {
		struct ws_options options;
		const char *host;
	} cases[] = {
		{{.host = "a.test", .port = 80}, "a.test"},
		{{.host = "a.test", .port = 443}, "a.test:443"},
		{{.host = "a.test", .port = 443, .tls = tls}, "a.test"},
		{{.host = "a.test", .port = 80, .tls = tls}, "a.test:80"},
		{{.host = "a.test", .port = 8443, .tls = tls}, "a.test:8443"},
		{{.host = "::1", .port = 443, .tls = tls}, "[::1]"},
		{{.host = "::1", .port = 8080}, "[::1]:8080"},
	};
	char host[WS_MAX_HOST];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ws_request_host(&cases[i].options, host);
		assert_string_equal(host, cases[i].host);
	}
}

/* ---- headers ---- */

static void headers_are_sent_as_they_are(void **state)
{
	static const char *const headers[] = {"X-Site: north",
					      "Authorization:Bearer a:b=", "X-Empty:"};
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	client.options.headers = headers;
	client.options.n_headers = ARRAY_SIZE(headers);
	client.options.origin = "https://plant.example";
	client.options.user_agent = "wampbridge/1 (test)";
	visit(&client, &server);
	assert_line(&server, "\r\nX-Site: north\r\n");
	assert_line(&server, "\r\nAuthorization: Bearer a:b=\r\n");
	assert_line(&server, "\r\nX-Empty: \r\n");
	assert_line(&server, "\r\nOrigin: https://plant.example\r\n");
	assert_line(&server, "\r\nUser-Agent: wampbridge/1 (test)\r\n");
	server_done(&server);
}

static void without_options_nothing_is_said(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	visit(&client, &server);
	assert_null(strstr(server.request, "Origin"));
	assert_null(strcasestr(server.request, "User-Agent"));
	assert_null(strstr(server.request, "Extensions"));
	server_done(&server);
}

static void what_would_break_the_request_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",	 "X-Site",	 ": north", "X Site: north",
		" X: y", "X: a\r\nY: b", "X: a\nb", "X: \x7f",
	};
	struct ws_options options = {
		.host = "127.0.0.1", .port = 9, .path = "/", .subprotocol = "x"};

	(void)state;
	options.n_headers = 1;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		options.headers = &wrong[i];
		assert_int_equal(refusal_of(&options), -EINVAL);
	}
	options.n_headers = 0;
	options.origin = "a\r\nb";
	assert_int_equal(refusal_of(&options), -EINVAL);
	options.origin = NULL;
	options.user_agent = "a\nb";
	assert_int_equal(refusal_of(&options), -EINVAL);
}

static void headers_that_do_not_fit_end_the_attempt(void **state)
{
	struct server server;
	struct client client;
	char *header = mem_alloc(40000);
	const char *headers[] = {header};

	(void)state;
	memset(header, 'x', 39999);
	memcpy(header, "X-Long: ", 8);
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	client.options.headers = headers;
	client.options.n_headers = 1;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 0);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, "the HTTP request is longer than 16 KiB");
	client_done(&client);
	server_done(&server);
	mem_free(header);
}

/* ---- the socket ---- */

static void look_at_socket(struct client *client)
{
	int fd = lws_get_socket_fd(client->ws->wsi);

	assert_int_equal(option_of_fd(fd, IPPROTO_TCP, TCP_NODELAY), client->options.tcp_nodelay);
	assert_int_equal(option_of_fd(fd, SOL_SOCKET, SO_KEEPALIVE), client->options.tcp_keepalive);
	ws_close(client->ws);
}

static void the_socket_is_told_what_the_options_say(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", script_note);
		client_init(&client, "127.0.0.1", server.port);
		client.options.tcp_nodelay = i & 1;
		client.options.tcp_keepalive = i & 2;
		client.act_open = look_at_socket;
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.n_open, 1);
		client_done(&client);
		server_done(&server);
	}
}

static void close_timeout_is_waited_for_and_no_longer(void **state)
{
	struct server server;
	struct client client;
	uint64_t start;

	(void)state;
	server_start(&server, "127.0.0.1", script_never_answer);
	client_init(&client, "127.0.0.1", server.port);
	client.options.close_timeout_ms = 200;
	client.act_open = act_close;
	start = uv_hrtime();
	client_open(&client);
	client_run_until_over(&client);
	assert_in_range((uv_hrtime() - start) / 1000000, 195, 700);
	client_done(&client);
	server_done(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_has_the_port_unless_it_is_the_usual_one),
		cmocka_unit_test(headers_are_sent_as_they_are),
		cmocka_unit_test(without_options_nothing_is_said),
		cmocka_unit_test(what_would_break_the_request_is_refused),
		cmocka_unit_test(headers_that_do_not_fit_end_the_attempt),
		cmocka_unit_test(the_socket_is_told_what_the_options_say),
		cmocka_unit_test(close_timeout_is_waited_for_and_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
