/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The service manager: what it passes and what it is told
 *
 * The only place that knows libsystemd. Without a service manager every
 * function does nothing and says so.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The listening stream socket that was passed under that name
 * (FileDescriptorName=), or the only one if it has no name of its own
 * ("unknown", or the unit's name). It is close-on-exec, and it is never to be
 * unlinked. Others are closed with a warning to ret_message. The descriptor;
 * -ENOENT: none was passed; -EINVAL: something was passed that is no listening
 * Unix stream socket, ret_message says what.
 */
#define SD_MAX_MESSAGE 256
int sd_listen_socket(const char *name, char ret_message[SD_MAX_MESSAGE]) MUST_CHECK;

/*
 * Each of them returns at once whether or not anybody listens or reads. status is
 * one line, or NULL. False: the manager had no room for it, and is to be told later.
 */
bool sd_tell_ready(const char *status);
bool sd_tell_status(const char *status);
/* With the clock's reading, as Type=notify-reload wants it; then sd_tell_ready(). */
void sd_tell_reloading(void);
void sd_tell_stopping(const char *status);
/* Needs so much more time from now on, before it is taken for hung. */
void sd_tell_extend(uint64_t timeout_ms);
void sd_tell_watchdog(void);
/* Just before an exit that is a failure. error: 0 if it has no number. */
void sd_tell_error(int error, const char *status);

/* How often sd_tell_watchdog() is due (half of WatchdogSec=), or 0. Forgets the environment. */
uint64_t sd_watchdog_interval_ms(void);
