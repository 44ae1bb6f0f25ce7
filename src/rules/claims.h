/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.h - what a token response (RFC 6749 5.1) and an introspection answer
 * (RFC 7662 2.2) say, and to whom (RULEBOOK T-04, IN-03, IN-04).
 */
#ifndef LATCHKEY_RULES_CLAIMS_H
#define LATCHKEY_RULES_CLAIMS_H

#include "rules/catalogue.h"
#include "rules/grant.h"

struct token_response {
	struct bytes access_token, refresh_token; /* refresh NONE: not issued */
	int64_t expires_in;
	struct bytes scope;
	struct bytes subject; /* URN (R4.6); NONE for client_credentials */
};
void token_response_write(struct buf *b, const struct token_response *r);

struct introspection {
	struct bytes issuer;
	struct bytes client_id;
	struct bytes scope;
	struct bytes aud;       /* the caller's identifier, or the issuer */
	struct bytes sub;       /* the person's stable id, or the client's own */
	struct bytes subject;   /* URN of the resource context */
	int64_t exp, iat, auth_time; /* auth_time 0: no person */
	struct bytes jti;       /* non-secret id of this very token */
};
void introspection_write(struct buf *b, const struct introspection *i);
void introspection_write_inactive(struct buf *b); /* exactly {"active":false} */
/* May this resource server be told about this token (IN-03: aud)? */
bool introspection_allowed(const struct client *resource, struct bytes token_resource);

#endif
