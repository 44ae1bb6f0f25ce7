/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_people.c - the verbs about people and their sessions.
 *
 * When an account is disabled or removed, its sessions and grants end in the
 * same change: there is no way to ask for the one without the other.
 */
#include <string.h>

#include "base/arena.h"
#include "store/sqlite.h"

/* ---- a person, read ------------------------------------------------------ */

static void
user_take(struct query *q, struct arena *a, struct user *u)
{
	memset(u, 0, sizeof(*u));
	u->id = take_int(q);
	u->sub = take_text(q, a);
	u->username = take_text(q, a);
	u->name = take_text(q, a);
	u->password_hash = take_text(q, a);
	u->disabled = take_int(q) != 0;
	u->created_at = take_int(q);
}

static enum outcome
contexts_load(struct sqlite *db, struct arena *a, struct user *u)
{
	struct query q = query_begin(db, SQL_contexts_of);
	struct context *contexts = NULL;
	size_t n = 0;

	put_int(&q, u->id);
	while (query_row(&q)) {
		contexts = list_room(a, contexts, n, sizeof(*contexts));
		contexts[n].urn = take_text(&q, a);
		contexts[n].name = take_text(&q, a);
		contexts[n].type = (enum subject_type)take_int(&q);
		n++;
	}
	u->contexts = contexts;
	u->context_count = n;
	return query_end(&q);
}

static enum outcome
user_load(struct sqlite *db, struct bytes username, int64_t id, struct arena *a,
	struct user *u, bool *found)
{
	struct query q =
		query_begin(db, username.n > 0 ? SQL_user_by_name : SQL_user_by_id);

	if (username.n > 0)
		put_text(&q, username);
	else
		put_int(&q, id);
	*found = query_row(&q);
	if (*found)
		user_take(&q, a, u);
	TRY(query_end(&q));
	return *found ? contexts_load(db, a, u) : DONE;
}

enum outcome
sqlite_user_find(struct sqlite *db, struct user_find *c)
{
	return user_load(db, c->username, c->id, c->call.arena, &c->user, &c->found);
}

enum outcome
sqlite_user_list(struct sqlite *db, struct user_list *c)
{
	struct query q = query_begin(db, SQL_users_all);

	c->users = NULL;
	c->count = 0;
	while (query_row(&q)) {
		c->users =
			list_room(c->call.arena, c->users, c->count, sizeof(*c->users));
		user_take(&q, c->call.arena, &c->users[c->count++]);
	}
	TRY(query_end(&q));
	for (size_t i = 0; i < c->count; i++)
		TRY(contexts_load(db, c->call.arena, &c->users[i]));
	return DONE;
}

/* ---- a person, changed --------------------------------------------------- */

static enum outcome
delete_by(struct sqlite *db, enum statement which, int64_t id)
{
	struct query q = query_begin(db, which);

	put_int(&q, id);
	return query_run(&q, NULL);
}

static enum outcome
contexts_save(struct sqlite *db, const struct user *u)
{
	TRY(delete_by(db, SQL_contexts_delete, u->id));
	for (size_t i = 0; i < u->context_count; i++) {
		struct query q = query_begin(db, SQL_context_insert);

		put_int(&q, u->id);
		put_int(&q, (int64_t)i);
		put_text(&q, u->contexts[i].urn);
		put_text(&q, u->contexts[i].name);
		put_int(&q, u->contexts[i].type);
		TRY(query_run(&q, NULL));
	}
	return DONE;
}

static enum outcome
user_insert(struct sqlite *db, struct user *u)
{
	struct query q = query_begin(db, SQL_user_insert);

	put_text(&q, u->sub);
	put_text(&q, u->username);
	put_text(&q, u->name);
	put_text(&q, u->password_hash);
	put_int(&q, u->disabled);
	put_int(&q, u->created_at);
	TRY(query_run(&q, NULL));
	u->id = sqlite3_last_insert_rowid(db->db);
	return contexts_save(db, u);
}

static enum outcome
user_update(struct sqlite *db, const struct user *u)
{
	struct query q = query_begin(db, SQL_user_update);

	put_text(&q, u->username);
	put_text(&q, u->name);
	put_text(&q, u->password_hash);
	put_int(&q, u->disabled);
	put_int(&q, u->id);
	TRY(query_run(&q, NULL));
	return contexts_save(db, u);
}

static enum outcome
user_remove(struct sqlite *db, int64_t id)
{
	TRY(delete_by(db, SQL_contexts_delete, id));
	return delete_by(db, SQL_user_delete, id);
}

/* Sessions and grants go first; while db->again is set there are more grants. */
static enum outcome
user_disconnect(struct sqlite *db, struct user_put *c)
{
	bool out = c->remove || c->user.disabled;
	struct grants_end end = { .call.resume = c->call.resume,
		.user = c->user.id,
		.why = END_ACCOUNT,
		.from = audit_who(&c->audit),
		.now = audit_time(&c->audit) };

	if (out || c->end_sessions)
		TRY(delete_by(db, SQL_sessions_delete, c->user.id));
	if (out || c->end_grants)
		TRY(grants_end_some(db, &end));
	c->call.resume = end.call.resume;
	return DONE;
}

/* Sets found, stale and taken; *may: none of them is in the way. */
static enum outcome
user_may_change(struct sqlite *db, struct user_put *c, bool *may)
{
	struct user other;
	bool named;

	arena_reset(db->scratch);
	c->taken = c->stale = *may = false;
	c->found = c->user.id != 0;
	if (c->found)
		TRY(user_load(db, NONE, c->user.id, db->scratch, &other, &c->found));
	if (c->user.id != 0 && !c->found)
		return DONE;
	c->stale = c->found && c->from != NULL && !user_same(c->from, &other);
	if (!c->remove) {
		TRY(user_load(db, c->user.username, 0, db->scratch, &other, &named));
		c->taken = named && other.id != c->user.id;
	}
	*may = !c->taken && !c->stale;
	return DONE;
}

enum outcome
sqlite_user_put(struct sqlite *db, struct user_put *c)
{
	bool may;

	TRY(user_may_change(db, c, &may));
	if (!may)
		return DONE;
	if (c->found)
		TRY(user_disconnect(db, c));
	if (db->again)
		return DONE;
	if (c->remove)
		TRY(user_remove(db, c->user.id));
	else
		TRY(c->found ? user_update(db, &c->user) : user_insert(db, &c->user));
	return audit_insert(db, &c->audit);
}

/* ---- sessions ------------------------------------------------------------ */

static enum outcome
session_delete(struct sqlite *db, const uint8_t key[static SESSION_KEY_SIZE])
{
	struct query q = query_begin(db, SQL_session_delete);

	put_blob(&q, key, SESSION_KEY_SIZE);
	return query_run(&q, NULL);
}

enum outcome
session_stands(struct sqlite *db, const uint8_t key[static SESSION_KEY_SIZE],
	int64_t user, bool *stands)
{
	struct query q = query_begin(db, SQL_session_stands);

	put_blob(&q, key, SESSION_KEY_SIZE);
	put_int(&q, user);
	*stands = query_row(&q);
	return query_end(&q);
}

/* Is the password that was checked still the one, and the account not disabled? */
static enum outcome
user_stands(struct sqlite *db, const struct session_open *c, bool *stands)
{
	struct query q = query_begin(db, SQL_user_stands);

	put_int(&q, c->session.user);
	put_text(&q, c->password_hash);
	*stands = query_row(&q);
	return query_end(&q);
}

static enum outcome
session_insert(struct sqlite *db, const struct session_open *c)
{
	struct query q = query_begin(db, SQL_session_insert);

	put_blob(&q, c->session.key, SESSION_KEY_SIZE);
	put_int(&q, c->session.user);
	put_int(&q, c->session.authenticated_at);
	put_int(&q, c->session.expires_at);
	return query_run(&q, NULL);
}

enum outcome
sqlite_session_open(struct sqlite *db, struct session_open *c)
{
	bool stands = true;

	if (!bytes_empty(c->password_hash))
		TRY(user_stands(db, c, &stands));
	c->outdated = !stands;
	if (c->outdated)
		return DONE;
	TRY(session_insert(db, c));
	db->inserted++;
	/* A zero key is nobody's digest, so nothing goes when nothing is replaced. */
	TRY(session_delete(db, c->replaces));
	return audit_insert(db, &c->audit);
}

enum outcome
sqlite_session_find(struct sqlite *db, struct session_find *c)
{
	struct query q = query_begin(db, SQL_session_find);

	put_blob(&q, c->key, SESSION_KEY_SIZE);
	put_int(&q, c->now);
	c->found = query_row(&q);
	if (c->found) {
		memcpy(c->session.key, c->key, SESSION_KEY_SIZE);
		c->session.user = take_int(&q);
		c->session.authenticated_at = take_int(&q);
		c->session.expires_at = take_int(&q);
	}
	TRY(query_end(&q));
	if (c->found)
		TRY(user_load(
			db, NONE, c->session.user, c->call.arena, &c->user, &c->found));
	c->found = c->found && !c->user.disabled;
	return DONE;
}

enum outcome
sqlite_session_end(struct sqlite *db, struct session_end *c)
{
	TRY(session_delete(db, c->key));
	return audit_insert(db, &c->audit);
}
