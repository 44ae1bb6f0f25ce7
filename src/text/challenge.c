/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge.c - from left to right, with one look ahead: after a comma a word is a
 * parameter when "=" follows it, and a new scheme when not.
 */
#include "text/challenge.h"

#include "text/headers.h"

static bool
one_of(char c, struct bytes set)
{
	return bytes_index(set, c) < set.n;
}

static bool
tchar(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		one_of(c, B("!#$%&'*+-.^_`|~"));
}

static void
skip(struct bytes *rest, struct bytes set)
{
	while (rest->n > 0 && one_of(rest->p[0], set))
		*rest = bytes_slice(*rest, 1, rest->n);
}

static bool
take_token(struct bytes *rest, struct bytes *out)
{
	size_t n = 0;

	while (n < rest->n && tchar(rest->p[n]))
		n++;
	*out = bytes_slice(*rest, 0, n);
	*rest = bytes_slice(*rest, n, rest->n);
	return n > 0;
}

/* Section 5.6.4: quoted-string, *rest is behind its first quote. */
static bool
take_quoted(struct arena *a, struct bytes *rest, struct bytes *out)
{
	struct buf b = buf_new(a, rest->n);

	for (size_t i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '"') {
			*rest = bytes_slice(*rest, i + 1, rest->n);
			*out = buf_bytes(&b);
			return true;
		}
		if (c == '\\' && ++i < rest->n)
			c = rest->p[i];
		if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7F)
			return false;
		if (i < rest->n)
			buf_putc(&b, c);
	}
	return false;
}

/* "=" with white space around it that nobody should send; then the value. */
static bool
take_value(struct arena *a, struct bytes *rest, struct bytes *out)
{
	skip(rest, B(" \t"));
	if (!bytes_starts(*rest, B("=")))
		return false;
	*rest = bytes_slice(*rest, 1, rest->n);
	skip(rest, B(" \t"));
	if (!bytes_starts(*rest, B("\"")))
		return take_token(rest, out);
	*rest = bytes_slice(*rest, 1, rest->n);
	return take_quoted(a, rest, out);
}

/* Behind an element of a list there is a comma or the end (section 5.6.1). */
static bool
at_end_of_element(struct bytes rest)
{
	skip(&rest, B(" \t"));
	return rest.n == 0 || rest.p[0] == ',';
}

/* token68 fills its element; a parameter without a value would look like one. */
static bool
take_token68(struct bytes *rest, struct bytes *out)
{
	struct bytes after = *rest;
	struct bytes text;
	size_t n = 0;

	while (n < after.n && !one_of(after.p[n], B(" \t,")))
		n++;
	text = bytes_slice(after, 0, n);
	after = bytes_slice(after, n, after.n);
	if (!token68_valid(text) || !at_end_of_element(after))
		return false;
	*out = text;
	*rest = after;
	return true;
}

enum taken { TAKEN, NOT_A_PARAMETER, MALFORMED };

static enum taken
take_parameter(struct arena *a, struct bytes *rest, struct challenge *c)
{
	struct bytes after = *rest;
	struct bytes name, value;

	if (!take_token(&after, &name) || !take_value(a, &after, &value))
		return NOT_A_PARAMETER;
	if (!at_end_of_element(after) || c->count == CHALLENGE_PARAMETERS_MAX)
		return MALFORMED;
	c->parameters[c->count].name = name;
	c->parameters[c->count++].value = value;
	*rest = after;
	return TAKEN;
}

/* Parameters until the field ends or a new scheme begins. */
static bool
take_parameters(struct arena *a, struct bytes *rest, struct challenge *c)
{
	enum taken taken = take_parameter(a, rest, c);

	if (taken != TAKEN)
		return false;
	while (taken == TAKEN) {
		skip(rest, B(" \t,"));
		taken = take_parameter(a, rest, c);
	}
	return taken == NOT_A_PARAMETER;
}

bool
challenge_next(struct arena *a, struct bytes *rest, struct challenge *out)
{
	struct challenge c = { 0 };
	struct bytes after = *rest;

	*rest = NONE; /* unless all is well */
	skip(&after, B(" \t,"));
	if (!take_token(&after, &c.scheme))
		return false;
	if (!at_end_of_element(after)) {
		if (!bytes_starts(after, B(" ")))
			return false;
		skip(&after, B(" "));
		if (!take_token68(&after, &c.token68) && !take_parameters(a, &after, &c))
			return false;
	}
	*rest = after;
	*out = c;
	return true;
}

bool
challenge_find(struct arena *a, struct bytes field, struct bytes scheme,
	struct challenge *out)
{
	struct challenge c;

	while (challenge_next(a, &field, &c)) {
		if (!bytes_equal_nocase(c.scheme, scheme))
			continue;
		*out = c;
		return true;
	}
	return false;
}

struct bytes
challenge_get(const struct challenge *c, struct bytes name)
{
	struct bytes found = NONE;
	size_t times = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!bytes_equal_nocase(c->parameters[i].name, name))
			continue;
		found = c->parameters[i].value;
		times++;
	}
	return times == 1 ? found : NONE;
}
