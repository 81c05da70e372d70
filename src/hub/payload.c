/* SPDX-License-Identifier: MIT */

/*
 * A message's payload as members of a line: args and kwargs are always there (protocol §6)
 */

#include "hub/internal.h"

void payload_write(struct buf *b, const struct wamp_msg *msg)
{
	emit_literal(b, ",\"args\":");
	if (msg->args.type == SCAN_ARRAY)
		emit_value(b, &msg->args);
	else
		emit_literal(b, "[]");
	emit_literal(b, ",\"kwargs\":");
	if (msg->kwargs.type == SCAN_OBJECT)
		emit_value(b, &msg->kwargs);
	else
		emit_literal(b, "{}");
}
