/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_people.c - people: read by lines and by the clerk, changed by the clerk.
 *
 * When an account is disabled or removed, its sessions and grants end in the same
 * change. The user's row is locked first, and held by whoever opens a session or a
 * grant for that user, so nothing is opened behind the back of such a change.
 */
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

/* ---- a person, read ------------------------------------------------------ */

struct bytes
pg_fold(struct arena *a, struct bytes username)
{
	char *folded = arena_alloc(a, username.n + 1);

	for (size_t i = 0; i < username.n; i++) {
		char c = username.p[i];

		folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return (struct bytes){ folded, username.n };
}

static bool
same_user(struct pg_row *r, int skip, int64_t id)
{
	r->column = skip;
	return r->row < pq.ntuples(r->result) && pg_take_int(r) == id;
}

#define USER_OWN 7 /* columns of the user itself; those of a context follow */

static void
take_contexts(struct pg_row *r, int skip, struct arena *a, struct user *u)
{
	struct context *contexts = NULL;
	size_t n = 0;

	for (; same_user(r, skip, u->id); r->row++) {
		r->column = skip + USER_OWN;
		if (pg_is_null(r))
			continue;
		contexts = list_room(a, contexts, n, sizeof(*contexts));
		contexts[n].urn = pg_take_text(r, a);
		contexts[n].name = pg_take_text(r, a);
		contexts[n++].type = (enum subject_type)pg_take_int(r);
	}
	u->contexts = contexts;
	u->context_count = n;
}

void
pg_user_take(struct pg_row *r, int skip, struct arena *a, struct user *u)
{
	memset(u, 0, sizeof(*u));
	r->column = skip;
	u->id = pg_take_int(r);
	u->sub = pg_take_text(r, a);
	u->username = pg_take_text(r, a);
	u->name = pg_take_text(r, a);
	u->password_hash = pg_take_text(r, a);
	u->disabled = pg_take_int(r) != 0;
	u->created_at = pg_take_int(r);
	take_contexts(r, skip, a, u);
}

enum outcome
pg_user_list(struct pg *db, struct user_list *c)
{
	struct pg_query q = pg_begin(db, PG_users_all);
	struct arena *a = c->call.arena;

	c->users = NULL;
	c->count = 0;
	for (bool more = pg_next(&q); more; more = q.out.row < pq.ntuples(q.result)) {
		c->users = list_room(a, c->users, c->count, sizeof(*c->users));
		pg_user_take(&q.out, 0, a, &c->users[c->count++]);
	}
	return pg_end(&q);
}

/* ---- a person, changed --------------------------------------------------- */

static enum outcome
delete_by(struct pg *db, enum pg_statement which, int64_t id)
{
	struct pg_query q = pg_begin(db, which);

	pg_put_int(&q.in, id);
	return pg_do(&q, NULL);
}

static enum outcome
contexts_save(struct pg *db, const struct user *u)
{
	TRY(delete_by(db, PG_contexts_delete, u->id));
	for (size_t i = 0; i < u->context_count; i++) {
		struct pg_query q = pg_begin(db, PG_context_insert);

		pg_put_int(&q.in, u->id);
		pg_put_int(&q.in, (int64_t)i);
		pg_put_text(&q.in, u->contexts[i].urn);
		pg_put_text(&q.in, u->contexts[i].name);
		pg_put_int(&q.in, u->contexts[i].type);
		TRY(pg_do(&q, NULL));
	}
	return DONE;
}

static enum outcome
user_insert(struct pg *db, struct user *u, bool *taken)
{
	struct pg_query q = pg_begin(db, PG_user_insert);

	pg_put_text(&q.in, u->sub);
	pg_put_text(&q.in, u->username);
	pg_put_text(&q.in, u->name);
	pg_put_text(&q.in, u->password_hash);
	pg_put_int(&q.in, u->disabled);
	pg_put_int(&q.in, u->created_at);
	pg_put_text(&q.in, pg_fold(q.in.arena, u->username));
	*taken = !pg_next(&q);
	u->id = *taken ? 0 : pg_take_int(&q.out);
	TRY(pg_end(&q));
	return *taken ? DONE : contexts_save(db, u);
}

static enum outcome
user_update(struct pg *db, const struct user *u)
{
	struct pg_query q = pg_begin(db, PG_user_update);

	pg_put_text(&q.in, u->username);
	pg_put_text(&q.in, u->name);
	pg_put_text(&q.in, u->password_hash);
	pg_put_int(&q.in, u->disabled);
	pg_put_text(&q.in, pg_fold(q.in.arena, u->username));
	pg_put_int(&q.in, u->id);
	TRY(pg_do(&q, NULL));
	return contexts_save(db, u);
}

static enum outcome
user_remove(struct pg *db, int64_t id)
{
	TRY(delete_by(db, PG_contexts_delete, id));
	return delete_by(db, PG_user_delete, id);
}

static enum outcome
user_lock(struct pg *db, int64_t id, struct user *u, bool *found)
{
	struct pg_query q = pg_begin(db, PG_user_lock);

	pg_put_int(&q.in, id);
	*found = pg_next(&q);
	if (*found)
		pg_user_take(&q.out, 0, db->scratch, u);
	return pg_end(&q);
}

static enum outcome
name_taken(struct pg *db, const struct user *u, bool *taken)
{
	struct pg_query q = pg_begin(db, PG_user_named);

	pg_put_text(&q.in, pg_fold(q.in.arena, u->username));
	*taken = pg_next(&q) && pg_take_int(&q.out) != u->id;
	return pg_end(&q);
}

/* Sessions and grants go first; while db->again is set there are more grants. */
static enum outcome
user_disconnect(struct pg *db, struct user_put *c)
{
	bool out = c->remove || c->user.disabled;
	struct grants_end end = { .call.resume = c->call.resume,
		.user = c->user.id,
		.why = END_ACCOUNT,
		.from = audit_who(&c->audit),
		.now = audit_time(&c->audit) };

	if (out || c->end_sessions)
		TRY(delete_by(db, PG_sessions_delete, c->user.id));
	if (out || c->end_grants)
		TRY(pg_grants_end_some(db, &end));
	c->call.resume = end.call.resume;
	return DONE;
}

static enum outcome
user_save(struct pg *db, struct user_put *c)
{
	if (c->found)
		return user_update(db, &c->user);
	return user_insert(db, &c->user, &c->taken);
}

/* Sets found, stale and taken; *may: none of them is in the way. */
static enum outcome
user_may_change(struct pg *db, struct user_put *c, bool *may)
{
	struct user now;

	arena_reset(db->scratch);
	c->taken = c->stale = *may = false;
	c->found = c->user.id != 0;
	if (c->found)
		TRY(user_lock(db, c->user.id, &now, &c->found));
	if (c->user.id != 0 && !c->found)
		return DONE;
	c->stale = c->found && c->from != NULL && !user_same(c->from, &now);
	if (!c->remove)
		TRY(name_taken(db, &c->user, &c->taken));
	*may = !c->taken && !c->stale;
	return DONE;
}

enum outcome
pg_user_put(struct pg *db, struct user_put *c)
{
	bool may;

	TRY(user_may_change(db, c, &may));
	if (!may)
		return DONE;
	if (c->found)
		TRY(user_disconnect(db, c));
	if (db->again)
		return DONE;
	TRY(c->remove ? user_remove(db, c->user.id) : user_save(db, c));
	return c->taken ? DONE : pg_audit_insert(db, &c->audit);
}
