/* SPDX-License-Identifier: MIT */

/*
 * Where the way to a router comes from
 *
 * There are two ways to name one, a url and its pieces, and two places; which
 * value counts cannot be told key by key.
 */

#include "config/store.h"

static const char *const store_pieces[] = {"host", "port", "path"};

const struct setting *store_find_pieces(const struct setting *values)
{
	const struct setting *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(store_pieces); i++) {
		const struct setting *setting =
			settings_find(values, CONFIG_SESSION, store_pieces[i]);

		if (setting)
			found = setting;
	}
	return found;
}

const struct setting *store_choose_url(const struct config_store *store, const struct setting *own)
{
	const struct setting *const places[] = {own, store->settings.values};

	for (size_t i = own ? 0 : 1; i < ARRAY_SIZE(places); i++) {
		const struct setting *url = settings_find(places[i], CONFIG_SESSION, "url");

		if (url)
			return url;
		if (store_find_pieces(places[i]))
			return store_find_pieces(places[i]);
	}
	return store_find(store, own, (size_t)config_option_find(CONFIG_SESSION, "tls"));
}

bool store_is_url(const struct config_store *store, const struct setting *own,
		  const struct setting *setting)
{
	size_t url = (size_t)config_option_find(CONFIG_SESSION, "url");

	return setting == &store->settings.values[url] || (own && setting == &own[url]);
}

/* Whether the row is the url or one of its pieces. */
static bool store_is_of_url(size_t option)
{
	if (option == (size_t)config_option_find(CONFIG_SESSION, "url"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(store_pieces); i++)
		if (option == (size_t)config_option_find(CONFIG_SESSION, store_pieces[i]))
			return true;
	return false;
}

const struct setting *store_find_origin(const struct config_store *store, const struct setting *own,
					size_t option)
{
	const struct setting *chosen = store_choose_url(store, own);
	bool by_url = chosen && store_is_url(store, own, chosen);

	if (!store_is_of_url(option))
		return store_find(store, own, option);
	/* host, port and path follow from a url; a url follows from the piece that counts. */
	if (by_url || option == (size_t)config_option_find(CONFIG_SESSION, "url"))
		return chosen;
	return store_find(store, own, option);
}
