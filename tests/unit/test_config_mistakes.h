/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tables of mistakes: a file, the line that is blamed, words of the complaint
 *
 * Every file is written, loaded and must be refused for this one reason. A
 * row without words must be taken.
 */

#include "test_config_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct mistake {
	const char *text;
	unsigned line; /* 0: about the file as a whole */
	const char *words[3];
};

static inline void mistakes_check_text(const char *text, const char *place, const struct mistake *m)
{
	if (strncmp(text, place, strlen(place)) != 0)
		fail_msg("%s\n...is told as: %s, not at %s", m->text, text, place);
	for (size_t i = 0; i < ARRAY_SIZE(m->words) && m->words[i]; i++)
		if (!strstr(text, m->words[i]))
			fail_msg("%s\n...is told as: %s, without \"%s\"", m->text, text,
				 m->words[i]);
}

static inline void mistakes_check_one(struct files *f, const struct mistake *m)
{
	CLEANUP(config_errors_done) struct config_errors errors;
	struct config *config = NULL;
	char place[PATH_MAX + 16];
	int r;

	config_errors_init(&errors);
	files_write(f, "x.yaml", m->text);
	r = config_load(&config, &(struct config_source){.file = f->path}, &errors);
	if (!m->words[0]) {
		if (r)
			fail_msg("%s\n...is refused: %s", m->text, errors.texts[0]);
		config_free(config);
		return;
	}
	assert_null(config);
	if (r != CONFIG_INVALID || errors.n != 1)
		fail_msg("%s\n...is %d, with %zu mistakes: %s", m->text, r, errors.n,
			 errors.n ? errors.texts[errors.n - 1] : "");
	snprintf(place, sizeof(place), "%s:%u: ", f->path, m->line);
	mistakes_check_text(errors.texts[0], place, m);
}

/* How many of them are mistakes. */
static inline size_t mistakes_check(const struct mistake *table, size_t n_table)
{
	struct files f;
	size_t n = 0;

	files_init(&f);
	for (size_t i = 0; i < n_table; i++) {
		mistakes_check_one(&f, &table[i]);
		n += table[i].words[0] != NULL;
	}
	files_done(&f);
	return n;
}
