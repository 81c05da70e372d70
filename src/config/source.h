/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which files there are to read, in their order
 */

#include "config/config.h"

struct source_file {
	const char *path;
	const char *name; /* the last part of path */
	bool may_be_missing;
};

struct source_files {
	struct source_file *files;
	size_t n;
};

/* More drop-ins are a mistake. */
#define SOURCE_MAX_FILES 1000

void source_files_init(struct source_files *files);
void source_files_done(struct source_files *files);

/* 0 with the paths in arena, or CONFIG_INVALID with errors told, or -errno. */
int source_list(struct source_files *files, const struct config_source *source, struct arena *arena,
		struct config_errors *errors) MUST_CHECK;
