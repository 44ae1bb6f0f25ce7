/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_refresh.c - grant_type=refresh_token (RFC 6749 section 6, RFC 9700 section
 * 4.14.2; RULEBOOK section 11).
 *
 * The client is authenticated and registered for this grant. Syntax first
 * (no-change), then one decision on the grant's row by grant_refresh: the
 * current token, the same request again (the retry key), or a replay.
 */
#include "server/endpoints.h"
#include "server/ep_token.h"

static step_fn refresh_read, refresh_change;

step_fn *const token_refresh_steps[] = { refresh_read, exchange_not_overloaded,
	refresh_change, token_decided, NULL };

static enum reason
refresh_parse(const struct exchange *x, struct token_state *s)
{
	struct bytes token = form_get(&x->form, B("refresh_token"));
	struct refresh *r = &s->change.refresh;
	enum reason reason;

	if (bytes_empty(token))
		return REASON_refresh_token_missing;
	reason = token_retry_key(x, &r->retry);
	if (reason == REASON_NONE)
		reason = token_scope(x, &r->scope);
	if (reason == REASON_NONE)
		reason = token_resource(x, &r->resource);
	if (reason == REASON_NONE)
		reason = token_presented(x, TOKEN_REFRESH, token, &s->presented);
	return reason;
}

static enum step
refresh_read(struct exchange *x)
{
	return token_read_form(x, refresh_parse);
}

static enum step
refresh_change(struct exchange *x)
{
	struct token_state *s = x->state;
	struct refresh *r = &s->change.refresh;

	r->client = x->client->id;
	r->generation = s->presented.generation;
	r->retry_without_key = x->client->retry_without_key;
	r->epoch = x->catalogue->epoch;
	r->lifetimes = &x->snapshot->lifetimes;
	r->from = x->request->peer;
	return token_change(x, GRANT_REFRESH);
}
