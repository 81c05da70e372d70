/* SPDX-License-Identifier: MIT */

/*
 * Every mistake has its line, its own words, and says what would be right
 */

#include "test_config_mistakes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct mistake mistakes[] = {
	/* YAML itself */
	{"daemon: {listen: /a\n", 2, {"not YAML", "begins on line 1"}},
	{"daemon:\n  listen: \"/a\n", 3, {"not YAML", "quoted scalar"}},
	{"daemon:\n\tlisten: /a\n", 2, {"tab", "spaces"}},
	{"daemon:\n  listen: /a\n  \tlog_level: info\n", 3, {"tab", "spaces"}},
	{"daemon:\n  listen: a: b\n", 2, {"not YAML", "in quotes"}},
	{"defaults:\n  url: embedded:\n", 2, {"not YAML", "in quotes"}},
	{"daemon:\n  listen: /a\n log_level: info\n", 3, {"not YAML"}},
	{"daemon:\n  listen: *nowhere\n", 2, {"not YAML", "undefined alias"}},
	{"daemon:\n  listen: @a\n", 2, {"not YAML", "cannot start any token", "needs quotes"}},
	{"daemon:\n  listen: /\xff\n", 2, {"UTF-8"}},
	{"daemon:\n  listen: \"/a\\0b\"\n", 2, {"NUL"}},
	{"daemon:\n  listen: \"/a\\n\"\n", 2, {"an absolute path", "without control characters"}},
	/* the mark that editors of another system write is no part of the text */
	{"\xef\xbb\xbf"
	 "daemon:\n  log_level: info\n",
	 0,
	 {NULL}},
	{"defaults:\n  auth_extra:\n    a: &a {b: 1}\n    c:\n      <<: *a\n",
	 5,
	 {"'<<' does not"}},
	{"daemon:\n  log_level: info\n---\nlimits:\n", 3, {"second YAML document"}},
	{"daemon:\n---\n{\n", 4, {"not YAML"}},
	{"%YAML 9.9\n---\ndaemon:\n", 1, {"not YAML", "incompatible"}},
	{"- a\n- b\n", 1, {"the file must be a mapping", "not a list"}},
	{"hello\n", 1, {"the file must be a mapping", "not a single value"}},
	/* shape */
	{"\ndaemon: x\n", 2, {"daemon must be a mapping", "not a single value"}},
	{"daemon: [listen]\n", 1, {"daemon must be a mapping", "not a list"}},
	{"daemon: ''\n", 1, {"daemon must be a mapping"}},
	{"sessions: [a, b]\n", 1, {"sessions must be a mapping"}},
	{"sessions:\n  a: ws://h/\n", 2, {"sessions.a must be a mapping"}},
	{"sessions:\n  - {url: 'ws://h/'}\n", 1, {"sessions must be a mapping", "not a list"}},
	{"limits: 5\n", 1, {"limits must be a mapping"}},
	{"? [a, b]\n: 5\n", 1, {"a key must be a single word"}},
	{"daemon:\n  {a: b}: 5\n", 2, {"a key must be a single word"}},
	{"daemon:\n  ?\n  : 5\n", 2, {"a key must be a single word"}},
	{"daemon:\n  listen: [/a]\n", 2, {"'listen' must be an absolute path", "not a list"}},
	{"daemon:\n  listen: {a: b}\n", 2, {"'listen' must be", "not a mapping"}},
	{"daemon:\n  listen:\n  log_level: info\n", 2, {"'listen' must be", "not nothing"}},
	/* the tag says what is true anyway: no mistake */
	{"daemon:\n  log_level: !!str info\n", 0, {NULL}},
	{"daemon:\n  shutdown_timeout: !!int 5\n", 2, {"tags"}},
	{"daemon: !include x\n", 1, {"tags"}},
	{"defaults:\n  realm: a\n  port: 80\n  realm: b\n",
	 4,
	 {"duplicate key 'realm'", "on line 2"}},
	{"daemon:\n  log_level: info\nlimits:\ndaemon:\n", 4, {"duplicate key 'daemon'", "line 1"}},
	{"sessions:\n  a: {realm: x}\n  a: {realm: y}\n", 3, {"duplicate key 'a'", "line 2"}},
	{"defaults: &d\n  realm: x\nsessions:\n  a:\n    <<: *d\n", 5, {"'<<'", "'defaults'"}},
	/* names of keys and sections */
	{"daemn:\n", 1, {"unknown section 'daemn'", "did you mean 'daemon'?"}},
	{"default:\n", 1, {"unknown section 'default'", "did you mean 'defaults'?"}},
	{"something:\n", 1, {"unknown section 'something'", "known are: daemon, defaults"}},
	{"host: h\n", 1, {"'host' is no section", "a key of 'defaults'"}},
	{"max_line: 5\n", 1, {"'max_line' is no section", "a key of 'limits'"}},
	{"daemon:\n  lisen: /a\n", 2, {"unknown key 'lisen' in daemon", "did you mean 'listen'?"}},
	{"daemon:\n  Listen: /a\n", 2, {"unknown key 'Listen'", "did you mean 'listen'?"}},
	{"daemon:\n  colour: red\n", 2, {"unknown key 'colour'", "known are: listen, socket_mode"}},
	{"daemon:\n  realm: a\n", 2, {"unknown key 'realm' in daemon", "belongs in 'defaults'"}},
	{"daemon:\n  max_inflight: 1\n", 2, {"unknown key", "belongs in 'limits'"}},
	{"limits:\n  log_level: info\n", 2, {"unknown key", "belongs in 'daemon'"}},
	{"sessions:\n  plant:\n    relm: a\n",
	 3,
	 {"unknown key 'relm' in sessions.plant", "did you mean 'realm'?"}},
	{"defaults:\n  ping-timeout: 5\n", 2, {"unknown key", "did you mean 'ping_timeout'?"}},
	{"defaults:\n  colour: red\n", 2, {"unknown key 'colour'", "known are: url, host"}},
	{"limits:\n  \"a\\e[31m\": 1\n", 2, {"unknown key 'a?[31m'"}},
	/* known, and not in this version */
	{"registries:\n  a: {}\n", 1, {"section 'registries' is not supported by this version"}},
	{"policies: []\n", 1, {"section 'policies' is not supported by this version"}},
	{"errors: {A: b.c}\n", 1, {"section 'errors' is not supported by this version"}},
	{"daemon:\n  metrics_listen: /a\n", 2, {"'metrics_listen' in daemon is not supported"}},
	{"daemon:\n  client_ping_interval: 30\n", 2, {"not supported by this version"}},
	{"daemon:\n  inline_commands: yes\n", 2, {"not supported by this version"}},
	{"defaults:\n  private_key: '@file:/x'\n", 2, {"'private_key' in defaults is not supp"}},
	{"sessions:\n  a:\n    proxy: h:3128\n", 3, {"'proxy' in sessions.a is not supported"}},
	{"defaults:\n  registry: acct\n", 2, {"'registry' in defaults is not supported"}},
	{"defaults:\n  publish_queue_age: 5\n", 2, {"not supported by this version"}},
	{"defaults:\n  url: rss://h/ws\n", 2, {"'url'", "not supported by this version", "wss://"}},
	{"defaults:\n  url: unix:/run/x\n", 2, {"'url'", "not supported by this version"}},
	{"defaults:\n  url: [ws://a/, ws://b/]\n", 2, {"a list of urls", "not supported"}},
	{"defaults:\n  url: []\n", 2, {"a list of urls"}},
	/* values */
	{"daemon:\n  listen: wampbridge.sock\n", 2, {"absolute path", "not 'wampbridge.sock'"}},
	{"daemon:\n  socket_mode: 0888\n", 2, {"octal", "0660", "not '0888'"}},
	{"daemon:\n  log_level: verbose\n", 2, {"error, warning, notice, info or debug"}},
	{"daemon:\n  shutdown_timeout: -1\n", 2, {"a duration", "or 'unlimited'", "not '-1'"}},
	{"daemon:\n  default_session: a b\n", 2, {"'default_session' must be a name"}},
	{"defaults:\n  url: http://h/ws\n", 2, {"'url' has an unknown scheme", "ws://"}},
	{"defaults:\n  url: h:8080\n", 2, {"'url' must begin with ws:// or wss://"}},
	{"defaults:\n  url: ws://u:secret@h/\n", 2, {"must not hold a user or password"}},
	{"defaults:\n  url: ws://::1/\n", 2, {"IPv6 in brackets"}},
	{"defaults:\n  url: ws://h:99999/\n", 2, {"port from 1 to 65535"}},
	{"defaults:\n  url: embedded:realm1\n", 2, {"\"embedded:\" alone"}},
	{"defaults:\n  host: ws://h\n", 2, {"'host' must be the name of a host"}},
	{"defaults:\n  port: 0\n", 2, {"from 1 to 65535", "not '0'"}},
	{"defaults:\n  port: 0x1f90\n", 2, {"a whole number", "not '0x1f90'"}},
	{"defaults:\n  path: ws\n", 2, {"'path' must be the path of a url"}},
	{"defaults:\n  realm: 'my realm'\n", 2, {"'realm' must be the name of a realm"}},
	{"defaults:\n  realm: \"realm1\xc2\xa0\"\n", 2, {"the name of a realm", "no-break space"}},
	{"defaults:\n  realm: |\n    realm1\n", 2, {"the name of a realm", "control characters"}},
	{"defaults:\n  connection_timeout: 0\n", 2, {"from 100ms to 1h"}},
	{"defaults:\n  connection_timeout: unlimited\n", 2, {"from 100ms", "not 'unlimited'"}},
	{"defaults:\n  call_timeout: 0\n", 2, {"or 'none'", "not '0'"}},
	{"defaults:\n  call_timeout: 5 s\n", 2, {"a duration", "not '5 s'"}},
	{"defaults:\n  call_timeout: 0.0001\n", 2, {"in whole milliseconds", "not '0.0001'"}},
	{"defaults:\n  port: 08080\n", 2, {"without leading zeros", "not '08080'"}},
	{"defaults:\n  reconnect_delay: 0\n", 2, {"from 10ms to 24h"}},
	{"defaults:\n  reconnect_growth: 0.9\n", 2, {"a number", "from 1 to 100", "not '0.9'"}},
	{"defaults:\n  reconnect_jitter: 1.5\n", 2, {"from 0 to 1", "not '1.5'"}},
	{"defaults:\n  reconnect_jitter: 20%\n", 2, {"a number", "not '20%'"}},
	{"defaults:\n  ping_interval: 50ms\n", 2, {"from 100ms to 24h", "or 'none'"}},
	{"defaults:\n  max_message_size: 16MB\n", 2, {"a size", "not '16MB'"}},
	{"defaults:\n  max_message_size: 2G\n", 2, {"from 4K to 1G"}},
	{"limits:\n  max_line: 100\n", 2, {"from 4K to 16M", "not '100'"}},
	{"limits:\n  bad_lines: yes\n", 2, {"a whole number", "not 'yes'"}},
	{"limits:\n  max_connections: unlimited\n", 2, {"a whole number from 1 to 1000000"}},
	{"sessions:\n  'a b': {}\n", 2, {"a session must have a name of 1 to 64", "not 'a b'"}},
	{"sessions:\n  '': {}\n", 2, {"a session must have a name"}},
	/* rules between keys */
	{"defaults:\n  url: ws://h/\n  host: g\n", 2, {"defaults has a 'url'", "give either"}},
	{"sessions:\n  a:\n    port: 80\n    url: ws://h/\n",
	 4,
	 {"session 'a' has a 'url'", "x.yaml:3", "give either"}},
	{"daemon:\n  default_session: plant\n", 2, {"not among 'sessions'", "there is 'default'"}},
	{"daemon:\n  default_session: plnt\nsessions:\n  a:\n  plant:\n",
	 2,
	 {"did you mean 'plant'?"}},
	{"sessions:\n  a: {}\n  b: {}\n", 0, {NULL}},
	{"defaults:\n  reconnect_delay: 2min\n", 2, {"'reconnect_max_delay' (60s)", "(120s)"}},
	{"sessions:\n  a:\n    reconnect_max_delay: 0.1\n", 3, {"session 'a'", "not be less"}},
	{"limits:\n  max_line: 8M\n", 2, {"'output_hard_limit'", "at least twice 'max_line'"}},
	{"limits:\n  output_soft_limit: 9M\n", 2, {"'output_soft_limit'", "not be more than"}},
};

static void every_mistake_is_told_once_with_its_line_and_what_is_right(void **state)
{
	(void)state;
	assert_true(mistakes_check(mistakes, ARRAY_SIZE(mistakes)) >= 90);
}

static void several_mistakes_are_told_together_in_their_order(void **state)
{
	static const char text[] = "daemon:\n"
				   "  lisen: /a\n"
				   "  log_level: loud\n"
				   "sessions:\n"
				   "  plant:\n"
				   "    url: rs://h/\n"
				   "    realm: a b\n"
				   "    realm: b\n"
				   "registries: {}\n"
				   "limits:\n"
				   "  max_line: 9M\n";
	static const char *const places[] = {
		":2: ", ":3: ", ":6: ", ":7: ", ":8: ", ":9: ", ":11: "};
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, text, &errors), CONFIG_INVALID);
	assert_null(config);
	assert_int_equal(errors.n, ARRAY_SIZE(places));
	for (size_t i = 0; i < errors.n; i++)
		assert_non_null(strstr(errors.texts[i], places[i]));
}

static void mistakes_of_all_files_are_told_even_when_one_is_no_yaml(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config_errors_init(&errors);
	files_write(&f, "conf.d/10.yaml", "daemon: {default_session: elsewhere}\nx:\n");
	files_write(&f, "conf.d/20.yaml", "sessions: {\n");
	files_write(&f, "conf.d/30.yaml", "limits:\n  bad_lines: 0\n");
	files_write(&f, "conf.d/40.yaml", "limits:\n  bad_lines: 5\n");
	assert_int_equal(config_load(&config, &(struct config_source){.dir = f.dir}, &errors),
			 CONFIG_INVALID);
	assert_int_equal(errors.n, 3);
	assert_non_null(strstr(errors.texts[0], "conf.d/10.yaml:2: unknown section"));
	assert_non_null(strstr(errors.texts[1], "conf.d/20.yaml:2: not YAML"));
	assert_non_null(strstr(errors.texts[2], "conf.d/30.yaml:2: 'bad_lines'"));
	files_done(&f);
}

static void a_password_in_a_url_is_never_repeated(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, "defaults: {url: 'ws://u:secret@h/'}\n", &errors),
			 CONFIG_INVALID);
	assert_null(strstr(errors.texts[0], "secret"));
}

static void a_flood_of_mistakes_ends(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	char text[8192] = "daemon:\n";
	size_t n = strlen(text);

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  wrong_%u: 1\n", i);
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, text, &errors), CONFIG_INVALID);
	assert_int_equal(errors.n, CONFIG_MAX_ERRORS);
	assert_non_null(strstr(errors.texts[CONFIG_MAX_ERRORS - 1], "more mistakes"));
}

static void a_mapping_with_too_many_keys_is_refused(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	char text[16384] = "sessions:\n";
	size_t n = strlen(text);

	(void)state;
	for (unsigned i = 0; i < 1001; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  s%u:\n", i);
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, text, &errors), CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[0], ":1: sessions must have at most 1000 keys"));
}

static void a_cycle_of_aliases_ends(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config,
					 "sessions: &s\n"
					 "  a: *s\n",
					 &errors),
			 CONFIG_INVALID);
	assert_int_equal(errors.n, 1);
	assert_non_null(strstr(errors.texts[0], ":2: unknown key 'a' in sessions.a"));
}

static void a_billion_laughs_cost_nothing(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	char text[4096] = "a0: &a0 [lol]\n";
	size_t n = strlen(text);

	(void)state;
	for (unsigned i = 1; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "a%u: &a%u [*a%u, *a%u, *a%u, *a%u]\n", i, i, i - 1, i - 1,
				      i - 1, i - 1);
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, text, &errors), CONFIG_INVALID);
	assert_int_equal(errors.n, 40);
}

static void deep_nesting_is_refused_without_harm(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	static char text[5001]; /* libyaml takes quadratic time for it */

	(void)state;
	memset(text, '[', sizeof(text) - 1);
	config_errors_init(&errors);
	assert_int_equal(files_load_text(&config, text, &errors), CONFIG_INVALID);
	assert_int_equal(errors.n, 1);
}

static void what_cannot_be_read_is_told_without_a_line(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	char *big;
	struct files f;

	(void)state;
	files_init(&f);
	config_errors_init(&errors);
	files_path(&f, "none.yaml");
	assert_int_equal(config_load(&config, &(struct config_source){.file = f.path}, &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[0], "none.yaml: cannot be read: No such file"));
	assert_int_equal(config_load(&config, &(struct config_source){.file = f.dir}, &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[1], "cannot be read: Is a directory"));
	files_path(&f, "none.d");
	assert_int_equal(config_load(&config, &(struct config_source){.dir = f.path}, &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[2], "cannot be read: No such file"));
	assert_int_equal(config_load(&config, &(struct config_source){.dir = f.dir}, &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[3], "holds neither wampbridge.yaml nor conf.d/*.yaml"));
	big = malloc((1 << 20) + 1);
	memset(big, '#', (1 << 20) + 1);
	files_write_bytes(&f, "big.yaml", big, (1 << 20) + 1);
	assert_int_equal(config_load(&config, &(struct config_source){.file = f.path}, &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[4], "big.yaml: is longer than 1 MiB"));
	assert_int_equal(config_load(&config, &(struct config_source){.dir = f.path}, &errors),
			 CONFIG_INVALID);
	assert_non_null(strstr(errors.texts[5], "is not a directory; -c names a file"));
	free(big);
	files_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_told_once_with_its_line_and_what_is_right),
		cmocka_unit_test(several_mistakes_are_told_together_in_their_order),
		cmocka_unit_test(mistakes_of_all_files_are_told_even_when_one_is_no_yaml),
		cmocka_unit_test(a_password_in_a_url_is_never_repeated),
		cmocka_unit_test(a_flood_of_mistakes_ends),
		cmocka_unit_test(a_mapping_with_too_many_keys_is_refused),
		cmocka_unit_test(a_cycle_of_aliases_ends),
		cmocka_unit_test(a_billion_laughs_cost_nothing),
		cmocka_unit_test(deep_nesting_is_refused_without_harm),
		cmocka_unit_test(what_cannot_be_read_is_told_without_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
