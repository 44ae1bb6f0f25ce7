/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - epoll, a timer wheel and a mailbox, one turn after another.
 *
 * A turn: sleep until something is due -> note the time -> run what is ready
 * -> run the timers that are due -> the caller's after-turn -> flush the log.
 *
 * Each rank of descriptors has an epoll of its own. That of the first is slept on, and
 * watches the others: when it says that something is ready there, a few of it are run
 * after all that the first has.
 *
 * The wheel has SLOTS lists of TICK milliseconds each. A timer hangs in the
 * slot of its due time modulo one revolution; one that is due in a later
 * revolution is passed over. A bit says which slots may hold something (it is
 * cleared when a slot is found empty), so the sleep is as long as it can be.
 * A timer set to 0 ms hangs in a list of its own and runs this very turn; one
 * set from a timer's callback runs in the next.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	TICK = 50,     /* ms */
	SLOTS = 2048,  /* one revolution: 102 s, beyond every deadline of http */
	BATCH = 256,   /* events taken from epoll at once */
	DUE_A_TURN = 16, /* timers run; thousands may be due at once, and events wait */
};

static const int a_turn[RANK_COUNT] = { BATCH, 16, 8 };

/* The descriptors of a rank; `others` stands for this one in the first. */
struct ready {
	struct watch others;
	int epoll;
	bool some;
};

struct loop {
	struct ready ranks[RANK_COUNT];
	bool stop;
	int64_t now_ms;
	int64_t tick; /* the last slot time that has been run */
	struct mailbox *mailbox;
	struct watch mail;
	void (*after_turn)(void *);
	void *after_turn_arg;
	struct timer *soon;
	struct timer *due; /* taken out of their slots, and not run yet */
	struct timer *slots[SLOTS];
	uint64_t maybe[SLOTS / 64];
	struct epoll_event events[BATCH];
	int event, event_count; /* the batch under way; an unwatched one is emptied */
};

static int sleep_ms(const struct loop *l);
static void run_ready(struct loop *l);
static void run_timers(struct loop *l);

static struct loop *
loop_of_mail(struct watch *w)
{
	return (struct loop *)((char *)w - offsetof(struct loop, mail));
}

static void
mail_ready(struct watch *w, uint32_t events)
{
	(void)events;
	mailbox_deliver(loop_of_mail(w)->mailbox);
}

static void
some_ready(struct watch *w, uint32_t events)
{
	struct ready *r = (struct ready *)w; /* others is its first */

	(void)events;
	r->some = true;
}

static void
make_rank(struct loop *l, enum rank rank)
{
	struct ready *r = &l->ranks[rank];

	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0) {
		perror("latchkey: cannot make an event loop");
		abort();
	}
	r->others = (struct watch){ .fd = r->epoll, .ready = some_ready };
	if (rank != RANK_FIRST)
		loop_watch(l, &r->others, EPOLLIN);
}

struct loop *
loop_new(void)
{
	struct loop *l = must_calloc(1, sizeof(*l));

	for (int rank = RANK_FIRST; rank < RANK_COUNT; rank++)
		make_rank(l, (enum rank)rank);
	l->now_ms = clock_monotonic_ms();
	l->tick = l->now_ms / TICK;
	l->mailbox = mailbox_new();
	l->mail = (struct watch){ .fd = mailbox_fd(l->mailbox), .ready = mail_ready };
	loop_watch(l, &l->mail, EPOLLIN);
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	mailbox_free(l->mailbox);
	for (int rank = RANK_FIRST; rank < RANK_COUNT; rank++)
		close(l->ranks[rank].epoll);
	free(l);
}

static void
take_ready(struct loop *l, enum rank rank, int sleep)
{
	int count = epoll_wait(l->ranks[rank].epoll, l->events, a_turn[rank], sleep);

	assert(count >= 0 || errno == EINTR);
	l->event_count = count > 0 ? count : 0;
}

static void
run_others(struct loop *l)
{
	for (int rank = RANK_FIRST + 1; rank < RANK_COUNT; rank++) {
		if (!l->ranks[rank].some)
			continue;
		l->ranks[rank].some = false;
		take_ready(l, (enum rank)rank, 0);
		run_ready(l);
	}
}

void
loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop) {
		take_ready(l, RANK_FIRST, sleep_ms(l));
		l->now_ms = clock_monotonic_ms();
		run_ready(l);
		run_others(l);
		run_timers(l);
		if (l->after_turn != NULL)
			l->after_turn(l->after_turn_arg);
		log_flush();
	}
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

struct mailbox *
loop_mailbox(struct loop *l)
{
	return l->mailbox;
}

int64_t
loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

void
loop_after_turn(struct loop *l, void (*fn)(void *), void *arg)
{
	l->after_turn = fn;
	l->after_turn_arg = arg;
}

/* ---- descriptors ---------------------------------------------------------- */

void
loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };
	int op;

	if (w->watched && w->in != w->rank)
		loop_unwatch(l, w);
	if (w->watched && w->events == events)
		return;
	op = w->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (epoll_ctl(l->ranks[w->rank].epoll, op, w->fd, &e) != 0) {
		perror("latchkey: cannot watch a descriptor");
		abort();
	}
	w->in = w->rank;
	w->events = events;
	w->watched = true;
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
	if (!w->watched)
		return;
	epoll_ctl(l->ranks[w->in].epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->watched = false;
	for (int i = l->event + 1; i < l->event_count; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

static void
run_ready(struct loop *l)
{
	for (l->event = 0; l->event < l->event_count; l->event++) {
		struct watch *w = l->events[l->event].data.ptr;

		if (w != NULL)
			w->ready(w, l->events[l->event].events);
	}
	l->event_count = 0;
}

/* ---- timers --------------------------------------------------------------- */

static void
hang(struct timer **list, struct timer *t)
{
	t->next = *list;
	t->prev = list;
	if (t->next != NULL)
		t->next->prev = &t->next;
	*list = t;
}

void
loop_timer_stop(struct loop *l, struct timer *t)
{
	(void)l;
	if (t->prev == NULL)
		return;
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	t->next = NULL;
	t->prev = NULL;
}

void
loop_timer(struct loop *l, struct timer *t, int64_t in_ms)
{
	int64_t tick;
	size_t slot;

	loop_timer_stop(l, t);
	t->due_ms = l->now_ms + (in_ms > 0 ? in_ms : 0);
	if (in_ms <= 0) {
		hang(&l->soon, t);
		return;
	}
	/* Never early: the first tick at or after the due time, and not one that
	 * has been run. */
	tick = (t->due_ms + TICK - 1) / TICK;
	if (tick <= l->tick)
		tick = l->tick + 1;
	slot = (size_t)(tick % SLOTS);
	hang(&l->slots[slot], t);
	l->maybe[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* The next tick whose slot may hold a timer; -1 if none does. */
static int64_t
next_tick(const struct loop *l)
{
	for (int64_t tick = l->tick + 1; tick <= l->tick + SLOTS;) {
		size_t slot = (size_t)(tick % SLOTS);
		uint64_t word = l->maybe[slot / 64] >> slot % 64;

		if (word != 0)
			return tick + __builtin_ctzll(word);
		tick += 64 - (int64_t)(slot % 64);
	}
	return -1;
}

static int
sleep_ms(const struct loop *l)
{
	int64_t tick = next_tick(l);
	int64_t left;

	if (l->soon != NULL || l->due != NULL)
		return 0;
	if (tick < 0)
		return -1;
	left = tick * TICK - clock_monotonic_ms();
	return left > 0 ? (int)left : 0;
}

/* Runs a list that was taken off its place; callbacks may stop or move any of
 * it, themselves included, or free what has run. */
static void
run_list(struct loop *l, struct timer *list)
{
	if (list != NULL)
		list->prev = &list;
	while (list != NULL) {
		struct timer *t = list;

		loop_timer_stop(l, t);
		t->due(t);
	}
}

/* Takes what is due out of a slot; the rest waits for its revolution. */
static void
take_due(struct loop *l, size_t slot, int64_t tick)
{
	struct timer *next;

	for (struct timer *t = l->slots[slot]; t != NULL; t = next) {
		next = t->next;
		if (t->due_ms > tick * TICK)
			continue;
		loop_timer_stop(l, t);
		hang(&l->due, t);
	}
	if (l->slots[slot] == NULL)
		l->maybe[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

/* The next that is due; NULL: none yet. */
static struct timer *
next_due(struct loop *l)
{
	int64_t now_tick = l->now_ms / TICK;
	int64_t tick;

	while (l->due == NULL && (tick = next_tick(l)) >= 0 && tick <= now_tick) {
		l->tick = tick;
		take_due(l, (size_t)(tick % SLOTS), tick);
	}
	if (l->due == NULL && l->tick < now_tick)
		l->tick = now_tick;
	return l->due;
}

static void
run_timers(struct loop *l)
{
	struct timer *soon = l->soon;
	struct timer *t;

	l->soon = NULL;
	run_list(l, soon);
	for (int i = 0; i < DUE_A_TURN && (t = next_due(l)) != NULL; i++) {
		loop_timer_stop(l, t);
		t->due(t);
	}
}
