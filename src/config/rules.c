/* SPDX-License-Identifier: MIT */

/*
 * The rules between keys
 *
 * A mistake is told where it can be mended: at the session's own value, else
 * at that of the defaults, and then once for all sessions that take it from
 * there, since the same text is never told twice.
 *
 * What the defaults say may be meant for some sessions only: secrets and TLS
 * files that one session has no use for are a mistake if no session has.
 */

#include "config/rules.h"

#include "codec/chars.h"
#include "config/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One session, and where its values come from. */
struct rules_session {
	const struct rules *rules;
	const struct config_session *session;
	const struct setting *own; /* NULL: made from the defaults alone */
	const struct setting *common;
};

/* Of these keys of a session's own, else of the defaults, the first that is set. */
static const struct setting *rules_blame(const struct rules_session *s, const char *const *names,
					 size_t n_names)
{
	const struct setting *const places[] = {s->own, s->common};

	for (size_t p = s->own ? 0 : 1; p < ARRAY_SIZE(places); p++)
		for (size_t i = 0; i < n_names; i++) {
			const struct setting *found =
				settings_find(places[p], CONFIG_SESSION, names[i]);

			if (found)
				return found;
		}
	return NULL;
}

static const struct setting *rules_find(const struct rules_session *s, const char *name)
{
	return rules_blame(s, &name, 1);
}

static bool rules_is_own(const struct rules_session *s, const struct setting *setting)
{
	return s->own && setting >= s->own && setting < s->own + CONFIG_MAX_OPTIONS;
}

/* Whose value it is, for people; borrowed until the next call with the same room. */
static const char *rules_owner(const struct rules_session *s, const struct setting *setting,
			       char room[96])
{
	if (!rules_is_own(s, setting))
		return "defaults";
	snprintf(room, 96, "session '%s'", s->session->name);
	return room;
}

static void rules_check_url(const struct rules_session *s, const struct setting *values)
{
	const struct setting *url = settings_find(values, CONFIG_SESSION, "url");
	const struct setting *parts = store_find_pieces(values);
	char room[96];

	if (url && parts)
		config_errors_add(s->rules->errors, url->file, url->line,
				  "%s has a 'url', and also 'host', 'port' or 'path' (%s:%u); "
				  "give either",
				  rules_owner(s, url, room), parts->file, parts->line);
}

/*
 * "tls" beside a url must say what the url says; only a session's own wss://
 * needs no leave of the defaults.
 */
static void rules_check_tls_switch(const struct rules_session *s)
{
	const struct setting *tls = rules_find(s, "tls"), *url = rules_find(s, "url");
	bool is_from_above = tls && url && rules_is_own(s, url) && !rules_is_own(s, tls);
	char room[96];

	if (!tls || !url || (s->own && store_find_pieces(s->own)))
		return;
	if (s->session->use_tls == (tls->value.number != 0) ||
	    (is_from_above && !tls->value.number))
		return;
	if (s->session->embedded) {
		if (!is_from_above)
			config_errors_add(s->rules->errors, tls->file, tls->line,
					  "%s has 'tls: yes', and its router is the embedded one, "
					  "which nobody reaches by network; remove it",
					  rules_owner(s, tls, room));
		return;
	}
	config_errors_add(s->rules->errors, url->file, url->line,
			  "'url' of %s begins with %s, and 'tls' is %s (%s:%u); give %s, or 'tls: "
			  "%s' beside it",
			  rules_owner(s, url, room), s->session->use_tls ? "wss://" : "ws://",
			  tls->value.number ? "yes" : "no", tls->file, tls->line,
			  s->session->use_tls ? "ws://" : "wss://",
			  tls->value.number ? "no" : "yes");
}

static void rules_check_delays(const struct rules_session *s)
{
	static const char *const names[] = {"reconnect_max_delay", "reconnect_delay"};
	const struct config_session *session = s->session;
	const struct setting *at;

	if (session->reconnect_max_delay_ms >= session->reconnect_delay_ms)
		return;
	at = rules_blame(s, names, ARRAY_SIZE(names));
	config_errors_add(s->rules->errors, at->file, at->line,
			  "session '%s': 'reconnect_max_delay' (%gs) must not be less than "
			  "'reconnect_delay' (%gs)",
			  session->name, (double)session->reconnect_max_delay_ms / 1000,
			  (double)session->reconnect_delay_ms / 1000);
}

static bool rules_has_method(const struct config_session *session, const char *method)
{
	for (size_t i = 0; i < session->auth_method.n; i++)
		if (strcmp(session->auth_method.items[i], method) == 0)
			return true;
	return false;
}

/* The first method that needs a name and a secret, or NULL. */
static const char *rules_secret_method(const struct config_session *session)
{
	static const char *const methods[] = {"ticket", "wampcra"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (rules_has_method(session, methods[i]))
			return methods[i];
	return NULL;
}

static bool rules_any_uses_secret(const struct config *config)
{
	for (size_t i = 0; i < config->n_sessions; i++)
		if (rules_secret_method(&config->sessions[i]))
			return true;
	return false;
}

static bool rules_any_is_remote(const struct config *config)
{
	for (size_t i = 0; i < config->n_sessions; i++)
		if (!config->sessions[i].embedded)
			return true;
	return false;
}

static bool rules_any_uses_tls(const struct config *config)
{
	for (size_t i = 0; i < config->n_sessions; i++)
		if (config->sessions[i].use_tls)
			return true;
	return false;
}

static void rules_check_method(const struct rules_session *s)
{
	const struct config_session *session = s->session;
	const char *method = rules_secret_method(session);
	const struct setting *at = rules_find(s, "auth_method");

	if (!method || !at || (session->auth_id && session->auth_secret))
		return;
	/* The embedded router asks nobody; the defaults are meant for the others. */
	if (session->embedded && !rules_is_own(s, at) && rules_any_is_remote(s->rules->config))
		return;
	config_errors_add(s->rules->errors, at->file, at->line,
			  "session '%s': the method %s needs %s%s%s", session->name, method,
			  session->auth_id ? "" : "'auth_id'",
			  session->auth_id || session->auth_secret ? "" : " and ",
			  session->auth_secret ? ""
					       : "'auth_secret' (such as \"@file:/path\" or "
						 "\"@credential:name\")");
}

static void rules_check_secret(const struct rules_session *s)
{
	const struct setting *at = rules_find(s, "auth_secret");
	char room[96];

	if (!at || rules_secret_method(s->session))
		return;
	if (!rules_is_own(s, at) && rules_any_uses_secret(s->rules->config))
		return;
	config_errors_add(s->rules->errors, at->file, at->line,
			  "%s has an 'auth_secret', and 'auth_method' has no method that uses it; "
			  "give 'auth_method: ticket' or 'auth_method: wampcra'",
			  rules_owner(s, at, room));
}

/* Whether the value is that of the option table, as in an uncommented sample or in a dump. */
static bool rules_is_default(size_t option, const struct setting *setting)
{
	const char *fallback = config_option_at(option)->fallback;
	struct value value;

	return fallback && value_parse(&value, config_option_at(option), fallback) == 0 &&
	       value.number == setting->value.number;
}

/* A key for TLS where there is none. */
static void rules_check_no_tls(const struct rules_session *s)
{
	const struct setting *values = s->own ? s->own : s->common;
	char room[96];

	if (s->session->use_tls || (!s->own && rules_any_uses_tls(s->rules->config)))
		return;
	for (size_t i = 0; i < config_option_count(); i++) {
		const char *name = config_option_at(i)->name;

		if (strncmp(name, "tls_", 4) != 0 || !values[i].file ||
		    (!s->own && rules_is_default(i, &values[i])))
			continue;
		config_errors_add(s->rules->errors, values[i].file, values[i].line,
				  "%s has '%s' and no TLS; give a url with wss://, or 'tls: yes' "
				  "beside 'host'",
				  rules_owner(s, &values[i], room), name);
		return;
	}
}

/* Of two keys the one that is set, if the other is missing. */
static void rules_check_pair(const struct rules_session *s, const char *name, const char *needed)
{
	const struct setting *at = rules_find(s, name);
	char room[96];

	if (at && !rules_find(s, needed))
		config_errors_add(s->rules->errors, at->file, at->line,
				  "%s has '%s', which needs '%s'", rules_owner(s, at, room), name,
				  needed);
}

static void rules_check_trust(const struct rules_session *s)
{
	const struct config_tls *tls = &s->session->tls;
	const struct setting *at;
	char room[96];

	if (tls->verify && !tls->system_ca && !tls->ca_file && !tls->ca_dir) {
		at = rules_find(s, "tls_system_ca");
		config_errors_add(s->rules->errors, at->file, at->line,
				  "%s has 'tls_system_ca: no', so no certificate could be trusted; "
				  "give 'tls_ca_file' or 'tls_ca_dir', or 'tls_verify: no' with "
				  "'tls_pin_sha256'",
				  rules_owner(s, at, room));
	}
}

static void rules_check_tls(const struct rules_session *s)
{
	if (!s->session->use_tls)
		return;
	rules_check_pair(s, "tls_cert", "tls_key");
	rules_check_pair(s, "tls_key", "tls_cert");
	if (rules_find(s, "tls_key") || !rules_find(s, "tls_cert"))
		rules_check_pair(s, "tls_key_passphrase", "tls_key");
	rules_check_trust(s);
}

static void rules_warn_of_secret(const struct rules_session *s, const char *name)
{
	const struct setting *at = rules_find(s, name);
	struct stat st;

	if (at && secret_is_inline(at->value.text))
		config_errors_warn(s->rules->errors, at->file, at->line,
				   "'%s' stands in the file itself%s; better \"@file:/path\" or "
				   "\"@credential:name\"",
				   name,
				   stat(at->file, &st) == 0 && st.st_mode & S_IROTH
					   ? ", which others can read"
					   : "");
}

/* A text that was copied with something that nobody sees is sent with it. */
static void rules_warn_of_blanks(const struct rules_session *s)
{
	static const char *const names[] = {"realm", "auth_id", "auth_role", "user_agent"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct setting *at = rules_find(s, names[i]);

		if (at && chars_has_blank_end(at->value.text, strlen(at->value.text)))
			config_errors_warn(s->rules->errors, at->file, at->line,
					   "'%s' begins or ends with a blank, or with a character "
					   "that nobody sees, and is sent with it",
					   names[i]);
	}
}

static bool rules_is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return !*text;
}

static void rules_warn_of_headers(const struct rules_session *s)
{
	const struct setting *places[] = {rules_find(s, "headers"),
					  settings_find(s->common, CONFIG_SESSION, "headers")};

	for (size_t p = 0; p < ARRAY_SIZE(places); p++)
		for (size_t i = 0; places[p] && i < places[p]->value.members.n; i++) {
			const struct member *m = &places[p]->value.members.items[i];

			if (chars_has_blank_end(m->text, strlen(m->text)))
				config_errors_warn(s->rules->errors, m->file, m->line,
						   "the value of the header '%.60s' begins or ends "
						   "with a blank, which HTTP drops, or with a "
						   "character that nobody sees",
						   m->key);
			else if (!rules_is_ascii(m->text))
				config_errors_warn(s->rules->errors, m->file, m->line,
						   "the value of the header '%.60s' is sent as "
						   "UTF-8, which HTTP does not promise to read; "
						   "better ASCII alone",
						   m->key);
		}
}

static void rules_warn(const struct rules_session *s)
{
	const struct config_session *session = s->session;
	const struct setting *at;

	rules_warn_of_secret(s, "auth_secret");
	rules_warn_of_secret(s, "tls_key_passphrase");
	rules_warn_of_blanks(s);
	rules_warn_of_headers(s);
	if (rules_has_method(session, "ticket") && !session->use_tls && !session->is_near) {
		at = rules_find(s, "auth_method");
		config_errors_warn(s->rules->errors, at->file, at->line,
				   "session '%s': the ticket travels in clear to %s; better wss://",
				   session->name, session->host);
	}
	if (session->use_tls && !session->tls.verify && !session->tls.pin_sha256.n) {
		at = rules_find(s, "tls_verify");
		config_errors_warn(s->rules->errors, at->file, at->line,
				   "'tls_verify: no' lets anybody play the router; better "
				   "'tls_ca_file' or 'tls_pin_sha256'");
	} else if (session->use_tls && session->tls.verify && !session->tls.verify_host) {
		at = rules_find(s, "tls_verify_host");
		config_errors_warn(s->rules->errors, at->file, at->line,
				   "'tls_verify_host: no' lets every host with a certificate play "
				   "the router; better 'tls_server_name'");
	}
}

static void rules_check_session(const struct rules *rules, size_t i)
{
	const struct config_store *store = rules->config->store;
	struct rules_session s = {rules, &rules->config->sessions[i], store_own(store, i),
				  store->settings.values};

	if (s.own)
		rules_check_url(&s, s.own);
	rules_check_tls_switch(&s);
	rules_check_delays(&s);
	rules_check_method(&s);
	rules_check_secret(&s);
	rules_check_no_tls(&s);
	rules_check_tls(&s);
	rules_warn(&s);
}

static void rules_check_defaults(const struct rules *rules)
{
	struct rules_session s = {rules, &rules->config->sessions[0], NULL,
				  rules->config->store->settings.values};

	rules_check_url(&s, s.common);
	if (!rules_any_uses_tls(rules->config))
		rules_check_no_tls(&s);
}

static const struct setting *rules_blame_limit(const struct rules *rules, const char *const *names,
					       size_t n_names)
{
	const struct setting *found = NULL;

	for (size_t i = 0; i < n_names && !found; i++)
		found = settings_find(rules->config->store->settings.values, CONFIG_LIMITS,
				      names[i]);
	return found;
}

static void rules_check_limits(const struct rules *rules)
{
	static const char *const hard[] = {"output_hard_limit", "max_line"};
	static const char *const soft[] = {"output_soft_limit", "output_hard_limit"};
	const struct config_limits *l = &rules->config->limits;
	const struct setting *at;

	/* protocol §10: a reply of the greatest length must fit beside what waits. */
	if (l->output_hard_limit / 2 < l->max_line) {
		at = rules_blame_limit(rules, hard, ARRAY_SIZE(hard));
		config_errors_add(
			rules->errors, at->file, at->line,
			"'output_hard_limit' (%zu bytes) must be at least twice 'max_line' "
			"(%zu bytes)",
			l->output_hard_limit, l->max_line);
	}
	if (l->output_soft_limit > l->output_hard_limit) {
		at = rules_blame_limit(rules, soft, ARRAY_SIZE(soft));
		config_errors_add(rules->errors, at->file, at->line,
				  "'output_soft_limit' (%zu bytes) must not be more than "
				  "'output_hard_limit' (%zu bytes)",
				  l->output_soft_limit, l->output_hard_limit);
	}
}

void rules_check(const struct rules *rules)
{
	rules_check_limits(rules);
	rules_check_defaults(rules);
	for (size_t i = 0; i < rules->config->n_sessions; i++)
		rules_check_session(rules, i);
}
