/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: the established connection
 *
 * Happy path: pieces are joined to messages, frames leave in batches, a PING
 * goes out after ping_interval of silence.
 * Failure modes: a message over the limit (CLOSE 1009), the peer's CLOSE, end
 * of file, silence. Whatever the kernel received counts as a sign of life, not
 * only what became a whole message.
 */

#include "net/ws_internal.h"

#include "base/mem.h"
#include "net/ws_frame.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

/* Around each call of the owner from a callback of wsi; after it, -1 if the owner killed the ws. */
static void ws_conn_enter(struct ws *ws)
{
	ws->calling++;
}

static int ws_conn_leave(struct ws *ws)
{
	struct lws *wsi;

	ws->calling--;
	if (!ws->doomed)
		return 0;
	wsi = ws_detach(ws);
	ws_break(wsi);
	ws_over(ws);
	return -1;
}

/* ---- signs of life ---- */

/* Milliseconds since the kernel last received something. */
static uint64_t ws_conn_silence(const struct ws *ws)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(lws_get_socket_fd(ws->wsi), IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_last_data_recv;
}

static void ws_conn_ping(struct ws *ws)
{
	ws->pinging = ws->ping_wanted = true;
	ws->pinged_ms = uv_now(ws->context->loop);
	(void)lws_callback_on_writable(ws->wsi);
	ws_set_timer(ws, (uint64_t)ws->options.ping_timeout_s * 1000);
}

static void ws_conn_check_life(struct ws *ws)
{
	uint64_t silence = ws_conn_silence(ws);
	uint64_t interval = (uint64_t)ws->options.ping_interval_s * 1000;
	uint64_t waited = uv_now(ws->context->loop) - ws->pinged_ms;

	if (silence < interval) {
		ws->pinging = false;
		ws_set_timer(ws, interval - silence);
	} else if (ws->pinging && silence >= waited + interval / 2) {
		/* Silent since before the PING. (An answer to it makes both about equal: coarse
		 * clocks.) */
		ws_set_end(ws, WS_PING_TIMEOUT, "no sign of life for %u s, and no answer to a ping",
			   (unsigned)(silence / 1000));
		ws_drop(ws);
		ws_over(ws);
	} else {
		ws_conn_ping(ws);
	}
}

/* ---- the end ---- */

static void ws_conn_send_close(struct ws *ws)
{
	ws->close_sent = true;
	lws_close_reason(ws->wsi, (enum lws_close_status)ws->close_code, NULL, 0);
	/* On an open connection this "kill" sends the CLOSE frame and waits for the answer. */
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

static void ws_conn_go_on_closing(struct ws *ws)
{
	uint64_t now = uv_now(ws->context->loop);

	if (!ws->close_sent && !lws_partial_buffered(ws->wsi))
		ws_conn_send_close(ws);
	if (ws->state == WS_STATE_OVER)
		return;
	if (now < ws->close_ms) {
		ws_set_timer(ws, ws->close_ms - now);
		return;
	}
	ws_drop(ws);
	ws_over(ws);
}

void ws_conn_on_timer(struct ws *ws)
{
	if (ws->state == WS_STATE_OPEN)
		ws_conn_check_life(ws);
	else
		ws_conn_go_on_closing(ws);
}

void ws_conn_on_peer_close(struct ws *ws, struct slice body)
{
	const unsigned char *bytes = (const unsigned char *)body.ptr;
	char reason[124] = "";
	size_t n = body.len > 2 ? body.len - 2 : 0;

	if (ws->state != WS_STATE_OPEN)
		return;
	if (n >= sizeof(reason))
		n = sizeof(reason) - 1;
	/* Chosen by a stranger, and bound for logs and terminals. */
	for (size_t i = 0; i < n; i++)
		reason[i] = bytes[2 + i] >= ' ' && bytes[2 + i] <= '~' ? (char)bytes[2 + i] : '?';
	if (body.len < 2)
		ws_set_end(ws, WS_CLOSED, "closed by the router, without a reason");
	else
		ws_set_end(ws, WS_CLOSED, "closed by the router: code %u%s%s",
			   (unsigned)bytes[0] << 8 | bytes[1], n ? ", " : "", reason);
	/* libwebsockets answers the CLOSE; it gets as long as for one of our own. */
	ws->close_sent = true;
	ws->state = WS_STATE_CLOSING;
	ws->close_ms = uv_now(ws->context->loop) + ws->options.close_timeout_ms;
	ws_set_timer(ws, ws->options.close_timeout_ms);
}

void ws_conn_on_closed(struct ws *ws)
{
	if (ws->state == WS_STATE_OPEN) {
		ws_tls_listen(ws, ws->wsi);
		ws_set_end(ws, WS_TRANSPORT, "connection lost%s%.200s", *ws->cause_text ? ": " : "",
			   ws->cause_text);
	}
	ws_over(ws);
}

/* ---- receiving ---- */

/* The bit of a message's first frame that says "compressed" (RFC 7692 §6). */
#define WS_FRAME_RSV1 0x40

int ws_conn_on_open(struct ws *ws)
{
	ws->state = WS_STATE_OPEN;
	uv_timer_stop(&ws->timer);
	if (ws->options.ping_interval_s)
		ws_set_timer(ws, (uint64_t)ws->options.ping_interval_s * 1000);
	ws_conn_enter(ws);
	ws->ops->on_open(ws, ws->owner);
	return ws_conn_leave(ws);
}

static int ws_conn_deliver(struct ws *ws, struct slice message)
{
	ws_conn_enter(ws);
	ws->ops->on_message(ws, ws->owner, message);
	return ws_conn_leave(ws);
}

static void ws_conn_refuse_message(struct ws *ws)
{
	if (ws->message.error == -ENOMEM)
		ws_set_end(ws, WS_TRANSPORT, "out of memory for a message");
	else
		ws_set_end(ws, WS_TRANSPORT, "the router sent a message of more than %zu bytes",
			   ws->options.max_message);
	buf_done(&ws->message);
	ws_start_closing(ws, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
}

int ws_conn_on_compression(struct ws *ws)
{
	return ws_inflate_new(&ws->inflate) < 0 ? -1 : 0;
}

/* Adds a piece to the unfinished message; -1 if the connection cannot go on. */
static int ws_conn_add(struct ws *ws, struct slice bytes, bool last)
{
	int r = 0;

	if (ws->compressed)
		r = ws_inflate_add(ws->inflate, bytes, last, &ws->message);
	else
		buf_append_slice(&ws->message, bytes);
	if (r == -EBADMSG) {
		ws_set_end(ws, WS_TRANSPORT, "the router sent a message that cannot be inflated");
		ws_start_closing(ws, LWS_CLOSE_STATUS_INVALID_PAYLOAD);
		return -1;
	}
	if (!ws->message.error)
		return 0;
	ws_conn_refuse_message(ws);
	return -1;
}

int ws_conn_on_bytes(struct ws *ws, struct slice bytes)
{
	bool first = lws_is_first_fragment(ws->wsi);
	bool last = lws_is_final_fragment(ws->wsi);
	int r;

	if (ws->state != WS_STATE_OPEN)
		return 0;
	if (first)
		ws->compressed = ws->inflate && lws_get_reserved_bits(ws->wsi) & WS_FRAME_RSV1;
	if (first && last && !ws->compressed && bytes.len <= ws->options.max_message)
		return ws_conn_deliver(ws, bytes);
	if (ws_conn_add(ws, bytes, last) < 0)
		return 0;
	if (!last)
		return 0;
	r = ws_conn_deliver(ws, buf_bytes(&ws->message));
	/* A long message is rare: its memory is not kept. */
	buf_clear(&ws->message);
	if (ws->message.cap > WS_READ_SIZE)
		buf_trim(&ws->message);
	return r;
}

/* ---- sending ---- */

int ws_conn_on_writable(struct ws *ws)
{
	unsigned char frame[LWS_PRE + WS_FRAME_MAX_HEADER];
	unsigned char *start = frame + LWS_PRE, *end;

	if (ws->state == WS_STATE_CLOSING) {
		if (!ws->close_sent)
			ws_set_timer(ws, 0);
		return 0;
	}
	ws_conn_enter(ws);
	if (ws->ping_wanted) {
		ws->ping_wanted = false;
		end = ws_frame_put(start, WS_FRAME_PING, SLICE(""),
				   (uint32_t)rng_next(&ws->context->rng));
		if (lws_write(ws->wsi, start, (size_t)(end - start), LWS_WRITE_HTTP) < 0) {
			ws_set_end(ws, WS_TRANSPORT, "connection lost");
			ws->doomed = true;
		}
	}
	if (!ws->doomed && !lws_partial_buffered(ws->wsi))
		ws->ops->on_writable(ws, ws->owner);
	return ws_conn_leave(ws);
}

/* The message at the front of frames. */
static struct slice ws_conn_front(const struct buf *frames)
{
	struct slice all = buf_bytes(frames);
	uint32_t len;

	assert(all.len >= sizeof(len));
	memcpy(&len, all.ptr, sizeof(len));
	assert(all.len - sizeof(len) >= len);
	return (struct slice){all.ptr + sizeof(len), len};
}

/*
 * Hands finished frames to the socket in one piece. LWS_WRITE_HTTP makes
 * libwebsockets pass bytes on as they are, also on a WebSocket; it is not
 * documented for that, and the price of the documented way is one system call
 * a frame (a tenth of the speed). A write ends at the end of a frame, since
 * libwebsockets sends its own PONG and CLOSE frames between two writes.
 */
static int ws_conn_write(struct ws *ws, unsigned char *bytes, size_t n)
{
	return lws_write(ws->wsi, bytes, n, LWS_WRITE_HTTP) < 0 ? -EPIPE : 0;
}

/* Sends as many messages as fit one batch. */
static int ws_conn_send_batch(struct ws *ws, struct buf *frames)
{
	unsigned char *start = ws->context->batch + LWS_PRE, *end = start;

	while (buf_len(frames)) {
		struct slice message = ws_conn_front(frames);

		if (ws_frame_size(message.len) > WS_BATCH_SIZE - (size_t)(end - start))
			break;
		end = ws_frame_put(end, WS_FRAME_TEXT, message,
				   (uint32_t)rng_next(&ws->context->rng));
		buf_consume(frames, sizeof(uint32_t) + message.len);
	}
	return ws_conn_write(ws, start, (size_t)(end - start));
}

/* Sends a message that is longer than a batch. */
static int ws_conn_send_long(struct ws *ws, struct buf *frames)
{
	struct slice message = ws_conn_front(frames);
	CLEANUP(mem_freep)
	unsigned char *bytes = mem_realloc(NULL, LWS_PRE + ws_frame_size(message.len));
	unsigned char *end;

	if (!bytes)
		return -ENOMEM;
	end = ws_frame_put(bytes + LWS_PRE, WS_FRAME_TEXT, message,
			   (uint32_t)rng_next(&ws->context->rng));
	buf_consume(frames, sizeof(uint32_t) + message.len);
	return ws_conn_write(ws, bytes + LWS_PRE, (size_t)(end - bytes) - LWS_PRE);
}

int ws_send(struct ws *ws, struct buf *frames)
{
	int r = 0;

	assert(ws->calling);
	if (ws->state != WS_STATE_OPEN || ws->doomed)
		return -EPIPE;
	/* What the socket does not take is kept by libwebsockets: at most one batch, or one
	 * message. */
	while (r == 0 && buf_len(frames) && !lws_partial_buffered(ws->wsi)) {
		if (ws_frame_size(ws_conn_front(frames).len) > WS_BATCH_SIZE)
			r = ws_conn_send_long(ws, frames);
		else
			r = ws_conn_send_batch(ws, frames);
	}
	if (r < 0) {
		ws_set_end(ws, WS_TRANSPORT, "connection lost: %s",
			   r == -ENOMEM ? "out of memory" : "it cannot be written to");
		ws->doomed = true;
	}
	return r;
}
