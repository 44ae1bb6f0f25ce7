/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server.c - listeners, and who may have a connection.
 *
 * When there are too many connections, or no descriptor is left, the one that
 * has waited longest goes: first of those between requests, then of those that
 * have not finished sending one. An honest peer is there for milliseconds, so
 * a crowd of slow ones drives out its own. Connections whose request is being
 * answered are never cut for another.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "http/http_conn.h"
#include "http/http_inherit.h"

enum {
	ACCEPT_BATCH = 16, /* a turn */
	PAUSE_MS = 100,       /* without descriptors; the backlog waits */
	COMPLAIN_MS = 10000,  /* at most one log line in that time */
};

static void accept_ready(struct watch *w, uint32_t events);
static void pause_over(struct timer *t);
static void drain_over(struct timer *t);
static void patience_over(struct timer *t);

struct http_limits
http_limits_default(void)
{
	return (struct http_limits){
		.handshake_ms = 10000,
		.headers_ms = 10000,
		.body_ms = 20000,
		.request_ms = 60000,
		.idle_ms = 60000,
		.header_bytes = 32768,
		.target_bytes = 17408,
		.body_bytes = 65536,
		.headers = 100,
		.connections = 10000,
		.per_peer = 256,
	};
}

/* ---- beginning and end ---------------------------------------------------- */

static enum outcome
name_proxies(struct http_server *s, const struct http_config *c, struct fault *f)
{
	s->proxies = must_calloc(c->proxy_count + 1, sizeof(*s->proxies));
	for (size_t i = 0; i < c->proxy_count; i++) {
		if (!http_address_parse(bytes_of(c->proxies[i]), &s->proxies[i]))
			return FAULT_AT(f, "%s: a proxy is named by its IP address, or "
					   "\"unix\"", c->proxies[i]);
		s->proxy_count++;
	}
	return DONE;
}

static void
add_listener(struct http_server *s, int fd)
{
	struct http_listener *l = &s->listeners[s->listener_count++];

	l->server = s;
	l->watch = (struct watch){ .fd = fd, .ready = accept_ready };
	loop_watch(s->loop, &l->watch, EPOLLIN);
}

/* false: nobody listened there before us. */
static bool
inherit_listeners(struct http_server *s, const struct http_config *c, const char *where)
{
	int *fds = must_calloc(c->inherited->count + 1, sizeof(*fds));
	size_t n = http_inherited_at(c->inherited, where, c->nth, c->of, fds);

	for (size_t i = 0; i < n; i++)
		add_listener(s, fds[i]);
	free(fds);
	return n > 0;
}

static enum outcome
open_listeners(struct http_server *s, const struct http_config *c, struct fault *f)
{
	size_t inherited = c->inherited != NULL ? c->inherited->count : 0;

	s->listeners = must_calloc(c->listen_count + inherited + 1, sizeof(*s->listeners));
	for (size_t i = 0; i < c->listen_count; i++) {
		struct http_listen where = { .where = c->listen[i], .join = c->join,
			.plain = c->tls == NULL };
		int fd;

		TRY(http_listen_check(where.where, where.plain, f));
		if (inherited > 0 && inherit_listeners(s, c, where.where))
			continue;
		TRY(http_listen(&where, &fd, f));
		if (fd >= 0)
			add_listener(s, fd);
	}
	return DONE;
}

enum outcome
http_server_new(struct loop *l, const struct http_config *c, struct http_server **out,
	struct fault *f)
{
	struct http_server *s = must_calloc(1, sizeof(*s));

	/* OpenSSL writes with write(2); a peer that is gone is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	s->loop = l;
	s->limits = c->limits;
	s->handler = c->handler;
	s->refused = c->refused;
	s->arg = c->arg;
	s->handshakes = c->handshakes;
	s->local = c->local;
	if (c->hsts != NULL)
		snprintf(s->hsts, sizeof(s->hsts), "%s", c->hsts);
	s->tls = tls_config_ref(c->tls);
	s->pause.due = pause_over;
	s->drain.due = drain_over;
	s->patience.due = patience_over;
	s->handshaking.due = http_handshakes_go_on;
	s->peers = http_peers_new();
	s->date_of = -1;
	s->complained_ms = -COMPLAIN_MS;
	if (name_proxies(s, c, f) != DONE || open_listeners(s, c, f) != DONE) {
		http_server_free(s);
		return FAULT;
	}
	*out = s;
	return DONE;
}

static void
close_listeners(struct http_server *s)
{
	loop_timer_stop(s->loop, &s->pause);
	for (size_t i = 0; i < s->listener_count; i++) {
		loop_unwatch(s->loop, &s->listeners[i].watch);
		close(s->listeners[i].watch.fd);
	}
	s->listener_count = 0;
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	close_listeners(s);
	s->draining = false;
	for (size_t i = 0; i < QUEUE_COUNT; i++)
		while (s->queues[i].oldest != NULL)
			http_conn_end(s->queues[i].oldest);
	assert(s->streams == 0); /* a handler still holds a request */
	loop_timer_stop(s->loop, &s->drain);
	loop_timer_stop(s->loop, &s->patience);
	loop_timer_stop(s->loop, &s->handshaking);
	http_streams_free(s);
	http_peers_free(s->peers);
	tls_config_free(s->tls);
	if (s->scratch != NULL)
		secret_wipe(s->scratch, s->scratch_size);
	free(s->scratch);
	free(s->proxies);
	free(s->listeners);
	free(s);
}

/* Who has still not asked for anything goes. */
static void
patience_over(struct timer *t)
{
	struct http_server *s =
		(struct http_server *)((char *)t - offsetof(struct http_server, patience));
	struct http_conn *next;

	for (struct http_conn *c = s->queues[QUEUE_IDLE].oldest; c != NULL; c = next) {
		next = c->newer;
		if (!c->handling) /* a handler may be who asks */
			http_conn_end(c);
	}
	for (struct http_conn *c = s->queues[QUEUE_UNREADY].oldest; c != NULL; c = next) {
		next = c->newer;
		if (c->stage == STAGE_FIRST_BYTE || c->stage == STAGE_HANDSHAKE)
			http_conn_end(c);
	}
	for (size_t i = QUEUE_HANDSHAKE; i <= QUEUE_WELCOME; i++)
		while (s->queues[i].oldest != NULL)
			http_conn_end(s->queues[i].oldest);
}

void
http_server_drain(struct http_server *s, int64_t patience_ms, void (*drained)(void *),
	void *arg)
{
	close_listeners(s);
	s->draining = true;
	s->drained = drained;
	s->drained_arg = arg;
	loop_timer(s->loop, &s->patience, patience_ms);
	http_server_check_drained(s);
}

void
http_server_check_drained(struct http_server *s)
{
	if (!s->draining || s->open > 0 || s->streams > 0)
		return;
	loop_timer_stop(s->loop, &s->patience);
	loop_timer(s->loop, &s->drain, 0);
}

static void
drain_over(struct timer *t)
{
	struct http_server *s =
		(struct http_server *)((char *)t - offsetof(struct http_server, drain));

	s->drained(s->drained_arg); /* may free s */
}

/* ---- queues --------------------------------------------------------------- */

void
http_queue_put(struct http_queue *q, struct http_conn *c)
{
	c->queue = q;
	c->older = q->newest;
	c->newer = NULL;
	if (q->newest != NULL)
		q->newest->newer = c;
	else
		q->oldest = c;
	q->newest = c;
}

void
http_queue_take(struct http_conn *c)
{
	if (c->queue == NULL)
		return;
	if (c->newer != NULL)
		c->newer->older = c->older;
	else
		c->queue->newest = c->older;
	if (c->older != NULL)
		c->older->newer = c->newer;
	else
		c->queue->oldest = c->newer;
	c->queue = NULL;
}

/* ---- accepting ------------------------------------------------------------ */

static bool
evict_one(struct http_server *s)
{
	struct http_conn *c = NULL;

	for (size_t i = QUEUE_IDLE; c == NULL && i < QUEUE_BUSY; i++)
		c = s->queues[i].oldest;
	if (c == NULL)
		return false;
	http_count(&s->counts.evicted);
	http_conn_end(c);
	return true;
}

static void
complain(struct http_server *s, const char *what)
{
	if (loop_now_ms(s->loop) - s->complained_ms < COMPLAIN_MS)
		return;
	s->complained_ms = loop_now_ms(s->loop);
	log_begin(EVENT_overload);
	log_str("what", what);
	log_end();
}

bool
http_server_is_proxy(const struct http_server *s, const struct http_address *a)
{
	for (size_t i = 0; i < s->proxy_count; i++)
		if (http_address_equal(&s->proxies[i], a))
			return true;
	return false;
}

static void
turn_away(struct http_server *s, int fd, const struct http_address *a, const char *why)
{
	char text[INET6_ADDRSTRLEN];

	close(fd);
	http_count(&s->counts.refused);
	if (s->refused != NULL)
		s->refused(bytes_of(http_address_text(a, text)), 0, why, s->arg);
}

static void
admit(struct http_server *s, int fd, const struct sockaddr_storage *from)
{
	struct http_peer *peer = NULL;
	struct http_address a;

	http_address_of(from, &a);
	http_count(&s->counts.accepted);
	/* A proxy speaks for many; a Unix socket has no address. */
	if (s->limits.per_peer > 0 && !a.is_unix && !http_server_is_proxy(s, &a)) {
		peer = http_peers_enter(s->peers, &a, s->limits.per_peer);
		if (peer == NULL) {
			turn_away(s, fd, &a, "too many connections of one address");
			return;
		}
	}
	if (s->open >= s->limits.connections && !evict_one(s)) {
		http_peers_leave(s->peers, peer);
		complain(s, "too many connections, all of them busy");
		turn_away(s, fd, &a, "too many connections");
		return;
	}
	http_conn_new(s, fd, &a, peer);
}

/* accept(2): errors of one connection that is gone already, not of the listener. */
static bool
is_passing(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

/* No descriptors, or no memory for one: what waits in the backlog can wait. */
static void
pause_accepting(struct http_server *s)
{
	complain(s, "no descriptor is left for a new connection");
	for (size_t i = 0; i < s->listener_count; i++)
		loop_unwatch(s->loop, &s->listeners[i].watch);
	loop_timer(s->loop, &s->pause, PAUSE_MS);
}

static void
pause_over(struct timer *t)
{
	struct http_server *s =
		(struct http_server *)((char *)t - offsetof(struct http_server, pause));

	for (size_t i = 0; i < s->listener_count; i++)
		loop_watch(s->loop, &s->listeners[i].watch, EPOLLIN);
}

/* accept4 wants a descriptor before it looks whether anybody is there. */
static bool
somebody_waits(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
accept_ready(struct watch *w, uint32_t events)
{
	struct http_server *s = ((struct http_listener *)w)->server;

	(void)events;
	s->crowded = true;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t length = sizeof(from);
		int fd = accept4(w->fd, (struct sockaddr *)&from, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(s, fd, &from);
		} else if (!is_passing(errno)) {
			if (errno == EAGAIN || !somebody_waits(w->fd)) {
				s->crowded = false;
				return;
			}
			if (!evict_one(s)) {
				pause_accepting(s);
				return;
			}
		}
	}
}

/* ---- what the rest of the program asks ------------------------------------ */

uint16_t
http_server_port(const struct http_server *s)
{
	struct sockaddr_storage a = { 0 };
	socklen_t length = sizeof(a);

	if (s->listener_count == 0 || getsockname(s->listeners[0].watch.fd,
			(struct sockaddr *)&a, &length) != 0)
		return 0;
	return http_port_of(&a);
}

size_t
http_server_listeners(const struct http_server *s, int *fds, size_t max)
{
	size_t n = 0;

	while (s != NULL && n < s->listener_count && n < max) {
		fds[n] = s->listeners[n].watch.fd;
		n++;
	}
	return n;
}

void
http_server_set_tls(struct http_server *s, struct tls_config *tls)
{
	assert((tls == NULL) == (s->tls == NULL));
	tls_config_ref(tls);
	tls_config_free(s->tls);
	s->tls = tls;
}

struct http_counts
http_server_counts(const struct http_server *s)
{
#define READ(name) .name = atomic_load_explicit(&s->counts.name, memory_order_relaxed)
	return (struct http_counts){ READ(accepted), READ(handshakes_failed),
		READ(requests), READ(refused), READ(timed_out), READ(evicted),
		READ(open_now) };
#undef READ
}
