/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full.c - a disk that is full while a file says so: LD_PRELOAD for a PostgreSQL.
 *
 * As long as there is a file called "full" beside the data directory (in which each
 * process of PostgreSQL works), no file grows: ENOSPC. What lies within a file can be
 * written, as on a real disk. That one needs root, or fills for everybody; this one
 * fills for one cluster, and is emptied at once.
 */
#undef _FILE_OFFSET_BITS /* the plain names are the ones to stand before */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name)                            \
	static __typeof__(name) *real_##name; \
	if (real_##name == NULL)              \
		*(void **)&real_##name = dlsym(RTLD_NEXT, #name)

/* offset < 0: where the descriptor stands. */
static bool
grows(int fd, off_t offset, size_t n)
{
	struct stat st;

	if (access("../full", F_OK) != 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (offset < 0)
		offset = lseek(fd, 0, SEEK_CUR);
	return offset + (off_t)n > st.st_size;
}

static ssize_t
no_room(void)
{
	errno = ENOSPC;
	return -1;
}

#pragma GCC visibility push(default)

ssize_t
write(int fd, const void *p, size_t n)
{
	REAL(write);
	return grows(fd, -1, n) ? no_room() : real_write(fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t offset)
{
	REAL(pwrite);
	return grows(fd, offset, n) ? no_room() : real_pwrite(fd, p, n, offset);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	REAL(pwritev);
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += parts[i].iov_len;
	return grows(fd, offset, n) ? no_room() : real_pwritev(fd, parts, count, offset);
}

int
posix_fallocate(int fd, off_t offset, off_t n)
{
	REAL(posix_fallocate);
	return grows(fd, offset, (size_t)n) ? ENOSPC : real_posix_fallocate(fd, offset, n);
}

#pragma GCC visibility pop
