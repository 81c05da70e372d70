/* SPDX-License-Identifier: MIT */

/*
 * A command that runs for one invocation
 *
 * Happy path: the process starts, gets its input and end of file, prints,
 * closes its output and ends; both together are the end that is told. Failure
 * modes: it cannot be started (no child comes to be); it does not read (the
 * write fails, which is no error); it prints too much or is stopped (TERM,
 * KILL); something it left behind holds its output open (as in a shell's $(),
 * that is waited for, but not once it is stopped).
 */

#include "cli/child.h"

#include "base/mem.h"
#include "cli/guard.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

void child_set_init(struct child_set *set, uv_loop_t *loop, char **command, child_end_fn *on_end,
		    void *data)
{
	*set = (struct child_set){
		.loop = loop,
		.command = command,
		.on_end = on_end,
		.data = data,
	};
	list_init(&set->list);
}

static void child_free(struct child *c)
{
	list_unlink(&c->node);
	c->set->n--;
	buf_done(&c->input);
	buf_done(&c->output);
	mem_free(c);
}

static void child_on_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;

	if (--c->n_handles == 0)
		child_free(c);
}

static void child_close(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, child_on_closed);
}

static void child_close_all(struct child *c)
{
	child_close((uv_handle_t *)&c->process);
	child_close((uv_handle_t *)&c->in);
	child_close((uv_handle_t *)&c->out);
	child_close((uv_handle_t *)&c->timer);
}

static void child_tell(struct child *c, enum child_end end)
{
	if (c->is_over)
		return;
	c->is_over = true;
	c->set->on_end(c, end);
}

static void child_finish(struct child *c)
{
	if (!c->ended || (!c->eof && !c->is_over))
		return;
	child_tell(c, c->signal ? CHILD_SIGNALED : CHILD_EXITED);
	child_close_all(c);
}

/* ---- stopping ---- */

/* The whole group: a shell's own children would outlive it. */
static void child_kill(struct child *c, int signal)
{
	if (!c->ended)
		(void)kill(-c->process.pid, signal);
}

static void child_on_kill(uv_timer_t *timer)
{
	child_kill(timer->data, SIGKILL);
}

void child_stop(struct child *c)
{
	c->is_over = true;
	if (c->stopping)
		return;
	c->stopping = true;
	child_kill(c, SIGTERM);
	if (!c->ended)
		uv_timer_start(&c->timer, child_on_kill, CHILD_KILL_MS, 0);
	child_finish(c);
}

void child_set_stop(struct child_set *set)
{
	list_for_each (i, &set->list)
		child_stop(CONTAINER_OF(i, struct child, node));
}

bool child_set_interrupt(struct child_set *set, uint64_t inv)
{
	list_for_each (i, &set->list) {
		struct child *c = CONTAINER_OF(i, struct child, node);

		if (c->inv == inv && !c->is_over) {
			child_stop(c);
			return true;
		}
	}
	return false;
}

/* ---- what it does ---- */

static void child_on_exit(uv_process_t *process, int64_t status, int signal)
{
	struct child *c = process->data;

	if (c->set->guard)
		guard_remove(c->set->guard, process->pid);
	c->ended = true;
	c->signal = signal;
	c->code = signal ? signal : status;
	child_finish(c);
}

static void child_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct child *c = handle->data;
	char *to = buf_reserve(&c->output, suggested);

	*ret = uv_buf_init(to, to ? (unsigned)suggested : 0);
}

static void child_on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct child *c = stream->data;

	(void)buf;
	if (n > 0)
		buf_commit(&c->output, (size_t)n);
	if (n >= 0)
		return;
	uv_read_stop(stream);
	c->eof = true;
	if (n == UV_ENOBUFS) {
		child_tell(c, CHILD_TOO_MUCH);
		child_stop(c);
	}
	child_finish(c);
}

static void child_on_written(uv_write_t *write, int status)
{
	struct child *c = write->data;

	(void)status;
	child_close((uv_handle_t *)&c->in);
}

static void child_write(struct child *c)
{
	uv_buf_t input = uv_buf_init(c->input.data, (unsigned)buf_len(&c->input));

	if (uv_write(&c->write, (uv_stream_t *)&c->in, &input, 1, child_on_written) < 0)
		child_close((uv_handle_t *)&c->in);
}

/* ---- starting ---- */

static struct child *child_new(struct child_set *set, uint64_t inv, struct buf *input)
{
	struct child *c = mem_alloc(sizeof(*c));

	if (!c)
		return NULL;
	c->set = set;
	c->inv = inv;
	c->input = *input;
	buf_init(input, input->max);
	buf_init(&c->output, CHILD_MAX_OUTPUT);
	list_init(&c->node);
	list_append(&set->list, &c->node);
	set->n++;
	uv_pipe_init(set->loop, &c->in, 0);
	uv_pipe_init(set->loop, &c->out, 0);
	uv_timer_init(set->loop, &c->timer);
	c->in.data = c->out.data = c->timer.data = c->write.data = c;
	c->n_handles = 4;
	return c;
}

static int child_spawn(struct child *c, char **environment)
{
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&c->in},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->out},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {
		.exit_cb = child_on_exit,
		.file = c->set->command[0],
		.args = c->set->command,
		.env = environment,
		.flags = UV_PROCESS_DETACHED, /* a session, hence a group, of its own */
		.stdio_count = 3,
		.stdio = stdio,
	};
	int r = uv_spawn(c->set->loop, &c->process, &options);

	c->process.data = c; /* uv_spawn() clears it */
	return r;
}

int child_start(struct child_set *set, uint64_t inv, struct buf *input, char **environment)
{
	struct child *c = input->error ? NULL : child_new(set, inv, input);
	int r;

	if (!c)
		return -ENOMEM;
	r = child_spawn(c, environment);
	if (r < 0) {
		c->is_over = true;
		child_close_all(c);
		return r;
	}
	if (set->guard)
		guard_add(set->guard, c->process.pid);
	r = uv_read_start((uv_stream_t *)&c->out, child_on_alloc, child_on_output);
	c->eof = r < 0;
	child_write(c);
	return 0;
}
