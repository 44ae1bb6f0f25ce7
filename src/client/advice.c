/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.c - one sentence for each code.
 */
#include "client/advice.h"

#include <stdio.h>

#include "client/said.h"

/* Each goes on after the client_id. without: where there is no secret; later: where it was
 * good once, and nobody is there who connects; NULL: as with_secret. */
static const struct {
	struct bytes code;
	const char *with_secret, *without, *later, *later_without;
} advices[] = {
	{ BI("invalid_client"),
		"was sent with its secret, by client_secret_basic: the secret is wrong, or"
		" the client is registered there for another method; connect again with"
		" the right one (client_secret_file), or if it has none there, without"
		" (LK_PUBLIC_CLIENT)",
		"was sent without a secret (method none): if it is registered there with"
		" one, connect again with it (client_secret_file); if not, is the"
		" client_id right?",
		"was sent as when it was connected: if its secret was rotated there, the"
		" new one (lk_client_secret) is enough, and nobody consents again; if it"
		" has none there now, connect again without (LK_PUBLIC_CLIENT); else its"
		" registration was changed or removed",
		"was sent as when it was connected, without a secret: if it has one there"
		" now, connect again with it (client_secret_file); else its registration"
		" was changed or removed" },
	{ BI("unauthorized_client"),
		"is not registered there for what was asked (grant types authorization_code"
		" and refresh_token, or the device flow): who registered it there can add it",
		NULL, NULL, NULL },
	{ BI("invalid_scope"),
		"is not registered there for all of these scopes: ask for others, or have"
		" them added",
		NULL, NULL, NULL },
	{ BI("invalid_target"),
		"asked for a resource that the server does not know for it",
		NULL, NULL, NULL },
};

#define NO_SCOPE                                                                  \
	"asked for no scope, and the server has none for it by default: name what is" \
	" wanted (lk_registration.scope)"

static const char *
advice(size_t i, bool connecting, bool secret)
{
	const char *special = connecting ? (secret ? NULL : advices[i].without)
		: secret                 ? advices[i].later
					 : advices[i].later_without;

	return special != NULL ? special : advices[i].with_secret;
}

void
advise(struct arena *a, const struct as *as, const struct credentials *me,
	struct bytes scope, struct lk_error *e)
{
	size_t so_far = e != NULL ? bytes_of(e->message).n : 0;

	for (size_t i = 0; e != NULL && i < sizeof(advices) / sizeof(advices[0]); i++) {
		const char *next = advice(i, as->connecting, me->client_secret.n > 0);

		if (!bytes_equal(bytes_of(e->code), advices[i].code))
			continue;
		if (bytes_empty(scope) && bytes_equal(advices[i].code, B("invalid_scope")))
			next = NO_SCOPE;
		snprintf(e->message + so_far, sizeof(e->message) - so_far, "; %s %s",
			shown(a, me->client_id), next);
	}
}
