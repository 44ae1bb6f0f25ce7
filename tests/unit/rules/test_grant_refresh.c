/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/grant.c: the refresh token (rulebook section 11). */
#include "grants.h"

typedef void refresh_fn(struct refresh *);

static void
current(struct refresh *r)
{
	*r = (struct refresh){ .client = US, .generation = 3, .epoch = 5,
		.lifetimes = &lifetimes, .from = BI("192.0.2.1") };
}

static void
current_last(struct refresh *r)
{
	current(r);
	r->generation = UINT32_MAX;
}

static void
narrow(struct refresh *r)
{
	current(r);
	r->scope = B("a:read");
	r->resource = B("https://other.example");
}

static void
too_wide(struct refresh *r)
{
	current(r);
	r->scope = B("a:read c:read");
}

static void
elsewhere(struct refresh *r)
{
	current(r);
	r->resource = B("https://bank.example");
}

static void
their_current(struct refresh *r)
{
	current(r);
	r->client = THEM;
}

static void
ahead(struct refresh *r)
{
	current(r);
	r->generation = 4;
}

static void
zeroth(struct refresh *r)
{
	current(r);
	r->generation = 0;
}

static void
first(struct refresh *r)
{
	current(r);
	r->generation = 1;
}

static void
previous(struct refresh *r)
{
	current(r);
	r->generation = 2;
}

static void
previous_with_key(struct refresh *r)
{
	previous(r);
	r->retry.present = true;
	memset(r->retry.key, 'k', sizeof(r->retry.key));
}

static void
first_with_key(struct refresh *r)
{
	previous_with_key(r);
	r->generation = 1;
}

static void
zeroth_with_key(struct refresh *r)
{
	previous_with_key(r);
	r->generation = 0;
}

static void
previous_other_key(struct refresh *r)
{
	previous_with_key(r);
	r->retry.key[15] = 'x';
}

static void
previous_with_key_no_window(struct refresh *r)
{
	previous_with_key(r);
	r->lifetimes = &no_retries;
}

static void
previous_with_key_narrow(struct refresh *r)
{
	previous_with_key(r);
	r->scope = B("a:read");
}

static void
previous_with_key_elsewhere(struct refresh *r)
{
	previous_with_key(r);
	r->resource = B("https://bank.example");
}

static void
their_previous_with_key(struct refresh *r)
{
	previous_with_key(r);
	r->client = THEM;
}

static void
previous_recovering(struct refresh *r)
{
	previous(r);
	r->retry_without_key = 30;
}

static void
previous_recovering_with_key(struct refresh *r)
{
	previous_with_key(r);
	r->retry_without_key = 30;
}

static void
first_recovering(struct refresh *r)
{
	first(r);
	r->retry_without_key = 30;
}

TEST(refreshing)
{
	static const struct {
		const char *rule;
		state_fn *state;
		refresh_fn *request;
		int64_t now;
		struct outcome_row want;
	} rows[] = {
#define ISSUED VERDICT_ISSUE, REASON_NONE, GRANT_LIVE, END_NONE, 4
#define REPEATED VERDICT_REPEAT, REASON_NONE, GRANT_LIVE, END_NONE, 3
#define REPLAYED NOW_ENDED(refresh_replayed, END_REFRESH_REPLAYED, 3)
		{ "TR-04", live, current, T + 100, { ISSUED } },
		{ "TR-04", live, current, T + 60 * DAY - 1, { ISSUED } },
		{ "TR-06", live, current, T + 60 * DAY,
			{ NOW_ENDED(refresh_expired, END_REFRESH_EXPIRED, 3) } },
		{ "TR-06", live_until_500, current, T + 499, { ISSUED } },
		{ "TR-06", live_until_500, current, T + 500,
			{ NOW_ENDED(lifetime_over, END_LIFETIME, 3) } },
		{ "A5", live, current, T - 120, { ISSUED } },
		{ "TR-03", live, their_current, T,
			{ STILL_LIVE(token_of_other_client, 3) } },
		{ "TR-03", live, their_previous_with_key, T,
			{ STILL_LIVE(token_of_other_client, 3) } },
		{ "TR-05", live, previous, T, { REPLAYED } },
		{ "TR-05", live, first, T + 50 * DAY, { REPLAYED } },
		{ "TR-05", live_keyless, previous, T, { REPLAYED } },
		{ "TR-05", live_keyless, previous, T - 50, { REPLAYED } },
		{ "TR-07", ended, current, T,
			{ NOW_ENDED(ended_by_person, END_PERSON, 3) } },
		{ "TR-08", live, narrow, T, { ISSUED } },
		{ "TR-09", live, too_wide, T, { STILL_LIVE(scope_exceeds_grant, 3) } },
		{ "RI-03", live, elsewhere, T,
			{ STILL_LIVE(resource_outside_grant, 3) } },
		{ "TR-06", live, too_wide, T + 60 * DAY,
			{ NOW_ENDED(refresh_expired, END_REFRESH_EXPIRED, 3) } },
		{ "TR-11", live, previous_with_key, T, { REPEATED } },
		{ "TR-11", live, previous_with_key, T + DAY - 1, { REPEATED } },
		{ "TR-11", live, previous_with_key, T + DAY, { REPLAYED } },
		{ "TR-11", live, previous_other_key, T, { REPLAYED } },
		{ "TR-11", live_keyless, previous_with_key, T, { REPLAYED } },
		{ "TR-11", live, first_with_key, T, { REPLAYED } },
		{ "TR-11", live, previous_with_key_no_window, T, { REPLAYED } },
		{ "TR-11", live, previous_with_key_no_window, T - 50, { REPLAYED } },
		{ "TR-11", live_until_500, previous_with_key, T + 500,
			{ NOW_ENDED(lifetime_over, END_LIFETIME, 3) } },
		{ "TR-11", live_access_revoked, previous_with_key, T, { REPEATED } },
		{ "A5", live, previous_with_key, T - 50, { REPEATED } },
		{ "A5", live, previous_with_key, T - 120,
			{ STILL_LIVE(clock_behind, 3) } },
		{ "TR-12", live, previous_with_key_narrow, T,
			{ STILL_LIVE(retry_differs, 3) } },
		{ "TR-12", live_narrowed, previous_with_key_narrow, T, { REPEATED } },
		{ "TR-12", live_narrowed, previous_with_key, T,
			{ STILL_LIVE(retry_differs, 3) } },
		{ "TR-12", live, previous_with_key_elsewhere, T,
			{ STILL_LIVE(retry_differs, 3) } },
		{ "TR-13", live_keyless, previous_recovering, T + 29, { REPEATED } },
		{ "TR-13", live_keyless, previous_recovering, T + 30, { REPLAYED } },
		{ "TR-13", live_keyless, first_recovering, T, { REPLAYED } },
		{ "TR-13", live, previous_recovering, T, { REPLAYED } },
		{ "TR-13", live_keyless, previous_recovering_with_key, T,
			{ REPLAYED } },
		{ "TR-13", live, previous_recovering_with_key, T + 29, { REPEATED } },
		{ "TR-17", live_unrefreshable, current, T,
			{ STILL_LIVE(refresh_not_issued, 3) } },
		{ "TR-02", live, zeroth, T, { STILL_LIVE(refresh_not_issued, 3) } },
		{ "TR-02", redeemed, zeroth_with_key, T,
			{ STILL_LIVE(refresh_not_issued, 1) } },
		{ "invariant 6", live, ahead, T,
			{ NOW_ENDED(grant_rolled_back, END_ROLLED_BACK, 3) } },
		{ "invariant 6", open_grant, first, T,
			{ NOW_ENDED(grant_rolled_back, END_ROLLED_BACK, 0) } },
		{ "overflow", live_last, current_last, T,
			{ NOW_ENDED(lifetime_over, END_LIFETIME, UINT32_MAX) } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant g, before;
		struct refresh r;
		struct verdict v;

		row("%zu: %s", i, rows[i].rule);
		rows[i].state(&g);
		rows[i].request(&r);
		before = g;
		v = grant_refresh(&g, &r, rows[i].now);
		check_outcome(v, &before, &g, &rows[i].want);
	}
}

/* TR-08, TR-10, and what else a new generation is. */
TEST(a_refresh_sets_what_the_tokens_are)
{
	struct grant g;
	struct refresh r;

	live_until_500(&g);
	narrow(&r);
	grant_refresh(&g, &r, T + 100);
	check_int(g.epoch, 5);
	check_int(g.issued_at, T + 100);
	check_int(g.expires_at, T + 500);
	check_int(g.access_expires_at, T + 500);
	check_int(g.refresh_expires_at, T + 500);
	check_bytes(g.access_scope, B("a:read"));
	check_bytes(g.access_resource, B("https://other.example"));
	check_bytes(g.scope, B("a:read b:read"));
	check(!g.has_retry_key);
	/* The next one without scope has the full grant again. */
	current(&r);
	r.generation = 4;
	grant_refresh(&g, &r, T + 101);
	check_bytes(g.access_scope, NONE);
	check_bytes(g.access_resource, NONE);
}

/* The idle limit slides, whichever way the clock went meanwhile. */
TEST(a_refresh_heals_every_time)
{
	struct grant g;
	struct refresh r;

	live(&g);
	current(&r);
	grant_refresh(&g, &r, T - DAY);
	check_int(g.issued_at, T - DAY);
	check_int(g.access_expires_at, T - DAY + 600);
	check_int(g.refresh_expires_at, T + 59 * DAY);
}

/* TR-11: an access token that ran out gets a new life; nothing else moves. */
TEST(a_repeat_gives_a_new_life_to_what_ran_out_and_no_more)
{
	struct grant g, before;
	struct refresh r;
	struct verdict v;

	live(&g);
	previous_with_key(&r);
	before = g;
	v = grant_refresh(&g, &r, T + 599);
	check(!v.changed);
	v = grant_refresh(&g, &r, T + 600);
	check(v.changed);
	check_int(g.access_expires_at, T + 1200);
	before.access_expires_at = g.access_expires_at;
	check_memory(&g, &before, sizeof(g));
	/* but never beyond the absolute limit (T-09) */
	live(&g);
	g.expires_at = T + 700;
	grant_refresh(&g, &r, T + 650);
	check_int(g.access_expires_at, T + 700);
	/* and not one that the client revoked (RV-05) */
	live_access_revoked(&g);
	v = grant_refresh(&g, &r, T + 601);
	check_int(v.kind, VERDICT_REPEAT);
	check(!v.changed);
	check_int(g.access_expires_at, 0);
}

/* The retry window outlives a short idle limit: nothing dead is given out. */
TEST(a_repeat_does_not_revive_an_idle_grant)
{
	struct grant g;
	struct refresh r;
	struct verdict v;

	live(&g);
	g.refresh_expires_at = T + 3600;
	previous_with_key(&r);
	v = grant_refresh(&g, &r, T + 3600);
	check_int(v.kind, VERDICT_REFUSE);
	check_int(g.end_reason, END_REFRESH_EXPIRED);
}

/* For explain: which generation, when, from where. */
TEST(an_end_keeps_its_circumstances)
{
	struct grant g;
	struct refresh r;

	live(&g);
	first(&r);
	grant_refresh(&g, &r, T + 77);
	check_int(g.ended_generation, 1);
	check_int(g.ended_at, T + 77);
	check_bytes(g.ended_from, B("192.0.2.1"));
	check(!g.has_retry_key);
}
