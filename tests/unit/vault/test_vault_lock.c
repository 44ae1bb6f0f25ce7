/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory's lock between processes: one holds it, who waits is woken at once, and
 * a holder that was killed is noticed soon, though it wakes nobody.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "vault_place.h"

#define ACME B("acme")
#define PROCESSES 2
#define THREADS 8
#define ROUNDS 100

/* What the processes of a test share. */
struct shared {
	_Atomic int inside, wrong, ready;
	int counted; /* no atomic: the lock keeps it right */
	_Atomic int64_t at_ms;
};

static struct shared *shared;
static struct place *the_place;

static void
share(struct place *at)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		exit(1);
	the_place = at;
}

static void *
count_under_the_lock(void *arg)
{
	struct vault *v = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct vault_lock *l;

		if (vault_lock(v, ACME, 60000, &l, NULL) != VAULT_DONE) {
			atomic_fetch_add(&shared->wrong, 1);
			continue;
		}
		if (atomic_fetch_add(&shared->inside, 1) != 0)
			atomic_fetch_add(&shared->wrong, 1);
		shared->counted++;
		atomic_fetch_sub(&shared->inside, 1);
		vault_unlock(l);
	}
	return NULL;
}

static void
count_in_threads(void *arg)
{
	struct place *at = arg;
	pthread_t threads[THREADS];
	struct vault *v;

	if (vault_open(at->where, NULL, NULL, &v, &at->fault) != VAULT_DONE)
		_exit(7);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, count_under_the_lock, v) != 0)
			_exit(8);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	vault_close(v);
	_exit(0); /* a child of a sanitizer's process reports nothing of its own */
}

TEST(of_many_threads_in_two_processes_one_holds_the_lock)
{
	struct place at = place_new();
	pid_t children[PROCESSES];

	share(&at);
	fflush(stdout);
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			count_in_threads(&at);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		check_int(waitpid(children[i], &status, 0), children[i]);
		check_int(status, 0);
	}
	check_int(shared->wrong, 0);
	check_int(shared->counted, PROCESSES * THREADS * ROUNDS);
	place_remove(&at);
}

/* Takes the lock, says so, and does what the test wants with it. */
static pid_t
holder(struct place *at, void (*then)(struct vault_lock *))
{
	pid_t child;

	fflush(stdout);
	atomic_store(&shared->ready, 0);
	child = fork();
	if (child == 0) {
		struct vault_lock *l;

		if (vault_lock(at->vault, ACME, 1000, &l, NULL) != VAULT_DONE)
			_exit(7);
		atomic_store(&shared->ready, 1);
		then(l);
		_exit(0);
	}
	while (atomic_load(&shared->ready) == 0)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	return child;
}

static void
hold_for_ever(struct vault_lock *l)
{
	(void)l;
	pause();
}

static void
let_go_after_200_ms(struct vault_lock *l)
{
	nanosleep(&(struct timespec){ 0, 200 * 1000000 }, NULL);
	shared->at_ms = clock_monotonic_ms();
	vault_unlock(l);
	pause(); /* it is not its death that lets the lock go */
}

TEST(who_waits_is_woken_at_once)
{
	struct place at = place_new();
	struct vault_lock *l;
	int64_t soonest = 1000;

	share(&at);
	/* The best of some: the machine may be busy, a look every 100 ms is not
	 * luck. */
	for (int i = 0; i < 5; i++) {
		pid_t child = holder(&at, let_go_after_200_ms);
		int64_t took;

		check_result(&at, vault_lock(at.vault, ACME, 5000, &l, &at.fault),
			VAULT_DONE);
		took = clock_monotonic_ms() - shared->at_ms;
		soonest = took < soonest ? took : soonest;
		vault_unlock(l);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	printf("# woken after %" PRId64 " ms\n", soonest);
	check(soonest <= 20);
	place_remove(&at);
}

TEST(a_holder_that_was_killed_is_noticed)
{
	struct place at = place_new();
	struct vault_lock *l;
	int64_t soonest = 10000;

	share(&at);
	for (int i = 0; i < 5; i++) {
		pid_t child = holder(&at, hold_for_ever);
		int64_t began = clock_monotonic_ms(), took;

		check_int(vault_lock(at.vault, ACME, 150, &l, NULL), VAULT_BUSY);
		took = clock_monotonic_ms() - began;
		check(took >= 150);
		kill(child, SIGKILL);
		began = clock_monotonic_ms();
		check_result(&at, vault_lock(at.vault, ACME, 5000, &l, &at.fault),
			VAULT_DONE);
		took = clock_monotonic_ms() - began;
		soonest = took < soonest ? took : soonest;
		vault_unlock(l);
		waitpid(child, NULL, 0);
	}
	check(soonest < 300);
	place_remove(&at);
}

/* The killer strikes while somebody sleeps on the lock. */
static void *
kill_soon(void *arg)
{
	nanosleep(&(struct timespec){ 0, 250 * 1000000 }, NULL);
	shared->at_ms = clock_monotonic_ms();
	kill(*(pid_t *)arg, SIGKILL);
	return NULL;
}

TEST(a_holder_killed_while_others_sleep_is_noticed_within_300_ms)
{
	struct place at = place_new();
	int64_t soonest = 10000;

	share(&at);
	for (int i = 0; i < 3; i++) {
		pid_t child = holder(&at, hold_for_ever);
		struct vault_lock *l;
		pthread_t killer;
		int64_t took;

		pthread_create(&killer, NULL, kill_soon, &child);
		check_result(&at, vault_lock(at.vault, ACME, 5000, &l, &at.fault),
			VAULT_DONE);
		took = clock_monotonic_ms() - shared->at_ms;
		soonest = took < soonest ? took : soonest;
		pthread_join(killer, NULL);
		waitpid(child, NULL, 0);
		vault_unlock(l);
	}
	printf("# noticed after %" PRId64 " ms\n", soonest);
	check(soonest < 300);
	place_remove(&at);
}

/* ---- a lock file that was meddled with ------------------------------------------ */

TEST(a_lock_file_that_was_removed_is_made_again_and_still_locks)
{
	struct place at = place_new();
	const _Atomic uint32_t *word = vault_generation(at.vault, ACME, &at.fault);
	struct vault_lock *l, *second;
	uint32_t before;

	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	check(unlink(place_file(&at, "acme.lock")) == 0);
	before = atomic_load(word);
	check_result(&at, vault_lock(at.vault, ACME, 1000, &l, &at.fault), VAULT_DONE);
	check_int(vault_lock(at.vault, ACME, 0, &second, NULL), VAULT_BUSY);
	check_result(&at, vault_write(l, B("y"), &at.fault), VAULT_DONE);
	check(atomic_load(word) != before); /* this process is still told */
	vault_unlock(l);
	place_remove(&at);
}

TEST(a_lock_file_that_was_cut_is_whole_again_when_it_is_opened)
{
	struct place at = place_new();
	const _Atomic uint32_t *word = vault_generation(at.vault, ACME, &at.fault);
	uint32_t before = atomic_load(word);
	struct vault_lock *l;

	check(truncate(place_file(&at, "acme.lock"), 0) == 0);
	check_result(&at, vault_lock(at.vault, ACME, 1000, &l, &at.fault), VAULT_DONE);
	vault_unlock(l);
	check(atomic_load(word) != before);
	place_remove(&at);
}

TEST(a_lock_file_that_is_not_the_callers_own_is_refused)
{
	struct place at = place_new();
	struct vault_lock *l;

	check(symlink("/etc/passwd", place_file(&at, "acme.lock")) == 0);
	check_int(vault_lock(at.vault, ACME, 0, &l, &at.fault), VAULT_STORAGE);
	check(strstr(at.fault.what, "symbolic link") != NULL);
	check(mkfifo(place_file(&at, "beta.lock"), 0600) == 0);
	check_int(vault_lock(at.vault, B("beta"), 0, &l, &at.fault), VAULT_STORAGE);
	place_remove(&at);
}
