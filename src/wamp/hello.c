/* SPDX-License-Identifier: MIT */

/*
 * HELLO and WELCOME details
 *
 * Features are announced only if this version has them (WAMP 3, "Peers and
 * roles"). WELCOME is scanned anew for each name, which is simple and happens
 * once for each join. It must not be read by a stricter parser than messages
 * are: what a router's details hold beside the names wanted here, such as a
 * lone surrogate or 2^64, is no reason not to join.
 */

#include "wamp/hello.h"

#include "base/mem.h"

#include <errno.h>

/* Members behind the first so many are not looked for; Crossbar sends some fifteen. */
#define HELLO_MAX_MEMBERS 64

struct scan_value hello_details(struct arena *arena, const char *agent)
{
	struct slice text =
		arena_printf(arena,
			     "{\"agent\":\"%s\",\"authmethods\":[\"anonymous\"],\"roles\":{"
			     "\"caller\":{\"features\":{\"call_canceling\":true}},"
			     "\"callee\":{\"features\":{\"registration_revocation\":true}},"
			     "\"publisher\":{\"features\":{\"publisher_exclusion\":true}},"
			     "\"subscriber\":{\"features\":{\"subscription_revocation\":true}}}}",
			     agent);

	return (struct scan_value){text.ptr, (uint32_t)text.len, SCAN_OBJECT, 0};
}

/* The member of a dict; absent also where the dict is none. 0 or -EPROTO if it cannot be read. */
static int hello_member(struct scan_value *ret, const struct scan_value *dict, const char *name)
{
	struct scan_member members[HELLO_MAX_MEMBERS];
	struct scan_names names;
	struct scan_error error;
	size_t n;
	int r;

	*ret = SCAN_VALUE_NONE;
	if (dict->type != SCAN_OBJECT)
		return 0;
	r = scan_object(scan_token(dict), SCAN_LENIENT, &names, members, HELLO_MAX_MEMBERS, &n,
			&error);
	for (size_t i = 0; i < n; i++)
		if (slice_is(members[i].name, name))
			*ret = members[i].value;
	return r && r != SCAN_TOO_MANY && r != SCAN_DUPLICATE ? -EPROTO : 0;
}

/* A string member, or NULL; without memory it counts as not told. */
static char *hello_text(const struct scan_value *details, const char *name)
{
	struct scan_value v;
	char *text;

	if (hello_member(&v, details, name) < 0 || v.type != SCAN_STRING)
		return NULL;
	text = mem_alloc(scan_raw(&v).len + 1);
	if (text)
		(void)scan_decode(&v, text);
	return text;
}

static void hello_roles(struct session_welcome *w, const struct scan_value *roles)
{
	struct scan_value broker, dealer, features, canceling;

	/* A router that tells no roles at all is taken to have both. */
	w->has_broker = w->has_dealer = roles->type == SCAN_ABSENT;
	if (hello_member(&broker, roles, "broker") < 0 ||
	    hello_member(&dealer, roles, "dealer") < 0 ||
	    hello_member(&features, &dealer, "features") < 0 ||
	    hello_member(&canceling, &features, "call_canceling") < 0)
		return;
	w->has_broker |= broker.type == SCAN_OBJECT;
	w->has_dealer |= dealer.type == SCAN_OBJECT;
	w->call_canceling = canceling.type == SCAN_TRUE;
}

int hello_welcome(struct session_welcome *ret, const struct wamp_msg *msg)
{
	struct session_welcome w = {.session_id = msg->id};
	struct scan_value roles;

	if (hello_member(&roles, &msg->details, "roles") < 0)
		return -EPROTO;
	w.realm = hello_text(&msg->details, "realm");
	w.authid = hello_text(&msg->details, "authid");
	w.authrole = hello_text(&msg->details, "authrole");
	w.authmethod = hello_text(&msg->details, "authmethod");
	w.agent = hello_text(&msg->details, "agent");
	hello_roles(&w, &roles);
	hello_welcome_done(ret);
	*ret = w;
	return 0;
}

void hello_welcome_done(struct session_welcome *w)
{
	mem_free(w->realm);
	mem_free(w->authid);
	mem_free(w->authrole);
	mem_free(w->authmethod);
	mem_free(w->agent);
	*w = (struct session_welcome){0};
}
