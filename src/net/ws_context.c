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
		/* "in" is where the pointer into the request is. */
		return ws_connect_reached(ws, wsi, (unsigned char **)(uintptr_t)in.ptr, in.len);
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
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		ws_read_early(ws, in);
		return 0;
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

/*
 * The vhost of one session's TLS settings. libwebsockets' own contexts of TLS
 * would be shared by the names of the files, whatever is in them by now.
 */
struct ws_context_vhost {
	struct list node;
	struct ws_tls *tls;
	bool compression;
	struct lws_vhost *vhost;
};

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
	struct lws_context_creation_info info = ws_context_info(), with_tls = info;

	with_tls.foreign_loops = loops;
	with_tls.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	/* Without the libuv plugin there is no context. */
	context->lws = lws_create_context(&with_tls);
	if (!context->lws)
		return -ENOSYS;
	/* Without that option, or it would load the system's authorities for nobody. */
	context->vhost = lws_create_vhost(context->lws, &info);
	return context->vhost ? 0 : -ENOMEM;
}

static struct lws_vhost *ws_context_new_vhost(struct ws_context *context, struct ws_tls *tls,
					      bool compression)
{
	struct lws_context_creation_info info = ws_context_info();
	char name[32];

	/* A name of its own: libwebsockets shares things of vhosts with the same name and port. */
	snprintf(name, sizeof(name), "%u", context->n_vhosts++);
	info.vhost_name = name;
	if (compression)
		info.extensions = ws_context_extensions;
	if (tls) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.provided_client_ssl_ctx = ws_tls_ssl_ctx(tls);
	}
	return lws_create_vhost(context->lws, &info);
}

struct lws_vhost *ws_context_vhost(struct ws_context *context, struct ws_tls *tls, bool compression)
{
	CLEANUP(mem_freep) struct ws_context_vhost *v = NULL;
	struct lws_vhost *vhost;

	if (!tls && !compression)
		return context->vhost;
	for (struct list *l = context->vhosts.next; l != &context->vhosts; l = l->next) {
		struct ws_context_vhost *known = CONTAINER_OF(l, struct ws_context_vhost, node);

		if (known->tls == tls && known->compression == compression)
			return known->vhost;
	}
	v = mem_alloc(sizeof(*v));
	if (!v)
		return NULL;
	vhost = ws_context_new_vhost(context, tls, compression);
	if (!vhost)
		return NULL;
	*v = (struct ws_context_vhost){.tls = tls, .compression = compression, .vhost = vhost};
	list_append(&context->vhosts, &TAKE(v)->node);
	return vhost;
}

static void ws_context_free_vhosts(struct ws_context *context)
{
	while (!list_is_empty(&context->vhosts)) {
		struct list *node = context->vhosts.next;

		list_unlink(node);
		mem_free(CONTAINER_OF(node, struct ws_context_vhost, node));
	}
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
	if (r < 0) {
		if (context->lws)
			lws_context_destroy(context->lws);
		return r;
	}
	context->batch = TAKE(batch);
	context->read_buffer = TAKE(read_buffer);
	*ret = TAKE(context);
	return 0;
}

void ws_context_stop(struct ws_context *context)
{
	ws_routes_stop(&context->routes);
	lws_context_destroy(context->lws);
}

struct ws_context *ws_context_free(struct ws_context *context)
{
	if (!context)
		return NULL;
	lws_context_destroy(context->lws);
	lws_set_log_level(0, NULL);
	ws_context_log = NULL;
	ws_context_free_vhosts(context);
	ws_routes_done(&context->routes);
	mem_free(context->batch);
	mem_free(context->read_buffer);
	return mem_free(context);
}
