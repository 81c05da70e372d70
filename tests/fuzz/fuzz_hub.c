/* SPDX-License-Identifier: MIT */

/*
 * Fuzzing the hub from both sides (libFuzzer)
 *
 * The first byte chooses: what follows are lines of a program, beside a second
 * one, on the embedded router; or frames of a router, each ended by a line
 * feed, at a session on which programs have everything open that there is.
 * Whatever comes, invariants hold, every line out is whole, and all ends
 * without a leak.
 */

#include "hub/hub.h"
#include "router/router.h"

#include <assert.h>
#include <string.h>

#define FUZZ_PROGRAMS 2

struct fuzz {
	struct hub *hub;
	struct router *router;
	struct rng rng;
	struct map_secret secret;
	struct link *link;
	struct router_session *session;
	struct peer *programs[FUZZ_PROGRAMS];
	uint64_t now_ms;
	bool embedded;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hub_config fuzz_hub = {
	.limits = {.peer = {.max_line = 65536,
			    .max_inflight = 20,
			    .max_registrations = 20,
			    .max_subscriptions = 20,
			    .subscription_queue = 10,
			    .output_soft_limit = 65536,
			    .output_hard_limit = 1 << 20,
			    .bad_lines = 16},
		   .max_connections = 10,
		   .max_connections_per_user = 10,
		   .user_memory = 1 << 20,
		   .stall_timeout_ms = 60000},
	.shutdown_timeout_ms = 1000,
	.server = "fuzz",
	.default_session = "default",
};

static const char *const fuzz_methods[] = {"wampcra", "ticket"};

static struct link_config fuzz_link(bool embedded)
{
	return (struct link_config){
		.name = "default",
		.url = "fuzz:",
		.realm = "realm1",
		.agent = "fuzz",
		.embedded = embedded,
		.auth = {fuzz_methods, 2, "joe", NULL, NULL},
		.connection_timeout_ms = 1000,
		.registration_timeout_ms = 1000,
		.reconnect_delay_ms = 100,
		.reconnect_max_delay_ms = 200,
		.reconnect_growth = 1,
		.max_reconnection_attempts = UINT64_MAX,
		.shutdown_timeout_ms = 1000,
		.max_message_size = 1 << 20,
	};
}

/* ---- wiring ---- */

static void fuzz_fulfil(struct fuzz *f, int wish)
{
	if (wish == HUB_WISH_OPEN) {
		if (f->embedded)
			assert(router_attach(f->router, &f->session, f) == 0);
		else
			assert(session_set_secret(hub_link_session(f->link), SLICE("secret")) == 0);
		hub_link_opened(f->link);
		return;
	}
	if (f->session)
		f->session = router_detach(f->session);
	hub_link_over(f->link, HUB_OVER_TRANSPORT, "over");
}

static bool fuzz_pump(struct fuzz *f)
{
	struct session *session = hub_link_session(f->link);
	struct session_event event;
	struct router_session *to;
	struct wamp_msg msg;
	bool any = false;

	while (f->session && session_next_view(session, &msg)) {
		router_recv(f->session, &msg);
		any = true;
	}
	while (router_next(f->router, &to, &msg)) {
		session_recv(session, &msg);
		while (session_next_event(session, &event))
			hub_link_event(f->link, &event);
		any = true;
	}
	return any;
}

static void fuzz_read(struct fuzz *f, struct peer *peer)
{
	struct iovec iov[64];
	size_t n = outq_iov(&peer->out, iov, 64), len = 0;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (!len)
		return;
	if (len == outq_len(&peer->out))
		assert(((char *)iov[n - 1].iov_base)[iov[n - 1].iov_len - 1] == '\n');
	outq_consume(&peer->out, len);
	outq_trim(&peer->out);
	hub_peer_drained(f->hub, peer, len);
}

static void fuzz_settle(struct fuzz *f)
{
	struct buf *out = &hub_link_session(f->link)->out;
	struct hub_note note;
	struct link *link;
	int wish, rounds = 0;

	do {
		while ((wish = hub_next_wish(f->hub, &link)) && rounds++ < 1000)
			fuzz_fulfil(f, wish);
	} while (fuzz_pump(f));
	if (!f->embedded) {
		buf_consume(out, buf_len(out));
		hub_link_drained(f->link);
	}
	router_settle(f->router);
	session_settle(hub_link_session(f->link));
	while (hub_next_dirty_peer(f->hub))
		;
	for (int i = 0; i < FUZZ_PROGRAMS; i++) {
		struct peer *peer = f->programs[i];

		if (!peer)
			continue;
		fuzz_read(f, peer);
		if (peer->state == PEER_GONE || peer->state == PEER_LEAVING) {
			hub_remove_peer(f->hub, peer);
			f->programs[i] = NULL;
		}
	}
	while (hub_next_dirty_link(f->hub) || hub_next_ready(f->hub))
		;
	while (hub_next_note(f->hub, &note))
		;
	hub_check(f->hub);
	router_check(f->router);
}

static void fuzz_say(struct fuzz *f, int who, struct slice bytes)
{
	struct peer *peer = f->programs[who];
	struct request request;

	if (!peer)
		return;
	peer_feed(peer, bytes);
	while (peer_next(peer, &request)) {
		if (hub_request(f->hub, peer, &request) == HUB_HELD)
			break;
		(void)fuzz_pump(f);
		hub_end_request(f->hub, peer);
	}
	peer_rest(peer);
	hub_peer_answered(f->hub, peer);
	peer_keep(peer);
	hub_peer_kept(f->hub, peer);
	fuzz_settle(f);
}

static void fuzz_advance(struct fuzz *f, uint64_t ms)
{
	f->now_ms += ms;
	hub_set_time(f->hub, f->now_ms, f->now_ms);
	hub_expire(f->hub);
	fuzz_settle(f);
}

static void fuzz_begin(struct fuzz *f, bool embedded)
{
	struct link_config link = fuzz_link(embedded);

	*f = (struct fuzz){.now_ms = 1000, .embedded = embedded};
	assert(hub_new(&f->hub, &fuzz_hub, &f->secret, &f->rng) == 0);
	assert(router_new(&f->router, &f->rng, &f->secret) == 0);
	hub_set_time(f->hub, f->now_ms, f->now_ms);
	assert(hub_add_link(f->hub, &link, f, &f->link) == 0);
	hub_start(f->hub);
	fuzz_settle(f);
	for (int i = 0; i < FUZZ_PROGRAMS; i++) {
		struct peer_credentials who = {1000 + (uint32_t)i, 1000, i};

		assert(hub_add_peer(f->hub, &who, f, &f->programs[i]) == 0);
	}
	fuzz_settle(f);
}

static void fuzz_end(struct fuzz *f)
{
	for (int i = 0; i < 4; i++)
		fuzz_advance(f, 700);
	for (int i = 0; i < FUZZ_PROGRAMS; i++)
		if (f->programs[i])
			hub_remove_peer(f->hub, f->programs[i]);
	hub_check(f->hub);
	hub_free(f->hub);
	if (f->session)
		f->session = router_detach(f->session);
	router_free(f->router);
}

/* ---- the two sides ---- */

static const char fuzz_open[] = "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.p\"}\n"
				"{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.t\"}\n"
				"{\"op\":\"watch\",\"id\":3}\n";
static const char fuzz_ask[] = "{\"op\":\"call\",\"id\":4,\"procedure\":\"com.q\"}\n"
			       "{\"op\":\"publish\",\"id\":5,\"topic\":\"com.t\",\"ack\":true}\n";

static void fuzz_program(struct slice input)
{
	struct fuzz f;

	fuzz_begin(&f, true);
	fuzz_say(&f, 1, slice_of(fuzz_open));
	/* in two pieces, so that lines are kept too */
	fuzz_say(&f, 0, (struct slice){input.ptr, input.len / 2});
	fuzz_say(&f, 0, (struct slice){input.ptr + input.len / 2, input.len - input.len / 2});
	fuzz_say(&f, 1, SLICE("{\"op\":\"result\",\"inv\":1}\n"));
	fuzz_end(&f);
}

static void fuzz_router(struct slice input)
{
	struct fuzz f;

	fuzz_begin(&f, false);
	fuzz_say(&f, 0, slice_of(fuzz_open));
	while (input.len) {
		const char *lf = memchr(input.ptr, '\n', input.len);
		size_t n = lf ? (size_t)(lf - input.ptr) : input.len;

		hub_link_frame(f.link, (struct slice){input.ptr, n});
		fuzz_settle(&f);
		fuzz_say(&f, 1, slice_of(fuzz_ask));
		n += lf != NULL;
		input = (struct slice){input.ptr + n, input.len - n};
	}
	fuzz_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		fuzz_program((struct slice){(const char *)data + 1, size - 1});
	else
		fuzz_router((struct slice){(const char *)data + 1, size - 1});
	return 0;
}
