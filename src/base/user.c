/* SPDX-License-Identifier: MIT */

/*
 * Who pays
 */

#include "base/user.h"

#include "base/mem.h"

void users_init(struct users *users)
{
	*users = (struct users){0};
	map_init(&users->map);
}

void users_done(struct users *users)
{
	map_done(&users->map);
}

struct user *users_get(struct users *users, uid_t uid)
{
	uint64_t hash = map_hash_u64(uid);
	struct user *user;

	for (struct map_node *n = map_first(&users->map, hash); n; n = map_next(n)) {
		user = CONTAINER_OF(n, struct user, node);
		if (user->uid == uid)
			return user_ref(user);
	}
	user = mem_alloc(sizeof(*user));
	if (!user)
		return NULL;
	user->users = users;
	user->uid = uid;
	user->n_refs = 1;
	list_init(&user->recent);
	list_init(&user->greedy);
	map_insert(&users->map, &user->node, hash);
	return user;
}

struct user *user_ref(struct user *user)
{
	user->n_refs++;
	return user;
}

struct user *user_unref(struct user *user)
{
	if (user && --user->n_refs == 0) {
		list_unlink(&user->greedy);
		map_remove(&user->users->map, &user->node);
		mem_free(user);
	}
	return NULL;
}

void charge_set(struct charge *c, struct user *user, enum user_slot slot, uint64_t amount)
{
	struct users *users;

	if (!c->user) {
		c->user = user_ref(user);
		c->slot = slot;
	}
	users = c->user->users;
	c->user->charged[c->slot] += amount - c->amount;
	users->charged[c->slot] += amount - c->amount;
	if (users->charged[c->slot] > users->most[c->slot])
		users->most[c->slot] = users->charged[c->slot];
	c->amount = amount;
}

void charge_done(struct charge *c)
{
	if (!c->user)
		return;
	charge_set(c, c->user, c->slot, 0);
	c->user = user_unref(c->user);
}
