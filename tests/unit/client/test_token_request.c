/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/token_request.c, ask.c and revoke.c, over a socket: CL-01, CL-16, CL-17,
 * CL-20, CL-22, CL-27, CL-39. */
#include "client/authorization.h"

#include "as_server.h"
#include "base/clock.h"
#include "text/base64url.h"
#include "text/form.h"

#define TOKENS "{\"access_token\":\"new-a\",\"token_type\":\"Bearer\",\"refresh_token\":\"new-r\"}"

static const struct credentials public_app = { .client_id = BI("app") };
static const struct credentials secret_app = { BI("a:pp"), BI("s ec/ret") };
static struct token_answer answer;
static struct token_ending ending;
static struct lk_error error;

static enum lk_status
refresh(const struct as *as, const struct credentials *me)
{
	struct refresh_request r = { .refresh_token = B("old r&t"), .retry_key = B("key-1"),
		.scope = B("a b") };

	answer = (struct token_answer){ 0 };
	error = (struct lk_error){ 0 };
	return token_refresh_request(test_arena(), as, me, &r, &answer, &ending, &error);
}

static enum lk_status
redeem(const struct as *as, struct bytes nonce)
{
	struct code_request r = { .code = B("c+de"), .redirect_uri = B("http://127.0.0.1:1/cb"),
		.verifier = B("v"), .resource = B("https://api.example/"), .nonce = nonce,
		.retry_key = B("key-2") };

	answer = (struct token_answer){ 0 };
	error = (struct lk_error){ 0 };
	return token_code_request(test_arena(), as, &public_app, &r, &answer, &ending, &error);
}

static struct form
form_of(size_t request)
{
	struct form f = { 0 };

	form_read(test_arena(), &f, bytes_of(body_of(request)), FORM_BODY);
	return f;
}

static bool
request_has(size_t i, const char *part)
{
	const char *head = arena_printf(test_arena(), "%.*s",
		(int)(body_of(i) - server.requests[i]), server.requests[i]);

	return strstr(head, part) != NULL;
}

TEST(CL_16_a_request_is_a_form_with_one_way_to_say_who_we_are)
{
	static const struct canned script[] = { { ANSWERS, JSON_ANSWER("200", TOKENS) },
		{ ANSWERS, JSON_ANSWER("200", TOKENS) } };
	struct form f;
	struct as as;

	START(script);
	as = server_as();
	check_int(refresh(&as, &public_app), LK_OK);
	check_bytes(answer.access_token, B("new-a"));
	check_bytes(answer.refresh_token, B("new-r"));
	check(request_has(0, "POST /token HTTP/1.1\r\n"));
	check(request_has(0, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	check(request_has(0, "\r\nAccept: application/json\r\n"));
	check(!request_has(0, "Authorization"));
	f = form_of(0);
	check_bytes(form_get(&f, B("grant_type")), B("refresh_token"));
	check_bytes(form_get(&f, B("refresh_token")), B("old r&t"));
	check_bytes(form_get(&f, B("client_id")), B("app"));
	check_int((int64_t)f.count, 3);

	check_int(refresh(&as, &secret_app), LK_OK);
	/* RFC 6749 2.3.1: base64("a%3App:s+ec%2Fret") */
	check(request_has(1, "\r\nAuthorization: Basic YSUzQXBwOnMrZWMlMkZyZXQ=\r\n"));
	f = form_of(1);
	check_int((int64_t)form_occurrences(&f, B("client_id")), 0);
	check_int((int64_t)form_occurrences(&f, B("client_secret")), 0);
	server_stop();
}

TEST(CL_16_a_code_goes_with_its_redirect_uri_and_verifier)
{
	static const struct canned script[] = { { ANSWERS, JSON_ANSWER("200", TOKENS) } };
	struct form f;
	struct as as;

	START(script);
	as = server_as();
	check_int(redeem(&as, NONE), LK_OK);
	f = form_of(0);
	check_bytes(form_get(&f, B("grant_type")), B("authorization_code"));
	check_bytes(form_get(&f, B("code")), B("c+de"));
	check_bytes(form_get(&f, B("redirect_uri")), B("http://127.0.0.1:1/cb"));
	check_bytes(form_get(&f, B("code_verifier")), B("v"));
	check_bytes(form_get(&f, B("resource")), B("https://api.example/"));
	check_bytes(form_get(&f, B("client_id")), B("app"));
	server_stop();
}

TEST(CL_17_a_retry_key_goes_only_to_a_server_that_has_it)
{
	static const struct canned script[] = { { ANSWERS, JSON_ANSWER("200", TOKENS) },
		{ ANSWERS, JSON_ANSWER("200", TOKENS) }, { ANSWERS, JSON_ANSWER("200", TOKENS) } };
	struct as as;

	START(script);
	as = server_as();
	check_int(refresh(&as, &public_app), LK_OK);
	as.retry_key = true;
	check_int(refresh(&as, &public_app), LK_OK);
	check_int(redeem(&as, NONE), LK_OK);
	check(!request_has(0, "Idempotency-Key"));
	check(request_has(1, "\r\nIdempotency-Key: key-1\r\n"));
	check(request_has(2, "\r\nIdempotency-Key: key-2\r\n"));
	server_stop();
}

TEST(CL_17_CL_27_whether_it_may_have_been_done_is_known)
{
	static const struct {
		struct canned canned;
		enum lk_status status;
		bool unanswered;
	} rows[] = {
		{ { CLOSES, NULL }, LK_TRY_LATER, true },
		{ { HANGS, NULL }, LK_TRY_LATER, true },
		{ { ANSWERS, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access" },
			LK_TRY_LATER, true },
		{ { ANSWERS, "nonsense" }, LK_TRY_LATER, true },
		{ { DRIPS, JSON_ANSWER("200", TOKENS) }, LK_TRY_LATER, true },
		{ { ANSWERS, ANSWER("500", "text/html", "") }, LK_TRY_LATER, true },
		{ { ANSWERS, JSON_ANSWER("429", "{}") }, LK_TRY_LATER, false },
		{ { ANSWERS, JSON_ANSWER("400", "{\"error\":\"invalid_grant\"}") }, LK_RECONNECT,
			false },
		{ { ANSWERS, ANSWER("200", "text/html", "<html>") }, LK_REJECTED, true },
	};
	struct as as;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t before_ms = clock_boot_ms();

		row("%zu", i);
		server_start(&rows[i].canned, 1);
		as = server_as();
		as.timeout_ms = 400;
		check_int(refresh(&as, &public_app), rows[i].status);
		check_int(ending.unanswered, rows[i].unanswered);
		check_int((int64_t)server.asked, 1); /* nothing is sent twice */
		check(ending.began_ms >= before_ms && ending.began_ms < before_ms + 300);
		server_stop();
	}
	as = server_as(); /* nobody listens there any more */
	check_int(refresh(&as, &public_app), LK_TRY_LATER);
	check(!ending.unanswered);
	as.token_endpoint = B("https://no-such-host.invalid/token");
	check_int(refresh(&as, &public_app), LK_TRY_LATER);
	check(!ending.unanswered);
	as.token_endpoint = B("http://as.example/token");
	check_int(refresh(&as, &public_app), LK_CONFIGURATION);
	check(!ending.unanswered);
}

TEST(CL_16_a_huge_answer_is_cut_off)
{
	size_t n = 70000;
	char *body = arena_alloc(test_arena(), n + 200);
	struct canned script[] = { { ANSWERS, body }, { ANSWERS, NULL } };
	struct as as;

	snprintf(body, 200, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Connection: close\r\n\r\n");
	memset(body + strlen(body), ' ', n);
	script[1].answer = arena_printf(test_arena(), "HTTP/1.1 404 X%s", body + 15);
	START(script);
	as = server_as();
	check_int(refresh(&as, &public_app), LK_REJECTED);
	check(ending.unanswered);
	check_int(ending.status, 200);
	check_int(refresh(&as, &public_app), LK_TRY_LATER);
	check(!ending.unanswered);
	check_int(ending.status, 404);
	server_stop();
}

TEST(CL_01_a_redirect_gets_no_second_request)
{
	static const struct canned script[] = {
		{ ANSWERS, "HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" },
		{ ANSWERS, JSON_ANSWER("200", TOKENS) },
	};
	struct as as;

	START(script);
	as = server_as();
	check_int(refresh(&as, &public_app), LK_REJECTED);
	check_int((int64_t)server.asked, 1);
	server_stop();
}

TEST(CL_16_credentials_that_cannot_be_sent_are_not)
{
	struct as as = { .issuer = B("https://as.example"), .token_endpoint = B("https://[::1]:1/"),
		.basic_refused = true };
	struct credentials nobody = { 0 };

	check_int(refresh(&as, &secret_app), LK_CONFIGURATION);
	check(!ending.unanswered);
	check_int(refresh(&as, &nobody), LK_CONFIGURATION);
}

TEST(who_is_refused_is_told_what_was_sent_and_what_to_do)
{
	static const struct canned script[] = {
		{ ANSWERS, JSON_ANSWER("401", "{\"error\":\"invalid_client\"}") },
		{ ANSWERS, JSON_ANSWER("401", "{\"error\":\"invalid_client\"}") },
		{ ANSWERS, JSON_ANSWER("401", "{\"error\":\"invalid_client\"}") },
		{ ANSWERS, JSON_ANSWER("400", "{\"error\":\"unauthorized_client\"}") },
		{ ANSWERS, JSON_ANSWER("400", "{\"error\":\"invalid_scope\"}") },
		{ ANSWERS, JSON_ANSWER("400", "{\"error\":\"invalid_request\"}") },
	};
	struct as as;

	START(script);
	as = server_as();
	check_int(refresh(&as, &secret_app), LK_CONFIGURATION);
	check(strstr(error.message, "(lk_client_secret)") != NULL);
	as.connecting = true;
	check_int(refresh(&as, &public_app), LK_CONFIGURATION);
	check(strstr(error.message, "sent without a secret (method none)") != NULL);
	check(strstr(error.message, "(client_secret_file)") != NULL);
	check_int(refresh(&as, &secret_app), LK_CONFIGURATION);
	check(strstr(error.message, "with its secret, by client_secret_basic") != NULL);
	check(strstr(error.message, "(client_secret_file)") != NULL);
	check_int(refresh(&as, &secret_app), LK_CONFIGURATION);
	check(strstr(error.message, "grant types") != NULL);
	check_int(refresh(&as, &secret_app), LK_CONFIGURATION);
	check(strstr(error.message, "ask for others") != NULL);
	check_int(refresh(&as, &secret_app), LK_CONFIGURATION);
	check(strchr(error.message, ';') == NULL);
	server_stop();
}

TEST(CL_37_no_error_has_what_was_sent_in_it)
{
	static const struct canned script[] = {
		{ ANSWERS, JSON_ANSWER("400", "{\"error\":\"invalid_grant\",\"error_description\":"
			"\"Invalid refresh token: lk_rt_AAAABBBB0000CCCCDDDD\"}") },
		{ CLOSES, NULL },
	};
	struct refresh_request r = { .refresh_token = B("lk_rt_AAAABBBB0000CCCCDDDD") };
	struct as as;

	START(script);
	as = server_as();
	for (size_t i = 0; i < 2; i++) {
		error = (struct lk_error){ 0 };
		(void)!token_refresh_request(test_arena(), &as, &secret_app, &r, &answer, &ending,
			&error);
		check(error.message[0] != '\0');
		check(strstr(error.message, "lk_rt_") == NULL);
		check(strstr(error.message, "ec/ret") == NULL);
	}
	server_stop();
}

/* ---- id_token ---------------------------------------------------------------------- */

static const char *
with_id_token(const char *nonce)
{
	int64_t now = clock_now();
	const char *claims = arena_printf(test_arena(),
		"{\"iss\":\"%.*s\",\"sub\":\"ada\",\"aud\":\"app\",\"exp\":%" PRId64
		",\"iat\":%" PRId64 ",\"nonce\":\"%s\"}",
		BYTES_FMT(server_url("")), now + 300, now, nonce);
	char *part = arena_alloc(test_arena(), 1000);

	base64url_encode(claims, strlen(claims), part);
	return arena_printf(test_arena(), JSON_ANSWER("200", "{\"access_token\":\"a\","
		"\"token_type\":\"Bearer\",\"id_token\":\"eyJhbGciOiJSUzI1NiJ9.%s.c2ln\"}"),
		part);
}

TEST(CL_22_an_id_token_that_does_not_fit_discards_all_tokens)
{
	struct canned script[4] = { { ANSWERS, NULL }, { ANSWERS, NULL }, { ANSWERS, NULL },
		{ ANSWERS, JSON_ANSWER("200", TOKENS) } };
	struct as as;

	START(script);
	as = server_as();
	for (size_t i = 0; i < 3; i++)
		script[i].answer = with_id_token("n-1");
	check_int(redeem(&as, B("n-1")), LK_OK);
	check_bytes(answer.access_token, B("a"));
	check(answer.id_token.n > 0);
	check_int(redeem(&as, B("n-2")), LK_REJECTED);
	check_bytes(answer.access_token, NONE);
	check_int(redeem(&as, NONE), LK_OK); /* nobody asked for it: it is not used */
	check_bytes(answer.id_token, NONE);
	check_int(redeem(&as, B("n-1")), LK_REJECTED);
	check(strstr(error.message, "no id_token") != NULL);
	server_stop();
}

/* ---- revocation ----------------------------------------------------------------------- */

TEST(CL_39_any_200_is_success_and_what_is_not_is_told)
{
	static const struct {
		const char *answer;
		enum lk_status status;
		int64_t retry_after;
	} rows[] = {
		{ ANSWER("200", "text/plain", ""), LK_OK, 0 },
		{ JSON_ANSWER("200", "{\"error\":\"invalid_token\"}"), LK_OK, 0 },
		{ "HTTP/1.1 503 X\r\nRetry-After: 9\r\nConnection: close\r\n\r\n", LK_TRY_LATER, 9 },
		{ JSON_ANSWER("429", "{\"error\":\"slow_down\"}"), LK_TRY_LATER, 0 },
		{ JSON_ANSWER("503", "{\"error\":\"invalid_token\"}"), LK_TRY_LATER, 0 },
		{ JSON_ANSWER("400", "{\"error\":\"unsupported_token_type\"}"), LK_CONFIGURATION, 0 },
		{ JSON_ANSWER("401", "{\"error\":\"invalid_client\"}"), LK_CONFIGURATION, 0 },
		{ ANSWER("404", "text/html", "<html>"), LK_TRY_LATER, 0 },
		{ "HTTP/1.1 302 X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", LK_TRY_LATER, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct canned script[] = { { ANSWERS, rows[i].answer } };
		struct form f;
		struct as as;

		row("%zu", i);
		START(script);
		as = server_as();
		error = (struct lk_error){ 0 };
		check_int(revoke_request(test_arena(), &as, &secret_app, B("r t"), &error),
			rows[i].status);
		check_int(error.retry_after, rows[i].retry_after);
		f = form_of(0);
		check_bytes(form_get(&f, B("token")), B("r t"));
		check_bytes(form_get(&f, B("token_type_hint")), B("refresh_token"));
		check(request_has(0, "\r\nAuthorization: Basic "));
		server_stop();
	}
	check_int(revoke_request(test_arena(), &(struct as){ 0 }, &public_app, B("r"), &error),
		LK_OK);
}
