/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_log.c - a commit goes to the log in a few large pieces.
 *
 * SQLite writes each page of a commit to its log with two calls of the system, one for
 * the page's header and one for the page: 128 for 64 refreshes. Between SQLite and its
 * own way to the file stands this one, for the log only. While a COMMIT runs, writes
 * that follow each other are gathered, and go to the file when the piece is full, when
 * the commit's last page is there, and before anything else is done to the file. So
 *   - the order of the writes stays, and reads see what was written;
 *   - all of a commit has been passed on before SQLite syncs it or shows it to
 *     readers, whatever `synchronous` is;
 *   - a write that failed is reported by the call that made it go, and SQLite takes
 *     that as it takes any failed write: the commit fails;
 *   - nothing waits here while another process may write: the lock is held until the
 *     COMMIT is over, and what is left by one that failed is thrown away.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/sqlite.h"

/* SQLite's own way takes less than 128 KiB at a time. */
#define PIECE 126976

#define FRAME_HEADER 24 /* sqlite.org/fileformat2.html, section 4.1 */
#define FRAME_COMMIT 4 /* where in it stands whether it is the last of its commit */

struct log_file {
	sqlite3_file file;
	sqlite3_file *real; /* behind this struct */
	uint8_t *piece; /* NULL: nothing was written yet */
	size_t n;
	sqlite3_int64 at; /* where in the file the piece begins */
	bool gathers; /* a COMMIT runs */
	bool last; /* what is written next is the last page of a commit */
};

static struct log_file *
log_of(sqlite3_file *file)
{
	return (struct log_file *)(void *)file;
}

/* ---- what goes to the file ------------------------------------------------ */

static int
pass_on(struct log_file *l)
{
	size_t n = l->n;

	l->n = 0;
	if (n == 0)
		return SQLITE_OK;
	return l->real->pMethods->xWrite(l->real, l->piece, (int)n, l->at);
}

static bool
fits(const struct log_file *l, size_t n, sqlite3_int64 at)
{
	return l->n == 0 || (l->at + (sqlite3_int64)l->n == at && n <= PIECE - l->n);
}

static bool
is_last_header(const void *p, size_t n)
{
	struct bytes mark = { (const char *)p + FRAME_COMMIT, 4 };

	return n == FRAME_HEADER && !bytes_equal(mark, (struct bytes){ "\0\0\0\0", 4 });
}

static int
log_write(sqlite3_file *file, const void *p, int size, sqlite3_int64 at)
{
	struct log_file *l = log_of(file);
	size_t n = (size_t)size;
	bool last = l->last;
	int rc = SQLITE_OK;

	if (!fits(l, n, at))
		rc = pass_on(l);
	if (rc != SQLITE_OK)
		return rc;
	if (!l->gathers || n > PIECE)
		return l->real->pMethods->xWrite(l->real, p, size, at);
	if (l->piece == NULL)
		l->piece = must_calloc(1, PIECE);
	if (l->n == 0)
		l->at = at;
	memcpy(l->piece + l->n, p, n);
	l->n += n;
	l->last = is_last_header(p, n);
	if (!last)
		return SQLITE_OK;
	l->gathers = false; /* what SQLite still corrects goes there at once */
	return pass_on(l);
}

/* ---- what else is done to it ----------------------------------------------- */

static int
log_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	struct log_file *l = log_of(file);
	int rc = pass_on(l);

	return rc == SQLITE_OK ? l->real->pMethods->xRead(l->real, p, n, at) : rc;
}

static int
log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct log_file *l = log_of(file);
	int rc = pass_on(l);

	return rc == SQLITE_OK ? l->real->pMethods->xTruncate(l->real, size) : rc;
}

static int
log_sync(sqlite3_file *file, int flags)
{
	struct log_file *l = log_of(file);
	int rc = pass_on(l);

	return rc == SQLITE_OK ? l->real->pMethods->xSync(l->real, flags) : rc;
}

static int
log_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct log_file *l = log_of(file);
	int rc = pass_on(l);

	return rc == SQLITE_OK ? l->real->pMethods->xFileSize(l->real, size) : rc;
}

static int
log_close(sqlite3_file *file)
{
	struct log_file *l = log_of(file);

	free(l->piece);
	return l->real->pMethods->xClose(l->real);
}

static int
log_lock(sqlite3_file *file, int level)
{
	return log_of(file)->real->pMethods->xLock(log_of(file)->real, level);
}

static int
log_unlock(sqlite3_file *file, int level)
{
	return log_of(file)->real->pMethods->xUnlock(log_of(file)->real, level);
}

static int
log_is_reserved(sqlite3_file *file, int *is)
{
	return log_of(file)->real->pMethods->xCheckReservedLock(log_of(file)->real, is);
}

static int
log_control(sqlite3_file *file, int what, void *arg)
{
	return log_of(file)->real->pMethods->xFileControl(
		log_of(file)->real, what, arg);
}

static int
log_sector(sqlite3_file *file)
{
	return log_of(file)->real->pMethods->xSectorSize(log_of(file)->real);
}

static int
log_device(sqlite3_file *file)
{
	return log_of(file)->real->pMethods->xDeviceCharacteristics(log_of(file)->real);
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_is_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector,
	.xDeviceCharacteristics = log_device,
};

/* ---- when it gathers --------------------------------------------------------- */

void
sqlite_log_gather(sqlite3 *db, bool gather)
{
	sqlite3_file *file = NULL;
	struct log_file *l;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) !=
			SQLITE_OK ||
		file == NULL || file->pMethods != &methods)
		return; /* there is no log yet: nothing is gathered */
	l = log_of(file);
	l->gathers = gather;
	l->last = false;
	l->n = 0;
}

/* ---- opening ----------------------------------------------------------------- */

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	sqlite3_vfs *real = vfs->pAppData;
	struct log_file *l = log_of(file);
	int rc;

	if ((flags & SQLITE_OPEN_MAIN_DB) != 0)
		return sqlite_locks_open(real, name, file, flags, out);
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return real->xOpen(real, name, file, flags, out);
	memset(l, 0, sizeof(*l));
	l->real = (sqlite3_file *)(void *)(l + 1);
	rc = real->xOpen(real, name, l->real, flags, out);
	if (rc == SQLITE_OK)
		l->file.pMethods = &methods;
	return rc;
}

void
sqlite_log_register(void)
{
	static sqlite3_vfs vfs;
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	if (real == NULL)
		return; /* opening says so */
	vfs = *real;
	vfs.zName = SQLITE_LOG_VFS;
	vfs.szOsFile += (int)sizeof(struct log_file) > sqlite_locks_size()
		? (int)sizeof(struct log_file)
		: sqlite_locks_size();
	vfs.pAppData = real;
	vfs.xOpen = open_file;
	sqlite3_vfs_register(&vfs, 0);
}
