/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey.h - what connections a vault has, looked at when something there has changed.
 *
 * Promises: a directory tells of changes (inotify) and is not looked at without one; a
 * database is looked at once an hour, and when somebody asks for what was not there.
 */
#ifndef LATCHKEY_AGENT_SURVEY_H
#define LATCHKEY_AGENT_SURVEY_H

#include "agent/plan.h"
#include "agent/pool.h"
#include "base/arena.h"
#include "base/loop.h"

struct survey;

struct found {
	struct found *next;
	const char *name;
	struct seen seen;
};

/* take: what there is, on the loop's thread, after every look that succeeded. Looks at
 * once for the first time. */
struct survey *survey_new(struct loop *loop, struct pool *pool, struct lk *lk,
	const char *where, void (*take)(void *arg, const struct found *), void *arg);
void survey_soon(struct survey *l);
void survey_stop(struct survey *l);
void survey_free(struct survey *l); /* after the pool's last work */

#endif
