/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_reclaim.c - dead rows go a few at a time, after traffic that makes new
 * ones; nothing ever looks through a table. (sqlite_reclaim.c says why a grant has a
 * due day.) Nodes pass over what another one is looking at.
 */
#include "base/arena.h"
#include "store/postgres.h"

#define DAY INT64_C(86400)
#define VISITS_MAX 512
#define REFUSALS_KEPT 20000

static enum outcome
visit(struct pg *db, const struct grant *g, int64_t now, size_t *reclaimed)
{
	bool dead = grant_may_go(db->store, g, now);
	struct pg_query q = pg_begin(db, dead ? PG_grant_delete : PG_grant_rearm);

	if (!dead)
		pg_put_int(&q.in, grant_due_day(db->store, g, now));
	pg_put_blob(&q.in, g->key, GRANT_KEY_SIZE);
	*reclaimed += dead;
	return pg_do(&q, NULL);
}

static enum outcome
reclaim_grants(struct pg *db, int64_t now, size_t visits, size_t *reclaimed)
{
	struct pg_query q = pg_begin(db, PG_grants_due);
	enum outcome visited = DONE;
	int64_t id, mark;
	struct grant g;

	arena_reset(db->scratch);
	pg_put_int(&q.in, now / DAY);
	pg_put_int(&q.in, (int64_t)visits);
	while (visited == DONE && pg_next(&q)) {
		pg_grant_take(&q.out, db->scratch, &g, &id, &mark);
		visited = visit(db, &g, now, reclaimed);
	}
	if (pg_end(&q) != DONE)
		return FAULT;
	return visited;
}

static enum outcome
reclaim_older(
	struct pg *db, enum pg_statement which, int64_t before, size_t *reclaimed)
{
	struct pg_query q = pg_begin(db, which);
	size_t deleted;

	pg_put_int(&q.in, before);
	pg_put_int(&q.in, VISITS_MAX);
	TRY(pg_do(&q, &deleted));
	*reclaimed += deleted;
	return DONE;
}

static enum outcome
reclaim_refusals(struct pg *db)
{
	struct pg_query q = pg_begin(db, PG_refusals_reclaim);

	pg_put_int(&q.in, REFUSALS_KEPT);
	return pg_do(&q, NULL);
}

/*
 * As many visits as rows were added, twice over, so that the dead never outgrow
 * the living; and one in any case, so that they go where nobody is added.
 */
enum outcome
pg_reclaim_some(struct pg *db, int64_t now, size_t *reclaimed)
{
	size_t visits = 1 + 2 * db->inserted;

	visits = visits > VISITS_MAX ? VISITS_MAX : visits;
	TRY(reclaim_grants(db, now, visits, reclaimed));
	if (db->inserted == 0)
		return DONE;
	TRY(reclaim_older(db, PG_sessions_reclaim, now, reclaimed));
	TRY(reclaim_older(db, PG_tokens_reclaim, now, reclaimed));
	TRY(reclaim_older(db, PG_audit_reclaim,
		now - atomic_load(&db->store->keep_audit), reclaimed));
	return reclaim_refusals(db);
}
