/* SPDX-License-Identifier: MIT */

/*
 * Values, units, and whether the option table is sound
 */

#include "config/config.h"
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct config_option duration = {.type = CONFIG_DURATION,
					      .name = "d",
					      .min = 0,
					      .max = 86400e3,
					      .word = "unlimited",
					      .word_value = CONFIG_UNLIMITED_MS};
static const struct config_option size = {.type = CONFIG_SIZE, .name = "s", .min = 1, .max = 4e9};
static const struct config_option count = {.type = CONFIG_COUNT, .name = "c", .min = 1, .max = 1e6};
static const struct config_option factor = {.type = CONFIG_FACTOR, .name = "f", .min = 1, .max = 9};
static const struct config_option mode = {.type = CONFIG_MODE, .name = "m", .min = 0, .max = 0777};
static const struct config_option level = {.type = CONFIG_LEVEL, .name = "l"};
static const struct config_option boolean = {.type = CONFIG_BOOL, .name = "b"};
static const struct config_option socket_path = {.type = CONFIG_SOCKET, .name = "p"};
static const struct config_option name = {.type = CONFIG_NAME, .name = "n"};
static const struct config_option realm = {.type = CONFIG_REALM, .name = "r"};

struct good {
	const struct config_option *option;
	const char *text;
	uint64_t number;
};

static void numbers_and_words_have_the_value_that_they_say(void **state)
{
	static const struct good table[] = {
		{&duration, "0", 0},
		{&duration, "5", 5000},
		{&duration, "0.25", 250},
		{&duration, "500ms", 500},
		{&duration, "5s", 5000},
		{&duration, "2min", 120000},
		{&duration, "1h", 3600000},
		{&duration, "1.5h", 5400000},
		{&duration, "0.5min", 30000},
		{&duration, "1.001", 1001},
		{&duration, "4.035", 4035},
		{&duration, "0.001", 1},
		{&duration, "1.0000", 1000},
		{&duration, "0.0h", 0},
		{&duration, "unlimited", CONFIG_UNLIMITED_MS},
		{&size, "1", 1},
		{&size, "64K", 65536},
		{&size, "16M", 16777216},
		{&size, "1G", 1073741824},
		{&count, "1", 1},
		{&count, "7", 7},
		{&count, "1000000", 1000000},
		{&mode, "0660", 0660},
		{&mode, "600", 0600},
		{&mode, "0", 0},
		{&mode, "0777", 0777},
		{&level, "error", 3},
		{&level, "warning", 4},
		{&level, "notice", 5},
		{&level, "info", 6},
		{&level, "debug", 7},
		{&boolean, "yes", 1},
		{&boolean, "no", 0},
		{&boolean, "true", 1},
		{&boolean, "false", 0},
		{&boolean, "on", 1},
		{&boolean, "off", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct value value;

		if (value_parse(&value, table[i].option, table[i].text))
			fail_msg("%s is refused", table[i].text);
		if (value.number != table[i].number)
			fail_msg("%s is %llu", table[i].text, (unsigned long long)value.number);
	}
}

static void what_is_no_value_of_its_type_is_refused(void **state)
{
	static const struct {
		const struct config_option *option;
		const char *text;
	} table[] = {
		{&duration, ""},
		{&duration, "0.0001"},
		{&duration, "0.5ms"},
		{&duration, "1.0005"},
		{&duration, "0.0000001h"},
		{&duration, "05"},
		{&duration, "00.5"},
		{&duration, "5\xc2\xa0s"},
		{&size, "010"},
		{&size, "064K"},
		{&count, "007"},
		{&count, "010"},
		{&duration, "-1"},
		{&duration, "+1"},
		{&duration, " 1"},
		{&duration, "1 s"},
		{&duration, "1e3"},
		{&duration, ".5"},
		{&duration, "5."},
		{&duration, "1.2.3"},
		{&duration, "0x10"},
		{&duration, "5S"},
		{&duration, "5m"},
		{&duration, "25h"},
		{&duration, "none"},
		{&duration, "inf"},
		{&duration, "nan"},
		{&duration, "1,5"},
		{&duration, "null"},
		{&size, "0"},
		{&size, "1.5M"},
		{&size, "16MB"},
		{&size, "16m"},
		{&size, "4G"},
		{&size, "unlimited"},
		{&size, "99999999999999999999999999"},
		{&count, "0"},
		{&count, "1000001"},
		{&count, "1K"},
		{&count, "1.0"},
		{&count, "one"},
		{&factor, "0.9"},
		{&factor, "9.1"},
		{&factor, "1e0"},
		{&factor, "2x"},
		{&mode, ""},
		{&mode, "0668"},
		{&mode, "1777"},
		{&mode, "rw-rw----"},
		{&mode, "0o660"},
		{&mode, "0000000660"},
		{&level, "err"},
		{&level, "6"},
		{&level, "INFO"},
		{&level, ""},
		{&boolean, "y"},
		{&boolean, "1"},
		{&boolean, "Yes"},
		{&socket_path, "x.sock"},
		{&socket_path, "/x\n"},
		{&socket_path, "/x\x7f"},
		{&socket_path, "/"},
		{&socket_path, ""},
		{&name, ""},
		{&name, "a b"},
		{&name, "a/b"},
		{&name, "\xc3\xa4"},
		{&realm, ""},
		{&realm, "a b"},
		{&realm, "a#b"},
		{&realm, "a..b"},
		{&realm, ".a"},
		{&realm, "a."},
		{&realm, "realm1\xc2\xa0"},
		{&realm, "\xc2\xa0realm1"},
		{&realm, "realm\xe3\x80\x80one"},
		{&realm, "realm1\xe2\x80\xa8"},
		{&realm, "\xc2\xa0"},
		{&realm, "realm1\xc2\x85"},
		{&realm, "a\x1b[31m"},
		{&realm, "a\x7f"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct value value = {.number = 77};

		if (value_parse(&value, table[i].option, table[i].text) != VALUE_WRONG)
			fail_msg("'%s' is taken for %s", table[i].text, table[i].option->name);
		assert_int_equal(value.number, 77);
	}
}

static void a_factor_has_its_exact_value(void **state)
{
	struct value value;

	(void)state;
	assert_int_equal(value_parse(&value, &factor, "1.1"), 0);
	assert_true(value.real == 1.1);
	assert_int_equal(value_parse(&value, &factor, "9"), 0);
	assert_true(value.real == 9);
}

static void texts_end_at_their_greatest_length(void **state)
{
	char text[200];
	struct value value;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[107] = '\0';
	assert_int_equal(value_parse(&value, &socket_path, text), 0);
	text[107] = 'a';
	text[108] = '\0';
	assert_int_equal(value_parse(&value, &socket_path, text), VALUE_WRONG);
	text[0] = 'a';
	text[64] = '\0';
	assert_int_equal(value_parse(&value, &name, text), 0);
	text[64] = 'a';
	text[65] = '\0';
	assert_int_equal(value_parse(&value, &name, text), VALUE_WRONG);
}

static void what_is_shown_can_be_read_back(void **state)
{
	static const struct good table[] = {
		{&duration, "0", 0},
		{&duration, "250ms", 250},
		{&duration, "15s", 15000},
		{&duration, "90s", 90000},
		{&duration, "1min", 60000},
		{&duration, "2h", 7200000},
		{&duration, "unlimited", CONFIG_UNLIMITED_MS},
		{&size, "1000", 1000},
		{&size, "64K", 65536},
		{&size, "16M", 16777216},
		{&mode, "0660", 0660},
		{&level, "info", 6},
		{&boolean, "yes", 1},
		{&count, "42", 42},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct value value = {.number = table[i].number}, again;
		char text[64];

		value_format(table[i].option, &value, text, sizeof(text));
		assert_string_equal(text, table[i].text);
		assert_int_equal(value_parse(&again, table[i].option, text), 0);
		assert_int_equal(again.number, value.number);
	}
}

static void a_description_names_the_range_and_the_word(void **state)
{
	char text[200];

	(void)state;
	value_describe(&duration, text, sizeof(text));
	assert_non_null(strstr(text, "from 0 to 24h, or 'unlimited'"));
	value_describe(&mode, text, sizeof(text));
	assert_non_null(strstr(text, "from 0000 to 0777"));
}

static size_t field_size(enum config_type type)
{
	switch (type) {
	case CONFIG_FACTOR:
		return sizeof(double);
	case CONFIG_SIZE:
		return sizeof(size_t);
	case CONFIG_DURATION:
		return sizeof(uint64_t);
	case CONFIG_MODE:
	case CONFIG_LEVEL:
		return sizeof(unsigned);
	case CONFIG_BOOL:
		return sizeof(bool);
	case CONFIG_COUNT:
	case CONFIG_CHOICE:
		return 0;
	case CONFIG_SOCKET:
	case CONFIG_NAME:
	case CONFIG_URL:
	case CONFIG_HOST:
	case CONFIG_PATH:
	case CONFIG_REALM:
	case CONFIG_TEXT:
	case CONFIG_FILE:
	case CONFIG_ORIGIN:
	case CONFIG_SECRET:
	case CONFIG_OBJECT:
		return sizeof(char *);
	case CONFIG_WORDS:
	case CONFIG_PINS:
	case CONFIG_HEADERS:
		return sizeof(struct config_list);
	}
	return 0;
}

static void every_row_fits_its_field_and_reads_its_own_default(void **state)
{
	union {
		struct config_daemon daemon;
		struct config_session session;
		struct config_limits limits;
	} section;

	(void)state;
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *o = config_option_at(i);
		struct value value, again;

		if (field_size(o->type) && o->size != field_size(o->type))
			fail_msg("%s has a field of %zu bytes", o->name, o->size);
		assert_true(o->min <= o->max);
		assert_int_equal(config_option_find(o->section, o->name), i);
		assert_false(config_option_is_later(o->section, o->name));
		if (!o->fallback)
			continue;
		if (value_parse(&value, o, o->fallback))
			fail_msg("%s: its default %s is refused", o->name, o->fallback);
		if (config_type_is_list(o->type)) {
			value.list = (struct config_list){&value.text, 1};
			assert_true(o->min <= 1);
		}
		memset(&section, 0x55, sizeof(section));
		value_store(o, &value, &section);
		value_load(&again, o, &section);
		value.text = config_type_is_list(o->type) ? NULL : value.text;
		assert_int_equal(again.number, value.number);
		assert_true(again.real == value.real);
		assert_ptr_equal(again.text, value.text);
		assert_ptr_equal(again.list.items, value.list.items);
	}
}

static void a_slip_of_the_keyboard_is_recognised(void **state)
{
	(void)state;
	assert_string_equal(config_option_nearest(CONFIG_DAEMON, "lisen"), "listen");
	assert_string_equal(config_option_nearest(CONFIG_DAEMON, "listne"), "listen");
	assert_string_equal(config_option_nearest(CONFIG_SESSION, "relam"), "realm");
	assert_string_equal(config_option_nearest(CONFIG_SESSION, "ping-interval"),
			    "ping_interval");
	assert_string_equal(config_option_nearest(CONFIG_LIMITS, "max_conections"),
			    "max_connections");
	assert_null(config_option_nearest(CONFIG_DAEMON, "colour"));
	assert_null(config_option_nearest(CONFIG_DAEMON, ""));
	assert_int_equal(config_option_distance("ab", "ba"), 1);
	assert_int_equal(config_option_distance("same", "same"), 0);
	assert_int_equal(config_option_distance("a_word_that_is_longer_than_any_key_could_be", "a"),
			 -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_words_have_the_value_that_they_say),
		cmocka_unit_test(what_is_no_value_of_its_type_is_refused),
		cmocka_unit_test(a_factor_has_its_exact_value),
		cmocka_unit_test(texts_end_at_their_greatest_length),
		cmocka_unit_test(what_is_shown_can_be_read_back),
		cmocka_unit_test(a_description_names_the_range_and_the_word),
		cmocka_unit_test(every_row_fits_its_field_and_reads_its_own_default),
		cmocka_unit_test(a_slip_of_the_keyboard_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
