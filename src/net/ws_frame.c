/* SPDX-License-Identifier: MIT */

/*
 * WebSocket frames as a client sends them (RFC 6455 §5.2, §5.3)
 */

#include "net/ws_frame.h"

#define WS_FRAME_FINAL	0x80
#define WS_FRAME_MASKED 0x80

/* Lengths that do not fit the first length byte are announced by these and follow in 2 or 8 bytes.
 */
#define WS_FRAME_LEN_16 126
#define WS_FRAME_LEN_64 127

size_t ws_frame_size(size_t len)
{
	size_t extended = len < WS_FRAME_LEN_16 ? 0 : len <= UINT16_MAX ? 2 : 8;

	return 2 + extended + sizeof(uint32_t) + len;
}

static unsigned char *ws_frame_put_length(unsigned char *to, size_t len)
{
	unsigned n_bytes = 8;

	if (len < WS_FRAME_LEN_16) {
		*to++ = (unsigned char)(WS_FRAME_MASKED | len);
		return to;
	}
	if (len <= UINT16_MAX)
		n_bytes = 2;
	*to++ = WS_FRAME_MASKED | (n_bytes == 2 ? WS_FRAME_LEN_16 : WS_FRAME_LEN_64);
	while (n_bytes--)
		*to++ = (unsigned char)((uint64_t)len >> (8 * n_bytes));
	return to;
}

/* Copies and masks in one pass, eight bytes at a time: payloads are most of what is sent. */
static unsigned char *ws_frame_put_masked(unsigned char *to, struct slice payload, uint32_t key)
{
	uint64_t wide = (uint64_t)key << 32 | key, word;
	const unsigned char *mask = (const unsigned char *)&wide;
	size_t i = 0;

	for (; payload.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, payload.ptr + i, sizeof(word));
		word ^= wide;
		memcpy(to + i, &word, sizeof(word));
	}
	for (; i < payload.len; i++)
		to[i] = (unsigned char)payload.ptr[i] ^ mask[i % sizeof(key)];
	return to + payload.len;
}

unsigned char *ws_frame_put(unsigned char *to, enum ws_frame_opcode opcode, struct slice payload,
			    uint32_t key)
{
	*to++ = WS_FRAME_FINAL | (unsigned char)opcode;
	to = ws_frame_put_length(to, payload.len);
	memcpy(to, &key, sizeof(key));
	return ws_frame_put_masked(to + sizeof(key), payload, key);
}
