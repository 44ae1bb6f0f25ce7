/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/as.c over a socket: CL-02, MD-01, and where metadata are looked for. */
#include "as_server.h"

#define NOT_FOUND ANSWER("404", "text/html", "Not found")

static struct as as;
static struct lk_error error;

/* The metadata of that server with this path in its issuer. */
static const char *
document(const char *path)
{
	return arena_printf(test_arena(), JSON_ANSWER("200",
		"{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/a\","
		"\"token_endpoint\":\"%s/t\",\"code_challenge_methods_supported\":[\"S256\"]}"),
		server_url(path).p, server_url("").p, server_url("").p);
}

static enum lk_status
discover(const char *path)
{
	struct as_wanted wanted = { .issuer = server_url(path), .development = true,
		.timeout_ms = 400 };

	as = (struct as){ 0 };
	error = (struct lk_error){ 0 };
	return as_discover(test_arena(), &wanted, &as, &error);
}

static void
check_asked(size_t i, const char *path)
{
	const char *line = arena_printf(test_arena(), "GET %s HTTP/1.1\r\n", path);

	row("request %zu: %s", i, path);
	check_bytes(bytes_slice(bytes_of(server.requests[i]), 0, strlen(line)), bytes_of(line));
}

TEST(CL_02_metadata_are_where_rfc_8414_puts_them)
{
	static const struct {
		const char *issuer_path, *asked;
	} rows[] = {
		{ "", "/.well-known/oauth-authorization-server" },
		{ "/", "/.well-known/oauth-authorization-server" },
		{ "/tenant/1", "/.well-known/oauth-authorization-server/tenant/1" },
		{ "/tenant/1/", "/.well-known/oauth-authorization-server/tenant/1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct canned script[] = { { ANSWERS, NULL } };

		START(script);
		script[0].answer = document(rows[i].issuer_path);
		check_int(discover(rows[i].issuer_path), LK_OK);
		check_asked(0, rows[i].asked);
		check_bytes(as.issuer, server_url(rows[i].issuer_path));
		check(!as.openid);
		server_stop();
	}
}

TEST(CL_02_openid_discovery_is_the_fall_back)
{
	static const struct {
		const char *first, *issuer_path, *asked;
	} rows[] = {
		{ NOT_FOUND, "", "/.well-known/openid-configuration" },
		{ NOT_FOUND, "/realms/x", "/realms/x/.well-known/openid-configuration" },
		{ NOT_FOUND, "/realms/x/", "/realms/x/.well-known/openid-configuration" },
		{ ANSWER("400", "text/plain", ""), "", "/.well-known/openid-configuration" },
		{ ANSWER("403", "text/plain", ""), "", "/.well-known/openid-configuration" },
		{ "HTTP/1.1 302 X\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "",
			"/.well-known/openid-configuration" },
		{ ANSWER("200", "text/html; charset=utf-8", "<html>"), "",
			"/.well-known/openid-configuration" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct canned script[] = { { ANSWERS, rows[i].first }, { ANSWERS, NULL } };

		START(script);
		script[1].answer = document(rows[i].issuer_path);
		check_int(discover(rows[i].issuer_path), LK_OK);
		check_asked(1, rows[i].asked);
		check(as.openid);
		server_stop();
	}
}

TEST(CL_30_a_server_that_cannot_answer_now_is_not_asked_elsewhere)
{
	static const struct canned rows[] = {
		{ ANSWERS, "HTTP/1.1 503 X\r\nRetry-After: 30\r\nConnection: close\r\n\r\n" },
		{ ANSWERS, ANSWER("429", "text/plain", "") }, { ANSWERS, ANSWER("500", "text/html", "") },
		{ CLOSES, NULL }, { HANGS, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		server_start(&rows[i], 1);
		check_int(discover(""), LK_TRY_LATER);
		check_int((int64_t)server.asked, 1);
		if (i == 0)
			check_int(error.retry_after, 30);
		server_stop();
	}
}

TEST(CL_02_what_is_found_must_be_that_issuers)
{
	struct canned script[] = { { ANSWERS, NULL }, { ANSWERS, NOT_FOUND }, { ANSWERS, NULL } };

	START(script);
	script[0].answer = document("/other");
	script[2].answer = document("/other");
	check_int(discover(""), LK_REJECTED);
	check_int((int64_t)server.asked, 1); /* a wrong document is no reason to look on */
	check_int(discover(""), LK_REJECTED);
	server_stop();
}

TEST(a_server_without_metadata_is_told_of)
{
	static const struct canned script[] = { { ANSWERS, NOT_FOUND }, { ANSWERS, NOT_FOUND } };

	START(script);
	check_int(discover(""), LK_CONFIGURATION);
	check(strstr(error.message, "is the issuer right?") != NULL);
	check(strstr(error.message, "openid-configuration") != NULL);
	server_stop();
}

TEST(a_document_that_does_not_end_is_cut_off)
{
	size_t n = 300000;
	char *text = arena_alloc(test_arena(), n + 200);
	struct canned script[] = { { ANSWERS, text } };

	snprintf(text, 200, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Connection: close\r\n\r\n");
	memset(text + strlen(text), ' ', n);
	START(script);
	check_int(discover(""), LK_REJECTED);
	check(strstr(error.message, "too large") != NULL);
	server_stop();
}
