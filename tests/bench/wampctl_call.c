/* SPDX-License-Identifier: MIT */

/*
 * What one "wampctl call" costs, beside the least that a program can do
 *
 *	wampctl_call SOCKET WAMPCTL BARE_CLIENT [ROUNDS]
 *
 * Both are started in turn, from fork to their end, and do the same call of a
 * procedure that a thread of this process serves. Prints the medians and how
 * often the one goes into the other.
 */

#include "wampbridge.h"

#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP	   5
#define ROUNDS	   50
#define MAX_ROUNDS 10000

static const char procedure[] = "bench.wampctl.call";

/* The n-th of a sorted list, in microseconds, of one program. */
struct series {
	double us[MAX_ROUNDS];
	char **argv;
};

static void die(const char *what)
{
	fprintf(stderr, "wampctl_call: %s\n", what);
	exit(1);
}

/* ---- the procedure ---- */

/* Good for the daemon's own spelling of an invocation. */
static void callee_answer(struct wampbridge *w, const char *line)
{
	const char *inv = strstr(line, "\"inv\":");
	char answer[128];
	int n;

	if (!inv || strncmp(line, "{\"op\":\"invocation\"", 18) != 0)
		return;
	n = snprintf(answer, sizeof(answer), "{\"op\":\"result\",\"inv\":%.*s,\"args\":[42]}",
		     (int)strspn(inv + 6, "0123456789"), inv + 6);
	if (wampbridge_send(w, answer, (size_t)n) < 0)
		die("the callee lost the daemon");
}

static void *callee_run(void *data)
{
	struct wampbridge *w = data;
	const char *line;
	size_t len;

	while (wampbridge_next_line(w, -1, &line, &len) > 0)
		callee_answer(w, line);
	return NULL;
}

static struct wampbridge *callee_start(const char *socket)
{
	struct wampbridge *w;
	pthread_t thread;
	const char *line;
	char text[128];
	size_t len;
	int n = snprintf(text, sizeof(text), "{\"op\":\"register\",\"id\":1,\"procedure\":\"%s\"}",
			 procedure);

	if (wampbridge_connect(&w, socket) < 0 || wampbridge_send(w, text, (size_t)n) < 0)
		die("no daemon");
	do
		if (wampbridge_next_line(w, 10000, &line, &len) <= 0)
			die("the daemon does not answer");
	while (!strstr(line, "\"state\":\"active\""));
	if (pthread_create(&thread, NULL, callee_run, w) != 0)
		die("no thread");
	return w;
}

/* ---- the programs ---- */

static double run_once(char **argv)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	struct timespec from, to;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (posix_spawn(&pid, argv[0], &files, NULL, argv, environ) != 0)
		die(argv[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("a call failed");
	clock_gettime(CLOCK_MONOTONIC, &to);
	posix_spawn_file_actions_destroy(&files);
	return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(struct series *s, int n)
{
	qsort(s->us, (size_t)n, sizeof(s->us[0]), compare);
	return n % 2 ? s->us[n / 2] : (s->us[n / 2 - 1] + s->us[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	static struct series bare, ctl;
	char call[128], start[] = "{\"op\":\"result\"";
	int rounds = argc > 4 ? (int)strtoul(argv[4], NULL, 10) : ROUNDS;
	struct wampbridge *callee;
	double bare_us, ctl_us;

	if (argc < 4 || rounds < 1 || rounds > MAX_ROUNDS)
		die("usage: wampctl_call SOCKET WAMPCTL BARE_CLIENT [ROUNDS]");
	snprintf(call, sizeof(call), "{\"op\":\"call\",\"id\":1,\"procedure\":\"%s\"}", procedure);
	bare.argv = (char *[]){argv[3], argv[1], call, start, NULL};
	ctl.argv = (char *[]){argv[2],	      (char *)"--socket", argv[1],
			      (char *)"call", (char *)procedure,  NULL};
	callee = callee_start(argv[1]);
	for (int i = -WARM_UP; i < rounds; i++) {
		double a = run_once(bare.argv), b = run_once(ctl.argv);

		if (i >= 0) {
			bare.us[i] = a;
			ctl.us[i] = b;
		}
	}
	bare_us = median(&bare, rounds);
	ctl_us = median(&ctl, rounds);
	printf("%-14s median of %d: %6.0f us\n%-14s median of %d: %6.0f us\nratio: %.2f\n",
	       "bare client", rounds, bare_us, "wampctl call", rounds, ctl_us, ctl_us / bare_us);
	(void)callee; /* its thread ends with the process */
	return 0;
}
