/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Mistakes in the configuration, collected so that all can be shown at once
 *
 * What cannot be recorded for want of memory is latched in error, as in
 * struct buf: who adds many checks once.
 */

#include "base/arena.h"
#include "base/cleanup.h"

/* More are not worth reading; the last one says that there are more. */
#define CONFIG_MAX_ERRORS 100

struct config_errors {
	struct arena arena;
	const char
		*texts[CONFIG_MAX_ERRORS]; /* "file:line: text", one line each, in reading order */
	size_t n;
	const char *warnings[CONFIG_MAX_ERRORS]; /* the same, of what is allowed and not wise */
	size_t n_warnings;
	int error; /* 0 or the latched -errno */
};

void config_errors_init(struct config_errors *errors);
void config_errors_done(struct config_errors *errors);

/* line 0: the mistake is about the file as a whole. What was said already is not said again. */
void config_errors_add(struct config_errors *errors, const char *file, unsigned line,
		       const char *format, ...) PRINTF(4, 5);

/* A warning does not make the configuration invalid. */
void config_errors_warn(struct config_errors *errors, const char *file, unsigned line,
			const char *format, ...) PRINTF(4, 5);

/* Whether there is no point in looking further. */
static inline bool config_errors_are_full(const struct config_errors *errors)
{
	return errors->error || errors->n == CONFIG_MAX_ERRORS;
}
