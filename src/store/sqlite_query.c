/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_query.c - a statement from its parameters to its last row.
 *
 * The first failure is kept and all that follows does nothing, so that the
 * caller asks once, at the end. Blobs and texts are not copied on their way in.
 */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "store/sqlite.h"

static const struct {
	const char *name, *sql;
} statements[] = {
#define STATEMENT(name, ...) [SQL_##name] = { #name, __VA_ARGS__ },
#include "store/statements.def"
#undef STATEMENT
};

struct query
query_begin(struct sqlite *db, enum statement which)
{
	struct query q = { .db = db, .which = which, .rc = SQLITE_OK };

	if (db->statements[which] == NULL)
		q.rc = sqlite3_prepare_v3(db->db, statements[which].sql, -1,
			SQLITE_PREPARE_PERSISTENT, &db->statements[which], NULL);
	q.statement = db->statements[which];
	return q;
}

void
put_int(struct query *q, int64_t number)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_int64(q->statement, ++q->parameter, number);
}

void
put_text(struct query *q, struct bytes text)
{
	if (text.n == 0)
		put_null(q);
	else if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_text64(q->statement, ++q->parameter, text.p,
			text.n, SQLITE_STATIC, SQLITE_UTF8);
}

void
put_blob(struct query *q, const void *p, size_t n)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_blob64(
			q->statement, ++q->parameter, p, n, SQLITE_STATIC);
}

void
put_null(struct query *q)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_null(q->statement, ++q->parameter);
}

bool
query_row(struct query *q)
{
	if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW)
		return false;
	q->rc = sqlite3_step(q->statement);
	q->column = 0;
	return q->rc == SQLITE_ROW;
}

int64_t
take_int(struct query *q)
{
	return sqlite3_column_int64(q->statement, q->column++);
}

struct bytes
take_text(struct query *q, struct arena *a)
{
	const void *p = sqlite3_column_blob(q->statement, q->column);
	int n = sqlite3_column_bytes(q->statement, q->column);

	q->column++;
	return p == NULL ? NONE : arena_bytes(a, (struct bytes){ p, (size_t)n });
}

bool
take_blob(struct query *q, void *out, size_t n)
{
	const void *p = sqlite3_column_blob(q->statement, q->column);
	int size = sqlite3_column_bytes(q->statement, q->column);

	q->column++;
	if (p == NULL || (size_t)size != n)
		return false;
	memcpy(out, p, n);
	return true;
}

enum outcome
query_end(struct query *q)
{
	enum outcome end = DONE;

	if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW && q->rc != SQLITE_DONE)
		end = sqlite_fault(
			q->db->db, q->rc, statements[q->which].name, q->db->fault);
	sqlite3_reset(q->statement);
	return end;
}

enum outcome
query_run(struct query *q, size_t *changed)
{
	bool row = query_row(q);

	assert(!row);
	if (changed != NULL)
		*changed = (size_t)sqlite3_changes(q->db->db);
	return query_end(q);
}
