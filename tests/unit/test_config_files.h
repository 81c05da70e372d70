/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A directory of configuration files for one test, removed at its end
 */

#include "config/config.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
	char dir[64];
	char path[PATH_MAX]; /* of the file written last */
};

static inline void files_init(struct files *f)
{
	*f = (struct files){.dir = "/tmp/test_config.XXXXXX"};
	if (!mkdtemp(f->dir))
		abort();
}

static inline int files_remove_one(const char *path, const struct stat *st, int type,
				   struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void files_done(struct files *f)
{
	(void)nftw(f->dir, files_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A path below the directory; borrowed until the next. */
static inline const char *files_path(struct files *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

/* Writes n bytes to name, making the directories on its way. */
static inline const char *files_write_bytes(struct files *f, const char *name, const char *bytes,
					    size_t n)
{
	const char *path = files_path(f, name);
	char *slash = f->path + strlen(f->dir);
	int fd;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	close(fd);
	return path;
}

static inline const char *files_write(struct files *f, const char *name, const char *text)
{
	return files_write_bytes(f, name, text, strlen(text));
}

/* Text as one file; *ret stays untouched unless the outcome is 0. */
static inline int files_load_text(struct config **ret, const char *text,
				  struct config_errors *errors)
{
	struct files f;
	int r;

	files_init(&f);
	files_write(&f, "x.yaml", text);
	r = config_load(ret, &(struct config_source){.file = f.path}, errors);
	files_done(&f);
	return r;
}
