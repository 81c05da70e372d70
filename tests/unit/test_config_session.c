/* SPDX-License-Identifier: MIT */

/*
 * What a session says about its router, authentication, TLS, TCP and HTTP
 */

#include "test_config_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PIN_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PIN_B "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcde0"

static struct config *load_text(const char *text)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	int r;

	config_errors_init(&errors);
	r = files_load_text(&config, text, &errors);
	if (r)
		fail_msg("%d: %s, for:\n%s", r, errors.n ? errors.texts[0] : "", text);
	return config;
}

static void the_way_to_the_router_follows_the_nearest_place_that_names_one(void **state)
{
	static const struct {
		const char *text, *url;
		bool is_near;
	} table[] = {
		{"defaults: {realm: x}", "embedded:", true},
		{"defaults: {url: 'ws://d/x'}", "ws://d/x", false},
		{"defaults: {url: ['ws://d/x']}", "ws://d/x", false},
		{"defaults: {url: ws://127.0.0.1:8080/ws}", "ws://127.0.0.1:8080/ws", true},
		{"defaults: {host: d}", "ws://d:8080/ws", false},
		{"defaults: {port: 99}", "ws://localhost:99/ws", true},
		{"defaults: {path: /}", "ws://localhost:8080/", true},
		{"defaults: {tls: yes}", "wss://localhost:8080/ws", true},
		{"defaults: {tls: no}", "ws://localhost:8080/ws", true},
		{"defaults: {tls: yes, host: d}", "wss://d:8080/ws", false},
		{"defaults: {tls: yes}\nsessions: {s: {host: d}}", "wss://d:8080/ws", false},
		{"defaults: {tls: yes}\nsessions: {s: {host: d, tls: no}}", "ws://d:8080/ws",
		 false},
		{"defaults: {tls: yes}\nsessions: {s: {url: 'wss://d/'}}", "wss://d/", false},
		{"defaults: {url: 'wss://d/'}\nsessions: {s: {tls: yes}}", "wss://d/", false},
		{"defaults: {url: 'wss://d/'}\nsessions: {s: {host: h}}", "ws://h:8080/ws", false},
		{"defaults: {host: '::1'}", "ws://[::1]:8080/ws", true},
		{"defaults: {host: d, port: 5}\nsessions: {s: {}}", "ws://d:5/ws", false},
		{"defaults: {host: d, port: 5}\nsessions: {s: {port: 6}}", "ws://d:6/ws", false},
		{"defaults: {host: d}\nsessions: {s: {url: 'ws://u/'}}", "ws://u/", false},
		{"defaults: {host: d}\nsessions: {s: {url: 'embedded:'}}", "embedded:", true},
		{"defaults: {url: 'ws://d/'}\nsessions: {s: {port: 6}}", "ws://localhost:6/ws",
		 true},
		{"defaults: {url: 'ws://d/'}\nsessions: {s: }", "ws://d/", false},
		{"sessions: {s: {}}", "embedded:", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(config_freep) struct config *c = load_text(table[i].text);

		assert_string_equal(c->sessions[0].url, table[i].url);
		assert_int_equal(c->sessions[0].is_near, table[i].is_near);
		assert_int_equal(c->sessions[0].embedded, table[i].url[0] == 'e');
		assert_int_equal(c->sessions[0].use_tls, table[i].url[2] == 's');
	}
}

static void a_url_fills_host_port_and_path(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text("defaults: {url: 'ws://[fe80::1%eth0]:81/a?b=c'}\n");

	(void)state;
	assert_string_equal(c->sessions[0].host, "fe80::1%eth0");
	assert_int_equal(c->sessions[0].port, 81);
	assert_string_equal(c->sessions[0].path, "/a?b=c");
}

static void words_and_numbers_are_read_into_their_fields(void **state)
{
	CLEANUP(config_freep)
	struct config *c =
		load_text("defaults: {host: h, tls: on, connect: on_demand,\n"
			  "  max_reconnection_attempts: 15, on_give_up: exit,\n"
			  "  close_handshake_timeout: 2.5, tcp_nodelay: no,\n"
			  "  tcp_keepalive: off, compression: true,\n"
			  "  origin: 'https://app.example.org:8443', user_agent: b/1 (x),\n"
			  "  forward_timeout: s}\n");
	const struct config_session *s = &c->sessions[0];

	(void)state;
	assert_true(s->use_tls && s->on_demand && s->exit_on_give_up && s->compression);
	assert_int_equal(s->max_reconnection_attempts, 15);
	assert_int_equal(s->close_handshake_timeout_ms, 2500);
	assert_false(s->tcp_nodelay || s->tcp_keepalive);
	assert_string_equal(s->origin, "https://app.example.org:8443");
	assert_string_equal(s->user_agent, "b/1 (x)");
	assert_int_equal(s->forward_timeout, CONFIG_FORWARD_S);
}

static void authentication_is_read_into_its_fields(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text("defaults: {auth_method: [wampcra, ticket, anonymous],\n"
				     "  auth_id: \"j\\u00fcrgen@example.org\", auth_role: a role,\n"
				     "  auth_secret: '@credential:key', serializers: [json]}\n");
	const struct config_session *s = &c->sessions[0];

	(void)state;
	assert_int_equal(s->auth_method.n, 3);
	assert_string_equal(s->auth_method.items[0], "wampcra");
	assert_string_equal(s->auth_method.items[1], "ticket");
	assert_string_equal(s->auth_method.items[2], "anonymous");
	assert_string_equal(s->auth_id, "j\xc3\xbcrgen@example.org");
	assert_string_equal(s->auth_role, "a role");
	assert_string_equal(s->auth_secret, "@credential:key");
	assert_int_equal(s->serializers.n, 1);
}

static void tls_is_read_into_its_fields(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text(
		"defaults: {url: 'wss://10.0.0.1/', tls_ca_file: /a, tls_ca_dir: /b,\n"
		"  tls_system_ca: no, tls_cert: /c, tls_key: /d, tls_key_passphrase: '@file:/e',\n"
		"  tls_verify_host: no, tls_server_name: f, tls_min_version: 1.3, tls_ciphers: g,\n"
		"  tls_ciphersuites: h, tls_pin_sha256: [" PIN_A ", " PIN_B "]}\n"
		"sessions: {default: {}, x: {tls_pin_sha256: " PIN_B "}, y: {tls_pin_sha256: []},\n"
		"  z: {tls_verify: no, tls_pin_sha256: []}}\n");
	const struct config_tls *tls = &c->sessions[0].tls;

	(void)state;
	assert_true(c->sessions[0].use_tls);
	assert_int_equal(c->sessions[0].port, 443);
	assert_string_equal(tls->ca_file, "/a");
	assert_string_equal(tls->ca_dir, "/b");
	assert_string_equal(tls->cert, "/c");
	assert_string_equal(tls->key, "/d");
	assert_string_equal(tls->key_passphrase, "@file:/e");
	assert_false(tls->system_ca || tls->verify_host);
	assert_true(tls->verify);
	assert_string_equal(tls->server_name, "f");
	assert_int_equal(tls->min_version, CONFIG_TLS_1_3);
	assert_string_equal(tls->ciphers, "g");
	assert_string_equal(tls->ciphersuites, "h");
	assert_int_equal(tls->pin_sha256.n, 2);
	assert_string_equal(tls->pin_sha256.items[1], PIN_B);
	assert_int_equal(c->sessions[1].tls.pin_sha256.n, 1);
	assert_int_equal(c->sessions[2].tls.pin_sha256.n, 0);
	assert_false(c->sessions[3].tls.verify);
}

static void check_headers(const struct config_session *s, const char *const *expected, size_t n)
{
	assert_int_equal(s->headers.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(s->headers.items[i], expected[i]);
}

static void headers_of_a_session_are_added_to_those_of_the_defaults(void **state)
{
	static const char *const merged[] = {"X-B: 2", "X-Empty: ", "x-a: own", "X-C: 3"};
	static const char *const common[] = {"X-A: 1", "X-B: 2", "X-Empty: "};
	CLEANUP(config_freep)
	struct config *c =
		load_text("defaults: {headers: {X-A: 1, X-B: 2, X-Empty: ''}}\n"
			  "sessions: {default: {headers: {x-a: own, X-C: 3}}, b: {headers: {}}}\n");

	(void)state;
	check_headers(&c->sessions[0], merged, ARRAY_SIZE(merged));
	check_headers(&c->sessions[1], common, ARRAY_SIZE(common));
}

static void headers_of_later_files_are_added_and_lists_are_replaced(void **state)
{
	static const char *const merged[] = {"A: 1", "B: late", "C: 3"};
	CLEANUP(config_errors_done) struct config_errors errors;
	CLEANUP(config_freep) struct config *c = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config_errors_init(&errors);
	files_write(&f, "wampbridge.yaml",
		    "defaults: {headers: {A: 1, B: 2}, auth_method: [anonymous, ticket],\n"
		    "  auth_extra: {a: 1, b: {c: 2}}}\n");
	files_write(&f, "conf.d/1.yaml",
		    "defaults: {headers: {B: late, C: 3}, auth_method: anonymous,\n"
		    "  auth_extra: {b: {d: 3}}}\n");
	assert_int_equal(config_load(&c, &(struct config_source){.dir = f.dir}, &errors), 0);
	check_headers(&c->sessions[0], merged, ARRAY_SIZE(merged));
	assert_int_equal(c->sessions[0].auth_method.n, 1);
	assert_string_equal(c->sessions[0].auth_extra, "{\"a\":1,\"b\":{\"d\":3}}");
	files_done(&f);
}

static void auth_extra_becomes_json_whose_types_follow_from_its_looks(void **state)
{
	static const struct {
		const char *yaml, *json;
	} table[] = {
		{"{a: 1}", "{\"a\":1}"},
		{"{a: -1.50e+3}", "{\"a\":-1.50e+3}"},
		{"{a: 123456789012345678901234567890}", "{\"a\":123456789012345678901234567890}"},
		{"{a: true, b: false, c: null}", "{\"a\":true,\"b\":false,\"c\":null}"},
		{"{a: }", "{\"a\":null}"},
		{"{a: '1', b: \"true\", c: ''}", "{\"a\":\"1\",\"b\":\"true\",\"c\":\"\"}"},
		{"{a: yes, b: True, c: ~}", "{\"a\":\"yes\",\"b\":\"True\",\"c\":\"~\"}"},
		{"{a: 0x10, b: 007, c: 1_0}", "{\"a\":\"0x10\",\"b\":\"007\",\"c\":\"1_0\"}"},
		{"{a: .5, b: +1, c: .inf}", "{\"a\":\".5\",\"b\":\"+1\",\"c\":\".inf\"}"},
		{"{a: [1, [x, {b: 2}]], c: {}}", "{\"a\":[1,[\"x\",{\"b\":2}]],\"c\":{}}"},
		{"{1: 2, 'a\"b': c}", "{\"1\":2,\"a\\\"b\":\"c\"}"},
		{"{a: \"x\\ty\\u2028\"}", "{\"a\":\"x\\u0009y\\u2028\"}"},
		{"{a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {}}}}}}}}}}}}}}}}",
		 "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{\"j\":"
		 "{\"k\":{\"l\":{\"m\":{\"n\":{\"o\":{}}}}}}}}}}}}}}}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(config_freep) struct config *c = NULL;
		char text[512];

		snprintf(text, sizeof(text), "defaults:\n  auth_extra: %s\n", table[i].yaml);
		c = load_text(text);
		assert_string_equal(c->sessions[0].auth_extra, table[i].json);
	}
}

static void an_empty_auth_extra_is_none(void **state)
{
	CLEANUP(config_freep) struct config *c = load_text("defaults: {auth_extra: {}}\n");

	(void)state;
	assert_null(c->sessions[0].auth_extra);
}

static void auth_extra_of_a_session_is_merged_with_that_of_the_defaults(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text("defaults: {auth_extra: {a: 1, b: 2}}\n"
				     "sessions: {default: {auth_extra: {b: x}}, o: {}}\n");

	(void)state;
	assert_string_equal(c->sessions[0].auth_extra, "{\"a\":1,\"b\":\"x\"}");
	assert_string_equal(c->sessions[1].auth_extra, "{\"a\":1,\"b\":2}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_numbers_are_read_into_their_fields),
		cmocka_unit_test(authentication_is_read_into_its_fields),
		cmocka_unit_test(tls_is_read_into_its_fields),
		cmocka_unit_test(headers_of_a_session_are_added_to_those_of_the_defaults),
		cmocka_unit_test(headers_of_later_files_are_added_and_lists_are_replaced),
		cmocka_unit_test(auth_extra_becomes_json_whose_types_follow_from_its_looks),
		cmocka_unit_test(an_empty_auth_extra_is_none),
		cmocka_unit_test(auth_extra_of_a_session_is_merged_with_that_of_the_defaults),
		cmocka_unit_test(the_way_to_the_router_follows_the_nearest_place_that_names_one),
		cmocka_unit_test(a_url_fills_host_port_and_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
