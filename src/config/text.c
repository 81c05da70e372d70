/* SPDX-License-Identifier: MIT */

/*
 * What a text may look like
 */

#include "config/text.h"

#include "codec/chars.h"
#include "codec/uri.h"

#include <limits.h>
#include <string.h>
#include <sys/un.h>

static bool text_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether it consists of letters, digits and the characters of others, and of at least one. */
static bool text_consists_of(const char *text, const char *others)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!text_is_alnum(*text) && !strchr(others, *text))
			return false;
	return true;
}

bool text_has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

bool text_is_socket(const char *text)
{
	return *text == '/' && text[1] && !text_has_control(text) &&
	       strlen(text) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

bool text_is_file(const char *text)
{
	return *text == '/' && text[1] && strlen(text) < PATH_MAX && !text_has_control(text);
}

bool text_is_name(const char *text)
{
	return text_consists_of(text, "_.-") && strlen(text) <= 64;
}

bool text_is_realm(const char *text)
{
	return strlen(text) <= TEXT_MAX && uri_is_valid(slice_of(text));
}

bool text_is_line(const char *text)
{
	return *text && strlen(text) <= TEXT_MAX && !text_has_control(text);
}

bool text_is_token(const char *text)
{
	return text_consists_of(text, "!#$%&'*+-.^_`|~") && strlen(text) <= TEXT_MAX;
}

bool text_is_origin(const char *text)
{
	const char *colon = strstr(text, "://");

	if (strcmp(text, "null") == 0)
		return true;
	return colon && colon != text && strlen(text) <= TEXT_MAX &&
	       text_consists_of(colon + 3, ".-_:[]") && text_consists_of(text, "+.-_:/[]") &&
	       strcspn(text, ":") == (size_t)(colon - text);
}

bool text_is_pin(const char *text)
{
	for (const char *p = text; *p; p++)
		if (chars_hex((unsigned char)*p) < 0)
			return false;
	return strlen(text) == 64;
}
