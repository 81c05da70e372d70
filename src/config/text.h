/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a text may look like to be a name, a realm, a path ...
 *
 * Predicates on NUL-terminated UTF-8, each with its own greatest length.
 */

#include <stdbool.h>

/* Of a text that no other rule bounds. */
#define TEXT_MAX 1024

/* An absolute path without control characters. */
bool text_is_file(const char *text);

/* The same that fits struct sockaddr_un with its NUL. */
bool text_is_socket(const char *text);

/* 1 to 64 letters, digits, '_', '.' and '-'. */
bool text_is_name(const char *text);

/* A URI of WAMP as codec/uri.h has it. */
bool text_is_realm(const char *text);

/* Something, on one line. */
bool text_is_line(const char *text);

/* The same, but it may be empty and is as long as its user allows. */
bool text_has_control(const char *text);

/* The name of an HTTP header (RFC 9110 5.6.2). */
bool text_is_token(const char *text);

/* "scheme://host", maybe with a port, or "null" (RFC 6454 6.2). */
bool text_is_origin(const char *text);

/* SHA-256 in 64 hexadecimal digits. */
bool text_is_pin(const char *text);
