/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/callback.c and attempt.c: CL-05, CL-08, CL-11 to CL-13. */
#include "client/authorization.h"

#include "base/clock.h"
#include "client_test.h"
#include "text/form.h"

#define STATE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
#define ISS "&iss=https%3A%2F%2Fas.example"

static struct bytes code;
static struct lk_error error;

static struct attempt
attempt_now(void)
{
	return (struct attempt){ .issuer = B("https://as.example"), .client_id = B("app"),
		.state = B(STATE), .began_at = clock_now() };
}

static enum lk_status
judge_full(const char *query, struct attempt t, bool iss_promised, const char *browser)
{
	struct as as = { .issuer = B("https://as.example"), .iss_in_response = iss_promised };

	code = NONE;
	error = (struct lk_error){ 0 };
	return callback_judge(test_arena(), &as, &t, bytes_of(query), bytes_of(browser), &code,
		&error);
}

static enum lk_status
judge(const char *query)
{
	return judge_full(query, attempt_now(), true, NULL);
}

TEST(CL_11_a_good_answer_gives_its_code)
{
	check_int(judge("code=a%20b&state=" STATE ISS), LK_OK);
	check_bytes(code, B("a b"));
	check_int(judge("unknown=1&unknown=2&iss=https://as.example&state=" STATE "&code=c"),
		LK_OK);
	check_bytes(code, B("c"));
}

TEST(CL_11_state_is_judged_before_all_else)
{
	static const struct {
		const char *query, *why;
	} rows[] = {
		{ "", "no state" }, { "code=c", "no state" }, { "error=access_denied", "no state" },
		{ "code=c&state=", "no state" }, { "code=c&state=short", "no state" },
		{ "code=c&state=" STATE "A", "no state" },
		{ "code=c&state=!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "no state" },
		{ "code=c&state=" OTHER ISS, "another attempt's" },
		{ "error=access_denied&error_description=Give+up&state=" OTHER ISS,
			"another attempt's" },
		{ "code=c&state=" OTHER "&iss=https://evil.example", "another attempt's" },
		{ "code=c&state=" STATE "&state=" STATE ISS, "twice" },
		{ "code=c&state=" STATE "&state=" OTHER ISS, "twice" },
		{ "code=c&state=%FF" STATE ISS, "malformed" },
		{ "code=c&state=%zz" ISS, "malformed" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].query);
		check_int(judge(rows[i].query), LK_REJECTED);
		check_bytes(code, NONE);
		check_str(error.code, "");
		check(strstr(error.message, "Give") == NULL);
		if (!check(strstr(error.message, rows[i].why) != NULL))
			printf("# %s\n", error.message);
	}
}

TEST(CL_12_iss_is_judged_before_error_and_code)
{
	static const struct {
		const char *query;
		bool promised;
		enum lk_status status;
	} rows[] = {
		{ "code=c&state=" STATE ISS, true, LK_OK },
		{ "code=c&state=" STATE ISS, false, LK_OK },
		{ "code=c&state=" STATE, true, LK_REJECTED },
		{ "code=c&state=" STATE, false, LK_OK },
		{ "code=c&state=" STATE "&iss=", true, LK_REJECTED },
		{ "code=c&state=" STATE "&iss=", false, LK_REJECTED },
		{ "code=c&state=" STATE "&iss=https://as.example/", true, LK_REJECTED },
		{ "code=c&state=" STATE "&iss=https://AS.example", true, LK_REJECTED },
		{ "code=c&state=" STATE "&iss=https://evil.example", true, LK_REJECTED },
		{ "code=c&state=" STATE "&iss=https://evil.example", false, LK_REJECTED },
		{ "code=c&state=" STATE ISS ISS, true, LK_REJECTED },
		{ "error=access_denied&error_description=Trust+me&state=" STATE, true,
			LK_REJECTED },
		{ "error=access_denied&error_description=Trust+me&state=" STATE
		  "&iss=https://evil.example", true, LK_REJECTED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s, %d", rows[i].query, rows[i].promised);
		check_int(judge_full(rows[i].query, attempt_now(), rows[i].promised, NULL),
			rows[i].status);
		check(strstr(error.message, "Trust") == NULL);
		check_str(error.code, "");
	}
}

TEST(CL_12_an_attempt_belongs_to_one_server)
{
	struct attempt t = attempt_now();

	t.issuer = B("https://other.example");
	check_int(judge_full("code=c&state=" STATE ISS, t, true, NULL), LK_REJECTED);
}

TEST(CL_13_odd_answers_are_rejected)
{
	static const char *const rows[] = {
		"code=c&error=access_denied&state=" STATE ISS,
		"code=&error=access_denied&state=" STATE ISS,
		"code=c&error=&state=" STATE ISS,
		"access_token=a&token_type=bearer&state=" STATE ISS,
		"code=c&access_token=a&state=" STATE ISS, "code=c&id_token=a&state=" STATE ISS,
		"code=c&refresh_token=a&state=" STATE ISS, "response=eyJ&state=" STATE ISS,
		"code=c&code=c&state=" STATE ISS, "code=c&code=d&state=" STATE ISS,
		"error=a&error=b&state=" STATE ISS, "code=%00&state=" STATE ISS,
		"code=a%0Ab&state=" STATE ISS, "code=%C3%A4&state=" STATE ISS,
		"code=&state=" STATE ISS, "state=" STATE ISS,
		"error=a&error_description=%FF&state=" STATE ISS,
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i]);
		check_int(judge(rows[i]), LK_REJECTED);
		check_bytes(code, NONE);
	}
}

TEST(CL_11_an_error_is_told_for_what_it_is)
{
	static const struct {
		const char *error;
		enum lk_status status;
	} rows[] = {
		{ "access_denied", LK_DENIED }, { "temporarily_unavailable", LK_TRY_LATER },
		{ "server_error", LK_TRY_LATER }, { "invalid_scope", LK_CONFIGURATION },
		{ "unauthorized_client", LK_CONFIGURATION }, { "login_required", LK_CONFIGURATION },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].error);
		check_int(judge(arena_printf(test_arena(),
			"error=%s&error_description=The+reason.&state=%s&iss=https://as.example",
			rows[i].error, STATE)), rows[i].status);
		check_str(error.code, rows[i].error);
		check(strstr(error.message, "The reason.") != NULL);
	}
}

TEST(CL_05_an_attempt_is_ten_minutes_of_one_browser)
{
	struct attempt t = attempt_now();

	t.began_at -= 599;
	check_int(judge_full("code=c&state=" STATE ISS, t, true, NULL), LK_OK);
	t.began_at -= 3;
	check_int(judge_full("code=c&state=" STATE ISS, t, true, NULL), LK_REJECTED);
	t = attempt_now();
	sha256(B("session 1"), t.browser);
	check_int(judge_full("code=c&state=" STATE ISS, t, true, "session 1"), LK_OK);
	check_int(judge_full("code=c&state=" STATE ISS, t, true, "session 2"), LK_REJECTED);
	check_int(judge_full("code=c&state=" STATE ISS, t, true, NULL), LK_REJECTED);
}

TEST(callback_state_looks_at_nothing_but_state)
{
	struct bytes state = NONE;

	check_int(callback_state(test_arena(), B("error=x&code=y&state=" STATE), &state, &error),
		LK_OK);
	check_bytes(state, B(STATE));
	/* An attempt ends with its first answer, however odd the rest of that is. */
	check_int(callback_state(test_arena(), B("code=x&code=y&iss=%zz&state=" STATE), &state,
		&error), LK_OK);
	check_int(callback_state(test_arena(), B("code=y"), &state, &error), LK_REJECTED);
	check_int(callback_state(test_arena(), B("state=" STATE "&state=" STATE), &state,
		&error), LK_REJECTED);
}

TEST(more_parameters_than_any_answer_has_are_not_read)
{
	struct buf b = buf_new(test_arena(), 4096);

	buf_put(&b, B("state=" STATE ISS "&code=c"));
	for (int i = 0; i < FORM_MAX_FIELDS; i++)
		buf_put(&b, B("&a=b"));
	check_int(judge(buf_cstr(&b)), LK_REJECTED);
	check(strstr(error.message, "too many") != NULL);
}

TEST(CL_13_a_pasted_address_is_our_own_and_whole)
{
	static const struct {
		const char *pasted;
		const char *query; /* NULL: refused */
	} rows[] = {
		{ "http://127.0.0.1/callback?code=c", "code=c" },
		{ "  http://127.0.0.1/callback?code=c\r\n", "code=c" },
		{ "http://127.0.0.1/callback?", "" },
		{ "http://127.0.0.1/callback", NULL }, { "http://127.0.0.1/callback2?code=c", NULL },
		{ "http://127.0.0.1/callback&code=c", NULL },
		{ "https://evil.example/callback?code=c", NULL }, { "code=c", NULL }, { "", NULL },
		{ "http://127.0.0.1/callback?code=c#x", NULL },
		{ "http://127.0.0.1/callback#code=c", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes query = NONE;

		row("%s", rows[i].pasted);
		check_int(callback_pasted(bytes_of(rows[i].pasted),
			B("http://127.0.0.1/callback"), &query, &error),
			rows[i].query != NULL ? LK_OK : LK_REJECTED);
		check_bytes(query, bytes_of(rows[i].query));
	}
}

TEST(CL_08_an_attempt_is_read_as_it_was_written)
{
	struct attempt t = { .name = B("acme"), .issuer = B("https://as.example"),
		.client_id = B("app"), .redirect_uri = B("http://127.0.0.1:1/"), .scope = B("a b"),
		.resource = B("https://api.example"), .ca_file = B("/ca"),
		.authorization_endpoint = B("https://as.example/a"),
		.token_endpoint = B("https://as.example/t"),
		.revocation_endpoint = B("https://as.example/r"), .client_secret = B("s\0t"),
		.parameters = B("prompt=consent"),
		.state = B(STATE), .verifier = B(OTHER), .nonce = B("n"), .browser = { 1, 2, 255 },
		.began_at = INT64_C(1) << 40, .flags = LK_DEVELOPMENT };
	struct bytes text = attempt_write(test_arena(), &t);
	struct attempt got;

	if (!check(attempt_read(test_arena(), text, &got)))
		return;
	check_bytes(got.name, t.name);
	check_bytes(got.client_secret, t.client_secret);
	check_bytes(got.verifier, t.verifier);
	check_bytes(got.nonce, t.nonce);
	check_bytes(got.parameters, t.parameters);
	check_bytes(got.revocation_endpoint, t.revocation_endpoint);
	check_memory(got.browser, t.browser, 32);
	check_int(got.began_at, t.began_at);
	check_int(got.flags, t.flags);
	check_bytes(attempt_write(test_arena(), &got), text);
	for (size_t n = 0; n < text.n; n++) {
		row("%zu of %zu octets", n, text.n);
		check(!attempt_read(test_arena(), bytes_slice(text, 0, n), &got));
	}
	check(!attempt_read(test_arena(), arena_bytes(test_arena(),
		(struct bytes){ text.p, text.n + 1 }), &got));
}
