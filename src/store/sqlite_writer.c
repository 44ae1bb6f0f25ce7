/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_writer.c - the one thread that changes the database: it takes all that
 * has arrived, runs it in one transaction, commits once, and then answers.
 *
 *  1. A call is answered DONE only after COMMIT said so, with the log synced, and
 *     the files it went to are still the ones at their paths.
 *  2. When a call faults, its batch is rolled back and each call of it runs again in a
 *     transaction of its own, so that the fault stays with its own. When the
 *     transaction itself faults, all of it is rolled back and answered FAULT.
 *  3. Calls run in the order in which they came, so each sees those before it.
 *  4. A call that is done in several steps goes behind all that has arrived meanwhile,
 *     and other processes get their turn between its steps.
 *  5. A commit costs as much for one call as for many. While others are about to come,
 *     one for a few waits for them, 2 ms at most.
 *  6. What nobody waits for goes along with the next commit, or within 250 ms; of
 *     that, more than LATE_MAX is dropped and counted.
 */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/urgency.h"
#include "store/shared_errand.h"
#include "store/sqlite_batch.h"

#define LATE_MAX 1024 /* some 300 bytes each */
#define LATE_ALONG 32 /* of them with others' commits */
#define LATE_MS 250
#define REST_MAX_US 50000
#define COMPANY_LOOKS 2 /* a millisecond after each other */
#define COMPANY_ENOUGH 16 /* calls, of which each bears little of the commit's cost */

struct writer {
	pthread_t thread;
	struct store *store;
	struct mailbox *inbox;
	struct committer committer;
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

/* What another thread has the writer do, and waits for. */
struct writer_errand {
	struct errand errand;
	struct writer *writer;
	void (*act)(struct writer *);
};

/* ---- a batch ------------------------------------------------------------- */

static void
answer(struct writer *w, struct store_call *c, enum outcome outcome,
	const struct fault *f, struct answers *answers)
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
	answers_add(answers, c);
}

static void open_letters(struct letter *l);

/* true: a call has more to do, and waits again. */
static bool
batch_answer(struct writer *w, struct batch *b, enum outcome outcome)
{
	struct answers answers = { NULL };
	bool more = false;

	for (size_t i = 0; b->calls.n > 0; i++) {
		struct letter *l = queue_take(&b->calls);

		if (outcome != DONE || !b->again[i]) {
			answer(w, call_of(l), outcome, &b->fault, &answers);
			continue;
		}
		if (!more)
			open_letters(mailbox_wait(w->inbox, 0)); /* they go first */
		more = true;
		queue_add(&w->waiting, l);
	}
	answers_send(&answers);
	return more;
}

/* The calls in order, each alone, as if it had not been run before. */
static bool
run_each(struct writer *w, struct batch *all)
{
	bool more = false;

	for (size_t i = 0; all->calls.n > 0; i++) {
		struct batch one = { .by_a_call = false };

		batch_take_one(&w->committer, all, i, &one);
		more |= batch_answer(w, &one, batch_try(&w->committer, &one));
	}
	return more;
}

static bool
run_batch(struct writer *w, struct batch *b)
{
	enum outcome outcome = batch_try(&w->committer, b);

	if (outcome != DONE && b->by_a_call && b->calls.n > 1)
		return run_each(w, b);
	return batch_answer(w, b, outcome);
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
	struct writer_errand *e = (struct writer_errand *)(void *)l;

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
	do {
		struct batch batch = { .by_a_call = false };
		uint64_t since = batch_clock_us();

		while (w->waiting.n > 0 && batch.calls.n < BATCH_MAX)
			queue_add(&batch.calls, queue_take(&w->waiting));
		take_late(w, &batch.calls);
		if (batch.calls.n > 0) {
			bool more = run_batch(w, &batch);

			slow_down(w, batch_clock_us() - since, more);
		}
	} while (w->waiting.n > 0);
}

static void
run_errands(struct writer *w)
{
	while (w->errands.n > 0) {
		struct writer_errand *e =
			(struct writer_errand *)(void *)queue_take(&w->errands);

		if (e->act != NULL)
			e->act(w);
		errand_done(&e->errand);
	}
}

static void
wait_for_company(struct writer *w)
{
	static const struct timespec a_ms = { .tv_nsec = 1000000 };
	const atomic_size_t *callers = atomic_load(&w->store->callers);

	for (int i = 0; i < COMPANY_LOOKS && w->waiting.n > 0 && w->errands.n == 0; i++) {
		if (w->waiting.n >= COMPANY_ENOUGH || callers == NULL ||
			atomic_load(callers) == 0)
			return;
		nanosleep(&a_ms, NULL);
		open_letters(mailbox_wait(w->inbox, 0));
	}
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	urgency_high();
	while (!w->stopping) {
		open_letters(mailbox_wait(w->inbox, ms_to_wait(w)));
		wait_for_company(w);
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
	committer_close(&w->committer);
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

	if (committer_open(&w->committer, s, file, f) != DONE) {
		free(w);
		return FAULT;
	}
	w->store = s;
	w->inbox = mailbox_new();
	w->knock.open = knocked;
	pthread_mutex_init(&w->late_lock, NULL);
	if (checkpointer_start(s, path, w, &w->checkpointer, f) != DONE) {
		writer_free(w);
		return FAULT;
	}
	sqlite3_wal_hook(w->committer.db.db, wal_grew, w);
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
	struct writer_errand e = { .errand.letter.open = errand_arrived, .writer = w,
		.act = act };

	errand_send(&e.errand, w->inbox);
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
		w->committer.db.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
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
