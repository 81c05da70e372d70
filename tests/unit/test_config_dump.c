/* SPDX-License-Identifier: MIT */

/*
 * What is shown of a configuration reads back to it, and says where it is from
 */

#include "test_config_files.h"

#include "base/rng.h"
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct config *load_source(const struct config_source *source)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	int r;

	config_errors_init(&errors);
	r = config_load(&config, source, &errors);
	if (r)
		fail_msg("%d: %s", r, errors.n ? errors.texts[0] : "");
	return config;
}

static struct config *load_text(struct files *f, const char *text)
{
	files_write(f, "x.yaml", text);
	return load_source(&(struct config_source){.file = f->path});
}

/* The dump as text; buf keeps it. */
static const char *dump(struct buf *buf, const struct config *config)
{
	*buf = BUF_INIT(1 << 20);
	assert_int_equal(config_dump(config, buf), 0);
	buf_append_char(buf, '\0');
	return buf_bytes(buf).ptr;
}

static void check_row(const struct config *a, const struct config_session *session_a,
		      const struct config *b, const struct config_session *session_b, size_t i)
{
	CLEANUP(buf_done) struct buf shown_a = BUF_INIT(1 << 16), shown_b = BUF_INIT(1 << 16);
	enum config_secrecy secrecy = config_option_secrecy(config_option_at(i));

	config_show(a, session_a, i, &shown_a);
	config_show(b, session_b, i, &shown_b);
	if (!slice_equal(buf_bytes(&shown_a), buf_bytes(&shown_b)))
		fail_msg("'%s' is shown otherwise", config_option_at(i)->name);
	/* What is hidden reads back as that. */
	if (secrecy != CONFIG_NAMES && secrecy != CONFIG_QUERY && secrecy != CONFIG_REFERENCE &&
	    !config_is_same(a, session_a, b, session_b, i))
		fail_msg("'%s' is another one", config_option_at(i)->name);
}

static void check_same(const struct config *a, const struct config *b)
{
	assert_int_equal(a->n_sessions, b->n_sessions);
	for (size_t i = 0; i < config_option_count(); i++)
		if (config_option_at(i)->section != CONFIG_SESSION)
			check_row(a, NULL, b, NULL, i);
	for (size_t s = 0; s < a->n_sessions; s++) {
		assert_string_equal(a->sessions[s].name, b->sessions[s].name);
		if (!strchr(a->sessions[s].url, '?'))
			assert_string_equal(a->sessions[s].url, b->sessions[s].url);
		for (size_t i = 0; i < config_option_count(); i++)
			if (config_option_at(i)->section == CONFIG_SESSION)
				check_row(a, &a->sessions[s], b, &b->sessions[s], i);
	}
}

/* Loads the text, what it is shown as, and compares. */
static void check_text(struct files *f, const char *text)
{
	CLEANUP(config_freep) struct config *config = load_text(f, text), *again = NULL;
	CLEANUP(buf_done) struct buf buf = {0};
	const char *shown = dump(&buf, config);
	CLEANUP(config_errors_done) struct config_errors errors;

	config_errors_init(&errors);
	files_write(f, "again.yaml", shown);
	if (config_load(&again, &(struct config_source){.file = f->path}, &errors))
		fail_msg("%s\n%s\n...is shown as\n%s", errors.texts[0], text, shown);
	check_same(config, again);
}

static void what_is_shown_reads_back_to_the_same(void **state)
{
	static const char *const texts[] = {
		"",
		"sessions: {a: {}}\n",
		"sessions: {'no': {realm: null}, '1.0': {realm: ~}, -x: {realm: '\"'}}\n"
		"daemon: {default_session: 'no'}\n",
		"defaults: {tls: yes, host: h, tls_ca_file: /a, max_reconnection_attempts: 0}\n"
		"sessions: {default: {}, b: {url: 'embedded:'}, c: {url: 'ws://x/', tls: no}}\n",
		"defaults: {host: '::1', realm: 'a-b:c', user_agent: \"a\\u00a0#b: \\\\ \\\"\"}\n",
		"defaults: {auth_id: \"\\u0085\\u2028\\ufeff\\U0001F600 caf\\u00e9\"}\n",
		"defaults: {auth_extra: {a: [1, '1', true, {b: \"\\u007f\\u0085\\n\\\\\"}], 'c: "
		"d': }}\n"
		"sessions: {default: {auth_extra: {e: 1e3}}, b: {auth_extra: {}}}\n",
		"defaults: {headers: {A: '', B: 'x: #y', C: \"caf\\u00e9\"}}\n"
		"sessions: {default: {headers: {a: 1}}, b: {headers: {}}}\n",
		"defaults: {auth_method: [wampcra, anonymous], auth_id: '@x', url: "
		"'ws://h/?a=b%20',"
		" auth_secret: '@file:/a b'}\n",
		"daemon: {shutdown_timeout: unlimited, socket_mode: 07, log_target: stderr}\n"
		"limits: {connect_rate_per_user: 0, user_memory: 100001}\n",
	};
	struct files f;

	(void)state;
	files_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		check_text(&f, texts[i]);
	files_done(&f);
}

/* Run in the root of the source, as make does. */
static void the_sample_reads_back_to_the_same(void **state)
{
	static char text[1 << 16];
	FILE *sample = fopen("etc/wampbridge.yaml", "r");
	struct files f;

	(void)state;
	if (!sample)
		skip();
	text[fread(text, 1, sizeof(text) - 1, sample)] = '\0';
	fclose(sample);
	files_init(&f);
	check_text(&f, text);
	files_done(&f);
}

/* Some right values of each type; a row of another range has those of its own name. */
static const struct {
	const char *name, *values[4];
} random_values[] = {
	{"listen", {"/run/a", "'/a b'", "/x", "/y"}},
	{"socket_mode", {"0600", "0", "777", "0660"}},
	{"socket_group", {"g", "x-y", "'1'", "a.b"}},
	{"log_level", {"error", "debug", "notice", "info"}},
	{"log_target", {"auto", "journal", "stderr", "auto"}},
	{"shutdown_timeout", {"0", "1.5", "unlimited", "3ms"}},
	{"realm", {"r", "a.b", "'0x10'", "\"caf\\u00e9\""}},
	{"connect", {"eager", "on_demand", "eager", "on_demand"}},
	{"call_timeout", {"none", "1ms", "24h", "0.25"}},
	{"reconnect_growth", {"1", "1.25", "99.9", "3"}},
	{"reconnect_jitter", {"0", "0.1", "1", "0.33"}},
	{"max_reconnection_attempts", {"0", "unlimited", "1000000", "7"}},
	{"on_give_up", {"stay", "exit", "stay", "exit"}},
	{"ping_interval", {"none", "0.1", "90", "2min"}},
	{"max_message_size", {"4K", "1G", "5000", "16M"}},
	{"auth_role", {"r", "'a: b'", "'#'", "\"\\u2028\""}},
	{"auth_extra", {"{}", "{a: 1}", "{a: [x, {y: 'z'}]}", "{'b\"': \"\\t\"}"}},
	{"headers", {"{}", "{A: 1}", "{B: 'x, y'}", "{A: ''}"}},
	{"origin", {"'null'", "https://h", "http://h:80", "'a://[::1]:1'"}},
	{"user_agent", {"x", "'- y'", "'&a'", "'*'"}},
	{"tcp_nodelay", {"yes", "no", "on", "off"}},
	{"compression", {"true", "false", "yes", "no"}},
	{"forward_timeout", {"off", "ms", "s", "off"}},
	{"auth_method", {"anonymous", "[anonymous]", "anonymous", "[anonymous]"}},
	{"max_connections", {"1", "1000000", "5", "77"}},
	{"connect_rate_per_user", {"none", "0", "1", "9"}},
	{"user_memory", {"64K", "2G", "65537", "1M"}},
	{"stall_timeout", {"1", "24h", "90s", "1500ms"}},
};

/* Each key of the section by chance, as "{key: value, ...}". */
static size_t random_section(struct rng *rng, enum config_section section, char *text,
			     size_t n_text)
{
	size_t n = (size_t)snprintf(text, n_text, "{");

	for (size_t i = 0; i < ARRAY_SIZE(random_values); i++) {
		uint64_t dice = rng_next(rng);

		if (config_option_find(section, random_values[i].name) < 0 || dice & 4)
			continue;
		n += (size_t)snprintf(text + n, n_text - n, "%s: %s, ", random_values[i].name,
				      random_values[i].values[dice & 3]);
	}
	n += (size_t)snprintf(text + n, n_text - n, "}\n");
	return n;
}

static void any_configuration_reads_back_to_the_same(void **state)
{
	static const char *const heads[] = {
		"daemon: ",  "defaults: ", "limits: ", "sessions:\n  default: ",
		"  'yes': ", "  c: "};
	static const enum config_section sections[] = {CONFIG_DAEMON,  CONFIG_SESSION,
						       CONFIG_LIMITS,  CONFIG_SESSION,
						       CONFIG_SESSION, CONFIG_SESSION};
	struct rng rng = {4};
	struct files f;

	(void)state;
	files_init(&f);
	for (unsigned round = 0; round < 100; round++) {
		char text[16384];
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", heads[i]);
			n += random_section(&rng, sections[i], text + n, sizeof(text) - n);
		}
		check_text(&f, text);
	}
	files_done(&f);
}

/* The text with the directory in the place of each "%s". */
static void with_directory(char *ret, size_t n_ret, const char *text, const char *dir)
{
	size_t n = 0;

	for (const char *mark; (mark = strstr(text, "%s")); text = mark + 2)
		n += (size_t)snprintf(ret + n, n_ret - n, "%.*s%s", (int)(mark - text), text, dir);
	snprintf(ret + n, n_ret - n, "%s", text);
}

static void every_line_says_where_it_comes_from(void **state)
{
	static const char *const lines[] = {
		"daemon:\n  listen: /run/wampbridge/wampbridge.sock  # default\n",
		"  log_level: debug  # %s/wampbridge.yaml:2\n",
		"  default_session: plant  # default\n",
		"  realm: common  # %s/conf.d/1.yaml:2\n",
		"  auth_method: [\"ticket\", \"anonymous\"]  # %s/wampbridge.yaml:5\n",
		"  headers:  # %s/conf.d/1.yaml:3\n"
		"    \"X-A\": \"(hidden)\"  # %s/wampbridge.yaml:6\n"
		"    \"X-B\": \"(hidden)\"  # %s/conf.d/1.yaml:4\n",
		"sessions:\n  plant:  # %s/wampbridge.yaml:12\n",
		"    url: wss://h/  # %s/wampbridge.yaml:13\n",
		"  max_line: 1M  # default\n",
	};
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_done) struct buf buf = {0};
	const char *shown;
	struct files f;

	(void)state;
	files_init(&f);
	files_write(&f, "wampbridge.yaml",
		    "daemon:\n  log_level: debug\n"
		    "defaults:\n  realm: early\n  auth_method: [ticket, anonymous]\n"
		    "  headers: {X-A: 1, X-B: 2}\n  auth_extra:\n    a: 1\n"
		    "  auth_id: x\n  auth_secret: '@file:/s'\n"
		    "sessions:\n  plant:\n    url: wss://h/\n");
	files_write(&f, "conf.d/1.yaml", "defaults:\n  realm: common\n  headers:\n    X-B: late\n");
	config = load_source(&(struct config_source){.dir = f.dir});
	shown = dump(&buf, config);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char line[1024];

		with_directory(line, sizeof(line), lines[i], f.dir);
		if (!strstr(shown, line))
			fail_msg("%s\n...is not in\n%s", line, shown);
	}
	files_done(&f);
}

static void a_secret_is_shown_as_its_reference_or_not_at_all(void **state)
{
	static const char text[] =
		"defaults:\n  url: wss://h/ws?token=hush\n  auth_method: ticket\n  auth_id: x\n"
		"  auth_secret: hush\n  tls_cert: /c\n  tls_key: /k\n"
		"  tls_key_passphrase: '@credential:p'\n"
		"  headers: {Authorization: Basic hush, COOKIE: hush, X-Api-Key: hush, X: hush}\n"
		"  auth_extra: {token: hush, \"a\\nb\": [1, {hush: hush}], c: }\n"
		"sessions:\n"
		"  default: {}\n"
		"  b: {host: h, path: '/ws?a=hush', headers: {Y: hush}, auth_extra: {d: hush}}\n"
		"  c: {url: 'wss://h?hush'}\n";
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_done) struct buf buf = {0}, out = BUF_INIT(1 << 16);
	const char *shown;
	struct files f;

	(void)state;
	files_init(&f);
	config = load_text(&f, text);
	shown = dump(&buf, config);
	assert_null(strstr(shown, "hush"));
	assert_non_null(strstr(shown, "  auth_secret: \"(hidden)\"  # "));
	assert_non_null(strstr(shown, "  tls_key_passphrase: \"@credential:p\"  # "));
	assert_non_null(strstr(shown, "\"COOKIE\": \"(hidden)\""));
	assert_non_null(strstr(shown, "\"X\": \"(hidden)\""));
	assert_non_null(strstr(shown, "\"token\": \"(hidden)\""));
	assert_non_null(strstr(shown, "  url: \"wss://h/ws?(hidden)\"  # "));
	assert_non_null(strstr(shown, "    path: \"/ws?(hidden)\"  # "));
	for (size_t s = 0; s < config->n_sessions; s++)
		for (size_t i = 0; i < config_option_count(); i++)
			config_show(config, &config->sessions[s], i, &out);
	buf_append_char(&out, '\0');
	assert_null(strstr(buf_bytes(&out).ptr, "hush"));
	assert_non_null(strstr(buf_bytes(&out).ptr, "{\"token\": \"(hidden)\", \"a\\u000ab\": "));
	files_done(&f);
}

static size_t row(enum config_section section, const char *name)
{
	int i = config_option_find(section, name);

	assert_true(i >= 0);
	return (size_t)i;
}

static void a_value_is_shown_on_one_line(void **state)
{
	static const struct {
		const char *name, *shown;
	} table[] = {
		{"url", "ws://h:8080/ws"},
		{"realm", "realm1"},
		{"call_timeout", "none"},
		{"reconnect_jitter", "0.2"},
		{"connect", "on_demand"},
		{"tls", "no"},
		{"auth_id", "null"},
		{"auth_role", "\"a: \\\"b\\\"\""},
		{"auth_method", "[\"anonymous\"]"},
		{"auth_extra", "{\"a\": \"(hidden)\"}"},
		{"headers", "{\"A\": \"(hidden)\", \"B\": \"(hidden)\"}"},
		{"tls_pin_sha256", "[]"},
		{"tls_min_version", "1.2"},
	};
	CLEANUP(config_freep) struct config *config = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config = load_text(&f, "defaults: {host: h, auth_role: 'a: \"b\"', headers: {A: 1},\n"
			       "  connect: on_demand, auth_extra: {a: [1]}}\n"
			       "sessions: {s: {headers: {B: ''}}}\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1024);

		config_show(config, &config->sessions[0], row(CONFIG_SESSION, table[i].name), &out);
		buf_append_char(&out, '\0');
		assert_string_equal(buf_bytes(&out).ptr, table[i].shown);
	}
	files_done(&f);
}

static void check_origin(const struct config *config, const char *session, const char *name,
			 unsigned line)
{
	const struct config_session *s = session ? config_find_session(config, session) : NULL;
	enum config_section section = s				 ? CONFIG_SESSION
				      : strcmp(name, "max_line") ? CONFIG_DAEMON
								 : CONFIG_LIMITS;
	struct config_origin origin = config_origin(config, s, row(section, name));

	if (origin.line != line || !origin.file != !line)
		fail_msg("%s of %s comes from line %u", name, session ? session : "", origin.line);
	if (line)
		assert_non_null(strstr(origin.file, "/x.yaml"));
}

static void the_origin_of_a_value_is_where_it_was_set(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config = load_text(&f, "daemon: {log_level: debug}\n"
			       "defaults:\n"
			       "  realm: common\n"
			       "  url: ws://h/\n"
			       "sessions:\n"
			       "  default:\n"
			       "  plant:\n"
			       "    realm: plant\n"
			       "    port: 80\n"
			       "limits:\n"
			       "  max_line: 64K\n");
	check_origin(config, NULL, "log_level", 1);
	check_origin(config, NULL, "listen", 0);
	check_origin(config, NULL, "max_line", 11);
	check_origin(config, "default", "realm", 3);
	check_origin(config, "plant", "realm", 8);
	check_origin(config, "default", "ping_timeout", 0);
	check_origin(config, "default", "url", 4);
	check_origin(config, "default", "port", 4);
	check_origin(config, "plant", "url", 9);
	check_origin(config, "plant", "port", 9);
	check_origin(config, "plant", "host", 0);
	files_done(&f);
}

static void a_value_that_changed_is_noticed_even_if_it_is_hidden(void **state)
{
	static const struct {
		const char *name, *before, *now;
	} table[] = {
		{"auth_secret", "a", "b"},
		{"auth_id", "a", "b"},
		{"auth_method", "ticket", "[ticket, anonymous]"},
		{"headers", "{A: 1}", "{A: 2}"},
		{"auth_extra", "{A: 1}", "{}"},
		{"reconnect_growth", "1.5", "1.6"},
		{"tls_verify", "yes", "no"},
		{"url", "wss://h/", "wss://g/"},
	};
	struct files f;

	(void)state;
	files_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(config_freep) struct config *before = NULL, *now = NULL;
		char text[1024];
		const char *format = "defaults: {auth_method: ticket, auth_id: a, auth_secret: a, "
				     "url: 'wss://h/'}\nsessions: {s: {";

		snprintf(text, sizeof(text), "%s%s: %s}}\n", format, table[i].name,
			 table[i].before);
		before = load_text(&f, text);
		snprintf(text, sizeof(text), "%s%s: %s}}\n", format, table[i].name, table[i].now);
		now = load_text(&f, text);
		for (size_t k = 0; k < config_option_count(); k++) {
			const struct config_option *o = config_option_at(k);

			if (o->section != CONFIG_SESSION)
				continue;
			if (table[i].name[0] == 'u' && strcmp(o->name, "host") == 0)
				continue;
			assert_int_equal(config_is_same(before, &before->sessions[0], now,
							&now->sessions[0], k),
					 strcmp(o->name, table[i].name) != 0);
		}
	}
	files_done(&f);
}

static void a_dump_that_does_not_fit_is_told(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_done) struct buf out = BUF_INIT(100);
	struct files f;

	(void)state;
	files_init(&f);
	config = load_text(&f, "");
	assert_true(config_dump(config, &out) < 0);
	files_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shown_reads_back_to_the_same),
		cmocka_unit_test(the_sample_reads_back_to_the_same),
		cmocka_unit_test(any_configuration_reads_back_to_the_same),
		cmocka_unit_test(every_line_says_where_it_comes_from),
		cmocka_unit_test(a_secret_is_shown_as_its_reference_or_not_at_all),
		cmocka_unit_test(a_value_is_shown_on_one_line),
		cmocka_unit_test(the_origin_of_a_value_is_where_it_was_set),
		cmocka_unit_test(a_value_that_changed_is_noticed_even_if_it_is_hidden),
		cmocka_unit_test(a_dump_that_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
