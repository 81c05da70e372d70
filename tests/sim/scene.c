/* SPDX-License-Identifier: MIT */

/*
 * A scene: a few programs, the hub and one link, wired as the daemon wires them
 */

#include "scene.h"

#include <assert.h>
#include <string.h>

static void scene_over(struct scene *s)
{
	if (s->session)
		s->session = router_detach(s->session);
	hub_link_over(s->link, HUB_OVER_TRANSPORT, "over");
}

static bool scene_open(struct scene *s)
{
	if (s->embedded)
		return router_attach(s->router, &s->session, s) == 0;
	return session_set_secret(hub_link_session(s->link), SLICE("secret")) == 0;
}

static void scene_fulfil(struct scene *s, int wish)
{
	if (wish == HUB_WISH_OPEN && scene_open(s))
		hub_link_opened(s->link);
	else
		scene_over(s);
}

static bool scene_pump(struct scene *s)
{
	struct session *session = hub_link_session(s->link);
	struct session_event event;
	struct router_session *to;
	struct wamp_msg msg;
	bool any = false;

	while (s->session && session_next_view(session, &msg)) {
		router_recv(s->session, &msg);
		any = true;
	}
	while (router_next(s->router, &to, &msg)) {
		session_recv(session, &msg);
		while (session_next_event(session, &event))
			hub_link_event(s->link, &event);
		any = true;
	}
	return any;
}

static void scene_lines(struct scene *s, int who, struct slice text)
{
	const char *lf;

	while ((lf = memchr(text.ptr, '\n', text.len))) {
		struct slice line = {text.ptr, (size_t)(lf - text.ptr)};

		assert(line.len && line.ptr[0] == '{' && lf[-1] == '}');
		if (s->on_line)
			s->on_line(s, who, line);
		text = (struct slice){lf + 1, text.len - line.len - 1};
		if (!text.len)
			return;
	}
	/* what is written is whole lines */
	assert(!text.len);
}

static void scene_read(struct scene *s, int who)
{
	struct peer *peer = s->programs[who];
	static char text[2 << 20];
	struct iovec iov[64];
	size_t n = outq_iov(&peer->out, iov, 64), len = 0;

	for (size_t i = 0; i < n && len + iov[i].iov_len <= sizeof(text); i++) {
		memcpy(text + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (!len)
		return;
	if (len == outq_len(&peer->out))
		scene_lines(s, who, (struct slice){text, len});
	outq_consume(&peer->out, len);
	outq_trim(&peer->out);
	hub_peer_drained(s->hub, peer, len);
}

void scene_leave(struct scene *s, int who)
{
	if (s->programs[who])
		hub_remove_peer(s->hub, s->programs[who]);
	s->programs[who] = NULL;
}

static void scene_flush(struct scene *s)
{
	while (hub_next_dirty_peer(s->hub))
		;
	for (int i = 0; i < SCENE_PROGRAMS; i++) {
		if (!s->programs[i])
			continue;
		if (s->programs[i]->state != PEER_GONE)
			scene_read(s, i);
		if (s->programs[i]->state == PEER_GONE || s->programs[i]->state == PEER_LEAVING)
			scene_leave(s, i);
	}
}

void scene_settle(struct scene *s)
{
	struct session *session = hub_link_session(s->link);
	struct auth_job *job = session_take_job(session);
	struct hub_note note;
	struct link *link;
	int wish;

	if (job) {
		auth_job_run(job);
		hub_link_answer(s->link, job);
	}
	do {
		while ((wish = hub_next_wish(s->hub, &link)))
			scene_fulfil(s, wish);
		hub_begin_turn(s->hub);
	} while (scene_pump(s) || hub_deliver(s->hub));
	if (!s->embedded) {
		buf_consume(&session->out, buf_len(&session->out));
		hub_link_drained(s->link);
	}
	router_settle(s->router);
	session_settle(session);
	scene_flush(s);
	while (hub_next_dirty_link(s->hub) || hub_next_ready(s->hub))
		;
	while (hub_next_note(s->hub, &note))
		;
	hub_check(s->hub);
	router_check(s->router);
}

void scene_cut(struct scene *s)
{
	scene_over(s);
	scene_settle(s);
}

void scene_advance(struct scene *s, uint64_t ms)
{
	s->now_ms += ms;
	hub_set_time(s->hub, s->now_ms, s->now_ms);
	hub_expire(s->hub);
	scene_settle(s);
}

void scene_connect(struct scene *s, int who)
{
	struct peer_credentials credentials = {1000 + (uint32_t)who, 1000, who};

	if (!s->programs[who] && hub_add_peer(s->hub, &credentials, s, &s->programs[who]) < 0)
		s->programs[who] = NULL;
	scene_settle(s);
}

void scene_say(struct scene *s, int who, struct slice bytes)
{
	struct peer *peer = s->programs[who];
	struct request request;

	if (!peer)
		return;
	peer_feed(peer, bytes);
	while (peer_next(peer, &request)) {
		if (hub_request(s->hub, peer, &request) == HUB_HELD)
			break;
		(void)scene_pump(s);
		hub_end_request(s->hub, peer);
	}
	peer_rest(peer);
	hub_peer_answered(s->hub, peer);
	peer_keep(peer);
	hub_peer_kept(s->hub, peer);
	scene_settle(s);
}

void scene_begin(struct scene *s, const struct hub_config *hub, const struct link_config *link)
{
	int r;

	*s = (struct scene){.now_ms = 1000, .embedded = link->embedded, .on_line = s->on_line};
	r = hub_new(&s->hub, hub, &s->secret, &s->rng);
	assert(r == 0);
	r = router_new(&s->router, &s->rng, &s->secret);
	assert(r == 0);
	hub_set_time(s->hub, s->now_ms, s->now_ms);
	r = hub_add_link(s->hub, link, s, &s->link);
	assert(r == 0);
	hub_start(s->hub);
	scene_settle(s);
}

void scene_end(struct scene *s)
{
	for (int i = 0; i < SCENE_PROGRAMS; i++)
		scene_leave(s, i);
	hub_check(s->hub);
	hub_free(s->hub);
	if (s->session)
		s->session = router_detach(s->session);
	router_free(s->router);
}
