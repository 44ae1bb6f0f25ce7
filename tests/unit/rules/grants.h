/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants.h - grants in each state of appendix A1, for the tests of grant.c.
 *
 * In the tables of these tests a row is {rule, state, request, moment} and what
 * comes of it; the macros at the end spell the outcomes.
 */
#ifndef LATCHKEY_TESTS_GRANTS_H
#define LATCHKEY_TESTS_GRANTS_H

#include <string.h>

#include "rules/grant.h"
#include "tap.h"

#define STATE __attribute__((unused)) static

#define T 1000000 /* when the grant was opened, and when its generation was issued */
#define DAY 86400

enum { US = 7, THEM = 8 };

STATE const struct lifetimes lifetimes = { .code = 60, .access = 600,
	.refresh_idle = 60 * DAY, .absolute = 0, .retry_window = DAY };
STATE const struct lifetimes no_retries = { .code = 60, .access = 600,
	.refresh_idle = 60 * DAY };
STATE const struct lifetimes short_life = { .code = 60, .access = 600,
	.refresh_idle = 60 * DAY, .absolute = 300, .retry_window = DAY };

/* ---- states ------------------------------------------------------------------- */

typedef void state_fn(struct grant *);

STATE void
open_grant(struct grant *g)
{
	*g = (struct grant){ .user = 1,
		.client = US,
		.subject = BI("urn:x:1"),
		.scope = BI("a:read b:read"),
		.redirect_uri = BI("https://app.example/cb"),
		.resource = BI("https://api.example https://other.example"),
		.has_challenge = true,
		.refreshable = true,
		.created_at = T,
		.code_expires_at = T + 60 };
	memset(g->challenge, 0x5A, sizeof(g->challenge));
}

STATE void
exempt(struct grant *g)
{
	open_grant(g);
	g->has_challenge = false;
}

/* Generation 3, made by the key 'k' at T, everything asked for. */
STATE void
live(struct grant *g)
{
	open_grant(g);
	g->state = GRANT_LIVE;
	g->generation = 3;
	g->epoch = 2;
	g->issued_at = T;
	g->access_expires_at = T + 600;
	g->refresh_expires_at = T + 60 * DAY;
	g->has_retry_key = true;
	memset(g->retry_key, 'k', sizeof(g->retry_key));
}

STATE void
redeemed(struct grant *g)
{
	live(g);
	g->generation = 1;
}

STATE void
redeemed_without_challenge(struct grant *g)
{
	redeemed(g);
	g->has_challenge = false;
}

STATE void
live_keyless(struct grant *g)
{
	live(g);
	g->has_retry_key = false;
}

STATE void
live_narrowed(struct grant *g)
{
	live(g);
	g->access_scope = B("a:read");
}

STATE void
live_until_500(struct grant *g)
{
	live(g);
	g->expires_at = T + 500;
}

STATE void
live_access_revoked(struct grant *g)
{
	live(g);
	g->access_expires_at = 0;
}

STATE void
live_unrefreshable(struct grant *g)
{
	live(g);
	g->refreshable = false;
}

STATE void
live_last(struct grant *g)
{
	live(g);
	g->generation = UINT32_MAX;
}

STATE void
ended(struct grant *g)
{
	live(g);
	g->state = GRANT_ENDED;
	g->end_reason = END_PERSON;
	g->ended_at = T;
}

STATE void
denied(struct grant *g)
{
	open_grant(g);
	g->state = GRANT_ENDED;
	g->end_reason = END_DENIED;
}

#define STILL_OPEN(reason) VERDICT_REFUSE, REASON_##reason, GRANT_OPEN, END_NONE, 0
#define STILL_LIVE(reason, n) VERDICT_REFUSE, REASON_##reason, GRANT_LIVE, END_NONE, n
#define NOW_ENDED(reason, end, n) VERDICT_REFUSE, REASON_##reason, GRANT_ENDED, end, n

/* What comes of an event. */
struct outcome_row {
	enum verdict_kind kind;
	enum reason reason;
	enum grant_state after;
	enum end_reason end;
	uint32_t generation;
};

STATE void
check_outcome(struct verdict v, const struct grant *before, const struct grant *after,
	const struct outcome_row *want)
{
	check_int(v.kind, want->kind);
	check_str(reason_name(v.reason), reason_name(want->reason));
	check_int(after->state, want->after);
	check_int(after->end_reason, want->end);
	check_int(after->generation, want->generation);
	/* What the verdict says about the row of the store is true (H-16). */
	check_int(v.changed, memcmp(before, after, sizeof(*before)) != 0);
	check((v.kind == VERDICT_REFUSE) == (v.reason != REASON_NONE));
}

#endif
