/* SPDX-License-Identifier: MIT */

/*
 * HTTP answers and requests of unusual length and form: they work, or the true cause is told
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_client.h"
#include "test_net_server.h"

#include "net/ws_internal.h"

/* ---- scripts ---- */

/* What stands in the answer beside the usual, and behind it; the status line if another one. */
static const char *status_line, *extra, *behind;

static void script_answer(struct server *server, int fd)
{
	size_t size = 1000 + strlen(extra) + strlen(behind), n;
	char *answer = malloc(size), *rest;

	server_read_request(server, fd);
	n = server_answer(server, "chat.json", answer, size);
	if (!n) {
		free(answer);
		return;
	}
	rest = strchr(answer, '\n') + 1;
	if (status_line) {
		server_write(fd, status_line, strlen(status_line));
		server_write(fd, rest, n - (size_t)(rest - answer) - 2);
	} else {
		server_write(fd, answer, n - 2);
	}
	n = (size_t)snprintf(answer, size, "%s\r\n%s", extra, behind);
	server_write(fd, answer, n);
	free(answer);
	server_serve(server, fd, false, true);
}

/* An answer of our own, whole. */
static void script_say_extra(struct server *server, int fd)
{
	char bytes[4096];

	server_read_request(server, fd);
	server_write(fd, extra, strlen(extra));
	shutdown(fd, SHUT_WR);
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

/* The text of the end, or NULL if the WebSocket has opened. */
static const char *try_answer(void (*script)(struct server *, int), const char *line,
			      const char *headers, const char *frames)
{
	static char text[512];
	struct server server;
	struct client client;

	status_line = line;
	extra = headers;
	behind = frames;
	server_start(&server, "127.0.0.1", script);
	client_init(&client, "127.0.0.1", server.port);
	client.options.open_timeout_ms = 1000;
	client.act_open = *frames ? NULL : act_close;
	client.act_message = act_close;
	client_open(&client);
	client_run_until_over(&client);
	if (*frames)
		assert_int_equal(client.n_messages, client.n_open);
	snprintf(text, sizeof(text), "%s", client.text);
	client_done(&client);
	server_done(&server);
	return client.n_open ? NULL : text;
}

static void expect_joined(const char *line, const char *headers)
{
	const char *text = try_answer(script_answer, line, headers, "");

	if (text)
		fail_msg("not joined: %s", text);
}

static void expect_said(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text ? text : "(joined)");
}

/* n times: the text before, a number, the text between, and a value of that length; malloc'ed. */
static char *headers_of(size_t n, const char *before, const char *between, size_t len)
{
	char *text = malloc(n * (len + 64) + 1), *at = text;
	char *value = malloc(len + 1);

	memset(value, 'v', len);
	value[len] = '\0';
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s%03zu%s%s\r\n", before, i, between, value);
	free(value);
	return text;
}

/* The text before and a value of that length; malloc'ed. */
static char *value_of(const char *before, size_t len)
{
	size_t n = strlen(before);
	char *text = malloc(n + len + 1);

	memcpy(text, before, n);
	memset(text + n, 'v', len);
	text[n + len] = '\0';
	return text;
}

/* ---- long answers ---- */

static void answers_of_up_to_16_kib_are_joined(void **state)
{
	static const struct {
		size_t n;
		const char *before, *between;
		size_t len;
	} headers[] = {
		{1, "Set-Cookie: gw", "=", 4090},
		{1, "Content-Security-Policy: ", "", 16000},
		{1, "X-Gateway-", ": ", 16000},
		{40, "X-Gateway-", ": ", 190},
		{740, "X-", ": ", 12},
		{60, "Set-Cookie: gw", "=", 200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		char *text = headers_of(headers[i].n, headers[i].before, headers[i].between,
					headers[i].len);

		expect_joined(NULL, text);
		free(text);
	}
}

static void frames_behind_a_long_answer_do_not_count(void **state)
{
	char *text = headers_of(1, "X-Gateway-", ": ", 15000);
	char frame[8 + 8000] = "\x81\x7e\x1f\x40";
	const char *said;

	(void)state;
	memset(frame + 4, 'm', 8000);
	frame[4 + 8000] = '\0';
	said = try_answer(script_answer, NULL, text, frame);
	if (said)
		fail_msg("not joined: %s", said);
	free(text);
}

static void longer_answers_are_told_as_such(void **state)
{
	static const size_t lens[] = {16500, 40000, 100000};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(lens); i++) {
		const char *name = i % 2 ? "X-Gateway-" : "Cache-Control: ";
		char *text = headers_of(1, name, ": ", lens[i / 2]);

		expect_said(try_answer(script_answer, NULL, text, ""),
			    "has headers of more than 16 KiB, which is the "
			    "limit");
		free(text);
	}
}

static void too_many_headers_are_told_as_such(void **state)
{
	char *text = headers_of(200, "Set-Cookie: a", "=", 2);

	(void)state;
	expect_said(try_answer(script_answer, NULL, text, ""), "has more than about 80 headers");
	free(text);
}

/* ---- unusual answers ---- */

static void an_unusual_101_is_joined(void **state)
{
	(void)state;
	expect_joined("HTTP/1.1 101\r\n", "");
	expect_joined("HTTP/1.1 101 \r\n", "");
	expect_joined("HTTP/1.0 101 Switching Protocols\r\n", "");
	expect_joined(NULL, "Content-Length: 0\r\n");
	expect_joined(NULL, "x-lower: case\r\nX-NO-SPACE:1\r\nX-Empty:\r\n");
}

static void a_broken_101_is_told_with_its_mistake(void **state)
{
	char *names = headers_of(1, "Connection: keep-alive", ", ", 60);

	(void)state;
	expect_said(try_answer(script_answer, "HTTP/1.1101 Switching\r\n", "", ""),
		    "does not begin with \"HTTP/1.1 \" and a status");
	expect_said(try_answer(script_answer, NULL, names, ""),
		    "its Connection header is longer than the 62 bytes");
	expect_said(try_answer(script_say_extra, NULL,
			       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", ""),
		    "HTTP 103: an answer before the real one");
	expect_said(try_answer(script_say_extra, NULL,
			       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
			       ""),
		    "it has no Sec-WebSocket-Accept");
	expect_said(try_answer(script_say_extra, NULL, "HTTP/1.1 101", ""),
		    "closed without an HTTP answer");
	free(names);
}

/* ---- other statuses ---- */

static const char *answer_of(const char *headers)
{
	static char answer[400000];

	snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\n\r\n", headers);
	return try_answer(script_say_extra, NULL, answer, "");
}

static void a_status_is_told_with_what_helps(void **state)
{
	static const char *answers[][2] = {
		{"404 Not Found", "HTTP 404: no WebSocket at /ws (check `path`)"},
		{"200 OK", "HTTP 200: no WebSocket at /ws (check `path`)"},
		{"400 Bad Request", "HTTP 400: the request was refused"},
		{"401 Unauthorized", "HTTP 401: access was refused (check `headers`"},
		{"403 Forbidden", "HTTP 403: access was refused (check `headers`"},
		{"429 Too Many", "HTTP 429: too many requests (it is tried again later)"},
		{"429\r\nRetry-After: 120", "(it is tried again later; Retry-After: 120)"},
		{"503 No\r\nRetry-After: \x1bX", "nobody behind it (it is tried again later; "
						 "Retry-After: ?X)"},
		{"301 Moved\r\nLocation: https://r.example/x\x01",
		 "to https://r.example/x? (is that the `url` of the router?)"},
		{"308 Moved", "to nowhere (it has no Location)"},
		{"500 Oops", "HTTP 500: the router has failed"},
		{"502 Bad Gateway", "HTTP 502: nobody behind it"},
		{"426 Upgrade Required", "HTTP 426: it wants another version"},
		{"431 Too Large", "HTTP 431: the request is too long for it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const char *text = answer_of(answers[i][0]);

		expect_said(text, answers[i][1]);
		if (strstr(text, "`path`"))
			assert_true(answers[i][0][0] == '2' || strncmp(text, "HTTP 40", 7) == 0);
		expect_said(text, "says 127.0.0.1 port ");
	}
}

static void the_length_of_a_refusal_does_not_matter(void **state)
{
	char *long_headers = headers_of(30, "X-Gateway-", ": ", 400);
	char *body = malloc(300001), *text = malloc(400000);

	(void)state;
	memset(body, 'b', 300000);
	body[300000] = '\0';
	snprintf(text, 400000, "404 Not Found\r\n%sContent-Length: 300000\r\n\r\n%s", long_headers,
		 body);
	expect_said(answer_of(text), "HTTP 404: no WebSocket");
	free(text);
	free(body);
	free(long_headers);
}

/* ---- requests ---- */

static void long_names_paths_and_headers_are_sent_whole(void **state)
{
	char name[230], host[260], line[7000];
	char *path = value_of("/?", 6000), *header = value_of("X-Long: ", 6000);
	const char *headers[] = {header};
	struct server server;
	struct client client;

	(void)state;
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 50 == 49 ? '.' : 'n';
	name[sizeof(name) - 1] = '\0';
	snprintf(host, sizeof(host), "%s.localhost", name);
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, host, server.port);
	client.options.path = path;
	client.options.headers = headers;
	client.options.n_headers = 1;
	client.act_open = act_close;
	client_open(&client);
	client_run_until_over(&client);
	if (!client.n_open)
		fail_msg("not open: %s", client.text);
	client_done(&client);
	server_join(&server);
	snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\nHost: %s:%u\r\n", path, host, server.port);
	assert_memory_equal(server.request, line, strlen(line));
	snprintf(line, sizeof(line), "\r\n%s\r\n", header);
	assert_non_null(strstr(server.request, line));
	server_done(&server);
	free(path);
	free(header);
}

static void what_does_not_fit_a_request_is_told(void **state)
{
	char *path = value_of("/?", 17000);
	struct server server;
	struct client client;

	(void)state;
	server_start(&server, "127.0.0.1", script_note);
	client_init(&client, "127.0.0.1", server.port);
	client.options.path = path;
	client_open(&client);
	client_run_until_over(&client);
	assert_text(&client, "the HTTP request is longer than 16 KiB, which is the limit");
	client_done(&client);
	server_done(&server);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_up_to_16_kib_are_joined),
		cmocka_unit_test(frames_behind_a_long_answer_do_not_count),
		cmocka_unit_test(longer_answers_are_told_as_such),
		cmocka_unit_test(too_many_headers_are_told_as_such),
		cmocka_unit_test(an_unusual_101_is_joined),
		cmocka_unit_test(a_broken_101_is_told_with_its_mistake),
		cmocka_unit_test(a_status_is_told_with_what_helps),
		cmocka_unit_test(the_length_of_a_refusal_does_not_matter),
		cmocka_unit_test(long_names_paths_and_headers_are_sent_whole),
		cmocka_unit_test(what_does_not_fit_a_request_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
