/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_code.c - grant_type=authorization_code (RFC 6749 section 4.1.3, RFC 7636
 * section 4.5; RULEBOOK section 10).
 *
 * The client is authenticated and registered for this grant. What is left is the
 * code: syntax first (no-change), then one decision on the grant's row by
 * grant_redeem: is it this client's, alive, bound to what is presented, unused.
 */
#include "server/endpoints.h"
#include "server/ep_token.h"
#include "server/seen.h"

static step_fn code_read, code_redeem, code_answer;

step_fn *const token_code_steps[] = { code_read, exchange_not_overloaded, code_redeem,
	code_answer, NULL };

/* TC-02: what cannot be a verifier is refused before any look-up. */
static enum reason
code_verifier(const struct exchange *x, struct redemption *r)
{
	struct bytes verifier = form_get(&x->form, B("code_verifier"));

	r->has_verifier = !bytes_empty(verifier);
	if (!r->has_verifier)
		return REASON_NONE;
	if (!pkce_verifier_valid(verifier))
		return REASON_verifier_malformed;
	pkce_challenge_of(verifier, r->verifier_challenge);
	return REASON_NONE;
}

static enum reason
code_parse(const struct exchange *x, struct token_state *s)
{
	struct bytes code = form_get(&x->form, B("code"));
	struct redemption *r = &s->change.redemption;
	enum reason reason;

	if (bytes_empty(code))
		return REASON_code_missing;
	reason = code_verifier(x, r);
	if (reason == REASON_NONE)
		reason = token_retry_key(x, &r->retry);
	if (reason == REASON_NONE)
		reason = token_resource(x, &r->resource);
	if (reason == REASON_NONE)
		reason = token_presented(x, TOKEN_CODE, code, &s->presented);
	return reason;
}

static enum step
code_read(struct exchange *x)
{
	return token_read_form(x, code_parse);
}

static enum step
code_redeem(struct exchange *x)
{
	struct redemption *r = &((struct token_state *)x->state)->change.redemption;

	r->client = x->client->id;
	r->client_is_public = x->client->type == CLIENT_PUBLIC;
	r->redirect_uri = form_get(&x->form, B("redirect_uri"));
	r->redirect_uri_optional = x->client->redirect_uri_optional;
	r->registration = x->client;
	r->epoch = x->catalogue->epoch;
	r->lifetimes = &x->snapshot->lifetimes;
	r->from = x->request->peer;
	return token_change(x, GRANT_REDEEM);
}

static enum step
code_answer(struct exchange *x)
{
	const struct token_state *s = x->state;
	const struct grant *g = &s->change.grant;

	/* a challenge is good for one code. */
	if (s->change.found && s->change.verdict.kind == VERDICT_ISSUE && g->has_challenge)
		people_challenge_redeemed(x->worker->shared->people, g->client,
			g->challenge);
	return token_decided(x);
}
