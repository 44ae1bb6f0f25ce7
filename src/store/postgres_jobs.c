/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_jobs.c - calls that wait: queues of them, those that wait once more, and
 * those that have waited too long, which are told so.
 */
#include "base/clock.h"
#include "store/postgres.h"

#define DOWN_MAX_MS 1000 /* from then on calls fail at once */
#define AGAIN_MS 1100 /* a deadlock (1000) is tried again, a lock not had (1200) is not */
#define WAIT_MS 400 /* for a batch under way, which itself may take PG_ANSWER_MS */

void
jobs_add(struct jobs *q, struct job *j)
{
	j->next = NULL;
	if (q->n++ == 0)
		q->first = j;
	else
		q->last->next = j;
	q->last = j;
}

struct job *
jobs_take(struct jobs *q)
{
	struct job *j = q->first;

	if (j == NULL)
		return NULL;
	q->first = j->next;
	q->n--;
	return j;
}

void
jobs_move(struct jobs *to, struct jobs *from)
{
	struct job *j;

	while ((j = jobs_take(from)) != NULL)
		jobs_add(to, j);
}

/* ---- too late ------------------------------------------------------------- */

static bool
is_late(const struct line *l, const struct job *j, int64_t now_ms)
{
	bool up = (l->state == LINE_IDLE || l->state == LINE_BUSY) && !l->stalled;

	if (!up && l->down_ms != 0 && now_ms - l->down_ms > DOWN_MAX_MS)
		return true;
	if (up && !j->unsure)
		return now_ms - j->queued_ms > WAIT_MS;
	return now_ms - j->asked_ms > PG_ANSWER_MS;
}

/* The first is the one that waits longest. */
void
line_give_up(struct line *l, int64_t now_ms)
{
	struct jobs kept = { 0 };
	struct job *j;

	if (l->waiting.n == 0 || !is_late(l, l->waiting.first, now_ms))
		return;
	while ((j = jobs_take(&l->waiting)) != NULL) {
		if (is_late(l, j, now_ms))
			pg_port_end_job(l->port, j, FAULT, &l->fault);
		else
			jobs_add(&kept, j);
	}
	jobs_move(&kept, &l->waiting); /* what was asked meanwhile */
	l->waiting = kept;
}

/* Back in front of what waits, in order; whoever has waited long enough is answered. How
 * long the batch took is not held against the others: they wait anew. */
void
line_again(struct line *l)
{
	int64_t now_ms = clock_monotonic_ms(), since_ms = now_ms - AGAIN_MS;
	struct jobs all = { 0 };
	struct job *j;

	l->shot_count = 0;
	arena_reset(l->arena);
	while ((j = jobs_take(&l->batch)) != NULL)
		if (j->asked_ms < since_ms) {
			pg_port_end_job(l->port, j, FAULT, &l->fault);
		} else {
			j->queued_ms = now_ms;
			jobs_add(&all, j);
		}
	jobs_move(&all, &l->waiting);
	l->waiting = all;
	pg_port_wake(l->port);
}
