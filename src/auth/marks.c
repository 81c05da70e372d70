/* SPDX-License-Identifier: MIT */

/*
 * Marks: knowing a secret again without keeping it
 *
 * A hash of its first bytes, of 12 bits, is a filter that one pass over the text
 * asks for all secrets; a keyed hash of the whole decides. Neither tells the
 * secret to who reads the memory.
 */

#include "auth/marks.h"

#include "auth/crypto.h"
#include "base/map.h"
#include "base/mem.h"
#include "codec/chars.h"
#include "codec/emit.h"

#define MARKS_HIDDEN "***"

/* The longest secret that is marked in base64, too. */
#define MARKS_MAX_BASE64 8192

static const struct map_secret marks_key = {UINT64_C(0x6d61726b73206f66),
					    UINT64_C(0x2077616d70627269)};

/* The filter is about so many bytes; a shorter secret is looked for at each word. */
#define MARKS_HEAD 4

#define MARKS_FILTER_BITS 12

static uint16_t marks_filter(const char *head)
{
	uint32_t word;

	memcpy(&word, head, sizeof(word));
	return (uint16_t)(word * UINT32_C(0x9e3779b1) >> (32 - MARKS_FILTER_BITS));
}

/* A bigger list; what was in the old one is wiped like everything that knows a secret. */
static bool marks_grow(struct marks *m)
{
	size_t cap = m->cap ? 2 * m->cap : 8;
	struct mark *list = mem_alloc(cap * sizeof(*list));

	if (!list)
		return false;
	if (m->n) {
		memcpy(list, m->list, m->n * sizeof(*list));
		explicit_bzero(m->list, m->n * sizeof(*list));
	}
	mem_free(m->list);
	m->list = list;
	m->cap = cap;
	return true;
}

static void marks_add_one(struct marks *m, struct slice secret, bool is_brief)
{
	struct mark mark = {
		.len = (uint32_t)secret.len,
		.is_brief = is_brief,
		.filter = secret.len < MARKS_HEAD ? 0 : marks_filter(secret.ptr),
		.hash = map_hash_text(&marks_key, secret),
	};

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].len == mark.len && m->list[i].hash == mark.hash) {
			m->list[i].is_brief &= is_brief;
			return;
		}
	if (m->n < m->cap || marks_grow(m))
		m->list[m->n++] = mark;
	else
		m->is_blind = true;
}

static void marks_add_base64(struct marks *m, struct slice secret, bool is_brief)
{
	char text[CRYPTO_BASE64_SIZE(MARKS_MAX_BASE64)];
	size_t n;

	if (secret.len > MARKS_MAX_BASE64)
		return;
	n = crypto_base64(text, (const unsigned char *)secret.ptr, secret.len);
	/* The padding may be left out. */
	while (n && text[n - 1] == '=')
		n--;
	marks_add_one(m, (struct slice){text, n}, is_brief);
	explicit_bzero(text, sizeof(text));
}

static void marks_add_both(struct marks *m, struct slice secret, bool is_brief)
{
	if (!secret.len || secret.len > SCAN_MAX_TEXT)
		return;
	marks_add_one(m, secret, is_brief);
	marks_add_base64(m, secret, is_brief);
}

void marks_add(struct marks *m, struct slice secret)
{
	marks_add_both(m, secret, false);
}

void marks_add_brief(struct marks *m, struct slice text)
{
	marks_add_both(m, text, true);
}

void marks_forget_brief(struct marks *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!m->list[i].is_brief)
			m->list[kept++] = m->list[i];
	m->n = kept;
}

void marks_forget(struct marks *m)
{
	if (m->cap)
		explicit_bzero(m->list, m->cap * sizeof(*m->list));
	mem_free(m->list);
	*m = (struct marks){0};
}

/* ---- finding ---- */

static bool marks_is_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static bool marks_is_word(struct slice text, size_t at, size_t len)
{
	return (!at || !marks_is_letter(text.ptr[at - 1])) &&
	       (at + len == text.len || !marks_is_letter(text.ptr[at + len]));
}

static bool marks_is_at(const struct mark *mark, struct slice text, size_t at)
{
	if (mark->len > text.len - at)
		return false;
	if (mark->len < MARKS_HEAD ? !marks_is_word(text, at, mark->len)
				   : marks_filter(text.ptr + at) != mark->filter)
		return false;
	return map_hash_text(&marks_key, (struct slice){text.ptr + at, mark->len}) == mark->hash &&
	       (mark->len >= MARKS_MIN_LENGTH || marks_is_word(text, at, mark->len));
}

/* The longest secret that begins there, or NULL. */
static const struct mark *marks_longest_at(const struct marks *m, struct slice text, size_t at)
{
	const struct mark *longest = NULL;

	for (size_t i = 0; i < m->n; i++)
		if ((!longest || m->list[i].len > longest->len) &&
		    marks_is_at(&m->list[i], text, at))
			longest = &m->list[i];
	return longest;
}

/* What the filter lets through; a secret without a head is not in it. */
struct marks_sieve {
	uint64_t bits[(1 << MARKS_FILTER_BITS) / 64];
	bool has_short;
};

static struct marks_sieve marks_make_sieve(const struct marks *m)
{
	struct marks_sieve sieve = {0};

	for (size_t i = 0; i < m->n; i++) {
		const struct mark *mark = &m->list[i];

		if (mark->len < MARKS_HEAD)
			sieve.has_short = true;
		else
			sieve.bits[mark->filter / 64] |= UINT64_C(1) << mark->filter % 64;
	}
	return sieve;
}

/* The first secret from there on, and which; text.len: none. */
static size_t marks_find(const struct marks *m, struct slice text, size_t from,
			 const struct mark **ret)
{
	struct marks_sieve sieve = marks_make_sieve(m);

	for (size_t at = from; at < text.len; at++) {
		bool passes = sieve.has_short;

		if (!passes && text.len - at >= MARKS_HEAD) {
			uint16_t filter = marks_filter(text.ptr + at);

			passes = sieve.bits[filter / 64] >> filter % 64 & 1;
		}
		if (passes && (*ret = marks_longest_at(m, text, at)))
			return at;
	}
	return text.len;
}

/* ---- under escapes ---- */

/* An escape of JSON at p: the bytes read, 0 for none. */
static size_t marks_unescape_json(const unsigned char *p, const unsigned char *end, char *to,
				  size_t *n)
{
	int unit = chars_unit(p, end);

	if (unit >= 0) {
		*n += chars_put(to + *n, (unsigned)unit);
		return 6;
	}
	if (*p != '\\' || end - p < 2)
		return 0;
	to[(*n)++] = (char)p[1];
	return 2;
}

/* One of a URL. */
static size_t marks_unescape_url(const unsigned char *p, const unsigned char *end, char *to,
				 size_t *n)
{
	int high, low;

	if (*p != '%' || end - p < 3)
		return 0;
	high = chars_hex(p[1]);
	low = chars_hex(p[2]);
	if (high < 0 || low < 0)
		return 0;
	to[(*n)++] = (char)(high << 4 | low);
	return 3;
}

enum marks_escapes { MARKS_JSON = 1, MARKS_URL = 2 };

/* The text without its escapes of these kinds; it does not grow. */
static struct slice marks_unescape(struct slice text, unsigned kinds, char *to)
{
	const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len;
	size_t n = 0;

	while (p < end) {
		size_t read = 0;

		if (kinds & MARKS_JSON)
			read = marks_unescape_json(p, end, to, &n);
		if (!read && kinds & MARKS_URL)
			read = marks_unescape_url(p, end, to, &n);
		if (!read)
			to[n++] = (char)*p;
		p += read ? read : 1;
	}
	return (struct slice){to, n};
}

/* Whether a secret stands in it that escapes keep from being seen. */
static bool marks_is_escaped_in(const struct marks *m, struct slice text, struct arena *arena)
{
	const struct mark *mark = NULL;
	unsigned kinds = 0;
	char *to;

	if (memchr(text.ptr, '\\', text.len))
		kinds |= MARKS_JSON;
	if (memchr(text.ptr, '%', text.len))
		kinds |= MARKS_URL;
	if (!kinds)
		return false;
	to = arena_alloc(arena, text.len);
	/* A secret may hold what looks like an escape of the other kind. */
	for (unsigned k = MARKS_JSON; to && k <= (MARKS_JSON | MARKS_URL); k++) {
		struct slice plain = marks_unescape(text, k & kinds, to);

		if (marks_find(m, plain, 0, &mark) < plain.len)
			return true;
	}
	return !to;
}

/* ---- hiding ---- */

/* No more of a text than this need be looked at. */
static size_t marks_reach(const struct marks *m, size_t max)
{
	size_t longest = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].len > longest)
			longest = m->list[i].len;
	return max + longest * 6;
}

/* Appends the first max bytes, each secret that begins there replaced; false: not to be told. */
static bool marks_replace(const struct marks *m, struct slice text, size_t max, struct buf *b)
{
	const struct mark *mark = NULL;
	size_t from = 0, at, end = text.len < max ? text.len : max;

	while ((at = marks_find(m, text, from, &mark)) < end) {
		if (mark->len < MARKS_MIN_LENGTH)
			return false;
		buf_append(b, text.ptr + from, at - from);
		emit_literal(b, MARKS_HIDDEN);
		from = at + mark->len;
	}
	if (from < end)
		buf_append(b, text.ptr + from, end - from);
	return true;
}

struct slice marks_hide(const struct marks *m, struct slice text, size_t max, struct arena *arena)
{
	CLEANUP(buf_done) struct buf b = {.max = SCAN_MAX_TEXT, .wipes = true};
	struct slice head = {text.ptr, text.len < max ? text.len : max}, shown;
	const struct mark *mark = NULL;
	char *copy;

	if (m->is_blind && text.len)
		return SLICE_NONE;
	if (!m->n || !text.len)
		return head;
	if (text.len > marks_reach(m, max))
		text.len = marks_reach(m, max);
	if (marks_find(m, text, 0, &mark) == text.len)
		return marks_is_escaped_in(m, text, arena) ? SLICE_NONE : head;
	if (!marks_replace(m, text, max, &b) || b.error)
		return SLICE_NONE;
	shown = buf_bytes(&b);
	if (marks_is_escaped_in(m, slice_equal(shown, head) ? text : shown, arena))
		return SLICE_NONE;
	if (slice_equal(shown, head))
		return head;
	copy = arena_alloc(arena, shown.len);
	if (!copy)
		return SLICE_NONE;
	memcpy(copy, shown.ptr, shown.len);
	return (struct slice){copy, shown.len};
}

/* A string token at p, from quote to quote. */
static struct scan_value marks_string_at(const char *p, const char *end)
{
	struct scan_value v = {.text = p, .type = SCAN_STRING};
	const char *q = p + 1;

	for (; q < end && *q != '"'; q++)
		if (*q == '\\') {
			v.flags = SCAN_ESCAPED;
			q++;
		}
	v.len = (uint32_t)(q < end ? q + 1 - p : end - p);
	return v;
}

/* Where it must be hidden: appends what stands between from and the string, and what is shown. */
static bool marks_replace_string(const struct marks *m, struct buf *b, const char *from,
				 const struct scan_value *v, struct arena *arena)
{
	struct slice text = scan_raw(v), shown;
	char *to;

	if (v->flags & SCAN_ESCAPED) {
		to = arena_alloc(arena, text.len);
		text = to ? (struct slice){to, scan_decode(v, to)} : SLICE_NONE;
	}
	shown = text.ptr ? marks_hide(m, text, text.len, arena) : SLICE_NONE;
	if (shown.ptr == text.ptr && text.ptr)
		return false;
	buf_append(b, from, (size_t)(v->text - from));
	emit_text(b, shown.ptr ? shown : SLICE(MARKS_HIDDEN));
	return true;
}

struct scan_value marks_hide_value(const struct marks *m, const struct scan_value *v,
				   struct arena *arena)
{
	CLEANUP(buf_done) struct buf b = {.max = SCAN_MAX_TEXT, .wipes = true};
	const char *p = v->text, *end = p ? p + v->len : NULL, *from = p, *quote;
	struct scan_value hidden = *v, string;
	char *copy;

	if ((!m->n && !m->is_blind) || !v->len)
		return *v;
	while (p < end && (quote = memchr(p, '"', (size_t)(end - p)))) {
		string = marks_string_at(quote, end);
		p = quote + string.len;
		if (marks_replace_string(m, &b, from, &string, arena))
			from = p;
	}
	if (from == v->text)
		return *v;
	buf_append(&b, from, (size_t)(end - from));
	copy = b.error ? NULL : arena_alloc(arena, buf_len(&b));
	if (!copy)
		return SCAN_VALUE_NONE;
	memcpy(copy, b.data, buf_len(&b));
	hidden.text = copy;
	hidden.len = (uint32_t)buf_len(&b);
	return hidden;
}
