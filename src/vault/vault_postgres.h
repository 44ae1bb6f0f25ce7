/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_postgres.h - the PostgreSQL back end, among its own files.
 *
 * The lock of a connection is an advisory lock of a session, and what its holder writes
 * goes through that same session, each change a transaction of its own. So the journal
 * is durable while the lock is held, which a row lock (SELECT FOR UPDATE) cannot give
 * with one session, since it ends with its transaction. And who has lost the lock, has
 * lost it with the session, and cannot write any more: with two sessions, one for the
 * lock and one for the writing, the second would live on after the first.
 */
#ifndef LATCHKEY_VAULT_POSTGRES_H
#define LATCHKEY_VAULT_POSTGRES_H

#include <pthread.h>

#include "vault/vault_pq.h"

#define PG_ANSWER_MS 10000 /* for anything that does not wait for a lock */
#define PG_SESSIONS_KEPT 8

/* The newest generation that this process has seen of a connection. */
struct pg_name {
	struct pg_name *next;
	char name[VAULT_NAME_MAX + 1];
	_Atomic uint32_t generation;
};

struct pg_vault {
	struct vault vault;
	struct pq_target target;
	PGconn *key_session; /* holds the lock while a new vault gets its key */
	pthread_mutex_t mutex; /* over what follows */
	PGconn *kept[PG_SESSIONS_KEPT];
	size_t kept_count;
	struct pg_name *names;
};

/* A session that nobody else uses meanwhile; given back, or ended if it is no good. */
enum vault_result pg_borrow(struct pg_vault *v, PGconn **out,
	struct fault *f) must_check;
void pg_give_back(struct pg_vault *v, PGconn *c);
/* One question through a borrowed session; asked again through a fresh one if it had
 * ended while it was kept and `again` says that no harm comes of asking twice. */
enum vault_result pg_ask_once(struct pg_vault *v, bool again, const char *sql,
	const struct pq_value *values, int count, PGresult **out, struct fault *f)
	must_check;

/* A session that has the lock of a name ("": the vault's own). One that may have it, or
 * not, because it did not answer is ended: it never comes back with a lock in it. */
enum vault_result pg_lock_take(struct pg_vault *v, struct bytes name, int wait_ms,
	PGconn **out, struct fault *f) must_check;
/* Lets go and gives the session back. */
void pg_lock_drop(struct pg_vault *v, PGconn *c, struct bytes name);

struct pg_name *pg_name_of(struct pg_vault *v, struct bytes name); /* NULL: no memory */
/* This generation was seen; an older one than is known changes nothing. */
void pg_saw(struct pg_vault *v, struct bytes name, int64_t generation);

/* vault_postgres_lock.c */
enum vault_result pg_lock(struct vault *v, struct bytes name, int wait_ms,
	struct vault_lock **out, struct fault *f);
void pg_unlock(struct vault_lock *l);
enum vault_result pg_reserve(struct vault_lock *l, size_t n, struct fault *f);
enum vault_result pg_write(struct vault_lock *l, enum vault_slot slot,
	struct bytes sealed, struct fault *f);
enum vault_result pg_journal_clear(struct vault_lock *l, struct fault *f);
enum vault_result pg_remove(struct vault_lock *l, struct fault *f);

/* vault_postgres_log.c */
enum vault_result pg_log_append(struct vault *v, struct bytes name, struct bytes line,
	struct fault *f);
enum vault_result pg_log_read(struct vault *v, struct bytes name, struct arena *a,
	struct bytes *text, struct fault *f);
enum vault_result pg_attempt_put(struct vault *v, struct bytes id, struct bytes sealed,
	struct fault *f);
enum vault_result pg_attempt_take(struct vault *v, struct bytes id, struct arena *a,
	uint8_t **sealed, size_t *n, struct fault *f);

static inline struct pg_vault *
pg_of(struct vault *v)
{
	return (struct pg_vault *)v;
}

/* Did the statement find what it wants, and write? Clears the result. */
static inline bool
pg_wrote(PGresult *result)
{
	bool wrote = vault_pq.cmdTuples(result)[0] != '0';

	vault_pq.clear(result);
	return wrote;
}

static inline struct pq_value
pg_value(struct bytes b)
{
	return (struct pq_value){ b.p != NULL ? b.p : "", b.n };
}

#endif
