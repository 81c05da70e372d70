/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Urls of routers: taken apart, and put together for people
 *
 * This version knows ws://host[:port][/path][?query], the same with wss://,
 * and embedded:.
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
	URL_HAS_USER,
	URL_BAD_HOST,
	URL_BAD_PORT,
	URL_BAD_PATH,
};

enum url_outcome url_check(const char *text);

/* A sentence on what is wrong and would be right; never quotes the url. */
const char *url_problem(enum url_outcome outcome);

/* 0 or -ENOMEM; text must have passed url_check(). */
int url_parse(struct url *ret, struct arena *arena, const char *text) MUST_CHECK;

/* "ws://host:port/path", or wss://; NULL without memory. */
const char *url_format(struct arena *arena, bool use_tls, const char *host, uint16_t port,
		       const char *path);

/* A name or a numeric address; IPv6 without brackets, with or without a zone. */
bool url_is_host(const char *text);
bool url_is_path(const char *text);

/* "localhost", 127.0.0.0/8 and ::1. */
bool url_is_loopback(const char *host);
