/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One local connection's bytes, on a libuv pipe
 *
 * Happy path: stream_accept(), bytes arrive by on_bytes, stream_write() hands
 * a queue to the kernel with one writev, stream_close(), on_closed.
 * Failure modes: the peer shuts down its sending side (on_eof, writing goes
 * on), the peer is gone (on_gone), the kernel takes only a part (the rest is
 * in flight; on_drained says when all of it went).
 * After stream_close() nothing but on_closed comes.
 */

#include "base/cleanup.h"
#include "base/outq.h"

#include <sys/socket.h>
#include <uv.h>

struct stream;

struct stream_ops {
	/* How much may be read now, at most STREAM_READ_SIZE; NULL: as much as that. */
	size_t (*read_size)(struct stream *stream);
	/* Borrowed until the callback returns: the read buffer is shared by all streams. */
	void (*on_bytes)(struct stream *stream, struct slice bytes);
	/* End of file, and the peer can still read. Reading has stopped. */
	void (*on_eof)(struct stream *stream);
	/* The connection is broken; only stream_close() is useful. */
	void (*on_gone)(struct stream *stream);
	/* Everything in flight went to the kernel; write the next. */
	void (*on_drained)(struct stream *stream);
	/* All handles are closed: the memory may go. */
	void (*on_closed)(struct stream *stream);
};

struct stream {
	uv_pipe_t pipe;
	uv_write_t request;
	struct outq in_flight;
	size_t n_requested; /* bytes of the write request that is out */
	uint64_t n_written; /* bytes the kernel took, ever */
	const struct stream_ops *ops;
	char *read_buffer; /* STREAM_READ_SIZE bytes, shared */
	bool reading, writing, closing, eof;
};

#define STREAM_READ_SIZE (256u << 10)

/*
 * Takes a waiting connection of the listening pipe and starts reading.
 * 0 or -errno; then the stream is closed by itself and on_closed comes.
 */
int stream_accept(struct stream *stream, uv_stream_t *listener, char *read_buffer,
		  const struct stream_ops *ops) MUST_CHECK;

/* Who is at the other end (SO_PEERCRED). */
int stream_credentials(const struct stream *stream, struct ucred *ret) MUST_CHECK;

/*
 * Writes as much as the kernel takes now; the rest is taken out of q and is in
 * flight. While something is in flight, q is left alone. 0, or -errno when the
 * connection is broken (the caller closes; on_gone does not come for it).
 */
int stream_write(struct stream *stream, struct outq *q) MUST_CHECK;

/* Bytes that the kernel took since the start, those of a write that is under way included. */
uint64_t stream_written(const struct stream *stream);

/* Bytes in flight. */
size_t stream_in_flight(const struct stream *stream);

void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* For a half-closed stream: whether the peer is gone for good (poll() says POLLHUP). */
bool stream_is_gone(const struct stream *stream);

void stream_close(struct stream *stream);
