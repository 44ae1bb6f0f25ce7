/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth.c - makes the n-th call of a kind fail: LD_PRELOAD for the server under test.
 *
 * $NTH_CONTROL is a file of three numbers that the test writes and reads while the
 * server runs (u32 kind, u32 n, u32 seen): calls of that kind are counted, and the n-th
 * fails. kind 0: none does.
 */
#undef _FORTIFY_SOURCE /* whose checked inlines would stand before ours */
#include <errno.h>
#include <fcntl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order of nth.mjs. */
enum kind {
	NONE, DISK_WRITE, DISK_FULL, DISK_SYNC, DISK_READ, SEND, RECEIVE, ACCEPT, OPEN, MEMORY,
	DATABASE_SEND, DATABASE_RECEIVE
};

struct control {
	_Atomic uint32_t kind, n, seen;
};

static struct control nobody, *control = &nobody;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("NTH_CONTROL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	if (fd >= 0)
		p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		control = p;
	if (fd >= 0)
		close(fd);
}

static bool
fails(enum kind kind)
{
	if (atomic_load(&control->kind) != (uint32_t)kind)
		return false;
	return atomic_fetch_add(&control->seen, 1) + 1 == atomic_load(&control->n);
}

#define REAL(name)                            \
	static __typeof__(name) *real_##name; \
	if (real_##name == NULL)              \
		*(void **)&real_##name = dlsym(RTLD_NEXT, #name)

#define FAILS(kind, error)                      \
	do {                                    \
		if (fails(kind)) {              \
			errno = (error);        \
			return -1;              \
		}                               \
	} while (0)

/* Sockets that were connected, not accepted: a database's. */
static atomic_bool connected[4096];

static bool
is_database(int fd)
{
	return fd >= 0 && fd < (int)(sizeof(connected) / sizeof(connected[0])) &&
		atomic_load(&connected[fd]);
}

static void
note_socket(int fd, bool to_database)
{
	if (fd >= 0 && fd < (int)(sizeof(connected) / sizeof(connected[0])))
		atomic_store(&connected[fd], to_database);
}

static bool
is(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

#pragma GCC visibility push(default)

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	REAL(pwrite64);
	FAILS(DISK_WRITE, EIO);
	FAILS(DISK_FULL, ENOSPC);
	return real_pwrite64(fd, p, n, offset);
}

ssize_t
pread64(int fd, void *p, size_t n, off64_t offset)
{
	REAL(pread64);
	FAILS(DISK_READ, EIO);
	return real_pread64(fd, p, n, offset);
}

/* Of a directory SQLite does not look at the result; the server's own fsync counts. */
int
fdatasync(int fd)
{
	REAL(fdatasync);
	if (!is(fd, S_IFDIR))
		FAILS(DISK_SYNC, EIO);
	return real_fdatasync(fd);
}

int
fsync(int fd)
{
	REAL(fsync);
	FAILS(DISK_SYNC, EIO);
	return real_fsync(fd);
}

/* OpenSSL's way out and in. */
ssize_t
write(int fd, const void *p, size_t n)
{
	REAL(write);
	if (atomic_load(&control->kind) == SEND && is(fd, S_IFSOCK))
		FAILS(SEND, ECONNRESET);
	return real_write(fd, p, n);
}

ssize_t
read(int fd, void *p, size_t n)
{
	REAL(read);
	if (atomic_load(&control->kind) == RECEIVE && is(fd, S_IFSOCK))
		FAILS(RECEIVE, ECONNRESET);
	return real_read(fd, p, n);
}

int
accept4(int fd, __SOCKADDR_ARG from, socklen_t *length, int flags)
{
	REAL(accept4);
	int got;

	FAILS(ACCEPT, EMFILE);
	got = real_accept4(fd, from, length, flags);
	note_socket(got, false);
	return got;
}

/* A connection that was reset is over both ways. */
static ssize_t
reset(int fd)
{
	shutdown(fd, SHUT_RDWR);
	errno = ECONNRESET;
	return -1;
}

/* libpq's ways: out and in. */
int
connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	REAL(connect);
	note_socket(fd, true);
	return real_connect(fd, to, n);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	REAL(send);
	if (is_database(fd) && fails(DATABASE_SEND))
		return reset(fd);
	return real_send(fd, p, n, flags);
}

ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	REAL(recv);
	if (is_database(fd) && fails(DATABASE_RECEIVE))
		return reset(fd);
	return real_recv(fd, p, n, flags);
}

int
open64(const char *path, int flags, ...)
{
	REAL(open64);
	mode_t mode = 0;
	va_list more;

	va_start(more, flags);
	if (flags & O_CREAT)
		mode = va_arg(more, mode_t);
	va_end(more);
	FAILS(OPEN, EMFILE);
	return real_open64(path, flags, mode);
}

/* dlsym may allocate, so these go to glibc's own by their second names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

void *
malloc(size_t n)
{
	return fails(MEMORY) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t count, size_t n)
{
	return fails(MEMORY) ? NULL : __libc_calloc(count, n);
}

void *
realloc(void *p, size_t n)
{
	return fails(MEMORY) ? NULL : __libc_realloc(p, n);
}

#pragma GCC visibility pop
