/* SPDX-License-Identifier: MIT */

/*
 * Events on their way to local programs (protocol §8, §10)
 *
 * An EVENT is composed once: a short head for each subscription, and a tail
 * that all share. Happy path: it goes straight into each program's output.
 * When a program does not read, or must not hear yet, its events wait, bounded
 * for each subscription; the oldest is dropped first and a gap stands where
 * events are missing.
 */

#include "hub/internal.h"

#include "base/mem.h"

/* Memory that is kept to compose the next one in: one long event must not cost its own for ever. */
#define EVENTS_KEEP_TAIL 65536u

/* The part that all subscribers of one EVENT share. */
struct events_tail {
	struct slice text;   /* with its LF */
	struct block *block; /* made when somebody needs it to stay */
	uint64_t publication;
};

static bool events_may_flow(const struct program *p)
{
	return p->peer.n_undrained < p->peer.limits->output_soft_limit;
}

/* ---- writing ---- */

static void events_write_gap(struct handle *h, int64_t n, const char *reason)
{
	struct buf *b = peer_begin(&h->program->peer);

	emit_literal(b, "{\"op\":\"gap\",\"subscription\":");
	buf_append_slice(b, peer_id_token(&h->id));
	emit_literal(b, ",\"dropped\":");
	emit_i64(b, n);
	emit_literal(b, ",\"reason\":");
	emit_text(b, slice_of(reason));
	buf_append_char(b, '}');
	(void)peer_end(&h->program->peer, PEER_PUSH);
	h->program->n_gaps++;
}

/* What was dropped before this place. */
static void events_write_missing(struct handle *h)
{
	if (!h->n_missing)
		return;
	events_write_gap(h, (int64_t)h->n_missing, "overflow");
	h->n_missing = 0;
}

static bool events_end(struct peer *peer, struct events_tail *tail)
{
	if (!tail->block && tail->text.len >= OUTQ_MIN_SHARED)
		tail->block = block_new(tail->text, SLICE_NONE);
	if (tail->block)
		return peer_end_shared(peer, tail->block);
	buf_append(outq_begin(&peer->out), tail->text.ptr, tail->text.len - 1);
	return peer_end(peer, PEER_PUSH);
}

static void events_write(struct handle *h, struct events_tail *tail)
{
	struct peer *peer = &h->program->peer;
	struct buf *b;

	events_write_missing(h);
	b = peer_begin(peer);
	emit_literal(b, "{\"op\":\"event\",\"subscription\":");
	buf_append_slice(b, peer_id_token(&h->id));
	buf_append_char(b, ',');
	if (events_end(peer, tail))
		h->n_delivered++;
	else
		events_write_gap(h, 1, "too_large");
}

/* ---- waiting ---- */

/* What a waiting event is counted as. */
static size_t events_cost(size_t len)
{
	return len + sizeof(struct queued);
}

static void queued_free(struct queued *q)
{
	size_t n = q->tail ? events_cost(q->tail->len) : 0;

	q->handle->n_queued--;
	q->handle->n_queued_bytes -= n;
	q->handle->program->n_queued_bytes -= n;
	list_unlink(&q->of_handle);
	list_unlink(&q->of_program);
	block_unref(q->tail);
	mem_free(q);
}

static struct queued *events_queue(struct handle *h)
{
	struct queued *q = mem_alloc(sizeof(*q));

	if (!q)
		return NULL;
	q->handle = h;
	list_init(&q->of_program);
	list_init(&q->of_handle);
	list_append(&h->queue, &q->of_handle);
	if (!h->n_holds)
		list_append(&h->program->queue, &q->of_program);
	h->n_queued++;
	return q;
}

static void events_drop_oldest(struct handle *h)
{
	struct queued *q = list_first(&h->queue, struct queued, of_handle);
	uint64_t n = q->tail ? 1 : q->gap > 0 ? (uint64_t)q->gap : 0;

	h->n_missing += n;
	h->n_dropped += n;
	queued_free(q);
}

static void events_wait(struct handle *h, struct events_tail *tail)
{
	const struct peer_limits *limits = h->program->peer.limits;
	struct program *p = h->program;
	size_t cost = events_cost(tail->text.len);
	struct queued *q = NULL;

	if (!tail->block)
		tail->block = block_new(tail->text, SLICE_NONE);
	while (h->n_queued && (h->n_queued >= limits->subscription_queue ||
			       h->n_queued_bytes + cost > PEER_MAX_QUEUE_BYTES ||
			       p->n_queued_bytes + cost > limits->output_hard_limit))
		events_drop_oldest(h);
	/* Many subscriptions together are bounded as one connection is. */
	if (tail->block && p->n_queued_bytes + cost <= limits->output_hard_limit)
		q = events_queue(h);
	if (!q) {
		h->n_missing++;
		h->n_dropped++;
		p->misses = true;
		return;
	}
	q->publication = tail->publication;
	q->tail = block_ref(tail->block);
	h->n_queued_bytes += cost;
	p->n_queued_bytes += cost;
}

void events_gap(struct handle *h, int64_t n, const char *reason)
{
	struct queued *q;

	if (!h->n_queued && !h->n_holds) {
		events_write_missing(h);
		events_write_gap(h, n, reason);
		return;
	}
	q = CONTAINER_OF(h->queue.prev, struct queued, of_handle);
	if (h->n_queued && !q->tail && q->reason == reason) {
		q->gap = q->gap < 0 || n < 0 ? -1 : q->gap + n;
		return;
	}
	q = events_queue(h);
	if (!q)
		return;
	q->gap = n;
	q->reason = reason;
}

static void events_write_queued(struct queued *q)
{
	struct handle *h = q->handle;
	struct events_tail tail = {.block = q->tail, .publication = q->publication};

	if (q->tail) {
		tail.text = block_bytes(q->tail);
		events_write(h, &tail);
	} else {
		events_write_missing(h);
		events_write_gap(h, q->gap, q->reason);
	}
	queued_free(q);
	if (!h->n_queued)
		events_write_missing(h);
}

/* Gaps of subscriptions that have nothing waiting behind them. */
static void events_write_all_missing(struct program *p)
{
	p->misses = false;
	list_for_each (i, &p->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_program);

		if (!h->n_queued)
			events_write_missing(h);
	}
}

void events_flush(struct program *p)
{
	struct queued *q;

	while (events_may_flow(p) && (q = list_first(&p->queue, struct queued, of_program)))
		events_write_queued(q);
	if (list_is_empty(&p->queue) && p->misses)
		events_write_all_missing(p);
	program_mark_dirty(p);
}

void events_drop_all(struct handle *h)
{
	list_for_each_safe (i, &h->queue)
		queued_free(CONTAINER_OF(i, struct queued, of_handle));
}

void events_release(struct handle *h)
{
	if (h->n_holds)
		return;
	list_for_each (i, &h->queue) {
		struct queued *q = CONTAINER_OF(i, struct queued, of_handle);

		if (!list_is_linked(&q->of_program))
			list_append(&h->program->queue, &q->of_program);
	}
	events_flush(h->program);
}

bool events_take_back(struct handle *h, uint64_t publication)
{
	list_for_each (i, &h->queue) {
		struct queued *q = CONTAINER_OF(i, struct queued, of_handle);

		if (q->tail && q->publication == publication) {
			queued_free(q);
			return true;
		}
	}
	return false;
}

/* ---- delivering ---- */

static void events_compose(struct buf *b, const struct want *w, const struct wamp_msg *msg)
{
	buf_clear(b);
	emit_literal(b, "\"topic\":");
	emit_text(b, w->key.uri);
	emit_literal(b, ",\"publication\":");
	emit_u64(b, msg->publication);
	payload_write(b, msg);
	emit_literal(b, "}\n");
}

static void events_undecodable(struct want *w)
{
	list_for_each (i, &w->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_want);

		if (h->told != HANDLE_ACTIVE)
			continue;
		events_gap(h, 1, "undecodable");
		program_mark_dirty(h->program);
	}
}

static void events_hand_over(struct want *w, struct events_tail *tail, const struct program *except)
{
	list_for_each (i, &w->handles) {
		struct handle *h = CONTAINER_OF(i, struct handle, of_want);
		struct program *p = h->program;

		if (p == except || h->told != HANDLE_ACTIVE)
			continue;
		p->hub->n_quarters++;
		if (list_is_empty(&p->queue) && !h->n_holds && events_may_flow(p))
			events_write(h, tail);
		else
			events_wait(h, tail);
		program_mark_dirty(p);
	}
}

void events_deliver(struct link *l, const struct session_event *event)
{
	struct want *w = want_find_id(l, WANT_SUBSCRIPTION, event->msg.id);
	struct events_tail tail = {.publication = event->msg.publication};
	struct publication *own;

	/* Between UNSUBSCRIBE and UNSUBSCRIBED events nobody wants are normal. */
	if (!w)
		return;
	if (event->undecodable || event->msg.args.type == SCAN_STRING) {
		events_undecodable(w);
		return;
	}
	own = publish_find_own(w, tail.publication);
	events_compose(&l->hub->tail, w, &event->msg);
	tail.text = buf_bytes(&l->hub->tail);
	if (!l->hub->tail.error)
		events_hand_over(w, &tail, own ? own->program : NULL);
	block_unref(tail.block);
	buf_clear_to(&l->hub->tail, EVENTS_KEEP_TAIL);
	publish_free(own);
}
