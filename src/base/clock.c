/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - reading the clocks, and time as text.
 */
#include "base/clock.h"

#include <time.h>

#define LAST_SECOND_OF_9999 INT64_C(253402300799)

static int64_t
milliseconds(clockid_t clock)
{
	struct timespec t;

	/* Cannot fail: these clocks always exist on Linux and t is ours. */
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_now(void)
{
	return milliseconds(CLOCK_REALTIME) / 1000;
}

int64_t
clock_now_ms(void)
{
	return milliseconds(CLOCK_REALTIME);
}

int64_t
clock_monotonic_ms(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

int64_t
clock_boot_ms(void)
{
	return milliseconds(CLOCK_BOOTTIME);
}

/* RFC 3339 has four digits for the year; what is outside 1970..9999 is clamped. */
const char *
clock_rfc3339(int64_t unix_seconds, char out[static 21])
{
	struct tm parts;
	time_t t;

	if (unix_seconds < 0)
		unix_seconds = 0;
	if (unix_seconds > LAST_SECOND_OF_9999)
		unix_seconds = LAST_SECOND_OF_9999;
	t = (time_t)unix_seconds;
	gmtime_r(&t, &parts);
	strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return out;
}

static uint64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

bool
clock_duration(struct bytes text, int64_t *out)
{
	uint64_t unit = text.n > 0 ? unit_seconds(text.p[text.n - 1]) : 0;
	struct bytes digits = bytes_slice(text, 0, unit > 0 ? text.n - 1 : text.n);
	uint64_t number;
	int64_t seconds;

	if (!bytes_to_u64(digits, &number) ||
		__builtin_mul_overflow(number, unit > 0 ? unit : 1, &seconds))
		return false;
	*out = seconds;
	return true;
}
