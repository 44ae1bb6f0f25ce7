/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_file_attempt.c - one file an attempt. Who unlinks it has taken it: of any
 * number who try, the kernel lets one succeed.
 *
 * Not synced: a power cut loses at most an attempt that a person can begin again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "vault/vault_file.h"

#define DIRECTORY "attempts"
#define MOST 10000 /* 16 KB each at most: a flood costs 160 MB and then nothing more */
#define SWEEP_MS 1000
#define ID_SIZE 64

static bool
is_old(const struct stat *st)
{
	int64_t age = clock_now() - st->st_mtim.tv_sec;

	/* One from the future was made before the clock was set back. */
	return age > VAULT_ATTEMPT_LIFE || age < -VAULT_ATTEMPT_LIFE;
}

/* Removes what is old; how many are left. */
static size_t
sweep(DIR *d)
{
	const struct dirent *entry;
	struct stat st;
	size_t left = 0;

	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.' ||
			fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (is_old(&st))
			unlinkat(dirfd(d), entry->d_name, 0);
		else
			left++;
	}
	return left;
}

/* Counts what stands, once a second at most: a flood must not make each its own
 * sweep. */
static enum vault_result
count(struct file_vault *v, int dir, struct fault *f)
{
	int64_t now = clock_monotonic_ms();
	int fd;
	DIR *d;

	if (v->swept_at_ms != 0 && now - v->swept_at_ms < SWEEP_MS)
		return VAULT_DONE;
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (d == NULL) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return vault_errno(f, error, "list", DIRECTORY);
	}
	v->attempts = sweep(d);
	v->swept_at_ms = now;
	closedir(d);
	return VAULT_DONE;
}

static enum vault_result
admit(struct file_vault *v, int dir, struct fault *f)
{
	enum vault_result r;

	pthread_mutex_lock(&v->mutex);
	r = count(v, dir, f);
	if (r == VAULT_DONE && v->attempts >= MOST)
		r = VAULT_FAIL(f, VAULT_STORAGE,
			"%d attempts to connect are under way: no "
			"more until some end or are ten minutes old",
			MOST);
	if (r == VAULT_DONE)
		v->attempts++;
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static enum vault_result
put(int dir, const char *id, struct bytes sealed, struct fault *f)
{
	enum vault_result r = VAULT_DONE;
	int fd;

	VAULT_TRY(disk_open(dir, id, O_WRONLY | O_CREAT | O_EXCL, &fd, NULL, f));
	if (!disk_write_all(fd, sealed)) {
		r = vault_errno(f, errno, "write", "an attempt to connect");
		unlinkat(dir, id, 0);
	}
	close(fd);
	return r;
}

enum vault_result
file_attempt_put(
	struct vault *vault, struct bytes id, struct bytes sealed, struct fault *f)
{
	struct file_vault *v = file_of(vault);
	enum vault_result r;
	int dir;

	VAULT_TRY(disk_directory(v->dir, DIRECTORY, &dir, f));
	r = admit(v, dir, f);
	if (r == VAULT_DONE)
		r = put(dir, id.p, sealed, f);
	close(dir);
	return r;
}

static enum vault_result
absent(struct fault *f)
{
	return VAULT_FAIL(f, VAULT_ABSENT,
		"there is no such attempt to connect: it was "
		"finished already, is older than ten minutes, or was not begun here");
}

/* Reads first, so that a failing disk leaves it; the unlink decides. */
static enum vault_result
take(int dir, const char *id, struct arena *a, uint8_t **sealed, size_t *n,
	struct fault *f)
{
	enum vault_result r;
	struct stat st;
	uint8_t *p;
	int fd;

	r = disk_open(dir, id, O_RDONLY, &fd, &st, f);
	if (r != VAULT_DONE)
		return r == VAULT_ABSENT ? absent(f) : r;
	if ((uintmax_t)st.st_size > vault_slot_max(SLOT_RECORD))
		st.st_size = 0; /* not one of ours: opens as damaged */
	p = arena_alloc(a, (size_t)st.st_size + 1);
	if (!disk_read_all(fd, p, (size_t)st.st_size, 0))
		r = vault_errno(f, errno, "read", "an attempt to connect");
	else if (unlinkat(dir, id, 0) != 0)
		r = errno == ENOENT ? absent(f)
				    : vault_errno(f, errno, "remove", "an attempt");
	else if (is_old(&st))
		r = absent(f);
	close(fd);
	if (r != VAULT_DONE)
		return r;
	*sealed = p;
	*n = (size_t)st.st_size;
	return VAULT_DONE;
}

enum vault_result
file_attempt_take(struct vault *vault, struct bytes id, struct arena *a,
	uint8_t **sealed, size_t *n, struct fault *f)
{
	enum vault_result r;
	int dir;

	VAULT_TRY(
		disk_directory(file_of(vault)->dir, DIRECTORY, &dir, f));
	r = take(dir, id.p, a, sealed, n, f);
	close(dir);
	return r;
}
