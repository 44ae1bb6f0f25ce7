/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry_after.c - dates are read by hand: strptime would follow the host's locale.
 */
#include "client/retry_after.h"

#include <time.h>

/* Cuts a number of just n digits off *rest, with what must follow it. */
static bool
take_number(struct bytes *rest, size_t n, struct bytes follows, int *out)
{
	uint64_t number;

	if (rest->n < n || !bytes_to_u64(bytes_slice(*rest, 0, n), &number))
		return false;
	*rest = bytes_slice(*rest, n, rest->n);
	if (!bytes_starts(*rest, follows))
		return false;
	*rest = bytes_slice(*rest, follows.n, rest->n);
	*out = (int)number;
	return true;
}

static bool
take_month(struct bytes *rest, struct bytes follows, int *out)
{
	static const struct bytes months = BI("JanFebMarAprMayJunJulAugSepOctNovDec");
	struct bytes name = bytes_slice(*rest, 0, 3);

	for (int i = 0; i < 12; i++) {
		if (!bytes_equal(name, bytes_slice(months, 3 * (size_t)i, 3)))
			continue;
		*rest = bytes_slice(*rest, 3, rest->n);
		*out = i;
		if (!bytes_starts(*rest, follows))
			return false;
		*rest = bytes_slice(*rest, follows.n, rest->n);
		return true;
	}
	return false;
}

static bool
take_clock(struct bytes *rest, struct tm *t)
{
	return take_number(rest, 2, B(":"), &t->tm_hour) &&
		take_number(rest, 2, B(":"), &t->tm_min) &&
		take_number(rest, 2, B(" "), &t->tm_sec);
}

/* "06 Nov 1994 08:49:37 GMT", after "Sun, " (IMF-fixdate). */
static bool
read_fixdate(struct bytes rest, struct tm *t)
{
	if (!take_number(&rest, 2, B(" "), &t->tm_mday) ||
		!take_month(&rest, B(" "), &t->tm_mon) ||
		!take_number(&rest, 4, B(" "), &t->tm_year))
		return false;
	t->tm_year -= 1900;
	return take_clock(&rest, t) && bytes_equal(rest, B("GMT"));
}

/* "06-Nov-94 08:49:37 GMT", after "Sunday, " (RFC 850): this century, which is the
 * one less than 50 years away (RFC 9110 5.6.7) until 2050. */
static bool
read_rfc850(struct bytes rest, struct tm *t)
{
	if (!take_number(&rest, 2, B("-"), &t->tm_mday) ||
		!take_month(&rest, B("-"), &t->tm_mon) ||
		!take_number(&rest, 2, B(" "), &t->tm_year))
		return false;
	t->tm_year += t->tm_year < 76 ? 100 : 0;
	return take_clock(&rest, t) && bytes_equal(rest, B("GMT"));
}

/* "Nov  6 08:49:37 1994", after "Sun " (asctime). */
static bool
read_asctime(struct bytes rest, struct tm *t)
{
	if (!take_month(&rest, B(" "), &t->tm_mon))
		return false;
	if (bytes_starts(rest, B(" "))) {
		rest = bytes_slice(rest, 1, rest.n);
		if (!take_number(&rest, 1, B(" "), &t->tm_mday))
			return false;
	} else if (!take_number(&rest, 2, B(" "), &t->tm_mday)) {
		return false;
	}
	if (!take_clock(&rest, t) || !take_number(&rest, 4, NONE, &t->tm_year))
		return false;
	t->tm_year -= 1900;
	return rest.n == 0;
}

static bool
read_date(struct bytes value, int64_t *out)
{
	struct tm t = { 0 };
	struct bytes rest = value;
	struct bytes day = bytes_cut(&rest, ' ');

	if (!bytes_ends(day, B(",")) ? !read_asctime(rest, &t) :
		!read_fixdate(rest, &t) && !read_rfc850(rest, &t))
		return false;
	if (t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 ||
		t.tm_sec > 60)
		return false;
	*out = timegm(&t);
	return true;
}

int64_t
retry_after_seconds(struct bytes value, int64_t now)
{
	uint64_t seconds;
	int64_t date;

	if (bytes_to_u64(value, &seconds))
		return seconds < RETRY_AFTER_MAX ? (int64_t)seconds : RETRY_AFTER_MAX;
	if (!read_date(value, &date) || date <= now)
		return 0;
	return date - now < RETRY_AFTER_MAX ? date - now : RETRY_AFTER_MAX;
}
