/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/loop.c. */
#include "base/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tap.h"

static struct loop *loop;

/* ---- timers --------------------------------------------------------------- */

struct alarm {
	struct timer timer;
	int64_t in_ms, rang_ms; /* -1: not yet */
	int order;
};

static int rung, expected;

static void
ring(struct timer *t)
{
	struct alarm *a = (struct alarm *)t;

	a->rang_ms = loop_now_ms(loop);
	a->order = ++rung;
	if (rung == expected)
		loop_stop(loop);
}

static void
start(int expect)
{
	loop = loop_new();
	rung = 0;
	expected = expect;
}

TEST(a_timer_is_never_early_and_at_most_a_tick_late)
{
	struct alarm alarms[] = {
		{ .in_ms = 0 }, { .in_ms = 1 }, { .in_ms = 49 }, { .in_ms = 50 },
		{ .in_ms = 51 }, { .in_ms = 130 }, { .in_ms = 333 },
	};
	size_t count = sizeof(alarms) / sizeof(alarms[0]);
	int64_t begun;

	start((int)count);
	begun = loop_now_ms(loop);
	for (size_t i = 0; i < count; i++) {
		alarms[i].timer.due = ring;
		loop_timer(loop, &alarms[i].timer, alarms[i].in_ms);
	}
	loop_run(loop);
	for (size_t i = 0; i < count; i++) {
		int64_t took = alarms[i].rang_ms - begun;

		row("%d ms", (int)alarms[i].in_ms);
		check(took >= alarms[i].in_ms);
		check(took <= alarms[i].in_ms + 50 + 500); /* a slow machine */
	}
	for (size_t i = 1; i < count; i++)
		check(alarms[i].rang_ms >= alarms[i - 1].rang_ms);
	loop_free(loop);
}

TEST(a_moved_timer_rings_once_and_a_stopped_one_never)
{
	struct alarm moved = { .timer.due = ring }, stopped = { .timer.due = ring };
	struct alarm last = { .timer.due = ring };
	int64_t begun;

	start(2);
	begun = loop_now_ms(loop);
	loop_timer(loop, &moved.timer, 10);
	loop_timer(loop, &moved.timer, 200);
	loop_timer(loop, &stopped.timer, 10);
	loop_timer_stop(loop, &stopped.timer);
	loop_timer_stop(loop, &stopped.timer);
	loop_timer(loop, &last.timer, 300);
	loop_run(loop);
	check(moved.rang_ms - begun >= 200);
	check_int(moved.order, 1);
	check_int(last.order, 2);
	check_int(stopped.order, 0);
	loop_free(loop);
}

/* Beyond one revolution of the wheel (102 s) it must not ring with its slot. */
TEST(a_timer_of_a_later_revolution_waits_for_it)
{
	struct alarm later = { .timer.due = ring }, end = { .timer.due = ring };

	start(1);
	loop_timer(loop, &later.timer, 50 * 2048 + 60);
	loop_timer(loop, &end.timer, 250);
	loop_run(loop);
	check_int(end.order, 1);
	check_int(later.order, 0);
	loop_timer_stop(loop, &later.timer);
	loop_free(loop);
}

static struct alarm victim;

static void
stop_the_victim(struct timer *t)
{
	ring(t);
	loop_timer_stop(loop, &victim.timer);
}

static void
again(struct timer *t)
{
	ring(t);
	if (rung < expected)
		loop_timer(loop, t, 0);
}

TEST(a_timer_may_stop_another_of_its_tick_or_set_itself_again)
{
	struct alarm killer = { .timer.due = stop_the_victim };
	struct alarm end = { .timer.due = ring };
	struct alarm repeat = { .timer.due = again };

	start(2);
	victim = (struct alarm){ .timer.due = ring };
	loop_timer(loop, &victim.timer, 0);
	loop_timer(loop, &killer.timer, 0); /* hung in front, so it runs first */
	loop_timer(loop, &end.timer, 60);
	loop_run(loop);
	check_int(killer.order, 1);
	check_int(victim.order, 0);
	check_int(end.order, 2);
	loop_free(loop);

	start(5);
	loop_timer(loop, &repeat.timer, 0);
	loop_run(loop);
	check_int(rung, 5);
	loop_free(loop);
}

/* ---- descriptors ---------------------------------------------------------- */

struct pair {
	struct watch watch;
	struct pair *other;
	int seen;
};

static void
silence_both(struct watch *w, uint32_t events)
{
	struct pair *p = (struct pair *)w;

	check(events & EPOLLIN);
	p->seen++;
	loop_unwatch(loop, &p->other->watch);
	loop_unwatch(loop, &p->watch);
	loop_stop(loop);
}

/* Both are ready in one turn; the first to run must be the last. */
TEST(a_callback_may_remove_what_is_ready_in_the_same_turn)
{
	struct pair a = { .watch = { .fd = eventfd(1, 0), .ready = silence_both } };
	struct pair b = { .watch = { .fd = eventfd(1, 0), .ready = silence_both } };

	start(0);
	a.other = &b;
	b.other = &a;
	loop_watch(loop, &a.watch, EPOLLIN);
	loop_watch(loop, &b.watch, EPOLLIN);
	loop_run(loop);
	check_int(a.seen + b.seen, 1);
	close(a.watch.fd);
	close(b.watch.fd);
	loop_free(loop);
}

static void
count_seen(struct watch *w, uint32_t events)
{
	(void)events;
	((struct pair *)w)->seen++;
}

TEST(a_watch_that_asks_for_nothing_is_not_run)
{
	struct pair quiet = { .watch = { .fd = eventfd(1, 0), .ready = count_seen } };
	struct alarm end = { .timer.due = ring };

	start(1);
	loop_watch(loop, &quiet.watch, EPOLLIN);
	loop_watch(loop, &quiet.watch, 0);
	loop_timer(loop, &end.timer, 60);
	loop_run(loop);
	check_int(quiet.seen, 0);
	loop_unwatch(loop, &quiet.watch);
	close(quiet.watch.fd);
	loop_free(loop);
}

/* ---- ranks ---------------------------------------------------------------- */

enum { CROWD = 100 };

static struct pair crowd[CROWD], first;
static int most_a_turn, last_total, turns_left;

static int
crowd_seen(void)
{
	int total = 0;

	for (int i = 0; i < CROWD; i++)
		total += crowd[i].seen;
	return total;
}

static void
look_at_turn(void *arg)
{
	int total = crowd_seen();

	(void)arg;
	if (total - last_total > most_a_turn)
		most_a_turn = total - last_total;
	last_total = total;
	if (--turns_left == 0)
		loop_stop(loop);
}

static void
look_at_turns(int n)
{
	most_a_turn = 0;
	turns_left = n;
	first.seen = 0;
	last_total = crowd_seen();
	loop_run(loop);
	check_int(first.seen, n);
}

static void
be_in(struct pair *p, enum rank rank)
{
	p->watch.rank = rank;
	loop_watch(loop, &p->watch, EPOLLIN);
}

TEST(the_first_rank_waits_for_a_few_of_a_crowd)
{
	start(0);
	loop_after_turn(loop, look_at_turn, NULL);
	first.watch = (struct watch){ .fd = eventfd(1, 0), .ready = count_seen };
	be_in(&first, RANK_FIRST);
	for (int i = 0; i < CROWD; i++) {
		crowd[i].watch = (struct watch){ .fd = eventfd(1, 0), .ready = count_seen };
		be_in(&crowd[i], i < CROWD / 2 ? RANK_NEXT : RANK_LAST);
	}
	look_at_turns(20);
	check_int(most_a_turn, 16 + 8);
	for (int i = 0; i < CROWD; i++)
		check(crowd[i].seen > 0); /* each has its turn */

	for (int i = 0; i < CROWD; i++)
		be_in(&crowd[i], RANK_FIRST);
	look_at_turns(3);
	check_int(most_a_turn, CROWD);
	for (int i = 0; i < CROWD; i++) {
		loop_unwatch(loop, &crowd[i].watch);
		close(crowd[i].watch.fd);
	}
	loop_unwatch(loop, &first.watch);
	close(first.watch.fd);
	loop_free(loop);
}

/* ---- letters and turns ---------------------------------------------------- */

static int turns;

static void
count_turn(void *arg)
{
	++*(int *)arg;
}

static void
stop_by_letter(struct letter *l)
{
	(void)l;
	loop_stop(loop);
}

static struct letter stop_letter = { .open = stop_by_letter };

static void *
post_stop(void *arg)
{
	mailbox_post(arg, &stop_letter);
	return NULL;
}

TEST(another_thread_wakes_the_loop_by_a_letter)
{
	pthread_t thread;

	start(0);
	turns = 0;
	loop_after_turn(loop, count_turn, &turns);
	pthread_create(&thread, NULL, post_stop, loop_mailbox(loop));
	loop_run(loop);
	pthread_join(thread, NULL);
	check_int(turns, 1);
	loop_free(loop);
}
