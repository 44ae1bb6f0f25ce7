/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_catalogue.c - the verbs about clients, scopes and key epochs.
 *
 * Whoever changes one of them raises the catalogue's version in the same
 * transaction; a server looks at that number and reads all of it again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/sqlite.h"

#define SCOPE_ID_MAX UINT16_MAX /* ids stand in client tokens as two octets */

enum outcome
catalogue_bump(struct sqlite *db)
{
	struct query q = query_begin(db, SQL_catalogue_bump);

	return query_run(&q, NULL);
}

enum outcome
catalogue_read_version(struct sqlite *db, int64_t *version)
{
	struct query q = query_begin(db, SQL_catalogue_version);

	*version = query_row(&q) ? take_int(&q) : -1;
	return query_end(&q);
}

/* ---- read as a whole ----------------------------------------------------- */

static enum outcome
secrets_load(struct sqlite *db, struct client *c)
{
	struct query q = query_begin(db, SQL_secrets_of);
	size_t most = sizeof(c->secrets) / sizeof(*c->secrets);

	put_int(&q, c->id);
	while (c->secret_count < most && query_row(&q)) {
		struct client_secret *secret = &c->secrets[c->secret_count++];

		(void)take_blob(&q, secret->digest, sizeof(secret->digest));
		secret->created_at = take_int(&q);
		secret->expires_at = take_int(&q);
	}
	return query_end(&q);
}

static enum outcome
client_take(struct query *q, struct arena *a, struct client *c)
{
	int64_t id = take_int(q);
	struct bytes text = take_text(q, a);
	json_t *document = json_loadb(text.n > 0 ? text.p : "", text.n, 0, NULL);
	bool good = document != NULL && client_from_json(a, document, c);

	json_decref(document);
	if (!good)
		return FAULT_AT(q->db->fault,
			"client %lld in the database cannot be read: "
			"restore a backup",
			(long long)id);
	c->id = id;
	c->logo_type = take_text(q, a);
	c->has_logo = take_blob(q, c->logo_digest, sizeof(c->logo_digest));
	return DONE;
}

static enum outcome
clients_load(struct sqlite *db, struct catalogue *all)
{
	struct query q = query_begin(db, SQL_clients_all);
	enum outcome good = DONE;

	while (good == DONE && query_row(&q)) {
		all->clients = list_room(all->arena, all->clients, all->client_count,
			sizeof(*all->clients));
		memset(&all->clients[all->client_count], 0, sizeof(*all->clients));
		good = client_take(&q, all->arena, &all->clients[all->client_count++]);
	}
	if (good != DONE) {
		sqlite3_reset(q.statement);
		return good;
	}
	TRY(query_end(&q));
	for (size_t i = 0; i < all->client_count; i++)
		TRY(secrets_load(db, &all->clients[i]));
	return DONE;
}

static enum outcome
scopes_load(struct sqlite *db, struct catalogue *all)
{
	struct query q = query_begin(db, SQL_scopes_all);

	while (query_row(&q)) {
		struct scope_entry *s;

		all->scopes = list_room(all->arena, all->scopes, all->scope_count,
			sizeof(*all->scopes));
		s = &all->scopes[all->scope_count++];
		s->id = (uint16_t)take_int(&q);
		s->name = take_text(&q, all->arena);
		s->description = take_text(&q, all->arena);
	}
	return query_end(&q);
}

static enum outcome
epochs_load(struct sqlite *db, struct catalogue *all)
{
	struct query q = query_begin(db, SQL_epochs_all);

	while (query_row(&q)) {
		struct epoch_entry *e;

		all->epochs = list_room(all->arena, all->epochs, all->epoch_count,
			sizeof(*all->epochs));
		e = &all->epochs[all->epoch_count++];
		e->epoch = (uint8_t)take_int(&q);
		e->created_at = take_int(&q);
		e->retired_at = take_int(&q);
		all->epoch = e->epoch;
	}
	return query_end(&q);
}

static enum outcome
load_all(struct sqlite *db, struct catalogue *all)
{
	TRY(catalogue_read_version(db, &all->version));
	TRY(clients_load(db, all));
	TRY(scopes_load(db, all));
	return epochs_load(db, all);
}

/* One transaction, so that all of it is of one moment. */
enum outcome
sqlite_catalogue_load(struct sqlite *db, struct catalogue_load *c)
{
	struct arena *a = arena_new();
	struct catalogue *all = ARENA_NEW(a, struct catalogue);
	struct query begin = query_begin(db, SQL_begin_read);
	struct query commit;
	enum outcome loaded;

	all->arena = a;
	loaded = query_run(&begin, NULL);
	if (loaded == DONE) {
		loaded = load_all(db, all);
		commit = query_begin(db, SQL_commit);
		if (query_run(&commit, NULL) != DONE)
			loaded = FAULT;
	}
	if (loaded != DONE) {
		arena_free(a);
		return loaded;
	}
	catalogue_seal(all);
	c->catalogue = all;
	return DONE;
}

/* ---- clients ------------------------------------------------------------- */

static enum outcome
delete_by(struct sqlite *db, enum statement which, int64_t id, size_t *deleted)
{
	struct query q = query_begin(db, which);

	put_int(&q, id);
	return query_run(&q, deleted);
}

static enum outcome
secrets_save(struct sqlite *db, const struct client *c)
{
	TRY(delete_by(db, SQL_secrets_delete, c->id, NULL));
	for (size_t i = 0; i < c->secret_count; i++) {
		struct query q = query_begin(db, SQL_secret_insert);

		put_int(&q, c->id);
		put_int(&q, (int64_t)i);
		put_blob(&q, c->secrets[i].digest, sizeof(c->secrets[i].digest));
		put_int(&q, c->secrets[i].created_at);
		put_int(&q, c->secrets[i].expires_at);
		TRY(query_run(&q, NULL));
	}
	return DONE;
}

static enum outcome
logo_save(struct sqlite *db, const struct client *c, struct bytes logo)
{
	struct query q;

	if (!c->has_logo)
		return delete_by(db, SQL_logo_delete, c->id, NULL);
	if (bytes_empty(logo))
		return DONE;
	q = query_begin(db, SQL_logo_put);
	put_int(&q, c->id);
	put_text(&q, c->logo_type);
	put_blob(&q, c->logo_digest, sizeof(c->logo_digest));
	put_blob(&q, logo.p, logo.n);
	return query_run(&q, NULL);
}

/* The row itself: added when it has no number yet; *found says that it is there. */
static enum outcome
client_row_save(struct sqlite *db, struct client *c, struct bytes document, bool *found)
{
	bool added = c->id == 0;
	struct query q = query_begin(db, added ? SQL_client_insert : SQL_client_update);
	size_t changed;

	if (added)
		put_text(&q, c->client_id);
	put_text(&q, c->scope);
	put_text(&q, document);
	if (!added)
		put_int(&q, c->id);
	TRY(query_run(&q, &changed));
	if (added)
		c->id = sqlite3_last_insert_rowid(db->db);
	*found = changed > 0;
	return DONE;
}

static enum outcome
client_save(struct sqlite *db, struct client_put *c)
{
	json_t *json = client_to_json(&c->client);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	enum outcome saved = client_row_save(db, &c->client, bytes_of(text), &c->found);

	free(text);
	json_decref(json);
	TRY(saved);
	if (!c->found)
		return DONE;
	TRY(secrets_save(db, &c->client));
	return logo_save(db, &c->client, c->logo);
}

/* Its grants first, a thousand a batch; the client itself goes with the last. */
static enum outcome
client_remove(struct sqlite *db, struct client_put *c)
{
	struct grants_end end = { .call.resume = c->call.resume,
		.client = c->client.id,
		.why = END_CLIENT_REMOVED,
		.from = audit_who(&c->audit),
		.now = audit_time(&c->audit) };
	size_t deleted;

	TRY(grants_end_some(db, &end));
	c->call.resume = end.call.resume;
	if (db->again)
		return DONE;
	TRY(delete_by(db, SQL_secrets_delete, c->client.id, NULL));
	TRY(delete_by(db, SQL_logo_delete, c->client.id, NULL));
	TRY(delete_by(db, SQL_client_delete, c->client.id, &deleted));
	c->found = deleted > 0;
	return DONE;
}

static enum outcome
client_stale(struct sqlite *db, struct client_put *c)
{
	int64_t version = c->version;

	if (version != 0)
		TRY(catalogue_read_version(db, &version));
	c->stale = version != c->version;
	return DONE;
}

enum outcome
sqlite_client_put(struct sqlite *db, struct client_put *c)
{
	c->found = false;
	TRY(client_stale(db, c));
	if (c->stale)
		return DONE;
	TRY(c->remove ? client_remove(db, c) : client_save(db, c));
	if (db->again || !c->found)
		return DONE;
	TRY(catalogue_bump(db));
	return audit_insert(db, &c->audit);
}

enum outcome
sqlite_client_logo(struct sqlite *db, struct client_logo *c)
{
	struct query q = query_begin(db, SQL_logo_find);

	put_int(&q, c->client);
	c->found = query_row(&q);
	c->logo = c->found ? take_text(&q, c->call.arena) : NONE;
	return query_end(&q);
}

/* ---- scopes -------------------------------------------------------------- */

static enum outcome
scope_find(struct sqlite *db, struct bytes name, int64_t *id)
{
	struct query q = query_begin(db, SQL_scope_find);

	put_text(&q, name);
	*id = query_row(&q) ? take_int(&q) : 0;
	return query_end(&q);
}

static enum outcome
scope_save(struct sqlite *db, const struct scope_entry *s, int64_t *id)
{
	struct query q =
		query_begin(db, *id == 0 ? SQL_scope_insert : SQL_scope_update);

	if (*id == 0)
		put_text(&q, s->name);
	put_text(&q, s->description);
	if (*id != 0)
		put_int(&q, *id);
	TRY(query_run(&q, NULL));
	if (*id == 0)
		*id = sqlite3_last_insert_rowid(db->db);
	if (*id > SCOPE_ID_MAX)
		return FAULT_AT(db->fault,
			"65,535 scopes were added over time: their "
			"numbers are used up");
	return DONE;
}

static enum outcome
scope_remove(struct sqlite *db, struct scope_put *c, int64_t id)
{
	struct query q = query_begin(db, SQL_scope_in_use);

	put_text(&q, c->scope.name);
	c->in_use = query_row(&q);
	TRY(query_end(&q));
	return c->in_use ? DONE : delete_by(db, SQL_scope_delete, id, NULL);
}

enum outcome
sqlite_scope_put(struct sqlite *db, struct scope_put *c)
{
	int64_t id;

	c->in_use = false;
	TRY(scope_find(db, c->scope.name, &id));
	c->found = id != 0;
	if (c->remove && !c->found)
		return DONE;
	TRY(c->remove ? scope_remove(db, c, id) : scope_save(db, &c->scope, &id));
	if (c->in_use)
		return DONE;
	c->scope.id = (uint16_t)id;
	TRY(catalogue_bump(db));
	return audit_insert(db, &c->audit);
}

/* ---- key epochs ---------------------------------------------------------- */

static enum outcome
epoch_next(struct sqlite *db, int64_t *next)
{
	struct query q = query_begin(db, SQL_epoch_current);

	*next = query_row(&q) ? take_int(&q) + 1 : 0;
	TRY(query_end(&q));
	if (*next >= TOKEN_EPOCHS)
		return FAULT_AT(db->fault,
			"all %d key epochs are used up: "
			"a new installation needs a new master key",
			TOKEN_EPOCHS);
	return DONE;
}

enum outcome
sqlite_epoch_put(struct sqlite *db, struct epoch_put *c)
{
	struct query q;
	int64_t next;

	TRY(epoch_next(db, &next));
	q = query_begin(db, SQL_epoch_insert);
	put_int(&q, next);
	put_int(&q, c->now);
	TRY(query_run(&q, NULL));
	if (c->retire_before != 0) {
		q = query_begin(db, SQL_epochs_retire);
		put_int(&q, c->now);
		put_int(&q, next);
		put_int(&q, c->retire_before);
		TRY(query_run(&q, NULL));
	}
	c->epoch = (uint8_t)next;
	TRY(catalogue_bump(db));
	return audit_insert(db, &c->audit);
}
