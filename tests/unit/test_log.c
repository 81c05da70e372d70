/* SPDX-License-Identifier: MIT */

/*
 * The log sink: entries at a journal of the test's own, lines on standard error
 */

#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	char dir[64];
	char path[96];
	int journal_fd;
	int stderr_fd;	/* the real one */
	int pipe_fd[2]; /* standard error of the test, and its other end */
	char entry[65536];
	size_t n_entry;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(w->dir, sizeof(w->dir), "/tmp/test_log.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/journal", w->dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", w->path);
	w->journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->journal_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(pipe2(w->pipe_fd, O_CLOEXEC), 0);
	assert_int_equal(fcntl(w->pipe_fd[0], F_SETFL, O_NONBLOCK), 0);
	w->stderr_fd = dup(STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	*state = w;
	return 0;
}

/* cmocka itself writes there: only while something is logged is it the pipe. */
static void begin_capture(struct world *w)
{
	dup2(w->pipe_fd[1], STDERR_FILENO);
}

static void end_capture(struct world *w)
{
	dup2(w->stderr_fd, STDERR_FILENO);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	end_capture(w);
	log_close();
	log_set_level(LOG_LEVEL_INFO);
	close(w->stderr_fd);
	close(w->pipe_fd[0]);
	close(w->pipe_fd[1]);
	close(w->journal_fd);
	unlink(w->path);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* The next entry, or false: none is there. */
static bool receive(struct world *w)
{
	ssize_t n = recv(w->journal_fd, w->entry, sizeof(w->entry), 0);

	w->n_entry = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

static bool has(const struct world *w, const char *line)
{
	char *with_end = NULL;
	bool found;

	assert_true(asprintf(&with_end, "\n%s\n", line) > 0);
	found = memmem(w->entry, w->n_entry, with_end, strlen(with_end)) != NULL ||
		(w->n_entry >= strlen(line) &&
		 memcmp(w->entry, with_end + 1, strlen(line) + 1) == 0);
	free(with_end);
	return found;
}

static const char *read_lines(struct world *w)
{
	ssize_t n = read(w->pipe_fd[0], w->entry, sizeof(w->entry) - 1);

	w->entry[n < 0 ? 0 : n] = '\0';
	return w->entry;
}

static void an_entry_has_the_fields_that_are_given(void **state)
{
	struct world *w = *state;
	struct log_fields fields = {
		.event = LOG_EVENT_SLOW_CONSUMER,
		.conn = 17,
		.peer_uid = 4294967294u,
		.peer_pid = 4711,
		.peer_name = "sensor",
		.session = "default",
		.realm = "realm1",
		.session_id = 9007199254740992,
		.uri = "wamp.error.no_such_realm",
		.code = "slow_consumer",
		.queued_bytes = 123456,
	};

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_entry(LOG_LEVEL_NOTICE, &fields, SLICE("it does not read"));
	assert_true(receive(w));
	assert_true(has(w, "MESSAGE=it does not read"));
	assert_true(has(w, "PRIORITY=5"));
	assert_true(has(w, "SYSLOG_IDENTIFIER=wampbridged"));
	assert_true(has(w, "MESSAGE_ID=5b3e15619f4b4b45979344ac3f27332e"));
	assert_true(has(w, "WAMPBRIDGE_EVENT=slow-consumer"));
	assert_true(has(w, "WAMPBRIDGE_CONN=17"));
	assert_true(has(w, "WAMPBRIDGE_PEER_UID=4294967294"));
	assert_true(has(w, "WAMPBRIDGE_PEER_PID=4711"));
	assert_true(has(w, "WAMPBRIDGE_PEER_NAME=sensor"));
	assert_true(has(w, "WAMPBRIDGE_SESSION=default"));
	assert_true(has(w, "WAMPBRIDGE_REALM=realm1"));
	assert_true(has(w, "WAMPBRIDGE_SESSION_ID=9007199254740992"));
	assert_true(has(w, "WAMPBRIDGE_URI=wamp.error.no_such_realm"));
	assert_true(has(w, "WAMPBRIDGE_CODE=slow_consumer"));
	assert_true(has(w, "WAMPBRIDGE_QUEUED_BYTES=123456"));
	assert_false(receive(w));
}

static void an_entry_has_no_field_that_is_absent(void **state)
{
	static const char expected[] = "MESSAGE=plain\nPRIORITY=6\nSYSLOG_IDENTIFIER=wampbridged\n";
	struct world *w = *state;
	struct log_fields none = {0};

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_entry(LOG_LEVEL_INFO, NULL, SLICE("plain"));
	assert_true(receive(w));
	assert_int_equal(w->n_entry, sizeof(expected) - 1);
	assert_memory_equal(w->entry, expected, w->n_entry);
	log_entry(LOG_LEVEL_INFO, &none, SLICE("plain"));
	assert_true(receive(w));
	assert_int_equal(w->n_entry, sizeof(expected) - 1);
}

static void every_event_has_a_name_and_an_id_of_its_own(void **state)
{
	struct world *w = *state;
	char ids[LOG_EVENT_COUNT][33];

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	for (int i = LOG_EVENT_NONE + 1; i < LOG_EVENT_COUNT; i++) {
		struct log_fields fields = {.event = (enum log_event)i};
		const char *at;

		log_entry(LOG_LEVEL_INFO, &fields, SLICE("x"));
		assert_true(receive(w));
		w->entry[w->n_entry] = '\0';
		assert_non_null(strstr(w->entry, "\nWAMPBRIDGE_EVENT="));
		at = strstr(w->entry, "\nMESSAGE_ID=");
		assert_non_null(at);
		at += strlen("\nMESSAGE_ID=");
		assert_int_equal(strspn(at, "0123456789abcdef"), 32);
		snprintf(ids[i], sizeof(ids[i]), "%.32s", at);
		for (int k = LOG_EVENT_NONE + 1; k < i; k++)
			assert_string_not_equal(ids[i], ids[k]);
	}
}

static void a_value_of_several_lines_is_sent_with_its_length(void **state)
{
	static const char expected[] =
		"WAMPBRIDGE_PEER_NAME\n\x10\0\0\0\0\0\0\0two\nWAMPBRIDGE_X\n";
	struct world *w = *state;
	struct log_fields fields = {.peer_name = "two\nWAMPBRIDGE_X", .code = "after"};

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_entry(LOG_LEVEL_INFO, &fields, SLICE("x"));
	assert_true(receive(w));
	assert_non_null(memmem(w->entry, w->n_entry, expected, sizeof(expected) - 1));
	assert_true(has(w, "WAMPBRIDGE_CODE=after"));
}

static void a_message_cannot_forge_a_field(void **state)
{
	struct world *w = *state;

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_entry(LOG_LEVEL_INFO, NULL, SLICE("a\nPRIORITY=0\x1b[2J\x7f\xc2\x9b\xc3\xa4"));
	assert_true(receive(w));
	assert_true(has(w, "MESSAGE=a?PRIORITY=0?[2J??\xc3\xa4"));
}

static void a_long_message_is_cut_between_characters(void **state)
{
	struct world *w = *state;
	static char text[40001];
	const char *end;

	memset(text, 'a', 1);
	for (size_t i = 1; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_entry(LOG_LEVEL_INFO, NULL, (struct slice){text, sizeof(text)});
	assert_true(receive(w));
	end = memchr(w->entry, '\n', w->n_entry);
	assert_non_null(end);
	assert_int_equal(end - w->entry, strlen("MESSAGE=") + 8191);
	assert_int_equal((unsigned char)end[-1], 0xa4);
	assert_true(has(w, "PRIORITY=6"));
}

static void fields_of_any_length_leave_the_entry_whole(void **state)
{
	struct world *w = *state;
	static char text[20001], expected[2000];
	struct log_fields fields = {
		.event = LOG_EVENT_JOIN_REFUSED,
		.conn = UINT64_MAX,
		.peer_uid = UINT32_MAX,
		.peer_pid = INT32_MIN,
		.peer_name = text,
		.session = text,
		.realm = text,
		.session_id = UINT64_MAX,
		.uri = text,
		.code = text,
		.queued_bytes = UINT64_MAX,
	};

	memset(text, 'x', sizeof(text) - 1);
	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_entry(LOG_LEVEL_INFO, &fields, slice_of(text));
	assert_true(receive(w));
	snprintf(expected, sizeof(expected), "WAMPBRIDGE_CODE=%.1024s", text);
	assert_true(has(w, expected));
	assert_true(has(w, "WAMPBRIDGE_PEER_PID=-2147483648"));
	assert_true(has(w, "WAMPBRIDGE_QUEUED_BYTES=18446744073709551615"));
	assert_int_equal(w->entry[w->n_entry - 1], '\n');
}

static void a_journal_that_does_not_read_loses_entries_and_is_told_how_many(void **state)
{
	struct world *w = *state;
	unsigned int n_sent = 0, n_read = 0, n_lost = 0;
	char expected[128];

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	/* Whatever the limit of queued datagrams is: this is a hang if the socket waits. */
	for (; n_sent < 5000; n_sent++)
		log_line(LOG_LEVEL_INFO, "entry %u", n_sent);
	while (receive(w)) {
		snprintf(expected, sizeof(expected), "MESSAGE=entry %u", n_read++);
		assert_true(has(w, expected));
	}
	n_lost = n_sent - n_read;
	assert_true(n_lost > 0);
	log_line(LOG_LEVEL_INFO, "it reads again");
	assert_true(receive(w));
	snprintf(expected, sizeof(expected),
		 "MESSAGE=%u log entries are lost: they could not be written", n_lost);
	assert_true(has(w, expected));
	assert_true(has(w, "PRIORITY=4"));
	assert_true(receive(w));
	assert_true(has(w, "MESSAGE=it reads again"));
	log_line(LOG_LEVEL_INFO, "once");
	assert_true(receive(w));
	assert_true(has(w, "MESSAGE=once"));
}

static void without_a_journal_an_entry_is_a_line(void **state)
{
	struct world *w = *state;

	log_open_at(LOG_TARGET_JOURNAL, "/nonexistent/journal");
	begin_capture(w);
	log_line(LOG_LEVEL_ERROR, "nobody there");
	end_capture(w);
	assert_string_equal(read_lines(w), "<3>nobody there\n");
}

static void a_line_has_the_prefix_of_its_level(void **state)
{
	struct world *w = *state;

	log_open_at(LOG_TARGET_STDERR, w->path);
	log_set_level(LOG_LEVEL_DEBUG);
	begin_capture(w);
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++)
		log_line(i, "level %d", i);
	log_entry(LOG_LEVEL_INFO, NULL, SLICE("one\nline\ttab \xc2\x85\xe2\x82\xac"));
	end_capture(w);
	assert_string_equal(read_lines(w),
			    "<3>level 3\n<4>level 4\n<5>level 5\n<6>level 6\n<7>level 7\n"
			    "<6>one?line?tab ?\xe2\x82\xac\n");
	assert_false(receive(w));
}

static void a_line_is_one_piece_however_long_the_text_is(void **state)
{
	struct world *w = *state;
	static char text[20000];
	const char *line;

	memset(text, 'x', sizeof(text));
	begin_capture(w);
	log_entry(LOG_LEVEL_INFO, NULL, (struct slice){text, sizeof(text)});
	end_capture(w);
	line = read_lines(w);
	assert_int_equal(strlen(line), 4096);
	assert_int_equal(line[4095], '\n');
}

static void a_standard_error_that_is_not_read_loses_lines_and_is_told_how_many(void **state)
{
	struct world *w = *state;
	unsigned int n_read = 0, n_sent = 0, n_said = 0;

	begin_capture(w);
	/* A pipe holds 64 KiB: this is a hang if it is waited for. */
	for (; n_sent < 10000; n_sent++)
		log_line(LOG_LEVEL_INFO, "line of thirty-two characters..");
	end_capture(w);
	for (const char *c; *(c = read_lines(w));)
		for (; *c; c++)
			n_read += *c == '\n';
	assert_true(n_read < n_sent);
	begin_capture(w);
	log_line(LOG_LEVEL_INFO, "again");
	end_capture(w);
	assert_int_equal(sscanf(read_lines(w), "<4>%u log entries are lost", &n_said), 1);
	assert_int_equal(n_said, n_sent - n_read);
	assert_non_null(strstr(w->entry, "written\n<6>again\n"));
}

/* What the log says once fd takes lines, after n were lost; end_capture() is left to do. */
static void check_told(struct world *w, int n_lost)
{
	int n_said = 0;

	begin_capture(w);
	log_line(LOG_LEVEL_INFO, "works again");
	end_capture(w);
	assert_int_equal(sscanf(read_lines(w), "<4>%d log entries are lost", &n_said), 1);
	assert_int_equal(n_said, n_lost);
	assert_non_null(strstr(w->entry, "\n<6>works again\n"));
}

static void a_log_that_cannot_be_written_loses_lines_and_is_told_how_many(void **state)
{
	struct world *w = *state;
	int closed[2], fd;

	signal(SIGPIPE, SIG_IGN);
	log_open_at(LOG_TARGET_STDERR, w->path);
	/* no room on the disk */
	dup2(fd = open("/dev/full", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	log_line(LOG_LEVEL_INFO, "one");
	log_line(LOG_LEVEL_INFO, "two");
	close(fd);
	check_told(w, 2);
	/* nobody at the other end of the pipe */
	assert_int_equal(pipe2(closed, O_CLOEXEC), 0);
	dup2(closed[1], STDERR_FILENO);
	close(closed[1]);
	close(closed[0]);
	log_line(LOG_LEVEL_INFO, "one");
	check_told(w, 1);
	/* a descriptor that is not there */
	close(STDERR_FILENO);
	log_line(LOG_LEVEL_INFO, "one");
	log_line(LOG_LEVEL_INFO, "two");
	log_line(LOG_LEVEL_INFO, "three");
	check_told(w, 3);
	signal(SIGPIPE, SIG_DFL);
}

static void a_limit_on_the_size_of_files_loses_lines_and_tears_none(void **state)
{
	struct world *w = *state;
	struct rlimit before, limit;
	char path[128], text[512];
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	snprintf(path, sizeof(path), "%s/log", w->dir);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){30, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_open_at(LOG_TARGET_STDERR, w->path);
	dup2(fd, STDERR_FILENO);
	for (int i = 0; i < 4; i++)
		log_line(LOG_LEVEL_INFO, "the %d. of some lines", i + 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	log_line(LOG_LEVEL_INFO, "works again");
	end_capture(w);
	signal(SIGXFSZ, SIG_DFL);
	text[pread(fd, text, sizeof(text) - 1, 0)] = '\0';
	close(fd);
	unlink(path);
	/* 25 bytes each: of the second a part was written, and the rest is as soon as it can be. */
	assert_true(strncmp(text,
			    "<6>the 1. of some lines\n<6>the 2. of some lines\n<4>2 log entries "
			    "are lost",
			    strlen("<6>the 1. of some lines\n<6>the 2. of some lines\n<4>2 log "
				   "entries")) == 0);
	assert_non_null(strstr(text, "\n<6>works again\n"));
}

/* A test that hangs has failed: nobody reads the terminal, or the pipe, and others write there too.
 */
static void a_terminal_that_is_not_read_keeps_nobody_waiting(void **state)
{
	struct world *w = *state;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave, n_said = 0;
	struct termios raw;
	char *text = calloc(1, 1 << 20);
	size_t n = 0;
	ssize_t got;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	log_open_at(LOG_TARGET_STDERR, w->path);
	dup2(slave, STDERR_FILENO);
	for (int i = 0; i < 1000; i++)
		log_line(LOG_LEVEL_INFO, "%0301d", i);
	while ((got = read(master, text + n, (1 << 20) - 1 - n)) > 0)
		n += (size_t)got;
	log_line(LOG_LEVEL_INFO, "works again");
	end_capture(w);
	while ((got = read(master, text + n, (1 << 20) - 1 - n)) > 0)
		n += (size_t)got;
	close(slave);
	close(master);
	assert_non_null(strstr(text, " log entries are lost"));
	/* Whatever is there is whole. */
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "info: 0", 7) == 0)
			n_said += strlen(line) == 307;
		else
			assert_true(strstr(line, "log entries are lost") ||
				    strstr(line, "works again"));
	assert_true(n_said > 0 && n_said < 1000);
	free(text);
}

static void the_mode_of_a_shared_standard_error_is_left_alone(void **state)
{
	struct world *w = *state;

	log_open_at(LOG_TARGET_STDERR, w->path);
	begin_capture(w);
	log_line(LOG_LEVEL_INFO, "one");
	end_capture(w);
	assert_int_equal(fcntl(w->pipe_fd[1], F_GETFL) & O_NONBLOCK, 0);
	assert_string_equal(read_lines(w), "<6>one\n");
}

static void what_is_above_the_level_is_dropped(void **state)
{
	struct world *w = *state;

	log_open_at(LOG_TARGET_JOURNAL, w->path);
	log_set_level(LOG_LEVEL_WARNING);
	log_line(LOG_LEVEL_NOTICE, "quiet");
	log_entry(LOG_LEVEL_INFO, NULL, SLICE("quiet"));
	assert_false(receive(w));
	log_line(LOG_LEVEL_WARNING, "loud");
	assert_true(receive(w));
	assert_true(has(w, "MESSAGE=loud"));
}

/* What the manager would set for standard error as it is now. */
static void set_journal_stream(int more)
{
	char text[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + more);
	setenv("JOURNAL_STREAM", text, 1);
}

static void auto_is_the_journal_only_if_standard_error_is_its_stream(void **state)
{
	struct world *w = *state;

	begin_capture(w);
	set_journal_stream(0);
	log_open_at(LOG_TARGET_AUTO, w->path);
	log_line(LOG_LEVEL_INFO, "to the journal");
	end_capture(w);
	assert_true(receive(w));

	/* The daemon's parent was the service; its standard error was sent elsewhere. */
	begin_capture(w);
	set_journal_stream(1);
	log_open_at(LOG_TARGET_AUTO, w->path);
	log_line(LOG_LEVEL_INFO, "to the pipe");
	setenv("JOURNAL_STREAM", "garbage", 1);
	log_open_at(LOG_TARGET_AUTO, w->path);
	log_line(LOG_LEVEL_INFO, "and again");
	unsetenv("JOURNAL_STREAM");
	end_capture(w);
	assert_string_equal(read_lines(w), "<6>to the pipe\n<6>and again\n");
	assert_false(receive(w));
}

static void levels_have_names(void **state)
{
	(void)state;
	assert_int_equal(log_level_from_name("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_from_name("warning"), LOG_LEVEL_WARNING);
	assert_int_equal(log_level_from_name("notice"), LOG_LEVEL_NOTICE);
	assert_int_equal(log_level_from_name("info"), LOG_LEVEL_INFO);
	assert_int_equal(log_level_from_name("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_from_name("loud"), -1);
	assert_int_equal(log_level_from_name(""), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_has_the_fields_that_are_given),
		TEST(an_entry_has_no_field_that_is_absent),
		TEST(every_event_has_a_name_and_an_id_of_its_own),
		TEST(a_value_of_several_lines_is_sent_with_its_length),
		TEST(a_message_cannot_forge_a_field),
		TEST(a_long_message_is_cut_between_characters),
		TEST(fields_of_any_length_leave_the_entry_whole),
		TEST(a_journal_that_does_not_read_loses_entries_and_is_told_how_many),
		TEST(without_a_journal_an_entry_is_a_line),
		TEST(a_line_has_the_prefix_of_its_level),
		TEST(a_line_is_one_piece_however_long_the_text_is),
		TEST(a_standard_error_that_is_not_read_loses_lines_and_is_told_how_many),
		TEST(a_log_that_cannot_be_written_loses_lines_and_is_told_how_many),
		TEST(a_limit_on_the_size_of_files_loses_lines_and_tears_none),
		TEST(a_terminal_that_is_not_read_keeps_nobody_waiting),
		TEST(the_mode_of_a_shared_standard_error_is_left_alone),
		TEST(what_is_above_the_level_is_dropped),
		TEST(auto_is_the_journal_only_if_standard_error_is_its_stream),
		TEST(levels_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
