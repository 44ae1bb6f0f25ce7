/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of store.h: two servers on one database. What either remembers of a grant
 * never decides against what the other has written since.
 */
#include "place.h"

/* One more server's way to the same database. */
static struct place
place_beside(const struct place *first)
{
	struct place at = *first;

	at.arena = arena_new();
	if (!place_open(&at)) {
		printf("# %s\n", at.fault.what);
		exit(1);
	}
	return at;
}

static void
place_leave(struct place *at)
{
	place_close(at);
	arena_free(at->arena);
}

static struct verdict
refresh(struct place *at, uint32_t generation, uint8_t key)
{
	struct grant_change c = refresh_of(at, 1, generation);

	c.refresh.retry.present = key != 0;
	memset(c.refresh.retry.key, key, RETRY_DIGEST_SIZE);
	check_int(run(at, grant_change, &c), DONE);
	check(c.found);
	if (c.verdict.kind != VERDICT_REFUSE)
		check_int(c.grant.generation, generation + 1);
	return c.verdict;
}

static struct grant
look(struct place *at)
{
	struct grant_find c = { .call = call_of(at) };

	key_of(1, c.key);
	check_int(run(at, grant_find, &c), DONE);
	check(c.found);
	return c.grant;
}

static void
end(struct place *at)
{
	struct grant_change c = { .call = call_of(at), .event = GRANT_END, .now = NOW + 20,
		.end = { .why = END_CLIENT, .generation = 2 } };

	key_of(1, c.key);
	check_int(run(at, grant_change, &c), DONE);
	check(c.verdict.changed);
}

/* Both have written generations of it, so that each has something to remember. */
static struct place
both_know(struct place *two)
{
	struct place one = place_new();
	struct grant g = grant_live(1);

	*two = place_beside(&one);
	open_grant(&one, &g);
	check_int(refresh(&one, 1, 0).kind, VERDICT_ISSUE);
	return one;
}

TEST(a_token_goes_from_server_to_server)
{
	struct place two, one = both_know(&two);

	for (uint32_t generation = 2; generation < 12; generation += 3) {
		check_int(refresh(&two, generation, 0).kind, VERDICT_ISSUE);
		check_int(refresh(&one, generation + 1, 0).kind, VERDICT_ISSUE);
		check_int(refresh(&one, generation + 2, 0).kind, VERDICT_ISSUE);
		check_int(look(&two).generation, generation + 3);
	}
	/* Only where nobody else wrote in between is a row of use. */
	check_int((int64_t)store_counts(one.store).recalled, place_on_postgres() ? 4 : 0);
	check_int((int64_t)store_counts(two.store).recalled, 0);
	place_leave(&two);
	place_remove(&one);
}

TEST(a_token_that_another_server_replaced_is_a_replay)
{
	struct place two, one = both_know(&two);

	check_int(refresh(&two, 2, 0).kind, VERDICT_ISSUE);
	check_int(refresh(&one, 2, 0).reason, REASON_refresh_replayed);
	check_int(look(&two).end_reason, END_REFRESH_REPLAYED);
	check_int(refresh(&two, 3, 0).kind, VERDICT_REFUSE);
	place_leave(&two);
	place_remove(&one);
}

TEST(a_request_that_another_server_answered_is_repeated)
{
	struct place two, one = both_know(&two);

	check_int(refresh(&two, 2, 7).kind, VERDICT_ISSUE);
	check_int(refresh(&one, 2, 7).kind, VERDICT_REPEAT);
	check_int(refresh(&two, 3, 8).kind, VERDICT_ISSUE);
	check_int(refresh(&two, 3, 8).kind, VERDICT_REPEAT);
	check_int(look(&one).generation, 4);
	place_leave(&two);
	place_remove(&one);
}

TEST(a_grant_that_another_server_ended_is_refused)
{
	struct place two, one = both_know(&two);

	end(&two);
	check_int(refresh(&one, 2, 0).kind, VERDICT_REFUSE);
	check_int(look(&one).end_reason, END_CLIENT);
	check_int(look(&one).generation, 2);
	place_leave(&two);
	place_remove(&one);
}

TEST(a_row_that_is_gone_is_not_found)
{
	struct place two, one = both_know(&two);
	struct grant_change c = refresh_of(&one, 1, 2);

	place_sql(&two, "DELETE FROM grants");
	check_int(run(&one, grant_change, &c), DONE);
	check(!c.found);
	place_leave(&two);
	place_remove(&one);
}

/* Its time as it was noted stays, and so does what a narrower token was asked for. */
TEST(a_touch_and_a_refresh_leave_each_other_alone)
{
	struct place two, one = both_know(&two);
	struct grant_change c = refresh_of(&one, 1, 2);
	uint8_t key[GRANT_KEY_SIZE];

	key_of(1, key);
	c.refresh.scope = B("receipts:read");
	check_int(run(&one, grant_change, &c), DONE);
	store_grant_touch(two.port, key, NOW + 7200);
	place_leave(&two); /* writes what nobody waited for */
	check_int(look(&one).last_used_at, NOW + 7200);
	check_bytes(look(&one).access_scope, B("receipts:read"));
	check_int(refresh(&one, 3, 0).kind, VERDICT_ISSUE);
	check_bytes(look(&one).access_scope, NONE);
	place_remove(&one);
}
