/* SPDX-License-Identifier: MIT */

/*
 * What the text of a number is worth
 *
 * Decided exactly and on the digits: strtod() depends on the locale and wants
 * a terminated string.
 */

#include "codec/number.h"

/*
 * The middle between the largest double and 2^1024, with NUMBER_MAX_EXPONENT
 * digits behind the first: from here on numbers round to infinity.
 */
static const char number_limit[] =
	"179769313486231580793728971405303415079934132710037826936173778980444968292764"
	"750946649017977587207096330286416692887910946555547851940402630657488671505820"
	"681908902000708383676273854845817711531764475730270069855571366959622842914819"
	"860834936475292719074168444365510704342711559699508093042880177904174497792";

/* So many digits fit a uint64_t, whichever they are. */
#define NUMBER_PLAIN_DIGITS 19

/* Exponents are counted up to here; a text is shorter than that. */
#define NUMBER_ENOUGH INT64_C(100000000000)

/* What stands behind the e, from its sign on. */
static int64_t number_read_exponent(const char *p, const char *end)
{
	bool is_negative = p < end && *p == '-';
	int64_t n = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (; p < end && n < NUMBER_ENOUGH; p++)
		n = n * 10 + (*p - '0');
	return is_negative ? -n : n;
}

static const char *number_find(const char *p, const char *end, char c)
{
	const char *found = memchr(p, c, (size_t)(end - p));

	return found ? found : end;
}

/* The digits from p on against the limit's, a point left out. */
static bool number_is_below_limit(const char *p, const char *end)
{
	const char *limit = number_limit;

	for (; p < end && *limit; p++) {
		if (*p == '.')
			continue;
		if (*p != *limit)
			return *p < *limit;
		limit++;
	}
	return *limit != '\0';
}

bool number_is_finite(struct slice number)
{
	const char *p = number.ptr, *end = p + number.len;
	const char *digits_end = number_find(p, number_find(p, end, 'E'), 'e'), *point;
	int64_t exponent = 0;

	if (digits_end < end)
		exponent = number_read_exponent(digits_end + 1, end);
	point = number_find(p, digits_end, '.');
	while (p < digits_end && (*p < '1' || *p > '9'))
		p++;
	if (p == digits_end)
		return true;
	/* The value is d.ddd × 10^exponent, d being the digit at p, which is not 0. */
	exponent += p < point ? point - p - 1 : point - p;
	if (exponent != NUMBER_MAX_EXPONENT)
		return exponent < NUMBER_MAX_EXPONENT;
	return number_is_below_limit(p, digits_end);
}

/* Appends a digit; false when that is over max. */
static bool number_add(uint64_t *n, unsigned digit, uint64_t max)
{
	if (digit > max || *n > (max - digit) / 10)
		return false;
	*n = *n * 10 + digit;
	return true;
}

/* Appends zeros as far as they count; 0 stays 0. */
static bool number_add_zeros(uint64_t *n, int64_t zeros, uint64_t max)
{
	for (; *n && zeros > 0; zeros--)
		if (!number_add(n, 0, max))
			return false;
	return true;
}

/* Nearly all numbers are a few plain digits. */
static bool number_read_digits(struct slice number, uint64_t *ret)
{
	uint64_t n = 0;

	if (number.len > NUMBER_PLAIN_DIGITS)
		return false;
	for (size_t i = 0; i < number.len; i++) {
		unsigned digit = (unsigned char)number.ptr[i] - '0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	return true;
}

static bool number_read_any(struct slice number, uint64_t max, uint64_t *ret)
{
	const char *p = number.ptr, *end = p + number.len;
	const char *digits_end = number_find(p, number_find(p, end, 'E'), 'e');
	const char *point = number_find(p, digits_end, '.');
	bool is_negative = *p == '-';
	int64_t exponent = 0, zeros = 0;
	uint64_t n = 0;

	if (digits_end < end)
		exponent = number_read_exponent(digits_end + 1, end);
	/* Zeros wait until a digit follows: at the end they only move the point. */
	for (p += is_negative; p < digits_end; p++) {
		if (p == point)
			continue;
		exponent -= p > point;
		if (*p == '0') {
			zeros++;
			continue;
		}
		if (!number_add_zeros(&n, zeros, max) || !number_add(&n, (unsigned)(*p - '0'), max))
			return false;
		zeros = 0;
	}
	exponent += zeros;
	if (n && (is_negative || exponent < 0))
		return false;
	if (!number_add_zeros(&n, exponent, max))
		return false;
	*ret = n;
	return true;
}

bool number_read_u64(struct slice number, uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (!number_read_digits(number, &n))
		return number_read_any(number, max, ret);
	if (n > max)
		return false;
	*ret = n;
	return true;
}
