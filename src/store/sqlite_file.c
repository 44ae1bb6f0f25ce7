/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_file.c - is the file at the path still the one that is open?
 *
 * A database that was removed or replaced under a running server goes on working,
 * on an inode nobody will ever open again: whatever is written there is lost. The
 * same is true of its log, which holds what no checkpoint has moved yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

static bool
log_of(const struct sqlite_file *file, struct stat *st)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s-wal", file->path);
	return stat(path, st) == 0;
}

enum outcome
sqlite_file_open(struct sqlite_file *file, const char *path, struct fault *f)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return FAULT_AT(f, "%s was removed while it was opened", path);
	*file = (struct sqlite_file){ path, st.st_dev, st.st_ino, 0 };
	return DONE;
}

/* SQLite syncs the directory too when it makes the log, but not so that a failure
 * would be noticed; without its name the log is gone with the power. */
static enum outcome
sync_directory(const struct sqlite_file *file, struct fault *f)
{
	char path[4096];
	int fd, failed;

	snprintf(path, sizeof(path), "%s", file->path);
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	failed = fd < 0 || fsync(fd) != 0;
	if (failed)
		(void)FAULT_AT(f, "%s cannot be synced: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return failed ? FAULT : DONE;
}

enum outcome
sqlite_file_note_log(struct sqlite_file *file, struct fault *f)
{
	struct stat st;

	if (atomic_load(&file->log) != 0 || !log_of(file, &st))
		return DONE;
	TRY(sync_directory(file, f));
	atomic_store(&file->log, st.st_ino);
	return DONE;
}

enum outcome
sqlite_file_check(const struct sqlite_file *file, struct fault *f)
{
	ino_t log = atomic_load(&file->log);
	struct stat st;

	if (stat(file->path, &st) != 0 || st.st_dev != file->dev ||
		st.st_ino != file->ino)
		return FAULT_AT(f, "the database was removed or replaced under the running "
			"server; nothing is answered from it any more: restart");
	if (log != 0 && (!log_of(file, &st) || st.st_ino != log))
		return FAULT_AT(f, "the database's -wal file was removed or replaced under "
			"the running server; nothing is answered any more: restart");
	return DONE;
}
