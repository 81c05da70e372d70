/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What stands behind a configuration: its texts, and where each value came from
 *
 * Only for the modules of this folder.
 */

#include "config/settings.h"

struct config_store {
	struct arena arena;
	struct settings settings; /* sessions in the order of config->sessions; none: "default" */
};

/* What session i sets itself, or NULL for the one that is made from the defaults alone. */
static inline const struct setting *store_own(const struct config_store *store, size_t i)
{
	return i < store->settings.n_sessions ? store->settings.sessions[i]->values : NULL;
}

/* The setting that counts, or NULL if only the option table has a word. own may be NULL. */
static inline const struct setting *store_find(const struct config_store *store,
					       const struct setting *own, size_t option)
{
	const struct setting *common = &store->settings.values[option];

	if (own && own[option].file)
		return &own[option];
	return common->file ? common : NULL;
}

/* Of host, port and path the one that is set there and stands last, or NULL. */
const struct setting *store_find_pieces(const struct setting *values);

/*
 * What says which router: the session's own url or pieces before those of the
 * defaults; else "tls", which means that there is one; NULL: the embedded one.
 */
const struct setting *store_choose_url(const struct config_store *store, const struct setting *own);

/* Whether that is a url, and no piece. */
bool store_is_url(const struct config_store *store, const struct setting *own,
		  const struct setting *setting);

/* The setting that a session's value comes from, or NULL. */
const struct setting *store_find_origin(const struct config_store *store, const struct setting *own,
					size_t option);
