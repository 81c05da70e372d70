/* SPDX-License-Identifier: MIT */

/*
 * HELLO and WELCOME details
 *
 * Once for each join, so that a tree (jansson) is the simplest way. Features
 * are announced only if this version has them (WAMP 3, "Peers and roles").
 */

#include "wamp/hello.h"

#include "base/mem.h"

#include <errno.h>
#include <jansson.h>

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

static char *hello_text(const json_t *details, const char *key)
{
	const char *text = json_string_value(json_object_get(details, key));

	return text ? mem_strdup(text) : NULL;
}

static void hello_roles(struct session_welcome *w, const json_t *details)
{
	const json_t *roles = json_object_get(details, "roles");
	const json_t *dealer = json_object_get(roles, "dealer");
	const json_t *features = json_object_get(dealer, "features");

	w->has_broker = json_is_object(json_object_get(roles, "broker"));
	w->has_dealer = json_is_object(dealer);
	w->call_canceling = json_is_true(json_object_get(features, "call_canceling"));
	/* A router that tells no roles at all is taken to have both. */
	if (!roles)
		w->has_broker = w->has_dealer = true;
}

int hello_welcome(struct session_welcome *ret, const struct wamp_msg *msg)
{
	struct session_welcome w = {.session_id = msg->id};
	json_t *details;

	if (msg->details.type == SCAN_ABSENT)
		details = json_object();
	else
		details = json_loadb(msg->details.text, msg->details.len, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(details)) {
		json_decref(details);
		return -EPROTO;
	}
	w.realm = hello_text(details, "realm");
	w.authid = hello_text(details, "authid");
	w.authrole = hello_text(details, "authrole");
	w.authmethod = hello_text(details, "authmethod");
	w.agent = hello_text(details, "agent");
	hello_roles(&w, details);
	json_decref(details);
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
