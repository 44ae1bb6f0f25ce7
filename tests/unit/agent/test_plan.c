/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/plan.c. */
#include "agent/plan.h"

#include "tap.h"

#define NOW INT64_C(1800000000)

static struct seen
token_of(int64_t issued, int64_t life)
{
	return (struct seen){ true, NOW - 90000, issued, issued + life };
}

TEST(a_refresh_is_due_between_70_and_85_per_cent_of_the_life)
{
	struct seen s = token_of(NOW, 1000);
	bool lowest = false, highest = false;

	for (uint32_t random = 0; random < 64; random++) {
		struct plan p = { .due = PLAN_NEVER };

		plan_look(&p, &s, NOW, random);
		check(p.due >= NOW + 700 && p.due <= NOW + 850);
		lowest = lowest || p.due == NOW + 700;
		highest = highest || p.due == NOW + 850;
	}
	check(lowest && highest);
}

TEST(what_is_late_is_due_soon_and_not_all_at_once)
{
	struct seen s = token_of(NOW - 5000, 1000);

	for (uint32_t random = 0; random < 8; random++) {
		struct plan p = { .due = PLAN_NEVER };

		plan_look(&p, &s, NOW, random);
		check(p.due >= NOW && p.due <= NOW + 3);
	}
}

TEST(who_never_refreshed_counts_from_the_connection)
{
	struct lk_info info = { .state = "connected", .outcome = "ok", .connected_at = NOW,
		.expires_at = NOW + 100 };
	struct seen s = seen_of(&info, NOW, 5000);
	struct plan p = { .due = PLAN_NEVER };

	plan_look(&p, &s, 5000, 0);
	check_int(p.due, 5070);
}

TEST(a_wall_clock_that_was_set_makes_no_refresh_late)
{
	static const int64_t steps[] = { -86400, -3600, -60, 0, 60, 3600, 86400 };
	struct lk_info info = { .state = "connected", .outcome = "ok",
		.connected_at = NOW - 90000, .refreshed_at = NOW };

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct plan p = { .due = PLAN_NEVER };
		int64_t wall = NOW + 100 + steps[i];
		struct seen s;

		row("%d", (int)steps[i]);
		info.expires_at = wall + 900; /* what lk_info makes of what is left */
		s = seen_of(&info, wall, 5100);
		check_int(s.expires_at, 6000);
		plan_look(&p, &s, 5100, 15);
		check(p.due >= 5100 && p.due <= 5100 + 900 * 85 / 100);
	}
}

TEST(nothing_is_planned_without_an_expiry_or_a_connection)
{
	struct seen silent = { true, NOW, NOW, 0 };
	struct seen ended = token_of(NOW, 1000);
	struct plan p = { .due = PLAN_NEVER };

	plan_look(&p, &silent, NOW, 0);
	check_int(p.due, PLAN_NEVER);
	ended.connected = false;
	plan_look(&p, &ended, NOW, 0);
	check_int(p.due, PLAN_NEVER);
}

TEST(a_look_that_finds_the_same_token_changes_no_plan)
{
	struct seen s = token_of(NOW, 1000);
	struct plan p = { .due = PLAN_NEVER };
	const struct lk_error later = { .status = LK_TRY_LATER, .retry_after = 400 };
	int64_t due;

	plan_look(&p, &s, NOW, 3);
	due = p.due;
	s.expires_at++; /* two readings of one clock */
	plan_look(&p, &s, NOW + 1, 9);
	check_int(p.due, due);
	plan_tried(&p, &s, &later, NOW + 700, 0);
	check_int(p.due, NOW + 1100);
	s.issued_at = s.connected_at; /* what the failure wrote into the vault */
	plan_look(&p, &s, NOW + 701, 0);
	check_int(p.due, NOW + 1100);
}

TEST(a_new_token_makes_a_new_plan)
{
	struct seen s = token_of(NOW, 1000);
	struct plan p = { .due = PLAN_NEVER };

	plan_look(&p, &s, NOW, 0);
	s = token_of(NOW + 600, 1000); /* another process refreshed */
	plan_look(&p, &s, NOW + 600, 0);
	check_int(p.due, NOW + 1300);
}

TEST(failures_are_tried_again_ever_more_seldom)
{
	struct seen s = token_of(NOW, 1000);
	const struct lk_error later = { .status = LK_TRY_LATER };
	struct plan p = { .due = NOW, .seen = s };
	int64_t longest = 0;

	for (int i = 0; i < 12; i++) {
		plan_tried(&p, &s, &later, NOW, UINT32_MAX);
		check(p.due >= NOW + 15 && p.due <= NOW + 900);
		plan_tried(&p, &s, &later, NOW, 0);
		check(p.due - NOW >= longest);
		longest = p.due - NOW;
	}
	check_int(longest, 450);
}

TEST(only_the_person_helps_where_it_is_final)
{
	static const enum lk_status final[] = { LK_RECONNECT, LK_DENIED,
		LK_CONFIGURATION, LK_NOT_FOUND, LK_REJECTED, LK_BUG };
	struct seen s = token_of(NOW, 1000), again = token_of(NOW + 5000, 1000);

	for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
		const struct lk_error e = { .status = final[i] };
		struct plan p = { .due = NOW, .seen = s };

		row("%s", lk_status_name(final[i]));
		plan_tried(&p, &s, &e, NOW + 800, 0);
		check_int(p.due, PLAN_NEVER);
		again.connected_at = NOW + 5000;
		plan_look(
			&p, &again, NOW + 5000, 0); /* the person has connected again */
		check_int(p.due, NOW + 5700);
	}
}

TEST(a_token_that_cannot_be_refreshed_is_not_asked_for_all_the_time)
{
	struct seen s = token_of(NOW, 1000);
	const struct lk_error ok = { .status = LK_OK };
	struct plan p = { .due = NOW, .seen = s };

	plan_tried(&p, &s, &ok, NOW + 800, 0);
	check(p.due >= NOW + 815);
	check_int(p.failures, 1);
}
