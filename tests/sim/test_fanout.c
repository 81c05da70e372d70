/* SPDX-License-Identifier: MIT */

/*
 * Events for very many subscriptions: bounded work a turn, in order, and for whom they are
 */

#include "world.h"

#include "hub/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define N_PROGRAMS 20
#define N_EACH	   20
/* Less than one event needs. */
#define A_TURN 310

static void subscribe_often(struct world *w, struct world_program *programs[N_PROGRAMS])
{
	w->hub->max_turn = A_TURN;
	for (int i = 0; i < N_PROGRAMS; i++) {
		programs[i] = world_connect(w);
		for (int k = 0; k < N_EACH; k++)
			world_send(programs[i],
				   "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t\"}", k);
		world_settle(w);
	}
}

static struct world *world_of_many(struct world_link **l, struct world_program *programs[])
{
	struct world *w = world_with(WORLD_SCRIPTED, 1, NULL, l);

	world_welcome(*l);
	subscribe_often(w, programs);
	assert_int_equal(world_sent_type(*l), WAMP_SUBSCRIBE);
	world_reply(*l, "[33,1,77]");
	for (int i = 0; i < N_PROGRAMS; i++)
		world_drop_lines(programs[i]);
	return w;
}

/* A frame that nothing follows yet. */
static void frame(struct world_link *l, const char *text)
{
	hub_begin_turn(l->world->hub);
	hub_link_frame(l->link, slice_of(text));
	hub_check(l->world->hub);
}

/* As the daemon serves it, but one line only. */
static int one_line(struct world_program *p)
{
	struct request request;
	int r;

	peer_feed(p->peer, buf_bytes(&p->input));
	assert_true(peer_next(p->peer, &request));
	r = hub_request(p->world->hub, p->peer, &request);
	buf_clear(&p->input);
	peer_keep(p->peer);
	return r;
}

static uint64_t n_delivered(const struct world_program *p)
{
	const struct program *program = CONTAINER_OF(p->peer, struct program, peer);
	uint64_t n = 0;

	list_for_each (i, &program->handles)
		n += CONTAINER_OF(i, struct handle, of_program)->n_delivered;
	return n;
}

static uint64_t n_delivered_to_all(struct world_program *const programs[])
{
	uint64_t n = 0;

	for (int i = 0; i < N_PROGRAMS; i++)
		if (programs[i]->peer)
			n += n_delivered(programs[i]);
	return n;
}

static void a_turn_delivers_a_bounded_number_and_the_router_is_not_read(void **state)
{
	struct world_program *programs[N_PROGRAMS];
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);

	(void)state;
	frame(l, "[36,77,1,{}]");
	frame(l, "[36,77,2,{}]");
	assert_int_equal(n_delivered_to_all(programs), A_TURN);
	assert_true(hub_is_delivering(w->hub));
	assert_false(hub_link_wants_input(l->link));
	hub_begin_turn(w->hub);
	assert_true(hub_deliver(w->hub));
	assert_false(hub_deliver(w->hub));
	assert_int_equal(n_delivered_to_all(programs), 2 * A_TURN);
	world_settle(w);
	assert_false(hub_is_delivering(w->hub));
	assert_true(hub_link_wants_input(l->link));
	for (int i = 0; i < N_PROGRAMS; i++) {
		assert_int_equal(world_count_lines(programs[i]), 2 * N_EACH);
		for (int k = 0; k < 2 * N_EACH; k++)
			assert_int_equal(world_number(world_take(programs[i]), "publication"),
					 1 + k / N_EACH);
	}
	world_free(w);
}

static void subscriptions_that_end_in_the_middle_hear_no_more(void **state)
{
	struct world_program *programs[N_PROGRAMS];
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);
	int last = A_TURN % N_EACH, who = A_TURN / N_EACH;

	(void)state;
	frame(l, "[36,77,1,{}]");
	/* The very next one, and all of the last program. */
	world_send(programs[who], "{\"op\":\"unsubscribe\",\"id\":\"u\",\"subscription\":%d}",
		   last);
	assert_int_equal(one_line(programs[who]), HUB_DONE);
	hub_check(w->hub);
	world_disconnect(programs[N_PROGRAMS - 1]);
	world_settle(w);
	assert_int_equal(n_delivered_to_all(programs), (N_PROGRAMS - 1) * N_EACH - 1);
	world_free(w);
}

static void a_subscription_that_begins_in_the_middle_is_given_the_next_one(void **state)
{
	struct world_program *programs[N_PROGRAMS], *late;
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);

	(void)state;
	late = world_connect(w);
	world_expect(late, "greet");
	frame(l, "[36,77,1,{}]");
	world_send(late, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.t\"}");
	assert_int_equal(one_line(late), HUB_DONE);
	world_reply(l, "[36,77,2,{}]");
	world_expect(late, "ok");
	assert_int_equal(world_number(world_expect(late, "event"), "publication"), 2);
	world_free(w);
}

static void a_session_that_is_lost_in_the_middle_leaves_a_gap(void **state)
{
	struct world_program *programs[N_PROGRAMS];
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);
	json_t *line;

	(void)state;
	world_advance(w, 2000);
	frame(l, "[36,77,1,{}]");
	world_cut(l, "cut");
	assert_false(hub_is_delivering(w->hub));
	world_settle(w);
	world_welcome(l);
	assert_int_equal(world_sent_type(l), WAMP_SUBSCRIBE);
	world_reply(l, "[33,1,78]");
	line = world_expect_member(programs[N_PROGRAMS - 1], "gap", "reason", "session_lost");
	assert_int_equal(world_number(line, "dropped"), -1);
	world_free(w);
}

/* The one that published is the last in the order of subscriptions. */
static void published_in_the_middle_keeps_the_event_from_its_program(void **state)
{
	struct world_program *programs[N_PROGRAMS], *p;
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);

	(void)state;
	p = programs[A_TURN / N_EACH];
	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	assert_int_equal(world_sent_type(l), WAMP_PUBLISH);
	/* It is held for the first of its subscriptions, and has not come to the others. */
	frame(l, "[36,77,501,{}]");
	frame(l, "[17,2,501]");
	world_advance(w, 2000);
	assert_int_equal(world_count_lines(p), 0);
	assert_int_equal(world_count_lines(programs[N_PROGRAMS - 1]), N_EACH);
	assert_int_equal(n_delivered_to_all(programs), (N_PROGRAMS - 1) * N_EACH);
	world_free(w);
}

static void publishers_on_the_router_in_this_process_wait_and_callers_do_not(void **state)
{
	struct world_program *programs[N_PROGRAMS], *publisher, *caller;
	struct world_link *l;
	struct world *w = world_with(WORLD_EMBEDDED, 1, NULL, &l);

	(void)state;
	subscribe_often(w, programs);
	publisher = world_connect(w);
	caller = world_connect(w);
	world_send(publisher, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_send(caller, "{\"op\":\"call\",\"id\":1,\"procedure\":\"com.none\"}");
	/* The link has all that it may have waiting. */
	l->link->n_deliveries += LINK_MAX_DELIVERIES;
	assert_int_equal(one_line(caller), HUB_DONE);
	assert_int_equal(one_line(publisher), HUB_HELD);
	l->link->n_deliveries -= LINK_MAX_DELIVERIES;
	link_wake_blocked(l->link);
	world_settle(w);
	world_expect(caller, "error");
	assert_int_equal(n_delivered_to_all(programs), N_PROGRAMS * N_EACH);
	world_free(w);
}

static void subscribe_on_other(struct world_program *p)
{
	for (int k = 0; k < 2 * A_TURN; k++)
		world_send(p,
			   "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t\","
			   "\"session\":\"other\"}",
			   k);
	world_settle(p->world);
}

/* All sessions of the router in this process hear one another. */
static void publishers_wait_for_the_events_of_another_session_there(void **state)
{
	struct link_config config = world_link_config("other");
	struct world *w = world_new(1, NULL);
	struct world_link *l = world_add_link(w, WORLD_EMBEDDED, &config), *own;
	struct world_program *subscriber, *publisher, *second;

	(void)state;
	config.name = "default";
	own = world_add_link(w, WORLD_EMBEDDED, &config);
	world_start(w);
	w->hub->max_turn = A_TURN;
	subscriber = world_connect(w);
	publisher = world_connect(w);
	second = world_connect(w);
	subscribe_on_other(subscriber);
	world_send(publisher, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	l->link->n_deliveries += LINK_MAX_DELIVERIES;
	assert_int_equal(one_line(publisher), HUB_HELD);
	l->link->n_deliveries -= LINK_MAX_DELIVERIES;
	assert_true(list_is_linked(own->link->blocked.next));
	/* The event of another one is delivered, in turns. */
	world_send(second, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	assert_false(publisher->peer->is_held);
	assert_int_equal(n_delivered(subscriber), 2 * 2 * A_TURN);
	world_free(w);
}

static void an_event_does_not_take_a_user_further_than_its_memory(void **state)
{
	struct hub_config hub = world_hub_config();
	struct link_config config = world_link_config("default");
	struct world_program *greedy, *second;
	struct world_link *l;
	struct world *w;
	uint64_t most = 0;
	json_t *line;

	(void)state;
	hub.limits.user_memory = 1 << 20;
	w = world_new(1, &hub);
	l = world_add_link(w, WORLD_SCRIPTED, &config);
	world_start(w);
	world_welcome(l);
	greedy = world_connect(w);
	second = world_connect(w);
	for (int i = 0; i < 200; i++)
		world_send(greedy, "{\"op\":\"subscribe\",\"id\":%d,\"topic\":\"com.t\"}", i);
	world_send(second, "{\"op\":\"subscribe\",\"id\":1,\"topic\":\"com.t\"}");
	world_settle(w);
	world_reply(l, "[33,1,77]");
	world_drop_lines(greedy);
	greedy->reads = second->reads = false;
	for (int i = 0; i < 300; i++) {
		const struct program *p = CONTAINER_OF(second->peer, struct program, peer);
		char event[160];

		snprintf(event, sizeof(event), "[36,77,%d,{},[\"%0100d\"]]", 1000 + i, i);
		frame(l, event);
		/* Before anybody is cut off for it. */
		most = p->memory.user->charged[USER_BYTES] > most
			       ? p->memory.user->charged[USER_BYTES]
			       : most;
		world_settle(w);
	}
	/* One event, and a gap for each subscription. */
	assert_in_range(most, 1 << 20, (1 << 20) + 1024 + 200 * sizeof(struct queued));
	second->reads = true;
	world_settle(w);
	/* Nothing is missing that was not told: for each subscription they add up. */
	for (int n = 0; n < 300;) {
		line = world_take(second);
		assert_non_null(line);
		n += strcmp(world_text(line, "op"), "gap") == 0 ? (int)world_number(line, "dropped")
								: 1;
	}
	world_free(w);
}

/* For each of the program's subscriptions, one after the other: what it was given. */
static void each_hears_once(struct world_program *p, int publication)
{
	bool heard[N_EACH] = {false};
	json_t *line;

	for (int k = 0; k < N_EACH; k++) {
		int64_t id;

		line = world_expect(p, "event");
		id = world_number(line, "subscription");
		assert_int_equal(world_number(line, "publication"), publication);
		assert_in_range(id, 0, N_EACH - 1);
		assert_false(heard[id]);
		heard[id] = true;
	}
	assert_int_equal(world_count_lines(p), 0);
}

static void publishing_in_the_middle_of_an_event_brings_it_once(void **state)
{
	struct world_program *programs[N_PROGRAMS], *p;
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);

	(void)state;
	p = programs[A_TURN / N_EACH];
	/* Half of its subscriptions are given it, and then the program publishes. */
	frame(l, "[36,77,1,{}]");
	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	assert_int_equal(one_line(p), HUB_DONE);
	world_settle(w);
	each_hears_once(p, 1);
	world_free(w);
}

static void what_was_held_for_the_first_ones_comes_once_to_the_others(void **state)
{
	struct world_program *programs[N_PROGRAMS], *p;
	struct world_link *l;
	struct world *w = world_of_many(&l, programs);

	(void)state;
	p = programs[A_TURN / N_EACH];
	world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t\"}");
	world_settle(w);
	/* It may be the program's own, and turns out not to be, before all have been looked at. */
	frame(l, "[36,77,1,{}]");
	frame(l, "[17,2,501]");
	world_settle(w);
	each_hears_once(p, 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_delivers_a_bounded_number_and_the_router_is_not_read),
		cmocka_unit_test(subscriptions_that_end_in_the_middle_hear_no_more),
		cmocka_unit_test(a_subscription_that_begins_in_the_middle_is_given_the_next_one),
		cmocka_unit_test(a_session_that_is_lost_in_the_middle_leaves_a_gap),
		cmocka_unit_test(published_in_the_middle_keeps_the_event_from_its_program),
		cmocka_unit_test(publishers_on_the_router_in_this_process_wait_and_callers_do_not),
		cmocka_unit_test(an_event_does_not_take_a_user_further_than_its_memory),
		cmocka_unit_test(publishing_in_the_middle_of_an_event_brings_it_once),
		cmocka_unit_test(what_was_held_for_the_first_ones_comes_once_to_the_others),
		cmocka_unit_test(publishers_wait_for_the_events_of_another_session_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
