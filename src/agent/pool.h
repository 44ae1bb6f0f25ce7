/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - a few threads for what may wait for a network or a disk, so that the agent's
 * loop never does.
 *
 * Promises: at most POOL_THREADS, made when they are first needed; what was begun is
 * told to the loop as a letter, in the order it ended.
 */
#ifndef LATCHKEY_AGENT_POOL_H
#define LATCHKEY_AGENT_POOL_H

#include "base/mailbox.h"

/* So many servers may hang at once before others have to wait for one of them. */
#define POOL_THREADS 8

struct pool;

struct work {
	struct letter letter;          /* first; the pool's, as is the next */
	struct pool *pool;
	void (*run)(struct work *);    /* on a thread of the pool */
	void (*done)(struct work *);   /* on the loop's */
};

struct pool *pool_new(struct mailbox *reply);
void pool_do(struct pool *p, struct work *w); /* the loop's thread */
size_t pool_busy(const struct pool *p); /* given and not done; the loop's thread */
/* Every work must have been done, or never will be. */
void pool_free(struct pool *p);

#endif
