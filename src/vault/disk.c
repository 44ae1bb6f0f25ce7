/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.c - opening with suspicion, and the one order in which a file is replaced.
 */
#include "vault/disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault_point.h"

const char *
disk_name(char out[static DISK_NAME_MAX], const char *before, struct bytes name,
	const char *behind)
{
	int n = snprintf(
		out, DISK_NAME_MAX, "%s%.*s%s", before, BYTES_FMT(name), behind);

	assert(n > 0 && (size_t)n < DISK_NAME_MAX);
	(void)n;
	return out;
}

/* Whether that worked is seen when what lies below is opened. */
int
disk_make_above(const char *path)
{
	char above[PATH_MAX];
	int n = snprintf(above, sizeof(above), "%s", path), why = 0;

	if (n <= 0 || (size_t)n >= sizeof(above))
		return ENAMETOOLONG;
	for (char *slash = above + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(above, 0700) != 0 && errno != EEXIST && why == 0)
			why = errno;
		*slash = '/';
	}
	return why;
}

enum vault_result
disk_private(const struct stat *st, const char *of, struct fault *f)
{
	bool directory = S_ISDIR(st->st_mode);

	if (!directory && !S_ISREG(st->st_mode))
		return VAULT_FAIL(
			f, VAULT_STORAGE, "%s is neither a file nor a directory", of);
	if (st->st_uid != geteuid())
		return VAULT_FAIL(f, VAULT_STORAGE,
			"%s belongs to user %u, not to user %u "
			"who asks: chown it, or use another vault",
			of, (unsigned)st->st_uid, (unsigned)geteuid());
	if ((st->st_mode & 077) != 0)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"%s is open to others (mode %03o): "
			"chmod %s it, and think about who has seen it",
			of, (unsigned)st->st_mode & 0777, directory ? "700" : "600");
	return VAULT_DONE;
}

/* O_NONBLOCK: a FIFO that somebody put there must not hold us. */
enum vault_result
disk_open(
	int dir, const char *name, int flags, int *fd, struct stat *st, struct fault *f)
{
	int opened = openat(dir, name,
		flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat own;
	enum vault_result r;

	if (opened < 0 && errno == ENOENT && (flags & O_CREAT) == 0)
		return VAULT_FAIL(f, VAULT_ABSENT, "there is no %s", name);
	if (opened < 0)
		return vault_errno(f, errno, "open", name);
	st = st != NULL ? st : &own;
	if (fstat(opened, st) != 0)
		r = vault_errno(f, errno, "look at", name);
	else if (S_ISDIR(st->st_mode))
		r = VAULT_FAIL(f, VAULT_STORAGE, "%s is a directory, not a file", name);
	else
		r = disk_private(st, name, f);
	if (r == VAULT_DONE)
		*fd = opened;
	else
		close(opened);
	return r;
}

/* The descriptor, or -1 and errno; made, and all above it, when it is missing. */
static int
open_or_make(int dir, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int opened = openat(dir, name, flags), why;

	if (opened >= 0 || errno != ENOENT)
		return opened;
	why = disk_make_above(name);
	if (mkdirat(dir, name, 0700) != 0 && errno != EEXIST) {
		if (errno == ENOENT && why != 0)
			errno = why;
		return -1;
	}
	return openat(dir, name, flags);
}

enum vault_result
disk_directory(int dir, const char *name, int *fd, struct fault *f)
{
	int opened = open_or_make(dir, name);
	enum vault_result r;
	struct stat st;

	if (opened < 0 && errno == ENOTDIR)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"%s is not a directory (a symbolic link is not followed)",
			name);
	if (opened < 0)
		return vault_errno(f, errno, "open the directory", name);
	if (fstat(opened, &st) != 0)
		r = vault_errno(f, errno, "look at", name);
	else
		r = disk_private(&st, name, f);
	if (r == VAULT_DONE)
		*fd = opened;
	else
		close(opened);
	return r;
}

bool
disk_read_all(int fd, void *out, size_t n, off_t from)
{
	char *p = out;

	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, p + done, n - done, from + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO; /* it became shorter while it was read */
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

bool
disk_write_all(int fd, struct bytes b)
{
	for (size_t done = 0; done < b.n;) {
		ssize_t put = pwrite(fd, b.p + done, b.n - done, (off_t)done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put == 0)
			errno = ENOSPC;
		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

enum vault_result
disk_read(int dir, const char *name, void *out, size_t max, size_t *n, struct fault *f)
{
	struct stat st;
	enum vault_result r = VAULT_DONE;
	int fd;

	VAULT_TRY(disk_open(dir, name, O_RDONLY, &fd, &st, f));
	if ((uintmax_t)st.st_size > max)
		r = VAULT_FAIL(f, VAULT_DAMAGED,
			"%s is larger than any that is written", name);
	else if (!disk_read_all(fd, out, (size_t)st.st_size, 0))
		r = vault_errno(f, errno, "read", name);
	else
		*n = (size_t)st.st_size;
	close(fd);
	return r;
}

static enum vault_result
written(int fd, const char *name, struct bytes b, const struct disk_points *at,
	struct fault *f)
{
	if (FAULT_CALL(at->write, disk_write_all(fd, b) ? 0 : -1) != 0 ||
		ftruncate(fd, (off_t)b.n) != 0)
		return vault_errno(f, errno, "write", name);
	if (FAULT_CALL(at->sync, fsync(fd)) != 0)
		return vault_errno(f, errno, "write", name);
	return VAULT_DONE;
}

enum vault_result
disk_settle(int dir, int fd, const char *temporary, const char *name, struct bytes b,
	const struct disk_points *at, struct fault *f)
{
	enum vault_result r = written(fd, name, b, at, f);

	close(fd);
	if (r == VAULT_DONE &&
		FAULT_CALL(at->rename, renameat(dir, temporary, dir, name)) != 0)
		r = vault_errno(f, errno, "replace", name);
	if (r != VAULT_DONE) {
		unlinkat(dir, temporary, 0);
		return r;
	}
	if (FAULT_CALL(at->dirsync, fsync(dir)) != 0)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"%s was replaced, but might be the old "
			"one again after a power cut: the disk fails to sync",
			name);
	FAULT_POINT(at->done);
	return VAULT_DONE;
}
