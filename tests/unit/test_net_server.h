/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A WebSocket server for tests: blocking, in a thread, one connection, scripted
 *
 * The script is a function that gets the accepted socket; helpers speak HTTP
 * and frames. Written from RFC 6455 with nothing of net/, so that a mistake is
 * not made twice.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <libwebsockets.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	pthread_t thread;
	int fd;
	uint16_t port;
	void (*script)(struct server *server, int fd);
	bool running;
	/* What a script found, read after server_join(). */
	char request[20000];
	unsigned char *bytes;
	size_t n_bytes, n_frames, n_unmasked;
	unsigned close_code;
	bool saw_ping, saw_eof;
};

static inline uint16_t server_listen(int *ret_fd, const char *address, uint16_t port, int backlog)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is_v6 = strchr(address, ':');
	socklen_t len = is_v6 ? sizeof(v6) : sizeof(v4);
	struct sockaddr *sa = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(sa->sa_family, address, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (is_v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, sa, len) < 0 || listen(fd, backlog) < 0 || getsockname(fd, sa, &len) < 0)
		abort();
	*ret_fd = fd;
	return ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
}

static inline void *server_main(void *arg)
{
	struct server *server = arg;
	int fd = accept(server->fd, NULL, NULL);

	if (fd >= 0) {
		server->script(server, fd);
		close(fd);
	}
	return NULL;
}

static inline void server_start_at(struct server *server, const char *address, uint16_t port,
				   void (*script)(struct server *server, int fd))
{
	*server = (struct server){.script = script, .running = true};
	server->port = server_listen(&server->fd, address, port, 5);
	if (pthread_create(&server->thread, NULL, server_main, server))
		abort();
}

static inline void server_start(struct server *server, const char *address,
				void (*script)(struct server *server, int fd))
{
	server_start_at(server, address, 0, script);
}

static inline void server_join(struct server *server)
{
	if (!server->running)
		return;
	server->running = false;
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

static inline void server_done(struct server *server)
{
	server_join(server);
	free(server->bytes);
}

static inline void server_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

		if (r <= 0)
			return;
		p += r;
		n -= (size_t)r;
	}
}

static inline bool server_read(int fd, void *bytes, size_t n)
{
	char *p = bytes;

	while (n) {
		ssize_t r = recv(fd, p, n, 0);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static inline void server_read_request(struct server *server, int fd)
{
	size_t n = 0;

	while (n < sizeof(server->request) - 1 && server_read(fd, server->request + n, 1)) {
		server->request[++n] = '\0';
		if (n >= 4 && memcmp(server->request + n - 4, "\r\n\r\n", 4) == 0)
			return;
	}
}

/* The 101 to the request that was read; protocol may be NULL. */
static inline size_t server_answer(struct server *server, const char *protocol, char *ret,
				   size_t size)
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const char *key = strstr(server->request, "Sec-WebSocket-Key: ");
	unsigned char hash[20];
	char text[128], accept[64];
	int n;

	if (!key) /* the client has gone before it asked */
		return 0;
	key += strlen("Sec-WebSocket-Key: ");
	n = snprintf(text, sizeof(text), "%.*s%s", (int)strcspn(key, "\r"), key, magic);
	lws_SHA1((unsigned char *)text, (size_t)n, hash);
	lws_b64_encode_string((char *)hash, sizeof(hash), accept, sizeof(accept));
	n = snprintf(ret, size,
		     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
		     accept, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "",
		     protocol ? "\r\n" : "");
	return (size_t)n;
}

static inline void server_upgrade(struct server *server, int fd, const char *protocol)
{
	char answer[512];
	size_t n;

	server_read_request(server, fd);
	n = server_answer(server, protocol, answer, sizeof(answer));
	server_write(fd, answer, n);
}

/* first: FIN, reserved bits and opcode. */
static inline size_t server_frame_header(unsigned char header[10], unsigned first, size_t len)
{
	size_t n = 2;

	header[0] = (unsigned char)first;
	header[1] = (unsigned char)(len < 126 ? len : len < 65536 ? 126 : 127);
	for (int shift = len < 126 ? -8 : len < 65536 ? 8 : 56; shift >= 0; shift -= 8)
		header[n++] = (unsigned char)((uint64_t)len >> shift);
	return n;
}

static inline void server_send(int fd, unsigned first, const void *bytes, size_t len)
{
	unsigned char header[10];

	server_write(fd, header, server_frame_header(header, first, len));
	server_write(fd, bytes, len);
}

/* The next frame, unmasked, malloc'ed; its first byte, or -1 at the end of file. */
static inline int server_receive(struct server *server, int fd, unsigned char **ret,
				 size_t *ret_len)
{
	unsigned char head[2], extended[8], mask[4] = {0};
	uint64_t len;
	size_t n;

	if (!server_read(fd, head, 2))
		return -1;
	len = head[1] & 0x7f;
	n = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (!server_read(fd, extended, n))
		return -1;
	if (n)
		len = 0;
	for (size_t i = 0; i < n; i++)
		len = len << 8 | extended[i];
	if (!(head[1] & 0x80))
		server->n_unmasked++;
	else if (!server_read(fd, mask, 4))
		return -1;
	*ret = malloc(len + 1);
	if (!server_read(fd, *ret, len)) {
		free(*ret);
		return -1;
	}
	for (size_t i = 0; i < len; i++)
		(*ret)[i] ^= mask[i % 4];
	*ret_len = len;
	return head[0];
}

/* Notes frames until CLOSE or the end of file; echoes messages, answers PING and CLOSE if asked. */
static inline void server_serve(struct server *server, int fd, bool echo, bool polite)
{
	unsigned char *bytes;
	size_t len;
	int first;

	while ((first = server_receive(server, fd, &bytes, &len)) >= 0) {
		if (first == 0x81) {
			server->n_frames++;
			server->bytes = realloc(server->bytes, server->n_bytes + len + 1);
			memcpy(server->bytes + server->n_bytes, bytes, len);
			server->n_bytes += len;
			if (echo)
				server_send(fd, 0x81, bytes, len);
		} else if (first == 0x89) {
			server->saw_ping = true;
			if (polite)
				server_send(fd, 0x8a, bytes, len);
		} else if (first == 0x88) {
			server->close_code = len >= 2 ? (unsigned)bytes[0] << 8 | bytes[1] : 1005;
			if (polite)
				server_send(fd, 0x88, bytes, len);
		}
		free(bytes);
		if (first == 0x88 && polite)
			return;
	}
	server->saw_eof = true;
}

/* ---- scripts of several tests ---- */

static inline void script_echo(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_serve(server, fd, true, true);
}

static inline void script_note(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_serve(server, fd, false, true);
}

static inline void script_never_answer(struct server *server, int fd)
{
	server_upgrade(server, fd, "chat.json");
	server_serve(server, fd, false, false);
}

/* Reads nothing until the client has gone. */
static inline void script_stuck(struct server *server, int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLRDHUP};

	server_upgrade(server, fd, "chat.json");
	while (poll(&pollfd, 1, 50) >= 0 && !(pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		if (!server->running)
			return;
}
