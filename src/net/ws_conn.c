/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: the established connection
 *
 * Happy path: pieces are joined to messages, frames leave in batches, pings are
 * answered, a PING of our own goes out after ping_interval of silence.
 * Failure modes: a message over the limit (CLOSE 1009), a frame against the rules
 * (1002), the peer's CLOSE, end of file, silence (ws_life.c).
 */

#include "net/tcp_count.h"
#include "net/ws_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

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

/* ---- the end ---- */

void ws_conn_on_timer(struct ws *ws)
{
	if (ws->state == WS_STATE_OPEN) {
		ws_life_check(ws);
		return;
	}
	/* The peer has not answered our CLOSE frame, or does not even read it. */
	ws_drop(ws);
	ws_over(ws);
}

/* A peer's code is sent back, unless nobody may send it (RFC 6455 §7.4). */
static unsigned ws_conn_echo(unsigned code)
{
	bool is_sent =
		(code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
		(code >= 3000 && code <= 4999);

	return is_sent ? code : LWS_CLOSE_STATUS_PROTOCOL_ERR;
}

static void ws_conn_on_peer_close(struct ws *ws, struct slice body)
{
	const unsigned char *bytes = (const unsigned char *)body.ptr;
	char reason[WS_FRAME_MAX_CONTROL] = "";
	size_t n = body.len > 2 ? body.len - 2 : 0;
	unsigned code = body.len < 2 ? 0 : (unsigned)bytes[0] << 8 | bytes[1];

	ws->peer_closes = ws->unreadable = true;
	if (ws->state != WS_STATE_OPEN) {
		/* It was the answer to ours, or is as good as one. */
		ws_drop(ws);
		ws_over(ws);
		return;
	}
	/* Chosen by a stranger, and bound for logs and terminals. */
	for (size_t i = 0; i < n; i++)
		reason[i] = bytes[2 + i] >= ' ' && bytes[2 + i] <= '~' ? (char)bytes[2 + i] : '?';
	if (body.len < 2)
		ws_set_end(ws, WS_CLOSED, "closed by the router, without a reason");
	else
		ws_set_end(ws, WS_CLOSED, "closed by the router: code %u%s%s", code, n ? ", " : "",
			   reason);
	ws_start_closing(ws, code ? ws_conn_echo(code) : 0);
}

static void ws_conn_say_lost(struct ws *ws, int error)
{
	const char *why = *ws->cause_text ? ws->cause_text : error ? strerror(-error) : "";

	ws_set_end(ws, WS_TRANSPORT, "connection lost%s%.200s", *why ? ": " : "", why);
}

void ws_conn_on_closed(struct ws *ws)
{
	if (ws->state == WS_STATE_OPEN) {
		ws_tls_listen(ws, ws->wsi);
		ws_conn_say_lost(ws, 0);
	}
	ws_over(ws);
}

void ws_conn_on_end(struct ws *ws, int error)
{
	if (ws->state == WS_STATE_OPEN)
		ws_conn_say_lost(ws, error);
	ws_drop(ws);
	ws_over(ws);
}

/* ---- receiving ---- */

int ws_conn_on_open(struct ws *ws)
{
	ws_read_take_over(ws);
	/* As a failure of this address: the next one may be better. */
	if (!ws_connect_fits(ws))
		return -1;
	ws->state = WS_STATE_OPEN;
	ws->has_opened = true;
	uv_timer_stop(&ws->timer);
	if (ws_read_start(ws) < 0) {
		ws_set_end(ws, WS_TRANSPORT, "out of memory or file descriptors");
		ws_break(ws_detach(ws));
		ws_over(ws);
		return -1;
	}
	ws_life_start(ws);
	ws_conn_enter(ws);
	ws->ops->on_open(ws, ws->owner);
	return ws_conn_leave(ws);
}

static void ws_conn_deliver(struct ws *ws, struct slice message)
{
	ws->turn.n_messages--;
	ws->ops->on_message(ws, ws->owner, message);
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

void ws_conn_refuse_frame(struct ws *ws)
{
	ws->unreadable = true;
	if (ws->state != WS_STATE_OPEN)
		return;
	ws_set_end(ws, WS_TRANSPORT, "the router broke the rules of WebSocket: it sent %s",
		   ws->parser.error);
	ws_start_closing(ws, LWS_CLOSE_STATUS_PROTOCOL_ERR);
}

int ws_conn_on_compression(struct ws *ws)
{
	return ws_inflate_new(&ws->inflate) < 0 ? -1 : 0;
}

/* The message is complete. */
static void ws_conn_finish(struct ws *ws)
{
	ws_conn_deliver(ws, buf_bytes(&ws->message));
	/* A long message is rare: its memory is not kept. */
	buf_clear(&ws->message);
	if (ws->message.cap > WS_READ_SIZE)
		buf_trim(&ws->message);
}

/* A piece has been added to the message, or could not be. */
static void ws_conn_added(struct ws *ws, bool last)
{
	if (ws->message.error)
		ws_conn_refuse_message(ws);
	else if (last)
		ws_conn_finish(ws);
}

size_t ws_conn_inflate(struct ws *ws, struct slice bytes, bool last)
{
	int r;

	if (ws->state != WS_STATE_OPEN)
		return 0;
	r = ws_inflate_add(ws->inflate, &bytes, last, &ws->message, &ws->turn.n_inflated);
	if (r == WS_INFLATE_MORE) {
		ws->inflating = true;
		ws->inflates_last = last;
		ws->n_to_inflate = bytes.len;
		return bytes.len;
	}
	if (r == -EBADMSG) {
		ws_set_end(ws, WS_TRANSPORT, "the router sent a message that cannot be inflated");
		ws_start_closing(ws, LWS_CLOSE_STATUS_INVALID_PAYLOAD);
		return 0;
	}
	ws_conn_added(ws, last);
	return 0;
}

/* Every ping is answered, unless so many come that the answers do not fit: then the latest are. */
static void ws_conn_on_ping(struct ws *ws, struct slice payload)
{
	unsigned char frame[WS_FRAME_MAX_HEADER + WS_FRAME_MAX_CONTROL];
	unsigned char *end =
		ws_frame_put(frame, WS_FRAME_PONG, payload, (uint32_t)rng_next(&ws->context->rng));

	if (ws->state != WS_STATE_OPEN)
		return;
	if (buf_len(&ws->pongs) + (size_t)(end - frame) > WS_MAX_PONGS)
		buf_clear(&ws->pongs);
	buf_append(&ws->pongs, frame, (size_t)(end - frame));
	(void)lws_callback_on_writable(ws->wsi);
}

static void ws_conn_on_data(struct ws *ws, const struct ws_piece *piece)
{
	if (piece->first && piece->last && piece->payload.len <= ws->options.max_message) {
		ws_conn_deliver(ws, piece->payload);
		return;
	}
	buf_append_slice(&ws->message, piece->payload);
	ws_conn_added(ws, piece->last);
}

size_t ws_conn_on_piece(struct ws *ws, const struct ws_piece *piece)
{
	switch (piece->opcode) {
	case WS_FRAME_PING:
		ws_conn_on_ping(ws, piece->payload);
		return 0;
	case WS_FRAME_PONG:
		return 0;
	case WS_FRAME_CLOSE:
		ws_conn_on_peer_close(ws, piece->payload);
		return 0;
	case WS_FRAME_CONTINUATION:
	case WS_FRAME_TEXT:
	case WS_FRAME_BINARY:
		break;
	}
	if (piece->compressed)
		return ws_conn_inflate(ws, piece->payload, piece->last);
	/* While the connection ends messages are of no interest. */
	if (ws->state == WS_STATE_OPEN)
		ws_conn_on_data(ws, piece);
	return 0;
}

/* ---- sending ---- */

static unsigned char *ws_conn_put(struct ws *ws, unsigned char *to, enum ws_frame_opcode opcode,
				  struct slice payload)
{
	return ws_frame_put(to, opcode, payload, (uint32_t)rng_next(&ws->context->rng));
}

/* Control frames that are due, in one write, between the messages. */
static void ws_conn_send_control(struct ws *ws)
{
	unsigned char *start = ws->context->batch + LWS_PRE, *end = start;
	char code[] = {(char)(ws->close_code >> 8), (char)ws->close_code};
	struct slice pongs = buf_bytes(&ws->pongs);

	if (pongs.len)
		memcpy(end, pongs.ptr, pongs.len);
	end += pongs.len;
	buf_clear(&ws->pongs);
	if (ws->ping_wanted)
		end = ws_conn_put(ws, end, WS_FRAME_PING, SLICE(""));
	ws->ping_wanted = false;
	if (ws->state == WS_STATE_CLOSING && !ws->close_sent) {
		end = ws_conn_put(ws, end, WS_FRAME_CLOSE,
				  (struct slice){code, ws->close_code ? sizeof(code) : 0});
		ws->close_sent = true;
	}
	if (end == start || lws_write(ws->wsi, start, (size_t)(end - start), LWS_WRITE_HTTP) >= 0)
		return;
	if (ws->state == WS_STATE_OPEN)
		ws_set_end(ws, WS_TRANSPORT, "connection lost: it cannot be written to");
	ws->doomed = true;
}

int ws_conn_on_writable(struct ws *ws)
{
	ws_conn_enter(ws);
	if (!lws_partial_buffered(ws->wsi))
		ws_conn_send_control(ws);
	/* The peer's CLOSE frame is answered: that was all. */
	if (ws->peer_closes && ws->close_sent && !lws_partial_buffered(ws->wsi))
		ws->doomed = true;
	if (ws->state == WS_STATE_OPEN && !ws->doomed && !lws_partial_buffered(ws->wsi))
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
static int ws_conn_write(struct ws *ws, unsigned char *bytes, size_t n, bool is_secret)
{
	int r = lws_write(ws->wsi, bytes, n, LWS_WRITE_HTTP);

	ws->n_written = n;
	/* Masked is not hidden: the key lies beside it. */
	if (is_secret)
		explicit_bzero(bytes, n);
	return r < 0 ? -EPIPE : 0;
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
	return ws_conn_write(ws, start, (size_t)(end - start), frames->wipes);
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
	return ws_conn_write(ws, bytes + LWS_PRE, (size_t)(end - bytes) - LWS_PRE, frames->wipes);
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

size_t ws_unsent(const struct ws *ws)
{
	struct tcp_count count = {0};

	if (ws->state != WS_STATE_OPEN || ws->doomed)
		return 0;
	(void)!tcp_count(&count, ws->read_fd);
	return (size_t)count.n_unacked + (lws_partial_buffered(ws->wsi) ? ws->n_written : 0);
}
