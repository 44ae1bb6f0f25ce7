/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_grant_row.c - a grant as a row, and back; and many that are saved by one
 * statement.
 */
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "store/postgres.h"

int64_t
pg_mark_new(void)
{
	int64_t mark;

	do
		secret_random(&mark, sizeof(mark));
	while (mark == 0);
	return mark;
}

static void
take_pulse(struct pg_row *r, struct grant *g)
{
	struct pulse pulse = { .n = 0 };
	int column = r->column;

	if (!pg_take_blob(r, pulse.p, PULSE_SIZE)) {
		r->column = column;
		(void)pg_take_blob(r, pulse.p, PULSE_ENDED);
	}
	pulse_read(&pulse, g);
}

void
pg_grant_take(struct pg_row *r, struct arena *a, struct grant *g, int64_t *id,
	int64_t *mark)
{
	memset(g, 0, sizeof(*g));
	(void)pg_take_blob(r, g->key, GRANT_KEY_SIZE);
	*id = pg_take_int(r);
	*mark = pg_take_int(r);
	g->user = pg_take_int(r);
	g->client = pg_take_int(r);
	g->subject = pg_take_text(r, a);
	g->scope = pg_take_text(r, a);
	g->resource = pg_take_text(r, a);
	g->redirect_uri = pg_take_text(r, a);
	g->has_challenge = pg_take_blob(r, g->challenge, sizeof(g->challenge));
	g->refreshable = pg_take_int(r) != 0;
	g->created_at = pg_take_int(r);
	g->authenticated_at = pg_take_int(r);
	g->code_expires_at = pg_take_int(r);
	take_pulse(r, g);
	g->access_scope = pg_take_text(r, a);
	g->access_resource = pg_take_text(r, a);
	g->end_reason = (enum end_reason)pg_take_int(r);
	g->ended_at = pg_take_int(r);
	g->ended_generation = (uint32_t)pg_take_int(r);
	g->ended_from = pg_take_text(r, a);
}

void
pg_put_grant(const struct store *store, struct pg_params *p, const struct grant *g)
{
	struct pulse pulse = pulse_of(g);
	bool ended = g->state == GRANT_ENDED;

	pg_put_int(p, grant_due_day(store, g, g->created_at));
	pg_put_blob(p, g->key, GRANT_KEY_SIZE);
	pg_put_int(p, pg_mark_new());
	pg_put_int(p, g->user);
	pg_put_int(p, g->client);
	pg_put_text(p, g->subject);
	pg_put_text(p, g->scope);
	pg_put_text(p, g->resource);
	pg_put_text(p, g->redirect_uri);
	pg_put_blob(p, g->has_challenge ? g->challenge : NULL, sizeof(g->challenge));
	pg_put_int(p, g->refreshable);
	pg_put_int(p, g->created_at);
	pg_put_int(p, g->authenticated_at);
	pg_put_int(p, g->code_expires_at);
	pg_put_blob(p, pulse.p, pulse.n);
	pg_put_text(p, g->access_scope);
	pg_put_text(p, g->access_resource);
	for (int i = 0; i < 4 && !ended; i++)
		pg_put_null(p);
	if (!ended)
		return;
	pg_put_int(p, g->end_reason);
	pg_put_int(p, g->ended_at);
	pg_put_int(p, g->ended_generation);
	pg_put_text(p, g->ended_from);
}

/* ---- many at once -------------------------------------------------------- */

/* One array with a member made of each grant `g` (saved as `s`). */
#define COLUMN(p, type, savings, count, add)                                \
	do {                                                                \
		struct pg_array a = pg_array_new((p), (type), (count));     \
                                                                            \
		for (size_t i = 0; i < (count); i++) {                      \
			const struct grant_saving *s = &(savings)[i];       \
			const struct grant *g = s->grant;                   \
                                                                            \
			(void)g;                                            \
			add;                                                \
		}                                                           \
		pg_put_array(&a);                                           \
	} while (0)

static void
add_pulse(struct pg_array *a, const struct grant *g)
{
	struct pulse pulse = pulse_of(g);

	pg_add_blob(a, pulse.p, pulse.n);
}

void
pg_put_renewals(struct pg_params *p, const struct grant_saving *all, size_t n)
{
	COLUMN(p, PG_BYTEA, all, n, pg_add_blob(&a, g->key, GRANT_KEY_SIZE));
	COLUMN(p, PG_BIGINT, all, n, pg_add_int(&a, s->found));
	COLUMN(p, PG_BYTEA, all, n, add_pulse(&a, g));
	COLUMN(p, PG_BIGINT, all, n, pg_add_int(&a, s->mark));
	COLUMN(p, PG_TEXT, all, n, pg_add_text(&a, g->access_scope));
	COLUMN(p, PG_TEXT, all, n, pg_add_text(&a, g->access_resource));
}

/* The number of whoever ended it, in the column of its kind. */
static void
add_actor(struct pg_array *a, const struct grant *g, enum end_actor kind, int64_t id)
{
	if (grant_end_actor(g) == kind)
		pg_add_int(a, id);
	else
		pg_add_null(a);
}

void
pg_put_ends(const struct store *store, struct pg_params *p,
	const struct grant_saving *all, size_t n)
{
	struct audit *audits = ARENA_ARRAY(p->arena, struct audit, n);

	for (size_t i = 0; i < n; i++)
		audits[i] = grant_end_audit(p->arena, all[i].grant);
	pg_put_renewals(p, all, n);
	COLUMN(p, PG_BIGINT, all, n, pg_add_int(&a, g->end_reason));
	COLUMN(p, PG_BIGINT, all, n, pg_add_int(&a, g->ended_at));
	COLUMN(p, PG_BIGINT, all, n, pg_add_int(&a, g->ended_generation));
	COLUMN(p, PG_TEXT, all, n, pg_add_text(&a, g->ended_from));
	COLUMN(p, PG_BIGINT, all, n,
		pg_add_int(&a, grant_due_day(store, g, g->ended_at)));
	COLUMN(p, PG_BIGINT, all, n, add_actor(&a, g, END_BY_PERSON, g->user));
	COLUMN(p, PG_BIGINT, all, n, add_actor(&a, g, END_BY_CLIENT, g->client));
	COLUMN(p, PG_TEXT, all, n, pg_add_text(&a, audits[i].actor));
	COLUMN(p, PG_TEXT, all, n, pg_add_text(&a, audits[i].object));
	COLUMN(p, PG_TEXT, all, n, pg_add_text(&a, audits[i].detail));
}
