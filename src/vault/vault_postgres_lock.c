/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_postgres_lock.c - the lock of a session, and what is written through it. The
 * server itself makes us wait and wakes us (lock_timeout); when our session ends, by
 * our death or because the server heard nothing of us, the lock is the next one's and
 * nothing that we send is done any more.
 *
 * A COMMIT whose answer never came may have happened: that is VAULT_STORAGE, and who
 * reads again, with a lock again, knows.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault_point.h"
#include "vault/vault_postgres.h"

#define GRACE_MS 5000 /* for the way there and back, beyond the wait itself */

struct pg_lock {
	struct vault_lock lock;
	PGconn *session;
};

/* A number for a name. Two names with the same would wait for each other: 1 in 2^64. */
static int64_t
lock_number(struct bytes name)
{
	static const uint8_t label[] = "latchkey vault lock";
	uint8_t digest[16];
	uint64_t number = 0;

	crypto_generichash(digest, sizeof(digest), (const uint8_t *)name.p, name.n,
		label, sizeof(label) - 1);
	for (int i = 0; i < 8; i++)
		number = number << 8 | digest[i];
	return (int64_t)number;
}

/* Without waiting: there is no lock_timeout that means so (0 is "for ever"). */
static enum vault_result
try_lock(PGconn *c, int64_t number, struct fault *f)
{
	int64_t deadline = clock_monotonic_ms() + PG_ANSWER_MS;
	char sql[96];
	PGresult *result;
	bool taken;

	snprintf(
		sql, sizeof(sql), "SELECT pg_try_advisory_lock(%jd)", (intmax_t)number);
	VAULT_TRY(pq_ask(c, deadline, sql, NULL, 0, &result, f));
	taken = pq_truth(result, 0);
	vault_pq.clear(result);
	return taken ? VAULT_DONE
		     : VAULT_FAIL(f, VAULT_BUSY, "another program holds the lock");
}

static enum vault_result
lock_session(PGconn *c, struct bytes name, int wait_ms, struct fault *f)
{
	int64_t deadline = clock_monotonic_ms() + wait_ms + GRACE_MS;
	int64_t number = lock_number(name);
	char sql[96];

	if (wait_ms <= 0)
		return try_lock(c, number, f);
	snprintf(sql, sizeof(sql), "SET lock_timeout = %d", wait_ms);
	VAULT_TRY(pq_ask(c, deadline, sql, NULL, 0, NULL, f));
	snprintf(sql, sizeof(sql), "SELECT pg_advisory_lock(%jd)", (intmax_t)number);
	VAULT_TRY(pq_ask(c, deadline, sql, NULL, 0, NULL, f));
	/* What is written under the lock waits for no other lock for long. */
	return pq_ask(c, deadline, "SET lock_timeout = '5s'", NULL, 0, NULL, f);
}

enum vault_result
pg_lock_take(struct pg_vault *v, struct bytes name, int wait_ms, PGconn **out,
	struct fault *f)
{
	enum vault_result r;
	PGconn *c;

	VAULT_TRY(pg_borrow(v, &c, f));
	r = lock_session(c, name, wait_ms, f);
	if (r == VAULT_DONE)
		*out = c;
	else if (r == VAULT_BUSY)
		pg_give_back(v, c);
	else
		vault_pq.finish(c); /* it may have the lock by now */
	return r;
}

void
pg_lock_drop(struct pg_vault *v, PGconn *c, struct bytes name)
{
	char sql[96];
	PGresult *result;
	bool dropped = false;

	snprintf(sql, sizeof(sql), "SELECT pg_advisory_unlock(%jd)",
		(intmax_t)lock_number(name));
	if (pq_ask(c, clock_monotonic_ms() + PG_ANSWER_MS, sql, NULL, 0, &result,
		    NULL) == VAULT_DONE) {
		dropped = pq_truth(result, 0);
		vault_pq.clear(result);
	}
	if (dropped)
		pg_give_back(v, c);
	else
		vault_pq.finish(c); /* the server lets go of what the session had */
}

/* ---- the verbs ------------------------------------------------------------- */

enum vault_result
pg_lock(struct vault *v, struct bytes name, int wait_ms, struct vault_lock **out,
	struct fault *f)
{
	struct pg_lock *l = calloc(1, sizeof(*l));
	enum vault_result r;

	if (l == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	vault_lock_begin(&l->lock, v, name);
	r = pg_lock_take(pg_of(v), name, wait_ms, &l->session, f);
	if (r == VAULT_DONE)
		*out = &l->lock;
	else
		free(l);
	return r;
}

void
pg_unlock(struct vault_lock *lock)
{
	struct pg_lock *l = (struct pg_lock *)lock;

	pg_lock_drop(pg_of(lock->vault), l->session, lock->name);
	free(l);
}

static enum vault_result
ask(struct vault_lock *lock, const char *sql, const struct pq_value *values, int count,
	PGresult **out, struct fault *f)
{
	return pq_ask(((struct pg_lock *)lock)->session,
		clock_monotonic_ms() + PG_ANSWER_MS, sql, values, count, out, f);
}

/* A database reserves no room; that it is there and takes writes is what can be
 * known. */
enum vault_result
pg_reserve(struct vault_lock *l, size_t n, struct fault *f)
{
	PGresult *result;
	bool read_only;

	(void)n;
	VAULT_TRY(ask(l,
		"SELECT pg_is_in_recovery() OR"
		" current_setting('transaction_read_only') = 'on'",
		NULL, 0, &result, f));
	read_only = pq_truth(result, 0);
	vault_pq.clear(result);
	if (read_only)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"this PostgreSQL takes no writes now: it "
			"is a standby, or was set to read only");
	return VAULT_DONE;
}

enum vault_result
pg_write(struct vault_lock *l, enum vault_slot slot, struct bytes sealed,
	struct fault *f)
{
	static const char *const sql[] = {
		[SLOT_RECORD] =
			"INSERT INTO latchkey_vault AS v (name, record)"
			" VALUES ($1::text, $2::bytea) ON CONFLICT (name) DO UPDATE"
			" SET record = excluded.record, generation = v.generation + 1"
			" RETURNING generation",
		[SLOT_JOURNAL] =
			"INSERT INTO latchkey_vault AS v (name, journal)"
			" VALUES ($1::text, $2::bytea) ON CONFLICT (name) DO UPDATE"
			" SET journal = excluded.journal"
			" RETURNING generation",
	};
	struct pq_value values[] = { pg_value(l->name), pg_value(sealed) };
	PGresult *result;

	FAULT_POINT(slot == SLOT_RECORD ? "record-write" : "journal-write");
	VAULT_TRY(ask(l, sql[slot], values, 2, &result, f));
	FAULT_POINT(slot == SLOT_RECORD ? "record-done" : "journal-done");
	if (slot == SLOT_RECORD)
		pg_saw(pg_of(l->vault), l->name, pq_number(result, 0));
	vault_pq.clear(result);
	return VAULT_DONE;
}

enum vault_result
pg_journal_clear(struct vault_lock *l, struct fault *f)
{
	struct pq_value values[] = { pg_value(l->name) };

	FAULT_POINT("clear-unlink");
	VAULT_TRY(ask(l,
		"UPDATE latchkey_vault SET journal = NULL"
		" WHERE name = $1::text AND journal IS NOT NULL",
		values, 1, NULL, f));
	FAULT_POINT("clear-done");
	return VAULT_DONE;
}

enum vault_result
pg_remove(struct vault_lock *l, struct fault *f)
{
	struct pq_value values[] = { pg_value(l->name) };
	PGresult *result;

	FAULT_POINT("remove-unlink");
	VAULT_TRY(ask(l,
		"UPDATE latchkey_vault SET record = NULL, journal = NULL,"
		" generation = generation + 1 WHERE name = $1::text RETURNING "
		"generation",
		values, 1, &result, f));
	FAULT_POINT("remove-done");
	if (vault_pq.ntuples(result) > 0)
		pg_saw(pg_of(l->vault), l->name, pq_number(result, 0));
	vault_pq.clear(result);
	return VAULT_DONE;
}
