/* SPDX-License-Identifier: MIT */

/*
 * The JSON scanner
 *
 * One pass, no recursion, no allocation. Strings are skipped eight bytes at a
 * time while nothing in them needs a look; nesting is a small stack of
 * brackets. Every function returns true, or false with the fault recorded.
 */

#include "codec/scan.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct scanner {
	const unsigned char *start, *p, *end;
	enum scan_rules rules;
	unsigned flags; /* of the value being scanned */
	int outcome;
	struct scan_error *error;
};

static void scan_init(struct scanner *s, struct slice text, enum scan_rules rules,
		      struct scan_error *error)
{
	const unsigned char *bytes = (const unsigned char *)text.ptr;

	*error = (struct scan_error){.expected = ""};
	*s = (struct scanner){.start = bytes,
			      .p = bytes,
			      .end = bytes + text.len,
			      .rules = rules,
			      .error = error};
}

static bool scan_fail(struct scanner *s, const unsigned char *at, int outcome, const char *expected)
{
	/* A NUL byte is told as such wherever it stands: it is the mark of binary input. */
	if (at < s->end && !*at) {
		outcome = SCAN_BAD_UTF8;
		expected = "no NUL byte";
	}
	s->outcome = outcome;
	s->error->offset = (size_t)(at - s->start);
	s->error->expected = expected;
	return false;
}

static bool scan_fail_json(struct scanner *s, const char *expected)
{
	return scan_fail(s, s->p, SCAN_BAD_JSON, expected);
}

static bool scan_is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void scan_skip_space(struct scanner *s)
{
	if (s->p == s->end || !scan_is_space(*s->p))
		return;
	s->flags |= SCAN_SPACED;
	while (s->p < s->end && scan_is_space(*s->p))
		s->p++;
}

static bool scan_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* ---- strings ---- */

#define SCAN_ONES  UINT64_C(0x0101010101010101)
#define SCAN_HIGHS UINT64_C(0x8080808080808080)

/*
 * The high bit of every byte that is below 0x20, above 0x7f, a quote or a
 * backslash. Borrows may set higher ones falsely, so only the lowest counts.
 */
static uint64_t scan_needs_look(uint64_t w)
{
	uint64_t quote = w ^ (SCAN_ONES * '"');
	uint64_t backslash = w ^ (SCAN_ONES * '\\');
	uint64_t low = w - SCAN_ONES * 0x20;

	return (w | low | (quote - SCAN_ONES) | (backslash - SCAN_ONES)) & SCAN_HIGHS;
}

size_t scan_plain_length(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	uint64_t w, look;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		look = scan_needs_look(le64toh(w));
		if (look)
			return (size_t)((const char *)p - text) + (size_t)__builtin_ctzll(look) / 8;
	}
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return (size_t)((const char *)p - text);
}

/* The length of one well-formed sequence (Unicode, table 3-7), or 0. */
static size_t scan_utf8_length(const unsigned char *p, const unsigned char *end)
{
	size_t room = (size_t)(end - p);
	unsigned char second_min = 0x80, second_max = 0xbf;
	size_t n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		second_min = 0xa0;
	else if (p[0] == 0xed)
		second_max = 0x9f;
	else if (p[0] == 0xf0)
		second_min = 0x90;
	else if (p[0] == 0xf4)
		second_max = 0x8f;
	if (room < n || p[1] < second_min || p[1] > second_max)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Line separators that a naive reader of lines would take for an end of line (protocol §2.4). */
static bool scan_is_unsafe(const unsigned char *p, size_t n)
{
	return (n == 2 && p[0] == 0xc2 && p[1] == 0x85) ||
	       (n == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8);
}

static bool scan_multibyte(struct scanner *s)
{
	size_t n = scan_utf8_length(s->p, s->end);

	if (!n)
		return scan_fail(s, s->p, SCAN_BAD_UTF8, "valid UTF-8");
	if (scan_is_unsafe(s->p, n))
		s->flags |= SCAN_UNSAFE;
	s->p += n;
	return true;
}

static int scan_hex_digit(unsigned char c)
{
	if (scan_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
static int scan_hex4(const unsigned char *p, const unsigned char *end)
{
	int n = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = scan_hex_digit(p[i]);

		if (digit < 0)
			return -1;
		n = n * 16 + digit;
	}
	return n;
}

static bool scan_is_high(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool scan_is_low(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The unit escaped at p as \uXXXX, or -1. */
static int scan_unit(const unsigned char *p, const unsigned char *end)
{
	return end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? scan_hex4(p + 2, end) : -1;
}

static bool scan_unicode_escape(struct scanner *s)
{
	int unit = scan_unit(s->p, s->end);

	if (unit < 0)
		return scan_fail(s, s->p, SCAN_BAD_JSON, "four hexadecimal digits behind \\u");
	if (scan_is_high(unit) && scan_is_low(scan_unit(s->p + 6, s->end))) {
		s->p += 12;
		return true;
	}
	if ((scan_is_high(unit) || scan_is_low(unit)) && s->rules == SCAN_STRICT)
		return scan_fail(s, s->p, SCAN_BAD_UTF8, "a pair of surrogates");
	s->p += 6;
	return true;
}

static bool scan_escape(struct scanner *s)
{
	s->flags |= SCAN_ESCAPED;
	if (s->end - s->p < 2)
		return scan_fail(s, s->end, SCAN_BAD_JSON, "the end of the string");
	if (s->p[1] == 'u')
		return scan_unicode_escape(s);
	if (!s->p[1] || !strchr("\"\\/bfnrt", s->p[1]))
		return scan_fail(s, s->p + 1, SCAN_BAD_JSON, "an escape of JSON");
	s->p += 2;
	return true;
}

/* From the opening quote to behind the closing one. */
static bool scan_string(struct scanner *s)
{
	s->p++;
	for (;;) {
		s->p += scan_plain_length((const char *)s->p, (size_t)(s->end - s->p));
		if (s->p == s->end)
			return scan_fail_json(s, "the end of the string");
		if (*s->p == '"') {
			s->p++;
			return true;
		}
		if (*s->p == '\\') {
			if (!scan_escape(s))
				return false;
		} else if (*s->p < 0x20) {
			return scan_fail_json(s, "no control character in a string");
		} else if (!scan_multibyte(s)) {
			return false;
		}
	}
}

/* ---- numbers ---- */

/* The largest decimal exponent of a double. */
#define SCAN_MAX_EXPONENT 308

/* The exponent written in a number, cut off far outside the range of doubles. */
static long scan_exponent(const unsigned char *p, const unsigned char *end)
{
	bool negative;
	long n = 0;

	while (p < end && (*p | 0x20) != 'e')
		p++;
	if (p == end)
		return 0;
	p++;
	negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	for (; p < end && n < 100000000; p++)
		n = n * 10 + (*p - '0');
	return negative ? -n : n;
}

/*
 * The value is d.ddd × 10^exponent with d ≠ 0; only numbers near the edge are
 * handed to strtod(), with as many digits as can matter.
 */
static bool scan_is_finite(const unsigned char *p, const unsigned char *end)
{
	long exponent = scan_exponent(p, end), position = -1;
	char near[64] = "";
	size_t n = 0;
	bool seen_point = false;

	for (; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.') {
			seen_point = true;
		} else if (*p != '-') {
			position += !seen_point;
			if (n || *p != '0') {
				if (n < 40)
					near[n] = (char)*p;
				n++;
			} else if (seen_point) {
				exponent--;
			} else {
				position--;
			}
		}
	}
	if (!n)
		return true;
	if (position < 0)
		exponent--;
	else
		exponent += position;
	if (exponent != SCAN_MAX_EXPONENT)
		return exponent < SCAN_MAX_EXPONENT;
	n = n < 40 ? n : 40;
	snprintf(near + n, sizeof(near) - n, "e%ld", exponent - (long)n + 1);
	return isfinite(strtod(near, NULL));
}

static bool scan_digits(struct scanner *s)
{
	const unsigned char *from = s->p;

	while (s->p < s->end && scan_is_digit(*s->p))
		s->p++;
	return s->p > from;
}

static bool scan_number(struct scanner *s, uint8_t *ret_type)
{
	const unsigned char *from = s->p;
	bool is_suspect;

	*ret_type = SCAN_INTEGER;
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!scan_digits(s))
		return scan_fail_json(s, "a digit");
	is_suspect = s->p - from > SCAN_MAX_EXPONENT;
	if (s->p < s->end && *s->p == '.') {
		*ret_type = SCAN_REAL;
		s->p++;
		if (!scan_digits(s))
			return scan_fail_json(s, "a digit");
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		*ret_type = SCAN_REAL;
		is_suspect = true;
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!scan_digits(s))
			return scan_fail_json(s, "a digit");
	}
	if (is_suspect && s->rules == SCAN_STRICT && !scan_is_finite(from, s->p))
		return scan_fail(s, from, SCAN_BAD_NUMBER, "a number within the range of a double");
	return true;
}

/* ---- values ---- */

static bool scan_word(struct scanner *s, const char *word, enum scan_type type, uint8_t *ret_type)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return scan_fail_json(s, "a value");
	s->p += n;
	*ret_type = type;
	return true;
}

static bool scan_scalar(struct scanner *s, uint8_t *ret_type)
{
	if (s->p == s->end)
		return scan_fail_json(s, "a value");
	switch (*s->p) {
	case '"':
		*ret_type = SCAN_STRING;
		return scan_string(s);
	case 't':
		return scan_word(s, "true", SCAN_TRUE, ret_type);
	case 'f':
		return scan_word(s, "false", SCAN_FALSE, ret_type);
	case 'n':
		return scan_word(s, "null", SCAN_NULL, ret_type);
	default:
		if (*s->p == '-' || scan_is_digit(*s->p))
			return scan_number(s, ret_type);
		return scan_fail_json(s, "a value");
	}
}

static bool scan_is_open(const struct scanner *s)
{
	return s->p < s->end && (*s->p == '{' || *s->p == '[');
}

static bool scan_key(struct scanner *s)
{
	if (s->p == s->end || *s->p != '"')
		return scan_fail_json(s, "string");
	return scan_string(s);
}

static bool scan_colon(struct scanner *s)
{
	scan_skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return scan_fail_json(s, "':'");
	s->p++;
	scan_skip_space(s);
	return true;
}

/* Open containers; depth counts those around the value as well. */
struct scan_stack {
	unsigned char closers[SCAN_MAX_DEPTH];
	unsigned n;
	unsigned outside;
};

static bool scan_push(struct scanner *s, struct scan_stack *stack)
{
	if (stack->outside + stack->n >= SCAN_MAX_DEPTH)
		return scan_fail_json(s, "at most 128 levels of nesting");
	stack->closers[stack->n++] = *s->p == '{' ? '}' : ']';
	s->p++;
	scan_skip_space(s);
	return true;
}

/* Behind a value: closes what ends here, until a comma asks for more or nothing is open. */
static bool scan_after_value(struct scanner *s, struct scan_stack *stack)
{
	while (stack->n) {
		unsigned char closer = stack->closers[stack->n - 1];

		scan_skip_space(s);
		if (s->p == s->end || (*s->p != ',' && *s->p != closer))
			return scan_fail_json(s, closer == '}' ? "',' or '}'" : "',' or ']'");
		if (*s->p++ == ',') {
			scan_skip_space(s);
			return true;
		}
		stack->n--;
	}
	return true;
}

/* A container that ends directly behind its opening. */
static bool scan_pop_empty(struct scanner *s, struct scan_stack *stack)
{
	if (s->p == s->end || *s->p != stack->closers[stack->n - 1])
		return false;
	s->p++;
	stack->n--;
	return true;
}

/* The inside of a container whose bracket is under the cursor, to behind its end. */
static bool scan_container(struct scanner *s, unsigned outside)
{
	struct scan_stack stack = {.n = 0, .outside = outside};
	uint8_t type;

	if (!scan_push(s, &stack))
		return false;
	if (scan_pop_empty(s, &stack))
		return true;
	while (stack.n) {
		if (stack.closers[stack.n - 1] == '}' && (!scan_key(s) || !scan_colon(s)))
			return false;
		if (scan_is_open(s)) {
			if (!scan_push(s, &stack))
				return false;
			if (!scan_pop_empty(s, &stack))
				continue;
		} else if (!scan_scalar(s, &type)) {
			return false;
		}
		if (!scan_after_value(s, &stack))
			return false;
	}
	return true;
}

static bool scan_is_empty(const struct scan_value *v)
{
	for (uint32_t i = 1; i + 1 < v->len; i++)
		if (!scan_is_space((unsigned char)v->text[i]))
			return false;
	return true;
}

/* One value; outside is the number of containers around it. */
static bool scan_value(struct scanner *s, unsigned outside, struct scan_value *ret)
{
	const unsigned char *from = s->p;
	struct scan_value v = {.text = (const char *)from};

	s->flags = 0;
	if (scan_is_open(s)) {
		v.type = *from == '{' ? SCAN_OBJECT : SCAN_ARRAY;
		if (!scan_container(s, outside))
			return false;
		s->flags &= ~(unsigned)SCAN_ESCAPED;
	} else if (!scan_scalar(s, &v.type)) {
		return false;
	}
	v.len = (uint32_t)(s->p - from);
	v.flags = (uint8_t)s->flags;
	if ((v.type == SCAN_STRING && v.len == 2) ||
	    ((v.type == SCAN_OBJECT || v.type == SCAN_ARRAY) &&
	     (v.len == 2 || v.flags & SCAN_SPACED) && scan_is_empty(&v)))
		v.flags |= SCAN_EMPTY;
	*ret = v;
	return true;
}

static bool scan_end(struct scanner *s)
{
	scan_skip_space(s);
	return s->p == s->end || scan_fail_json(s, "nothing behind the value");
}

static bool scan_start(struct scanner *s, size_t len, unsigned char open, const char *expected)
{
	if (len > SCAN_MAX_TEXT)
		return scan_fail_json(s, "a shorter text");
	scan_skip_space(s);
	if (s->p == s->end || *s->p != open)
		return scan_fail_json(s, expected);
	s->p++;
	scan_skip_space(s);
	return true;
}

/* ---- outermost containers ---- */

/* A name as it reads; an escaped one that has no room stays as it is spelled. */
static struct slice scan_name(const struct scan_value *v, struct scan_names *names)
{
	struct slice raw = scan_raw(v), name;

	if (!(v->flags & SCAN_ESCAPED) || raw.len > sizeof(names->bytes) - names->used)
		return raw;
	name.ptr = names->bytes + names->used;
	name.len = scan_decode(v, names->bytes + names->used);
	names->used += name.len;
	return name;
}

static bool scan_is_duplicate(const struct scan_member *members, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(members[i].name, name))
			return true;
	return false;
}

static bool scan_member(struct scanner *s, struct scan_names *names, struct scan_member *members,
			size_t max, size_t *n)
{
	struct scan_value key = {.text = (const char *)s->p, .type = SCAN_STRING};
	const unsigned char *from = s->p;

	s->flags = 0;
	if (!scan_key(s))
		return false;
	key.len = (uint32_t)(s->p - from);
	key.flags = (uint8_t)s->flags;
	if (*n == max)
		return scan_fail(s, from, SCAN_TOO_MANY, "fewer members");
	members[*n].name = scan_name(&key, names);
	if (scan_is_duplicate(members, *n, members[*n].name)) {
		s->error->name = members[*n].name;
		return scan_fail(s, from, SCAN_DUPLICATE, "each member once");
	}
	if (!scan_colon(s) || !scan_value(s, 1, &members[*n].value))
		return false;
	++*n;
	return true;
}

/* Behind a member or element: true at the end, with *ret_more false. */
static bool scan_separator(struct scanner *s, unsigned char close, const char *expected,
			   bool *ret_more)
{
	scan_skip_space(s);
	if (s->p == s->end || (*s->p != ',' && *s->p != close))
		return scan_fail_json(s, expected);
	*ret_more = *s->p++ == ',';
	scan_skip_space(s);
	return true;
}

static bool scan_members(struct scanner *s, struct scan_names *names, struct scan_member *members,
			 size_t max, size_t *ret_n)
{
	bool more = true;

	if (s->p < s->end && *s->p == '}') {
		s->p++;
		return scan_end(s);
	}
	while (more)
		if (!scan_member(s, names, members, max, ret_n) ||
		    !scan_separator(s, '}', "',' or '}'", &more))
			return false;
	return scan_end(s);
}

int scan_object(struct slice text, enum scan_rules rules, struct scan_names *names,
		struct scan_member *members, size_t max, size_t *ret_n,
		struct scan_error *ret_error)
{
	struct scanner s;

	scan_init(&s, text, rules, ret_error);
	names->used = 0;
	*ret_n = 0;
	if (!scan_start(&s, text.len, '{', "'{'") || !scan_members(&s, names, members, max, ret_n))
		return s.outcome;
	return 0;
}

static bool scan_elements(struct scanner *s, struct scan_value *items, size_t max, size_t *ret_n)
{
	bool more = true;

	if (s->p < s->end && *s->p == ']') {
		s->p++;
		return scan_end(s);
	}
	while (more) {
		if (*ret_n == max)
			return scan_fail(s, s->p, SCAN_TOO_MANY, "fewer elements");
		if (!scan_value(s, 1, &items[*ret_n]))
			return false;
		++*ret_n;
		if (!scan_separator(s, ']', "',' or ']'", &more))
			return false;
	}
	return scan_end(s);
}

int scan_array(struct slice text, enum scan_rules rules, struct scan_value *items, size_t max,
	       size_t *ret_n, struct scan_error *ret_error)
{
	struct scanner s;

	scan_init(&s, text, rules, ret_error);
	*ret_n = 0;
	if (!scan_start(&s, text.len, '[', "'['") || !scan_elements(&s, items, max, ret_n))
		return s.outcome;
	return 0;
}

int scan_one(struct slice text, enum scan_rules rules, struct scan_value *ret,
	     struct scan_error *ret_error)
{
	struct scanner s;

	scan_init(&s, text, rules, ret_error);
	if (text.len > SCAN_MAX_TEXT) {
		(void)scan_fail_json(&s, "a shorter text");
		return s.outcome;
	}
	scan_skip_space(&s);
	return scan_value(&s, 0, ret) && scan_end(&s) ? 0 : s.outcome;
}

/* ---- tokens ---- */

static size_t scan_put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* One escape at p; returns the bytes read, and appends what it says. */
static size_t scan_decode_escape(const unsigned char *p, const unsigned char *end, char *to,
				 size_t *n)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *name = strchr(names, p[1]);
	int unit, low;

	if (p[1] != 'u') {
		to[(*n)++] = name ? values[name - names] : (char)p[1];
		return 2;
	}
	unit = scan_unit(p, end);
	low = scan_is_high(unit) ? scan_unit(p + 6, end) : -1;
	if (scan_is_low(low)) {
		*n += scan_put_utf8(to + *n, 0x10000 + ((unsigned)(unit - 0xd800) << 10) +
						     (unsigned)(low - 0xdc00));
		return 12;
	}
	*n += scan_put_utf8(to + *n,
			    scan_is_high(unit) || scan_is_low(unit) ? 0xfffd : (unsigned)unit);
	return 6;
}

size_t scan_decode(const struct scan_value *v, char *to)
{
	struct slice raw = scan_raw(v);
	const unsigned char *p = (const unsigned char *)raw.ptr, *end = p + raw.len;
	size_t n = 0;

	while (p < end) {
		if (*p == '\\')
			p += scan_decode_escape(p, end, to, &n);
		else
			to[n++] = (char)*p++;
	}
	return n;
}

bool scan_u64(const struct scan_value *v, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (v->type != SCAN_INTEGER || v->text[0] == '-' || v->len > 20)
		return false;
	for (uint32_t i = 0; i < v->len; i++) {
		unsigned digit = (unsigned)(v->text[i] - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n > max)
		return false;
	*ret = n;
	return true;
}
