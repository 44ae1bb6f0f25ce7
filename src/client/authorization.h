/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorization.h - the front channel: the authorization request that sends a person
 * to consent, and the answer their browser brings back.
 *
 * Promises: state and verifier are 256 fresh random bits each, for every attempt; the
 * request is pushed where the server takes that (RFC 9126, CL-10); of the answer,
 * state is judged first, then iss, then error, then code, and nothing before that is
 * acted on (CL-11 to CL-13).
 */
#ifndef LATCHKEY_CLIENT_AUTHORIZATION_H
#define LATCHKEY_CLIENT_AUTHORIZATION_H

#include "client/token_request.h"

/* What belongs to one attempt (CL-08); kept in the vault by the digest of its state. */
struct attempt {
	struct bytes name;      /* of the connection it is for */
	struct bytes issuer, client_id, redirect_uri, scope, resource, ca_file;
	struct bytes authorization_endpoint, token_endpoint; /* NONE: discovery */
	struct bytes revocation_endpoint;
	struct bytes parameters;
	struct bytes client_secret; /* NONE: public */
	struct bytes state, verifier, nonce; /* nonce NONE: openid was not asked for */
	struct bytes max_age, acr_values;    /* as the caller asked by parameters, with it */
	uint8_t browser[32];    /* SHA-256 of what names the browser session; zero: none */
	int64_t began_at;       /* Unix seconds */
	unsigned flags;         /* LK_DEVELOPMENT ... */
};

struct authorization_wanted {
	struct bytes name, redirect_uri, scope, resource, parameters, browser;
	unsigned flags;
};

/* Makes the attempt and the URL to send the person to; pushes first if it may. The
 * attempt's three endpoints are left NONE: who was given them fills them in. */
enum lk_status authorization_begin(struct arena *a, const struct as *as,
	const struct credentials *me, const struct authorization_wanted *wanted,
	struct attempt *out, struct bytes *url, struct lk_error *e) must_check;

/* The state a query carries, exactly once and well formed, or LK_REJECTED: all that may
 * be looked at before the attempt is found. */
enum lk_status callback_state(struct arena *a, struct bytes query, struct bytes *state,
	struct lk_error *e) must_check;
/* Judges the whole query against its attempt; LK_OK gives the code. LK_DENIED for
 * access_denied; LK_TRY_LATER for temporarily_unavailable and server_error;
 * LK_CONFIGURATION for the other errors; LK_REJECTED for what must not be believed. */
enum lk_status callback_judge(struct arena *a, const struct as *as,
	const struct attempt *attempt, struct bytes query, struct bytes browser,
	struct bytes *code, struct lk_error *e) must_check;

/* The query in an address that a person copied from their browser. */
enum lk_status callback_pasted(struct bytes pasted, struct bytes redirect_uri,
	struct bytes *query, struct lk_error *e) must_check;

/* An attempt as bytes for the vault (NONE: larger than any can be), and back. */
struct bytes attempt_write(struct arena *a, const struct attempt *attempt);
bool attempt_read(struct arena *a, struct bytes text, struct attempt *out);

/* What an id_token is held against. */
struct id_token_wanted {
	struct bytes issuer, client_id, nonce, access_token;
	struct bytes max_age;    /* seconds; NONE: nobody asked when they signed in */
	struct bytes acr_values; /* words; NONE: nobody asked how */
	int64_t now;
};
/* OpenID Connect Core 3.1.3.7: claims of an id_token that came from the token endpoint
 * over TLS, which stands for the signature (CL-22). */
enum lk_status id_token_check(struct arena *a, struct bytes id_token,
	const struct id_token_wanted *wanted, struct lk_error *e) must_check;

#endif
