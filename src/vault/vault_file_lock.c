/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_file_lock.c - waiting for the kernel's lock without asking for it in a loop.
 *
 * Who lets go wakes one of those who sleep on the word, and that one lets go in its
 * turn. A holder that was killed wakes nobody, as the kernel drops its lock in silence:
 * so a sleeper looks for itself every TICK_MS. That is also all the harm there is when
 * the one who was woken dies at once.
 *
 * What the lock file's memory needs, it has before it is mapped: a hole that could not
 * be filled on a full disk would be a SIGBUS. Somebody who cuts a lock file short while
 * programs run (only its owner can) does that to them; opening it makes it whole again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/secret.h"
#include "vault/vault_file.h"

#define TICK_MS 100
#define LOCK_FILE_SIZE 64

struct lock_words {
	_Atomic uint32_t generation; /* random at first, so that a new file is new */
	_Atomic uint32_t turn[2]; /* by enum lock_byte: grows when one lets go */
	uint32_t unused[13];
};

_Static_assert(sizeof(struct lock_words) == LOCK_FILE_SIZE, "the file is the words");

/* ---- the file ------------------------------------------------------------------ */

/*
 * Room for the words, now. On a file system that copies on write (Btrfs), even a page
 * that has its room needs new room when it is written: it is asked not to; elsewhere
 * the flag does not exist and the call fails, which is as well.
 */
static int
fill(int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_NOCOW_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	return posix_fallocate(fd, 0, LOCK_FILE_SIZE);
}

static enum vault_result
open_whole(struct file_vault *v, const char *name, int *fd, struct stat *st,
	struct fault *f)
{
	int error;

	VAULT_TRY(disk_open(v->dir, name, O_RDWR | O_CREAT, fd, st, f));
	if (st->st_size >= LOCK_FILE_SIZE)
		return VAULT_DONE;
	error = fill(*fd);
	if (error == 0)
		return VAULT_DONE;
	close(*fd);
	return vault_errno(f, error, "make", name);
}

static struct lock_file *
find(struct file_vault *v, const char *name, const struct stat *st)
{
	struct lock_file *l = v->lock_files;

	while (l != NULL &&
		(l->inode != st->st_ino || l->device != st->st_dev ||
			!bytes_equal(bytes_of(l->name), bytes_of(name))))
		l = l->next;
	return l;
}

static void
begin_generation(struct lock_words *words)
{
	uint32_t none = 0, first;

	secret_random(&first, sizeof(first));
	first = (first & ~1U) | 2U; /* even: nothing is being replaced; not 0 */
	atomic_compare_exchange_strong(&words->generation, &none, first);
}

static struct lock_file *
map(struct file_vault *v, const char *name, int fd, const struct stat *st)
{
	struct lock_file *l = calloc(1, sizeof(*l));
	void *words;

	if (l == NULL)
		return NULL;
	words = mmap(NULL, LOCK_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED) {
		free(l);
		return NULL;
	}
	disk_name(l->name, "", bytes_of(name), "");
	l->device = st->st_dev;
	l->inode = st->st_ino;
	l->words = words;
	l->next = v->lock_files;
	v->lock_files = l;
	return l;
}

/* The words of an open lock file; NULL: no memory to map it. */
static struct lock_words *
words_of(struct file_vault *v, const char *name, int fd, const struct stat *st)
{
	struct lock_file *l;

	pthread_mutex_lock(&v->mutex);
	l = find(v, name, st);
	if (l == NULL)
		l = map(v, name, fd, st);
	pthread_mutex_unlock(&v->mutex);
	if (l == NULL)
		return NULL;
	begin_generation(l->words);
	return l->words;
}

static enum vault_result
open_mapped(struct file_vault *v, const char *name, int *fd, struct lock_words **words,
	struct fault *f)
{
	struct stat st;

	VAULT_TRY(open_whole(v, name, fd, &st, f));
	*words = words_of(v, name, *fd, &st);
	if (*words != NULL)
		return VAULT_DONE;
	close(*fd);
	return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
}

void
lock_files_close(struct file_vault *v)
{
	while (v->lock_files != NULL) {
		struct lock_file *l = v->lock_files;

		v->lock_files = l->next;
		munmap(l->words, LOCK_FILE_SIZE);
		free(l);
	}
}

/* ---- the lock ------------------------------------------------------------------- */

/* 0, or why not: EAGAIN is somebody else's. */
static int
set_lock(int fd, short type, enum lock_byte byte)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1
	};
	int error = type == F_WRLCK ? FAULT_ERRNO("lock-take") : 0;

	if (error != 0)
		return error;
	while (fcntl(fd, F_OFD_SETLK, &range) != 0)
		if (errno != EINTR)
			return errno == EACCES ? EAGAIN : errno;
	return 0;
}

/* Until the word is not `seen` any more, or ms have passed, or for no reason. */
static void
sleep_on(_Atomic uint32_t *word, uint32_t seen, int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)syscall(SYS_futex, (void *)word, FUTEX_WAIT, seen, &t, NULL, 0);
}

static enum vault_result
wait_for(struct held *h, int64_t deadline, struct fault *f)
{
	_Atomic uint32_t *turn = &h->words->turn[h->byte];

	for (;;) {
		uint32_t seen = atomic_load(turn);
		int error = set_lock(h->fd, F_WRLCK, h->byte);
		int64_t left = deadline - clock_monotonic_ms();

		if (error == 0)
			return VAULT_DONE;
		if (error != EAGAIN)
			return VAULT_FAIL(f, VAULT_STORAGE,
				"this file system cannot lock "
				"(%s): keep the vault on a local disk, or in "
				"PostgreSQL",
				strerror(error));
		if (left <= 0)
			return VAULT_FAIL(f, VAULT_BUSY,
				"another program holds the lock "
				"and did not let go in time");
		sleep_on(turn, seen, left < TICK_MS ? left : TICK_MS);
	}
}

/* Was the file removed while we waited? Then our lock is on nothing. */
static bool
still_there(struct file_vault *v, const char *name, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 &&
		fstatat(v->dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* Odd: a holder died while it replaced the record, before or after it was there. */
static void
mend_generation(struct lock_words *words)
{
	if ((atomic_load(&words->generation) & 1U) != 0)
		atomic_fetch_add(&words->generation, 1);
}

enum vault_result
held_take(struct file_vault *v, struct bytes name, enum lock_byte byte, int wait_ms,
	struct held *out, struct fault *f)
{
	int64_t deadline = clock_monotonic_ms() + wait_ms;
	char file[DISK_NAME_MAX];
	struct held h = { .byte = byte };

	disk_name(file, "", name, ".lock");
	for (;;) {
		enum vault_result r;

		VAULT_TRY(open_mapped(v, file, &h.fd, &h.words, f));
		r = wait_for(&h, deadline, f);
		if (r != VAULT_DONE) {
			close(h.fd);
			return r;
		}
		if (still_there(v, file, h.fd))
			break;
		close(h.fd);
	}
	if (byte == LOCK_CONNECTION)
		mend_generation(h.words);
	*out = h;
	return VAULT_DONE;
}

/* Let go of by name, not only by closing: a child that was forked has the file too. */
void
held_drop(struct held *h)
{
	_Atomic uint32_t *turn = &h->words->turn[h->byte];

	(void)set_lock(h->fd, F_UNLCK, h->byte);
	FAULT_POINT("unlock-wake");
	atomic_fetch_add(turn, 1);
	(void)syscall(SYS_futex, (void *)turn, FUTEX_WAKE, 1, NULL, NULL, 0);
	close(h->fd);
}

/* ---- the generation -------------------------------------------------------- */

const _Atomic uint32_t *
lock_generation(struct file_vault *v, struct bytes name, struct fault *f)
{
	char file[DISK_NAME_MAX];
	struct lock_words *words;
	int fd;

	disk_name(file, "", name, ".lock");
	if (open_mapped(v, file, &fd, &words, f) != VAULT_DONE)
		return NULL;
	close(fd);
	return &words->generation;
}

/* Where a lock file was removed by hand, this process may look at the old one still. */
void
lock_generation_step(struct file_vault *v, const struct held *h, struct bytes name)
{
	char file[DISK_NAME_MAX];

	disk_name(file, "", name, ".lock");
	atomic_fetch_add(&h->words->generation, 1);
	pthread_mutex_lock(&v->mutex);
	for (struct lock_file *l = v->lock_files; l != NULL; l = l->next)
		if (l->words != h->words &&
			bytes_equal(bytes_of(l->name), bytes_of(file)))
			atomic_fetch_add(&l->words->generation, 2);
	pthread_mutex_unlock(&v->mutex);
}
