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

/* What the vault says of a connection; Unix seconds. */
struct seen {
	bool connected;
	bool last_ok;         /* the last attempt was a good one, at refreshed_at */
	int64_t connected_at, refreshed_at, expires_at;
};

struct plan {
	int64_t due;          /* Unix seconds; PLAN_NEVER: it is left alone */
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
struct seen seen_of(const struct lk_info *info);

#endif
