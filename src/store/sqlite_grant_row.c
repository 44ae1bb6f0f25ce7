/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_grant_row.c - a grant as a row, and back. What changes with a refresh is
 * one blob of fixed length (shared_pulse.c), so SQLite overwrites it in place.
 */
#include <string.h>

#include "base/arena.h"
#include "store/sqlite.h"

static void
pulse_take(struct query *q, struct grant *g)
{
	struct pulse pulse = { .n = 0 };
	int column = q->column;
	bool full = take_blob(q, pulse.p, PULSE_SIZE);

	if (!full) {
		q->column = column;
		(void)take_blob(q, pulse.p, PULSE_ENDED);
	}
	pulse_read(&pulse, g);
}

void
grant_take(struct query *q, struct arena *a, struct grant *g, int64_t *row)
{
	memset(g, 0, sizeof(*g));
	*row = take_int(q);
	(void)take_blob(q, g->key, GRANT_KEY_SIZE);
	g->user = take_int(q);
	g->client = take_int(q);
	g->subject = take_text(q, a);
	g->scope = take_text(q, a);
	g->resource = take_text(q, a);
	g->redirect_uri = take_text(q, a);
	g->has_challenge = take_blob(q, g->challenge, sizeof(g->challenge));
	g->refreshable = take_int(q) != 0;
	g->created_at = take_int(q);
	g->authenticated_at = take_int(q);
	g->code_expires_at = take_int(q);
	pulse_take(q, g);
	g->access_scope = take_text(q, a);
	g->access_resource = take_text(q, a);
	g->end_reason = (enum end_reason)take_int(q);
	g->ended_at = take_int(q);
	g->ended_generation = (uint32_t)take_int(q);
	g->ended_from = take_text(q, a);
}

enum outcome
grant_load(struct sqlite *db, const uint8_t key[static GRANT_KEY_SIZE], struct arena *a,
	struct grant *g, int64_t *row, bool *found)
{
	struct query q = query_begin(db, SQL_grant_load);

	put_blob(&q, key, GRANT_KEY_SIZE);
	*found = query_row(&q);
	if (*found)
		grant_take(&q, a, g, row);
	return query_end(&q);
}

static void
put_end(struct query *q, const struct grant *g)
{
	if (g->state != GRANT_ENDED) {
		for (int i = 0; i < 4; i++)
			put_null(q);
		return;
	}
	put_int(q, g->end_reason);
	put_int(q, g->ended_at);
	put_int(q, g->ended_generation);
	put_text(q, g->ended_from);
}

enum outcome
grant_insert(struct sqlite *db, const struct grant *g, bool *taken)
{
	struct query q = query_begin(db, SQL_grant_insert);
	struct pulse pulse = pulse_of(g);
	size_t inserted;

	put_int(&q, grant_due_day(db->store, g, g->created_at));
	put_blob(&q, g->key, GRANT_KEY_SIZE);
	put_int(&q, g->user);
	put_int(&q, g->client);
	put_text(&q, g->subject);
	put_text(&q, g->scope);
	put_text(&q, g->resource);
	put_text(&q, g->redirect_uri);
	put_blob(&q, g->has_challenge ? g->challenge : NULL, sizeof(g->challenge));
	put_int(&q, g->refreshable);
	put_int(&q, g->created_at);
	put_int(&q, g->authenticated_at);
	put_int(&q, g->code_expires_at);
	put_blob(&q, pulse.p, pulse.n);
	put_text(&q, g->access_scope);
	put_text(&q, g->access_resource);
	put_end(&q, g);
	TRY(query_run(&q, &inserted));
	*taken = inserted == 0;
	db->inserted += inserted;
	return DONE;
}

enum outcome
grant_save(struct sqlite *db, struct grant *g, int64_t row)
{
	bool ended = g->state == GRANT_ENDED;
	struct query q = query_begin(db, ended ? SQL_grant_finish : SQL_grant_renew);
	struct pulse pulse;

	g->version++;
	pulse = pulse_of(g);
	put_blob(&q, pulse.p, pulse.n);
	put_text(&q, g->access_scope);
	put_text(&q, g->access_resource);
	if (ended) {
		put_end(&q, g);
		put_int(&q, grant_due_day(db->store, g, g->ended_at));
	}
	put_int(&q, row);
	return query_run(&q, NULL);
}
