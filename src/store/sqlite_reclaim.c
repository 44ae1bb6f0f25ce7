/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_reclaim.c - dead rows go a few at a time, with the traffic that makes
 * new ones; nothing ever looks through a table.
 *
 * A grant's row names the day on which it is worth asking rules/grant.c whether
 * it may go. A refresh moves that day on but does not say so in the row; it is
 * when the day has come and the answer is no that the row is given a new day.
 * So a living grant costs one such visit in months, and a refresh none.
 */
#include "base/arena.h"
#include "store/sqlite.h"

#define DAY INT64_C(86400)
#define VISITS_MAX 16
#define REFUSALS_KEPT 20000

static enum outcome
visit(struct sqlite *db, const struct grant *g, int64_t row, int64_t now,
	size_t *reclaimed)
{
	bool dead = grant_may_go(db->store, g, now);
	struct query q = query_begin(db, dead ? SQL_grant_delete : SQL_grant_rearm);

	if (!dead)
		put_int(&q, grant_due_day(db->store, g, now));
	put_int(&q, row);
	*reclaimed += dead;
	return query_run(&q, NULL);
}

/* The rows are read before one is touched: a cursor does not outlive its table. */
static enum outcome
reclaim_grants(struct sqlite *db, int64_t now, size_t visits, size_t *reclaimed)
{
	struct query q = query_begin(db, SQL_grants_due);
	struct grant *due;
	int64_t rows[VISITS_MAX];
	size_t n = 0;

	arena_reset(db->scratch);
	due = ARENA_ARRAY(db->scratch, struct grant, visits);
	put_int(&q, now / DAY);
	put_int(&q, (int64_t)visits);
	while (n < visits && query_row(&q)) {
		grant_take(&q, db->scratch, &due[n], &rows[n]);
		n++;
	}
	TRY(query_end(&q));
	for (size_t i = 0; i < n; i++)
		TRY(visit(db, &due[i], rows[i], now, reclaimed));
	return DONE;
}

static enum outcome
reclaim_older(
	struct sqlite *db, enum statement which, int64_t before, size_t *reclaimed)
{
	struct query q = query_begin(db, which);
	size_t deleted;

	put_int(&q, before);
	put_int(&q, VISITS_MAX);
	TRY(query_run(&q, &deleted));
	*reclaimed += deleted;
	return DONE;
}

static enum outcome
reclaim_refusals(struct sqlite *db)
{
	struct query q = query_begin(db, SQL_refusals_reclaim);

	put_int(&q, REFUSALS_KEPT);
	return query_run(&q, NULL);
}

/*
 * As many visits as rows were added, twice over, so that the dead never outgrow
 * the living; and one in any case, so that they go where nobody is added.
 */
enum outcome
reclaim_some(struct sqlite *db, int64_t now, size_t *reclaimed)
{
	size_t visits = 1 + 2 * db->inserted;

	if (visits > VISITS_MAX)
		visits = VISITS_MAX;
	TRY(reclaim_grants(db, now, visits, reclaimed));
	if (db->inserted == 0)
		return DONE;
	TRY(reclaim_older(db, SQL_sessions_reclaim, now, reclaimed));
	TRY(reclaim_older(db, SQL_tokens_reclaim, now, reclaimed));
	TRY(reclaim_older(db, SQL_audit_reclaim,
		now - atomic_load(&db->store->keep_audit), reclaimed));
	return reclaim_refusals(db);
}
