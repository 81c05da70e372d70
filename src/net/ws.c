/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: the life of one attempt
 *
 * A ws ends once, whoever ends it, in ws_over(); its memory goes when its
 * handles are closed. Nobody is called from
 * ws_open().
 */

#include "net/ws_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

static struct ws *ws_free(struct ws *ws)
{
	buf_done(&ws->message);
	buf_done(&ws->rest);
	buf_done(&ws->pongs);
	ws_inflate_free(ws->inflate);
	ws_tls_release(ws->options.tls);
	ws_request_done(&ws->options);
	return mem_free(ws);
}

DEFINE_CLEANUP(struct ws *, ws_free);

void ws_on_handle_closed(uv_handle_t *handle)
{
	struct ws *ws = handle->data;

	if (--ws->n_handles == 0)
		ws_free(ws);
}

/* The handles that every ws has; it is closed by the loop from now on. */
static void ws_init_handles(struct ws *ws)
{
	uv_timer_init(ws->context->loop, &ws->timer);
	uv_idle_init(ws->context->loop, &ws->go_on);
	ws->timer.data = ws->go_on.data = ws->poll.data = ws;
	ws->n_handles = 2;
}

static void ws_on_timer(uv_timer_t *timer)
{
	struct ws *ws = CONTAINER_OF(timer, struct ws, timer);

	switch (ws->state) {
	case WS_STATE_RESOLVING:
	case WS_STATE_CONNECTING:
		ws_connect_on_timer(ws);
		return;
	case WS_STATE_OPEN:
	case WS_STATE_CLOSING:
		ws_conn_on_timer(ws);
		return;
	case WS_STATE_OVER:
		return;
	}
}

void ws_set_timer(struct ws *ws, uint64_t ms)
{
	if (ws->state != WS_STATE_OVER)
		uv_timer_start(&ws->timer, ws_on_timer, ms, 0);
}

void ws_set_end(struct ws *ws, enum ws_reason reason, const char *format, ...)
{
	va_list args;

	ws->reason = reason;
	va_start(args, format);
	vsnprintf(ws->text, sizeof(ws->text), format, args);
	va_end(args);
}

int ws_open(struct ws **ret, struct ws_context *context, const struct ws_options *options,
	    const struct ws_ops *ops, void *owner)
{
	CLEANUP(ws_freep) struct ws *ws = mem_alloc(sizeof(*ws));
	int r;

	if (!ws)
		return -ENOMEM;
	ws->context = context;
	ws->ops = ops;
	ws->owner = owner;
	buf_init(&ws->message, options->max_message);
	buf_init(&ws->pongs, WS_MAX_PONGS);
	ws_tls_hold(options->tls);
	r = ws_request_init(&ws->options, options);
	if (r == 0)
		r = ws_connect_start(ws);
	if (r < 0)
		return r;
	ws_init_handles(ws);
	ws_connect_begin(ws);
	ws_tls_enter(ws);
	*ret = TAKE(ws);
	return 0;
}

struct lws *ws_detach(struct ws *ws)
{
	struct lws *wsi = TAKE(ws->wsi);

	if (wsi)
		lws_set_opaque_user_data(wsi, NULL);
	return wsi;
}

void ws_break(struct lws *wsi)
{
	shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
}

void ws_drop(struct ws *ws)
{
	struct lws *wsi = ws_detach(ws);

	if (!wsi)
		return;
	ws_break(wsi);
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

void ws_over(struct ws *ws)
{
	if (ws->state == WS_STATE_OVER)
		return;
	ws->state = WS_STATE_OVER;
	(void)ws_detach(ws);
	ws_tls_leave(ws);
	ws_connect_leave(ws);
	ws_read_stop(ws);
	uv_close((uv_handle_t *)&ws->timer, ws_on_handle_closed);
	uv_close((uv_handle_t *)&ws->go_on, ws_on_handle_closed);
	ws->ops->on_over(ws, ws->owner, ws->reason, ws->text);
}

void ws_kill(struct ws *ws)
{
	if (ws->state == WS_STATE_OVER || ws->doomed)
		return;
	/* A connection that is ending already keeps its own reason. */
	if (ws->state != WS_STATE_CLOSING)
		ws_set_end(ws, WS_CLOSED, "closed by this side");
	if (ws->calling) {
		ws->doomed = true;
		return;
	}
	ws_drop(ws);
	ws_over(ws);
}

void ws_start_closing(struct ws *ws, unsigned close_code)
{
	ws->state = WS_STATE_CLOSING;
	ws->close_code = close_code;
	ws_set_timer(ws, ws->options.close_timeout_ms);
	(void)lws_callback_on_writable(ws->wsi);
	/* The peer's answer must be heard. */
	ws_read_resume(ws);
}

void ws_close(struct ws *ws)
{
	if (ws->state == WS_STATE_CLOSING || ws->doomed)
		return;
	if (ws->state != WS_STATE_OPEN) {
		ws_kill(ws);
		return;
	}
	ws_set_end(ws, WS_CLOSED, "closed by this side");
	ws_start_closing(ws, LWS_CLOSE_STATUS_NORMAL);
}

void ws_want_write(struct ws *ws)
{
	if (ws->state == WS_STATE_OPEN && ws->wsi)
		(void)lws_callback_on_writable(ws->wsi);
}
