/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_checkpoint.c - the log's pages are carried into the database beside the
 * writer, on a thread and a connection of their own, never inside a COMMIT.
 *
 * A second after the last change, or as soon as the log is long, it carries over
 * what it can while the writer goes on. What arrives meanwhile would keep the log
 * growing for ever under steady load: so when it is very long the writer itself
 * does the (by then short) rest between two transactions, after which it starts
 * the log from its beginning. When all is quiet the log's file is emptied.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "store/sqlite.h"

#define LOG_LONG 4096       /* pages: 16 MiB */
#define LOG_TOO_LONG 16384  /* 64 MiB */
#define ROUNDS 3            /* by which the rest becomes short */
#define QUIET_S 1

struct checkpointer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct sqlite db;
	struct writer *writer;
	int pages;  /* in the log, as last told; 0: all carried over */
	bool stopping;
};

void
checkpointer_tell(struct checkpointer *k, int pages)
{
	bool wake;

	pthread_mutex_lock(&k->lock);
	wake = k->pages == 0 || (k->pages < LOG_LONG && pages >= LOG_LONG);
	k->pages = pages;
	pthread_mutex_unlock(&k->lock);
	if (wake)
		pthread_cond_signal(&k->changed);
}

/* Waits for a first change, and then until there is enough or it is time. */
static bool
wait_for_work(struct checkpointer *k)
{
	struct timespec until;
	int rc = 0;
	bool stopping;

	pthread_mutex_lock(&k->lock);
	while (k->pages == 0 && !k->stopping)
		pthread_cond_wait(&k->changed, &k->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += QUIET_S;
	while (k->pages < LOG_LONG && !k->stopping && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&k->changed, &k->lock, &until);
	stopping = k->stopping;
	k->pages = 0;
	pthread_mutex_unlock(&k->lock);
	return !stopping;
}

/* How many pages are left in the log; -1: could not be told. */
static int
carry_over(struct checkpointer *k, int mode, int *log)
{
	int done = 0;
	int rc = sqlite3_wal_checkpoint_v2(k->db.db, NULL, mode, log, &done);

	return rc == SQLITE_OK && *log >= 0 ? *log - done : -1;
}

static void
checkpoint(struct checkpointer *k)
{
	int log = 0, rest = carry_over(k, SQLITE_CHECKPOINT_PASSIVE, &log);

	for (int round = 1; round < ROUNDS && rest > 0 && log > LOG_TOO_LONG; round++)
		rest = carry_over(k, SQLITE_CHECKPOINT_PASSIVE, &log);
	if (rest != 0 && log > LOG_TOO_LONG)
		writer_settle(k->writer);
	/* Nothing is left, and this mode takes no turn from a busy writer. */
	if (rest == 0 && log < LOG_LONG)
		(void)carry_over(k, SQLITE_CHECKPOINT_TRUNCATE, &log);
}

static void *
checkpointer_main(void *arg)
{
	struct checkpointer *k = arg;

	while (wait_for_work(k))
		checkpoint(k);
	return NULL;
}

enum outcome
checkpointer_start(const char *path, struct writer *w, struct checkpointer **out,
	struct fault *f)
{
	struct checkpointer *k = must_calloc(1, sizeof(*k));
	pthread_condattr_t monotonic;

	if (sqlite_connect(&k->db, path, SQLITE_FOR_CHECKPOINTS, f) != DONE) {
		free(k);
		return FAULT;
	}
	k->writer = w;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*out = k;
	if (pthread_create(&k->thread, NULL, checkpointer_main, k) == 0)
		return DONE;
	sqlite_disconnect(&k->db);
	free(k);
	return FAULT_AT(f, "no thread can be started");
}

void
checkpointer_stop(struct checkpointer *k)
{
	pthread_mutex_lock(&k->lock);
	k->stopping = true;
	pthread_mutex_unlock(&k->lock);
	pthread_cond_signal(&k->changed);
	pthread_join(k->thread, NULL);
}

void
checkpointer_free(struct checkpointer *k)
{
	sqlite_disconnect(&k->db);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
