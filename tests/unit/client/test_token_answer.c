/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/token_answer.c: CL-01, CL-18 to CL-21, CL-29 to CL-31, CL-40. */
#include "client/token_request.h"

#include "client_test.h"
#include "http/http_fetch.h"

#define JSON "application/json"

static struct token_answer answer;
static struct token_ending ending;
static struct lk_error error;

static enum lk_status
read_full(int status, const char *type, struct bytes body, const char *retry_after,
	const char *asked)
{
	struct http_header fields[2] = {
		{ B("content-type"), bytes_of(type) },
		{ B("Retry-After"), bytes_of(retry_after) },
	};
	struct http_answer got = { .status = status, .headers = fields,
		.header_count = retry_after != NULL ? 2 : 1, .body = body };

	answer = (struct token_answer){ 0 };
	ending = (struct token_ending){ 0 };
	error = (struct lk_error){ 0 };
	return token_answer_read(test_arena(), &got, bytes_of(asked), &answer, &ending, &error);
}

static enum lk_status
read_answer(int status, const char *body)
{
	return read_full(status, JSON, bytes_of(body), NULL, NULL);
}

/* ---- 200 ------------------------------------------------------------------------ */

TEST(CL_18_a_whole_answer_is_taken)
{
	if (!check_int(read_full(200, "application/json; charset=UTF-8",
		B("{\"access_token\":\"a.b-c\",\"token_type\":\"bEARER\",\"expires_in\":900,"
		  "\"refresh_token\":\"r\",\"scope\":\"b a\",\"subject\":\"urn:x:y\","
		  "\"unknown\":{\"deep\":[1]}}"), NULL, "a b c"), LK_OK))
		return;
	check_bytes(answer.access_token, B("a.b-c"));
	check_bytes(answer.refresh_token, B("r"));
	check_bytes(answer.scope, B("a b"));
	check_bytes(answer.subject, B("urn:x:y"));
	check_int(answer.expires_in, 900);
	check_int(ending.status, 200);
	check(!ending.unanswered);
}

TEST(CL_26_no_refresh_token_is_none)
{
	check_int(read_answer(200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}"), LK_OK);
	check_bytes(answer.refresh_token, NONE);
	check_int(answer.expires_in, -1);
	check_int(read_answer(200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\","
		"\"refresh_token\":null,\"scope\":null}"), LK_OK);
	check_bytes(answer.refresh_token, NONE);
}

TEST(CL_18_CL_19_what_must_not_be_believed_is_not)
{
	static const struct {
		const char *body, *why;
	} rows[] = {
		{ "", "empty" },
		{ "<html>sign in</html>", "not valid JSON" },
		{ "[]", "not an object" },
		{ "access_token=a&token_type=bearer", "not valid JSON" },
		{ "{}", "token_type is missing" },
		{ "{\"access_token\":\"a\"}", "token_type is missing" },
		{ "{\"access_token\":\"a\",\"token_type\":7}", "token_type is not a string" },
		{ "{\"access_token\":\"a\",\"token_type\":\"mac\"}", "not one we know" },
		{ "{\"access_token\":\"a\",\"token_type\":\"DPoP\"}", "DPoP" },
		{ "{\"token_type\":\"Bearer\"}", "access_token is missing" },
		{ "{\"access_token\":\"\",\"token_type\":\"Bearer\"}", "access_token is missing" },
		{ "{\"access_token\":[\"a\"],\"token_type\":\"Bearer\"}", "access_token is not" },
		{ "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}",
			"twice" },
		{ "{\"access_token\":\"a\\r\\nX-Admin: 1\",\"token_type\":\"Bearer\"}",
			"characters" },
		{ "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}", "characters" },
		{ "{\"access_token\":\"\xC3\xA4\",\"token_type\":\"Bearer\"}", "characters" },
		{ "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"refresh_token\":1}",
			"refresh_token is not" },
		{ "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scope\":[\"a\"]}",
			"scope is not" },
		{ "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scope\":\"a\\u0001\"}",
			"scope is malformed" },
		{ "{\"access_token\":\"a\",\"token_type\":\"Bearer\"} {}", "follows the end" },
		{ "{\"error\":\"invalid_grant\"}", "with status 200" },
		{ "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"error\":\"x\"}",
			"with status 200" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].body);
		check_int(read_answer(200, rows[i].body), LK_REJECTED);
		check_bytes(answer.access_token, NONE);
		check(ending.unanswered);
		if (!check(strstr(error.message, rows[i].why) != NULL))
			printf("# %s\n", error.message);
	}
}

TEST(CL_18_only_200_brings_tokens)
{
	static const int others[] = { 201, 202, 204, 206, 299, 300 };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		row("%d", others[i]);
		check_int(read_answer(others[i],
			"{\"access_token\":\"a\",\"token_type\":\"Bearer\"}"), LK_REJECTED);
	}
}

TEST(CL_20_a_lifetime_is_a_number_of_seconds_or_unknown)
{
	static const struct {
		const char *json;
		int64_t want;
	} rows[] = {
		{ "3600", 3600 }, { "\"3600\"", 3600 }, { "1", 1 }, { "315360000", 315360000 },
		{ "0", -1 }, { "-5", -1 }, { "\"\"", -1 }, { "\"-5\"", -1 }, { "\"1h\"", -1 },
		{ "null", -1 }, { "true", -1 }, { "[3600]", -1 }, { "3.6", -1 },
		{ "315360001", -1 }, { "9223372036854775807", -1 },
		{ "\"99999999999999999999999\"", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].json);
		check_int(read_answer(200, arena_printf(test_arena(),
			"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":%s}",
			rows[i].json)), LK_OK);
		check_int(answer.expires_in, rows[i].want);
	}
}

TEST(CL_21_less_scope_is_told_and_more_is_not_used)
{
	static const struct {
		const char *asked, *granted;
		enum lk_status status;
		const char *told;
	} rows[] = {
		{ "a b", "a b", LK_OK, "a b" }, { "a b", "b", LK_OK, "b" },
		{ "b a", "a  b b", LK_OK, "a b" }, { "a", "a b", LK_REJECTED, NULL },
		{ "a", "A", LK_REJECTED, NULL }, { NULL, "x y", LK_OK, "x y" },
		{ "a", "", LK_OK, NULL }, { "a b", " a ", LK_OK, "a" },
		{ "a b", "a,b", LK_REJECTED, NULL }, { NULL, "a,b", LK_OK, "a,b" },
		{ "a,b", "a,b", LK_OK, "a,b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("asked %s, granted %s", rows[i].asked, rows[i].granted);
		check_int(read_full(200, JSON, bytes_of(arena_printf(test_arena(),
			"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"scope\":\"%s\"}",
			rows[i].granted)), NULL, rows[i].asked), rows[i].status);
		check_bytes(answer.scope, bytes_of(rows[i].told));
	}
}

TEST(CL_40_tokens_are_of_any_length_and_never_looked_into)
{
	size_t n = 60000;
	char *token = arena_alloc(test_arena(), n + 1);

	memset(token, 'x', n);
	check_int(read_answer(200, arena_printf(test_arena(),
		"{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}", token)), LK_OK);
	check_int((int64_t)answer.access_token.n, (int64_t)n);
	check_int(read_answer(200, "{\"access_token\":\"eyJ.%%.\\\"\",\"token_type\":\"Bearer\"}"),
		LK_OK);
	check_int(read_answer(200, arena_printf(test_arena(),
		"{\"access_token\":\"%s%s\",\"token_type\":\"Bearer\"}", token, token)),
		LK_REJECTED);
}

/* ---- refusals -------------------------------------------------------------------- */

TEST(CL_29_errors_in_the_servers_own_words)
{
	static const struct {
		int http;
		const char *code;
		enum lk_status status;
	} rows[] = {
		{ 400, "invalid_grant", LK_RECONNECT },
		{ 401, "invalid_grant", LK_RECONNECT },
		{ 403, "invalid_grant", LK_RECONNECT },
		{ 404, "invalid_grant", LK_TRY_LATER },
		{ 410, "invalid_grant", LK_TRY_LATER },
		{ 422, "invalid_grant", LK_TRY_LATER },
		{ 500, "invalid_grant", LK_TRY_LATER },
		{ 400, "Invalid_Grant", LK_CONFIGURATION },
		{ 401, "invalid_client", LK_CONFIGURATION },
		{ 400, "invalid_client", LK_CONFIGURATION },
		{ 400, "unauthorized_client", LK_CONFIGURATION },
		{ 400, "unsupported_grant_type", LK_CONFIGURATION },
		{ 400, "invalid_scope", LK_CONFIGURATION },
		{ 400, "invalid_request", LK_CONFIGURATION },
		{ 400, "invalid_target", LK_CONFIGURATION },
		{ 400, "something_new", LK_CONFIGURATION },
		{ 400, "access_denied", LK_DENIED },
		{ 400, "expired_token", LK_TRY_LATER },
		{ 400, "temporarily_unavailable", LK_TRY_LATER },
		{ 400, "server_error", LK_TRY_LATER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%d %s", rows[i].http, rows[i].code);
		check_int(read_answer(rows[i].http,
			arena_printf(test_arena(), "{\"error\":\"%s\"}", rows[i].code)),
			rows[i].status);
		check_int(error.status, rows[i].status);
		check_int(ending.unanswered, rows[i].http >= 500);
		if (rows[i].http < 500)
			check_str(error.code, rows[i].code);
	}
}

TEST(CL_30_transient_answers_keep_the_tokens)
{
	static const struct {
		int http;
		const char *retry_after;
		int64_t seconds;
		bool unanswered;
	} rows[] = {
		{ 408, NULL, 0, false }, { 425, NULL, 0, false }, { 429, "7", 7, false },
		{ 500, NULL, 0, true }, { 502, NULL, 0, true }, { 503, "120", 120, true },
		{ 503, "soon", 0, true }, { 504, "-1", 0, true }, { 599, NULL, 0, true },
		{ 503, "99999999", 86400, true },
		{ 503, "Sun, 06 Nov 1994 08:49:37 GMT", 0, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%d %s", rows[i].http, rows[i].retry_after);
		check_int(read_full(rows[i].http, JSON, B("{\"error\":\"invalid_grant\"}"),
			rows[i].retry_after, NULL), LK_TRY_LATER);
		check_int(error.retry_after, rows[i].seconds);
		check_int(ending.unanswered, rows[i].unanswered);
	}
}

TEST(CL_31_an_answer_that_is_not_the_servers_is_never_invalid_grant)
{
	static const struct {
		int http;
		const char *type;
		const char *body;
	} rows[] = {
		{ 400, "text/html", "<html>invalid_grant</html>" },
		{ 400, "text/html", "{\"error\":\"invalid_grant\"}" },
		{ 400, NULL, "{\"error\":\"invalid_grant\"}" },
		{ 400, "text/plain", "{\"error\":\"invalid_grant\"}" },
		{ 400, "application/jsonp", "{\"error\":\"invalid_grant\"}" },
		{ 400, JSON, "" },
		{ 400, JSON, "invalid_grant" },
		{ 400, JSON, "\"invalid_grant\"" },
		{ 400, JSON, "[{\"error\":\"invalid_grant\"}]" },
		{ 400, JSON, "{\"error\":[\"invalid_grant\"]}" },
		{ 400, JSON, "{\"error\":{\"code\":\"invalid_grant\"}}" },
		{ 400, JSON, "{\"error\":\"invalid_grant\",\"error\":\"invalid_client\"}" },
		{ 400, JSON, "{\"error\":\"invalid_grant\"" },
		{ 401, "text/html", "Proxy authentication" }, { 403, "text/html", "Blocked" },
		{ 404, "text/html", "Not found" }, { 407, NULL, "" }, { 511, "text/html", "x" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%d %s %s", rows[i].http, rows[i].type, rows[i].body);
		check_int(read_full(rows[i].http, rows[i].type, bytes_of(rows[i].body), NULL,
			NULL), LK_TRY_LATER);
		check_str(error.code, "");
	}
}

TEST(CL_01_a_redirect_of_the_token_endpoint_is_not_followed)
{
	static const int redirects[] = { 301, 302, 303, 307, 308, 304 };

	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++) {
		row("%d", redirects[i]);
		check_int(read_answer(redirects[i], ""), LK_REJECTED);
		check(strstr(error.message, "redirects") != NULL);
		check(!ending.unanswered);
	}
}

TEST(CL_33_what_the_device_flow_waits_for_is_told_apart)
{
	check_int(read_answer(400, "{\"error\":\"authorization_pending\"}"), LK_TRY_LATER);
	check(ending.authorization_pending && !ending.slow_down);
	check_int(read_answer(400, "{\"error\":\"slow_down\"}"), LK_TRY_LATER);
	check(!ending.authorization_pending && ending.slow_down);
	check_int(read_answer(400, "{\"error\":\"server_error\"}"), LK_TRY_LATER);
	check(!ending.authorization_pending && !ending.slow_down);
}

TEST(CL_37_no_error_repeats_a_token_or_moves_the_cursor)
{
	static const struct {
		const char *description, *shown;
	} rows[] = {
		{ "Invalid refresh token: 8f3c1e7a-9b1d-4c55-8d11-2f0f6f5d8a01",
			"Invalid refresh token: [...]" },
		{ "Token \\\"lk_rt_AAAABBBBCCCC0000DDDDEEEE\\\" is not active",
			"Token \"[...]\" is not active" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "[...]" },
		{ "Please reconnect", "Please reconnect" },
		{ "a\\u001b[2Jb", "a?[2Jb" },
		{ "line\\r\\nline", "line??line" },
		{ "\\u009b2J", "(not clean text)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].description);
		check_int(read_answer(400, arena_printf(test_arena(),
			"{\"error\":\"invalid_grant\",\"error_description\":\"%s\"}",
			rows[i].description)), LK_RECONNECT);
		check_str(error.message, arena_printf(test_arena(),
			"the server says invalid_grant (400): %s", rows[i].shown));
	}
	check_int(read_answer(400, "{\"error\":\"in\\u0007valid\"}"), LK_CONFIGURATION);
	check_str(error.code, "");
	check(strchr(error.message, '\a') == NULL);
}
