/* SPDX-License-Identifier: MIT */

/*
 * The environment of a command that serves a procedure
 */

#include "cli/environment.h"

#include "base/mem.h"

#include <errno.h>

/* Of what is told of a caller. */
#define ENVIRONMENT_MAX_VALUE 16384

static const char *const environment_names[] = {
	"WAMP_PROCEDURE",     "WAMP_TOPIC",	      "WAMP_KWARGS",	 "WAMP_CALLER",
	"WAMP_CALLER_AUTHID", "WAMP_CALLER_AUTHROLE", "WAMP_TIMEOUT_MS",
};

static bool environment_is_ours(const char *variable)
{
	size_t n = strcspn(variable, "=");

	for (size_t i = 0; i < ARRAY_SIZE(environment_names); i++)
		if (slice_equal((struct slice){variable, n}, slice_of(environment_names[i])))
			return true;
	return false;
}

static int environment_set(struct environment *e, const char *name, struct slice value)
{
	size_t n = strlen(name);
	char *text = mem_alloc(n + value.len + 2);

	if (!text)
		return -ENOMEM;
	memcpy(text, name, n);
	text[n] = '=';
	if (value.len)
		memcpy(text + n + 1, value.ptr, value.len);
	e->own[e->n_own++] = text;
	return 0;
}

/* A member of any scalar type; nothing to set when it is absent. */
static int environment_copy(struct environment *e, const char *name, const struct cli_line *line,
			    const char *member)
{
	const struct scan_value *v = cli_line_find(line, member);
	char text[ENVIRONMENT_MAX_VALUE];
	struct scan_value strict;
	struct scan_error error;
	size_t n;

	if (!v)
		return 0;
	/* A lone surrogate of a router cannot be spelled either. */
	if (v->len > sizeof(text) || scan_one(scan_token(v), SCAN_STRICT, &strict, &error) != 0)
		return ENVIRONMENT_UNFIT;
	n = v->type == SCAN_STRING ? scan_decode(v, text) : v->len;
	if (v->type != SCAN_STRING)
		memcpy(text, v->text, n);
	if (memchr(text, '\0', n))
		return ENVIRONMENT_UNFIT;
	return environment_set(e, name, (struct slice){text, n});
}

static int environment_add_caller(struct environment *e, const struct cli_line *invocation)
{
	struct cli_line caller;
	int r;

	if (!cli_line_inner(invocation, "caller", &caller))
		return 0;
	r = environment_copy(e, "WAMP_CALLER", &caller, "session");
	if (r == 0)
		r = environment_copy(e, "WAMP_CALLER_AUTHID", &caller, "authid");
	if (r == 0)
		r = environment_copy(e, "WAMP_CALLER_AUTHROLE", &caller, "authrole");
	return r;
}

static int environment_join(struct environment *e, char *const *inherited)
{
	size_t n = 0, at = e->n_own;

	while (inherited[n])
		n++;
	e->all = mem_alloc((e->n_own + n + 1) * sizeof(char *));
	if (!e->all)
		return -ENOMEM;
	memcpy(e->all, e->own, e->n_own * sizeof(char *));
	for (size_t i = 0; i < n; i++)
		if (!environment_is_ours(inherited[i]))
			e->all[at++] = inherited[i];
	return 0;
}

int environment_init(struct environment *e, const char *procedure,
		     const struct cli_line *invocation, char *const *inherited)
{
	const struct scan_value *kwargs = cli_line_find(invocation, "kwargs");
	int r;

	*e = (struct environment){0};
	r = environment_set(e, "WAMP_PROCEDURE", slice_of(procedure));
	if (r == 0)
		r = environment_set(e, "WAMP_KWARGS", kwargs ? scan_token(kwargs) : SLICE("{}"));
	if (r == 0)
		r = environment_copy(e, "WAMP_TIMEOUT_MS", invocation, "timeout");
	if (r == 0)
		r = environment_add_caller(e, invocation);
	if (r == 0)
		r = environment_join(e, inherited);
	return r;
}

void environment_done(struct environment *e)
{
	for (size_t i = 0; i < e->n_own; i++)
		mem_free(e->own[i]);
	mem_free(e->all);
	*e = (struct environment){0};
}
