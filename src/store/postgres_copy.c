/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_copy.c - a PostgreSQL database as the source or the target of a move.
 *
 * The source is held by locks on all its tables, so nodes answer 503 meanwhile, and
 * is retired by moving the tables to another schema, so that they go on doing so. A target
 * is made, filled and committed as a whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/copy.h"
#include "store/postgres.h"

#define LOCKING "SET lock_timeout = '20s'"

struct database {
	struct pg db;
	struct pg_target target;
	struct fault *fault;
	const struct copy_table *table; /* whose cursor is open, or statement prepared */
	char insert[1536];
};

static const char *const all_tables =
	"latchkey, nodes, grants, revoked_tokens, audit, refusals, users, contexts, "
	"sessions, catalogue, clients, client_secrets, logos, scopes, epochs, facts";

static void
close_database(void *self)
{
	struct database *x = self;

	pg_disconnect(&x->db); /* what was not committed is undone */
	arena_free(x->db.scratch);
	pg_target_free(&x->target);
	free(x);
}

static enum outcome
open_database(const char *url, struct database **out, struct fault *f)
{
	struct database *x = must_calloc(1, sizeof(*x));
	enum outcome open = pg_target_read(url, &x->target, f);

	for (size_t i = 0; open == DONE && i < x->target.host_count; i++) {
		open = pg_connect(&x->db, &x->target, i, f);
		if (open == DONE)
			break;
		open = i + 1 < x->target.host_count ? DONE : FAULT;
	}
	if (open == DONE) {
		x->db.answer_ms = 60000; /* a thousand rows, a lock, a commit */
		open = pg_run(&x->db, "SET idle_in_transaction_session_timeout = 0");
	}
	if (open == DONE)
		*out = x;
	else
		close_database(x);
	return open;
}

/* ---- source -------------------------------------------------------------- */

/* `user` is a word of PostgreSQL's own; the column is user_id there. */
static const char *
column_here(struct bytes name, char memory[static 64])
{
	if (bytes_equal(name, B("user")))
		return "user_id";
	snprintf(memory, 64, "%.*s", BYTES_FMT(name));
	return memory;
}

static void
columns_here(const struct copy_table *t, struct buf *out)
{
	struct bytes rest = bytes_of(t->columns);
	bool first = true;

	while (rest.n > 0) {
		struct bytes name = bytes_cut(&rest, ',');
		char memory[64];

		if (name.p[0] == ' ')
			name = bytes_slice(name, 1, name.n);
		buf_printf(out, "%s%s", first ? "" : ", ", column_here(name, memory));
		first = false;
	}
}

static enum outcome
open_cursor(struct database *x, const struct copy_table *t)
{
	char names[512], sql[640];
	struct buf b = buf_fixed(names, sizeof(names));

	if (x->table == t)
		return DONE;
	if (x->table != NULL)
		TRY(pg_run(&x->db, "CLOSE moving"));
	columns_here(t, &b);
	snprintf(sql, sizeof(sql),
		"DECLARE moving NO SCROLL CURSOR FOR SELECT %s FROM %s ORDER BY 1",
		buf_cstr(&b), t->name);
	x->table = t;
	return pg_run(&x->db, sql);
}

static struct cell
cell_of(struct pg_row *r, char type, struct arena *a)
{
	struct cell c = { .null = pg_is_null(r) };

	if (type == CELL_INT)
		c.number = pg_take_int(r);
	else
		c.bytes = pg_take_text(r, a);
	return c;
}

static enum outcome
give_rows(void *self, const struct copy_table *t, struct copy_rows *out, struct fault *f)
{
	struct database *x = self;
	struct pg_row r = { .row = 0 };
	char sql[64];
	PGresult *result;

	x->db.fault = f;
	TRY(open_cursor(x, t));
	snprintf(sql, sizeof(sql), "FETCH %d FROM moving", COPY_ROWS);
	TRY(pg_ask(&x->db, sql, NULL, &result));
	r.result = result;
	for (; r.row < pq.ntuples(result); r.row++) {
		r.column = 0;
		for (int i = 0; t->types[i] != '\0'; i++)
			out->cells[out->n][i] = cell_of(&r, t->types[i], out->arena);
		out->n++;
	}
	pq.clear(result);
	return DONE;
}

static enum outcome
give_counter(void *self, const struct copy_table *t, int64_t *out, struct fault *f)
{
	struct database *x = self;
	struct pg_row r = { .row = 0 };
	PGresult *result;
	char sql[160];

	x->db.fault = f;
	snprintf(sql, sizeof(sql), "SELECT CASE WHEN is_called THEN last_value ELSE 0 END "
		"FROM %s_id_seq", t->name);
	TRY(pg_ask(&x->db, sql, NULL, &result));
	r.result = result;
	*out = pg_take_int(&r);
	pq.clear(result);
	return DONE;
}

static enum outcome
retire_database(void *self, struct fault *f)
{
	struct database *x = self;
	struct bytes rest = bytes_of(all_tables);
	char schema[64], make[96];

	x->db.fault = f;
	snprintf(schema, sizeof(schema), "latchkey_moved_%lld", (long long)clock_now());
	snprintf(make, sizeof(make), "CREATE SCHEMA %s", schema);
	TRY(pg_run(&x->db, "CLOSE moving"));
	TRY(pg_run(&x->db, make));
	while (rest.n > 0) {
		struct bytes name = bytes_cut(&rest, ',');
		char sql[160];

		if (name.p[0] == ' ')
			name = bytes_slice(name, 1, name.n);
		snprintf(sql, sizeof(sql), "ALTER TABLE %.*s SET SCHEMA %s",
			BYTES_FMT(name), schema);
		TRY(pg_run(&x->db, sql));
	}
	x->db.unsure = false;
	TRY(pg_run(&x->db, "COMMIT"));
	return x->db.unsure ? FAULT_AT(f, "no standby acknowledged that the old tables were "
		"put away: see to it before anything is started") : DONE;
}

enum outcome
pg_copy_source(const char *url, struct copy_source *out, struct fault *f)
{
	struct database *x;
	enum outcome held;
	char sql[320];

	TRY(open_database(url, &x, f));
	held = pg_inspect(&x->db, f);
	snprintf(sql, sizeof(sql), "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", all_tables);
	if (held == DONE)
		held = pg_run(&x->db, LOCKING);
	if (held == DONE)
		held = pg_run(&x->db, "BEGIN");
	if (held == DONE)
		held = pg_run(&x->db, sql);
	if (held != DONE) {
		close_database(x);
		return held;
	}
	*out = (struct copy_source){ x, give_rows, give_counter, retire_database,
		close_database };
	return DONE;
}

/* ---- target -------------------------------------------------------------- */

static const struct { char type; enum pg_type here; const char *name; } types[] = {
	{ CELL_INT, PG_BIGINT, "bigint" },
	{ CELL_TEXT, PG_TEXT, "text" },
	{ CELL_BLOB, PG_BYTEA, "bytea" },
};

static size_t
type_of(char type)
{
	size_t i = 0;

	while (types[i].type != type)
		i++;
	return i;
}

/* Columns that only PostgreSQL has are made of the others. */
static const char *
more_columns(const struct copy_table *t, const char **values)
{
	*values = "";
	if (pg_same(t->name, "users")) {
		*values = ", lower(username COLLATE \"C\")";
		return ", folded";
	}
	if (pg_same(t->name, "grants")) {
		*values = ", 1 + floor(random() * 9e15)::bigint";
		return ", mark";
	}
	return "";
}

/* INSERT INTO t (columns) SELECT ... FROM unnest($1::type[], ...) AS v (columns) */
static const char *
insert_of(struct database *x, const struct copy_table *t)
{
	struct buf b = buf_fixed(x->insert, sizeof(x->insert));
	const char *values, *more = more_columns(t, &values);

	buf_printf(&b, "INSERT INTO %s (", t->name);
	columns_here(t, &b);
	buf_printf(&b, "%s) SELECT v.*%s FROM unnest(", more, values);
	for (size_t i = 0; t->types[i] != '\0'; i++)
		buf_printf(&b, "%s$%zu::%s[]", i == 0 ? "" : ", ", i + 1,
			types[type_of(t->types[i])].name);
	buf_printf(&b, ") AS v (");
	columns_here(t, &b);
	buf_printf(&b, ")");
	return buf_cstr(&b);
}

static void
add_cell(struct pg_array *a, const struct cell *c, char type)
{
	if (c->null)
		pg_add_null(a);
	else if (type == CELL_INT)
		pg_add_int(a, c->number);
	else if (type == CELL_TEXT)
		pg_add_text(a, c->bytes);
	else
		pg_add_blob(a, c->bytes.n > 0 ? c->bytes.p : "", c->bytes.n);
}

static enum outcome
take_rows(void *self, const struct copy_table *t, const struct copy_rows *rows,
	struct fault *f)
{
	struct database *x = self;
	struct pg_params p = { .arena = x->db.scratch };

	x->db.fault = f;
	arena_reset(x->db.scratch);
	for (size_t i = 0; t->types[i] != '\0'; i++) {
		struct pg_array a =
			pg_array_new(&p, types[type_of(t->types[i])].here, rows->n);

		for (size_t row = 0; row < rows->n; row++)
			add_cell(&a, &rows->cells[row][i], t->types[i]);
		pg_put_array(&a);
	}
	return pg_ask(&x->db, insert_of(x, t), &p, NULL);
}

static enum outcome
take_counter(void *self, const struct copy_table *t, int64_t last, struct fault *f)
{
	struct database *x = self;
	char sql[128];

	x->db.fault = f;
	if (last == 0)
		return DONE;
	snprintf(sql, sizeof(sql), "SELECT setval('%s_id_seq', %lld)", t->name,
		(long long)last);
	return pg_run(&x->db, sql);
}

static enum outcome
commit_database(void *self, struct fault *f)
{
	struct database *x = self;

	x->db.fault = f;
	x->db.unsure = false;
	TRY(pg_run(&x->db, "COMMIT"));
	if (x->db.unsure)
		return FAULT_AT(f, "no standby acknowledged what was moved; the old database "
			"stays in force: drop the new tables and try again");
	(void)!pg_run(&x->db, "ANALYZE"); /* so that plans are good at once */
	return DONE;
}

enum outcome
pg_copy_sink(const char *url, struct copy_sink *out, struct fault *f)
{
	struct database *x;
	enum outcome made;

	TRY(open_database(url, &x, f));
	x->db.fault = f;
	made = pg_run(&x->db, "BEGIN");
	if (made == DONE)
		made = pg_make_tables(&x->db, f);
	if (made == DONE)
		made = pg_run(&x->db, "DELETE FROM catalogue");
	if (made == DONE)
		made = pg_run(&x->db, "DELETE FROM epochs");
	if (made != DONE) {
		close_database(x);
		return made;
	}
	*out = (struct copy_sink){ x, take_rows, take_counter, commit_database,
		close_database };
	return DONE;
}
