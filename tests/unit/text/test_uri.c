/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/uri.c. */
#include "text/uri.h"

#include "base/arena.h"
#include "tap.h"

TEST(rfc_3986_section_1_1_2_and_others_are_taken_apart)
{
	static const struct {
		const char *text;
		struct uri u;
	} rows[] = {
		{ "ftp://ftp.is.co.za/rfc/rfc1808.txt",
			{ .scheme = BI("ftp"), .host = BI("ftp.is.co.za"),
				.path = BI("/rfc/rfc1808.txt"), .has_authority = true } },
		{ "ldap://[2001:db8::7]/c=GB?objectClass?one",
			{ .scheme = BI("ldap"), .host = BI("[2001:db8::7]"),
				.path = BI("/c=GB"), .query = BI("objectClass?one"),
				.has_authority = true, .host_is_ipv6 = true,
				.has_query = true } },
		{ "mailto:John.Doe@example.com",
			{ .scheme = BI("mailto"), .path = BI("John.Doe@example.com") } },
		{ "tel:+1-816-555-1212",
			{ .scheme = BI("tel"), .path = BI("+1-816-555-1212") } },
		{ "telnet://192.0.2.16:80/",
			{ .scheme = BI("telnet"), .host = BI("192.0.2.16"),
				.port = BI("80"), .path = BI("/"), .has_authority = true,
				.has_port = true } },
		{ "foo://a:b@h.example:8042/over/there?name=ferret#nose",
			{ .scheme = BI("foo"), .userinfo = BI("a:b"),
				.host = BI("h.example"), .port = BI("8042"),
				.path = BI("/over/there"), .query = BI("name=ferret"),
				.fragment = BI("nose"), .has_authority = true,
				.has_userinfo = true, .has_port = true,
				.has_query = true, .has_fragment = true } },
		{ "com.example.app:/cb",
			{ .scheme = BI("com.example.app"), .path = BI("/cb") } },
		{ "https://h?#",
			{ .scheme = BI("https"), .host = BI("h"), .has_authority = true,
				.has_query = true, .has_fragment = true } },
		{ "https://h:/",
			{ .scheme = BI("https"), .host = BI("h"), .path = BI("/"),
				.has_authority = true, .has_port = true } },
		{ "https://@h",
			{ .scheme = BI("https"), .host = BI("h"), .has_authority = true,
				.has_userinfo = true } },
		{ "file:///etc",
			{ .scheme = BI("file"), .path = BI("/etc"),
				.has_authority = true } },
		{ "x:", { .scheme = BI("x") } },
		{ "HTTPS://A.example/%63?a=/?&b#/?",
			{ .scheme = BI("HTTPS"), .host = BI("A.example"),
				.path = BI("/%63"), .query = BI("a=/?&b"),
				.fragment = BI("/?"), .has_authority = true,
				.has_query = true, .has_fragment = true } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct uri *want = &rows[i].u;
		struct uri u;

		row("%s", rows[i].text);
		if (!check(uri_parse(bytes_of(rows[i].text), &u)))
			continue;
		check_bytes(u.scheme, want->scheme);
		check_bytes(u.userinfo, want->userinfo);
		check_bytes(u.host, want->host);
		check_bytes(u.port, want->port);
		check_bytes(u.path, want->path);
		check_bytes(u.query, want->query);
		check_bytes(u.fragment, want->fragment);
		check_int(u.has_authority, want->has_authority);
		check_int(u.has_userinfo, want->has_userinfo);
		check_int(u.has_port, want->has_port);
		check_int(u.has_query, want->has_query);
		check_int(u.has_fragment, want->has_fragment);
		check_int(u.host_is_ipv6, want->host_is_ipv6);
	}
}

/* R-06, RULEBOOK A2, and what the grammar has no place for. */
TEST(what_is_no_absolute_uri_is_refused)
{
	static const struct bytes refused[] = {
		BI(""), BI("/cb"), BI("//app.example/cb"), BI("app.example/cb"),
		BI(":"), BI("://x"), BI("1http://x"), BI("-x:y"), BI("ht tp://x"),
		BI("h\xC3\xA9://x"), BI("https://app.example\\cb"),
		BI("https:\\\\app.example"), BI(" https://app.example/cb"),
		BI("https://app.example/cb "), BI("https://app.example/cb\t"),
		BI("https://app.example/cb\r\n"), BI("https://app.example/cb\0"),
		BI("https://app.example/c b"), BI("https://app.example/\xC2\xA0"),
		BI("https://\xEF\xBD\x81pp.example/cb"), BI("https://app.example/\x7F"),
		BI("https://a/%"), BI("https://a/%4"), BI("https://a/%zz"),
		BI("https://a?%"), BI("https://a#%"), BI("https://a%/"),
		BI("https://a/<"), BI("https://a/>"), BI("https://a/\""),
		BI("https://a/{"), BI("https://a/|"), BI("https://a/^"),
		BI("https://a/`"), BI("https://a/["), BI("https://a/]"),
		BI("https://a?["), BI("https://a#b#c"), BI("https://a@b@c/"),
		BI("https://a:8080x/"), BI("https://a:-1/"), BI("https://a:1:2/"),
		BI("https://a b/"), BI("https://[::1"), BI("https://::1]"),
		BI("https://[]"), BI("https://[::1]x"), BI("https://[::1]]"),
		BI("https://[[::1]"), BI("https://[127.0.0.1]"), BI("https://[::g]"),
		BI("https://[1::2::3]"), BI("https://[1:2:3:4:5:6:7:8:9]"),
		BI("https://[::1%25eth0]"), BI("https://[v1.x]"), BI("https://[:::1]"),
		BI("https://[::00001]"), BI("https://[::1\0]"), BI("https://[::1 ]"),
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct uri u = { .host_is_ipv6 = true };

		row("%.*s", BYTES_FMT(refused[i]));
		check(!uri_parse(refused[i], &u));
		check(u.host_is_ipv6 && u.scheme.p == NULL);
	}
}

TEST(look_alikes_parse_but_are_seen_for_what_they_are) /* RULEBOOK A2 */
{
	struct uri u;

	check(uri_parse(B("https://app.example@evil.example/cb"), &u));
	check(u.has_userinfo);
	check_bytes(u.host, B("evil.example"));
	check(uri_parse(B("https://app.example%2eevil.example/cb"), &u));
	check_bytes(u.host, B("app.example%2eevil.example"));
	check(uri_parse(B("javascript:alert(1)//https://app.example/cb"), &u));
	check_bytes(u.scheme, B("javascript"));
	check(!u.has_authority);
	check(uri_parse(B("data:text/html,x"), &u));
	check(uri_parse(B("https://app.example/cb#"), &u));
	check(u.has_fragment);
}

TEST(a_port_is_a_plain_number) /* R-06, RULEBOOK A2 */
{
	static const struct {
		const char *text;
		int port; /* 0: none */
	} rows[] = {
		{ "http://h:1/", 1 },
		{ "http://h:65535/", 65535 },
		{ "http://h/", 0 },
		{ "http://h:/", 0 },
		{ "http://h:0/", 0 },
		{ "http://h:080/", 0 },
		{ "http://h:65536/", 0 },
		{ "http://h:18446744073709551617/", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uri u;
		uint16_t port = 0;

		row("%s", rows[i].text);
		check(uri_parse(bytes_of(rows[i].text), &u));
		check_int(uri_port(&u, &port), rows[i].port != 0);
		check_int(port, rows[i].port);
	}
}

TEST(dot_segments_are_found_in_any_spelling) /* R-06 */
{
	static const struct {
		struct bytes path;
		bool found;
	} rows[] = {
		{ BI("/./cb"), true },
		{ BI("/a/../cb"), true },
		{ BI("/.."), true },
		{ BI("/."), true },
		{ BI("/%2e/cb"), true },
		{ BI("/%2E%2e/cb"), true },
		{ BI("/.%2e"), true },
		{ BI("/a/..%2fcb"), true },
		{ BI("/a%5C..%5Ccb"), true },
		{ BI(".."), true },
		{ BI(""), false },
		{ BI("/"), false },
		{ BI("//"), false },
		{ BI("/..."), false },
		{ BI("/.well-known/x"), false },
		{ BI("/a."), false },
		{ BI("/a..b/..c/d.."), false },
		{ BI("/%2ex"), false },
		{ BI("/%2"), false },
		{ BI("/%252e"), false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%.*s", BYTES_FMT(rows[i].path));
		check_int(uri_has_dot_segments(rows[i].path), rows[i].found);
	}
}

TEST(an_origin_is_as_browsers_write_it)
{
	static const struct {
		const char *text, *origin;
	} rows[] = {
		{ "https://app.example/cb?x", "https://app.example" },
		{ "HTTPS://APP.example:8443/", "https://app.example:8443" },
		{ "https://app.example:443/", "https://app.example" },
		{ "http://app.example:443/", "http://app.example:443" },
		{ "http://localhost:80", "http://localhost" },
		{ "http://[::1]:3000/", "http://[::1]:3000" },
		{ "https://u@h:/", "https://h" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(a, 100);
		struct uri u;

		check(uri_parse(bytes_of(rows[i].text), &u));
		uri_origin(&u, &b);
		check_str(buf_cstr(&b), rows[i].origin);
	}
	arena_free(a);
}
