/* SPDX-License-Identifier: MIT */

/*
 * Headers of the handshake
 *
 * They are written into the request as they are, so nothing may stand in one
 * that ends it early; and none may say twice what the handshake itself says.
 */

#include "config/headers.h"

#include "config/text.h"

#include <errno.h>
#include <strings.h>

struct headers_taken {
	const char *name; /* one that ends in '-' means all that begin so */
	const char *cure;
};

static const struct headers_taken headers_taken[] = {
	{"Host", "it follows from 'url' or 'host'"},
	{"Upgrade", "remove it"},
	{"Connection", "remove it"},
	{"Sec-WebSocket-", "remove it; 'serializers' and 'compression' say what is offered"},
	{"Origin", "give 'origin'"},
	{"User-Agent", "give 'user_agent'"},
	{"Content-Length", "the request has no content; remove it"},
	{"Transfer-Encoding", "the request has no content; remove it"},
};

static const struct headers_taken *headers_find_taken(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers_taken); i++) {
		const char *taken = headers_taken[i].name;
		size_t n = strlen(taken);

		if (taken[n - 1] == '-' ? strncasecmp(name, taken, n) == 0
					: strcasecmp(name, taken) == 0)
			return &headers_taken[i];
	}
	return NULL;
}

/* "Authorization Bearer token" as a key is a secret behind its first word. */
static int headers_shown(const char *key)
{
	int shown = walk_shown(key), word = (int)strcspn(key, " \t");

	return word < shown ? word : shown;
}

/* Values may hold secrets and are never repeated. */
static bool headers_check(const struct walk *w, const struct node *key, const struct node *value,
			  const struct member_set *before)
{
	const struct headers_taken *taken = headers_find_taken(key->text.ptr);

	if (!text_is_token(key->text.ptr))
		config_errors_add(w->errors, w->file, key->line,
				  "'%.*s' in 'headers' is no name of an HTTP header: letters, "
				  "digits and '-'",
				  headers_shown(key->text.ptr), key->text.ptr);
	else if (taken)
		config_errors_add(w->errors, w->file, key->line,
				  "the header '%.60s' is set by the handshake itself; %s",
				  key->text.ptr, taken->cure);
	else if (member_find(before, key->text.ptr, true))
		config_errors_add(w->errors, w->file, key->line,
				  "duplicate header '%.60s': small and capital letters are the "
				  "same here; keep one",
				  key->text.ptr);
	else if (!walk_check_node(w, value, key->line))
		return false;
	else if (value->kind != NODE_TEXT || value->is_empty)
		config_errors_add(w->errors, w->file, key->line,
				  "the header '%.60s' must have a single value, not %s",
				  key->text.ptr,
				  value->kind == NODE_TEXT   ? "nothing"
				  : value->kind == NODE_LIST ? "a list"
							     : "a mapping");
	else if (text_has_control(value->text.ptr))
		config_errors_add(w->errors, w->file, key->line,
				  "the value of the header '%.60s' must not hold a control "
				  "character, such as an end of line",
				  key->text.ptr);
	else
		return true;
	return false;
}

int headers_read(struct member_set *ret, const struct walk *w, const struct node *mapping,
		 unsigned line)
{
	size_t n = document_size(w->document, mapping);
	struct member *items;
	struct member_set set;
	bool is_wrong = false;

	if (!walk_check_mapping(w, mapping, line, "'headers'"))
		return CONFIG_INVALID;
	items = member_room(w->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	set = (struct member_set){.items = items};
	for (size_t i = 0; i < n; i++) {
		struct node key, value;

		if (!walk_get_pair(w, mapping, i, &key, &value) ||
		    !headers_check(w, &key, &value, &set)) {
			is_wrong = true;
			continue;
		}
		items[set.n] =
			(struct member){member_copy(w->arena, key.text),
					member_copy(w->arena, value.text), w->file, key.line};
		if (!items[set.n].key || !items[set.n].text)
			return -ENOMEM;
		set.n++;
	}
	if (is_wrong)
		return CONFIG_INVALID;
	*ret = set;
	return 0;
}
