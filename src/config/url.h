/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Urls of routers: taken apart, and put together for people
 *
 * This version knows ws://host[:port][/path][?query], the same with wss://,
 * and embedded:. A query needs no path before it (RFC 3986 3.4).
 */

#include "base/arena.h"
#include "base/cleanup.h"

#include <stdint.h>

struct url {
	bool embedded;	  /* nothing below is set */
	bool use_tls;	  /* wss:// */
	const char *host; /* without brackets */
	uint16_t port;
	const char *path; /* at least "/" */
};

enum url_outcome {
	URL_OK = 0,
	URL_UNSUPPORTED, /* of another scheme that the design knows */
	URL_NO_SCHEME,
	URL_BAD_SCHEME,
	URL_BAD_EMBEDDED,
	URL_HAS_BLANK, /* or a control character */
	URL_NOT_ASCII,
	URL_HAS_FRAGMENT,
	URL_HAS_USER,
	URL_NO_HOST,
	URL_BAD_NAME,
	URL_LONG_NAME,
	URL_BAD_IPV4,
	URL_BAD_IPV6,
	URL_BARE_IPV6,	    /* without brackets */
	URL_BEHIND_BRACKET, /* neither a port nor a path */
	URL_BAD_PORT,
	URL_IS_WHOLE,	 /* where a host alone belongs */
	URL_HAS_PORT,	 /* the same */
	URL_IN_BRACKETS, /* the same */
	URL_NO_SLASH,	 /* of a path alone */
	URL_BAD_PERCENT, /* without two hexadecimal digits */
	URL_LONG_PATH,
};

/* Of a path with its query; and what libwebsockets has room for in its request. */
#define URL_MAX_PATH 1024
#define URL_MAX_NAME 253

enum url_outcome url_check(const char *text);
/* Of "host" alone: a name or a numeric address; IPv6 without brackets, with or without a zone. */
enum url_outcome url_check_host(const char *text);
/* Of "path" alone, with a query or without. */
enum url_outcome url_check_path(const char *text);

/*
 * What is wrong and what would be right, to follow "'url' "; never quotes the
 * url, which may hold a secret. text: what was checked.
 */
#define URL_MAX_PROBLEM 200
void url_explain(enum url_outcome outcome, const char *text, char ret_text[URL_MAX_PROBLEM]);

/* 0 or -ENOMEM; text must have passed url_check(). */
int url_parse(struct url *ret, struct arena *arena, const char *text) MUST_CHECK;

/* "ws://host:port/path", or wss://; NULL without memory. */
const char *url_format(struct arena *arena, bool use_tls, const char *host, uint16_t port,
		       const char *path);

/* "localhost", 127.0.0.0/8 and ::1. */
bool url_is_loopback(const char *host);
