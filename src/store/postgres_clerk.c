/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_clerk.c - one thread with a connection that it waits on: for the verbs
 * that take several steps in one transaction, which mostly are those of commands;
 * and between them it lets dead rows go.
 *
 *  1. A call is answered DONE only after COMMIT said so without a warning. When
 *     COMMIT was not answered, the call is a fault that says so.
 *  2. What passes (serialization, deadlock, somebody else's equal row) is run again
 *     from its beginning, a few times; inputs are as the caller gave them.
 *  3. A call that is done in several transactions goes behind all that has arrived
 *     meanwhile.
 *  4. A call that has waited too long is not begun.
 */
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/postgres.h"
#include "store/shared_errand.h"

#define ATTEMPTS 8
#define QUICK_MS 300

struct clerk {
	pthread_t thread;
	struct pg_store *store;
	struct mailbox *inbox;
	struct pg db;
	unsigned era;
	bool stopping;
	atomic_size_t inserted; /* since dead rows were looked for */
	atomic_bool reclaiming; /* a letter about them is on its way */
	struct letter reclaim;
};

/* What another thread has the clerk do, and waits for. */
struct clerk_errand {
	struct errand errand;
	struct clerk *clerk;
	void (*act)(struct clerk *, struct clerk_errand *);
	int64_t number; /* what came of it */
};

/* ---- verbs --------------------------------------------------------------- */

#define READ false
#define WRITE true

#define X(name, type, way)                                                  \
	static enum outcome run_##name(struct pg *db, struct store_call *c) \
	{                                                                   \
		return pg_##name(db, (struct type *)(void *)c);             \
	}
PG_CLERK_VERBS(X)
#undef X

static const struct {
	enum outcome (*run)(struct pg *db, struct store_call *c);
	bool writes;
	size_t size;
} verbs[VERB_COUNT] = {
#define X(name, type, way) [VERB_##name] = { run_##name, way, sizeof(struct type) },
	PG_CLERK_VERBS(X)
#undef X
};

/* ---- a connection to where the primary is -------------------------------- */

static enum outcome
be_connected(struct clerk *k)
{
	struct pg_store *s = k->store;
	unsigned era = atomic_load(&s->era);
	size_t tries = atomic_load(&s->kept) ? 1 : s->target.host_count;
	struct fault *f = k->db.fault;

	if (k->db.conn != NULL && era == k->era)
		return DONE;
	k->era = era;
	for (size_t i = 0; i < tries; i++) {
		size_t host = (atomic_load(&s->primary) + i) % s->target.host_count;

		if (pg_connect(&k->db, &s->target, host, f) != DONE)
			continue;
		if (!atomic_load(&s->kept))
			atomic_store(&s->primary, host);
		return DONE;
	}
	return FAULT;
}

/* ---- a transaction ------------------------------------------------------- */

static enum outcome
statement(struct pg *db, enum pg_statement which)
{
	struct pg_query q = pg_begin(db, which);

	return pg_do(&q, NULL);
}

static void
undo(struct pg *db)
{
	struct fault *told = db->fault;
	char state[sizeof(db->state)];

	memcpy(state, db->state, sizeof(state));
	db->fault = NULL;
	if (db->conn != NULL && pq.transactionStatus(db->conn) != PQTRANS_IDLE &&
		statement(db, PG_rollback) != DONE)
		pg_disconnect(db);
	db->fault = told;
	memcpy(db->state, state, sizeof(state));
}

static enum outcome
commit(struct clerk *k)
{
	struct pg *db = &k->db;
	uint64_t since = pg_now_us();
	enum outcome told;

	db->unsure = false;
	told = statement(db, PG_commit);
	if (told != DONE && pg_state_passes(db->state))
		return FAULT;
	db->unsure = db->unsure || told != DONE;
	if (db->unsure)
		return FAULT_AT(db->fault, "PostgreSQL did not say for certain that the "
			"change was saved: look before you try again");
	atomic_fetch_add(&db->store->commits, 1);
	atomic_fetch_add(&db->store->commit_us, pg_now_us() - since);
	return DONE;
}

/* So that other nodes need not wait until they look by themselves. */
static void
notify(struct clerk *k)
{
	k->db.fault = NULL;
	if (k->db.bumped && k->db.conn != NULL)
		(void)!statement(&k->db, PG_notify);
}

static enum outcome
run_once(struct clerk *k, struct store_call *c)
{
	struct pg *db = &k->db;
	enum outcome done;

	db->state[0] = '\0';
	db->again = db->bumped = db->unsure = false;
	db->inserted = 0;
	TRY(be_connected(k));
	if (!verbs[c->verb].writes)
		return verbs[c->verb].run(db, c);
	done = statement(db, PG_begin);
	if (done == DONE)
		done = verbs[c->verb].run(db, c);
	if (done == DONE)
		done = commit(k);
	if (done != DONE)
		undo(db);
	return done;
}

/* Nothing was changed, and it may go better, for some things after a while; a connection
 * is lost once at most. */
static bool
may_pass(const struct clerk *k, int attempts, int64_t asked_ms)
{
	const struct pg *db = &k->db;

	if (db->unsure || attempts == ATTEMPTS)
		return false;
	if (db->conn == NULL)
		return attempts == 1 && clock_monotonic_ms() - asked_ms < QUICK_MS;
	if (pg_state_passes(db->state))
		(void)poll(NULL, 0, (int)pg_pause_ms((unsigned)attempts));
	else if (!pg_same(db->state, "23505")) /* unique_violation: it is there now */
		return false;
	return true;
}

static enum outcome
run(struct clerk *k, struct store_call *c)
{
	size_t size = verbs[c->verb].size;
	void *asked = must_calloc(1, size);
	enum outcome done;
	int attempts = 0;

	memcpy(asked, c, size);
	do {
		store_call_again(c, asked, size);
		k->db.fault = &c->fault;
		done = run_once(k, c);
		attempts++;
	} while (done != DONE && may_pass(k, attempts, c->asked_ms));
	explicit_bzero(asked, size);
	free(asked);
	if (done == DONE)
		notify(k);
	c->unsure = k->db.unsure;
	return done;
}

static bool
is_late(const struct store_call *c)
{
	return c->resume == 0 && clock_monotonic_ms() - c->asked_ms > PG_ANSWER_MS;
}

/* ---- letters ------------------------------------------------------------- */

static void
answer(struct clerk *k, struct store_call *c, enum outcome outcome)
{
	struct pg_store *s = k->store;

	if (verbs[c->verb].writes)
		atomic_fetch_add(outcome == DONE ? &s->store.changes : &s->store.faults, 1);
	if (verbs[c->verb].writes)
		atomic_fetch_sub(&s->store.backlog, 1);
	else if (outcome == DONE)
		outcome = pg_certain(s, &c->fault);
	c->outcome = outcome;
	atomic_fetch_sub(&((struct pg_port *)(void *)c->port)->at_clerk, 1);
	store_answer(c);
}

static void
call_arrived(struct letter *l)
{
	struct store_call *c = (struct store_call *)(void *)l;
	struct clerk *k = pg_store_of(c->port->store)->clerk;
	enum outcome outcome;

	if (is_late(c)) {
		(void)FAULT_AT(&c->fault, "PostgreSQL did not answer in time");
		answer(k, c, FAULT);
		return;
	}
	outcome = run(k, c);
	if (outcome == DONE && k->db.again) {
		mailbox_post(k->inbox, l);
		return;
	}
	if (k->db.inserted > 0)
		clerk_reclaim(k, k->db.inserted);
	answer(k, c, outcome);
}

static void
errand_arrived(struct letter *l)
{
	struct clerk_errand *e = (struct clerk_errand *)(void *)l;

	if (e->act != NULL)
		e->act(e->clerk, e);
	errand_done(&e->errand);
}

/* A fault here is nobody's: the next traffic tries again. */
static void
reclaim_arrived(struct letter *l)
{
	struct clerk *k =
		(struct clerk *)(void *)((char *)l - offsetof(struct clerk, reclaim));
	size_t reclaimed = 0;

	atomic_store(&k->reclaiming, false);
	k->db.inserted = atomic_exchange(&k->inserted, 0);
	k->db.fault = NULL;
	if (be_connected(k) == DONE && statement(&k->db, PG_begin) == DONE &&
		pg_reclaim_some(&k->db, clock_now(), &reclaimed) == DONE &&
		statement(&k->db, PG_commit) == DONE)
		atomic_fetch_add(&k->store->store.reclaimed, reclaimed);
	else
		undo(&k->db);
	k->db.inserted = 0;
}

static void *
clerk_main(void *arg)
{
	struct clerk *k = arg;

	while (!k->stopping) {
		struct letter *next, *l = mailbox_wait(k->inbox, -1);

		for (; l != NULL; l = next) {
			next = l->next;
			l->open(l);
		}
	}
	return NULL;
}

/* ---- from other threads -------------------------------------------------- */

enum outcome
clerk_start(struct pg_store *s, struct clerk **out, struct fault *f)
{
	struct clerk *k = must_calloc(1, sizeof(*k));

	k->store = s;
	k->db.store = &s->store;
	k->inbox = mailbox_new();
	k->reclaim.open = reclaim_arrived;
	k->db.fault = f;
	if (be_connected(k) == DONE && pg_inspect(&k->db, f) == DONE) {
		*out = k;
		if (pthread_create(&k->thread, NULL, clerk_main, k) == 0)
			return DONE;
		(void)FAULT_AT(f, "no thread can be started");
	}
	pg_disconnect(&k->db);
	arena_free(k->db.scratch);
	mailbox_free(k->inbox);
	free(k);
	return FAULT;
}

void
clerk_post(struct clerk *k, struct store_call *c)
{
	if (verbs[c->verb].writes)
		atomic_fetch_add(&k->store->store.backlog, 1);
	c->letter.open = call_arrived;
	mailbox_post(k->inbox, &c->letter);
}

void
clerk_reclaim(struct clerk *k, size_t inserted)
{
	atomic_fetch_add(&k->inserted, inserted);
	if (!atomic_exchange(&k->reclaiming, true))
		mailbox_post(k->inbox, &k->reclaim);
}

static int64_t
send_errand(struct clerk *k, void (*act)(struct clerk *, struct clerk_errand *))
{
	struct clerk_errand e = { .errand.letter.open = errand_arrived, .clerk = k,
		.act = act };

	errand_send(&e.errand, k->inbox);
	return e.number;
}

void
clerk_drain(struct clerk *k)
{
	(void)send_errand(k, NULL);
}

static void
read_version(struct clerk *k, struct clerk_errand *e)
{
	k->db.fault = NULL;
	if (be_connected(k) != DONE ||
		pg_catalogue_read_version(&k->db, &e->number) != DONE)
		e->number = -1;
}

int64_t
clerk_version(struct clerk *k)
{
	return send_errand(k, read_version);
}

static void
stop(struct clerk *k, struct clerk_errand *e)
{
	(void)e;
	k->stopping = true;
}

void
clerk_stop(struct clerk *k)
{
	(void)send_errand(k, stop);
	pthread_join(k->thread, NULL);
	pg_disconnect(&k->db);
	arena_free(k->db.scratch);
	mailbox_free(k->inbox);
	free(k);
}
