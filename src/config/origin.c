/* SPDX-License-Identifier: MIT */

/*
 * Where values come from, and whether the files that they name can be used
 */

#include "config/secret.h"
#include "config/store.h"

static const struct setting *origin_find(const struct config *config,
					 const struct config_session *session, size_t option)
{
	const struct setting *own = NULL;

	if (session)
		own = store_own(config->store, (size_t)(session - config->sessions));
	return session ? store_find_origin(config->store, own, option)
		       : store_find(config->store, NULL, option);
}

struct config_origin config_origin(const struct config *config,
				   const struct config_session *session, size_t option)
{
	const struct setting *setting = origin_find(config, session, option);

	return setting ? (struct config_origin){setting->file, setting->line}
		       : (struct config_origin){0};
}

static int origin_check_secret(const struct config_option *option, const struct setting *setting,
			       const char *credentials, struct config_errors *errors)
{
	CLEANUP(secret_done) struct secret secret = {0};
	char message[SECRET_MAX_MESSAGE];
	int r = secret_read(&secret, setting->value.text, credentials, message);

	if (r > 0)
		config_errors_add(errors, setting->file, setting->line, "'%s': %s", option->name,
				  message);
	else if (r == 0 && secret_doubt(&secret))
		config_errors_warn(errors, setting->file, setting->line, "'%s' %s", option->name,
				   secret_doubt(&secret));
	return r < 0 ? r : 0;
}

/* All secrets of one place. */
static int origin_check_secrets(const struct setting *values, const char *credentials,
				struct config_errors *errors)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option_at(i);
		int r;

		if (option->type != CONFIG_SECRET || !values[i].file)
			continue;
		if (secret_is_unseen(values[i].value.text, credentials))
			continue;
		r = origin_check_secret(option, &values[i], credentials, errors);
		if (r)
			return r;
	}
	return 0;
}

int config_check_secrets(const struct config *config, const char *credentials,
			 struct config_errors *errors)
{
	const struct settings *settings = &config->store->settings;
	int r = origin_check_secrets(settings->values, credentials, errors);

	for (size_t i = 0; r == 0 && i < settings->n_sessions; i++)
		r = origin_check_secrets(settings->sessions[i]->values, credentials, errors);
	if (r)
		return r;
	if (errors->error)
		return errors->error;
	return errors->n ? CONFIG_INVALID : 0;
}
