/* SPDX-License-Identifier: MIT */

/*
 * The least that a program can do: connect, send one line, read until one came
 *
 *	bare_client SOCKET LINE START
 *
 * It is what wampctl is measured against, so it has no library but libc and
 * looks at nothing: the line that it waits for is the first that starts so
 * (the daemon's greeting may come before the answer).
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BARE_MAX 65536

static int bare_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

/* The length of the first line in text, or 0 if none is whole. */
static size_t bare_line(const char *text, size_t len)
{
	const char *lf = memchr(text, '\n', len);

	return lf ? (size_t)(lf - text) + 1 : 0;
}

static int bare_read(int fd, const char *start)
{
	static char text[BARE_MAX];
	size_t len = 0, line;

	for (;;) {
		ssize_t n = read(fd, text + len, sizeof(text) - len);

		if (n <= 0)
			return 1;
		len += (size_t)n;
		while ((line = bare_line(text, len)) > 0) {
			if (strncmp(text, start, strlen(start)) == 0)
				return write(STDOUT_FILENO, text, line) == (ssize_t)line ? 0 : 1;
			memmove(text, text + line, len -= line);
		}
	}
}

int main(int argc, char **argv)
{
	size_t len;
	int fd;

	if (argc != 4)
		return 64;
	fd = bare_connect(argv[1]);
	if (fd < 0)
		return 69;
	len = strlen(argv[2]);
	argv[2][len] = '\n'; /* its NUL, which nobody needs any more */
	if (write(fd, argv[2], len + 1) != (ssize_t)len + 1)
		return 69;
	return bare_read(fd, argv[3]);
}
