/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_batch.c - one transaction: BEGIN, the calls in their order, a little
 * reclaiming, COMMIT; or ROLLBACK, and the sentence why.
 *
 * A verb leaves in its call what it found and made. So that a call can be run again
 * after a rollback as if it had not run before, a copy is kept of how it was asked.
 */
#include "store/sqlite_batch.h"

#include <time.h>

#include "base/arena.h"
#include "base/clock.h"

enum outcome
committer_open(struct committer *t, struct store *s, struct sqlite_file *file, struct fault *f)
{
	TRY(sqlite_connect(&t->db, file->path, SQLITE_FOR_WRITING, f));
	t->db.store = s;
	t->store = s;
	t->file = file;
	t->copies = arena_new();
	return DONE;
}

void
committer_close(struct committer *t)
{
	sqlite_disconnect(&t->db);
	arena_free(t->copies);
}

uint64_t
batch_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static enum outcome
statement(struct committer *t, enum statement which)
{
	struct query q = query_begin(&t->db, which);

	return query_run(&q, NULL);
}

static void
batch_remember(struct committer *t, struct batch *b)
{
	size_t i = 0;

	arena_reset(t->copies);
	for (struct letter *l = b->calls.first; l != NULL; l = l->next)
		t->asked[i++] = arena_copy(
			t->copies, call_of(l), sqlite_verb_size(call_of(l)));
}

static enum outcome
batch_run(struct committer *t, struct batch *b)
{
	size_t i = 0;

	TRY(sqlite_cache(&t->db));
	TRY(statement(t, SQL_begin));
	t->db.inserted = 0;
	for (struct letter *l = b->calls.first; l != NULL; l = l->next) {
		t->db.again = false;
		b->by_a_call = true;
		TRY(sqlite_verb_run(&t->db, call_of(l)));
		b->by_a_call = false;
		b->again[i++] = t->db.again;
	}
	return DONE;
}

static enum outcome
commit(struct committer *t)
{
	enum outcome outcome;

	sqlite_log_gather(t->db.db, true);
	outcome = statement(t, SQL_commit);
	sqlite_log_gather(t->db.db, false);
	if (outcome != DONE) {
		sqlite_note_sync(t->store, sqlite3_extended_errcode(t->db.db));
		return outcome;
	}
	outcome = sqlite_file_note_log(t->file, t->db.fault);
	if (outcome != DONE)
		store_lose(t->store, LOST_SYNC);
	return outcome;
}

static enum outcome
batch_commit(struct committer *t)
{
	size_t reclaimed = 0;
	uint64_t since;

	TRY(reclaim_some(&t->db, clock_now(), &reclaimed));
	since = batch_clock_us();
	TRY(commit(t));
	TRY(store_check(t->store, t->db.fault));
	atomic_fetch_add(&t->store->commit_us, batch_clock_us() - since);
	atomic_fetch_add(&t->store->commits, 1);
	atomic_fetch_add(&t->store->reclaimed, reclaimed);
	return DONE;
}

/* SQLite may have rolled back by itself; then it is in autocommit mode again. */
static void
batch_undo(struct committer *t)
{
	t->db.fault = NULL;
	if (sqlite3_get_autocommit(t->db.db) == 0)
		(void)!statement(t, SQL_rollback);
}

enum outcome
batch_try(struct committer *t, struct batch *b)
{
	enum outcome outcome;

	t->db.fault = &b->fault;
	if (b->calls.n > 1)
		batch_remember(t, b);
	outcome = store_check(t->store, &b->fault);
	if (outcome == DONE)
		outcome = batch_run(t, b);
	if (outcome == DONE)
		outcome = batch_commit(t);
	if (outcome != DONE)
		batch_undo(t);
	return outcome;
}

void
batch_take_one(struct committer *t, struct batch *from, size_t i, struct batch *to)
{
	struct letter *l = queue_take(&from->calls);

	store_call_again(call_of(l), t->asked[i], sqlite_verb_size(call_of(l)));
	queue_add(&to->calls, l);
}
