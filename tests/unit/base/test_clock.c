/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/clock.c. */
#include "base/clock.h"

#include "tap.h"

TEST(the_clocks_agree_and_do_not_run_backwards)
{
	int64_t before = clock_monotonic_ms(), now = clock_now();

	check(clock_now_ms() / 1000 - now <= 1);
	check(now > INT64_C(1700000000));
	check(clock_monotonic_ms() >= before);
}

TEST(time_is_written_as_rfc_3339)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 1795442709, "2026-11-23T14:05:09Z" },
		{ INT64_C(253402300799), "9999-12-31T23:59:59Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },
		{ -1, "1970-01-01T00:00:00Z" },
		{ INT64_MIN, "1970-01-01T00:00:00Z" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[21];

		check_str(clock_rfc3339(rows[i].seconds, out), rows[i].text);
	}
}

TEST(durations_have_one_unit_and_no_sign)
{
	static const struct {
		struct bytes text;
		int64_t seconds; /* -1: not a duration */
	} rows[] = {
		{ BI("0"), 0 },
		{ BI("90"), 90 },
		{ BI("15m"), 900 },
		{ BI("24h"), 86400 },
		{ BI("60d"), 5184000 },
		{ BI("9223372036854775807"), INT64_MAX },
		{ BI("9223372036854775808"), -1 },
		{ BI("106751991167301d"), -1 },
		{ BI(""), -1 },
		{ BI("m"), -1 },
		{ BI("1w"), -1 },
		{ BI("1M"), -1 },
		{ BI("1mm"), -1 },
		{ BI("1m30"), -1 },
		{ BI("-1m"), -1 },
		{ BI(" 1m"), -1 },
		{ BI("1 m"), -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t seconds = -1;

		row("%.*s", BYTES_FMT(rows[i].text));
		check_int(clock_duration(rows[i].text, &seconds),
			rows[i].seconds >= 0);
		check_int(seconds, rows[i].seconds);
	}
}
