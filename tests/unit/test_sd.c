/* SPDX-License-Identifier: MIT */

/*
 * The service manager, played by the test: descriptors from 3 on, a socket
 * that is notified, a watchdog
 */

#include "daemon/sd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIRST = 3, N_PLACES = 3 };

/* What the test program itself has there is put aside. */
struct world {
	int aside_fd[N_PLACES];
	int notify_fd;
	char text[4096];
	char message[SD_MAX_MESSAGE];
};

static void set_number(const char *name, long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", number);
	setenv(name, text, 1);
}

static void forget_environment(void)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t n = sizeof(address);
	char name[128];

	forget_environment();
	for (int i = 0; i < N_PLACES; i++) {
		w->aside_fd[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, 100);
		close(FIRST + i);
	}
	/* An abstract address that the kernel chooses: nothing to clean up. */
	w->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->notify_fd = fcntl(w->notify_fd, F_DUPFD_CLOEXEC, 200);
	close(FIRST);
	assert_int_equal(bind(w->notify_fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(w->notify_fd, (struct sockaddr *)&address, &n), 0);
	snprintf(name, sizeof(name), "@%.*s", (int)(n - offsetof(struct sockaddr_un, sun_path) - 1),
		 address.sun_path + 1);
	setenv("NOTIFY_SOCKET", name, 1);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < N_PLACES; i++) {
		close(FIRST + i);
		if (w->aside_fd[i] >= 0) {
			dup2(w->aside_fd[i], FIRST + i);
			close(w->aside_fd[i]);
		}
	}
	close(w->notify_fd);
	forget_environment();
	free(w);
	return 0;
}

/* The lowest free descriptor, which is the next that is passed. */
static void pass_listening_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_in_range(fd, FIRST, FIRST + N_PLACES - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 1), 0);
}

static void pass_socket(int family, int type)
{
	assert_in_range(socket(family, type, 0), FIRST, FIRST + N_PLACES - 1);
}

static void announce(int n, const char *names)
{
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", n);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void nothing_passed_is_enoent(void **state)
{
	struct world *w = *state;

	assert_int_equal(sd_listen_socket("client", w->message), -ENOENT);
	assert_string_equal(w->message, "");
}

static void what_was_passed_to_another_process_is_not_taken(void **state)
{
	struct world *w = *state;

	pass_listening_socket();
	announce(1, "client");
	set_number("LISTEN_PID", getpid() + 1);
	assert_int_equal(sd_listen_socket("client", w->message), -ENOENT);
	assert_true(is_open(3));
}

static void the_only_socket_is_taken(void **state, const char *names)
{
	struct world *w = *state;

	pass_listening_socket();
	announce(1, names);
	assert_int_equal(sd_listen_socket("client", w->message), 3);
	assert_string_equal(w->message, "");
	assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDNAMES"));
}

static void a_socket_with_the_name_is_taken(void **state)
{
	the_only_socket_is_taken(state, "client");
}

static void a_socket_without_names_is_taken(void **state)
{
	the_only_socket_is_taken(state, NULL);
}

static void a_socket_with_the_name_of_its_unit_is_taken(void **state)
{
	the_only_socket_is_taken(state, "wampbridge.socket");
}

static void the_one_with_the_name_is_taken_and_the_others_are_closed(void **state)
{
	struct world *w = *state;

	pass_listening_socket();
	pass_listening_socket();
	pass_socket(AF_INET, SOCK_DGRAM);
	announce(3, "metrics:client:other");
	assert_int_equal(sd_listen_socket("client", w->message), 4);
	assert_non_null(strstr(w->message, "2 more sockets"));
	assert_true(is_open(4));
	assert_false(is_open(3));
	assert_false(is_open(5));
}

static void one_with_another_name_is_refused_and_closed(void **state)
{
	struct world *w = *state;

	pass_listening_socket();
	announce(1, "metrics");
	assert_int_equal(sd_listen_socket("client", w->message), -EINVAL);
	assert_non_null(strstr(w->message, "\"client\""));
	assert_non_null(strstr(w->message, "\"metrics\""));
	assert_false(is_open(3));
}

static void several_without_names_are_refused(void **state)
{
	struct world *w = *state;

	pass_listening_socket();
	pass_listening_socket();
	announce(2, NULL);
	assert_int_equal(sd_listen_socket("client", w->message), -EINVAL);
	assert_false(is_open(3));
	assert_false(is_open(4));
}

static void is_refused(void **state, int family, int type)
{
	struct world *w = *state;

	pass_socket(family, type);
	announce(1, "client");
	assert_int_equal(sd_listen_socket("client", w->message), -EINVAL);
	assert_non_null(strstr(w->message, "no listening Unix stream socket"));
	assert_false(is_open(3));
}

static void a_datagram_socket_is_refused(void **state)
{
	is_refused(state, AF_UNIX, SOCK_DGRAM);
}

static void a_socket_that_does_not_listen_is_refused(void **state)
{
	is_refused(state, AF_UNIX, SOCK_STREAM);
}

static void a_tcp_socket_is_refused(void **state)
{
	is_refused(state, AF_INET, SOCK_STREAM);
}

static void garbage_in_the_environment_is_refused(void **state)
{
	struct world *w = *state;

	announce(1, NULL);
	setenv("LISTEN_FDS", "many", 1);
	assert_int_equal(sd_listen_socket("client", w->message), -EINVAL);
	assert_non_null(strstr(w->message, "LISTEN_FDS"));
}

/* The next notification, or "". */
static const char *told(struct world *w)
{
	ssize_t n = recv(w->notify_fd, w->text, sizeof(w->text) - 1, 0);

	w->text[n < 0 ? 0 : n] = '\0';
	return w->text;
}

static void the_manager_is_told_in_its_own_words(void **state)
{
	struct world *w = *state;

	sd_tell_ready("listening");
	assert_string_equal(told(w), "READY=1\nSTATUS=listening");
	sd_tell_ready(NULL);
	assert_string_equal(told(w), "READY=1\n");
	sd_tell_status("2/2 sessions joined");
	assert_string_equal(told(w), "STATUS=2/2 sessions joined");
	sd_tell_stopping("draining");
	assert_string_equal(told(w), "STOPPING=1\nSTATUS=draining");
	sd_tell_extend(25000);
	assert_string_equal(told(w), "EXTEND_TIMEOUT_USEC=25000000\n");
	sd_tell_watchdog();
	assert_string_equal(told(w), "WATCHDOG=1\n");
	sd_tell_error(-EADDRINUSE, "taken");
	assert_string_equal(told(w), "ERRNO=98\nSTATUS=taken");
	sd_tell_error(EADDRINUSE, NULL);
	assert_string_equal(told(w), "ERRNO=98\n");
	sd_tell_error(0, "gave up");
	assert_string_equal(told(w), "STATUS=gave up");
	sd_tell_status(NULL);
	assert_string_equal(told(w), "");
}

static void reloading_has_the_reading_of_the_monotonic_clock(void **state)
{
	struct world *w = *state;
	struct timespec before, after;
	uint64_t usec = 0;

	clock_gettime(CLOCK_MONOTONIC, &before);
	sd_tell_reloading();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(sscanf(told(w), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64 "\n", &usec), 1);
	assert_in_range(usec, (uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000,
			(uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000);
}

static void a_status_cannot_assign(void **state)
{
	struct world *w = *state;

	sd_tell_status("reload failed: a\nREADY=1\x1b");
	assert_string_equal(told(w), "STATUS=reload failed: a?READY=1?");
}

/* systemd ignores a status that is no UTF-8. */
static void a_long_status_is_cut_between_characters(void **state)
{
	struct world *w = *state;

	for (size_t n = 500; n < 510; n++) {
		char status[1024];

		memset(status, 'a', n);
		snprintf(status + n, sizeof(status) - n, "\xe2\x82\xac and the rest");
		sd_tell_status(status);
		assert_true(strlen(told(w)) >= 500);
		assert_true(strlen(w->text) < 512);
		assert_int_equal(strchr(w->text, 0xe2) != NULL, strchr(w->text, 0xac) != NULL);
		assert_int_equal(strchr(w->text, 0xe2) != NULL, strchr(w->text, 0x82) != NULL);
	}
}

/* A test that hangs has failed. */
static void a_manager_that_does_not_read_keeps_nobody_waiting(void **state)
{
	struct world *w = *state;
	char text[4096];
	int n = 0;

	while (sd_tell_ready("x") && n < 100000)
		n++;
	assert_in_range(n, 1, 99999);
	assert_false(sd_tell_status("y"));
	sd_tell_watchdog();
	sd_tell_extend(5);
	sd_tell_stopping("z");
	sd_tell_reloading();
	sd_tell_error(5, "z");
	/* It reads again: what was not taken can be told. */
	while (recv(w->notify_fd, text, sizeof(text), 0) > 0)
		;
	assert_true(sd_tell_status("y"));
	assert_int_equal(recv(w->notify_fd, text, sizeof(text), 0), 8);
	assert_memory_equal(text, "STATUS=y", 8);
	/* One that is gone will never take it. */
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	assert_true(sd_tell_ready("x"));
	setenv("NOTIFY_SOCKET", "nonsense", 1);
	assert_true(sd_tell_ready("x"));
}

static void without_a_manager_nothing_happens(void **state)
{
	struct world *w = *state;

	unsetenv("NOTIFY_SOCKET");
	sd_tell_ready("x");
	assert_string_equal(told(w), "");
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	sd_tell_watchdog();
}

static void the_watchdog_is_due_at_half_its_time(void **state)
{
	(void)state;
	set_number("WATCHDOG_PID", getpid());
	set_number("WATCHDOG_USEC", 30000000);
	assert_int_equal(sd_watchdog_interval_ms(), 15000);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_int_equal(sd_watchdog_interval_ms(), 0);
}

static void a_watchdog_of_another_process_is_not_ours(void **state)
{
	(void)state;
	set_number("WATCHDOG_PID", getpid() + 1);
	set_number("WATCHDOG_USEC", 30000000);
	assert_int_equal(sd_watchdog_interval_ms(), 0);
}

static void a_watchdog_of_a_millisecond_is_still_one(void **state)
{
	(void)state;
	set_number("WATCHDOG_USEC", 100);
	assert_int_equal(sd_watchdog_interval_ms(), 1);
	set_number("WATCHDOG_USEC", 1500);
	assert_int_equal(sd_watchdog_interval_ms(), 1);
	setenv("WATCHDOG_USEC", "often", 1);
	assert_int_equal(sd_watchdog_interval_ms(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_passed_is_enoent),
		TEST(what_was_passed_to_another_process_is_not_taken),
		TEST(a_socket_with_the_name_is_taken),
		TEST(a_socket_without_names_is_taken),
		TEST(a_socket_with_the_name_of_its_unit_is_taken),
		TEST(the_one_with_the_name_is_taken_and_the_others_are_closed),
		TEST(one_with_another_name_is_refused_and_closed),
		TEST(several_without_names_are_refused),
		TEST(a_datagram_socket_is_refused),
		TEST(a_socket_that_does_not_listen_is_refused),
		TEST(a_tcp_socket_is_refused),
		TEST(garbage_in_the_environment_is_refused),
		TEST(the_manager_is_told_in_its_own_words),
		TEST(reloading_has_the_reading_of_the_monotonic_clock),
		TEST(a_status_cannot_assign),
		TEST(a_long_status_is_cut_between_characters),
		TEST(a_manager_that_does_not_read_keeps_nobody_waiting),
		TEST(without_a_manager_nothing_happens),
		TEST(the_watchdog_is_due_at_half_its_time),
		TEST(a_watchdog_of_another_process_is_not_ours),
		TEST(a_watchdog_of_a_millisecond_is_still_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
