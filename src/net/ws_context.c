/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: the process' libwebsockets context
 *
 * Created on the loop of somebody else, silent but for its warnings, and dealt
 * out: every callback goes to the ws that the connection belongs to. One that
 * has been detached is nobody's, and is closed at its next callback.
 */

#include "net/ws_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

/*
 * libwebsockets' tables are sized by this and not by the limit of file
 * descriptors, which may be a million. More connections at once are refused.
 */
#define WS_CONTEXT_MAX_CONNECTIONS 1024

/*
 * Deadlines are ours, on the loop's timers; libwebsockets' own must never come
 * first, since its timers need a poke and its retry path leaks a handle.
 */
#define WS_CONTEXT_NEVER_S	   36000
#define WS_CONTEXT_CONNECT_NEVER_S 18000

#define WS_CONTEXT_MAX_LOG 256

/* ---- log ---- */

/* libwebsockets' log is one for the process and passes no pointer of ours on. */
static void (*ws_context_log)(const char *line);

/* "[time] W: text\n" becomes "text". */
static void ws_context_on_log(int level, const char *line)
{
	const char *start = strstr(line, "] ");
	char text[WS_CONTEXT_MAX_LOG];

	(void)level;
	if (!ws_context_log)
		return;
	if (start && strlen(start) > 5 && start[3] == ':')
		line = start + 5;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\r\n"), line);
	if (*text)
		ws_context_log(text);
}

/* ---- callbacks ---- */

static int ws_context_on_connecting(struct ws *ws, struct lws *wsi,
				    enum lws_callback_reasons reason, struct slice in)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		ws_connect_reached(ws);
		return 0;
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		ws_connect_answered(ws, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		return ws_connect_is_agreed(ws, wsi) ? 0 : 1;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return ws_conn_on_open(ws);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
		ws_connect_failed(ws, wsi, in);
		return 0;
	default:
		return 0;
	}
}

static int ws_context_on_connected(struct ws *ws, enum lws_callback_reasons reason, struct slice in)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return ws_conn_on_bytes(ws, in);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return ws_conn_on_writable(ws);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws_conn_on_peer_close(ws, in);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
		ws_conn_on_closed(ws);
		return 0;
	default:
		return 0;
	}
}

static int ws_context_on_nobodys(enum lws_callback_reasons reason)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_RECEIVE:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		return -1;
	default:
		return 0;
	}
}

static int ws_context_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
			       void *in, size_t len)
{
	struct ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;
	struct slice bytes = {in ? in : "", in ? len : 0};

	(void)user;
	if (!ws)
		return ws_context_on_nobodys(reason);
	switch (ws->state) {
	case WS_STATE_RESOLVING:
	case WS_STATE_CONNECTING:
		return ws_context_on_connecting(ws, wsi, reason, bytes);
	case WS_STATE_OPEN:
	case WS_STATE_CLOSING:
		return ws_context_on_connected(ws, reason, bytes);
	case WS_STATE_OVER:
		break;
	}
	return 0;
}

/* ---- context ---- */

static const struct lws_protocols ws_context_protocols[] = {
	{
		.name = "ws",
		.callback = ws_context_callback,
		.rx_buffer_size = WS_READ_SIZE,
		.tx_packet_size = 2 * WS_BATCH_SIZE,
	},
	{0},
};

/* All zero: no pings of its own, no hang-up. */
static const lws_retry_bo_t ws_context_no_pings;

static int ws_context_create(struct ws_context *context)
{
	void *loops[] = {context->loop};
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = ws_context_protocols,
		.foreign_loops = loops,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.fd_limit_per_thread = WS_CONTEXT_MAX_CONNECTIONS,
		.pt_serv_buf_size = WS_READ_SIZE,
		.timeout_secs = WS_CONTEXT_NEVER_S,
		.connect_timeout_secs = WS_CONTEXT_CONNECT_NEVER_S,
		.retry_and_idle_policy = &ws_context_no_pings,
		/* Set, so that http_proxy of the environment is not looked at; port 0 is "no
		   proxy". */
		.http_proxy_address = "none:0",
	};

	/* Without the libuv plugin there is no context. */
	context->lws = lws_create_context(&info);
	if (!context->lws)
		return -ENOSYS;
	context->vhost = lws_create_vhost(context->lws, &info);
	return context->vhost ? 0 : -ENOMEM;
}

int ws_context_new(struct ws_context **ret, uv_loop_t *loop, void (*log)(const char *line))
{
	CLEANUP(mem_freep) unsigned char *batch = mem_realloc(NULL, LWS_PRE + WS_BATCH_SIZE);
	CLEANUP(mem_freep) struct ws_context *context = mem_alloc(sizeof(*context));
	int r;

	if (!context || !batch)
		return -ENOMEM;
	context->loop = loop;
	if (getrandom(&context->rng, sizeof(context->rng), 0) < 0)
		return -errno;
	ws_context_log = log;
	lws_set_log_level(LLL_ERR | LLL_WARN, ws_context_on_log);
	r = ws_context_create(context);
	if (r < 0) {
		if (context->lws)
			lws_context_destroy(context->lws);
		return r;
	}
	context->batch = TAKE(batch);
	*ret = TAKE(context);
	return 0;
}

void ws_context_stop(struct ws_context *context)
{
	lws_context_destroy(context->lws);
}

struct ws_context *ws_context_free(struct ws_context *context)
{
	if (!context)
		return NULL;
	lws_context_destroy(context->lws);
	lws_set_log_level(0, NULL);
	ws_context_log = NULL;
	mem_free(context->batch);
	return mem_free(context);
}
