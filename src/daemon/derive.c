/* SPDX-License-Identifier: MIT */

/*
 * Keys that are derived beside the loop
 *
 * Happy path: a thread runs the job and wakes the loop, which gives it back to
 * its link. Failure modes: no thread can be made (the job comes back undone, and
 * the join fails with a reason); the attempt is over meanwhile (the session
 * throws the result away); another challenge comes (the newest job waits); the
 * daemon ends (the thread is left alone and frees what it has).
 */

#include "daemon/derive.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct derive {
	pthread_mutex_t lock;
	uv_async_t *async; /* not touched once it is abandoned */
	struct auth_job *job;
	bool is_done, is_abandoned; /* under the lock */
};

static void derive_free(struct derive *d)
{
	auth_job_free(d->job);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
}

/* The thread. */
static void *derive_run(void *arg)
{
	struct derive *d = arg;
	bool is_abandoned;

	auth_job_run(d->job);
	pthread_mutex_lock(&d->lock);
	d->is_done = true;
	is_abandoned = d->is_abandoned;
	if (!is_abandoned)
		uv_async_send(d->async);
	pthread_mutex_unlock(&d->lock);
	if (is_abandoned)
		derive_free(d);
	return NULL;
}

/* Signals are the loop's. */
static int derive_make_thread(struct derive *d)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &detached, derive_run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	return r;
}

/* Gives the job back undone: the session tells why it cannot answer. */
static void derive_fail(struct transport *t, struct auth_job *job, int r)
{
	job->result = r;
	hub_link_answer(t->link, job);
}

static void derive_begin(struct transport *t, struct auth_job *job)
{
	struct derive *d = mem_alloc(sizeof(*d));
	int r;

	if (!d) {
		derive_fail(t, job, -ENOMEM);
		return;
	}
	pthread_mutex_init(&d->lock, NULL);
	d->async = &t->app->derived;
	d->job = job;
	r = derive_make_thread(d);
	if (r == 0) {
		t->derive = d;
		return;
	}
	d->job = NULL;
	derive_free(d);
	derive_fail(t, job, -r);
}

void derive_start(struct transport *t, struct auth_job *job)
{
	if (!t->derive) {
		derive_begin(t, job);
		return;
	}
	auth_job_free(t->next_job);
	t->next_job = job;
}

static bool derive_is_done(struct derive *d)
{
	bool is_done;

	pthread_mutex_lock(&d->lock);
	is_done = d->is_done;
	pthread_mutex_unlock(&d->lock);
	return is_done;
}

static void derive_collect(struct transport *t)
{
	struct derive *d = t->derive;

	if (!d || !derive_is_done(d))
		return;
	t->derive = NULL;
	hub_link_answer(t->link, TAKE(d->job));
	derive_free(d);
	if (t->next_job)
		derive_begin(t, TAKE(t->next_job));
}

static void derive_on_done(uv_async_t *async)
{
	struct app *app = CONTAINER_OF(async, struct app, derived);

	app_touch_clock(app);
	list_for_each (i, &app->transports)
		derive_collect(CONTAINER_OF(i, struct transport, node));
}

int derive_init(struct app *app)
{
	return uv_async_init(&app->loop, &app->derived, derive_on_done);
}

/* Whether its thread goes on. */
static bool derive_abandon(struct derive *d)
{
	bool is_done;

	pthread_mutex_lock(&d->lock);
	d->is_abandoned = true;
	is_done = d->is_done;
	pthread_mutex_unlock(&d->lock);
	if (is_done)
		derive_free(d);
	return !is_done;
}

void derive_stop(struct app *app)
{
	list_for_each (i, &app->transports) {
		struct transport *t = CONTAINER_OF(i, struct transport, node);

		if (t->derive)
			app->leaves_thread |= derive_abandon(TAKE(t->derive));
		t->next_job = auth_job_free(t->next_job);
	}
	uv_close((uv_handle_t *)&app->derived, NULL);
}
