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

struct code_state {
	struct grant_token code;
	struct grant_change change;
};

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
code_parse(const struct exchange *x, struct code_state *s)
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
		reason = token_presented(x, TOKEN_CODE, code, &s->code);
	return reason;
}

static enum step
code_read(struct exchange *x)
{
	struct code_state *s = ARENA_NEW(x->arena, struct code_state);
	enum reason reason = code_parse(x, s);

	if (reason_error(reason) == INVALID_TARGET)
		token_note_resources(x);
	if (reason != REASON_NONE)
		return refuse(x, reason);
	x->state = s;
	return NEXT;
}

static enum step
code_redeem(struct exchange *x)
{
	struct code_state *s = x->state;
	struct grant_change *c = &s->change;
	struct redemption *r = &c->redemption;

	grant_key(s->code.id, c->key);
	c->event = GRANT_REDEEM;
	c->now = x->now;
	r->client = x->client->id;
	r->client_is_public = x->client->type == CLIENT_PUBLIC;
	r->redirect_uri = form_get(&x->form, B("redirect_uri"));
	r->redirect_uri_optional = x->client->redirect_uri_optional;
	r->registration = x->client;
	r->epoch = x->catalogue->epoch;
	r->lifetimes = &x->snapshot->lifetimes;
	r->from = x->request->peer;
	exchange_ask(x, &c->call);
	store_grant_change(x->worker->port, c);
	return WAIT;
}

static enum step
code_answer(struct exchange *x)
{
	struct code_state *s = x->state;
	const struct grant *g = &s->change.grant;

	/* a challenge is good for one code. */
	if (s->change.found && s->change.verdict.kind == VERDICT_ISSUE && g->has_challenge)
		people_challenge_redeemed(x->worker->shared->people, g->client,
			g->challenge);
	return token_decided(x, &s->code, &s->change);
}
