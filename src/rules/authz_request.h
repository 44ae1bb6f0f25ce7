/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authz_request.h - an authorization request as one checked value (RFC 6749
 * 4.1.1; RULEBOOK sections 2, 4 and 5, in evaluation order A-01 .. A-26).
 *
 * Promises: until redirect_uri is proven good nothing says where to redirect
 * (the refusal is a PAGE); from then on every refusal is a RED, with state only
 * if a usable one was received.
 */
#ifndef LATCHKEY_RULES_AUTHZ_REQUEST_H
#define LATCHKEY_RULES_AUTHZ_REQUEST_H

#include "rules/catalogue.h"
#include "rules/pkce.h"
#include "text/form.h"

#define LOGIN_HINT_MAX 128 /* no username is longer; the rest is not carried along */

enum response_mode { RESPONSE_QUERY, RESPONSE_FORM_POST };

struct authz_request {
	const struct client *client;
	struct bytes culprit;     /* the parameter a refusal is about, or NONE */
	struct bytes redirect_uri;
	enum response_mode response_mode;
	bool has_state;
	struct bytes state;
	struct bytes scope;       /* canonical, never empty */
	struct bytes resource;    /* URIs, canonical as a scope; empty: none named */
	bool has_challenge;
	uint8_t challenge[PKCE_CHALLENGE_SIZE];
	enum subject_type subject_type; /* asked for, or else the client's */
	bool prompt_none, prompt_login, prompt_consent;
	bool has_max_age;
	int64_t max_age;
	struct bytes login_hint;  /* shown escaped, authenticates nobody */
};

enum authz_answer {
	AUTHZ_GOOD,     /* ask the person */
	AUTHZ_PAGE,     /* own error page, status 400; never a redirect */
	AUTHZ_REDIRECT, /* error response to out->redirect_uri */
};

/* Judges the pooled fields of query and body. *reason says why unless AUTHZ_GOOD;
 * out->client is set as soon as it is known (for the log and the page), the way
 * back (redirect_uri, response_mode, state) unless AUTHZ_PAGE. Views into form. */
enum authz_answer authz_request_judge(struct arena *a, const struct catalogue *all,
	const struct form *form, struct authz_request *out, enum reason *reason);

/* A checked request as text and back, to be sealed into a transaction. Reading
 * checks against the catalogue again (AR-07: client or URI gone -> false). */
struct bytes authz_request_write(struct arena *a, const struct authz_request *r);
bool authz_request_read(struct arena *a, const struct catalogue *all, struct bytes text,
	struct authz_request *out);

/* The response's URL or form fields (RFC 6749 4.1.2, RFC 9207): code or error, iss,
 * state. Pairs are encoded for a query. */
struct bytes authz_response(struct arena *a, const struct authz_request *r,
	struct bytes issuer, struct bytes code, enum reason reason);

#endif
