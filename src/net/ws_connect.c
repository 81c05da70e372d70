/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: from a name to an established connection
 *
 * Happy path: the route knows or finds the addresses; each gets one attempt,
 * within open_timeout and its part of connection_timeout; the first that becomes
 * a WebSocket wins.
 * Failure modes: no address; refused, silent or not a WebSocket (the next
 * address is tried, and at the end the failure of the attempt that came
 * farthest is told).
 *
 * libwebsockets would resolve in the foreground and try one address only.
 */

#include "net/ws_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* The least that an address gets, if there is so much left: less would be no attempt. */
#define WS_CONNECT_LEAST_MS 250

/* The part of connection_timeout that is kept for what follows on an open connection. */
#define WS_CONNECT_KEPT 10

/* ---- time ---- */

static uint64_t ws_connect_left_ms(const struct ws *ws)
{
	uint64_t now = uv_now(ws->context->loop);

	return ws->deadline_ms > now ? ws->deadline_ms - now : 0;
}

/* Gives this step its time: a fair part of what is left, if n such steps are to share it. */
static void ws_connect_set_share(struct ws *ws, unsigned n)
{
	uint64_t left = ws_connect_left_ms(ws), share = left / n;
	uint64_t open = ws->options.open_timeout_ms ? ws->options.open_timeout_ms : 1000;

	if (share < WS_CONNECT_LEAST_MS)
		share = left < WS_CONNECT_LEAST_MS ? left : WS_CONNECT_LEAST_MS;
	ws->share_ms = share < open ? share : open;
	ws_set_timer(ws, ws->share_ms);
}

static double ws_connect_share_s(const struct ws *ws)
{
	return (double)ws->share_ms / 1000;
}

/* ---- words ---- */

/* Keeps the text unless an attempt that came farther has left one. */
#define WS_CONNECT_NOTE_AS(ws, as, ...)                                                            \
	do {                                                                                       \
		if ((ws)->rank >= (ws)->best) {                                                    \
			(ws)->best = (ws)->rank;                                                   \
			ws_set_end((ws), (as), __VA_ARGS__);                                       \
		}                                                                                  \
	} while (0)

#define WS_CONNECT_NOTE(ws, ...) WS_CONNECT_NOTE_AS(ws, WS_TRANSPORT, __VA_ARGS__)

/* ---- addresses in turn ---- */

/*
 * Whether the kernel has a way to the address: 0 or -errno. A connect that
 * fails at once ("network is unreachable") leaks a handle in libwebsockets, so
 * that the loop could never be closed; connecting a datagram socket asks the
 * same question and sends nothing.
 */
static int ws_connect_probe(const struct ws_address *address)
{
	int fd = socket(address->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)&address->sa, address->len) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int ws_connect_name(struct ws *ws, const struct ws_address *address)
{
	int r = getnameinfo((const struct sockaddr *)&address->sa, address->len, ws->address,
			    sizeof(ws->address), NULL, 0, NI_NUMERICHOST);

	return r ? -EAFNOSUPPORT : 0;
}

/* Whether an attempt is under way now. */
static bool ws_connect_try(struct ws *ws)
{
	struct ws_vhost *v =
		ws_context_vhost(ws->context, ws->options.tls, ws->options.compression);
	struct lws_client_connect_info info = {
		.context = ws->context->lws,
		.vhost = v ? v->lws : NULL,
		.address = ws->address,
		.port = ws->options.port,
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
		/* Both are in ws_request.c's request; libwebsockets would cut them. */
		.path = "/",
		.host = ws->address,
		.protocol = ws->options.subprotocol,
		.local_protocol_name = "ws",
		.alpn = "http/1.1", /* libwebsockets would also take h2, which has no upgrade */
		.pwsi = &ws->early,
		.ietf_version_or_minus_one = -1,
		.opaque_user_data = ws,
	};
	struct lws *wsi;

	if (!v) {
		WS_CONNECT_NOTE(ws, "out of memory");
		return false;
	}
	/* The name is checked by this side's own settings of TLS. */
	if (ws->options.tls)
		info.ssl_connection |= LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	ws->starting = true;
	wsi = lws_client_connect_via_info(&info);
	v->n_wsi += wsi ? 1 : 0;
	/* A failure inside has told itself by ws_connect_failed(), or by nothing but NULL. */
	if (wsi && ws->starting)
		ws->wsi = wsi;
	ws->starting = false;
	ws->early = NULL;
	return ws->wsi != NULL;
}

/* Forgets the attempt before. */
static void ws_connect_clear(struct ws *ws)
{
	ws->rank = WS_RANK_UNREACHED;
	ws->answer = (struct ws_answer){0};
	ws->inflate = ws_inflate_free(ws->inflate);
	*ws->cause_text = '\0';
	ws->tls_expects = false;
}

/* No address is left, or no time: the end, which names the silent addresses, too. */
static void ws_connect_give_up(struct ws *ws)
{
	size_t n = strlen(ws->text);

	if (strchr(ws->silent, ','))
		snprintf(ws->text + n, sizeof(ws->text) - n, "; silent: %s", ws->silent);
	ws_over(ws);
}

/* Starts the attempt at the next address that can be tried; when there is none, it is over. */
static void ws_connect_next(struct ws *ws)
{
	while (ws->next < ws->addresses.n && ws_connect_left_ms(ws)) {
		const struct ws_address *address = &ws->addresses.items[ws->next++];
		int r = ws_connect_name(ws, address);

		ws_connect_clear(ws);
		if (r == 0)
			r = ws_connect_probe(address);
		WS_CONNECT_NOTE(ws, "cannot connect to %s port %u: %s", ws->address,
				ws->options.port, r < 0 ? strerror(-r) : "refused");
		if (r == 0 && ws_connect_try(ws)) {
			ws_connect_set_share(ws, ws->addresses.n - ws->next + 1);
			return;
		}
		ws_route_note(ws->route, address, false);
	}
	ws_connect_give_up(ws);
}

/* ---- names ---- */

static const char *ws_connect_lookup_text(int status)
{
	switch (status) {
	case EAI_NONAME:
		return "there is no such name";
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return "the name has none";
	case EAI_AGAIN:
		return "the name servers fail or do not answer";
	case EAI_FAIL:
		return "the name servers refuse to answer";
	}
	return gai_strerror(status);
}

static void ws_connect_on_lookup(struct ws_route_waiter *waiter, int status,
				 const struct ws_addresses *addresses)
{
	struct ws *ws = CONTAINER_OF(waiter, struct ws, waiter);

	if (status) {
		ws_set_end(ws, WS_DNS, "no address for host \"%s\": %s", ws->options.host,
			   ws_connect_lookup_text(status));
		ws_over(ws);
		return;
	}
	ws->addresses = *addresses;
	ws->state = WS_STATE_CONNECTING;
	ws_connect_next(ws);
}

int ws_connect_start(struct ws *ws)
{
	int r;

	list_init(&ws->waiter.node);
	ws->waiter.on_end = ws_connect_on_lookup;
	ws->route = ws_route_get(&ws->context->routes, ws->options.host, ws->options.port);
	if (!ws->route)
		return -ENOMEM;
	r = ws_route_ask(ws->route, &ws->addresses, &ws->waiter);
	return r < 0 ? r : 0;
}

void ws_connect_begin(struct ws *ws)
{
	uint64_t total = ws->options.connection_timeout_ms;

	ws->deadline_ms =
		total ? uv_now(ws->context->loop) + total - total / WS_CONNECT_KEPT : NEVER_MS;
	if (!ws->addresses.n) {
		ws_connect_set_share(ws, 1);
		return;
	}
	/* Known already; but the owner is not called from ws_open(). */
	ws->state = WS_STATE_CONNECTING;
	ws_set_timer(ws, 0);
}

void ws_approve(struct ws *ws)
{
	ws->has_worked = true;
}

void ws_connect_leave(struct ws *ws)
{
	list_unlink(&ws->waiter.node);
	/* A WebSocket that opens, and then says nothing or refuses, is no router to begin with. */
	if (ws->has_opened)
		ws_route_note(ws->route, &ws->addresses.items[ws->next - 1], ws->has_worked);
}

/* ---- failures ---- */

static void ws_connect_note_too_long(struct ws *ws)
{
	WS_CONNECT_NOTE(ws,
			"the HTTP answer of %s port %u has headers of more than %u KiB, which is "
			"the limit",
			ws->address, ws->options.port, WS_ANSWER_MAX >> 10);
}

/* Nothing came, or something that is not, or not yet, an answer. */
static void ws_connect_note_late_answer(struct ws *ws)
{
	uint64_t n = ws_answer_size(&ws->answer, lws_get_socket_fd(ws->wsi));

	if (ws_answer_is_too_long(n, ws->options.tls))
		ws_connect_note_too_long(ws);
	else
		WS_CONNECT_NOTE(ws, "no WebSocket at %s port %u: no HTTP answer within %.3g s%s",
				ws->address, ws->options.port, ws_connect_share_s(ws),
				n ? ", only a part of one or something else" : "");
}

static void ws_connect_note_silence(struct ws *ws)
{
	double timeout_s = ws_connect_share_s(ws);

	switch (ws->rank) {
	case WS_RANK_UNREACHED:
		WS_CONNECT_NOTE(ws, "cannot connect to %s port %u: no answer within %.3g s",
				ws->address, ws->options.port, timeout_s);
		break;
	case WS_RANK_TLS:
		WS_CONNECT_NOTE_AS(ws, WS_TLS,
				   "no TLS at %s port %u: no answer to the handshake within %.3g s "
				   "(is the url ws:// ?)",
				   ws->address, ws->options.port, timeout_s);
		break;
	case WS_RANK_CONNECTED:
	case WS_RANK_ANSWERED:
		ws_connect_note_late_answer(ws);
		break;
	}
}

/* The address that is being tried did not answer in its time. */
static void ws_connect_pass_over(struct ws *ws)
{
	size_t n = strlen(ws->silent);

	ws_connect_note_silence(ws);
	ws_drop(ws);
	ws_route_note(ws->route, &ws->addresses.items[ws->next - 1], false);
	snprintf(ws->silent + n, sizeof(ws->silent) - n, "%s%s", n ? ", " : "", ws->address);
	if (ws->next < ws->addresses.n && ws->ops->on_detour)
		ws->ops->on_detour(ws, ws->owner, ws->text);
}

void ws_connect_on_timer(struct ws *ws)
{
	if (ws->state == WS_STATE_RESOLVING) {
		ws_set_end(ws, WS_DNS,
			   "no address for host \"%s\": the name servers have not answered for "
			   "%.3g s",
			   ws->options.host, (double)ws_route_waited_ms(ws->route) / 1000);
		ws_over(ws);
		return;
	}
	if (ws->wsi)
		ws_connect_pass_over(ws);
	/* The owner may have ended it. */
	if (ws->state == WS_STATE_CONNECTING)
		ws_connect_next(ws);
}

/* libwebsockets switches Nagle's algorithm off; a failure of either is no reason to give up. */
static void ws_connect_tune(const struct ws *ws, int fd)
{
	int on = 1, off = 0;

	if (!ws->options.tcp_nodelay)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof(off));
	if (ws->options.tcp_keepalive)
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

int ws_connect_reached(struct ws *ws, struct lws *wsi, unsigned char **at, size_t room)
{
	ws->rank = WS_RANK_CONNECTED;
	ws_connect_tune(ws, lws_get_socket_fd(wsi));
	ws_answer_begin(&ws->answer, lws_get_socket_fd(wsi));
	/* The room is what is left of libwebsockets' buffer, of which it keeps a little. */
	if (ws_request_write(&ws->options, *at + room + 12 - WS_READ_SIZE, at) == 0)
		return 0;
	ws->cause = WS_TRANSPORT;
	snprintf(ws->cause_text, sizeof(ws->cause_text),
		 "the HTTP request is longer than %u KiB, which is the limit: `url` and `headers` "
		 "are too long",
		 WS_REQUEST_MAX >> 10);
	return -1;
}

void ws_connect_answered(struct ws *ws, struct lws *wsi)
{
	ws->rank = WS_RANK_ANSWERED;
	ws_answer_note(&ws->answer, wsi);
}

bool ws_connect_fits(struct ws *ws)
{
	uint64_t n = ws_answer_size(&ws->answer, lws_get_socket_fd(ws->wsi));
	uint64_t n_early = buf_len(&ws->rest);

	if (!ws_answer_is_too_long(n > n_early ? n - n_early : 0, ws->options.tls))
		return true;
	ws->cause = WS_TRANSPORT;
	snprintf(ws->cause_text, sizeof(ws->cause_text),
		 "the HTTP answer of %.60s port %u has headers of more than %u KiB, which is the "
		 "limit",
		 ws->address, ws->options.port, WS_ANSWER_MAX >> 10);
	return false;
}

bool ws_connect_is_agreed(struct ws *ws, struct lws *wsi)
{
	char chosen[64] = "";
	int n = lws_hdr_copy(wsi, chosen, sizeof(chosen), WSI_TOKEN_PROTOCOL);

	/* libwebsockets refuses another one than was offered, but none at all it takes for a yes.
	 */
	return n > 0 && strcmp(chosen, ws->options.subprotocol) == 0;
}

/* libwebsockets has understood the answer, and gave it up. */
static void ws_connect_note_answer(struct ws *ws, struct slice text)
{
	const char *mistake = ws_answer_mistake(&ws->answer, text);
	char said[WS_ANSWER_MAX_TEXT];

	if (ws->answer.status != 101) {
		ws_answer_say(&ws->answer, ws->options.path, said);
		WS_CONNECT_NOTE_AS(ws, ws_answer_is_busy(&ws->answer) ? WS_BUSY : WS_TRANSPORT,
				   "%s, says %s port %u", said, ws->address, ws->options.port);
	} else if (slice_starts_with(text, SLICE("HS: PROTOCOL")) ||
		   slice_starts_with(text, SLICE("HS: Rejected by filter"))) {
		WS_CONNECT_NOTE(ws, "the router at %s port %u does not speak %s", ws->address,
				ws->options.port, ws->options.subprotocol);
	} else {
		WS_CONNECT_NOTE(ws, "broken WebSocket handshake by %s port %u: %.*s", ws->address,
				ws->options.port, mistake ? (int)strlen(mistake) : (int)text.len,
				mistake ? mistake : text.ptr);
	}
}

/* It came no farther than somewhere into an answer. */
static void ws_connect_note_no_answer(struct ws *ws, struct lws *wsi, struct slice text)
{
	uint64_t n = ws_answer_size(&ws->answer, lws_get_socket_fd(wsi));

	if (ws_answer_is_too_long(n, ws->options.tls))
		ws_connect_note_too_long(ws);
	else if (slice_starts_with(text, SLICE("problems parsing header")))
		WS_CONNECT_NOTE(ws,
				"the answer of %s port %u cannot be read: it is not HTTP, or has "
				"more than about 80 headers",
				ws->address, ws->options.port);
	else if (slice_starts_with(text, SLICE("HS: URI missing")))
		WS_CONNECT_NOTE(ws,
				"no WebSocket at %s port %u: its answer does not begin with "
				"\"HTTP/1.1 \" and a status",
				ws->address, ws->options.port);
	else
		WS_CONNECT_NOTE(ws, "no WebSocket at %s port %u: closed without an HTTP answer%s",
				ws->address, ws->options.port,
				ws->options.tls ? "" : " (the port may want wss://)");
}

/* Why TCP failed: the socket still knows it, libwebsockets' text does not. */
static const char *ws_connect_errno(struct lws *wsi)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_ERROR, &error, &len) < 0 || !error)
		return "refused";
	return strerror(error);
}

static void ws_connect_note_failure(struct ws *ws, struct lws *wsi, struct slice text)
{
	ws_tls_listen(ws, wsi);
	if (*ws->cause_text) {
		WS_CONNECT_NOTE_AS(ws, ws->cause, "%s", ws->cause_text);
		return;
	}
	switch (ws->rank) {
	case WS_RANK_UNREACHED:
		WS_CONNECT_NOTE(ws, "cannot connect to %s port %u: %s", ws->address,
				ws->options.port, ws_connect_errno(wsi));
		break;
	case WS_RANK_TLS:
		WS_CONNECT_NOTE_AS(ws, WS_TLS,
				   "no TLS at %s port %u: closed during the handshake (is the url "
				   "ws:// ?)",
				   ws->address, ws->options.port);
		break;
	case WS_RANK_CONNECTED:
		ws_connect_note_no_answer(ws, wsi, text);
		break;
	case WS_RANK_ANSWERED:
		ws_connect_note_answer(ws, text);
		break;
	}
}

void ws_connect_failed(struct ws *ws, struct lws *wsi, struct slice text)
{
	ws_connect_note_failure(ws, wsi, text);
	lws_set_opaque_user_data(wsi, NULL);
	ws->wsi = NULL;
	if (!ws->starting)
		ws_route_note(ws->route, &ws->addresses.items[ws->next - 1], false);
	/* Inside connect the caller goes on; else the next attempt waits until this one is closed.
	 */
	if (!ws->starting)
		ws_set_timer(ws, 0);
	ws->starting = false;
}
