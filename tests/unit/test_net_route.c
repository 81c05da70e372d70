/* SPDX-License-Identifier: MIT */

/*
 * Lookups that never come back, and addresses that do not answer
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <netdb.h>

/* ---- a resolver of our own ---- */

/* How often the resolver was asked for a name; and how long it takes for "slow…". */
static _Atomic unsigned n_lookups, n_numeric, n_late,
	n_late_done; /* n_late: of names with "late" */
static _Atomic unsigned slow_ms = 1500;

/* What "many.test" has. */
static const char *many[4];

static int resolve_many(const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo **end = ret;

	for (size_t i = 0; i < ARRAY_SIZE(many) && many[i]; i++) {
		assert_int_equal(real(many[i], service, hints, end), 0);
		end = &(*end)->ai_next;
	}
	return 0;
}

static bool is_address(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* Stands before the C library's for the whole program. */
PUBLIC int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");

	if (hints->ai_flags & AI_NUMERICHOST)
		n_numeric++;
	/* libwebsockets asks for what is an address already. */
	if (hints->ai_flags & AI_NUMERICHOST || is_address(node))
		return real(node, service, hints, ret);
	n_lookups++;
	n_late += strstr(node, "late") ? 1 : 0;
	if (strcmp(node, "many.test") == 0)
		return resolve_many(service, hints, ret);
	if (strncmp(node, "slow", 4) == 0)
		usleep(slow_ms * 1000);
	n_late_done += strstr(node, "late") ? 1 : 0;
	if (strstr(node, "none"))
		return EAI_AGAIN;
	return real("127.0.0.1", service, hints, ret);
}

/* ---- servers ---- */

static void script_talk(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_send(fd, 0x81, "x", 1);
	server_serve(server, fd, false, true);
}

/* Connections that a listener which never accepts has got since the last time. */
static unsigned take_connections(int listen_fd)
{
	struct pollfd pollfd = {.fd = listen_fd, .events = POLLIN};
	unsigned n = 0;

	for (; poll(&pollfd, 1, 0) > 0; n++)
		close(accept(listen_fd, NULL, NULL));
	return n;
}

static struct client *detoured;
static char detours[512];

static void on_detour(struct ws *ws, void *owner, const char *text)
{
	size_t n = strlen(detours);

	(void)ws;
	assert_ptr_equal(owner, detoured);
	snprintf(detours + n, sizeof(detours) - n, "%s\n", text);
}

/* One attempt of the client, which is told of detours, until it has a message or is over. */
static void attempt(struct client *client)
{
	static const struct ws_ops ops = {
		.on_open = client_on_open,
		.on_message = client_on_message,
		.on_writable = client_on_writable,
		.on_over = client_on_over,
		.on_detour = on_detour,
	};

	detoured = client;
	*detours = '\0';
	client->n_open = client->n_over = client->n_messages = 0;
	assert_int_equal(ws_open(&client->ws, client->context, &client->options, &ops, client), 0);
	while (!client->n_over && !client->n_messages)
		uv_run(&client->loop, UV_RUN_ONCE);
}

static unsigned attempt_ms(struct client *client)
{
	uint64_t start = uv_hrtime();

	attempt(client);
	return (unsigned)((uv_hrtime() - start) / 1000000);
}

static void finish(struct client *client)
{
	if (!client->n_over)
		ws_kill(client->ws);
	client_done(client);
}

/* ---- lookups ---- */

static void addresses_and_localhost_need_no_lookup(void **state)
{
	static const char *hosts[] = {"127.0.0.1",	  "::1",  "localhost", "LocalHost.",
				      "router.localhost", "127.1"};
	unsigned before = n_lookups;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct server server;
		struct client client;

		server_start(&server, i == 1 ? "::1" : "127.0.0.1", script_talk);
		client_init(&client, hosts[i], server.port);
		attempt(&client);
		assert_int_equal(client.n_open, 1);
		finish(&client);
		server_done(&server);
	}
	assert_int_equal(n_lookups, before);
	assert_true(n_numeric >= ARRAY_SIZE(hosts));
}

/* So many that every thread of the loop would be taken. */
static void dead_name_servers_hold_nobody_else_up(void **state)
{
	enum { N = 8 };
	struct client others[N], client;
	struct server server;

	(void)state;
	for (int i = 0; i < N; i++) {
		client_init(&others[i], "slow.test", 80);
		client_open(&others[i]);
	}
	server_start(&server, "127.0.0.1", script_talk);
	client_init(&client, "quick.test", server.port);
	assert_in_range(attempt_ms(&client), 0, 400);
	assert_int_equal(client.n_open, 1);
	finish(&client);
	server_done(&server);
	for (int i = 0; i < N; i++) {
		uint64_t start = uv_hrtime();

		ws_kill(others[i].ws);
		client_done(&others[i]);
		/* The end does not wait for the resolver. */
		assert_in_range((uv_hrtime() - start) / 1000000, 0, 300);
	}
}

static void a_name_has_one_lookup_at_a_time_and_its_late_answer_serves(void **state)
{
	struct server server;
	struct client client;

	(void)state;
	slow_ms = 3500;
	server_start(&server, "127.0.0.1", script_talk);
	client_init(&client, "slow-late.test", server.port);
	client.options.open_timeout_ms = 300;
	for (int i = 0; i < 3; i++) {
		assert_in_range(attempt_ms(&client), 250, 1000);
		assert_int_equal(client.reason, WS_DNS);
		assert_text(&client, "the name servers have not answered for ");
	}
	assert_int_equal(n_late, 1);
	while (n_late_done == 0)
		client_run_ms(&client, 50);
	client_run_ms(&client, 50);
	assert_in_range(attempt_ms(&client), 0, 400);
	assert_int_equal(client.n_open, 1);
	assert_int_equal(n_late, 1);
	ws_kill(client.ws);
	/* It serves once: names move. */
	slow_ms = 100;
	attempt(&client);
	assert_int_equal(n_late, 2);
	finish(&client);
	server_done(&server);
	slow_ms = 1500;
}

static void two_attempts_at_one_name_share_its_lookup(void **state)
{
	unsigned before = n_late;
	struct client client, other;

	(void)state;
	slow_ms = 300;
	client_init(&client, "slow.late.none", 80);
	client_open(&client);
	other = client;
	client_open(&other);
	while (!client.n_over || !other.n_over)
		uv_run(&client.loop, UV_RUN_ONCE);
	assert_text(&client, "the name servers fail or do not answer");
	assert_text(&other, "the name servers fail or do not answer");
	assert_int_equal(n_late, before + 1);
	client_done(&client);
	slow_ms = 1500;
}

/* ---- addresses ---- */

static void silent_addresses_leave_time_for_the_last_one(void **state)
{
	struct server server;
	struct client client;
	int a, b;
	uint16_t port = server_listen(&a, "127.0.0.1", 0, 20);

	(void)state;
	server_listen(&b, "127.0.0.2", port, 20);
	server_start_at(&server, "127.0.0.3", port, script_talk);
	many[0] = "127.0.0.1", many[1] = "127.0.0.2", many[2] = "127.0.0.3", many[3] = NULL;
	client_init(&client, "many.test", port);
	client.options.open_timeout_ms = 1000;
	client.options.connection_timeout_ms = 1200;
	assert_in_range(attempt_ms(&client), 500, 1080);
	assert_int_equal(client.n_open, 1);
	assert_non_null(strstr(detours, "127.0.0.1"));
	assert_non_null(strstr(detours, "127.0.0.2"));
	assert_int_equal(take_connections(a), 1);
	assert_int_equal(take_connections(b), 1);
	ws_kill(client.ws);
	server_done(&server);

	/* What worked last is first, and has not moved. */
	server_start_at(&server, "127.0.0.3", port, script_talk);
	assert_in_range(attempt_ms(&client), 0, 200);
	assert_int_equal(client.n_open, 1);
	assert_int_equal(take_connections(a) + take_connections(b), 0);
	ws_kill(client.ws);
	server_done(&server);

	/* It has gone: the others are tried, and named. */
	assert_in_range(attempt_ms(&client), 900, 1200);
	assert_int_equal(client.n_open, 0);
	assert_text(&client, "silent: 127.0.0.1, 127.0.0.2");
	assert_int_equal(take_connections(a), 1);
	assert_int_equal(take_connections(b), 1);

	/* It is back, and the one that failed longest ago. */
	server_start_at(&server, "127.0.0.3", port, script_talk);
	assert_in_range(attempt_ms(&client), 0, 200);
	assert_int_equal(client.n_open, 1);
	finish(&client);
	server_done(&server);
	close(a);
	close(b);
}

static void what_failed_last_is_tried_last(void **state)
{
	struct client client;
	int fds[3];
	uint16_t port = server_listen(&fds[0], "127.0.0.1", 0, 20);

	(void)state;
	server_listen(&fds[1], "127.0.0.2", port, 20);
	server_listen(&fds[2], "127.0.0.4", port, 20);
	many[0] = "127.0.0.1", many[1] = "127.0.0.2", many[2] = NULL;
	client_init(&client, "many.test", port);
	/* Time for one address, at its least. */
	client.options.connection_timeout_ms = 250;
	for (int i = 0; i < 4; i++) {
		attempt(&client);
		assert_int_equal(client.n_open, 0);
		assert_int_equal(take_connections(fds[i % 2]), 1);
		assert_int_equal(take_connections(fds[1 - i % 2]), 0);
	}
	/* A new address of the name goes before those that failed. */
	many[2] = "127.0.0.4";
	many[3] = NULL;
	attempt(&client);
	assert_int_equal(take_connections(fds[2]), 1);
	finish(&client);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* Opens, and refuses: a router that is shutting down, or not ours. */
static void an_address_that_refuses_has_failed(void **state)
{
	struct server servers[2];
	struct client client;

	(void)state;
	server_start(&servers[0], "127.0.0.1", script_talk);
	server_start_at(&servers[1], "127.0.0.2", servers[0].port, script_talk);
	many[0] = "127.0.0.1", many[1] = "127.0.0.2", many[2] = NULL;
	client_init(&client, "many.test", servers[0].port);
	client.disapproves = true;
	attempt(&client);
	assert_int_equal(client.n_messages, 1);
	ws_kill(client.ws);
	/* Each of the two answers once: it is the other one's turn. */
	assert_in_range(attempt_ms(&client), 0, 500);
	assert_int_equal(client.n_messages, 1);
	finish(&client);
	server_done(&servers[0]);
	server_done(&servers[1]);
}

/* Opens, and says nothing: a router whose insides hang. */
static void an_address_that_opens_and_says_nothing_has_failed(void **state)
{
	struct server mute, server;
	struct client client;

	(void)state;
	server_start(&mute, "127.0.0.1", script_never_answer);
	server_start_at(&server, "127.0.0.2", mute.port, script_talk);
	many[0] = "127.0.0.1", many[1] = "127.0.0.2", many[2] = NULL;
	client_init(&client, "many.test", mute.port);
	client_open(&client);
	while (!client.n_open)
		uv_run(&client.loop, UV_RUN_ONCE);
	client_run_ms(&client, 50);
	ws_kill(client.ws);
	attempt(&client);
	assert_int_equal(client.n_messages, 1);
	finish(&client);
	server_done(&server);
	server_done(&mute);
}

static void without_memory_a_lookup_fails_and_leaves_nothing(void **state)
{
	static const struct ws_ops ops;
	struct client client;
	int r, n = 0;

	(void)state;
	client_init(&client, "quick.test", 1);
	do {
		mem_fail_after(n++);
		r = ws_open(&client.ws, client.context, &client.options, &ops, NULL);
		mem_fail_after(-1);
	} while (n < 7);
	assert_int_equal(r, -ENOMEM);
	client_done(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_localhost_need_no_lookup),
		cmocka_unit_test(dead_name_servers_hold_nobody_else_up),
		cmocka_unit_test(a_name_has_one_lookup_at_a_time_and_its_late_answer_serves),
		cmocka_unit_test(two_attempts_at_one_name_share_its_lookup),
		cmocka_unit_test(silent_addresses_leave_time_for_the_last_one),
		cmocka_unit_test(what_failed_last_is_tried_last),
		cmocka_unit_test(an_address_that_refuses_has_failed),
		cmocka_unit_test(an_address_that_opens_and_says_nothing_has_failed),
		cmocka_unit_test(without_memory_a_lookup_fails_and_leaves_nothing),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	/* Threads of lookups that were given up may still be there; nobody owns anything of them.
	 */
	return r;
}
