/* SPDX-License-Identifier: MIT */

/*
 * wampctl: arguments of the command line as JSON
 *
 * What is JSON keeps its own text, so that 0.1 and 2^64 arrive as they were
 * typed. What is JSON but would harm other peers (protocol §2.6) is refused
 * here, rather than sent as a string that nobody meant.
 */

#include "cli/cli.h"

#include "codec/chars.h"

void cli_payload_init(struct cli_payload *p)
{
	buf_init(&p->args, CLI_MAX_LINE);
	buf_init(&p->kwargs, CLI_MAX_LINE);
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

static bool payload_is_utf8(struct slice text)
{
	const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len;
	size_t n = 1;

	for (; p < end && n; p += n)
		n = chars_length(p, end);
	return n > 0;
}

static int payload_emit_string(struct buf *b, struct slice text)
{
	if (!payload_is_utf8(text)) {
		cli_tell("\"%.*s\" is not UTF-8", SLICE_ARG(text));
		return EX_DATAERR;
	}
	emit_text(b, text);
	return 0;
}

int cli_payload_emit_word(struct buf *b, struct slice text)
{
	struct scan_value value;
	struct scan_error error;
	int r = scan_one(text, SCAN_STRICT, &value, &error);

	if (r == SCAN_BAD_NUMBER) {
		cli_tell("%.*s: a number beyond the range of a double", SLICE_ARG(text));
		return EX_DATAERR;
	}
	if (r == SCAN_BAD_UTF8 && payload_is_utf8(text)) {
		cli_tell("%.*s: a lone surrogate at byte %zu", SLICE_ARG(text), error.offset + 1);
		return EX_DATAERR;
	}
	if (r == SCAN_BAD_BINARY) {
		cli_tell("%.*s: a string that begins with \\u0000 goes on in base64",
			 SLICE_ARG(text));
		return EX_DATAERR;
	}
	if (r)
		return payload_emit_string(b, text);
	emit_value(b, &value);
	return 0;
}

void cli_payload_emit_output(struct buf *b, struct slice text)
{
	struct scan_value value;
	struct scan_error error;

	if (!text.len)
		return;
	if (scan_one(text, SCAN_STRICT, &value, &error) == 0) {
		emit_value(b, &value);
		return;
	}
	if (text.ptr[text.len - 1] == '\n')
		text.len--;
	emit_text(b, text);
}

int cli_payload_add(struct cli_payload *p, const char *arg)
{
	payload_separate(&p->args);
	return cli_payload_emit_word(&p->args, slice_of(arg));
}

int cli_payload_add_string(struct cli_payload *p, const char *arg)
{
	payload_separate(&p->args);
	return payload_emit_string(&p->args, slice_of(arg));
}

int cli_payload_add_key(struct cli_payload *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	int r;

	if (!equals || equals == arg) {
		cli_tell("\"%s\" is not KEY=VALUE", arg);
		return EX_USAGE;
	}
	payload_separate(&p->kwargs);
	r = payload_emit_string(&p->kwargs, (struct slice){arg, (size_t)(equals - arg)});
	if (r)
		return r;
	buf_append_char(&p->kwargs, ':');
	return cli_payload_emit_word(&p->kwargs, slice_of(equals + 1));
}

int cli_payload_add_object(struct cli_payload *p, const char *json)
{
	CLEANUP(buf_done) struct buf compact = BUF_INIT(CLI_MAX_LINE);
	struct scan_value value;
	struct scan_error error;

	if (scan_one(slice_of(json), SCAN_STRICT, &value, &error) != 0) {
		cli_tell("--kwargs: expected %s at byte %zu", error.expected, error.offset + 1);
		return EX_DATAERR;
	}
	if (value.type != SCAN_OBJECT) {
		cli_tell("--kwargs: not a JSON object");
		return EX_DATAERR;
	}
	emit_value(&compact, &value);
	if (buf_len(&compact) > 2) {
		payload_separate(&p->kwargs);
		buf_append(&p->kwargs, compact.data + 1, buf_len(&compact) - 2);
	}
	return 0;
}

static void payload_emit_part(struct buf *b, const char *open, const struct buf *part, char end)
{
	if (buf_len(part)) {
		buf_append_slice(b, slice_of(open));
		buf_append_slice(b, buf_bytes(part));
		buf_append_char(b, end);
	}
	if (part->error)
		b->error = part->error;
}

void cli_payload_emit(struct buf *b, const struct buf *args, const struct buf *kwargs)
{
	payload_emit_part(b, ",\"args\":[", args, ']');
	payload_emit_part(b, ",\"kwargs\":{", kwargs, '}');
}
