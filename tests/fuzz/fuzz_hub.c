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

#include "scene.h"

#include <string.h>

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

static void fuzz_begin(struct scene *s, bool embedded)
{
	struct link_config link = fuzz_link(embedded);

	s->on_line = NULL;
	scene_begin(s, &fuzz_hub, &link);
	scene_connect(s, 0);
	scene_connect(s, 1);
}

static void fuzz_end(struct scene *s)
{
	for (int i = 0; i < 4; i++)
		scene_advance(s, 700);
	scene_end(s);
}

/* ---- the two sides ---- */

static const char fuzz_open[] = "{\"op\":\"register\",\"id\":1,\"procedure\":\"com.p\"}\n"
				"{\"op\":\"subscribe\",\"id\":2,\"topic\":\"com.t\"}\n"
				"{\"op\":\"watch\",\"id\":3}\n";
static const char fuzz_ask[] = "{\"op\":\"call\",\"id\":4,\"procedure\":\"com.q\"}\n"
			       "{\"op\":\"publish\",\"id\":5,\"topic\":\"com.t\",\"ack\":true}\n";

static void fuzz_program(struct slice input)
{
	struct scene s;

	fuzz_begin(&s, true);
	scene_say(&s, 1, slice_of(fuzz_open));
	/* in two pieces, so that lines are kept too */
	scene_say(&s, 0, (struct slice){input.ptr, input.len / 2});
	scene_say(&s, 0, (struct slice){input.ptr + input.len / 2, input.len - input.len / 2});
	scene_say(&s, 1, SLICE("{\"op\":\"result\",\"inv\":1}\n"));
	fuzz_end(&s);
}

static void fuzz_router(struct slice input)
{
	struct scene s;

	fuzz_begin(&s, false);
	scene_say(&s, 0, slice_of(fuzz_open));
	while (input.len) {
		const char *lf = memchr(input.ptr, '\n', input.len);
		size_t n = lf ? (size_t)(lf - input.ptr) : input.len;

		hub_link_frame(s.link, (struct slice){input.ptr, n});
		scene_settle(&s);
		scene_say(&s, 1, slice_of(fuzz_ask));
		n += lf != NULL;
		input = (struct slice){input.ptr + n, input.len - n};
	}
	fuzz_end(&s);
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
