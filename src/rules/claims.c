/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.c - the two answers that speak of tokens, member by member.
 */
#include "rules/claims.h"

#include "rules/scope.h"
#include "text/json.h"

/* RFC 6749 5.1; T-04: scope and expires_in always, never a null. */
void
token_response_write(struct buf *b, const struct token_response *r)
{
	struct json_out j = json_out(b);

	json_open(&j, '{');
	json_member(&j, "access_token", r->access_token);
	json_member(&j, "token_type", B("Bearer"));
	json_member_number(&j, "expires_in", r->expires_in > 0 ? r->expires_in : 0);
	json_key(&j, "scope");
	json_bytes(&j, r->scope);
	json_member(&j, "refresh_token", r->refresh_token);
	json_member(&j, "subject", r->subject);
	json_close(&j, '}');
}

/* RFC 7662 2.2; IN-04: no username. */
void
introspection_write(struct buf *b, const struct introspection *i)
{
	struct json_out j = json_out(b);

	json_open(&j, '{');
	json_member_bool(&j, "active", true);
	json_member(&j, "iss", i->issuer);
	json_member(&j, "client_id", i->client_id);
	json_member(&j, "scope", i->scope);
	json_member(&j, "aud", i->aud);
	json_member(&j, "sub", i->sub);
	json_member(&j, "subject", i->subject);
	json_member_number(&j, "exp", i->exp);
	json_member_number(&j, "iat", i->iat);
	json_member(&j, "token_type", B("Bearer"));
	json_member(&j, "jti", i->jti);
	if (i->auth_time != 0)
		json_member_number(&j, "auth_time", i->auth_time);
	json_close(&j, '}');
}

/* RFC 7662 2.2: nothing else is said of a token that is not active. */
void
introspection_write_inactive(struct buf *b)
{
	buf_put(b, B("{\"active\":false}"));
}

/* RFC 8707 2: a token made for named resources is nothing to any other API. */
bool
introspection_allowed(const struct client *resource, struct bytes token_resource)
{
	if (resource->type != CLIENT_RESOURCE)
		return false;
	return bytes_empty(token_resource) ||
		scope_has(token_resource, resource->resource_uri);
}
