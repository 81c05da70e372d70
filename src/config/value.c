/* SPDX-License-Identifier: MIT */

/*
 * Values
 *
 * Numbers are read as a whole part and a fraction in integers, since
 * strtod(3) listens to the locale and accepts more than a person means.
 */

#include "config/value.h"

#include "config/secret.h"
#include "config/text.h"
#include "config/url.h"

#include <stdio.h>
#include <string.h>

/* So many digits fit a double exactly; nobody needs more in a configuration. */
#define VALUE_MAX_DIGITS 15

struct value_unit {
	const char *suffix;
	double factor;
};

/* The first is the one meant without a suffix. */
static const struct value_unit value_no_units[] = {{"", 1}};
static const struct value_unit value_durations[] = {
	{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60e3}, {"h", 3600e3},
};
static const struct value_unit value_sizes[] = {
	{"", 1},
	{"K", 1024},
	{"M", 1048576},
	{"G", 1073741824},
};
static const char *const value_levels[] = {
	[3] = "error", [4] = "warning", [5] = "notice", [6] = "info", [7] = "debug",
};

static const struct value_unit *value_find_unit(const struct value_unit *units, size_t n_units,
						const char *suffix)
{
	for (size_t i = 0; i < n_units; i++)
		if (strcmp(units[i].suffix, suffix) == 0)
			return &units[i];
	return NULL;
}

static bool value_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 12.5 is 125 / 10: multiplied by a unit before it is divided, it stays exact. */
struct value_decimal {
	double mantissa, scale;
};

/*
 * Reads 12 or 12.5; returns what follows, or NULL if there is no such number. A
 * leading zero is refused, since YAML itself takes 010 for 8.
 */
static const char *value_parse_decimal(struct value_decimal *ret, const char *text, bool fraction)
{
	struct value_decimal d = {0, 1};
	unsigned n_digits = 0;
	bool behind = false;

	if (text[0] == '0' && value_is_digit(text[1]))
		return NULL;
	for (; value_is_digit(*text) || (*text == '.' && fraction && !behind); text++) {
		if (*text == '.') {
			if (!n_digits || !value_is_digit(text[1]))
				return NULL;
			behind = true;
			continue;
		}
		if (++n_digits > VALUE_MAX_DIGITS)
			return NULL;
		d.mantissa = d.mantissa * 10 + (*text - '0');
		if (behind)
			d.scale *= 10;
	}
	if (!n_digits)
		return NULL;
	*ret = d;
	return text;
}

static int value_parse_number(double *ret, const struct config_option *option, const char *text,
			      bool fraction, const struct value_unit *units, size_t n_units)
{
	const struct value_unit *unit;
	struct value_decimal decimal;
	const char *rest;
	double number;

	rest = value_parse_decimal(&decimal, text, fraction);
	unit = rest ? value_find_unit(units, n_units, rest) : NULL;
	if (!unit)
		return VALUE_WRONG;
	number = decimal.mantissa * unit->factor / decimal.scale;
	if (number < option->min || number > option->max)
		return VALUE_WRONG;
	*ret = number;
	return 0;
}

/* Whole numbers of the type's unit; what would have to be rounded is refused. */
static int value_parse_whole(struct value *ret, const struct config_option *option,
			     const char *text, bool fraction, const struct value_unit *units,
			     size_t n_units)
{
	double number;
	int r;

	if (option->word && strcmp(text, option->word) == 0) {
		ret->number = option->word_value;
		return 0;
	}
	r = value_parse_number(&number, option, text, fraction, units, n_units);
	if (r)
		return r;
	if ((double)(uint64_t)number != number)
		return VALUE_WRONG;
	ret->number = (uint64_t)number;
	return 0;
}

static int value_parse_mode(struct value *ret, const struct config_option *option, const char *text)
{
	uint64_t mode = 0;

	if (!*text || strlen(text) > 6)
		return VALUE_WRONG;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return VALUE_WRONG;
		mode = mode * 8 + (uint64_t)(*text - '0');
	}
	if ((double)mode > option->max)
		return VALUE_WRONG;
	ret->number = mode;
	return 0;
}

static int value_parse_bool(struct value *ret, const char *text)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0) {
			ret->number = i % 2;
			return 0;
		}
	return VALUE_WRONG;
}

static int value_parse_level(struct value *ret, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_levels); i++)
		if (value_levels[i] && strcmp(text, value_levels[i]) == 0) {
			ret->number = i;
			return 0;
		}
	return VALUE_WRONG;
}

/* The place of the word in the row, or -1. */
static int value_find_word(const struct config_option *option, const char *text)
{
	for (size_t i = 0; i < option->words->n_known; i++)
		if (strcmp(text, option->words->known[i]) == 0)
			return (int)i;
	return -1;
}

bool value_is_later(const struct config_option *option, const char *text)
{
	for (size_t i = 0; option->words && i < option->words->n_later; i++)
		if (strcmp(text, option->words->later[i]) == 0)
			return true;
	return false;
}

static int value_parse_choice(struct value *ret, const struct config_option *option,
			      const char *text)
{
	int place = value_find_word(option, text);

	if (place < 0)
		return VALUE_WRONG;
	ret->number = (uint64_t)place;
	return 0;
}

/* Whether it is right for a type that holds texts. */
static bool value_is_text(enum config_type type, const char *text)
{
	static bool (*const predicates[])(const char *) = {
		[CONFIG_SOCKET] = text_is_socket, [CONFIG_NAME] = text_is_name,
		[CONFIG_REALM] = text_is_realm,	  [CONFIG_TEXT] = text_is_line,
		[CONFIG_FILE] = text_is_file,	  [CONFIG_ORIGIN] = text_is_origin,
		[CONFIG_PINS] = text_is_pin,
	};

	if (type == CONFIG_URL)
		return url_check(text) == URL_OK;
	if (type == CONFIG_HOST)
		return url_check_host(text) == URL_OK;
	if (type == CONFIG_PATH)
		return url_check_path(text) == URL_OK;
	if (type == CONFIG_SECRET)
		return !secret_problem(text);
	return predicates[type](text);
}

static int value_parse_text(struct value *ret, bool is_right, const char *text)
{
	if (!is_right)
		return VALUE_WRONG;
	ret->text = text;
	return 0;
}

static int value_parse_typed(struct value *ret, const struct config_option *option,
			     const char *text)
{
	switch (option->type) {
	case CONFIG_BOOL:
		return value_parse_bool(ret, text);
	case CONFIG_COUNT:
		return value_parse_whole(ret, option, text, false, value_no_units, 1);
	case CONFIG_SIZE:
		return value_parse_whole(ret, option, text, false, value_sizes,
					 ARRAY_SIZE(value_sizes));
	case CONFIG_DURATION:
		return value_parse_whole(ret, option, text, true, value_durations,
					 ARRAY_SIZE(value_durations));
	case CONFIG_FACTOR:
		return value_parse_number(&ret->real, option, text, true, value_no_units, 1);
	case CONFIG_MODE:
		return value_parse_mode(ret, option, text);
	case CONFIG_LEVEL:
		return value_parse_level(ret, text);
	case CONFIG_CHOICE:
		return value_parse_choice(ret, option, text);
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
	case CONFIG_PINS:
		return value_parse_text(ret, value_is_text(option->type, text), text);
	case CONFIG_WORDS:
		return value_parse_text(ret, value_find_word(option, text) >= 0, text);
	case CONFIG_HEADERS:
	case CONFIG_OBJECT:
		return VALUE_WRONG;
	}
	return VALUE_WRONG;
}

int value_parse(struct value *ret, const struct config_option *option, const char *text)
{
	struct value value = {0};
	int r = value_parse_typed(&value, option, text);

	if (r == 0)
		*ret = value;
	return r;
}

/* The largest unit that leaves no fraction, so that what is shown can be read back. */
static void value_format_units(uint64_t number, const struct value_unit *units, size_t n_units,
			       char *ret_text, size_t n_text)
{
	const struct value_unit *best = NULL;

	for (size_t i = 0; i < n_units; i++) {
		uint64_t factor = (uint64_t)units[i].factor;

		if (number % factor == 0 && (!best || factor >= (uint64_t)best->factor))
			best = &units[i];
	}
	if (!number || !best)
		best = &units[0];
	snprintf(ret_text, n_text, "%llu%s", (unsigned long long)(number / (uint64_t)best->factor),
		 best->suffix);
}

void value_format(const struct config_option *option, const struct value *value, char *ret_text,
		  size_t n_text)
{
	if (option->word && value->number == option->word_value) {
		snprintf(ret_text, n_text, "%s", option->word);
		return;
	}
	switch (option->type) {
	case CONFIG_BOOL:
		snprintf(ret_text, n_text, "%s", value->number ? "yes" : "no");
		return;
	case CONFIG_COUNT:
		value_format_units(value->number, value_no_units, 1, ret_text, n_text);
		return;
	case CONFIG_SIZE:
		value_format_units(value->number, value_sizes, ARRAY_SIZE(value_sizes), ret_text,
				   n_text);
		return;
	case CONFIG_DURATION:
		value_format_units(value->number, value_durations, ARRAY_SIZE(value_durations),
				   ret_text, n_text);
		return;
	case CONFIG_FACTOR:
		snprintf(ret_text, n_text, "%.15g", value->real);
		return;
	case CONFIG_MODE:
		snprintf(ret_text, n_text, "%04o", (unsigned)value->number);
		return;
	case CONFIG_LEVEL:
		snprintf(ret_text, n_text, "%s",
			 value->number >= 3 && value->number <= 7 ? value_levels[value->number]
								  : "");
		return;
	case CONFIG_CHOICE:
		snprintf(ret_text, n_text, "%s",
			 value->number < option->words->n_known
				 ? option->words->known[value->number]
				 : "");
		return;
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
	case CONFIG_WORDS:
	case CONFIG_PINS:
	case CONFIG_HEADERS:
	case CONFIG_OBJECT:
		snprintf(ret_text, n_text, "%s", value->text ? value->text : "");
		return;
	}
}

/* "anonymous, ticket or wampcra" */
static void value_list_words(const struct config_words *words, char *ret_text, size_t n_text)
{
	size_t used = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < words->n_known && used < n_text; i++)
		used += (size_t)snprintf(ret_text + used, n_text - used, "%s%s",
					 !i			   ? ""
					 : i + 1 == words->n_known ? " or "
								   : ", ",
					 words->known[i]);
}

static const char *value_noun(enum config_type type)
{
	switch (type) {
	case CONFIG_BOOL:
		return "yes or no";
	case CONFIG_COUNT:
		return "a whole number";
	case CONFIG_SIZE:
		return "a size (such as 65536, 64K, 16M or 1G)";
	case CONFIG_DURATION:
		return "a duration in whole milliseconds (such as 5, 0.5, 500ms, 5s, 2min or 1h)";
	case CONFIG_FACTOR:
		return "a number (such as 1 or 1.5)";
	case CONFIG_MODE:
		return "an octal file mode (such as 0660)";
	case CONFIG_LEVEL:
		return "error, warning, notice, info or debug";
	case CONFIG_CHOICE:
	case CONFIG_WORDS:
		return ""; /* what the row says */
	case CONFIG_SOCKET:
		return "an absolute path of at most 107 bytes without control characters";
	case CONFIG_NAME:
		return "a name of 1 to 64 letters, digits, '_', '.' or '-'";
	case CONFIG_URL:
		return "a url such as wss://router.example.org/ws, or \"embedded:\"";
	case CONFIG_HOST:
		return "the name of a host or a numeric address, in ASCII";
	case CONFIG_PATH:
		return "the path of a url such as /ws, in ASCII, without blanks and '#'";
	case CONFIG_REALM:
		return "the name of a realm: without blanks (also those that only look like one, "
		       "such as a no-break space), control characters and '#', and no dot "
		       "without a word on each side";
	case CONFIG_TEXT:
		return "a text of 1 to 1024 bytes without control characters";
	case CONFIG_FILE:
		return "an absolute path without control characters";
	case CONFIG_ORIGIN:
		return "an origin such as https://app.example.org, or 'null'";
	case CONFIG_SECRET:
		return "\"@file:/path\", \"@credential:name\" or the secret itself";
	case CONFIG_PINS:
		return "64 hexadecimal digits, the SHA-256 of a public key, or a list of such";
	case CONFIG_HEADERS:
		return "a mapping of headers, such as {X-Site: north}";
	case CONFIG_OBJECT:
		return "a mapping, such as {site: north}";
	}
	return "";
}

const char *value_hint(const struct config_option *option, const char *text)
{
	bool is_number = option->type == CONFIG_COUNT || option->type == CONFIG_SIZE ||
			 option->type == CONFIG_DURATION || option->type == CONFIG_FACTOR;

	return is_number && text[0] == '0' && value_is_digit(text[1])
		       ? " (without leading zeros, which mean octal elsewhere)"
		       : "";
}

static bool value_has_range(enum config_type type)
{
	return type == CONFIG_COUNT || type == CONFIG_SIZE || type == CONFIG_DURATION ||
	       type == CONFIG_FACTOR || type == CONFIG_MODE;
}

void value_describe(const struct config_option *option, char *ret_text, size_t n_text)
{
	char least[32] = "", most[32] = "", range[80] = "", word[40] = "", words[100] = "";
	struct config_option plain = *option;

	plain.word = NULL;
	if (value_has_range(option->type)) {
		value_format(&plain,
			     &(struct value){.number = (uint64_t)option->min, .real = option->min},
			     least, sizeof(least));
		value_format(&plain,
			     &(struct value){.number = (uint64_t)option->max, .real = option->max},
			     most, sizeof(most));
		snprintf(range, sizeof(range), " from %s to %s", least, most);
	}
	if (option->word)
		snprintf(word, sizeof(word), ", or '%s'", option->word);
	if (option->words)
		value_list_words(option->words, words, sizeof(words));
	snprintf(ret_text, n_text, "%s%s%s%s%s", value_noun(option->type), words,
		 option->type == CONFIG_WORDS && option->words->n_known > 1
			 ? ", or a list of these words"
			 : "",
		 range, word);
}

/* Numbers have the size of their field. */
static void value_store_number(const struct config_option *option, uint64_t number, void *field)
{
	uint8_t tiny = (uint8_t)number;
	uint16_t small = (uint16_t)number;
	uint32_t middle = (uint32_t)number;

	if (option->size == sizeof(tiny))
		memcpy(field, &tiny, sizeof(tiny));
	else if (option->size == sizeof(small))
		memcpy(field, &small, sizeof(small));
	else if (option->size == sizeof(middle))
		memcpy(field, &middle, sizeof(middle));
	else
		memcpy(field, &number, sizeof(number));
}

static uint64_t value_load_number(const struct config_option *option, const void *field)
{
	uint8_t tiny;
	uint16_t small;
	uint32_t middle;
	uint64_t number;

	if (option->size == sizeof(tiny)) {
		memcpy(&tiny, field, sizeof(tiny));
		return tiny;
	}
	if (option->size == sizeof(small)) {
		memcpy(&small, field, sizeof(small));
		return small;
	}
	if (option->size == sizeof(middle)) {
		memcpy(&middle, field, sizeof(middle));
		return middle;
	}
	memcpy(&number, field, sizeof(number));
	return number;
}

static bool value_has_text_field(enum config_type type)
{
	return config_type_is_text(type) || type == CONFIG_OBJECT;
}

static bool value_has_list_field(enum config_type type)
{
	return config_type_is_list(type) || type == CONFIG_HEADERS;
}

void value_store(const struct config_option *option, const struct value *value, void *section)
{
	void *field = (char *)section + option->offset;

	if (option->type == CONFIG_FACTOR)
		memcpy(field, &value->real, sizeof(value->real));
	else if (value_has_text_field(option->type))
		memcpy(field, &value->text, sizeof(value->text));
	else if (value_has_list_field(option->type))
		memcpy(field, &value->list, sizeof(value->list));
	else
		value_store_number(option, value->number, field);
}

void value_load(struct value *ret, const struct config_option *option, const void *section)
{
	const void *field = (const char *)section + option->offset;
	struct value value = {0};

	if (option->type == CONFIG_FACTOR)
		memcpy(&value.real, field, sizeof(value.real));
	else if (value_has_text_field(option->type))
		memcpy(&value.text, field, sizeof(value.text));
	else if (value_has_list_field(option->type))
		memcpy(&value.list, field, sizeof(value.list));
	else
		value.number = value_load_number(option, field);
	*ret = value;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->number != b->number || !a->text != !b->text || a->list.n != b->list.n)
		return false;
	if (memcmp(&a->real, &b->real, sizeof(a->real)) != 0)
		return false;
	if (a->text && strcmp(a->text, b->text) != 0)
		return false;
	for (size_t i = 0; i < a->list.n; i++)
		if (strcmp(a->list.items[i], b->list.items[i]) != 0)
			return false;
	return true;
}
