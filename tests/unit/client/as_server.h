/* SPDX-License-Identifier: Apache-2.0 */
/*
 * as_server.h - an authorization server that says what the test tells it to, one
 * answer a connection, and remembers what it was asked. Brings client_test.h along.
 */
#ifndef LATCHKEY_TESTS_AS_SERVER_H
#define LATCHKEY_TESTS_AS_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/token_request.h"
#include "client_test.h"

#define SERVER_UNUSED __attribute__((unused))

enum behaviour {
	ANSWERS,
	CLOSES, /* having read the request */
	HANGS,
	DRIPS,  /* the answer, an octet every 20 ms */
};

struct canned {
	enum behaviour behaviour;
	const char *answer; /* whole, with its status line */
};

static struct {
	int fd, stop[2];
	uint16_t port;
	pthread_t thread;
	const struct canned *script; /* of the next requests, in order */
	size_t length;
	_Atomic size_t asked;
	char requests[8][20000];
} server;

/* Is the request there, with its body? */
static bool
is_whole(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length: ");
	uint64_t n = 0;

	if (end == NULL)
		return false;
	if (length != NULL && length < end)
		bytes_to_u64((struct bytes){ length + 18, strcspn(length + 18, "\r") }, &n);
	return strlen(end + 4) >= n;
}

static void
read_request(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;

	text[0] = '\0';
	while (!is_whole(text) && n + 1 < size) {
		got = recv(fd, text + n, size - 1 - n, 0);
		if (got <= 0)
			return;
		n += (size_t)got;
		text[n] = '\0';
	}
}

static bool
stopped_within(int ms)
{
	struct pollfd stop = { .fd = server.stop[0], .events = POLLIN };

	return poll(&stop, 1, ms) == 1;
}

static void
drip(int fd, const char *text)
{
	for (; *text != '\0' && !stopped_within(20); text++)
		if (send(fd, text, 1, MSG_NOSIGNAL) != 1)
			return;
}

/* Until the client has had enough. */
static void
hang(int fd)
{
	struct pollfd either[2] = { { .fd = server.stop[0], .events = POLLIN },
		{ .fd = fd, .events = POLLIN | POLLRDHUP } };

	(void)poll(either, 2, 10000);
}

static void
serve(int fd)
{
	size_t i = server.asked;
	const struct canned *c = &server.script[i];

	if (i >= server.length || i >= 8)
		return;
	read_request(fd, server.requests[i], sizeof(server.requests[i]));
	server.asked++;
	switch (c->behaviour) {
	case ANSWERS:
		(void)!send(fd, c->answer, strlen(c->answer), MSG_NOSIGNAL);
		break;
	case CLOSES:
		break;
	case HANGS:
		hang(fd);
		break;
	case DRIPS:
		drip(fd, c->answer);
		break;
	}
}

static void *
server_run(void *arg)
{
	struct pollfd fds[2] = { { .fd = server.stop[0], .events = POLLIN },
		{ .fd = server.fd, .events = POLLIN } };

	(void)arg;
	while (poll(fds, 2, -1) > 0 && fds[0].revents == 0) {
		int fd = accept(server.fd, NULL, NULL);

		serve(fd);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	return NULL;
}

SERVER_UNUSED static void
server_start(const struct canned *script, size_t length)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);

	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server.script = script;
	server.length = length;
	server.asked = 0;
	memset(server.requests, 0, sizeof(server.requests));
	if (bind(server.fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(server.fd, 16) != 0 || pipe(server.stop) != 0 ||
		getsockname(server.fd, (struct sockaddr *)&at, &size) != 0)
		abort();
	server.port = ntohs(at.sin_port);
	pthread_create(&server.thread, NULL, server_run, NULL);
}

SERVER_UNUSED static void
server_stop(void)
{
	(void)!write(server.stop[1], "x", 1);
	pthread_join(server.thread, NULL);
	close(server.fd);
	close(server.stop[0]);
	close(server.stop[1]);
}

#define START(script) server_start(script, sizeof(script) / sizeof((script)[0]))

SERVER_UNUSED static struct bytes
server_url(const char *path)
{
	return bytes_of(arena_printf(test_arena(), "http://127.0.0.1:%d%s", server.port, path));
}

/* That server as a client knows it. */
SERVER_UNUSED static struct as
server_as(void)
{
	return (struct as){
		.issuer = server_url(""),
		.authorization_endpoint = server_url("/authorize"),
		.token_endpoint = server_url("/token"),
		.revocation_endpoint = server_url("/revoke"),
		.device_authorization_endpoint = server_url("/device"),
		.development = true,
		.timeout_ms = 2000,
	};
}

/* The body of the request with that number. */
SERVER_UNUSED static const char *
body_of(size_t i)
{
	const char *end = strstr(server.requests[i], "\r\n\r\n");

	return end != NULL ? end + 4 : "(no request)";
}

#define ANSWER(status, type, body)                                                   \
	"HTTP/1.1 " status " X\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n" body
#define JSON_ANSWER(status, body) ANSWER(status, "application/json", body)

#endif
