/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/authz_request.c: rulebook sections 2 and 5, in evaluation order. */
#include "rules/authz_request.h"

#include "catalogues.h"
#include "crypto/digest.h"
#include "tap.h"

#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define TO_WEB "client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
#define TO_LEGACY "client_id=legacy&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
#define TO_BATCH "client_id=batch&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
#define TYPE "&response_type=code"
#define PKCE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define GOOD TO_WEB TYPE PKCE "&scope=jobs:read"
#define NATIVE "client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcb"
#define PAR "urn:ietf:params:oauth:request_uri:6esc"

struct judged {
	struct arena *a;
	struct catalogue *all;
	struct form form;
	struct authz_request request;
	enum reason reason;
	enum authz_answer answer;
};

static struct judged
judge_form(const char *query, const char *body)
{
	struct judged j = { .a = arena_new(), .all = sample_catalogue() };

	form_read(j.a, &j.form, bytes_of(query), FORM_QUERY);
	form_read(j.a, &j.form, bytes_of(body), FORM_BODY);
	j.answer = authz_request_judge(j.a, j.all, &j.form, &j.request, &j.reason);
	return j;
}

static void
judged_free(struct judged *j)
{
	arena_free(j->a);
	catalogue_release(j->all);
}

#define PAGE(r) AUTHZ_PAGE, REASON_##r
#define RED(r) AUTHZ_REDIRECT, REASON_##r
#define FINE AUTHZ_GOOD, REASON_NONE

TEST(authorization_requests)
{
	static const struct {
		const char *rule, *query;
		enum authz_answer answer;
		enum reason reason;
	} rows[] = {
		{ "5", GOOD, FINE },
		{ "5", NATIVE TYPE PKCE "&scope=jobs:read", FINE },
		{ "A-01", "", PAGE(authz_client_missing) },
		{ "A-01", "client_id=", PAGE(authz_client_missing) },
		{ "A-01", "client_id=nobody&redirect_uri=https%3A%2F%2Fevil.example",
			PAGE(authz_client_unknown) },
		{ "A-01", "client_id=off&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
			PAGE(authz_client_disabled) },
		{ "A-01", "client_id=web&client_id=web", PAGE(parameter_repeated) },
		{ "A-01", "client_id=web%00", PAGE(parameter_malformed) },
		{ "A-02", GOOD "&request=a.b.c&request_uri=https%3A%2F%2Fx",
			PAGE(request_twice) },
		{ "A-03", GOOD "&request_uri=" PAR, PAGE(request_uri_unknown) },
		{ "A-04", GOOD "&request_uri=https%3A%2F%2Fevil.example",
			RED(request_uri_not_supported) },
		{ "A-04", "client_id=web&request_uri=https%3A%2F%2Fevil.example",
			PAGE(request_uri_not_supported) },
		{ "A-04", GOOD "&request_uri=https%3A%2F%2Fx&response_mode=fragment",
			PAGE(request_uri_not_supported) },
		{ "A-05", GOOD "&request=a.b.c", RED(request_not_supported) },
		{ "A-05",
			"client_id=web&redirect_uri=https%3A%2F%2Fe.example&request=a",
			PAGE(request_not_supported) },
		{ "R-08", "client_id=web" TYPE PKCE, PAGE(redirect_uri_missing) },
		{ "R-08", "client_id=web&redirect_uri=" TYPE,
			PAGE(redirect_uri_missing) },
		{ "A-06",
			"client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%2F",
			PAGE(redirect_uri_mismatch) },
		{ "R-10", "client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb",
			PAGE(redirect_uri_mismatch) },
		{ "A2", TO_WEB "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb" TYPE,
			PAGE(parameter_repeated) },
		{ "A-07", GOOD "&response_mode=fragment", PAGE(response_mode_wrong) },
		{ "A-07", GOOD "&response_mode=jwt", PAGE(response_mode_wrong) },
		{ "A-07", GOOD "&response_mode=web_message",
			PAGE(response_mode_wrong) },
		{ "A-07", GOOD "&response_mode=QUERY", PAGE(response_mode_wrong) },
		{ "A-07", GOOD "&response_mode=query&response_mode=query",
			PAGE(parameter_repeated) },
		{ "A-07", GOOD "&response_mode=query", FINE },
		{ "A-07", GOOD "&response_mode=form_post", FINE },
		{ "A-08", NATIVE TYPE PKCE "&response_mode=form_post",
			PAGE(form_post_needs_https) },
		{ "A-11", GOOD "&scope=jobs:read", RED(parameter_repeated) },
		{ "A-11", GOOD TYPE, RED(parameter_repeated) },
		{ "A-11", GOOD "&code_challenge=" CHALLENGE, RED(parameter_repeated) },
		{ "A-11", GOOD "&nonce=a&nonce=b", RED(parameter_repeated) },
		{ "P-02", GOOD "&state=a&state=a", RED(parameter_repeated) },
		{ "P-05", GOOD "&state=&state=a", RED(parameter_repeated) },
		{ "P-04", GOOD "&foo=1&foo=2&dpop_jkt=x", FINE },
		{ "P-07", GOOD "&scope=%zz", PAGE(parameter_malformed) },
		{ "P-07", GOOD "&state=%0a", PAGE(parameter_malformed) },
		{ "P-07", GOOD "&login_hint=%ff", PAGE(parameter_malformed) },
		{ "P-09", GOOD "&state=%C3%A4", RED(state_characters) },
		{ "A-12", TO_WEB PKCE, RED(response_type_missing) },
		{ "A-12", TO_WEB PKCE "&response_type=token",
			RED(response_type_wrong) },
		{ "A-12", TO_WEB PKCE "&response_type=code+id_token",
			RED(response_type_wrong) },
		{ "A-12", TO_WEB PKCE "&response_type=CODE", RED(response_type_wrong) },
		{ "A-12", TO_WEB PKCE "&response_type=code+",
			RED(response_type_wrong) },
		{ "A-13",
			TO_BATCH TYPE PKCE,
			RED(authz_not_registered) },
		{ "A-14", NATIVE TYPE "&scope=jobs:read", RED(challenge_missing) },
		{ "A-14", TO_WEB TYPE "&scope=jobs:read", RED(challenge_missing) },
		{ "A-14",
			TO_LEGACY TYPE
			"&scope=jobs:read",
			FINE },
		{ "A-15", TO_WEB TYPE "&code_challenge=" CHALLENGE,
			RED(challenge_method_missing) },
		{ "A-15",
			TO_WEB TYPE
			"&code_challenge_method=plain&code_challenge=" CHALLENGE,
			RED(challenge_method_wrong) },
		{ "A-15",
			TO_WEB TYPE
			"&code_challenge_method=s256&code_challenge=" CHALLENGE,
			RED(challenge_method_wrong) },
		{ "A-15", TO_WEB TYPE "&code_challenge_method=S256",
			RED(challenge_method_alone) },
		{ "A-15",
			TO_LEGACY TYPE
			"&code_challenge_method=plain&code_challenge=" CHALLENGE,
			RED(challenge_method_wrong) },
		{ "A-15",
			TO_LEGACY TYPE
			"&code_challenge_method=S256",
			RED(challenge_method_alone) },
		{ "A-16",
			TO_WEB TYPE "&code_challenge_method=S256&code_challenge=short",
			RED(challenge_malformed) },
		{ "A-16",
			TO_WEB TYPE "&code_challenge_method=S256&code_challenge="
				    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
			RED(challenge_malformed) },
		{ "P-10", TO_WEB TYPE PKCE "&scope=jobs:read++jobs:write",
			RED(scope_malformed) },
		{ "P-10", TO_WEB TYPE PKCE "&scope=jobs:read+", RED(scope_malformed) },
		{ "A-18", TO_WEB TYPE PKCE "&scope=no:such", RED(scope_unknown) },
		{ "A-18", TO_WEB TYPE PKCE "&scope=openid+jobs:read",
			RED(scope_unknown) },
		{ "A-18", TO_WEB TYPE PKCE "&scope=users:read",
			RED(scope_not_allowed) },
		{ "A-18", TO_WEB TYPE PKCE, FINE },
		{ "A-18", NATIVE TYPE PKCE, RED(scope_missing) },
		{ "RI-01", GOOD "&resource=api.example", RED(resource_malformed) },
		{ "RI-01", GOOD "&resource=https%3A%2F%2Fapi.example%23f",
			RED(resource_malformed) },
		{ "RI-01", GOOD "&resource=https%3A%2F%2Fno.example",
			RED(resource_unknown) },
		{ "RI-01", GOOD "&resource=https%3A%2F%2Fold.example",
			RED(resource_unknown) },
		{ "RI-02",
			GOOD "&resource=https%3A%2F%2Fother.example"
			     "&resource=https%3A%2F%2Fapi.example",
			FINE },
		{ "A-21", GOOD "&prompt=none+login", RED(prompt_none_combined) },
		{ "A-21", GOOD "&prompt=none", FINE },
		{ "A-21", GOOD "&prompt=create+login", FINE },
		{ "A-22", GOOD "&max_age=-1", RED(max_age_malformed) },
		{ "A-22", GOOD "&max_age=1e3", RED(max_age_malformed) },
		{ "A-22", GOOD "&max_age=12345678901", RED(max_age_malformed) },
		{ "A-22", GOOD "&max_age=0", FINE },
		{ "A-25", GOOD "&registration=%7B%7D",
			RED(registration_not_supported) },
		{ "A-26",
			GOOD "&display=popup&ui_locales=xx&acr_values=9&login_hint=ada",
			FINE },
		{ "R4.6", GOOD "&subject_type=planet", RED(subject_type_wrong) },
		/* the order: the way back before the request, and A-12 before A-14 */
		{ "order",
			"client_id=web&redirect_uri=https%3A%2F%2Fe.example"
			"&response_type=token",
			PAGE(redirect_uri_mismatch) },
		{ "order", TO_WEB "&response_mode=jwt&response_type=token",
			PAGE(response_mode_wrong) },
		{ "order", TO_WEB "&response_type=token&scope=no:such",
			RED(response_type_wrong) },
		{ "order", TO_WEB TYPE "&scope=no:such", RED(challenge_missing) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judged j = judge_form(rows[i].query, NULL);

		row("%zu: %s: %s", i, rows[i].rule, rows[i].query);
		check_int(j.answer, rows[i].answer);
		check_str(reason_name(j.reason), reason_name(rows[i].reason));
		/* A PAGE has nowhere to go, a RED has. */
		if (j.answer != AUTHZ_PAGE)
			check(j.request.redirect_uri.n > 0 && j.request.client != NULL);
		judged_free(&j);
	}
}

/* P-03 */
TEST(query_and_body_are_one)
{
	struct judged j = judge_form(TO_WEB, "response_type=code" PKCE);

	check_int(j.answer, AUTHZ_GOOD);
	judged_free(&j);
	j = judge_form(GOOD, "client_id=web");
	check_int(j.answer, AUTHZ_PAGE);
	check_str(reason_name(j.reason), "parameter_repeated");
	check_bytes(j.request.culprit, B("client_id"));
	judged_free(&j);
	j = judge_form(GOOD, "response_type=code");
	check_int(j.answer, AUTHZ_REDIRECT);
	check_bytes(j.request.culprit, B("response_type"));
	judged_free(&j);
}

/* P-08: by the channel that is there. */
TEST(lengths)
{
	static const struct {
		const char *before, *name;
		size_t longest;
		enum authz_answer beyond;
	} rows[] = {
		{ "", "client_id", 256, AUTHZ_PAGE },
		{ "client_id=web&", "redirect_uri", 2048, AUTHZ_PAGE },
		{ TO_WEB "&", "request", 8192, AUTHZ_PAGE },
		{ GOOD "&", "state", 4096, AUTHZ_REDIRECT },
		{ GOOD "&", "nonce", 512, AUTHZ_REDIRECT },
		{ TO_WEB TYPE PKCE "&", "scope", 2048, AUTHZ_REDIRECT },
		{ GOOD "&", "prompt", 8192, AUTHZ_REDIRECT },
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t extra = i % 2, n = rows[i / 2].longest + extra;
		struct bytes name = bytes_of(rows[i / 2].name);
		struct arena *a = arena_new();
		struct buf b = buf_new(a, 16384);
		struct judged j;

		row("%s, %zu characters", rows[i / 2].name, n);
		buf_put(&b, bytes_of(rows[i / 2].before));
		buf_put(&b, name);
		buf_putc(&b, '=');
		for (size_t k = 0; k < n; k++)
			buf_putc(&b, 'a');
		j = judge_form(buf_cstr(&b), NULL);
		check((j.reason == REASON_parameter_too_long) == (extra > 0));
		if (extra > 0) {
			check_int(j.answer, rows[i / 2].beyond);
			check_bytes(j.request.culprit, name);
		}
		judged_free(&j);
		arena_free(a);
	}
}

TEST(more_than_100_parameters_are_not_read)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 4096);
	struct judged j;

	buf_put(&b, B(GOOD));
	for (size_t i = 0; i < 101; i++)
		buf_put(&b, B("&x=1"));
	j = judge_form(buf_cstr(&b), NULL);
	check_int(j.answer, AUTHZ_PAGE);
	check_str(reason_name(j.reason), "too_many_parameters");
	judged_free(&j);
	arena_free(a);
}

/* RFC 6749 4.1.2.1: in refusals too, if and only if a usable one came. */
TEST(state_comes_along)
{
	static const struct { const char *query, *state; } rows[] = {
		{ GOOD "&state=a%20b%26%3D%25", "a b&=%" },
		{ GOOD "&state=x&scope=jobs:read", "x" },
		{ GOOD "&state=x&request=a.b.c", "x" },
		{ GOOD "&state=", NULL },
		{ GOOD "&state", NULL },
		{ GOOD "&state=a&state=b", NULL },
		{ GOOD "&state=%C3%A4", NULL },
		{ GOOD, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judged j = judge_form(rows[i].query, NULL);

		row("%s", rows[i].query);
		check(j.answer != AUTHZ_PAGE);
		check_int(j.request.has_state, rows[i].state != NULL);
		check_bytes(j.request.state, bytes_of(rows[i].state));
		judged_free(&j);
	}
}

TEST(a_good_request_is_taken_as_it_is_meant)
{
	struct judged j = judge_form(TO_WEB TYPE PKCE "&scope=jobs:write+jobs:read"
		"&resource=https%3A%2F%2Fother.example"
		"&resource=https%3A%2F%2Fapi.example"
		"&prompt=login+consent&max_age=600&login_hint=ada&subject_type=company"
		"&response_mode=form_post", NULL);
	uint8_t challenge[32];

	check_int(j.answer, AUTHZ_GOOD);
	check_bytes(j.request.client->client_id, B("web"));
	check_bytes(j.request.scope, B("jobs:read jobs:write"));
	check_bytes(j.request.resource, B("https://api.example https://other.example"));
	check(j.request.prompt_login && j.request.prompt_consent);
	check(!j.request.prompt_none);
	check(j.request.has_max_age);
	check_int(j.request.max_age, 600);
	check_bytes(j.request.login_hint, B("ada"));
	check_int(j.request.subject_type, SUBJECT_COMPANY);
	check_int(j.request.response_mode, RESPONSE_FORM_POST);
	check(j.request.has_challenge);
	check(pkce_challenge_decode(B(CHALLENGE), challenge));
	check_memory(j.request.challenge, challenge, sizeof(challenge));
	judged_free(&j);
	/* What is not said is the client's default (A-18, R4.6). */
	j = judge_form(TO_WEB TYPE PKCE, NULL);
	check_bytes(j.request.scope, B("jobs:read"));
	check_int(j.request.subject_type, SUBJECT_ENTITY);
	check_int(j.request.response_mode, RESPONSE_QUERY);
	judged_free(&j);
}
