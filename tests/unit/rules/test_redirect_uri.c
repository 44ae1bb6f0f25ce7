/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/redirect_uri.c: rulebook section 4 and appendix A2. */
#include "rules/redirect_uri.h"

#include "tap.h"

#define WEB "https://app.example/cb"

static struct client
client_with(const struct bytes *uris, size_t n, bool native, bool development)
{
	return (struct client){ .redirect_uris = { uris, n }, .native = native,
		.development = development };
}

static bool
matches(const char *registered, const char *presented, size_t n, bool native,
	bool development)
{
	struct bytes uri = bytes_of(registered);
	struct client c = client_with(&uri, 1, native, development);
	/* A copy of just that size, so that a sanitizer sees its end. */
	char *exact = malloc(n + 1);
	bool matched;

	memcpy(exact, presented, n);
	matched = redirect_uri_matches(&c, (struct bytes){ exact, n });
	free(exact);
	return matched;
}

/* R-01; each of appendix A2 */
TEST(nothing_but_the_registered_octets_match)
{
	static const struct bytes rows[] = {
		BI("https://app.example/cb/"), BI("https://app.example/CB"),
		BI("https://APP.example/cb"), BI("HTTPS://app.example/cb"),
		BI("https://app.example:443/cb"), BI("https://app.example/cb?"),
		BI("https://app.example/cb?x=1"), BI("https://app.example/cb#"),
		BI("https://app.example/cb#f"), BI("https://app.example/./cb"),
		BI("https://app.example/a/../cb"), BI("https://app.example/%63b"),
		BI("https://app.example//cb"), BI("https://app.example\\cb"),
		BI("https://app.example@evil.example/cb"),
		BI("https://user@app.example/cb"),
		BI("https://app.example.evil.example/cb"),
		BI("https://evil.example/?https://app.example/cb"),
		BI("https://app.example%2eevil.example/cb"),
		BI("http://app.example/cb"), BI("//app.example/cb"), BI("/cb"),
		BI("javascript:alert(1)//https://app.example/cb"),
		BI("data:text/html,x"), BI(" https://app.example/cb"),
		BI("https://app.example/cb "), BI("https://app.example/cb\t"),
		BI("https://app.example/cb%0d%0a"), BI("https://app.example/cb\r\n"),
		BI("https://app.example/cb%00"), BI("https://app.example/cb\0"),
		BI("https://app.example/cb\xC2\xA0"),
		BI("https://app.example/\xEF\xBD\x83\xEF\xBD\x82"),
		BI("https://app.example/c"), BI(""), BI_NONE,
	};

	check(matches(WEB, WEB, sizeof(WEB) - 1, false, false));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu: %.*s", i, BYTES_FMT(rows[i]));
		check(!matches(WEB, rows[i].n > 0 ? rows[i].p : "", rows[i].n, false,
			false));
		check(!matches(WEB, rows[i].n > 0 ? rows[i].p : "", rows[i].n, true,
			true));
	}
}

/* R-03, R-04, R-07 */
TEST(only_the_port_of_a_native_loopback_literal_is_free)
{
	enum { WEB_APP = 0, NATIVE = 1, DEVELOPMENT = 2 };
	static const struct {
		const char *registered, *presented;
		int flags;
		bool matches;
	} rows[] = {
		{ "http://127.0.0.1/cb", "http://127.0.0.1/cb", NATIVE, true },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", NATIVE, true },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:1/cb", NATIVE, true },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", NATIVE, true },
		{ "http://127.0.0.1:8080/cb", "http://127.0.0.1:9/cb", NATIVE, true },
		{ "http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", NATIVE, true },
		{ "http://[::1]/cb", "http://[::1]:49152/cb", NATIVE, true },
		{ "http://127.0.0.1/cb?a=b", "http://127.0.0.1:7/cb?a=b", NATIVE,
			true },
		{ "http://127.0.0.1", "http://127.0.0.1:7", NATIVE, true },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:0/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:99999999999999999999999/cb",
			NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:080/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:8080x/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:-1/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:1:2/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", NATIVE,
			false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1@evil.example/cb", NATIVE,
			false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", NATIVE,
			false },
		{ "http://127.0.0.1/cb", "http://localhost:8080/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://[::1]:8080/cb", NATIVE, false },
		{ "http://[::1]/cb", "http://127.0.0.1:8080/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "https://127.0.0.1/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "HTTP://127.0.0.1/cb", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:8080/CB", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:8080/cb/", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:8080/cb?x", NATIVE, false },
		{ "http://127.0.0.1/cb", "http://127.0.0.1:8080", NATIVE, false },
		/* a development client: the port exact, unless it is native too */
		{ "http://localhost:3000/cb", "http://localhost:3000/cb", DEVELOPMENT,
			true },
		{ "http://localhost:3000/cb", "http://localhost:3001/cb", DEVELOPMENT,
			false },
		{ "http://127.0.0.1:3000/cb", "http://127.0.0.1:3001/cb", DEVELOPMENT,
			false },
		{ "http://127.0.0.1:3000/cb", "http://127.0.0.1:3001/cb",
			DEVELOPMENT | NATIVE, true },
		{ "http://localhost:3000/cb", "http://localhost:3001/cb",
			DEVELOPMENT | NATIVE, false },
		/* R-04: the flag was removed after registration */
		{ "http://localhost:3000/cb", "http://localhost:3000/cb", WEB_APP,
			false },
		{ "http://localhost:3000/cb", "http://localhost:3000/cb", NATIVE,
			false },
		{ "http://127.0.0.1:3000/cb", "http://127.0.0.1:3000/cb", WEB_APP,
			false },
		{ "com.example.app:/cb", "com.example.app:/cb", NATIVE, true },
		{ "com.example.app:/cb", "com.example.app:/cb", WEB_APP, false },
		{ "com.example.app:/cb", "com.example.app://cb", NATIVE, false },
		/* no port is free elsewhere */
		{ "https://app.example/cb", "https://app.example:8443/cb", NATIVE,
			false },
		{ "https://127.0.0.1/cb", "https://127.0.0.1:8443/cb", NATIVE, false },
		{ "https://app.example/cb?t=1", "https://app.example/cb?t=1", WEB_APP,
			true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s and %s", rows[i].registered, rows[i].presented);
		check_int(matches(rows[i].registered, rows[i].presented,
			strlen(rows[i].presented), rows[i].flags & NATIVE,
			rows[i].flags & DEVELOPMENT), rows[i].matches);
	}
}

TEST(any_of_the_registered_ones_matches)
{
	static const struct bytes uris[] = { BI("https://a.example/"),
		BI("https://b.example/") };
	struct client c = client_with(uris, 2, false, false), none = { 0 };

	check(redirect_uri_matches(&c, B("https://a.example/")));
	check(redirect_uri_matches(&c, B("https://b.example/")));
	check(!redirect_uri_matches(&c, B("https://c.example/")));
	check(!redirect_uri_matches(&none, B("https://a.example/")));
	check(!redirect_uri_matches(&none, NONE));
}

TEST(explaining_a_mismatch)
{
	static const struct bytes uris[] = { BI("https://a.example/callback"),
		BI("https://app.example/cb"), BI("com.example.app:/cb") };
	struct client c = client_with(uris, 3, true, false), none = { 0 };
	struct arena *a = arena_new();

	check_bytes(redirect_uri_nearest(&c, B("https://app.example/cb/")), uris[1]);
	check_bytes(redirect_uri_nearest(&c, B("zzz")), uris[0]);
	check_bytes(redirect_uri_nearest(&none, B("zzz")), NONE);
	check_str(redirect_uri_difference(a, B("https://a/cb"), B("https://a/cX")),
		"differs at character 12: expected 'b', got 'X'");
	check_str(redirect_uri_difference(a, B("https://a/cb"), B("https://a/cb/")),
		"differs at character 13: expected the end, got '/'");
	check_str(redirect_uri_difference(a, B("https://a/cb/"), B("https://a/cb")),
		"differs at character 13: expected '/', got the end");
	check_str(redirect_uri_difference(a, B("a"), B("a\xC2\xA0")),
		"differs at character 2: expected the end, got the octet 0xC2");
	check_str(redirect_uri_difference(a, B("a"), B("a")), "the two are equal");
	arena_free(a);
}

/* U-02, R5.2, U-09 */
TEST(what_pages_say_of_it)
{
	static const struct {
		const char *uri, *action, *recipient;
		bool native;
	} rows[] = {
		{ "https://app.example/cb?x=1", "https://app.example", "app.example",
			false },
		{ "https://app.example:8444/cb", "https://app.example:8444",
			"app.example:8444", false },
		{ "http://127.0.0.1:49152/cb", "http://127.0.0.1:49152",
			"127.0.0.1:49152", true },
		{ "http://[::1]:9/cb", "http://[::1]:9", "[::1]:9", true },
		{ "http://localhost:3000/", "http://localhost:3000", "localhost:3000",
			true },
		{ "com.example.app:/cb", "com.example.app:", "com.example.app", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct bytes uri = bytes_of(rows[i].uri);

		row("%s", rows[i].uri);
		check_bytes(redirect_uri_form_action(a, uri), bytes_of(rows[i].action));
		check_bytes(
			redirect_uri_recipient(a, uri), bytes_of(rows[i].recipient));
		check_int(redirect_uri_is_native(uri), rows[i].native);
		arena_free(a);
	}
}

/* R-09 */
TEST(parameters_are_appended)
{
	static const struct { const char *uri, *whole; } rows[] = {
		{ "https://a/cb", "https://a/cb?code=1" },
		{ "https://a/cb?t=1", "https://a/cb?t=1&code=1" },
		{ "https://a/cb?", "https://a/cb?code=1" },
		{ "https://a/cb?t=1&", "https://a/cb?t=1&code=1" },
		{ "com.example.app:/cb", "com.example.app:/cb?code=1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();

		check_bytes(redirect_uri_with(a, bytes_of(rows[i].uri), B("code=1")),
			bytes_of(rows[i].whole));
		arena_free(a);
	}
}
