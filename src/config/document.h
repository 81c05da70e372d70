/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One YAML file as a tree of nodes, each with its line
 *
 * The only place that knows libyaml. Aliases share a node, so a tree may
 * have cycles: who walks it goes as deep as the configuration does and no
 * further. Scalars are plain text; what they mean is not known here.
 */

#include "config/errors.h"

#include <stdbool.h>

struct document;

enum node_kind {
	NODE_TEXT,
	NODE_LIST,
	NODE_MAPPING,
};

/* Borrowed from the document. */
struct node {
	enum node_kind kind;
	bool is_empty; /* nothing stands there at all: "daemon:" */
	bool has_tag;  /* an explicit one, such as !include */
	bool is_plain; /* text without quotes, which YAML may read as a number or a word */
	unsigned line;
	struct slice text; /* of NODE_TEXT; NUL-terminated */
	int id;
};

/* A longer file is refused; the longest sensible one is a hundredth of it. */
#define DOCUMENT_MAX_BYTES (1u << 20)

/*
 * Reads a file. 0: *ret is the document, or NULL when the file holds none, or
 * is missing although it may. CONFIG_INVALID: not readable or no YAML, and
 * errors says so. Else -errno.
 */
int document_load(struct document **ret, const char *file, bool may_be_missing,
		  struct config_errors *errors) MUST_CHECK;

/* Takes NULL; returns NULL. */
struct document *document_free(struct document *document);
DEFINE_CLEANUP(struct document *, document_free);

const char *document_file(const struct document *document);
struct node document_root(const struct document *document);

/* Pairs of a mapping, or items of a list; 0 for text. */
size_t document_size(const struct document *document, const struct node *node);
struct node document_item(const struct document *document, const struct node *list, size_t i);
void document_pair(const struct document *document, const struct node *mapping, size_t i,
		   struct node *ret_key, struct node *ret_value);

/* Whether a comment begins on the line behind the text; a person may have meant it as a part of it.
 */
bool document_has_comment_behind(const struct document *document, const struct node *text);
