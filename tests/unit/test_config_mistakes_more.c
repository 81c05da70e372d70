/* SPDX-License-Identifier: MIT */

/*
 * Mistakes in authentication, TLS, headers and limits, and in what fits together
 *
 * The other table has those of YAML, of shape and of names.
 */

#include "test_config_mistakes.h"

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct mistake values[] = {
	/* daemon */
	{"daemon:\n  socket_group: 'a b'\n", 2, {"'socket_group' must be a name", "not 'a b'"}},
	{"daemon:\n  socket_group:\n", 2, {"'socket_group'", "not nothing"}},
	{"daemon:\n  log_target: syslog\n", 2, {"auto, journal or stderr", "not 'syslog'"}},
	{"daemon:\n  log_target: [auto]\n", 2, {"'log_target' must be auto", "not a list"}},
	{"daemon:\n  log_taget: auto\n", 2, {"did you mean 'log_target'?"}},
	/* choices, switches and numbers of a session */
	{"defaults:\n  tls: maybe\n", 2, {"'tls' must be yes or no", "not 'maybe'"}},
	{"defaults:\n  connect: lazy\n", 2, {"'connect' must be eager or on_demand"}},
	{"defaults:\n  connect: on-demand\n", 2, {"eager or on_demand", "not 'on-demand'"}},
	{"defaults:\n  on_give_up: die\n", 2, {"'on_give_up' must be stay or exit"}},
	{"defaults:\n  max_reconnection_attempts: none\n", 2, {"or 'unlimited'", "not 'none'"}},
	{"defaults:\n  max_reconnection_attempts: -1\n", 2, {"a whole number", "not '-1'"}},
	{"defaults:\n  close_handshake_timeout: 0\n", 2, {"from 100ms to 1min", "not '0'"}},
	{"defaults:\n  tcp_nodelay: 1\n", 2, {"'tcp_nodelay' must be yes or no"}},
	{"defaults:\n  tcp_keepalive: 60\n", 2, {"'tcp_keepalive' must be yes or no"}},
	{"defaults:\n  compression: deflate\n", 2, {"'compression' must be yes or no"}},
	{"defaults:\n  forward_timeout: yes\n", 2, {"off, ms or s", "not 'yes'"}},
	{"defaults:\n  serializers: []\n", 2, {"'serializers' must be a list of 1 to 8 items"}},
	{"defaults:\n  serializers: [json, msgpack]\n",
	 2,
	 {"'msgpack' is not supported by this version", "later", "give json"}},
	{"defaults:\n  serializers: cbor\n", 2, {"'cbor' is not supported by this version"}},
	{"defaults:\n  serializers: xml\n", 2, {"'serializers' must be json", "not 'xml'"}},
	{"defaults:\n  serializers: [json,\n    json]\n", 3, {"has 'json' twice"}},
	{"defaults:\n  serializer: json\n", 2, {"'serializer' in defaults", "'serializers' here"}},
	{"defaults:\n  open_handshake_timeout: 0.5\n", 2, {"from 1s to 1h", "not '0.5'"}},
	{"defaults:\n  registration_timeout: 2h\n", 2, {"from 100ms to 1h", "not '2h'"}},
	{"defaults:\n  ping_timeout: none\n", 2, {"from 100ms to 1h", "not 'none'"}},
	/* url */
	{"defaults:\n  url: wss://\n", 2, {"'url' needs a host"}},
	{"defaults:\n  url: 'ws://h/a b'\n", 2, {"'url' must not hold a blank"}},
	{"defaults:\n  path: '/a b'\n", 2, {"'path' must not hold a blank"}},
	{"defaults:\n  host: h:8080\n", 2, {"'host' must be", "without a port, which is 'port'"}},
	{"defaults:\n  host: '[::1]'\n", 2, {"'host' must be", "without brackets"}},
	{"defaults:\n  host: h\xc3\xa4\n", 2, {"'host' must be in ASCII", "xn--"}},
	{"defaults:\n  host: 127.1\n", 2, {"'host' needs an IPv4 address"}},
	{"defaults:\n  path: '?q'\n", 2, {"'path' must be the path of a url"}},
	{"defaults:\n  path: /a#b\n", 2, {"'path' must not have a fragment"}},
	{"defaults:\n  url: wss://h:0/\n", 2, {"port from 1 to 65535"}},
	{"defaults:\n  url: wss:/h\n", 2, {"'url' must begin with ws:// or wss://"}},
	{"defaults:\n  url: ws+unix:/a:/ws\n", 2, {"not supported by this version"}},
	/* authentication */
	{"defaults:\n  auth_method: cryptosign\n",
	 2,
	 {"'cryptosign' is not supported by this version", "anonymous, ticket or wampcra"}},
	{"defaults:\n  auth_method: [ticket, wamp-scram]\n", 2, {"'wamp-scram' is not supported"}},
	{"defaults:\n  auth_method: [scram]\n", 2, {"'scram' is not supported"}},
	{"defaults:\n  auth_method: password\n", 2, {"anonymous, ticket or wampcra", "list"}},
	{"defaults:\n  auth_method: {ticket: x}\n", 2, {"'auth_method' must be", "not a mapping"}},
	{"defaults:\n  auth_method:\n    - anonymous\n    - [ticket]\n", 4, {"not a list"}},
	{"defaults:\n  auth_method: []\n", 2, {"a list of 1 to 8 items, not of 0"}},
	{"defaults:\n  auth_id: ''\n", 2, {"'auth_id' must be a text of 1 to 1024 bytes"}},
	{"defaults:\n  auth_id: \"a\\nb\"\n", 2, {"'auth_id'", "control characters"}},
	{"defaults:\n  auth_id: [a]\n", 2, {"'auth_id' must be a text", "not a list"}},
	{"defaults:\n  auth_role:\n", 2, {"'auth_role' must be a text", "not nothing"}},
	{"defaults:\n  authid: x\n", 2, {"did you mean 'auth_id'?"}},
	{"defaults:\n  ticket: x\n", 2, {"'ticket' in defaults", "'auth_secret'"}},
	{"defaults:\n  auth_secret: '@file:x'\n", 2, {"'auth_secret' needs an absolute path"}},
	{"defaults:\n  auth_secret: '@file:'\n", 2, {"an absolute path behind @file:"}},
	{"defaults:\n  auth_secret: '@credential:'\n", 2, {"the name of a credential"}},
	{"defaults:\n  auth_secret: '@credential:a/b'\n",
	 2,
	 {"name of a credential", "without '/'"}},
	{"defaults:\n  auth_secret: '@credential:..'\n", 2, {"the name of a credential"}},
	{"defaults:\n  auth_secret: '@env:X'\n", 2, {"neither \"@file:/path\" nor"}},
	{"defaults:\n  auth_secret: ''\n", 2, {"must not be empty"}},
	{"defaults:\n  auth_secret: @file:/x\n", 2, {"not YAML", "\"@file:/path\""}},
	{"defaults:\n  auth_secret: |\n    s3cret\n", 2, {"'auth_secret' has more than one line"}},
	{"defaults:\n  auth_secret: \"s\\tx\"\n", 2, {"'auth_secret' holds a control character"}},
	{"defaults:\n  auth_secret: \"\\uFEFFs\"\n", 2, {"'auth_secret' begins with a byte order"}},
	{"defaults:\n  auth_secret: [a]\n", 2, {"'auth_secret' must be \"@file:/path\"", "a list"}},
	{"defaults:\n  auth_extra: x\n", 2, {"'auth_extra' must be a mapping", "single value"}},
	{"defaults:\n  auth_extra: [a]\n", 2, {"'auth_extra' must be a mapping", "not a list"}},
	{"defaults:\n  auth_extra:\n    a: 1\n    a: 2\n", 4, {"duplicate key 'a'", "line 3"}},
	{"defaults:\n  auth_extra:\n    a: {b: 1,\n      b: 2}\n", 4, {"duplicate key 'b'"}},
	{"defaults:\n  auth_extra:\n    a: 1e999\n", 3, {"'auth_extra'", "too large"}},
	{"defaults:\n  auth_extra:\n    a: !!int 5\n", 3, {"tags"}},
	{"defaults:\n  auth_extra:\n    a: \"x\\0y\"\n", 3, {"NUL"}},
	{"defaults:\n  auth_extra:\n    [a]: 5\n", 3, {"a key must be a single word"}},
	{"defaults:\n  auth_extra: &x\n    a: *x\n", 2, {"'auth_extra' is deeper than 16 levels"}},
	/* TLS */
	{"defaults:\n  tls_ca_file: ca.pem\n", 2, {"'tls_ca_file' must be an absolute path"}},
	{"defaults:\n  tls_ca_dir: ./ca\n", 2, {"'tls_ca_dir' must be an absolute path"}},
	{"defaults:\n  tls_system_ca: /etc/ssl\n", 2, {"'tls_system_ca' must be yes or no"}},
	{"defaults:\n  tls_cert: [/a]\n", 2, {"'tls_cert' must be an absolute path", "a list"}},
	{"defaults:\n  tls_key: '@file:/k'\n", 2, {"'tls_key' must be an absolute path"}},
	{"defaults:\n  tls_key_passphrase: '@file:k'\n", 2, {"'tls_key_passphrase' needs an abs"}},
	{"defaults:\n  tls_verify: none\n", 2, {"'tls_verify' must be yes or no"}},
	{"defaults:\n  tls_verify_host: h\n", 2, {"'tls_verify_host' must be yes or no"}},
	{"defaults:\n  tls_server_name: https://h\n", 2, {"'tls_server_name' must be the name"}},
	{"defaults:\n  tls_min_version: 1.1\n", 2, {"1.2 or 1.3", "not '1.1'"}},
	{"defaults:\n  tls_min_version: TLSv1.2\n", 2, {"1.2 or 1.3"}},
	{"defaults:\n  tls_ciphers: ''\n", 2, {"'tls_ciphers' must be a text"}},
	{"defaults:\n  tls_ciphersuites: [a]\n", 2, {"'tls_ciphersuites' must be a text"}},
	{"defaults:\n  tls_pin_sha256: abc\n", 2, {"64 hexadecimal digits", "not 'abc'"}},
	{"defaults:\n  tls_pin_sha256:\n    - " PIN "\n    - " PIN "0\n", 4, {"64 hexadecimal"}},
	{"defaults:\n  tls_context: x\n", 2, {"'tls_context' in defaults", "'tls_ca_file'"}},
	/* HTTP */
	{"defaults:\n  headers: X-Site\n", 2, {"'headers' must be a mapping", "single value"}},
	{"defaults:\n  headers: [X]\n", 2, {"'headers' must be a mapping", "not a list"}},
	{"defaults:\n  headers: {'a b': c}\n", 2, {"'a' in 'headers' is no name"}},
	{"defaults:\n  headers: {'X:': c}\n", 2, {"'X:' in 'headers' is no name"}},
	{"defaults:\n  headers: {X: [c]}\n", 2, {"'X' must have a single value", "not a list"}},
	{"defaults:\n  headers: {X: {a: b}}\n", 2, {"'X' must have a single value", "a mapping"}},
	{"defaults:\n  headers:\n    X:\n", 3, {"'X' must have a single value, not nothing"}},
	{"defaults:\n  headers: {X: \"a\\r\\nY: b\"}\n", 2, {"'X'", "control character"}},
	{"defaults:\n  headers:\n    X-A: 1\n    x-a: 2\n", 4, {"duplicate header 'x-a'"}},
	{"defaults:\n  headers: {Host: h}\n", 2, {"'Host' is set by the handshake", "'host'"}},
	{"defaults:\n  headers: {upgrade: h}\n", 2, {"'upgrade' is set by the handshake"}},
	{"defaults:\n  headers: {Connection: h}\n", 2, {"'Connection' is set by the handshake"}},
	{"defaults:\n  headers: {sec-websocket-key: h}\n",
	 2,
	 {"set by the handshake", "serializers"}},
	{"defaults:\n  headers: {Origin: h}\n", 2, {"set by the handshake", "give 'origin'"}},
	{"defaults:\n  headers: {User-Agent: h}\n", 2, {"set by the handshake", "'user_agent'"}},
	{"defaults:\n  headers: {Content-Length: 0}\n", 2, {"set by the handshake", "no content"}},
	{"defaults:\n  origin: app.example.org\n", 2, {"'origin' must be an origin such as"}},
	{"defaults:\n  origin: https://h/path?x\n", 2, {"'origin' must be an origin"}},
	{"defaults:\n  origin: https://h/path\n", 2, {"'origin' must be an origin"}},
	{"defaults:\n  user_agent: \"a\\nb\"\n", 2, {"'user_agent' must be a text"}},
	/* what the seed and its library have */
	{"defaults:\n  protocol_options: {version: 13}\n",
	 2,
	 {"'version' in 'protocol", "RFC 6455"}},
	{"defaults:\n  protocol_options:\n    applyMask: no\n", 3, {"'applyMask'", "must mask"}},
	{"defaults:\n  protocol_options:\n    maskClientFrames: no\n", 3, {"must mask"}},
	{"defaults:\n  protocol_options:\n    tcpNoDelay: no\n", 3, {"'tcp_nodelay' here"}},
	{"defaults:\n  protocol_options:\n    autoPingInterval: 5\n", 3, {"'ping_interval' here"}},
	{"defaults:\n  protocol_options:\n    colour: 5\n", 3, {"'colour'", "no such option"}},
	{"defaults:\n  protocol_options: x\n", 2, {"'protocol_options' is not known", "remove it"}},
	{"defaults:\n  openHandshakeTimeout: 5\n", 2, {"'open_handshake_timeout' here"}},
	{"clients:\n  a: {}\n", 1, {"section 'clients' is not known", "'sessions'"}},
	{"components: {}\n", 1, {"section 'components' is not known", "'sessions'"}},
	/* limits */
	{"limits:\n  max_registrations: 1K\n", 2, {"a whole number", "not '1K'"}},
	{"limits:\n  max_subscriptions: 1000001\n", 2, {"from 1 to 1000000"}},
	{"limits:\n  output_hard_limit: 4K\n", 2, {"from 8K to 1G", "not '4K'"}},
	{"limits:\n  max_connections_per_user: 0\n", 2, {"a whole number from 1", "not '0'"}},
	{"limits:\n  connect_rate_per_user: 1000/s\n", 2, {"or 'none'", "not '1000/s'"}},
	{"limits:\n  connect_rate_per_user: unlimited\n", 2, {"or 'none'", "not 'unlimited'"}},
	{"limits:\n  user_memory: 1K\n", 2, {"from 64K to 2G", "not '1K'"}},
	{"limits:\n  user_memory: unlimited\n", 2, {"a size", "not 'unlimited'"}},
	{"limits:\n  subscription_queue: 0\n", 2, {"a whole number from 1", "not '0'"}},
	{"limits:\n  stall_timeout: 100ms\n", 2, {"from 1s to 24h"}},
	{"limits:\n  max_subscription: 5\n", 2, {"did you mean 'max_subscriptions'?"}},
};

#define WSS  "defaults:\n  url: wss://h/\n"
#define AUTH "  auth_id: a\n  auth_secret: '@file:/s'\n"

static const struct mistake rules[] = {
	/* a url and tls */
	{"defaults:\n  tls: yes\n  url: ws://h/\n",
	 3,
	 {"'url' of defaults", "'tls' is yes", "wss://"}},
	{"defaults:\n  tls: no\n  url: wss://h/\n", 3, {"begins with wss://", "'tls' is no"}},
	{"defaults:\n  tls: yes\n  url: 'embedded:'\n", 2, {"the embedded one", "remove it"}},
	{"defaults:\n  tls: yes\nsessions:\n  a:\n    url: ws://h/\n",
	 5,
	 {"'url' of session 'a' begins with ws://", "x.yaml:2", "'tls: no' beside it"}},
	{WSS "sessions:\n  a:\n    tls: no\n", 2, {"'url' of defaults", "x.yaml:5"}},
	{"defaults:\n  tls: yes\nsessions:\n  a:\n    url: wss://h/\n", 0, {NULL}},
	{"defaults:\n  tls: no\nsessions:\n  a:\n    url: wss://h/\n", 0, {NULL}},
	{"defaults:\n  tls: yes\nsessions:\n  a:\n    url: 'embedded:'\n", 0, {NULL}},
	{"defaults:\n  tls: yes\nsessions:\n  a:\n    url: ws://h/\n    tls: no\n", 0, {NULL}},
	{"defaults:\n  tls: yes\n  url: wss://h/\n", 0, {NULL}},
	/* authentication */
	{"defaults:\n  auth_method: ticket\n", 2, {"ticket needs 'auth_id' and 'auth_secret'"}},
	{"defaults:\n  auth_method: [anonymous, wampcra]\n  auth_id: a\n",
	 2,
	 {"wampcra needs 'auth_secret'", "@file:/path"}},
	{"sessions:\n  a:\n    url: ws://h/\n    auth_method: wampcra\n    auth_secret: x\n",
	 4,
	 {"session 'a': the method wampcra needs 'auth_id'"}},
	{"defaults:\n  auth_method: ticket\n" AUTH, 0, {NULL}},
	{"defaults:\n  auth_secret: '@file:/s'\n", 2, {"defaults has an 'auth_secret'", "ticket"}},
	{"sessions:\n  a:\n    auth_secret: '@file:/s'\n    auth_method: anonymous\n",
	 3,
	 {"session 'a' has an 'auth_secret'"}},
	{"defaults:\n" AUTH "sessions:\n  default:\n    auth_method: ticket\n  b: {}\n", 0, {NULL}},
	{"defaults:\n  auth_method: ticket\nsessions:\n  default: {}\n"
	 "  b: {url: 'ws://h/', auth_id: a, auth_secret: '@file:/s'}\n",
	 0,
	 {NULL}},
	/* TLS */
	{"defaults:\n  tls_ca_file: /c\n", 2, {"defaults has 'tls_ca_file' and no TLS", "wss://"}},
	{"defaults:\n  url: ws://h/\n  tls_min_version: 1.3\n",
	 3,
	 {"'tls_min_version' and no TLS"}},
	{WSS "sessions:\n  a:\n    url: ws://h/\n    tls_verify: yes\n",
	 6,
	 {"session 'a' has 'tls_verify' and no TLS"}},
	{"defaults:\n  tls_ca_file: /c\nsessions:\n  default: {url: 'wss://h/'}\n  b: {}\n",
	 0,
	 {NULL}},
	{WSS "  tls_cert: /c\n", 3, {"defaults has 'tls_cert', which needs 'tls_key'"}},
	{WSS "  tls_key: /k\n", 3, {"defaults has 'tls_key', which needs 'tls_cert'"}},
	{WSS "  tls_key_passphrase: '@file:/p'\n",
	 3,
	 {"'tls_key_passphrase', which needs 'tls_key'"}},
	{WSS "  tls_cert: /c\nsessions:\n  a: {tls_key: /k}\n", 0, {NULL}},
	{WSS "  tls_verify: no\n  tls_pin_sha256: " PIN "\n", 0, {NULL}},
	{WSS "  tls_system_ca: no\n", 3, {"no certificate could be trusted", "'tls_ca_file'"}},
	{WSS "  tls_system_ca: no\n  tls_pin_sha256: " PIN "\n",
	 3,
	 {"no certificate could be trusted", "'tls_verify: no' with 'tls_pin_sha256'"}},
	{WSS "  tls_system_ca: no\n  tls_ca_dir: /c\n", 0, {NULL}},
	{WSS "  tls_system_ca: no\n  tls_verify: no\n", 0, {NULL}},
	{WSS "  tls_pin_sha256: []\n", 0, {NULL}},
	{"defaults:\n  tls_verify: yes\n", 0, {NULL}},
	{"defaults:\n  tls_verify: no\n", 2, {"defaults has 'tls_verify' and no TLS"}},
};

static void every_wrong_value_is_told_once_with_its_line_and_what_is_right(void **state)
{
	(void)state;
	assert_true(mistakes_check(values, ARRAY_SIZE(values)) >= 100);
}

static void what_does_not_fit_together_is_told_once(void **state)
{
	(void)state;
	assert_true(mistakes_check(rules, ARRAY_SIZE(rules)) >= 15);
}

static void what_may_be_secret_is_never_repeated(void **state)
{
	static const char *const texts[] = {
		"defaults: {auth_secret: [hush]}\n",
		"defaults: {auth_secret: '@hush'}\n",
		"defaults: {auth_secret: '@file:hush'}\n",
		"defaults: {auth_secret: hush}\n",
		"defaults: {auth_method: ticket, auth_secret: hush}\n",
		"defaults: {tls_key_passphrase: hush}\n",
		"defaults: {headers: {X: \"hush\\n\"}}\n",
		"defaults: {headers: {Host: hush}}\n",
		"defaults: {headers: {'Authorization hush': x}}\n",
		"defaults: {origin: 'http://joe:hush@h'}\n",
		"defaults: {auth_extra: {a: !x hush}}\n",
		"defaults: {auth_extra: hush}\n",
		/* of another type, in the wrong place, or mistyped */
		"defaults: {auth_secret: [hush, hush]}\n",
		"defaults: {auth_secret: {hush: hush}}\n",
		"defaults: {auth_secrt: hush}\n",
		"defaults: {auth_secret:hush}\n",
		"defaults: {headers: {Authorization:hush}}\n",
		"defaults: {auth_extra: {token:hush}}\n",
		"daemon: {auth_secret: hush}\n",
		"auth_secret: hush\n",
		"auth_secret:hush\n",
		"defaults: {ticket: hush}\n",
		"defaults: {private_key: hush}\n",
		"defaults: {tls_key: '-----BEGIN hush'}\n",
		"defaults: {tls_cert: hush}\n",
		"defaults: {tls_ca_file: \"/hush\\n\"}\n",
		"defaults: {auth_id: \"hush\\t\"}\n",
		"defaults: {user_agent: \"hush\\t\"}\n",
		"defaults: {host: 'joe:hush@h'}\n",
		"defaults: {url: 'ws://joe:hush@h/'}\n",
		"defaults: {url: ['ws://joe:hush@h/', 'ws://h/?hush']}\n",
		"defaults: {url: 'ws://h/ws?hush#'}\n",
		"defaults: {url: {hush: x}}\n",
		"defaults: {path: '/ws?hush#'}\n",
		"defaults: {path: 'ws?hush'}\n",
		"defaults: {auth_secret: \"hush\\n\"}\n",
		"defaults: {auth_secret: &hush hush, auth_id: *hush2}\n",
		"defaults: {auth_secret: !hush hush}\n",
		"defaults:\n  auth_secret: hush\n\thush: x\n",
		"defaults:\n  auth_secret: hush: hush\n",
		"defaults:\n  auth_secret: 'hush\n",
		"defaults:\n  auth_secret: @hush\n",
		"defaults: {headers: hush}\n",
		"defaults: {headers: {X: [hush]}}\n",
		/* all of it in quotes */
		"defaults: {headers: {'Authorization: hush': }}\n",
		"defaults: {headers: {'Authorization: hush': x}}\n",
		"defaults: {'auth_secret: hush': }\n",
		"defaults: {'auth_secret:hus': x, \"auth_secret:hush\": y}\n",
		"'auth_secret: hush': x\n",
		"sessions: {'ws://joe:hush@h/': {}}\n",
		"defaults: {auth_extra: {'t: hush': 1, 't: hush': 2}}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(config_errors_done) struct config_errors errors;
		struct config *config = NULL;

		config_errors_init(&errors);
		assert_int_equal(files_load_text(&config, texts[i], &errors), CONFIG_INVALID);
		for (size_t k = 0; k < errors.n; k++)
			if (strstr(errors.texts[k], "hush"))
				fail_msg("%s", errors.texts[k]);
		for (size_t k = 0; k < errors.n_warnings; k++)
			if (strstr(errors.warnings[k], "hush"))
				fail_msg("%s", errors.warnings[k]);
	}
}

/* Loads head, n bytes 'x' and tail. */
static int load_long(const char *head, size_t n, const char *tail, struct config_errors *errors)
{
	static char text[100000];
	struct config *config = NULL;
	size_t n_head = strlen(head);
	int r;

	memcpy(text, head, n_head);
	memset(text + n_head, 'x', n);
	memcpy(text + n_head + n, tail, strlen(tail) + 1);
	r = files_load_text(&config, text, errors);
	config_free(config);
	return r;
}

static void headers_are_together_at_most_3_kib(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(load_long("defaults: {headers: {A: ", 3000, "}}\n", &errors), 0);
	assert_int_equal(load_long("defaults: {headers: {A: ", 3068, "}}\n", &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[0], ":1: 'headers' is longer than 3 KiB"));
	assert_int_equal(load_long("defaults: {headers: {A: ", 3000,
				   "}}\nsessions:\n  a:\n    headers:\n      B: " PIN
				   "0123456789\n",
				   &errors),
			 CONFIG_INVALID);
	assert_int_equal(errors.n, 2);
	assert_non_null(strstr(errors.texts[1], ":4: 'headers' is longer than 3 KiB"));
}

static void auth_extra_is_at_most_16_kib(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(load_long("defaults: {auth_extra: {a: ", 16000, "}}\n", &errors), 0);
	assert_int_equal(
		load_long("defaults: {auth_extra: {a: ", 9000, ", b: &b [1], c: [*b]}}\n", &errors),
		0);
	assert_int_equal(load_long("defaults: {auth_extra: {a: ", 17000, "}}\n", &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[0], ":1: 'auth_extra' is longer than 16 KiB"));
}

static void a_billion_laughs_in_auth_extra_end(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	char text[2048] = "defaults:\n  auth_extra:\n    a0: &a0 [lol]\n";
	size_t n = strlen(text);

	(void)state;
	for (unsigned i = 1; i < 13; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "    a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u, *a%u]\n", i, i,
				      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, text, &errors), CONFIG_INVALID);
	assert_int_equal(errors.n, 1);
	assert_non_null(strstr(errors.texts[0], "'auth_extra' is longer than 16 KiB"));
}

struct warning {
	const char *text;
	unsigned line;
	const char *words; /* NULL: there must be none */
};

static void check_warning(struct files *f, const struct warning *w)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	CLEANUP(config_freep) struct config *config = NULL;
	char place[PATH_MAX + 16];

	config_errors_init(&errors);
	files_write(f, "x.yaml", w->text);
	if (config_load(&config, &(struct config_source){.file = f->path}, &errors))
		fail_msg("%s\n...is refused: %s", w->text, errors.texts[0]);
	if (errors.n_warnings != (w->words ? 1 : 0))
		fail_msg("%s\n...has %zu warnings: %s", w->text, errors.n_warnings,
			 errors.n_warnings ? errors.warnings[errors.n_warnings - 1] : "");
	if (!w->words)
		return;
	snprintf(place, sizeof(place), "%s:%u: ", f->path, w->line);
	if (strncmp(errors.warnings[0], place, strlen(place)) != 0 ||
	    !strstr(errors.warnings[0], w->words))
		fail_msg("%s\n...is warned of as: %s", w->text, errors.warnings[0]);
}

static void what_is_allowed_and_not_wise_is_warned_of_once(void **state)
{
	static const struct warning table[] = {
		{WSS "  auth_method: ticket\n  auth_id: a\n  auth_secret: b\n", 5,
		 "'auth_secret' stands in the file itself; better \"@file:"},
		{WSS "  auth_method: ticket\n  auth_id: a\n  auth_secret: b\n"
		     "sessions: {default: {}, x: {}}\n",
		 5, "stands in the file itself"},
		{WSS "  auth_method: ticket\n" AUTH, 0, NULL},
		{"defaults:\n  host: h\n  auth_method: ticket\n" AUTH, 3,
		 "in clear to h; better wss"},
		{"defaults:\n  host: h\n  auth_method: wampcra\n" AUTH, 0, NULL},
		{"defaults:\n  host: '::1'\n  auth_method: ticket\n" AUTH, 0, NULL},
		{"defaults:\n  auth_method: ticket\n" AUTH, 0, NULL},
		{WSS "  tls_verify: no\n", 3, "'tls_verify: no' lets anybody play the router"},
		{WSS "  tls_verify_host: no\n", 3, "'tls_verify_host: no'"},
		{WSS "  tls_cert: /c\n  tls_key: /k\n  tls_key_passphrase: x\n", 5,
		 "'tls_key_passphrase' stands in the file itself"},
		{WSS, 0, NULL},
		/* what would be sent with something that nobody sees */
		{WSS "  auth_id: \"joe\xc2\xa0\"\n", 3, "'auth_id' begins or ends with a blank"},
		{WSS "  auth_id: ' joe'\n", 3, "'auth_id' begins or ends with a blank"},
		{WSS "  auth_role: \"\xef\xbb\xbfr\"\n", 3, "'auth_role' begins or ends"},
		{WSS "  user_agent: 'u '\n", 3, "'user_agent' begins or ends"},
		{WSS "  realm: \"r\xe2\x80\x8b\"\n", 3, "'realm' begins or ends"},
		{WSS "  auth_id: j\xc3\xb6\x65 b\n", 0, NULL},
		{WSS "  headers:\n    X-A: 'a '\n", 4, "header 'X-A' begins or ends with a blank"},
		{WSS "  headers:\n    X-A: caf\xc3\xa9\n", 4, "header 'X-A' is sent as UTF-8"},
		{WSS "sessions:\n  a:\n    headers: {X-A: \"\xc2\xa0\"}\n", 5, "header 'X-A'"},
		/* what would be cut, and what is not rounded */
		{WSS "  auth_method: ticket\n  auth_id: a\n  auth_secret: '@file:/s' # c\n", 0,
		 NULL},
		{WSS "  auth_method: ticket\n  auth_id: a\n  auth_secret: \"@file:/s\"  # c\n", 0,
		 NULL},
		{WSS "  ping_interval: 1.5\n", 0, NULL},
		{WSS "  ping_timeout: 1001ms\n", 0, NULL},
		{WSS "  open_handshake_timeout: 2.5\n", 0, NULL},
	};
	struct files f;

	(void)state;
	files_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check_warning(&f, &table[i]);
	files_done(&f);
}

static void a_secret_that_yaml_cuts_at_a_comment_is_warned_of(void **state)
{
	static const char *const texts[] = {
		"defaults: \n  auth_secret: hush #ss\n",
		"defaults: \n  auth_secret: h\xc3\xbcsh   # ss\n",
		"defaults: \n  auth_secret: hush\t#ss",
	};
	static const char *const plain[] = {
		"defaults: \n  auth_secret: hush#ss\n",
		"defaults: \n  auth_secret: 'hush #ss' # whose it is\n",
		"defaults: \n  auth_secret: hush\n# a comment\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts) + ARRAY_SIZE(plain); i++) {
		CLEANUP(config_errors_done) struct config_errors errors;
		bool is_cut = i < ARRAY_SIZE(texts);
		struct config *config = NULL;
		size_t n_found = 0;

		config_errors_init(&errors);
		assert_int_equal(files_load_text(&config,
						 is_cut ? texts[i] : plain[i - ARRAY_SIZE(texts)],
						 &errors),
				 CONFIG_INVALID);
		for (size_t k = 0; k < errors.n_warnings; k++)
			n_found += strstr(errors.warnings[k],
					  ":2: 'auth_secret' ends before the '#'") != NULL;
		if (n_found != is_cut)
			fail_msg("row %zu: %zu warnings", i, n_found);
	}
}

static void a_secret_in_a_file_that_others_read_is_named_so(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	CLEANUP(config_freep) struct config *config = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config_errors_init(&errors);
	files_write(&f, "x.yaml", WSS "  auth_method: ticket\n  auth_id: a\n  auth_secret: b\n");
	assert_int_equal(chmod(f.path, 0644), 0);
	assert_int_equal(config_load(&config, &(struct config_source){.file = f.path}, &errors), 0);
	assert_int_equal(errors.n_warnings, 1);
	assert_non_null(strstr(errors.warnings[0], "which others can read"));
	files_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wrong_value_is_told_once_with_its_line_and_what_is_right),
		cmocka_unit_test(what_does_not_fit_together_is_told_once),
		cmocka_unit_test(what_may_be_secret_is_never_repeated),
		cmocka_unit_test(headers_are_together_at_most_3_kib),
		cmocka_unit_test(auth_extra_is_at_most_16_kib),
		cmocka_unit_test(a_billion_laughs_in_auth_extra_end),
		cmocka_unit_test(what_is_allowed_and_not_wise_is_warned_of_once),
		cmocka_unit_test(a_secret_that_yaml_cuts_at_a_comment_is_warned_of),
		cmocka_unit_test(a_secret_in_a_file_that_others_read_is_named_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
