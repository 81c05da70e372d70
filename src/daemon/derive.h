/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys that are derived beside the loop
 *
 * PBKDF2 takes a third of a second for as many rounds as a router may ask for,
 * and the loop serves every program. So each session has at most one thread of
 * its own that derives; what is not wanted any more is thrown away when it is
 * done. Not libuv's pool: look-ups of other sessions may hold its threads.
 */

#include "daemon/app.h"

/* Before any other function here. */
int derive_init(struct app *app) MUST_CHECK;

/* Begins as soon as the transport's thread is free; takes the job. */
void derive_start(struct transport *t, struct auth_job *job);

/* The end: no thread reports any more, and none is waited for. Closes the handle. */
void derive_stop(struct app *app);
