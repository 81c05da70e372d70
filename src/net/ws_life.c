/* SPDX-License-Identifier: MIT */

/*
 * WebSocket client transport: whether the router is still there
 *
 * After ping_interval in which nothing was received a PING is sent. It may have
 * to wait: behind a long message in libwebsockets' hands, then in the kernel's.
 * So its time, ping_timeout, begins when the peer's kernel has acknowledged it;
 * until then every acknowledged byte is a sign of life. Afterwards only what is
 * received is one, or a receive window that opens: the router reads what came
 * before the PING. A stopped process does neither: its kernel acknowledges until
 * the window is full, and then answers the probes, but takes no byte.
 *
 * A socket of another kind has no such counters: there a PING has left when it
 * is written.
 */

#include "net/tcp_count.h"
#include "net/ws_internal.h"

#include <sys/ioctl.h>

/* The counters are looked at so many times in ping_timeout, and at most so far apart. */
#define WS_LIFE_LOOKS	    8
#define WS_LIFE_MAX_LOOK_MS 1000

/* A PING usually leaves at once: the first look. */
#define WS_LIFE_FIRST_LOOK_MS 10

static uint64_t ws_life_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Notes what the kernel's counters say. */
static void ws_life_count(struct ws *ws, const struct tcp_count *count, uint64_t now)
{
	struct ws_life *life = &ws->life;

	if (count->silence_ms < now)
		ws->received_ms = ws_life_later(ws->received_ms, now - count->silence_ms);
	if (count->n_acked > life->n_acked)
		life->acked_ms = now;
	if (count->edge > life->edge)
		life->opened_ms = now;
	life->n_acked = count->n_acked;
	life->edge = ws_life_later(life->edge, count->edge);
}

/* While the owner wants nothing read, what waits to be read is the router's sign of life. */
static void ws_life_mind_pause(struct ws *ws, uint64_t now)
{
	int n = 0;

	if (!ws->paused)
		return;
	if (buf_len(&ws->rest) || ws_read_is_pending(ws) ||
	    (ioctl(ws->read_fd, FIONREAD, &n) == 0 && n > 0))
		ws->received_ms = now;
}

/* Looks whether the PING has left this machine for good. */
static void ws_life_follow_ping(struct ws *ws, const struct tcp_count *count, uint64_t now)
{
	struct ws_life *life = &ws->life;

	if (life->ping_has_left || ws->ping_wanted || lws_partial_buffered(ws->wsi))
		return;
	if (count && !life->is_in_kernel)
		life->ping_end = count->n_acked + count->n_unacked;
	life->is_in_kernel = true;
	if (count && count->n_acked < life->ping_end)
		return;
	life->ping_has_left = true;
	life->left_ms = now;
}

static void ws_life_ping(struct ws *ws, uint64_t now)
{
	ws->life.is_pinging = true;
	ws->life.ping_has_left = ws->life.is_in_kernel = false;
	ws->life.pinged_ms = now;
	ws->ping_wanted = true;
	(void)lws_callback_on_writable(ws->wsi);
	ws_set_timer(ws, WS_LIFE_FIRST_LOOK_MS);
}

static void ws_life_end(struct ws *ws, uint64_t now)
{
	ws_set_end(ws, WS_PING_TIMEOUT, "no sign of life for %.3g s, and %s",
		   (double)(now - ws->received_ms) / 1000,
		   ws->life.ping_has_left ? "no answer to a ping"
					  : "what is sent is not acknowledged any more");
	ws_drop(ws);
	ws_over(ws);
}

/*
 * Since when ping_timeout counts. A kernel may acknowledge in great steps, as its process reads:
 * until the PING has left, a byte that was acknowledged is worth as much as one that was received.
 */
static uint64_t ws_life_since(const struct ws *ws)
{
	const struct ws_life *life = &ws->life;
	uint64_t taken_ms = ws_life_later(life->acked_ms, life->opened_ms);

	return life->ping_has_left
		       ? ws_life_later(life->left_ms, life->opened_ms)
		       : ws_life_later(life->pinged_ms, taken_ms + ws->options.ping_interval_ms);
}

/* The PING is under way: gives up, or looks again soon. */
static void ws_life_wait(struct ws *ws, uint64_t now)
{
	uint64_t timeout = ws->options.ping_timeout_ms, look = timeout / WS_LIFE_LOOKS + 1;
	uint64_t since = ws_life_since(ws);

	if (now >= since + timeout) {
		ws_life_end(ws, now);
		return;
	}
	if (look > WS_LIFE_MAX_LOOK_MS)
		look = WS_LIFE_MAX_LOOK_MS;
	ws_set_timer(ws, since + timeout - now < look ? since + timeout - now : look);
}

void ws_life_check(struct ws *ws)
{
	uint64_t now = uv_now(ws->context->loop);
	uint64_t interval = ws->options.ping_interval_ms;
	struct tcp_count count;
	bool is_counted = tcp_count(&count, ws->read_fd);

	if (is_counted)
		ws_life_count(ws, &count, now);
	ws_life_mind_pause(ws, now);
	if (ws->life.is_pinging && ws->received_ms >= ws->life.pinged_ms)
		ws->life.is_pinging = false;
	if (ws->life.is_pinging) {
		ws_life_follow_ping(ws, is_counted ? &count : NULL, now);
		ws_life_wait(ws, now);
	} else if (now < ws->received_ms + interval) {
		ws_set_timer(ws, ws->received_ms + interval - now);
	} else {
		ws_life_ping(ws, now);
	}
}

void ws_life_start(struct ws *ws)
{
	if (ws->options.ping_interval_ms)
		ws_set_timer(ws, ws->options.ping_interval_ms);
}
