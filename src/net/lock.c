/* SPDX-License-Identifier: MIT */

/*
 * One process at a time makes the socket at a path
 */

#include "net/lock.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SUFFIX    ".lock"
#define LOCK_MAX_TRIES 100

static char *lock_path(const char *path)
{
	size_t n = strlen(path);
	char *text = mem_alloc(n + sizeof(LOCK_SUFFIX));

	if (!text)
		return NULL;
	memcpy(text, path, n);
	memcpy(text + n, LOCK_SUFFIX, sizeof(LOCK_SUFFIX));
	return text;
}

/* Whether the file that was opened still is the one of that name. */
static bool lock_is_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

/* The locked descriptor, -ESTALE if the file was removed in the meantime, or -errno. */
static int lock_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	else if (!lock_is_there(fd, path))
		r = -ESTALE;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

int lock_take(struct lock *ret, const char *path)
{
	struct lock lock = {.path = lock_path(path), .fd = -1};
	int r = -ESTALE;

	*ret = (struct lock){.fd = -1};
	if (!lock.path)
		return -ENOMEM;
	/* Who removed it has let it go: the next file of that name is looked at. */
	for (int i = 0; r == -ESTALE && i < LOCK_MAX_TRIES; i++)
		r = lock_open(lock.path);
	if (r < 0) {
		mem_free(lock.path);
		return r == -EWOULDBLOCK ? LOCK_TAKEN : r;
	}
	lock.fd = r;
	*ret = lock;
	return 0;
}

void lock_release(struct lock *lock)
{
	if (lock->fd >= 0) {
		/* As long as it is locked, it is ours to remove. */
		unlink(lock->path);
		close(lock->fd);
	}
	mem_free(lock->path);
	*lock = (struct lock){.fd = -1};
}
