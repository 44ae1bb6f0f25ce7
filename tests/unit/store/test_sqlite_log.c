/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of sqlite_log.c: a commit goes to the log in few writes, all of it before
 * anybody may see it; a write that fails fails the commit, and nothing of it comes later.
 */
#include <errno.h>
#include <sys/stat.h>

#include "place.h"
#include "store/sqlite.h"

#define ROWS 200 /* of which each needs a page of its own */

static size_t writes;
static size_t fails_at; /* the how-manieth write; 0: none */

/* It stands between SQLite's own way to files and the C library. */
static ssize_t
counted_pwrite(int fd, const void *p, size_t n, off_t at)
{
	writes++;
	if (writes == fails_at) {
		errno = EIO;
		return -1;
	}
	return pwrite(fd, p, n, at);
}

static void
stand_between(void)
{
	static const char *const names[] = { "pwrite", "pwrite64" };
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	for (size_t i = 0; i < 2; i++)
		vfs->xSetSystemCall(vfs, names[i], (sqlite3_syscall_ptr)counted_pwrite);
	writes = fails_at = 0;
}

/* ---- a database with two connections -------------------------------------- */

struct pair {
	struct place at;
	struct fault fault;
	struct sqlite one, other;
};

static int
say(struct sqlite *db, const char *sql)
{
	return sqlite3_exec(db->db, sql, NULL, NULL, NULL);
}

static int64_t
ask(struct sqlite *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db->db, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static void
pair_open(struct pair *p)
{
	place_make(&p->at);
	check_int(store_create(p->at.url, &p->fault), DONE);
	check_int(sqlite_connect(&p->one, p->at.url, SQLITE_FOR_WRITING, &p->fault), DONE);
	check_int(sqlite_connect(&p->other, p->at.url, SQLITE_FOR_WRITING, &p->fault), DONE);
	check_int(say(&p->one, "CREATE TABLE t (id INTEGER PRIMARY KEY, wide BLOB)"), SQLITE_OK);
	stand_between();
}

static void
pair_close(struct pair *p)
{
	fails_at = 0;
	sqlite_disconnect(&p->one);
	sqlite_disconnect(&p->other);
	place_remove(&p->at);
}

/* Rows from that number on, in one transaction; SQLite's result of the COMMIT. */
static int
add_rows(struct sqlite *db, int from)
{
	char sql[200];
	int rc;

	snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; WITH RECURSIVE n (i) AS (SELECT %d UNION ALL "
		"SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t SELECT i, randomblob(3000) FROM n",
		from, from + ROWS - 1);
	check_int(say(db, sql), SQLITE_OK);
	sqlite_log_gather(db->db, true);
	rc = say(db, "COMMIT");
	sqlite_log_gather(db->db, false);
	return rc;
}

static void
check_rows(struct sqlite *db, int64_t rows)
{
	check_int(ask(db, "SELECT count(wide) FROM t"), rows);
	check_int(ask(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static void
copy_file(const char *from, const char *to)
{
	static char memory[1 << 16];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	if (check(in != NULL && out != NULL))
		while ((n = fread(memory, 1, sizeof(memory), in)) > 0)
			check(fwrite(memory, 1, n, out) == n);
	fclose(in);
	fclose(out);
	check_int(chmod(to, 0600), 0);
}

/* What is in the files is enough: they are copied, as after the machine stopped. */
static void
check_recovers(struct pair *p, int64_t rows, int64_t octets)
{
	const char *copy = arena_printf(p->at.arena, "%s/copy.db", p->at.dir);
	struct sqlite db;

	copy_file(p->at.url, copy);
	copy_file(arena_printf(p->at.arena, "%s-wal", p->at.url),
		arena_printf(p->at.arena, "%s-wal", copy));
	if (check_int(sqlite_connect(&db, copy, SQLITE_FOR_READING, &p->fault), DONE))
		check_rows(&db, rows);
	check_int(ask(&db, "SELECT sum(length(wide)) FROM t"), octets);
	sqlite_disconnect(&db);
}

/* ---- what holds ------------------------------------------------------------ */

TEST(a_commit_of_many_pages_takes_few_writes)
{
	struct pair p;

	pair_open(&p);
	check_int(add_rows(&p.one, 1), SQLITE_OK);
	check(writes > 0 && writes < ROWS / 10);
	check_rows(&p.other, ROWS);
	check_recovers(&p, ROWS, ROWS * 3000);
	pair_close(&p);
}

TEST(outside_of_a_commit_nothing_waits)
{
	struct pair p;

	pair_open(&p);
	check_int(say(&p.one, "INSERT INTO t VALUES (1, zeroblob(3000))"), SQLITE_OK);
	check_int((int64_t)writes, 2); /* its header and its page, which can be read at once */
	check_rows(&p.other, 1);
	pair_close(&p);
}

TEST(others_see_a_commit_that_is_not_synced)
{
	struct pair p;

	pair_open(&p);
	check_int(say(&p.one, "PRAGMA synchronous = NORMAL"), SQLITE_OK);
	for (int i = 0; i < 5; i++) {
		check_int(add_rows(&p.one, 1 + i * ROWS), SQLITE_OK);
		check_rows(&p.other, (i + 1) * ROWS);
	}
	pair_close(&p);
}

/* Pages that did not fit into memory were written before, and some once more. */
TEST(what_went_before_the_commit_is_corrected)
{
	struct pair p;

	pair_open(&p);
	check_int(say(&p.one, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = 10"), SQLITE_OK);
	check_int(add_rows(&p.one, 1), SQLITE_OK);
	check_int(say(&p.one, "BEGIN IMMEDIATE; UPDATE t SET wide = randomblob(2999);"
		"UPDATE t SET wide = randomblob(2998)"), SQLITE_OK);
	sqlite_log_gather(p.one.db, true);
	check_int(say(&p.one, "COMMIT"), SQLITE_OK);
	sqlite_log_gather(p.one.db, false);
	check_rows(&p.other, ROWS);
	check_recovers(&p, ROWS, ROWS * 2998);
	pair_close(&p);
}

TEST(a_write_that_fails_fails_the_commit_and_leaves_nothing)
{
	struct pair p;
	size_t needed;

	pair_open(&p);
	check_int(add_rows(&p.one, 1), SQLITE_OK);
	needed = writes;
	check(needed > 2);
	for (size_t n = 1; n <= needed; n++) {
		int first = 1 + (int)n * 1000;

		row("write %zu of %zu", n, needed);
		writes = 0;
		fails_at = n;
		check_int(add_rows(&p.one, first) & 0xFF, SQLITE_IOERR);
		fails_at = 0;
		(void)say(&p.one, "ROLLBACK");
		check_rows(&p.other, (int64_t)(2 * n - 1) * ROWS);
		/* Another takes the place in the log; then the first goes on. */
		check_int(add_rows(&p.other, first), SQLITE_OK);
		check_int(add_rows(&p.one, first + ROWS), SQLITE_OK);
		check_rows(&p.one, (int64_t)(2 * n + 1) * ROWS);
		check_rows(&p.other, (int64_t)(2 * n + 1) * ROWS);
	}
	pair_close(&p);
}

/* A COMMIT that ends before its last page (no memory, say): nothing of it may come later. */
TEST(what_a_commit_left_behind_is_thrown_away)
{
	static const char frame[24], page[4096];
	sqlite3_file *log = NULL;
	struct stat before, after;
	struct pair p;

	pair_open(&p);
	check_int(add_rows(&p.one, 1), SQLITE_OK);
	check_int(sqlite3_file_control(p.one.db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log),
		SQLITE_OK);
	check_int(stat(arena_printf(p.at.arena, "%s-wal", p.at.url), &before), 0);
	sqlite_log_gather(p.one.db, true);
	check_int(log->pMethods->xWrite(log, frame, sizeof(frame), before.st_size), SQLITE_OK);
	check_int(log->pMethods->xWrite(log, page, sizeof(page), before.st_size + 24), SQLITE_OK);
	sqlite_log_gather(p.one.db, false);
	check_int(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), SQLITE_OK);
	check_int(stat(arena_printf(p.at.arena, "%s-wal", p.at.url), &after), 0);
	check_int(after.st_size, before.st_size);
	check_int(add_rows(&p.other, 1 + ROWS), SQLITE_OK);
	check_rows(&p.one, 2 * ROWS);
	pair_close(&p);
}
