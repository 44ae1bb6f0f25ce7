/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey.c - a change is several (a record, a journal, a history): they are given half
 * a second to settle and are looked at once, by a thread of the pool.
 */
#include "agent/survey.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/errand.h"
#include "base/clock.h"
#include "client/status.h"

enum {
	SETTLE_MS = 500,
	UNTOLD_MS = 3600 * 1000, /* where nobody tells of changes */
};

struct survey {
	struct work work; /* first */
	struct loop *loop;
	struct pool *pool;
	struct lk *lk;
	void (*take)(void *, const struct found *);
	void *arg;
	struct watch changes; /* an inotify descriptor; fd -1: there is none */
	struct timer next;
	bool looking, again, stopped;
	/* of the look under way: */
	struct arena *arena;
	struct found *found;
	bool ok;
};

/* ---- on a thread of the pool ---------------------------------------------------- */

static int
note_found(void *arg, const struct lk_info *info)
{
	struct survey *l = arg;
	struct found *f = ARENA_NEW(l->arena, struct found);

	f->name = arena_cstr(l->arena, bytes_of(info->name));
	f->seen = seen_of(info, clock_now(), seconds_now());
	f->next = l->found;
	l->found = f;
	return 0;
}

static void
run(struct work *w)
{
	struct survey *l = (struct survey *)w;

	l->ok = lk_list(l->lk, note_found, l, NULL) == LK_OK;
}

/* ---- on the loop's -------------------------------------------------------------- */

static void
done(struct work *w)
{
	struct survey *l = (struct survey *)w;

	l->looking = false;
	if (l->ok && !l->stopped)
		l->take(l->arg, l->found);
	arena_free(l->arena);
	l->arena = NULL;
	if (l->again)
		survey_soon(l);
	else if (l->changes.fd < 0 && !l->stopped)
		loop_timer(l->loop, &l->next, UNTOLD_MS);
}

static void
survey_now(struct survey *l)
{
	l->again = l->looking;
	if (l->looking || l->stopped)
		return;
	l->looking = true;
	l->arena = arena_new();
	l->found = NULL;
	pool_do(l->pool, &l->work);
}

static void
time_to_look(struct timer *t)
{
	survey_now((struct survey *)((char *)t - offsetof(struct survey, next)));
}

void
survey_soon(struct survey *l)
{
	if (!l->stopped)
		loop_timer(l->loop, &l->next, SETTLE_MS);
}

static void
changed(struct watch *w, uint32_t events)
{
	char many[4096];

	(void)events;
	while (read(w->fd, many, sizeof many) > 0)
		;
	survey_soon((struct survey *)((char *)w - offsetof(struct survey, changes)));
}

/* A record is renamed to its place, and unlinked at its end. */
static int
watch_vault(const char *where)
{
	const uint32_t of_interest = IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
	int fd = where[0] == '/' ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;

	if (fd >= 0 && inotify_add_watch(fd, where, of_interest) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* ---- life ----------------------------------------------------------------------- */

struct survey *
survey_new(struct loop *loop, struct pool *pool, struct lk *lk, const char *where,
	void (*take)(void *, const struct found *), void *arg)
{
	struct survey *l = must_calloc(1, sizeof(*l));

	*l = (struct survey){
		.work = { .run = run, .done = done },
		.loop = loop,
		.pool = pool,
		.lk = lk,
		.take = take,
		.arg = arg,
		.changes = { .fd = watch_vault(where), .ready = changed },
		.next = { .due = time_to_look },
	};
	if (l->changes.fd >= 0)
		loop_watch(loop, &l->changes, EPOLLIN);
	survey_now(l);
	return l;
}

void
survey_stop(struct survey *l)
{
	l->stopped = true;
	l->again = false;
	loop_timer_stop(l->loop, &l->next);
}

void
survey_free(struct survey *l)
{
	if (l->changes.fd >= 0) {
		loop_unwatch(l->loop, &l->changes);
		close(l->changes.fd);
	}
	arena_free(l->arena);
	free(l);
}
