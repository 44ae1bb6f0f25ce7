/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_locks.c - who reads on an event loop takes its lock once a turn of it.
 *
 * Around each read SQLite takes a shared lock in the log's index and gives it back: two
 * calls of the system, a twelfth of what an introspection costs. Between SQLite and its
 * own way to the database file stands this one. A connection that keeps its locks gives
 * one back only when its turn is over, or when somebody in this process needs it; until
 * then the next read has it already. So
 *   - each read still looks at the log anew, and sees all that was committed before it;
 *     a lock says only that a reader may be there;
 *   - whoever wants a lock for itself here (a checkpoint, the writer that begins the log
 *     anew) waits for reads, as ever, and not for turns;
 *   - to other processes a turn looks like a read that takes a moment longer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "store/sqlite.h"

struct db_file {
	sqlite3_file file;
	sqlite3_file *real; /* behind this struct */
	bool keeps; /* what follows is for those that do */
	pthread_mutex_t lock; /* of the next two: another thread may take what is kept */
	unsigned held; /* shared locks that the real file has */
	unsigned used; /* those of them that SQLite knows of */
	struct db_file *next;
};

static pthread_mutex_t keepers_lock = PTHREAD_MUTEX_INITIALIZER; /* before a file's own */
static struct db_file *keepers;

static struct db_file *
db_of(sqlite3_file *file)
{
	return (struct db_file *)(void *)file;
}

/* ---- locks ----------------------------------------------------------------- */

static int
real_lock(struct db_file *d, int first, int n, int flags)
{
	return d->real->pMethods->xShmLock(d->real, first, n, flags);
}

/* Those of n locks that are kept and not in use. */
static void
give_back(struct db_file *d, int first, int n)
{
	pthread_mutex_lock(&d->lock);
	for (int i = first; i < first + n; i++) {
		if ((d->held & ~d->used & 1u << i) == 0)
			continue;
		real_lock(d, i, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
		d->held &= ~(1u << i);
	}
	pthread_mutex_unlock(&d->lock);
}

static int
lock_shared(struct db_file *d, int which)
{
	unsigned bit = 1u << which;
	int rc = SQLITE_OK;

	pthread_mutex_lock(&d->lock);
	if ((d->held & bit) == 0)
		rc = real_lock(d, which, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED);
	if (rc == SQLITE_OK) {
		d->held |= bit;
		d->used |= bit;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static int
unlock_shared(struct db_file *d, int which)
{
	pthread_mutex_lock(&d->lock);
	d->used &= ~(1u << which);
	pthread_mutex_unlock(&d->lock);
	return SQLITE_OK;
}

/* A reader that comes back between the two is one that reads: the lock is busy. */
static int
lock_alone(struct db_file *d, int first, int n)
{
	pthread_mutex_lock(&keepers_lock);
	for (struct db_file *k = keepers; k != NULL; k = k->next)
		give_back(k, first, n);
	pthread_mutex_unlock(&keepers_lock);
	return real_lock(d, first, n, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
}

static int
db_lock(sqlite3_file *file, int first, int n, int flags)
{
	struct db_file *d = db_of(file);

	if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE))
		return lock_alone(d, first, n);
	if (!d->keeps || (flags & SQLITE_SHM_EXCLUSIVE) != 0)
		return real_lock(d, first, n, flags);
	return (flags & SQLITE_SHM_LOCK) != 0 ? lock_shared(d, first)
					      : unlock_shared(d, first);
}

/* ---- who keeps -------------------------------------------------------------- */

static struct db_file *db_of_connection(sqlite3 *db);

void
sqlite_locks_keep(sqlite3 *db)
{
	struct db_file *d = db_of_connection(db);

	if (d == NULL || d->keeps)
		return;
	pthread_mutex_init(&d->lock, NULL);
	d->keeps = true;
	pthread_mutex_lock(&keepers_lock);
	d->next = keepers;
	keepers = d;
	pthread_mutex_unlock(&keepers_lock);
}

void
sqlite_locks_turn_over(sqlite3 *db)
{
	struct db_file *d = db_of_connection(db);

	if (d != NULL && d->keeps)
		give_back(d, 0, SQLITE_SHM_NLOCK);
}

static void
keep_no_more(struct db_file *d)
{
	struct db_file **to = &keepers;

	if (!d->keeps)
		return;
	pthread_mutex_lock(&keepers_lock);
	while (*to != d)
		to = &(*to)->next;
	*to = d->next;
	pthread_mutex_unlock(&keepers_lock);
	give_back(d, 0, SQLITE_SHM_NLOCK);
	pthread_mutex_destroy(&d->lock);
	d->keeps = false;
}

/* ---- the way to the file ------------------------------------------------------ */

static int
db_unmap(sqlite3_file *file, int delete)
{
	keep_no_more(db_of(file));
	return db_of(file)->real->pMethods->xShmUnmap(db_of(file)->real, delete);
}

static int
db_close(sqlite3_file *file)
{
	keep_no_more(db_of(file));
	return db_of(file)->real->pMethods->xClose(db_of(file)->real);
}

/* SQLite's own takes a mutex of the whole process besides. */
static void
db_barrier(sqlite3_file *file)
{
	(void)file;
	atomic_thread_fence(memory_order_seq_cst);
}

/* All else is passed on. */
#define PASS(name, method, parameters, arguments)             \
	static int name parameters                            \
	{                                                     \
		sqlite3_file *real = db_of(file)->real;       \
							      \
		return real->pMethods->method arguments;      \
	}

PASS(db_read, xRead, (sqlite3_file *file, void *p, int n, sqlite3_int64 at),
	(real, p, n, at))
PASS(db_write, xWrite, (sqlite3_file *file, const void *p, int n, sqlite3_int64 at),
	(real, p, n, at))
PASS(db_truncate, xTruncate, (sqlite3_file *file, sqlite3_int64 size), (real, size))
PASS(db_sync, xSync, (sqlite3_file *file, int flags), (real, flags))
PASS(db_size, xFileSize, (sqlite3_file *file, sqlite3_int64 *size), (real, size))
PASS(db_lock_file, xLock, (sqlite3_file *file, int level), (real, level))
PASS(db_unlock_file, xUnlock, (sqlite3_file *file, int level), (real, level))
PASS(db_is_reserved, xCheckReservedLock, (sqlite3_file *file, int *is), (real, is))
PASS(db_control, xFileControl, (sqlite3_file *file, int what, void *arg),
	(real, what, arg))
PASS(db_sector, xSectorSize, (sqlite3_file *file), (real))
PASS(db_device, xDeviceCharacteristics, (sqlite3_file *file), (real))
PASS(db_map, xShmMap, (sqlite3_file *file, int region, int size, int extend,
	void volatile **p), (real, region, size, extend, p))

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* nothing is mapped but the log's index */
	.xClose = db_close,
	.xRead = db_read,
	.xWrite = db_write,
	.xTruncate = db_truncate,
	.xSync = db_sync,
	.xFileSize = db_size,
	.xLock = db_lock_file,
	.xUnlock = db_unlock_file,
	.xCheckReservedLock = db_is_reserved,
	.xFileControl = db_control,
	.xSectorSize = db_sector,
	.xDeviceCharacteristics = db_device,
	.xShmMap = db_map,
	.xShmLock = db_lock,
	.xShmBarrier = db_barrier,
	.xShmUnmap = db_unmap,
};

static struct db_file *
db_of_connection(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
			SQLITE_OK ||
		file == NULL || file->pMethods != &methods)
		return NULL;
	return db_of(file);
}

int
sqlite_locks_size(void)
{
	return (int)sizeof(struct db_file);
}

int
sqlite_locks_open(sqlite3_vfs *real, const char *name, sqlite3_file *file, int flags,
	int *out)
{
	struct db_file *d = db_of(file);
	int rc;

	memset(d, 0, sizeof(*d));
	d->real = (sqlite3_file *)(void *)(d + 1);
	rc = real->xOpen(real, name, d->real, flags, out);
	if (rc == SQLITE_OK)
		d->file.pMethods = &methods;
	return rc;
}
