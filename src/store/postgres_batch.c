/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_batch.c - a batch sorted by its verbs, and rows by whose they are.
 *
 * What there may be many of is one statement over arrays, whose rows say by number
 * whose they are; of the rest each has a statement of its own, in the same batch.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

struct pg_params
line_params(struct line *l)
{
	return (struct pg_params){ .arena = l->arena };
}

static bool
is_one_of(const struct job *j, const enum verb *verbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (j->call->verb == verbs[i])
			return true;
	return false;
}

/* The jobs of these verbs, in order. */
struct pick
pg_pick(struct line *l, const struct jobs *batch, const enum verb *verbs, size_t n)
{
	struct pick p = { ARENA_ARRAY(l->arena, struct job *, batch->n), 0 };

	for (struct job *j = batch->first; p.n < batch->n; j = j->next) {
		if (is_one_of(j, verbs, n))
			p.jobs[p.n++] = j;
		if (j == batch->last)
			break;
	}
	return p;
}

void
pg_shoot_each(struct line *l, const struct pick *p, enum pg_statement which, putter *put,
	shot_taker *take)
{
	for (size_t i = 0; i < p->n; i++) {
		struct pg_params params = line_params(l);

		put(&params, l->port->port.store, p->jobs[i]->call);
		line_shoot(l, which, &params, take, &p->jobs[i], 1);
	}
}

struct job *
pg_next_job(struct pg_row *r, struct job **jobs, size_t n)
{
	while (++r->row < pq.ntuples(r->result)) {
		int64_t number;

		r->column = 0;
		number = pg_take_int(r);
		if (number >= 1 && (size_t)number <= n)
			return jobs[number - 1];
	}
	return NULL;
}
