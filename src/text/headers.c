/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headers.c - a handful of header fields, each by its grammar and no further.
 */
#include "text/headers.h"

#include "text/base64url.h"
#include "text/form.h"

static bool
alphanumeric(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9');
}

static bool
one_of(char c, struct bytes set)
{
	return bytes_index(set, c) < set.n;
}

/* RFC 9110 section 5.6.2. */
static bool
token_valid(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!alphanumeric(b.p[i]) && !one_of(b.p[i], B("!#$%&'*+-.^_`|~")))
			return false;
	return b.n > 0;
}

/* OWS = *( SP / HTAB ), RFC 9110 section 5.6.3. */
static struct bytes
trim(struct bytes b)
{
	while (b.n > 0 && one_of(b.p[0], B(" \t")))
		b = bytes_slice(b, 1, b.n);
	while (b.n > 0 && one_of(b.p[b.n - 1], B(" \t")))
		b.n--;
	return b;
}

/* RFC 9110 section 11.4: credentials = auth-scheme [ 1*SP ( token68 / ... ) ]. */
bool
authorization_split(struct bytes value, struct bytes *scheme, struct bytes *rest)
{
	struct bytes after = value;
	struct bytes before = bytes_cut(&after, ' ');

	while (bytes_starts(after, B(" ")))
		after = bytes_slice(after, 1, after.n);
	if (!token_valid(before) || after.n == 0)
		return false;
	*scheme = before;
	*rest = after;
	return true;
}

bool
token68_valid(struct bytes b)
{
	while (bytes_ends(b, B("=")))
		b.n--;
	for (size_t i = 0; i < b.n; i++)
		if (!alphanumeric(b.p[i]) && !one_of(b.p[i], B("-._~+/")))
			return false;
	return b.n > 0;
}

bool
basic_credentials(struct arena *a, struct bytes rest, struct bytes *id,
	struct bytes *secret)
{
	struct bytes user, password;
	char *plain = arena_alloc(a, rest.n + 1);
	size_t n;

	if (!base64_decode(rest, plain, rest.n, &n))
		return false;
	/* RFC 7617 section 2: the first colon divides; later ones are password. */
	password = (struct bytes){ plain, n };
	if (bytes_index(password, ':') == n)
		return false;
	user = bytes_cut(&password, ':');
	/* RFC 6749 section 2.3.1: each half had been form-encoded. */
	if (!form_decode(a, user, &user) || !form_decode(a, password, &password))
		return false;
	/* RFC 7617 section 2: no control characters; we announce UTF-8. */
	if (!utf8_text(user) || !utf8_text(password))
		return false;
	*id = user;
	*secret = password;
	return true;
}

/* RFC 6265 section 4.1.1, cookie-octet. */
static bool
cookie_value_valid(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] <= 0x20 || b.p[i] > 0x7E || one_of(b.p[i], B("\",;\\")))
			return false;
	return true;
}

struct bytes
cookie_get(struct bytes field, struct bytes name)
{
	struct bytes found = NONE;
	size_t times = 0;

	while (field.n > 0) {
		struct bytes value = trim(bytes_cut(&field, ';'));
		bool pair = bytes_index(value, '=') < value.n;

		if (!pair || !bytes_equal(bytes_cut(&value, '='), name))
			continue;
		found = value;
		times++;
	}
	return times == 1 && cookie_value_valid(found) ? found : NONE;
}

bool
media_type_is(struct bytes value, struct bytes type)
{
	return bytes_equal_nocase(trim(bytes_cut(&value, ';')), type);
}

bool
media_type_is_form(struct bytes value)
{
	struct bytes parameter = value;
	struct bytes type = trim(bytes_cut(&parameter, ';'));

	if (!bytes_equal_nocase(type, B("application/x-www-form-urlencoded")))
		return false;
	/* H-08: the only parameter tolerated is charset=utf-8, token or quoted. */
	if (bytes_index(value, ';') == value.n)
		return true;
	parameter = trim(parameter);
	return bytes_equal_nocase(parameter, B("charset=utf-8")) ||
		bytes_equal_nocase(parameter, B("charset=\"utf-8\""));
}
