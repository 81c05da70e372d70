/* SPDX-License-Identifier: MIT */

/*
 * The log sink
 */

#include "daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int log_max_level = LOG_LEVEL_INFO;

static const char *const log_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(int level)
{
	log_max_level = level;
}

int log_level_from_name(const char *name)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++)
		if (strcmp(name, log_names[i]) == 0)
			return i;
	return -1;
}

/* What routers and programs say ends up here: a control character must not forge a line. */
static size_t log_clean(char *to, size_t max, struct slice text)
{
	size_t n = text.len < max ? text.len : max;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		to[i] = c < 0x20 || c == 0x7f ? ' ' : text.ptr[i];
	}
	return n;
}

void log_text(int level, struct slice text)
{
	char line[1200];
	size_t n;

	if (level > log_max_level)
		return;
	if (isatty(STDERR_FILENO))
		n = (size_t)snprintf(line, sizeof(line), "%s: ", log_names[level]);
	else
		n = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	n += log_clean(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	/* One write each, so that lines of several processes do not mix; a lost one is lost. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

void log_line(int level, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_text(level, slice_of(text));
}
