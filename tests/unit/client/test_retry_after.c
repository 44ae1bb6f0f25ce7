/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/retry_after.c: CL-32, RFC 9110 10.2.3 and 5.6.7. */
#include "client/retry_after.h"

#include "tap.h"

#define NOW INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

TEST(CL_32_seconds_or_a_date_in_three_forms)
{
	static const struct {
		const char *value;
		int64_t want;
	} rows[] = {
		{ "0", 0 }, { "1", 1 }, { "120", 120 }, { "86400", 86400 },
		{ "86401", RETRY_AFTER_MAX }, { "18446744073709551615", RETRY_AFTER_MAX },
		{ "18446744073709551616", 0 }, { "-1", 0 }, { "+1", 0 }, { "1.5", 0 }, { "", 0 },
		{ "soon", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 }, { "Sun, 06 Nov 1994 08:49:36 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60 },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60 },
		{ "Sun Nov  6 08:50:37 1994", 60 },
		{ "Mon, 07 Nov 1994 08:49:37 GMT", 86400 },
		{ "Wed Nov 16 08:49:37 1994", RETRY_AFTER_MAX },
		{ "Wed, 21 Oct 2065 07:28:00 GMT", RETRY_AFTER_MAX },
		{ "Saturday, 06-Nov-32 08:50:37 GMT", RETRY_AFTER_MAX },
		{ "Sun, 06 Nov 1994 08:50:37", 0 }, { "Sun, 06 Nov 1994 08:50:37 CET", 0 },
		{ "Sun, 6 Nov 1994 08:50:37 GMT", 0 }, { "Sun, 06 nov 1994 08:50:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 24:50:37 GMT", 0 }, { "Sun, 32 Nov 1994 08:50:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT x", 0 }, { "Sun, ", 0 }, { "Sun", 0 },
		{ "Sun Nov", 0 }, { "Sun Nov  ", 0 }, { ", ", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].value);
		check_int(retry_after_seconds(bytes_of(rows[i].value), NOW), rows[i].want);
	}
}
