/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A session to test, brought into any state; frames in, frames out
 */

#include "wamp/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WELCOME "[2,77,{\"realm\":\"realm1\",\"roles\":{\"broker\":{},\"dealer\":{}}}]"

static const struct session_config frames_config = {.realm = "realm1", .agent = "test"};
static const struct session_config views_config = {
	.realm = "realm1", .agent = "test", .views = true};

/* The next outbound frame, or "" for none. */
static inline void expect_frame(struct session *s, const char *expected)
{
	struct slice out = buf_bytes(&s->out), frame;
	uint32_t len;

	if (!expected[0]) {
		assert_int_equal(out.len, 0);
		return;
	}
	assert_true(out.len > SESSION_FRAME_HEADER);
	memcpy(&len, out.ptr, sizeof(len));
	assert_true(len <= out.len - SESSION_FRAME_HEADER);
	frame = (struct slice){out.ptr + SESSION_FRAME_HEADER, len};
	if (!slice_is(frame, expected))
		fail_msg("%.*s instead of %s", SLICE_ARG(frame), expected);
	buf_consume(&s->out, SESSION_FRAME_HEADER + len);
}

static inline void skip_frame(struct session *s)
{
	uint32_t len;

	memcpy(&len, buf_bytes(&s->out).ptr, sizeof(len));
	buf_consume(&s->out, SESSION_FRAME_HEADER + len);
}

static inline void input(struct session *s, const char *frame)
{
	session_recv_frame(s, slice_of(frame));
}

/* A session brought into a state, nothing outbound. */
static inline void start(struct session *s, enum session_state state)
{
	struct session_event event;

	assert_int_equal(session_init(s, &frames_config), 0);
	if (state == SESSION_IDLE)
		return;
	session_open(s);
	skip_frame(s);
	if (state == SESSION_HELLO_SENT)
		return;
	input(s, WELCOME);
	assert_true(session_next_event(s, &event));
	assert_int_equal(event.type, SESSION_EVENT_JOINED);
	if (state == SESSION_JOINED)
		return;
	if (state == SESSION_CLOSING)
		session_leave(s, "wamp.close.close_realm");
	else
		session_abort(s, "x.y", NULL);
	skip_frame(s);
	assert_int_equal(s->state, state);
}
