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
#include <stdarg.h>
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

static void PRINTF(2, 3) ws_request_add(struct buf *request, const char *format, ...)
{
	char *to = buf_reserve(request, WS_REQUEST_MAX - buf_len(request));
	va_list args;
	int n;

	if (!to)
		return;
	va_start(args, format);
	n = vsnprintf(to, WS_REQUEST_MAX - buf_len(request), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= WS_REQUEST_MAX - buf_len(request))
		request->error = -ENOBUFS;
	else
		buf_commit(request, (size_t)n);
}

/* The key that libwebsockets has put into its own request. */
static struct slice ws_request_key(const unsigned char *start, const unsigned char *end)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	const char *at = memmem(start, (size_t)(end - start), name, sizeof(name) - 1);
	const char *stop = at ? memchr(at, '\r', (size_t)((const char *)end - at)) : NULL;

	if (!stop)
		return SLICE_NONE;
	at += sizeof(name) - 1;
	return (struct slice){at, (size_t)(stop - at)};
}

static void ws_request_add_own(struct buf *request, const struct ws_options *options)
{
	if (options->origin)
		ws_request_add(request, "Origin: %s\r\n", options->origin);
	if (options->user_agent)
		ws_request_add(request, "User-Agent: %s\r\n", options->user_agent);
	for (size_t i = 0; i < options->n_headers; i++) {
		const char *header = options->headers[i], *value = strchr(header, ':') + 1;

		ws_request_add(request, "%.*s %s\r\n", (int)(value - header), header,
			       value + strspn(value, " \t"));
	}
}

int ws_request_write(const struct ws_options *options, unsigned char *start, unsigned char **at)
{
	struct slice key = ws_request_key(start, *at);
	struct buf request = BUF_INIT(WS_REQUEST_MAX);
	char host[WS_MAX_HOST];
	int r;

	ws_request_host(options, host);
	ws_request_add(&request,
		       "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: "
		       "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
		       "%.*s\r\nSec-WebSocket-Protocol: %s\r\nPragma: no-cache\r\nCache-Control: "
		       "no-cache\r\n",
		       options->path, host, SLICE_ARG(key), options->subprotocol);
	if (options->compression)
		ws_request_add(&request, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
	ws_request_add_own(&request, options);
	r = key.ptr ? request.error : -EINVAL;
	if (r == 0) {
		memcpy(start, buf_bytes(&request).ptr, buf_len(&request));
		*at = start + buf_len(&request);
	}
	buf_done(&request);
	return r;
}
