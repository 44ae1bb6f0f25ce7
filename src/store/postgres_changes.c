/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_changes.c - a batch of changes, which is one transaction.
 *
 * Its order is that of every transaction here: people, sessions, grants by their
 * keys, and then what only adds; so two of them wait for each other in one direction
 * only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "store/postgres.h"

/* ---- changing grants ----------------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;

	return memcmp(x->grant->key, y->grant->key, GRANT_KEY_SIZE);
}

static void
take_saved(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	struct pg_row r = { .result = result, .row = -1 };
	struct job *j;

	(void)l;
	while ((j = pg_next_job(&r, jobs, n)) != NULL)
		j->settled = true;
}

/* An end that is only being confirmed was told to the trail before. */
static bool
is_end(const struct job *j)
{
	return j->grant->state == GRANT_ENDED && !j->confirms;
}

/* Of several changes of one grant the first goes; the others will have to look again. */
static void
save_grants(struct line *l, const struct pick *p, bool ends)
{
	struct grant_saving *saving = ARENA_ARRAY(l->arena, struct grant_saving, p->n + 1);
	struct job **jobs = ARENA_ARRAY(l->arena, struct job *, p->n + 1);
	struct pg_params params = line_params(l);
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct job *j = p->jobs[i];

		if (is_end(j) != ends || (i > 0 && by_key(&p->jobs[i - 1], &j) == 0))
			continue;
		saving[n] = (struct grant_saving){ j->grant, j->found, j->own };
		jobs[n++] = j;
	}
	if (n == 0)
		return;
	if (ends)
		pg_put_ends(l->port->port.store, &params, saving, n);
	else
		pg_put_renewals(&params, saving, n);
	line_shoot(l, ends ? PG_grants_finish : PG_grants_renew, &params, take_saved,
		jobs, n);
}

/* ---- changing the rest --------------------------------------------------- */

static void
settle(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	(void)l;
	(void)result;
	for (size_t i = 0; i < n; i++)
		jobs[i]->settled = true;
}

static int64_t
user_of(const struct store_call *c)
{
	return c->verb == VERB_grant_open
		? ((const struct grant_open *)(const void *)c)->grant.user
		: ((const struct session_open *)(const void *)c)->session.user;
}

/* An operator's change of these people has happened, or waits for this batch. */
static void
hold_people(struct line *l, const struct pick *p)
{
	struct pg_params params = line_params(l);
	struct pg_array ids = pg_array_new(&params, PG_BIGINT, p->n);

	for (size_t i = 0; i < p->n; i++)
		pg_add_int(&ids, user_of(p->jobs[i]->call));
	pg_put_array(&ids);
	if (p->n > 0)
		line_shoot(l, PG_users_hold, &params, NULL, NULL, 0);
}

static void
put_grant_open(struct pg_params *p, const struct store *s, struct store_call *call)
{
	static const uint8_t none[SESSION_KEY_SIZE];
	const struct grant_open *c = (const struct grant_open *)(void *)call;
	bool asks = !secret_equal(c->session, none, sizeof(none));

	pg_put_grant(s, p, &c->grant);
	pg_put_int(p, c->audit.at);
	pg_put_text(p, c->audit.event);
	pg_put_text(p, c->audit.actor);
	pg_put_text(p, c->audit.object);
	pg_put_text(p, c->audit.detail);
	pg_put_blob(p, asks ? c->session : NULL, SESSION_KEY_SIZE);
	pg_put_text(p, c->audit.from);
}

static void
take_opened(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	struct grant_open *c = (struct grant_open *)(void *)jobs[0]->call;
	struct pg_row r = { .result = result };

	c->session_over = pg_take_int(&r) == 0;
	c->taken = pg_take_int(&r) == 0 && !c->session_over;
	settle(l, jobs, n, result);
}

static void
put_session_open(struct pg_params *p, const struct store *s, struct store_call *call)
{
	const struct session_open *c = (const struct session_open *)(void *)call;

	(void)s;
	pg_put_blob(p, c->session.key, SESSION_KEY_SIZE);
	pg_put_int(p, c->session.user);
	pg_put_int(p, c->session.authenticated_at);
	pg_put_int(p, c->session.expires_at);
	/* A zero key is nobody's digest, so nothing goes when nothing is replaced. */
	pg_put_blob(p, c->replaces, SESSION_KEY_SIZE);
	pg_put_text(p, c->password_hash);
	pg_put_audit(p, &c->audit);
}

static void
take_session_opened(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	struct pg_row r = { .result = result };

	((struct session_open *)(void *)jobs[0]->call)->outdated = pg_take_int(&r) == 0;
	settle(l, jobs, n, result);
}

static void
put_session_end(struct pg_params *p, const struct store *s, struct store_call *call)
{
	const struct session_end *c = (const struct session_end *)(void *)call;

	(void)s;
	pg_put_blob(p, c->key, SESSION_KEY_SIZE);
	pg_put_audit(p, &c->audit);
}

static void
put_token_revoke(struct pg_params *p, const struct store *s, struct store_call *call)
{
	const struct token_revocation *c = (const struct token_revocation *)(void *)call;

	(void)s;
	pg_put_blob(p, c->digest, sizeof(c->digest));
	pg_put_int(p, c->expires_at);
}

static void
put_audit_add(struct pg_params *p, const struct store *s, struct store_call *call)
{
	(void)s;
	pg_put_audit(p, &((const struct audit_add *)(void *)call)->audit);
}

static void
put_fact(struct pg_params *p, const struct store *s, struct store_call *call)
{
	const struct fact *c = (const struct fact *)(void *)call;

	(void)s;
	pg_put_text(p, c->name);
	pg_put_blob(p, c->value.n > 0 ? c->value.p : "", c->value.n);
}

/* ---- notes --------------------------------------------------------------- */

static struct bytes
note_id(const struct refusal_note *n)
{
	return (struct bytes){ n->id, ERROR_ID_SIZE };
}

static void
save_notes(struct line *l, const struct pick *p)
{
	struct pg_params params = line_params(l);
	struct pg_array a;

#define NOTES(type, add)                                                          \
	a = pg_array_new(&params, type, p->n);                                    \
	for (size_t i = 0; i < p->n; i++) {                                       \
		const struct refusal_note *c =                                    \
			(const struct refusal_note *)(void *)p->jobs[i]->call;    \
		add;                                                              \
	}                                                                         \
	pg_put_array(&a)
	if (p->n == 0)
		return;
	NOTES(PG_TEXT, pg_add_text(&a, note_id(c)));
	NOTES(PG_BIGINT, pg_add_int(&a, c->at));
	NOTES(PG_TEXT, pg_add_text(&a, c->reason));
	NOTES(PG_TEXT, pg_add_text(&a, c->endpoint));
	NOTES(PG_TEXT, pg_add_text(&a, c->client_id));
	NOTES(PG_TEXT, pg_add_text(&a, c->from));
	NOTES(PG_TEXT, pg_add_text(&a, c->facts));
	NOTES(PG_BYTEA, pg_add_blob(&a, c->has_grant ? c->grant : NULL, GRANT_KEY_SIZE));
#undef NOTES
	line_shoot(l, PG_refusals_insert, &params, settle, p->jobs, p->n);
}

/* ---- a batch of changes -------------------------------------------------- */

void
pg_load_changes(struct line *l, struct jobs *batch)
{
	struct pick people = PICK(l, batch, VERB_grant_open, VERB_session_open);
	struct pick opens = PICK(l, batch, VERB_grant_open);
	struct pick arrivals = PICK(l, batch, VERB_session_open);
	struct pick leaves = PICK(l, batch, VERB_session_end);
	struct pick grants = PICK(l, batch, VERB_grant_change, VERB_grant_touch);
	struct pick tokens = PICK(l, batch, VERB_token_revoke);
	struct pick audits = PICK(l, batch, VERB_audit_add);
	struct pick notes = PICK(l, batch, VERB_refusal_note);
	struct pick facts = PICK(l, batch, VERB_fact_put);

	hold_people(l, &people);
	pg_shoot_each(l, &arrivals, PG_session_open, put_session_open, take_session_opened);
	pg_shoot_each(l, &leaves, PG_session_end, put_session_end, settle);
	if (grants.n > 1)
		qsort(grants.jobs, grants.n, sizeof(*grants.jobs), by_key);
	save_grants(l, &grants, false);
	save_grants(l, &grants, true);
	pg_shoot_each(l, &opens, PG_grant_open, put_grant_open, take_opened);
	pg_shoot_each(l, &tokens, PG_token_revoke, put_token_revoke, settle);
	pg_shoot_each(l, &audits, PG_audit_insert, put_audit_add, settle);
	save_notes(l, &notes);
	pg_shoot_each(l, &facts, PG_fact_put, put_fact, settle);
	l->inserted = opens.n + arrivals.n + tokens.n + audits.n + notes.n;
}
