/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refresh.h - a fresh token, once for all who want it, whatever happens on the way:
 * refresh.c is the way there, refresh_end.c what came of it.
 */
#ifndef LATCHKEY_CLIENT_REFRESH_H
#define LATCHKEY_CLIENT_REFRESH_H

#include "client/lk.h"

/* A record with that much in it is sure to be written: two long tokens, and the rest. */
#define RECORD_ROOM ((size_t)32768)
/* CL-20: what a token is taken to live for where the server does not say. */
#define LIFE_UNSAID_MS 600000

/* One way there and back. */
struct refresh {
	struct lk_connection *c;
	struct arena *a;
	const struct wish *wish;
	int64_t began_ms, until_ms; /* clock_monotonic_ms; until: those who wait for us do */
	struct vault_lock *lock;
	struct record record;
	uint32_t generation; /* of the record, at least */
	struct as as;
	struct journal journal;
	bool stood;      /* the journal stood before: this request was sent once */
	bool unanswered; /* it may have been done, and nobody told us */
	bool asked;      /* the server was asked, and that is for the history */
	struct lk_error *e;
};

/* The whole of lk_token's slow path, for a flight's leader. deadline_ms (of
 * clock_monotonic_ms) is for the wait for the lock. */
enum lk_status refresh_find(struct lk_connection *c, struct arena *a,
	const struct wish *wish, int64_t deadline_ms, struct lk_token **out,
	struct lk_error *e) must_check;

/* ---- between the two files ---------------------------------------------------------- */

typedef bool token_good(const struct lk_token *t, const struct wish *wish, int64_t now_ms);

enum lk_status refresh_read(struct refresh *r) must_check;
/* true: the record has what was wished for, and *status says whether *out has it. */
bool refresh_granted(struct refresh *r, token_good *good, struct lk_token **out,
	enum lk_status *status) must_check;
void refresh_clear_journal(struct refresh *r);
/* What an earlier call could not write, before anything else is done. */
enum lk_status refresh_save_unsaved(struct refresh *r) must_check;
/* What the server's answer means for the record, and for the caller. */
enum lk_status refresh_settle(struct refresh *r, enum lk_status status,
	const struct token_answer *answer, const struct token_ending *ending,
	struct lk_token **out) must_check;

/* ---- also for who connects ------------------------------------------------------------ */

/* What the server gave becomes part of the record, and the last attempt a good one. */
void record_take(struct record *record, const struct token_answer *answer,
	const struct token_ending *ending, const struct moment *now);

#endif
