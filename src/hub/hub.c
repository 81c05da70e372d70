/* SPDX-License-Identifier: MIT */

/*
 * The hub: life-cycle, time, and the queues that daemon/ drains
 */

#include "hub/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

/* Longest shared part of an event: a frame of the largest size with every byte escaped stays below.
 */
#define HUB_MAX_TAIL (128u << 20)

int hub_new(struct hub **ret, const struct hub_config *config, const struct map_secret *secret,
	    struct rng *rng)
{
	struct hub *hub = mem_alloc(sizeof(*hub));

	if (!hub)
		return -ENOMEM;
	hub->config = *config;
	hub->secret = secret;
	hub->rng = rng;
	heap_init(&hub->heap);
	users_init(&hub->users);
	list_init(&hub->programs);
	list_init(&hub->links);
	list_init(&hub->watches);
	list_init(&hub->dirty_programs);
	list_init(&hub->ready_programs);
	list_init(&hub->dirty_links);
	list_init(&hub->notes);
	list_init(&hub->recent_users);
	list_init(&hub->greedy_users);
	buf_init(&hub->tail, HUB_MAX_TAIL);
	hub->n_turn = hub->max_turn = HUB_TURN_DELIVERIES;
	hub->drain_timer.kind = TIMER_DRAIN;
	*ret = hub;
	return 0;
}

struct hub *hub_free(struct hub *hub)
{
	if (!hub)
		return NULL;
	list_for_each_safe (i, &hub->links)
		link_free(CONTAINER_OF(i, struct link, node));
	note_free_all(hub);
	admit_forget_all(hub);
	hub_timer_stop(hub, &hub->drain_timer);
	users_done(&hub->users);
	buf_done(&hub->tail);
	return mem_free(hub);
}

void hub_set_time(struct hub *hub, uint64_t now_ms, uint64_t wall_ms)
{
	hub->now_ms = now_ms;
	hub->wall_ms = wall_ms;
}

struct link *hub_find_link(struct hub *hub, struct slice name)
{
	list_for_each (i, &hub->links) {
		struct link *l = CONTAINER_OF(i, struct link, node);

		if (slice_is(name, l->config.name))
			return l;
	}
	return NULL;
}

void hub_count(const struct hub *hub, struct hub_counts *ret)
{
	*ret = (struct hub_counts){
		.programs = hub->n_programs,
		.registrations = hub->n_handles[WANT_REGISTRATION],
		.subscriptions = hub->n_handles[WANT_SUBSCRIPTION],
		.calls = hub->n_calls,
		.invocations = hub->n_invocations,
	};
	list_for_each (i, &hub->links) {
		ret->links++;
		ret->joined += link_is_joined(CONTAINER_OF(i, struct link, node));
	}
}

void hub_timer_set(struct hub *hub, struct timer *timer, uint64_t at_ms)
{
	heap_set(&hub->heap, &timer->due, at_ms);
}

void hub_timer_stop(struct hub *hub, struct timer *timer)
{
	heap_remove(&hub->heap, &timer->due);
}

uint64_t hub_deadline(const struct hub *hub)
{
	return heap_deadline(&hub->heap);
}

static void hub_stall(struct program *p)
{
	struct hub *hub = p->hub;
	uint64_t stall_ms = hub->config.limits.stall_timeout_ms, due = p->progress_ms + stall_ms;
	char why[64];

	/* Who has its bye has been told, and is given its own time. */
	if (!p->peer.n_undrained || p->peer.state == PEER_LEAVING || p->peer.state == PEER_GONE)
		return;
	if (due > hub->now_ms) {
		hub_timer_set(hub, &p->stall, due);
		return;
	}
	snprintf(why, sizeof(why), "unread, and none taken for %llu s",
		 (unsigned long long)stall_ms / 1000);
	program_cut_off(p, HUB_EVENT_SLOW_CONSUMER, p->peer.n_undrained, why);
}

static void hub_fire(struct hub *hub, struct timer *timer)
{
	switch (timer->kind) {
	case TIMER_PENDING:
		pending_on_timer(CONTAINER_OF(timer, struct pending, timer));
		return;
	case TIMER_WANT:
		want_on_timer(CONTAINER_OF(timer, struct want, retry));
		return;
	case TIMER_HOLD:
		link_on_hold_timer(CONTAINER_OF(timer, struct link, hold));
		return;
	case TIMER_LINK:
		link_on_timer(CONTAINER_OF(timer, struct link, timer));
		return;
	case TIMER_OWN:
		publish_free(CONTAINER_OF(timer, struct publication, timer));
		return;
	case TIMER_HELD:
		subscriber_release(CONTAINER_OF(timer, struct subscriber, timer));
		return;
	case TIMER_STALL:
		hub_stall(CONTAINER_OF(timer, struct program, stall));
		return;
	case TIMER_DRAIN:
		drain_advance(hub);
		return;
	}
}

void hub_expire(struct hub *hub)
{
	struct due *due;

	while ((due = heap_peek(&hub->heap)) && due->at_ms <= hub->now_ms) {
		heap_remove(&hub->heap, due);
		hub_fire(hub, CONTAINER_OF(due, struct timer, due));
	}
}

struct peer *hub_next_dirty_peer(struct hub *hub)
{
	struct program *p;

	/* What the one before, or a line that was kept, made too much. */
	memory_enforce_all(hub);
	p = list_first(&hub->dirty_programs, struct program, dirty);
	if (!p)
		return NULL;
	list_unlink(&p->dirty);
	memory_update(p);
	return &p->peer;
}

struct peer *hub_next_ready(struct hub *hub)
{
	struct program *p = list_first(&hub->ready_programs, struct program, ready);

	if (!p)
		return NULL;
	list_unlink(&p->ready);
	return &p->peer;
}

struct link *hub_next_dirty_link(struct hub *hub)
{
	struct link *l = list_first(&hub->dirty_links, struct link, dirty);

	if (l)
		list_unlink(&l->dirty);
	return l;
}

int hub_next_wish(struct hub *hub, struct link **ret_link)
{
	list_for_each (i, &hub->links) {
		struct link *l = CONTAINER_OF(i, struct link, node);
		int wish = l->wish;

		if (!wish)
			continue;
		l->wish = 0;
		*ret_link = l;
		return wish;
	}
	return 0;
}

void hub_set_limits(struct hub *hub, const struct hub_limits *limits)
{
	hub->config.limits = *limits;
}

void hub_set_settings(struct hub *hub, const struct hub_setting *settings, size_t n)
{
	hub->settings = settings;
	hub->n_settings = n;
}
