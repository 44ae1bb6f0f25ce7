/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_checkpoint.c - the log's pages are carried into the database beside the
 * writer, on a thread and a connection of their own, never inside a COMMIT.
 *
 * A second after the last change, or as soon as the log is long, it carries over
 * what it can while the writer goes on. What arrives meanwhile would keep the log
 * growing for ever under steady load. So when it is too long the writer slows down
 * (sqlite_writer.c), the rest gets shorter with each round, and a short rest the
 * writer carries over itself between two transactions, after which it starts the
 * log from its beginning. When all is quiet, a file that has grown is emptied.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "store/sqlite.h"

#define LOG_LONG 4096 /* pages: 16 MiB; and again with each so many more */
#define LOG_TO_RESTART 12288 /* 48 MiB: have the writer finish and begin anew */
#define REST_SHORT 512 /* pages that the writer may carry over itself */
#define ROUNDS 10 /* by which the rest should be that short */
#define QUIET_S 1

struct checkpointer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct sqlite db;
	struct store *store;
	struct writer *writer;
	int pages; /* in the log, as last told */
	int enough; /* pages that do not wait for the quiet */
	bool work; /* something was told since the last look, or was left by it */
	bool large; /* the log's file has grown and not been emptied since */
	bool stopping;
};

void
checkpointer_tell(struct checkpointer *k, int pages)
{
	bool wake;

	pthread_mutex_lock(&k->lock);
	if (pages < k->pages)
		k->enough = LOG_LONG; /* the log began anew */
	wake = !k->work || (k->pages < k->enough && pages >= k->enough);
	k->pages = pages;
	k->work = true;
	k->large = k->large || pages >= LOG_LONG;
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
	while (!k->work && !k->stopping)
		pthread_cond_wait(&k->changed, &k->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += QUIET_S;
	while (k->pages < k->enough && !k->stopping && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&k->changed, &k->lock, &until);
	stopping = k->stopping;
	k->enough = k->pages + LOG_LONG;
	k->work = false;
	pthread_mutex_unlock(&k->lock);
	return !stopping;
}

/*
 * Carries over what is in the log when it begins; how many pages are left, those
 * written meanwhile included; -1: it could not be told.
 */
static int
carry_over(struct checkpointer *k, int mode)
{
	int log = 0, done = 0, rest;
	int rc = sqlite3_wal_checkpoint_v2(k->db.db, NULL, mode, &log, &done);

	/* A database that looks synced and is not would be all there is once the log is
	 * begun anew. */
	sqlite_note_sync(k->store, rc);
	if (rc != SQLITE_OK)
		return -1;
	pthread_mutex_lock(&k->lock);
	if (!k->work)
		k->pages = log; /* another process may have begun it anew */
	rest = (k->pages > log ? k->pages : log) - done;
	pthread_mutex_unlock(&k->lock);
	return rest;
}

static bool
log_should_restart(struct checkpointer *k)
{
	bool should;

	pthread_mutex_lock(&k->lock);
	should = k->pages >= LOG_TO_RESTART;
	pthread_mutex_unlock(&k->lock);
	return should;
}

static bool
quiet_and_large(struct checkpointer *k)
{
	bool both;

	pthread_mutex_lock(&k->lock);
	both = !k->work && k->large;
	pthread_mutex_unlock(&k->lock);
	return both;
}

/* A small file is left alone: to write over it is quicker than to extend it. */
static void
empty_file(struct checkpointer *k)
{
	if (carry_over(k, SQLITE_CHECKPOINT_TRUNCATE) != 0)
		return;
	pthread_mutex_lock(&k->lock);
	k->large = false;
	pthread_mutex_unlock(&k->lock);
}

/* What could not be carried over now (a reader, a full disk) may be in a second. */
static void
look_again(struct checkpointer *k)
{
	pthread_mutex_lock(&k->lock);
	k->work = true;
	pthread_mutex_unlock(&k->lock);
}

static void
checkpoint(struct checkpointer *k)
{
	int rest = carry_over(k, SQLITE_CHECKPOINT_PASSIVE);
	bool restart = log_should_restart(k);

	for (int round = 1; round < ROUNDS && restart && rest > REST_SHORT; round++)
		rest = carry_over(k, SQLITE_CHECKPOINT_PASSIVE);
	if (restart && rest > 0)
		writer_settle(k->writer);
	if (rest != 0)
		look_again(k);
	else if (quiet_and_large(k))
		empty_file(k);
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
checkpointer_start(struct store *s, const char *path, struct writer *w,
	struct checkpointer **out, struct fault *f)
{
	struct checkpointer *k = must_calloc(1, sizeof(*k));
	pthread_condattr_t monotonic;

	if (sqlite_connect(&k->db, path, SQLITE_FOR_CHECKPOINTS, f) != DONE) {
		free(k);
		return FAULT;
	}
	k->store = s;
	k->writer = w;
	k->enough = LOG_LONG;
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
