/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_reads.c - a batch of reads: grants, revoked tokens, people, sessions. Each
 * statement sees all that was committed before it was sent.
 */
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

/* ---- reading grants ------------------------------------------------------ */

static const uint8_t *
key_of(const struct store_call *c)
{
	if (c->verb == VERB_grant_find)
		return ((const struct grant_find *)(const void *)c)->key;
	if (c->verb == VERB_grant_touch)
		return ((const struct grant_touch *)(const void *)c)->key;
	return ((const struct grant_change *)(const void *)c)->key;
}

static void
take_grant(struct job *j, struct pg_row *r)
{
	struct store_call *c = j->call;
	int64_t id;

	if (c->verb == VERB_grant_find) {
		struct grant_find *find = (struct grant_find *)(void *)c;

		find->found = true;
		pg_grant_take(r, c->arena, &find->grant, &id, &j->found);
		return;
	}
	if (c->verb == VERB_grant_change)
		((struct grant_change *)(void *)c)->found = true;
	pg_grant_take(r, c->arena, j->grant, &id, &j->found);
}

static void
take_grants(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	struct pg_row r = { .result = result, .row = -1 };
	struct job *j;

	(void)l;
	for (size_t i = 0; i < n; i++)
		jobs[i]->found = 0;
	while ((j = pg_next_job(&r, jobs, n)) != NULL)
		take_grant(j, &r);
}

static void
not_found_yet(struct store_call *c)
{
	if (c->verb == VERB_grant_find)
		((struct grant_find *)(void *)c)->found = false;
	else if (c->verb == VERB_grant_change)
		((struct grant_change *)(void *)c)->found = false;
}

static void
load_grants(struct line *l, const struct pick *p)
{
	struct pg_params params = line_params(l);
	struct pg_array keys = pg_array_new(&params, PG_BYTEA, p->n);

	for (size_t i = 0; i < p->n; i++) {
		not_found_yet(p->jobs[i]->call);
		pg_add_blob(&keys, key_of(p->jobs[i]->call), GRANT_KEY_SIZE);
	}
	pg_put_array(&keys);
	if (p->n > 0)
		line_shoot(l, PG_grants_load, &params, take_grants, p->jobs, p->n);
}

/* ---- reading the rest ---------------------------------------------------- */

static void
take_tokens(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	struct pg_row r = { .result = result, .row = -1 };
	struct job *j;

	(void)l;
	while ((j = pg_next_job(&r, jobs, n)) != NULL)
		((struct token_revocation *)(void *)j->call)->revoked = true;
}

static void
load_tokens(struct line *l, const struct pick *p)
{
	struct pg_params params = line_params(l);
	struct pg_array digests = pg_array_new(&params, PG_BYTEA, p->n);

	for (size_t i = 0; i < p->n; i++) {
		struct token_revocation *c =
			(struct token_revocation *)(void *)p->jobs[i]->call;

		c->revoked = false;
		pg_add_blob(&digests, c->digest, sizeof(c->digest));
	}
	pg_put_array(&digests);
	if (p->n > 0)
		line_shoot(l, PG_tokens_find_revoked, &params, take_tokens, p->jobs, p->n);
}

static struct user_find *
user_find_of(const struct job *j)
{
	return (struct user_find *)(void *)j->call;
}

/* Several may ask for the same person. */
static void
take_users(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	(void)l;
	for (size_t i = 0; i < n; i++) {
		struct user_find *c = user_find_of(jobs[i]);
		struct pg_row r = { .result = result };

		for (; !c->found && r.row < pq.ntuples(result); r.row++) {
			r.column = 0;
			c->found = !bytes_empty(c->username) || pg_take_int(&r) == c->id;
			if (c->found)
				pg_user_take(&r, 0, c->call.arena, &c->user);
		}
	}
}

static void
load_users(struct line *l, const struct pick *p)
{
	struct job **by_id = ARENA_ARRAY(l->arena, struct job *, p->n + 1);
	struct pg_params params = line_params(l);
	struct pg_array ids;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct user_find *c = user_find_of(p->jobs[i]);
		struct pg_params name = line_params(l);

		c->found = false;
		if (bytes_empty(c->username)) {
			by_id[n++] = p->jobs[i];
			continue;
		}
		pg_put_text(&name, pg_fold(l->arena, c->username));
		line_shoot(l, PG_user_by_name, &name, take_users, &p->jobs[i], 1);
	}
	ids = pg_array_new(&params, PG_BIGINT, n);
	for (size_t i = 0; i < n; i++)
		pg_add_int(&ids, user_find_of(by_id[i])->id);
	pg_put_array(&ids);
	if (n > 0)
		line_shoot(l, PG_users_by_id, &params, take_users, by_id, n);
}

static void
put_session_find(struct pg_params *p, const struct store *s, struct store_call *call)
{
	struct session_find *c = (struct session_find *)(void *)call;

	(void)s;
	c->found = false;
	pg_put_blob(p, c->key, SESSION_KEY_SIZE);
	pg_put_int(p, c->now);
}

static void
take_session(struct line *l, struct job **jobs, size_t n, const PGresult *result)
{
	struct session_find *c = (struct session_find *)(void *)jobs[0]->call;
	struct pg_row r = { .result = result };

	(void)l;
	(void)n;
	if (pq.ntuples(result) == 0)
		return;
	memcpy(c->session.key, c->key, SESSION_KEY_SIZE);
	c->session.user = pg_take_int(&r);
	c->session.authenticated_at = pg_take_int(&r);
	c->session.expires_at = pg_take_int(&r);
	pg_user_take(&r, 3, c->call.arena, &c->user);
	c->found = !c->user.disabled;
}

void
pg_load_reads(struct line *l, struct jobs *batch)
{
	struct pick grants =
		PICK(l, batch, VERB_grant_find, VERB_grant_change, VERB_grant_touch);
	struct pick tokens = PICK(l, batch, VERB_token_find_revoked);
	struct pick users = PICK(l, batch, VERB_user_find);
	struct pick sessions = PICK(l, batch, VERB_session_find);

	load_grants(l, &grants);
	load_tokens(l, &tokens);
	load_users(l, &users);
	pg_shoot_each(l, &sessions, PG_session_find, put_session_find, take_session);
}
