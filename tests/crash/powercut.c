/* SPDX-License-Identifier: Apache-2.0 */
/*
 * powercut.c - a disk whose cache can be lost: LD_PRELOAD for the server under test.
 *
 * kill -9 loses nothing that was written, because the kernel has it. A power cut loses
 * what was not synced, all of it or any part. So every write and truncation of a
 * database file is noted here with what stood there before, and so is every
 * fdatasync once it has succeeded, with how much of what was noted it covers; the test
 * kills the process and takes back what no sync covered (powercut.mjs).
 *
 * The notes (numbers of the machine's own order):
 *	u32 kind | u32 file | u64 offset | u64 n | u64 old_size | n bytes old | n bytes new
 * WRITE: old bytes are zero beyond old_size. TRUNCATE: offset is the new size, n how
 * many bytes went or came. SYNC: offset is the count of notes it covers. NAME: n bytes
 * of the path, as old.
 *
 *	POWERCUT_NOTES    the file of notes; unset: nothing is noted
 *	POWERCUT_NORMAL=1 the control: synchronous=FULL becomes NORMAL on its way to SQLite
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

enum kind { WRITE = 1, TRUNCATE, SYNC, NAME };

#define FDS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t file_of[FDS]; /* 0: not one of ours */
static uint32_t files;
static char paths[64][512];
static uint64_t noted;
static int notes = -1;

static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

#define REAL(name)                                \
	static __typeof__(name) *real_##name;     \
	if (real_##name == NULL)                  \
		*(void **)&real_##name = real(#name)

static void
must_write(const void *p, size_t n)
{
	if (write(notes, p, n) != (ssize_t)n)
		abort();
}

/* With the lock. One write each, so that a kill leaves whole notes or a torn last. */
static void
note(enum kind kind, uint32_t file, uint64_t offset, uint64_t n, uint64_t old_size,
	const void *old, const void *new)
{
	size_t size = 32 + n * (size_t)((old != NULL) + (new != NULL));
	uint32_t small[2] = { kind, file };
	uint64_t large[3] = { offset, n, old_size };
	char *whole = malloc(size);

	if (whole == NULL)
		abort();
	memcpy(whole, small, 8);
	memcpy(whole + 8, large, 24);
	if (old != NULL)
		memcpy(whole + 32, old, n);
	if (new != NULL)
		memcpy(whole + size - n, new, n);
	must_write(whole, size);
	free(whole);
	noted++;
}

static bool
is_ours(const char *path)
{
	size_t n = strlen(path);

	return notes >= 0 && n < sizeof(paths[0]) &&
		((n > 3 && strcmp(path + n - 3, ".db") == 0) ||
			(n > 7 && strcmp(path + n - 7, ".db-wal") == 0));
}

/* The number by which the notes call the file; with the lock. */
static uint32_t
number_of(const char *path)
{
	for (uint32_t i = 0; i < files; i++)
		if (strcmp(paths[i], path) == 0)
			return i + 1;
	if (files == sizeof(paths) / sizeof(paths[0]))
		abort();
	memcpy(paths[files++], path, strlen(path) + 1);
	note(NAME, files, 0, strlen(path), 0, path, NULL);
	return files;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("POWERCUT_NOTES");

	if (path != NULL)
		notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* From here on every function stands before the one of the C library or of SQLite. */
#pragma GCC visibility push(default)

int
open64(const char *path, int flags, ...)
{
	REAL(open64);
	mode_t mode = 0;
	va_list more;
	int fd;

	va_start(more, flags);
	if (flags & O_CREAT)
		mode = va_arg(more, mode_t);
	va_end(more);
	fd = real_open64(path, flags, mode);
	if (fd < 0 || fd >= FDS || !is_ours(path))
		return fd;
	pthread_mutex_lock(&lock);
	file_of[fd] = number_of(path);
	pthread_mutex_unlock(&lock);
	return fd;
}

int
close(int fd)
{
	REAL(close);

	if (fd >= 0 && fd < FDS && file_of[fd] != 0) {
		pthread_mutex_lock(&lock);
		file_of[fd] = 0;
		pthread_mutex_unlock(&lock);
	}
	return real_close(fd);
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void *
old_bytes(int fd, size_t n, off64_t offset)
{
	char *old = calloc(1, n + 1);

	if (old == NULL || pread64(fd, old, n, offset) < 0)
		abort();
	return old;
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	REAL(pwrite64);
	uint64_t size;
	ssize_t done;
	void *old;

	if (fd < 0 || fd >= FDS || file_of[fd] == 0)
		return real_pwrite64(fd, p, n, offset);
	pthread_mutex_lock(&lock);
	size = size_of(fd);
	old = old_bytes(fd, n, offset);
	/* Noted first: a kill between the two takes back what was not written yet. */
	note(WRITE, file_of[fd], (uint64_t)offset, n, size, old, p);
	done = real_pwrite64(fd, p, n, offset);
	free(old);
	pthread_mutex_unlock(&lock);
	return done;
}

int
ftruncate64(int fd, off64_t to)
{
	REAL(ftruncate64);
	uint64_t size, n;
	void *old;
	int done;

	if (fd < 0 || fd >= FDS || file_of[fd] == 0)
		return real_ftruncate64(fd, to);
	pthread_mutex_lock(&lock);
	size = size_of(fd);
	n = size > (uint64_t)to ? size - (uint64_t)to : 0;
	old = old_bytes(fd, n, to);
	note(TRUNCATE, file_of[fd], (uint64_t)to, n, size, old, NULL);
	done = real_ftruncate64(fd, to);
	free(old);
	pthread_mutex_unlock(&lock);
	return done;
}

/* What was noted before it began is covered; what comes meanwhile may not be. */
static int
synced(int fd, int (*sync_it)(int))
{
	uint64_t covers;
	int done;

	if (fd < 0 || fd >= FDS || file_of[fd] == 0)
		return sync_it(fd);
	pthread_mutex_lock(&lock);
	covers = noted;
	pthread_mutex_unlock(&lock);
	done = sync_it(fd);
	if (done != 0)
		return done;
	pthread_mutex_lock(&lock);
	note(SYNC, file_of[fd], covers, 0, 0, NULL, NULL);
	pthread_mutex_unlock(&lock);
	return done;
}

int
fdatasync(int fd)
{
	REAL(fdatasync);

	return synced(fd, real_fdatasync);
}

int
fsync(int fd)
{
	REAL(fsync);

	return synced(fd, real_fsync);
}

int
sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
	void *arg, char **error)
{
	static const char full[] = "synchronous = FULL", normal[] = "synchronous=NORMAL";
	REAL(sqlite3_exec);
	const char *at = strstr(sql, full);
	char *changed;
	int rc;

	_Static_assert(sizeof(full) == sizeof(normal), "one takes the other's place");
	if (at == NULL || getenv("POWERCUT_NORMAL") == NULL)
		return real_sqlite3_exec(db, sql, row, arg, error);
	changed = strdup(sql);
	if (changed == NULL)
		abort();
	memcpy(changed + (at - sql), normal, sizeof(normal) - 1);
	rc = real_sqlite3_exec(db, changed, row, arg, error);
	free(changed);
	return rc;
}

#pragma GCC visibility pop
