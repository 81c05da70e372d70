/* SPDX-License-Identifier: MIT */

/*
 * The service manager, by libsystemd
 *
 * Nothing here is remembered: what was passed lives in the environment until
 * it is read, and $NOTIFY_SOCKET stays there. It knows neither the loop nor
 * the configuration.
 */

#include "daemon/sd.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

/* Of a status line: systemctl shows one line, and cuts it. */
#define SD_MAX_STATUS	   512
#define SD_MAX_ASSIGNMENTS 64

/* Without FileDescriptorName= the name is the unit's, without LISTEN_FDNAMES "unknown". */
static bool sd_is_no_name(const char *name)
{
	static const char suffix[] = ".socket";
	size_t n = strlen(name);

	return strcmp(name, "unknown") == 0 ||
	       (n >= sizeof(suffix) && strcmp(name + n - (sizeof(suffix) - 1), suffix) == 0);
}

/* The index of the socket that is meant, or -1. */
static int sd_find_name(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return n == 1 && sd_is_no_name(names[0]) ? 0 : -1;
}

static void sd_close_others(int n, int keep)
{
	for (int i = 0; i < n; i++)
		if (i != keep)
			close(SD_LISTEN_FDS_START + i);
}

static int sd_choose(const char *name, char **names, int n, char ret_message[SD_MAX_MESSAGE])
{
	int i = sd_find_name(name, names, n);

	if (i < 0) {
		snprintf(ret_message, SD_MAX_MESSAGE,
			 "%d sockets were passed, but none is named \"%s\" (FileDescriptorName=); "
			 "the first is \"%s\"",
			 n, name, names[0]);
		i = -EINVAL;
	} else if (sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_STREAM, 1) <= 0) {
		snprintf(ret_message, SD_MAX_MESSAGE,
			 "what was passed as \"%s\" is no listening Unix stream socket "
			 "(ListenStream= with a path)",
			 names[i]);
		i = -EINVAL;
	} else if (n > 1) {
		snprintf(ret_message, SD_MAX_MESSAGE,
			 "%d more sockets were passed than \"%s\": they are not used", n - 1,
			 names[i]);
	}
	sd_close_others(n, i);
	return i < 0 ? i : SD_LISTEN_FDS_START + i;
}

int sd_listen_socket(const char *name, char ret_message[SD_MAX_MESSAGE])
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int r;

	ret_message[0] = '\0';
	if (n == 0)
		return -ENOENT;
	if (n < 0) {
		snprintf(ret_message, SD_MAX_MESSAGE, "LISTEN_FDS cannot be used: %s",
			 strerror(-n));
		return -EINVAL;
	}
	r = sd_choose(name, names, n, ret_message);
	for (int i = 0; i < n; i++)
		mem_free(names[i]);
	mem_free(names);
	return r;
}

/*
 * "STATUS=..." for the size of to, SD_MAX_STATUS. It may hold foreign text, which must
 * not assign anything, and of which systemd takes nothing unless it is whole UTF-8.
 */
static void sd_format_status(char *to, const char *status)
{
	int n = snprintf(to, SD_MAX_STATUS, "STATUS=%s", status);

	if (n >= SD_MAX_STATUS) {
		size_t end = SD_MAX_STATUS - 1;

		while (end > 0 && (to[end - 1] & 0xc0) == 0x80)
			end--;
		/* Now behind the first byte of the last character, which may be cut. */
		if (end > 0 && (to[end - 1] & 0x80))
			end--;
		to[end] = '\0';
	}
	for (; *to; to++)
		if ((unsigned char)*to < 0x20 || *to == 0x7f)
			*to = '?';
}

/*
 * One datagram, as sd_notify(3) sends it, but for one thing: that call waits for a
 * manager whose queue is full, and a daemon that waits for it serves nobody. False
 * only if the same may be taken later.
 */
static bool sd_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	ssize_t sent;
	int fd;

	if (n < 2 || n >= sizeof(address.sun_path) || !strchr("/@", path[0]))
		return true;
	memcpy(address.sun_path, path, n);
	/* The name of an abstract one begins with NUL. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	n = sent < 0 && (errno == EAGAIN || errno == ENOBUFS);
	close(fd);
	return !n;
}

/* assignments end with a newline. Whether it need not be told again. */
static bool sd_tell(const char *assignments, const char *status)
{
	char text[SD_MAX_ASSIGNMENTS + SD_MAX_STATUS];
	int n = snprintf(text, SD_MAX_ASSIGNMENTS, "%s", assignments);

	if (status)
		sd_format_status(text + n, status);
	return sd_send(text);
}

bool sd_tell_ready(const char *status)
{
	return sd_tell("READY=1\n", status);
}

bool sd_tell_status(const char *status)
{
	return !status || sd_tell("", status);
}

void sd_tell_reloading(void)
{
	char text[SD_MAX_ASSIGNMENTS];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
		 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	(void)sd_tell(text, NULL);
}

void sd_tell_stopping(const char *status)
{
	(void)sd_tell("STOPPING=1\n", status);
}

void sd_tell_extend(uint64_t timeout_ms)
{
	char text[SD_MAX_ASSIGNMENTS];

	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%" PRIu64 "\n", timeout_ms * 1000);
	(void)sd_tell(text, NULL);
}

void sd_tell_watchdog(void)
{
	(void)sd_tell("WATCHDOG=1\n", NULL);
}

void sd_tell_error(int error, const char *status)
{
	char text[SD_MAX_ASSIGNMENTS] = "";

	/* systemd complains about 0. */
	if (error)
		snprintf(text, sizeof(text), "ERRNO=%d\n", error < 0 ? -error : error);
	(void)sd_tell(text, status);
}

uint64_t sd_watchdog_interval_ms(void)
{
	uint64_t usec = 0;

	if (sd_watchdog_enabled(1, &usec) <= 0)
		return 0;
	/* Never 0, which would mean that nobody waits. */
	return usec / 2 / 1000 ? usec / 2 / 1000 : 1;
}
