/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.c - a server for one answer, on loopback (RFC 8252 7.3 and 8.3): one thread,
 * one poll, a handful of connections, because browsers open spare ones.
 *
 * Anybody on the machine may connect. What they send is read strictly and bounded in
 * size, time and number; only the one who knows the state gets further than a page
 * that says no. The Host must be ours, so that no web page can reach it under a name
 * of its own (DNS rebinding).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/listener_bind.h"
#include "client/listener_page.h"
#include "client/person.h"
#include "http/http_parse.h"
#include "text/uri.h"

enum {
	PEERS = 16,
	REQUEST_MS = 5000,   /* a whole request; a drip does not defeat it */
	LINGER_MS = 1000,    /* for the browser to read and close */
	TELL_MS = 3000,      /* for the browser to fetch the page with the result */
	HEADER_BYTES = 32768, /* cookies of all that was ever served on this address */
	TARGET_BYTES = 16384,
	TEXT_MAX = HEADER_BYTES + 4096,
};

struct peer {
	int fd; /* -1: free */
	int64_t deadline_ms;
	bool answered; /* only its end is awaited */
	struct http_parse parse;
	char *text;
	size_t n;
};

struct listener {
	struct arena *arena; /* the code passes through it */
	int fds[2];
	size_t fd_count;
	struct bytes redirect_uri;          /* as it was given */
	struct bytes host, path;            /* what a request must have */
	struct bytes clean_path, clean_url; /* where the browser ends */
	struct bytes state;                 /* awaited; NONE: nothing more is */
	struct bytes query;                 /* the answer, once it is there */
	struct bytes result;                /* the page for clean_path */
	bool told;                          /* it was sent */
	struct http_limits limits;
	struct peer peers[PEERS];
};

/* ---- opening -------------------------------------------------------------------- */

/* RFC 8252 7.3; a name could be somebody else's tomorrow. */
static enum lk_status
check_uri(struct bytes redirect_uri, struct uri *u, uint16_t *port, struct lk_error *e)
{
	*port = 0;
	if (!uri_parse(redirect_uri, u) || !bytes_equal_nocase(u->scheme, B("http")) ||
		u->has_query || u->has_fragment || u->has_userinfo ||
		(u->port.n > 0 && !uri_port(u, port)) ||
		!(bytes_equal(u->host, B("127.0.0.1")) || bytes_equal(u->host, B("[::1]")) ||
			bytes_equal_nocase(u->host, B("localhost"))))
		return lk_fail(e, LK_CONFIGURATION, "the browser's answer can be received at "
			"http://127.0.0.1, http://[::1] or http://localhost, with a port or "
			"without, and a path; this redirect URI is something else, so paste "
			"(LK_WAY_PASTE): %.*s",
			BYTES_FMT(redirect_uri));
	return LK_OK;
}

/* What the browser will ask for, and where it is sent then. */
static void
name_places(struct listener *l, const struct uri *u)
{
	struct arena *a = l->arena;
	struct bytes path = u->path.n > 0 ? u->path : B("/");
	const char *slash = bytes_ends(path, B("/")) ? "" : "/";
	uint16_t port = listener_port(l->fds[0]);

	l->host = port == 80 ? arena_bytes(a, u->host) :
			       bytes_of(arena_printf(a, "%.*s:%u", BYTES_FMT(u->host),
				       (unsigned)port));
	l->path = arena_bytes(a, path);
	l->clean_path = bytes_of(arena_printf(a, "%.*s%sdone", BYTES_FMT(path), slash));
	l->clean_url = bytes_of(arena_printf(a, "http://%.*s%.*s", BYTES_FMT(l->host),
		BYTES_FMT(l->clean_path)));
}

static struct listener *
listener_new(void)
{
	struct arena *arena = arena_new();
	struct listener *l = ARENA_NEW(arena, struct listener);

	l->arena = arena;
	l->limits = http_limits_default();
	l->limits.header_bytes = HEADER_BYTES;
	l->limits.target_bytes = TARGET_BYTES;
	l->limits.body_bytes = 0;
	for (size_t i = 0; i < PEERS; i++)
		l->peers[i].fd = -1;
	return l;
}

static void
listener_free(struct listener *l)
{
	for (size_t i = 0; i < l->fd_count; i++)
		close(l->fds[i]);
	for (size_t i = 0; i < PEERS; i++)
		if (l->peers[i].fd >= 0)
			close(l->peers[i].fd);
	arena_free(l->arena);
}

enum lk_status
listener_open(struct arena *a, struct bytes redirect_uri, struct listener **out,
	struct bytes *actual_redirect_uri, struct lk_error *e)
{
	struct listener *l;
	struct uri u;
	uint16_t port;

	LK_TRY(check_uri(redirect_uri, &u, &port, e));
	l = listener_new();
	l->fd_count = listener_bind(u.host, port, l->fds);
	if (l->fd_count == 0) {
		lk_fail(e, LK_CONFIGURATION, "cannot listen for the browser at %.*s: %s",
			BYTES_FMT(redirect_uri), strerror(errno));
		listener_free(l);
		return LK_CONFIGURATION;
	}
	name_places(l, &u);
	/* One that is registered with its port goes out as it is, octet by octet. */
	*actual_redirect_uri = u.port.n > 0 ? arena_bytes(a, redirect_uri) :
		bytes_of(arena_printf(a, "http://%.*s%.*s", BYTES_FMT(l->host),
			BYTES_FMT(u.path)));
	l->redirect_uri = arena_bytes(l->arena, redirect_uri);
	*out = l;
	return LK_OK;
}

/* ---- one connection ------------------------------------------------------------------ */

static void
peer_end(struct peer *p)
{
	secret_wipe(p->text, p->n);
	close(p->fd);
	p->fd = -1;
}

/* An answer fits in the socket's buffer. The browser closes first, so that the port is
 * free again at once. */
static void
peer_answer(struct peer *p, struct bytes answer)
{
	if (send(p->fd, answer.p, answer.n, MSG_NOSIGNAL) != (ssize_t)answer.n) {
		peer_end(p);
		return;
	}
	p->answered = true;
	p->deadline_ms = clock_monotonic_ms() + LINGER_MS;
}

/* CL-11: only state decides whether this is the awaited answer; what is in it is
 * judged by callback.c. */
static bool
is_awaited(struct listener *l, struct arena *a, struct bytes query)
{
	struct bytes state;

	return callback_state(a, query, &state, NULL) == LK_OK &&
		secret_equal_bytes(state, l->state);
}

static struct bytes
answer_callback(struct listener *l, struct arena *a, struct bytes query)
{
	if (bytes_empty(l->state) || !is_awaited(l, a, query))
		return listener_page(a, 400, "Not the answer that is waited for",
			"Go back to the program and follow its link again.");
	if (bytes_empty(l->query))
		l->query = arena_bytes(l->arena, query);
	return listener_redirect(a, l->clean_url);
}

static struct bytes
answer_request(struct listener *l, struct arena *a, const struct http_request *r)
{
	bool ours = bytes_equal_nocase(r->host, l->host);

	if (ours && bytes_equal(r->path, l->clean_path) && r->method == HTTP_GET &&
		l->result.n > 0) {
		l->told = true;
		return l->result;
	}
	if (!ours || !bytes_equal(r->path, l->path))
		return listener_page(a, 404, "Nothing is here", "");
	if (r->method != HTTP_GET)
		return listener_page(a, 405, "Only GET is understood here", "");
	return answer_callback(l, a, r->query);
}

/* RFC 9110 9.3.2: the head alone. */
static struct bytes
without_body(struct bytes answer)
{
	size_t n = 4;

	while (n < answer.n && !bytes_ends(bytes_slice(answer, 0, n), B("\r\n\r\n")))
		n++;
	return bytes_slice(answer, 0, n);
}

static void
peer_judge(struct listener *l, struct peer *p, enum http_parse_state state)
{
	struct http_request request = { .arena = arena_new() };
	struct bytes answer;

	if (state == HTTP_BAD) {
		peer_answer(p, listener_page(request.arena, p->parse.status,
			"That was not understood", ""));
	} else {
		http_parse_request(&p->parse, p->text, &request);
		answer = answer_request(l, request.arena, &request);
		peer_answer(p, request.method == HTTP_HEAD ? without_body(answer) : answer);
	}
	arena_free(request.arena);
}

/* What still comes after the answer is not looked at. */
static void
peer_discard(struct peer *p)
{
	ssize_t got = recv(p->fd, p->text, TEXT_MAX, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		peer_end(p);
}

static void
peer_read(struct listener *l, struct peer *p)
{
	enum http_parse_state state;
	ssize_t got;

	if (p->answered) {
		peer_discard(p);
		return;
	}
	got = recv(p->fd, p->text + p->n, TEXT_MAX - p->n, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		peer_end(p);
		return;
	}
	p->n += (size_t)got;
	do
		state = http_parse(&p->parse, p->text, &p->n);
	while (state == HTTP_HEAD_DONE);
	if (state != HTTP_NEED_MORE)
		peer_judge(l, p, state);
	else if (p->n == TEXT_MAX)
		peer_end(p);
}

/* ---- all of them ------------------------------------------------------------------------ */

/* A free place, or the place of the one that has been there longest. */
static struct peer *
peer_place(struct listener *l)
{
	struct peer *oldest = &l->peers[0];

	for (size_t i = 0; i < PEERS; i++) {
		if (l->peers[i].fd < 0)
			return &l->peers[i];
		if (l->peers[i].deadline_ms < oldest->deadline_ms)
			oldest = &l->peers[i];
	}
	peer_end(oldest);
	return oldest;
}

static void
take_peer(struct listener *l, int listening)
{
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct peer *p;

	if (fd < 0) {
		/* Gone again; or no descriptor is left, and asking at once would spin. */
		if (errno != EAGAIN && errno != ECONNABORTED)
			(void)poll(NULL, 0, 20);
		return;
	}
	p = peer_place(l);
	if (p->text == NULL)
		p->text = arena_alloc(l->arena, TEXT_MAX);
	p->fd = fd;
	p->n = 0;
	p->answered = false;
	p->deadline_ms = clock_monotonic_ms() + REQUEST_MS;
	http_parse_start(&p->parse, &l->limits);
}

static int
wait_ms(const struct listener *l, int64_t until_ms)
{
	int64_t now_ms = clock_monotonic_ms();

	for (size_t i = 0; i < PEERS; i++)
		if (l->peers[i].fd >= 0 && l->peers[i].deadline_ms < until_ms)
			until_ms = l->peers[i].deadline_ms;
	if (until_ms <= now_ms)
		return 0;
	return until_ms - now_ms < 60000 ? (int)(until_ms - now_ms) : 60000;
}

/* One turn: waits for whatever comes first, and does what is due. */
static void
turn(struct listener *l, int64_t until_ms)
{
	struct pollfd fds[PEERS + 2];
	int64_t now_ms;

	for (size_t i = 0; i < PEERS; i++)
		fds[i] = (struct pollfd){ .fd = l->peers[i].fd, .events = POLLIN };
	for (size_t i = 0; i < l->fd_count; i++)
		fds[PEERS + i] = (struct pollfd){ .fd = l->fds[i], .events = POLLIN };
	if (poll(fds, PEERS + l->fd_count, wait_ms(l, until_ms)) < 0)
		return;
	now_ms = clock_monotonic_ms();
	for (size_t i = 0; i < PEERS; i++) {
		if (l->peers[i].fd >= 0 && fds[i].revents != 0)
			peer_read(l, &l->peers[i]);
		if (l->peers[i].fd >= 0 && l->peers[i].deadline_ms <= now_ms)
			peer_end(&l->peers[i]);
	}
	for (size_t i = 0; i < l->fd_count; i++)
		if (fds[PEERS + i].revents != 0)
			take_peer(l, l->fds[i]);
}

enum lk_status
listener_wait(struct listener *l, struct arena *a, struct bytes state, int64_t deadline_ms,
	struct bytes *query, struct lk_error *e)
{
	l->state = arena_bytes(l->arena, state);
	while (bytes_empty(l->query)) {
		if (clock_monotonic_ms() >= deadline_ms)
			return lk_later(e, 0, "nobody came back from the browser in time: "
				"connect again; if its page spoke of the redirect URI, this one "
				"is not registered there for the client: %.*s",
				BYTES_FMT(l->redirect_uri));
		turn(l, deadline_ms);
	}
	*query = arena_bytes(a, l->query);
	return LK_OK;
}

/* ---- the end --------------------------------------------------------------------------- */

static bool
somebody_is_reading(const struct listener *l)
{
	for (size_t i = 0; i < PEERS; i++)
		if (l->peers[i].fd >= 0 && l->peers[i].answered)
			return true;
	return false;
}

void
listener_close(struct listener *l, bool good, const char *sentence)
{
	int64_t until_ms = clock_monotonic_ms() + TELL_MS;

	if (l == NULL)
		return;
	if (l->query.n > 0)
		l->result = listener_page(l->arena, 200, good ? "Connected" : "Not connected",
			sentence);
	while (l->result.n > 0 && clock_monotonic_ms() < until_ms &&
		(!l->told || somebody_is_reading(l)))
		turn(l, until_ms);
	listener_free(l);
}
