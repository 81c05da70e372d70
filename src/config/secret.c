/* SPDX-License-Identifier: MIT */

/*
 * Secrets
 *
 * Links are followed, since whoever rotates a secret swaps a link; what
 * counts is the opened file itself, not the path to it.
 */

#include "config/secret.h"

#include "base/mem.h"
#include "base/slice.h"
#include "codec/chars.h"
#include "config/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_FILE	  "@file:"
#define SECRET_CREDENTIAL "@credential:"

/* As much of a path as a message has room for. */
#define SECRET_PATH "%.180s"

static const char *secret_behind(const char *reference, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(reference, prefix, n) == 0 ? reference + n : NULL;
}

bool secret_is_inline(const char *reference)
{
	return reference[0] != '@';
}

bool secret_is_unseen(const char *reference, const char *credentials)
{
	return credentials && !*credentials && secret_behind(reference, SECRET_CREDENTIAL);
}

/* A file name without a directory. */
static bool secret_is_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX && !strchr(text, '/') && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0 && !text_has_control(text);
}

/* What keeps a secret from being sent as it is, or NULL. */
static const char *secret_fault(struct slice text)
{
	const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len;

	if (text.len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return "begins with a byte order mark and is UTF-16; save it as UTF-8 without one";
	if (slice_starts_with(text, SLICE(CHARS_BYTE_ORDER_MARK)))
		return "begins with a byte order mark, which would be sent with it; save it "
		       "without one";
	for (size_t n = 1; p < end; p += n) {
		n = chars_length(p, end);
		if (!n)
			return "is not UTF-8; convert it with iconv(1)";
		if (!*p)
			return "holds a NUL character";
		if (*p == '\n' || *p == '\r')
			return "has more than one line, or an empty one behind it";
		if (*p < 0x20 || *p == 0x7f)
			return "holds a control character, such as a tab";
	}
	return NULL;
}

const char *secret_doubt(const struct secret *secret)
{
	return chars_has_blank_end(secret->text, secret->len)
		       ? "begins or ends with a blank, or with a character that nobody sees, and "
			 "is sent with it"
		       : NULL;
}

const char *secret_problem(const char *reference)
{
	const char *path = secret_behind(reference, SECRET_FILE);
	const char *name = secret_behind(reference, SECRET_CREDENTIAL);

	if (path)
		return text_is_file(path) ? NULL : "needs an absolute path behind @file:";
	if (name)
		return secret_is_name(name) ? NULL
					    : "needs the name of a credential behind "
					      "@credential:, without '/'";
	if (!*reference)
		return "must not be empty; leave it out, or name a file with @file:/path";
	if (!secret_is_inline(reference))
		return "begins with '@' and is neither \"@file:/path\" nor \"@credential:name\"; a "
		       "secret that begins so must stand in a file";
	if (strlen(reference) > SECRET_MAX)
		return "is longer than 64 KiB";
	return secret_fault(slice_of(reference));
}

void secret_done(struct secret *secret)
{
	if (secret->text)
		explicit_bzero(secret->text, secret->len);
	mem_free(secret->text);
	*secret = (struct secret){0};
}

static void secret_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Writes the path of the reference; false: ret_message says why there is none. */
static bool secret_locate(char ret_path[PATH_MAX], const char *reference, const char *credentials,
			  char *ret_message)
{
	const char *path = secret_behind(reference, SECRET_FILE);
	const char *name = secret_behind(reference, SECRET_CREDENTIAL);

	if (!path && !credentials) {
		snprintf(ret_message, SECRET_MAX_MESSAGE,
			 "there are no credentials: LoadCredential=" SECRET_PATH
			 ":/path is missing in the unit, or the daemon was not started by systemd",
			 name);
		return false;
	}
	if (snprintf(ret_path, PATH_MAX, "%s%s%s", path ? "" : credentials, path ? "" : "/",
		     path ? path : name) < PATH_MAX)
		return true;
	snprintf(ret_message, SECRET_MAX_MESSAGE, "its path is too long");
	return false;
}

/* What is wrong with a file that could be opened, or false. */
static bool secret_is_unusable(const struct stat *st, const char *path, char *ret_message)
{
	const char *shown = path;

	if (!S_ISREG(st->st_mode))
		snprintf(ret_message, SECRET_MAX_MESSAGE, SECRET_PATH " is not a regular file",
			 shown);
	else if (st->st_mode & S_IRWXO)
		snprintf(ret_message, SECRET_MAX_MESSAGE,
			 SECRET_PATH " is %s by others; chmod 0600 " SECRET_PATH, shown,
			 st->st_mode & S_IROTH ? "readable" : "usable", shown);
	else if (st->st_mode & S_IWGRP)
		snprintf(ret_message, SECRET_MAX_MESSAGE,
			 SECRET_PATH " is writable by its group; chmod 0640 " SECRET_PATH, shown,
			 shown);
	else if (!st->st_size)
		snprintf(ret_message, SECRET_MAX_MESSAGE, SECRET_PATH " is empty", shown);
	else if (st->st_size > SECRET_MAX + 2)
		snprintf(ret_message, SECRET_MAX_MESSAGE,
			 SECRET_PATH " is longer than 64 KiB, which is no secret", shown);
	else
		return false;
	return true;
}

/* Fills text until the end of the file or cap; returns how much, or -errno. */
static ssize_t secret_fill(char *text, size_t cap, int fd)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, text + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* What is wrong with the bytes, or NULL; drops the line end. */
static const char *secret_settle(struct secret *secret)
{
	if (secret->len && secret->text[secret->len - 1] == '\n') {
		secret->len--;
		if (secret->len && secret->text[secret->len - 1] == '\r')
			secret->len--;
		explicit_bzero(secret->text + secret->len, 2);
	}
	if (!secret->len)
		return "is empty";
	if (secret->len > SECRET_MAX)
		return "is longer than 64 KiB, which is no secret";
	return secret_fault((struct slice){secret->text, secret->len});
}

static int secret_read_fd(struct secret *ret, int fd, size_t size, const char *path,
			  char *ret_message)
{
	/* One byte more tells whether it has grown. */
	CLEANUP(secret_done) struct secret secret = {.text = mem_alloc(size + 2), .len = size + 2};
	const char *problem;
	ssize_t n;

	if (!secret.text) {
		secret.len = 0;
		return -ENOMEM;
	}
	n = secret_fill(secret.text, size + 1, fd);
	if (n < 0) {
		snprintf(ret_message, SECRET_MAX_MESSAGE, SECRET_PATH " cannot be read: %s", path,
			 strerror((int)-n));
		return SECRET_UNUSABLE;
	}
	secret.len = (size_t)n;
	problem = secret.len > size ? "changes while it is read" : secret_settle(&secret);
	if (problem) {
		/* All of it is wiped, also a byte behind a dropped newline. */
		secret.len = size + 2;
		snprintf(ret_message, SECRET_MAX_MESSAGE, SECRET_PATH " %s", path, problem);
		return SECRET_UNUSABLE;
	}
	*ret = secret;
	secret = (struct secret){0};
	return 0;
}

static int secret_read_file(struct secret *ret, const char *path, bool is_credential,
			    char *ret_message)
{
	/* A pipe must not keep the daemon waiting. */
	CLEANUP(secret_close)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		bool is_missing = errno == ENOENT && is_credential;

		snprintf(ret_message, SECRET_MAX_MESSAGE, SECRET_PATH " cannot be read: %s%s", path,
			 strerror(errno),
			 is_missing ? "; LoadCredential= of that name is missing in the unit" : "");
		return SECRET_UNUSABLE;
	}
	if (secret_is_unusable(&st, path, ret_message))
		return SECRET_UNUSABLE;
	return secret_read_fd(ret, fd, (size_t)st.st_size, path, ret_message);
}

int secret_read(struct secret *ret, const char *reference, const char *credentials,
		char ret_message[SECRET_MAX_MESSAGE])
{
	const char *problem = secret_problem(reference);
	char path[PATH_MAX];

	if (problem) {
		snprintf(ret_message, SECRET_MAX_MESSAGE, "it %s", problem);
		return SECRET_UNUSABLE;
	}
	if (secret_is_inline(reference)) {
		size_t n = strlen(reference);
		char *text = mem_strndup(reference, n);

		if (!text)
			return -ENOMEM;
		*ret = (struct secret){text, n};
		return 0;
	}
	if (!secret_locate(path, reference, credentials, ret_message))
		return SECRET_UNUSABLE;
	return secret_read_file(ret, path, !secret_behind(reference, SECRET_FILE), ret_message);
}
