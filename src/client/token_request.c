/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_request.c - what is sent to the token endpoint for a code, a refresh token and
 * a device code (RFC 6749 4.1.3 and 6, RFC 8628 3.4). One request each; whether a
 * request whose outcome is unknown may be sent again is the caller's to know: a refresh
 * may (CL-27), a code may not (CL-17), except to a server that takes a retry key and
 * then answers the same.
 */
#include "client/token_request.h"

#include "base/clock.h"
#include "client/advice.h"
#include "client/ask.h"
#include "client/authorization.h"
#include "client/said.h"

enum lk_status
credentials_fit(const struct as *as, const struct credentials *me, struct lk_error *e)
{
	if (bytes_empty(me->client_id))
		return lk_fail(e, LK_CONFIGURATION, "there is no client_id");
	if (bytes_empty(me->client_secret) || !as->basic_refused)
		return LK_OK;
	return lk_fail(e, LK_CONFIGURATION, "%.*s does not take client_secret_basic, which "
		"is how a client secret is sent; its "
		"token_endpoint_auth_methods_supported name what it takes",
		BYTES_FMT(as->issuer));
}

static enum lk_status
ask_tokens(struct arena *a, const struct as *as, const struct credentials *me,
	struct buf *form, struct bytes retry_key, struct bytes scope,
	struct token_answer *out, struct token_ending *ending, struct lk_error *e)
{
	struct http_answer answer;
	enum lk_status status;

	LK_TRY(ask_post(a, as, me, as->token_endpoint, form, retry_key, &answer, ending, e));
	status = token_answer_read(a, &answer, scope, out, ending, e);
	if (status != LK_OK)
		advise(a, as, me, scope, e);
	return status;
}

enum lk_status
token_refresh_request(struct arena *a, const struct as *as, const struct credentials *me,
	const struct refresh_request *r, struct token_answer *out,
	struct token_ending *ending, struct lk_error *e)
{
	struct buf form = ask_form(a);
	struct token_answer answer;

	ask_pair(&form, B("grant_type"), B("refresh_token"));
	ask_pair(&form, B("refresh_token"), r->refresh_token);
	LK_TRY(ask_tokens(a, as, me, &form, r->retry_key, r->scope, &answer, ending, e));
	/* OpenID Connect Core 12.2 has checks for one that is used; none is. */
	answer.id_token = NONE;
	*out = answer;
	return LK_OK;
}

/* CL-22: what was signed in with must fit, or nothing of the answer is used. */
static enum lk_status
check_id_token(struct arena *a, const struct as *as, const struct credentials *me,
	const struct code_request *r, struct token_answer *answer, struct lk_error *e)
{
	const struct id_token_wanted wanted = {
		.issuer = as->issuer,
		.client_id = me->client_id,
		.nonce = r->nonce,
		.access_token = answer->access_token,
		.max_age = r->max_age,
		.acr_values = r->acr_values,
		.now = clock_now(),
	};

	if (bytes_empty(r->nonce)) {
		answer->id_token = NONE; /* nobody asked for it, nobody has checked it */
		return LK_OK;
	}
	if (bytes_empty(answer->id_token))
		return lk_fail(e, LK_REJECTED, "the token answer must not be used: openid "
			"was asked for, and there is no id_token");
	return id_token_check(a, answer->id_token, &wanted, e);
}

enum lk_status
token_code_request(struct arena *a, const struct as *as, const struct credentials *me,
	const struct code_request *r, struct token_answer *out, struct token_ending *ending,
	struct lk_error *e)
{
	struct buf form = ask_form(a);
	struct token_answer answer;

	ask_pair(&form, B("grant_type"), B("authorization_code"));
	ask_pair(&form, B("code"), r->code);
	ask_pair(&form, B("redirect_uri"), r->redirect_uri);
	ask_pair(&form, B("code_verifier"), r->verifier);
	ask_pair(&form, B("resource"), r->resource);
	LK_TRY(ask_tokens(a, as, me, &form, r->retry_key, r->scope, &answer, ending, e));
	LK_TRY(check_id_token(a, as, me, r, &answer, e));
	*out = answer;
	return LK_OK;
}

/* RFC 8628 3.4. */
enum lk_status
token_device_request(struct arena *a, const struct as *as, const struct credentials *me,
	struct bytes device_code, struct bytes scope, struct token_answer *out,
	struct token_ending *ending, struct lk_error *e)
{
	struct buf form = ask_form(a);
	struct token_answer answer;

	ask_pair(&form, B("grant_type"),
		B("urn:ietf:params:oauth:grant-type:device_code"));
	ask_pair(&form, B("device_code"), device_code);
	LK_TRY(ask_tokens(a, as, me, &form, NONE, scope, &answer, ending, e));
	/* There was no nonce to bind an id_token to this device; none is used. */
	answer.id_token = NONE;
	*out = answer;
	return LK_OK;
}
