/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: grants, and client tokens revoked. */
#include "place.h"

static void
check_same_grant(const struct grant *got, const struct grant *want)
{
	check_memory(got->key, want->key, GRANT_KEY_SIZE);
	check_int(got->version, want->version);
	check_int(got->user, want->user);
	check_int(got->client, want->client);
	check_bytes(got->subject, want->subject);
	check_bytes(got->scope, want->scope);
	check_bytes(got->resource, want->resource);
	check_bytes(got->redirect_uri, want->redirect_uri);
	check_int(got->has_challenge, want->has_challenge);
	check_memory(got->challenge, want->challenge, sizeof(got->challenge));
	check_int(got->refreshable, want->refreshable);
	check_int(got->state, want->state);
	check_int(got->generation, want->generation);
	check_int(got->epoch, want->epoch);
	check_int(got->created_at, want->created_at);
	check_int(got->authenticated_at, want->authenticated_at);
	check_int(got->code_expires_at, want->code_expires_at);
	check_int(got->issued_at, want->issued_at);
	check_int(got->access_expires_at, want->access_expires_at);
	check_int(got->refresh_expires_at, want->refresh_expires_at);
	check_int(got->expires_at, want->expires_at);
	check_bytes(got->access_scope, want->access_scope);
	check_bytes(got->access_resource, want->access_resource);
	check_int(got->has_retry_key, want->has_retry_key);
	check_memory(got->retry_key, want->retry_key, RETRY_DIGEST_SIZE);
	check_int(got->last_used_at, want->last_used_at);
	check_int(got->end_reason, want->end_reason);
	check_int(got->ended_at, want->ended_at);
	check_int(got->ended_generation, want->ended_generation);
	check_bytes(got->ended_from, want->ended_from);
}

static struct grant
grant_ended(size_t number)
{
	struct grant g = grant_live(number);

	g.state = GRANT_ENDED;
	g.end_reason = END_DENIED;
	g.ended_at = NOW + 3;
	g.ended_generation = 1;
	g.ended_from = B("2001:db8::1");
	return g;
}

static struct grant
grant_with_everything(size_t number)
{
	struct grant g = grant_live(number);

	g.version = UINT32_MAX;
	g.generation = UINT32_MAX;
	g.epoch = 63;
	g.user = INT64_C(1) << 40;
	g.client = INT64_C(1) << 41;
	g.resource = B("https://api.example/ https://two.example/");
	g.access_scope = B("receipts:read");
	g.access_resource = B("https://two.example/");
	g.expires_at = (INT64_C(1) << 40) - 1;
	g.has_retry_key = true;
	memset(g.retry_key, 0xC3, sizeof(g.retry_key));
	return g;
}

static struct grant
grant_with_nothing(size_t number)
{
	struct grant g = { .state = GRANT_OPEN, .code_expires_at = NOW };

	key_of(number, g.key);
	return g;
}

TEST(a_grant_comes_back_as_it_went_in)
{
	struct place at = place_new();
	struct grant grants[] = { grant_live(0), grant_ended(1),
		grant_with_everything(2), grant_with_nothing(3) };

	for (size_t i = 0; i < 4; i++) {
		row("grant %zu", i);
		open_grant(&at, &grants[i]);
	}
	place_close(&at);
	check(place_open(&at));
	for (size_t i = 0; i < 4; i++) {
		struct grant_find c = find_grant(&at, i);

		row("grant %zu", i);
		if (check(c.found))
			check_same_grant(&c.grant, &grants[i]);
	}
	check(!find_grant(&at, 4).found);
	place_remove(&at);
}

/* RULEBOOK U-11 */
TEST(a_second_answer_to_the_same_request_changes_nothing)
{
	struct place at = place_new();
	struct grant first = grant_live(1), second = grant_ended(1);
	struct grant_open again = { .call = call_of(&at),
		.grant = second,
		.audit = { .at = NOW, .event = B("consent_denied") } };
	struct audit_list trail = { .call = call_of(&at), .limit = 10 };
	struct grant_find found;

	open_grant(&at, &first);
	check_int(run(&at, grant_open, &again), DONE);
	check(again.taken);
	found = find_grant(&at, 1);
	check_same_grant(&found.grant, &first);
	check_int(run(&at, audit_list, &trail), DONE);
	check_int((int64_t)trail.count, 0);
	place_remove(&at);
}

TEST(a_change_is_decided_by_the_rules_and_saved)
{
	struct place at = place_new();
	struct grant g = grant_live(1);
	struct grant_change c;
	struct grant_find found;

	open_grant(&at, &g);
	c = refresh_of(&at, 1, 1);
	c.refresh.scope = B("expenses:read");
	c.refresh.retry.present = true;
	memset(c.refresh.retry.key, 9, RETRY_DIGEST_SIZE);
	check_int(run(&at, grant_change, &c), DONE);
	check(c.found);
	check_int(c.verdict.kind, VERDICT_ISSUE);
	check_int(c.grant.generation, 2);
	check_int(c.grant.version, 3);
	found = find_grant(&at, 1);
	check_same_grant(&found.grant, &c.grant);
	check_int(found.grant.epoch, 3);
	check_bytes(found.grant.access_scope, B("expenses:read"));

	/* The retry key came back from the row: the same request is repeated. */
	c.refresh.generation = 1;
	check_int(run(&at, grant_change, &c), DONE);
	check_int(c.verdict.kind, VERDICT_REPEAT);
	check_int(c.grant.generation, 2);
	place_remove(&at);
}

static const struct bytes uris[] = { BI("https://partner.example/cb") };
static const struct client partner = { .redirect_uris = { uris, 1 } };

TEST(a_code_is_redeemed_once)
{
	struct place at = place_new();
	struct grant g = grant_with_nothing(1);
	struct grant_change c = {
		.call = call_of(&at),
		.event = GRANT_REDEEM,
		.now = NOW + 10,
		.redemption = { .client = 1,
			.redirect_uri = B("https://partner.example/cb"),
			.registration = &partner,
			.epoch = 1,
			.lifetimes = &lifetimes },
	};

	g.client = 1;
	g.created_at = NOW;
	g.code_expires_at = NOW + 60;
	g.redirect_uri = B("https://partner.example/cb");
	key_of(1, c.key);
	open_grant(&at, &g);
	check_int(run(&at, grant_change, &c), DONE);
	check_int(c.verdict.kind, VERDICT_ISSUE);
	check_int(find_grant(&at, 1).grant.state, GRANT_LIVE);
	check_int(run(&at, grant_change, &c), DONE);
	check_int(c.verdict.kind, VERDICT_REFUSE);
	check_int(find_grant(&at, 1).grant.state, GRANT_ENDED);
	check_int(find_grant(&at, 1).grant.end_reason, END_CODE_REPLAYED);
	place_remove(&at);
}

TEST(a_change_of_what_is_not_there_finds_nothing)
{
	struct place at = place_new();
	struct grant_change c = refresh_of(&at, 1, 1);

	check_int(run(&at, grant_change, &c), DONE);
	check(!c.found);
	place_remove(&at);
}

TEST(a_replay_ends_the_grant_and_is_on_the_trail)
{
	struct place at = place_new();
	struct grant g = grant_live(0x1a2b3c4d);
	struct audit_list trail = { .call = call_of(&at),
		.event = B("grant_ended"),
		.object = B("grant:1a2b3c4d"),
		.limit = 10 };
	struct grant_change c;

	open_grant(&at, &g);
	c = refresh_of(&at, 0x1a2b3c4d, 1);
	check_int(run(&at, grant_change, &c), DONE);
	check_int(run(&at, grant_change, &c), DONE);
	check_int(c.verdict.kind, VERDICT_REFUSE);
	check_int(c.grant.state, GRANT_ENDED);
	check_int(find_grant(&at, 0x1a2b3c4d).grant.end_reason, END_REFRESH_REPLAYED);
	check_int(run(&at, audit_list, &trail), DONE);
	if (check_int((int64_t)trail.count, 1)) {
		check_int(trail.entries[0].at, NOW + 10);
		check_bytes(trail.entries[0].from, B("192.0.2.7"));
		check(bytes_starts(trail.entries[0].detail, B("refresh_replayed: ")));
	}
	place_remove(&at);
}

TEST(only_its_own_client_ends_a_grant)
{
	struct place at = place_new();
	struct grant g = grant_live(1);
	struct grant_change c = { .call = call_of(&at),
		.event = GRANT_END,
		.now = NOW,
		.end = { .why = END_CLIENT, .generation = 1, .client = 2 } };

	key_of(1, c.key);
	open_grant(&at, &g);
	check_int(run(&at, grant_change, &c), DONE);
	check_int(c.verdict.reason, REASON_token_of_other_client);
	check_int(find_grant(&at, 1).grant.state, GRANT_LIVE);
	c.event = GRANT_END_ACCESS;
	c.end.client = 1;
	check_int(run(&at, grant_change, &c), DONE);
	check_int(find_grant(&at, 1).grant.access_expires_at, 0);
	check_int(find_grant(&at, 1).grant.state, GRANT_LIVE);
	c.event = GRANT_END;
	check_int(run(&at, grant_change, &c), DONE);
	check_int(find_grant(&at, 1).grant.end_reason, END_CLIENT);
	place_remove(&at);
}

/* ---- many at once -------------------------------------------------------- */

static void
open_six(struct place *at)
{
	for (size_t i = 0; i < 6; i++) {
		struct grant g = i == 5 ? grant_ended(i) : grant_live(i);

		g.user = (int64_t)(i % 2) + 1;
		g.client = (int64_t)(i % 3) + 1;
		open_grant(at, &g);
	}
}

TEST(grants_are_listed_newest_first)
{
	static const struct {
		int64_t user, client;
		bool ended_too;
		const char *prefix;
		size_t limit;
		const char *want; /* numbers of grants */
	} rows[] = {
		{ 0, 0, false, "", 99, "43210" },
		{ 0, 0, true, "", 99, "543210" },
		{ 0, 0, true, "", 2, "54" },
		{ 1, 0, false, "", 99, "420" },
		{ 2, 0, false, "", 99, "31" },
		{ 2, 0, true, "", 99, "531" },
		{ 0, 3, false, "", 99, "2" },
		{ 0, 3, true, "", 99, "52" },
		{ 2, 3, true, "", 99, "5" },
		{ 2, 3, false, "", 99, "" },
		{ 0, 0, false, "00000002", 99, "2" },
		{ 0, 0, false, "000000021", 99, "2" },
		{ 0, 0, false, "0000000", 99, "01234" },
		{ 2, 0, false, "0000000", 99, "13" },
		{ 0, 0, false, "00000002111111111111111111111111", 99, "2" },
		{ 0, 0, false, "000000021111111111111111111111112", 99, "" },
		{ 0, 0, true, "0000000x", 99, "" },
		{ 0, 0, true, "1", 99, "" },
		{ 9, 0, true, "", 99, "" },
	};
	struct place at = place_new();

	open_six(&at);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct grant_list c = { .call = call_of(&at),
			.user = rows[i].user,
			.client = rows[i].client,
			.ended_too = rows[i].ended_too,
			.key_prefix = bytes_of(rows[i].prefix),
			.limit = rows[i].limit };
		char got[8] = "";

		row("list %zu", i);
		check_int(run(&at, grant_list, &c), DONE);
		for (size_t n = 0; n < c.count && n < 7; n++)
			got[n] = (char)('0' + c.grants[n].key[3]);
		check_str(got, rows[i].want);
	}
	place_remove(&at);
}

TEST(all_grants_of_a_user_or_client_end_together)
{
	static const struct {
		int64_t user, client;
		size_t ended;
		const char *left;
	} rows[] = {
		{ 1, 0, 3, "31" },
		{ 0, 3, 1, "4310" },
		{ 1, 2, 1, "3210" },
		{ 9, 0, 0, "43210" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct place at = place_new();
		struct grants_end c = { .call = call_of(&at),
			.user = rows[i].user,
			.client = rows[i].client,
			.why = END_OPERATOR,
			.from = B("root"),
			.now = NOW };
		struct grant_list list = { .call = call_of(&at), .limit = 9 };
		struct audit_list trail = { .call = call_of(&at), .limit = 9 };
		char left[8] = "";

		row("ending %zu", i);
		open_six(&at);
		check_int(run(&at, grants_end, &c), DONE);
		check_int((int64_t)c.ended, (int64_t)rows[i].ended);
		check_int(run(&at, grant_list, &list), DONE);
		for (size_t n = 0; n < list.count; n++)
			left[n] = (char)('0' + list.grants[n].key[3]);
		check_str(left, rows[i].left);
		check_int(run(&at, audit_list, &trail), DONE);
		check_int((int64_t)trail.count, (int64_t)rows[i].ended);
		if (trail.count > 0)
			check_bytes(trail.entries[0].actor, B("operator:root"));
		place_remove(&at);
	}
}

static void
open_grants(struct place *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct grant g = grant_live(i);

		open_grant(at, &g);
	}
}

/* More than one transaction's worth (1,000): still one call and one answer. */
TEST(ending_thousands_is_one_call)
{
	struct place at = place_new();
	struct grants_end c = {
		.call = call_of(&at), .client = 1, .why = END_CLIENT_REMOVED, .now = NOW
	};
	struct grant_list list = { .call = call_of(&at), .limit = 9 };

	open_grants(&at, 2500);
	check_int(run(&at, grants_end, &c), DONE);
	check_int((int64_t)c.ended, 2500);
	check_int(run(&at, grant_list, &list), DONE);
	check_int((int64_t)list.count, 0);
	place_remove(&at);
}

/* Between the transactions of a long call others have their turn. */
TEST(ending_thousands_does_not_hold_up_the_rest)
{
	struct place at = place_new();
	struct grants_end c = {
		.call = call_of(&at), .client = 1, .why = END_CLIENT_REMOVED, .now = NOW
	};
	int between = 0;

	open_grants(&at, 3500);
	store_grants_end(at.port, &c);
	while (!c.call.finished) {
		struct token_revocation r = { .call = call_of(&at),
			.digest = { (uint8_t)between }, .expires_at = NOW + 60 };

		check_int(run(&at, token_revoke, &r), DONE);
		between += !c.call.finished;
	}
	check_int((int64_t)c.ended, 3500);
	check(between >= 2);
	place_remove(&at);
}

TEST(a_touch_is_noted_once_an_hour)
{
	struct place at = place_new();
	struct grant g = grant_live(1);
	uint8_t key[GRANT_KEY_SIZE];

	key_of(1, key);
	open_grant(&at, &g);
	store_grant_touch(at.port, key, NOW + 1800); /* too soon after the last use */
	place_close(&at); /* writes what nobody waited for */
	check(place_open(&at));
	check_int(find_grant(&at, 1).grant.last_used_at, NOW);
	store_grant_touch(at.port, key, NOW + 3600);
	for (int i = 1; i < 100; i++)
		store_grant_touch(at.port, key, NOW + 3600 + i);
	place_close(&at);
	check(place_open(&at));
	check_int(find_grant(&at, 1).grant.last_used_at, NOW + 3600);
	check_int(find_grant(&at, 1).grant.generation, 1);
	place_remove(&at);
}

/* ---- client tokens (RFC 7009) -------------------------------------------- */

TEST(a_revoked_client_token_is_known)
{
	struct place at = place_new();
	struct token_revocation c = {
		.call = call_of(&at), .digest = { 1, 2, 3 }, .expires_at = NOW + 600
	};

	check_int(run(&at, token_find_revoked, &c), DONE);
	check(!c.revoked);
	check_int(run(&at, token_revoke, &c), DONE);
	check_int(run(&at, token_revoke, &c), DONE); /* twice is once */
	check_int(run(&at, token_find_revoked, &c), DONE);
	check(c.revoked);
	c.digest[15] = 1;
	check_int(run(&at, token_find_revoked, &c), DONE);
	check(!c.revoked);
	place_remove(&at);
}
