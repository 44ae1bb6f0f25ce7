/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_file.c - a vault in a private directory:
 *
 *	vault.key                 how the data key is wrapped (vault_file_key.c)
 *	NAME.record NAME.journal  sealed, each replaced whole
 *	NAME.lock                 the lock and the generation (vault_file_lock.c)
 *	NAME.log                  the history (vault_file_log.c)
 *	attempts/ID               sealed (vault_file_attempt.c)
 *	.NAME.record.new          room for the next record, while a lock is held
 *
 * Everything is reached from the directory that was opened and found to be the
 * caller's alone; nobody can put another in its place meanwhile.
 */
#include "vault/vault_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault_point.h"

static const struct {
	const char *suffix, *temporary;
	struct disk_points at;
} slots[] = {
	[SLOT_RECORD] = { ".record", ".record.new",
		{ "record-open", "record-write", "record-fsync", "record-rename",
			"record-dirsync", "record-done" } },
	[SLOT_JOURNAL] = { ".journal", ".journal.new",
		{ "journal-open", "journal-write", "journal-fsync", "journal-rename",
			"journal-dirsync", "journal-done" } },
};

struct file_lock {
	struct vault_lock lock;
	struct held held;
	int room_fd; /* the file of vault_reserve; -1: none */
	size_t room;
};

/* ---- life --------------------------------------------------------------------- */

/* "directory " and the whole path, without slashes at its end (behind which a symbolic
 * link would be followed). */
static enum vault_result
say_place(struct vault *v, const char *where, struct fault *f)
{
	struct buf b = buf_fixed(v->place, sizeof(v->place));
	struct bytes path = bytes_of(where);
	char here[PATH_MAX];

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	buf_put(&b, B("directory "));
	if (path.n > 0 && path.p[0] != '/' && getcwd(here, sizeof(here)) != NULL)
		buf_printf(&b, "%s/", here);
	buf_put(&b, path);
	if (path.n == 0 || buf_cstr(&b) == NULL)
		return VAULT_FAIL(f, VAULT_UNFIT,
			"the vault's directory has a name of "
			"%zu characters",
			path.n);
	v->directory = v->place + sizeof("directory ") - 1;
	return VAULT_DONE;
}

static enum vault_result
file_open(const char *where, bool existing, struct vault **out, struct fault *f)
{
	struct file_vault *v = calloc(1, sizeof(*v));
	enum vault_result r;

	if (v == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	r = say_place(&v->vault, where, f);
	v->made = r == VAULT_DONE && access(v->vault.directory, F_OK) != 0 &&
		(errno == ENOENT || errno == ENOTDIR);
	if (v->made && existing)
		r = vault_none(&v->vault, f);
	if (r == VAULT_DONE)
		r = disk_directory(AT_FDCWD, v->vault.directory, &v->dir, f);
	if (r != VAULT_DONE) {
		free(v);
		return r;
	}
	v->vault.backend = &vault_file;
	pthread_mutex_init(&v->mutex, NULL);
	*out = &v->vault;
	return VAULT_DONE;
}

static void
file_close(struct vault *vault)
{
	struct file_vault *v = file_of(vault);

	if (v->made)
		file_unmake(v);
	lock_files_close(v);
	pthread_mutex_destroy(&v->mutex);
	close(v->dir);
	free(v);
}

/* ---- the directory's list -------------------------------------------------- */

/* The connection that a file of the directory is the record of. */
static bool
record_of(const struct dirent *d, struct bytes *name)
{
	struct bytes file = bytes_of(d->d_name);
	struct bytes suffix = bytes_of(slots[SLOT_RECORD].suffix);

	if (!bytes_ends(file, suffix))
		return false;
	*name = bytes_slice(file, 0, file.n - suffix.n);
	return vault_name_valid(*name);
}

/* The next record's name; false at the end. */
static bool
next_name(DIR *d, struct bytes *name)
{
	const struct dirent *entry;

	while ((entry = readdir(d)) != NULL)
		if (record_of(entry, name))
			return true;
	return false;
}

static size_t
count_names(DIR *d)
{
	struct bytes name;
	size_t n = 0;

	while (next_name(d, &name))
		n++;
	return n;
}

static enum vault_result
open_list(struct file_vault *v, DIR **out, struct fault *f)
{
	int fd = openat(v->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	int error = errno;

	if (d == NULL && fd >= 0)
		close(fd);
	if (d == NULL)
		return vault_errno(f, error, "list", v->vault.place);
	*out = d;
	return VAULT_DONE;
}

enum vault_result
file_any_record(struct file_vault *v, bool *out, struct fault *f)
{
	struct bytes name;
	DIR *d;

	VAULT_TRY(open_list(v, &d, f));
	*out = next_name(d, &name);
	closedir(d);
	return VAULT_DONE;
}

/* ---- reading --------------------------------------------------------------- */

static const _Atomic uint32_t *
file_generation(struct vault *v, struct bytes name, struct fault *f)
{
	return lock_generation(file_of(v), name, f);
}

static enum vault_result
file_read(struct vault *v, struct bytes name, enum vault_slot slot, struct arena *a,
	uint8_t **sealed, size_t *n, struct fault *f)
{
	char file[DISK_NAME_MAX];
	struct stat st;
	enum vault_result r = VAULT_DONE;
	uint8_t *p;
	int fd;

	disk_name(file, "", name, slots[slot].suffix);
	VAULT_TRY(disk_open(file_of(v)->dir, file, O_RDONLY, &fd, &st, f));
	if ((uintmax_t)st.st_size > vault_slot_max(slot)) {
		close(fd);
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"%s is larger than any that is written", file);
	}
	p = arena_alloc(a, (size_t)st.st_size + 1);
	if (!disk_read_all(fd, p, (size_t)st.st_size, 0))
		r = vault_errno(f, errno, "read", file);
	close(fd);
	if (r == VAULT_DONE) {
		*sealed = p;
		*n = (size_t)st.st_size;
	}
	return r;
}

static bool
file_stands(struct vault *v, struct bytes name, enum vault_slot slot)
{
	char file[DISK_NAME_MAX];
	struct stat st;

	disk_name(file, "", name, slots[slot].suffix);
	return fstatat(file_of(v)->dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
by_octets(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Two passes, so that the arena holds what there is and no more; what came in between
 * is for the next time. */
static enum vault_result
file_list(struct vault *v, struct arena *a, struct bytes **names, size_t *count,
	struct fault *f)
{
	struct bytes *list, name;
	size_t max, n = 0;
	DIR *d;

	VAULT_TRY(open_list(file_of(v), &d, f));
	max = count_names(d);
	list = ARENA_ARRAY(a, struct bytes, max);
	rewinddir(d);
	while (n < max && next_name(d, &name))
		list[n++] = arena_bytes(a, name);
	closedir(d);
	qsort(list, n, sizeof(*list), by_octets);
	*names = list;
	*count = n;
	return VAULT_DONE;
}

/* ---- the lock, and what its holder does ------------------------------------ */

static enum vault_result
file_lock(struct vault *v, struct bytes name, int wait_ms, struct vault_lock **out,
	struct fault *f)
{
	struct file_lock *l = calloc(1, sizeof(*l));
	enum vault_result r;

	if (l == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	vault_lock_begin(&l->lock, v, name);
	l->room_fd = -1;
	r = held_take(file_of(v), name, LOCK_CONNECTION, wait_ms, &l->held, f);
	if (r == VAULT_DONE)
		*out = &l->lock;
	else
		free(l);
	return r;
}

static struct file_lock *
lock_of(struct vault_lock *l)
{
	return (struct file_lock *)l;
}

/* Room that was reserved and not used, and the file of one who was killed with it. */
static void
give_back(struct file_lock *l)
{
	char temporary[DISK_NAME_MAX];

	if (l->room_fd < 0)
		return;
	close(l->room_fd);
	l->room_fd = -1;
	disk_name(temporary, ".", l->lock.name, slots[SLOT_RECORD].temporary);
	unlinkat(file_of(l->lock.vault)->dir, temporary, 0);
}

static void
file_unlock(struct vault_lock *lock)
{
	struct file_lock *l = lock_of(lock);

	give_back(l);
	held_drop(&l->held);
	free(l);
}

static enum vault_result
open_new(struct file_lock *l, enum vault_slot slot, const char *temporary, int *fd,
	struct fault *f)
{
	if (FAULT_CALL(slots[slot].at.open, 0) != 0)
		return vault_errno(f, errno, "make", temporary);
	return disk_open(file_of(l->lock.vault)->dir, temporary,
		O_RDWR | O_CREAT | O_TRUNC, fd, NULL, f);
}

/* 0 or errno, as posix_fallocate itself. */
static int
allocate(int fd, size_t n)
{
	int error = FAULT_ERRNO("reserve-allocate");

	if (error == 0)
		error = posix_fallocate(fd, 0, (off_t)n);
	if (error == 0 && FAULT_CALL("reserve-fsync", fsync(fd)) != 0)
		error = errno;
	return error;
}

static enum vault_result
file_reserve(struct vault_lock *lock, size_t n, struct fault *f)
{
	struct file_lock *l = lock_of(lock);
	char temporary[DISK_NAME_MAX];
	int error;

	if (l->room_fd >= 0 && l->room >= n)
		return VAULT_DONE;
	disk_name(temporary, ".", lock->name, slots[SLOT_RECORD].temporary);
	if (l->room_fd < 0)
		VAULT_TRY(open_new(l, SLOT_RECORD, temporary, &l->room_fd, f));
	error = allocate(l->room_fd, n);
	if (error != 0) {
		give_back(l);
		return vault_errno(f, error, "make room for", lock->name_text);
	}
	l->room = n;
	FAULT_POINT("reserve-done");
	return VAULT_DONE;
}

/* Takes the file that vault_reserve made, or makes one. */
static enum vault_result
new_file(struct file_lock *l, enum vault_slot slot, const char *temporary, int *fd,
	struct fault *f)
{
	if (slot != SLOT_RECORD || l->room_fd < 0)
		return open_new(l, slot, temporary, fd, f);
	*fd = l->room_fd;
	l->room_fd = -1;
	return VAULT_DONE;
}

static enum vault_result
file_write(struct vault_lock *lock, enum vault_slot slot, struct bytes sealed,
	struct fault *f)
{
	struct file_lock *l = lock_of(lock);
	struct file_vault *v = file_of(lock->vault);
	char file[DISK_NAME_MAX], temporary[DISK_NAME_MAX];
	enum vault_result r;
	int fd;

	disk_name(file, "", lock->name, slots[slot].suffix);
	disk_name(temporary, ".", lock->name, slots[slot].temporary);
	VAULT_TRY(new_file(l, slot, temporary, &fd, f));
	if (slot == SLOT_RECORD)
		lock_generation_step(v, &l->held, lock->name);
	r = disk_settle(v->dir, fd, temporary, file, sealed, &slots[slot].at, f);
	if (slot == SLOT_RECORD)
		lock_generation_step(v, &l->held, lock->name);
	return r;
}

/* Removes a file, or finds it gone. */
static enum vault_result
erase(struct file_lock *l, enum vault_slot slot, const char *point, struct fault *f)
{
	char file[DISK_NAME_MAX];

	disk_name(file, "", l->lock.name, slots[slot].suffix);
	if (FAULT_CALL(point, unlinkat(file_of(l->lock.vault)->dir, file, 0)) != 0 &&
		errno != ENOENT)
		return vault_errno(f, errno, "remove", file);
	return VAULT_DONE;
}

/* Not synced: an entry that is there again after a power cut tells of a record that has
 * been replaced, as it does when we die just before this. */
static enum vault_result
file_journal_clear(struct vault_lock *lock, struct fault *f)
{
	VAULT_TRY(erase(lock_of(lock), SLOT_JOURNAL, "clear-unlink", f));
	FAULT_POINT("clear-done");
	return VAULT_DONE;
}

static enum vault_result
file_remove(struct vault_lock *lock, struct fault *f)
{
	struct file_lock *l = lock_of(lock);
	struct file_vault *v = file_of(lock->vault);
	enum vault_result r;

	lock_generation_step(v, &l->held, lock->name);
	r = erase(l, SLOT_RECORD, "remove-record", f);
	lock_generation_step(v, &l->held, lock->name);
	if (r == VAULT_DONE)
		r = erase(l, SLOT_JOURNAL, "remove-journal", f);
	if (r == VAULT_DONE && FAULT_CALL("remove-dirsync", fsync(v->dir)) != 0)
		r = vault_errno(f, errno, "remove for good", lock->name_text);
	FAULT_POINT("remove-done");
	return r;
}

const struct vault_backend vault_file = {
	.open = file_open,
	.close = file_close,
	.key_read = file_key_read,
	.key_begin = file_key_begin,
	.key_write = file_key_write,
	.key_end = file_key_end,
	.generation = file_generation,
	.read = file_read,
	.stands = file_stands,
	.list = file_list,
	.lock = file_lock,
	.unlock = file_unlock,
	.reserve = file_reserve,
	.write = file_write,
	.journal_clear = file_journal_clear,
	.remove = file_remove,
	.log_append = file_log_append,
	.log_read = file_log_read,
	.attempt_put = file_attempt_put,
	.attempt_take = file_attempt_take,
};
