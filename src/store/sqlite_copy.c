/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_copy.c - an SQLite file as the source or the target of a move.
 *
 * The source is held by BEGIN IMMEDIATE: whoever else would write waits. It is
 * retired by giving it another name, which a running server notices before it tells
 * of any further change (sqlite_file.c). A target is a new file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/copy.h"
#include "store/sqlite.h"

struct file {
	struct sqlite db;
	char *path;
	sqlite3_stmt *statement; /* of the table under way */
	const struct copy_table *table;
	bool ended; /* all rows of the table were given */
	bool committed;
};

static enum outcome
failed(struct file *x, int rc, const char *doing, struct fault *f)
{
	return sqlite_fault(x->db.db, rc, doing, f);
}

static int
run(struct file *x, const char *sql)
{
	return sqlite3_exec(x->db.db, sql, NULL, NULL, NULL);
}

/* The statement for a table, prepared when its first row is wanted. */
static int
turn_to(struct file *x, const struct copy_table *t, const char *sql)
{
	if (x->table == t)
		return SQLITE_OK;
	sqlite3_finalize(x->statement);
	x->table = t;
	x->ended = false;
	return sqlite3_prepare_v2(x->db.db, sql, -1, &x->statement, NULL);
}

static enum outcome
open_file(const char *path, struct file **out, struct fault *f)
{
	struct file *x = must_calloc(1, sizeof(*x));

	if (sqlite_connect(&x->db, path, SQLITE_FOR_WRITING, f) != DONE) {
		free(x);
		return FAULT;
	}
	x->path = strdup(path);
	if (x->path == NULL)
		out_of_memory(strlen(path));
	*out = x;
	return DONE;
}

static void
close_file(void *self)
{
	struct file *x = self;

	sqlite3_finalize(x->statement);
	(void)run(x, "ROLLBACK"); /* when it was not committed */
	sqlite_disconnect(&x->db);
	free(x->path);
	free(x);
}

/* ---- source -------------------------------------------------------------- */

static struct cell
cell_of(sqlite3_stmt *s, int column, char type, struct arena *a)
{
	const void *p = sqlite3_column_blob(s, column);
	size_t n = (size_t)sqlite3_column_bytes(s, column);
	bool null = sqlite3_column_type(s, column) == SQLITE_NULL;

	if (null || type == CELL_INT)
		return (struct cell){ .null = null,
			.number = sqlite3_column_int64(s, column) };
	return (struct cell){ .bytes = arena_bytes(a, (struct bytes){ p, n }) };
}

static enum outcome
give_rows(void *self, const struct copy_table *t, struct copy_rows *out, struct fault *f)
{
	struct file *x = self;
	char sql[512];
	int rc;

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s ORDER BY 1", t->columns, t->name);
	rc = turn_to(x, t, sql);
	while (rc == SQLITE_OK && !x->ended && out->n < COPY_ROWS) {
		rc = sqlite3_step(x->statement);
		x->ended = rc == SQLITE_DONE;
		if (rc != SQLITE_ROW)
			break;
		for (int i = 0; t->types[i] != '\0'; i++)
			out->cells[out->n][i] =
				cell_of(x->statement, i, t->types[i], out->arena);
		out->n++;
		rc = SQLITE_OK;
	}
	return rc == SQLITE_OK || rc == SQLITE_DONE ? DONE : failed(x, rc, t->name, f);
}

static enum outcome
give_counter(void *self, const struct copy_table *t, int64_t *out, struct fault *f)
{
	struct file *x = self;
	sqlite3_stmt *s = NULL;
	char sql[256];
	int rc;

	snprintf(sql, sizeof(sql), "SELECT max(coalesce((SELECT max(id) FROM %s), 0), "
		"coalesce((SELECT seq FROM sqlite_sequence WHERE name = '%s'), 0))",
		t->name, t->name);
	rc = sqlite3_prepare_v2(x->db.db, sql, -1, &s, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? DONE : failed(x, rc, t->name, f);
}

static enum outcome
retire_file(void *self, struct fault *f)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct file *x = self;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char old[4096], new[4096];

		snprintf(old, sizeof(old), "%s%s", x->path, suffixes[i]);
		snprintf(new, sizeof(new), "%s.moved%s", x->path, suffixes[i]);
		if (rename(old, new) != 0 && i == 0)
			return FAULT_AT(f, "%s cannot be given another name: do that "
				"before a server is started on it", x->path);
	}
	return DONE;
}

enum outcome
sqlite_copy_source(const char *path, struct copy_source *out, struct fault *f)
{
	struct file *x;
	int rc;

	TRY(sqlite_inspect(path, f));
	TRY(open_file(path, &x, f));
	rc = run(x, "BEGIN IMMEDIATE");
	if (rc != SQLITE_OK) {
		(void)failed(x, rc, "move", f);
		close_file(x);
		return FAULT;
	}
	*out = (struct copy_source){ x, give_rows, give_counter, retire_file, close_file };
	return DONE;
}

/* ---- target -------------------------------------------------------------- */

static int
bind(sqlite3_stmt *s, int at, const struct cell *c, char type)
{
	if (c->null)
		return sqlite3_bind_null(s, at);
	if (type == CELL_INT)
		return sqlite3_bind_int64(s, at, c->number);
	if (type == CELL_TEXT)
		return sqlite3_bind_text64(s, at, c->bytes.p, c->bytes.n, SQLITE_STATIC,
			SQLITE_UTF8);
	return sqlite3_bind_blob64(s, at, c->bytes.n > 0 ? c->bytes.p : "", c->bytes.n,
		SQLITE_STATIC);
}

static int
add_row(struct file *x, const struct copy_table *t, const struct cell *cells)
{
	int rc = SQLITE_OK;

	for (int i = 0; rc == SQLITE_OK && t->types[i] != '\0'; i++)
		rc = bind(x->statement, i + 1, &cells[i], t->types[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(x->statement);
	(void)sqlite3_reset(x->statement);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static enum outcome
take_rows(void *self, const struct copy_table *t, const struct copy_rows *rows,
	struct fault *f)
{
	struct file *x = self;
	char sql[512], marks[2 * COPY_COLUMNS_MAX + 1] = "";
	int rc;

	for (size_t i = 0; t->types[i] != '\0'; i++)
		memcpy(marks + 2 * i, i == 0 ? " ?" : ",?", 3);
	snprintf(sql, sizeof(sql), "INSERT INTO %s (%s) VALUES (%s)", t->name, t->columns,
		marks);
	rc = turn_to(x, t, sql);
	for (size_t i = 0; rc == SQLITE_OK && i < rows->n; i++)
		rc = add_row(x, t, rows->cells[i]);
	return rc == SQLITE_OK ? DONE : failed(x, rc, t->name, f);
}

/* Only tables with AUTOINCREMENT have an entry to be raised. */
static enum outcome
take_counter(void *self, const struct copy_table *t, int64_t last, struct fault *f)
{
	struct file *x = self;
	char sql[256];
	int rc;

	snprintf(sql, sizeof(sql), "UPDATE sqlite_sequence SET seq = %lld "
		"WHERE name = '%s' AND seq < %lld", (long long)last, t->name,
		(long long)last);
	rc = run(x, sql);
	return rc == SQLITE_OK ? DONE : failed(x, rc, t->name, f);
}

static enum outcome
commit_file(void *self, struct fault *f)
{
	struct file *x = self;
	int rc;

	sqlite3_finalize(x->statement);
	x->statement = NULL;
	rc = run(x, "COMMIT");
	x->committed = rc == SQLITE_OK;
	return x->committed ? DONE : failed(x, rc, "COMMIT", f);
}

static void
close_target(void *self)
{
	struct file *x = self;
	char name[4096];

	if (!x->committed) {
		static const char *const suffixes[] = { "", "-wal", "-shm" };

		for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
			snprintf(name, sizeof(name), "%s%s", x->path, suffixes[i]);
			(void)unlink(name);
		}
	}
	close_file(x);
}

enum outcome
sqlite_copy_sink(const char *path, struct copy_sink *out, struct fault *f)
{
	struct file *x;
	int rc;

	TRY(sqlite_create(path, f));
	TRY(open_file(path, &x, f));
	/* So that there is an entry to be raised, whatever the numbers are. */
	rc = run(x, "BEGIN IMMEDIATE; DELETE FROM catalogue; DELETE FROM epochs;"
		    "INSERT INTO sqlite_sequence (name, seq) VALUES ('users', 0), "
		    "('clients', 0), ('scopes', 0)");
	if (rc != SQLITE_OK) {
		(void)failed(x, rc, "move", f);
		close_target(x);
		return FAULT;
	}
	*out = (struct copy_sink){ x, take_rows, take_counter, commit_file, close_target };
	return DONE;
}
