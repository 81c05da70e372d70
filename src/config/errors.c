/* SPDX-License-Identifier: MIT */

/*
 * Mistakes in the configuration
 *
 * The texts quote what stands in a file, so whatever could disturb a terminal
 * or a log line is replaced here, in one place.
 */

#include "config/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define ERRORS_MAX_TEXT 1024

void config_errors_init(struct config_errors *errors)
{
	*errors = (struct config_errors){0};
	arena_init(&errors->arena);
}

void config_errors_done(struct config_errors *errors)
{
	arena_done(&errors->arena);
	config_errors_init(errors);
}

static void config_errors_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* Appends "file:line: text" to one of the two lists. */
static void config_errors_put(struct config_errors *errors, const char **texts, size_t *n,
			      const char *file, unsigned line, char *text)
{
	char place[16] = "";
	struct slice whole;

	config_errors_clean(text);
	if (line)
		snprintf(place, sizeof(place), "%u:", line);
	whole = arena_printf(&errors->arena, "%s:%s %s", file, place, text);
	if (!whole.len) {
		errors->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < *n; i++)
		if (slice_is(whole, texts[i]))
			return;
	texts[(*n)++] = whole.ptr;
}

void config_errors_add(struct config_errors *errors, const char *file, unsigned line,
		       const char *format, ...)
{
	char text[ERRORS_MAX_TEXT];
	va_list args;

	if (config_errors_are_full(errors))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (errors->n == CONFIG_MAX_ERRORS - 1)
		snprintf(text, sizeof(text), "there are more mistakes; these come first");
	config_errors_put(errors, errors->texts, &errors->n, file, line, text);
}

void config_errors_warn(struct config_errors *errors, const char *file, unsigned line,
			const char *format, ...)
{
	char text[ERRORS_MAX_TEXT];
	va_list args;

	if (errors->error || errors->n_warnings == CONFIG_MAX_ERRORS)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	config_errors_put(errors, errors->warnings, &errors->n_warnings, file, line, text);
}
