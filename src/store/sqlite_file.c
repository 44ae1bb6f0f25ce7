/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_file.c - is the file at the path still the one that is open?
 *
 * A database that was removed or replaced under a running server goes on working,
 * on an inode nobody will ever open again: whatever is written there is lost. The
 * same is true of its log, which holds what no checkpoint has moved yet.
 */
#include <stdio.h>
#include <sys/stat.h>

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

void
sqlite_file_note_log(struct sqlite_file *file)
{
	struct stat st;

	if (atomic_load(&file->log) == 0 && log_of(file, &st))
		atomic_store(&file->log, st.st_ino);
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
