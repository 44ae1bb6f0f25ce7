/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minder.c - a list of connections, and an alarm for the one that is due first.
 *
 * Of each connection one errand is under way at most; asks wait behind it. A struct
 * kept belongs to the loop's thread, save its errand while that is under way.
 */
#include "agent/minder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/errand.h"
#include "agent/survey.h"
#include "base/clock.h"

#define BACKLOG_MAX 256 /* that wait for one connection: more is a program gone mad */

struct kept {
	struct kept *next;
	struct minder *minder;
	char name[VAULT_NAME_MAX + 1];
	struct plan plan;
	bool listed;               /* the vault has it */
	struct ask *first, **last; /* waiting */
	size_t waiting;
	bool busy;                 /* the errand is under way, */
	struct ask *ask;           /* ... for this ask, or none */
	struct errand errand;
};

struct minder {
	struct loop *loop;
	struct pool *pool;
	struct lk *lk;
	struct kept *first;
	struct watch alarm; /* a timerfd */
	struct survey *survey;
	bool stopped;
};

static void errand_done(struct work *w);

/* ---- the alarm ------------------------------------------------------------------ */

/* Rings when the first of them is due. It counts the time that the machine sleeps, knows
 * nothing of the wall's clock, and is set again with everything that changes. */
static void
set_alarm(struct minder *k)
{
	int64_t due = PLAN_NEVER, now = seconds_now();
	struct itimerspec at = { .it_value = { 0 } };

	for (const struct kept *c = k->first; c != NULL; c = c->next)
		if (!c->busy && c->plan.due < due)
			due = c->plan.due;
	if (due != PLAN_NEVER && !k->stopped) {
		at.it_value.tv_sec = due > now ? (time_t)(due - now) : 0;
		at.it_value.tv_nsec = 1; /* all zero would mean never */
	}
	timerfd_settime(k->alarm.fd, 0, &at, NULL);
}

static void
start_errand(struct kept *c, struct ask *ask)
{
	struct errand *x = &c->errand;

	c->busy = true;
	c->ask = ask;
	x->work.run = errand_run;
	x->work.done = errand_done;
	x->lk = c->minder->lk;
	x->name = c->name;
	x->request = ask != NULL ? ask->request : NULL;
	x->plan = c->plan;
	pool_do(c->minder->pool, &x->work);
}

static void
alarm_rang(struct watch *w, uint32_t events)
{
	struct minder *k =
		(struct minder *)((char *)w - offsetof(struct minder, alarm));
	int64_t now = seconds_now();
	uint64_t times;

	(void)events;
	(void)!read(w->fd, &times, sizeof times);
	for (struct kept *c = k->first; c != NULL && !k->stopped; c = c->next)
		if (!c->busy && c->plan.due <= now)
			start_errand(c, NULL);
	set_alarm(k);
}

/* ---- the list ------------------------------------------------------------------- */

static struct kept *
find(struct minder *k, struct bytes name)
{
	struct kept *c = k->first;

	while (c != NULL && !bytes_equal(bytes_of(c->name), name))
		c = c->next;
	return c;
}

static struct kept *
find_or_add(struct minder *k, struct bytes name)
{
	struct kept *c = find(k, name);

	if (c != NULL)
		return c;
	c = must_calloc(1, sizeof(*c));
	c->minder = k;
	memcpy(c->name, name.p, name.n); /* valid, so VAULT_NAME_MAX at most */
	c->plan.due = PLAN_NEVER;
	c->last = &c->first;
	c->next = k->first;
	k->first = c;
	return c;
}

/* The vault does not have it, and nobody waits for it. */
static void
drop_unlisted(struct minder *k)
{
	struct kept **at = &k->first;

	while (*at != NULL) {
		struct kept *c = *at;

		if (c->listed || c->busy || c->first != NULL) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		lk_connection_close(c->errand.connection);
		free(c);
	}
}

/* What the vault has now. */
static void
take_in(void *arg, const struct found *list)
{
	struct minder *k = arg;

	for (struct kept *c = k->first; c != NULL; c = c->next)
		c->listed = false;
	for (const struct found *f = list; f != NULL; f = f->next) {
		struct kept *c = find_or_add(k, bytes_of(f->name));

		c->listed = true;
		plan_look(&c->plan, &f->seen, seconds_now(), any_number());
	}
	drop_unlisted(k);
	set_alarm(k);
}

/* ---- what came of an errand ----------------------------------------------------- */

static void
start_next(struct kept *c)
{
	struct ask *ask = c->first;

	if (c->busy || ask == NULL)
		return;
	c->first = ask->next;
	if (c->first == NULL)
		c->last = &c->first;
	c->waiting--;
	start_errand(c, ask);
}

static void
give_answer(struct kept *c)
{
	struct errand *x = &c->errand;
	struct agent_reply reply = { .status = x->error.status, .error = x->error };
	struct ask *ask = c->ask;
	int64_t left;

	if (x->token != NULL) {
		left = lk_token_expires_in(x->token);
		reply.access_token = bytes_of(lk_token_text(x->token));
		reply.expires_at_ms = left < 0 ? -1 : clock_boot_ms() + left * 1000;
	}
	c->ask = NULL;
	ask->answer(ask, &reply);
	lk_token_free(x->token);
	x->token = NULL;
}

static void
make_plan(struct kept *c)
{
	const struct errand *x = &c->errand;

	if (x->error.status == LK_OK && !x->tried)
		plan_look(&c->plan, &x->seen, seconds_now(), any_number());
	else
		plan_tried(&c->plan, x->tried ? &x->seen : &x->plan.seen, &x->error,
			seconds_now(), any_number());
}

static void
errand_done(struct work *w)
{
	struct errand *x = (struct errand *)w;
	struct kept *c = (struct kept *)((char *)x - offsetof(struct kept, errand));
	struct minder *k = c->minder;
	bool found = x->error.status != LK_NOT_FOUND;

	c->busy = false;
	if (c->ask == NULL)
		make_plan(c);
	else if (found && !c->listed) /* made since the vault was looked at */
		survey_soon(k->survey);
	if (c->ask != NULL)
		give_answer(c);
	c->listed = c->listed && found;
	start_next(c);
	drop_unlisted(k);
	set_alarm(k);
}

/* ---- asking --------------------------------------------------------------------- */

void
minder_ask(struct minder *k, struct ask *ask)
{
	struct kept *c = k->stopped ? NULL : find_or_add(k, ask->request->name);

	if (c == NULL || c->waiting == BACKLOG_MAX) {
		ask->answer(ask, NULL);
		return;
	}
	ask->next = NULL;
	*c->last = ask;
	c->last = &ask->next;
	c->waiting++;
	start_next(c);
}

/* ---- life ----------------------------------------------------------------------- */

struct minder *
minder_new(struct loop *loop, struct pool *pool, struct lk *lk, const char *where)
{
	struct minder *k = must_calloc(1, sizeof(*k));

	k->loop = loop;
	k->pool = pool;
	k->lk = lk;
	k->alarm.fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	k->alarm.ready = alarm_rang;
	if (k->alarm.fd < 0)
		abort(); /* no descriptor is left before anything was begun */
	loop_watch(loop, &k->alarm, EPOLLIN);
	k->survey = survey_new(loop, pool, lk, where, take_in, k);
	return k;
}

void
minder_stop(struct minder *k)
{
	k->stopped = true;
	survey_stop(k->survey);
	set_alarm(k);
	for (struct kept *c = k->first; c != NULL; c = c->next) {
		struct ask *ask = c->first, *next;

		c->first = NULL;
		c->last = &c->first;
		for (; ask != NULL; ask = next) {
			next = ask->next;
			ask->answer(ask, NULL);
		}
	}
}

void
minder_free(struct minder *k)
{
	for (struct kept *c = k->first, *next; c != NULL; c = next) {
		next = c->next;
		lk_connection_close(c->errand.connection);
		free(c);
	}
	survey_free(k->survey);
	loop_unwatch(k->loop, &k->alarm);
	close(k->alarm.fd);
	free(k);
}
