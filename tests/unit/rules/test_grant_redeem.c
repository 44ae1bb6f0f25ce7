/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/grant.c: the code (rulebook section 10). */
#include "grants.h"

static const struct bytes uris[] = { BI("https://app.example/cb") };
static const struct client registration = { .redirect_uris = { uris, 1 } };
static const struct client nothing_registered;

typedef void redeem_fn(struct redemption *);

static void
right(struct redemption *r)
{
	*r = (struct redemption){ .client = US, .client_is_public = true,
		.redirect_uri = BI("https://app.example/cb"),
		.registration = &registration, .has_verifier = true, .epoch = 2,
		.lifetimes = &lifetimes, .from = BI("192.0.2.1") };
	memset(r->verifier_challenge, 0x5A, sizeof(r->verifier_challenge));
}

static void
with_key(struct redemption *r)
{
	right(r);
	r->retry.present = true;
	memset(r->retry.key, 'k', sizeof(r->retry.key));
}

static void
other_client(struct redemption *r)
{
	with_key(r);
	r->client = THEM;
}

static void
other_uri(struct redemption *r)
{
	with_key(r);
	r->redirect_uri = B("https://app.example/cb/");
}

static void
no_uri(struct redemption *r)
{
	with_key(r);
	r->redirect_uri = NONE;
}

static void
no_uri_allowed(struct redemption *r)
{
	no_uri(r);
	r->redirect_uri_optional = true;
}

static void
no_uri_no_verifier(struct redemption *r)
{
	no_uri_allowed(r);
	r->has_verifier = false;
}

static void
withdrawn_uri(struct redemption *r)
{
	with_key(r);
	r->registration = &nothing_registered;
}

static void
withdrawn_uri_left_out(struct redemption *r)
{
	no_uri_allowed(r);
	r->registration = &nothing_registered;
}

static void
no_verifier(struct redemption *r)
{
	with_key(r);
	r->has_verifier = false;
}

static void
wrong_verifier(struct redemption *r)
{
	with_key(r);
	r->verifier_challenge[31] ^= 1;
}

static void
confidential_wrong_verifier(struct redemption *r)
{
	wrong_verifier(r);
	r->client_is_public = false;
}

static void
other_key(struct redemption *r)
{
	with_key(r);
	r->retry.key[0] = 'x';
}

static void
with_key_without_window(struct redemption *r)
{
	with_key(r);
	r->lifetimes = &no_retries;
}

static void
one_resource(struct redemption *r)
{
	with_key(r);
	r->resource = B("https://api.example");
}

static void
foreign_resource(struct redemption *r)
{
	with_key(r);
	r->resource = B("https://api.example https://bank.example");
}

TEST(redemption)
{
	static const struct {
		const char *rule;
		state_fn *state;
		redeem_fn *request;
		int64_t now;
		struct outcome_row want;
	} rows[] = {
#define ISSUED VERDICT_ISSUE, REASON_NONE, GRANT_LIVE, END_NONE, 1
#define REPEATED VERDICT_REPEAT, REASON_NONE, GRANT_LIVE, END_NONE, 1
		{ "A1", open_grant, right, T, { ISSUED } },
		{ "A1", open_grant, with_key, T + 1, { ISSUED } },
		{ "TC-03", open_grant, right, T + 59, { ISSUED } },
		{ "TC-03", open_grant, right, T + 60,
			{ NOW_ENDED(code_expired, END_CODE_EXPIRED, 0) } },
		{ "TC-03", open_grant, right, T + 61,
			{ NOW_ENDED(code_expired, END_CODE_EXPIRED, 0) } },
		{ "A5", open_grant, right, T - 60, { ISSUED } },
		{ "A5", open_grant, right, T - 120,
			{ NOW_ENDED(code_from_future, END_CODE_EXPIRED, 0) } },
		{ "TC-04", open_grant, other_client, T,
			{ STILL_OPEN(token_of_other_client) } },
		{ "TC-04", open_grant, other_client, T + 61,
			{ STILL_OPEN(token_of_other_client) } },
		{ "TC-04", redeemed, other_client, T,
			{ STILL_LIVE(token_of_other_client, 1) } },
		{ "TC-06", open_grant, other_uri, T,
			{ NOW_ENDED(redirect_uri_differs, END_CODE_BURNED, 0) } },
		{ "TC-06", open_grant, no_uri, T,
			{ NOW_ENDED(redirect_uri_absent, END_CODE_BURNED, 0) } },
		{ "D5", open_grant, no_uri_allowed, T, { ISSUED } },
		{ "D5", exempt, no_uri_no_verifier, T,
			{ NOW_ENDED(redirect_uri_absent, END_CODE_BURNED, 0) } },
		{ "D5", open_grant, no_uri_no_verifier, T,
			{ NOW_ENDED(verifier_missing, END_CODE_BURNED, 0) } },
		{ "R-11", open_grant, withdrawn_uri, T,
			{ NOW_ENDED(redirect_uri_withdrawn, END_CODE_BURNED, 0) } },
		{ "R-11", open_grant, withdrawn_uri_left_out, T,
			{ NOW_ENDED(redirect_uri_withdrawn, END_CODE_BURNED, 0) } },
		{ "TC-07", open_grant, no_verifier, T,
			{ NOW_ENDED(verifier_missing, END_CODE_BURNED, 0) } },
		{ "TC-07", open_grant, wrong_verifier, T,
			{ NOW_ENDED(verifier_wrong, END_CODE_BURNED, 0) } },
		{ "TC-08", exempt, right, T,
			{ NOW_ENDED(verifier_unexpected, END_CODE_BURNED, 0) } },
		{ "A-14", exempt, no_verifier, T, { ISSUED } },
		{ "RI-04", open_grant, one_resource, T, { ISSUED } },
		{ "RI-03", open_grant, foreign_resource, T,
			{ STILL_OPEN(resource_outside_grant) } },
		{ "TC-10", redeemed, right, T,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TC-12", live, right, T + 50 * DAY,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 3) } },
		{ "D4", redeemed, wrong_verifier, T,
			{ STILL_LIVE(code_replayed_unproven, 1) } },
		{ "D4", redeemed, no_verifier, T,
			{ STILL_LIVE(code_replayed_unproven, 1) } },
		{ "D4", redeemed, confidential_wrong_verifier, T,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TC-13", redeemed_without_challenge, no_verifier, T, { REPEATED } },
		{ "TC-13", redeemed, with_key, T, { REPEATED } },
		{ "TC-13", redeemed, with_key, T + 59, { REPEATED } },
		{ "TC-13", redeemed, with_key, T + 60,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TC-13", redeemed, other_key, T,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TC-13", redeemed, other_uri, T,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TC-13", redeemed, with_key_without_window, T,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TC-13", live, with_key, T,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 3) } },
		{ "TR-12", redeemed, one_resource, T,
			{ STILL_LIVE(retry_differs, 1) } },
		{ "A5", redeemed, with_key, T - 120, { STILL_LIVE(clock_behind, 1) } },
		{ "A5", redeemed, with_key_without_window, T - 120,
			{ NOW_ENDED(code_replayed, END_CODE_REPLAYED, 1) } },
		{ "TR-10", live_until_500, right, T + 500,
			{ NOW_ENDED(lifetime_over, END_LIFETIME, 3) } },
		{ "A1", denied, right, T, { NOW_ENDED(ended_denied, END_DENIED, 0) } },
		{ "A1", ended, with_key, T,
			{ NOW_ENDED(ended_by_person, END_PERSON, 3) } },
		{ "TC-04", ended, other_client, T,
			{ NOW_ENDED(token_of_other_client, END_PERSON, 3) } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant g, before;
		struct redemption r;
		struct verdict v;

		row("%zu: %s", i, rows[i].rule);
		rows[i].state(&g);
		rows[i].request(&r);
		before = g;
		v = grant_redeem(&g, &r, rows[i].now);
		check_outcome(v, &before, &g, &rows[i].want);
	}
}

/* TC-05: the second, correct try fails, and nothing is "revoked" by it. */
TEST(a_burned_code_stays_burned)
{
	struct grant g;
	struct redemption r;
	struct verdict v;

	open_grant(&g);
	wrong_verifier(&r);
	check(grant_redeem(&g, &r, T).changed);
	right(&r);
	v = grant_redeem(&g, &r, T + 1);
	check_int(v.kind, VERDICT_REFUSE);
	check_str(reason_name(v.reason), "code_burned");
	check(!v.changed);
	check_str(reason_why(v.reason), reason_why(REASON_grant_unknown));
}

TEST(a_redemption_sets_what_the_tokens_are)
{
	struct grant g;
	struct redemption r;

	open_grant(&g);
	one_resource(&r);
	r.lifetimes = &short_life;
	grant_redeem(&g, &r, T + 5);
	check_int(g.epoch, 2);
	check_int(g.issued_at, T + 5);
	check_int(g.expires_at, T + 305);
	/* T-09, TR-10: nothing outlives the absolute limit. */
	check_int(g.access_expires_at, T + 305);
	check_int(g.refresh_expires_at, T + 305);
	check_bytes(g.access_resource, B("https://api.example"));
	check_bytes(g.access_scope, NONE);
	check(g.has_retry_key);
	/* A limit that was set with the consent stands. */
	open_grant(&g);
	g.expires_at = T + 100;
	grant_redeem(&g, &r, T + 5);
	check_int(g.expires_at, T + 100);
	check_int(g.access_expires_at, T + 100);
}

