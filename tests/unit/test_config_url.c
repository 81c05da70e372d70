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
#include <string.h>

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
		/* a query needs no path */
		{"ws://h?token=abc", "h", 80, "/?token=abc"},
		{"ws://h:8080?token=abc/d", "h", 8080, "/?token=abc/d"},
		{"wss://[::1]?a", "::1", 443, "/?a"},
		{"ws://h?", "h", 80, "/?"},
		{"ws://h/?a?b", "h", 80, "/?a?b"},
		{"ws://h?a@b:c", "h", 80, "/?a@b:c"},
		{"ws://h/%C3%A4?q=%20", "h", 80, "/%C3%A4?q=%20"},
		{"WSS://h/ws", "h", 443, "/ws"},
		{"Ws://h/ws", "h", 80, "/ws"},
		{"ws://[fe80::1%25eth0]:80/", "fe80::1%eth0", 80, "/"},
		{"ws://[fe80::1%25]:80/", "fe80::1%25", 80, "/"},
		{"ws://10.0.0.255/", "10.0.0.255", 80, "/"},
		{"ws://10.example/", "10.example", 80, "/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(arena_done) struct arena arena = {0};
		struct url url;

		if (url_check(table[i].text) != URL_OK)
			fail_msg("%s is %d", table[i].text, url_check(table[i].text));
		assert_int_equal(url_parse(&url, &arena, table[i].text), 0);
		assert_false(url.embedded);
		assert_int_equal(url.use_tls, (table[i].text[2] | 0x20) == 's');
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
		const char *words;
	} table[] = {
		{"wss://", URL_NO_HOST, "needs a host"},
		{"wss:///ws", URL_NO_HOST, "needs a host"},
		{"wss://u:p@h/", URL_HAS_USER, "user or password"},
		{"wss:h", URL_NO_SCHEME, "must begin with ws://"},
		{"rs://h:8081", URL_UNSUPPORTED, "not supported by this version"},
		{"rss://h:8081", URL_UNSUPPORTED, "not supported"},
		{"RS://h:8081", URL_UNSUPPORTED, "not supported"},
		{"unix:/run/x", URL_UNSUPPORTED, "not supported"},
		{"ws+unix:/run/x:/ws", URL_UNSUPPORTED, "not supported"},
		{"", URL_NO_SCHEME, "must begin with ws://"},
		{"h:8080", URL_NO_SCHEME, "must begin with ws://"},
		{"/ws", URL_NO_SCHEME, "must begin with ws://"},
		{"ws:/h", URL_NO_SCHEME, "must begin with ws://"},
		{"embedded", URL_NO_SCHEME, "\"embedded:\""},
		{" ws://h", URL_HAS_BLANK, "a blank"},
		{"\xc2\xa0ws://h", URL_HAS_BLANK, "a blank"},
		{"http://h/ws", URL_BAD_SCHEME, "unknown scheme"},
		{"tcp://h", URL_BAD_SCHEME, "unknown scheme"},
		{"embedded:realm1", URL_BAD_EMBEDDED, "nothing behind the colon"},
		{"embedded://", URL_BAD_EMBEDDED, "nothing behind the colon"},
		{"ws://u:p@h/", URL_HAS_USER, "user or password"},
		{"ws://u:p@h?q", URL_HAS_USER, "user or password"},
		{"ws://@h/", URL_HAS_USER, "user or password"},
		{"ws://", URL_NO_HOST, "needs a host"},
		{"ws:///ws", URL_NO_HOST, "needs a host"},
		{"ws://?q", URL_NO_HOST, "needs a host"},
		{"ws://:8080/", URL_NO_HOST, "needs a host"},
		{"ws://a b/", URL_HAS_BLANK, "a blank"},
		{"ws://h/a b", URL_HAS_BLANK, "%20 for a blank"},
		{"ws://h/ ", URL_HAS_BLANK, "a blank"},
		{"ws://h\t", URL_HAS_BLANK, "control character"},
		{"ws://h/\r\nX: y", URL_HAS_BLANK, "control character"},
		{"ws://h/\x7f", URL_HAS_BLANK, "control character"},
		{"ws://h\xc3\xa4/", URL_NOT_ASCII, "xn--"},
		{"ws://h/\xc3\xa4", URL_NOT_ASCII, "%XX"},
		{"ws://h/\xc2\xa0", URL_NOT_ASCII, "in ASCII"},
		{"ws://h/a#b", URL_HAS_FRAGMENT, "fragment"},
		{"ws://h#b", URL_HAS_FRAGMENT, "fragment"},
		{"ws://h?a#b", URL_HAS_FRAGMENT, "fragment"},
		{"ws://a..b/", URL_BAD_NAME, "single dots"},
		{"ws://-h/", URL_BAD_NAME, "letters, digits"},
		{"ws://h%41/", URL_BAD_NAME, "letters, digits"},
		{"ws://a,b/", URL_BAD_NAME, "letters, digits"},
		{"ws://010.0.0.1/", URL_BAD_IPV4, "without leading zeros"},
		{"ws://127.1/", URL_BAD_IPV4, "four numbers"},
		{"ws://1/", URL_BAD_IPV4, "four numbers"},
		{"ws://10.0.0.256/", URL_BAD_IPV4, "up to 255"},
		{"ws://[::1/ws", URL_BAD_IPV6, "brackets"},
		{"ws://[]/ws", URL_BAD_IPV6, "brackets"},
		{"ws://[127.0.0.1]/ws", URL_BAD_IPV6, "brackets"},
		{"ws://[::g]/ws", URL_BAD_IPV6, "brackets"},
		{"ws://[::1%]/ws", URL_BAD_IPV6, "brackets"},
		{"ws://[::1%a/b]/ws", URL_BAD_IPV6, "brackets"},
		{"ws://[::1]x/ws", URL_BEHIND_BRACKET, "behind the ']'"},
		{"ws://::1/ws", URL_BARE_IPV6, "IPv6 in brackets"},
		{"ws://fe80::1%eth0?q", URL_BARE_IPV6, "IPv6 in brackets"},
		{"ws://h:/", URL_BAD_PORT, "port from 1 to 65535"},
		{"ws://h:?q", URL_BAD_PORT, "port from 1"},
		{"ws://h:0/", URL_BAD_PORT, "port from 1"},
		{"ws://h:65536/", URL_BAD_PORT, "port from 1"},
		{"ws://h:123456/", URL_BAD_PORT, "port from 1"},
		{"ws://h:8o/", URL_BAD_PORT, "port from 1"},
		{"ws://h:-1/", URL_BAD_PORT, "port from 1"},
		{"ws://h:80:90/", URL_BAD_PORT, "port from 1"},
		{"ws://h/%", URL_BAD_PERCENT, "two hexadecimal digits"},
		{"ws://h/%4", URL_BAD_PERCENT, "two hexadecimal digits"},
		{"ws://h?q=100%", URL_BAD_PERCENT, "%25"},
		{"ws://h/%zz", URL_BAD_PERCENT, "two hexadecimal digits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char problem[URL_MAX_PROBLEM];

		if (url_check(table[i].text) != table[i].outcome)
			fail_msg("%s is %d", table[i].text, url_check(table[i].text));
		url_explain(table[i].outcome, table[i].text, problem);
		if (!strstr(problem, table[i].words))
			fail_msg("%s %s", table[i].text, problem);
	}
}

static void what_is_too_long_is_told_with_its_length_and_the_limit(void **state)
{
	static char text[2000];
	char problem[URL_MAX_PROBLEM];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "ws://h?", 7);
	text[6 + URL_MAX_PATH] = '\0';
	assert_int_equal(url_check(text), URL_OK);
	text[6 + URL_MAX_PATH] = 'x';
	text[6 + 1100] = '\0';
	assert_int_equal(url_check(text), URL_LONG_PATH);
	url_explain(URL_LONG_PATH, text, problem);
	assert_string_equal(problem,
			    "is too long: its path and query have 1100 bytes, and may have 1024");
	assert_int_equal(url_check_path("ws"), URL_NO_SLASH);
	assert_int_equal(url_check_path(""), URL_NO_SLASH);
	text[0] = '/';
	text[1] = text[2] = text[3] = text[4] = text[5] = 'x';
	text[1050] = '\0';
	assert_int_equal(url_check_path(text), URL_LONG_PATH);
	url_explain(URL_LONG_PATH, text, problem);
	assert_non_null(strstr(problem, "have 1050 bytes, and may have 1024"));
	memset(text, 'h', sizeof(text));
	memcpy(text, "ws://", 5);
	text[5 + URL_MAX_NAME] = '\0';
	assert_int_equal(url_check(text), URL_OK);
	text[5 + URL_MAX_NAME] = 'h';
	text[6 + URL_MAX_NAME] = '\0';
	assert_int_equal(url_check(text), URL_LONG_NAME);
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

static void a_host_is_a_name_or_an_address_alone(void **state)
{
	static const struct {
		const char *text;
		enum url_outcome outcome;
	} table[] = {
		{"localhost", URL_OK},
		{"10.0.0.1", URL_OK},
		{"::1", URL_OK},
		{"fe80::1%en0.1", URL_OK},
		{"[::1]", URL_IN_BRACKETS},
		{"[::1]:80", URL_IN_BRACKETS},
		{"h:80", URL_HAS_PORT},
		{"", URL_NO_HOST},
		{"a/b", URL_IS_WHOLE},
		{"ws://h", URL_IS_WHOLE},
		{"h?q", URL_IS_WHOLE},
		{"u:p@h", URL_HAS_USER},
		{"a b", URL_HAS_BLANK},
		{"h\n", URL_HAS_BLANK},
		{"h\xc3\xa4", URL_NOT_ASCII},
		{"a..b", URL_BAD_NAME},
		{"127.1", URL_BAD_IPV4},
		{"010.0.0.1", URL_BAD_IPV4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char problem[URL_MAX_PROBLEM];

		if (url_check_host(table[i].text) != table[i].outcome)
			fail_msg("%s is %d", table[i].text, url_check_host(table[i].text));
		url_explain(table[i].outcome, table[i].text, problem);
		assert_true(strlen(problem) < URL_MAX_PROBLEM - 1);
	}
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
		cmocka_unit_test(what_is_too_long_is_told_with_its_length_and_the_limit),
		cmocka_unit_test(the_embedded_router_has_no_address),
		cmocka_unit_test(an_ipv6_host_is_put_in_brackets),
		cmocka_unit_test(a_host_is_a_name_or_an_address_alone),
		cmocka_unit_test(only_loopback_addresses_are_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
