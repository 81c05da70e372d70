/* SPDX-License-Identifier: MIT */

/*
 * Urls of routers
 *
 * RFC 3986 as far as a WebSocket url needs it (RFC 6455 3): no user, no
 * fragment, an IPv6 address in brackets. What passes here can stand in an
 * HTTP request as it is.
 */

#include "config/url.h"

#include "codec/chars.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define URL_WS_PORT  80 /* RFC 6455 3 */
#define URL_WSS_PORT 443

/* A ws url in pieces; an absent port or path is SLICE_NONE. */
struct url_pieces {
	struct slice host;
	bool in_brackets;
	struct slice port, path;
};

static bool url_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool url_is_alnum(char c)
{
	return url_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* An address with an optional zone, which names an interface: fe80::1%eth0. */
static bool url_is_ipv6(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *zone = host.len ? memchr(host.ptr, '%', host.len) : NULL;
	size_t n = zone ? (size_t)(zone - host.ptr) : host.len;
	size_t n_zone = zone ? host.len - n - 1 : 0;

	if (n >= sizeof(text) || n_zone >= IF_NAMESIZE || (zone && !n_zone))
		return false;
	for (size_t i = 0; i < n_zone; i++)
		if (!url_is_alnum(zone[1 + i]) && !strchr("_.-", zone[1 + i]))
			return false;
	memcpy(text, host.ptr, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

/* Digits and dots alone are an address, which must not be read otherwise than it looks (010, 1). */
static bool url_is_ipv4(struct slice host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1;
}

static enum url_outcome url_check_name(struct slice host)
{
	bool is_numeric = true;

	if (!host.len)
		return URL_NO_HOST;
	if (host.len > URL_MAX_NAME)
		return URL_LONG_NAME;
	if (host.ptr[0] == '.' || host.ptr[0] == '-')
		return URL_BAD_NAME;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!url_is_alnum(c) && c != '.' && c != '-' && c != '_')
			return URL_BAD_NAME;
		if (c == '.' && i + 1 < host.len && host.ptr[i + 1] == '.')
			return URL_BAD_NAME;
		is_numeric &= url_is_digit(c) || c == '.';
	}
	return is_numeric && !url_is_ipv4(host) ? URL_BAD_IPV4 : URL_OK;
}

/* Characters that may stand nowhere in a url. */
static enum url_outcome url_check_characters(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p <= ' ' || *p == 0x7f)
			return URL_HAS_BLANK;
		if (*p > 0x7f)
			return URL_NOT_ASCII;
	}
	return strchr(text, '#') ? URL_HAS_FRAGMENT : URL_OK;
}

/* What follows the host, of good characters; it may be nothing but a query. */
static enum url_outcome url_check_rest(struct slice path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] == '%' &&
		    (path.len - i < 3 || chars_hex((unsigned char)path.ptr[i + 1]) < 0 ||
		     chars_hex((unsigned char)path.ptr[i + 2]) < 0))
			return URL_BAD_PERCENT;
	return path.len > URL_MAX_PATH ? URL_LONG_PATH : URL_OK;
}

enum url_outcome url_check_host(const char *text)
{
	enum url_outcome outcome = url_check_characters(text);

	if (outcome || url_is_ipv6(slice_of(text)))
		return outcome;
	if (strchr(text, '@'))
		return URL_HAS_USER;
	if (strpbrk(text, "/?"))
		return URL_IS_WHOLE;
	if (*text == '[')
		return URL_IN_BRACKETS;
	return strchr(text, ':') ? URL_HAS_PORT : url_check_name(slice_of(text));
}

enum url_outcome url_check_path(const char *text)
{
	enum url_outcome outcome = *text == '/' ? url_check_characters(text) : URL_NO_SLASH;

	return outcome ? outcome : url_check_rest(slice_of(text));
}

static bool url_parse_port(uint16_t *ret, struct slice text)
{
	unsigned port = 0;

	if (!text.len || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!url_is_digit(text.ptr[i]))
			return false;
		port = port * 10 + (unsigned)(text.ptr[i] - '0');
	}
	if (!port || port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* What stands between the scheme and the path: host, or [host], and maybe :port. */
static enum url_outcome url_split_authority(struct url_pieces *pieces, struct slice text)
{
	const char *end = text.ptr + text.len, *host_end;

	if (text.len && text.ptr[0] == '[') {
		host_end = memchr(text.ptr, ']', text.len);
		if (!host_end)
			return URL_BAD_IPV6;
		pieces->in_brackets = true;
		pieces->host = (struct slice){text.ptr + 1, (size_t)(host_end - text.ptr - 1)};
		host_end++;
	} else if (url_is_ipv6(text)) {
		return URL_BARE_IPV6;
	} else {
		host_end = text.len ? memchr(text.ptr, ':', text.len) : NULL;
		host_end = host_end ? host_end : end;
		pieces->host = (struct slice){text.ptr, (size_t)(host_end - text.ptr)};
	}
	if (host_end == end)
		return URL_OK;
	if (*host_end != ':')
		return URL_BEHIND_BRACKET;
	pieces->port = (struct slice){host_end + 1, (size_t)(end - host_end - 1)};
	return URL_OK;
}

static bool url_begins(const char *text, const char *scheme)
{
	/* In capitals it is the same (RFC 3986 3.1). */
	return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* Of "ws://" or "wss://" that begins the text, or 0. */
static size_t url_scheme_length(const char *text)
{
	if (url_begins(text, "ws://"))
		return strlen("ws://");
	return url_begins(text, "wss://") ? strlen("wss://") : 0;
}

static enum url_outcome url_split_ws(struct url_pieces *pieces, const char *text)
{
	const char *rest = text + url_scheme_length(text);
	size_t n = strcspn(rest, "/?#");

	*pieces = (struct url_pieces){0};
	if (rest[n])
		pieces->path = slice_of(rest + n);
	if (memchr(rest, '@', n))
		return URL_HAS_USER;
	return url_split_authority(pieces, (struct slice){rest, n});
}

static enum url_outcome url_check_ws(const char *text)
{
	struct url_pieces pieces = {0};
	enum url_outcome outcome = url_check_characters(text);
	uint16_t port;

	if (!outcome)
		outcome = url_split_ws(&pieces, text);
	if (!outcome && pieces.in_brackets)
		outcome = url_is_ipv6(pieces.host) ? URL_OK : URL_BAD_IPV6;
	else if (!outcome)
		outcome = url_check_name(pieces.host);
	if (outcome)
		return outcome;
	if (pieces.port.ptr && !url_parse_port(&port, pieces.port))
		return URL_BAD_PORT;
	return url_check_rest(pieces.path);
}

enum url_outcome url_check(const char *text)
{
	static const char *const later[] = {"rs://", "rss://", "unix:", "ws+unix:"};

	if (url_scheme_length(text))
		return url_check_ws(text);
	if (url_begins(text, "embedded:"))
		return text[strlen("embedded:")] ? URL_BAD_EMBEDDED : URL_OK;
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (url_begins(text, later[i]))
			return URL_UNSUPPORTED;
	if (!strstr(text, "://"))
		return URL_NO_SCHEME;
	/* A blank before it is more likely than a scheme that begins with one. */
	return url_is_alnum(*text) ? URL_BAD_SCHEME : URL_HAS_BLANK;
}

static const char *url_problem(enum url_outcome outcome)
{
	switch (outcome) {
	case URL_OK:
	case URL_LONG_PATH:
		break;
	case URL_UNSUPPORTED:
		return "has a scheme that is not supported by this version; ws://, wss:// "
		       "and embedded: are";
	case URL_NO_SCHEME:
		return "must begin with ws:// or wss://, or be \"embedded:\"";
	case URL_BAD_SCHEME:
		return "has an unknown scheme; it must begin with ws:// or wss://, or be "
		       "\"embedded:\"";
	case URL_BAD_EMBEDDED:
		return "must be \"embedded:\" alone, with nothing behind the colon";
	case URL_HAS_BLANK:
		return "must not hold a blank or a control character; write %20 for a blank";
	case URL_NOT_ASCII:
		return "must be in ASCII: a host as xn--..., other characters of a path as %XX";
	case URL_HAS_FRAGMENT:
		return "must not have a fragment, which begins with '#'; write %23 for the "
		       "character";
	case URL_HAS_USER:
		return "must not hold a user or password before '@'; for those of HTTP give the "
		       "header Authorization";
	case URL_NO_HOST:
		return "needs a host, a name or a numeric address";
	case URL_BAD_NAME:
		return "needs a host of letters, digits, '-', '_' and single dots";
	case URL_LONG_NAME:
		return "has a host of more than 253 characters";
	case URL_BAD_IPV4:
		return "needs an IPv4 address of four numbers up to 255 without leading zeros "
		       "(ws://192.0.2.7:8080/ws)";
	case URL_BAD_IPV6:
		return "has brackets without a right IPv6 address in them (ws://[::1]:8080/ws)";
	case URL_BARE_IPV6:
		return "needs its IPv6 in brackets (ws://[::1]:8080/ws)";
	case URL_BEHIND_BRACKET:
		return "needs ':' and a port, or '/' and a path, behind the ']'";
	case URL_BAD_PORT:
		return "needs a port from 1 to 65535 behind the colon";
	case URL_IS_WHOLE:
		return "must be the name of a host or a numeric address alone; a whole url is "
		       "'url'";
	case URL_HAS_PORT:
		return "must be the name of a host or a numeric address without a port, which is "
		       "'port'";
	case URL_IN_BRACKETS:
		return "must be the name of a host or a numeric address without brackets";
	case URL_NO_SLASH:
		return "must be the path of a url such as /ws, and begin with '/'";
	case URL_BAD_PERCENT:
		return "needs two hexadecimal digits behind each '%'; write %25 for the "
		       "character";
	}
	return "is right";
}

void url_explain(enum url_outcome outcome, const char *text, char ret_text[URL_MAX_PROBLEM])
{
	const char *rest = text + url_scheme_length(text);

	if (outcome == URL_LONG_PATH)
		snprintf(ret_text, URL_MAX_PROBLEM,
			 "is too long: its path and query have %zu bytes, and may have %d",
			 strlen(rest + strcspn(rest, "/?")), URL_MAX_PATH);
	else
		snprintf(ret_text, URL_MAX_PROBLEM, "%s", url_problem(outcome));
}

static const char *url_copy(struct arena *arena, struct slice text)
{
	struct slice copy = arena_printf(arena, "%.*s", SLICE_ARG(text));

	return copy.len ? copy.ptr : NULL;
}

/* In a url, the '%' before a zone is written %25 (RFC 6874); the plain one is taken, too. */
static const char *url_copy_host(struct arena *arena, struct slice host)
{
	const char *zone = memchr(host.ptr, '%', host.len);
	size_t n = zone ? (size_t)(zone - host.ptr) : host.len;
	struct slice copy;

	if (!zone || host.len - n <= strlen("%25") || strncmp(zone, "%25", strlen("%25")) != 0)
		return url_copy(arena, host);
	copy = arena_printf(arena, "%.*s%%%.*s", (int)n, host.ptr,
			    (int)(host.len - n - strlen("%25")), zone + strlen("%25"));
	return copy.len ? copy.ptr : NULL;
}

/* A query alone stands behind the root. */
static const char *url_copy_path(struct arena *arena, struct slice path)
{
	struct slice copy;

	if (!path.len)
		return "/";
	if (path.ptr[0] == '/')
		return url_copy(arena, path);
	copy = arena_printf(arena, "/%.*s", SLICE_ARG(path));
	return copy.len ? copy.ptr : NULL;
}

int url_parse(struct url *ret, struct arena *arena, const char *text)
{
	size_t n_scheme = url_scheme_length(text);
	struct url url = {.embedded = !n_scheme, .use_tls = n_scheme == strlen("wss://")};
	struct url_pieces pieces;

	if (url.embedded) {
		*ret = url;
		return 0;
	}
	if (url_split_ws(&pieces, text) != URL_OK)
		return -EINVAL;
	url.port = url.use_tls ? URL_WSS_PORT : URL_WS_PORT;
	if (pieces.port.ptr && !url_parse_port(&url.port, pieces.port))
		return -EINVAL;
	url.host = url_copy_host(arena, pieces.host);
	url.path = url_copy_path(arena, pieces.path);
	if (!url.host || !url.path)
		return -ENOMEM;
	*ret = url;
	return 0;
}

const char *url_format(struct arena *arena, bool use_tls, const char *host, uint16_t port,
		       const char *path)
{
	bool in_brackets = strchr(host, ':') != NULL;
	struct slice text =
		arena_printf(arena, "%s://%s%s%s:%u%s", use_tls ? "wss" : "ws",
			     in_brackets ? "[" : "", host, in_brackets ? "]" : "", port, path);

	return text.len ? text.ptr : NULL;
}

bool url_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
