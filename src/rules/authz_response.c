/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authz_response.c - a checked request on its way through the browser and back,
 * and the answer it gets at last (RFC 6749 4.1.2, RFC 9207).
 */
#include "rules/authz_request.h"

#include "rules/redirect_uri.h"
#include "rules/scope.h"
#include "text/base64url.h"

#define WRITTEN_MAX 65536 /* every part at its limit, each octet escaped */

static void
pair_if(struct buf *b, struct bytes name, struct bytes value)
{
	if (!bytes_empty(value))
		form_pair(b, name, value);
}

static void
flag_if(struct buf *b, struct bytes name, bool flag)
{
	if (flag)
		form_pair(b, name, B("1"));
}

struct bytes
authz_request_write(struct arena *a, const struct authz_request *r)
{
	char challenge[BASE64URL_SIZE(PKCE_CHALLENGE_SIZE)];
	struct buf b = buf_new(a, WRITTEN_MAX);

	form_pair(&b, B("client_id"), r->client->client_id);
	form_pair(&b, B("redirect_uri"), r->redirect_uri);
	form_pair(&b, B("scope"), r->scope);
	flag_if(&b, B("form_post"), r->response_mode == RESPONSE_FORM_POST);
	pair_if(&b, B("state"), r->state);
	pair_if(&b, B("resource"), r->resource);
	if (r->has_challenge) {
		base64url_encode(r->challenge, sizeof(r->challenge), challenge);
		form_pair(&b, B("challenge"),
			(struct bytes){ challenge, sizeof(challenge) });
	}
	form_pair(&b, B("subject_type"), bytes_of(subject_type_name(r->subject_type)));
	flag_if(&b, B("none"), r->prompt_none);
	flag_if(&b, B("login"), r->prompt_login);
	flag_if(&b, B("consent"), r->prompt_consent);
	if (r->has_max_age)
		form_pair(&b, B("max_age"),
			bytes_of(arena_printf(a, "%lld", (long long)r->max_age)));
	pair_if(&b, B("login_hint"), r->login_hint);
	return buf_bytes(&b);
}

static bool
read_max_age(struct bytes text, struct authz_request *out)
{
	uint64_t seconds;

	if (bytes_empty(text))
		return true;
	if (text.n > 10 || !bytes_to_u64(text, &seconds))
		return false;
	out->has_max_age = true;
	out->max_age = (int64_t)seconds;
	return true;
}

/* What is not checked against the catalogue, because we wrote it ourselves. */
static bool
read_parts(const struct form *form, struct authz_request *out)
{
	struct bytes challenge = form_get(form, B("challenge"));

	out->redirect_uri = form_get(form, B("redirect_uri"));
	out->response_mode = bytes_empty(form_get(form, B("form_post"))) ?
		RESPONSE_QUERY : RESPONSE_FORM_POST;
	out->state = form_get(form, B("state"));
	out->has_state = !bytes_empty(out->state);
	out->scope = form_get(form, B("scope"));
	out->resource = form_get(form, B("resource"));
	out->prompt_none = !bytes_empty(form_get(form, B("none")));
	out->prompt_login = !bytes_empty(form_get(form, B("login")));
	out->prompt_consent = !bytes_empty(form_get(form, B("consent")));
	out->login_hint = form_get(form, B("login_hint"));
	out->has_challenge = !bytes_empty(challenge);
	if (out->has_challenge && !pkce_challenge_decode(challenge, out->challenge))
		return false;
	return read_max_age(form_get(form, B("max_age")), out) &&
		subject_type_by_name(form_get(form, B("subject_type")),
			&out->subject_type);
}

static bool
resources_known(const struct catalogue *all, struct bytes resource)
{
	struct bytes uri;

	while (scope_next(&resource, &uri))
		if (catalogue_resource(all, uri) == NULL)
			return false;
	return true;
}

/* AR-07: what an operator withdrew meanwhile is not approved any more. */
bool
authz_request_read(struct arena *a, const struct catalogue *all, struct bytes text,
	struct authz_request *out)
{
	struct authz_request r = { 0 };
	struct form form = { 0 };

	form_read(a, &form, text, FORM_BODY);
	r.client = catalogue_client(all, form_get(&form, B("client_id")));
	if (r.client == NULL || r.client->disabled || !read_parts(&form, &r) ||
		!(r.client->grant_types & GRANT_TYPE_AUTHORIZATION_CODE) ||
		!redirect_uri_matches(r.client, r.redirect_uri) ||
		bytes_empty(r.scope) || !scope_within(r.scope, r.client->scope) ||
		!resources_known(all, r.resource))
		return false;
	*out = r;
	return true;
}

/* AR-01 .. AR-04: code or error, iss, state, and nothing else. */
struct bytes
authz_response(struct arena *a, const struct authz_request *r, struct bytes issuer,
	struct bytes code, enum reason reason)
{
	struct buf b = buf_new(a, WRITTEN_MAX);

	if (reason == REASON_NONE) {
		form_pair(&b, B("code"), code);
	} else {
		form_pair(&b, B("error"),
			bytes_of(oauth_error_name(reason_error(reason))));
		form_pair(&b, B("error_description"), bytes_of(reason_why(reason)));
	}
	form_pair(&b, B("iss"), issuer); /* RFC 9207 2 */
	if (r->has_state)
		form_pair(&b, B("state"), r->state);
	return buf_bytes(&b);
}
