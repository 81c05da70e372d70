/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * WebSocket frames as a client sends and receives them (RFC 6455 §5)
 *
 * Bytes in, bytes out, no socket. A message that is sent is one masked frame,
 * however long. What is received is cut into pieces: some payload of a message,
 * or a whole control frame. A router that masks its frames is understood.
 */

#include "base/cleanup.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum ws_frame_opcode {
	WS_FRAME_CONTINUATION = 0,
	WS_FRAME_TEXT = 1,
	WS_FRAME_BINARY = 2,
	WS_FRAME_CLOSE = 8,
	WS_FRAME_PING = 9,
	WS_FRAME_PONG = 10,
};

/* Longest payload of a control frame (RFC 6455 §5.5). */
#define WS_FRAME_MAX_CONTROL 125

/* What the header of a frame may add: opcode, length, masking key. */
#define WS_FRAME_MAX_HEADER 14

/* Bytes of the frame of a payload of len bytes. */
size_t ws_frame_size(size_t len);

/* Writes the frame, masked with key, to "to" (ws_frame_size() bytes); returns its end. */
unsigned char *ws_frame_put(unsigned char *to, enum ws_frame_opcode opcode, struct slice payload,
			    uint32_t key);

/* ---- receiving ---- */

struct ws_parser {
	unsigned char head[WS_FRAME_MAX_HEADER]; /* of the frame that is being received */
	unsigned n_head;			 /* bytes of it that are here */
	bool in_payload;
	uint64_t left; /* payload of the frame that has not come yet */
	uint64_t at;   /* and that has come: where the mask goes on */
	bool deflates; /* compression was agreed upon: messages may be marked as compressed */
	bool in_message, message_begins, message_is_compressed;
	char control[WS_FRAME_MAX_CONTROL];
	size_t n_control;
	const char *error; /* which rule was broken, after -EBADMSG */
};

struct ws_piece {
	enum ws_frame_opcode opcode; /* of a message's pieces: WS_FRAME_TEXT or _BINARY */
	bool first, last;	     /* of the message */
	bool compressed;
	struct slice payload; /* in the bytes that were handed in, or in the parser */
};

enum ws_parser_outcome { WS_PARSER_HUNGRY = 0, WS_PARSER_PIECE = 1 };

/*
 * Takes bytes, which it may unmask in place, up to the end of the next piece; *ret_used says how
 * many. WS_PARSER_PIECE; WS_PARSER_HUNGRY when all are taken and the next piece is not here; or
 * -EBADMSG: the peer broke a rule, and the parser is of no more use.
 */
int ws_parser_next(struct ws_parser *p, char *bytes, size_t n, size_t *ret_used,
		   struct ws_piece *ret) MUST_CHECK;
