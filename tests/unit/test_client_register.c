/* SPDX-License-Identifier: MIT */

/*
 * wampctl register against a daemon of the test's own
 *
 * The verb runs in a process of its own, as it is meant to; the test is the
 * other end of its socket, says what a daemon says and reads the answers. The
 * commands are what every system has: sh, cat, printf, head.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* wampctl is in no archive; the daemon's holds only what is below it. */
#include "cli/child.c"
#include "cli/environment.c"
#include "cli/guard.c"
#include "cli/payload.c"
#include "cli/register.c"
#include "cli/talk.c"
#include "cli/tell.c"
#include "client/client.c"

#include <fcntl.h>
#include <sys/wait.h>

#define TEST_TIMEOUT_MS 10000

/* Two seconds are what a command that ignores TERM has left; more is a hang. */
#define TEST_GUARD_S 15

struct world {
	char dir[64], path[128], ready[128];
	int listen_fd;
	pid_t pid;
	struct wampbridge *w; /* the daemon's end: it sends and reads lines just the same */
};

static void world_listen(struct world *w)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(w->dir, "/tmp/test_client.XXXXXX", sizeof("/tmp/test_client.XXXXXX"));
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/s", w->dir);
	snprintf(w->ready, sizeof(w->ready), "%s/ready", w->dir);
	memcpy(address.sun_path, w->path, strlen(w->path) + 1);
	w->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(w->listen_fd, 1), 0);
}

static int setup(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));

	world_listen(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	wampbridge_close(w->w);
	close(w->listen_fd);
	unlink(w->path);
	unlink(w->ready);
	rmdir(w->dir);
	mem_free(w);
	return 0;
}

static void expect(struct world *w, const char *text)
{
	const char *line = "nothing";
	size_t len;

	assert_int_equal(wampbridge_next_line(w->w, TEST_TIMEOUT_MS, &line, &len), 1);
	assert_string_equal(line, text);
}

static void say(struct world *w, const char *text)
{
	assert_int_equal(wampbridge_send(w->w, text, strlen(text)), 0);
}

/* In the process of its own; never returns. */
static void run(struct world *w, const char *const *command, uint64_t concurrency)
{
	struct cli cli = {.socket = w->path};
	struct cli_options options = {
		.word = "a.b", .command = (char **)command, .count = concurrency};
	int r, null = open("/dev/null", O_WRONLY);

	alarm(TEST_GUARD_S);
	dup2(null, STDERR_FILENO);
	close(null);
	setenv("WAMP_CALLER", "of another call", 1);
	r = cli_connect(&cli);
	if (r == 0)
		r = cli_hello(&cli);
	if (r == 0)
		r = cli_register(&cli, &options);
	wampbridge_close(cli.client);
	_exit(r);
}

static void start(struct world *w, const char *const *command, uint64_t concurrency)
{
	w->pid = fork();
	if (w->pid == 0)
		run(w, command, concurrency);
	w->w = mem_alloc(sizeof(*w->w));
	buf_init(&w->w->in, CLIENT_MAX_LINE + CLIENT_READ_SIZE);
	w->w->fd = accept(w->listen_fd, NULL, NULL);
	assert_true(w->w->fd >= 0);
	expect(w, "{\"op\":\"hello\",\"proto\":[1,0],\"name\":\"wampctl\"}");
	expect(w, "{\"op\":\"register\",\"id\":1,\"procedure\":\"a.b\"}");
	say(w, "{\"op\":\"greet\",\"proto\":[1,0],\"limits\":{\"max_line\":4096}}");
	say(w, "{\"op\":\"ok\",\"id\":1,\"state\":\"active\",\"procedure\":\"a.b\"}");
}

#define START(world, concurrency, ...)                                                             \
	start(world, (const char *const[]){__VA_ARGS__, NULL}, concurrency)

static int exit_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Ends it as a person does: the daemon hears a goodbye, the exit code is 0. */
static void end(struct world *w)
{
	kill(w->pid, SIGTERM);
	expect(w, "{\"op\":\"bye\"}");
	assert_int_equal(exit_of(w->pid), 0);
}

static void invoke(struct world *w, int inv, const char *payload)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "{\"op\":\"invocation\",\"inv\":%d,\"registration\":1,\"procedure\":\"a.b\",%s}",
		 inv, payload);
	say(w, line);
}

#define NO_PAYLOAD "\"args\":[],\"kwargs\":{}"

/* ---- results ---- */

static void the_command_reads_arguments_and_prints_the_result(void **state)
{
	struct world *w = *state;

	START(w, 0, "cat");
	invoke(w, 1, "\"args\":[0.10,18446744073709551616,\"x\"],\"kwargs\":{}");
	expect(w, "{\"op\":\"result\",\"inv\":1,\"args\":[[0.10,18446744073709551616,\"x\"]]}");
	invoke(w, 2, NO_PAYLOAD);
	expect(w, "{\"op\":\"result\",\"inv\":2,\"args\":[[]]}");
	end(w);
}

static void nothing_printed_is_no_result(void **state)
{
	struct world *w = *state;

	START(w, 0, "true");
	invoke(w, 1, NO_PAYLOAD);
	expect(w, "{\"op\":\"result\",\"inv\":1}");
	end(w);
}

static void the_environment_is_that_of_the_call(void **state)
{
	struct world *w = *state;

	START(w, 0, "sh", "-c",
	      "printf '%s ' \"$WAMP_PROCEDURE\" \"$WAMP_KWARGS\" \"$WAMP_CALLER\" "
	      "\"$WAMP_TIMEOUT_MS\"");
	invoke(w, 1, "\"args\":[],\"kwargs\":{\"k\":1},\"timeout\":5,\"caller\":{\"session\":7}");
	expect(w, "{\"op\":\"result\",\"inv\":1,\"args\":[\"a.b {\\\"k\\\":1} 7 5 \"]}");
	invoke(w, 2, NO_PAYLOAD);
	expect(w, "{\"op\":\"result\",\"inv\":2,\"args\":[\"a.b {}   \"]}");
	end(w);
}

static void signals_of_a_command_have_their_defaults(void **state)
{
	struct world *w = *state;

	/* 32 and above are the C library's own: some shells leave them ignored. */
	START(w, 0, "sh", "-c",
	      "for v in $(awk '/SigBlk|SigIgn/ { print substr($2, 9) }' /proc/self/status); do "
	      "printf %08x $((0x$v & 0x7fffffff)); done");
	invoke(w, 1, NO_PAYLOAD);
	expect(w, "{\"op\":\"result\",\"inv\":1,\"args\":[\"0000000000000000\"]}");
	end(w);
}

/* ---- errors ---- */

static void a_status_and_a_signal_are_errors(void **state)
{
	struct world *w = *state;

	START(w, 0, "sh", "-c", "read x; [ $x = [9] ] && kill -9 $$; echo no; exit 3");
	invoke(w, 1, NO_PAYLOAD);
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.runtime_error\",\"message\":"
		  "\"exit status 3\"}");
	invoke(w, 2, "\"args\":[9],\"kwargs\":{}");
	expect(w, "{\"op\":\"error\",\"inv\":2,\"uri\":\"wamp.error.runtime_error\",\"message\":"
		  "\"killed by signal 9\"}");
	end(w);
}

static void a_command_that_is_not_there_is_an_error(void **state)
{
	struct world *w = *state;

	START(w, 0, "/nonexistent/command");
	invoke(w, 1, NO_PAYLOAD);
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.runtime_error\",\"message\":"
		  "\"cannot run /nonexistent/command: no such file or directory\"}");
	end(w);
}

/* A line that the daemon skips would leave the caller without an answer. */
static void what_does_not_fit_the_daemons_line_is_an_error(void **state)
{
	struct world *w = *state;

	START(w, 0, "sh", "-c",
	      "read x; [ $x = [9] ] && exec cat /dev/zero; exec head -c 5000 /dev/zero");
	invoke(w, 1, NO_PAYLOAD);
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.payload_size_exceeded\","
		  "\"message\":\"the command's output does not fit a line\"}");
	invoke(w, 2, "\"args\":[9],\"kwargs\":{}");
	expect(w, "{\"op\":\"error\",\"inv\":2,\"uri\":\"wamp.error.payload_size_exceeded\","
		  "\"message\":\"the command printed too much\"}");
	end(w);
}

static void a_line_may_be_as_long_as_the_daemon_takes(void **state)
{
	static const char around[] = "{\"op\":\"result\",\"inv\":1,\"args\":[\"\"]}\n";
	struct world *w = *state;
	const size_t n = 4096 - (sizeof(around) - 1);
	char payload[64];
	const char *line;
	size_t len;

	START(w, 0, "sh", "-c", "read x; n=${x#[}; printf %0${n%]}d 0");
	snprintf(payload, sizeof(payload), "\"args\":[%zu],\"kwargs\":{}", n);
	invoke(w, 1, payload);
	assert_int_equal(wampbridge_next_line(w->w, TEST_TIMEOUT_MS, &line, &len), 1);
	assert_int_equal(len, 4095);
	snprintf(payload, sizeof(payload), "\"args\":[%zu],\"kwargs\":{}", n + 1);
	invoke(w, 2, payload);
	expect(w, "{\"op\":\"error\",\"inv\":2,\"uri\":\"wamp.error.payload_size_exceeded\","
		  "\"message\":\"the command's output does not fit a line\"}");
	end(w);
}

static void what_is_too_deep_for_a_line_is_an_error(void **state)
{
	struct world *w = *state;

	START(w, 0, "sh", "-c", "printf %0127d 0 | tr 0 '['; printf %0127d 0 | tr 0 ']'");
	invoke(w, 1, NO_PAYLOAD);
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.invalid_payload\","
		  "\"message\":\"the command's output holds too many levels of nesting\"}");
	end(w);
}

static void an_output_that_the_protocol_refuses_is_an_error(void **state)
{
	struct world *w = *state;

	START(w, 0, "sh", "-c",
	      "read n; case $n in '[1]') printf '[\"caf\\\\udce9.txt\"]';; '[2]') echo 1e999;; "
	      "'[3]') printf '\\351';; '[4]') printf 'a\\000b';; *) printf %0129d 0 | tr 0 '[';; "
	      "esac");
	invoke(w, 1, "\"args\":[1],\"kwargs\":{}");
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.invalid_payload\","
		  "\"message\":\"the command's output holds a lone surrogate\"}");
	invoke(w, 2, "\"args\":[2],\"kwargs\":{}");
	expect(w,
	       "{\"op\":\"error\",\"inv\":2,\"uri\":\"wamp.error.invalid_payload\","
	       "\"message\":\"the command's output holds a number beyond the range of a double\"}");
	invoke(w, 3, "\"args\":[3],\"kwargs\":{}");
	expect(w, "{\"op\":\"error\",\"inv\":3,\"uri\":\"wamp.error.invalid_payload\","
		  "\"message\":\"the command's output holds bytes that are not UTF-8\"}");
	invoke(w, 4, "\"args\":[4],\"kwargs\":{}");
	expect(w, "{\"op\":\"error\",\"inv\":4,\"uri\":\"wamp.error.invalid_payload\","
		  "\"message\":\"the command's output holds a NUL byte\"}");
	invoke(w, 5, "\"args\":[5],\"kwargs\":{}");
	expect(w, "{\"op\":\"error\",\"inv\":5,\"uri\":\"wamp.error.invalid_payload\","
		  "\"message\":\"the command's output holds more than 128 levels of nesting\"}");
	end(w);
}

static void a_caller_who_fits_no_environment_is_refused(void **state)
{
	struct world *w = *state;

	START(w, 0, "printenv", "WAMP_CALLER_AUTHID");
	invoke(w, 1,
	       "\"args\":[],\"kwargs\":{},\"caller\":{\"session\":1,\"authid\":\"root\\u0000x\"}");
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.invalid_payload\",\"message\":"
		  "\"what is told of the caller does not fit the environment\"}");
	invoke(w, 2, "\"args\":[],\"kwargs\":{},\"caller\":{\"session\":1,\"authid\":\"root\"}");
	expect(w, "{\"op\":\"result\",\"inv\":2,\"args\":[\"root\"]}");
	end(w);
}

static void an_invocation_without_json_arguments_is_answered(void **state)
{
	struct world *w = *state;

	START(w, 0, "cat");
	invoke(w, 1, "\"payload\":\"\\u0000AA==\"");
	expect(w, "{\"op\":\"error\",\"inv\":1,\"uri\":\"wamp.error.invalid_payload\",\"message\":"
		  "\"no arguments in JSON\"}");
	end(w);
}

static void keywords_that_fit_no_environment_are_refused(void **state)
{
	struct world *w = *state;
	const size_t n = REGISTER_MAX_KWARGS;
	char *line = mem_alloc(n + 200);
	size_t at;

	START(w, 0, "true");
	for (int inv = 1; inv <= 2; inv++) {
		/* Exactly as many bytes as there may be, then one more. */
		at = (size_t)snprintf(
			line, 200,
			"{\"op\":\"invocation\",\"inv\":%d,\"args\":[],\"kwargs\":{\"a\":\"", inv);
		memset(line + at, 'x', n - 9 + (size_t)inv);
		memcpy(line + at + n - 9 + inv, "\"}}", 4);
		at = strlen(line);
		assert_int_equal(wampbridge_send(w->w, line, at), 0);
	}
	mem_free(line);
	for (int inv = 1; inv <= 2; inv++) {
		const char *answer;
		size_t len;

		assert_int_equal(wampbridge_next_line(w->w, TEST_TIMEOUT_MS, &answer, &len), 1);
		if (strstr(answer, "result"))
			assert_string_equal(answer, "{\"op\":\"result\",\"inv\":1}");
		else
			assert_string_equal(answer,
					    "{\"op\":\"error\",\"inv\":2,\"uri\":"
					    "\"wamp.error.payload_size_exceeded\",\"message\":"
					    "\"keyword arguments over 96 KiB do not fit the "
					    "environment\"}");
	}
	end(w);
}

static void beyond_the_concurrency_callers_are_refused(void **state)
{
	struct world *w = *state;

	START(w, 2, "sh", "-c", "sleep 0.3; echo 1");
	for (int inv = 1; inv <= 3; inv++)
		invoke(w, inv, NO_PAYLOAD);
	expect(w, "{\"op\":\"error\",\"inv\":3,\"uri\":\"wamp.error.unavailable\",\"message\":"
		  "\"too many commands are running\"}");
	for (int i = 0; i < 2; i++) {
		const char *line;
		size_t len;

		assert_int_equal(wampbridge_next_line(w->w, TEST_TIMEOUT_MS, &line, &len), 1);
		assert_non_null(strstr(line, "\"result\""));
	}
	invoke(w, 4, NO_PAYLOAD);
	expect(w, "{\"op\":\"result\",\"inv\":4,\"args\":[1]}");
	end(w);
}

/* ---- interrupts and the end ---- */

static void an_interrupted_command_is_ended_without_an_answer(void **state)
{
	struct world *w = *state;
	const char *line = "";
	size_t len;

	START(w, 1, "sh", "-c", "read x; [ $x = [9] ] || sleep 60; echo 1");
	invoke(w, 1, NO_PAYLOAD);
	say(w, "{\"op\":\"interrupt\",\"inv\":1,\"mode\":\"killnowait\",\"reason\":\"x\"}");
	say(w, "{\"op\":\"interrupt\",\"inv\":99,\"mode\":\"kill\",\"reason\":\"x\"}");
	/* When there is room for another one, the first is gone, the shell's sleep included. */
	for (int inv = 2; inv < 500 && !strstr(line, "result"); inv++) {
		invoke(w, inv, "\"args\":[9],\"kwargs\":{}");
		assert_int_equal(wampbridge_next_line(w->w, TEST_TIMEOUT_MS, &line, &len), 1);
		assert_null(strstr(line, "\"inv\":1,"));
		assert_null(strstr(line, "\"inv\":99,"));
		usleep(10000);
	}
	assert_non_null(strstr(line, "\"args\":[1]"));
	end(w);
}

static void in_mode_kill_the_answer_is_given(void **state)
{
	struct world *w = *state;

	START(w, 0, "sh", "-c", "read x; [ $x = [9] ] || exec sleep 60; cat $0; echo 1", w->ready);
	assert_int_equal(mkfifo(w->ready, 0600), 0);
	invoke(w, 1, "\"args\":[9],\"kwargs\":{}");
	invoke(w, 2, NO_PAYLOAD);
	say(w, "{\"op\":\"interrupt\",\"inv\":2,\"mode\":\"kill\",\"reason\":\"x\"}");
	expect(w, "{\"op\":\"error\",\"inv\":2,\"uri\":\"wamp.error.canceled\",\"message\":"
		  "\"the call was canceled\"}");
	/* The other one waits for this, and lives. */
	close(open(w->ready, O_WRONLY | O_CLOEXEC));
	expect(w, "{\"op\":\"result\",\"inv\":1,\"args\":[1]}");
	end(w);
}

/* Waits for the file that a command makes when it is where the test wants it. */
static void wait_ready(struct world *w)
{
	int tries = 0;

	while (access(w->ready, F_OK) != 0 && tries++ < TEST_TIMEOUT_MS / 10)
		usleep(10000);
	assert_int_equal(access(w->ready, F_OK), 0);
}

static void a_command_that_ignores_term_is_killed(void **state)
{
	struct world *w = *state;
	int64_t start_ms;

	START(w, 0, "sh", "-c", "trap '' TERM; : >$0; while :; do sleep 0.1; done", w->ready);
	invoke(w, 1, NO_PAYLOAD);
	wait_ready(w);
	start_ms = cli_now_ms();
	end(w);
	assert_in_range(cli_now_ms() - start_ms, CHILD_KILL_MS, CHILD_KILL_MS + 6000);
}

/* Whoever has the pipe open is alive: end of file means that nobody is. */
static void what_a_shell_started_ends_with_it(void **state)
{
	struct world *w = *state;
	struct pollfd pollfd = {.events = POLLIN};
	char byte;

	assert_int_equal(mkfifo(w->ready, 0600), 0);
	pollfd.fd = open(w->ready, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	START(w, 0, "sh", "-c", "exec 9>$0; echo >&9; sleep 60; echo no", w->ready);
	invoke(w, 1, NO_PAYLOAD);
	assert_int_equal(poll(&pollfd, 1, TEST_TIMEOUT_MS), 1);
	assert_int_equal(read(pollfd.fd, &byte, 1), 1);
	end(w);
	assert_int_equal(poll(&pollfd, 1, TEST_TIMEOUT_MS), 1);
	assert_int_equal(read(pollfd.fd, &byte, 1), 0);
	close(pollfd.fd);
}

/* What has left the command's group must not be waited for. */
static void an_output_that_stays_open_does_not_keep_it_from_ending(void **state)
{
	struct world *w = *state;
	int64_t start_ms;

	START(w, 0, "sh", "-c", "setsid sh -c ': >$0; exec sleep 8' $0 & echo 1", w->ready);
	invoke(w, 1, NO_PAYLOAD);
	wait_ready(w);
	start_ms = cli_now_ms();
	end(w);
	assert_in_range(cli_now_ms() - start_ms, 0, 6000);
}

/* ---- nothing outlives wampctl ---- */

/* The reading end of a pipe whose other end commands hold: at its end of file nobody is left. */
static int open_fifo(struct world *w)
{
	int fd;

	assert_int_equal(mkfifo(w->ready, 0600), 0);
	fd = open(w->ready, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void read_bytes(int fd, size_t n)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	char byte;

	for (; n; n--) {
		assert_int_equal(poll(&pollfd, 1, TEST_TIMEOUT_MS), 1);
		assert_int_equal(read(fd, &byte, 1), 1);
	}
}

static void expect_nobody_left(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	char bytes[64];
	ssize_t n;

	do {
		assert_int_equal(poll(&pollfd, 1, TEST_TIMEOUT_MS), 1);
		n = read(fd, bytes, sizeof(bytes));
	} while (n > 0);
	assert_int_equal(n, 0);
	close(fd);
}

static void kill_wampctl(struct world *w, int signal)
{
	int status;

	kill(w->pid, signal);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_true(WIFSIGNALED(status));
}

#define HOLDS "exec 9>$0; echo >&9; "

static void a_killed_wampctl_leaves_no_command(void **state)
{
	static const int signals[] = {SIGKILL, SIGHUP, SIGQUIT};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		int fd = open_fifo(w);

		START(w, 20, "sh", "-c", HOLDS "sleep 60 & sleep 60", w->ready);
		for (int inv = 1; inv <= 20; inv++)
			invoke(w, inv, NO_PAYLOAD);
		/* Some run, some are being started, some are still to come. */
		read_bytes(fd, 5);
		kill_wampctl(w, signals[i]);
		expect_nobody_left(fd);
		wampbridge_close(TAKE(w->w));
		unlink(w->ready);
	}
}

static void one_that_ignores_term_is_killed_for_a_killed_wampctl(void **state)
{
	struct world *w = *state;
	int fd = open_fifo(w);

	START(w, 0, "sh", "-c", "trap '' TERM; " HOLDS "while :; do sleep 1; done", w->ready);
	invoke(w, 1, NO_PAYLOAD);
	read_bytes(fd, 1);
	kill_wampctl(w, SIGKILL);
	expect_nobody_left(fd);
}

static void what_a_command_left_behind_ends_with_wampctl(void **state)
{
	static const char *const commands[] = {
		/* in its group; in a session of its own; with another environment */
		HOLDS "sleep 60 >&9 & echo 1",
		HOLDS "setsid sleep 60 >&9 & echo 1",
		HOLDS "env -i sleep 60 >&9 & echo 1",
	};
	struct world *w = *state;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(commands); i++) {
		int fd = open_fifo(w);

		START(w, 0, "sh", "-c", commands[i / 2], w->ready);
		invoke(w, 1, NO_PAYLOAD);
		expect(w, "{\"op\":\"result\",\"inv\":1,\"args\":[1]}");
		if (i % 2)
			kill_wampctl(w, SIGKILL);
		else
			end(w);
		expect_nobody_left(fd);
		wampbridge_close(TAKE(w->w));
		unlink(w->ready);
	}
}

static void somebody_elses_group_of_the_same_number_is_left_alone(void **state)
{
	struct guard_watch watch = {.n_groups = 0};
	pid_t other = fork();

	(void)state;
	if (other == 0) {
		setpgid(0, 0);
		pause();
		_exit(0);
	}
	assert_int_equal(setpgid(other, other), 0);
	guard_hear(&watch, &(struct guard_word){other, 0});
	assert_int_equal(guard_signal_groups(&watch, 0), 1);
	/* The leader that we knew has ended: who has its number now is another. */
	guard_hear(&watch, &(struct guard_word){other, 1});
	assert_int_equal(guard_signal_groups(&watch, SIGKILL), 0);
	assert_int_equal(kill(other, 0), 0);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	mem_free(watch.groups);
}

static void the_daemons_end_is_an_exit_code(void **state)
{
	struct world *w = *state;

	START(w, 0, "sleep", "60");
	invoke(w, 1, NO_PAYLOAD);
	wampbridge_close(TAKE(w->w));
	assert_int_equal(exit_of(w->pid), EX_UNAVAILABLE);
}

static void so_is_its_goodbye(void **state)
{
	struct world *w = *state;

	START(w, 0, "cat");
	say(w, "{\"op\":\"error\",\"line\":3,\"code\":\"bad_message\"}");
	say(w, "{\"op\":\"news\"}");
	say(w, "{\"op\":\"state\",\"registration\":1,\"state\":\"pending\"}");
	say(w, "{\"op\":\"bye\",\"code\":\"shutting_down\",\"message\":\"x\",\"retry\":true}");
	assert_int_equal(exit_of(w->pid), EX_TEMPFAIL);
}

static void so_is_a_refused_registration(void **state)
{
	struct world *w = *state;

	START(w, 0, "cat");
	say(w, "{\"op\":\"error\",\"id\":1,\"code\":\"procedure_already_exists\"}");
	assert_int_equal(exit_of(w->pid), CLI_EXIT_ERROR);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_command_reads_arguments_and_prints_the_result),
		TEST(nothing_printed_is_no_result),
		TEST(the_environment_is_that_of_the_call),
		TEST(signals_of_a_command_have_their_defaults),
		TEST(a_status_and_a_signal_are_errors),
		TEST(a_command_that_is_not_there_is_an_error),
		TEST(what_does_not_fit_the_daemons_line_is_an_error),
		TEST(a_line_may_be_as_long_as_the_daemon_takes),
		TEST(what_is_too_deep_for_a_line_is_an_error),
		TEST(an_output_that_the_protocol_refuses_is_an_error),
		TEST(a_caller_who_fits_no_environment_is_refused),
		TEST(an_invocation_without_json_arguments_is_answered),
		TEST(keywords_that_fit_no_environment_are_refused),
		TEST(beyond_the_concurrency_callers_are_refused),
		TEST(an_interrupted_command_is_ended_without_an_answer),
		TEST(in_mode_kill_the_answer_is_given),
		TEST(a_command_that_ignores_term_is_killed),
		TEST(what_a_shell_started_ends_with_it),
		TEST(an_output_that_stays_open_does_not_keep_it_from_ending),
		TEST(a_killed_wampctl_leaves_no_command),
		TEST(one_that_ignores_term_is_killed_for_a_killed_wampctl),
		TEST(what_a_command_left_behind_ends_with_wampctl),
		TEST(somebody_elses_group_of_the_same_number_is_left_alone),
		TEST(the_daemons_end_is_an_exit_code),
		TEST(so_is_its_goodbye),
		TEST(so_is_a_refused_registration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
