/* SPDX-License-Identifier: MIT */

/*
 * The JSON scanner
 *
 * One pass, no recursion, no allocation. Strings are skipped eight bytes at a
 * time while nothing in them needs a look; nesting is a small stack of
 * brackets. Every function returns true, or false with the fault recorded.
 */

#include "codec/scan.h"

#include "codec/chars.h"
#include "codec/number.h"

#include <endian.h>

struct scanner {
	const unsigned char *start, *p, *end;
	enum scan_rules rules;
	unsigned flags; /* of the value being scanned */
	int outcome;
	struct scan_error *error;
};

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

static void scan_spaces(struct scanner *s)
{
	for (; s->p < s->end && scan_is_space(*s->p); s->p++)
		s->flags |= SCAN_SPACED;
}

/* Short, to be inlined: mostly there is none. */
static void scan_skip_space(struct scanner *s)
{
	if (s->p < s->end && *s->p <= ' ')
		scan_spaces(s);
}

/* Begins behind leading white space. */
static bool scan_init(struct scanner *s, struct slice text, enum scan_rules rules,
		      struct scan_error *error)
{
	const unsigned char *bytes = (const unsigned char *)(text.ptr ? text.ptr : "");

	*error = (struct scan_error){.expected = ""};
	*s = (struct scanner){.start = bytes,
			      .p = bytes,
			      .end = bytes + text.len,
			      .rules = rules,
			      .error = error};
	if (text.len > SCAN_MAX_TEXT)
		return scan_fail_json(s, "a shorter text");
	scan_skip_space(s);
	return true;
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

static bool scan_multibyte(struct scanner *s)
{
	size_t n = chars_length(s->p, s->end);

	if (!n)
		return scan_fail(s, s->p, SCAN_BAD_UTF8, "valid UTF-8");
	if (chars_separator(s->p, s->end))
		s->flags |= SCAN_UNSAFE;
	s->p += n;
	return true;
}

/* Points at what is missing in a \uXXXX. */
static bool scan_fail_hex(struct scanner *s)
{
	s->p += 2;
	while (s->p < s->end && chars_hex(*s->p) >= 0)
		s->p++;
	return scan_fail_json(s, "a hexadecimal digit");
}

static bool scan_unicode_escape(struct scanner *s)
{
	int unit = chars_unit(s->p, s->end);

	if (unit < 0)
		return scan_fail_hex(s);
	if (chars_is_high(unit) && chars_is_low(chars_unit(s->p + 6, s->end))) {
		s->p += 12;
		return true;
	}
	if ((chars_is_high(unit) || chars_is_low(unit)) && s->rules == SCAN_STRICT)
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
	is_suspect = s->p - from > NUMBER_MAX_EXPONENT;
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
	if (is_suspect && s->rules == SCAN_STRICT &&
	    !number_is_finite((struct slice){(const char *)from, (size_t)(s->p - from)}))
		return scan_fail(s, from, SCAN_BAD_NUMBER, "a number within the range of a double");
	return true;
}

/* ---- values ---- */

static bool scan_word(struct scanner *s, const char *word, enum scan_type type, uint8_t *ret_type)
{
	for (const char *c = word; *c; c++, s->p++)
		if (s->p == s->end || *s->p != (unsigned char)*c)
			return scan_fail_json(s, word);
	*ret_type = (uint8_t)type;
	return true;
}

/* WAMP's convention for bytes in JSON: a string that begins with U+0000 goes on in base64. */
#define SCAN_BINARY_MARK "\"\\u0000"

/* A string as a value: some routers end a session for a binary one that they cannot decode. */
static bool scan_string_value(struct scanner *s)
{
	const unsigned char *from = s->p;
	size_t n = sizeof(SCAN_BINARY_MARK) - 1;

	if (!scan_string(s))
		return false;
	if (s->rules != SCAN_STRICT || (size_t)(s->p - from) <= n ||
	    memcmp(from, SCAN_BINARY_MARK, n) != 0 || chars_are_base64(from + n, s->p - 1))
		return true;
	return scan_fail(s, from, SCAN_BAD_BINARY, "base64 behind \\u0000");
}

static bool scan_scalar(struct scanner *s, uint8_t *ret_type)
{
	if (s->p == s->end)
		return scan_fail_json(s, "a value");
	switch (*s->p) {
	case '"':
		*ret_type = SCAN_STRING;
		return scan_string_value(s);
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

/* Behind a member or element: its container goes on or ends. */
static bool scan_separator(struct scanner *s, unsigned char closer, bool *ret_more)
{
	scan_skip_space(s);
	if (s->p == s->end || (*s->p != ',' && *s->p != closer))
		return scan_fail_json(s, closer == '}' ? "',' or '}'" : "',' or ']'");
	*ret_more = *s->p++ == ',';
	if (*ret_more)
		scan_skip_space(s);
	return true;
}

/* Behind a value: closes what ends here, until a comma asks for more or nothing is open. */
static bool scan_after_value(struct scanner *s, struct scan_stack *stack)
{
	bool more = false;

	for (; stack->n; stack->n--) {
		if (!scan_separator(s, stack->closers[stack->n - 1], &more))
			return false;
		if (more)
			return true;
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
	struct scan_stack stack; /* closers are written before they are read */
	uint8_t type;

	stack.n = 0;
	stack.outside = outside;
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

/* Behind the outermost bracket; more is false when its container ends at once. */
static bool scan_start(struct scanner *s, unsigned char open, const char *expected, bool *ret_more)
{
	unsigned char closer = open == '{' ? '}' : ']';

	if (s->p == s->end || *s->p != open)
		return scan_fail_json(s, expected);
	s->p++;
	scan_skip_space(s);
	*ret_more = s->p == s->end || *s->p != closer;
	if (!*ret_more)
		s->p++;
	return true;
}

/* ---- outermost containers ---- */

/*
 * A name as it reads. One that has no room to be decoded cannot be compared:
 * it is refused from a client, and stays as it is spelled from a router.
 */
static bool scan_name(struct scanner *s, const struct scan_value *v, struct scan_names *names,
		      struct slice *ret)
{
	struct slice raw = scan_raw(v);

	*ret = raw;
	if (!(v->flags & SCAN_ESCAPED))
		return true;
	if (raw.len > sizeof(names->bytes) - names->used)
		return s->rules == SCAN_LENIENT ||
		       scan_fail(s, (const unsigned char *)v->text, SCAN_BAD_JSON,
				 "a shorter name, or one without escapes");
	ret->ptr = names->bytes + names->used;
	ret->len = scan_decode(v, names->bytes + names->used);
	names->used += ret->len;
	return true;
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
	if (!scan_name(s, &key, names, &members[*n].name))
		return false;
	if (scan_is_duplicate(members, *n, members[*n].name)) {
		s->error->name = members[*n].name;
		return scan_fail(s, from, SCAN_DUPLICATE, "each member once");
	}
	if (!scan_colon(s) || !scan_value(s, 1, &members[*n].value))
		return false;
	++*n;
	return true;
}

static bool scan_members(struct scanner *s, struct scan_names *names, struct scan_member *members,
			 size_t max, size_t *ret_n)
{
	bool more;

	if (!scan_start(s, '{', "'{'", &more))
		return false;
	while (more)
		if (!scan_member(s, names, members, max, ret_n) || !scan_separator(s, '}', &more))
			return false;
	return scan_end(s);
}

int scan_object(struct slice text, enum scan_rules rules, struct scan_names *names,
		struct scan_member *members, size_t max, size_t *ret_n,
		struct scan_error *ret_error)
{
	struct scanner s;

	names->used = 0;
	*ret_n = 0;
	if (!scan_init(&s, text, rules, ret_error) || !scan_members(&s, names, members, max, ret_n))
		return s.outcome;
	return 0;
}

static bool scan_elements(struct scanner *s, struct scan_value *items, size_t max, size_t *ret_n)
{
	bool more;

	if (!scan_start(s, '[', "'['", &more))
		return false;
	while (more) {
		if (*ret_n == max)
			return scan_fail(s, s->p, SCAN_TOO_MANY, "fewer elements");
		if (!scan_value(s, 1, &items[*ret_n]))
			return false;
		++*ret_n;
		if (!scan_separator(s, ']', &more))
			return false;
	}
	return scan_end(s);
}

int scan_array(struct slice text, enum scan_rules rules, struct scan_value *items, size_t max,
	       size_t *ret_n, struct scan_error *ret_error)
{
	struct scanner s;

	*ret_n = 0;
	if (!scan_init(&s, text, rules, ret_error) || !scan_elements(&s, items, max, ret_n))
		return s.outcome;
	return 0;
}

int scan_one(struct slice text, enum scan_rules rules, struct scan_value *ret,
	     struct scan_error *ret_error)
{
	struct scan_value v;
	struct scanner s;

	if (!scan_init(&s, text, rules, ret_error) || !scan_value(&s, 0, &v) || !scan_end(&s))
		return s.outcome;
	*ret = v;
	return 0;
}

/* ---- tokens ---- */

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
	unit = chars_unit(p, end);
	low = chars_is_high(unit) ? chars_unit(p + 6, end) : -1;
	if (chars_is_low(low)) {
		*n += chars_put(to + *n, 0x10000 + ((unsigned)(unit - 0xd800) << 10) +
						 (unsigned)(low - 0xdc00));
		return 12;
	}
	if (chars_is_high(unit) || chars_is_low(unit))
		unit = CHARS_REPLACEMENT;
	*n += chars_put(to + *n, (unsigned)unit);
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
	return (v->type == SCAN_INTEGER || v->type == SCAN_REAL) &&
	       number_read_u64(scan_token(v), max, ret);
}

bool scan_is(const struct scan_value *v, const char *text)
{
	char decoded[6 * SCAN_MAX_WORD];
	size_t n;

	if (v->type != SCAN_STRING)
		return false;
	if (!(v->flags & SCAN_ESCAPED))
		return slice_is(scan_raw(v), text);
	if (scan_raw(v).len > sizeof(decoded))
		return false;
	n = scan_decode(v, decoded);
	return slice_is((struct slice){decoded, n}, text);
}
