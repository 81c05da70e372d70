/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A router's words without what was sent to it as a secret
 *
 * What is a stranger's text and what is somebody's payload is WAMP's to know;
 * marks only know a secret again (auth/marks.h).
 */

#include "auth/marks.h"
#include "wamp/msg.h"

/* As much of a text is looked at; those who keep it cut it further. */
#define HIDE_MAX_TEXT 1024

/* Marks what may be a token in a url's query; NULL: there is none. */
void hide_mark_query(struct marks *m, const char *query);

/*
 * Marks the strings in "authextra", which may be a token, too: until
 * marks_forget_brief(), since most of them are no secret. NULL: there is none.
 */
void hide_mark_extra(struct marks *m, const char *extra, struct arena *arena);

/* Marks a text of at least MARKS_MIN_LENGTH bytes: a shorter one is a word like any other. */
void hide_mark(struct marks *m, struct slice text);

/* A text for people. SLICE_NONE: nothing of it may be told. */
struct slice hide_text(const struct marks *m, struct slice text, struct arena *arena);

/* A reason, a method, an error URI; one that everybody knows tells nothing. */
struct slice hide_uri(const struct marks *m, struct slice uri, struct arena *arena);

/*
 * What the router itself says in a message: ERROR, revocations and the like.
 * Payloads of others (RESULT, INVOCATION, EVENT) pass as they are.
 */
void hide_message(const struct marks *m, struct wamp_msg *msg, struct arena *arena);
