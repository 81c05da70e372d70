/* SPDX-License-Identifier: MIT */

/*
 * A peer: one local connection as a pure machine
 */

#include "local/peer.h"

#include "base/mem.h"
#include "codec/emit.h"
#include "local/reply.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * It is the hub that cuts a peer off at the hard limit, after a write was
 * tried. What comes before that, in one turn, is bounded here.
 */
static size_t peer_max_undrained(const struct peer_limits *limits)
{
	return 2 * limits->output_hard_limit + 2 * limits->max_line;
}

int peer_init(struct peer *p, const struct peer_limits *limits, const struct map_secret *secret,
	      const struct peer_credentials *credentials, uint64_t conn)
{
	*p = (struct peer){
		.limits = limits,
		.secret = secret,
		.credentials = *credentials,
		.conn = conn,
	};
	line_init(&p->in, limits->max_line);
	buf_init(&p->held, limits->max_line);
	/* The largest message of a router is composed before it is found to be too long. */
	outq_init(&p->out, PEER_MAX_OUT);
	map_init(&p->ids);
	arena_init(&p->arena);
	return 0;
}

void peer_done(struct peer *p)
{
	line_done(&p->in);
	buf_done(&p->held);
	outq_done(&p->out);
	map_done(&p->ids);
	arena_done(&p->arena);
	charge_done(&p->charge);
	p->name = mem_free(p->name);
	p->session = mem_free(p->session);
}

void peer_feed(struct peer *p, struct slice bytes)
{
	line_feed(&p->in, bytes);
}

static void peer_refuse_line(struct peer *p, const struct request_fault *fault)
{
	struct reply_to to = {SLICE_NONE, p->in.number};
	bool unreadable = fault->code == ERROR_BAD_JSON || fault->code == ERROR_BAD_UTF8 ||
			  fault->code == ERROR_LINE_TOO_LONG;

	if (fault->id.type != SCAN_ABSENT)
		to.id = scan_token(&fault->id);
	reply_error(p, to, fault->code, "%s", fault->message);
	if (!unreadable) {
		p->n_bad_lines = 0;
		return;
	}
	if (++p->n_bad_lines >= p->limits->bad_lines)
		peer_bye(p, "protocol_error", false, "%u unreadable lines in a row",
			 p->n_bad_lines);
}

static void peer_refuse_long(struct peer *p)
{
	struct request_fault fault = {.code = ERROR_LINE_TOO_LONG};

	snprintf(fault.message, sizeof(fault.message), "line is longer than %zu bytes",
		 peer_max_line(p));
	peer_refuse_line(p, &fault);
}

/* A letter begins an inline command (§15), which this version does not have. */
static bool peer_refuse_inline(struct peer *p, struct slice line)
{
	struct request_fault fault = {.code = ERROR_FEATURE_OFF};
	char first = line.ptr[0];

	if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')))
		return false;
	snprintf(fault.message, sizeof(fault.message),
		 "inline commands are not built in; send one JSON object per line");
	peer_refuse_line(p, &fault);
	return true;
}

static bool peer_take(struct peer *p, struct slice line, uint64_t number, struct request *ret)
{
	struct request_fault fault;

	p->line = line;
	arena_reset(&p->arena);
	if (peer_refuse_inline(p, line))
		return false;
	if (!request_parse(ret, line, number, &p->arena, &fault)) {
		p->spoke = true;
		peer_refuse_line(p, &fault);
		return false;
	}
	p->n_bad_lines = 0;
	return true;
}

static bool peer_take_held(struct peer *p, struct request *ret)
{
	p->is_held = false;
	return peer_take(p, buf_bytes(&p->held), p->held_line, ret);
}

bool peer_next(struct peer *p, struct request *ret)
{
	struct slice line;
	int r;

	if (p->is_held && p->state == PEER_OPEN)
		return peer_take_held(p, ret);
	buf_clear(&p->held);
	while (p->state == PEER_OPEN && !peer_is_choked(p)) {
		r = line_next(&p->in, &line);
		if (r == LINE_NONE)
			return false;
		if (r < 0) {
			p->state = PEER_GONE;
			return false;
		}
		if (r == LINE_TOO_LONG)
			peer_refuse_long(p);
		else if (peer_take(p, line, p->in.number, ret))
			return true;
	}
	return false;
}

void peer_hold(struct peer *p)
{
	if (p->line.ptr != p->held.data) {
		buf_clear(&p->held);
		buf_append_slice(&p->held, p->line);
		p->held_line = p->in.number;
	}
	if (p->held.error)
		p->state = PEER_GONE;
	else
		p->is_held = true;
}

void peer_rest(struct peer *p)
{
	if (p->is_held)
		return;
	p->line = SLICE_NONE;
	arena_reset(&p->arena);
	buf_clear(&p->held);
	buf_trim(&p->held);
}

void peer_drop_input(struct peer *p)
{
	line_drop(&p->in);
	p->is_held = false;
	peer_rest(p);
}

void peer_drop_output(struct peer *p)
{
	size_t n = outq_len(&p->out);

	outq_consume(&p->out, n);
	outq_trim(&p->out);
	p->n_undrained -= n;
	if (p->n_reply_bytes > p->n_undrained)
		p->n_reply_bytes = p->n_undrained;
}

void peer_keep(struct peer *p)
{
	if (line_keep(&p->in) < 0)
		p->state = PEER_GONE;
}

void peer_end_of_file(struct peer *p)
{
	struct request_fault fault = {.code = ERROR_BAD_JSON};

	if (p->state != PEER_OPEN)
		return;
	if (line_has_rest(&p->in)) {
		p->in.number++;
		snprintf(fault.message, sizeof(fault.message),
			 "unterminated last line is not executed; end it with a line feed");
		peer_refuse_line(p, &fault);
	}
	if (p->state == PEER_OPEN)
		p->state = PEER_HALF_CLOSED;
}

bool peer_is_choked(const struct peer *p)
{
	return p->n_reply_bytes > p->limits->output_soft_limit;
}

void peer_drained(struct peer *p, size_t n)
{
	p->n_undrained -= n;
	p->n_reply_bytes -= n < p->n_reply_bytes ? n : p->n_reply_bytes;
	if (!p->n_undrained)
		p->n_reply_bytes = 0;
}

struct buf *peer_begin(struct peer *p)
{
	struct buf *b = outq_begin(&p->out);

	p->line_before = buf_len(b);
	return b;
}

void peer_cancel(struct peer *p)
{
	buf_rewind(outq_begin(&p->out), p->line_before);
}

/* A line that must not stay is taken back. Half a line must not be sent either. */
static bool peer_take_back(struct peer *p, size_t n)
{
	struct buf *b = outq_begin(&p->out);

	bool full = n <= peer_max_line(p) && p->n_undrained + n > peer_max_undrained(p->limits);

	if (b->error || full)
		p->state = PEER_GONE;
	if (p->state != PEER_GONE && p->state != PEER_LEAVING && n <= peer_max_line(p))
		return false;
	buf_rewind(b, p->line_before);
	return true;
}

/* Whether it matters to nobody any more that a line was taken back. */
static bool peer_is_mute(const struct peer *p)
{
	return p->state == PEER_GONE || p->state == PEER_LEAVING;
}

bool peer_end(struct peer *p, enum peer_line_kind kind)
{
	struct buf *b = outq_begin(&p->out);
	size_t n;

	buf_append_char(b, '\n');
	n = buf_len(b) - p->line_before;
	if (peer_take_back(p, n))
		return peer_is_mute(p);
	outq_end(&p->out, p->line_before);
	p->n_undrained += n;
	if (kind == PEER_REPLY)
		p->n_reply_bytes += n;
	return true;
}

bool peer_end_shared(struct peer *p, struct block *tail)
{
	size_t n = buf_len(outq_begin(&p->out)) - p->line_before + tail->len;

	if (peer_take_back(p, n))
		return peer_is_mute(p);
	outq_end(&p->out, p->line_before);
	outq_append_block(&p->out, tail);
	if (outq_error(&p->out))
		p->state = PEER_GONE;
	p->n_undrained += n;
	return true;
}

void peer_bye(struct peer *p, const char *code, bool retry, const char *format, ...)
{
	char message[512];
	struct buf *b;
	va_list args;

	if (p->state == PEER_LEAVING || p->state == PEER_GONE)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	b = peer_begin(p);
	emit_literal(b, "{\"op\":\"bye\",\"code\":");
	emit_text(b, slice_of(code));
	emit_literal(b, ",\"message\":");
	emit_text(b, slice_of(message));
	if (retry)
		emit_literal(b, ",\"retry\":true");
	buf_append_char(b, '}');
	(void)peer_end(p, PEER_REPLY);
	if (p->state != PEER_GONE)
		p->state = PEER_LEAVING;
}
