/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/as.c without a network: CL-01, CL-02, CL-03, and odd documents. */
#include "client/token_request.h"

#include "client_test.h"

#define ISSUER "https://as.example"
#define ENDPOINTS                                                    \
	"\"authorization_endpoint\":\"https://as.example/authorize\"," \
	"\"token_endpoint\":\"https://as.example/token\""
#define S256 "\"code_challenge_methods_supported\":[\"S256\"]"
#define WHOLE "{\"issuer\":\"" ISSUER "\"," ENDPOINTS "," S256 "}"
#define WITH(more) "{\"issuer\":\"" ISSUER "\"," ENDPOINTS "," S256 "," more "}"

static enum lk_status
read_as(struct bytes document, struct as_wanted wanted, struct as *as, struct lk_error *e)
{
	if (bytes_empty(wanted.issuer))
		wanted.issuer = B(ISSUER);
	*as = (struct as){ 0 };
	*e = (struct lk_error){ 0 };
	return as_read(test_arena(), &wanted, document, as, e);
}

TEST(CL_02_the_issuer_is_the_configured_one_octet_by_octet)
{
	static const struct {
		struct bytes document;
		enum lk_status status;
	} rows[] = {
		{ BI(WHOLE), LK_OK },
		{ BI("{\"issuer\":\"https://as.example/\"," ENDPOINTS "," S256 "}"), LK_REJECTED },
		{ BI("{\"issuer\":\"https://AS.example\"," ENDPOINTS "," S256 "}"), LK_REJECTED },
		{ BI("{\"issuer\":\"https://as.example:443\"," ENDPOINTS "," S256 "}"),
			LK_REJECTED },
		{ BI("{\"issuer\":\"https://evil.example\"," ENDPOINTS "," S256 "}"),
			LK_REJECTED },
		{ BI("{\"issuer\":[\"https://as.example\"]," ENDPOINTS "," S256 "}"),
			LK_REJECTED },
		{ BI("{" ENDPOINTS "," S256 "}"), LK_REJECTED },
	};
	struct as as;
	struct lk_error e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%.*s", BYTES_FMT(rows[i].document));
		check_int(read_as(rows[i].document, (struct as_wanted){ 0 }, &as, &e),
			rows[i].status);
		check_bytes(as.issuer, rows[i].status == LK_OK ? B(ISSUER) : NONE);
	}
}

TEST(CL_03_a_server_without_S256_is_refused_unless_configured)
{
	static const struct {
		struct bytes document;
		bool unadvertised;
		enum lk_status status;
	} rows[] = {
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS "}"), false, LK_CONFIGURATION },
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS "}"), true, LK_OK },
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS
		     ",\"code_challenge_methods_supported\":[\"plain\"]}"), false,
			LK_CONFIGURATION },
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS
		     ",\"code_challenge_methods_supported\":[\"s256\"]}"), false,
			LK_CONFIGURATION },
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS
		     ",\"code_challenge_methods_supported\":[\"plain\",\"S256\"]}"), false, LK_OK },
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS
		     ",\"code_challenge_methods_supported\":\"S256\"}"), false, LK_REJECTED },
		{ BI("{\"issuer\":\"" ISSUER "\"," ENDPOINTS
		     ",\"code_challenge_methods_supported\":[256]}"), false, LK_REJECTED },
	};
	struct as as;
	struct lk_error e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%.*s", BYTES_FMT(rows[i].document));
		check_int(read_as(rows[i].document,
			(struct as_wanted){ .s256_unadvertised = rows[i].unadvertised }, &as, &e),
			rows[i].status);
		if (rows[i].status == LK_CONFIGURATION)
			check(strstr(e.message, "LK_S256_UNADVERTISED") != NULL);
	}
}

TEST(CL_01_every_endpoint_is_https_or_on_this_machine_in_development)
{
	static const struct {
		const char *url;
		bool development, good;
	} rows[] = {
		{ "https://other.example/token", false, true },
		{ "https://as.example/token?tenant=1", false, true },
		{ "http://as.example/token", false, false },
		{ "http://as.example/token", true, false },
		{ "http://127.0.0.1:9/token", false, false },
		{ "http://127.0.0.1:9/token", true, true },
		{ "http://[::1]:9/token", true, true },
		{ "http://localhost/token", true, true },
		{ "http://localhost.evil.example/token", true, false },
		{ "https://as.example@evil.example/token", false, false },
		{ "https://as.example/token#x", false, false },
		{ "https://as.example:0/token", false, false },
		{ "https://as.example:70000/token", false, false },
		{ "https:///token", false, false },
		{ "ftp://as.example/token", false, false },
		{ "/token", false, false },
		{ "", false, false },
		{ "https://as.example/to ken", false, false },
	};
	static const char *const members[] = { "token_endpoint", "revocation_endpoint",
		"device_authorization_endpoint", "pushed_authorization_request_endpoint" };
	struct as as;
	struct lk_error e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *member = members[i % 4];
		const char *document = arena_printf(test_arena(),
			"{\"issuer\":\"" ISSUER "\",%s" S256 ",\"%s\":\"%s\"}",
			i % 4 == 0 ? "" : ENDPOINTS ",", member, rows[i].url);

		row("%s", document);
		check_int(read_as(bytes_of(document),
			(struct as_wanted){ .development = rows[i].development }, &as, &e),
			rows[i].good ? LK_OK : LK_REJECTED);
		if (!rows[i].good)
			check(strstr(e.message, member) != NULL);
	}
}

TEST(CL_02_the_issuer_that_is_configured_is_a_plain_https_url)
{
	static const struct {
		const char *issuer;
		bool development;
	} rows[] = {
		{ "http://as.example", false }, { "http://as.example", true },
		{ "http://127.0.0.1:1", false }, { "https://u:p@as.example", false },
		{ "https://as.example?x=1", false }, { "https://as.example#x", false },
		{ "as.example", false }, { "", false }, { "https:as.example", false },
		{ "https://as.example/\x1b[2J", false },
	};
	struct lk_error e;
	struct as as;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct as_wanted wanted = { .issuer = bytes_of(rows[i].issuer),
			.development = rows[i].development };

		row("%s", rows[i].issuer);
		check_int(as_discover(test_arena(), &wanted, &as, &e), LK_CONFIGURATION);
		check(strchr(e.message, '\x1b') == NULL);
	}
}

TEST(endpoints_that_are_given_are_taken_and_judged)
{
	struct as_wanted wanted = { .issuer = B(ISSUER),
		.authorization_endpoint = B("https://as.example/a"),
		.token_endpoint = B("https://as.example/t"),
		.revocation_endpoint = B("https://as.example/r"),
		.timeout_ms = 77 };
	struct lk_error e;
	struct as as;

	if (check_int(as_discover(test_arena(), &wanted, &as, &e), LK_OK)) {
		check_bytes(as.issuer, B(ISSUER));
		check_bytes(as.authorization_endpoint, B("https://as.example/a"));
		check_bytes(as.token_endpoint, B("https://as.example/t"));
		check_bytes(as.revocation_endpoint, B("https://as.example/r"));
		check_int(as.timeout_ms, 77);
		check(!as.iss_in_response && !as.par_required && !as.retry_key && !as.openid);
	}
	wanted.revocation_endpoint = NONE;
	check_int(as_discover(test_arena(), &wanted, &as, &e), LK_CONFIGURATION);
	wanted.revocation_endpoint = B("http://as.example/r");
	check_int(as_discover(test_arena(), &wanted, &as, &e), LK_CONFIGURATION);
}

TEST(what_the_server_can_do_is_read)
{
	struct as as;
	struct lk_error e;

	check_int(read_as(B(WITH("\"authorization_response_iss_parameter_supported\":true,"
		"\"require_pushed_authorization_requests\":true,"
		"\"refresh_retry_key_supported\":true,"
		"\"scopes_supported\":[\"mail\",\"openid\"]")),
		(struct as_wanted){ 0 }, &as, &e), LK_OK);
	check(as.iss_in_response && as.par_required && as.retry_key && as.openid);
	check_int(read_as(B(WHOLE), (struct as_wanted){ 0 }, &as, &e), LK_OK);
	check(!as.iss_in_response && !as.par_required && !as.retry_key && !as.openid);
	check_int(read_as(B(WITH("\"refresh_retry_key_supported\":\"true\"")),
		(struct as_wanted){ 0 }, &as, &e), LK_REJECTED);
	check_int(read_as(B(WITH("\"scopes_supported\":{}")), (struct as_wanted){ 0 }, &as,
		&e), LK_REJECTED);
}

TEST(CL_16_a_server_that_does_not_take_client_secret_basic_is_told_of_by_name)
{
	static const struct {
		struct bytes document;
		bool secret, good;
	} rows[] = {
		{ BI(WHOLE), true, true }, /* RFC 8414 2: it is the default */
		{ BI(WHOLE), false, true },
		{ BI(WITH("\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\"]")),
			true, true },
		{ BI(WITH("\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]")),
			true, false },
		/* Several that take public clients do not list "none". */
		{ BI(WITH("\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]")),
			false, true },
	};
	struct lk_error e;
	struct as as;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct credentials me = { B("app"), rows[i].secret ? B("secret") : NONE };

		row("%zu", i);
		check_int(read_as(rows[i].document, (struct as_wanted){ 0 }, &as, &e), LK_OK);
		check_int(credentials_fit(&as, &me, &e),
			rows[i].good ? LK_OK : LK_CONFIGURATION);
		if (!rows[i].good)
			check(strstr(e.message, "client_secret_basic") != NULL);
	}
}

TEST(odd_documents_are_refused)
{
	static const struct {
		struct bytes document;
		const char *why;
	} rows[] = {
		{ BI(""), "empty" },
		{ BI("<html>"), "not valid JSON" },
		{ BI("[]"), "not an object" },
		{ BI("\"" ISSUER "\""), "not valid JSON" },
		{ BI("{\"issuer\":\"" ISSUER "\",\"issuer\":\"https://evil.example\"," ENDPOINTS
		     "," S256 "}"), "twice" },
		{ BI(WITH("\"x\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]")), "deeply" },
		{ BI(WHOLE "x"), "follows the end" },
		{ BI("{\"issuer\":\"" ISSUER "\"," S256 "}"), "token_endpoint is missing" },
		{ BI(WITH("\"revocation_endpoint\":7")), "not a string" },
		{ BI(WITH("\"revocation_endpoint\":null")), "not a string" },
	};
	struct as as;
	struct lk_error e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%.*s", BYTES_FMT(rows[i].document));
		check_int(read_as(rows[i].document, (struct as_wanted){ 0 }, &as, &e),
			LK_REJECTED);
		if (!check(strstr(e.message, rows[i].why) != NULL))
			printf("# %s\n", e.message);
	}
}

TEST(a_document_of_any_size_is_bounded)
{
	size_t size = 300000;
	char *big = arena_alloc(test_arena(), size);
	struct lk_error e;
	struct as as;

	memset(big, ' ', size);
	memcpy(big, WHOLE, sizeof(WHOLE) - 1);
	check_int(read_as((struct bytes){ big, 200000 }, (struct as_wanted){ 0 }, &as, &e),
		LK_OK);
	check_int(read_as((struct bytes){ big, size }, (struct as_wanted){ 0 }, &as, &e),
		LK_REJECTED);
	check(strstr(e.message, "too long") != NULL);
}
