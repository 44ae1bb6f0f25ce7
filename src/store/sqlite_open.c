/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_open.c - the database file: made, looked at before it is trusted, and
 * connected to.
 *
 * What is wrong with a file is told as a sentence that says what to do. A file
 * that others may read is refused: it holds digests of passwords.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/sqlite.h"

/* How long a command waits for a server's transaction, and the other way round. */
#define BUSY_MS 5000

/*
 * Counting every malloc would make the threads queue at one lock. Each connection
 * would also take 130 KB for pages and small pieces before it needs them.
 */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 128, 64);
	(void)sqlite_pages_configure();
	sqlite_log_register();
}

enum outcome
sqlite_fault(sqlite3 *db, int rc, const char *doing, struct fault *f)
{
	const char *what = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);

	switch (rc & 0xFF) {
	case SQLITE_FULL:
		return FAULT_AT(f,
			"the disk is full, nothing was changed: make room (%s)", doing);
	case SQLITE_IOERR:
		return FAULT_AT(f,
			"the disk failed, so nothing is certain: %s (%s, code %d)",
			db != NULL ? strerror(sqlite3_system_errno(db)) : what, doing,
			rc);
	case SQLITE_READONLY:
		return FAULT_AT(f,
			"the database may not be written to: "
			"check the owner of its file and directory (%s)",
			doing);
	case SQLITE_CANTOPEN:
		return FAULT_AT(f,
			"the database cannot be opened: "
			"check the owner and mode of its file and directory (%s)",
			doing);
	case SQLITE_BUSY:
		return FAULT_AT(f,
			"another program holds the database for too long (%s)", doing);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return FAULT_AT(f, "the database is damaged: restore a backup (%s: %s)",
			doing, what);
	default:
		return FAULT_AT(
			f, "the database failed: %s (%s, code %d)", what, doing, rc);
	}
}

void
sqlite_note_sync(struct store *s, int extended_rc)
{
	if (extended_rc == SQLITE_IOERR_FSYNC || extended_rc == SQLITE_IOERR_DIR_FSYNC)
		store_lose(s, LOST_SYNC);
}

/* ---- a connection -------------------------------------------------------- */

static int
run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/*
 * FULL: a commit is on the disk before it is told. Nothing is mapped into memory: a bad
 * sector would end the process instead of a request.
 */
static int
prepare_for(sqlite3 *db, enum sqlite_use use)
{
	static const char *const pragmas[] = {
		[SQLITE_FOR_READING] = "PRAGMA query_only = 1",
		[SQLITE_FOR_WRITING] =
			("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
			 "PRAGMA journal_size_limit = 67108864"),
		[SQLITE_FOR_CHECKPOINTS] =
			("PRAGMA synchronous = FULL; PRAGMA cache_size = -64;"
			 "PRAGMA wal_autocheckpoint = 0"),
	};
	int rc;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, use == SQLITE_FOR_CHECKPOINTS ? 0 : BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	rc = run(db, "PRAGMA trusted_schema = 0; PRAGMA mmap_size = 0");
	return rc == SQLITE_OK ? run(db, pragmas[use]) : rc;
}

enum outcome
sqlite_connect(
	struct sqlite *db, const char *path, enum sqlite_use use, struct fault *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc;

	pthread_once(&once, configure);
	memset(db, 0, sizeof(*db));
	db->fault = f;
	rc = sqlite3_open_v2(
		path, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		SQLITE_LOG_VFS);
	if (rc == SQLITE_OK)
		rc = prepare_for(db->db, use);
	db->scratch = arena_new();
	if (rc == SQLITE_OK)
		return DONE;
	sqlite_fault(db->db, rc, path, f);
	sqlite_disconnect(db);
	return FAULT;
}

enum outcome
sqlite_cache(struct sqlite *db)
{
	int64_t bytes = atomic_load(&db->store->cache);
	char sql[64];
	int rc;

	if (bytes == db->cache)
		return DONE;
	db->cache = bytes;
	snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%lld", (long long)(bytes / 1024));
	rc = run(db->db, sql);
	return rc == SQLITE_OK ? DONE : sqlite_fault(db->db, rc, sql, db->fault);
}

void
sqlite_disconnect(struct sqlite *db)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->db);
	arena_free(db->scratch);
	memset(db, 0, sizeof(*db));
}

/* ---- made ---------------------------------------------------------------- */

static enum outcome
make_empty_file(const char *path, struct fault *f)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return FAULT_AT(f, "%s exists already: it is left as it is", path);
	if (fd < 0)
		return FAULT_AT(f, "%s cannot be made: %s", path, strerror(errno));
	close(fd);
	return DONE;
}

static int
make_tables(sqlite3 *db)
{
	static const char *const tables[] = {
#define TABLE(...) __VA_ARGS__,
#include "store/schema.def"
#undef TABLE
	};
	char marks[96];
	int rc = run(db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");

	snprintf(marks, sizeof(marks),
		"PRAGMA application_id = %d; PRAGMA user_version = %d",
		SQLITE_APPLICATION_ID, SQLITE_SCHEMA_VERSION);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(tables) / sizeof(*tables); i++)
		rc = run(db, tables[i]);
	if (rc == SQLITE_OK)
		rc = run(db, marks);
	return rc == SQLITE_OK ? run(db, "COMMIT") : rc;
}

enum outcome
sqlite_create(const char *path, struct fault *f)
{
	struct sqlite db;
	enum outcome made;
	int rc;

	TRY(make_empty_file(path, f));
	made = sqlite_connect(&db, path, SQLITE_FOR_WRITING, f);
	if (made == DONE) {
		rc = make_tables(db.db);
		if (rc != SQLITE_OK)
			made = sqlite_fault(db.db, rc, path, f);
		sqlite_disconnect(&db);
	}
	if (made != DONE)
		unlink(path);
	return made;
}

/* ---- looked at ----------------------------------------------------------- */

static enum outcome
inspect_file(const char *path, struct fault *f)
{
	struct stat file;

	if (stat(path, &file) != 0 && errno == ENOENT)
		return FAULT_AT(
			f, "%s is missing: restore it from a backup, or begin anew "
			"with latchkey init in an empty directory", path);
	if (stat(path, &file) != 0 || access(path, R_OK | W_OK) != 0)
		return FAULT_AT(
			f, "%s may not be written to: %s", path, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return FAULT_AT(f, "%s is not a file", path);
	if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return FAULT_AT(f, "%s is open to others (mode %04o): chmod 600 %s",
			path, (unsigned)file.st_mode & 07777u, path);
	return DONE;
}

static int
pragma(sqlite3 *db, const char *sql, int *value)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement) == SQLITE_ROW ? SQLITE_OK
							   : sqlite3_errcode(db);
	if (rc == SQLITE_OK)
		*value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return rc;
}

static enum outcome
inspect_version(const char *path, int application, int version, struct fault *f)
{
	if (application != SQLITE_APPLICATION_ID)
		return FAULT_AT(f, "%s is not a database of latchkey", path);
	if (version / 1000 > SQLITE_SCHEMA_VERSION / 1000)
		return FAULT_AT(f,
			"%s was made by a newer latchkey (schema %d, this one "
			"knows %d): use that one",
			path, version, SQLITE_SCHEMA_VERSION);
	if (version < SQLITE_SCHEMA_VERSION)
		return FAULT_AT(f,
			"%s was made by an older latchkey (schema %d, this one "
			"needs %d): latchkey db upgrade",
			path, version, SQLITE_SCHEMA_VERSION);
	return DONE;
}

/* SQLite opens for reading what it may not write, and says so only when asked. */
static enum outcome
inspect_writing(sqlite3 *db, const char *path, struct fault *f)
{
	int rc = sqlite3_db_readonly(db, "main") != 0
		? SQLITE_READONLY
		: run(db, "BEGIN IMMEDIATE; ROLLBACK");

	return rc == SQLITE_OK ? DONE : sqlite_fault(db, rc, path, f);
}

enum outcome
sqlite_inspect(const char *path, struct fault *f)
{
	struct sqlite db;
	enum outcome good = DONE;
	int application = 0, version = 0, rc;

	TRY(inspect_file(path, f));
	TRY(sqlite_connect(&db, path, SQLITE_FOR_WRITING, f));
	rc = pragma(db.db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = pragma(db.db, "PRAGMA user_version", &version);
	if (rc == SQLITE_NOTADB)
		good = FAULT_AT(f, "%s is not a database", path);
	else if (rc != SQLITE_OK)
		good = sqlite_fault(db.db, rc, path, f);
	else
		good = inspect_version(path, application, version, f);
	if (good == DONE)
		good = inspect_writing(db.db, path, f);
	sqlite_disconnect(&db);
	return good;
}

/* ---- upgraded ------------------------------------------------------------ */

/* In a transaction, which whoever calls ends. */
static enum outcome
run_steps(sqlite3 *db, const struct upgrade *steps, int64_t from, int64_t to,
	struct fault *f)
{
	char mark[64];
	int rc = SQLITE_OK;

	for (; steps->version != 0 && rc == SQLITE_OK; steps++)
		if (steps->version > from && steps->version <= to)
			rc = run(db, steps->sqlite);
	snprintf(mark, sizeof(mark), "PRAGMA user_version = %lld; COMMIT", (long long)to);
	if (rc == SQLITE_OK)
		rc = run(db, mark);
	return rc == SQLITE_OK ? DONE : sqlite_fault(db, rc, "upgrade", f);
}

static enum outcome
upgrade_open(sqlite3 *db, const char *path, const struct upgrade *steps, int64_t to,
	int64_t *from, struct fault *f)
{
	int application = 0, version = 0, rc = run(db, "BEGIN IMMEDIATE");
	bool needed;

	if (rc == SQLITE_OK)
		rc = pragma(db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = pragma(db, "PRAGMA user_version", &version);
	if (rc != SQLITE_OK)
		return sqlite_fault(db, rc, path, f);
	if (application != SQLITE_APPLICATION_ID)
		return FAULT_AT(f, "%s is not a database of latchkey", path);
	*from = version;
	TRY(upgrade_needed(steps, version, to, &needed, f));
	return needed ? run_steps(db, steps, version, to, f) : DONE;
}

enum outcome
sqlite_upgrade(const char *path, const struct upgrade *steps, int64_t to, int64_t *from,
	struct fault *f)
{
	struct sqlite db;
	enum outcome done;

	TRY(inspect_file(path, f));
	TRY(sqlite_connect(&db, path, SQLITE_FOR_WRITING, f));
	done = upgrade_open(db.db, path, steps, to, from, f);
	sqlite_disconnect(&db); /* what was not committed is undone */
	return done;
}
