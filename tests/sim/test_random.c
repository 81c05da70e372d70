/* SPDX-License-Identifier: MIT */

/*
 * Random lives: programs that do anything, routers that come and go
 *
 * Each seed is one run: a far router with latency, an embedded one, programs
 * that register, subscribe, call, publish, answer, stop reading, half-close
 * and vanish, and a network that splits, stalls and cuts. The world checks
 * every step; at the end everything that was asked must have been answered.
 *
 *	test_random             the usual seeds
 *	test_random SEED [N]    this one (and N - 1 after it)
 */

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RANDOM_SEEDS	300
#define RANDOM_STEPS	400
#define RANDOM_PROGRAMS 8
#define RANDOM_URIS	5

struct life {
	struct world *w;
	struct world_link *far;
	struct world_program *programs[RANDOM_PROGRAMS];
	unsigned next_id;
	uint64_t next_event;
};

static uint64_t life_below(struct life *l, uint64_t n)
{
	return rng_below(&l->w->rng, n);
}

static struct world_program *life_program(struct life *l)
{
	size_t i = life_below(l, RANDOM_PROGRAMS);

	if (!l->programs[i]->peer && l->w->n_programs < WORLD_MAX_PROGRAMS)
		l->programs[i] = world_connect(l->w);
	return l->programs[i];
}

static const char *life_session(struct life *l)
{
	return life_below(l, 3) ? "" : ",\"session\":\"local\"";
}

/* A handle of the kind that the program has, or NULL. */
static const char *life_handle(struct life *l, struct world_program *p, const char *kind)
{
	const char *id, *found = NULL;
	json_t *op;
	uint64_t n = 0;

	json_object_foreach(p->handles, id, op)
	{
		if (json_is_string(op) && strcmp(json_string_value(op), kind) == 0 &&
		    life_below(l, ++n) == 0)
			found = id;
	}
	return found;
}

static void life_undo(struct life *l, struct world_program *p, const char *kind, const char *op,
		      const char *member)
{
	const char *id = life_handle(l, p, kind);
	char text[64];

	if (!id)
		return;
	snprintf(text, sizeof(text), "%s", id);
	json_object_del(p->handles, id);
	world_send(p, "{\"op\":\"%s\",\"id\":%u,\"%s\":%s}", op, ++l->next_id, member, text);
	/* Pushes that are on their way already still name it. */
	json_object_set_new(p->handles, text, json_string("gone"));
}

static void life_call(struct life *l, struct world_program *p)
{
	char timeout[32] = "";
	unsigned id = ++l->next_id;

	/* Without one a call may wait for ever: every program gets some. */
	snprintf(timeout, sizeof(timeout), ",\"timeout\":%u", 1 + (unsigned)life_below(l, 3000));
	world_send(p, "{\"op\":\"call\",\"id\":%u,\"procedure\":\"com.p%u\",\"args\":[%u]%s%s}", id,
		   (unsigned)life_below(l, RANDOM_URIS), id, timeout, life_session(l));
}

static void life_publish(struct life *l, struct world_program *p)
{
	const char *exclude = life_below(l, 3) ? "" : ",\"exclude_me\":false";
	bool id = life_below(l, 2);

	if (id)
		world_send(p,
			   "{\"op\":\"publish\",\"id\":%u,\"topic\":\"com.t%u\",\"args\":[%llu]%s%"
			   "s%s}",
			   ++l->next_id, (unsigned)life_below(l, RANDOM_URIS),
			   (unsigned long long)++l->next_event,
			   life_below(l, 2) ? ",\"ack\":true" : "", exclude, life_session(l));
	else
		world_send(p, "{\"op\":\"publish\",\"topic\":\"com.t%u\",\"args\":[%llu]%s%s}",
			   (unsigned)life_below(l, RANDOM_URIS),
			   (unsigned long long)++l->next_event, exclude, life_session(l));
}

static void life_request(struct life *l, struct world_program *p)
{
	switch (life_below(l, 12)) {
	case 0:
		world_send(p, "{\"op\":\"register\",\"id\":%u,\"procedure\":\"com.p%u\"%s}",
			   ++l->next_id, (unsigned)life_below(l, RANDOM_URIS), life_session(l));
		return;
	case 1:
	case 2:
		world_send(p, "{\"op\":\"subscribe\",\"id\":%u,\"topic\":\"com.t%u\"%s}",
			   ++l->next_id, (unsigned)life_below(l, RANDOM_URIS), life_session(l));
		return;
	case 3:
		life_undo(l, p, "register", "unregister", "registration");
		return;
	case 4:
		life_undo(l, p, "subscribe", "unsubscribe", "subscription");
		return;
	case 5:
		world_send(p, "{\"op\":\"watch\",\"id\":%u,\"session\":\"*\"}", ++l->next_id);
		return;
	case 6:
		world_send(p, "{\"op\":\"list\",\"id\":%u,\"what\":\"calls\"}", ++l->next_id);
		return;
	case 7:
		world_send(p, "{\"op\":\"error\",\"inv\":%u,\"uri\":\"com.e\"}",
			   1 + (unsigned)life_below(l, 20));
		return;
	case 8:
	case 9:
		life_publish(l, p);
		return;
	default:
		life_call(l, p);
		return;
	}
}

static void life_weather(struct life *l)
{
	switch (life_below(l, 8)) {
	case 0:
		world_restart_router(l->far);
		world_cut(l->far, "connection reset by peer");
		return;
	case 1:
		world_cut(l->far, "connection reset by peer");
		return;
	case 2:
		l->far->down = !l->far->down;
		return;
	case 3:
		l->far->stalled = !l->far->stalled;
		if (!l->far->stalled && l->far->wants_open)
			world_cut(l->far, "timed out");
		return;
	case 4:
		l->far->latency_ms = life_below(l, 50);
		return;
	default:
		world_advance(l->w, life_below(l, 2000));
		return;
	}
}

static void life_of_program(struct life *l, struct world_program *p)
{
	switch (life_below(l, 40)) {
	case 0:
		world_disconnect(p);
		return;
	case 1:
		if (!p->eof)
			world_half_close(p);
		return;
	case 2:
		p->reads = !p->reads;
		return;
	case 3:
		p->auto_answer = !p->auto_answer;
		return;
	default:
		if (!p->eof)
			life_request(l, p);
		return;
	}
}

static void life_step(struct life *l)
{
	struct world_program *p;

	if (!life_below(l, 12)) {
		life_weather(l);
		return;
	}
	p = life_program(l);
	if (p->peer)
		life_of_program(l, p);
	if (life_below(l, 2))
		world_settle(l->w);
	else
		world_advance(l->w, life_below(l, 30));
}

/* The sun shines: within a while nobody waits for anything any more. */
static void life_end(struct life *l)
{
	l->far->down = l->far->stalled = false;
	if (l->far->wants_open)
		world_cut(l->far, "timed out");
	for (size_t i = 0; i < l->w->n_programs; i++)
		l->w->programs[i].reads = true;
	world_advance(l->w, 100000);
	for (size_t i = 0; i < l->w->n_programs; i++) {
		struct world_program *p = &l->w->programs[i];

		if (p->peer && json_object_size(p->open)) {
			char *dump = json_dumps(p->open, 0);

			fprintf(stderr, "seed %llu: program %zu waits for ever: %s\n",
				(unsigned long long)l->w->seed, i, dump);
			abort();
		}
	}
}

static void life_run(uint64_t seed)
{
	struct link_config far = world_link_config("default"), local = world_link_config("local");
	struct life l = {.w = world_new(seed, NULL)};

	l.w->splits = true;
	l.far = world_add_link(l.w, WORLD_FAR, &far);
	world_add_link(l.w, WORLD_EMBEDDED, &local);
	world_start(l.w);
	for (size_t i = 0; i < RANDOM_PROGRAMS; i++)
		l.programs[i] = world_connect(l.w);
	for (int i = 0; i < RANDOM_STEPS; i++)
		life_step(&l);
	life_end(&l);
	world_free(l.w);
}

static uint64_t life_first = 1, life_count = RANDOM_SEEDS;

static void every_request_is_answered_once_whatever_happens(void **state)
{
	(void)state;
	for (uint64_t seed = life_first; seed < life_first + life_count; seed++)
		life_run(seed);
}

static void send_a_mixture(struct world_program *p, unsigned number)
{
	p->auto_answer = true;
	world_send(p, "{\"op\":\"register\",\"id\":\"r\",\"procedure\":\"com.p%u\"}", number);
	world_send(p, "{\"op\":\"subscribe\",\"id\":\"s\",\"topic\":\"com.t%u\"}", number % 2);
	world_settle(p->world);
	for (unsigned i = 0; i < 100; i++) {
		world_send(p, "{\"op\":\"call\",\"id\":%u,\"procedure\":\"com.p%u\"}", 2 * i,
			   i % 6);
		world_send(p, "{\"op\":\"publish\",\"id\":%u,\"topic\":\"com.t%u\",\"ack\":true}",
			   2 * i + 1, i % 3);
	}
	world_settle(p->world);
	json_object_clear(p->handles);
	world_send(p, "{\"op\":\"unregister\",\"registration\":\"r\"}");
	world_send(p, "{\"op\":\"unsubscribe\",\"subscription\":\"s\"}");
	world_settle(p->world);
}

static void request_ids_have_no_gap_over_a_hundred_thousand_requests(void **state)
{
	struct link_config config = world_link_config("default");
	struct world *w = world_new(77, NULL);
	struct world_link *far = world_add_link(w, WORLD_FAR, &config);
	struct world_program *programs[4];

	(void)state;
	far->latency_ms = 0;
	world_start(w);
	world_advance(w, 10);
	for (size_t i = 0; i < 4; i++)
		programs[i] = world_connect(w);
	/* The world asserts the sequence at every frame. */
	while (far->last_request < 100000) {
		for (unsigned i = 0; i < 4; i++)
			send_a_mixture(programs[i], i);
		world_settle(w);
		for (size_t i = 0; i < 4; i++)
			world_drop_lines(programs[i]);
	}
	world_free(w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_is_answered_once_whatever_happens),
		cmocka_unit_test(request_ids_have_no_gap_over_a_hundred_thousand_requests),
	};

	if (argc > 1) {
		life_first = strtoull(argv[1], NULL, 10);
		life_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
		return cmocka_run_group_tests(tests, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
