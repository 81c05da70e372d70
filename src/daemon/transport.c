/* SPDX-License-Identifier: MIT */

/*
 * A link's way to its router: a WebSocket, or the embedded router
 *
 * The hub wishes, this file fulfils: OPEN starts one attempt, CLOSE sends what
 * is outbound (a GOODBYE, an ABORT) and ends, KILL ends. Whatever happens, the
 * hub hears of the end once for every attempt.
 */

#include "daemon/app.h"

#include "base/heap.h"
#include "base/mem.h"
#include "daemon/derive.h"
#include "daemon/log.h"
#include "daemon/secure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Longest url that is shown, with its end. */
#define TRANSPORT_MAX_URL 1024

/* Written at once: what follows may have to wait for it. */
#define TRANSPORT_MUCH 65536u

static void transport_over(struct transport *t, enum hub_over reason, const char *text)
{
	t->ws = NULL;
	t->closing = false;
	t->linger_ms = 0;
	hub_link_over(t->link, reason, text);
}

/* ---- WebSocket ---- */

static void transport_on_open(struct ws *ws, void *owner)
{
	struct transport *t = owner;

	(void)ws;
	app_touch_clock(t->app);
	hub_link_opened(t->link);
}

static void transport_on_message(struct ws *ws, void *owner, struct slice message)
{
	struct transport *t = owner;

	struct auth_job *job;

	(void)ws;
	app_touch_clock(t->app);
	hub_link_frame(t->link, message);
	transport_set_reading(t);
	job = session_take_job(hub_link_session(t->link));
	if (job)
		derive_start(t, job);
}

/* Everything is said: from here on close_handshake_timeout counts, however long that is. */
static void transport_close_ws(struct transport *t)
{
	t->linger_ms = NEVER_MS;
	ws_close(t->ws);
}

void transport_tell_unsent(struct transport *t)
{
	hub_link_set_unsent(t->link, t->ws ? ws_unsent(t->ws) : 0);
}

static void transport_on_writable(struct ws *ws, void *owner)
{
	struct transport *t = owner;
	struct buf *out = &hub_link_session(t->link)->out;
	size_t n = buf_len(out);

	app_touch_clock(t->app);
	/* A failure ends the connection, of which on_over tells. */
	if (ws_send(ws, out) < 0)
		return;
	if (n > TRANSPORT_MUCH)
		transport_tell_unsent(t);
	hub_link_drained(t->link);
	if (buf_len(out))
		ws_want_write(ws);
	else if (t->closing)
		transport_close_ws(t);
	else
		buf_trim(out);
}

static void transport_on_detour(struct ws *ws, void *owner, const char *text)
{
	const struct transport *t = owner;

	(void)ws;
	log_line(LOG_LEVEL_NOTICE, "session %s: %s; trying the next address", t->config->name,
		 text);
}

static void transport_on_over(struct ws *ws, void *owner, enum ws_reason reason, const char *text)
{
	static const enum hub_over reasons[] = {
		[WS_CLOSED] = HUB_OVER_TRANSPORT,	   [WS_DNS] = HUB_OVER_DNS,
		[WS_TRANSPORT] = HUB_OVER_TRANSPORT,	   [WS_TLS] = HUB_OVER_TLS,
		[WS_PING_TIMEOUT] = HUB_OVER_PING_TIMEOUT, [WS_BUSY] = HUB_OVER_BUSY,
	};
	struct transport *t = owner;

	(void)ws;
	app_touch_clock(t->app);
	transport_over(t, reasons[reason], text);
}

static const struct ws_ops transport_ops = {
	.on_open = transport_on_open,
	.on_message = transport_on_message,
	.on_detour = transport_on_detour,
	.on_writable = transport_on_writable,
	.on_over = transport_on_over,
};

/*
 * Read for each attempt, so that a rotated secret counts from the next one on;
 * the session wipes its copy when it is joined. Whether there is one to go on with.
 */
static bool transport_give_secret(struct transport *t)
{
	CLEANUP(secret_done) struct secret secret = {0};
	char why[SECRET_MAX_MESSAGE];
	int r;

	if (!t->config->auth_secret)
		return true;
	r = secret_read(&secret, t->config->auth_secret, t->app->options->credentials, why);
	if (r == 0)
		r = session_set_secret(hub_link_session(t->link),
				       (struct slice){secret.text, secret.len});
	if (r)
		transport_over(t, HUB_OVER_SECRET, r > 0 ? why : strerror(-r));
	return r == 0;
}

/* "Authorization: Bearer token": a router or a proxy may repeat either. */
static void transport_mark_header(struct transport *t, const char *header)
{
	struct session *session = hub_link_session(t->link);
	const char *value = strchr(header, ':'), *word;

	if (!value)
		return;
	value += 1 + strspn(value + 1, " ");
	word = strrchr(value, ' ');
	session_mark(session, slice_of(value));
	session_mark(session, slice_of(word ? word + 1 : value));
}

static int transport_replace_tls(struct transport *t, char why[SECURE_MAX_MESSAGE])
{
	struct ws_tls *tls;
	int r = secure_new_tls(&tls, t->config, t->app->options->credentials, why);

	if (r)
		return r;
	ws_tls_free(t->tls);
	t->tls = tls;
	return 0;
}

/* Certificates are renewed while the daemon runs: changed files count from the next attempt on. */
static void transport_renew_tls(struct transport *t)
{
	uint64_t stamp = t->tls ? secure_stamp(t->config) : 0;
	char why[SECURE_MAX_MESSAGE];
	int r;

	if (!t->tls || stamp == t->tls_stamp)
		return;
	t->tls_stamp = stamp;
	r = transport_replace_tls(t, why);
	if (r)
		log_line(LOG_LEVEL_ERROR,
			 "session %s: its TLS files have changed and cannot be used, those from "
			 "before are: %s",
			 t->config->name, r > 0 ? why : strerror(-r));
	else
		log_line(LOG_LEVEL_NOTICE,
			 "session %s: its TLS files have changed and were read again",
			 t->config->name);
}

static void transport_attempt_ws(struct transport *t)
{
	const struct config_session *config = t->config;
	struct ws_options options = {
		.host = config->host,
		.port = config->port,
		.path = config->path,
		.subprotocol = "wamp.2.json",
		.connection_timeout_ms = (unsigned)config->connection_timeout_ms,
		.open_timeout_ms = (unsigned)config->open_handshake_timeout_ms,
		.ping_interval_ms = (unsigned)config->ping_interval_ms,
		.ping_timeout_ms = (unsigned)config->ping_timeout_ms,
		.close_timeout_ms = (unsigned)config->close_handshake_timeout_ms,
		.max_message = config->max_message_size,
		.tls = t->tls,
		.tcp_nodelay = config->tcp_nodelay,
		.tcp_keepalive = config->tcp_keepalive,
		.compression = config->compression,
		.headers = config->headers.items,
		.n_headers = config->headers.n,
		.origin = config->origin,
		.user_agent = config->user_agent,
	};
	int r;

	if (!transport_give_secret(t))
		return;
	for (size_t i = 0; i < config->headers.n; i++)
		transport_mark_header(t, config->headers.items[i]);
	r = ws_open(&t->ws, t->app->ws_context, &options, &transport_ops, t);
	if (r < 0)
		transport_over(t, HUB_OVER_TRANSPORT, strerror(-r));
}

static void transport_open_ws(struct transport *t)
{
	transport_renew_tls(t);
	transport_attempt_ws(t);
}

/* ---- embedded ---- */

static void transport_open_embedded(struct transport *t)
{
	if (router_attach(t->app->router, &t->embedded, t) < 0) {
		transport_over(t, HUB_OVER_TRANSPORT, strerror(ENOMEM));
		return;
	}
	hub_link_opened(t->link);
}

/* Also for a transport that was wished for and taken back before it was opened. */
static void transport_end(struct transport *t)
{
	if (t->embedded)
		t->embedded = router_detach(t->embedded);
	transport_over(t, HUB_OVER_TRANSPORT, "closed");
}

/* What the session says to the router in this process; whether it said anything. */
bool transport_pump(struct transport *t)
{
	struct session *session = hub_link_session(t->link);
	struct wamp_msg msg;
	bool any = false;

	while (t->embedded && session_next_view(session, &msg)) {
		router_recv(t->embedded, &msg);
		any = true;
	}
	return any;
}

/* ---- both ---- */

void transport_fulfil(struct transport *t, int wish)
{
	switch ((enum hub_wish)wish) {
	case HUB_WISH_OPEN:
		if (t->config->embedded)
			transport_open_embedded(t);
		else
			transport_open_ws(t);
		return;
	case HUB_WISH_CLOSE:
		t->closing = true;
		t->linger_ms = uv_now(&t->app->loop) + TRANSPORT_LINGER_MS;
		if (t->ws)
			ws_want_write(t->ws);
		else
			transport_end(t);
		return;
	case HUB_WISH_KILL:
		if (t->ws)
			ws_kill(t->ws);
		else
			transport_end(t);
		return;
	}
}

void transport_flush(struct transport *t)
{
	struct session *session = hub_link_session(t->link);

	if (t->ws && buf_len(&session->out))
		ws_want_write(t->ws);
}

void transport_set_reading(struct transport *t)
{
	if (t->ws)
		ws_set_reading(t->ws, hub_link_wants_input(t->link));
}

void transport_sweep(struct transport *t, uint64_t now_ms)
{
	if (t->ws && hub_link_is_settled(t->link))
		ws_approve(t->ws);
	if (t->closing && t->ws && now_ms >= t->linger_ms)
		ws_kill(t->ws);
}

static enum link_forward transport_forward(enum config_forward forward)
{
	switch (forward) {
	case CONFIG_FORWARD_OFF:
		return LINK_FORWARD_OFF;
	case CONFIG_FORWARD_MS:
		return LINK_FORWARD_MS;
	case CONFIG_FORWARD_S:
		return LINK_FORWARD_S;
	}
	return LINK_FORWARD_OFF;
}

/* As programs and the log see it: what stands behind a "?" may be a token. */
static void transport_show_url(const char *url, char ret[TRANSPORT_MAX_URL])
{
	size_t n = strcspn(url, "?");

	snprintf(ret, TRANSPORT_MAX_URL, "%.*s%s", (int)n, url, url[n] ? "?..." : "");
}

/* What is not shown of it. */
static const char *transport_query(const struct config_session *c)
{
	const char *query = strchr(c->url ? c->url : "", '?');

	return query ? query + 1 : NULL;
}

static struct link_config transport_link_config(const struct config_session *c, const char *url)
{
	return (struct link_config){
		.name = c->name,
		.url = url,
		.realm = c->realm,
		.agent = "wampbridge/" WAMPBRIDGE_VERSION,
		.embedded = c->embedded,
		.is_near = c->is_near,
		.on_demand = c->on_demand,
		.auth = {c->auth_method.items, c->auth_method.n, c->auth_id, c->auth_role,
			 c->auth_extra},
		.query = transport_query(c),
		.connection_timeout_ms = c->connection_timeout_ms,
		.registration_timeout_ms = c->registration_timeout_ms,
		.call_timeout_ms = c->call_timeout_ms,
		.reconnect_delay_ms = c->reconnect_delay_ms,
		.reconnect_max_delay_ms = c->reconnect_max_delay_ms,
		.reconnect_growth = c->reconnect_growth,
		.reconnect_jitter = c->reconnect_jitter,
		.max_reconnection_attempts = c->max_reconnection_attempts,
		.forward_timeout = transport_forward(c->forward_timeout),
		.shutdown_timeout_ms = c->shutdown_timeout_ms,
		.max_message_size = c->max_message_size,
	};
}

static int transport_make_tls(struct transport *t)
{
	char why[SECURE_MAX_MESSAGE];

	/* What is wrong is told by who starts, of all sessions and with its line. */
	t->tls_stamp = secure_stamp(t->config);
	return t->config->use_tls
		       ? secure_new_tls(&t->tls, t->config, t->app->options->credentials, why)
		       : 0;
}

int transport_new(struct app *app, const struct config_session *config)
{
	struct transport *t = mem_alloc(sizeof(*t));
	char url[TRANSPORT_MAX_URL];
	struct link_config link = transport_link_config(config, url);
	int r;

	if (!t)
		return -ENOMEM;
	transport_show_url(config->url, url);
	t->app = app;
	t->config = config;
	r = transport_make_tls(t);
	if (r == 0)
		r = hub_add_link(app->hub, &link, t, &t->link);
	if (r) {
		ws_tls_free(t->tls);
		mem_free(t);
		return r;
	}
	list_append(&app->transports, &t->node);
	return 0;
}

void transport_free(struct transport *t)
{
	list_unlink(&t->node);
	ws_tls_free(t->tls);
	mem_free(t);
}
