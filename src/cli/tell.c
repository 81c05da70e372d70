/* SPDX-License-Identifier: MIT */

/*
 * wampctl: what is printed, and which exit code belongs to it
 *
 * Lines of the daemon may quote other users' names and words, so what goes to
 * a person is cleaned; what goes to a program is the text as it came.
 */

#include "cli/cli.h"

#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void cli_clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		/* C0, DEL, and C1 as UTF-8 spells it: all that a terminal obeys. */
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

void cli_tell(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_clean(text);
	fprintf(stderr, "wampctl: %s\n", text);
}

/* DEL, or one of C1 as UTF-8 spells it: what JSON leaves as it is and a terminal obeys. */
static size_t tell_steers(const char *p, const char *end)
{
	if (*p == 0x7f)
		return 1;
	return end - p >= 2 && p[0] == '\xc2' && (unsigned char)p[1] >= 0x80 &&
			       (unsigned char)p[1] < 0xa0
		       ? 2
		       : 0;
}

/* As an escape of JSON, so that the text stays the same text. */
static void tell_write_escaped(FILE *to, struct slice json)
{
	const char *p = json.ptr, *end = p + json.len, *from = p;

	while (p < end) {
		size_t n = tell_steers(p, end);

		if (!n) {
			p++;
			continue;
		}
		fwrite(from, 1, (size_t)(p - from), to);
		fprintf(to, "\\u%04x", n == 1 ? 0x7fu : (unsigned)(unsigned char)p[1]);
		p += n;
		from = p;
	}
	fwrite(from, 1, (size_t)(end - from), to);
}

void cli_write(FILE *to, struct slice json)
{
	if (isatty(fileno(to)))
		tell_write_escaped(to, json);
	else
		fwrite(json.ptr, 1, json.len, to);
}

void cli_tell_state(const char *name, const struct cli_line *line)
{
	char state[64], message[512] = "";
	struct cli_line error;

	if (cli_line_inner(line, "error", &error))
		cli_line_text(&error, "message", message, sizeof(message));
	cli_tell("%s is %s%s%s", name, cli_line_text(line, "state", state, sizeof(state)),
		 *message ? ": " : "", message);
}

int cli_print_error(const struct cli_line *line)
{
	static const struct {
		const char *code;
		int exit;
	} exits[] = {
		{"timeout", CLI_EXIT_TIMEOUT},	{"denied", EX_NOPERM},
		{"not_authorized", EX_NOPERM},	{"bad_json", EX_PROTOCOL},
		{"bad_utf8", EX_DATAERR},	{"line_too_long", EX_DATAERR},
		{"bad_message", EX_PROTOCOL},	{"unknown_op", EX_PROTOCOL},
		{"proto_version", EX_PROTOCOL}, {"unknown_member", EX_PROTOCOL},
		{"invalid_uri", EX_DATAERR},
	};

	cli_write(stderr, line->text);
	fputc('\n', stderr);
	for (size_t i = 0; i < ARRAY_SIZE(exits); i++)
		if (cli_line_is(line, "code", exits[i].code))
			return exits[i].exit;
	return cli_line_is_true(line, "retry") ? EX_TEMPFAIL : CLI_EXIT_ERROR;
}

void cli_print_value(const struct scan_value *v)
{
	cli_write(stdout, scan_token(v));
	putchar('\n');
}

int cli_elements(const struct scan_value *array, struct scan_value **ret, size_t *ret_n)
{
	CLEANUP(mem_freep) struct scan_value *items = NULL;
	struct scan_error error;
	size_t n = 0, max = 16;
	int r;

	do {
		struct scan_value *more = mem_realloc(items, (max *= 4) * sizeof(*items));

		if (!more) {
			cli_tell("out of memory");
			return EX_OSERR;
		}
		items = more;
		r = scan_array(scan_token(array), SCAN_LENIENT, items, max, &n, &error);
	} while (r == SCAN_TOO_MANY);
	*ret = TAKE(items);
	*ret_n = n;
	return 0;
}

int cli_print_elements(const struct scan_value *array)
{
	CLEANUP(mem_freep) struct scan_value *items = NULL;
	size_t n = 0;
	int r = cli_elements(array, &items, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		cli_print_value(&items[i]);
	return r;
}

int cli_print_content(const struct cli_line *line)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CLI_MAX_LINE);
	char before = '{';

	for (size_t i = 0; i < line->n; i++) {
		const struct scan_member *m = &line->members[i];

		if (slice_is(m->name, "op") || slice_is(m->name, "id") ||
		    slice_is(m->name, "watch"))
			continue;
		buf_append_char(&b, before);
		emit_text(&b, m->name);
		buf_append_char(&b, ':');
		emit_value(&b, &m->value);
		before = ',';
	}
	if (before == '{')
		buf_append_char(&b, before);
	if (b.error) {
		cli_tell("out of memory");
		return EX_OSERR;
	}
	cli_write(stdout, buf_bytes(&b));
	puts("}");
	return 0;
}

void cli_print_full(const struct cli_line *line)
{
	const struct scan_value none = SCAN_LITERAL("null", SCAN_NULL);
	const struct scan_value *args = cli_line_find(line, "args");
	const struct scan_value *kwargs = cli_line_find(line, "kwargs");

	fputs("{\"args\":", stdout);
	cli_write(stdout, scan_token(args ? args : &none));
	fputs(",\"kwargs\":", stdout);
	cli_write(stdout, scan_token(kwargs ? kwargs : &none));
	puts("}");
}

int cli_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (errno != EPIPE)
		cli_tell("standard output: %s", strerror(errno));
	return EX_IOERR;
}
