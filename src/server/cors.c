/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cors.c - which browser origins may read an answer (RULEBOOK section 25).
 *
 * Only an origin that a public browser client registered is ever echoed, never
 * with credentials; authorize, pages and introspection have no CORS at all.
 */
#include "server/exchange.h"

/* CO-03: is it any client's origin? Whose, is asked once the client is known. */
enum step
cors_enter(struct exchange *x)
{
	if (x->endpoint->cors != CORS_CLIENT)
		return NEXT;
	x->origin = http_header(x->request, B("Origin"));
	x->origin_allowed = !bytes_empty(x->origin) &&
		http_header_occurrences(x->request, B("Origin")) == 1 &&
		catalogue_has_origin(x->catalogue, x->origin);
	return NEXT;
}

/* CO-05: a real request must come from an origin of this very client. */
enum step
origin_of_client(struct exchange *x)
{
	if (http_header_occurrences(x->request, B("Origin")) == 0)
		return NEXT;
	if (x->origin_allowed && client_has_origin(x->client, x->origin))
		return NEXT;
	x->origin_allowed = false;
	note_text(x, "origin", x->origin);
	return refuse(x, REASON_origin_not_registered);
}

/* CO-04: without authentication; an origin nobody registered gets no allow header. */
enum step
cors_preflight(struct exchange *x)
{
	if (x->origin_allowed) {
		reply_header(x, B("Access-Control-Allow-Methods"), B("POST"));
		reply_header(x, B("Access-Control-Allow-Headers"),
			B("Authorization, Content-Type, DPoP, Idempotency-Key"));
		reply_header(x, B("Access-Control-Max-Age"), B("600"));
	}
	return reply_empty(x, 204);
}

void
cors_headers(struct exchange *x)
{
	switch (x->endpoint->cors) {
	case CORS_NONE:
		return;
	case CORS_ANY:
		reply_header(x, B("Access-Control-Allow-Origin"), B("*"));
		return;
	case CORS_CLIENT:
		reply_header(x, B("Vary"), B("Origin"));
		if (!x->origin_allowed)
			return;
		/* CO-06: errors as well, or the app could not read them. */
		reply_header(x, B("Access-Control-Allow-Origin"), x->origin);
		reply_header(x, B("Access-Control-Expose-Headers"),
			B("DPoP-Nonce, WWW-Authenticate, Retry-After"));
		return;
	}
}
