/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_postgres.c - a vault that several machines share. The rows hold the same sealed
 * bytes as the files of a directory do; the database never has a key.
 */
#include "vault/vault_postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define KEY_WAIT_MS 10000

/* A row stays when its record is removed: its generation goes on from where it was. */
static const char *const schema[] = {
	"CREATE TABLE IF NOT EXISTS latchkey_vault_key ("
	" format bigint PRIMARY KEY CHECK (format = 1),"
	" wrapped bytea NOT NULL)",
	"CREATE TABLE IF NOT EXISTS latchkey_vault ("
	" name text COLLATE \"C\" PRIMARY KEY,"
	" record bytea, journal bytea,"
	" generation bigint NOT NULL DEFAULT 2)",
	"CREATE TABLE IF NOT EXISTS latchkey_vault_log ("
	" id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text COLLATE \"C\" NOT NULL, line bytea NOT NULL)",
	"CREATE INDEX IF NOT EXISTS latchkey_vault_log_name"
	" ON latchkey_vault_log (name, id)",
	"CREATE TABLE IF NOT EXISTS latchkey_vault_attempt ("
	" id text COLLATE \"C\" PRIMARY KEY, sealed bytea NOT NULL,"
	" put_at timestamptz NOT NULL DEFAULT now())",
};

/* ---- sessions -------------------------------------------------------------- */

enum vault_result
pg_borrow(struct pg_vault *v, PGconn **out, struct fault *f)
{
	PGconn *c = NULL;

	pthread_mutex_lock(&v->mutex);
	while (c == NULL && v->kept_count > 0) {
		c = v->kept[--v->kept_count];
		if (!pq_usable(c)) {
			vault_pq.finish(c);
			c = NULL;
		}
	}
	pthread_mutex_unlock(&v->mutex);
	if (c == NULL)
		VAULT_TRY(pq_connect(
			&v->target, clock_monotonic_ms() + PG_ANSWER_MS, &c, f));
	*out = c;
	return VAULT_DONE;
}

void
pg_give_back(struct pg_vault *v, PGconn *c)
{
	bool kept = false;

	pthread_mutex_lock(&v->mutex);
	if (v->kept_count < PG_SESSIONS_KEPT && pq_usable(c)) {
		v->kept[v->kept_count++] = c;
		kept = true;
	}
	pthread_mutex_unlock(&v->mutex);
	if (!kept)
		vault_pq.finish(c);
}

enum vault_result
pg_ask_once(struct pg_vault *v, bool again, const char *sql,
	const struct pq_value *values, int count, PGresult **out, struct fault *f)
{
	enum vault_result r;
	bool ended;
	PGconn *c;

	VAULT_TRY(pg_borrow(v, &c, f));
	r = pq_ask(c, clock_monotonic_ms() + PG_ANSWER_MS, sql, values, count, out, f);
	ended = vault_pq.status(c) == CONNECTION_BAD;
	pg_give_back(v, c);
	return r == VAULT_STORAGE && ended && again
		? pg_ask_once(v, false, sql, values, count, out, f)
		: r;
}

/* ---- life ------------------------------------------------------------------ */

static void
pg_close(struct vault *vault)
{
	struct pg_vault *v = pg_of(vault);

	while (v->kept_count > 0)
		vault_pq.finish(v->kept[--v->kept_count]);
	while (v->names != NULL) {
		struct pg_name *n = v->names;

		v->names = n->next;
		free(n);
	}
	pq_target_free(&v->target);
	pthread_mutex_destroy(&v->mutex);
	free(v);
}

/* Under the vault's own lock: two who make the same table at once fail. */
static enum vault_result
make_tables(PGconn *c, struct fault *f)
{
	int64_t deadline = clock_monotonic_ms() + PG_ANSWER_MS;

	for (size_t i = 0; i < sizeof(schema) / sizeof(schema[0]); i++)
		VAULT_TRY(pq_ask(c, deadline, schema[i], NULL, 0, NULL, f));
	return VAULT_DONE;
}

static enum vault_result
tables_stand(struct pg_vault *v, bool *out, struct fault *f)
{
	PGresult *result;

	VAULT_TRY(pg_ask_once(v, true,
		"SELECT to_regclass('latchkey_vault_attempt') IS NOT NULL", NULL, 0,
		&result, f));
	*out = pq_truth(result, 0);
	vault_pq.clear(result);
	return VAULT_DONE;
}

static enum vault_result
prepare(struct pg_vault *v, bool existing, struct fault *f)
{
	enum vault_result r;
	bool stand;
	PGconn *c;

	VAULT_TRY(tables_stand(v, &stand, f));
	if (stand)
		return VAULT_DONE;
	if (existing)
		return vault_none(&v->vault, f);
	VAULT_TRY(pg_lock_take(v, NONE, KEY_WAIT_MS, &c, f));
	r = make_tables(c, f);
	pg_lock_drop(v, c, NONE);
	return r;
}

static enum vault_result
pg_open(const char *where, bool existing, struct vault **out, struct fault *f)
{
	struct pg_vault *v = calloc(1, sizeof(*v));
	enum vault_result r;

	if (v == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	r = pq_target_read(where, &v->target, v->vault.place, f);
	if (r != VAULT_DONE) {
		free(v);
		return r;
	}
	v->vault.backend = &vault_postgres;
	pthread_mutex_init(&v->mutex, NULL);
	r = prepare(v, existing, f);
	if (r == VAULT_DONE)
		*out = &v->vault;
	else
		pg_close(&v->vault);
	return r;
}

/* ---- the key's text -------------------------------------------------------- */

static enum vault_result
pg_key_read(struct vault *v, char text[static VAULT_KEY_TEXT_MAX], size_t *n,
	struct fault *f)
{
	enum vault_result r = VAULT_DONE;
	PGresult *result;
	size_t size = 0;

	VAULT_TRY(pg_ask_once(pg_of(v), true, "SELECT wrapped FROM latchkey_vault_key",
		NULL, 0, &result, f));
	if (vault_pq.ntuples(result) == 0)
		r = VAULT_FAIL(f, VAULT_ABSENT, "the vault has no key yet");
	else
		size = (size_t)vault_pq.getlength(result, 0, 0);
	if (size > VAULT_KEY_TEXT_MAX)
		r = VAULT_FAIL(f, VAULT_DAMAGED,
			"the vault's key is larger than any that is "
			"written");
	if (r == VAULT_DONE) {
		memcpy(text, vault_pq.getvalue(result, 0, 0), size);
		*n = size;
	}
	vault_pq.clear(result);
	return r;
}

static enum vault_result
pg_key_begin(struct vault *vault, struct fault *f)
{
	struct pg_vault *v = pg_of(vault);

	return pg_lock_take(v, NONE, KEY_WAIT_MS, &v->key_session, f);
}

static void
pg_key_end(struct vault *vault)
{
	struct pg_vault *v = pg_of(vault);

	pg_lock_drop(v, v->key_session, NONE);
	v->key_session = NULL;
}

static enum vault_result
pg_key_write(struct vault *vault, struct bytes text, struct fault *f)
{
	struct pq_value values[] = { pg_value(text) };
	PGresult *result;

	VAULT_TRY(pq_ask(pg_of(vault)->key_session, clock_monotonic_ms() + PG_ANSWER_MS,
		"INSERT INTO latchkey_vault_key (format, wrapped) SELECT 1, $1::bytea"
		" WHERE NOT EXISTS (SELECT 1 FROM latchkey_vault"
		" WHERE record IS NOT NULL)",
		values, 1, &result, f));
	if (pg_wrote(result))
		return VAULT_DONE;
	return VAULT_FAIL(f, VAULT_DAMAGED,
		"the vault has records but no key: without "
		"it nobody can read them; bring latchkey_vault_key back");
}

/* ---- generations ----------------------------------------------------------- */

struct pg_name *
pg_name_of(struct pg_vault *v, struct bytes name)
{
	struct pg_name *n;

	pthread_mutex_lock(&v->mutex);
	for (n = v->names; n != NULL; n = n->next)
		if (bytes_equal(bytes_of(n->name), name))
			break;
	if (n == NULL && (n = calloc(1, sizeof(*n))) != NULL) {
		memcpy(n->name, name.p, name.n);
		n->next = v->names;
		v->names = n;
	}
	pthread_mutex_unlock(&v->mutex);
	return n;
}

void
pg_saw(struct pg_vault *v, struct bytes name, int64_t generation)
{
	struct pg_name *n = pg_name_of(v, name);
	uint32_t now = (uint32_t)generation, known;

	if (n == NULL)
		return; /* nobody could have asked for its word either */
	known = atomic_load(&n->generation);
	while ((int32_t)(now - known) > 0 &&
		!atomic_compare_exchange_weak(&n->generation, &known, now))
		;
}

static const _Atomic uint32_t *
pg_generation(struct vault *v, struct bytes name, struct fault *f)
{
	struct pg_name *n = pg_name_of(pg_of(v), name);

	if (n != NULL)
		return &n->generation;
	(void)VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	return NULL;
}

/* ---- reading --------------------------------------------------------------- */

/* The octets of the first row's column, copied; VAULT_ABSENT: no row, or NULL. */
static enum vault_result
octets(const PGresult *result, int column, size_t max, struct arena *a, uint8_t **out,
	size_t *n, struct fault *f)
{
	size_t size;

	if (vault_pq.ntuples(result) == 0 || vault_pq.getisnull(result, 0, column))
		return VAULT_FAIL(
			f, VAULT_ABSENT, "there is no such thing in the vault");
	size = (size_t)vault_pq.getlength(result, 0, column);
	if (size > max)
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"a row is larger than any that is "
			"written");
	*out = arena_copy(a, vault_pq.getvalue(result, 0, column), size);
	*n = size;
	return VAULT_DONE;
}

static enum vault_result
pg_read(struct vault *v, struct bytes name, enum vault_slot slot, struct arena *a,
	uint8_t **sealed, size_t *n, struct fault *f)
{
	static const char *const sql[] = {
		[SLOT_RECORD] = "SELECT record, generation FROM latchkey_vault"
				" WHERE name = $1::text",
		[SLOT_JOURNAL] = "SELECT journal, generation FROM latchkey_vault"
				 " WHERE name = $1::text",
	};
	struct pq_value values[] = { pg_value(name) };
	enum vault_result r;
	PGresult *result;

	VAULT_TRY(pg_ask_once(pg_of(v), true, sql[slot], values, 1, &result, f));
	r = octets(result, 0, vault_slot_max(slot), a, sealed, n, f);
	if (slot == SLOT_RECORD)
		pg_saw(pg_of(v), name, pq_number(result, 1));
	vault_pq.clear(result);
	return r;
}

static bool
pg_stands(struct vault *v, struct bytes name, enum vault_slot slot)
{
	static const char *const sql[] = {
		[SLOT_RECORD] = "SELECT record IS NOT NULL FROM latchkey_vault"
				" WHERE name = $1::text",
		[SLOT_JOURNAL] = "SELECT journal IS NOT NULL FROM latchkey_vault"
				 " WHERE name = $1::text",
	};
	struct pq_value values[] = { pg_value(name) };
	PGresult *result;
	bool stands;

	if (pg_ask_once(pg_of(v), true, sql[slot], values, 1, &result, NULL) !=
		VAULT_DONE)
		return false;
	stands = pq_truth(result, 0);
	vault_pq.clear(result);
	return stands;
}

static enum vault_result
pg_list(struct vault *v, struct arena *a, struct bytes **names, size_t *count,
	struct fault *f)
{
	PGresult *result;
	size_t n;

	VAULT_TRY(pg_ask_once(pg_of(v), true,
		"SELECT name FROM latchkey_vault WHERE record IS NOT NULL"
		" ORDER BY name",
		NULL, 0, &result, f));
	n = (size_t)vault_pq.ntuples(result);
	*names = ARENA_ARRAY(a, struct bytes, n);
	for (size_t i = 0; i < n; i++)
		(*names)[i] = arena_bytes(a,
			(struct bytes){ vault_pq.getvalue(result, (int)i, 0),
				(size_t)vault_pq.getlength(result, (int)i, 0) });
	*count = n;
	vault_pq.clear(result);
	return VAULT_DONE;
}

const struct vault_backend vault_postgres = {
	.shared_by_machines = true,
	.open = pg_open,
	.close = pg_close,
	.key_read = pg_key_read,
	.key_begin = pg_key_begin,
	.key_write = pg_key_write,
	.key_end = pg_key_end,
	.generation = pg_generation,
	.read = pg_read,
	.stands = pg_stands,
	.list = pg_list,
	.lock = pg_lock,
	.unlock = pg_unlock,
	.reserve = pg_reserve,
	.write = pg_write,
	.journal_clear = pg_journal_clear,
	.remove = pg_remove,
	.log_append = pg_log_append,
	.log_read = pg_log_read,
	.attempt_put = pg_attempt_put,
	.attempt_take = pg_attempt_take,
};
