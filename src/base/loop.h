/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - one epoll event loop a thread: descriptors, timers, a mailbox.
 *
 * Promises: callbacks run on the loop's thread only; a callback may add or
 * remove anything, itself included; timers are coarse (a wheel of 50 ms) and
 * cost nothing to move; log lines are flushed once a turn. Who is of the first
 * rank waits for a few of each other rank, however many are ready there.
 */
#ifndef LATCHKEY_BASE_LOOP_H
#define LATCHKEY_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mailbox.h"

struct loop;

/* Of the first all that are ready have their turn, of the others a few. */
enum rank { RANK_FIRST, RANK_NEXT, RANK_LAST, RANK_COUNT };

/* A descriptor watched; zero it before first use, embed it and get back with
 * container-of. Level-triggered; EPOLLHUP and EPOLLERR come unasked. */
struct watch {
	int fd;
	uint32_t events; /* EPOLLIN | EPOLLOUT ... now asked for */
	enum rank rank;  /* as of the next loop_watch */
	void (*ready)(struct watch *, uint32_t events);
	enum rank in;    /* the loop's */
	bool watched;    /* the loop's */
};

/* A timer; zero it before first use. */
struct timer {
	struct timer *next, **prev; /* the loop's */
	int64_t due_ms;
	void (*due)(struct timer *);
};

struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_watch(struct loop *l, struct watch *w, uint32_t events); /* adds or changes */
void loop_unwatch(struct loop *l, struct watch *w); /* before closing the fd */
/* Sets or moves; never early. 0: at the end of this turn (from a timer's own
 * callback: of the next). */
void loop_timer(struct loop *l, struct timer *t, int64_t in_ms);
void loop_timer_stop(struct loop *l, struct timer *t);
/* The loop's mailbox: letters posted to it are opened on this thread. */
struct mailbox *loop_mailbox(struct loop *l);
/* Monotonic milliseconds as of this turn. */
int64_t loop_now_ms(const struct loop *l);
/* Called once at the end of each turn (may be NULL). */
void loop_after_turn(struct loop *l, void (*fn)(void *), void *arg);
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l); /* from the loop's thread; others post a letter */

#endif
