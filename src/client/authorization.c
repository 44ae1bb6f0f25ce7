/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorization.c - the authorization request (RFC 6749 4.1.1, RFC 7636 4.3), pushed
 * where the server takes that (RFC 9126).
 *
 * A URL handed to a browser may be seen by whoever sees that machine's processes: it
 * holds state and a challenge, and after a push only a reference; never the verifier.
 */
#include "client/authorization.h"

#include "base/clock.h"
#include "base/secret.h"
#include "client/advice.h"
#include "client/ask.h"
#include "client/said.h"
#include "crypto/digest.h"
#include "rules/pkce.h"
#include "rules/scope.h"
#include "text/base64url.h"
#include "text/form.h"
#include "text/uri.h"

enum { RANDOM = 32, URL_MAX = 16384, REQUEST_URI_MAX = 1024 };

/* What is ours to say, or would have the answer come another way than it is awaited. */
static const struct bytes reserved[] = {
	BI("response_type"), BI("response_mode"), BI("client_id"), BI("redirect_uri"),
	BI("scope"), BI("state"), BI("nonce"), BI("resource"), BI("code_challenge"),
	BI("code_challenge_method"), BI("code_verifier"), BI("request"), BI("request_uri"),
	BI("client_secret"), BI("client_assertion"), BI("client_assertion_type"),
	BI("dpop_jkt"), BI("code"), BI("iss"), BI("grant_type"),
};

static bool
is_reserved(struct bytes name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (bytes_equal(reserved[i], name))
			return true;
	return false;
}

/* 256 bits, 43 characters: CL-05, CL-06, CL-07 (at most 64). */
static struct bytes
fresh(struct arena *a)
{
	char *text = arena_alloc(a, BASE64URL_SIZE(RANDOM) + 1);
	uint8_t *random = arena_alloc(a, RANDOM);

	secret_random(random, RANDOM);
	return (struct bytes){ text, base64url_encode(random, RANDOM, text) };
}

static struct bytes
challenge(struct arena *a, struct bytes verifier)
{
	char *text = arena_alloc(a, BASE64URL_SIZE(PKCE_CHALLENGE_SIZE) + 1);
	uint8_t digest[PKCE_CHALLENGE_SIZE];

	pkce_challenge_of(verifier, digest);
	return (struct bytes){ text, base64url_encode(digest, sizeof(digest), text) };
}

/* ---- what is asked ------------------------------------------------------------ */

static enum lk_status
check_scope(struct arena *a, struct bytes scope, struct lk_error *e)
{
	struct bytes parsed;

	if (bytes_empty(scope) || scope_parse(a, scope, &parsed))
		return LK_OK;
	return lk_fail(e, LK_CONFIGURATION,
		"the scope \"%s\" is not words with a space between", shown(a, scope));
}

/* The caller's own parameters: each once, and none of ours. */
static enum lk_status
put_parameters(struct arena *a, struct buf *form, struct bytes parameters,
	struct lk_error *e)
{
	struct form read = { 0 };

	form_read(a, &read, parameters, FORM_QUERY);
	if (read.too_many)
		return lk_fail(e, LK_CONFIGURATION, "there are too many parameters");
	for (size_t i = 0; i < read.count; i++) {
		const struct form_field *field = &read.fields[i];

		if (field->malformed || bytes_empty(field->name))
			return lk_fail(e, LK_CONFIGURATION,
				"parameter %zu is malformed", i + 1);
		if (is_reserved(field->name))
			return lk_fail(e, LK_CONFIGURATION, "the parameter %.*s is the "
				"library's to say", BYTES_FMT(field->name));
		if (form_occurrences(&read, field->name) > 1)
			return lk_fail(e, LK_CONFIGURATION, "the parameter \"%s\" is there "
				"twice", shown(a, field->name));
		form_pair(form, field->name, field->value);
	}
	return LK_OK;
}

/* CL-22: what of them the id_token will be held against. */
static enum lk_status
note_sign_in(struct arena *a, struct attempt *t, struct bytes parameters,
	struct lk_error *e)
{
	struct form read = { 0 };
	uint64_t seconds;

	if (bytes_empty(t->nonce))
		return LK_OK; /* without openid there is none */
	form_read(a, &read, parameters, FORM_QUERY);
	t->max_age = form_get(&read, B("max_age"));
	t->acr_values = form_get(&read, B("acr_values"));
	if (t->max_age.n > 0 && !bytes_to_u64(t->max_age, &seconds))
		return lk_fail(e, LK_CONFIGURATION, "max_age is a number of seconds");
	return LK_OK;
}

static enum lk_status
put_request(struct arena *a, struct buf *form, const struct attempt *t,
	struct bytes parameters, struct lk_error *e)
{
	ask_pair(form, B("response_type"), B("code"));
	ask_pair(form, B("redirect_uri"), t->redirect_uri);
	ask_pair(form, B("scope"), t->scope);
	ask_pair(form, B("resource"), t->resource);
	ask_pair(form, B("state"), t->state);
	ask_pair(form, B("nonce"), t->nonce);
	ask_pair(form, B("code_challenge"), challenge(a, t->verifier));
	ask_pair(form, B("code_challenge_method"), B("S256"));
	return put_parameters(a, form, parameters, e);
}

/* ---- the push ------------------------------------------------------------------- */

/* RFC 9126 2.2: 201; some servers say 200. */
static enum lk_status
read_push(struct arena *a, const struct http_answer *answer, struct token_ending *ending,
	struct bytes *request_uri, struct lk_error *e)
{
	const char *why = "it names no request_uri";
	struct token_answer none;
	json_t *json;

	if (answer->status != 201 && answer->status != 200)
		return token_answer_read(a, answer, NONE, &none, ending, e);
	json = json_read(answer->body, ANSWER_MAX, &why);
	*request_uri = json_get_bytes(a, json, "request_uri");
	json_decref(json);
	if (request_uri->n > 0 && request_uri->n <= REQUEST_URI_MAX)
		return LK_OK;
	return lk_fail(e, LK_REJECTED,
		"the answer to the pushed request must not be used: %s", why);
}

/* CL-10: everything is pushed, and the person carries a reference. */
static enum lk_status
push(struct arena *a, const struct as *as, const struct credentials *me, struct buf *form,
	struct bytes *request_uri, struct lk_error *e)
{
	struct token_ending ending;
	struct http_answer answer;

	/* RFC 9126 2.1: client_id is part of the request, however we authenticate. */
	if (!bytes_empty(me->client_secret))
		form_pair(form, B("client_id"), me->client_id);
	LK_TRY(ask_post(a, as, me, as->pushed_authorization_request_endpoint, form, NONE,
		&answer, &ending, e));
	return read_push(a, &answer, &ending, request_uri, e);
}

/* ---- the URL ---------------------------------------------------------------------- */

/* RFC 6749 3.1: the endpoint may have a query of its own, which stays. It may not say
 * what is ours to say. */
static enum lk_status
begin_url(struct arena *a, const struct as *as, struct buf *url, struct lk_error *e)
{
	struct form own = { 0 };
	struct uri u = { 0 };

	if (bytes_empty(as->authorization_endpoint) ||
		!uri_parse(as->authorization_endpoint, &u))
		return lk_fail(e, LK_CONFIGURATION, "%.*s has no authorization endpoint",
			BYTES_FMT(as->issuer));
	form_read(a, &own, u.query, FORM_QUERY);
	for (size_t i = 0; i < own.count; i++)
		if (own.too_many || own.fields[i].malformed || is_reserved(own.fields[i].name))
			return lk_fail(e, LK_REJECTED, "the authorization endpoint of %.*s "
				"has a query that it may not have", BYTES_FMT(as->issuer));
	buf_put(url, as->authorization_endpoint);
	buf_put(url, u.has_query ? NONE : B("?"));
	return LK_OK;
}

static enum lk_status
make_url(struct arena *a, const struct as *as, const struct credentials *me,
	struct buf *form, struct bytes *out, struct lk_error *e)
{
	struct buf url = buf_new(a, URL_MAX);
	struct bytes request_uri = NONE;

	LK_TRY(begin_url(a, as, &url, e));
	if (bytes_empty(as->pushed_authorization_request_endpoint)) {
		form_pair(&url, B("client_id"), me->client_id);
		buf_putc(&url, '&');
		buf_put(&url, buf_bytes(form));
	} else {
		LK_TRY(push(a, as, me, form, &request_uri, e));
		form_pair(&url, B("client_id"), me->client_id);
		form_pair(&url, B("request_uri"), request_uri);
	}
	if (url.failed || form->failed)
		return lk_fail(e, LK_CONFIGURATION, "the authorization request would be "
			"longer than browsers take");
	*out = arena_bytes(a, buf_bytes(&url));
	return LK_OK;
}

/* ---- the attempt -------------------------------------------------------------------- */

/* CL-08: what the answer will be held against; CL-05, CL-06: new for every attempt. */
static struct attempt
new_attempt(struct arena *a, const struct as *as, const struct credentials *me,
	const struct authorization_wanted *w)
{
	struct attempt t = {
		.name = arena_bytes(a, w->name),
		.issuer = arena_bytes(a, as->issuer),
		.client_id = arena_bytes(a, me->client_id),
		.client_secret = arena_bytes(a, me->client_secret),
		.redirect_uri = arena_bytes(a, w->redirect_uri),
		.scope = arena_bytes(a, w->scope),
		.resource = arena_bytes(a, w->resource),
		.ca_file = arena_bytes(a, as->ca_file),
		.parameters = arena_bytes(a, w->parameters),
		.state = fresh(a),
		.verifier = fresh(a),
		.began_at = clock_now(),
		.flags = w->flags,
	};
	struct bytes openid = NONE;

	if (scope_parse(a, w->scope, &openid) && scope_has(openid, B("openid")))
		t.nonce = fresh(a);
	if (!bytes_empty(w->browser))
		sha256(w->browser, t.browser);
	return t;
}

enum lk_status
authorization_begin(struct arena *a, const struct as *as, const struct credentials *me,
	const struct authorization_wanted *wanted, struct attempt *out, struct bytes *url,
	struct lk_error *e)
{
	struct buf form = buf_new(a, URL_MAX);
	struct attempt attempt;
	enum lk_status status;

	LK_TRY(credentials_fit(as, me, e));
	LK_TRY(check_scope(a, wanted->scope, e));
	if (as->par_required && bytes_empty(as->pushed_authorization_request_endpoint))
		return lk_fail(e, LK_REJECTED, "%.*s requires pushed authorization requests "
			"and names no endpoint for them", BYTES_FMT(as->issuer));
	attempt = new_attempt(a, as, me, wanted);
	LK_TRY(put_request(a, &form, &attempt, wanted->parameters, e));
	LK_TRY(note_sign_in(a, &attempt, wanted->parameters, e));
	status = make_url(a, as, me, &form, url, e);
	if (status == LK_OK)
		*out = attempt;
	else
		advise(a, as, me, attempt.scope, e);
	return status;
}
