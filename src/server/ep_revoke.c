/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_revoke.c - POST /oauth/revoke (RFC 7009; RULEBOOK section 16).
 *
 * The client is authenticated (RV-01). A refresh token, or a code, ends the whole
 * authorisation (RV-04); an access token ends alone (RV-05). token_type_hint and
 * callback are not looked at (RV-06, RV-07).
 */
#include <string.h>

#include "server/endpoints.h"

enum revoked { REVOKE_NOTHING, REVOKE_GRANT, REVOKE_CLIENT_TOKEN };

struct revoke_state {
	enum revoked what;
	struct grant_change change;
	struct token_revocation revocation;
};

static enum step
revoke_of_grant(struct exchange *x, struct revoke_state *s, const struct token_any *t)
{
	struct grant_change *c = &s->change;

	s->what = REVOKE_GRANT;
	grant_key(t->grant.id, c->key);
	exchange_about_grant(x, c->key);
	c->event = t->kind == TOKEN_ACCESS ? GRANT_END_ACCESS : GRANT_END;
	c->now = x->now;
	c->end.why = END_CLIENT;
	c->end.generation = t->grant.generation;
	c->end.from = x->request->peer;
	c->end.client = x->client->id;
	exchange_ask(x, &c->call);
	store_grant_change(x->worker->port, c);
	return WAIT;
}

static enum step
revoke_of_client(struct exchange *x, struct revoke_state *s, struct bytes token,
	const struct client_token *t)
{
	struct token_revocation *r = &s->revocation;
	uint8_t digest[DIGEST_SIZE];

	if (t->client != x->client->id)
		return refuse(x, REASON_token_of_other_client); /* RV-03 */
	s->what = REVOKE_CLIENT_TOKEN;
	sha256(token, digest);
	memcpy(r->digest, digest, sizeof(r->digest));
	r->expires_at = t->expires_at;
	exchange_ask(x, &r->call);
	store_token_revoke(x->worker->port, r);
	return WAIT;
}

enum step
revoke_ask(struct exchange *x)
{
	struct bytes token = form_get(&x->form, B("token"));
	struct revoke_state *s = ARENA_NEW(x->arena, struct revoke_state);
	struct token_any any;

	if (bytes_empty(token))
		return refuse(x, REASON_token_missing);
	x->state = s;
	switch (token_read(x->snapshot->tokens, token, &any)) {
	case TOKEN_IS_GRANT:
		return revoke_of_grant(x, s, &any);
	case TOKEN_IS_CLIENT:
		return revoke_of_client(x, s, token, &any.client);
	case TOKEN_NOT_OURS:
	case TOKEN_OF_OTHER_KIND:
	case TOKEN_EPOCH_RETIRED:
		break;
	}
	return NEXT; /* RV-02: nothing to revoke is no error */
}

enum step
revoke_answer(struct exchange *x)
{
	const struct revoke_state *s = x->state;
	const struct grant_change *c = &s->change;

	/* RV-03: the store has left another client's grant alone. */
	if (s->what == REVOKE_GRANT && c->found && c->grant.client != x->client->id)
		return refuse(x, REASON_token_of_other_client);
	metric_add(&x->worker->metrics, METRIC_revocations);
	return reply_empty(x, 200);
}
