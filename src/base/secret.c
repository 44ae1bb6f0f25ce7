/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.c - randomness by the kernel, equality and wiping without shortcuts.
 */
#include "base/secret.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "base/asan.h"

/* Bytes fetched ahead by this thread; those handed out are wiped here. */
static _Thread_local struct {
	unsigned char bytes[256];
	size_t left;
} pool;

static pthread_once_t fork_watched = PTHREAD_ONCE_INIT;

/* Runs in the child, on the only thread it has: parent and child must differ. */
static void
pool_forget(void)
{
	secret_wipe(pool.bytes, sizeof(pool.bytes));
	pool.left = 0;
}

static void
watch_fork(void)
{
	if (pthread_atfork(NULL, NULL, pool_forget) != 0)
		abort();
}

static void
kernel_random(unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			fprintf(stderr, "latchkey: getrandom: %s\n", strerror(errno));
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}

void
secret_random(void *p, size_t n)
{
	unsigned char *from;

	if (n > sizeof(pool.bytes)) {
		kernel_random(p, n);
		return;
	}
	if (pool.left < n) {
		pthread_once(&fork_watched, watch_fork);
		kernel_random(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	if (n == 0)
		return;
	from = pool.bytes + sizeof(pool.bytes) - pool.left;
	memcpy(p, from, n);
	secret_wipe(from, n);
	pool.left -= n;
}

/* The volatile reads keep the compiler from stopping at the first difference. */
bool
secret_equal(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char difference = 0;

	for (size_t i = 0; i < n; i++)
		difference = (unsigned char)(difference | (x[i] ^ y[i]));
	return difference == 0;
}

bool
secret_equal_bytes(struct bytes a, struct bytes b)
{
	return a.n == b.n && secret_equal(a.p, b.p, a.n);
}

void
secret_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

void
secret_free(void *p)
{
	if (p != NULL)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

void *
secret_pages_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, size, MADV_DONTDUMP);
	(void)mlock(p, size);
	return p;
}

void
secret_pages_free(void *p, size_t size)
{
	if (p == NULL)
		return;
	secret_wipe(p, size);
	munmap(p, size);
}

void
secret_process(void)
{
	const struct rlimit no_core = { 0, 0 };

	/* LeakSanitizer attaches to its own process, so its builds stay traceable. */
	if (setrlimit(RLIMIT_CORE, &no_core) != 0 ||
		(!UNDER_ASAN && prctl(PR_SET_DUMPABLE, 0) != 0)) {
		fprintf(stderr, "latchkey: cannot switch core dumps off: %s\n",
			strerror(errno));
		abort();
	}
}
