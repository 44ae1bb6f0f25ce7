/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_grant.c - the verbs about grants.
 *
 * What happens to a grant is decided by rules/grant.c; here it is loaded, and
 * saved when the verdict says so. All changes run on the writer's connection,
 * one after the other, so those of one batch see each other.
 */
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "store/sqlite.h"

#define TOUCH_EVERY INT64_C(3600)
#define GRANTS_A_STEP 1000

/* ---- how a grant ended, for the trail ------------------------------------ */

static enum outcome
name_of(struct sqlite *db, enum statement which, int64_t id, const char *kind,
	struct bytes *out)
{
	struct query q = query_begin(db, which);
	struct bytes name = NONE;

	put_int(&q, id);
	if (query_row(&q))
		name = take_text(&q, db->scratch);
	*out = bytes_of(arena_printf(db->scratch, "%s:%.*s", kind, BYTES_FMT(name)));
	return query_end(&q);
}

static enum outcome
audit_end(struct sqlite *db, const struct grant *g)
{
	struct audit audit;

	arena_reset(db->scratch);
	audit = grant_end_audit(db->scratch, g);
	switch (grant_end_actor(g)) {
	case END_BY_PERSON:
		TRY(name_of(db, SQL_user_name, g->user, "person", &audit.actor));
		break;
	case END_BY_CLIENT:
		TRY(name_of(db, SQL_client_name, g->client, "client", &audit.actor));
		break;
	case END_BY_OPERATOR: break;
	}
	return audit_insert(db, &audit);
}

/* ---- changes ------------------------------------------------------------- */

enum outcome
sqlite_grant_open(struct sqlite *db, struct grant_open *c)
{
	static const uint8_t none[SESSION_KEY_SIZE];
	bool stands = true;

	/* Asked here, where an operator's "disable" has either happened or not. */
	if (!secret_equal(c->session, none, sizeof(none)))
		TRY(session_stands(db, c->session, c->grant.user, &stands));
	c->taken = false;
	c->session_over = !stands;
	if (c->session_over)
		return DONE;
	TRY(grant_insert(db, &c->grant, &c->taken));
	return c->taken ? DONE : audit_insert(db, &c->audit);
}

enum outcome
sqlite_grant_change(struct sqlite *db, struct grant_change *c)
{
	int64_t row;

	TRY(grant_load(db, c->key, c->call.arena, &c->grant, &row, &c->found));
	if (!c->found)
		return DONE;
	c->verdict = grant_decide(c);
	if (!c->verdict.changed)
		return DONE;
	TRY(grant_save(db, &c->grant, row));
	return c->grant.state == GRANT_ENDED ? audit_end(db, &c->grant) : DONE;
}

enum outcome
sqlite_grant_touch(struct sqlite *db, struct grant_touch *c)
{
	struct grant grant;
	int64_t row;
	bool found;

	arena_reset(db->scratch);
	TRY(grant_load(db, c->key, db->scratch, &grant, &row, &found));
	if (!found || grant.state != GRANT_LIVE ||
		c->now < grant.last_used_at + TOUCH_EVERY)
		return DONE;
	grant.last_used_at = c->now;
	return grant_save(db, &grant, row);
}

/* ---- ending many --------------------------------------------------------- */

static struct query
begin_from(struct sqlite *db, const struct grants_end *c)
{
	bool by_user = c->user != 0;
	struct query q = query_begin(
		db, by_user ? SQL_grants_of_user_from : SQL_grants_of_client_from);

	put_int(&q, by_user ? c->user : c->client);
	put_int(&q, c->call.resume);
	if (by_user)
		put_int(&q, c->client);
	put_int(&q, GRANTS_A_STEP);
	return q;
}

static enum outcome
end_one(struct sqlite *db, struct grants_end *c, struct grant *g, int64_t row)
{
	/* Nobody presented a token: the grant ends as of its newest. */
	struct verdict v = grant_end(g, c->why, g->generation, c->from, c->now);

	if (!v.changed)
		return DONE;
	c->ended++;
	TRY(grant_save(db, g, row));
	return audit_end(db, g);
}

enum outcome
grants_end_some(struct sqlite *db, struct grants_end *c)
{
	struct query q = begin_from(db, c);
	struct arena *a = arena_new();
	struct grant *grants = ARENA_ARRAY(a, struct grant, GRANTS_A_STEP);
	int64_t *rows = ARENA_ARRAY(a, int64_t, GRANTS_A_STEP);
	enum outcome end;
	size_t n = 0;

	for (; n < GRANTS_A_STEP && query_row(&q); n++)
		grant_take(&q, a, &grants[n], &rows[n]);
	end = query_end(&q);
	for (size_t i = 0; end == DONE && i < n; i++)
		end = end_one(db, c, &grants[i], rows[i]);
	if (n > 0)
		c->call.resume = rows[n - 1];
	db->again = n == GRANTS_A_STEP;
	arena_free(a);
	return end;
}

enum outcome
sqlite_grants_end(struct sqlite *db, struct grants_end *c)
{
	if (c->call.resume == 0)
		c->ended = 0;
	return grants_end_some(db, c);
}

/* ---- reading ------------------------------------------------------------- */

enum outcome
sqlite_grant_find(struct sqlite *db, struct grant_find *c)
{
	int64_t row;

	return grant_load(db, c->key, c->call.arena, &c->grant, &row, &c->found);
}

static struct query
begin_list(struct sqlite *db, const struct grant_list *c, const uint8_t *low,
	const uint8_t *high)
{
	struct query q;

	if (c->key_prefix.n > 0) {
		q = query_begin(db, SQL_grants_by_key);
		put_blob(&q, low, GRANT_KEY_SIZE);
		put_blob(&q, high, GRANT_KEY_SIZE);
		put_int(&q, c->ended_too);
		put_int(&q, c->user);
		put_int(&q, c->client);
	} else if (c->user != 0) {
		q = query_begin(db, SQL_grants_of_user);
		put_int(&q, c->user);
		put_int(&q, c->ended_too);
		put_int(&q, c->client);
	} else if (c->client != 0) {
		q = query_begin(db, SQL_grants_of_client);
		put_int(&q, c->client);
		put_int(&q, c->ended_too);
	} else {
		q = query_begin(db, SQL_grants_all);
		put_int(&q, c->ended_too);
	}
	put_int(&q, (int64_t)c->limit);
	return q;
}

enum outcome
sqlite_grant_list(struct sqlite *db, struct grant_list *c)
{
	uint8_t low[GRANT_KEY_SIZE], high[GRANT_KEY_SIZE];
	struct arena *a = c->call.arena;
	int64_t row;
	struct query q;

	c->count = 0;
	c->grants = NULL;
	if (!grant_key_range(c->key_prefix, low, high))
		return DONE;
	q = begin_list(db, c, low, high);
	while (query_row(&q)) {
		c->grants = list_room(a, c->grants, c->count, sizeof(*c->grants));
		grant_take(&q, a, &c->grants[c->count++], &row);
	}
	return query_end(&q);
}

/* ---- client tokens revoked before their time (RFC 7009) ------------------ */

enum outcome
sqlite_token_revoke(struct sqlite *db, struct token_revocation *c)
{
	struct query q = query_begin(db, SQL_token_revoke);
	size_t inserted;

	put_blob(&q, c->digest, sizeof(c->digest));
	put_int(&q, c->expires_at);
	TRY(query_run(&q, &inserted));
	db->inserted += inserted;
	return DONE;
}

enum outcome
sqlite_token_find_revoked(struct sqlite *db, struct token_revocation *c)
{
	struct query q = query_begin(db, SQL_token_find_revoked);

	put_blob(&q, c->digest, sizeof(c->digest));
	c->revoked = query_row(&q);
	return query_end(&q);
}
