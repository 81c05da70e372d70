/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The HTTP answer to a WebSocket's request: how long it may be, and what it means
 *
 * libwebsockets reads it, and says little of what it does not like; here that
 * is put into words. What a server says of itself is a stranger's text.
 */

#include "base/cleanup.h"
#include "base/slice.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

/* Longest answer, up to the blank line: more is no answer but an attack, or a mistake. */
#define WS_ANSWER_MAX (16u << 10)

/*
 * libwebsockets takes headers apart into a buffer of this size, with some bytes around each; an
 * answer that is not too long always fits.
 */
#define WS_ANSWER_LWS_SIZE 65000

/* Longest text of ws_answer_say(). */
#define WS_ANSWER_MAX_TEXT 320

struct ws_answer {
	int status;
	char location[160], retry_after[40]; /* or empty */
	bool has_body;			     /* or says so */
	bool has_long_connection;	     /* header: longer than libwebsockets reads */
	uint64_t n_before;		     /* bytes that were received before the answer */
};

/* The request is about to be sent. */
void ws_answer_begin(struct ws_answer *answer, int fd);

/* libwebsockets has understood it. */
void ws_answer_note(struct ws_answer *answer, struct lws *wsi);

/* How many bytes the answer has so far, or 0 if nobody counts. */
uint64_t ws_answer_size(const struct ws_answer *answer, int fd);

/* Whether so many bytes are more than WS_ANSWER_MAX; those of TLS itself are not known. */
bool ws_answer_is_too_long(uint64_t size, bool tls);

/* Whether it says that trying again later helps, and hurrying does not. */
bool ws_answer_is_busy(const struct ws_answer *answer);

/* What an answer that is no 101 says: "HTTP 404: no WebSocket at /ws (check `path`)". */
void ws_answer_say(const struct ws_answer *answer, const char *path, char ret[WS_ANSWER_MAX_TEXT]);

/* What is wrong with a 101, from libwebsockets' own words. */
const char *ws_answer_mistake(const struct ws_answer *answer, struct slice text);
