/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_client.c - what lk_token costs while nothing has to be refreshed.
 *
 *	bench_client VAULT KEY NAME
 *
 * One JSON object: hot, nanoseconds with the token in memory, by one thread and by two;
 * cold, microseconds of the first lk_token of a connection that was just opened (the
 * vault is read); open, microseconds of lk_open and lk_close; and clock, nanoseconds of
 * the clock_gettime that is in each lk_token, to hold the others against. Each is the
 * best of several rounds: what the code costs, not what else the machine did.
 */
#include <latchkey/latchkey.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HOT 1000000
#define COLD 200
#define OPENS 100
#define ROUNDS 5

static struct lk_options options = LK_INIT(struct lk_options);
static struct lk *lk;
static struct lk_connection *hot;

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
must(enum lk_status status, const struct lk_error *e)
{
	if (status == LK_OK)
		return;
	fprintf(stderr, "bench_client: %s\n", e->message);
	exit(1);
}

static void *
ask_hot(void *arg)
{
	struct lk_token *t;
	struct lk_error e;

	(void)arg;
	for (int i = 0; i < HOT; i++) {
		must(lk_token(hot, &t, &e), &e);
		lk_token_free(t);
	}
	return NULL;
}

/* Nanoseconds a call, as each of so many threads sees it. */
static double
measure_hot(int threads)
{
	pthread_t all[2];
	double began = now_ns();

	for (int i = 1; i < threads; i++)
		if (pthread_create(&all[i], NULL, ask_hot, NULL) != 0)
			exit(1);
	ask_hot(NULL);
	for (int i = 1; i < threads; i++)
		pthread_join(all[i], NULL);
	return (now_ns() - began) / HOT;
}

static double
measure_cold(const char *name)
{
	struct lk_connection *c;
	struct lk_token *t;
	struct lk_error e;
	double began = now_ns();

	for (int i = 0; i < COLD; i++) {
		must(lk_connection_open(lk, name, &c, &e), &e);
		must(lk_token(c, &t, &e), &e);
		lk_token_free(t);
		lk_connection_close(c);
	}
	return (now_ns() - began) / COLD / 1000;
}

static double
measure_open(void)
{
	struct lk_error e;
	struct lk *another;
	double began = now_ns();

	for (int i = 0; i < OPENS; i++) {
		must(lk_open(&options, &another, &e), &e);
		lk_close(another);
	}
	return (now_ns() - began) / OPENS / 1000;
}

static double
measure_clock(void)
{
	struct timespec t;
	double began = now_ns();

	for (int i = 0; i < HOT; i++)
		clock_gettime(CLOCK_BOOTTIME, &t);
	return (now_ns() - began) / HOT;
}

static double
least(double a, double b)
{
	return a < b ? a : b;
}

int
main(int argc, char **argv)
{
	double one = 1e18, two = 1e18, cold = 1e18, open = 1e18, clock = 1e18;
	struct lk_error e;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_client VAULT KEY NAME\n");
		return 2;
	}
	options.vault = argv[1];
	options.key = argv[2];
	options.flags = LK_NO_AGENT;
	must(lk_open(&options, &lk, &e), &e);
	for (int i = 0; i < ROUNDS; i++) {
		cold = least(cold, measure_cold(argv[3]));
		open = least(open, measure_open());
	}
	must(lk_connection_open(lk, argv[3], &hot, &e), &e);
	for (int i = 0; i < ROUNDS; i++) {
		one = least(one, measure_hot(1));
		two = least(two, measure_hot(2));
		clock = least(clock, measure_clock());
	}
	printf("{\"hot_ns\": %.1f, \"hot_two_threads_ns\": %.1f, \"cold_us\": %.1f,"
	       " \"open_us\": %.1f, \"clock_ns\": %.1f}\n", one, two, cold, open, clock);
	lk_connection_close(hot);
	lk_close(lk);
	return 0;
}
