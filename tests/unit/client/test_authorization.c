/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/authorization.c: CL-05 to CL-08, CL-10, and whose parameters are whose. */
#include "client/authorization.h"

#include "as_server.h"
#include "base/clock.h"
#include "rules/pkce.h"
#include "text/base64url.h"
#include "text/form.h"
#include "text/uri.h"

static struct attempt attempt;
static struct bytes url;
static struct lk_error error;
static const struct credentials app = { .client_id = BI("app") };
static const struct credentials secret_app = { BI("a:pp"), BI("s ec/ret") };

static struct as
plain_as(void)
{
	return (struct as){ .issuer = B("https://as.example"),
		.authorization_endpoint = B("https://as.example/authorize"),
		.token_endpoint = B("https://as.example/token") };
}

static enum lk_status
begin(const struct as *as, struct authorization_wanted wanted)
{
	if (bytes_empty(wanted.redirect_uri))
		wanted.redirect_uri = B("http://127.0.0.1:7777/callback");
	url = NONE;
	error = (struct lk_error){ 0 };
	return authorization_begin(test_arena(), as, &app, &wanted, &attempt, &url, &error);
}

static struct form
query_of(struct bytes address)
{
	struct form f = { 0 };
	struct uri u = { 0 };

	check(uri_parse(address, &u));
	form_read(test_arena(), &f, u.query, FORM_QUERY);
	return f;
}

TEST(CL_06_the_request_has_a_challenge_and_never_the_verifier)
{
	struct as as = plain_as();
	struct form f;
	uint8_t sent[32], expected[32];

	if (!check_int(begin(&as, (struct authorization_wanted){ .scope = B("a b"),
		.resource = B("https://api.example/"), .name = B("acme") }), LK_OK))
		return;
	f = query_of(url);
	check(bytes_starts(url, B("https://as.example/authorize?client_id=app&")));
	check_bytes(form_get(&f, B("response_type")), B("code"));
	check_bytes(form_get(&f, B("redirect_uri")), B("http://127.0.0.1:7777/callback"));
	check_bytes(form_get(&f, B("scope")), B("a b"));
	check_bytes(form_get(&f, B("resource")), B("https://api.example/"));
	check_bytes(form_get(&f, B("state")), attempt.state);
	check_bytes(form_get(&f, B("code_challenge_method")), B("S256"));
	check(pkce_challenge_decode(form_get(&f, B("code_challenge")), sent));
	check(pkce_verifier_valid(attempt.verifier));
	pkce_challenge_of(attempt.verifier, expected);
	check_memory(sent, expected, 32);
	check(memmem(url.p, url.n, attempt.verifier.p, attempt.verifier.n) == NULL);
	for (size_t i = 0; i < f.count; i++)
		check_int((int64_t)form_occurrences(&f, f.fields[i].name), 1);
}

TEST(CL_05_CL_06_every_attempt_has_its_own_256_bits)
{
	struct as as = plain_as();
	struct attempt first;

	check_int(begin(&as, (struct authorization_wanted){ 0 }), LK_OK);
	first = attempt;
	check_int(begin(&as, (struct authorization_wanted){ 0 }), LK_OK);
	check_int((int64_t)first.state.n, 43);
	check_int((int64_t)first.verifier.n, 43);
	check(!bytes_equal(first.state, attempt.state));
	check(!bytes_equal(first.verifier, attempt.verifier));
	check(!bytes_equal(attempt.state, attempt.verifier));
}

TEST(CL_07_a_nonce_only_where_openid_is_asked_for)
{
	struct as as = plain_as();
	struct form f;

	check_int(begin(&as, (struct authorization_wanted){ .scope = B("mail openid") }), LK_OK);
	f = query_of(url);
	check_int((int64_t)attempt.nonce.n, 43);
	check_bytes(form_get(&f, B("nonce")), attempt.nonce);
	check(!bytes_equal(attempt.nonce, attempt.state));
	check(!bytes_equal(attempt.nonce, attempt.verifier));
	check_int(begin(&as, (struct authorization_wanted){ .scope = B("openid2") }), LK_OK);
	f = query_of(url);
	check_bytes(attempt.nonce, NONE);
	check_int((int64_t)form_occurrences(&f, B("nonce")), 0);
}

TEST(CL_08_the_attempt_remembers_what_the_answer_is_held_against)
{
	struct as as = plain_as();
	uint8_t browser[32];

	as.ca_file = B("/ca.pem");
	if (!check_int(begin(&as, (struct authorization_wanted){ .name = B("acme"),
		.scope = B("a"), .resource = B("https://r.example/"), .browser = B("cookie"),
		.flags = LK_DEVELOPMENT }), LK_OK))
		return;
	sha256(B("cookie"), browser);
	check_bytes(attempt.name, B("acme"));
	check_bytes(attempt.issuer, B("https://as.example"));
	check_bytes(attempt.client_id, B("app"));
	check_bytes(attempt.redirect_uri, B("http://127.0.0.1:7777/callback"));
	check_bytes(attempt.scope, B("a"));
	check_bytes(attempt.resource, B("https://r.example/"));
	check_bytes(attempt.ca_file, B("/ca.pem"));
	check_memory(attempt.browser, browser, 32);
	check_int(attempt.flags, LK_DEVELOPMENT);
	check(clock_now() - attempt.began_at <= 2);
}

TEST(what_is_ours_to_say_no_parameter_overrides)
{
	static const struct {
		const char *parameters, *why; /* why NULL: taken */
	} rows[] = {
		{ "prompt=consent&subject_type=entity", NULL }, { "", NULL }, { "&", NULL },
		{ "login_hint=ada%40a.example", NULL }, { "flag", NULL },
		{ "state=x", "state" }, { "%73tate=x", "state" }, { "response_type=token", "response" },
		{ "response_mode=fragment", "response_mode" }, { "client_id=x", "client_id" },
		{ "redirect_uri=https://evil.example", "redirect_uri" }, { "scope=all", "scope" },
		{ "nonce=1", "nonce" }, { "resource=x", "resource" },
		{ "code_challenge=x", "code_challenge" },
		{ "code_challenge_method=plain", "code_challenge_method" },
		{ "code_verifier=x", "code_verifier" }, { "request=eyJ", "request" },
		{ "request_uri=x", "request_uri" }, { "client_secret=x", "client_secret" },
		{ "prompt=a&prompt=b", "twice" }, { "prompt=%FF", "malformed" },
		{ "prompt=%zz", "malformed" }, { "=x", "malformed" }, { "a=%0d%0a", "malformed" },
	};
	struct as as = plain_as();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].parameters);
		check_int(begin(&as, (struct authorization_wanted){
			.parameters = bytes_of(rows[i].parameters) }),
			rows[i].why == NULL ? LK_OK : LK_CONFIGURATION);
		if (rows[i].why != NULL)
			check(strstr(error.message, rows[i].why) != NULL);
	}
	check_int(begin(&as, (struct authorization_wanted){
		.parameters = B("prompt=a%26state=b") }), LK_OK);
	check(memmem(url.p, url.n, B("prompt=a%26state%3Db").p, 20) != NULL);
}

TEST(CL_08_the_sign_in_that_is_asked_for_is_kept_for_the_id_token)
{
	struct authorization_wanted wanted = { .scope = B("openid"),
		.parameters = B("max_age=300&acr_values=gold+silver&prompt=login") };
	struct as as = plain_as();
	struct attempt kept;

	check_int(begin(&as, wanted), LK_OK);
	check(attempt_read(test_arena(), attempt_write(test_arena(), &attempt), &kept));
	check_bytes(kept.max_age, B("300"));
	check_bytes(kept.acr_values, B("gold silver"));
	wanted.parameters = B("max_age=soon");
	check_int(begin(&as, wanted), LK_CONFIGURATION);
	wanted.scope = B("books:read"); /* there will be no id_token */
	check_int(begin(&as, wanted), LK_OK);
	check(bytes_empty(attempt.max_age));
}

TEST(an_authorization_endpoint_may_have_a_query_but_not_say_what_is_ours)
{
	struct as as = plain_as();

	as.authorization_endpoint = B("https://as.example/authorize?tenant=1");
	check_int(begin(&as, (struct authorization_wanted){ 0 }), LK_OK);
	check(bytes_starts(url, B("https://as.example/authorize?tenant=1&client_id=app&")));
	as.authorization_endpoint = B("https://as.example/authorize?code_challenge_method=plain");
	check_int(begin(&as, (struct authorization_wanted){ 0 }), LK_REJECTED);
	as.authorization_endpoint = NONE;
	check_int(begin(&as, (struct authorization_wanted){ 0 }), LK_CONFIGURATION);
}

TEST(a_scope_is_words_with_a_space_between)
{
	struct as as = plain_as();

	check_int(begin(&as, (struct authorization_wanted){ .scope = B("a  b") }),
		LK_CONFIGURATION);
	check_int(begin(&as, (struct authorization_wanted){ .scope = B("a\nb") }),
		LK_CONFIGURATION);
}

TEST(CL_10_where_requests_are_pushed_the_person_carries_a_reference)
{
	static const struct canned script[] = { { ANSWERS, JSON_ANSWER("201",
		"{\"request_uri\":\"urn:ietf:params:oauth:request_uri:x y\","
		"\"expires_in\":60}") } };
	struct authorization_wanted wanted = { .scope = B("a"),
		.redirect_uri = B("https://app.example/cb"), .parameters = B("prompt=consent") };
	struct form f = { 0 };
	struct as as;

	START(script);
	as = server_as();
	as.pushed_authorization_request_endpoint = server_url("/par");
	as.par_required = true;
	if (check_int(authorization_begin(test_arena(), &as, &secret_app, &wanted, &attempt,
			&url, &error), LK_OK)) {
		check_bytes(url, bytes_of(arena_printf(test_arena(),
			"%.*s?client_id=a%%3App&request_uri="
			"urn%%3Aietf%%3Aparams%%3Aoauth%%3Arequest_uri%%3Ax%%20y",
			BYTES_FMT(as.authorization_endpoint))));
		form_read(test_arena(), &f, bytes_of(body_of(0)), FORM_BODY);
		check_bytes(form_get(&f, B("state")), attempt.state);
		check_bytes(form_get(&f, B("scope")), B("a"));
		check_bytes(form_get(&f, B("prompt")), B("consent"));
		check_bytes(form_get(&f, B("client_id")), B("a:pp"));
		check_int((int64_t)form_occurrences(&f, B("client_id")), 1);
		check_int((int64_t)form_occurrences(&f, B("client_secret")), 0);
		check(strstr(server.requests[0], "POST /par HTTP/1.1\r\n") == server.requests[0]);
		check(strstr(server.requests[0],
			"Authorization: Basic YSUzQXBwOnMrZWMlMkZyZXQ=\r\n") != NULL);
	}
	server_stop();
}

TEST(CL_10_a_push_that_fails_is_not_followed_by_an_open_request)
{
	static const struct canned script[] = {
		{ ANSWERS, JSON_ANSWER("400", "{\"error\":\"invalid_request\"}") },
		{ ANSWERS, JSON_ANSWER("503", "") },
		{ ANSWERS, JSON_ANSWER("201", "{\"expires_in\":60}") },
		{ ANSWERS, JSON_ANSWER("201", "{\"request_uri\":7}") },
		{ ANSWERS, ANSWER("201", "text/html", "<html>") },
		{ ANSWERS, JSON_ANSWER("302", "") },
		{ CLOSES, NULL },
	};
	static const enum lk_status statuses[] = { LK_CONFIGURATION, LK_TRY_LATER, LK_REJECTED,
		LK_REJECTED, LK_REJECTED, LK_REJECTED, LK_TRY_LATER };
	struct as as;

	START(script);
	as = server_as();
	as.pushed_authorization_request_endpoint = server_url("/par");
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		row("answer %zu", i);
		check_int(begin(&as, (struct authorization_wanted){ 0 }), statuses[i]);
		check_bytes(url, NONE);
	}
	server_stop();
	as = plain_as();
	as.par_required = true;
	check_int(begin(&as, (struct authorization_wanted){ 0 }), LK_REJECTED);
}
