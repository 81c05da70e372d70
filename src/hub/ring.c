/* SPDX-License-Identifier: MIT */

/*
 * Events of one subscription that wait until their program reads (protocol §8, §10)
 *
 * Happy path: the program reads, and an event goes straight into its output.
 * Failure modes: it does not read, so events wait, bounded for each
 * subscription and for the program; its user holds too much already, or there
 * is no memory. What is dropped leaves a gap exactly where it is missing, and
 * the gap is told as soon as there is somebody who reads.
 */

#include "hub/internal.h"

#include "base/mem.h"

static bool ring_may_flow(const struct program *p)
{
	return p->peer.n_undrained < p->peer.limits->output_soft_limit;
}

/* ---- writing ---- */

static void ring_write_gap(struct handle *h, int64_t n, const char *reason)
{
	struct peer *peer = &h->program->peer;
	size_t before = peer->n_undrained;
	struct buf *b = peer_begin(peer);

	emit_literal(b, "{\"op\":\"gap\",\"subscription\":");
	buf_append_slice(b, peer_id_token(&h->id));
	emit_literal(b, ",\"dropped\":");
	emit_i64(b, n);
	emit_literal(b, ",\"reason\":");
	emit_text(b, slice_of(reason));
	buf_append_char(b, '}');
	(void)peer_end(peer, PEER_PUSH);
	memory_add(h->program, peer->n_undrained - before);
	h->program->n_gaps++;
}

/* What was dropped before this place. */
static void ring_write_missing(struct handle *h)
{
	if (h->n_missing || h->misses_unknown)
		ring_write_gap(h, h->misses_unknown ? -1 : (int64_t)h->n_missing, "overflow");
	h->n_missing = 0;
	h->misses_unknown = false;
}

static bool ring_end(struct peer *peer, struct event_text *text)
{
	if (!text->block && text->bytes.len >= OUTQ_MIN_SHARED)
		text->block = block_new(text->bytes, SLICE_NONE);
	if (text->block)
		return peer_end_shared(peer, text->block);
	buf_append(outq_begin(&peer->out), text->bytes.ptr, text->bytes.len - 1);
	return peer_end(peer, PEER_PUSH);
}

static void ring_write(struct handle *h, struct event_text *text)
{
	struct peer *peer = &h->program->peer;
	size_t before = peer->n_undrained;
	struct buf *b;

	ring_write_missing(h);
	b = peer_begin(peer);
	emit_literal(b, "{\"op\":\"event\",\"subscription\":");
	buf_append_slice(b, peer_id_token(&h->id));
	buf_append_char(b, ',');
	if (ring_end(peer, text)) {
		memory_add(h->program, peer->n_undrained - before);
		h->n_delivered++;
	} else {
		ring_write_gap(h, 1, "too_large");
	}
}

/* ---- waiting ---- */

static size_t queued_cost(const struct queued *q)
{
	return sizeof(*q) + (q->tail ? q->tail->len : 0);
}

static void queued_free(struct queued *q)
{
	struct handle *h = q->handle;
	size_t cost = queued_cost(q);

	h->n_queued--;
	h->n_queued_bytes -= cost;
	h->program->n_queued_bytes -= cost;
	list_unlink(&q->of_handle);
	list_unlink(&q->of_program);
	block_unref(q->tail);
	mem_free(q);
}

/* With one reference to tail, which may be NULL; or NULL without memory. */
static struct queued *queued_new(struct handle *h, struct block *tail)
{
	struct queued *q = mem_alloc(sizeof(*q));
	struct program *p = h->program;
	size_t cost;

	if (!q)
		return NULL;
	q->handle = h;
	q->tail = tail ? block_ref(tail) : NULL;
	list_init(&q->of_program);
	list_init(&q->of_handle);
	list_append(&h->queue, &q->of_handle);
	list_append(&p->queue, &q->of_program);
	cost = queued_cost(q);
	h->n_queued++;
	h->n_queued_bytes += cost;
	p->n_queued_bytes += cost;
	memory_add(p, cost);
	return q;
}

/* Before the oldest that waits n are missing; -1: nobody knows how many. */
static void ring_count_missing(struct handle *h, int64_t n)
{
	if (n < 0)
		h->misses_unknown = true;
	else
		h->n_missing += (uint64_t)n;
	h->program->misses = true;
}

static void ring_drop_oldest(struct handle *h)
{
	struct queued *q = list_first(&h->queue, struct queued, of_handle);

	ring_count_missing(h, q->tail ? 1 : q->gap);
	h->n_dropped += q->tail != NULL;
	queued_free(q);
}

/* Whether something that waits must go first. One event alone may be longer than the queue. */
static bool ring_is_full(const struct handle *h, size_t cost)
{
	const struct program *p = h->program;
	const struct peer_limits *limits = p->peer.limits;

	return h->n_queued && (h->n_queued >= limits->subscription_queue ||
			       h->n_queued_bytes + cost > PEER_MAX_QUEUE_BYTES ||
			       p->n_queued_bytes + cost > limits->output_hard_limit);
}

/* Many subscriptions together are bounded as one connection is. */
static bool ring_fits(const struct handle *h, size_t cost)
{
	return h->program->n_queued_bytes + cost <= h->program->peer.limits->output_hard_limit;
}

/* Nobody would tell a program that waits for nothing. */
static void ring_tell_missing(struct handle *h)
{
	if (h->n_queued || h->program->peer.n_undrained)
		return;
	ring_write_missing(h);
	program_mark_dirty(h->program);
}

/* An event that does not even wait. */
static void ring_miss(struct handle *h)
{
	h->n_dropped++;
	ring_gap(h, 1, "overflow");
}

static void ring_wait(struct handle *h, struct event_text *text)
{
	size_t cost = text->bytes.len + sizeof(struct queued);

	if (!text->block)
		text->block = block_new(text->bytes, SLICE_NONE);
	while (text->block && ring_is_full(h, cost))
		ring_drop_oldest(h);
	if (text->block && ring_fits(h, cost) && queued_new(h, text->block))
		return;
	ring_miss(h);
}

void ring_give(struct handle *h, struct event_text *text)
{
	if (memory_is_spent(h->program))
		ring_miss(h);
	else if (list_is_empty(&h->program->queue) && ring_may_flow(h->program))
		ring_write(h, text);
	else
		ring_wait(h, text);
}

/* Joins the gap at the end of the queue, if there is one of its kind. */
static bool ring_widen_gap(struct handle *h, int64_t n, const char *reason)
{
	struct queued *last = CONTAINER_OF(h->queue.prev, struct queued, of_handle);

	if (!h->n_queued || last->tail || strcmp(last->reason, reason) != 0)
		return false;
	last->gap = last->gap < 0 || n < 0 ? -1 : last->gap + n;
	return true;
}

void ring_gap(struct handle *h, int64_t n, const char *reason)
{
	bool overflow = strcmp(reason, "overflow") == 0;
	struct queued *q;

	/* Who does not read is told one gap for many. */
	if (!h->n_queued && !overflow && ring_may_flow(h->program)) {
		ring_write_missing(h);
		ring_write_gap(h, n, reason);
		return;
	}
	if (ring_widen_gap(h, n, reason))
		return;
	while (ring_is_full(h, sizeof(*q)))
		ring_drop_oldest(h);
	q = h->n_queued || !overflow ? queued_new(h, NULL) : NULL;
	if (!q) {
		ring_count_missing(h, n);
		ring_tell_missing(h);
		return;
	}
	q->gap = n;
	q->reason = reason;
}

static void ring_write_queued(struct queued *q)
{
	struct handle *h = q->handle;
	struct event_text text = {.block = q->tail};

	if (q->tail) {
		text.bytes = block_bytes(q->tail);
		ring_write(h, &text);
	} else {
		ring_write_missing(h);
		ring_write_gap(h, q->gap, q->reason);
	}
	queued_free(q);
	if (!h->n_queued)
		ring_write_missing(h);
}

/* Gaps of subscriptions that have nothing waiting behind them. */
static void ring_write_all_missing(struct program *p)
{
	p->misses = false;
	list_for_each (i, &p->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_program);

		if (!h->n_queued)
			ring_write_missing(h);
	}
}

void ring_flush(struct program *p)
{
	struct queued *q;

	while (ring_may_flow(p) && (q = list_first(&p->queue, struct queued, of_program)))
		ring_write_queued(q);
	if (list_is_empty(&p->queue) && p->misses)
		ring_write_all_missing(p);
	program_mark_dirty(p);
}

void ring_drop_all(struct handle *h)
{
	list_for_each_safe (i, &h->queue)
		queued_free(CONTAINER_OF(i, struct queued, of_handle));
}
