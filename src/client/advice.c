/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.c - one sentence for each code.
 */
#include "client/advice.h"

#include <stdio.h>

#include "client/said.h"

/* Each goes on after the client_id. without: where there is no secret; later: where it was
 * good once, and nobody is there who connects; NULL: the same. */
static const struct {
	struct bytes code;
	const char *with_secret, *without, *later;
} advices[] = {
	{ BI("invalid_client"),
		"was sent with its secret, by client_secret_basic: the secret is wrong, or"
		" the client is registered there for another method; connect again with"
		" the right one (client_secret_file)",
		"was sent without a secret (method none): if it is registered there with"
		" one, connect again with it (client_secret_file); if not, is the"
		" client_id right?",
		"was sent as when it was connected: if its secret was rotated there, the"
		" new one (lk_client_secret) is enough, and nobody consents again; if not,"
		" its registration was changed or removed" },
	{ BI("unauthorized_client"),
		"is not registered there for what was asked (grant types authorization_code"
		" and refresh_token, or the device flow): who registered it there can add it",
		NULL, NULL },
	{ BI("invalid_scope"),
		"is not registered there for all of these scopes: ask for others, or have"
		" them added",
		NULL, NULL },
	{ BI("invalid_target"),
		"asked for a resource that the server does not know for it",
		NULL, NULL },
};

void
advise(struct arena *a, const struct as *as, const struct credentials *me,
	struct lk_error *e)
{
	size_t so_far = e != NULL ? bytes_of(e->message).n : 0;

	for (size_t i = 0; e != NULL && i < sizeof(advices) / sizeof(advices[0]); i++) {
		const char *next = advices[i].with_secret;

		if (!bytes_equal(bytes_of(e->code), advices[i].code))
			continue;
		if (bytes_empty(me->client_secret) && advices[i].without != NULL)
			next = advices[i].without;
		if (!as->connecting && advices[i].later != NULL)
			next = advices[i].later;
		snprintf(e->message + so_far, sizeof(e->message) - so_far, "; %s %s",
			shown(a, me->client_id), next);
	}
}
