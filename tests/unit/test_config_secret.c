/* SPDX-License-Identifier: MIT */

/*
 * Secrets: what may be read, what is refused and how, and that nothing leaks
 */

#include "test_config_files.h"

#include "base/mem.h"
#include "config/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

/* A file below a directory of its own, and what reading it by reference says. */
struct place {
	struct files files;
	char reference[PATH_MAX + 16];
	char message[SECRET_MAX_MESSAGE];
	struct secret secret;
};

static void place_init(struct place *p)
{
	*p = (struct place){0};
	files_init(&p->files);
}

static void place_done(struct place *p)
{
	secret_done(&p->secret);
	files_done(&p->files);
}

static int place_read(struct place *p, const char *name)
{
	secret_done(&p->secret);
	p->message[0] = '\0';
	snprintf(p->reference, sizeof(p->reference), "@file:%s", files_path(&p->files, name));
	return secret_read(&p->secret, p->reference, NULL, p->message);
}

/* Reads what a new file of that mode with these bytes says. */
static int place_try(struct place *p, mode_t mode, const char *bytes, size_t n)
{
	const char *path = files_write_bytes(&p->files, "secret", bytes, n);

	assert_int_equal(chmod(path, mode), 0);
	return place_read(p, "secret");
}

static void check_refusal(const struct place *p, const char *word)
{
	assert_null(p->secret.text);
	if (!strstr(p->message, word) || !strstr(p->message, p->files.dir))
		fail_msg("%s: without %s", p->message, word);
}

static void an_inline_secret_is_itself(void **state)
{
	CLEANUP(secret_done) struct secret secret = {0};
	char message[SECRET_MAX_MESSAGE];

	(void)state;
	assert_int_equal(secret_read(&secret, "pa#ss \xc3\xbc", NULL, message), 0);
	assert_string_equal(secret.text, "pa#ss \xc3\xbc");
	assert_int_equal(secret.len, 8);
	assert_true(secret_is_inline("x@file:"));
	assert_false(secret_is_inline("@file:/x"));
	assert_false(secret_is_inline("@credential:x"));
}

static void a_file_is_read_without_its_last_line_end(void **state)
{
	static const struct {
		const char *bytes, *secret;
	} table[] = {
		{"s3cret", "s3cret"},
		{"s3cret\n", "s3cret"},
		{"s3cret\r\n", "s3cret"},
		{" two words \n", " two words "},
		{"gr\xc3\xbc\xc3\x9f\x65\n", "gr\xc3\xbc\xc3\x9f\x65"},
		{"@file:/x", "@file:/x"},
	};
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(place_try(&p, 0600, table[i].bytes, strlen(table[i].bytes)), 0);
		assert_string_equal(p.secret.text, table[i].secret);
		assert_int_equal(p.secret.len, strlen(table[i].secret));
	}
	place_done(&p);
}

static void the_longest_secret_is_read_and_a_longer_one_refused(void **state)
{
	static char bytes[SECRET_MAX + 2];
	struct place p;

	(void)state;
	memset(bytes, 'k', sizeof(bytes));
	place_init(&p);
	assert_int_equal(place_try(&p, 0600, bytes, SECRET_MAX), 0);
	assert_int_equal(p.secret.len, SECRET_MAX);
	assert_int_equal(place_try(&p, 0600, bytes, SECRET_MAX + 1), SECRET_UNUSABLE);
	check_refusal(&p, "longer than 64 KiB");
	assert_int_equal(place_try(&p, 0600, bytes, SECRET_MAX + 2), SECRET_UNUSABLE);
	check_refusal(&p, "longer than 64 KiB");
	bytes[SECRET_MAX] = '\n';
	assert_int_equal(place_try(&p, 0600, bytes, SECRET_MAX + 1), 0);
	assert_int_equal(p.secret.len, SECRET_MAX);
	memcpy(bytes + SECRET_MAX, "\r\n", 2);
	assert_int_equal(place_try(&p, 0600, bytes, SECRET_MAX + 2), 0);
	assert_int_equal(p.secret.len, SECRET_MAX);
	place_done(&p);
}

static void only_a_file_closed_to_others_is_read(void **state)
{
	static const struct {
		mode_t mode;
		const char *word; /* NULL: right */
	} table[] = {
		{0600, NULL},
		{0400, NULL},
		{0640, NULL},
		{0440, NULL},
		{0700, NULL},
		{0604, "readable by others; chmod 0600"},
		{0644, "readable by others; chmod 0600"},
		{0666, "readable by others"},
		{0602, "usable by others; chmod 0600"},
		{0601, "usable by others"},
		{0660, "writable by its group; chmod 0640"},
		{0620, "writable by its group"},
	};
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r = place_try(&p, table[i].mode, "hush\n", 5);

		assert_int_equal(r, table[i].word ? SECRET_UNUSABLE : 0);
		assert_null(strstr(p.message, "hush"));
		if (table[i].word)
			check_refusal(&p, table[i].word);
	}
	place_done(&p);
}

static void what_is_no_secret_is_refused(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	assert_int_equal(place_read(&p, "missing"), SECRET_UNUSABLE);
	check_refusal(&p, "cannot be read: No such file");
	assert_int_equal(place_try(&p, 0600, "", 0), SECRET_UNUSABLE);
	check_refusal(&p, "is empty");
	assert_int_equal(place_try(&p, 0600, "\n", 1), SECRET_UNUSABLE);
	check_refusal(&p, "is empty");
	assert_int_equal(place_try(&p, 0600, "hush\0x", 6), SECRET_UNUSABLE);
	check_refusal(&p, "holds a NUL");
	assert_null(strstr(p.message, "hush"));
	assert_int_equal(mkdir(files_path(&p.files, "dir"), 0700), 0);
	assert_int_equal(place_read(&p, "dir"), SECRET_UNUSABLE);
	check_refusal(&p, "not a regular file");
	place_done(&p);
}

/* What would be sent otherwise than it stands there, or holds more than a person sees. */
static const struct {
	struct slice bytes;
	const char *word;
} altered[] = {
	{SLICE("gr\xfc\xdf\x65"), "is not UTF-8"},
	{SLICE("\xed\xa0\x80"), "is not UTF-8"},
	{SLICE("s\xc3"), "is not UTF-8"},
	{SLICE("\xef\xbb\xbfhush"), "byte order mark"},
	{SLICE("\xff\xfeh\0u\0"), "byte order mark and is UTF-16"},
	{SLICE("\xfe\xff\0h\0u"), "byte order mark and is UTF-16"},
	{SLICE("hush\nhush"), "more than one line"},
	{SLICE("hush\rhush"), "more than one line"},
	{SLICE("hush\n\n"), "more than one line"},
	{SLICE("hush\r\n\r\n"), "more than one line"},
	{SLICE("hush\thush"), "a control character"},
	{SLICE("hush\x1b[0m"), "a control character"},
	{SLICE("hush\x7f"), "a control character"},
	{SLICE("hush\0hush"), "a NUL"},
	{SLICE("\r\n"), "is empty"},
};

static void what_cannot_be_sent_as_it_is_is_refused(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < ARRAY_SIZE(altered); i++) {
		int r = place_try(&p, 0600, altered[i].bytes.ptr, altered[i].bytes.len);

		if (r != SECRET_UNUSABLE)
			fail_msg("row %zu is taken", i);
		check_refusal(&p, altered[i].word);
		assert_null(strstr(p.message, "hush"));
	}
	place_done(&p);
}

static void the_same_counts_for_one_in_the_configuration_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(altered); i++) {
		struct secret secret = {0};
		char message[SECRET_MAX_MESSAGE];
		const char *text = altered[i].bytes.ptr;

		/* NUL ends it, and a line end is dropped from files only. */
		if (strlen(text) != altered[i].bytes.len || strcmp(text, "\r\n") == 0)
			continue;
		assert_int_equal(secret_read(&secret, text, NULL, message), SECRET_UNUSABLE);
		assert_non_null(strstr(message, altered[i].word));
		assert_null(strstr(message, "hush"));
	}
}

/* A test that hangs has failed: the pipe has no writer. */
static void a_pipe_keeps_nobody_waiting(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	assert_int_equal(mkfifo(files_path(&p.files, "pipe"), 0600), 0);
	assert_int_equal(place_read(&p, "pipe"), SECRET_UNUSABLE);
	check_refusal(&p, "not a regular file");
	assert_int_equal(symlink("/dev/null", files_path(&p.files, "null")), 0);
	assert_int_equal(place_read(&p, "null"), SECRET_UNUSABLE);
	check_refusal(&p, "not a regular file");
	place_done(&p);
}

static void a_link_is_followed_and_what_it_names_must_be_closed(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	assert_int_equal(place_try(&p, 0600, "s\n", 2), 0);
	assert_int_equal(symlink("secret", files_path(&p.files, "link")), 0);
	assert_int_equal(place_read(&p, "link"), 0);
	assert_string_equal(p.secret.text, "s");
	assert_int_equal(chmod(files_path(&p.files, "secret"), 0644), 0);
	assert_int_equal(place_read(&p, "link"), SECRET_UNUSABLE);
	place_done(&p);
}

static void a_file_that_was_replaced_counts_at_the_next_reading(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	assert_int_equal(place_try(&p, 0600, "old\n", 4), 0);
	assert_string_equal(p.secret.text, "old");
	assert_int_equal(place_try(&p, 0600, "newer\n", 6), 0);
	assert_string_equal(p.secret.text, "newer");
	place_done(&p);
}

static void a_credential_is_a_file_of_the_service_manager(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	assert_int_equal(place_try(&p, 0400, "cred\n", 5), 0);
	secret_done(&p.secret);
	assert_int_equal(secret_read(&p.secret, "@credential:secret", p.files.dir, p.message), 0);
	assert_string_equal(p.secret.text, "cred");
	secret_done(&p.secret);
	assert_int_equal(secret_read(&p.secret, "@credential:none", p.files.dir, p.message),
			 SECRET_UNUSABLE);
	check_refusal(&p, "LoadCredential= of that name is missing");
	assert_int_equal(secret_read(&p.secret, "@credential:none", NULL, p.message),
			 SECRET_UNUSABLE);
	assert_non_null(strstr(p.message, "LoadCredential=none:/path is missing"));
	assert_non_null(strstr(p.message, "not started by systemd"));
	place_done(&p);
}

static void a_wrong_reference_is_refused(void **state)
{
	static const char *const table[] = {
		"",
		"@",
		"@file",
		"@file:",
		"@file:x",
		"@file:/",
		"@credential",
		"@credential:",
		"@env:X",
		"@credential:.",
		"@credential:..",
		"@credential:../x",
		"@file:/a\nb",
		"@credential:a/b",
		"@credential:a\nb",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct secret secret = {0};
		char message[SECRET_MAX_MESSAGE];

		if (!secret_problem(table[i]))
			fail_msg("%s is taken", table[i]);
		assert_int_equal(secret_read(&secret, table[i], "/", message), SECRET_UNUSABLE);
		assert_null(secret.text);
	}
	assert_null(secret_problem("@credential:a.b-c"));
	assert_null(secret_problem("@file:/a b"));
	assert_null(secret_problem("x"));
}

static void a_long_path_is_cut_in_its_message(void **state)
{
	char reference[3000] = "@file:/";
	struct secret secret = {0};
	char message[SECRET_MAX_MESSAGE];

	(void)state;
	memset(reference + 7, 'a', sizeof(reference) - 8);
	reference[sizeof(reference) - 1] = '\0';
	assert_int_equal(secret_read(&secret, reference, NULL, message), SECRET_UNUSABLE);
	assert_non_null(strstr(message, "cannot be read: File name too long"));
}

static void want_of_memory_is_told(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	assert_int_equal(place_try(&p, 0600, "x\n", 2), 0);
	mem_fail_after(0);
	assert_int_equal(place_read(&p, "secret"), -ENOMEM);
	assert_int_equal(secret_read(&p.secret, "inline", NULL, p.message), -ENOMEM);
	mem_fail_after(-1);
	assert_null(p.secret.text);
	place_done(&p);
}

/* Loads and checks; the first complaint is copied to ret_text. */
static int check_config(struct files *f, const char *text, const char *credentials, size_t *ret_n,
			char ret_text[1024])
{
	CLEANUP(config_errors_done) struct config_errors errors;
	CLEANUP(config_freep) struct config *config = NULL;
	int r;

	config_errors_init(&errors);
	files_write(f, "x.yaml", text);
	assert_int_equal(config_load(&config, &(struct config_source){.file = f->path}, &errors),
			 0);
	r = config_check_secrets(config, credentials, &errors);
	*ret_n = errors.n;
	snprintf(ret_text, 1024, "%s", errors.n ? errors.texts[0] : "");
	return r;
}

static void a_configuration_whose_secrets_cannot_be_read_is_told_by_line(void **state)
{
	static const char config[] = "defaults:\n"
				     "  url: wss://h/\n"
				     "  auth_method: ticket\n"
				     "  auth_id: a\n"
				     "  auth_secret: '@credential:one'\n"
				     "sessions:\n"
				     "  default: {}\n"
				     "  b:\n"
				     "    auth_secret: '@credential:two'\n"
				     "  c: {}\n";
	struct place p;
	char text[1024];
	size_t n;

	(void)state;
	place_init(&p);
	assert_int_equal(check_config(&p.files, config, NULL, &n, text), CONFIG_INVALID);
	assert_int_equal(n, 2);
	assert_non_null(strstr(text, "x.yaml:5: 'auth_secret': there are no credentials"));
	files_write(&p.files, "one", "x\n");
	assert_int_equal(check_config(&p.files, config, p.files.dir, &n, text), CONFIG_INVALID);
	assert_int_equal(n, 1);
	assert_non_null(strstr(text, "x.yaml:9: 'auth_secret': "));
	files_write(&p.files, "two", "x\n");
	assert_int_equal(check_config(&p.files, config, p.files.dir, &n, text), 0);
	place_done(&p);
}

static void a_secret_with_a_blank_at_its_end_is_warned_of(void **state)
{
	static const char config[] =
		"defaults: {url: 'wss://h/', auth_method: ticket, auth_id: a,\n"
		"  auth_secret: '@credential:one'}\n";
	static const char *const doubtful[] = {"hush \n", " hush", "hush\xc2\xa0\n",
					       "hush\xe2\x80\x8b\n"};
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < ARRAY_SIZE(doubtful); i++) {
		CLEANUP(config_errors_done) struct config_errors errors;
		CLEANUP(config_freep) struct config *c = NULL;

		config_errors_init(&errors);
		files_write(&p.files, "one", doubtful[i]);
		files_write(&p.files, "x.yaml", config);
		assert_int_equal(
			config_load(&c, &(struct config_source){.file = p.files.path}, &errors), 0);
		assert_int_equal(config_check_secrets(c, p.files.dir, &errors), 0);
		assert_int_equal(errors.n_warnings, 1);
		assert_non_null(strstr(errors.warnings[0], "x.yaml:2: 'auth_secret' begins or "));
		assert_null(strstr(errors.warnings[0], "hush"));
	}
	place_done(&p);
}

/* Where the needle stands in the memory of this process, or NULL; its own place does not count. */
static const char *find_in_heap(const char *needle, size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	const char *found = NULL;
	char line[512];

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps)) {
		char *from, *to;

		if (!strstr(line, "rw-p") || strstr(line, "[stack]"))
			continue;
		if (sscanf(line, "%p-%p", (void **)&from, (void **)&to) == 2)
			found = memmem(from, (size_t)(to - from), needle, n);
	}
	fclose(maps);
	return found;
}

/* Letters that stand nowhere else, and on no heap. */
static void spell(char ret[13], char first)
{
	for (size_t i = 0; i < 12; i++)
		ret[i] = (char)(first + (char)(i * 7 % 25));
	ret[12] = '\0';
}

static void nothing_of_a_configuration_stays_in_memory(void **state)
{
	char secret[13], header[13], token[13], query[13], text[512];
	struct config *config = NULL;
	struct place p;

	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	skip(); /* it keeps what was freed, and copies of what was read */
#endif
	spell(secret, 'A');
	spell(header, 'B');
	spell(token, 'a');
	spell(query, 'b');
	place_init(&p);
	snprintf(text, sizeof(text),
		 "defaults: {url: 'ws://h/?%s', auth_method: ticket, auth_id: x, auth_secret: %s,\n"
		 "  headers: {X: %s}, auth_extra: {a: %s}}\n",
		 query, secret, header, token);
	files_write(&p.files, "x.yaml", text);
	explicit_bzero(text, sizeof(text));
	{
		CLEANUP(config_errors_done) struct config_errors errors;

		config_errors_init(&errors);
		assert_int_equal(config_load(&config, &(struct config_source){.file = p.files.path},
					     &errors),
				 0);
	}
	assert_non_null(find_in_heap(secret, 12));
	config_free(config);
	assert_null(find_in_heap(secret, 12));
	assert_null(find_in_heap(header, 12));
	assert_null(find_in_heap(token, 12));
	assert_null(find_in_heap(query, 12));
	place_done(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_inline_secret_is_itself),
		cmocka_unit_test(a_file_is_read_without_its_last_line_end),
		cmocka_unit_test(the_longest_secret_is_read_and_a_longer_one_refused),
		cmocka_unit_test(only_a_file_closed_to_others_is_read),
		cmocka_unit_test(what_is_no_secret_is_refused),
		cmocka_unit_test(what_cannot_be_sent_as_it_is_is_refused),
		cmocka_unit_test(the_same_counts_for_one_in_the_configuration_itself),
		cmocka_unit_test(a_secret_with_a_blank_at_its_end_is_warned_of),
		cmocka_unit_test(a_pipe_keeps_nobody_waiting),
		cmocka_unit_test(a_link_is_followed_and_what_it_names_must_be_closed),
		cmocka_unit_test(a_file_that_was_replaced_counts_at_the_next_reading),
		cmocka_unit_test(a_credential_is_a_file_of_the_service_manager),
		cmocka_unit_test(a_wrong_reference_is_refused),
		cmocka_unit_test(a_long_path_is_cut_in_its_message),
		cmocka_unit_test(nothing_of_a_configuration_stays_in_memory),
		cmocka_unit_test(want_of_memory_is_told),
		cmocka_unit_test(a_configuration_whose_secrets_cannot_be_read_is_told_by_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
