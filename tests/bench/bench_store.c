/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store.c - the store alone: bytes a grant, durable refreshes a second at
 * several numbers under way, and point reads.
 *
 *	bench_store DIRECTORY|postgresql://... GRANTS SECONDS
 *
 * makes DIRECTORY/bench.db, or the tables in that database, with so many grants (or
 * goes on with it, when it is there), and prints a table. Keys are random, so nothing
 * is near anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"
#include "store/store.h"

#define UNDER_WAY_MAX 512
#define SAMPLES_MAX 4000000

static const struct lifetimes lifetimes = {
	.code = 60,
	.access = 600,
	.refresh_idle = 60 * 86400,
	.retry_window = 86400,
};

struct bench {
	struct store *store;
	struct store_port *port;
	struct mailbox *mailbox;
	size_t grants;
	uint32_t *generations; /* of the grant with that number */
	int64_t now;
	size_t under_way;
	uint64_t finished, refused;
	double *waits; /* seconds, of those finished */
	size_t waited;
	bool stopping;
};

struct lane {
	struct grant_change change;
	struct bench *bench;
	size_t grant;
	double since;
};

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Of the whole process, so that a busy machine does not spoil the numbers. */
static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
die(const struct fault *f)
{
	fprintf(stderr, "bench_store: %s (%s:%d)\n", f->what, f->file, f->line);
	exit(1);
}

/* The key of grant number i: a permutation's output, as good as random. */
static void
key_of(size_t i, uint8_t key[static GRANT_KEY_SIZE])
{
	uint64_t x = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15) + 1;

	for (size_t half = 0; half < 2; half++) {
		x ^= x >> 30;
		x *= UINT64_C(0xBF58476D1CE4E5B9);
		x ^= x >> 27;
		x *= UINT64_C(0x94D049BB133111EB);
		x ^= x >> 31;
		memcpy(key + 8 * half, &x, 8);
	}
}

/* A live grant as it is after a redemption; sizes are those of real life. */
static struct grant
grant_number(const struct bench *b, size_t i)
{
	struct grant g = {
		.version = 2,
		.user = (int64_t)(i % 1000003) + 1,
		.client = (int64_t)i % 500 + 1,
		.subject = B("urn:example:entity:0123456789abcdef0123"),
		.scope = B(
			"expenses:read export-jobs:read export-jobs:write receipts:read"),
		.redirect_uri = B("https://partner.example/oauth/callback"),
		.has_challenge = true,
		.refreshable = true,
		.state = GRANT_LIVE,
		.generation = 1,
		.created_at = b->now,
		.authenticated_at = b->now - 30,
		.code_expires_at = b->now + 60,
		.issued_at = b->now,
		.access_expires_at = b->now + 600,
		.refresh_expires_at = b->now + 60 * 86400,
		.last_used_at = b->now,
		.has_retry_key = true,
	};

	key_of(i, g.key);
	memset(g.challenge, 0xA5, sizeof(g.challenge));
	memset(g.retry_key, 0x5A, sizeof(g.retry_key));
	return g;
}

/* ---- filling ------------------------------------------------------------- */

static void
count_down(struct store_call *c)
{
	struct bench *b = c->arg;

	if (c->outcome != DONE)
		die(&c->fault);
	b->under_way--;
}

/* Opens grants from number i on, a batch of them; returns the next number. */
static size_t
fill_some(struct bench *b, size_t i)
{
	static struct grant_open opens[UNDER_WAY_MAX];

	for (size_t lane = 0; lane < UNDER_WAY_MAX && i < b->grants; lane++) {
		opens[lane] =
			(struct grant_open){ .call = { .done = count_down, .arg = b },
				.grant = grant_number(b, i++) };
		b->under_way++;
		store_grant_open(b->port, &opens[lane]);
	}
	while (b->under_way > 0)
		store_turn(b->port, -1);
	return i;
}

static void
fill(struct bench *b)
{
	double since = seconds();

	for (size_t i = 0; i < b->grants;)
		i = fill_some(b, i);
	printf("filled with %zu grants in %.1f s\n", b->grants, seconds() - since);
}

/* ---- refreshing ---------------------------------------------------------- */

static void start(struct lane *lane);

/* Each lane has grants of its own, so nobody presents a replaced token. */
static size_t
any_grant(const struct bench *b, const struct lane *first, const struct lane *lane,
	size_t lanes)
{
	uint64_t r;

	secret_random(&r, sizeof(r));
	return (size_t)(r % (b->grants / lanes)) * lanes + (size_t)(lane - first);
}

static void
finished(struct store_call *call)
{
	struct grant_change *c = (struct grant_change *)(void *)call;
	struct lane *lane = (struct lane *)(void *)c;
	struct bench *b = lane->bench;

	if (call->outcome != DONE)
		die(&call->fault);
	if (!c->found || c->verdict.kind != VERDICT_ISSUE)
		b->refused++;
	else
		b->generations[lane->grant] = c->grant.generation;
	b->finished++;
	if (b->waited < SAMPLES_MAX)
		b->waits[b->waited++] = seconds() - lane->since;
	b->under_way--;
	if (!b->stopping)
		start(lane);
}

static struct lane lanes[UNDER_WAY_MAX];
static size_t lane_count;

static void
start(struct lane *lane)
{
	struct bench *b = lane->bench;
	struct arena *a = lane->change.call.arena;

	arena_reset(a);
	lane->grant = any_grant(b, lanes, lane, lane_count);
	lane->change = (struct grant_change){
		.call = { .done = finished, .arena = a, .arg = b },
		.event = GRANT_REFRESH,
		.now = b->now,
		.refresh = { .client = (int64_t)lane->grant % 500 + 1,
			.generation = b->generations[lane->grant],
			.lifetimes = &lifetimes,
			.retry.present = true },
	};
	key_of(lane->grant, lane->change.key);
	secret_random(lane->change.refresh.retry.key, RETRY_DIGEST_SIZE);
	lane->since = seconds();
	b->under_way++;
	store_grant_change(b->port, &lane->change);
}

static int
wait_order(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static void
refresh_for(struct bench *b, size_t count, double time)
{
	struct store_counts before = store_counts(b->store), after;
	double since = seconds(), cpu = cpu_seconds();

	b->finished = b->refused = b->waited = 0;
	b->stopping = false;
	lane_count = count;
	for (size_t i = 0; i < count; i++) {
		lanes[i].bench = b;
		lanes[i].change.call.arena = arena_new();
		start(&lanes[i]);
	}
	while (b->under_way > 0) {
		store_turn(b->port, -1);
		b->stopping = seconds() - since > time;
	}
	time = seconds() - since;
	cpu = (cpu_seconds() - cpu) / (double)b->finished;
	after = store_counts(b->store);
	for (size_t i = 0; i < count; i++)
		arena_free(lanes[i].change.call.arena);
	qsort(b->waits, b->waited, sizeof(double), wait_order);
	printf("%5zu under way: %8.0f refreshes/s, %5.1f us CPU each, %5.1f a commit, "
	       "p50 %6.2f ms, p99 %6.2f ms, longest %6.1f ms, %llu refused\n",
		count, (double)b->finished / time, cpu * 1e6,
		(double)(after.changes - before.changes) /
			(double)(after.commits - before.commits),
		b->waits[b->waited / 2] * 1e3, b->waits[b->waited * 99 / 100] * 1e3,
		b->waits[b->waited - 1] * 1e3, (unsigned long long)b->refused);
	fflush(stdout);
}

/* ---- reading ------------------------------------------------------------- */

/* So many at a time as go well together; a point read of SQLite is done at once. */
static void
find_some(struct bench *b, size_t count, size_t (*next)(struct bench *b, size_t n),
	size_t together)
{
	static struct grant_find finds[UNDER_WAY_MAX];
	struct arena *arenas[UNDER_WAY_MAX];
	size_t numbers[UNDER_WAY_MAX];

	for (size_t i = 0; i < together; i++)
		arenas[i] = arena_new();
	for (size_t n = 0; n < count; n += together) {
		for (size_t i = 0; i < together; i++) {
			numbers[i] = next(b, n + i);
			arena_reset(arenas[i]);
			finds[i] = (struct grant_find){ .call.arena = arenas[i] };
			key_of(numbers[i], finds[i].key);
			store_grant_find(b->port, &finds[i]);
		}
		for (size_t i = 0; i < together; i++) {
			if (store_wait(b->port, &finds[i].call) != DONE || !finds[i].found)
				die(&finds[i].call.fault);
			b->generations[numbers[i]] = finds[i].grant.generation;
		}
	}
	for (size_t i = 0; i < together; i++)
		arena_free(arenas[i]);
}

static size_t
next_random(struct bench *b, size_t n)
{
	uint64_t r;

	(void)n;
	secret_random(&r, sizeof(r));
	return (size_t)(r % b->grants);
}

static size_t
next_in_order(struct bench *b, size_t n)
{
	return n % b->grants;
}

static void
read_random(struct bench *b, size_t count, size_t together)
{
	double since = seconds(), cpu = cpu_seconds();

	find_some(b, count, next_random, together);
	printf("point reads, %zu at a time: %.2f us each, %.2f us CPU\n", together,
		(seconds() - since) / (double)count * 1e6,
		(cpu_seconds() - cpu) / (double)count * 1e6);
}

static void
print_size(const char *path, const char *suffix, size_t grants)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (stat(name, &st) == 0)
		printf("%s: %lld bytes, %.1f a grant\n", name, (long long)st.st_size,
			(double)st.st_size / (double)grants);
}

static void
open_store(struct bench *b, const char *path)
{
	struct fault f;

	if (store_open(path, &b->store, &f) != DONE)
		die(&f);
	b->mailbox = mailbox_new();
	b->port = store_port_new(b->store, b->mailbox, &f);
	if (b->port == NULL)
		die(&f);
}

static void
close_store(struct bench *b)
{
	store_port_free(b->port);
	store_close(b->store);
	mailbox_free(b->mailbox);
}

/* A directory's file, or the URL itself. */
static const char *
place_of(const char *argument, char memory[static 4096])
{
	if (strstr(argument, "://") != NULL)
		return argument;
	snprintf(memory, 4096, "%s/bench.db", argument);
	return memory;
}

int
main(int argc, char **argv)
{
	struct bench b = { .now = clock_now() };
	uint64_t grants, time;
	char memory[4096];
	const char *place;
	struct fault f;
	bool fresh;

	if (argc != 4 || !bytes_to_u64(bytes_of(argv[2]), &grants) ||
		!bytes_to_u64(bytes_of(argv[3]), &time) || grants < UNDER_WAY_MAX) {
		fprintf(stderr, "bench_store DIRECTORY|URL GRANTS SECONDS\n");
		return 2;
	}
	place = place_of(argv[1], memory);
	fresh = store_create(place, &f) == DONE;
	b.grants = (size_t)grants;
	b.generations = must_calloc(b.grants, sizeof(*b.generations));
	b.waits = must_calloc(SAMPLES_MAX, sizeof(*b.waits));
	open_store(&b, place);
	if (fresh)
		fill(&b);
	find_some(&b, b.grants, next_in_order, 256);
	close_store(&b);
	print_size(place, "", b.grants);
	open_store(&b, place);
	read_random(&b, 20000, 1);
	read_random(&b, 200000, 64);
	for (size_t lanes_now = 1; lanes_now <= UNDER_WAY_MAX; lanes_now *= 8)
		refresh_for(&b, lanes_now, (double)time);
	print_size(place, "-wal", b.grants);
	close_store(&b);
	print_size(place, "", b.grants);
	free(b.generations);
	free(b.waits);
	return 0;
}
