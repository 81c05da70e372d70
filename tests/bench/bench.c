/* SPDX-License-Identifier: MIT */

/*
 * Speed of a call, beside what the kernel alone costs
 *
 *	bench line-relay|byte-relay WINDOW CALLS
 *	bench daemon WINDOW CALLS CALLER_SOCKET CALLEE_SOCKET PID...
 *
 * A caller keeps WINDOW calls with a 100-byte argument open until CALLS are
 * answered; a callee process echoes. A relay is a process that moves lines
 * between the two and understands nothing: a line relay with a write for each
 * line, as a plain program would, a byte relay with one for whatever a read
 * brought, which is what the kernel costs and no less; "daemon" is a running wampbridged
 * (CALLEE_SOCKET may belong to another one, with a router in between). Both
 * move four lines a call. Prints calls/s, latency, and the CPU time a call of
 * each process; PIDs are those of daemons and routers.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PIDS   8
#define MAX_WINDOW 1024

struct side {
	const char *name;
	pid_t pid;
	uint64_t cpu_ns;
};

struct lines {
	int fd;
	char buf[1 << 20];
	size_t from, to;
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : now_ns(clock);
}

static void write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t r = write(fd, bytes, n);

		if (r < 0)
			die("write");
		bytes += r;
		n -= (size_t)r;
	}
}

/* The next line, LF included, or NULL when all that was read is used up. */
static char *lines_next(struct lines *l, size_t *ret_len)
{
	char *from = l->buf + l->from;
	char *lf = memchr(from, '\n', l->to - l->from);

	if (!lf)
		return NULL;
	*ret_len = (size_t)(lf + 1 - from);
	l->from += *ret_len;
	return from;
}

/* Reads once; false at the end of file. */
static bool lines_fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->from, l->to - l->from);
	l->to -= l->from;
	l->from = 0;
	n = read(l->fd, l->buf + l->to, sizeof(l->buf) - l->to);
	if (n <= 0)
		return false;
	l->to += (size_t)n;
	return true;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	return fd;
}

/* ---- the callee ---- */

static size_t answer_invocation(char *out, const char *line, size_t len)
{
	const char *inv = memmem(line, len, "\"inv\":", 6);
	const char *args = memmem(line, len, "\"args\":", 7);
	const char *kwargs = memmem(line, len, ",\"kwargs\":", 10);

	if (!inv || !args || !kwargs)
		return 0;
	return (size_t)sprintf(out, "{\"op\":\"result\",\"inv\":%ld,%.*s}\n",
			       strtol(inv + 6, NULL, 10), (int)(kwargs - args), args);
}

/* Answers whatever one read brought with one write. */
static void serve(int fd, bool wamp)
{
	static struct lines in;
	static char out[1 << 21];
	char *line;
	size_t len;

	in.fd = fd;
	while (lines_fill(&in)) {
		size_t n = 0;

		while ((line = lines_next(&in, &len))) {
			if (wamp) {
				n += answer_invocation(out + n, line, len);
			} else {
				memcpy(out + n, line, len);
				n += len;
			}
		}
		write_all(fd, out, n);
	}
	_exit(0);
}

/* The caller's end must not stay open in the child: its closing ends the relay. */
static pid_t start_callee(int fd, bool wamp, int caller)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(caller);
		serve(fd, wamp);
	}
	return pid;
}

/* ---- the relay ---- */

/* Moves what is there, or line by line with a write for each. */
static void relay_move(int to, const char *bytes, size_t n, bool by_line)
{
	const char *lf;

	while (by_line && (lf = memchr(bytes, '\n', n))) {
		size_t len = (size_t)(lf + 1 - bytes);

		write_all(to, bytes, len);
		bytes += len;
		n -= len;
	}
	write_all(to, bytes, n);
}

static void relay(int a, int b, bool by_line)
{
	struct pollfd fds[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
	static char buf[1 << 18];

	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (!fds[i].revents)
				continue;
			n = read(fds[i].fd, buf, sizeof(buf));
			if (n <= 0)
				_exit(0);
			relay_move(fds[1 - i].fd, buf, (size_t)n, by_line);
		}
	}
	_exit(0);
}

/* ---- the caller ---- */

static size_t compose_call(char *out, long id)
{
	return (size_t)sprintf(
		out,
		"{\"op\":\"call\",\"id\":%ld,\"procedure\":\"com.example.bench.echo\","
		"\"args\":[\"%0100d\"]}\n",
		id, 0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static long answer_id(const char *line, size_t len)
{
	const char *id = memmem(line, len, "\"id\":", 5);

	if (memcmp(line, "{\"op\":\"error\"", 13) == 0) {
		fprintf(stderr, "bench: %.*s", (int)len, line);
		exit(1);
	}
	return id ? strtol(id + 5, NULL, 10) : -1;
}

static uint64_t run_calls(int fd, long window, long calls, uint64_t *latencies)
{
	static struct lines in;
	static char out[MAX_WINDOW * 256];
	static uint64_t sent_at[MAX_WINDOW * 2];
	uint64_t start = now_ns(CLOCK_MONOTONIC), now = start;
	long sent = 0, done = 0, answered = window;
	char *line;
	size_t len, n;

	in = (struct lines){.fd = fd};
	while (done < calls) {
		for (n = 0; answered && sent < calls; answered--, sent++) {
			n += compose_call(out + n, sent);
			sent_at[sent % (MAX_WINDOW * 2)] = now;
		}
		if (n)
			write_all(fd, out, n);
		answered = 0;
		if (!lines_fill(&in))
			die("connection closed");
		now = now_ns(CLOCK_MONOTONIC);
		while ((line = lines_next(&in, &len))) {
			long id = answer_id(line, len);

			if (id < 0)
				continue;
			latencies[done++] = now - sent_at[id % (MAX_WINDOW * 2)];
			answered++;
		}
	}
	return now - start;
}

static void report(const char *what, long window, long calls, uint64_t ns, uint64_t *latencies,
		   struct side *sides, size_t n_sides)
{
	qsort(latencies, (size_t)calls, sizeof(*latencies), compare);
	printf("%-10s window %3ld: %8.0f calls/s  p50 %7.1f us  p99 %7.1f us  CPU/call:", what,
	       window, (double)calls * 1e9 / (double)ns, (double)latencies[calls / 2] / 1e3,
	       (double)latencies[calls * 99 / 100] / 1e3);
	for (size_t i = 0; i < n_sides; i++)
		printf(" %s %.2f us", sides[i].name, (double)sides[i].cpu_ns / (double)calls / 1e3);
	printf("\n");
	fflush(stdout);
}

static void measure(const char *what, int fd, long window, long calls, struct side *sides,
		    size_t n_sides)
{
	uint64_t *latencies = calloc((size_t)calls + MAX_WINDOW, sizeof(*latencies));
	uint64_t ns;

	run_calls(fd, window, calls / 10 + window, latencies);
	for (size_t i = 0; i < n_sides; i++)
		sides[i].cpu_ns = cpu_ns(sides[i].pid);
	ns = run_calls(fd, window, calls, latencies);
	for (size_t i = 0; i < n_sides; i++)
		sides[i].cpu_ns = cpu_ns(sides[i].pid) - sides[i].cpu_ns;
	report(what, window, calls, ns, latencies, sides, n_sides);
	free(latencies);
}

static int bench_relay(long window, long calls, bool by_line)
{
	struct side sides[] = {{"caller", getpid(), 0}, {"relay", 0, 0}, {"callee", 0, 0}};
	int a[2], b[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, b) < 0)
		die("socketpair");
	sides[1].pid = fork();
	if (sides[1].pid == 0) {
		close(a[0]);
		close(b[1]);
		relay(a[1], b[0], by_line);
	}
	close(a[1]);
	close(b[0]);
	sides[2].pid = start_callee(b[1], false, a[0]);
	close(b[1]);
	measure(by_line ? "line relay" : "byte relay", a[0], window, calls, sides, 3);
	close(a[0]);
	while (wait(NULL) > 0)
		;
	return 0;
}

/* Registers and waits until the registration is active. */
static int register_echo(const char *path)
{
	static struct lines in;
	static const char line[] =
		"{\"op\":\"register\",\"id\":\"e\",\"procedure\":\"com.example.bench.echo\"}\n";
	char *got;
	size_t len;

	in = (struct lines){.fd = connect_to(path)};
	write_all(in.fd, line, sizeof(line) - 1);
	while (lines_fill(&in))
		while ((got = lines_next(&in, &len)))
			if (memmem(got, len, "\"state\":\"active\"", 16))
				return in.fd;
	die("register");
	return -1;
}

static int bench_daemon(long window, long calls, int argc, char **argv)
{
	static char names[MAX_PIDS][32];
	struct side sides[MAX_PIDS + 2] = {{"caller", getpid(), 0}};
	size_t n = 1;
	int callee = register_echo(argv[1]), caller = connect_to(argv[0]);

	sides[n++] = (struct side){"callee", start_callee(callee, true, caller), 0};
	close(callee);
	for (int i = 2; i < argc && n < MAX_PIDS; i++) {
		char *colon = strchr(argv[i], ':');

		snprintf(names[i], sizeof(names[i]), "%.*s", (int)(colon - argv[i]), argv[i]);
		sides[n++] = (struct side){names[i], (pid_t)strtol(colon + 1, NULL, 10), 0};
	}
	measure(names[2][0] ? names[2] : "daemon", caller, window, calls, sides, n);
	kill(sides[1].pid, SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	long window = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
	long calls = argc > 3 ? strtol(argv[3], NULL, 10) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (window < 1 || window > MAX_WINDOW || calls < window) {
		fprintf(stderr, "usage: bench line-relay|byte-relay|daemon WINDOW CALLS "
				"[CALLER_SOCKET CALLEE_SOCKET "
				"NAME:PID...]\n");
		return 64;
	}
	if (strcmp(argv[1], "line-relay") == 0 || strcmp(argv[1], "byte-relay") == 0)
		return bench_relay(window, calls, argv[1][0] == 'l');
	if (argc < 6)
		return 64;
	return bench_daemon(window, calls, argc - 4, argv + 4);
}
