/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/grant.c: ending, asking, reclaiming, and what is said of an end. */
#include "grants.h"

TEST(ending_is_for_good)
{
	static state_fn *const states[] = { open_grant, live };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (enum end_reason why = END_DENIED; why < END_REASON_COUNT; why++) {
			struct grant g;
			struct verdict v;

			row("state %zu, %s", i, end_reason_name(why));
			states[i](&g);
			v = grant_end(&g, why, 2, B("ops"), T + 9);
			check_int(v.kind, VERDICT_REFUSE);
			check(v.changed);
			check_int(g.end_reason, why);
			check_int(g.ended_generation, 2);
			check_bytes(g.ended_from, B("ops"));
			/* Invariant 2: a second end changes nothing. */
			v = grant_end(&g, END_OPERATOR, 9, B("late"), T + 10);
			check(!v.changed);
			check_int(g.end_reason, why);
			check_int(g.ended_at, T + 9);
			for (uint32_t n = 0; n < 5; n++) {
				check(!grant_honours(&g, TOKEN_CODE, n, T + 1));
				check(!grant_honours(&g, TOKEN_ACCESS, n, T + 1));
				check(!grant_honours(&g, TOKEN_REFRESH, n, T + 1));
			}
		}
	}
}

/* RFC 7009; RV-05 */
TEST(ending_an_access_token_leaves_the_refresh_token)
{
	struct grant g, before;
	struct verdict v;

	live(&g);
	before = g;
	v = grant_end_access(&g, 2, T);
	check(!v.changed);
	check_memory(&g, &before, sizeof(g));
	v = grant_end_access(&g, 3, T);
	check(v.changed);
	check(!grant_honours(&g, TOKEN_ACCESS, 3, T));
	check(grant_honours(&g, TOKEN_REFRESH, 3, T));
	v = grant_end_access(&g, 3, T);
	check(!v.changed);
	/* Invariant 6 */
	v = grant_end_access(&g, 4, T);
	check(v.changed);
	check_int(g.end_reason, END_ROLLED_BACK);
	v = grant_end_access(&g, 3, T);
	check(!v.changed);
}

TEST(what_is_honoured)
{
	static const struct {
		const char *rule;
		state_fn *state;
		enum token_kind kind;
		uint32_t generation;
		int64_t now;
		bool honoured;
	} rows[] = {
		{ "TC-03", open_grant, TOKEN_CODE, 0, T, true },
		{ "TC-03", open_grant, TOKEN_CODE, 0, T + 59, true },
		{ "TC-03", open_grant, TOKEN_CODE, 0, T + 60, false },
		{ "A5", open_grant, TOKEN_CODE, 0, T - 120, false },
		{ "A1", open_grant, TOKEN_ACCESS, 0, T, false },
		{ "A1", open_grant, TOKEN_REFRESH, 0, T, false },
		{ "TC-10", live, TOKEN_CODE, 0, T, false },
		{ "T-07", live, TOKEN_ACCESS, 3, T, true },
		{ "T-07", live, TOKEN_ACCESS, 2, T, false },
		{ "T-07", live, TOKEN_ACCESS, 4, T, false },
		{ "T-09", live, TOKEN_ACCESS, 3, T + 599, true },
		{ "T-09", live, TOKEN_ACCESS, 3, T + 600, false },
		{ "T-09", live_until_500, TOKEN_ACCESS, 3, T + 500, false },
		{ "A5", live, TOKEN_ACCESS, 3, T - 60, true },
		{ "A5", live, TOKEN_ACCESS, 3, T - 61, false },
		{ "RV-05", live_access_revoked, TOKEN_ACCESS, 3, T, false },
		{ "T-07", live, TOKEN_REFRESH, 3, T, true },
		{ "TR-05", live, TOKEN_REFRESH, 2, T, false },
		{ "TR-06", live, TOKEN_REFRESH, 3, T + 60 * DAY, false },
		{ "TR-06", live_until_500, TOKEN_REFRESH, 3, T + 500, false },
		{ "TR-17", live_unrefreshable, TOKEN_REFRESH, 3, T, false },
		{ "TR-07", ended, TOKEN_REFRESH, 3, T, false },
		{ "TR-07", ended, TOKEN_ACCESS, 3, T, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant g;

		row("%zu: %s", i, rows[i].rule);
		rows[i].state(&g);
		check_int(grant_honours(&g, rows[i].kind, rows[i].generation,
			rows[i].now), rows[i].honoured);
	}
}

/* A second life, begun when the clock was far ahead, is bounded when it is put back. */
TEST(a_second_life_does_not_outlast_the_longest_access_token)
{
	struct grant g;

	live(&g);
	g.access_expires_at = T + 20 * 3600;
	check(grant_honours(&g, TOKEN_ACCESS, 3, T + 20 * 3600 - 1));
	check(grant_honours(&g, TOKEN_ACCESS, 3, T + 19 * 3600));
	check(!grant_honours(&g, TOKEN_ACCESS, 3, T + 10 * 3600));
}

TEST(a_row_is_reclaimed_only_when_nothing_of_it_can_be_good)
{
	static const struct {
		state_fn *state;
		int64_t keep, now;
		bool reclaimable;
	} rows[] = {
		{ open_grant, DAY, T + 60 + DAY - 1, false },
		{ open_grant, DAY, T + 60 + DAY, true },
		/* U-11: not before a second submission of the consent has failed. */
		{ open_grant, 0, T + 60 + 3599, false },
		{ open_grant, 0, T + 60 + 3600, true },
		{ ended, DAY, T + DAY - 1, false },
		{ ended, DAY, T + DAY, true },
		{ live, DAY, T + 61 * DAY - 1, false },
		{ live, DAY, T + 61 * DAY, true },
		{ live_access_revoked, DAY, T + 61 * DAY - 1, false },
		{ live_unrefreshable, DAY, T + 600 + DAY - 1, false },
		{ live_unrefreshable, DAY, T + 600 + DAY, true },
		{ live, DAY, T - 400 * DAY, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant g;

		row("%zu", i);
		rows[i].state(&g);
		check_int(grant_reclaimable(&g, rows[i].keep, rows[i].now),
			rows[i].reclaimable);
	}
}

TEST(every_end_has_a_name_a_sentence_and_a_meaning)
{
	for (enum end_reason why = END_NONE; why < END_REASON_COUNT; why++) {
		struct grant g;
		struct verdict v;

		row("%d", (int)why);
		if (!check(end_reason_name(why) != NULL))
			continue;
		check(strlen(end_reason_sentence(why)) > 10);
		for (enum end_reason other = END_NONE; other < why; other++)
			check(strcmp(end_reason_name(why), end_reason_name(other)) !=
				0);
		live(&g);
		v = grant_end(&g, why, 3, NONE, T);
		check((why == END_NONE) == (v.reason == REASON_NONE));
		check(why == END_NONE || reason_error(v.reason) == INVALID_GRANT);
	}
}
