/* SPDX-License-Identifier: MIT */

/*
 * Who may come in (protocol §10): places, places for each user, and their rate
 *
 * Whoever is not admitted gets a bye that names the limit and no greet. The log
 * hears of a user's refusals once a second, since a program that connects in a
 * loop must not fill the disk.
 */

#include "hub/internal.h"

#define ADMIT_SECOND_MS 1000

bool admit_is_admin(const struct program *p)
{
	uint32_t uid = p->peer.credentials.uid;

	return uid == 0 || uid == p->hub->config.admin_uid;
}

/* The record of a user without connections is kept while its second lasts. */
static void admit_forget(struct hub *hub, uint64_t until_ms)
{
	struct user *user;

	while ((user = list_first(&hub->recent_users, struct user, recent)) &&
	       user->second_ms + ADMIT_SECOND_MS <= until_ms) {
		list_unlink(&user->recent);
		user_unref(user);
	}
}

void admit_forget_all(struct hub *hub)
{
	admit_forget(hub, NEVER_MS);
}

/* One more connection of the user; how many there were in this second. */
static uint32_t admit_count(struct hub *hub, struct user *user)
{
	admit_forget(hub, hub->now_ms);
	if (!list_is_linked(&user->recent)) {
		user->second_ms = hub->now_ms;
		user->n_second = 0;
		list_append(&hub->recent_users, &user_ref(user)->recent);
	}
	return ++user->n_second;
}

/* "max_connections of 4096": the limit that is reached, or NULL. */
static const char *admit_find_limit(struct program *p, struct user *user, uint64_t *ret_value)
{
	const struct hub_limits *limits = &p->hub->config.limits;
	unsigned reserve = admit_is_admin(p) ? HUB_RESERVED_CONNECTIONS : 0;
	uint32_t n_second = admit_count(p->hub, user);

	*ret_value = limits->max_connections;
	if (p->hub->n_admitted >= (size_t)limits->max_connections + reserve)
		return "max_connections";
	*ret_value = limits->max_connections_per_user;
	if (user->charged[USER_CONNECTIONS] >= (uint64_t)limits->max_connections_per_user + reserve)
		return "max_connections_per_user";
	*ret_value = limits->connect_rate_per_user;
	if (limits->connect_rate_per_user && n_second > limits->connect_rate_per_user)
		return "connect_rate_per_user";
	return NULL;
}

static void admit_refuse(struct program *p, struct user *user, const char *limit, uint64_t value)
{
	unsigned long long number = (unsigned long long)value;
	char more[NOTE_MAX_MORE];

	peer_bye(&p->peer, "too_many_connections", true, "limit %s of %llu", limit, number);
	if (note_is_due(p->hub, &user->refusals, more))
		note_program(p, 4, HUB_EVENT_QUOTA_HIT, "too_many_connections",
			     "connection of uid %u refused (pid %d): limit %s of %llu%s", user->uid,
			     p->peer.credentials.pid, limit, number, more);
}

bool admit_program(struct program *p, struct user *user)
{
	uint64_t value = 0;
	const char *limit = admit_find_limit(p, user, &value);

	/* The charge keeps the user's record, and counts if there is a place. */
	charge_set(&p->peer.charge, user, USER_CONNECTIONS, limit ? 0 : 1);
	charge_set(&p->memory, user, USER_BYTES, 0);
	if (limit) {
		admit_refuse(p, user, limit, value);
		return false;
	}
	p->is_admitted = true;
	p->hub->n_admitted++;
	return true;
}

void admit_leave(struct program *p)
{
	p->hub->n_admitted -= p->is_admitted;
	p->is_admitted = false;
	charge_done(&p->memory);
}
