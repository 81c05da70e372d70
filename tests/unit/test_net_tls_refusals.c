/* SPDX-License-Identifier: MIT */

/*
 * TLS that does not come to be, and what a person is told about it
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_tls_world.h"

static struct world world;

/* ---- tools ---- */

/* One attempt at a front that is ready to listen; it must end before it is open. */
static void expect_refusal_by(struct front *front, const char *host,
			      const struct ws_tls_options *options, const char *text)
{
	struct client client;

	front_listen(front, "127.0.0.1");
	client_init_tls(&client, host, front->server.port, options);
	client.options.open_timeout_ms = 2000;
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 0);
	assert_text(&client, text);
	assert_int_equal(client.reason, WS_TLS);
	client_done_tls(&client);
	front_done(front);
}

static void expect_refusal(const struct pair *pair, const char *host,
			   const struct ws_tls_options *options, const char *text)
{
	struct front front;

	front_init(&front, pair, script_echo);
	expect_refusal_by(&front, host, options, text);
}

static void refuse_pair(struct wanted wanted, const char *text)
{
	struct ws_tls_options options = world_options(&world);
	struct pair pair = pair_new(wanted);

	expect_refusal(&pair, "router.test", &options, text);
	pair_free(&pair);
}

/* ---- certificates ---- */

static void an_unknown_ca_is_told(void **state)
{
	struct ws_tls_options options = {.verify = true, .verify_host = true, .system_ca = true};

	(void)state;
	expect_refusal(&world.router, "router.test", &options,
		       "certificate of router.test is not trusted: the authority \"CA\" is not "
		       "known here (set tls_ca_file to the router's CA)");
}

/* An authority between the one that is trusted and the router. */
static void a_chain_with_a_hole_is_told_apart_from_an_unknown_ca(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair sub = pair_new((struct wanted){.name = "Sub\033CA",
						   .issuer = &world.ca,
						   .from = -A_DAY,
						   .to = A_DAY,
						   .is_ca = true});
	struct pair other = pair_new(
		(struct wanted){.name = "Other CA", .from = -A_DAY, .to = A_DAY, .is_ca = true});
	struct pair other_sub = pair_new((struct wanted){
		.name = "Other Sub", .issuer = &other, .from = -A_DAY, .to = A_DAY, .is_ca = true});
	struct wanted wanted = {
		.name = "router", .alt = "DNS:router.test", .from = -A_DAY, .to = A_DAY};
	struct pair router, stranger;
	struct front front;

	(void)state;
	wanted.issuer = &sub;
	router = pair_new(wanted);
	expect_refusal(&router, "router.test", &options,
		       "incomplete chain: the router does not send the certificate of its issuer "
		       "\"Sub?CA\", nor is it in tls_ca_file (let the router send it, ");
	/* Whole, but not from here: with the authority's own certificate, and without. */
	wanted.issuer = &other_sub;
	stranger = pair_new(wanted);
	for (int i = 0; i < 2; i++) {
		front_init(&front, &stranger, script_echo);
		SSL_CTX_add1_chain_cert(front.ctx, other_sub.cert);
		if (i)
			SSL_CTX_add1_chain_cert(front.ctx, other.cert);
		expect_refusal_by(&front, "router.test", &options,
				  "the authority \"Other CA\" is not known here (tls_ca_file and "
				  "tls_ca_dir do not have it)");
	}
	pair_free(&stranger);
	pair_free(&router);
	pair_free(&other_sub);
	pair_free(&other);
	pair_free(&sub);
}

/* What is set already is not the cure. */
static void a_cure_that_is_in_force_is_not_named(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair own = pair_new((struct wanted){
		.name = "me", .alt = "DNS:router.test", .from = -A_DAY, .to = A_DAY});

	(void)state;
	expect_refusal(&own, "router.test", &options,
		       "it is self-signed (tls_ca_file does not have it: add it");
	options.server_name = "nobody.test";
	expect_refusal(&world.router, "router.test", &options,
		       "but for DNS:router.test, IP:127.0.0.1, IP:::1 (tls_server_name asks for "
		       "another name)");
	options.ca_file = NULL;
	options.system_ca = true;
	expect_refusal(&own, "router.test", &options,
		       "it is self-signed (set tls_ca_file to it, if it is the right one)");
	pair_free(&own);
}

static void a_self_signed_certificate_is_told(void **state)
{
	(void)state;
	refuse_pair(
		(struct wanted){
			.name = "me", .alt = "DNS:router.test", .from = -A_DAY, .to = A_DAY},
		"certificate of router.test is not trusted: it is self-signed (tls_ca_file");
}

static void a_forged_issuer_is_told(void **state)
{
	struct pair forged =
		pair_new((struct wanted){.name = "CA", .from = -A_DAY, .to = A_DAY, .is_ca = true});

	(void)state;
	refuse_pair((struct wanted){.name = "router",
				    .alt = "DNS:router.test",
				    .issuer = &forged,
				    .from = -A_DAY,
				    .to = A_DAY},
		    "certificate of router.test is not trusted: certificate signature failure");
	pair_free(&forged);
}

static void a_wrong_name_is_told_with_the_right_ones(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	expect_refusal(&world.router, "other.test", &options,
		       "certificate is not for \"other.test\" but for DNS:router.test, "
		       "IP:127.0.0.1, IP:::1 (set tls_server_name, or connect by that name)");
	options.server_name = "nobody.test";
	expect_refusal(&world.router, "router.test", &options,
		       "certificate is not for \"nobody.test\" but for DNS:router.test");
	options.server_name = "127.0.0.2";
	expect_refusal(&world.router, "router.test", &options,
		       "certificate is not for \"127.0.0.2\" but for");
}

static void names_of_a_stranger_are_made_harmless(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair odd = world_router(&world, "DNS:a\033[31m.test,DNS:b.test,DNS:c.test,"
					       "DNS:d.test,DNS:e.test");

	(void)state;
	expect_refusal(&odd, "router.test", &options,
		       "but for DNS:a?[31m.test, DNS:b.test, DNS:c.test, DNS:d.test, …");
	pair_free(&odd);
}

static void an_address_that_is_only_a_name_is_refused(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair named = world_router(&world, "DNS:127.0.0.1");
	struct pair nameless = world_router(&world, NULL);

	(void)state;
	expect_refusal(&named, "127.0.0.1", &options, "certificate is not for \"127.0.0.1\"");
	expect_refusal(&nameless, "127.0.0.1", &options, "but for nobody");
	pair_free(&named);
	pair_free(&nameless);
}

static void dates_are_told(void **state)
{
	struct wanted wanted = {.name = "router", .alt = "DNS:router.test", .issuer = &world.ca};
	time_t now = time(NULL), then = now - 2 * A_DAY;
	char text[96];

	(void)state;
	wanted.from = -10 * A_DAY;
	wanted.to = -2 * A_DAY;
	strftime(text, sizeof(text), "certificate of router.test has expired on %Y-%m-%d",
		 gmtime(&then));
	refuse_pair(wanted, text);
	wanted.from = 2 * A_DAY;
	wanted.to = 10 * A_DAY;
	then = now + 2 * A_DAY;
	strftime(text, sizeof(text), "certificate of router.test is not valid before %Y-%m-%d",
		 gmtime(&then));
	refuse_pair(wanted, text);
}

static void an_expired_authority_is_told_apart(void **state)
{
	struct pair old = pair_new(
		(struct wanted){.name = "old CA", .from = -9 * A_DAY, .to = -A_DAY, .is_ca = true});
	struct pair pair = pair_new((struct wanted){.name = "router",
						    .alt = "DNS:router.test",
						    .issuer = &old,
						    .from = -A_DAY,
						    .to = A_DAY});
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.ca_file = files_cert(&world.files, "old.pem", &old);
	expect_refusal(&pair, "router.test", &options,
		       "a certificate above that of router.test has expired on");
	pair_free(&pair);
	pair_free(&old);
}

static void a_wrong_pin_is_told_with_the_right_one(void **state)
{
	struct ws_tls_options options = world_options(&world);
	char pin[65], other[65], text[192];
	const char *pins[] = {other};

	(void)state;
	pair_pin(&world.router, pin);
	pair_pin(&world.ca, other);
	snprintf(text, sizeof(text),
		 "public key of router.test is not one of tls_pin_sha256: its own is %s", pin);
	options.pins = pins;
	options.n_pins = 1;
	expect_refusal(&world.router, "router.test", &options, text);
	options.verify = false;
	expect_refusal(&world.router, "router.test", &options, text);
}

static void a_right_pin_does_not_replace_the_chain(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair own = pair_new((struct wanted){
		.name = "me", .alt = "DNS:router.test", .from = -A_DAY, .to = A_DAY});
	char pin[65];
	const char *pins[] = {pin};

	(void)state;
	pair_pin(&own, pin);
	options.pins = pins;
	options.n_pins = 1;
	expect_refusal(&own, "router.test", &options, "it is self-signed");
	pair_free(&own);
}

/* ---- handshakes ---- */

static void a_router_without_1_3_is_told(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;

	(void)state;
	options.only_1_3 = true;
	front_init(&front, &world.router, script_echo);
	SSL_CTX_set_max_proto_version(front.ctx, TLS1_2_VERSION);
	expect_refusal_by(&front, "router.test", &options,
			  "TLS handshake failed: no common version (see tls_min_version)");
}

static void no_common_cipher_is_told(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct front front;

	(void)state;
	options.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
	front_init(&front, &world.router, script_echo);
	SSL_CTX_set_max_proto_version(front.ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(front.ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
	expect_refusal_by(&front, "router.test", &options, "no common cipher");

	options.ciphersuites = "TLS_AES_256_GCM_SHA384";
	front_init(&front, &world.router, script_echo);
	SSL_CTX_set_min_proto_version(front.ctx, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(front.ctx, "TLS_AES_128_GCM_SHA256");
	expect_refusal_by(&front, "router.test", &options, "no common cipher");
}

static void a_router_that_wants_a_certificate_is_told(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct front front;

		front_init(&front, &world.router, script_echo);
		SSL_CTX_set_verify(front.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
		SSL_CTX_set_max_proto_version(front.ctx, version);
		expect_refusal_by(&front, "router.test", &options, "wants a client certificate");
	}
}

static void a_router_that_refuses_our_certificate_is_told(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct pair own = pair_new((struct wanted){.name = "me", .from = -A_DAY, .to = A_DAY});
	struct front front;

	(void)state;
	options.cert = files_cert(&world.files, "me.pem", &own);
	options.key = files_key(&world.files, "me.key", &own, NULL);
	front_init(&front, &world.router, script_echo);
	SSL_CTX_load_verify_file(front.ctx, world.ca_file);
	SSL_CTX_set_verify(front.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	expect_refusal_by(&front, "router.test", &options,
			  "the router refused the client certificate: unknown CA (see tls_cert)");
	pair_free(&own);
}

/* ---- TLS on one side only ---- */

static void script_http_400(struct server *server, int fd)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	char c;

	(void)server;
	(void)!recv(fd, &c, 1, 0);
	server_write(fd, answer, sizeof(answer) - 1);
	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void script_close_at_once(struct server *server, int fd)
{
	char c;

	(void)server;
	(void)!recv(fd, &c, 1, 0);
}

static void script_silence(struct server *server, int fd)
{
	char c;

	(void)server;
	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void expect_no_tls(void (*script)(struct server *, int), const char *text)
{
	struct ws_tls_options options = world_options(&world);
	struct server server;
	struct client client;

	server_start(&server, "127.0.0.1", script);
	client_init_tls(&client, "router.test", server.port, &options);
	client.options.open_timeout_ms = 1000;
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 0);
	assert_text(&client, text);
	assert_text(&client, "is the url ws:// ?");
	assert_int_equal(client.reason, WS_TLS);
	client_done_tls(&client);
	server_done(&server);
}

static void a_plain_server_is_told(void **state)
{
	(void)state;
	expect_no_tls(script_http_400, "no TLS at 127.0.0.1 port");
	expect_no_tls(script_close_at_once, "closed during the handshake");
	expect_no_tls(script_silence, "no answer to the handshake within 1 s");
}

static void a_tls_server_is_suspected_behind_ws(void **state)
{
	struct front front;
	struct client client;

	(void)state;
	front_init(&front, &world.router, script_echo);
	front_listen(&front, "127.0.0.1");
	client_init(&client, "router.test", front.server.port);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.n_open, 0);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, "the port may want wss://");
	client_done(&client);
	front_done(&front);
}

static void a_refused_port_is_no_matter_of_tls(void **state)
{
	struct ws_tls_options options = world_options(&world);
	struct client client;
	int fd;
	uint16_t port = server_listen(&fd, "127.0.0.1", 0, 1);

	(void)state;
	close(fd);
	client_init_tls(&client, "router.test", port, &options);
	client_open(&client);
	client_run_until_over(&client);
	assert_int_equal(client.reason, WS_TRANSPORT);
	assert_text(&client, "Connection refused");
	client_done_tls(&client);
}

static int set_up(void **state)
{
	(void)state;
	world_init(&world);
	return 0;
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
		cmocka_unit_test(an_unknown_ca_is_told),
		cmocka_unit_test(a_chain_with_a_hole_is_told_apart_from_an_unknown_ca),
		cmocka_unit_test(a_cure_that_is_in_force_is_not_named),
		cmocka_unit_test(a_self_signed_certificate_is_told),
		cmocka_unit_test(a_forged_issuer_is_told),
		cmocka_unit_test(a_wrong_name_is_told_with_the_right_ones),
		cmocka_unit_test(names_of_a_stranger_are_made_harmless),
		cmocka_unit_test(an_address_that_is_only_a_name_is_refused),
		cmocka_unit_test(dates_are_told),
		cmocka_unit_test(an_expired_authority_is_told_apart),
		cmocka_unit_test(a_wrong_pin_is_told_with_the_right_one),
		cmocka_unit_test(a_right_pin_does_not_replace_the_chain),
		cmocka_unit_test(a_router_without_1_3_is_told),
		cmocka_unit_test(no_common_cipher_is_told),
		cmocka_unit_test(a_router_that_wants_a_certificate_is_told),
		cmocka_unit_test(a_router_that_refuses_our_certificate_is_told),
		cmocka_unit_test(a_plain_server_is_told),
		cmocka_unit_test(a_tls_server_is_suspected_behind_ws),
		cmocka_unit_test(a_refused_port_is_no_matter_of_tls),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
