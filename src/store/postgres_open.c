/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_open.c - the schema: made in one transaction, and looked at before it is
 * trusted. What is wrong is told as a sentence that says what to do.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

/* The first host that takes writes, in the order of the URL. */
static enum outcome
connect_somewhere(struct pg *db, const struct pg_target *t, struct fault *f)
{
	enum outcome connected = FAULT;

	for (size_t i = 0; connected != DONE && i < t->host_count; i++)
		connected = pg_connect(db, t, i, f);
	return connected;
}

static enum outcome
make_all(struct pg *db)
{
	static const char *const tables[] = {
#define TABLE(...) __VA_ARGS__,
#include "store/postgres_schema.def"
#undef TABLE
	};
	char mark[96];

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		TRY(pg_run(db, tables[i]));
	snprintf(mark, sizeof(mark), "INSERT INTO latchkey (schema_version) VALUES (%d)",
		PG_SCHEMA_VERSION);
	return pg_run(db, mark);
}

enum outcome
pg_make_tables(struct pg *db, struct fault *f)
{
	enum outcome made = make_all(db);

	if (made != DONE && pg_same(db->state, "42P07")) /* duplicate_table */
		return FAULT_AT(f, "the database has tables of these names already: they "
			"are left as they are; give latchkey an empty one");
	if (made != DONE && pg_same(db->state, "42501")) /* insufficient_privilege */
		return FAULT_AT(f, "this user may not make tables in the database: let "
			"it own the database, or its schema");
	return made;
}

enum outcome
pg_create(const char *url, struct fault *f)
{
	struct pg db = { .conn = NULL };
	struct pg_target t;
	enum outcome made;

	TRY(pg_target_read(url, &t, f));
	made = connect_somewhere(&db, &t, f);
	if (made == DONE)
		made = pg_run(&db, "BEGIN");
	if (made == DONE)
		made = pg_make_tables(&db, f);
	if (made == DONE)
		made = pg_run(&db, "COMMIT");
	if (made == DONE && db.unsure)
		made = FAULT_AT(f, "no standby acknowledged the new tables: drop them, see "
			"to the standby, and try again");
	pg_disconnect(&db);
	arena_free(db.scratch);
	pg_target_free(&t);
	return made;
}

static enum outcome
judge_version(int64_t version, struct fault *f)
{
	if (version / 1000 > PG_SCHEMA_VERSION / 1000)
		return FAULT_AT(f, "the database was made by a newer latchkey (schema %lld, "
			"this one knows %d): use that one",
			(long long)version, PG_SCHEMA_VERSION);
	if (version < PG_SCHEMA_VERSION)
		return FAULT_AT(f, "the database was made by an older latchkey (schema "
			"%lld, this one needs %d): latchkey db upgrade",
			(long long)version, PG_SCHEMA_VERSION);
	return DONE;
}

enum outcome
pg_inspect(struct pg *db, struct fault *f)
{
	struct pg_query q;
	enum outcome read;
	int64_t version = 0;

	db->fault = f;
	q = pg_begin(db, PG_schema_version);
	if (pg_next(&q))
		version = pg_take_int(&q.out);
	read = pg_end(&q);
	if (read != DONE && pg_same(db->state, "42P01")) /* undefined_table */
		return FAULT_AT(f, "this is not a database of latchkey: make one with "
			"latchkey init --database URL");
	TRY(read);
	return judge_version(version, f);
}

/* ---- upgraded ------------------------------------------------------------ */

static enum outcome
read_version(struct pg *db, int64_t *version)
{
	struct pg_query q = pg_begin(db, PG_schema_version_lock);
	enum outcome read;

	*version = pg_next(&q) ? pg_take_int(&q.out) : 0;
	read = pg_end(&q);
	if (read != DONE && pg_same(db->state, "42P01")) /* undefined_table */
		return FAULT_AT(db->fault, "this is not a database of latchkey");
	return read;
}

static enum outcome
run_steps(struct pg *db, const struct upgrade *steps, int64_t from, int64_t to)
{
	char mark[96];

	for (; steps->version != 0; steps++)
		if (steps->version > from && steps->version <= to)
			TRY(pg_run(db, steps->postgres));
	snprintf(mark, sizeof(mark), "UPDATE latchkey SET schema_version = %lld",
		(long long)to);
	TRY(pg_run(db, mark));
	db->unsure = false;
	TRY(pg_run(db, "COMMIT"));
	return db->unsure ? FAULT_AT(db->fault, "no standby acknowledged the new schema: see "
		"to the standby, and try again") : DONE;
}

enum outcome
pg_upgrade(const char *url, const struct upgrade *steps, int64_t to, int64_t *from,
	struct fault *f)
{
	struct pg db = { .conn = NULL };
	struct pg_target t;
	enum outcome done;
	bool needed = false;

	TRY(pg_target_read(url, &t, f));
	done = connect_somewhere(&db, &t, f);
	if (done == DONE)
		done = pg_run(&db, "BEGIN");
	if (done == DONE)
		done = read_version(&db, from);
	if (done == DONE)
		done = upgrade_needed(steps, *from, to, &needed, f);
	if (done == DONE && needed)
		done = run_steps(&db, steps, *from, to);
	pg_disconnect(&db); /* what was not committed is undone */
	arena_free(db.scratch);
	pg_target_free(&t);
	return done;
}
