/* SPDX-License-Identifier: MIT */

/*
 * One local connection's bytes, on a libuv pipe
 */

#include "net/stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Entries of one writev; libuv passes at most IOV_MAX, and more than this gains nothing. */
#define STREAM_MAX_IOV 64

static struct stream *stream_of(uv_handle_t *handle)
{
	return CONTAINER_OF(handle, struct stream, pipe);
}

static void stream_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct stream *s = stream_of(handle);
	size_t n = s->ops->read_size ? s->ops->read_size(s) : STREAM_READ_SIZE;

	(void)suggested;
	*ret = uv_buf_init(s->read_buffer, (unsigned)n);
}

static void stream_ended(struct stream *s, ssize_t n)
{
	stream_pause(s);
	s->eof = true;
	if (n != UV_EOF || stream_is_gone(s))
		s->ops->on_gone(s);
	else
		s->ops->on_eof(s);
}

static void stream_on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
	struct stream *s = stream_of((uv_handle_t *)pipe);

	if (s->closing || n == 0)
		return;
	if (n < 0)
		stream_ended(s, n);
	else
		s->ops->on_bytes(s, (struct slice){buf->base, (size_t)n});
}

static void stream_on_close(uv_handle_t *handle)
{
	struct stream *s = stream_of(handle);

	outq_done(&s->in_flight);
	s->ops->on_closed(s);
}

int stream_accept(struct stream *s, uv_stream_t *listener, char *read_buffer,
		  const struct stream_ops *ops)
{
	int r;

	*s = (struct stream){.ops = ops, .read_buffer = read_buffer};
	outq_init(&s->in_flight, SIZE_MAX / 2);
	uv_pipe_init(listener->loop, &s->pipe, 0);
	r = uv_accept(listener, (uv_stream_t *)&s->pipe);
	if (r < 0) {
		stream_close(s);
		return r;
	}
	stream_resume(s);
	return 0;
}

static int stream_fd(const struct stream *s)
{
	uv_os_fd_t fd;

	return uv_fileno((const uv_handle_t *)&s->pipe, &fd) < 0 ? -1 : fd;
}

int stream_credentials(const struct stream *s, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(stream_fd(s), SOL_SOCKET, SO_PEERCRED, ret, &len) < 0 ? -errno : 0;
}

/* ---- writing ---- */

static size_t stream_iov(const struct outq *q, uv_buf_t bufs[STREAM_MAX_IOV])
{
	struct iovec iov[STREAM_MAX_IOV];
	size_t n = outq_iov(q, iov, STREAM_MAX_IOV);

	for (size_t i = 0; i < n; i++)
		bufs[i] = uv_buf_init(iov[i].iov_base, (unsigned)iov[i].iov_len);
	return n;
}

static size_t stream_total(const uv_buf_t *bufs, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += bufs[i].len;
	return total;
}

static void stream_on_written(uv_write_t *request, int status);

/* Asks the loop to write the head of what is in flight. */
static int stream_continue(struct stream *s)
{
	uv_buf_t bufs[STREAM_MAX_IOV];
	size_t n = stream_iov(&s->in_flight, bufs);
	int r = uv_write(&s->request, (uv_stream_t *)&s->pipe, bufs, (unsigned)n,
			 stream_on_written);

	if (r == 0) {
		s->writing = true;
		s->n_requested = stream_total(bufs, n);
	}
	return r;
}

static void stream_on_written(uv_write_t *request, int status)
{
	struct stream *s = CONTAINER_OF(request, struct stream, request);

	s->writing = false;
	if (s->closing)
		return;
	if (status == 0) {
		outq_consume(&s->in_flight, s->n_requested);
		s->n_written += s->n_requested;
		if (outq_len(&s->in_flight))
			status = stream_continue(s);
	}
	if (status < 0) {
		s->ops->on_gone(s);
	} else if (!s->writing) {
		/* A client that was slow once must not cost its backlog for ever. */
		outq_trim(&s->in_flight);
		s->ops->on_drained(s);
	}
}

/* What the kernel takes now: 1 if everything went, 0 if it would block, or -errno. */
static int stream_try(struct stream *s, struct outq *q)
{
	uv_buf_t bufs[STREAM_MAX_IOV];
	size_t n;
	int r;

	while (outq_len(q)) {
		n = stream_iov(q, bufs);
		r = uv_try_write((uv_stream_t *)&s->pipe, bufs, (unsigned)n);
		if (r == UV_EAGAIN)
			return 0;
		if (r < 0)
			return r;
		outq_consume(q, (size_t)r);
		s->n_written += (size_t)r;
		if ((size_t)r < stream_total(bufs, n))
			return 0;
	}
	return 1;
}

int stream_write(struct stream *s, struct outq *q)
{
	int r;

	if (s->writing || s->closing || !outq_len(q))
		return 0;
	r = stream_try(s, q);
	if (r)
		return r < 0 ? r : 0;
	outq_take(&s->in_flight, q);
	return stream_continue(s);
}

uint64_t stream_written(const struct stream *s)
{
	size_t left = uv_stream_get_write_queue_size((const uv_stream_t *)&s->pipe);

	return s->n_written + (s->writing && left < s->n_requested ? s->n_requested - left : 0);
}

size_t stream_in_flight(const struct stream *s)
{
	return s->writing ? outq_len(&s->in_flight) : 0;
}

/* ---- reading ---- */

void stream_pause(struct stream *s)
{
	if (!s->reading)
		return;
	s->reading = false;
	uv_read_stop((uv_stream_t *)&s->pipe);
}

void stream_resume(struct stream *s)
{
	if (s->reading || s->closing || s->eof)
		return;
	if (uv_read_start((uv_stream_t *)&s->pipe, stream_on_alloc, stream_on_read) == 0)
		s->reading = true;
}

bool stream_is_gone(const struct stream *s)
{
	struct pollfd pollfd = {.fd = stream_fd(s)};

	return poll(&pollfd, 1, 0) == 1 && pollfd.revents & (POLLHUP | POLLERR);
}

void stream_close(struct stream *s)
{
	if (s->closing)
		return;
	s->closing = true;
	s->reading = false;
	uv_close((uv_handle_t *)&s->pipe, stream_on_close);
}
