/* SPDX-License-Identifier: MIT */

/*
 * What one character looks like
 */

#include "codec/chars.h"

/* Unicode, table 3-7: what may follow the first byte. */
struct chars_row {
	unsigned char n, min, max;
};

static struct chars_row chars_row_of(unsigned char first)
{
	if (first < 0x80)
		return (struct chars_row){1, 0, 0};
	if (first < 0xc2)
		return (struct chars_row){0, 0, 0};
	if (first < 0xe0)
		return (struct chars_row){2, 0x80, 0xbf};
	if (first < 0xf0)
		return (struct chars_row){3, first == 0xe0 ? 0xa0 : 0x80,
					  first == 0xed ? 0x9f : 0xbf};
	if (first < 0xf5)
		return (struct chars_row){4, first == 0xf0 ? 0x90 : 0x80,
					  first == 0xf4 ? 0x8f : 0xbf};
	return (struct chars_row){0, 0, 0};
}

size_t chars_length(const unsigned char *p, const unsigned char *end)
{
	struct chars_row row = chars_row_of(p[0]);

	if (row.n < 2)
		return row.n;
	if ((size_t)(end - p) < row.n || p[1] < row.min || p[1] > row.max)
		return 0;
	for (size_t i = 2; i < row.n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return row.n;
}

size_t chars_cut(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	/* Not in front of the rest of a character. */
	while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* How many bytes of a control character or a separator stand at p; 0: it may be shown. */
static size_t chars_unshown(const unsigned char *p, const unsigned char *end)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	if (*p == 0xc2 && end - p >= 2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	return chars_separator(p, end) ? 3 : 0;
}

size_t chars_tidy(char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	size_t n = 0, unshown;

	while (p < end) {
		unshown = chars_unshown(p, end);
		if (!unshown && *p != ' ')
			text[n++] = (char)*p;
		else if (n)
			text[n++] = ' ';
		p += unshown ? unshown : 1;
	}
	while (n && text[n - 1] == ' ')
		n--;
	return n;
}

size_t chars_put(char *to, unsigned c)
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

unsigned chars_separator(const unsigned char *p, const unsigned char *end)
{
	if (end - p >= 2 && p[0] == 0xc2 && p[1] == 0x85)
		return 0x85;
	if (end - p >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 0x2000u | (p[2] & 0x3fu);
	return 0;
}

/* The character of two or three bytes at p; of others 0. */
static unsigned chars_read(const unsigned char *p, const unsigned char *end)
{
	size_t n = chars_length(p, end);

	if (n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	if (n == 3)
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	return 0;
}

bool chars_is_space(const unsigned char *p, const unsigned char *end)
{
	unsigned c;

	if (*p < 0x80)
		return *p == ' ' || (*p >= '\t' && *p <= '\r') || (*p >= 0x1c && *p <= 0x1f);
	/* None of it has four bytes. */
	c = chars_read(p, end);
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Without a width: zero width space and joiners, direction marks, word joiner, byte order mark. */
static bool chars_is_invisible(const unsigned char *p, const unsigned char *end)
{
	unsigned c = chars_read(p, end);

	return c == 0xad || (c >= 0x200b && c <= 0x200f) || c == 0x2060 || c == 0xfeff;
}

bool chars_has_blank_end(const char *text, size_t len)
{
	const unsigned char *first = (const unsigned char *)text, *end = first + len, *last = end;

	if (!len)
		return false;
	do
		last--;
	while (last > first && (*last & 0xc0) == 0x80);
	return chars_is_space(first, end) || chars_is_invisible(first, end) ||
	       chars_is_space(last, end) || chars_is_invisible(last, end);
}

int chars_hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int chars_unit(const unsigned char *p, const unsigned char *end)
{
	int unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = chars_hex(p[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static bool chars_is_base64_digit(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '+' || c == '/';
}

/* The ASCII character that stands at *p, however it is spelled; 0 for any other. Moves *p. */
static unsigned char chars_take_ascii(const unsigned char **p, const unsigned char *end)
{
	const unsigned char *at = *p;
	int unit;

	if (*at != '\\') {
		++*p;
		return *at;
	}
	if (at[1] != 'u') {
		*p += 2;
		return at[1] == '/' ? '/' : 0;
	}
	unit = chars_unit(at, end);
	*p += 6;
	return unit > 0 && unit < 0x80 ? (unsigned char)unit : 0;
}

bool chars_are_base64(const unsigned char *p, const unsigned char *end)
{
	size_t n_digits = 0, n_padding = 0;

	while (p < end) {
		unsigned char c = chars_take_ascii(&p, end);

		if (c == '=')
			n_padding++;
		else if (n_padding || !chars_is_base64_digit(c))
			return false;
		else
			n_digits++;
	}
	return n_padding <= 2 && (n_digits + n_padding) % 4 == 0 && n_digits >= n_padding;
}
