/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/backoff.c: CL-32. */
#include "client/backoff.h"

#include "base/secret.h"
#include "tap.h"

TEST(CL_32_the_bound_doubles_up_to_the_cap)
{
	static const int64_t bounds[] = { 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

	for (int i = 0; i < 8; i++) {
		row("attempt %d", i + 1);
		check_int(backoff_ms(i + 1, 100, 0, 0), 0);
		check_int(backoff_ms(i + 1, 100, (uint64_t)bounds[i], 0), bounds[i]);
		check_int(backoff_ms(i + 1, 100, (uint64_t)bounds[i] + 1, 0), 0);
	}
	check_int(backoff_ms(99, 100, UINT64_MAX, 0), (int64_t)(UINT64_MAX % 30001));
}

TEST(CL_32_attempts_are_limited)
{
	check_int(backoff_ms(3, 4, 7, 0), 7);
	check_int(backoff_ms(4, 4, 7, 0), -1);
	check_int(backoff_ms(5, 4, 7, 60), -1);
	check_int(backoff_ms(1, 1, 7, 0), -1);
}

TEST(CL_32_retry_after_is_the_minimum)
{
	check_int(backoff_ms(1, 4, 0, 60), 60000);
	check_int(backoff_ms(1, 4, 500, 60), 60500);
	check_int(backoff_ms(1, 4, 500, 86400), 86400500);
}

/* Full jitter: all of the range is used, evenly. */
TEST(CL_32_the_jitter_is_full)
{
	int quarters[4] = { 0 };

	for (int i = 0; i < 4000; i++) {
		uint64_t random;
		int64_t ms;

		secret_random(&random, sizeof(random));
		ms = backoff_ms(3, 4, random, 0);
		check(ms >= 0 && ms <= 2000);
		quarters[ms * 4 / 2001]++;
	}
	for (int i = 0; i < 4; i++) {
		row("quarter %d has %d of 4000", i, quarters[i]);
		check(quarters[i] > 800 && quarters[i] < 1200); /* 1000, seven deviations */
	}
}
