/* SPDX-License-Identifier: MIT */

/*
 * From YAML to JSON
 *
 * What stands in quotes is a string. Without quotes true, false, null and
 * what JSON takes for a number are these, nothing at all is null, and all the
 * rest is a string: YAML's own guesses (yes, 0x10, 1_000, ~) have no say.
 *
 * A tree of aliases can be exponentially larger than its file, and endless:
 * depth and length are bounded, and each node costs at least one byte.
 */

#include "config/object.h"

#include "codec/emit.h"
#include "codec/number.h"
#include "codec/scan.h"

#include <errno.h>

/* One value that is being written. */
struct object {
	const struct walk *walk;
	const char *name;
	struct buf out;
};

static void object_done(struct object *o)
{
	buf_done(&o->out);
}

static int object_refuse(const struct object *o, unsigned line, const char *problem)
{
	config_errors_add(o->walk->errors, o->walk->file, line, "'%s' %s", o->name, problem);
	return CONFIG_INVALID;
}

/* Text without quotes. */
static int object_put_plain(struct object *o, const struct node *node)
{
	struct scan_error error;
	struct scan_value value;

	if (node->is_empty) {
		emit_literal(&o->out, "null");
		return 0;
	}
	if (scan_one(node->text, SCAN_LENIENT, &value, &error) == 0) {
		switch ((enum scan_type)value.type) {
		case SCAN_INTEGER:
		case SCAN_REAL:
			if (!number_is_finite(node->text))
				return object_refuse(o, node->line,
						     "holds a number that is too large for "
						     "others to read; put it in quotes");
			buf_append_slice(&o->out, node->text);
			return 0;
		case SCAN_NULL:
		case SCAN_FALSE:
		case SCAN_TRUE:
			buf_append_slice(&o->out, node->text);
			return 0;
		case SCAN_ABSENT:
		case SCAN_STRING:
		case SCAN_ARRAY:
		case SCAN_OBJECT:
			break;
		}
	}
	emit_text(&o->out, node->text);
	return 0;
}

static int object_put(struct object *o, const struct node *node, unsigned depth);

static int object_put_list(struct object *o, const struct node *list, unsigned depth)
{
	size_t n = document_size(o->walk->document, list);

	buf_append_char(&o->out, '[');
	for (size_t i = 0; i < n; i++) {
		struct node item = document_item(o->walk->document, list, i);
		int r;

		if (i)
			buf_append_char(&o->out, ',');
		r = object_put(o, &item, depth + 1);
		if (r)
			return r;
	}
	buf_append_char(&o->out, ']');
	return 0;
}

static int object_put_mapping(struct object *o, const struct node *mapping, unsigned depth)
{
	size_t n = document_size(o->walk->document, mapping);

	if (!walk_check_mapping(o->walk, mapping, mapping->line, "a mapping in it"))
		return CONFIG_INVALID;
	buf_append_char(&o->out, '{');
	for (size_t i = 0; i < n; i++) {
		struct node key, value;
		int r;

		if (!walk_get_pair(o->walk, mapping, i, &key, &value))
			return CONFIG_INVALID;
		if (i)
			buf_append_char(&o->out, ',');
		emit_text(&o->out, key.text);
		buf_append_char(&o->out, ':');
		r = object_put(o, &value, depth + 1);
		if (r)
			return r;
	}
	buf_append_char(&o->out, '}');
	return 0;
}

static int object_put(struct object *o, const struct node *node, unsigned depth)
{
	if (o->out.error == -ENOBUFS)
		return object_refuse(o, node->line, "is longer than 16 KiB");
	if (o->out.error)
		return o->out.error;
	if (!walk_check_node(o->walk, node, node->line))
		return CONFIG_INVALID;
	if (node->kind == NODE_TEXT && node->is_plain)
		return object_put_plain(o, node);
	if (node->kind == NODE_TEXT) {
		emit_text(&o->out, node->text);
		return 0;
	}
	if (depth > OBJECT_MAX_DEPTH)
		return object_refuse(o, node->line, "is deeper than 16 levels");
	return node->kind == NODE_LIST ? object_put_list(o, node, depth)
				       : object_put_mapping(o, node, depth);
}

/* What was written since the last call, as a copy. */
static int object_take(struct object *o, const char **ret, unsigned line)
{
	if (o->out.error == -ENOBUFS)
		return object_refuse(o, line, "is longer than 16 KiB");
	*ret = o->out.error ? NULL : member_copy(o->walk->arena, buf_bytes(&o->out));
	buf_clear(&o->out);
	return *ret ? 0 : -ENOMEM;
}

static int object_read_member(struct object *o, struct member *ret, const struct node *mapping,
			      size_t i)
{
	struct member member = {.file = o->walk->file};
	struct node key, value;
	int r;

	if (!walk_get_pair(o->walk, mapping, i, &key, &value))
		return CONFIG_INVALID;
	member.line = key.line;
	emit_text(&o->out, key.text);
	r = object_take(o, &member.key, key.line);
	if (r == 0)
		r = object_put(o, &value, 2);
	if (r == 0)
		r = object_take(o, &member.text, key.line);
	if (r == 0)
		*ret = member;
	return r;
}

int object_read(struct member_set *ret, const struct walk *w, const char *name,
		const struct node *mapping, unsigned line)
{
	CLEANUP(object_done)
	struct object o = {.walk = w, .name = name, .out = BUF_INIT(MEMBER_MAX_OBJECT)};
	size_t n = document_size(w->document, mapping);
	struct member *items;

	o.out.wipes = true;
	if (!walk_check_mapping(w, mapping, line, "'auth_extra'"))
		return CONFIG_INVALID;
	items = member_room(w->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = object_read_member(&o, &items[i], mapping, i);

		if (r)
			return r;
	}
	*ret = (struct member_set){items, n};
	return 0;
}
