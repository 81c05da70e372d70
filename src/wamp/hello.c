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
#include "codec/chars.h"
#include "codec/dict.h"
#include "codec/emit.h"
#include "codec/items.h"
#include "wamp/hide.h"

/* Of all details together; authextra is the configuration's, which has a bound of its own. */
#define HELLO_MAX_DETAILS (1u << 20)

/* WAMP 4.3: methods in the order of preference; the router chooses by its CHALLENGE. */
static void hello_emit_auth(struct buf *b, const struct session_auth *auth)
{
	emit_literal(b, ",\"authmethods\":[");
	for (size_t i = 0; i < auth->n_methods; i++) {
		if (i)
			buf_append_char(b, ',');
		emit_text(b, slice_of(auth->methods[i]));
	}
	emit_literal(b, "]");
	emit_member_text(b, "authid", auth->id);
	emit_member_text(b, "authrole", auth->role);
	if (auth->extra) {
		emit_literal(b, ",\"authextra\":");
		buf_append_slice(b, slice_of(auth->extra));
	}
}

struct scan_value hello_details(struct arena *arena, const struct session_config *config)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(HELLO_MAX_DETAILS);
	char *text;

	emit_literal(&b, "{\"agent\":");
	emit_text(&b, slice_of(config->agent));
	hello_emit_auth(&b, &config->auth);
	emit_literal(&b, ",\"roles\":{"
			 "\"caller\":{\"features\":{\"call_canceling\":true}},"
			 "\"callee\":{\"features\":{\"registration_revocation\":true}},"
			 "\"publisher\":{\"features\":{\"publisher_exclusion\":true}},"
			 "\"subscriber\":{\"features\":{\"subscription_revocation\":true}}}}");
	text = b.error ? NULL : arena_alloc(arena, buf_len(&b));
	if (!text)
		return SCAN_VALUE_NONE;
	memcpy(text, b.data, buf_len(&b));
	return (struct scan_value){text, (uint32_t)buf_len(&b), SCAN_OBJECT, 0};
}

/* Longest name of a realm, a person, a role that is kept of what a router says. */
#define HELLO_MAX_TEXT 256

/* A string member, cut and without secrets; without memory it counts as not told. */
static char *hello_text(const struct scan_value *details, const char *name,
			const struct marks *marks, struct arena *arena)
{
	CLEANUP(mem_freep) char *text = dict_text(details, name);
	struct slice shown = hide_text(marks, slice_of(text), arena);

	if (!shown.ptr)
		return NULL;
	return mem_strndup(shown.ptr, chars_cut(shown.ptr, shown.len, HELLO_MAX_TEXT));
}

/*
 * A name among a dict's members, or, where a list of names stands for the dict,
 * among its elements.
 */
static struct scan_value hello_find(const struct scan_value *container, const char *name)
{
	struct scan_value key, v;
	struct items items;

	if (container->type != SCAN_ARRAY)
		return dict_find(container, name);
	items = items_of(container);
	while (items_next(&items, &key, &v))
		if (scan_is(&v, name))
			return SCAN_LITERAL("true", SCAN_TRUE);
	return SCAN_VALUE_NONE;
}

/* An empty list, or null, is what some routers write for a role without features. */
static bool hello_is_there(const struct scan_value *role)
{
	return role->type != SCAN_ABSENT && role->type != SCAN_FALSE;
}

static void hello_roles(struct session_welcome *w, const struct scan_value *roles)
{
	struct scan_value broker = hello_find(roles, "broker");
	struct scan_value dealer = hello_find(roles, "dealer");
	struct scan_value features = dict_find(&dealer, "features");
	struct scan_value canceling = hello_find(&features, "call_canceling");

	w->has_broker = hello_is_there(&broker);
	w->has_dealer = hello_is_there(&dealer);
	/* A router that names no role is taken to have both: refusing all would help nobody. */
	if (!w->has_broker && !w->has_dealer)
		w->has_broker = w->has_dealer = true;
	w->call_canceling = canceling.type == SCAN_TRUE;
}

void hello_welcome(struct session_welcome *ret, const struct wamp_msg *msg,
		   const struct marks *marks, struct arena *arena)
{
	struct session_welcome w = {.session_id = msg->id};
	struct scan_value roles = dict_find(&msg->details, "roles");

	w.realm = hello_text(&msg->details, "realm", marks, arena);
	w.authid = hello_text(&msg->details, "authid", marks, arena);
	w.authrole = hello_text(&msg->details, "authrole", marks, arena);
	w.authmethod = hello_text(&msg->details, "authmethod", marks, arena);
	w.agent = hello_text(&msg->details, "agent", marks, arena);
	hello_roles(&w, &roles);
	hello_welcome_done(ret);
	*ret = w;
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
