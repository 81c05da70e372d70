/* SPDX-License-Identifier: MIT */

/*
 * Memory: what is finished is freed, what has grown is given back, nothing escapes the accounts
 */

#include "world.h"

#include "hub/objects.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t in_use(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static char *letters(size_t n)
{
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = '\0';
	return text;
}

static void register_com_p(struct world_link *l, struct world_program *p)
{
	world_send(p, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.p\"}");
	world_settle(p->world);
	assert_int_equal(world_sent_type(l), WAMP_REGISTER);
	world_reply(l, "[65,1,9]");
	world_drop_lines(p);
}

static void texts_of_answers_do_not_stay_while_the_router_says_nothing(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);
	char *message = letters(60000);
	size_t before;

	(void)state;
	world_welcome(l);
	register_com_p(l, p);
	for (int i = 1; i <= 500; i++)
		world_reply(l, "[68,%d,9,{}]", i);
	world_drop_lines(p);
	before = in_use();
	for (int i = 1; i <= 500; i++) {
		world_send(p, "{\"op\":\"error\",\"inv\":%d,\"message\":\"%s\"}", i, message);
		world_settle(w);
		assert_int_equal(world_sent_type(l), WAMP_ERROR);
	}
	/* 30 MB went through. */
	assert_true(in_use() < before + (1 << 20));
	free(message);
	world_free(w);
}

static void subscribe_com_t(struct world_link *l, struct world_program *p, int id)
{
	world_send(p, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t\"}", id);
	world_settle(p->world);
	if (world_sent_type(l) == WAMP_SUBSCRIBE)
		world_reply(l, "[33,1,77]");
	world_drop_lines(p);
}

static void one_long_event_does_not_cost_its_memory_for_ever(void **state)
{
	struct world_link *l;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	struct world_program *p = world_connect(w);
	char *text = letters(15 << 20);

	(void)state;
	world_welcome(l);
	subscribe_com_t(l, p, 1);
	world_reply(l, "[36,77,1,{},[\"%s\"]]", text);
	assert_true(w->hub->tail.cap <= 1 << 16);
	world_reply(l, "[36,77,2,{},[1]]");
	free(text);
	world_free(w);
}

/* A program that has too much unread for any event to wait. */
static void a_gap_is_told_though_nothing_waits_behind_it(void **state)
{
	struct hub_config hub = world_hub_config();
	struct link_config config = world_link_config("default");
	struct world_link *l;
	struct world_program *p;
	struct world *w;
	char *text = letters(3 << 20);
	json_t *line;

	(void)state;
	hub.limits.peer.output_hard_limit = 2 << 20;
	hub.limits.peer.output_soft_limit = 64 << 10;
	hub.limits.peer.max_line = 16 << 20;
	w = world_new(1, &hub);
	l = world_add_link(w, WORLD_SCRIPTED, &config);
	world_start(w);
	world_welcome(l);
	p = world_connect(w);
	subscribe_com_t(l, p, 1);
	p->reads = false;
	for (int i = 0; i < 20; i++)
		world_send(p, "{\"op\":\"list\",\"id\":\"l%d\",\"what\":\"errors\"}", i);
	world_settle(w);
	world_reply(l, "[36,77,1,{},[\"%s\"]]", text);
	p->reads = true;
	world_settle(w);
	line = world_expect(p, "gap");
	assert_int_equal(world_number(line, "dropped"), 1);
	assert_string_equal(world_text(line, "reason"), "overflow");
	free(text);
	world_free(w);
}

/* Any stranger can publish what no line can hold; who is slow must not be cut off for it. */
static void gaps_wait_for_a_program_that_does_not_read(void **state)
{
	struct world_link *l;
	struct world_program *p;
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, &l);
	char *text = letters(300000);
	json_t *line;

	(void)state;
	world_welcome(l);
	p = world_connect(w);
	subscribe_com_t(l, p, 1);
	p->reads = false;
	world_reply(l, "[36,77,1,{},[\"%s\"]]", text);
	for (int i = 0; i < 1000; i++)
		world_reply(l, "[36,77,%d,{},[NaN]]", 2 + i);
	assert_true(p->peer->n_undrained < 301000);
	world_reply(l, "[36,77,1002,{}]");
	p->reads = true;
	world_settle(w);
	world_expect(p, "event");
	line = world_expect_member(p, "gap", "reason", "undecodable");
	assert_int_equal(world_number(line, "dropped"), 1000);
	assert_int_equal(world_number(world_expect(p, "event"), "publication"), 1002);
	free(text);
	world_free(w);
}

static uint64_t charged(const struct world_program *p)
{
	return p->peer->charge.user->charged[USER_BYTES];
}

/* What a user makes the daemon hold: no more than it is charged with, but for small change. */
static void is_paid_for(struct world_program *p, size_t before, uint64_t charged_before)
{
	size_t held = in_use() - before;
	uint64_t paid = charged(p) - charged_before;

	if (held > paid + paid / 10 + 4096)
		fail_msg("%zu bytes are held, and %llu charged", held, (unsigned long long)paid);
}

static void memory_is_charged_as_it_is_taken(void **state)
{
	struct world *w = world_with(WORLD_EMBEDDED, 1, NULL, NULL);
	struct world_program *p = world_connect(w);
	char *half = letters(600000);
	uint64_t charged_before;
	size_t before;

	(void)state;
	p->reads = false;
	before = in_use();
	charged_before = charged(p);
	/* Replies that are not read: a little more than 256 KiB, in a buffer of 512. */
	for (int i = 0; i < 60; i++)
		world_send(p, "{\"op\":\"list\",\"id\":%d,\"what\":\"errors\"}", i);
	world_settle(w);
	buf_done(&p->input);
	is_paid_for(p, before, charged_before);
	/* A line that is not ended, in a buffer of a mebibyte. */
	p = world_connect_as(w, 1001);
	before = in_use();
	charged_before = charged(p);
	buf_append(&p->input, half, 600000);
	world_settle(w);
	buf_done(&p->input);
	hub_peer_kept(w->hub, p->peer);
	assert_true(buf_len(&p->peer->in.kept) == 600000);
	is_paid_for(p, before, charged_before);
	free(half);
	world_free(w);
}

/* Two programs of two users, and a router that answers nothing but SUBSCRIBE. */
static struct world *world_of_topics(const struct hub_config *hub, int n, struct world_link **l,
				     struct world_program *p[2])
{
	struct link_config config = world_link_config("default");
	struct world *w = world_new(1, hub);

	*l = world_add_link(w, WORLD_SCRIPTED, &config);
	world_start(w);
	world_welcome(*l);
	for (unsigned i = 0; i < 2; i++)
		p[i] = world_connect_as(w, 1000 + i);
	for (int i = 1; i <= n; i++) {
		for (int k = 0; k < 2; k++)
			world_send(p[k], "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t%d\"}",
				   i, i);
		world_settle(w);
		world_reply(*l, "[33,%d,%d]", i, i);
	}
	return w;
}

static void forget_frames(struct world_link *l)
{
	while (world_sent_type(l))
		;
}

static void publications_that_wait_for_the_router_are_charged(void **state)
{
	struct hub_config hub = world_hub_config();
	struct world_program *p[2];
	struct world_link *l;
	struct world *w = world_of_topics(&hub, 1, &l, p);
	uint64_t charged_before;
	size_t before;

	(void)state;
	forget_frames(l);
	world_send(p[0], "{\"op\":\"publish\",\"topic\":\"com.t1\"}");
	world_settle(w);
	forget_frames(l);
	buf_done(&p[0]->input);
	before = in_use();
	charged_before = charged(p[0]);
	for (int i = 0; i < 1000; i++) {
		world_send(p[0], "{\"op\":\"publish\",\"topic\":\"com.t1\"}");
		world_settle(w);
		forget_frames(l);
	}
	buf_done(&p[0]->input);
	is_paid_for(p[0], before, charged_before);
	/* Not for ever: neither what is not answered, nor what no EVENT follows. */
	for (int i = 0; i < 500; i++)
		world_reply(l, "[17,%d,%d]", 2 + i, 500 + i);
	world_advance(w, 20000);
	assert_true(charged(p[0]) <= charged_before);
	world_free(w);
}

/* Each topic's events are bounded, but topics are many. */
static void what_is_held_for_many_topics_does_not_exceed_the_memory(void **state)
{
	struct hub_config hub = world_hub_config();
	struct world_program *p[2];
	struct world_link *l;
	struct world *w;
	char *text = letters(900000);

	(void)state;
	hub.limits.user_memory = 8 << 20;
	w = world_of_topics(&hub, 20, &l, p);
	for (int i = 1; i <= 20; i++)
		world_send(p[0], "{\"op\":\"publish\",\"topic\":\"com.t%d\"}", i);
	world_settle(w);
	for (int i = 1; i <= 20; i++) {
		world_reply(l, "[36,%d,%d,{},[\"%s\"]]", i, 500 + i, text);
		world_drop_lines(p[1]);
		assert_true(w->hub->users.charged[USER_BYTES] <= 9 << 20);
	}
	free(text);
	world_free(w);
}

static void a_queue_that_waits_for_the_kernel_has_no_memory_to_spare(void **state)
{
	struct outq q, in_flight;
	char *text = letters(600000);

	(void)state;
	outq_init(&q, SIZE_MAX / 2);
	outq_init(&in_flight, SIZE_MAX / 2);
	buf_append(outq_begin(&q), text, 600000);
	outq_end(&q, 0);
	assert_true(q.bytes.cap == 1 << 20);
	outq_take(&in_flight, &q);
	assert_int_equal(in_flight.bytes.cap, 600000);
	assert_int_equal(outq_slack(&in_flight), 0);
	assert_int_equal(outq_slack(&q), 0);
	outq_done(&q);
	outq_done(&in_flight);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_answers_do_not_stay_while_the_router_says_nothing),
		cmocka_unit_test(one_long_event_does_not_cost_its_memory_for_ever),
		cmocka_unit_test(a_gap_is_told_though_nothing_waits_behind_it),
		cmocka_unit_test(memory_is_charged_as_it_is_taken),
		cmocka_unit_test(a_queue_that_waits_for_the_kernel_has_no_memory_to_spare),
		cmocka_unit_test(publications_that_wait_for_the_router_are_charged),
		cmocka_unit_test(what_is_held_for_many_topics_does_not_exceed_the_memory),
		cmocka_unit_test(gaps_wait_for_a_program_that_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
