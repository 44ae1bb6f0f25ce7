/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/id_token.c: CL-22, CL-07. */
#include "client/authorization.h"

#include "client_test.h"
#include "text/base64url.h"

#define NOW 1700000000
#define ACCESS_TOKEN                                          \
	"ya29.eQETFbFOkAs8nWHcmYXKwEi0Zz46NfsrUU_KuQLOLTwWS4" \
	"0y6Fb99aVzEXC0U14m61lcPMIr1hEIBA"
#define RS256 "{\"alg\":\"RS256\"}"
#define PARTIES "\"iss\":\"https://as.example\",\"sub\":\"ada\",\"aud\":\"app\""
#define TIMES "\"exp\":1700000300,\"iat\":1700000000"
#define GOOD "{" PARTIES "," TIMES ",\"nonce\":\"n-1\"}"
#define WITH(more) "{" PARTIES "," TIMES ",\"nonce\":\"n-1\"," more "}"

static struct lk_error error;
static struct id_token_wanted wanted = {
	.issuer = BI("https://as.example"), .client_id = BI("app"), .nonce = BI("n-1"),
	.access_token = BI(ACCESS_TOKEN), .now = NOW,
};

static void
put_part(struct buf *b, struct bytes json)
{
	char *text = arena_alloc(test_arena(), BASE64URL_SIZE(json.n) + 1);

	buf_put(b, (struct bytes){ text, base64url_encode(json.p, json.n, text) });
}

static struct bytes
jwt(const char *header, const char *claims)
{
	struct buf b = buf_new(test_arena(), 1 << 18);

	put_part(&b, bytes_of(header));
	buf_putc(&b, '.');
	put_part(&b, bytes_of(claims));
	buf_put(&b, B(".c2ln"));
	return buf_bytes(&b);
}

static enum lk_status
check_token(struct bytes token)
{
	error = (struct lk_error){ 0 };
	return id_token_check(test_arena(), token, &wanted, &error);
}

TEST(CL_22_a_token_for_us_is_taken)
{
	static const char *const rows[] = {
		GOOD,
		"{\"iss\":\"https://as.example\",\"sub\":\"ada\",\"aud\":[\"app\"]," TIMES
		",\"nonce\":\"n-1\"}",
		WITH("\"azp\":\"app\""), WITH("\"unknown\":[1]"),
		"{" PARTIES ",\"exp\":1699999941,\"iat\":1700000059.5,\"nonce\":\"n-1\"}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i]);
		if (!check_int(check_token(jwt(RS256, rows[i])), LK_OK))
			printf("# %s\n", error.message);
	}
}

TEST(CL_22_what_does_not_fit_is_refused)
{
	static const struct {
		const char *claims, *why;
	} rows[] = {
		{ "{\"iss\":\"https://as.example/\",\"sub\":\"a\",\"aud\":\"app\"," TIMES
		  ",\"nonce\":\"n-1\"}", "iss" },
		{ "{\"sub\":\"a\",\"aud\":\"app\"," TIMES ",\"nonce\":\"n-1\"}", "iss" },
		{ "{\"iss\":\"https://as.example\",\"sub\":\"a\",\"aud\":\"App\"," TIMES
		  ",\"nonce\":\"n-1\"}", "aud" },
		{ "{\"iss\":\"https://as.example\",\"sub\":\"a\",\"aud\":[\"app\",\"b\"]," TIMES
		  ",\"nonce\":\"n-1\"}", "aud" },
		{ "{\"iss\":\"https://as.example\",\"sub\":\"a\",\"aud\":[]," TIMES
		  ",\"nonce\":\"n-1\"}", "aud" },
		{ "{\"iss\":\"https://as.example\",\"sub\":\"a\"," TIMES ",\"nonce\":\"n-1\"}",
			"aud" },
		{ "{\"iss\":\"https://as.example\",\"aud\":\"app\"," TIMES ",\"nonce\":\"n-1\"}",
			"sub" },
		{ WITH("\"azp\":\"other\""), "azp" }, { WITH("\"azp\":7"), "azp" },
		{ "{" PARTIES ",\"iat\":1700000000,\"nonce\":\"n-1\"}", "exp" },
		{ "{" PARTIES ",\"exp\":1700000300,\"nonce\":\"n-1\"}", "iat" },
		{ "{" PARTIES ",\"exp\":\"1700000300\",\"iat\":1700000000,\"nonce\":\"n-1\"}",
			"exp" },
		{ "{" PARTIES ",\"exp\":1699999940,\"iat\":1699999000,\"nonce\":\"n-1\"}",
			"it has expired by 60 s, if this machine's clock is right, which shows"
			" 2023-11-14T22:13:20Z" },
		{ "{" PARTIES ",\"exp\":1700000300,\"iat\":1700000061,\"nonce\":\"n-1\"}",
			"it is from the future by 61 s, if this machine's clock" },
		{ "{" PARTIES "," TIMES "}", "nonce" },
		{ "{" PARTIES "," TIMES ",\"nonce\":\"n-2\"}", "nonce" },
		{ "{" PARTIES "," TIMES ",\"nonce\":\"N-1\"}", "nonce" },
		{ "{" PARTIES "," TIMES ",\"nonce\":[\"n-1\"]}", "nonce" },
		{ "{" PARTIES "," TIMES ",\"nonce\":\"n-1\",\"nonce\":\"n-1\"}", "signed JWT" },
		{ "[]", "signed JWT" }, { "", "signed JWT" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].claims);
		check_int(check_token(jwt(RS256, rows[i].claims)), LK_REJECTED);
		if (!check(strstr(error.message, rows[i].why) != NULL))
			printf("# %s\n", error.message);
	}
}

TEST(CL_22_the_sign_in_that_was_asked_for)
{
	static const struct {
		const char *max_age, *acr_values, *claims, *why; /* why NULL: taken */
	} rows[] = {
		{ "300", NULL, WITH("\"auth_time\":1699999700"), NULL },
		{ "300", NULL, WITH("\"auth_time\":1699999640"), NULL }, /* the leeway */
		{ "300", NULL, WITH("\"auth_time\":1699999639"), "max_age" },
		{ "300", NULL, WITH("\"auth_time\":1700000061"), "max_age" },
		{ "300", NULL, WITH("\"auth_time\":\"1700000000\""), "auth_time" },
		{ "300", NULL, GOOD, "auth_time" },
		{ "0", NULL, WITH("\"auth_time\":1700000000"), NULL },
		{ "0", NULL, WITH("\"auth_time\":1699999900"), "max_age" },
		{ NULL, NULL, WITH("\"auth_time\":1"), NULL },
		{ NULL, "gold silver", WITH("\"acr\":\"silver\""), NULL },
		{ NULL, "gold silver", WITH("\"acr\":\"gold\""), NULL },
		{ NULL, "gold silver", WITH("\"acr\":\"gold silver\""), "acr" },
		{ NULL, "gold", WITH("\"acr\":\"0\""), "acr" },
		{ NULL, "gold", WITH("\"acr\":[\"gold\"]"), "acr" },
		{ NULL, "gold", GOOD, "acr" },
		{ NULL, NULL, WITH("\"acr\":\"0\""), NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s %s", rows[i].max_age, rows[i].claims);
		wanted.max_age = bytes_of(rows[i].max_age);
		wanted.acr_values = bytes_of(rows[i].acr_values);
		check_int(check_token(jwt(RS256, rows[i].claims)),
			rows[i].why != NULL ? LK_REJECTED : LK_OK);
		check(rows[i].why == NULL || strstr(error.message, rows[i].why) != NULL);
	}
	wanted.max_age = wanted.acr_values = NONE;
}

TEST(CL_22_a_token_must_be_signed_though_tls_stands_for_the_check)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\"}", "{\"alg\":\"NONE\"}", "{}", "{\"alg\":7}", "[]", "",
		"{\"alg\":\"RS256\",\"crit\":[\"b64\"]}", "{\"alg\":\"RS256\",\"alg\":\"RS256\"}",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		row("%s", headers[i]);
		check_int(check_token(jwt(headers[i], GOOD)), LK_REJECTED);
	}
}

TEST(what_is_no_jwt_is_refused)
{
	struct bytes whole = jwt(RS256, GOOD);
	size_t last = whole.n - sizeof("c2ln");

	check_int(check_token(NONE), LK_REJECTED);
	check_int(check_token(B("..")), LK_REJECTED);
	check_int(check_token(B("a.b.c")), LK_REJECTED);
	check_int(check_token(bytes_slice(whole, 0, last)), LK_REJECTED);
	check_int(check_token(bytes_slice(whole, 0, last + 1)), LK_REJECTED);
	check_int(check_token(bytes_of(arena_printf(test_arena(), "%.*s.x",
		BYTES_FMT(whole)))), LK_REJECTED);
	check_int(check_token(whole), LK_OK);
}

TEST(CL_22_at_hash_is_of_the_access_token)
{
	static const struct {
		const char *alg, *at_hash;
		enum lk_status status;
	} rows[] = {
		/* A pair that Google's token endpoint once gave out. */
		{ "RS256", "aUAkJG-u6x4RTWuILWy-CA", LK_OK },
		{ "ES256", "aUAkJG-u6x4RTWuILWy-CA", LK_OK },
		{ "RS256", "aUAkJG-u6x4RTWuILWy-CQ", LK_REJECTED },
		{ "RS256", "", LK_REJECTED },
		{ "RS512", "aUAkJG-u6x4RTWuILWy-CA", LK_REJECTED },
		{ "XY", "aUAkJG-u6x4RTWuILWy-CA", LK_REJECTED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s %s", rows[i].alg, rows[i].at_hash);
		check_int(check_token(jwt(
			arena_printf(test_arena(), "{\"alg\":\"%s\"}", rows[i].alg),
			arena_printf(test_arena(), WITH("\"at_hash\":\"%s\""), rows[i].at_hash))),
			rows[i].status);
	}
}

TEST(CL_22_at_hash_with_longer_digests)
{
	static const struct {
		const char *alg;
		enum sha_bits bits;
	} rows[] = { { "PS384", SHA_384 }, { "ES512", SHA_512 }, { "EdDSA", SHA_512 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t digest[SHA_MAX];
		char text[64] = { 0 };

		row("%s", rows[i].alg);
		if (!check(sha(rows[i].bits, B(ACCESS_TOKEN), digest)))
			return;
		base64url_encode(digest, (size_t)rows[i].bits / 16, text);
		check_int(check_token(jwt(
			arena_printf(test_arena(), "{\"alg\":\"%s\"}", rows[i].alg),
			arena_printf(test_arena(), WITH("\"at_hash\":\"%s\""), text))), LK_OK);
	}
}
