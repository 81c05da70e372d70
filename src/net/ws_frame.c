/* SPDX-License-Identifier: MIT */

/*
 * WebSocket frames as a client sends and receives them (RFC 6455 §5)
 */

#include "net/ws_frame.h"

#include <errno.h>

#define WS_FRAME_FINAL	0x80
#define WS_FRAME_MASKED 0x80

/* The bit of a message's first frame that says "compressed" (RFC 7692 §6), and its neighbours. */
#define WS_FRAME_RSV1	  0x40
#define WS_FRAME_RESERVED 0x70

#define WS_FRAME_OPCODE	 0x0f
#define WS_FRAME_CONTROL 0x08 /* bit of the opcodes of control frames */

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

/* ---- receiving ---- */

static int ws_parser_refuse(struct ws_parser *p, const char *error)
{
	p->error = error;
	return -EBADMSG;
}

/* How long the header is, as far as its first bytes say. */
static unsigned ws_parser_head_size(const struct ws_parser *p)
{
	unsigned len, n = 2;

	if (p->n_head < n)
		return n;
	len = p->head[1] & (WS_FRAME_MASKED - 1);
	n += len == WS_FRAME_LEN_16 ? 2 : len == WS_FRAME_LEN_64 ? 8 : 0;
	return n + (p->head[1] & WS_FRAME_MASKED ? sizeof(uint32_t) : 0);
}

static int ws_parser_check_control(struct ws_parser *p)
{
	if (!(p->head[0] & WS_FRAME_FINAL))
		return ws_parser_refuse(p, "a control frame in fragments");
	if (p->head[0] & WS_FRAME_RESERVED)
		return ws_parser_refuse(p, "a control frame with a reserved bit");
	if ((p->head[0] & WS_FRAME_OPCODE) > WS_FRAME_PONG)
		return ws_parser_refuse(p, "a frame of an unknown type");
	return p->left > WS_FRAME_MAX_CONTROL
		       ? ws_parser_refuse(p, "a control frame of more than 125 bytes")
		       : 0;
}

static int ws_parser_check_data(struct ws_parser *p)
{
	unsigned opcode = p->head[0] & WS_FRAME_OPCODE;
	unsigned reserved = p->head[0] & WS_FRAME_RESERVED;

	if (opcode > WS_FRAME_BINARY)
		return ws_parser_refuse(p, "a frame of an unknown type");
	if (opcode == WS_FRAME_CONTINUATION && !p->in_message)
		return ws_parser_refuse(p, "the continuation of no message");
	if (opcode != WS_FRAME_CONTINUATION && p->in_message)
		return ws_parser_refuse(p, "a message inside another one");
	if (reserved & ~(opcode && p->deflates ? WS_FRAME_RSV1 : 0u))
		return ws_parser_refuse(p, "a reserved bit that means nothing here");
	if (opcode == WS_FRAME_CONTINUATION)
		return 0;
	p->in_message = p->message_begins = true;
	p->message_is_compressed = reserved;
	return 0;
}

/* The header is complete. */
static int ws_parser_begin(struct ws_parser *p)
{
	unsigned short_len = p->head[1] & (WS_FRAME_MASKED - 1);
	unsigned n = short_len == WS_FRAME_LEN_16 ? 2 : short_len == WS_FRAME_LEN_64 ? 8 : 0;

	p->left = n ? 0 : short_len;
	for (unsigned i = 0; i < n; i++)
		p->left = p->left << 8 | p->head[2 + i];
	if (p->left > INT64_MAX)
		return ws_parser_refuse(p, "a frame of an impossible length");
	p->at = 0;
	p->in_payload = true;
	p->n_control = 0;
	return p->head[0] & WS_FRAME_CONTROL ? ws_parser_check_control(p) : ws_parser_check_data(p);
}

static void ws_parser_unmask(const struct ws_parser *p, char *bytes, size_t n)
{
	const unsigned char *key = p->head + p->n_head - sizeof(uint32_t);

	if (!(p->head[1] & WS_FRAME_MASKED))
		return;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)((unsigned char)bytes[i] ^ key[(p->at + i) % sizeof(uint32_t)]);
}

static void ws_parser_end_frame(struct ws_parser *p)
{
	p->in_payload = false;
	p->n_head = 0;
}

static int ws_parser_take_control(struct ws_parser *p, const char *bytes, size_t n,
				  struct ws_piece *ret)
{
	memcpy(p->control + p->n_control, bytes, n);
	p->n_control += n;
	if (p->left)
		return WS_PARSER_HUNGRY;
	*ret = (struct ws_piece){
		.opcode = p->head[0] & WS_FRAME_OPCODE,
		.first = true,
		.last = true,
		.payload = {p->control, p->n_control},
	};
	ws_parser_end_frame(p);
	return WS_PARSER_PIECE;
}

static int ws_parser_take_data(struct ws_parser *p, const char *bytes, size_t n,
			       struct ws_piece *ret)
{
	bool ends = !p->left && p->head[0] & WS_FRAME_FINAL;

	/* An empty frame is a piece only if it says that the message ends. */
	if (n || ends)
		*ret = (struct ws_piece){
			.opcode = WS_FRAME_TEXT,
			.first = p->message_begins,
			.last = ends,
			.compressed = p->message_is_compressed,
			.payload = {bytes, n},
		};
	if (n || ends)
		p->message_begins = false;
	if (ends)
		p->in_message = false;
	if (!p->left)
		ws_parser_end_frame(p);
	return n || ends ? WS_PARSER_PIECE : WS_PARSER_HUNGRY;
}

/* Takes what belongs to the header; whether it is complete, or -EBADMSG. */
static int ws_parser_take_head(struct ws_parser *p, const char *bytes, size_t n, size_t *used)
{
	while (*used < n && p->n_head < ws_parser_head_size(p))
		p->head[p->n_head++] = (unsigned char)bytes[(*used)++];
	if (p->n_head < 2 || p->n_head < ws_parser_head_size(p))
		return 0;
	return ws_parser_begin(p) < 0 ? -EBADMSG : 1;
}

int ws_parser_next(struct ws_parser *p, char *bytes, size_t n, size_t *ret_used,
		   struct ws_piece *ret)
{
	size_t used = 0;
	int r = WS_PARSER_HUNGRY;

	while (r == WS_PARSER_HUNGRY) {
		size_t take;

		if (!p->in_payload) {
			r = ws_parser_take_head(p, bytes, n, &used);
			if (r <= 0)
				break;
		}
		take = p->left < n - used ? (size_t)p->left : n - used;
		if (!take && p->left) {
			r = WS_PARSER_HUNGRY;
			break;
		}
		ws_parser_unmask(p, bytes + used, take);
		p->left -= take;
		p->at += take;
		r = p->head[0] & WS_FRAME_CONTROL
			    ? ws_parser_take_control(p, bytes + used, take, ret)
			    : ws_parser_take_data(p, bytes + used, take, ret);
		used += take;
	}
	*ret_used = used;
	return r;
}
