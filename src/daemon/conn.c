/* SPDX-License-Identifier: MIT */

/*
 * Local connections: a stream's bytes to a peer's requests, and back
 *
 * Happy path: bytes are lent to the peer, at most CONN_MAX_LINES requests go
 * to the hub, what is left waits its turn on the ready list, replies are
 * written once at the end of the turn. Reading pauses while input waits, so
 * what a connection can make the daemon hold is one read.
 * Failure modes: half-close (requests end first, then the hub is told), a
 * broken connection, a peer that has its bye (closed when it is read, or
 * after CONN_LINGER_MS).
 */

#include "daemon/app.h"

#include "base/mem.h"
#include "daemon/log.h"

#include <string.h>

static struct conn *conn_of(struct stream *stream)
{
	return CONTAINER_OF(stream, struct conn, stream);
}

static void conn_close(struct conn *c)
{
	struct peer *peer = TAKE(c->peer);

	if (!peer)
		return;
	list_unlink(&c->more);
	hub_remove_peer(c->app->hub, peer);
	stream_close(&c->stream);
}

static void conn_on_closed(struct stream *stream)
{
	struct conn *c = conn_of(stream);

	list_unlink(&c->node);
	c->app->n_conns--;
	mem_free(c);
}

/* Input is left: it is handled in the next turn, after the others. */
static void conn_want_turn(struct conn *c)
{
	if (!list_is_linked(&c->more))
		list_append(&c->app->more, &c->more);
}

/* Reading goes on when nothing that came is left; the end of file is told when all of it is done.
 */
static void conn_after_input(struct conn *c, bool more, bool held)
{
	c->choked = peer_is_choked(c->peer);
	c->waits = more || held || c->choked;
	if (more && !held && !c->choked)
		conn_want_turn(c);
	if (c->waits) {
		stream_pause(&c->stream);
		return;
	}
	if (!c->eof)
		stream_resume(&c->stream);
	else if (!c->eof_told)
		hub_end_of_file(c->app->hub, c->peer);
	c->eof_told = c->eof;
}

void conn_serve(struct conn *c)
{
	struct request request;
	bool more = true, held = false;

	for (int n = 0; n < CONN_MAX_LINES && more && !held; n++) {
		if (!hub_has_turn(c->app->hub, c->peer))
			break;
		more = peer_next(c->peer, &request);
		if (!more)
			break;
		held = hub_request(c->app->hub, c->peer, &request) == HUB_HELD;
		(void)app_pump(c->app);
		hub_end_request(c->app->hub, c->peer);
	}
	peer_rest(c->peer);
	hub_peer_answered(c->app->hub, c->peer);
	conn_after_input(c, more, held);
}

static void conn_on_bytes(struct stream *stream, struct slice bytes)
{
	struct conn *c = conn_of(stream);

	app_touch_clock(c->app);
	/* Whoever has its bye is not listened to, but read, so that it can read the bye. */
	if (c->peer->state != PEER_OPEN)
		return;
	peer_feed(c->peer, bytes);
	conn_serve(c);
	peer_keep(c->peer);
	hub_peer_kept(c->app->hub, c->peer);
}

static void conn_on_eof(struct stream *stream)
{
	struct conn *c = conn_of(stream);

	app_touch_clock(c->app);
	c->eof = true;
	if (!c->waits)
		conn_after_input(c, false, false);
}

static void conn_on_gone(struct stream *stream)
{
	conn_close(conn_of(stream));
}

/*
 * Who has its bye, or needs none, is closed when it has read the rest, or when
 * it has had time enough: little if it was cut off, and as long as it makes
 * progress if it leaves at its own wish.
 */
static void conn_linger(struct conn *c, bool progress)
{
	uint64_t now = uv_now(&c->app->loop);

	if (c->peer->state != PEER_LEAVING)
		return;
	if (c->peer->by_choice && (progress || !c->linger_ms))
		c->linger_ms = now + c->app->latest->limits.stall_timeout_ms;
	else if (!c->linger_ms)
		c->linger_ms = now + CONN_LINGER_MS;
}

static void conn_tell_drained(struct conn *c)
{
	uint64_t written = stream_written(&c->stream);
	size_t n = (size_t)(written - c->n_told);

	c->n_told = written;
	if (!n)
		return;
	hub_peer_drained(c->app->hub, c->peer, n);
	conn_linger(c, true);
}

static void conn_on_drained(struct stream *stream)
{
	struct conn *c = conn_of(stream);

	app_touch_clock(c->app);
	conn_flush(c);
}

static bool conn_is_over(const struct conn *c)
{
	const struct peer *peer = c->peer;

	return peer->state == PEER_GONE || (peer->state == PEER_LEAVING && !peer->n_undrained);
}

void conn_flush(struct conn *c)
{
	do {
		if (c->peer->state != PEER_GONE && stream_write(&c->stream, &c->peer->out) < 0) {
			conn_close(c);
			return;
		}
		conn_tell_drained(c);
		/* Draining may have let events through. */
	} while (outq_len(&c->peer->out) && !stream_in_flight(&c->stream) &&
		 c->peer->state != PEER_GONE);
	hub_peer_flushed(c->app->hub, c->peer);
	outq_trim(&c->peer->out);
	if (conn_is_over(c)) {
		conn_close(c);
		return;
	}
	conn_linger(c, false);
	if (c->choked && !peer_is_choked(c->peer))
		conn_want_turn(c);
}

void conn_sweep(struct conn *c, uint64_t now_ms)
{
	if (!c->peer)
		return;
	/* A slow reader is no stalled one: a long write may be under way. */
	conn_tell_drained(c);
	if (hub_drain_state(c->app->hub) == HUB_DRAIN_OVER &&
	    c->linger_ms > now_ms + CONN_LINGER_MS)
		c->linger_ms = now_ms + CONN_LINGER_MS;
	if (c->linger_ms && now_ms >= c->linger_ms)
		conn_close(c);
	else if (c->eof && stream_is_gone(&c->stream))
		conn_close(c);
}

static size_t conn_read_size(struct stream *stream)
{
	struct conn *c = conn_of(stream);

	return c->peer ? hub_read_size(c->app->hub, c->peer, STREAM_READ_SIZE) : STREAM_READ_SIZE;
}

static const struct stream_ops conn_ops = {
	.read_size = conn_read_size,
	.on_bytes = conn_on_bytes,
	.on_eof = conn_on_eof,
	.on_gone = conn_on_gone,
	.on_drained = conn_on_drained,
	.on_closed = conn_on_closed,
};

/* Who cannot be told apart from others is not let in: 0 would be root. */
static int conn_admit(struct conn *c)
{
	struct peer_credentials credentials;
	struct ucred ucred;
	int r = stream_credentials(&c->stream, &ucred);

	if (r < 0)
		return r;
	credentials = (struct peer_credentials){ucred.uid, ucred.gid, ucred.pid};
	return hub_add_peer(c->app->hub, &credentials, c, &c->peer);
}

void conn_accept(struct listener *listener)
{
	struct app *app = CONTAINER_OF(listener, struct app, listener);
	struct conn *c = mem_alloc(sizeof(*c));

	if (!c) {
		listener->is_waiting = true;
		app->starved = true;
		return;
	}
	app_touch_clock(app);
	c->app = app;
	list_init(&c->more);
	list_init(&c->node);
	list_append(&app->conns, &c->node);
	app->n_conns++;
	if (stream_accept(&c->stream, (uv_stream_t *)&listener->pipe, app->read_buffer, &conn_ops) <
	    0)
		return;
	if (conn_admit(c) < 0)
		stream_close(&c->stream);
}
