/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_late.c - who has waited for a line too long is answered, whatever it does.
 */
#include "store/postgres.h"

#define DOWN_MAX_MS 1000 /* from then on calls fail at once */
#define WAIT_MS 400 /* for a batch under way, which itself may take PG_ANSWER_MS */

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
