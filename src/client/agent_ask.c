/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_ask.c - one question, one answer, one connection: connect, see who is there,
 * write a line, read a line. The lines are agent_wire.h's.
 */
#include "client/agent_ask.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/peer.h"
#include "base/secret.h"
#include "client/agent_wire.h"
#include "crypto/digest.h"

enum {
	HELLO_WAIT_MS = 1000, /* it is on this machine and has nothing to do for it */
	KEY_WAIT_MS = 5000,   /* the same, on a machine that is starting up */
	SHORT_LINES = 65536,  /* memory for the two questions whose answer is short */
	FIRST_READ = 4096,    /* most answers */
};

/* ---- where -------------------------------------------------------------- */

/* One agent a vault: the name follows from where that is, however it was spelled. */
static void
vault_digest(const char *where, char out[static 17])
{
	uint8_t digest[DIGEST_SIZE];
	char *real = realpath(where, NULL);

	sha256(bytes_of(real != NULL ? real : where), digest);
	free(real);
	for (int i = 0; i < 8; i++)
		snprintf(out + (size_t)i * 2, 3, "%02x", digest[i]);
}

bool
agent_socket_path(const char *where, char out[static 108])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char digest[17];
	int n;

	vault_digest(where, digest);
	if (runtime != NULL && runtime[0] == '/')
		n = snprintf(out, 108, "%s/latchkey/agent-%s.sock", runtime, digest);
	else if (where[0] == '/')
		n = snprintf(out, 108, "%s/agent.sock", where);
	else
		return false;
	return n > 0 && n < 108;
}

/* ---- one question ------------------------------------------------------- */

/* Whose process made the socket: the same person's, or nobody's we believe. */
static int
reach(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd;

	if (n == 0 || n >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* EAGAIN: more are waiting than it listens for; we need not wait as well. */
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && peer_is_ours(fd))
		return fd;
	close(fd);
	return -1;
}

static bool
wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms();
		int wait = left < INT_MAX ? (int)left : INT_MAX;
		int got = left > 0 ? poll(&p, 1, wait) : 0;

		if (got > 0 || (got < 0 && errno != EINTR) || left <= 0)
			return got > 0;
	}
}

static bool
write_line(int fd, struct bytes line, int64_t deadline_ms)
{
	while (line.n > 0) {
		ssize_t n = send(fd, line.p, line.n, MSG_NOSIGNAL);

		if (n > 0)
			line = bytes_slice(line, (size_t)n, line.n);
		else if ((errno != EAGAIN && errno != EINTR)
			|| !wait_for(fd, POLLOUT, deadline_ms))
			return false;
	}
	return true;
}

/* Room for twice as much; what stood there is in the arena, which is wiped. */
static char *
grow(struct arena *a, char *p, size_t n, size_t *cap)
{
	char *more = arena_alloc(a, *cap * 2);

	memcpy(more, p, n);
	*cap *= 2;
	return more;
}

/* false: no whole line came in time. */
static bool
read_line(struct arena *a, int fd, int64_t deadline_ms, struct bytes *line)
{
	size_t n = 0, cap = FIRST_READ;
	char *p = arena_alloc(a, cap);

	while (n <= AGENT_LINE_MAX) {
		ssize_t got = recv(fd, p + n, cap - n, 0);

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (got < 0 && !wait_for(fd, POLLIN, deadline_ms))
			return false;
		n += got > 0 ? (size_t)got : 0;
		if (n > 0 && p[n - 1] == '\n') {
			*line = (struct bytes){ p, n - 1 };
			return true;
		}
		if (n == cap)
			p = grow(a, p, n, &cap);
	}
	return false;
}

static bool
ask(struct arena *a, const char *path, const struct agent_request *request, int wait_ms,
	struct agent_reply *out)
{
	int64_t deadline = clock_monotonic_ms() + wait_ms;
	struct bytes question = agent_request_write(a, request), line;
	int fd = bytes_empty(question) ? -1 : reach(path);
	bool ok;

	if (fd < 0)
		return false;
	ok = write_line(fd, question, deadline) && read_line(a, fd, deadline, &line);
	close(fd);
	return ok && agent_reply_read(a, line, out);
}

/* ---- the three questions ------------------------------------------------ */

enum agent_result
agent_ask_token(struct arena *a, const char *socket_path, struct bytes name,
	int64_t min_ttl, struct bytes refused, int wait_ms, struct agent_token *out,
	enum lk_status *status, struct lk_error *e)
{
	const struct agent_request request = { AGENT_TOKEN, name, min_ttl, refused };
	struct agent_reply reply;

	if (!ask(a, socket_path, &request, wait_ms, &reply)
		|| (reply.status == LK_OK && bytes_empty(reply.access_token)))
		return AGENT_NONE;
	*status = reply.status;
	if (reply.status == LK_OK)
		*out = (struct agent_token){ reply.access_token, reply.expires_at_ms };
	else if (e != NULL)
		*e = reply.error;
	return AGENT_ANSWERED;
}

bool
agent_ask_key(const char *socket_path, uint8_t key[static 32])
{
	const struct agent_request request = { .what = AGENT_KEY };
	struct arena *a = arena_reserve(SHORT_LINES);
	struct agent_reply reply;
	bool ok = a != NULL && ask(a, socket_path, &request, KEY_WAIT_MS, &reply)
		&& reply.key.n == AGENT_KEY_SIZE;

	if (ok)
		memcpy(key, reply.key.p, AGENT_KEY_SIZE);
	arena_free(a);
	return ok;
}

int64_t
agent_ask_pid(const char *socket_path)
{
	const struct agent_request request = { .what = AGENT_HELLO };
	struct arena *a = arena_reserve(SHORT_LINES);
	struct agent_reply reply;
	bool ok = a != NULL && ask(a, socket_path, &request, HELLO_WAIT_MS, &reply);
	int64_t pid = ok ? reply.pid : 0;

	arena_free(a);
	return pid;
}
