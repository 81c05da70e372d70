/* SPDX-License-Identifier: MIT */

/*
 * wampctl: arguments of the command line as JSON
 *
 * What is JSON keeps its own text, so that 0.1 and 2^64 arrive as they were
 * typed.
 */

#include "cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PAYLOAD_MAX (16u << 20)

void cli_payload_init(struct cli_payload *p)
{
	buf_init(&p->args, PAYLOAD_MAX);
	buf_init(&p->kwargs, PAYLOAD_MAX);
}

void cli_payload_done(struct cli_payload *p)
{
	buf_done(&p->args);
	buf_done(&p->kwargs);
}

static void payload_separate(struct buf *b)
{
	if (buf_len(b))
		buf_append_char(b, ',');
}

void cli_emit_guess(struct buf *b, struct slice text)
{
	struct scan_value value;
	struct scan_error error;

	if (scan_one(text, SCAN_STRICT, &value, &error) == 0)
		emit_value(b, &value);
	else
		emit_text(b, text);
}

void cli_payload_add(struct cli_payload *p, const char *arg)
{
	payload_separate(&p->args);
	cli_emit_guess(&p->args, slice_of(arg));
}

void cli_payload_add_string(struct cli_payload *p, const char *arg)
{
	payload_separate(&p->args);
	emit_text(&p->args, slice_of(arg));
}

int cli_payload_add_key(struct cli_payload *p, const char *arg)
{
	const char *equals = strchr(arg, '=');

	if (!equals || equals == arg) {
		fprintf(stderr, "wampctl: \"%s\" is not KEY=VALUE\n", arg);
		return EX_USAGE;
	}
	payload_separate(&p->kwargs);
	emit_text(&p->kwargs, (struct slice){arg, (size_t)(equals - arg)});
	buf_append_char(&p->kwargs, ':');
	cli_emit_guess(&p->kwargs, slice_of(equals + 1));
	return 0;
}

int cli_payload_add_object(struct cli_payload *p, const char *json)
{
	struct scan_value value;
	struct scan_error error;
	struct buf compact = BUF_INIT(PAYLOAD_MAX);

	if (scan_one(slice_of(json), SCAN_STRICT, &value, &error) != 0 ||
	    value.type != SCAN_OBJECT) {
		fprintf(stderr, "wampctl: --kwargs is not a JSON object%s%s\n",
			*error.expected ? ": expected " : "", error.expected);
		return EX_DATAERR;
	}
	emit_value(&compact, &value);
	if (buf_len(&compact) > 2) {
		payload_separate(&p->kwargs);
		buf_append(&p->kwargs, compact.data + 1, buf_len(&compact) - 2);
	}
	buf_done(&compact);
	return 0;
}

void cli_payload_emit(struct buf *b, const struct cli_payload *p)
{
	if (buf_len(&p->args)) {
		emit_literal(b, ",\"args\":[");
		buf_append_slice(b, buf_bytes(&p->args));
		buf_append_char(b, ']');
	}
	if (buf_len(&p->kwargs)) {
		emit_literal(b, ",\"kwargs\":{");
		buf_append_slice(b, buf_bytes(&p->kwargs));
		buf_append_char(b, '}');
	}
	if (p->args.error || p->kwargs.error)
		b->error = p->args.error ? p->args.error : p->kwargs.error;
}

void cli_begin(struct buf *b, const struct cli *cli, const char *op, const char *member,
	       const char *uri)
{
	emit_literal(b, "{\"op\":");
	emit_text(b, slice_of(op));
	emit_literal(b, ",\"id\":1");
	if (member) {
		buf_append_char(b, ',');
		emit_text(b, slice_of(member));
		buf_append_char(b, ':');
		emit_text(b, slice_of(uri));
	}
	if (cli->session) {
		emit_literal(b, ",\"session\":");
		emit_text(b, slice_of(cli->session));
	}
}

long cli_milliseconds(const char *seconds)
{
	char *end;
	double n = strtod(seconds, &end);

	if (end == seconds || *end || !isfinite(n) || n < 0 || n > 1e9)
		return -1;
	return (long)(n * 1000 + 0.5);
}

long cli_count(const char *text)
{
	struct scan_value value;
	struct scan_error error;
	uint64_t n;

	if (scan_one(slice_of(text), SCAN_STRICT, &value, &error) != 0 ||
	    !scan_u64(&value, 1000000000, &n) || !n)
		return -1;
	return (long)n;
}
