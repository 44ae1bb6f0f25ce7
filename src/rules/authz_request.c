/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authz_request.c - the authorization request judged, in two halves.
 *
 * First the way back: client, redirect_uri, response_mode. While that is open a
 * refusal is a PAGE, and nothing is redirected anywhere. Then the request: each
 * refusal goes back the way that is now proven (A-10 and later).
 */
#include "rules/authz_request.h"

#include "rules/redirect_uri.h"
#include "rules/scope.h"
#include "text/base64url.h"
#include "text/uri.h"

/* What this endpoint knows by name, and how long it may be (P-08). The others are
 * unknown parameters: ignored, whatever they hold (P-04). */
enum way { BY_PAGE, BY_REDIRECT };
static const struct parameter {
	struct bytes name;
	size_t max;
	enum way way;    /* what a repetition or excess of it leads to (P-02) */
	bool repeatable; /* RFC 8707 2 */
} parameters[] = {
	{ BI("client_id"), 256, BY_PAGE, false },
	{ BI("redirect_uri"), 2048, BY_PAGE, false },
	{ BI("request_uri"), 8192, BY_PAGE, false },
	{ BI("request"), 8192, BY_PAGE, false },
	{ BI("response_mode"), 8192, BY_PAGE, false },
	{ BI("state"), 4096, BY_REDIRECT, false },
	{ BI("response_type"), 8192, BY_REDIRECT, false },
	{ BI("code_challenge"), 8192, BY_REDIRECT, false },
	{ BI("code_challenge_method"), 8192, BY_REDIRECT, false },
	{ BI("scope"), SCOPE_MAX, BY_REDIRECT, false },
	{ BI("resource"), 8192, BY_REDIRECT, true },
	{ BI("prompt"), 8192, BY_REDIRECT, false },
	{ BI("max_age"), 8192, BY_REDIRECT, false },
	{ BI("nonce"), 512, BY_REDIRECT, false },
	{ BI("login_hint"), 8192, BY_REDIRECT, false },
	{ BI("subject_type"), 8192, BY_REDIRECT, false },
	{ BI("registration"), 8192, BY_REDIRECT, false },
};
#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* One judgement under way. */
struct judge {
	struct arena *a;
	const struct catalogue *all;
	const struct form *form;
	struct authz_request *r;
};

static struct bytes
get(const struct judge *j, struct bytes name)
{
	return form_get(j->form, name);
}

/* A refusal about one parameter, which the log and the page may name. */
static enum reason
about(const struct judge *j, struct bytes name, enum reason reason)
{
	if (reason != REASON_NONE)
		j->r->culprit = name;
	return reason;
}

static size_t
longest_value(const struct form *form, struct bytes name)
{
	size_t longest = 0;

	for (size_t i = 0; i < form->count; i++)
		if (bytes_equal(form->fields[i].name, name) &&
			form->fields[i].value.n > longest)
			longest = form->fields[i].value.n;
	return longest;
}

/* P-02, P-08, A-11: repetition and length of the parameters that go this way. */
static enum reason
check_parameters(const struct judge *j, enum way way)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		const struct parameter *p = &parameters[i];

		if (p->way != way)
			continue;
		if (!p->repeatable && form_occurrences(j->form, p->name) > 1)
			return about(j, p->name, REASON_parameter_repeated);
		if (longest_value(j->form, p->name) > p->max)
			return about(j, p->name, REASON_parameter_too_long);
	}
	return REASON_NONE;
}

/* P-07: what cannot be decoded is answered by a page, wherever it stands. */
static enum reason
check_encoding(const struct judge *j)
{
	if (j->form->too_many)
		return REASON_too_many_parameters;
	for (size_t i = 0; i < PARAMETERS; i++)
		if (form_malformed(j->form, parameters[i].name))
			return about(j, parameters[i].name, REASON_parameter_malformed);
	return REASON_NONE;
}

/* ---- the way back ---------------------------------------------------------- */

/* */
static enum reason
check_client(const struct judge *j)
{
	struct bytes client_id = get(j, B("client_id"));
	const struct client *c = catalogue_client(j->all, client_id);

	if (bytes_empty(client_id))
		return REASON_authz_client_missing;
	if (c == NULL)
		return REASON_authz_client_unknown;
	j->r->client = c;
	return c->disabled ? REASON_authz_client_disabled : REASON_NONE;
}

/* required even where only one is registered. */
static enum reason
check_redirect_uri(const struct judge *j)
{
	struct bytes uri = get(j, B("redirect_uri"));

	if (bytes_empty(uri))
		return about(j, B("redirect_uri"), REASON_redirect_uri_missing);
	if (!redirect_uri_matches(j->r->client, uri))
		return about(j, B("redirect_uri"), REASON_redirect_uri_mismatch);
	j->r->redirect_uri = uri;
	return REASON_NONE;
}

/* */
static enum reason
check_response_mode(const struct judge *j)
{
	struct bytes mode = get(j, B("response_mode"));

	j->r->response_mode = RESPONSE_QUERY;
	if (bytes_empty(mode) || bytes_equal(mode, B("query")))
		return REASON_NONE;
	if (!bytes_equal(mode, B("form_post")))
		return about(j, B("response_mode"), REASON_response_mode_wrong);
	if (!bytes_starts(j->r->redirect_uri, B("https:")))
		return about(j, B("response_mode"), REASON_form_post_needs_https);
	j->r->response_mode = RESPONSE_FORM_POST;
	return REASON_NONE;
}

/* A-02 .. A-05: OpenID Connect Core 6, RFC 9101 5 */
static enum reason
check_request_object(const struct judge *j)
{
	struct bytes request_uri = get(j, B("request_uri"));
	bool request = !bytes_empty(get(j, B("request")));

	if (request && !bytes_empty(request_uri))
		return about(j, B("request_uri"), REASON_request_twice);
	if (bytes_starts(request_uri, B("urn:ietf:params:oauth:request_uri:")))
		return about(j, B("request_uri"), REASON_request_uri_unknown);
	if (!bytes_empty(request_uri))
		return about(j, B("request_uri"), REASON_request_uri_not_supported);
	return request ? about(j, B("request"), REASON_request_not_supported) :
			 REASON_NONE;
}

static bool
state_usable(struct bytes state)
{
	for (size_t i = 0; i < state.n; i++)
		if (state.p[i] < ' ' || state.p[i] > '~')
			return false;
	return state.n > 0 && state.n <= 4096;
}

/* RFC 6749 4.1.2.1: state goes back if, and only if, one usable was received. */
static void
take_state(const struct judge *j)
{
	struct bytes state = get(j, B("state"));

	if (form_occurrences(j->form, B("state")) == 1 && state_usable(state)) {
		j->r->has_state = true;
		j->r->state = state;
	}
}

/* Everything up to A-08. alone may go back by redirect, once the way
 * is proven; hence they wait for it here. */
static enum authz_answer
find_way_back(const struct judge *j, enum reason *reason)
{
	enum reason object, way;

	*reason = check_encoding(j);
	if (*reason == REASON_NONE)
		*reason = check_parameters(j, BY_PAGE);
	if (*reason == REASON_NONE)
		*reason = check_client(j);
	if (*reason != REASON_NONE)
		return AUTHZ_PAGE;
	way = check_redirect_uri(j);
	if (way == REASON_NONE)
		way = check_response_mode(j);
	object = check_request_object(j);
	take_state(j);
	*reason = object != REASON_NONE ? object : way;
	if (*reason == REASON_NONE)
		return AUTHZ_GOOD;
	return way == REASON_NONE && (object == REASON_request_uri_not_supported ||
		object == REASON_request_not_supported) ? AUTHZ_REDIRECT : AUTHZ_PAGE;
}

/* ---- the request: A-11 and later, each answered by redirect ---------------- */

/* P-09 */
static enum reason
check_state(const struct judge *j)
{
	bool unusable = !bytes_empty(get(j, B("state"))) && !j->r->has_state;

	return about(j, B("state"), unusable ? REASON_state_characters : REASON_NONE);
}

/* */
static enum reason
check_response_type(const struct judge *j)
{
	struct bytes type = get(j, B("response_type"));

	if (bytes_empty(type))
		return about(j, B("response_type"), REASON_response_type_missing);
	return about(j, B("response_type"), bytes_equal(type, B("code")) ?
		REASON_NONE : REASON_response_type_wrong);
}

/* */
static enum reason
check_registered(const struct judge *j)
{
	return j->r->client->grant_types & GRANT_TYPE_AUTHORIZATION_CODE ?
		REASON_NONE : REASON_authz_not_registered;
}

/* RFC 7636 4.3 and 4.4.1; A-14 .. A-16 */
static enum reason
check_challenge(const struct judge *j)
{
	struct bytes challenge = get(j, B("code_challenge"));
	struct bytes method = get(j, B("code_challenge_method"));
	const struct client *c = j->r->client;
	bool exempt = c->pkce_exempt && c->type == CLIENT_CONFIDENTIAL;

	if (bytes_empty(challenge) && !bytes_empty(method))
		return about(j, B("code_challenge"), REASON_challenge_method_alone);
	if (bytes_empty(challenge))
		return about(j, B("code_challenge"),
			exempt ? REASON_NONE : REASON_challenge_missing);
	if (bytes_empty(method))
		return about(j, B("code_challenge_method"),
			REASON_challenge_method_missing);
	if (!bytes_equal(method, B("S256")))
		return about(j, B("code_challenge_method"),
			REASON_challenge_method_wrong);
	if (!pkce_challenge_decode(challenge, j->r->challenge))
		return about(j, B("code_challenge"), REASON_challenge_malformed);
	j->r->has_challenge = true;
	return REASON_NONE;
}

/* RFC 6749 3.3, A-18. Of D8 this is the half without OpenID Connect: openid is a
 * scope like any other, and unknown. */
static enum reason
judge_scope(const struct catalogue *all, const struct client *c, struct bytes scope)
{
	struct bytes rest = scope, token;

	while (scope_next(&rest, &token))
		if (catalogue_scope(all, token) == NULL)
			return REASON_scope_unknown;
	return scope_within(scope, c->scope) ? REASON_NONE : REASON_scope_not_allowed;
}

static enum reason
check_scope(const struct judge *j)
{
	struct bytes asked = get(j, B("scope"));

	if (bytes_empty(asked))
		asked = j->r->client->default_scope;
	if (bytes_empty(asked))
		return about(j, B("scope"), REASON_scope_missing);
	if (!scope_parse(j->a, asked, &j->r->scope))
		return about(j, B("scope"), REASON_scope_malformed);
	return about(j, B("scope"), judge_scope(j->all, j->r->client, j->r->scope));
}

/* RFC 8707 2; RI-01, RI-02 */
static enum reason
check_resource(const struct judge *j)
{
	struct buf set = buf_new(j->a, SCOPE_MAX);

	for (size_t i = 0; i < j->form->count; i++) {
		const struct form_field *f = &j->form->fields[i];
		struct uri u;

		if (!bytes_equal(f->name, B("resource")) || bytes_empty(f->value))
			continue;
		if (!uri_parse(f->value, &u) || u.has_fragment)
			return about(j, B("resource"), REASON_resource_malformed);
		if (catalogue_resource(j->all, f->value) == NULL)
			return about(j, B("resource"), REASON_resource_unknown);
		if (set.n > 0)
			buf_putc(&set, ' ');
		buf_put(&set, f->value);
	}
	if (set.failed)
		return about(j, B("resource"), REASON_parameter_too_long);
	if (set.n > 0 && !scope_parse(j->a, buf_bytes(&set), &j->r->resource))
		return about(j, B("resource"), REASON_resource_malformed);
	return REASON_NONE;
}

/* OpenID Connect Core 3.1.2.1; A-21: unknown values are ignored. */
static enum reason
check_prompt(const struct judge *j)
{
	struct bytes rest = get(j, B("prompt")), value;
	bool other = false;

	while (scope_next(&rest, &value)) {
		if (bytes_equal(value, B("none")))
			j->r->prompt_none = true;
		else
			other = true;
		if (bytes_equal(value, B("login")))
			j->r->prompt_login = true;
		if (bytes_equal(value, B("consent")))
			j->r->prompt_consent = true;
	}
	return about(j, B("prompt"), j->r->prompt_none && other ?
		REASON_prompt_none_combined : REASON_NONE);
}

/* */
static enum reason
check_max_age(const struct judge *j)
{
	struct bytes text = get(j, B("max_age"));
	uint64_t seconds;

	if (bytes_empty(text))
		return REASON_NONE;
	if (text.n > 10 || !bytes_to_u64(text, &seconds))
		return about(j, B("max_age"), REASON_max_age_malformed);
	j->r->has_max_age = true;
	j->r->max_age = (int64_t)seconds;
	return REASON_NONE;
}

/* */
static enum reason
check_registration(const struct judge *j)
{
	return about(j, B("registration"), bytes_empty(get(j, B("registration"))) ?
		REASON_NONE : REASON_registration_not_supported);
}

/* R4.6; A-26 for the hint. */
static enum reason
check_subject(const struct judge *j)
{
	struct bytes asked = get(j, B("subject_type"));

	j->r->login_hint = bytes_slice(get(j, B("login_hint")), 0, LOGIN_HINT_MAX);
	j->r->subject_type = j->r->client->subject_type;
	if (bytes_empty(asked) || subject_type_by_name(asked, &j->r->subject_type))
		return REASON_NONE;
	return about(j, B("subject_type"), REASON_subject_type_wrong);
}

static enum reason
check_repeated(const struct judge *j)
{
	return check_parameters(j, BY_REDIRECT);
}

enum authz_answer
authz_request_judge(struct arena *a, const struct catalogue *all,
	const struct form *form, struct authz_request *out, enum reason *reason)
{
	static enum reason (*const checks[])(const struct judge *) = {
		check_repeated, check_state, check_response_type, check_registered,
		check_challenge, check_scope, check_resource, check_prompt,
		check_max_age, check_registration, check_subject,
	};
	const struct judge j = { a, all, form, out };
	enum authz_answer answer;

	*out = (struct authz_request){ 0 };
	answer = find_way_back(&j, reason);
	if (answer != AUTHZ_GOOD)
		return answer;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		*reason = checks[i](&j);
		if (*reason != REASON_NONE)
			return AUTHZ_REDIRECT;
	}
	return AUTHZ_GOOD;
}
