/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.h - the SQLite back end among its own files: a connection with its
 * statements, queries that remember their failure, and the verbs.
 *
 * A connection belongs to one thread. A query is begun, its parameters put and
 * its columns taken in the order in which the statement names them, and ended;
 * what failed on the way is told at the end, as a sentence in db->fault.
 */
#ifndef LATCHKEY_STORE_SQLITE_H
#define LATCHKEY_STORE_SQLITE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/backend.h"
#include "store/shared.h"

enum statement {
#define STATEMENT(name, sql) SQL_##name,
#include "store/statements.def"
#undef STATEMENT
	SQL_COUNT
};

struct sqlite {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT]; /* each prepared when first needed */
	const struct store *store;
	struct fault *fault; /* of the call or batch that runs */
	int64_t cache; /* bytes, as last set; 0: not yet */
	struct arena *scratch; /* emptied by whoever needs it next */
	size_t inserted; /* rows that will die some day, in this batch */
	bool again; /* the verb has more to do: call it in the next batch */
};

/* ---- connections (sqlite_open.c) ----------------------------------------- */

#define SQLITE_SCHEMA_VERSION SCHEMA_VERSION
#define SQLITE_APPLICATION_ID 0x4C6B6579 /* "Lkey" */

enum sqlite_use { SQLITE_FOR_READING, SQLITE_FOR_WRITING, SQLITE_FOR_CHECKPOINTS };

enum outcome sqlite_create(const char *path, struct fault *f) must_check;
enum outcome sqlite_upgrade(const char *path, const struct upgrade *steps, int64_t to,
	int64_t *from, struct fault *f) must_check;
/* Is it there, ours, of a version we know, writable, and nobody else's to read? */
enum outcome sqlite_inspect(const char *path, struct fault *f) must_check;
enum outcome sqlite_connect(struct sqlite *db, const char *path, enum sqlite_use use,
	struct fault *f) must_check;
void sqlite_disconnect(struct sqlite *db);
/* From now on it keeps as much of the database in memory as its store says. */
enum outcome sqlite_cache(struct sqlite *db) must_check;
/* What went wrong on this connection, as a sentence with a remedy. */
enum outcome sqlite_fault(sqlite3 *db, int rc, const char *doing, struct fault *f);
/* Ends the use of a store that could not be synced (store_unsynced). */
void sqlite_note_sync(struct store *s, int extended_rc);

/* ---- the way to the log (sqlite_log.c) ------------------------------------- */

#define SQLITE_LOG_VFS "latchkey-log"
void sqlite_log_register(void); /* once, before anything is opened */
/* Around a COMMIT: its pages go to the log in large pieces. */
void sqlite_log_gather(sqlite3 *db, bool gather);

/* ---- locks of readers (sqlite_locks.c) --------------------------------------- */

/* From now on, on an idle connection: locks are kept until the turn is over. */
void sqlite_locks_keep(sqlite3 *db);
void sqlite_locks_turn_over(sqlite3 *db);
int sqlite_locks_size(void); /* what a file takes, before SQLite's own */
int sqlite_locks_open(sqlite3_vfs *real, const char *name, sqlite3_file *file, int flags,
	int *out);

/* ---- pages in memory (sqlite_pages.c) ------------------------------------- */

int sqlite_pages_configure(void); /* likewise; SQLite's result */

/* ---- the file itself (sqlite_file.c) ------------------------------------- */

struct sqlite_file {
	const char *path; /* the store's */
	dev_t dev;
	ino_t ino;
	_Atomic ino_t log; /* 0: not made yet */
};

enum outcome sqlite_file_open(struct sqlite_file *file, const char *path,
	struct fault *f) must_check;
/* After a commit, when there must be a log. */
enum outcome sqlite_file_note_log(struct sqlite_file *file, struct fault *f) must_check;
/* DONE while both are where they were; any thread. */
enum outcome sqlite_file_check(const struct sqlite_file *file, struct fault *f)
	must_check;

/* ---- queries (sqlite_query.c) -------------------------------------------- */

struct query {
	struct sqlite *db;
	sqlite3_stmt *statement;
	enum statement which;
	int parameter, column; /* put and taken so far */
	int rc;
};

struct query query_begin(struct sqlite *db, enum statement which);
void put_int(struct query *q, int64_t number);
void put_text(struct query *q, struct bytes text); /* empty: NULL */
void put_blob(struct query *q, const void *p, size_t n); /* must live until the end */
void put_null(struct query *q);
bool query_row(struct query *q); /* one more row is there */
int64_t take_int(struct query *q); /* NULL: 0 */
struct bytes take_text(struct query *q, struct arena *a); /* NULL: NONE */
bool take_blob(struct query *q, void *out, size_t n); /* false: NULL or another size */
enum outcome query_end(struct query *q) must_check;
/* For what gives no rows: runs and ends; *changed (may be NULL) rows were changed. */
enum outcome query_run(struct query *q, size_t *changed) must_check;

/* ---- grants (sqlite_grant_row.c) ----------------------------------------- */

/* Takes GRANT_COLUMNS; the row's number is not part of a grant. */
void
grant_take(struct query *q, struct arena *a, struct grant *g, int64_t *row);
enum outcome
grant_load(struct sqlite *db, const uint8_t key[static GRANT_KEY_SIZE], struct arena *a,
	struct grant *g, int64_t *row, bool *found) must_check;
enum outcome
grant_insert(struct sqlite *db, const struct grant *g, bool *taken) must_check;
/* Writes what can change, with the next version number. */
enum outcome
grant_save(struct sqlite *db, struct grant *g, int64_t row) must_check;

/* Ends at most a thousand, audits each; db->again is set when more are left. */
enum outcome grants_end_some(struct sqlite *db, struct grants_end *c) must_check;

/* ---- people (sqlite_people.c) -------------------------------------------- */

/* Is this still a session of that user, and the account not disabled? */
enum outcome session_stands(struct sqlite *db, const uint8_t key[static SESSION_KEY_SIZE],
	int64_t user, bool *stands) must_check;

/* ---- shared by verbs ----------------------------------------------------- */

/* Adds the entry to the trail; an empty event is none. */
enum outcome audit_insert(struct sqlite *db, const struct audit *a) must_check;
enum outcome catalogue_bump(struct sqlite *db) must_check;
enum outcome catalogue_read_version(struct sqlite *db, int64_t *version) must_check;

/* ---- the writer and what it does beside ---------------------------------- */

struct writer;
struct checkpointer;

/* sqlite_writer.c */
enum outcome writer_start(struct store *s, struct sqlite_file *file, struct writer **out,
	struct fault *f) must_check;
struct writer *sqlite_writer_of(const struct store *s); /* sqlite_store.c */
void writer_post(struct writer *w, struct store_call *c);
void writer_post_late(struct writer *w, struct store_call *c);
/* Returns when everything posted before has been answered. */
void writer_drain(struct writer *w);
/* Has the writer finish a checkpoint before its next transaction; waits for it. */
void writer_settle(struct writer *w);
void writer_stop(struct writer *w); /* drains, ends the thread, frees */

/* sqlite_checkpoint.c */
#define LOG_TOO_LONG 16384 /* pages, 64 MiB: from here on the writer slows down */
enum outcome checkpointer_start(struct store *s, const char *path, struct writer *w,
	struct checkpointer **out, struct fault *f) must_check;
/* The log has that many pages now; any thread. */
void checkpointer_tell(struct checkpointer *k, int pages);
void checkpointer_stop(struct checkpointer *k); /* ends the thread; may be told still */
void checkpointer_free(struct checkpointer *k);

/* sqlite_reclaim.c */
/* A few dead rows go, in the transaction under way: at most 16 are looked at. */
enum outcome reclaim_some(struct sqlite *db, int64_t now, size_t *reclaimed) must_check;

/* ---- the verbs ----------------------------------------------------------- */

#define VERB(name, type, way) \
	enum outcome sqlite_##name(struct sqlite *db, struct type *c) must_check;
#include "store/verbs.def"
#undef VERB

/* Does what the call asks; its struct is the one of its verb. */
enum outcome sqlite_verb_run(struct sqlite *db, struct store_call *c) must_check;
size_t sqlite_verb_size(const struct store_call *c); /* of that struct */

#endif
