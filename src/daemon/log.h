/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The log: one line each on stderr, with syslog's prefixes (sd-daemon(3))
 *
 * <3>text is an error, <4> a warning, <5> a notice, <6> information, <7>
 * debugging. On a terminal the prefix is a word instead. The sink is the one
 * piece of state in the daemon that is not part of struct app.
 */

#include "base/cleanup.h"
#include "base/slice.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Lines above the level are dropped. Before: info. */
void log_set_level(int level);

void log_line(int level, const char *format, ...) PRINTF(2, 3);
void log_text(int level, struct slice text);

/* "error", "warning", …: -1 if the name is none. */
int log_level_from_name(const char *name);
