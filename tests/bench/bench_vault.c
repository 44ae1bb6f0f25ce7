/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_vault.c - the vault alone: what a fresh process pays to open it and read a
 * record, what looking at the generation costs, and one refresh's worth of writing.
 *
 *	bench_vault DIRECTORY
 *
 * makes DIRECTORY/vault and a key file beside it, and prints a table. The first row is
 * a child each, timed by itself from its first line to the record in its hands.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "vault/vault.h"

#define CHILDREN 500
#define LOADS 100000000
#define LOCKS 20000
#define WRITES 500
#define RECORD 2048 /* two long tokens, and what belongs to them */
#define NAME B("acme")

static char where[4096], key[4110];
static struct fault fault;

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void
must(enum vault_result r)
{
	if (r == VAULT_DONE)
		return;
	fprintf(stderr, "bench_vault: %s\n", fault.what);
	exit(1);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
say(const char *what, double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), by_size);
	printf("%-44s %9.2f us median, %9.2f us p99\n", what, samples[n / 2],
		samples[n * 99 / 100]);
}

static void
open_and_read(double *took)
{
	double began = now_us();
	struct arena *a = arena_reserve(VAULT_RECORD_MAX);
	struct bytes record;
	struct vault *v;

	must(vault_open(where, NULL, NULL, &v, &fault));
	must(vault_read(v, NAME, a, &record, &fault));
	*took = now_us() - began;
	_exit(record.n == RECORD ? 0 : 1);
}

/* The parent must not have used libsodium or read a file before: children would find it
 * done. So this comes first, after a child that makes the vault. */
static void
bench_fresh(void)
{
	double *took = mmap(NULL, sizeof(double) * CHILDREN, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < CHILDREN; i++) {
		int status = -1;
		pid_t child = fork();

		if (child == 0)
			open_and_read(&took[i]);
		if (waitpid(child, &status, 0) != child || status != 0)
			exit(1);
	}
	say("fresh process: open, read, unseal", took, CHILDREN);
}

static void
bench_reads(struct vault *v)
{
	static double took[LOCKS];
	struct arena *a = arena_reserve(VAULT_RECORD_MAX);
	struct bytes record;

	for (size_t i = 0; i < LOCKS; i++) {
		double began = now_us();

		must(vault_read(v, NAME, a, &record, &fault));
		took[i] = now_us() - began;
		arena_reset(a);
	}
	say("read and unseal", took, LOCKS);
	arena_free(a);
}

static void
bench_locks(struct vault *v)
{
	static double took[LOCKS];

	for (size_t i = 0; i < LOCKS; i++) {
		double began = now_us();
		struct vault_lock *l;

		must(vault_lock(v, NAME, 0, &l, &fault));
		vault_unlock(l);
		took[i] = now_us() - began;
	}
	say("lock and unlock, nobody else there", took, LOCKS);
}

static void
bench_generation(struct vault *v)
{
	const _Atomic uint32_t *word = vault_generation(v, NAME, &fault);
	uint32_t before = atomic_load(word), same = 0;
	double began = now_us();

	for (size_t i = 0; i < LOADS; i++)
		same += atomic_load_explicit(word, memory_order_acquire) == before;
	printf("%-44s %9.2f ns\n", "is the generation still the same",
		(now_us() - began) * 1e3 / LOADS);
	if (same != LOADS)
		exit(1);
}

static void
bench_refresh(struct vault *v)
{
	static double took[WRITES];
	static char text[RECORD];
	struct bytes record = { text, sizeof(text) };

	for (size_t i = 0; i < WRITES; i++) {
		double began = now_us();
		struct vault_lock *l;

		must(vault_lock(v, NAME, 0, &l, &fault));
		must(vault_reserve(l, sizeof(text) * 2, &fault));
		must(vault_journal_write(l, B("entry"), &fault));
		must(vault_write(l, record, &fault));
		must(vault_journal_clear(l, &fault));
		vault_unlock(l);
		took[i] = now_us() - began;
	}
	say("lock, reserve, journal, write, clear, unlock", took, WRITES);
}

static void
make(void)
{
	static char text[RECORD];
	struct vault *v;
	struct vault_lock *l;

	must(vault_open(where, key, NULL, &v, &fault));
	must(vault_lock(v, NAME, 1000, &l, &fault));
	must(vault_write(l, (struct bytes){ text, sizeof(text) }, &fault));
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct vault *v;
	int status = -1;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_vault DIRECTORY\n");
		return 2;
	}
	snprintf(where, sizeof(where), "%.4000s/vault", argv[1]);
	snprintf(key, sizeof(key), "file:%.4000s/vault.key", argv[1]);
	if (fork() == 0)
		make();
	if (wait(&status) < 0 || status != 0)
		return 1;
	bench_fresh();
	must(vault_open(where, NULL, NULL, &v, &fault));
	bench_reads(v);
	bench_locks(v);
	bench_generation(v);
	bench_refresh(v);
	vault_close(v);
	return 0;
}
