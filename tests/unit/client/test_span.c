/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span of time survives what clocks do: a step, a suspend, a reboot, a damaged record.
 */
#include "client_test.h"
#include "client/span.h"

#define HERE "11111111-1111-1111-1111-111111111111"
#define ELSEWHERE "22222222-2222-2222-2222-222222222222"
#define WALL INT64_C(1800000000000)

TEST(what_is_left_of_an_hour)
{
	const struct moment began = { HERE, 5000, WALL };
	const struct span hour = span_from(&began, 5000, 3600000);
	static const struct {
		const char *what;
		struct moment now;
		int64_t left;
	} rows[] = {
		{ "at once", { HERE, 5000, WALL }, 3600000 },
		{ "a minute later", { HERE, 65000, WALL + 60000 }, 3540000 },
		{ "the wall clock was set back a day", { HERE, 65000, WALL - 86400000 },
			3540000 },
		{ "the wall clock was set on a day", { HERE, 65000, WALL + 86400000 },
			3540000 },
		{ "a suspend, which boottime counts", { HERE, 3605000, WALL }, 0 },
		{ "the last millisecond", { HERE, 3604999, WALL }, 1 },
		{ "another boot, a minute later", { ELSEWHERE, 9000, WALL + 60000 }, 3540000 },
		{ "another boot, an hour later", { ELSEWHERE, 1, WALL + 3600000 }, 0 },
		{ "another boot, and the clock was set back", { ELSEWHERE, 1, WALL - 1 }, 0 },
		{ "another boot, and the clock is at its start", { ELSEWHERE, 1, 0 }, 0 },
		{ "no boot id now", { "", 6000, WALL + 60000 }, 3540000 },
		{ "this boot says more than there was", { HERE, 1, WALL + 60000 }, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].what);
		check_int(span_left_ms(&hour, &rows[i].now), rows[i].left);
	}
}

TEST(it_counts_from_when_the_request_was_sent)
{
	const struct moment answered = { HERE, 9000, WALL };
	const struct span s = span_from(&answered, 5000, 10000);

	check_int(span_left_ms(&s, &answered), 6000);
	check_int(s.end_wall_ms, WALL + 6000);
}

TEST(without_a_boot_id_the_wall_clock_decides)
{
	const struct moment began = { "", 5000, WALL };
	const struct span s = span_from(&began, 5000, 10000);
	const struct moment later = { "", 900000, WALL + 1000 };

	check_int(span_left_ms(&s, &later), 9000);
}

TEST(none_and_absurd_ones_are_over)
{
	const struct moment now = { HERE, 5000, WALL };
	const struct span absurd[] = {
		{ 0 },
		{ 0, BI(HERE), 9000, WALL + 4000 },
		{ 1000, BI(HERE), INT64_MAX, INT64_MAX },
		{ 1000, BI(HERE), 0, 0 },
		{ 1000, BI(ELSEWHERE), 6000, INT64_MAX },
	};

	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		row("%zu", i);
		check_int(span_left_ms(&absurd[i], &now), 0);
	}
}

TEST(one_that_was_over_before_it_was_known_has_no_negative_end)
{
	const struct moment now = { HERE, 5000, 0 };
	const struct span s = span_from(&now, 0, 1000);

	check_int(s.end_wall_ms, 0);
	check_int(span_left_ms(&s, &now), 0);
}

TEST(this_boot_has_an_id)
{
	char first[BOOT_ID_SIZE], second[BOOT_ID_SIZE];

	boot_id_read(first);
	boot_id_read(second);
	check_int((int64_t)strlen(first), BOOT_ID_SIZE - 1);
	check_str(first, second);
}
