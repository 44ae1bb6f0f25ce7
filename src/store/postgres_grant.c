/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_grant.c - the verbs about many grants: those that end together, and lists.
 * (One grant is found and changed by postgres_port.c and postgres_batch.c.)
 */
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

#define GRANTS_A_STEP 1000

/* ---- ending many --------------------------------------------------------- */

static struct pg_query
begin_from(struct pg *db, const struct grants_end *c)
{
	bool by_user = c->user != 0;
	struct pg_query q = pg_begin(
		db, by_user ? PG_grants_of_user_from : PG_grants_of_client_from);

	pg_put_int(&q.in, by_user ? c->user : c->client);
	pg_put_int(&q.in, c->call.resume);
	if (by_user)
		pg_put_int(&q.in, c->client);
	pg_put_int(&q.in, GRANTS_A_STEP);
	return q;
}

/* The rows are locked, so all of them are still as they were found. */
static enum outcome
save_ends(struct pg *db, const struct grant_saving *saving, size_t n)
{
	struct pg_query q;

	if (n == 0)
		return DONE;
	q = pg_begin(db, PG_grants_finish);
	pg_put_ends(db->store, &q.in, saving, n);
	return pg_do(&q, NULL);
}

struct step {
	struct grant grants[GRANTS_A_STEP];
	struct grant_saving saving[GRANTS_A_STEP];
	size_t n, ended;
	int64_t last;
};

static void
end_taken(struct step *step, struct grants_end *c, struct pg_query *q, struct arena *a)
{
	struct grant *g = &step->grants[step->n++];
	int64_t mark;

	pg_grant_take(&q->out, a, g, &step->last, &mark);
	/* Nobody presented a token: the grant ends as of its newest. */
	if (!grant_end(g, c->why, g->generation, c->from, c->now).changed)
		return;
	g->version++;
	step->saving[step->ended++] = (struct grant_saving){ g, mark, pg_mark_new() };
}

enum outcome
pg_grants_end_some(struct pg *db, struct grants_end *c)
{
	struct pg_query q = begin_from(db, c);
	struct arena *a = arena_new();
	struct step *step = ARENA_NEW(a, struct step);
	enum outcome end;

	while (step->n < GRANTS_A_STEP && pg_next(&q))
		end_taken(step, c, &q, a);
	end = pg_end(&q);
	if (end == DONE)
		end = save_ends(db, step->saving, step->ended);
	c->ended += step->ended;
	if (step->n > 0)
		c->call.resume = step->last;
	db->again = step->n == GRANTS_A_STEP;
	arena_free(a);
	return end;
}

enum outcome
pg_grants_end(struct pg *db, struct grants_end *c)
{
	if (c->call.resume == 0)
		c->ended = 0;
	return pg_grants_end_some(db, c);
}

/* ---- lists --------------------------------------------------------------- */

static struct pg_query
begin_list(struct pg *db, const struct grant_list *c, const uint8_t *low,
	const uint8_t *high)
{
	struct pg_query q;

	if (c->key_prefix.n > 0) {
		q = pg_begin(db, PG_grants_by_key);
		pg_put_blob(&q.in, low, GRANT_KEY_SIZE);
		pg_put_blob(&q.in, high, GRANT_KEY_SIZE);
		pg_put_int(&q.in, c->ended_too);
		pg_put_int(&q.in, c->user);
		pg_put_int(&q.in, c->client);
	} else if (c->user != 0) {
		q = pg_begin(db, PG_grants_of_user);
		pg_put_int(&q.in, c->user);
		pg_put_int(&q.in, c->ended_too);
		pg_put_int(&q.in, c->client);
	} else if (c->client != 0) {
		q = pg_begin(db, PG_grants_of_client);
		pg_put_int(&q.in, c->client);
		pg_put_int(&q.in, c->ended_too);
	} else {
		q = pg_begin(db, PG_grants_all);
		pg_put_int(&q.in, c->ended_too);
	}
	pg_put_int(&q.in, (int64_t)c->limit);
	return q;
}

enum outcome
pg_grant_list(struct pg *db, struct grant_list *c)
{
	uint8_t low[GRANT_KEY_SIZE], high[GRANT_KEY_SIZE];
	struct arena *a = c->call.arena;
	int64_t id, mark;
	struct pg_query q;

	c->count = 0;
	c->grants = NULL;
	if (!grant_key_range(c->key_prefix, low, high))
		return DONE;
	q = begin_list(db, c, low, high);
	while (pg_next(&q)) {
		c->grants = list_room(a, c->grants, c->count, sizeof(*c->grants));
		pg_grant_take(&q.out, a, &c->grants[c->count++], &id, &mark);
	}
	return pg_end(&q);
}
