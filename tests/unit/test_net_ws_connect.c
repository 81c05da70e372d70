/* SPDX-License-Identifier: MIT */

/*
 * From a name to a WebSocket, and everything that can be there instead
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <sys/resource.h>

/* ---- names ---- */

/*
 * Stands before the C library's for the whole program: what a machine's
 * resolver says of names must not decide about tests. "both.test" has two
 * addresses, "slow.test" one and it takes its time.
 */
PUBLIC int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");
	int r;

	if (hints->ai_flags & AI_NUMERICHOST)
		return real(node, service, hints, ret);
	if (node && strcmp(node, "slow.test") == 0) {
		usleep(1500000);
		return real("127.0.0.1", service, hints, ret);
	}
	if (!node || strcmp(node, "both.test") != 0)
		return real(node, service, hints, ret);
	r = real("::1", service, hints, ret);
	return r ? r : real("127.0.0.1", service, hints, &(*ret)->ai_next);
}

/* ---- scripts ---- */

static void script_other_protocol(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.msgpack");
	server_serve(server, fd, false, false);
}

/* A prefix of what was offered. */
static void script_shorter_protocol(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat");
	server_serve(server, fd, false, false);
}

static void script_no_protocol(struct server *server, int fd)
{
	server_upgrade(server, fd, NULL);
	server_serve(server, fd, false, false);
}

static void script_wait(int fd)
{
	char c;

	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void script_say(struct server *server, int fd, const char *text)
{
	server_read_request(server, fd);
	server_write(fd, text, strlen(text));
	script_wait(fd);
}

static void script_404(struct server *server, int fd)
{
	script_say(server, fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\noops\n");
}

static void script_401(struct server *server, int fd)
{
	script_say(server, fd, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
}

static void script_503(struct server *server, int fd)
{
	script_say(server, fd, "HTTP/1.0 503 Unavailable\r\n\r\n<html>");
}

static void script_200(struct server *server, int fd)
{
	script_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>");
}

static void script_301(struct server *server, int fd)
{
	script_say(
		server, fd,
		"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n");
}

static void script_wrong_hash(struct server *server, int fd)
{
	script_say(server, fd,
		   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
		   "Sec-WebSocket-Protocol: chat.json\r\n\r\n");
}

static void script_garbage(struct server *server, int fd)
{
	script_say(server, fd, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
}

static void script_binary(struct server *server, int fd)
{
	script_say(server, fd, "\x15\x03\x01\x02\x02\xff\xfe\x7f");
}

static void script_half_a_header(struct server *server, int fd)
{
	script_say(server, fd, "HTTP/1.1 101 Switching Pro");
}

static void script_silence(struct server *server, int fd)
{
	script_say(server, fd, "");
}

static void script_close(struct server *server, int fd)
{
	server_read_request(server, fd);
}

static void script_answer_in_drops(struct server *server, int fd)
{
	char answer[512];
	size_t n;

	server_read_request(server, fd);
	n = server_answer(server, "chat.json", answer, sizeof(answer));
	for (size_t i = 0; i < n; i++) {
		server_write(fd, answer + i, 1);
		usleep(500);
	}
	server_serve(server, fd, true, true);
}

/* ---- tools ---- */

/* A port where nobody listens. */
static uint16_t free_port(void)
{
	int fd;
	uint16_t port = server_listen(&fd, "127.0.0.1", 0, 1);

	close(fd);
	return port;
}

static void expect_failure_as(enum ws_reason reason, void (*script)(struct server *, int),
			      const char *text)
{
	struct server server;
	struct client client;

	server_start(&server, "127.0.0.1", script);
	client_init(&client, "127.0.0.1", server.port);
	client.options.open_timeout_ms = 1000;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 0);
	assert_int_equal(client.n_over, 1);
	assert_int_equal(client.reason, reason);
	assert_text(&client, text);
	client_done(&client);
	server_done(&server);
}

static void expect_failure(void (*script)(struct server *, int), const char *text)
{
	expect_failure_as(WS_TRANSPORT, script, text);
}

/* ---- what answers is no WebSocket ---- */

static void another_subprotocol_is_refused(void **state)
{
	(void)state;
	expect_failure(script_other_protocol, "does not speak chat.json");
	expect_failure(script_shorter_protocol, "does not speak chat.json");
}

static void a_missing_subprotocol_is_refused(void **state)
{
	(void)state;
	expect_failure(script_no_protocol, "does not speak chat.json");
}

static void an_http_status_is_told(void **state)
{
	(void)state;
	expect_failure(script_404, "HTTP 404: no WebSocket at /ws");
	expect_failure(script_401, "HTTP 401: access was refused");
	expect_failure_as(WS_BUSY, script_503,
			  "HTTP 503: busy, or nobody behind it (it is tried again later)");
	expect_failure(script_200, "HTTP 200: no WebSocket");
}

static void a_redirect_is_not_followed(void **state)
{
	(void)state;
	expect_failure(script_301, "HTTP 301: a redirect, which is not followed,");
}

static void a_wrong_accept_hash_is_refused(void **state)
{
	(void)state;
	expect_failure(script_wrong_hash, "broken WebSocket handshake");
}

static void something_that_is_not_http_ends_at_the_deadline(void **state)
{
	(void)state;
	expect_failure(script_garbage, "no WebSocket at 127.0.0.1");
	expect_failure(script_binary, "no WebSocket at 127.0.0.1");
	expect_failure(script_half_a_header, "no HTTP answer within 1 s");
	expect_failure(script_silence, "no HTTP answer within 1 s");
}

static void a_close_before_the_answer_is_told(void **state)
{
	(void)state;
	expect_failure(script_close, "closed without an HTTP answer");
}

static void an_answer_in_drops_is_understood(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_answer_in_drops);
	client_init(&client, "127.0.0.1", server.port);
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 1);
	client_done(&client);
	server_done(&server);
}

/* ---- nobody answers ---- */

static void a_refused_port_is_told(void **state)
{
	struct client client;

	(void)state;
	client_init(&client, "127.0.0.1", free_port());
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, "cannot connect to 127.0.0.1 port");
	assert_text(&client, "Connection refused");
	client_done(&client);
}

/* A listener that accepts nobody: its queue is full, the kernel drops what comes. */
static void fill(uint16_t port, int fds[], size_t n)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < n; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fds[i], (struct sockaddr *)&sa, sizeof(sa));
	}
}

static void a_silent_address_ends_at_the_deadline_or_by_kill(void **state)
{
	int listen_fd, fds[4];
	uint16_t port = server_listen(&listen_fd, "127.0.0.1", 0, 0);

	(void)state;
	fill(port, fds, ARRAY_SIZE(fds));
	usleep(50000);
	for (int i = 0; i < 2; i++) {
		struct client client;

		client_init(&client, "127.0.0.1", port);
		client.options.open_timeout_ms = 1000;
		client_open(&client);
		if (i) {
			client_run_ms(&client, 200);
			ws_kill(client.ws);
			assert_int_equal(client.n_over, 1);
			assert_int_equal(client.reason, WS_CLOSED);
		}
		client_run_until_over(&client);
		if (!i)
			assert_text(&client, "no answer within 1 s");
		client_done(&client);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	close(listen_fd);
}

/* Documentation addresses: no way there, or nobody. Either is told, and nothing leaks. */
static void an_unreachable_address_leaves_nothing_behind(void **state)
{
	static const char *hosts[] = {"2001:db8::1", "255.255.255.255", "192.0.2.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct client client;

		client_init(&client, hosts[i], 9);
		client.options.open_timeout_ms = 1000;
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.reason, WS_TRANSPORT);
		assert_text(&client, hosts[i]);
		client_done(&client);
	}
}

static void an_unknown_name_is_told(void **state)
{
	struct client client;

	(void)state;
	client_init(&client, "no..such", 80);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_DNS);
	assert_text(&client, "no address for host \"no..such\"");
	client_done(&client);
}

/* ---- several addresses ---- */

static void the_address_that_listens_is_found(void **state)
{
	static const char *addresses[] = {"::1", "127.0.0.1"};
	char host[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct server server;
		struct client client;

		server_start(&server, addresses[i], script_echo);
		client_init(&client, "both.test", server.port);
		client.act_open = act_close;
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.n_open, 1);
		client_done(&client);
		server_join(&server);
		snprintf(host, sizeof(host), "Host: both.test:%u\r\n", server.port);
		assert_non_null(strstr(server.request, host));
		server_done(&server);
	}
}

static void the_failure_that_came_farthest_is_told(void **state)
{
	static const char *addresses[] = {"::1", "127.0.0.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct server server;
		struct client client;

		server_start(&server, addresses[i], script_404);
		client_init(&client, "both.test", server.port);
		client_open(&client);
		client_run_until_over(&client);
		assert_text(&client, "HTTP 404");
		client_done(&client);
		server_done(&server);
	}
}

static void each_address_has_its_own_deadline(void **state)
{
	struct server silent, server;
	struct client client;
	int listen_fd;

	(void)state;
	server_start(&silent, "::1", script_silence);
	server = (struct server){.script = script_echo, .running = true};
	server.port = server_listen(&listen_fd, "127.0.0.1", silent.port, 5);
	server.fd = listen_fd;
	assert_int_equal(pthread_create(&server.thread, NULL, server_main, &server), 0);
	client_init(&client, "both.test", server.port);
	client.options.open_timeout_ms = 1000;
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 1);
	client_done(&client);
	server_done(&server);
	server_done(&silent);
}

static void a_slow_name_server_ends_at_the_deadline(void **state)
{
	struct client client;
	uint64_t start = uv_hrtime();

	(void)state;
	client_init(&client, "slow.test", 80);
	client.options.open_timeout_ms = 1000;
	client_open(&client);
	client_run_until_over(&client);
	assert_in_range((uv_hrtime() - start) / 1000000, 900, 1400);
	assert_int_equal(client.reason, WS_DNS);
	assert_text(&client, "the name servers have not answered for 1 s");
	client_done(&client);
}

/* ---- ends on the way ---- */

static void kill_ends_a_lookup(void **state)
{
	struct client client;

	(void)state;
	client_init(&client, "slow.test", free_port());
	client_open(&client);
	client_run_ms(&client, 100);
	ws_kill(client.ws);
	assert_int_equal(client.n_over, 1);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done(&client);
	assert_int_equal(client.n_over, 1);
}

static void close_ends_an_attempt_that_waits_for_http(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_silence);
	client_init(&client, "127.0.0.1", server.port);
	client_open(&client);
	client_run_ms(&client, 200);
	ws_close(client.ws);
	assert_int_equal(client.n_over, 1);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done(&client);
	server_done(&server);
}

static void a_kill_at_any_moment_of_the_handshake_is_clean(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct server server;
		struct client client;

		server_start(&server, "127.0.0.1", script_answer_in_drops);
		client_init(&client, "both.test", server.port);
		client_open(&client);
		for (int i = 0; i < turns && !client.n_over; i++)
			uv_run(&client.loop, UV_RUN_ONCE);
		if (!client.n_over)
			ws_kill(client.ws);
		assert_int_equal(client.n_over, 1);
		client_done(&client);
		server_done(&server);
	}
}

static void a_proxy_of_the_environment_is_not_used(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	server_start(&server, "127.0.0.1", script_echo);
	client_init(&client, "127.0.0.1", server.port);
	unsetenv("http_proxy");
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 1);
	client_done(&client);
	server_done(&server);
}

static void a_context_without_a_connection_ends_clean(void **state)
{
	struct client client;

	(void)state;
	client_init(&client, "127.0.0.1", 1);
	client_done(&client);
}

static void a_descriptor_above_the_table_is_no_obstacle(void **state)
{
	struct rlimit limit;
	struct server server;
	struct client client;
	int high_fd;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 2000)
		skip();
	server_start(&server, "127.0.0.1", script_echo);
	client_init(&client, "127.0.0.1", server.port);
	client.act_open = act_close;
	/* Fills everything below 1500, so that the socket gets a higher number. */
	for (high_fd = 0; high_fd >= 0 && high_fd < 1500;)
		high_fd = dup(0);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 1);
	client_done(&client);
	server_done(&server);
	close_range(high_fd - 1000, (unsigned)high_fd, 0);
}

static void without_memory_an_attempt_fails_and_leaves_nothing(void **state)
{
	static const struct ws_ops ops;
	struct client client;
	int r = -ENOMEM;

	(void)state;
	client_init(&client, "127.0.0.1", 1);
	for (int n = 0; n < 4; n++) {
		mem_fail_after(n);
		r = ws_open(&client.ws, client.context, &client.options, &ops, NULL);
		mem_fail_after(-1);
		assert_int_equal(r, -ENOMEM);
		assert_null(client.ws);
	}
	client_done(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_subprotocol_is_refused),
		cmocka_unit_test(a_missing_subprotocol_is_refused),
		cmocka_unit_test(an_http_status_is_told),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(a_wrong_accept_hash_is_refused),
		cmocka_unit_test(something_that_is_not_http_ends_at_the_deadline),
		cmocka_unit_test(a_close_before_the_answer_is_told),
		cmocka_unit_test(an_answer_in_drops_is_understood),
		cmocka_unit_test(a_refused_port_is_told),
		cmocka_unit_test(a_silent_address_ends_at_the_deadline_or_by_kill),
		cmocka_unit_test(an_unreachable_address_leaves_nothing_behind),
		cmocka_unit_test(an_unknown_name_is_told),
		cmocka_unit_test(the_address_that_listens_is_found),
		cmocka_unit_test(the_failure_that_came_farthest_is_told),
		cmocka_unit_test(each_address_has_its_own_deadline),
		cmocka_unit_test(a_slow_name_server_ends_at_the_deadline),
		cmocka_unit_test(kill_ends_a_lookup),
		cmocka_unit_test(close_ends_an_attempt_that_waits_for_http),
		cmocka_unit_test(a_kill_at_any_moment_of_the_handshake_is_clean),
		cmocka_unit_test(a_proxy_of_the_environment_is_not_used),
		cmocka_unit_test(a_context_without_a_connection_ends_clean),
		cmocka_unit_test(a_descriptor_above_the_table_is_no_obstacle),
		cmocka_unit_test(without_memory_an_attempt_fails_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
