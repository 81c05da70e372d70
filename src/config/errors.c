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

void config_errors_add(struct config_errors *errors, const char *file, unsigned line,
		       const char *format, ...)
{
	char text[ERRORS_MAX_TEXT], place[16] = "";
	struct slice whole;
	va_list args;

	if (config_errors_are_full(errors))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	config_errors_clean(text);
	if (errors->n == CONFIG_MAX_ERRORS - 1)
		snprintf(text, sizeof(text), "there are more mistakes; these come first");
	if (line)
		snprintf(place, sizeof(place), "%u:", line);
	whole = arena_printf(&errors->arena, "%s:%s %s", file, place, text);
	if (!whole.len)
		errors->error = -ENOMEM;
	else
		errors->texts[errors->n++] = whole.ptr;
}
