/* SPDX-License-Identifier: MIT */

/*
 * Errors that come from the router or a callee, as members of a line (protocol §16)
 */

#include "hub/internal.h"

void router_error_write_head(struct buf *b, struct slice uri, struct slice message)
{
	emit_literal(b, "\"code\":\"");
	buf_append_slice(b, slice_of(error_kind(error_from_uri(uri))->code));
	emit_literal(b, "\",\"uri\":");
	emit_text(b, uri);
	emit_literal(b, ",\"message\":");
	emit_text(b, message.len ? message : uri);
}

/* The text for people is by custom the first argument. */
static void router_error_write_message(struct buf *b, const struct session_event *event)
{
	struct scan_value first = {0};
	struct scan_error error;
	size_t n = 0;

	if (event->msg.args.type == SCAN_ARRAY)
		(void)!scan_array(scan_token(&event->msg.args), SCAN_LENIENT, &first, 1, &n,
				  &error);
	emit_literal(b, ",\"message\":");
	if (n && first.type == SCAN_STRING)
		emit_value(b, &first);
	else
		emit_text(b, event->msg.uri);
}

void router_error_write(struct buf *b, const struct session_event *event, bool with_payload)
{
	enum error_code code = error_from_uri(event->msg.uri);
	const struct error_kind *kind = error_kind(code);

	emit_literal(b, "\"code\":\"");
	buf_append_slice(b, slice_of(kind->code));
	emit_literal(b, "\",\"uri\":");
	emit_text(b, event->msg.uri);
	router_error_write_message(b, event);
	reply_write_retry(b, code);
	if (!with_payload)
		return;
	/* Only a call is answered by somebody behind the router. */
	if (kind->from_router || event->msg.request_type != WAMP_CALL)
		emit_literal(b, ",\"origin\":\"router\"");
	else
		emit_literal(b, ",\"origin\":\"peer\"");
	payload_write(b, &event->msg);
}
