/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errand.h - one thing done for a connection, on a thread of the pool, because it may
 * wait: a token for who asked, or a refresh ahead of time.
 */
#ifndef LATCHKEY_AGENT_ERRAND_H
#define LATCHKEY_AGENT_ERRAND_H

#include "agent/plan.h"
#include "agent/pool.h"
#include "client/agent_wire.h"

struct errand {
	struct work work; /* first */
	/* given: */
	struct lk *lk;
	const char *name;
	const struct agent_request *request; /* NULL: refresh ahead, if plan says so */
	struct plan plan;
	/* kept from one errand to the next: */
	struct lk_connection *connection;
	/* what came of it: */
	struct lk_error error;  /* its status says how it ended */
	struct lk_token *token; /* for a request that ended LK_OK; to be freed */
	struct seen seen;       /* without a request: what the vault says now */
	bool tried;             /* ... and a refresh was tried */
};

void errand_run(struct work *w);

/* A new one each time; for plans. */
uint32_t any_number(void);
int64_t seconds_now(void); /* of the clock of plan.h */

#endif
