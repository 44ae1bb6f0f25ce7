/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.c - the list of reasons as a table, and the names of OAuth errors.
 *
 * Three families of refusals share one public text each, so that who asks
 * cannot tell an unknown client from a wrong secret, or a foreign token from
 * one that never was. `latchkey explain` knows the difference.
 */
#include "rules/refusal.h"

/* C-06: unknown, wrong, disabled and missing are one answer, with a way out. */
#define WHY_CLIENT                                                             \
	"client authentication failed: check client_id and client_secret, sent by " \
	"HTTP Basic (client_secret_basic)"
/* */
#define WHY_AUTHZ_CLIENT "client_id is not known, or the client is disabled"
/* RFC 6749 5.2: invalid_grant, without saying which of its meanings */
#define WHY_DEAD                                                               \
	"the code or token is not known, has expired, was used before or was "     \
	"revoked; start a new authorisation"

static const struct {
	const char *name;
	enum oauth_error error;
	const char *why, *meaning, *remedy;
} reasons[REASON_COUNT] = {
	[REASON_NONE] = { "none", OAUTH_OK, "", "Nothing was refused.", "" },
#define REASON(name, error, why, meaning, remedy) \
	[REASON_##name] = { #name, error, why, meaning, remedy },
#include "rules/reasons.def"
#undef REASON
};

const char *
reason_name(enum reason r)
{
	return reasons[r].name;
}

enum oauth_error
reason_error(enum reason r)
{
	return reasons[r].error;
}

const char *
reason_why(enum reason r)
{
	return reasons[r].why;
}

const char *
reason_meaning(enum reason r)
{
	return reasons[r].meaning;
}

const char *
reason_remedy(enum reason r)
{
	return reasons[r].remedy;
}

enum reason
reason_by_name(struct bytes name)
{
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
		if (bytes_equal(bytes_of(reasons[r].name), name))
			return r;
	return REASON_NONE;
}

const char *
oauth_error_name(enum oauth_error e)
{
	switch (e) {
	case OAUTH_OK: return "ok";
	case INVALID_REQUEST: return "invalid_request";
	case INVALID_CLIENT: return "invalid_client";
	case INVALID_GRANT: return "invalid_grant";
	case UNAUTHORIZED_CLIENT: return "unauthorized_client";
	case UNSUPPORTED_GRANT_TYPE: return "unsupported_grant_type";
	case INVALID_SCOPE: return "invalid_scope";
	case INVALID_TARGET: return "invalid_target";
	case ACCESS_DENIED: return "access_denied";
	case UNSUPPORTED_RESPONSE_TYPE: return "unsupported_response_type";
	case UNSUPPORTED_TOKEN_TYPE: return "unsupported_token_type";
	case LOGIN_REQUIRED: return "login_required";
	case CONSENT_REQUIRED: return "consent_required";
	case ACCOUNT_SELECTION_REQUIRED: return "account_selection_required";
	case INTERACTION_REQUIRED: return "interaction_required";
	case REQUEST_NOT_SUPPORTED: return "request_not_supported";
	case REQUEST_URI_NOT_SUPPORTED: return "request_uri_not_supported";
	case REGISTRATION_NOT_SUPPORTED: return "registration_not_supported";
	case SERVER_ERROR: return "server_error";
	case TEMPORARILY_UNAVAILABLE: return "temporarily_unavailable";
	case INVALID_TOKEN: return "invalid_token";
	case INSUFFICIENT_SCOPE: return "insufficient_scope";
	}
	return "server_error";
}
