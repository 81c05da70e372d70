/* SPDX-License-Identifier: MIT */

/*
 * Configurations that are right: defaults, sources, merging, sessions
 */

#include "test_config_files.h"

#include "base/mem.h"
#include "config/option.h"

#include <errno.h>
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
	assert_int_equal(errors.n, 0);
	return config;
}

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

static void check_more_defaults(const struct config_session *s)
{
	assert_false(s->use_tls || s->on_demand || s->exit_on_give_up || s->compression);
	assert_true(s->max_reconnection_attempts == UINT64_MAX);
	assert_int_equal(s->close_handshake_timeout_ms, 1000);
	assert_int_equal(s->serializers.n, 1);
	assert_string_equal(s->serializers.items[0], "json");
	assert_int_equal(s->auth_method.n, 1);
	assert_string_equal(s->auth_method.items[0], "anonymous");
	assert_null(s->auth_id);
	assert_null(s->auth_role);
	assert_null(s->auth_extra);
	assert_null(s->auth_secret);
	assert_true(s->tls.system_ca && s->tls.verify && s->tls.verify_host);
	assert_null(s->tls.ca_file);
	assert_null(s->tls.cert);
	assert_null(s->tls.server_name);
	assert_int_equal(s->tls.min_version, CONFIG_TLS_1_2);
	assert_int_equal(s->tls.pin_sha256.n, 0);
	assert_true(s->tcp_nodelay && s->tcp_keepalive);
	assert_int_equal(s->headers.n, 0);
	assert_null(s->origin);
	assert_null(s->user_agent);
	assert_int_equal(s->forward_timeout, CONFIG_FORWARD_OFF);
}

static void check_defaults(const struct config *c)
{
	const struct config_session *s = &c->sessions[0];

	assert_string_equal(c->daemon.listen, "/run/wampbridge/wampbridge.sock");
	assert_int_equal(c->daemon.socket_mode, 0660);
	assert_null(c->daemon.socket_group);
	assert_int_equal(c->daemon.log_level, 6);
	assert_int_equal(c->daemon.log_target, CONFIG_LOG_AUTO);
	assert_string_equal(c->daemon.default_session, "default");
	assert_int_equal(c->daemon.shutdown_timeout_ms, 15000);
	assert_int_equal(c->n_sessions, 1);
	assert_string_equal(s->name, "default");
	assert_string_equal(s->url, "embedded:");
	assert_true(s->embedded);
	assert_true(s->is_near);
	assert_string_equal(s->realm, "realm1");
	assert_int_equal(s->connection_timeout_ms, 10000);
	assert_int_equal(s->open_handshake_timeout_ms, 5000);
	assert_int_equal(s->registration_timeout_ms, 10000);
	assert_int_equal(s->call_timeout_ms, 0);
	assert_int_equal(s->reconnect_delay_ms, 250);
	assert_true(s->reconnect_growth == 1.5);
	assert_int_equal(s->reconnect_max_delay_ms, 60000);
	assert_true(s->reconnect_jitter == 0.2);
	assert_int_equal(s->ping_interval_ms, 20000);
	assert_int_equal(s->ping_timeout_ms, 10000);
	assert_int_equal(s->shutdown_timeout_ms, 15000);
	assert_int_equal(s->max_message_size, 16 << 20);
	check_more_defaults(s);
	assert_int_equal(c->limits.max_connections_per_user, 2048);
	assert_int_equal(c->limits.connect_rate_per_user, 1000);
	assert_int_equal(c->limits.user_memory, 64 << 20);
	assert_int_equal(c->limits.max_connections, 4096);
	assert_int_equal(c->limits.max_inflight, 1024);
	assert_int_equal(c->limits.max_registrations, 1024);
	assert_int_equal(c->limits.max_subscriptions, 1024);
	assert_int_equal(c->limits.max_line, 1 << 20);
	assert_int_equal(c->limits.subscription_queue, 1000);
	assert_int_equal(c->limits.output_soft_limit, 256 << 10);
	assert_int_equal(c->limits.output_hard_limit, 8 << 20);
	assert_int_equal(c->limits.stall_timeout_ms, 60000);
	assert_int_equal(c->limits.bad_lines, 16);
}

static void without_any_file_there_is_one_session_on_the_embedded_router(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config = load_source(&(struct config_source){.roots = {f.dir, f.dir, f.dir}});
	check_defaults(config);
	files_done(&f);
}

static void a_file_that_says_nothing_gives_the_defaults(void **state)
{
	static const char *const texts[] = {
		"",
		"# nothing\n",
		"---\n",
		"---\n...\n",
		"{}\n",
		"daemon:\ndefaults:\nsessions:\nlimits:\n",
		"daemon:\n  # listen: /x\nsessions: {}\n",
		"\xef\xbb\xbf# after a byte order mark\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(config_freep) struct config *config = load_text(texts[i]);

		check_defaults(config);
	}
}

/* The row of the key that stands commented out on this line, or NULL; keeps track of the section.
 */
static const struct config_option *sample_option(const char *line, enum config_section *section)
{
	char name[64];
	int index;

	for (int s = CONFIG_DAEMON; s <= CONFIG_LIMITS; s++)
		if (strncmp(line, config_section_name((enum config_section)s),
			    strlen(config_section_name((enum config_section)s))) == 0)
			*section = (enum config_section)s;
	if (sscanf(line, "  #%63[a-z_0-9]:", name) != 1)
		return NULL;
	index = config_option_find(*section, name);
	return index < 0 ? NULL : config_option_at((size_t)index);
}

/* Removes the '#' of those keys that have a default, or of those that have an example. */
static void uncomment(char *text, bool examples)
{
	static const char *const pieces[] = {"host", "port", "path", "tls", "url"};
	enum config_section section = CONFIG_DAEMON;

	for (char *line = text; line; line = strchr(line, '\n')) {
		const struct config_option *option;
		bool is_piece = false;

		line += *line == '\n';
		option = sample_option(line, &section);
		for (size_t i = 0; option && i < ARRAY_SIZE(pieces); i++)
			is_piece |= strcmp(option->name, pieces[i]) == 0;
		if (option && !is_piece && !option->fallback == examples)
			line[2] = ' ';
	}
}

/* Run in the root of the source, as make does. */
static void the_sample_file_says_the_defaults(void **state)
{
	CLEANUP(config_freep) struct config *as_shipped = NULL, *uncommented = NULL;
	static char text[1 << 16];
	FILE *sample = fopen("etc/wampbridge.yaml", "r");

	(void)state;
	if (!sample)
		skip();
	text[fread(text, 1, sizeof(text) - 1, sample)] = '\0';
	fclose(sample);
	as_shipped = load_text(text);
	check_defaults(as_shipped);
	uncomment(text, false);
	assert_non_null(strstr(text, "\n   log_level: info\n"));
	assert_non_null(strstr(text, "\n   tls_min_version: 1.2\n"));
	uncommented = load_text(text);
	check_defaults(uncommented);
}

static void the_examples_of_the_sample_file_are_right(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	static char text[1 << 16];
	FILE *sample = fopen("etc/wampbridge.yaml", "r");
	char *defaults;

	(void)state;
	if (!sample)
		skip();
	text[fread(text, 1, sizeof(text) / 2, sample)] = '\0';
	fclose(sample);
	uncomment(text, true);
	defaults = strstr(text, "\ndefaults:\n") + strlen("\ndefaults:\n");
	memmove(defaults + 64, defaults, strlen(defaults) + 1);
	memset(defaults, ' ', 64);
	memcpy(defaults, "   auth_method: ticket\n   tls: yes\n#", 36);
	memcpy(defaults + 63, "\n", 1);
	config = load_text(text);
	assert_string_equal(config->sessions[0].auth_id, "bridge-7");
	assert_int_equal(config->sessions[0].headers.n, 1);
	assert_non_null(config->sessions[0].auth_extra);
	assert_non_null(config->daemon.socket_group);
}

static void the_caller_knows_the_default_socket(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL, *other = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	files_write(&f, "x.yaml", "limits:\n");
	config = load_source(&(struct config_source){.file = f.path, .default_listen = "/u/s"});
	assert_string_equal(config->daemon.listen, "/u/s");
	files_write(&f, "x.yaml", "daemon: {listen: /own}\n");
	other = load_source(&(struct config_source){.file = f.path, .default_listen = "/u/s"});
	assert_string_equal(other->daemon.listen, "/own");
	files_done(&f);
}

static void every_key_is_read_into_its_field(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text(
		"daemon: {listen: /l, socket_mode: 0600, log_level: debug, default_session: s,\n"
		"  shutdown_timeout: unlimited, socket_group: g, log_target: stderr}\n"
		"sessions: {s: {host: h, port: 1, path: /p, realm: r, connection_timeout: 2,\n"
		"  open_handshake_timeout: 3, registration_timeout: 4, call_timeout: 5s,\n"
		"  reconnect_delay: 60ms, reconnect_growth: 7, reconnect_max_delay: 8min,\n"
		"  reconnect_jitter: 0.9, ping_interval: none, ping_timeout: 11,\n"
		"  shutdown_timeout: 0, max_message_size: 12K}}\n"
		"limits: {max_connections_per_user: 20, connect_rate_per_user: none,\n"
		"  user_memory: 65K, max_connections: 1, max_inflight: 2, max_registrations: 3,\n"
		"  max_subscriptions: 4, max_line: 5K, subscription_queue: 6,\n"
		"  output_soft_limit: 7K, output_hard_limit: 11K, stall_timeout: 9, bad_lines: "
		"10}\n");
	const struct config_session *s = &c->sessions[0];

	(void)state;
	assert_string_equal(c->daemon.listen, "/l");
	assert_string_equal(c->daemon.socket_group, "g");
	assert_int_equal(c->daemon.log_target, CONFIG_LOG_STDERR);
	assert_int_equal(c->daemon.socket_mode, 0600);
	assert_int_equal(c->daemon.log_level, 7);
	assert_string_equal(c->daemon.default_session, "s");
	assert_int_equal(c->daemon.shutdown_timeout_ms, CONFIG_UNLIMITED_MS);
	assert_string_equal(s->host, "h");
	assert_int_equal(s->port, 1);
	assert_string_equal(s->path, "/p");
	assert_string_equal(s->url, "ws://h:1/p");
	assert_string_equal(s->realm, "r");
	assert_int_equal(s->connection_timeout_ms, 2000);
	assert_int_equal(s->open_handshake_timeout_ms, 3000);
	assert_int_equal(s->registration_timeout_ms, 4000);
	assert_int_equal(s->call_timeout_ms, 5000);
	assert_int_equal(s->reconnect_delay_ms, 60);
	assert_true(s->reconnect_growth == 7);
	assert_int_equal(s->reconnect_max_delay_ms, 480000);
	assert_true(s->reconnect_jitter == 0.9);
	assert_int_equal(s->ping_interval_ms, 0);
	assert_int_equal(s->ping_timeout_ms, 11000);
	assert_int_equal(s->shutdown_timeout_ms, 0);
	assert_int_equal(s->max_message_size, 12 << 10);
	assert_int_equal(c->limits.max_connections_per_user, 20);
	assert_int_equal(c->limits.connect_rate_per_user, 0);
	assert_int_equal(c->limits.user_memory, 65 << 10);
	assert_int_equal(c->limits.max_connections, 1);
	assert_int_equal(c->limits.max_inflight, 2);
	assert_int_equal(c->limits.max_registrations, 3);
	assert_int_equal(c->limits.max_subscriptions, 4);
	assert_int_equal(c->limits.max_line, 5 << 10);
	assert_int_equal(c->limits.subscription_queue, 6);
	assert_int_equal(c->limits.output_soft_limit, 7 << 10);
	assert_int_equal(c->limits.output_hard_limit, 11 << 10);
	assert_int_equal(c->limits.stall_timeout_ms, 9000);
	assert_int_equal(c->limits.bad_lines, 10);
}

static void a_sessions_own_value_wins_over_the_defaults(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text("defaults:\n"
				     "  realm: common\n"
				     "  ping_timeout: 3\n"
				     "sessions:\n"
				     "  default:\n"
				     "  plant: {realm: plant}\n");

	(void)state;
	assert_int_equal(c->n_sessions, 2);
	assert_string_equal(c->sessions[0].realm, "common");
	assert_string_equal(c->sessions[1].realm, "plant");
	assert_int_equal(c->sessions[1].ping_timeout_ms, 3000);
	assert_ptr_equal(config_find_session(c, "plant"), &c->sessions[1]);
	assert_null(config_find_session(c, "other"));
}

static void the_default_session_is_default_or_the_only_one_or_the_one_named(void **state)
{
	static const struct {
		const char *text, *name;
	} table[] = {
		{"sessions: {a: {}}", "a"},
		{"sessions: {a: {}, default: {}, b: {}}", "default"},
		{"sessions: {a: {}, default: {}}\ndaemon: {default_session: a}", "a"},
		{"daemon: {default_session: default}", "default"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(config_freep) struct config *c = load_text(table[i].text);

		assert_string_equal(c->daemon.default_session, table[i].name);
	}
}

static void aliases_stand_for_what_they_name(void **state)
{
	CLEANUP(config_freep)
	struct config *c = load_text("sessions:\n"
				     "  default: &d {realm: &r shared}\n"
				     "  b: *d\n"
				     "  c: {realm: *r}\n");

	(void)state;
	assert_int_equal(c->n_sessions, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(c->sessions[i].realm, "shared");
}

static void plain_words_that_yaml_would_convert_stay_text(void **state)
{
	CLEANUP(config_freep)
	struct config *c =
		load_text("sessions: {no: {realm: null}, default: {realm: 0x10}, 1.0: {realm: ~}}");

	(void)state;
	assert_string_equal(c->sessions[0].name, "no");
	assert_string_equal(c->sessions[0].realm, "null");
	assert_string_equal(c->sessions[1].realm, "0x10");
	assert_string_equal(c->sessions[2].name, "1.0");
	assert_string_equal(c->sessions[2].realm, "~");
}

static void a_directory_is_its_main_file_and_its_drop_ins_in_order(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	files_write(&f, "conf.d/20-b.yaml",
		    "sessions: {plant: {realm: late}, extra: {}}\nlimits: {max_inflight: 3}\n");
	files_write(&f, "conf.d/10-a.yaml",
		    "sessions: {plant: {realm: early, ping_timeout: 2}}\ndaemon: {listen: /a}\n");
	files_write(&f, "wampbridge.yaml",
		    "sessions: {plant: {realm: first, port: 1}}\n"
		    "limits: {max_inflight: 1, bad_lines: 2}\ndaemon: {default_session: plant}\n");
	files_write(&f, "conf.d/.hidden.yaml", "wrong\n");
	files_write(&f, "conf.d/30-old.yaml~", "wrong\n");
	files_write(&f, "conf.d/30-old.yml", "wrong\n");
	files_write(&f, "conf.d/.yaml", "wrong\n");
	c = load_source(&(struct config_source){.dir = f.dir});
	assert_int_equal(c->n_sessions, 2);
	assert_string_equal(c->sessions[0].name, "plant");
	assert_string_equal(c->sessions[0].realm, "late");
	assert_int_equal(c->sessions[0].ping_timeout_ms, 2000);
	assert_int_equal(c->sessions[0].port, 1);
	assert_string_equal(c->sessions[1].name, "extra");
	assert_int_equal(c->limits.max_inflight, 3);
	assert_int_equal(c->limits.bad_lines, 2);
	assert_string_equal(c->daemon.listen, "/a");
	files_done(&f);
}

static void a_drop_in_that_is_not_read_for_its_name_is_warned_of(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	CLEANUP(config_freep) struct config *c = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	config_errors_init(&errors);
	files_write(&f, "conf.d/1.yaml", "");
	files_write(&f, "conf.d/2.yml", "wrong\n");
	files_write(&f, "conf.d/3.yaml.dpkg-old", "wrong\n");
	files_write(&f, "conf.d/.4.yml.swp", "wrong\n");
	assert_int_equal(config_load(&c, &(struct config_source){.dir = f.dir}, &errors), 0);
	assert_int_equal(errors.n_warnings, 1);
	assert_non_null(strstr(errors.warnings[0], "/conf.d: '2.yml' is not read"));
	files_done(&f);
}

static void a_directory_may_hold_drop_ins_only(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	files_write(&f, "conf.d/a.yaml", "limits: {bad_lines: 3}\n");
	c = load_source(&(struct config_source){.dir = f.dir});
	assert_int_equal(c->limits.bad_lines, 3);
	files_done(&f);
}

static void one_file_means_that_file_only(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct files f;

	(void)state;
	files_init(&f);
	files_write(&f, "conf.d/a.yaml", "limits: {bad_lines: 3}\n");
	files_write(&f, "wampbridge.yaml", "limits: {max_inflight: 5}\n");
	c = load_source(&(struct config_source){.file = f.path});
	assert_int_equal(c->limits.max_inflight, 5);
	assert_int_equal(c->limits.bad_lines, 16);
	files_done(&f);
}

/* The trees of a system below one directory. */
struct trees {
	struct files files;
	char roots[CONFIG_N_ROOTS][80];
	struct config_source source;
};

static void trees_init(struct trees *t)
{
	static const char *const names[CONFIG_N_ROOTS] = {"usr", "run", "etc"};

	*t = (struct trees){0};
	files_init(&t->files);
	for (size_t i = 0; i < CONFIG_N_ROOTS; i++) {
		snprintf(t->roots[i], sizeof(t->roots[i]), "%s/%s", t->files.dir, names[i]);
		t->source.roots[i] = t->roots[i];
	}
}

static void drop_ins_of_all_trees_are_sorted_together(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct trees t;

	(void)state;
	trees_init(&t);
	files_write(&t.files, "etc/wampbridge.yaml", "limits: {bad_lines: 1, max_inflight: 1}\n");
	files_write(&t.files, "usr/wampbridge.yaml", "wrong\n");
	files_write(&t.files, "etc/conf.d/10.yaml", "limits: {bad_lines: 2, max_inflight: 2}\n");
	files_write(&t.files, "run/conf.d/20.yaml", "limits: {bad_lines: 3}\n");
	files_write(&t.files, "usr/conf.d/30.yaml", "limits: {bad_lines: 4}\n");
	c = load_source(&t.source);
	assert_int_equal(c->limits.bad_lines, 4);
	assert_int_equal(c->limits.max_inflight, 2);
	files_done(&t.files);
}

static void a_stronger_tree_masks_a_drop_in_of_the_same_name(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct trees t;

	(void)state;
	trees_init(&t);
	files_write(&t.files, "usr/conf.d/10.yaml", "limits: {bad_lines: 2, max_inflight: 2}\n");
	files_write(&t.files, "run/conf.d/10.yaml", "limits: {bad_lines: 3}\n");
	files_write(&t.files, "usr/conf.d/20.yaml", "limits: {max_registrations: 2}\n");
	files_write(&t.files, "etc/conf.d/20.yaml", "");
	files_write(&t.files, "usr/conf.d/30.yaml", "wrong\n");
	files_path(&t.files, "etc/conf.d/30.yaml");
	assert_int_equal(symlink("/dev/null", t.files.path), 0);
	c = load_source(&t.source);
	assert_int_equal(c->limits.bad_lines, 3);
	assert_int_equal(c->limits.max_inflight, 1024);
	assert_int_equal(c->limits.max_registrations, 1024);
	files_done(&t.files);
}

static void file_and_directory_exclude_each_other(void **state)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(
		config_load(&config, &(struct config_source){.file = "/a", .dir = "/b"}, &errors),
		-EINVAL);
	assert_null(config);
}

/* Lets every allocation fail once; the last round is the one in which none does. */
static long fail_each_allocation(const struct config_source *source, int expected)
{
	for (long n = 0;; n++) {
		struct config *config = NULL;
		struct config_errors errors;
		int r;

		config_errors_init(&errors);
		mem_fail_after(n);
		r = config_load(&config, source, &errors);
		mem_fail_after(-1);
		config_errors_done(&errors);
		if (r == expected) {
			config_free(config);
			return n;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(config);
	}
}

static void want_of_memory_is_told_and_nothing_leaks(void **state)
{
	struct trees t;

	(void)state;
	trees_init(&t);
	files_write(
		&t.files, "etc/wampbridge.yaml",
		"daemon: {listen: /a, default_session: plant}\n"
		"defaults: {realm: x, url: 'ws://h:80/', headers: {A: b}, auth_extra: {a: [1]}}\n"
		"sessions: {plant: {host: h}, other: {}, third: {url: 'embedded:'}}\n");
	files_write(&t.files, "usr/conf.d/10.yaml", "limits: {bad_lines: 2}\n");
	files_write(&t.files, "run/conf.d/20.yaml",
		    "sessions: {fourth: {realm: y, headers: {C: d}, auth_extra: {b: x},\n"
		    "  auth_method: [ticket, wampcra], auth_id: a, auth_secret: inline}}\n");
	assert_true(fail_each_allocation(&t.source, 0) > 10);
	files_write(&t.files, "run/conf.d/20.yaml", "sessions: {\n");
	files_write(&t.files, "run/conf.d/30.yaml", "wrong: x\nlimits: {bad_lines: x}\n");
	assert_true(fail_each_allocation(&t.source, CONFIG_INVALID) > 10);
	files_done(&t.files);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_any_file_there_is_one_session_on_the_embedded_router),
		cmocka_unit_test(a_file_that_says_nothing_gives_the_defaults),
		cmocka_unit_test(the_sample_file_says_the_defaults),
		cmocka_unit_test(the_examples_of_the_sample_file_are_right),
		cmocka_unit_test(the_caller_knows_the_default_socket),
		cmocka_unit_test(every_key_is_read_into_its_field),
		cmocka_unit_test(a_sessions_own_value_wins_over_the_defaults),
		cmocka_unit_test(the_default_session_is_default_or_the_only_one_or_the_one_named),
		cmocka_unit_test(aliases_stand_for_what_they_name),
		cmocka_unit_test(plain_words_that_yaml_would_convert_stay_text),
		cmocka_unit_test(a_directory_is_its_main_file_and_its_drop_ins_in_order),
		cmocka_unit_test(a_drop_in_that_is_not_read_for_its_name_is_warned_of),
		cmocka_unit_test(a_directory_may_hold_drop_ins_only),
		cmocka_unit_test(one_file_means_that_file_only),
		cmocka_unit_test(drop_ins_of_all_trees_are_sorted_together),
		cmocka_unit_test(a_stronger_tree_masks_a_drop_in_of_the_same_name),
		cmocka_unit_test(file_and_directory_exclude_each_other),
		cmocka_unit_test(want_of_memory_is_told_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
