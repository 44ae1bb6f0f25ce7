/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - when a connection's token is refreshed next: pure, of what was seen and now.
 *
 * Promises: ahead of expiry, at 70 to 85 % of the token's life, never all at once;
 * after a failure when the server said, and not more often each time; never again where
 * only the person can help, until the person did.
 */
#ifndef LATCHKEY_AGENT_PLAN_H
#define LATCHKEY_AGENT_PLAN_H

#include <stdbool.h>

#include "latchkey/latchkey.h"

/* What the vault says of a connection. Seconds of a clock that is never set
 * (CLOCK_BOOTTIME): a wall clock that is set back must not make a refresh late. */
struct seen {
	bool connected;
	int64_t connected_at;          /* Unix seconds: another one is another grant */
	int64_t issued_at, expires_at; /* expires_at 0: nobody knows */
};

struct plan {
	int64_t due;          /* PLAN_NEVER: it is left alone */
	int failures;         /* in a row */
	struct seen seen;     /* what it was made for */
};

#define PLAN_NEVER INT64_MAX

/* random: any number, a new one each time. */
/* The vault was looked at: changes the plan only if there is another token than the one
 * it was made for. */
void plan_look(struct plan *p, const struct seen *seen, int64_t now, uint32_t random);
/* A refresh ahead of time ended so; seen: what the vault says after it. */
void plan_tried(struct plan *p, const struct seen *seen, const struct lk_error *e,
	int64_t now, uint32_t random);
/* wall_now: Unix seconds, at the same moment as now. */
struct seen seen_of(const struct lk_info *info, int64_t wall_now, int64_t now);

#endif
