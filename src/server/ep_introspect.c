/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_introspect.c - POST /oauth/introspect (RFC 7662; RULEBOOK section 17).
 *
 * The hottest path. The caller is authenticated; the token's tag is verified
 * before the store is asked, the grant is read fresh (IN-06), and what the caller
 * is told is cut to what concerns it (IN-03, IN-04).
 */
#include <string.h>

#include "rules/claims.h"
#include "rules/scope.h"
#include "server/endpoints.h"

#define INTROSPECTION_MAX ((size_t)8192)

#define TOUCH_EVERY 3600 /* seconds; "last used" is for people and coarse */

struct introspect_state {
	struct token_any token;
	bool of_client;
	struct grant_find grant;
	struct token_revocation revocation;
	struct user_find user;
	struct introspection say;
};

static enum step
introspect_inactive(struct exchange *x)
{
	struct buf b = buf_new(x->arena, 32);

	introspection_write_inactive(&b);
	metric_add(&x->worker->metrics, METRIC_introspections_inactive);
	return reply_json(x, 200, buf_bytes(&b));
}

/* IN-01: only an API registered as a resource. */
enum step
introspect_caller(struct exchange *x)
{
	if (x->client->type == CLIENT_RESOURCE)
		return NEXT;
	return refuse(x, REASON_client_not_for_endpoint);
}

static enum step
ask_grant(struct exchange *x, struct introspect_state *s)
{
	struct grant_find *f = &s->grant;

	/* IN-03: refresh tokens and codes are no business of a resource server. */
	if (s->token.kind != TOKEN_ACCESS)
		return introspect_inactive(x);
	grant_key(s->token.grant.id, f->key);
	exchange_about_grant(x, f->key);
	exchange_ask(x, &f->call);
	store_grant_find(x->worker->port, f);
	return WAIT;
}

static enum step
ask_revocation(struct exchange *x, struct introspect_state *s, struct bytes token)
{
	struct token_revocation *r = &s->revocation;
	uint8_t digest[DIGEST_SIZE];

	s->of_client = true;
	sha256(token, digest);
	memcpy(r->digest, digest, sizeof(r->digest));
	exchange_ask(x, &r->call);
	store_token_find_revoked(x->worker->port, r);
	return WAIT;
}

enum step
introspect_ask(struct exchange *x)
{
	struct bytes token = form_get(&x->form, B("token"));
	struct introspect_state *s;

	if (bytes_empty(token))
		return refuse(x, REASON_token_missing); /* IN-02 */
	s = x->state = ARENA_NEW(x->arena, struct introspect_state);
	switch (token_read(x->snapshot->tokens, token, &s->token)) {
	case TOKEN_IS_GRANT:
		return ask_grant(x, s);
	case TOKEN_IS_CLIENT:
		return ask_revocation(x, s, token);
	case TOKEN_NOT_OURS:
	case TOKEN_OF_OTHER_KIND:
	case TOKEN_EPOCH_RETIRED:
		break;
	}
	return introspect_inactive(x);
}

/* IN-04: only the scopes for the caller; a resource without scopes serves all. */
static struct bytes
scope_for_caller(const struct exchange *x, struct bytes scope)
{
	if (bytes_empty(x->client->scope))
		return scope;
	return scope_intersection(x->arena, scope, x->client->scope);
}

static struct bytes
audience(const struct exchange *x)
{
	return bytes_empty(x->client->resource_uri) ?
		x->snapshot->issuer : x->client->resource_uri;
}

/* A name for this very token by which nobody can use it. */
static struct bytes
token_name(const struct exchange *x, const char *kind, struct bytes id, uint32_t number)
{
	struct buf b = buf_new(x->arena, 64);

	buf_put(&b, bytes_of(kind));
	buf_put(&b, bytes_of(arena_hex(x->arena, id.p, id.n)));
	buf_putc(&b, '.');
	buf_putu(&b, number);
	return buf_bytes(&b);
}

/* ---- a person's grant --------------------------------------------------------- */

static struct sub_entry *
sub_slot(struct exchange *x, int64_t user)
{
	return &x->worker->subs[(uint64_t)user % SUB_CACHE];
}

/* A person's sub never changes, so each thread remembers the ones it met. */
static enum step
sub_ask(struct exchange *x, struct introspect_state *s)
{
	const struct sub_entry *e = sub_slot(x, s->grant.grant.user);

	if (e->n > 0 && e->user == s->grant.grant.user) {
		s->say.sub = (struct bytes){ e->sub, e->n };
		return NEXT;
	}
	s->user.id = s->grant.grant.user;
	exchange_ask(x, &s->user.call);
	store_user_find(x->worker->port, &s->user);
	return WAIT;
}

static void
sub_keep(struct exchange *x, struct introspect_state *s)
{
	struct sub_entry *e = sub_slot(x, s->user.id);

	s->say.sub = s->user.user.sub;
	if (s->say.sub.n > SUB_MAX)
		return;
	e->user = s->user.id;
	e->n = (uint8_t)s->say.sub.n;
	memcpy(e->sub, s->say.sub.p, s->say.sub.n);
}

static enum step
judge_grant(struct exchange *x, struct introspect_state *s)
{
	const struct grant *g = &s->grant.grant;
	uint32_t generation = s->token.grant.generation;
	const struct client *client;
	struct bytes scope, resource;

	if (!s->grant.found || !grant_honours(g, TOKEN_ACCESS, generation, x->now))
		return introspect_inactive(x);
	client = catalogue_client_by_row(x->catalogue, g->client);
	if (client == NULL || client->disabled)
		return introspect_inactive(x);
	scope = bytes_empty(g->access_scope) ? g->scope : g->access_scope;
	resource = bytes_empty(g->access_resource) ? g->resource : g->access_resource;
	s->say = (struct introspection){
		.client_id = client->client_id,
		.scope = scope_for_caller(x, scope),
		.subject = g->subject,
		.exp = g->access_expires_at,
		.iat = g->issued_at,
		.auth_time = g->authenticated_at,
		.jti = token_name(x, "g.",
			(struct bytes){ (const char *)g->key, GRANT_KEY_SIZE }, generation),
	};
	if (bytes_empty(s->say.scope) || !introspection_allowed(x->client, resource))
		return introspect_inactive(x);
	if (x->now - g->last_used_at >= TOUCH_EVERY)
		store_grant_touch(x->worker->port, g->key, x->now);
	return sub_ask(x, s);
}

/* ---- a client's own token ------------------------------------------------------- */

static struct bytes
client_token_scope(const struct exchange *x, const struct client_token *t)
{
	struct buf b = buf_new(x->arena, SCOPE_MAX);
	struct bytes scope = NONE;

	for (size_t i = 0; i < t->scope_count; i++) {
		const struct scope_entry *e =
			catalogue_scope_by_id(x->catalogue, t->scopes[i]);

		if (e == NULL)
			continue;
		if (b.n > 0)
			buf_putc(&b, ' ');
		buf_put(&b, e->name);
	}
	return b.n > 0 && scope_parse(x->arena, buf_bytes(&b), &scope) ? scope : NONE;
}

static enum step
judge_client_token(struct exchange *x, struct introspect_state *s)
{
	const struct client_token *t = &s->token.client;
	const struct client *c = catalogue_client_by_row(x->catalogue, t->client);
	struct bytes scope;

	if (s->revocation.revoked || x->now >= t->expires_at || c == NULL || c->disabled ||
		t->issued_at < c->not_before)
		return introspect_inactive(x);
	/* What the client may no longer have, its older tokens have no longer. */
	scope = scope_intersection(x->arena, client_token_scope(x, t), c->scope);
	s->say = (struct introspection){
		.client_id = c->client_id,
		.scope = scope_for_caller(x, scope),
		.sub = c->client_id, /* CC-02 */
		.exp = t->expires_at,
		.iat = t->issued_at,
		.jti = token_name(x, "c.",
			(struct bytes){ (const char *)t->nonce, sizeof(t->nonce) }, 0),
	};
	return bytes_empty(s->say.scope) || !introspection_allowed(x->client, NONE) ?
		introspect_inactive(x) : NEXT;
}

enum step
introspect_judge(struct exchange *x)
{
	struct introspect_state *s = x->state;

	return s->of_client ? judge_client_token(x, s) : judge_grant(x, s);
}

enum step
introspect_answer(struct exchange *x)
{
	struct introspect_state *s = x->state;
	struct buf b = buf_new(x->arena, INTROSPECTION_MAX);

	if (s->user.call.done != NULL && !s->user.found)
		return introspect_inactive(x); /* the person was removed just now */
	if (s->user.call.done != NULL)
		sub_keep(x, s);
	s->say.issuer = x->snapshot->issuer;
	s->say.aud = audience(x);
	introspection_write(&b, &s->say);
	metric_add(&x->worker->metrics, METRIC_introspections_active);
	return reply_json(x, 200, buf_bytes(&b));
}
