/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.h - every reason for which this server refuses, written once.
 *
 * A rule answers with an enum reason; REASON_NONE means the request may go on.
 * reasons.def says for each: the OAuth error code, the public description (one
 * sentence, characters of RFC 6749 5.2 only, gives nothing away), and what
 * `latchkey explain` tells the operator: what it means and what to do.
 */
#ifndef LATCHKEY_RULES_REFUSAL_H
#define LATCHKEY_RULES_REFUSAL_H

#include "base/bytes.h"

/* RFC 6749 4.1.2.1 and 5.2, RFC 8707, RFC 7009, OpenID Connect Core 3.1.2.6. */
enum oauth_error {
	OAUTH_OK,
	INVALID_REQUEST,
	INVALID_CLIENT,
	INVALID_GRANT,
	UNAUTHORIZED_CLIENT,
	UNSUPPORTED_GRANT_TYPE,
	INVALID_SCOPE,
	INVALID_TARGET,
	ACCESS_DENIED,
	UNSUPPORTED_RESPONSE_TYPE,
	UNSUPPORTED_TOKEN_TYPE,
	LOGIN_REQUIRED,
	CONSENT_REQUIRED,
	ACCOUNT_SELECTION_REQUIRED,
	INTERACTION_REQUIRED,
	REQUEST_NOT_SUPPORTED,
	REQUEST_URI_NOT_SUPPORTED,
	REGISTRATION_NOT_SUPPORTED,
	SERVER_ERROR,
	TEMPORARILY_UNAVAILABLE,
	INVALID_TOKEN,
	INSUFFICIENT_SCOPE,
};

const char *oauth_error_name(enum oauth_error e); /* "invalid_grant" */

/* Whose mistake it is helps the person who reads `latchkey explain`. */
enum reason {
	REASON_NONE,
#define REASON(name, error, why, meaning, remedy) REASON_##name,
#include "rules/reasons.def"
#undef REASON
	REASON_COUNT
};

const char *reason_name(enum reason r);    /* "redirect_uri_mismatch" */
enum oauth_error reason_error(enum reason r);
const char *reason_why(enum reason r);     /* public: error_description */
const char *reason_meaning(enum reason r); /* for explain */
const char *reason_remedy(enum reason r);  /* for explain: what to do */
enum reason reason_by_name(struct bytes name); /* REASON_NONE: no such */

#endif
