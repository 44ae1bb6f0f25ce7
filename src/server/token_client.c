/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_client.c - grant_type=client_credentials (RFC 6749 section 4.4; RULEBOOK
 * CC-01 .. CC-03).
 *
 * A client's token for its own data says all about itself and is signed: no row
 * is written. It dies by its expiry, the client's not_before, or revocation.
 */
#include <string.h>

#include "base/secret.h"
#include "rules/claims.h"
#include "rules/scope.h"
#include "server/endpoints.h"
#include "server/ep_token.h"

static step_fn client_answer;

step_fn *const token_client_steps[] = { client_answer, NULL };

/* P-10, then D8 and A-18: known, allowed to the client, and not nothing. */
static enum reason
client_scope(const struct exchange *x, struct bytes *scope)
{
	enum reason reason = token_scope(x, scope);

	if (reason != REASON_NONE)
		return reason;
	/* RFC 6749 section 3.3: the default is stated; for a client's own data, where no
	 * person is asked, it is all that the client is registered for. */
	if (bytes_empty(*scope))
		*scope = x->client->default_scope;
	if (bytes_empty(*scope))
		*scope = x->client->scope;
	if (bytes_empty(*scope))
		return REASON_scope_missing;
	if (!scope_within(*scope, x->catalogue->all_scopes))
		return REASON_scope_unknown;
	return scope_within(*scope, x->client->scope) ?
		REASON_NONE : REASON_scope_not_allowed;
}

/* The token names scopes by number; it has room for TOKEN_MAX_SCOPES. */
static bool
client_scope_numbers(const struct catalogue *all, struct bytes scope,
	struct client_token *t)
{
	struct bytes name;

	while (scope_next(&scope, &name)) {
		const struct scope_entry *e = catalogue_scope(all, name);

		if (e == NULL || t->scope_count == TOKEN_MAX_SCOPES)
			return false;
		t->scopes[t->scope_count++] = e->id;
	}
	return true;
}

static enum step
client_issued(struct exchange *x, const struct client_token *t, struct bytes scope)
{
	struct token_text text;
	struct buf body = buf_new(x->arena, SCOPE_MAX + 1024);

	client_token_write(x->snapshot->tokens, t, &text);
	token_response_write(&body, &(struct token_response){
		.access_token = { text.p, text.n },
		.expires_in = t->expires_at - t->issued_at,
		.scope = scope,
	});
	secret_wipe(&text, sizeof(text));
	metric_add(&x->worker->metrics, METRIC_client_tokens);
	return reply_json(x, 200, buf_bytes(&body));
}

static enum step
client_refused(struct exchange *x, enum reason reason)
{
	if (reason_error(reason) == INVALID_TARGET) {
		token_note_resources(x);
	} else {
		note_text(x, "scope_presented", form_get(&x->form, B("scope")));
		note_text(x, "scope_registered", x->client->scope);
	}
	return refuse(x, reason);
}

static enum step
client_answer(struct exchange *x)
{
	struct client_token t = {
		.epoch = x->catalogue->epoch,
		.client = x->client->id,
		.issued_at = x->now,
		.expires_at = x->now + x->snapshot->lifetimes.access,
	};
	struct bytes scope, resource;
	enum reason reason = client_scope(x, &scope);

	if (reason == REASON_NONE)
		reason = token_resource(x, &resource);
	/* RI-04: a token without a row cannot keep an audience; so it is not promised. */
	if (reason == REASON_NONE && !bytes_empty(resource))
		reason = REASON_resource_not_offered;
	if (reason == REASON_NONE && !client_scope_numbers(x->catalogue, scope, &t))
		reason = REASON_scope_not_allowed;
	if (reason != REASON_NONE)
		return client_refused(x, reason);
	secret_random(t.nonce, sizeof(t.nonce));
	return client_issued(x, &t, scope);
}
