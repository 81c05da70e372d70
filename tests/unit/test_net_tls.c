/* SPDX-License-Identifier: MIT */

/*
 * TLS that works: who is accepted, and what goes through
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_tls_world.h"

#include <malloc.h>

static struct world world;

/* ---- who is accepted ---- */

/* A visit with these options to a front with this certificate. */
static void visit(const char *host, const char *address, const struct pair *pair,
		  const struct ws_tls_options *options, const char *sni)
{
	struct front front;
	struct client client;

	front_init(&front, pair, script_echo);
	front_listen(&front, address);
	client_init_tls(&client, host, front.server.port, options);
	client_visit(&client);
	assert_int_equal(client.reason, WS_CLOSED);
	client_done_tls(&client);
	server_join(&front.server);
	assert_string_equal(front.sni, sni);
	front_done(&front);
}

static void a_certificate_of_a_known_ca_is_accepted(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	visit("router.test", "127.0.0.1", &world.router, &options, "router.test");
}

static void an_absolute_name_is_asked_for_without_its_dot(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	visit("router.test.", "127.0.0.1", &world.router, &options, "router.test");
}

static void an_address_is_checked_as_such_and_not_sent(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	visit("127.0.0.1", "127.0.0.1", &world.router, &options, "");
	visit("::1", "::1", &world.router, &options, "");
}

static void server_name_stands_for_the_host(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.server_name = "router.test";
	visit("elsewhere.test", "127.0.0.1", &world.router, &options, "router.test");
	visit("::1", "::1", &world.router, &options, "router.test");
	options.server_name = "127.0.0.1";
	visit("elsewhere.test", "127.0.0.1", &world.router, &options, "");
}

static void without_verify_host_any_name_will_do(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.verify_host = false;
	visit("elsewhere.test", "127.0.0.1", &world.router, &options, "elsewhere.test");
}

static void without_verify_anybody_is_accepted(void **state)
{
	struct ws_tls_options options = {.verify_host = true};
	struct pair own = pair_new((struct wanted){.name = "me", .from = -2 * A_DAY, .to = -A_DAY});

	(void)state;
	visit("router.test", "127.0.0.1", &own, &options, "router.test");
	pair_free(&own);
}

static void a_self_signed_certificate_may_be_its_own_ca(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair own = pair_new((struct wanted){
		.name = "me", .alt = "DNS:router.test", .from = -A_DAY, .to = A_DAY});

	(void)state;
	options.ca_file = files_cert(&world.files, "own.pem", &own);
	visit("router.test", "127.0.0.1", &own, &options, "router.test");
	pair_free(&own);
}

static void a_right_pin_is_enough_beside_the_chain_or_without_it(void **state)
{
	struct ws_tls_options options = world_options(&world);
	char pin[65], shouted[65], other[65];
	const char *pins[] = {other, pin};

	(void)state;
	pair_pin(&world.router, pin);
	pair_pin(&world.ca, other);
	options.pins = pins;
	options.n_pins = ARRAY_SIZE(pins);
	visit("router.test", "127.0.0.1", &world.router, &options, "router.test");
	for (size_t i = 0; i < sizeof(pin); i++)
		shouted[i] = pin[i] >= 'a' ? (char)(pin[i] - 0x20) : pin[i];
	pins[1] = shouted;
	options.verify = options.verify_host = false;
	visit("elsewhere.test", "127.0.0.1", &world.router, &options, "elsewhere.test");
}

static void a_ca_directory_is_looked_into(void **state)
{
	struct ws_tls_options options = world_options(&world);
	char name[32];

	(void)state;
	snprintf(name, sizeof(name), "%08lx.0", X509_subject_name_hash(world.ca.cert));
	files_cert(&world.files, name, &world.ca);
	options.ca_file = NULL;
	options.ca_dir = world.files.dir;
	visit("router.test", "127.0.0.1", &world.router, &options, "router.test");
}

static void the_system_authorities_are_asked(void **state)
{
	struct ws_tls_options options = {.verify = true, .verify_host = true, .system_ca = true};

	(void)state;
	setenv("SSL_CERT_FILE", world.ca_file, 1);
	visit("router.test", "127.0.0.1", &world.router, &options, "router.test");
	unsetenv("SSL_CERT_FILE");
}

static void a_client_certificate_is_shown(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair own = pair_new(
		(struct wanted){.name = "me", .issuer = &world.ca, .from = -A_DAY, .to = A_DAY});

	(void)state;
	options.cert = files_cert(&world.files, "me.pem", &own);
	options.key = files_key(&world.files, "me.key", &own, "open sesame");
	options.key_passphrase = "open sesame";
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct front front;
		struct client client;

		front_init(&front, &world.router, script_echo);
		SSL_CTX_load_verify_file(front.ctx, world.ca_file);
		SSL_CTX_set_verify(front.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
		SSL_CTX_set_max_proto_version(front.ctx, version);
		front_listen(&front, "127.0.0.1");
		client_init_tls(&client, "router.test", front.server.port, &options);
		client_visit(&client);
		client_done_tls(&client);
		server_join(&front.server);
		assert_true(front.had_cert);
		front_done(&front);
	}
	pair_free(&own);
}

/* Each session judges by its own settings, also in one context and at one router. */
static void sessions_do_not_share_their_trust(void **state)
{
	struct ws_tls_options options = world_options(&world), careless = {0};
	struct ws_tls *settings[2];
	struct client client;

	(void)state;
	options.server_name = "somebody.test";
	settings[0] = tls_new(&careless);
	settings[1] = tls_new(&options);
	client_init(&client, "router.test", 0);
	client.act_open = act_close;
	for (int i = 0; i < 4; i++) {
		struct front front;

		front_init(&front, &world.router, script_echo);
		front_listen(&front, "127.0.0.1");
		client.options.port = front.server.port;
		client.options.tls = settings[i % 2];
		client.n_open = client.n_over = 0;
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.n_open, i % 2 ? 0 : 1);
		assert_int_equal(client.reason, i % 2 ? WS_TLS : WS_CLOSED);
		front_done(&front);
	}
	client_done(&client);
	ws_tls_free(settings[0]);
	ws_tls_free(settings[1]);
}

/* ---- what goes through ---- */

static void close_when_all_is_back(struct client *client)
{
	if (client->n_messages == 13)
		ws_close(client->ws);
}

static void messages_of_any_size_go_both_ways(void **state)
{
	static const size_t sizes[] = {0,     1,     125,   126,    16383,  16384,   16385,
				       32768, 65522, 65536, 200000, 262144, 1u << 20};
	struct ws_tls_options options = world_options(&world);
	char *bytes = pattern(1u << 20);
	size_t total = 0;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct front front;
		struct client client;

		front_init(&front, &world.router, script_echo);
		SSL_CTX_set_max_proto_version(front.ctx, version);
		front_listen(&front, "127.0.0.1");
		client_init_tls(&client, "router.test", front.server.port, &options);
		client.act_message = close_when_all_is_back;
		for (size_t i = total = 0; i < ARRAY_SIZE(sizes); i++) {
			client_queue(&client, bytes, sizes[i]);
			total += sizes[i];
		}
		client_open(&client);
		client_run_until_over(&client);
		assert_int_equal(client.n_messages, ARRAY_SIZE(sizes));
		assert_int_equal(client.n_received, total);
		for (size_t i = 0, at = 0; i < ARRAY_SIZE(sizes); at += sizes[i++])
			assert_memory_equal(client.received + at, bytes, sizes[i]);
		client_done_tls(&client);
		front_done(&front);
	}
	free(bytes);
}

#define MANY 5000

static void close_when_many_are_back(struct client *client)
{
	if (client->n_messages == MANY)
		ws_close(client->ws);
}

static void many_small_messages_come_back_in_order(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;
	struct client client;
	char *expected = malloc(MANY * 16);
	size_t n = 0;

	(void)state;
	front_init(&front, &world.router, script_echo);
	front_listen(&front, "127.0.0.1");
	client_init_tls(&client, "router.test", front.server.port, &options);
	client.act_message = close_when_many_are_back;
	for (unsigned i = 0; i < MANY; i++) {
		int len = snprintf(expected + n, 16, "[%u]", i);

		client_queue(&client, expected + n, (size_t)len);
		n += (size_t)len;
	}
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_received, n);
	assert_memory_equal(client.received, expected, n);
	client_done_tls(&client);
	front_done(&front);
	free(expected);
}

/* ---- ends ---- */

static void script_vanish(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
}

static void a_peer_that_vanishes_is_noticed(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;
	struct client client;

	(void)state;
	front_init(&front, &world.router, script_vanish);
	front_listen(&front, "127.0.0.1");
	client_init_tls(&client, "router.test", front.server.port, &options);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 1);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, "connection lost");
	client_done_tls(&client);
	front_done(&front);
}

static void a_silent_peer_is_dropped_and_one_that_answers_pings_is_not(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	for (int polite = 0; polite < 2; polite++) {
		struct front front;
		struct client client;

		front_init(&front, &world.router, polite ? script_note : script_never_answer);
		front_listen(&front, "127.0.0.1");
		client_init_tls(&client, "router.test", front.server.port, &options);
		client.options.ping_interval_ms = client.options.ping_timeout_ms = 1000;
		client_open(&client);
		if (polite) {
			client_run_ms(&client, 3500);
			assert_int_equal(client.n_over, 0);
			ws_kill(client.ws);
		}
		client_run_until_over(&client);
		assert_int_equal(client.reason, polite ? WS_CLOSED : WS_PING_TIMEOUT);
		client_done_tls(&client);
		server_join(&front.server);
		assert_true(front.server.saw_ping);
		front_done(&front);
	}
}

static void a_kill_with_bytes_unsent_is_clean(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;
	struct client client;
	char *bytes = pattern(1u << 20);

	(void)state;
	front_init(&front, &world.router, script_stuck);
	front_listen(&front, "127.0.0.1");
	client_init_tls(&client, "router.test", front.server.port, &options);
	for (int i = 0; i < 16; i++)
		client_queue(&client, bytes, 1u << 20);
	client_open(&client);
	client_run_ms(&client, 500);
	assert_int_equal(client.n_open, 1);
	assert_true(buf_len(&client.out) > 0);
	ws_kill(client.ws);
	assert_int_equal(client.n_over, 1);
	client_done_tls(&client);
	front_done(&front);
	free(bytes);
}

static void a_kill_at_any_moment_of_the_handshake_is_clean(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct front front;
		struct client client;

		front_init(&front, &world.router, script_echo);
		front_listen(&front, "127.0.0.1");
		client_init_tls(&client, "router.test", front.server.port, &options);
		client_open(&client);
		for (int i = 0; i < turns; i++) {
			/* Once it is open nothing more happens by itself. */
			uv_timer_start(&client.tick, client_on_nothing, 50, 0);
			uv_run(&client.loop, UV_RUN_ONCE);
		}
		ws_kill(client.ws);
		assert_int_equal(client.n_over, 1);
		client_done_tls(&client);
		front_done(&front);
	}
}

static int set_up(void **state)
{
	(void)state;
	world_init(&world);
	return 0;
}

/* ---- settings that are replaced ---- */

static void act_replace_settings(struct client *client)
{
	client->options.tls = ws_tls_free(client->options.tls);
}

static void act_close_when_answered(struct client *client)
{
	if (client->n_received == 4)
		ws_close(client->ws);
}

/* A connection with settings of its own, which are given up while it talks. */
static void join_with_new_settings(struct client *client)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;

	front_init(&front, &world.router, script_echo);
	server_start_at(&front.server, "127.0.0.1", client->options.port, front_script);
	client->options.port = front.server.port;
	client->options.tls = tls_new(&options);
	client->act_open = act_replace_settings;
	client->act_message = act_close_when_answered;
	client->n_over = client->n_open = 0;
	client->n_received = 0;
	client_queue(client, "talk", 4);
	client_open(client);
	client_run_until_over(client);
	assert_int_equal(client->n_open, 1);
	assert_int_equal(client->n_received, 4);
	assert_int_equal(client->reason, WS_CLOSED);
	front_done(&front);
}

static void replaced_settings_go_when_their_last_connection_has_gone(void **state)
{
	struct client client;
	size_t before;

	(void)state;
	client_init(&client, "router.test", 0);
	for (int i = 0; i < 20; i++)
		join_with_new_settings(&client);
	client_run_ms(&client, 200);
	before = mallinfo2().uordblks;
	for (int i = 0; i < 80; i++)
		join_with_new_settings(&client);
	client_run_ms(&client, 200);
	/* libwebsockets keeps some 500 to 800 bytes of each; a vhost would be twice as much. */
	assert_in_range(mallinfo2().uordblks, 0, before + 100000);
	client_done(&client);
}

/* Given up before the connection is there, and with the connection at once. */
static void settings_may_be_given_up_at_any_moment(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	for (int turns = 0; turns < 8; turns++) {
		struct front front;
		struct client client;

		front_init(&front, &world.router, script_echo);
		front_listen(&front, "127.0.0.1");
		client_init_tls(&client, "router.test", front.server.port, &options);
		client.act_open = act_close;
		client_open(&client);
		for (int i = 0; i < turns && !client.n_over; i++)
			uv_run(&client.loop, UV_RUN_ONCE);
		client.options.tls = ws_tls_free(client.options.tls);
		if (turns % 2 && !client.n_over)
			ws_kill(client.ws);
		client_run_until_over(&client);
		assert_int_equal(client.n_open, turns % 2 ? client.n_open : 1);
		client_done(&client);
		front_done(&front);
	}
}

static void script_two(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_write(fd,
		     "\x81\x01"
		     "a\x81\x01"
		     "b",
		     6);
	server_serve(server, fd, true, true);
}

static void act_pause_at_one(struct client *client)
{
	if (client->n_messages == 1)
		ws_set_reading(client->ws, false);
}

/* Both came in one record, which OpenSSL has taken off the socket. */
static void what_was_decrypted_already_waits_while_nothing_is_read(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;
	struct client client;

	(void)state;
	front_init(&front, &world.router, script_two);
	front_listen(&front, "127.0.0.1");
	client_init_tls(&client, "router.test", front.server.port, &options);
	client.act_message = act_pause_at_one;
	client_open(&client);
	client_run_ms(&client, 300);
	assert_int_equal(client.n_messages, 1);
	ws_set_reading(client.ws, true);
	client_run_ms(&client, 100);
	assert_int_equal(client.n_messages, 2);
	assert_memory_equal(client.received, "ab", 2);
	ws_close(client.ws);
	client_run_until_over(&client);
	client_done_tls(&client);
	front_done(&front);
}

static int tear_down(void **state)
{
	(void)state;
	world_done(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_of_a_known_ca_is_accepted),
		cmocka_unit_test(an_absolute_name_is_asked_for_without_its_dot),
		cmocka_unit_test(an_address_is_checked_as_such_and_not_sent),
		cmocka_unit_test(server_name_stands_for_the_host),
		cmocka_unit_test(without_verify_host_any_name_will_do),
		cmocka_unit_test(without_verify_anybody_is_accepted),
		cmocka_unit_test(a_self_signed_certificate_may_be_its_own_ca),
		cmocka_unit_test(a_right_pin_is_enough_beside_the_chain_or_without_it),
		cmocka_unit_test(a_ca_directory_is_looked_into),
		cmocka_unit_test(the_system_authorities_are_asked),
		cmocka_unit_test(a_client_certificate_is_shown),
		cmocka_unit_test(sessions_do_not_share_their_trust),
		cmocka_unit_test(messages_of_any_size_go_both_ways),
		cmocka_unit_test(many_small_messages_come_back_in_order),
		cmocka_unit_test(a_peer_that_vanishes_is_noticed),
		cmocka_unit_test(a_silent_peer_is_dropped_and_one_that_answers_pings_is_not),
		cmocka_unit_test(a_kill_with_bytes_unsent_is_clean),
		cmocka_unit_test(a_kill_at_any_moment_of_the_handshake_is_clean),
		cmocka_unit_test(replaced_settings_go_when_their_last_connection_has_gone),
		cmocka_unit_test(settings_may_be_given_up_at_any_moment),
		cmocka_unit_test(what_was_decrypted_already_waits_while_nothing_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
