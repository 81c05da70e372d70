/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: what an established connection receives
 *
 * libwebsockets makes the connection and writes; from then on its own reading
 * is switched off, and this file reads the socket, or OpenSSL. So no control
 * frame is lost, and one connection gets only so much work a turn of the loop,
 * whatever a router sends: a segment of a thousand small messages, or a few
 * bytes that inflate to megabytes. What is left over waits in "rest", and so
 * does everything while the owner wants nothing read.
 *
 * The descriptor is a copy: two watchers of the loop on one are not safe.
 */

#include "net/ws_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one connection may cost in one turn of the loop; the rest of it follows in the next. */
#define WS_READ_TURN_BYTES    (128u << 10)
#define WS_READ_TURN_MESSAGES 64
#define WS_READ_TURN_INFLATED (256u << 10)

/* ---- when ---- */

static bool ws_read_is_wanted(const struct ws *ws)
{
	return (ws->state == WS_STATE_OPEN || ws->state == WS_STATE_CLOSING) && !ws->doomed &&
	       !ws->paused;
}

static bool ws_read_has_turn(const struct ws *ws)
{
	return ws_read_is_wanted(ws) && ws->turn.n_bytes && ws->turn.n_messages &&
	       ws->turn.n_inflated;
}

static void ws_read_on_socket(uv_poll_t *poll, int status, int events);
static void ws_read_on_idle(uv_idle_t *idle);

/* Waits for the socket; or, with something left over, for the next turn; or for nothing. */
static void ws_read_arm(struct ws *ws)
{
	bool is_left = buf_len(&ws->rest) || ws->inflating || ws_read_is_pending(ws);

	if (!ws->has_poll || ws->state == WS_STATE_OVER)
		return;
	if (ws_read_is_wanted(ws) && is_left)
		uv_idle_start(&ws->go_on, ws_read_on_idle);
	else
		uv_idle_stop(&ws->go_on);
	if (ws_read_is_wanted(ws) && !is_left)
		uv_poll_start(&ws->poll, UV_READABLE, ws_read_on_socket);
	else
		uv_poll_stop(&ws->poll);
}

/* ---- bytes ---- */

bool ws_read_is_pending(const struct ws *ws)
{
	return ws->options.tls && ws->wsi && ws_tls_is_pending(lws_get_ssl(ws->wsi));
}

static ssize_t ws_read_some(struct ws *ws, char *to, size_t size)
{
	ssize_t n;

	if (ws->options.tls)
		return ws_tls_read(lws_get_ssl(ws->wsi), to, size);
	n = recv(ws->read_fd, to, size, 0);
	return n < 0 ? -errno : n;
}

/* Goes on with the piece that the bytes begin with; returns how many of them are done with. */
static size_t ws_read_inflate(struct ws *ws, const char *bytes)
{
	size_t n = ws->n_to_inflate;

	ws->inflating = false;
	return n - ws_conn_inflate(ws, (struct slice){bytes, n}, ws->inflates_last);
}

/* Takes received bytes as far as this turn goes; returns how many are done with. */
static size_t ws_read_feed(struct ws *ws, char *bytes, size_t n)
{
	size_t used = 0;

	while (ws_read_has_turn(ws)) {
		struct ws_piece piece;
		size_t taken;
		int r;

		if (ws->inflating) {
			assert(ws->n_to_inflate <= n - used);
			used += ws_read_inflate(ws, bytes + used);
			continue;
		}
		r = ws_parser_next(&ws->parser, bytes + used, n - used, &taken, &piece);
		used += taken;
		if (r == WS_PARSER_HUNGRY)
			break;
		if (r < 0)
			ws_conn_refuse_frame(ws);
		else
			used -= ws_conn_on_piece(ws, &piece);
	}
	/* Behind a broken rule, or a message that is too long, nothing has a meaning. */
	return ws->unreadable ? n : used;
}

static void ws_read_serve_rest(struct ws *ws)
{
	struct slice rest = buf_bytes(&ws->rest);

	if (rest.len || ws->inflating)
		buf_consume(&ws->rest, ws_read_feed(ws, ws->rest.data + ws->rest.head, rest.len));
	if (!buf_len(&ws->rest))
		buf_trim(&ws->rest);
}

/* Reads once; whether there may be more to read in this turn. */
static bool ws_read_once(struct ws *ws)
{
	char *bytes = ws->context->read_buffer;
	ssize_t n = ws_read_some(ws, bytes, WS_READ_SIZE);
	size_t used;

	if (n == -EAGAIN || n == -EINTR)
		return false;
	if (n <= 0) {
		ws_conn_on_end(ws, (int)n);
		return false;
	}
	ws->received_ms = uv_now(ws->context->loop);
	ws->turn.n_bytes -= (size_t)n < ws->turn.n_bytes ? (size_t)n : ws->turn.n_bytes;
	/* Nothing but the end is waited for. */
	if (ws->unreadable)
		return true;
	used = ws_read_feed(ws, bytes, (size_t)n);
	buf_append(&ws->rest, bytes + used, (size_t)n - used);
	if (ws->rest.error)
		ws_conn_on_end(ws, ws->rest.error);
	return used == (size_t)n;
}

static void ws_read_turn(struct ws *ws)
{
	ws->turn = (struct ws_turn){
		.n_bytes = WS_READ_TURN_BYTES,
		.n_messages = WS_READ_TURN_MESSAGES,
		.n_inflated = WS_READ_TURN_INFLATED,
	};
	ws_read_serve_rest(ws);
	while (ws_read_has_turn(ws) && !buf_len(&ws->rest) && !ws->inflating)
		if (!ws_read_once(ws))
			break;
	ws_read_arm(ws);
}

static void ws_read_on_socket(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	/* An error of the socket is told by reading it. */
	ws_read_turn(CONTAINER_OF(poll, struct ws, poll));
}

static void ws_read_on_idle(uv_idle_t *idle)
{
	ws_read_turn(CONTAINER_OF(idle, struct ws, go_on));
}

/* ---- life ---- */

/*
 * Frames that came with the HTTP answer are in libwebsockets' hands. An answer that says that it
 * has a body would confuse it; no router sends both.
 */
void ws_read_take_over(struct ws *ws)
{
	char *bytes = NULL;
	int n = 0;

	buf_done(&ws->rest);
	buf_init(&ws->rest, (size_t)2 * WS_READ_SIZE);
	if (!ws->answer.has_body)
		(void)lws_http_client_read(ws->wsi, &bytes, &n);
	(void)lws_rx_flow_control(ws->wsi, 0);
}

int ws_read_start(struct ws *ws)
{
	ws->parser.deflates = ws->inflate;
	ws->received_ms = uv_now(ws->context->loop);
	ws->read_fd = fcntl(lws_get_socket_fd(ws->wsi), F_DUPFD_CLOEXEC, 0);
	if (ws->read_fd < 0)
		return -errno;
	if (uv_poll_init(ws->context->loop, &ws->poll, ws->read_fd) < 0) {
		close(ws->read_fd);
		return -ENOMEM;
	}
	ws->has_poll = true;
	ws->n_handles++;
	ws_read_arm(ws);
	return ws->rest.error;
}

void ws_read_early(struct ws *ws, struct slice bytes)
{
	buf_append_slice(&ws->rest, bytes);
}

void ws_read_resume(struct ws *ws)
{
	ws->paused = false;
	ws_read_arm(ws);
}

void ws_set_reading(struct ws *ws, bool reading)
{
	/* A connection that ends must hear the peer's answer. */
	bool paused = !reading && ws->state != WS_STATE_CLOSING;

	/* Cheap, since it may be said every turn. */
	if (ws->paused == paused)
		return;
	ws->paused = paused;
	ws_read_arm(ws);
}

void ws_read_stop(struct ws *ws)
{
	if (!ws->has_poll)
		return;
	uv_poll_stop(&ws->poll);
	close(ws->read_fd);
	uv_close((uv_handle_t *)&ws->poll, ws_on_handle_closed);
}
