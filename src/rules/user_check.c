/* SPDX-License-Identifier: Apache-2.0 */
/* user_check.c - what a person's record may say (R4.6). */
#include <ctype.h>
#include <string.h>

#include "rules/user.h"
#include "rules/wording.h"

#define URN_MAX 255
#define CONTEXTS_MAX 256

bool
username_valid(struct bytes username)
{
	for (size_t i = 0; i < username.n; i++) {
		unsigned char c = (unsigned char)username.p[i];

		if (c >= 0x80 || (!isalnum(c) && (c == 0 || strchr("._-+@", c) == NULL)))
			return false;
	}
	return username.n > 0 && username.n <= USERNAME_MAX;
}

/* urn:NID:NSS (RFC 8141), visible ASCII, no empty part. */
static bool
urn_valid(struct bytes urn)
{
	size_t parts = 0;
	struct bytes rest = urn;

	if (!bytes_starts(urn, B("urn:")) || urn.n > URN_MAX)
		return false;
	for (size_t i = 0; i < urn.n; i++)
		if (urn.p[i] <= 0x20 || urn.p[i] >= 0x7f)
			return false;
	while (rest.n > 0) {
		if (bytes_empty(bytes_cut(&rest, ':')))
			return false;
		parts++;
	}
	return parts >= 3;
}

/* urn:acme:company:42 without a name would leave 42 for one. */
static bool
has_letter(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		if (isalpha((unsigned char)name.p[i]) || (unsigned char)name.p[i] >= 0x80)
			return true;
	return false;
}

static const char *
check_context(struct arena *a, const struct user *u, size_t i)
{
	const struct context *c = &u->contexts[i];

	if (!urn_valid(c->urn))
		return arena_printf(a, "\"%.*s\" is not a URN;"
			" write URN:NAME, such as urn:acme:company:42:Example Trading Ltd",
			BYTES_FMT(c->urn));
	if (!bytes_empty(c->name) && !has_letter(c->name))
		return arena_printf(a, "\"%.*s\" is no name; write URN:NAME, such as"
			" urn:acme:company:42:Example Trading Ltd", BYTES_FMT(c->name));
	for (size_t k = 0; k < i; k++)
		if (bytes_equal(u->contexts[k].urn, c->urn))
			return arena_printf(a, "%.*s is given twice; name it once",
				BYTES_FMT(c->urn));
	return wording_fault(a, "the company's or entity's name", c->name, WORDING_NAME);
}

bool
user_check(struct arena *a, const struct user *u, const char **what)
{
	const char *fault = wording_fault(a, "the person's name", u->name, WORDING_NAME);

	if (!username_valid(u->username))
		fault = arena_printf(a, "a username has 1 to %d letters (a to z), digits and"
			" . _ - + @; an e-mail address is a good one", USERNAME_MAX);
	if (fault == NULL && u->context_count > CONTEXTS_MAX)
		fault = arena_printf(a, "more than %d companies and entities", CONTEXTS_MAX);
	for (size_t i = 0; fault == NULL && i < u->context_count; i++)
		fault = check_context(a, u, i);
	if (fault != NULL)
		*what = fault;
	return fault == NULL;
}
