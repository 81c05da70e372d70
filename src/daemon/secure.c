/* SPDX-License-Identifier: MIT */

/*
 * What a session needs to be let in: TLS settings and secrets
 */

#include "daemon/secure.h"

#include "base/map.h"
#include "config/option.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int secure_read_passphrase(struct secret *ret, const struct config_tls *tls,
				  const char *credentials, char ret_message[SECURE_MAX_MESSAGE])
{
	char why[SECRET_MAX_MESSAGE];
	int r;

	if (!tls->key_passphrase)
		return 0;
	r = secret_read(ret, tls->key_passphrase, credentials, why);
	if (r > 0)
		snprintf(ret_message, SECURE_MAX_MESSAGE, "tls_key_passphrase: %s", why);
	return r > 0 ? SECURE_UNUSABLE : r;
}

int secure_new_tls(struct ws_tls **ret, const struct config_session *session,
		   const char *credentials, char ret_message[SECURE_MAX_MESSAGE])
{
	const struct config_tls *tls = &session->tls;
	CLEANUP(secret_done) struct secret passphrase = {0};
	char why[WS_TLS_MAX_MESSAGE];
	struct ws_tls_options options = {
		.ca_file = tls->ca_file,
		.ca_dir = tls->ca_dir,
		.system_ca = tls->system_ca,
		.cert = tls->cert,
		.key = tls->key,
		.verify = tls->verify,
		.verify_host = tls->verify_host,
		.server_name = tls->server_name,
		.only_1_3 = tls->min_version == CONFIG_TLS_1_3,
		.ciphers = tls->ciphers,
		.ciphersuites = tls->ciphersuites,
		.pins = tls->pin_sha256.items,
		.n_pins = tls->pin_sha256.n,
	};
	int r;

	r = secure_read_passphrase(&passphrase, tls, credentials, ret_message);
	if (r)
		return r;
	options.key_passphrase = passphrase.text;
	r = ws_tls_new(ret, &options, why);
	if (r > 0)
		snprintf(ret_message, SECURE_MAX_MESSAGE, "%s", why);
	return r > 0 ? SECURE_UNUSABLE : r;
}

uint64_t secure_stamp(const struct config_session *session)
{
	const char *const files[] = {session->tls.ca_file, session->tls.ca_dir, session->tls.cert,
				     session->tls.key};
	uint64_t stamp = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!files[i] || stat(files[i], &st) < 0)
			continue;
		stamp = map_hash_u64(stamp ^ (uint64_t)st.st_ino);
		stamp = map_hash_u64(stamp ^ (uint64_t)st.st_size);
		stamp = map_hash_u64(stamp ^ (uint64_t)st.st_mtim.tv_sec);
		stamp = map_hash_u64(stamp ^ (uint64_t)st.st_mtim.tv_nsec);
	}
	return stamp;
}

/* Of the key that the sentence begins with: "tls_key: ..." */
static struct config_origin secure_blame_key(const struct config *config,
					     const struct config_session *session,
					     const char *message)
{
	char key[40];
	int option;

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(message, ": "), message);
	option = config_option_find(CONFIG_SESSION, key);
	if (option < 0)
		return (struct config_origin){0};
	return config_origin(config, session, (size_t)option);
}

/* The line that a complaint about the session's TLS belongs to. */
static struct config_origin secure_blame(const struct config *config,
					 const struct config_session *session, const char *message)
{
	static const char *const keys[] = {"tls_ca_file", "tls_ca_dir",	 "tls_cert",
					   "tls_key",	  "tls_ciphers", "tls_ciphersuites",
					   "url",	  "tls",	 "host"};
	struct config_origin origin = secure_blame_key(config, session, message);

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !origin.file; i++)
		origin = config_origin(config, session,
				       (size_t)config_option_find(CONFIG_SESSION, keys[i]));
	return origin;
}

static int secure_check_tls(const struct config *config, const struct config_session *session,
			    const char *credentials, struct config_errors *errors)
{
	char message[SECURE_MAX_MESSAGE];
	struct config_origin at;
	struct ws_tls *tls = NULL;
	int r = secure_new_tls(&tls, session, credentials, message);

	if (r == SECURE_UNUSABLE) {
		at = secure_blame(config, session, message);
		config_errors_add(errors, at.file ?: "defaults", at.line, "session '%s': %s",
				  session->name, message);
	}
	ws_tls_free(tls);
	return r < 0 ? r : 0;
}

static struct config_origin secure_group_origin(const struct config *config)
{
	return config_origin(config, NULL,
			     (size_t)config_option_find(CONFIG_DAEMON, "socket_group"));
}

void secure_explain_group(const struct config *config, char ret_message[SECURE_MAX_MESSAGE])
{
	struct config_origin at = secure_group_origin(config);
	const char *name = config->daemon.socket_group;

	snprintf(ret_message, SECURE_MAX_MESSAGE,
		 "%s:%u: 'socket_group': there is no group \"%s\" (groupadd %s)", at.file, at.line,
		 name, name);
}

static void secure_check_group(const struct config *config, struct config_errors *errors)
{
	struct config_origin at = secure_group_origin(config);
	const char *name = config->daemon.socket_group;

	if (name && !getgrnam(name))
		config_errors_warn(errors, at.file, at.line,
				   "'socket_group': there is no group \"%s\" (groupadd %s)", name,
				   name);
}

int secure_check(const struct config *config, const char *credentials, struct config_errors *errors)
{
	int r = config_check_secrets(config, credentials, errors);

	if (r < 0)
		return r;
	secure_check_group(config, errors);
	for (size_t i = 0; i < config->n_sessions; i++) {
		const char *passphrase = config->sessions[i].tls.key_passphrase;

		if (!config->sessions[i].use_tls)
			continue;
		/* A key that cannot be opened without it cannot be checked either. */
		if (passphrase && secret_is_unseen(passphrase, credentials))
			continue;
		r = secure_check_tls(config, &config->sessions[i], credentials, errors);
		if (r < 0)
			return r;
	}
	return errors->error;
}
