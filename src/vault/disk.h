/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - files that belong to one person, replaced whole.
 *
 * Promises: no symbolic link is followed and nothing but a regular file is opened; a
 * file that others may read or write, or that somebody else owns, is refused with a
 * sentence; disk_settle has it on the disk, name and all, when it gives VAULT_DONE.
 */
#ifndef LATCHKEY_VAULT_DISK_H
#define LATCHKEY_VAULT_DISK_H

#include <sys/stat.h>

#include "vault/vault_backend.h"

#define DISK_NAME_MAX (VAULT_NAME_MAX + 32)

/* ".NAME.record.new" and the like, into out; returns out. */
const char *disk_name(char out[static DISK_NAME_MAX], const char *before,
	struct bytes name, const char *behind);

/* Opens a private file of the directory (AT_FDCWD: by its path); VAULT_ABSENT without
 * O_CREAT where there is none. st may be NULL. */
enum vault_result disk_open(int dir, const char *name, int flags, int *fd,
	struct stat *st, struct fault *f) must_check;
/* Makes the directories above a path, for this person alone (XDG Base Directory). 0, or
 * the errno of the first that could be neither found nor made. */
int disk_make_above(const char *path);
/* Opens a private directory, made when it is missing. */
enum vault_result disk_directory(int dir, const char *name, int *fd, struct fault *f)
	must_check;
/* Is it the caller's alone? of is how the sentence calls it. */
enum vault_result disk_private(const struct stat *st, const char *of, struct fault *f)
	must_check;
/* All of a small file, or VAULT_DAMAGED if it is larger than max. */
enum vault_result disk_read(int dir, const char *name, void *out, size_t max, size_t *n,
	struct fault *f) must_check;
/* All n bytes, or false and errno. */
bool disk_read_all(int fd, void *out, size_t n, off_t from);
bool disk_write_all(int fd, struct bytes b);

/* The names of the steps for base/fault_point.h. */
struct disk_points { const char *open, *write, *sync, *rename, *dirsync, *done; };

/* Writes b to fd, which is the file `temporary`, and puts it in the place of `name`:
 * written, cut, synced, renamed, directory synced. fd is closed in any case, and the
 * temporary file gone. */
enum vault_result disk_settle(int dir, int fd, const char *temporary, const char *name,
	struct bytes b, const struct disk_points *at, struct fault *f) must_check;

#endif
