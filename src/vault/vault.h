/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - where an integrator's tokens live: sealed records, one a connection,
 * each with a lock that holds across processes, a journal and a history.
 *
 * Promises: what is kept is encrypted and authenticated (libsodium) under a data key
 * that is itself wrapped; nothing is ever written in the clear and nothing falls back
 * to something weaker. A record is replaced whole and durably or not at all. A lock
 * is let go by the kernel (or the database) when its holder dies. Every wait is
 * bounded. The vault does not know what a token is: records and journals are bytes.
 *
 * Two back ends, chosen by where the vault is: a directory (vault_file.c), or
 * PostgreSQL (vault_postgres.c), where the lock is the server's and a row holds the
 * same sealed bytes. A struct vault may be used by any thread; a struct vault_lock by
 * one at a time.
 *
 * The format on disk is docs/VAULT.md.
 */
#ifndef LATCHKEY_VAULT_VAULT_H
#define LATCHKEY_VAULT_VAULT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/outcome.h"

struct vault;
struct vault_lock;

enum vault_result {
	VAULT_DONE,
	VAULT_ABSENT,  /* there is no such thing */
	VAULT_BUSY,    /* somebody else held the lock all the time we might wait */
	VAULT_LOCKED,  /* the key is there and cannot be had now: keyring locked, no
	                  agent with the passphrase, wrong passphrase */
	VAULT_UNFIT,   /* what was asked for (where it is, where its key is to be) cannot
	                  be, or is not so */
	VAULT_STORAGE, /* disk full, permissions, no lock on this file system,
	                  database gone */
	VAULT_DAMAGED, /* not what was written, or of a newer version of the format */
	VAULT_MEMORY,
};

#define VAULT_NAME_MAX 64
#define VAULT_RECORD_MAX ((size_t)256 * 1024) /* a record; tokens may be long (CL-40) */
#define VAULT_JOURNAL_MAX ((size_t)4096)
#define VAULT_LOG_LINE_MAX ((size_t)2048)

/* ---- life ------------------------------------------------------------------- */

/* How to reach the key of a vault, asked only where it must be; and may one be made? */
struct vault_ask {
	/* The data key as a running agent has it; false: no agent. NULL: none is
	 * asked. */
	bool (*agent_key)(void *arg, uint8_t key[static 32]);
	/* A passphrase from the person (the agent's terminal); n is in and out. NULL: a
	 * process without a terminal, which then gets VAULT_LOCKED. */
	bool (*passphrase)(void *arg, bool twice, char *text, size_t *n);
	void *arg;
	bool existing; /* VAULT_ABSENT where there is none; nothing is made */
};

/*
 * Opens the vault at `where` (a directory, made with 0700 if it is missing, or
 * postgresql://), and its key. key: NULL, "keyring", "credential:NAME",
 * "file:PATH", "passphrase": for a vault that is new, chosen as latchkey.h says
 * when NULL; for one that exists it must be NULL or of the kind it has (the file or
 * credential may have moved: what opens the vault is its key). VAULT_STORAGE where a
 * directory or a key file is not the caller's alone (owner, mode). f says what to do.
 */
enum vault_result vault_open(const char *where, const char *key,
	const struct vault_ask *ask, struct vault **out, struct fault *f) must_check;
void vault_close(struct vault *v); /* NULL is fine; wipes the data key */
const char *vault_place(const struct vault *v);     /* "directory /home/..." */
/* "desktop keyring", "key file ..." */
const char *vault_key_place(const struct vault *v);
/* 32 bytes, for the agent alone */
const uint8_t *vault_data_key(const struct vault *v);
/* 1 to 64 of A-Z a-z 0-9 . _ - @, not beginning with a dot. */
bool vault_name_valid(struct bytes name);

/* ---- the hot path: has anything changed? ----------------------------------- */

/*
 * A word that every process shares (mmap of the lock file) and that grows whenever
 * the connection's record was replaced or removed, so that a token kept in memory is
 * known to be old without a system call. The pointer lives as long as the vault.
 * With PostgreSQL it is this process's own and is checked by age instead.
 */
const _Atomic uint32_t *vault_generation(struct vault *v, struct bytes name,
	struct fault *f); /* NULL: f says why */

/* ---- records -------------------------------------------------------------------- */

/* The record as it stands, without a lock (a replacement is atomic). It takes its
 * own size from the arena and no more than 100 bytes beside, as vault_journal_read
 * does. */
enum vault_result vault_read(struct vault *v, struct bytes name, struct arena *a,
	struct bytes *record, struct fault *f) must_check;
/* Every connection's name, in the order of octets. */
enum vault_result vault_list(struct vault *v, struct arena *a, struct bytes **names,
	size_t *count, struct fault *f) must_check;

/* Waits wait_ms at most for the lock of a connection, whether it exists or not. Holders
 * wake waiters; nobody polls in a loop. One thread may hold several names' locks only
 * in the order of names. VAULT_STORAGE: this file system cannot lock (said so). */
enum vault_result vault_lock(struct vault *v, struct bytes name, int wait_ms,
	struct vault_lock **out, struct fault *f) must_check;
void vault_unlock(struct vault_lock *l); /* NULL is fine */

/* All below are done by the holder of the lock. */

/* Makes sure that a record of n bytes can be written even if the disk fills up now
 * (its room is allocated and synced); a failure here is before anything was asked. */
enum vault_result vault_reserve(struct vault_lock *l, size_t n, struct fault *f)
	must_check;
/* Durable (written, synced, renamed, directory synced) when VAULT_DONE; the
 * generation grows. On failure the old record stands; only when the very last step
 * failed (the directory's sync) is the new one there, and may be the old one after a
 * power cut. With PostgreSQL a COMMIT whose answer was lost may have happened: read
 * before going on. */
enum vault_result vault_write(struct vault_lock *l, struct bytes record,
	struct fault *f) must_check;
/* Removes record and journal, durably; VAULT_DONE too when they are gone already. */
enum vault_result vault_remove(struct vault_lock *l, struct fault *f) must_check;

/* The journal: what is about to be asked, so that a crash can be recovered. */
enum vault_result vault_journal_write(struct vault_lock *l, struct bytes entry,
	struct fault *f) must_check; /* durable */
enum vault_result vault_journal_read(struct vault_lock *l, struct arena *a,
	struct bytes *entry, struct fault *f) must_check;
/* VAULT_DONE too when there is none. Not synced: after a power cut it may stand
 * again, beside the record that replaced what it tells of, as when a program dies
 * just before. */
enum vault_result vault_journal_clear(struct vault_lock *l, struct fault *f) must_check;
/* Is there one? Without a lock, for `latchkey status`. */
bool vault_journal_stands(struct vault *v, struct bytes name);

/* ---- history --------------------------------------------------------------- */

/* Appends one line (no secrets, no newline) to the connection's history, which keeps
 * the newest 200 to 400; not synced: losing a line in a power cut is no loss. */
enum vault_result vault_log_append(struct vault *v, struct bytes name,
	struct bytes line, struct fault *f) must_check;
enum vault_result vault_log_read(struct vault *v, struct bytes name, struct arena *a,
	struct bytes **lines, size_t *count, struct fault *f) must_check;

/* ---- attempts to connect --------------------------------------------------- */

#define VAULT_ATTEMPT_LIFE 600 /* seconds (CL-05) */

/* Keeps what belongs to an attempt under the digest of its state; attempts that are
 * older than VAULT_ATTEMPT_LIFE are swept on the way. About 10,000 stand at most
 * (what other processes put is counted once a second); 16 KB each. */
enum vault_result vault_attempt_put(struct vault *v, const uint8_t id[static 32],
	struct bytes attempt, struct fault *f) must_check;
/* Takes it out: of all who ask, at once or later, exactly one gets it. VAULT_ABSENT:
 * taken already, too old, or never put. */
enum vault_result vault_attempt_take(struct vault *v, const uint8_t id[static 32],
	struct arena *a, struct bytes *attempt, struct fault *f) must_check;

#endif
