/* SPDX-License-Identifier: MIT */

/*
 * Which files there are to read
 *
 * Drop-ins of all trees are sorted by their file name together; of those with
 * the same name only the one in the strongest tree counts, as systemd has it,
 * so that an empty file of that name in /etc undoes one of the distribution.
 */

#include "config/source.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SOURCE_MAIN "wampbridge.yaml"

static const char *const source_roots[CONFIG_N_ROOTS] = {
	"/usr/lib/wampbridge",
	"/run/wampbridge",
	"/etc/wampbridge",
};

void source_files_init(struct source_files *files)
{
	*files = (struct source_files){0};
}

void source_files_done(struct source_files *files)
{
	mem_free(files->files);
	source_files_init(files);
}

static int source_add(struct source_files *files, struct arena *arena, const char *dir,
		      const char *name, bool may_be_missing)
{
	struct slice path =
		dir ? arena_printf(arena, "%s/%s", dir, name) : arena_printf(arena, "%s", name);
	struct source_file *grown;
	const char *slash;

	grown = mem_realloc(files->files, (files->n + 1) * sizeof(*grown));
	if (grown)
		files->files = grown;
	if (!grown || !path.len)
		return -ENOMEM;
	slash = strrchr(path.ptr, '/');
	grown[files->n++] = (struct source_file){
		.path = path.ptr,
		.name = slash ? slash + 1 : path.ptr,
		.may_be_missing = may_be_missing,
	};
	return 0;
}

static bool source_ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), n_ending = strlen(ending);

	return name[0] != '.' && n > n_ending && strcmp(name + n - n_ending, ending) == 0;
}

/* Editors' and package managers' leftovers (.x.yaml.swp, x.yaml~, x.yaml.dpkg-old) do not count. */
static bool source_is_drop_in(const char *name)
{
	return source_ends_with(name, ".yaml");
}

/* Meant as one, by all that can be known. */
static void source_warn_of_name(const char *dir, const char *name, struct config_errors *errors)
{
	static const char *const endings[] = {".yml", ".YAML", ".YML"};

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (source_ends_with(name, endings[i]))
			config_errors_warn(errors, dir, 0,
					   "'%.100s' is not read: the names of drop-ins end in "
					   ".yaml",
					   name);
}

static bool source_has_name(const struct source_files *files, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files->files[i].name, name) == 0)
			return true;
	return false;
}

static void source_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Adds root's drop-ins, except those whose names stronger trees, seen before, have too. */
static int source_add_drop_ins(struct source_files *files, struct arena *arena, const char *root,
			       struct config_errors *errors)
{
	struct slice path = arena_printf(arena, "%s/conf.d", root);
	size_t n_before = files->n;
	CLEANUP(source_close_dir) DIR *dir = NULL;
	struct dirent *entry;
	int r = 0;

	if (!path.len)
		return -ENOMEM;
	dir = opendir(path.ptr);
	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir) {
		config_errors_add(errors, path.ptr, 0, "cannot be read: %s", strerror(errno));
		return CONFIG_INVALID;
	}
	while (!r && (entry = readdir(dir))) {
		source_warn_of_name(path.ptr, entry->d_name, errors);
		if (!source_is_drop_in(entry->d_name) ||
		    source_has_name(files, n_before, entry->d_name))
			continue;
		if (files->n == SOURCE_MAX_FILES) {
			config_errors_add(errors, path.ptr, 0,
					  "holds too many files; there must be "
					  "at most %d",
					  SOURCE_MAX_FILES);
			return CONFIG_INVALID;
		}
		r = source_add(files, arena, path.ptr, entry->d_name, false);
	}
	return r;
}

static int source_compare(const void *a, const void *b)
{
	return strcmp(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

/* The strongest tree first, so that it masks the others; then by name, and the main file leads. */
static int source_list_roots(struct source_files *files, const char *const *roots, size_t n_roots,
			     struct arena *arena, struct config_errors *errors)
{
	struct source_file main_file;
	int r;

	for (size_t i = n_roots; i-- > 0;) {
		r = source_add_drop_ins(files, arena, roots[i], errors);
		if (r)
			return r;
	}
	r = source_add(files, arena, roots[n_roots - 1], SOURCE_MAIN, true);
	if (r)
		return r;
	main_file = files->files[--files->n];
	qsort(files->files, files->n, sizeof(*files->files), source_compare);
	memmove(files->files + 1, files->files, files->n * sizeof(*files->files));
	files->files[0] = main_file;
	files->n++;
	return 0;
}

/* Who names a directory means one with a configuration in it. */
static int source_list_dir(struct source_files *files, const char *dir, struct arena *arena,
			   struct config_errors *errors)
{
	struct stat st;
	int r;

	if (stat(dir, &st) < 0) {
		config_errors_add(errors, dir, 0, "cannot be read: %s", strerror(errno));
		return CONFIG_INVALID;
	}
	if (!S_ISDIR(st.st_mode)) {
		config_errors_add(errors, dir, 0, "is not a directory; -c names a file");
		return CONFIG_INVALID;
	}
	r = source_list_roots(files, &dir, 1, arena, errors);
	if (r || files->n > 1 || stat(files->files[0].path, &st) == 0)
		return r;
	config_errors_add(errors, dir, 0, "holds neither " SOURCE_MAIN " nor conf.d/*.yaml");
	return CONFIG_INVALID;
}

int source_list(struct source_files *files, const struct config_source *source, struct arena *arena,
		struct config_errors *errors)
{
	const char *roots[CONFIG_N_ROOTS];

	if (source->file && source->dir)
		return -EINVAL;
	if (source->file)
		return source_add(files, arena, NULL, source->file, false);
	if (source->dir)
		return source_list_dir(files, source->dir, arena, errors);
	for (size_t i = 0; i < CONFIG_N_ROOTS; i++)
		roots[i] = source->roots[i] ? source->roots[i] : source_roots[i];
	return source_list_roots(files, roots, CONFIG_N_ROOTS, arena, errors);
}
