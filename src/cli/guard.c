/* SPDX-License-Identifier: MIT */

/*
 * Nothing that wampctl started outlives it, however it ends
 *
 * A group whose leader has ended is still ours as long as no process has the
 * leader's number: the kernel gives that number to nobody while the group exists.
 */

#include "cli/guard.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_STEP_MS 20
/* A process that was just being started is seen a little later; so often nothing must be found. */
#define GUARD_QUIET_STEPS 5
/* How long SIGKILL may take to work before there is nothing more to do. */
#define GUARD_DEATH_MS 1000
/* An environment is looked through up to here. */
#define GUARD_MAX_ENVIRON (1u << 20)

struct guard_group {
	pid_t leader;
	bool has_ended;
};

/* What is said through the pipe; one of leader 0 is the end of an orderly life. */
struct guard_word {
	pid_t leader;
	int has_ended;
};

struct guard_watch {
	char mark[64]; /* as it stands in an environment */
	struct guard_group *groups;
	size_t n_groups;
	pid_t *told; /* marked processes that have had their SIGTERM */
	size_t n_told;
	bool is_orderly;
	char *environ; /* room for one */
};

/* ---- groups ---- */

static bool guard_is_left(const struct guard_group *g)
{
	if (kill(-g->leader, 0) < 0 && errno == ESRCH)
		return false;
	return !g->has_ended || (kill(g->leader, 0) < 0 && errno == ESRCH);
}

static void guard_forget_groups(struct guard_watch *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_groups; i++)
		if (guard_is_left(&w->groups[i]) || !w->groups[i].has_ended)
			w->groups[n++] = w->groups[i];
	w->n_groups = n;
}

static void guard_hear(struct guard_watch *w, const struct guard_word *word)
{
	struct guard_group *grown;

	if (!word->leader)
		w->is_orderly = true;
	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i].leader == word->leader)
			w->groups[i].has_ended = word->has_ended;
	guard_forget_groups(w);
	if (!word->leader || word->has_ended)
		return;
	grown = mem_realloc(w->groups, (w->n_groups + 1) * sizeof(*grown));
	if (!grown)
		return;
	w->groups = grown;
	w->groups[w->n_groups++] = (struct guard_group){word->leader, false};
}

/* ---- marked processes ---- */

static bool guard_is_marked(struct guard_watch *w, const char *pid)
{
	char path[64];
	size_t n = 0, n_mark = strlen(w->mark) + 1;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (n < GUARD_MAX_ENVIRON && (got = read(fd, w->environ + n, GUARD_MAX_ENVIRON - n)) > 0)
		n += (size_t)got;
	close(fd);
	return memmem(w->environ, n, w->mark, n_mark) != NULL;
}

static bool guard_has_told(struct guard_watch *w, pid_t pid)
{
	pid_t *grown;

	for (size_t i = 0; i < w->n_told; i++)
		if (w->told[i] == pid)
			return true;
	grown = mem_realloc(w->told, (w->n_told + 1) * sizeof(*grown));
	if (grown) {
		w->told = grown;
		w->told[w->n_told++] = pid;
	}
	return false;
}

/* How many there are. Each gets its SIGTERM once, or SIGKILL every time. */
static size_t guard_signal_marked(struct guard_watch *w, int signal)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (proc && (entry = readdir(proc))) {
		char *end;
		pid_t pid = (pid_t)strtoul(entry->d_name, &end, 10);

		if (*end || pid <= 1 || pid == getpid() || !guard_is_marked(w, entry->d_name))
			continue;
		n++;
		if (signal == SIGKILL || !guard_has_told(w, pid))
			(void)kill(pid, signal);
	}
	if (proc)
		closedir(proc);
	return n;
}

static size_t guard_signal_groups(struct guard_watch *w, int signal)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_groups; i++)
		if (guard_is_left(&w->groups[i])) {
			n++;
			if (signal)
				(void)kill(-w->groups[i].leader, signal);
		}
	return n;
}

/* ---- the end ---- */

/* Whether nothing is left. */
static bool guard_wait(struct guard_watch *w, int ms, int signal)
{
	int quiet = 0, wanted = w->is_orderly ? 1 : GUARD_QUIET_STEPS;

	for (int waited = 0; waited <= ms; waited += GUARD_STEP_MS) {
		size_t n = guard_signal_marked(w, signal) +
			   guard_signal_groups(w, signal == SIGKILL ? SIGKILL : 0);

		quiet = n ? 0 : quiet + 1;
		if (quiet == wanted)
			return true;
		(void)poll(NULL, 0, GUARD_STEP_MS);
	}
	return false;
}

static void guard_end(struct guard_watch *w)
{
	(void)guard_signal_groups(w, SIGTERM);
	if (!guard_wait(w, GUARD_KILL_MS, SIGTERM))
		(void)guard_wait(w, GUARD_DEATH_MS, SIGKILL);
}

/* What ends wampctl must not end this, and nobody shall wait for what it holds open. */
static void guard_detach(int fd)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};

	setsid();
	/* Nor does who ends every wampctl by its name mean this one. */
	(void)prctl(PR_SET_NAME, "wamp-guard");
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	if (fd > 0)
		(void)close_range(0, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0u, 0);
}

static void guard_run(struct guard_watch *w, int fd)
{
	struct guard_word word;
	ssize_t n;

	guard_detach(fd);
	w->environ = mem_alloc(GUARD_MAX_ENVIRON);
	/* The words are written whole, and so they come. */
	while ((n = read(fd, &word, sizeof(word))) == sizeof(word) || (n < 0 && errno == EINTR))
		if (n > 0)
			guard_hear(w, &word);
	if (w->environ)
		guard_end(w);
}

/* ---- in wampctl ---- */

static int guard_set_mark(struct guard_watch *w)
{
	uint64_t random;
	char value[40];

	if (getrandom(&random, sizeof(random), 0) < 0)
		return -errno;
	snprintf(value, sizeof(value), "%ld-%016" PRIx64, (long)getpid(), random);
	snprintf(w->mark, sizeof(w->mark), GUARD_VARIABLE "=%s", value);
	return setenv(GUARD_VARIABLE, value, 1) < 0 ? -errno : 0;
}

int guard_start(struct guard *ret)
{
	struct guard_watch watch = {.n_groups = 0};
	int fds[2], r = guard_set_mark(&watch);
	pid_t pid;

	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		guard_run(&watch, fds[0]);
		_exit(0);
	}
	r = -errno;
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return r;
	}
	*ret = (struct guard){fds[1], pid};
	return 0;
}

static void guard_say(const struct guard *guard, pid_t leader, bool has_ended)
{
	const struct guard_word word = {leader, has_ended};
	ssize_t n;

	/* A guard that somebody has killed guards nothing; wampctl itself still does. */
	do
		n = write(guard->fd, &word, sizeof(word));
	while (n < 0 && errno == EINTR);
}

void guard_add(const struct guard *guard, pid_t leader)
{
	guard_say(guard, leader, false);
}

void guard_remove(const struct guard *guard, pid_t leader)
{
	guard_say(guard, leader, true);
}

void guard_stop(struct guard *guard)
{
	guard_say(guard, 0, false);
	close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*guard = (struct guard){-1, 0};
}
