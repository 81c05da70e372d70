/* SPDX-License-Identifier: MIT */

/*
 * Urls of routers
 *
 * RFC 3986 as far as a WebSocket url needs it (RFC 6455 3): no user, no
 * fragment, an IPv6 address in brackets. What passes here can stand in an
 * HTTP request as it is.
 */

#include "config/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <strings.h>

#define URL_MAX_HOST 253
#define URL_MAX_PATH 1024
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

static bool url_is_name(struct slice host)
{
	if (!host.len || host.len > URL_MAX_HOST || host.ptr[0] == '.' || host.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!url_is_alnum(c) && c != '.' && c != '-' && c != '_')
			return false;
		if (c == '.' && i + 1 < host.len && host.ptr[i + 1] == '.')
			return false;
	}
	return true;
}

bool url_is_host(const char *text)
{
	return url_is_name(slice_of(text)) || url_is_ipv6(slice_of(text));
}

static bool url_is_path_slice(struct slice path)
{
	if (!path.len || path.len > URL_MAX_PATH || path.ptr[0] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] <= ' ' || path.ptr[i] == 0x7f || path.ptr[i] == '#' ||
		    (unsigned char)path.ptr[i] > 0x7f)
			return false;
	return true;
}

bool url_is_path(const char *text)
{
	return url_is_path_slice(slice_of(text));
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
			return URL_BAD_HOST;
		pieces->in_brackets = true;
		pieces->host = (struct slice){text.ptr + 1, (size_t)(host_end - text.ptr - 1)};
		host_end++;
	} else {
		host_end = text.len ? memchr(text.ptr, ':', text.len) : NULL;
		host_end = host_end ? host_end : end;
		pieces->host = (struct slice){text.ptr, (size_t)(host_end - text.ptr)};
	}
	if (host_end == end)
		return URL_OK;
	if (*host_end != ':')
		return URL_BAD_HOST;
	pieces->port = (struct slice){host_end + 1, (size_t)(end - host_end - 1)};
	return URL_OK;
}

/* Of "ws://" or "wss://" that begins the text, or 0. */
static size_t url_scheme_length(const char *text)
{
	if (strncmp(text, "ws://", 5) == 0)
		return 5;
	return strncmp(text, "wss://", 6) == 0 ? 6 : 0;
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
	struct url_pieces pieces;
	enum url_outcome outcome = url_split_ws(&pieces, text);
	uint16_t port;

	if (outcome)
		return outcome;
	if (pieces.in_brackets ? !url_is_ipv6(pieces.host) : !url_is_name(pieces.host))
		return URL_BAD_HOST;
	if (pieces.port.ptr && !url_parse_port(&port, pieces.port))
		return URL_BAD_PORT;
	if (pieces.path.ptr && !url_is_path_slice(pieces.path))
		return URL_BAD_PATH;
	return URL_OK;
}

enum url_outcome url_check(const char *text)
{
	static const char *const later[] = {"rs://", "rss://", "unix:", "ws+unix:"};

	if (url_scheme_length(text))
		return url_check_ws(text);
	if (strncmp(text, "embedded:", 9) == 0)
		return text[9] ? URL_BAD_EMBEDDED : URL_OK;
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strncmp(text, later[i], strlen(later[i])) == 0)
			return URL_UNSUPPORTED;
	return strstr(text, "://") ? URL_BAD_SCHEME : URL_NO_SCHEME;
}

const char *url_problem(enum url_outcome outcome)
{
	switch (outcome) {
	case URL_OK:
		return "is right";
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
	case URL_HAS_USER:
		return "must not hold a user or password before '@'";
	case URL_BAD_HOST:
		return "needs a host behind the slashes, a name or an address, IPv6 in brackets "
		       "(ws://[::1]:8080/ws)";
	case URL_BAD_PORT:
		return "needs a port from 1 to 65535 behind the colon";
	case URL_BAD_PATH:
		return "needs a path that begins with '/', in ASCII, without blanks and '#'";
	}
	return "";
}

static const char *url_copy(struct arena *arena, struct slice text)
{
	struct slice copy = arena_printf(arena, "%.*s", SLICE_ARG(text));

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
	url.host = url_copy(arena, pieces.host);
	url.path = pieces.path.ptr ? url_copy(arena, pieces.path) : "/";
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
