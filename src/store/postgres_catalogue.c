/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_catalogue.c - the verbs about clients, scopes and key epochs.
 *
 * Whoever changes one of them raises the catalogue's version in the same
 * transaction. Nodes look at that number once a second, and as soon as they are
 * notified, which is a hint and no more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

#define SCOPE_ID_MAX UINT16_MAX /* ids stand in client tokens as two octets */

enum outcome
pg_catalogue_bump(struct pg *db)
{
	struct pg_query q = pg_begin(db, PG_catalogue_bump);

	db->bumped = true;
	return pg_do(&q, NULL);
}

enum outcome
pg_catalogue_read_version(struct pg *db, int64_t *version)
{
	struct pg_query q = pg_begin(db, PG_catalogue_version);

	*version = pg_next(&q) ? pg_take_int(&q.out) : -1;
	return pg_end(&q);
}

/* ---- read as a whole ----------------------------------------------------- */

static struct client *
client_of(struct catalogue *all, int64_t id)
{
	for (size_t i = 0; i < all->client_count; i++)
		if (all->clients[i].id == id)
			return &all->clients[i];
	return NULL;
}

static enum outcome
secrets_load(struct pg *db, struct catalogue *all)
{
	struct pg_query q = pg_begin(db, PG_secrets_all);
	struct client *c = NULL;

	while (pg_next(&q)) {
		int64_t id = pg_take_int(&q.out);
		struct client_secret *secret;

		c = c != NULL && c->id == id ? c : client_of(all, id);
		if (c == NULL ||
			c->secret_count == sizeof(c->secrets) / sizeof(*c->secrets))
			continue;
		secret = &c->secrets[c->secret_count++];
		(void)pg_take_blob(&q.out, secret->digest, sizeof(secret->digest));
		secret->created_at = pg_take_int(&q.out);
		secret->expires_at = pg_take_int(&q.out);
	}
	return pg_end(&q);
}

static enum outcome
client_take(struct pg_query *q, struct arena *a, struct client *c)
{
	int64_t id = pg_take_int(&q->out);
	struct bytes text = pg_take_text(&q->out, a);
	json_t *document = json_loadb(text.n > 0 ? text.p : "", text.n, 0, NULL);
	bool good = document != NULL && client_from_json(a, document, c);

	json_decref(document);
	if (!good)
		return FAULT_AT(q->db->fault,
			"client %lld in the database cannot be read: "
			"restore a backup",
			(long long)id);
	c->id = id;
	c->logo_type = pg_take_text(&q->out, a);
	c->has_logo = pg_take_blob(&q->out, c->logo_digest, sizeof(c->logo_digest));
	return DONE;
}

static enum outcome
clients_load(struct pg *db, struct catalogue *all)
{
	struct pg_query q = pg_begin(db, PG_clients_all);
	enum outcome good = DONE;

	while (good == DONE && pg_next(&q)) {
		all->clients = list_room(all->arena, all->clients, all->client_count,
			sizeof(*all->clients));
		memset(&all->clients[all->client_count], 0, sizeof(*all->clients));
		good = client_take(&q, all->arena, &all->clients[all->client_count++]);
	}
	if (pg_end(&q) != DONE || good != DONE)
		return FAULT;
	return secrets_load(db, all);
}

static enum outcome
scopes_load(struct pg *db, struct catalogue *all)
{
	struct pg_query q = pg_begin(db, PG_scopes_all);

	while (pg_next(&q)) {
		struct scope_entry *s;

		all->scopes = list_room(all->arena, all->scopes, all->scope_count,
			sizeof(*all->scopes));
		s = &all->scopes[all->scope_count++];
		s->id = (uint16_t)pg_take_int(&q.out);
		s->name = pg_take_text(&q.out, all->arena);
		s->description = pg_take_text(&q.out, all->arena);
	}
	return pg_end(&q);
}

static enum outcome
epochs_load(struct pg *db, struct catalogue *all)
{
	struct pg_query q = pg_begin(db, PG_epochs_all);

	while (pg_next(&q)) {
		struct epoch_entry *e;

		all->epochs = list_room(all->arena, all->epochs, all->epoch_count,
			sizeof(*all->epochs));
		e = &all->epochs[all->epoch_count++];
		e->epoch = (uint8_t)pg_take_int(&q.out);
		e->created_at = pg_take_int(&q.out);
		e->retired_at = pg_take_int(&q.out);
		all->epoch = e->epoch;
	}
	return pg_end(&q);
}

static enum outcome
load_all(struct pg *db, struct catalogue *all)
{
	TRY(pg_catalogue_read_version(db, &all->version));
	TRY(clients_load(db, all));
	TRY(scopes_load(db, all));
	return epochs_load(db, all);
}

/* One transaction, so that all of it is of one moment. */
enum outcome
pg_catalogue_load(struct pg *db, struct catalogue_load *c)
{
	struct arena *a = arena_new();
	struct catalogue *all = ARENA_NEW(a, struct catalogue);
	struct pg_query begin = pg_begin(db, PG_begin_read);
	struct pg_query commit;
	enum outcome loaded;

	all->arena = a;
	loaded = pg_do(&begin, NULL);
	if (loaded == DONE) {
		loaded = load_all(db, all);
		commit = pg_begin(db, PG_commit);
		if (pg_do(&commit, NULL) != DONE)
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
delete_by(struct pg *db, enum pg_statement which, int64_t id, size_t *deleted)
{
	struct pg_query q = pg_begin(db, which);

	pg_put_int(&q.in, id);
	return pg_do(&q, deleted);
}

static enum outcome
secrets_save(struct pg *db, const struct client *c)
{
	TRY(delete_by(db, PG_secrets_delete, c->id, NULL));
	for (size_t i = 0; i < c->secret_count; i++) {
		struct pg_query q = pg_begin(db, PG_secret_insert);

		pg_put_int(&q.in, c->id);
		pg_put_int(&q.in, (int64_t)i);
		pg_put_blob(&q.in, c->secrets[i].digest, sizeof(c->secrets[i].digest));
		pg_put_int(&q.in, c->secrets[i].created_at);
		pg_put_int(&q.in, c->secrets[i].expires_at);
		TRY(pg_do(&q, NULL));
	}
	return DONE;
}

static enum outcome
logo_save(struct pg *db, const struct client *c, struct bytes logo)
{
	struct pg_query q;

	if (!c->has_logo)
		return delete_by(db, PG_logo_delete, c->id, NULL);
	if (bytes_empty(logo))
		return DONE;
	q = pg_begin(db, PG_logo_put);
	pg_put_int(&q.in, c->id);
	pg_put_text(&q.in, c->logo_type);
	pg_put_blob(&q.in, c->logo_digest, sizeof(c->logo_digest));
	pg_put_blob(&q.in, logo.p, logo.n);
	return pg_do(&q, NULL);
}

/* The row itself: added when it has no number yet; *found says that it is there. */
static enum outcome
client_row_save(struct pg *db, struct client *c, struct bytes document, bool *found)
{
	bool added = c->id == 0;
	struct pg_query q = pg_begin(db, added ? PG_client_insert : PG_client_update);

	if (added)
		pg_put_text(&q.in, c->client_id);
	pg_put_text(&q.in, c->scope);
	pg_put_text(&q.in, document);
	if (!added)
		pg_put_int(&q.in, c->id);
	*found = pg_next(&q);
	if (*found)
		c->id = pg_take_int(&q.out);
	return pg_end(&q);
}

static enum outcome
client_save(struct pg *db, struct client_put *c)
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
client_remove(struct pg *db, struct client_put *c)
{
	struct grants_end end = { .call.resume = c->call.resume,
		.client = c->client.id,
		.why = END_CLIENT_REMOVED,
		.from = audit_who(&c->audit),
		.now = audit_time(&c->audit) };
	size_t deleted;

	TRY(pg_grants_end_some(db, &end));
	c->call.resume = end.call.resume;
	if (db->again)
		return DONE;
	TRY(delete_by(db, PG_secrets_delete, c->client.id, NULL));
	TRY(delete_by(db, PG_logo_delete, c->client.id, NULL));
	TRY(delete_by(db, PG_client_delete, c->client.id, &deleted));
	c->found = deleted > 0;
	return DONE;
}

/* Locked, so that it stays the one by which the client was judged. */
static enum outcome
client_stale(struct pg *db, struct client_put *c)
{
	struct pg_query q = pg_begin(db, PG_catalogue_lock);
	int64_t version = pg_next(&q) ? pg_take_int(&q.out) : 0;

	c->stale = c->version != 0 && version != c->version;
	return pg_end(&q);
}

enum outcome
pg_client_put(struct pg *db, struct client_put *c)
{
	c->found = false;
	TRY(client_stale(db, c));
	if (c->stale)
		return DONE;
	TRY(c->remove ? client_remove(db, c) : client_save(db, c));
	if (db->again || !c->found)
		return DONE;
	TRY(pg_catalogue_bump(db));
	return pg_audit_insert(db, &c->audit);
}

enum outcome
pg_client_logo(struct pg *db, struct client_logo *c)
{
	struct pg_query q = pg_begin(db, PG_logo_find);

	pg_put_int(&q.in, c->client);
	c->found = pg_next(&q);
	c->logo = c->found ? pg_take_text(&q.out, c->call.arena) : NONE;
	return pg_end(&q);
}

/* ---- scopes -------------------------------------------------------------- */

static enum outcome
scope_find(struct pg *db, struct bytes name, int64_t *id)
{
	struct pg_query q = pg_begin(db, PG_scope_find);

	pg_put_text(&q.in, name);
	*id = pg_next(&q) ? pg_take_int(&q.out) : 0;
	return pg_end(&q);
}

static enum outcome
scope_insert(struct pg *db, const struct scope_entry *s, int64_t *id)
{
	struct pg_query q = pg_begin(db, PG_scope_insert);

	pg_put_text(&q.in, s->name);
	pg_put_text(&q.in, s->description);
	if (pg_next(&q))
		*id = pg_take_int(&q.out);
	TRY(pg_end(&q));
	if (*id > SCOPE_ID_MAX)
		return FAULT_AT(db->fault,
			"65,535 scopes were added over time: their "
			"numbers are used up");
	return DONE;
}

static enum outcome
scope_save(struct pg *db, const struct scope_entry *s, int64_t *id)
{
	struct pg_query q;

	if (*id == 0)
		return scope_insert(db, s, id);
	q = pg_begin(db, PG_scope_update);
	pg_put_text(&q.in, s->description);
	pg_put_int(&q.in, *id);
	return pg_do(&q, NULL);
}

static enum outcome
scope_remove(struct pg *db, struct scope_put *c, int64_t id)
{
	struct pg_query q = pg_begin(db, PG_scope_in_use);

	pg_put_text(&q.in, c->scope.name);
	c->in_use = pg_next(&q);
	TRY(pg_end(&q));
	return c->in_use ? DONE : delete_by(db, PG_scope_delete, id, NULL);
}

enum outcome
pg_scope_put(struct pg *db, struct scope_put *c)
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
	TRY(pg_catalogue_bump(db));
	return pg_audit_insert(db, &c->audit);
}

/* ---- key epochs ---------------------------------------------------------- */

static enum outcome
epoch_next(struct pg *db, int64_t *next)
{
	struct pg_query q = pg_begin(db, PG_epoch_current);

	*next = pg_next(&q) ? pg_take_int(&q.out) + 1 : 0;
	TRY(pg_end(&q));
	if (*next >= TOKEN_EPOCHS)
		return FAULT_AT(db->fault,
			"all %d key epochs are used up: "
			"a new installation needs a new master key",
			TOKEN_EPOCHS);
	return DONE;
}

enum outcome
pg_epoch_put(struct pg *db, struct epoch_put *c)
{
	struct pg_query q;
	int64_t next;

	TRY(epoch_next(db, &next));
	q = pg_begin(db, PG_epoch_insert);
	pg_put_int(&q.in, next);
	pg_put_int(&q.in, c->now);
	TRY(pg_do(&q, NULL));
	if (c->retire_before != 0) {
		q = pg_begin(db, PG_epochs_retire);
		pg_put_int(&q.in, c->now);
		pg_put_int(&q.in, next);
		pg_put_int(&q.in, c->retire_before);
		TRY(pg_do(&q, NULL));
	}
	c->epoch = (uint8_t)next;
	TRY(pg_catalogue_bump(db));
	return pg_audit_insert(db, &c->audit);
}
