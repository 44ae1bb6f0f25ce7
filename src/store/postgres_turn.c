/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_turn.c - when a port sends what waits, and by which of its lines.
 *
 * A commit costs nearly as much for one change as for many, and what is told waits for
 * disks. So changes go together where that costs next to nothing:
 *
 *  1. As long as each turn of the loop brings more of them they gather, for 2 ms at most:
 *     the next turn is at once.
 *  2. Changes whose grants are just being read go along: a read is short, and without it
 *     half of the clients would always wait while the other half commits. Three batches of
 *     reads are waited for and no more, so that changes are never kept waiting.
 *  3. What would wait behind a commit for a few goes by another line. Behind one for many
 *     as many gather for the next, which costs the database less.
 */
#include "base/clock.h"
#include "store/postgres.h"

#define LATE_ALONG 32
#define HOLD_READS 3
#define HOLD_MS 3 /* reads take much less, or all is slow */
#define GATHER_MS 2

/* ---- what nobody waits for ----------------------------------------------- */

/* A few along with others, all when it is time. */
static void
move_late(struct pg_port *p, int64_t now_ms)
{
	size_t room = p->changes[0].waiting.n > 0 ? LATE_ALONG : 0;

	if (now_ms >= p->late_due_ms)
		room = BATCH_MAX;
	while (room-- > 0 && p->late.n > 0) {
		struct job *j = jobs_take(&p->late);

		j->asked_ms = now_ms;
		pg_port_queue(p, j);
	}
}

/* ---- which line ---------------------------------------------------------- */

static bool
is_free(const struct line *l, int64_t now_ms)
{
	return l->state == LINE_IDLE && l->waiting.n == 0 && now_ms >= l->rest_ms;
}

/* What is to be tried one by one stays where it failed together. */
static void
share_out(struct pg_port *p, int64_t now_ms)
{
	for (size_t i = 0; i < CHANGERS; i++) {
		struct line *from = &p->changes[i], *to = &p->changes[(i + 1) % CHANGERS];

		if (from->state != LINE_IDLE && from->alone == 0 &&
			from->batch.n < PG_MANY && is_free(to, now_ms))
			jobs_move(&to->waiting, &from->waiting);
	}
}

/* ---- going together ------------------------------------------------------ */

static bool
gathers(struct pg_port *p, int64_t now_ms)
{
	bool more = p->changed != p->gathered;

	p->gathered = p->changed;
	if (!more)
		p->gather_ms = 0;
	else if (p->gather_ms == 0)
		p->gather_ms = now_ms;
	return more && now_ms - p->gather_ms < GATHER_MS;
}

static bool
brings_changes(const struct line *l)
{
	for (const struct job *j = l->batch.first; j != NULL; j = j->next)
		if (j->call->verb == VERB_grant_change)
			return true;
	return false;
}

static bool
could_send(const struct pg_port *p)
{
	for (size_t i = 0; i < CHANGERS; i++)
		if (p->changes[i].state == LINE_IDLE && p->changes[i].waiting.n > 0)
			return true;
	return false;
}

static bool
reads_bring_more(struct pg_port *p, int64_t now_ms)
{
	const struct line *r = &p->reads;

	if (!could_send(p) || r->state != LINE_BUSY || r->stalled || !brings_changes(r)) {
		p->held_from = 0;
		return false;
	}
	if (p->held_from == 0) {
		p->held_from = r->batches;
		p->held_ms = now_ms;
	}
	return r->batches - p->held_from < HOLD_READS && now_ms - p->held_ms < HOLD_MS;
}

/* ---- a turn -------------------------------------------------------------- */

static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int
pg_port_tend(struct pg_port *p)
{
	int64_t now_ms = clock_monotonic_ms();
	bool more, held;
	int wants;

	move_late(p, now_ms);
	wants = line_tend(&p->reads, now_ms);
	share_out(p, now_ms);
	more = gathers(p, now_ms);
	held = reads_bring_more(p, now_ms) || more;
	if (held && could_send(p))
		wants = sooner(wants, more ? 0 : HOLD_MS);
	for (size_t i = 0; i < CHANGERS; i++) {
		struct line *l = &p->changes[i];

		l->held = held && l->waiting.n < BATCH_MAX;
		wants = sooner(wants, line_tend(l, now_ms));
	}
	if (p->late.n > 0)
		wants = sooner(wants, p->late_due_ms > now_ms
				? (int)(p->late_due_ms - now_ms) : 0);
	return wants;
}
