/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_batch.h - calls that share a transaction, for the writer alone.
 */
#ifndef LATCHKEY_STORE_SQLITE_BATCH_H
#define LATCHKEY_STORE_SQLITE_BATCH_H

#include "store/sqlite.h"

#define BATCH_MAX 512 /* so that nobody waits too long for the commit */

struct queue {
	struct letter *first, **last;
	size_t n;
};

static inline void
queue_add(struct queue *q, struct letter *l)
{
	l->next = NULL;
	if (q->n++ == 0)
		q->last = &q->first;
	*q->last = l;
	q->last = &l->next;
}

static inline struct letter *
queue_take(struct queue *q)
{
	struct letter *l = q->first;

	q->first = l->next;
	q->n--;
	return l;
}

static inline struct store_call *
call_of(struct letter *l)
{
	return (struct store_call *)(void *)l;
}

/* What a transaction needs; there is one. */
struct committer {
	struct sqlite db;
	struct store *store;
	struct sqlite_file *file; /* the store's */
	struct arena *copies;
	struct store_call *asked[BATCH_MAX]; /* the calls of the batch, as they were */
};

enum outcome committer_open(struct committer *t, struct store *s, struct sqlite_file *file,
	struct fault *f) must_check;
void committer_close(struct committer *t);

struct batch {
	struct queue calls;
	bool again[BATCH_MAX]; /* has more to do */
	bool by_a_call;        /* the fault is one call's own; the others may be run again */
	struct fault fault;
};

/* Runs the calls in one transaction and commits: all of it is on the disk, or, when
 * this is a fault, none. */
enum outcome batch_try(struct committer *t, struct batch *b) must_check;
/* Moves the first call that is left of a batch that was tried into another, as it was
 * asked; i: which one of the batch it was. */
void batch_take_one(struct committer *t, struct batch *from, size_t i, struct batch *to);
uint64_t batch_clock_us(void);

#endif
