/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_request.h - everything that is asked at the token endpoint and its neighbours,
 * one request each, and what the answer is worth.
 *
 * Promises: exactly one client authentication (RFC 6749 2.3.1, halves form-encoded), no
 * redirect followed, size and time bounded (CL-01, CL-16); an answer is believed only
 * when it is whole (CL-18 to CL-21); a refusal is final only when the server said so in
 * its own words (CL-29 to CL-31). Nothing is retried here: that is the caller's.
 */
#ifndef LATCHKEY_CLIENT_TOKEN_REQUEST_H
#define LATCHKEY_CLIENT_TOKEN_REQUEST_H

#include "client/as.h"

/* Who we are at that server. */
struct credentials {
	struct bytes client_id;
	struct bytes client_secret; /* NONE: public */
};
/* Does the server take the one way we have to say who we are (RFC 8414 2)? */
enum lk_status credentials_fit(const struct as *as, const struct credentials *me,
	struct lk_error *e) must_check;

struct token_answer {
	struct bytes access_token;
	struct bytes refresh_token; /* NONE: none was given (CL-26: keep the old one) */
	struct bytes id_token;      /* NONE: none */
	struct bytes scope;         /* as granted; NONE: as requested (CL-21) */
	struct bytes subject;       /* Latchkey's: the URN of the resource context */
	int64_t expires_in;         /* seconds; -1: absent or absurd (CL-20) */
};

/*
 * How it ended:
 * LK_OK            the answer is whole
 * LK_RECONNECT     invalid_grant from a JSON answer of status 400
 * LK_CONFIGURATION invalid_client, unauthorized_client, unsupported_grant_type,
 *                  invalid_scope, invalid_request, invalid_target ... (CL-29)
 * LK_DENIED        access_denied
 * LK_TRY_LATER     network, 408, 425, 429, 5xx, temporarily_unavailable, server_error, an
 *                  unparseable 4xx (CL-30, CL-31), the device flow's own three below;
 *                  e->retry_after from Retry-After (seconds or date), 0 when it did not say
 * LK_REJECTED      status 200 that must not be believed: not JSON, duplicate members,
 *                  unknown token_type (also a DPoP one, CL-19), more scope than asked
 */
struct token_ending {
	int status;       /* HTTP; 0: no answer */
	bool unanswered;  /* it may have been done and nobody told us (CL-17, CL-27): no
	                     whole answer came, or a 5xx */
	bool authorization_pending, slow_down, expired_token; /* RFC 8628 3.5 */
	int64_t began_ms; /* CLOCK_BOOTTIME when the request was sent (CL-20) */
};

struct refresh_request {
	struct bytes refresh_token;
	struct bytes retry_key; /* Idempotency-Key; sent only when as->retry_key */
	struct bytes scope;     /* what was granted before: the bound of CL-21 */
};
enum lk_status token_refresh_request(struct arena *a, const struct as *as,
	const struct credentials *me, const struct refresh_request *r,
	struct token_answer *out, struct token_ending *ending, struct lk_error *e)
	must_check;

struct code_request {
	struct bytes code, redirect_uri, verifier, scope, resource;
	struct bytes nonce;      /* NONE: no id_token is expected */
	struct bytes max_age, acr_values; /* what it is held against as well */
	struct bytes retry_key;  /* as above: on our server a lost answer can be asked again */
};
enum lk_status token_code_request(struct arena *a, const struct as *as,
	const struct credentials *me, const struct code_request *r,
	struct token_answer *out, struct token_ending *ending, struct lk_error *e)
	must_check;

/* RFC 8628 3.1 and 3.4. */
struct device_answer {
	struct bytes device_code, user_code, verification_uri, verification_uri_complete;
	int64_t expires_in, interval;
};
enum lk_status device_request(struct arena *a, const struct as *as,
	const struct credentials *me, struct bytes scope, struct bytes resource,
	struct device_answer *out, struct lk_error *e) must_check;
enum lk_status token_device_request(struct arena *a, const struct as *as,
	const struct credentials *me, struct bytes device_code, struct bytes scope,
	struct token_answer *out, struct token_ending *ending, struct lk_error *e)
	must_check;

/* RFC 7009: any 200 is success; a server without the endpoint is too. */
enum lk_status revoke_request(struct arena *a, const struct as *as,
	const struct credentials *me, struct bytes token, struct lk_error *e) must_check;

/* Judges one answer of the token endpoint: pure, for tests and fuzzing. */
struct http_answer;
enum lk_status token_answer_read(struct arena *a, const struct http_answer *answer,
	struct bytes asked_scope, struct token_answer *out, struct token_ending *ending,
	struct lk_error *e) must_check;

#endif
