/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of sqlite_locks.c: the reads of a turn take their lock once, each sees all
 * that was committed before it, who needs a lock here gets what is only kept, and
 * nothing is kept once the turn is over.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "place.h"
#include "store/sqlite.h"

#define READS 100
#define COMMITS 300
#define LOCKS_AT 120 /* sqlite.org/walformat.html, section 2.3.2: in the -shm file */

static _Atomic int64_t asked; /* how often the system was asked for or given a lock */

/* It stands between SQLite's own way to files and the C library. */
static int
counted_fcntl(int fd, int what, ...)
{
	va_list args;
	void *arg;

	va_start(args, what);
	arg = va_arg(args, void *);
	va_end(args);
	asked += what == F_SETLK;
	return fcntl(fd, what, arg);
}

/* ---- a reader and a writer --------------------------------------------------- */

struct pair {
	struct place at;
	struct fault fault;
	struct sqlite reader, writer;
	sqlite3_stmt *read;
};

static int
say(struct sqlite *db, const char *sql)
{
	return sqlite3_exec(db->db, sql, NULL, NULL, NULL);
}

static int64_t
read_row(struct pair *p)
{
	int64_t value = sqlite3_step(p->read) == SQLITE_ROW
		? sqlite3_column_int64(p->read, 0)
		: -1;

	sqlite3_reset(p->read);
	return value;
}

static int
commit(struct pair *p)
{
	return say(&p->writer, "UPDATE t SET n = n + 1");
}

/* Carries the whole log over and empties it, which no reader may be in the way of. */
static int
empty_log(struct pair *p)
{
	return sqlite3_wal_checkpoint_v2(
		p->writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static void
pair_open(struct pair *p, bool keeps)
{
	sqlite3_vfs *vfs;

	*p = (struct pair){ 0 };
	place_make(&p->at);
	check_int(store_create(p->at.url, &p->fault), DONE);
	check_int(sqlite_connect(&p->writer, p->at.url, SQLITE_FOR_WRITING, &p->fault), DONE);
	check_int(sqlite_connect(&p->reader, p->at.url, SQLITE_FOR_READING, &p->fault), DONE);
	sqlite3_busy_timeout(p->writer.db, 0);
	check_int(say(&p->writer, "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (0)"),
		SQLITE_OK);
	check_int(sqlite3_prepare_v2(p->reader.db, "SELECT n FROM t", -1, &p->read, NULL),
		SQLITE_OK);
	if (keeps)
		sqlite_locks_keep(p->reader.db);
	check_int(read_row(p), 0);
	sqlite_locks_turn_over(p->reader.db);
	vfs = sqlite3_vfs_find(NULL);
	vfs->xSetSystemCall(vfs, "fcntl", (sqlite3_syscall_ptr)counted_fcntl);
	asked = 0;
}

static void
pair_close(struct pair *p)
{
	sqlite3_finalize(p->read);
	sqlite_disconnect(&p->reader);
	sqlite_disconnect(&p->writer);
	place_remove(&p->at);
}

/* How many of the log's eight locks another process finds taken. */
static int
seen_from_outside(struct pair *p)
{
	char path[300];
	int status = -1;
	pid_t child;

	snprintf(path, sizeof(path), "%s-shm", p->at.url);
	child = fork();
	if (child == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC), taken = 0;

		for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
			struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
				.l_start = LOCKS_AT + i, .l_len = 1 };

			taken += fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
		}
		_exit(fd >= 0 ? taken : 99);
	}
	check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- one thread ----------------------------------------------------------------- */

TEST(the_reads_of_a_turn_take_their_lock_once)
{
	static const struct { bool keeps; int64_t asked; } rows[] = {
		{ true, 2 }, { false, 2 * READS },
	};

	for (size_t i = 0; i < 2; i++) {
		struct pair p;

		row("%s", rows[i].keeps ? "keeps" : "does not keep");
		pair_open(&p, rows[i].keeps);
		for (int n = 0; n < READS; n++)
			check_int(read_row(&p), 0);
		sqlite_locks_turn_over(p.reader.db);
		check_int(asked, rows[i].asked);
		pair_close(&p);
	}
}

TEST(each_read_sees_what_was_committed_before_it)
{
	struct pair p;

	pair_open(&p, true);
	for (int n = 1; n <= COMMITS; n++) {
		check_int(commit(&p), SQLITE_OK);
		check_int(read_row(&p), n);
		if (n % 50 == 0)
			check_int(empty_log(&p), SQLITE_OK);
		check_int(read_row(&p), n);
	}
	pair_close(&p);
}

TEST(what_is_kept_is_in_nobodys_way_and_what_is_used_is)
{
	struct pair p;

	pair_open(&p, true);
	check_int(commit(&p), SQLITE_OK);
	check_int(read_row(&p), 1);
	check_int(seen_from_outside(&p), 1);
	check_int(empty_log(&p), SQLITE_OK);
	check_int(commit(&p), SQLITE_OK);
	check_int(sqlite3_step(p.read), SQLITE_ROW);
	check_int(empty_log(&p), SQLITE_BUSY);
	check_int(commit(&p), SQLITE_OK);
	check_int(sqlite3_column_int64(p.read, 0), 2); /* it reads what there was */
	sqlite3_reset(p.read);
	check_int(read_row(&p), 3);
	check_int(empty_log(&p), SQLITE_OK);
	check_int(read_row(&p), 3);
	pair_close(&p);
}

TEST(nothing_is_kept_when_the_turn_or_the_connection_is_over)
{
	struct pair p;

	pair_open(&p, true);
	check_int(seen_from_outside(&p), 0);
	check_int(read_row(&p), 0);
	check_int(seen_from_outside(&p), 1);
	sqlite_locks_turn_over(p.reader.db);
	check_int(seen_from_outside(&p), 0);
	check_int(read_row(&p), 0);
	check_int(seen_from_outside(&p), 1);
	sqlite3_finalize(p.read);
	p.read = NULL;
	sqlite_disconnect(&p.reader);
	check_int(seen_from_outside(&p), 0);
	check_int(empty_log(&p), SQLITE_OK);
	sqlite_disconnect(&p.writer);
	place_remove(&p.at);
}

/* ---- two threads ------------------------------------------------------------------ */

static _Atomic int64_t committed;
static atomic_bool enough;

static void *
read_on(void *arg)
{
	struct pair *p = arg;
	intptr_t wrong = 0;

	for (size_t n = 0; !enough; n++) {
		int64_t least = committed;

		wrong += read_row(p) < least;
		if (n % 64 == 63)
			sqlite_locks_turn_over(p->reader.db);
	}
	return (void *)wrong; /* and ends in the middle of a turn */
}

TEST(a_reader_that_never_rests_misses_nothing_and_the_log_is_emptied_beside_it)
{
	pthread_t thread;
	struct pair p;
	void *wrong;
	int emptied = 0;

	pair_open(&p, true);
	committed = 0;
	enough = false;
	check_int(pthread_create(&thread, NULL, read_on, &p), 0);
	for (int64_t n = 1; n <= COMMITS; n++) {
		check_int(commit(&p), SQLITE_OK);
		committed = n;
		emptied += empty_log(&p) == SQLITE_OK;
	}
	/* It may have been stopped in the middle of a read all the while. */
	for (int i = 0; i < 3000 && emptied == 0; i++) {
		usleep(10000);
		emptied += empty_log(&p) == SQLITE_OK;
	}
	enough = true;
	pthread_join(thread, &wrong);
	check_int((intptr_t)wrong, 0);
	check(emptied > 0);
	check_int(read_row(&p), COMMITS);
	pair_close(&p);
}
