/* SPDX-License-Identifier: MIT */

/*
 * The client library against a server of the test's own
 *
 * The server is this same thread: a listening Unix socket in a fresh
 * directory, so that each byte comes exactly when a test sends it. Only where
 * a sender has to wait is there a thread that reads.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The whole library is this one file; the daemon's archive does not hold it. */
#include "client/client.c"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define TEST_LONG_LINE (16u << 20)

struct server {
	char dir[64];
	char path[128];
	int listen_fd, fd;
	struct wampbridge *w;
};

static void server_bind(struct server *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, s->path, strlen(s->path) + 1);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listen_fd >= 0);
	assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->listen_fd, 4), 0);
}

static int setup(void **state)
{
	struct server *s = mem_alloc(sizeof(*s));

	memcpy(s->dir, "/tmp/test_client.XXXXXX", sizeof("/tmp/test_client.XXXXXX"));
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/wampbridge", s->dir);
	assert_int_equal(mkdir(s->path, 0700), 0);
	snprintf(s->path, sizeof(s->path), "%s/wampbridge/wampbridge.sock", s->dir);
	server_bind(s);
	s->fd = -1;
	unsetenv("WAMPBRIDGE_SOCKET");
	unsetenv("XDG_RUNTIME_DIR");
	*state = s;
	return 0;
}

static int setup_connected(void **state)
{
	struct server *s;

	setup(state);
	s = *state;
	assert_int_equal(wampbridge_connect(&s->w, s->path), 0);
	s->fd = accept(s->listen_fd, NULL, NULL);
	assert_true(s->fd >= 0);
	return 0;
}

static int teardown(void **state)
{
	struct server *s = *state;

	wampbridge_close(s->w);
	if (s->fd >= 0)
		close(s->fd);
	close(s->listen_fd);
	unlink(s->path);
	snprintf(s->path, sizeof(s->path), "%s/wampbridge", s->dir);
	rmdir(s->path);
	rmdir(s->dir);
	mem_free(s);
	return 0;
}

static void server_say(struct server *s, const char *text)
{
	assert_int_equal(write(s->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect_line(struct server *s, const char *text)
{
	const char *line = NULL;
	size_t len = 0;

	assert_int_equal(wampbridge_next_line(s->w, 5000, &line, &len), 1);
	assert_string_equal(line, text);
	assert_int_equal(len, strlen(text));
}

static void expect_nothing(struct server *s, int timeout_ms, int result)
{
	const char *line = NULL;
	size_t len = 77;

	assert_int_equal(wampbridge_next_line(s->w, timeout_ms, &line, &len), result);
	assert_null(line);
	assert_int_equal(len, 77);
}

/* ---- finding the daemon ---- */

static void a_path_that_is_given_is_used(void **state)
{
	struct server *s = *state;

	setenv("WAMPBRIDGE_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(wampbridge_connect(&s->w, s->path), 0);
	assert_string_equal(wampbridge_path(s->w), s->path);
}

static void the_environment_names_the_socket(void **state)
{
	struct server *s = *state;

	setenv("WAMPBRIDGE_SOCKET", s->path, 1);
	assert_int_equal(wampbridge_connect(&s->w, NULL), 0);
	assert_string_equal(wampbridge_path(s->w), s->path);
}

static void the_users_own_daemon_is_found_unless_the_user_is_root(void **state)
{
	struct server *s = *state;
	struct sockaddr_un address;

	setenv("WAMPBRIDGE_SOCKET", "", 1);
	setenv("XDG_RUNTIME_DIR", s->dir, 1);
	assert_int_equal(client_find_path(&address, NULL), 0);
	assert_string_equal(address.sun_path, geteuid() == 0 ? CLIENT_SYSTEM_SOCKET : s->path);
}

static void without_a_socket_of_the_users_own_it_is_the_systems(void **state)
{
	struct sockaddr_un address;

	(void)state;
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	assert_int_equal(client_find_path(&address, NULL), 0);
	assert_string_equal(address.sun_path, CLIENT_SYSTEM_SOCKET);
}

static void no_daemon_is_told_apart_from_a_long_path(void **state)
{
	struct server *s = *state;
	char path[200];

	assert_int_equal(wampbridge_connect(&s->w, "/nonexistent/socket"), -ENOENT);
	assert_null(s->w);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(wampbridge_connect(&s->w, path), -ENAMETOOLONG);
	setenv("WAMPBRIDGE_SOCKET", path, 1);
	assert_int_equal(wampbridge_connect(&s->w, NULL), -ENAMETOOLONG);
	setenv("WAMPBRIDGE_SOCKET", s->path, 1);
	assert_int_equal(wampbridge_connect(&s->w, ""), -ENOENT);
	unsetenv("WAMPBRIDGE_SOCKET");
	close(s->listen_fd);
	s->listen_fd = -1;
	assert_int_equal(wampbridge_connect(&s->w, s->path), -ECONNREFUSED);
	assert_null(s->w);
}

static void without_memory_there_is_no_connection(void **state)
{
	struct server *s = *state;

	mem_fail_after(0);
	assert_int_equal(wampbridge_connect(&s->w, s->path), -ENOMEM);
	mem_fail_after(-1);
	assert_null(s->w);
}

/* ---- lines that come ---- */

static void lines_come_one_by_one(void **state)
{
	struct server *s = *state;

	server_say(s, "{\"a\":1}\n\n{\"b\":2}\n");
	expect_line(s, "{\"a\":1}");
	expect_line(s, "");
	expect_line(s, "{\"b\":2}");
	expect_nothing(s, 0, 0);
}

static void a_line_is_whole_however_it_was_cut(void **state)
{
	static const char text[] = "{\"op\":\"greet\"}";
	struct server *s = *state;

	for (size_t i = 0; text[i]; i++) {
		expect_nothing(s, 0, 0);
		assert_int_equal(write(s->fd, text + i, 1), 1);
	}
	expect_nothing(s, 0, 0);
	server_say(s, "\n{\"next");
	expect_line(s, text);
	expect_nothing(s, 0, 0);
	server_say(s, "\":1}\n");
	expect_line(s, "{\"next\":1}");
}

static void a_timeout_is_kept(void **state)
{
	struct server *s = *state;
	int64_t start = client_now_ms();

	server_say(s, "half a line");
	expect_nothing(s, 30, 0);
	assert_in_range(client_now_ms() - start, 30, 5000);
}

static void test_on_alarm(int number)
{
	(void)number;
}

/*
 * A signal wakes poll(); the read behind it must not wait for what is not
 * there. The second alarm ends one that does, too late.
 */
static void a_signal_does_not_lengthen_a_timeout(void **state)
{
	struct server *s = *state;
	struct sigaction action = {.sa_handler = test_on_alarm}, before;
	struct itimerval twice = {{2, 0}, {0, 20000}}, never = {{0, 0}, {0, 0}};
	int64_t start = client_now_ms();

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &twice, NULL);
	expect_nothing(s, 100, 0);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	assert_in_range(client_now_ms() - start, 100, 1500);
}

static void the_end_comes_behind_the_last_line(void **state)
{
	struct server *s = *state;

	server_say(s, "{\"op\":\"bye\"}\nno line");
	shutdown(s->fd, SHUT_WR);
	expect_line(s, "{\"op\":\"bye\"}");
	expect_nothing(s, -1, -EPIPE);
	expect_nothing(s, -1, -EPIPE);
}

static void a_nul_byte_does_not_shorten_a_line(void **state)
{
	struct server *s = *state;
	const char *line;
	size_t len;

	assert_int_equal(write(s->fd, "a\0b\n", 4), 4);
	assert_int_equal(wampbridge_next_line(s->w, 5000, &line, &len), 1);
	assert_int_equal(len, 3);
	assert_memory_equal(line, "a\0b", 4);
}

static void the_descriptor_is_readable_when_a_line_is_there(void **state)
{
	struct server *s = *state;
	struct pollfd pollfd = {.fd = wampbridge_fd(s->w), .events = POLLIN};

	assert_true(fcntl(pollfd.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	server_say(s, "{}\n");
	assert_int_equal(poll(&pollfd, 1, 5000), 1);
	expect_line(s, "{}");
}

/* ---- long lines: the other side is a thread, since neither can hold them ---- */

struct writer {
	int fd;
	size_t len; /* of the line, its line feed included */
};

static void *writer_run(void *data)
{
	struct writer *writer = data;
	char *text = mem_alloc(writer->len);
	size_t done = 0;

	memset(text, 'x', writer->len);
	text[writer->len - 1] = '\n';
	while (done < writer->len) {
		ssize_t n = send(writer->fd, text + done, writer->len - done, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return mem_free(text);
}

static int receive_line_of(struct server *s, size_t n, size_t *ret_len)
{
	struct writer writer = {.fd = s->fd, .len = n};
	const char *line;
	pthread_t thread;
	int r;

	assert_int_equal(pthread_create(&thread, NULL, writer_run, &writer), 0);
	r = wampbridge_next_line(s->w, 20000, &line, ret_len);
	shutdown(s->fd, SHUT_RDWR); /* lets go of a writer whose line was refused */
	assert_int_equal(pthread_join(thread, NULL), 0);
	return r;
}

static void a_line_of_the_greatest_length_is_taken(void **state)
{
	size_t len;

	assert_int_equal(receive_line_of(*state, TEST_LONG_LINE, &len), 1);
	assert_int_equal(len, TEST_LONG_LINE - 1);
}

static void one_byte_more_is_refused(void **state)
{
	struct server *s = *state;
	size_t len;

	assert_int_equal(receive_line_of(s, TEST_LONG_LINE + 1, &len), -EMSGSIZE);
	expect_nothing(s, 0, -EMSGSIZE);
}

static void a_line_without_end_is_refused(void **state)
{
	size_t len;

	assert_int_equal(receive_line_of(*state, 2 * TEST_LONG_LINE, &len), -EMSGSIZE);
}

/* ---- lines that go ---- */

static void a_line_gets_its_line_feed(void **state)
{
	struct server *s = *state;
	char got[64] = "";

	assert_int_equal(wampbridge_send(s->w, "{\"op\":\"ping\"}", 13), 0);
	assert_int_equal(wampbridge_send(s->w, "", 0), 0);
	assert_int_equal(read(s->fd, got, sizeof(got)), 15);
	assert_string_equal(got, "{\"op\":\"ping\"}\n\n");
}

static void a_line_feed_inside_is_refused_before_anything_is_sent(void **state)
{
	struct server *s = *state;
	char got[8];

	assert_int_equal(wampbridge_send(s->w, "{\"op\":\n\"ping\"}", 14), -EINVAL);
	assert_int_equal(recv(s->fd, got, sizeof(got), MSG_DONTWAIT), -1);
}

struct reader {
	int fd;
	size_t n_bytes, n_lines;
};

static void *reader_run(void *data)
{
	struct reader *reader = data;
	char bytes[4096];
	ssize_t n;

	while ((n = read(reader->fd, bytes, sizeof(bytes))) > 0) {
		reader->n_bytes += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			reader->n_lines += bytes[i] == '\n';
	}
	return NULL;
}

static void send_much(struct server *s)
{
	const size_t n = 4u << 20;
	char *text = mem_alloc(n);
	struct reader reader = {.fd = s->fd};
	pthread_t thread;

	memset(text, 'x', n);
	assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
	assert_int_equal(wampbridge_send(s->w, text, n), 0);
	assert_int_equal(wampbridge_send(s->w, text, 3), 0);
	shutdown(wampbridge_fd(s->w), SHUT_WR);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reader.n_bytes, n + 1 + 4);
	assert_int_equal(reader.n_lines, 2);
	mem_free(text);
}

static void a_long_line_waits_until_it_is_read(void **state)
{
	send_much(*state);
}

static void so_it_does_when_a_loop_made_the_socket_non_blocking(void **state)
{
	struct server *s = *state;
	int flags = fcntl(wampbridge_fd(s->w), F_GETFL);

	assert_int_equal(fcntl(wampbridge_fd(s->w), F_SETFL, flags | O_NONBLOCK), 0);
	send_much(s);
}

/* Offers short lines until one has to wait; how many were taken. */
static size_t fill(struct server *s)
{
	static const char line[] = "0123456789012345678901234567890123456789";
	size_t n = 0;
	int r;

	while ((r = wampbridge_try_send(s->w, line, sizeof(line) - 1)) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	return n;
}

static void a_sender_that_will_not_wait_is_told_to_come_again(void **state)
{
	struct server *s = *state;
	struct reader reader = {.fd = s->fd};
	pthread_t thread;
	size_t n;

	assert_int_equal(wampbridge_events(s->w), POLLIN);
	n = fill(s);
	assert_true(n > 1);
	assert_int_equal(wampbridge_events(s->w), POLLIN | POLLOUT);
	assert_int_equal(wampbridge_flush(s->w, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
	assert_int_equal(wampbridge_flush(s->w, -1), 1);
	assert_int_equal(wampbridge_events(s->w), POLLIN);
	assert_int_equal(wampbridge_try_send(s->w, "{}", 2), 0);
	assert_int_equal(wampbridge_end_sending(s->w), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reader.n_lines, n + 1);
	assert_int_equal(reader.n_bytes, n * 41 + 3);
}

static void a_long_line_is_kept_and_goes_in_front_of_the_next(void **state)
{
	struct server *s = *state;
	const size_t n = 4u << 20;
	char *text = mem_alloc(n);
	struct reader reader = {.fd = s->fd};
	pthread_t thread;

	memset(text, 'x', n);
	assert_int_equal(wampbridge_try_send(s->w, text, n), 0);
	memset(text, '\n', n); /* it is the caller's again */
	mem_free(text);
	assert_int_equal(wampbridge_flush(s->w, 20), 0);
	assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
	assert_int_equal(wampbridge_send(s->w, "{}", 2), 0);
	assert_int_equal(wampbridge_end_sending(s->w), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reader.n_lines, 2);
	assert_int_equal(reader.n_bytes, n + 1 + 3);
}

static void what_cannot_be_kept_ends_the_sending(void **state)
{
	struct server *s = *state;
	const size_t n = 4u << 20;
	char *text = mem_alloc(n);

	memset(text, 'x', n);
	mem_fail_after(0);
	assert_int_equal(wampbridge_try_send(s->w, text, n), -ENOMEM);
	mem_fail_after(-1);
	assert_int_equal(wampbridge_try_send(s->w, "{}", 2), -ENOMEM);
	assert_int_equal(wampbridge_send(s->w, "{}", 2), -ENOMEM);
	assert_int_equal(wampbridge_flush(s->w, 0), -ENOMEM);
	assert_int_equal(wampbridge_events(s->w), POLLIN);
	mem_free(text);
}

static void a_line_that_could_not_be_kept_is_not_begun(void **state)
{
	struct server *s = *state;
	char *text = mem_alloc(CLIENT_MAX_KEPT), got[8];

	memset(text, 'x', CLIENT_MAX_KEPT);
	assert_int_equal(wampbridge_try_send(s->w, text, CLIENT_MAX_KEPT), -ENOBUFS);
	assert_int_equal(wampbridge_try_send(s->w, "{}\n", 3), -EINVAL);
	assert_int_equal(recv(s->fd, got, sizeof(got), MSG_DONTWAIT), -1);
	mem_free(text);
}

static void behind_the_last_line_sent_answers_still_come(void **state)
{
	struct server *s = *state;
	char got[8];

	assert_int_equal(wampbridge_end_sending(s->w), 0);
	assert_int_equal(read(s->fd, got, sizeof(got)), 0);
	assert_int_equal(wampbridge_send(s->w, "{}", 2), -EPIPE);
	server_say(s, "{\"op\":\"bye\"}\n");
	expect_line(s, "{\"op\":\"bye\"}");
}

static void sending_to_nobody_is_an_error_and_no_signal(void **state)
{
	struct server *s = *state;

	server_say(s, "{\"op\":\"bye\"}\n");
	close(s->fd);
	s->fd = -1;
	assert_int_equal(wampbridge_send(s->w, "{}", 2), -EPIPE);
	assert_int_equal(wampbridge_try_send(s->w, "{}", 2), -EPIPE);
	expect_line(s, "{\"op\":\"bye\"}");
	expect_nothing(s, -1, -EPIPE);
	expect_nothing(s, -1, -EPIPE);
}

static void each_error_has_words(void **state)
{
	(void)state;
	assert_non_null(strstr(wampbridge_strerror(-ENOENT), "wampbridged"));
	assert_string_equal(wampbridge_strerror(-ECONNREFUSED), wampbridge_strerror(-ENOENT));
	assert_non_null(strstr(wampbridge_strerror(-EPIPE), "closed"));
	assert_non_null(strstr(wampbridge_strerror(-EMSGSIZE), "16 MiB"));
	assert_string_equal(wampbridge_strerror(-EIO), strerror(EIO));
	assert_string_equal(wampbridge_strerror(INT_MIN), "unknown error");
	assert_string_equal(wampbridge_version(), WAMPBRIDGE_VERSION);
}

static void closing_nothing_is_fine(void **state)
{
	(void)state;
	wampbridge_close(NULL);
}

#define UNCONNECTED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CONNECTED(f)   cmocka_unit_test_setup_teardown(f, setup_connected, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNCONNECTED(a_path_that_is_given_is_used),
		UNCONNECTED(the_environment_names_the_socket),
		UNCONNECTED(the_users_own_daemon_is_found_unless_the_user_is_root),
		UNCONNECTED(without_a_socket_of_the_users_own_it_is_the_systems),
		UNCONNECTED(no_daemon_is_told_apart_from_a_long_path),
		UNCONNECTED(without_memory_there_is_no_connection),
		CONNECTED(lines_come_one_by_one),
		CONNECTED(a_line_is_whole_however_it_was_cut),
		CONNECTED(a_timeout_is_kept),
		CONNECTED(a_signal_does_not_lengthen_a_timeout),
		CONNECTED(the_end_comes_behind_the_last_line),
		CONNECTED(a_nul_byte_does_not_shorten_a_line),
		CONNECTED(the_descriptor_is_readable_when_a_line_is_there),
		CONNECTED(a_line_of_the_greatest_length_is_taken),
		CONNECTED(one_byte_more_is_refused),
		CONNECTED(a_line_without_end_is_refused),
		CONNECTED(a_line_gets_its_line_feed),
		CONNECTED(a_line_feed_inside_is_refused_before_anything_is_sent),
		CONNECTED(a_long_line_waits_until_it_is_read),
		CONNECTED(so_it_does_when_a_loop_made_the_socket_non_blocking),
		CONNECTED(a_sender_that_will_not_wait_is_told_to_come_again),
		CONNECTED(a_long_line_is_kept_and_goes_in_front_of_the_next),
		CONNECTED(what_cannot_be_kept_ends_the_sending),
		CONNECTED(a_line_that_could_not_be_kept_is_not_begun),
		CONNECTED(behind_the_last_line_sent_answers_still_come),
		CONNECTED(sending_to_nobody_is_an_error_and_no_signal),
		cmocka_unit_test(each_error_has_words),
		cmocka_unit_test(closing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
