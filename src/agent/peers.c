/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.c - accept, see who it is, read a line, have it answered, write a line, close.
 */
#include "agent/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/peer.h"

enum {
	PEERS_MAX = 256,  /* more programs of one person are a program gone mad */
	LINE_MS = 5000,   /* for a line to come or go on one machine */
	FIRST_READ = 4096,
};

struct peer {
	struct peer *next, **prev;
	struct peers *peers;
	struct watch watch;
	struct timer deadline;
	struct arena *arena;
	char *in;
	size_t n, cap;
	struct bytes out;     /* what is still to be written */
	struct agent_request request;
	struct ask ask;
	bool asking;          /* the minder has the ask, and this stays for it */
};

struct peers {
	struct loop *loop;
	struct watch listener;
	struct minder *minder;
	const uint8_t *key;
	struct peer *first;
	size_t count;
};

/* ---- one program ---------------------------------------------------------------- */

static void
peer_free(struct peer *p)
{
	*p->prev = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	p->peers->count--;
	arena_free(p->arena);
	free(p);
}

/* Hangs up; the rest goes when nobody has a pointer into it any more. */
static void
peer_end(struct peer *p)
{
	loop_timer_stop(p->peers->loop, &p->deadline);
	if (p->watch.fd >= 0) {
		loop_unwatch(p->peers->loop, &p->watch);
		close(p->watch.fd);
		p->watch.fd = -1;
	}
	if (!p->asking)
		peer_free(p);
}

static void
too_late(struct timer *t)
{
	peer_end((struct peer *)((char *)t - offsetof(struct peer, deadline)));
}

static void
write_some(struct peer *p)
{
	ssize_t n = send(p->watch.fd, p->out.p, p->out.n, MSG_NOSIGNAL);

	if (n > 0)
		p->out = bytes_slice(p->out, (size_t)n, p->out.n);
	if (p->out.n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		peer_end(p);
	else
		loop_watch(p->peers->loop, &p->watch, EPOLLOUT);
}

static void
reply(struct peer *p, const struct agent_reply *r)
{
	p->out = agent_reply_write(p->arena, r);
	if (p->watch.fd < 0 || bytes_empty(p->out)) {
		peer_end(p);
		return;
	}
	loop_timer(p->peers->loop, &p->deadline, LINE_MS);
	write_some(p);
}

static void
answered(struct ask *ask, const struct agent_reply *r)
{
	struct peer *p = (struct peer *)((char *)ask - offsetof(struct peer, ask));

	p->asking = false;
	if (r != NULL)
		reply(p, r);
	else
		peer_end(p);
}

static void
reply_key(struct peer *p)
{
	struct agent_reply r = { .status = LK_OK };

	if (p->peers->key != NULL)
		r.key = (struct bytes){ (const char *)p->peers->key, AGENT_KEY_SIZE };
	else
		r.status = lk_fail(&r.error, LK_CONFIGURATION,
			"this vault's key is not kept by the agent");
	reply(p, &r);
}

/* How long the minder takes is bounded by the library's own limits. */
static void
answer_line(struct peer *p, struct bytes line)
{
	loop_timer_stop(p->peers->loop, &p->deadline);
	if (!agent_request_read(p->arena, line, &p->request)) {
		peer_end(p);
		return;
	}
	switch (p->request.what) {
	case AGENT_HELLO:
		reply(p, &(struct agent_reply){ .status = LK_OK, .pid = getpid() });
		return;
	case AGENT_KEY:
		reply_key(p);
		return;
	case AGENT_TOKEN:
		loop_watch(p->peers->loop, &p->watch, 0); /* only if it hangs up */
		p->ask = (struct ask){ .request = &p->request, .answer = answered };
		p->asking = true;
		minder_ask(p->peers->minder, &p->ask);
		return;
	}
}

static void
make_room(struct peer *p)
{
	char *more;

	if (p->n < p->cap)
		return;
	more = arena_alloc(p->arena, p->cap * 2);
	memcpy(more, p->in, p->n);
	p->in = more;
	p->cap *= 2;
}

static void
read_some(struct peer *p)
{
	ssize_t n;

	make_room(p);
	n = recv(p->watch.fd, p->in + p->n, p->cap - p->n, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->n += n > 0 ? (size_t)n : 0;
	if (n > 0 && p->in[p->n - 1] == '\n')
		answer_line(p, (struct bytes){ p->in, p->n - 1 });
	else if (n <= 0 || p->n > AGENT_LINE_MAX)
		peer_end(p);
}

static void
peer_ready(struct watch *w, uint32_t events)
{
	struct peer *p = (struct peer *)((char *)w - offsetof(struct peer, watch));

	if ((events & EPOLLIN) != 0 && !p->asking && p->out.n == 0)
		read_some(p);
	else if ((events & EPOLLOUT) != 0 && p->out.n > 0)
		write_some(p);
	else
		peer_end(p); /* it hung up */
}

/* ---- who comes ------------------------------------------------------------------ */

static bool
may_ask(int fd)
{
	struct ucred who = peer_of(fd);

	if (peer_is_ours(fd))
		return true;
	log_begin(EVENT_agent_refused);
	log_int("uid", who.uid);
	log_int("pid", who.pid);
	log_end();
	return false;
}

static void
peer_new(struct peers *all, int fd)
{
	struct peer *p = must_calloc(1, sizeof(*p));

	p->peers = all;
	p->arena = arena_new();
	p->cap = FIRST_READ;
	p->in = arena_alloc(p->arena, p->cap);
	p->watch = (struct watch){ .fd = fd, .ready = peer_ready };
	p->deadline.due = too_late;
	p->next = all->first;
	p->prev = &all->first;
	if (p->next != NULL)
		p->next->prev = &p->next;
	all->first = p;
	all->count++;
	loop_watch(all->loop, &p->watch, EPOLLIN);
	loop_timer(all->loop, &p->deadline, LINE_MS);
}

static void
somebody_comes(struct watch *w, uint32_t events)
{
	struct peers *all =
		(struct peers *)((char *)w - offsetof(struct peers, listener));
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (all->count < PEERS_MAX && may_ask(fd))
		peer_new(all, fd);
	else
		close(fd);
}

/* ---- life ----------------------------------------------------------------------- */

struct peers *
peers_new(struct loop *loop, int listener, struct minder *minder, const uint8_t *key)
{
	struct peers *p = must_calloc(1, sizeof(*p));

	p->loop = loop;
	p->listener = (struct watch){ .fd = listener, .ready = somebody_comes };
	p->minder = minder;
	p->key = key;
	loop_watch(loop, &p->listener, EPOLLIN);
	return p;
}

void
peers_stop(struct peers *p)
{
	loop_unwatch(p->loop, &p->listener);
}

bool
peers_gone(const struct peers *p)
{
	return p->first == NULL;
}

void
peers_free(struct peers *p)
{
	for (struct peer *one = p->first, *next; one != NULL; one = next) {
		next = one->next;
		one->asking = false;
		peer_end(one);
	}
	free(p);
}
