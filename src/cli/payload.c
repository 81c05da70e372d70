/* SPDX-License-Identifier: MIT */

/*
 * wampctl: arguments of the command line as JSON
 *
 * What is JSON keeps its own text, so that 0.1 and 2^64 arrive as they were
 * typed. What is JSON but would harm other peers (protocol §2.6) is refused
 * here, rather than sent as a string that nobody meant.
 */

#include "cli/cli.h"

#include "base/mem.h"
#include "codec/chars.h"

/* More keyword arguments are not looked through for a name that is given twice. */
#define PAYLOAD_MAX_KEYS 1024

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
		cli_tell("%.*s: bytes that are not UTF-8", SLICE_ARG(text));
		return EX_DATAERR;
	}
	emit_text(b, text);
	return 0;
}

static const char *payload_strict_fault(struct slice text)
{
	struct scan_value value;
	struct scan_error error;
	int r = scan_one(text, SCAN_STRICT, &value, &error);

	switch ((enum scan_outcome)r) {
	case SCAN_BAD_NUMBER:
		return "a number beyond the range of a double";
	case SCAN_BAD_UTF8:
		return "a lone surrogate";
	case SCAN_BAD_BINARY:
		return "a string that begins with \\u0000 goes on in base64";
	case SCAN_BAD_JSON:
	case SCAN_DUPLICATE:
	case SCAN_TOO_MANY:
		return error.expected;
	}
	return NULL;
}

/*
 * What a text is: JSON by its grammar, with ret_value, or other text, ret_value
 * being absent. Returns why it must not be sent, neither as the one nor as the other,
 * or NULL.
 */
static const char *payload_classify(struct slice text, struct scan_value *ret_value)
{
	const struct slice mark = SLICE(CHARS_BYTE_ORDER_MARK);
	struct scan_error error;

	*ret_value = SCAN_VALUE_NONE;
	if (text.len && memchr(text.ptr, '\0', text.len))
		return "a NUL byte";
	if (!payload_is_utf8(text))
		return "bytes that are not UTF-8";
	/* What the strict rules refuse early may be no JSON further on: "1e999 bytes". */
	if (scan_one(text, SCAN_LENIENT, ret_value, &error) == 0)
		return payload_strict_fault(text);
	if (slice_starts_with(text, mark) &&
	    scan_one((struct slice){text.ptr + mark.len, text.len - mark.len}, SCAN_LENIENT,
		     ret_value, &error) == 0)
		return "a byte order mark before its JSON";
	*ret_value = SCAN_VALUE_NONE;
	return strstr(error.expected, "nesting") ? "more than 128 levels of nesting" : NULL;
}

int cli_payload_emit_word(struct buf *b, struct slice text)
{
	struct scan_value value;
	const char *fault = payload_classify(text, &value);

	if (fault) {
		cli_tell("%.*s: %s", SLICE_ARG(text), fault);
		return EX_DATAERR;
	}
	if (value.type == SCAN_ABSENT)
		emit_text(b, text);
	else
		emit_value(b, &value);
	return 0;
}

const char *cli_payload_emit_output(struct buf *b, struct slice text)
{
	struct scan_value value;
	const char *fault = text.len ? payload_classify(text, &value) : NULL;

	if (fault || !text.len)
		return fault;
	if (value.type != SCAN_ABSENT) {
		emit_value(b, &value);
		return NULL;
	}
	if (text.ptr[text.len - 1] == '\n')
		text.len--;
	emit_text(b, text);
	return NULL;
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

/* A name that is given twice would be read as one or the other. */
int cli_payload_check(const struct cli_payload *p)
{
	CLEANUP(buf_done) struct buf object = BUF_INIT(CLI_MAX_LINE);
	CLEANUP(mem_freep) struct scan_member *members = NULL;
	struct scan_names names;
	struct scan_error error;
	size_t n;

	if (!buf_len(&p->kwargs))
		return 0;
	members = mem_alloc(PAYLOAD_MAX_KEYS * sizeof(*members));
	buf_append_char(&object, '{');
	buf_append_slice(&object, buf_bytes(&p->kwargs));
	buf_append_char(&object, '}');
	if (!members || object.error)
		return 0; /* what does not fit is told by who sends */
	if (scan_object(buf_bytes(&object), SCAN_LENIENT, &names, members, PAYLOAD_MAX_KEYS, &n,
			&error) != SCAN_DUPLICATE)
		return 0;
	cli_tell("the keyword argument \"%.*s\" is given twice", SLICE_ARG(error.name));
	return EX_USAGE;
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
