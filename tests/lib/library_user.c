/* SPDX-License-Identifier: MIT */

/*
 * A program that uses the installed library, as somebody else would write it
 *
 *	library_user SCENARIO SOCKET
 *
 * Prints what went wrong and exits with 1, or exits with 0. It has helpers of
 * its own whose names the library uses inside: they must not meet.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wampbridge.h>

#define PINGS 20000

void buf_init(void);
void *mem_alloc(void);

void buf_init(void)
{
	abort();
}

void *mem_alloc(void)
{
	abort();
}

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("line %d: %s\n", __LINE__, #what);                                  \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct wampbridge *open_at(const char *socket)
{
	struct wampbridge *w = NULL;
	int r = wampbridge_connect(&w, socket);

	if (r < 0) {
		printf("%s: %s\n", socket, wampbridge_strerror(r));
		exit(1);
	}
	return w;
}

static void say(struct wampbridge *w, const char *text)
{
	CHECK(wampbridge_send(w, text, strlen(text)) == 0);
}

/* The next line that has all of that; what comes before it is dropped. */
static const char *hear(struct wampbridge *w, const char *part, const char *other)
{
	const char *line;
	size_t len;

	do {
		CHECK(wampbridge_next_line(w, 20000, &line, &len) == 1);
		CHECK(strlen(line) == len);
	} while (!strstr(line, part) || !strstr(line, other));
	return line;
}

static void answer(struct wampbridge *w)
{
	const char *line = hear(w, "\"op\":\"invocation\"", "\"args\":[20,22]");
	char text[128];

	snprintf(text, sizeof(text), "{\"op\":\"result\",\"inv\":%ld,\"args\":[42]}",
		 strtol(strstr(line, "\"inv\":") + 6, NULL, 10));
	say(w, text);
}

static void call_and_event(const char *socket)
{
	struct wampbridge *caller = open_at(socket), *callee = open_at(socket);

	CHECK(strcmp(wampbridge_path(caller), socket) == 0);
	say(callee, "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.example.add2\"}");
	hear(callee, "\"id\":1", "\"state\":\"active\"");
	say(callee, "{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.example.t\"}");
	hear(callee, "\"id\":2", "\"state\":\"active\"");
	say(caller,
	    "{\"op\":\"call\",\"id\":7,\"procedure\":\"com.example.add2\",\"args\":[20,22]}");
	answer(callee);
	hear(caller, "\"op\":\"result\",\"id\":7", "\"args\":[42]");
	say(caller, "{\"op\":\"publish\",\"topic\":\"com.example.t\",\"args\":[21.5]}");
	hear(callee, "\"op\":\"event\"", "\"args\":[21.5]");
	wampbridge_close(caller);
	wampbridge_close(callee);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void timeouts(const char *socket)
{
	struct wampbridge *w = open_at(socket);
	const char *line = NULL;
	size_t len = 5;
	long from;

	hear(w, "\"op\":\"greet\"", "");
	from = now_ms();
	CHECK(wampbridge_next_line(w, 200, &line, &len) == 0);
	CHECK(now_ms() - from >= 200 && now_ms() - from < 5000);
	from = now_ms();
	CHECK(wampbridge_next_line(w, 0, &line, &len) == 0);
	CHECK(now_ms() - from < 150);
	CHECK(line == NULL && len == 5);
	wampbridge_close(w);
}

/* Sends as many pings as go without waiting, from the n-th on; where it stopped. */
static int offer(struct wampbridge *w, int n)
{
	char text[64];
	int r = 0;

	while (n < PINGS && r == 0) {
		snprintf(text, sizeof(text), "{\"op\":\"ping\",\"id\":%d}", n);
		r = wampbridge_try_send(w, text, strlen(text));
		CHECK(r == 0 || r == -EAGAIN);
		n += r == 0;
	}
	return n;
}

/* Takes all lines that are there; the number of the pong that is expected next. */
static int take(struct wampbridge *w, int n)
{
	const char *line;
	char text[64];
	size_t len;
	int r;

	while ((r = wampbridge_next_line(w, 0, &line, &len)) > 0) {
		if (strstr(line, "\"op\":\"greet\""))
			continue;
		snprintf(text, sizeof(text), "{\"op\":\"pong\",\"id\":%d}", n++);
		CHECK(strcmp(line, text) == 0);
	}
	CHECK(r == 0);
	return n;
}

/* An event loop that never blocks anywhere but in its poll(). */
static void loop(const char *socket)
{
	struct wampbridge *w = open_at(socket);
	int n_sent = 0, n_received = 0, n_waits = 0;

	while (n_received < PINGS) {
		struct pollfd fd = {wampbridge_fd(w), 0, 0};

		n_sent = offer(w, n_sent);
		fd.events = wampbridge_events(w);
		n_waits += (fd.events & POLLOUT) != 0;
		CHECK(poll(&fd, 1, 20000) == 1);
		if (fd.revents & POLLOUT)
			CHECK(wampbridge_flush(w, 0) >= 0);
		if (fd.revents & POLLIN)
			n_received = take(w, n_received);
	}
	CHECK(n_waits > 0);
	wampbridge_close(w);
}

/* The daemon goes while we wait: its goodbye is a line, its end an error, never a signal. */
static void goodbye(const char *socket)
{
	struct wampbridge *w = open_at(socket);
	const char *line;
	size_t len;
	int r;

	signal(SIGPIPE, SIG_DFL);
	hear(w, "\"op\":\"greet\"", "");
	puts("ready");
	fflush(stdout);
	hear(w, "\"op\":\"bye\"", "");
	while ((r = wampbridge_next_line(w, 20000, &line, &len)) > 0)
		;
	CHECK(r == -EPIPE);
	CHECK(wampbridge_send(w, "{}", 2) == -EPIPE);
	CHECK(wampbridge_try_send(w, "{}", 2) == -EPIPE);
	wampbridge_close(w);
}

static void nobody(const char *socket)
{
	struct wampbridge *w = NULL;

	CHECK(wampbridge_connect(&w, socket) == -ENOENT);
	CHECK(w == NULL);
	CHECK(strstr(wampbridge_strerror(-ENOENT), "wampbridged") != NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *socket);
	} scenarios[] = {
		{"call_and_event", call_and_event},
		{"timeouts", timeouts},
		{"loop", loop},
		{"goodbye", goodbye},
		{"nobody", nobody},
	};

	for (size_t i = 0; argc == 3 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(argv[1], scenarios[i].name) == 0) {
			scenarios[i].run(argv[2]);
			return 0;
		}
	}
	return 64;
}
