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

/* After the last connection of a vhost that was dropped. */
#define WS_CONTEXT_SWEEP_MS 100

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
		/* "in" is where the pointer into the request is. */
		return ws_connect_reached(ws, wsi, (unsigned char **)(uintptr_t)in.ptr, in.len);
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		ws_connect_answered(ws, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		return ws_connect_is_agreed(ws, wsi) ? 0 : 1;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		ws->wsi = wsi;
		return ws_conn_on_open(ws);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		ws_read_early(ws, in);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_CLOSED:
		ws_connect_failed(ws, wsi, in);
		return 0;
	default:
		return 0;
	}
}

static int ws_context_on_connected(struct ws *ws, enum lws_callback_reasons reason)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return ws_conn_on_writable(ws);
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

static void ws_context_on_freed(struct lws *wsi);

static int ws_context_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
			       void *in, size_t len)
{
	struct ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;
	struct slice bytes = {in ? in : "", in ? len : 0};

	(void)user;
	if (reason == LWS_CALLBACK_WSI_DESTROY) {
		ws_context_on_freed(wsi);
		return 0;
	}
	if (!ws)
		return ws_context_on_nobodys(reason);
	switch (ws->state) {
	case WS_STATE_RESOLVING:
	case WS_STATE_CONNECTING:
		return ws_context_on_connecting(ws, wsi, reason, bytes);
	case WS_STATE_OPEN:
	case WS_STATE_CLOSING:
		return ws_context_on_connected(ws, reason);
	case WS_STATE_OVER:
		break;
	}
	return 0;
}

/* ---- compression ---- */

/*
 * permessage-deflate without libwebsockets' own: here it is only agreed upon,
 * messages are passed on as they came, and ws_conn.c inflates them. Ours go
 * out uncompressed, as the extension allows.
 */
static int ws_context_on_extension(struct lws_context *lws, const struct lws_extension *extension,
				   struct lws *wsi, enum lws_extension_callback_reasons reason,
				   void *user, void *in, size_t len)
{
	static const struct lws_ext_options parameters[] = {
		{"server_no_context_takeover", EXTARG_NONE},
		{"client_no_context_takeover", EXTARG_NONE},
		{"server_max_window_bits", EXTARG_OPT_DEC},
		{NULL, EXTARG_NONE},
	};
	struct ws *ws = lws_get_opaque_user_data(wsi);

	(void)lws, (void)extension, (void)user, (void)len;
	/* Agreed upon twice would make libwebsockets count beyond its table. */
	if (reason == LWS_EXT_CB_CLIENT_CONSTRUCT) {
		*(const struct lws_ext_options **)in = parameters;
		return ws && !ws->inflate ? ws_conn_on_compression(ws) : -1;
	}
	return 0;
}

static const struct lws_extension ws_context_extensions[] = {
	{
		.name = "permessage-deflate",
		.callback = ws_context_on_extension,
		.client_offer = "permessage-deflate",
	},
	{0},
};

/* ---- context ---- */

static const struct lws_protocols ws_context_protocols[] = {
	{
		.name = "ws",
		.callback = ws_context_callback,
		.rx_buffer_size = 1, /* frames are read by ws_read.c */
		.tx_packet_size = 2 * WS_BATCH_SIZE,
	},
	{0},
};

/* All zero: no pings of its own, no hang-up. */
static const lws_retry_bo_t ws_context_no_pings;

/* What the context and every vhost of it have in common. */
static struct lws_context_creation_info ws_context_info(void)
{
	return (struct lws_context_creation_info){
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = ws_context_protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.fd_limit_per_thread = WS_CONTEXT_MAX_CONNECTIONS,
		.pt_serv_buf_size = WS_READ_SIZE,
		.max_http_header_data = WS_ANSWER_LWS_SIZE,
		.timeout_secs = WS_CONTEXT_NEVER_S,
		.connect_timeout_secs = WS_CONTEXT_CONNECT_NEVER_S,
		.retry_and_idle_policy = &ws_context_no_pings,
		/* Set, so that http_proxy of the environment is not looked at; port 0 is "no
		   proxy". */
		.http_proxy_address = "none:0",
	};
}

static int ws_context_create(struct ws_context *context)
{
	void *loops[] = {context->loop};
	struct lws_context_creation_info info = ws_context_info();

	info.foreign_loops = loops;
	info.user = context;
	info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	/* Without the libuv plugin there is no context. */
	context->lws = lws_create_context(&info);
	if (!context->lws)
		return -ENOSYS;
	return 0;
}

static struct lws_vhost *ws_context_new_vhost(struct ws_context *context, SSL_CTX *ssl_ctx,
					      bool compression)
{
	struct lws_context_creation_info info = ws_context_info();
	char name[32];

	/* A name of its own: libwebsockets shares things of vhosts with the same name and port. */
	snprintf(name, sizeof(name), "%u", context->n_vhosts++);
	info.vhost_name = name;
	if (compression)
		info.extensions = ws_context_extensions;
	/* Else without that option, or it would load the system's authorities for nobody. */
	if (ssl_ctx) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.provided_client_ssl_ctx = ssl_ctx;
	}
	return lws_create_vhost(context->lws, &info);
}

static struct ws_vhost *ws_context_add_vhost(struct ws_context *context, struct ws_tls *tls,
					     bool compression)
{
	struct ws_vhost *v = mem_alloc(sizeof(*v));

	if (!v)
		return NULL;
	list_init(&v->of_tls);
	v->context = context;
	v->tls = tls;
	v->compression = compression;
	v->ssl_ctx = tls ? ws_tls_take_ssl_ctx(tls) : NULL;
	v->lws = ws_context_new_vhost(context, v->ssl_ctx, compression);
	if (!v->lws) {
		ws_tls_give_ssl_ctx(v->ssl_ctx);
		return mem_free(v);
	}
	list_append(&context->vhosts, &v->of_context);
	if (tls)
		ws_tls_add_vhost(tls, v);
	return v;
}

struct ws_vhost *ws_context_vhost(struct ws_context *context, struct ws_tls *tls, bool compression)
{
	list_for_each (i, &context->vhosts) {
		struct ws_vhost *v = CONTAINER_OF(i, struct ws_vhost, of_context);

		if (v->tls == tls && v->compression == compression && !v->is_dropped)
			return v;
	}
	return ws_context_add_vhost(context, tls, compression);
}

static void ws_context_free_vhost(struct ws_vhost *v)
{
	list_unlink(&v->of_context);
	list_unlink(&v->of_tls);
	ws_tls_give_ssl_ctx(v->ssl_ctx);
	mem_free(v);
}

/*
 * libwebsockets 4.1.6 keeps a vhost for good that is destroyed while a connection of it is not
 * freed; and a connection is freed a little after it was closed.
 */
static void ws_context_on_sweep(uv_timer_t *timer)
{
	struct ws_context *context = CONTAINER_OF(timer, struct ws_context, sweep);

	list_for_each_safe (i, &context->vhosts) {
		struct ws_vhost *v = CONTAINER_OF(i, struct ws_vhost, of_context);

		if (!v->is_dropped || v->n_wsi)
			continue;
		lws_vhost_destroy(v->lws);
		ws_context_free_vhost(v);
	}
}

static void ws_context_sweep_soon(struct ws_context *context)
{
	if (!context->has_stopped)
		uv_timer_start(&context->sweep, ws_context_on_sweep, WS_CONTEXT_SWEEP_MS, 0);
}

void ws_context_drop_vhost(struct ws_vhost *v)
{
	list_unlink(&v->of_tls);
	v->is_dropped = true;
	ws_context_sweep_soon(v->context);
}

/* libwebsockets is about to free a connection. */
static void ws_context_on_freed(struct lws *wsi)
{
	struct ws_context *context = lws_context_user(lws_get_context(wsi));

	list_for_each (i, &context->vhosts) {
		struct ws_vhost *v = CONTAINER_OF(i, struct ws_vhost, of_context);

		if (v->lws != lws_get_vhost(wsi) || !v->n_wsi)
			continue;
		if (--v->n_wsi == 0 && v->is_dropped)
			ws_context_sweep_soon(context);
		return;
	}
}

/* From now on they belong to libwebsockets' context alone. */
static void ws_context_keep_vhosts(struct ws_context *context)
{
	list_for_each (i, &context->vhosts)
		list_unlink(&CONTAINER_OF(i, struct ws_vhost, of_context)->of_tls);
}

int ws_context_new(struct ws_context **ret, uv_loop_t *loop, void (*log)(const char *line))
{
	CLEANUP(mem_freep) unsigned char *batch = mem_realloc(NULL, LWS_PRE + WS_BATCH_SIZE);
	CLEANUP(mem_freep) char *read_buffer = mem_realloc(NULL, WS_READ_SIZE);
	CLEANUP(mem_freep) struct ws_context *context = mem_alloc(sizeof(*context));
	int r;

	if (!context || !batch || !read_buffer)
		return -ENOMEM;
	context->loop = loop;
	list_init(&context->vhosts);
	ws_routes_init(&context->routes, loop);
	if (getrandom(&context->rng, sizeof(context->rng), 0) < 0)
		return -errno;
	ws_context_log = log;
	lws_set_log_level(LLL_ERR | LLL_WARN, ws_context_on_log);
	r = ws_context_create(context);
	if (r < 0)
		return r;
	uv_timer_init(loop, &context->sweep);
	uv_unref((uv_handle_t *)&context->sweep);
	context->batch = TAKE(batch);
	context->read_buffer = TAKE(read_buffer);
	*ret = TAKE(context);
	return 0;
}

void ws_context_stop(struct ws_context *context)
{
	context->has_stopped = true;
	uv_close((uv_handle_t *)&context->sweep, NULL);
	ws_routes_stop(&context->routes);
	ws_context_keep_vhosts(context);
	lws_context_destroy(context->lws);
}

struct ws_context *ws_context_free(struct ws_context *context)
{
	if (!context)
		return NULL;
	lws_context_destroy(context->lws);
	lws_set_log_level(0, NULL);
	ws_context_log = NULL;
	list_for_each_safe (i, &context->vhosts)
		ws_context_free_vhost(CONTAINER_OF(i, struct ws_vhost, of_context));
	ws_routes_done(&context->routes);
	mem_free(context->batch);
	mem_free(context->read_buffer);
	return mem_free(context);
}
