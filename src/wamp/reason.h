/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Why a session ended, in a sentence
 *
 * Many routers give a URI and no text: nexus does so for a realm that it does
 * not have. People read the sentence in status, in the journal and in what
 * calls are refused with.
 */

#include "base/slice.h"

/* Longest sentence, with its end. */
#define WAMP_MAX_REASON 512

/*
 * The sentence for a reason URI of ABORT or GOODBYE, or of our own; realm is the
 * one that the session asked for. Any other URI is told as such.
 */
void wamp_reason_text(char ret[WAMP_MAX_REASON], struct slice uri, const char *realm);

/* Whether it is one of those that the table has. */
bool wamp_reason_is_known(struct slice uri);
