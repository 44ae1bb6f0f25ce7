/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minder.h - the connections of a vault, each kept ahead of its expiry, and their
 * tokens for whoever asks.
 *
 * Promises: the loop never waits; of one connection one thing is done at a time, so
 * that a server that hangs holds up its own connection alone; nothing is done and
 * nobody is woken until a token is due, somebody asks, or the vault changes.
 */
#ifndef LATCHKEY_AGENT_MINDER_H
#define LATCHKEY_AGENT_MINDER_H

#include "agent/pool.h"
#include "base/loop.h"
#include "client/agent_wire.h"

struct minder;

/* A question for a token; request and what it points to stay until it was answered. */
struct ask {
	const struct agent_request *request;
	/* Once, on the loop's thread. NULL: there is no answer, and whoever asked does
	 * the work itself. */
	void (*answer)(struct ask *, const struct agent_reply *);
	struct ask *next; /* the minder's */
};

/* where: of the vault, to be told of changes; lk and the rest outlive it. */
struct minder *minder_new(struct loop *loop, struct pool *pool, struct lk *lk,
	const char *where);
void minder_ask(struct minder *k, struct ask *ask);
/* Nothing more is begun; those that wait have no answer. */
void minder_stop(struct minder *k);
void minder_free(struct minder *k); /* after the pool */

#endif
