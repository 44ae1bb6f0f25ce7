/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: many threads, and two processes, on the same grants. */
#include <pthread.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/secret.h"
#include "place.h"

#define THREADS 8

struct crowd {
	struct place at;
	pthread_barrier_t together;
	size_t rounds;
	uint32_t generation; /* that all of them present */
	int64_t retry_without_key; /* TR-13: the losers are told the same again */
	struct worker *workers;
};

struct worker {
	struct crowd *crowd;
	size_t number;
	struct place at; /* the crowd's store, an own port */
	size_t issued, repeated, refused;
};

static void
worker_counts(struct worker *w, const struct grant_change *c)
{
	w->issued += c->verdict.kind == VERDICT_ISSUE;
	w->repeated += c->verdict.kind == VERDICT_REPEAT;
	w->refused += c->verdict.kind == VERDICT_REFUSE;
}

static struct grant_change
worker_refreshes(struct worker *w, size_t number, uint32_t generation)
{
	struct grant_change c = refresh_of(&w->at, number, generation);

	c.refresh.retry_without_key = w->crowd->retry_without_key;
	check_int(run(&w->at, grant_change, &c), DONE);
	worker_counts(w, &c);
	return c;
}

static void *
refresh_the_same(void *arg)
{
	struct worker *w = arg;

	for (size_t i = 0; i < w->crowd->rounds; i++) {
		struct grant_change c;

		pthread_barrier_wait(&w->crowd->together);
		c = worker_refreshes(w, 0, w->crowd->generation);
		arena_reset(w->at.arena);
		if (pthread_barrier_wait(&w->crowd->together) ==
			PTHREAD_BARRIER_SERIAL_THREAD)
			w->crowd->generation = c.grant.generation;
	}
	return NULL;
}

static void *
refresh_ones_own(void *arg)
{
	struct worker *w = arg;

	for (size_t i = 0; i < w->crowd->rounds; i++) {
		struct grant_find found;

		worker_refreshes(w, w->number, (uint32_t)i + 1);
		/* Read-your-writes, on the port that was told. */
		found = find_grant(&w->at, w->number);
		check_int(found.grant.generation, (int64_t)i + 2);
		arena_reset(w->at.arena);
	}
	return NULL;
}

static void
crowd_run(struct crowd *crowd, void *(*work)(void *))
{
	struct worker workers[THREADS] = { 0 };
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];
		struct grant g = grant_live(i);

		open_grant(&crowd->at, &g);
		w->crowd = crowd;
		w->number = i;
		w->at.store = crowd->at.store;
		w->at.arena = arena_new();
		w->at.mailbox = mailbox_new();
		w->at.port = store_port_new(w->at.store, w->at.mailbox, &w->at.fault);
	}
	pthread_barrier_init(&crowd->together, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, &workers[i]);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		store_port_free(workers[i].at.port);
		mailbox_free(workers[i].at.mailbox);
		arena_free(workers[i].at.arena);
	}
	pthread_barrier_destroy(&crowd->together);
	memcpy(crowd->workers, workers, sizeof(workers));
}

/* DESIGN.md, invariants 1 and 4. */
TEST(of_eight_that_present_one_token_one_wins)
{
	struct worker workers[THREADS];
	struct crowd crowd = { .at = place_new(),
		.rounds = 300,
		.generation = 1,
		.retry_without_key = 30,
		.workers = workers };
	size_t issued = 0, repeated = 0;

	crowd_run(&crowd, refresh_the_same);
	for (size_t i = 0; i < THREADS; i++) {
		issued += workers[i].issued;
		repeated += workers[i].repeated;
	}
	check_int((int64_t)issued, 300);
	check_int((int64_t)repeated, 300 * (THREADS - 1));
	check_int(find_grant(&crowd.at, 0).grant.generation, 301);
	place_remove(&crowd.at);
}

TEST(without_a_retry_key_the_losers_end_the_grant)
{
	struct worker workers[THREADS];
	struct crowd crowd = {
		.at = place_new(), .rounds = 1, .generation = 1, .workers = workers
	};
	size_t issued = 0, refused = 0;
	struct grant_find found;

	crowd_run(&crowd, refresh_the_same);
	for (size_t i = 0; i < THREADS; i++) {
		issued += workers[i].issued;
		refused += workers[i].refused;
	}
	check_int((int64_t)issued, 1);
	check_int((int64_t)refused, THREADS - 1);
	found = find_grant(&crowd.at, 0);
	check_int(found.grant.end_reason, END_REFRESH_REPLAYED);
	check_int(found.grant.version, 4); /* refreshed, ended; the first end counts */
	place_remove(&crowd.at);
}

TEST(eight_that_refresh_their_own_do_not_meet)
{
	struct worker workers[THREADS];
	struct crowd crowd = { .at = place_new(), .rounds = 300, .workers = workers };
	struct store_counts counts;

	crowd_run(&crowd, refresh_ones_own);
	for (size_t i = 0; i < THREADS; i++) {
		check_int((int64_t)workers[i].issued, 300);
		check_int(find_grant(&crowd.at, i).grant.generation, 301);
	}
	counts = store_counts(crowd.at.store);
	check_int((int64_t)counts.changes, THREADS * 301);
	if (!place_on_postgres()) /* where each port commits for itself */
		check(counts.commits < counts.changes); /* they shared some */
	place_remove(&crowd.at);
}

/* ---- company ------------------------------------------------------------- */

static void
begin_refresh(struct place *at, size_t number, uint32_t generation,
	struct grant_change *c)
{
	*c = refresh_of(at, number, generation);
	store_grant_change(at->port, c);
}

/* Two that come 300 us after each other, again and again; how many commits that was. */
static int64_t
commits_of_pairs(struct place *at, uint32_t from, uint32_t pairs)
{
	uint64_t before = store_counts(at->store).commits;

	for (uint32_t i = from; i < from + pairs; i++) {
		struct grant_change first, second;

		begin_refresh(at, 1, i, &first);
		usleep(300);
		begin_refresh(at, 2, i, &second);
		check_int(store_wait(at->port, &first.call), DONE);
		check_int(store_wait(at->port, &second.call), DONE);
	}
	return (int64_t)(store_counts(at->store).commits - before);
}

TEST(a_commit_waits_for_those_who_are_about_to_come)
{
	enum { PAIRS = 40 };
	atomic_size_t callers = 1;
	struct place at;

	if (place_on_postgres()) {
		skip("each port commits for itself");
		return;
	}
	at = place_new();
	for (size_t i = 1; i <= 2; i++) {
		struct grant g = grant_live(i);

		open_grant(&at, &g);
	}
	store_expect(at.store, &callers);
	/* On a busy machine the second of a pair is late now and then. */
	check(commits_of_pairs(&at, 1, PAIRS) < PAIRS * 3 / 2);
	place_remove(&at);
}

/* Nobody comes, however long they are about to. */
TEST(a_commit_does_not_wait_for_ever)
{
	atomic_size_t callers = 1000;
	struct place at;
	int64_t begun;

	if (place_on_postgres()) {
		skip("each port commits for itself");
		return;
	}
	at = place_new();
	store_expect(at.store, &callers);
	begun = clock_monotonic_ms();
	for (size_t i = 0; i < 10; i++) {
		struct grant g = grant_live(i);

		open_grant(&at, &g);
	}
	check(clock_monotonic_ms() - begun >= 10 * 2 - 1);
	check(clock_monotonic_ms() - begun < 5000);
	place_remove(&at);
}

/* ---- a command beside the server ----------------------------------------- */

/* 200 refreshes of a grant of its own, and as many new grants. */
static int
write_beside(struct place *at, size_t own)
{
	if (!place_open(at))
		return 1;
	for (uint32_t i = 1; i <= 200; i++) {
		struct grant_change c = refresh_of(at, own, i);
		struct grant_open open = { .call = call_of(at),
			.grant = grant_live(1000 * own + i) };

		if (run(at, grant_change, &c) != DONE ||
			c.verdict.kind != VERDICT_ISSUE)
			return 2;
		if (run(at, grant_open, &open) != DONE || open.taken)
			return 3;
	}
	place_close(at);
	return 0;
}

TEST(two_processes_write_without_losing_anything)
{
	struct place at = place_new();
	pid_t children[2];

	for (size_t i = 0; i < 2; i++) {
		struct grant g = grant_live(i + 1);

		open_grant(&at, &g);
	}
	place_close(&at);
	fflush(stdout);
	for (size_t i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(write_beside(&at, i + 1));
	}
	for (size_t i = 0; i < 2; i++) {
		int status = -1;

		check_int(waitpid(children[i], &status, 0), children[i]);
		check_int(status, 0);
	}
	check(place_open(&at));
	check_int(find_grant(&at, 1).grant.generation, 201);
	check_int(find_grant(&at, 2).grant.generation, 201);
	for (size_t i = 1; i <= 200; i++)
		check(find_grant(&at, 1000 + i).found &&
			find_grant(&at, 2000 + i).found);
	place_remove(&at);
}
