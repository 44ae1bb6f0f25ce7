/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_writer.c - the one thread that changes the database: it takes all that
 * has arrived, runs it in one transaction, commits once, and then answers.
 *
 *  1. A call is answered DONE only after COMMIT said so, with the log synced, and
 *     the files it went to are still the ones at their paths.
 *  2. When anything in a batch faults, all of it is rolled back and all of it is
 *     answered FAULT; the next batch starts afresh.
 *  3. Calls run in the order in which they came, so each sees those before it.
 *  4. A call that is done in several steps goes behind all that has arrived meanwhile,
 *     and other processes get their turn between its steps.
 *  5. What nobody waits for goes along with the next commit, or within 250 ms; of
 *     that, more than LATE_MAX is dropped and counted.
 */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/sqlite.h"

#define BATCH_MAX 512 /* so that nobody waits too long for the commit */
#define LATE_MAX 1024 /* some 300 bytes each */
#define LATE_ALONG 32 /* of them with others' commits */
#define LATE_MS 250
#define REST_MAX_US 50000

struct queue {
	struct letter *first, **last;
	size_t n;
};

struct writer {
	pthread_t thread;
	struct store *store;
	struct mailbox *inbox;
	struct sqlite db;
	struct sqlite_file *file; /* the store's */
	struct checkpointer *checkpointer;
	struct queue waiting; /* calls, in order */
	struct queue errands; /* to do when no call is waiting */
	int log_pages; /* after the last commit */
	bool stopping;

	pthread_mutex_t late_lock;
	struct queue late;
	int64_t late_due_ms; /* monotonic, of the first in the queue */
	struct letter knock; /* tells the writer that there is a first */
	bool knocking; /* it is on its way */
};

/* What another thread has the writer do, and waits for: without a mailbox of its own,
 * because that wants a descriptor, and there may be none left. */
struct errand {
	struct letter letter;
	struct writer *writer;
	void (*act)(struct writer *);
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
};

static void
queue_add(struct queue *q, struct letter *l)
{
	l->next = NULL;
	if (q->n++ == 0)
		q->last = &q->first;
	*q->last = l;
	q->last = &l->next;
}

static struct letter *
queue_take(struct queue *q)
{
	struct letter *l = q->first;

	q->first = l->next;
	q->n--;
	return l;
}

static struct store_call *
call_of(struct letter *l)
{
	return (struct store_call *)(void *)l;
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- a batch ------------------------------------------------------------- */

static enum outcome
statement(struct writer *w, enum statement which)
{
	struct query q = query_begin(&w->db, which);

	return query_run(&q, NULL);
}

/* Runs the calls; those that have more to do are marked by their resume point. */
static enum outcome
batch_run(struct writer *w, const struct queue *batch, bool *again)
{
	size_t i = 0;

	TRY(statement(w, SQL_begin));
	w->db.inserted = 0;
	for (struct letter *l = batch->first; l != NULL; l = l->next) {
		w->db.again = false;
		TRY(sqlite_verb_run(&w->db, call_of(l)));
		again[i++] = w->db.again;
	}
	return DONE;
}

static enum outcome
batch_commit(struct writer *w)
{
	size_t reclaimed = 0;
	uint64_t since;

	TRY(reclaim_some(&w->db, clock_now(), &reclaimed));
	since = now_us();
	TRY(statement(w, SQL_commit));
	sqlite_file_note_log(w->file);
	TRY(store_check(w->store, w->db.fault));
	atomic_fetch_add(&w->store->commit_us, now_us() - since);
	atomic_fetch_add(&w->store->commits, 1);
	atomic_fetch_add(&w->store->reclaimed, reclaimed);
	return DONE;
}

/* SQLite may have rolled back by itself; then it is in autocommit mode again. */
static void
batch_undo(struct writer *w)
{
	w->db.fault = NULL;
	if (sqlite3_get_autocommit(w->db.db) == 0)
		(void)!statement(w, SQL_rollback);
}

static void
answer(struct writer *w, struct store_call *c, enum outcome outcome,
	const struct fault *f)
{
	atomic_fetch_add(outcome == DONE ? &w->store->changes : &w->store->faults, 1);
	if (c->port == NULL) {
		free(c); /* nobody waits, and it is one piece of memory */
		return;
	}
	c->outcome = outcome;
	if (outcome != DONE)
		c->fault = *f;
	atomic_fetch_sub(&w->store->backlog, 1);
	store_answer(c);
}

static void open_letters(struct letter *l);

/* true: a call has more to do, and waits again. */
static bool
run_batch(struct writer *w, struct queue *batch)
{
	bool again[BATCH_MAX] = { false }, more = false;
	struct fault fault = { 0 };
	enum outcome outcome;

	w->db.fault = &fault;
	outcome = store_check(w->store, &fault);
	if (outcome == DONE)
		outcome = batch_run(w, batch, again);
	if (outcome == DONE)
		outcome = batch_commit(w);
	if (outcome != DONE)
		batch_undo(w);
	for (size_t i = 0; batch->n > 0; i++) {
		struct letter *l = queue_take(batch);

		if (outcome != DONE || !again[i]) {
			answer(w, call_of(l), outcome, &fault);
			continue;
		}
		if (!more)
			open_letters(mailbox_wait(w->inbox, 0)); /* they go first */
		more = true;
		queue_add(&w->waiting, l);
	}
	return more;
}

/* ---- what nobody waits for ----------------------------------------------- */

static void
knocked(struct letter *l)
{
	struct writer *w =
		(struct writer *)(void *)((char *)l - offsetof(struct writer, knock));

	pthread_mutex_lock(&w->late_lock);
	w->knocking = false;
	pthread_mutex_unlock(&w->late_lock);
}

void
writer_post_late(struct writer *w, struct store_call *c)
{
	bool knock, full;

	pthread_mutex_lock(&w->late_lock);
	full = w->late.n >= LATE_MAX;
	if (w->late.n == 0)
		w->late_due_ms = clock_monotonic_ms() + LATE_MS;
	if (!full)
		queue_add(&w->late, &c->letter);
	knock = !full && w->late.n == 1 && !w->knocking;
	if (knock)
		w->knocking = true;
	pthread_mutex_unlock(&w->late_lock);
	if (knock)
		mailbox_post(w->inbox, &w->knock);
	if (full) {
		atomic_fetch_add(&w->store->dropped, 1);
		free(c);
	}
}

/* Moves late calls into the batch: a few along with others, all when it is time. */
static void
take_late(struct writer *w, struct queue *batch)
{
	size_t room;

	pthread_mutex_lock(&w->late_lock);
	room = batch->n > 0 ? LATE_ALONG : BATCH_MAX;
	if (batch->n == 0 && !w->stopping && clock_monotonic_ms() < w->late_due_ms)
		room = 0;
	while (room-- > 0 && w->late.n > 0 && batch->n < BATCH_MAX)
		queue_add(batch, queue_take(&w->late));
	pthread_mutex_unlock(&w->late_lock);
}

static int
ms_to_wait(struct writer *w)
{
	int64_t left = -1;

	pthread_mutex_lock(&w->late_lock);
	if (w->late.n > 0) {
		left = w->late_due_ms - clock_monotonic_ms();
		left = left < 0 ? 0 : left;
	}
	pthread_mutex_unlock(&w->late_lock);
	return (int)left;
}

/* ---- the thread ---------------------------------------------------------- */

static void
call_arrived(struct letter *l)
{
	struct store_call *c = call_of(l);

	queue_add(&sqlite_writer_of(c->port->store)->waiting, l);
}

static void
errand_arrived(struct letter *l)
{
	struct errand *e = (struct errand *)(void *)l;

	queue_add(&e->writer->errands, l);
}

static void
open_letters(struct letter *l)
{
	while (l != NULL) {
		struct letter *next = l->next;

		l->open(l);
		l = next;
	}
}

/*
 * When the disk takes pages more slowly than this thread makes them, it rests
 * after each batch in proportion to how much too long the log is. In the middle of a
 * long call it rests as long as it worked: another process (a command beside the
 * server, or the server beside a command) that polls for the lock must find it free.
 */
static void
slow_down(const struct writer *w, uint64_t batch_us, bool more)
{
	uint64_t us = batch_us * ((uint64_t)(w->log_pages / LOG_TOO_LONG) + more);
	struct timespec rest = { .tv_nsec = 1000 *
			(long)(us < REST_MAX_US ? us : REST_MAX_US) };

	if (us > 0)
		nanosleep(&rest, NULL);
}

static void
run_waiting(struct writer *w)
{
	struct queue batch = { 0 };
	uint64_t since;

	do {
		while (w->waiting.n > 0 && batch.n < BATCH_MAX)
			queue_add(&batch, queue_take(&w->waiting));
		take_late(w, &batch);
		since = now_us();
		if (batch.n > 0) {
			bool more = run_batch(w, &batch);

			slow_down(w, now_us() - since, more);
		}
	} while (w->waiting.n > 0);
}

static void
run_errands(struct writer *w)
{
	while (w->errands.n > 0) {
		struct errand *e = (struct errand *)(void *)queue_take(&w->errands);

		if (e->act != NULL)
			e->act(w);
		pthread_mutex_lock(&e->lock);
		e->done = true;
		pthread_cond_signal(&e->over);
		pthread_mutex_unlock(&e->lock); /* from here on it may be gone */
	}
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	while (!w->stopping) {
		open_letters(mailbox_wait(w->inbox, ms_to_wait(w)));
		run_waiting(w);
		run_errands(w);
	}
	while (ms_to_wait(w) >= 0)
		run_waiting(w);
	return NULL;
}

static int
wal_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct writer *w = arg;

	(void)db;
	(void)name;
	w->log_pages = pages;
	checkpointer_tell(w->checkpointer, pages);
	return SQLITE_OK;
}

/* ---- from other threads -------------------------------------------------- */

static void
writer_free(struct writer *w)
{
	sqlite_disconnect(&w->db);
	mailbox_free(w->inbox);
	pthread_mutex_destroy(&w->late_lock);
	free(w);
}

enum outcome
writer_start(struct store *s, struct sqlite_file *file, struct writer **out,
	struct fault *f)
{
	const char *path = file->path;
	struct writer *w = must_calloc(1, sizeof(*w));

	if (sqlite_connect(&w->db, path, SQLITE_FOR_WRITING, f) != DONE) {
		free(w);
		return FAULT;
	}
	w->store = s;
	w->file = file;
	w->db.store = s;
	w->inbox = mailbox_new();
	w->knock.open = knocked;
	pthread_mutex_init(&w->late_lock, NULL);
	if (checkpointer_start(path, w, &w->checkpointer, f) != DONE) {
		writer_free(w);
		return FAULT;
	}
	sqlite3_wal_hook(w->db.db, wal_grew, w);
	*out = w;
	if (pthread_create(&w->thread, NULL, writer_main, w) == 0)
		return DONE;
	checkpointer_stop(w->checkpointer);
	checkpointer_free(w->checkpointer);
	writer_free(w);
	return FAULT_AT(f, "no thread can be started");
}

void
writer_post(struct writer *w, struct store_call *c)
{
	atomic_fetch_add(&w->store->backlog, 1);
	c->letter.open = call_arrived;
	mailbox_post(w->inbox, &c->letter);
}

static void
send_errand(struct writer *w, void (*act)(struct writer *))
{
	struct errand e = { .letter.open = errand_arrived,
		.writer = w,
		.act = act,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.over = PTHREAD_COND_INITIALIZER };

	mailbox_post(w->inbox, &e.letter);
	pthread_mutex_lock(&e.lock);
	while (!e.done)
		pthread_cond_wait(&e.over, &e.lock);
	pthread_mutex_unlock(&e.lock);
	pthread_cond_destroy(&e.over);
	pthread_mutex_destroy(&e.lock);
}

void
writer_drain(struct writer *w)
{
	send_errand(w, NULL);
}

static void
checkpoint_the_rest(struct writer *w)
{
	sqlite3_wal_checkpoint_v2(
		w->db.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void
writer_settle(struct writer *w)
{
	send_errand(w, checkpoint_the_rest);
}

static void
stop(struct writer *w)
{
	w->stopping = true;
}

void
writer_stop(struct writer *w)
{
	/* The checkpointer may be waiting for an errand of its own: it ends first. */
	checkpointer_stop(w->checkpointer);
	send_errand(w, stop);
	pthread_join(w->thread, NULL);
	checkpointer_free(w->checkpointer);
	writer_free(w);
}
