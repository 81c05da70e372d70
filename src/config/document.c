/* SPDX-License-Identifier: MIT */

/*
 * One YAML file as a tree
 *
 * libyaml's document loader is iterative and does not unfold aliases, so
 * neither nesting nor "a billion laughs" costs more than the file's length.
 * It does not mind duplicate keys, and stops quietly after one document: the
 * first is seen to by the reader of mappings, the second here.
 */

#include "config/document.h"

#include "base/mem.h"
#include "codec/chars.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

struct document {
	const char *file; /* outlives the document */
	char *text;
	size_t len;
	yaml_document_t yaml;
	bool is_loaded; /* yaml must be deleted */
};

/* Any text of a configuration may be a secret. */
static void document_wipe_nodes(yaml_document_t *yaml)
{
	for (yaml_node_t *node = yaml->nodes.start; node < yaml->nodes.top; node++)
		if (node->type == YAML_SCALAR_NODE)
			explicit_bzero(node->data.scalar.value, node->data.scalar.length);
}

struct document *document_free(struct document *document)
{
	if (!document)
		return NULL;
	if (document->is_loaded) {
		document_wipe_nodes(&document->yaml);
		yaml_document_delete(&document->yaml);
	}
	if (document->text)
		explicit_bzero(document->text, document->len);
	mem_free(document->text);
	return mem_free(document);
}

/* What it has read is in its buffers, as bytes and as characters. */
static void document_delete_parser(yaml_parser_t *parser)
{
	if (parser->raw_buffer.start)
		explicit_bzero(parser->raw_buffer.start,
			       (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
	if (parser->buffer.start)
		explicit_bzero(parser->buffer.start,
			       (size_t)(parser->buffer.end - parser->buffer.start));
	yaml_parser_delete(parser);
}

static void document_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Reads until the end, which need not be known before: a file may be a pipe. */
static int document_read_all(struct document *d, int fd)
{
	for (;;) {
		ssize_t n = read(fd, d->text + d->len, DOCUMENT_MAX_BYTES + 1 - d->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		d->len += (size_t)n;
		if (d->len > DOCUMENT_MAX_BYTES)
			return -EFBIG;
	}
}

static int document_read(struct document *d, bool may_be_missing, struct config_errors *errors)
{
	CLEANUP(document_close_fd) int fd = open(d->file, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0 && errno == ENOENT && may_be_missing)
		return 0;
	if (fd < 0) {
		config_errors_add(errors, d->file, 0, "cannot be read: %s", strerror(errno));
		return CONFIG_INVALID;
	}
	d->text = mem_realloc(NULL, DOCUMENT_MAX_BYTES + 1);
	if (!d->text)
		return -ENOMEM;
	r = document_read_all(d, fd);
	if (r == -EFBIG) {
		config_errors_add(errors, d->file, 0, "is longer than 1 MiB");
		return CONFIG_INVALID;
	}
	if (r < 0) {
		config_errors_add(errors, d->file, 0, "cannot be read: %s", strerror(-r));
		return CONFIG_INVALID;
	}
	return 0;
}

/* The bytes of one line, counted from 1. */
static struct slice document_line(const struct document *d, unsigned line)
{
	const char *at = d->text, *end = d->text + d->len, *next;

	while (--line && at < end) {
		next = memchr(at, '\n', (size_t)(end - at));
		at = next ? next + 1 : end;
	}
	next = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	return (struct slice){at, (size_t)((next ? next : end) - at)};
}

static bool document_is_indented_by_tab(const struct document *d, unsigned line)
{
	struct slice text = document_line(d, line);

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\t')
			return true;
		if (text.ptr[i] != ' ' && text.ptr[i] != '-')
			return false;
	}
	return false;
}

static unsigned document_line_of_offset(const struct document *d, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < d->len; i++)
		line += d->text[i] == '\n';
	return line;
}

/* libyaml's own words, with its second place when that is another line. */
static int document_complain(const struct document *d, const yaml_parser_t *parser,
			     struct config_errors *errors)
{
	unsigned line = (unsigned)parser->problem_mark.line + 1;
	unsigned context_line = (unsigned)parser->context_mark.line + 1;
	const char *problem = parser->problem ? parser->problem : "cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		config_errors_add(errors, d->file,
				  document_line_of_offset(d, parser->problem_offset),
				  "not a text in UTF-8: %s", problem);
	else if (document_is_indented_by_tab(d, line))
		config_errors_add(errors, d->file, line, "a tab cannot indent in YAML; use spaces");
	else if (strstr(problem, "mapping values are not allowed"))
		config_errors_add(errors, d->file, line,
				  "not YAML: a colon with a blank or nothing behind it begins a "
				  "mapping; put the value in quotes (url: \"embedded:\"), or mend "
				  "the indentation");
	else if (strstr(problem, "cannot start any token"))
		config_errors_add(errors, d->file, line,
				  "not YAML: found character that cannot start any token; a value "
				  "that begins with '@' or another sign needs quotes (auth_secret: "
				  "\"@file:/path\")");
	else if (parser->context && context_line != line)
		config_errors_add(errors, d->file, line, "not YAML: %s (%s that begins on line %u)",
				  problem, parser->context, context_line);
	else
		config_errors_add(errors, d->file, line, "not YAML: %s", problem);
	return CONFIG_INVALID;
}

/* There must be one document, or none. */
static int document_check_end(const struct document *d, yaml_parser_t *parser,
			      struct config_errors *errors)
{
	yaml_document_t second;
	yaml_node_t *root;
	unsigned line;

	if (!yaml_parser_load(parser, &second))
		return document_complain(d, parser, errors);
	root = yaml_document_get_root_node(&second);
	line = (unsigned)second.start_mark.line + 1;
	yaml_document_delete(&second);
	if (!root)
		return 0;
	config_errors_add(errors, d->file, line,
			  "a second YAML document begins here; a file holds one, without '---' in "
			  "its middle");
	return CONFIG_INVALID;
}

static int document_parse(struct document *d, bool *ret_is_empty, struct config_errors *errors)
{
	CLEANUP(document_delete_parser) yaml_parser_t parser = {0};

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)d->text, d->len);
	if (!yaml_parser_load(&parser, &d->yaml))
		return document_complain(d, &parser, errors);
	d->is_loaded = true;
	if (!yaml_document_get_root_node(&d->yaml)) {
		*ret_is_empty = true;
		return 0;
	}
	*ret_is_empty = false;
	return document_check_end(d, &parser, errors);
}

int document_load(struct document **ret, const char *file, bool may_be_missing,
		  struct config_errors *errors)
{
	CLEANUP(document_freep) struct document *d = mem_alloc(sizeof(*d));
	bool is_empty = true;
	int r;

	if (!d)
		return -ENOMEM;
	d->file = file;
	r = document_read(d, may_be_missing, errors);
	if (r == 0 && d->text)
		r = document_parse(d, &is_empty, errors);
	if (r)
		return r;
	*ret = is_empty ? NULL : TAKE(d);
	return 0;
}

const char *document_file(const struct document *document)
{
	return document->file;
}

/* libyaml's getters take no const, and change nothing. */
static yaml_node_t *document_yaml_node(const struct document *document, int id)
{
	return yaml_document_get_node((yaml_document_t *)&document->yaml, id);
}

static bool document_has_tag(const yaml_node_t *node, const char *usual)
{
	return node->tag && strcmp((const char *)node->tag, usual) != 0;
}

static struct node document_node(const struct document *document, int id)
{
	const yaml_node_t *yaml = document_yaml_node(document, id);
	struct node node = {.id = id, .line = (unsigned)yaml->start_mark.line + 1};

	switch (yaml->type) {
	case YAML_MAPPING_NODE:
		node.kind = NODE_MAPPING;
		node.has_tag = document_has_tag(yaml, YAML_DEFAULT_MAPPING_TAG);
		break;
	case YAML_SEQUENCE_NODE:
		node.kind = NODE_LIST;
		node.has_tag = document_has_tag(yaml, YAML_DEFAULT_SEQUENCE_TAG);
		break;
	case YAML_SCALAR_NODE:
	case YAML_NO_NODE:
		node.kind = NODE_TEXT;
		node.has_tag = document_has_tag(yaml, YAML_DEFAULT_SCALAR_TAG);
		node.text = (struct slice){(const char *)yaml->data.scalar.value,
					   yaml->data.scalar.length};
		node.is_plain = yaml->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		node.is_empty = !node.text.len && node.is_plain;
		break;
	}
	return node;
}

struct node document_root(const struct document *document)
{
	return document_node(document, 1);
}

size_t document_size(const struct document *document, const struct node *node)
{
	const yaml_node_t *yaml = document_yaml_node(document, node->id);

	if (node->kind == NODE_MAPPING)
		return (size_t)(yaml->data.mapping.pairs.top - yaml->data.mapping.pairs.start);
	if (node->kind == NODE_LIST)
		return (size_t)(yaml->data.sequence.items.top - yaml->data.sequence.items.start);
	return 0;
}

struct node document_item(const struct document *document, const struct node *list, size_t i)
{
	const yaml_node_t *yaml = document_yaml_node(document, list->id);

	return document_node(document, yaml->data.sequence.items.start[i]);
}

void document_pair(const struct document *document, const struct node *mapping, size_t i,
		   struct node *ret_key, struct node *ret_value)
{
	const yaml_node_t *yaml = document_yaml_node(document, mapping->id);
	const yaml_node_pair_t *pair = &yaml->data.mapping.pairs.start[i];

	*ret_key = document_node(document, pair->key);
	*ret_value = document_node(document, pair->value);
}

bool document_has_comment_behind(const struct document *document, const struct node *text)
{
	const yaml_mark_t *mark = &document_yaml_node(document, text->id)->end_mark;
	struct slice line = document_line(document, (unsigned)mark->line + 1);
	const unsigned char *p = (const unsigned char *)line.ptr, *end = p + line.len;
	size_t n = 1;

	/* Columns are characters. */
	for (size_t column = 0; column < mark->column && p < end && n; column++) {
		n = chars_length(p, end);
		p += n;
	}
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == '#';
}
