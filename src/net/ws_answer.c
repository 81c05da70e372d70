/* SPDX-License-Identifier: MIT */

/*
 * The HTTP answer to a WebSocket's request: how long it may be, and what it means
 */

#include "net/ws_answer.h"

#include "net/tcp_count.h"

#include <stdio.h>
#include <sys/ioctl.h>

/* libwebsockets copies the Connection header into a buffer of 64 bytes, less its end. */
#define WS_ANSWER_MAX_CONNECTION 62

/* What TLS may add to an answer of WS_ANSWER_MAX: records, session tickets. */
#define WS_ANSWER_TLS_SLACK 4096

/* A header of the answer, printable and cut to the size; empty: absent. */
static void ws_answer_copy(struct lws *wsi, enum lws_token_indexes header, char *ret, size_t size)
{
	char text[2048];
	size_t n = 0;

	if (lws_hdr_copy(wsi, text, sizeof(text), header) <= 0)
		text[0] = '\0';
	for (; n < size - 1 && text[n]; n++)
		ret[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	ret[n] = '\0';
}

void ws_answer_begin(struct ws_answer *answer, int fd)
{
	struct tcp_count count;

	*answer = (struct ws_answer){0};
	if (tcp_count(&count, fd))
		answer->n_before = count.n_received;
}

void ws_answer_note(struct ws_answer *answer, struct lws *wsi)
{
	answer->status = (int)lws_http_client_http_response(wsi);
	answer->has_body = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
			   lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
	answer->has_long_connection =
		lws_hdr_total_length(wsi, WSI_TOKEN_CONNECTION) > WS_ANSWER_MAX_CONNECTION;
	ws_answer_copy(wsi, WSI_TOKEN_HTTP_LOCATION, answer->location, sizeof(answer->location));
	ws_answer_copy(wsi, WSI_TOKEN_HTTP_RETRY_AFTER, answer->retry_after,
		       sizeof(answer->retry_after));
}

uint64_t ws_answer_size(const struct ws_answer *answer, int fd)
{
	struct tcp_count count;
	int n_unread = 0;

	if (!tcp_count(&count, fd) || ioctl(fd, FIONREAD, &n_unread) < 0)
		return 0;
	if (count.n_received < answer->n_before + (uint64_t)n_unread)
		return 0;
	return count.n_received - answer->n_before - (uint64_t)n_unread;
}

bool ws_answer_is_too_long(uint64_t size, bool tls)
{
	return size > WS_ANSWER_MAX + (tls ? WS_ANSWER_TLS_SLACK : 0);
}

static const char *ws_answer_meaning(int status)
{
	switch (status) {
	case 400:
		return "the request was refused (is it a port for wss:// ? check `path`, "
		       "`headers`, `origin`)";
	case 401:
	case 403:
		return "access was refused (check `headers`, `origin`, and a token in `url`)";
	case 407:
		return "a proxy on the way wants credentials";
	case 408:
		return "the request took too long (it is tried again later)";
	case 414:
	case 431:
		return "the request is too long for it (check `headers`, and the length of `url`)";
	case 421:
		return "it does not serve this host (check the host in `url`)";
	case 426:
		return "it wants another version of HTTP or of WebSocket";
	case 502:
	case 504:
		return "nobody behind it (is the router running?)";
	}
	switch (status / 100) {
	case 1:
		return "an answer before the real one, which is not understood here";
	case 5:
		return "the router has failed (its log may say why)";
	}
	return NULL;
}

/* A limit of the rate, or a router that is busy or not there: patience is what helps. */
static void ws_answer_say_later(const struct ws_answer *answer, char ret[WS_ANSWER_MAX_TEXT])
{
	const char *after = answer->retry_after;

	snprintf(ret, WS_ANSWER_MAX_TEXT, "HTTP %d: %s (it is tried again later%s%s)",
		 answer->status,
		 answer->status == 429 ? "too many requests" : "busy, or nobody behind it",
		 *after ? "; Retry-After: " : "", after);
}

static void ws_answer_say_redirect(const struct ws_answer *answer, char ret[WS_ANSWER_MAX_TEXT])
{
	const char *to = answer->location;

	snprintf(ret, WS_ANSWER_MAX_TEXT, "HTTP %d: a redirect, which is not followed, to %s%s",
		 answer->status, *to ? to : "nowhere (it has no Location)",
		 *to ? " (is that the `url` of the router?)" : "");
}

bool ws_answer_is_busy(const struct ws_answer *answer)
{
	return answer->status == 429 || answer->status == 503;
}

void ws_answer_say(const struct ws_answer *answer, const char *path, char ret[WS_ANSWER_MAX_TEXT])
{
	const char *meaning = ws_answer_meaning(answer->status);
	/* A query may be a token. */
	size_t len = strcspn(path, "?"), shown = len < 100 ? len : 100;

	if (ws_answer_is_busy(answer))
		ws_answer_say_later(answer, ret);
	else if (answer->status / 100 == 3)
		ws_answer_say_redirect(answer, ret);
	else if (meaning)
		snprintf(ret, WS_ANSWER_MAX_TEXT, "HTTP %d: %s", answer->status, meaning);
	else
		snprintf(ret, WS_ANSWER_MAX_TEXT, "HTTP %d: no WebSocket at %.*s%s (check `path`)",
			 answer->status, (int)shown, path, shown < len ? "..." : "");
}

const char *ws_answer_mistake(const struct ws_answer *answer, struct slice text)
{
	static const struct {
		struct slice text;
		const char *mistake;
	} mistakes[] = {
		{SLICE("HS: ACCEPT"), "it has no Sec-WebSocket-Accept"},
		{SLICE("HS: UPGRADE missing"), "it has no Upgrade"},
		{SLICE("HS: Upgrade to"), "its Upgrade is not websocket"},
		{SLICE("HS: UPGRADE malformed"), "its Connection does not say Upgrade"},
		{SLICE("HS: Accept hash"), "its Sec-WebSocket-Accept is wrong"},
		{SLICE("HS: EXT"), "it has an extension that was not offered"},
	};

	if (answer->has_long_connection && slice_starts_with(text, SLICE("HS: UPGRADE malformed")))
		return "its Connection header is longer than the 62 bytes that can be read here";
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++)
		if (slice_starts_with(text, mistakes[i].text))
			return mistakes[i].mistake;
	return NULL;
}
