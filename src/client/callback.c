/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callback.c - the authorization response, which a browser brings and anybody can
 * forge. Pure but for the clock.
 *
 * CL-11: state is judged first, then iss, then error, then code; before state has
 * been found right, and iss as well, not a word of the rest is acted on or repeated.
 */
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/advice.h"
#include "client/authorization.h"
#include "client/said.h"
#include "crypto/digest.h"
#include "text/base64url.h"
#include "text/form.h"

#define STATE_SIZE BASE64URL_SIZE(32) /* as authorization.c makes it */

static enum lk_status
reject(struct lk_error *e, const char *flaw)
{
	return lk_fail(e, LK_REJECTED, "this answer is not to be believed: %s", flaw);
}

/* RFC 6749 3.1: no parameter more than once; nor in two spellings of one value. */
static enum lk_status
read_query(struct arena *a, struct bytes query, struct form *out, struct lk_error *e)
{
	static const struct bytes known[] = {
		BI("state"), BI("iss"), BI("error"), BI("error_description"),
		BI("error_uri"), BI("code"),
	};

	form_read(a, out, query, FORM_QUERY);
	if (out->too_many)
		return reject(e, "it has too many parameters");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (form_occurrences(out, known[i]) > 1 || form_malformed(out, known[i]))
			return reject(e, "a parameter is there twice, or malformed");
	return LK_OK;
}

static bool
state_well_formed(struct bytes state)
{
	uint8_t octets[32];
	size_t n;

	return state.n == STATE_SIZE && base64url_decode(state, octets, sizeof(octets), &n);
}

static enum lk_status
take_state(const struct form *f, struct bytes *state, struct lk_error *e)
{
	struct bytes value = form_get(f, B("state"));

	if (!state_well_formed(value))
		return reject(e, "it has no state, or none of ours");
	*state = value;
	return LK_OK;
}

enum lk_status
callback_state(struct arena *a, struct bytes query, struct bytes *state,
	struct lk_error *e)
{
	struct form f = { 0 };

	form_read(a, &f, query, FORM_QUERY);
	if (f.too_many)
		return reject(e, "it has too many parameters");
	if (form_occurrences(&f, B("state")) > 1 || form_malformed(&f, B("state")))
		return reject(e, "its state is there twice, or malformed");
	return take_state(&f, state, e);
}

/* ---- state ---------------------------------------------------------------------- */

/* The browser that began is the browser that ends (CL-05, RFC 9700 4.7). */
static bool
same_browser(const struct attempt *attempt, struct bytes browser)
{
	static const uint8_t none[DIGEST_SIZE];
	uint8_t digest[DIGEST_SIZE] = { 0 };

	if (!secret_equal(attempt->browser, none, sizeof(none)))
		sha256(browser, digest);
	return secret_equal(attempt->browser, digest, sizeof(digest));
}

static enum lk_status
judge_state(const struct form *f, const struct attempt *attempt, struct bytes browser,
	struct lk_error *e)
{
	int64_t age = clock_now() - attempt->began_at;
	struct bytes state = NONE;

	LK_TRY(take_state(f, &state, e));
	if (!secret_equal_bytes(state, attempt->state))
		return reject(e, "its state is another attempt's");
	if (age > VAULT_ATTEMPT_LIFE || age < -VAULT_ATTEMPT_LIFE)
		return reject(e, "it is more than ten minutes old: connect again");
	if (!same_browser(attempt, browser))
		return reject(e, "it comes from another browser than the one that began");
	return LK_OK;
}

/* ---- iss ------------------------------------------------------------------------- */

/* RFC 9207 2.4 and CL-12; the attempt remembers which server was asked (CL-08). */
static enum lk_status
judge_iss(const struct form *f, const struct as *as, const struct attempt *attempt,
	struct lk_error *e)
{
	struct bytes iss = form_get(f, B("iss"));

	if (!bytes_equal(as->issuer, attempt->issuer))
		return reject(e, "the attempt was begun with another server");
	if (form_occurrences(f, B("iss")) == 0)
		return as->iss_in_response ?
			reject(e, "it lacks iss, which this server always sends") :
			LK_OK;
	return bytes_equal(iss, as->issuer) ?
		LK_OK :
		reject(e, "its iss is another server's");
}

/* ---- error and code ---------------------------------------------------------------- */

/* CL-13: nothing we asked for ends like that. */
static enum lk_status
judge_shape(const struct form *f, struct lk_error *e)
{
	static const struct bytes never[] = {
		BI("access_token"), BI("refresh_token"), BI("id_token"), BI("token_type"),
		BI("response"),
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (form_occurrences(f, never[i]) > 0)
			return reject(e, "it has tokens in it, which were not asked for");
	if (form_occurrences(f, B("code")) > 0 && form_occurrences(f, B("error")) > 0)
		return reject(e, "it has both a code and an error");
	return LK_OK;
}

/* RFC 6749 4.1.2.1. */
static enum lk_status
judge_error(struct arena *a, const struct as *as, const struct form *f,
	const struct attempt *attempt, struct lk_error *e)
{
	const struct credentials me = { attempt->client_id, attempt->client_secret };
	struct bytes code = form_get(f, B("error"));
	struct bytes description = form_get(f, B("error_description"));
	const char *separator = description.n > 0 ? ": " : "";
	enum lk_status status = LK_CONFIGURATION;

	if (form_occurrences(f, B("error")) == 0)
		return LK_OK;
	if (bytes_equal(code, B("access_denied")))
		status = LK_DENIED;
	if (bytes_equal(code, B("temporarily_unavailable")) ||
		bytes_equal(code, B("server_error")))
		status = LK_TRY_LATER;
	lk_fail(e, status, "the server says %s%s%s", said(a, code), separator,
		said(a, description));
	said_code(e, code);
	advise(a, as, &me, attempt->scope, e);
	return status;
}

/* RFC 6749 A.11: VSCHAR; it is never looked into (CL-40). */
static enum lk_status
take_code(const struct form *f, struct bytes *code, struct lk_error *e)
{
	struct bytes value = form_get(f, B("code"));

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < 0x20 || value.p[i] > 0x7E)
			return reject(e, "its code has characters no code has");
	if (bytes_empty(value))
		return reject(e, "it has neither a code nor an error");
	*code = value;
	return LK_OK;
}

enum lk_status
callback_judge(struct arena *a, const struct as *as, const struct attempt *attempt,
	struct bytes query, struct bytes browser, struct bytes *code, struct lk_error *e)
{
	struct form f = { 0 };

	LK_TRY(read_query(a, query, &f, e));
	LK_TRY(judge_state(&f, attempt, browser, e));
	LK_TRY(judge_iss(&f, as, attempt, e));
	LK_TRY(judge_shape(&f, e));
	LK_TRY(judge_error(a, as, &f, attempt, e));
	return take_code(&f, code, e);
}

/* ---- a pasted URL -------------------------------------------------------------------- */

/* What a person copies has a line end, and perhaps a fragment that browsers keep. */
static struct bytes
trimmed(struct bytes text)
{
	while (text.n > 0 && (unsigned char)text.p[0] <= 0x20)
		text = bytes_slice(text, 1, text.n);
	while (text.n > 0 && (unsigned char)text.p[text.n - 1] <= 0x20)
		text.n--;
	return text;
}

enum lk_status
callback_pasted(struct bytes pasted, struct bytes redirect_uri, struct bytes *query,
	struct lk_error *e)
{
	struct bytes url = trimmed(pasted);
	struct bytes own = redirect_uri, rest;
	bool own_query = bytes_index(own, '?') < own.n;

	if (!bytes_starts(url, own))
		return lk_fail(e, LK_REJECTED, "that is not the address the browser ends at, "
			"which begins with %.*s", BYTES_FMT(redirect_uri));
	rest = bytes_slice(url, own.n, url.n);
	if (!bytes_starts(rest, own_query ? B("&") : B("?")))
		return lk_fail(e, LK_REJECTED, "that address has no answer in it: copy it "
			"whole, from the browser's address bar");
	rest = bytes_slice(rest, 1, rest.n);
	/* CL-13: data in a fragment are not for us. */
	if (bytes_index(rest, '#') < rest.n)
		return lk_fail(e, LK_REJECTED, "that address has a fragment (#...), which "
			"an answer has not");
	*query = rest;
	return LK_OK;
}
