/* SPDX-License-Identifier: MIT */

/*
 * What all mappings of a document have in common
 */

#include "config/walk.h"

#include "codec/chars.h"
#include "config/config.h"

/* Longer keys are cut. */
#define WALK_MAX_SHOWN 60

int walk_shown(const char *key)
{
	size_t n = strcspn(key, ":");

	n += key[n] == ':';
	return (int)chars_cut(key, n, WALK_MAX_SHOWN);
}

static bool walk_has_nul(const struct node *node)
{
	return node->kind == NODE_TEXT && memchr(node->text.ptr, '\0', node->text.len);
}

bool walk_check_node(const struct walk *w, const struct node *node, unsigned line)
{
	if (node->has_tag)
		config_errors_add(w->errors, w->file, line,
				  "YAML tags (such as !include or !!int) have no meaning here; "
				  "write the value alone");
	else if (walk_has_nul(node))
		config_errors_add(w->errors, w->file, line, "a NUL character cannot be used");
	else
		return true;
	return false;
}

bool walk_check_mapping(const struct walk *w, const struct node *node, unsigned line,
			const char *what)
{
	if (!walk_check_node(w, node, line))
		return false;
	if (node->kind != NODE_MAPPING && !node->is_empty)
		config_errors_add(w->errors, w->file, line,
				  "%s must be a mapping (indented lines 'key: value'), not %s",
				  what, node->kind == NODE_LIST ? "a list" : "a single value");
	else if (document_size(w->document, node) > WALK_MAX_KEYS)
		config_errors_add(w->errors, w->file, line, "%s must have at most %d keys", what,
				  WALK_MAX_KEYS);
	else
		return true;
	return false;
}

/* The line on which the same key stands before pair i, or 0. */
static unsigned walk_find_duplicate(const struct walk *w, const struct node *mapping, size_t i,
				    struct slice key)
{
	struct node other, value;

	for (size_t j = 0; j < i; j++) {
		document_pair(w->document, mapping, j, &other, &value);
		if (other.kind == NODE_TEXT && slice_equal(other.text, key))
			return other.line;
	}
	return 0;
}

/* "{key:value}" is a key alone to YAML, which must not be shown: the value may be a secret. */
static bool walk_lacks_blank(const struct node *key, const struct node *value)
{
	return key->is_plain && value->is_empty && strchr(key->text.ptr, ':');
}

bool walk_get_pair(const struct walk *w, const struct node *mapping, size_t i, struct node *ret_key,
		   struct node *ret_value)
{
	struct node key, value;
	unsigned first;

	document_pair(w->document, mapping, i, &key, &value);
	if (key.kind != NODE_TEXT || key.is_empty) {
		config_errors_add(w->errors, w->file, key.line, "a key must be a single word");
		return false;
	}
	if (!walk_check_node(w, &key, key.line))
		return false;
	if (key.is_plain && slice_is(key.text, "<<")) {
		config_errors_add(w->errors, w->file, key.line,
				  "'<<' does not merge here; what sessions share stands in "
				  "'defaults'");
		return false;
	}
	if (walk_lacks_blank(&key, &value)) {
		config_errors_add(w->errors, w->file, key.line,
				  "key '%.*s' needs a blank behind its colon",
				  (int)strcspn(key.text.ptr, ":"), key.text.ptr);
		return false;
	}
	first = walk_find_duplicate(w, mapping, i, key.text);
	if (first) {
		config_errors_add(w->errors, w->file, key.line,
				  "duplicate key '%.*s': it stands on line %u already; keep one",
				  walk_shown(key.text.ptr), key.text.ptr, first);
		return false;
	}
	*ret_key = key;
	*ret_value = value;
	return true;
}
