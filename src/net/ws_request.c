/* SPDX-License-Identifier: MIT */

/*
 * What a WebSocket's HTTP request says of us: Host, Origin, User-Agent, own headers
 *
 * The options live as long as the ws, so everything they point to is copied.
 * A header that would break the request (a line end in it, no name) is
 * refused before anything is connected.
 */

#include "net/ws_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

#define WS_REQUEST_HTTP_PORT  80
#define WS_REQUEST_HTTPS_PORT 443

/* Longest name of a header, with ':' and its end. */
#define WS_REQUEST_MAX_NAME 128

/* ---- copies ---- */

/* Printable: anything but control characters, so that it stays on its line. */
static bool ws_request_is_value(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

/* "Name: value" with a name of token characters (RFC 9110 §5.6.2). */
static bool ws_request_is_header(const char *text)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strspn(text, token);

	return n && n < WS_REQUEST_MAX_NAME - 1 && text[n] == ':' &&
	       ws_request_is_value(text + n + 1);
}

/* A copy of text, which may be absent. */
static int ws_request_copy(const char **ret, const char *text)
{
	*ret = text ? mem_strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int ws_request_copy_headers(struct ws_options *ret, const struct ws_options *options)
{
	const char **headers;

	if (!options->n_headers)
		return 0;
	headers = mem_alloc(options->n_headers * sizeof(*headers));
	if (!headers)
		return -ENOMEM;
	ret->headers = headers;
	for (; ret->n_headers < options->n_headers; ret->n_headers++) {
		const char *header = options->headers[ret->n_headers];

		if (!ws_request_is_header(header))
			return -EINVAL;
		if (ws_request_copy(&headers[ret->n_headers], header) < 0)
			return -ENOMEM;
	}
	return 0;
}

int ws_request_init(struct ws_options *ret, const struct ws_options *options)
{
	*ret = *options;
	ret->host = ret->path = ret->subprotocol = ret->origin = ret->user_agent = NULL;
	ret->headers = NULL;
	ret->n_headers = 0;
	if (!ret->close_timeout_ms)
		ret->close_timeout_ms = WS_CLOSE_MS;
	if ((options->origin && !ws_request_is_value(options->origin)) ||
	    (options->user_agent && !ws_request_is_value(options->user_agent)))
		return -EINVAL;
	if (ws_request_copy(&ret->host, options->host) < 0 ||
	    ws_request_copy(&ret->path, options->path) < 0 ||
	    ws_request_copy(&ret->subprotocol, options->subprotocol) < 0 ||
	    ws_request_copy(&ret->origin, options->origin) < 0 ||
	    ws_request_copy(&ret->user_agent, options->user_agent) < 0)
		return -ENOMEM;
	return ws_request_copy_headers(ret, options);
}

void ws_request_done(struct ws_options *options)
{
	mem_free((char *)options->host);
	mem_free((char *)options->path);
	mem_free((char *)options->subprotocol);
	mem_free((char *)options->origin);
	mem_free((char *)options->user_agent);
	for (size_t i = 0; i < options->n_headers; i++)
		mem_free((char *)options->headers[i]);
	mem_free((const char **)options->headers);
}

/* ---- text ---- */

void ws_request_host(const struct ws_options *options, char ret[WS_MAX_HOST])
{
	bool literal = strchr(options->host, ':');
	uint16_t usual = options->tls ? WS_REQUEST_HTTPS_PORT : WS_REQUEST_HTTP_PORT;
	int n = snprintf(ret, WS_MAX_HOST, literal ? "[%s]" : "%s", options->host);

	if (options->port != usual && n > 0 && n < WS_MAX_HOST)
		snprintf(ret + n, (size_t)(WS_MAX_HOST - n), ":%u", options->port);
}

static int ws_request_add(struct lws *wsi, const char *name, const char *value, unsigned char **at,
			  unsigned char *end)
{
	return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
					   (const unsigned char *)value, (int)strlen(value), at,
					   end)
		       ? -ENOBUFS
		       : 0;
}

static int ws_request_add_line(struct lws *wsi, const char *line, unsigned char **at,
			       unsigned char *end)
{
	const char *value = strchr(line, ':') + 1;
	char name[WS_REQUEST_MAX_NAME];

	snprintf(name, sizeof(name), "%.*s", (int)(value - line), line);
	return ws_request_add(wsi, name, value + strspn(value, " \t"), at, end);
}

int ws_request_append(const struct ws_options *options, struct lws *wsi, unsigned char **at,
		      unsigned char *end)
{
	int r = 0;

	if (options->origin)
		r = ws_request_add(wsi, "Origin:", options->origin, at, end);
	if (r == 0 && options->user_agent)
		r = ws_request_add(wsi, "User-Agent:", options->user_agent, at, end);
	for (size_t i = 0; r == 0 && i < options->n_headers; i++)
		r = ws_request_add_line(wsi, options->headers[i], at, end);
	return r;
}
