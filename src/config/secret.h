/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Secrets: where the configuration names them, and how they are read
 *
 *	@file:/path		a file
 *	@credential:name	a file in $CREDENTIALS_DIRECTORY (systemd.exec(5))
 *	anything else		the secret itself
 *
 * A secret is read when it is used and wiped right after, so that a rotated
 * one is taken at the next join and none lies around in memory. A file must be
 * a regular one that others (S_IRWXO) cannot read and whose group cannot write.
 *
 * Wherever it stands, a secret is one line of UTF-8 without control characters;
 * one line end (LF, or CR LF) at the end of a file is dropped. Nothing else is
 * changed: what cannot be sent as it is is refused, never mended in silence.
 * What is handed out never stands in a message.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest; a ticket may be a signed token of some kilobytes. */
#define SECRET_MAX 65536

/* Longest text for people of secret_read(), with its end. */
#define SECRET_MAX_MESSAGE 512

/*
 * Bytes that are wiped before they are freed. text is NUL-terminated behind
 * len; a secret holds no NUL. All zero: none.
 */
struct secret {
	char *text;
	size_t len;
};

/*
 * Reads what the reference names. credentials: the directory for
 * "@credential:", or NULL if there is none. 0: ret must be ended with
 * secret_done(). SECRET_UNUSABLE: ret_message says what is wrong with which
 * file and how to mend it ("/etc/x is readable by others; chmod 0600 /etc/x"),
 * never what is in it. -ENOMEM.
 */
enum secret_outcome { SECRET_UNUSABLE = 1 };
int secret_read(struct secret *ret, const char *reference, const char *credentials,
		char ret_message[SECRET_MAX_MESSAGE]) MUST_CHECK;

void secret_done(struct secret *secret);

/*
 * In the place of a directory of credentials: there may be one, and this
 * process may not look into it. Whoever checks a configuration passes over what
 * is unseen.
 */
#define SECRET_UNSEEN ""
bool secret_is_unseen(const char *reference, const char *credentials);

/* What is allowed and may be a slip, to follow "the secret "; NULL: nothing. */
const char *secret_doubt(const struct secret *secret);

/* What is wrong with the reference itself, to follow "'auth_secret' "; NULL: nothing. */
const char *secret_problem(const char *reference);

/* Whether the secret stands in the configuration itself. */
bool secret_is_inline(const char *reference);
