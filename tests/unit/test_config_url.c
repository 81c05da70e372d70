/* SPDX-License-Identifier: MIT */

/*
 * Urls of routers
 */

#include "config/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_right_url_is_taken_apart(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		const char *path;
	} table[] = {
		{"ws://h", "h", 80, "/"},
		{"ws://h/", "h", 80, "/"},
		{"ws://h:8080", "h", 8080, "/"},
		{"ws://router.example.org:8080/ws", "router.example.org", 8080, "/ws"},
		{"ws://127.0.0.1:1/a/b", "127.0.0.1", 1, "/a/b"},
		{"ws://h:65535/ws?token=a:b@c", "h", 65535, "/ws?token=a:b@c"},
		{"ws://[::1]/ws", "::1", 80, "/ws"},
		{"ws://[::1]:8080/ws", "::1", 8080, "/ws"},
		{"ws://[2001:db8::7]:9000", "2001:db8::7", 9000, "/"},
		{"ws://[::ffff:10.0.0.1]:9000/", "::ffff:10.0.0.1", 9000, "/"},
		{"ws://[fe80::1%eth0]:80/", "fe80::1%eth0", 80, "/"},
		{"wss://router.example.org/ws", "router.example.org", 443, "/ws"},
		{"wss://[::1]:8443", "::1", 8443, "/"},
		{"ws://my_host-1.local.:80/", "my_host-1.local.", 80, "/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(arena_done) struct arena arena = {0};
		struct url url;

		if (url_check(table[i].text) != URL_OK)
			fail_msg("%s %s", table[i].text, url_problem(url_check(table[i].text)));
		assert_int_equal(url_parse(&url, &arena, table[i].text), 0);
		assert_false(url.embedded);
		assert_int_equal(url.use_tls, table[i].text[2] == 's');
		assert_string_equal(url.host, table[i].host);
		assert_int_equal(url.port, table[i].port);
		assert_string_equal(url.path, table[i].path);
	}
}

static void a_wrong_url_is_refused_for_its_own_reason(void **state)
{
	static const struct {
		const char *text;
		enum url_outcome outcome;
	} table[] = {
		{"WSS://h/ws", URL_BAD_SCHEME},
		{"wss://", URL_BAD_HOST},
		{"wss:///ws", URL_BAD_HOST},
		{"wss://u:p@h/", URL_HAS_USER},
		{"wss:h", URL_NO_SCHEME},
		{"rs://h:8081", URL_UNSUPPORTED},
		{"rss://h:8081", URL_UNSUPPORTED},
		{"unix:/run/x", URL_UNSUPPORTED},
		{"ws+unix:/run/x:/ws", URL_UNSUPPORTED},
		{"", URL_NO_SCHEME},
		{"h:8080", URL_NO_SCHEME},
		{"/ws", URL_NO_SCHEME},
		{"ws:/h", URL_NO_SCHEME},
		{"embedded", URL_NO_SCHEME},
		{" ws://h", URL_BAD_SCHEME},
		{"WS://h", URL_BAD_SCHEME},
		{"http://h/ws", URL_BAD_SCHEME},
		{"tcp://h", URL_BAD_SCHEME},
		{"embedded:realm1", URL_BAD_EMBEDDED},
		{"embedded://", URL_BAD_EMBEDDED},
		{"ws://u:p@h/", URL_HAS_USER},
		{"ws://@h/", URL_HAS_USER},
		{"ws://", URL_BAD_HOST},
		{"ws:///ws", URL_BAD_HOST},
		{"ws://:8080/", URL_BAD_HOST},
		{"ws://a b/", URL_BAD_HOST},
		{"ws://a..b/", URL_BAD_HOST},
		{"ws://h\xc3\xa4/", URL_BAD_HOST},
		{"ws://-h/", URL_BAD_HOST},
		{"ws://[::1/ws", URL_BAD_HOST},
		{"ws://[::1]x/ws", URL_BAD_HOST},
		{"ws://[]/ws", URL_BAD_HOST},
		{"ws://[127.0.0.1]/ws", URL_BAD_HOST},
		{"ws://[::g]/ws", URL_BAD_HOST},
		{"ws://[::1%]/ws", URL_BAD_HOST},
		{"ws://[::1%a/b]/ws", URL_BAD_HOST},
		{"ws://::1/ws", URL_BAD_HOST},
		{"ws://h:/", URL_BAD_PORT},
		{"ws://h:0/", URL_BAD_PORT},
		{"ws://h:65536/", URL_BAD_PORT},
		{"ws://h:123456/", URL_BAD_PORT},
		{"ws://h:8o/", URL_BAD_PORT},
		{"ws://h:-1/", URL_BAD_PORT},
		{"ws://h/a b", URL_BAD_PATH},
		{"ws://h/a#b", URL_BAD_PATH},
		{"ws://h#b", URL_BAD_PATH},
		{"ws://h?q", URL_BAD_PATH},
		{"ws://h/\r\nX: y", URL_BAD_PATH},
		{"ws://h/\xc3\xa4", URL_BAD_PATH},
		{"ws://h/\x7f", URL_BAD_PATH},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (url_check(table[i].text) != table[i].outcome)
			fail_msg("%s %s", table[i].text, url_problem(url_check(table[i].text)));
}

static void the_embedded_router_has_no_address(void **state)
{
	CLEANUP(arena_done) struct arena arena = {0};
	struct url url;

	(void)state;
	assert_int_equal(url_check("embedded:"), URL_OK);
	assert_int_equal(url_parse(&url, &arena, "embedded:"), 0);
	assert_true(url.embedded);
	assert_null(url.host);
}

static void an_ipv6_host_is_put_in_brackets(void **state)
{
	CLEANUP(arena_done) struct arena arena = {0};

	(void)state;
	assert_string_equal(url_format(&arena, false, "::1", 8080, "/ws"), "ws://[::1]:8080/ws");
	assert_string_equal(url_format(&arena, true, "h", 443, "/"), "wss://h:443/");
}

static void a_host_is_a_name_or_an_address_without_brackets(void **state)
{
	(void)state;
	assert_true(url_is_host("localhost"));
	assert_true(url_is_host("10.0.0.1"));
	assert_true(url_is_host("::1"));
	assert_true(url_is_host("fe80::1%en0.1"));
	assert_false(url_is_host("[::1]"));
	assert_false(url_is_host("h:80"));
	assert_false(url_is_host(""));
	assert_false(url_is_host("a/b"));
}

static void only_loopback_addresses_are_near(void **state)
{
	(void)state;
	assert_true(url_is_loopback("localhost"));
	assert_true(url_is_loopback("LocalHost"));
	assert_true(url_is_loopback("127.3.2.1"));
	assert_true(url_is_loopback("::1"));
	assert_false(url_is_loopback("10.0.0.1"));
	assert_false(url_is_loopback("128.0.0.1"));
	assert_false(url_is_loopback("::2"));
	assert_false(url_is_loopback("127.example.org"));
	assert_false(url_is_loopback("localhost.example.org"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_url_is_taken_apart),
		cmocka_unit_test(a_wrong_url_is_refused_for_its_own_reason),
		cmocka_unit_test(the_embedded_router_has_no_address),
		cmocka_unit_test(an_ipv6_host_is_put_in_brackets),
		cmocka_unit_test(a_host_is_a_name_or_an_address_without_brackets),
		cmocka_unit_test(only_loopback_addresses_are_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
