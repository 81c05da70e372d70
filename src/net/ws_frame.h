/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * WebSocket frames as a client sends them (RFC 6455 §5.2)
 *
 * One message is one masked frame, however long: bytes in, bytes out, no
 * socket.
 */

#include "base/slice.h"

#include <stdint.h>

enum ws_frame_opcode {
	WS_FRAME_TEXT = 1,
	WS_FRAME_PING = 9,
};

/* What the header of a frame may add: opcode, length, masking key. */
#define WS_FRAME_MAX_HEADER 14

/* Bytes of the frame of a payload of len bytes. */
size_t ws_frame_size(size_t len);

/* Writes the frame, masked with key, to "to" (ws_frame_size() bytes); returns its end. */
unsigned char *ws_frame_put(unsigned char *to, enum ws_frame_opcode opcode, struct slice payload,
			    uint32_t key);
