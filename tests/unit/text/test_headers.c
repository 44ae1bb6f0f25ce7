/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/headers.c. */
#include "text/headers.h"

#include "text/base64url.h"
#include "tap.h"

TEST(authorization_is_a_scheme_and_the_rest)
{
	static const struct {
		struct bytes value, scheme, rest; /* no scheme: refused */
	} rows[] = {
		{ BI("Basic YTpi"), BI("Basic"), BI("YTpi") },
		{ BI("bAsIc   YTpi"), BI("bAsIc"), BI("YTpi") },
		{ BI("Digest realm=\"x\", a=b"), BI("Digest"), BI("realm=\"x\", a=b") },
		{ BI("Basic"), BI_NONE, BI_NONE },
		{ BI("Basic "), BI_NONE, BI_NONE },
		{ BI(""), BI_NONE, BI_NONE },
		{ BI(" Basic YTpi"), BI_NONE, BI_NONE },
		{ BI("Basic\tYTpi"), BI_NONE, BI_NONE },
		{ BI("Ba:sic YTpi"), BI_NONE, BI_NONE },
		{ BI("Basic,Bearer x"), BI_NONE, BI_NONE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes scheme = NONE, rest = NONE;

		row("%.*s", BYTES_FMT(rows[i].value));
		check_int(authorization_split(rows[i].value, &scheme, &rest),
			rows[i].scheme.n > 0);
		check_bytes(scheme, rows[i].scheme);
		check_bytes(rest, rows[i].rest);
	}
}

TEST(token68_is_what_rfc_9110_says)
{
	static const struct bytes good[] = {
		BI("a"), BI("YTpi=="), BI("-._~+/AZaz09"), BI("a==="), BI("lk_at_x"),
	};
	static const struct bytes bad[] = {
		BI(""), BI("="), BI("=="), BI("a=b"), BI("a b"), BI("a,"), BI("a\""),
		BI("a\0"), BI("\xC3\xA4"), BI("a:b"),
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		row("%.*s", BYTES_FMT(good[i]));
		check(token68_valid(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		row("%.*s", BYTES_FMT(bad[i]));
		check(!token68_valid(bad[i]));
	}
}

TEST(basic_credentials_of_rulebook_a3) /* C-04 */
{
	struct arena *a = arena_new();
	struct bytes id, secret;

	check(basic_credentials(a, B("YSUzQWIlMjVjOnAlMkJxK3I="), &id, &secret));
	check_bytes(id, B("a:b%c"));
	check_bytes(secret, B("p+q r"));
	arena_free(a);
}

TEST(basic_credentials_divide_at_the_first_colon) /* C-04 */
{
	static const struct {
		struct bytes plain, id, secret;
		bool good;
	} rows[] = {
		{ BI("id:secret"), BI("id"), BI("secret"), true },
		{ BI("id:a:b"), BI("id"), BI("a:b"), true },
		{ BI("id:"), BI("id"), BI(""), true },
		{ BI(":secret"), BI(""), BI("secret"), true },
		{ BI(":"), BI(""), BI(""), true },
		{ BI("\xC2\xA3:\xE2\x82\xAC"), BI("\xC2\xA3"), BI("\xE2\x82\xAC"), true },
		{ BI("id"), BI_NONE, BI_NONE, false },
		{ BI(""), BI_NONE, BI_NONE, false },
		{ BI("id%3Asecret"), BI_NONE, BI_NONE, false },
		{ BI("id%:secret"), BI_NONE, BI_NONE, false },
		{ BI("id:secret%4"), BI_NONE, BI_NONE, false },
		{ BI("id:%zz"), BI_NONE, BI_NONE, false },
		{ BI("id%00:secret"), BI_NONE, BI_NONE, false },
		{ BI("id:se\ncret"), BI_NONE, BI_NONE, false },
		{ BI("id:%FF"), BI_NONE, BI_NONE, false },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes id = NONE, secret = NONE;

		row("%.*s", BYTES_FMT(rows[i].plain));
		check_int(basic_credentials(a, base64_encode(a, rows[i].plain), &id,
				  &secret), rows[i].good);
		check_bytes(id, rows[i].id);
		check_bytes(secret, rows[i].secret);
	}
	check(!basic_credentials(a, B("aWQ6c2VjcmV0IQ"), &(struct bytes){ 0 },
		&(struct bytes){ 0 })); /* padding missing */
	check(!basic_credentials(a, B("aWQ6 c2VjcmV0"), &(struct bytes){ 0 },
		&(struct bytes){ 0 }));
	arena_free(a);
}

TEST(a_cookie_is_found_once_or_not_at_all)
{
	static const struct {
		struct bytes field, value;
	} rows[] = {
		{ BI("s=1"), BI("1") },
		{ BI("a=0; s=1; b=2"), BI("1") },
		{ BI("a=0;s=1"), BI("1") },
		{ BI("s=a=b"), BI("a=b") },
		{ BI("s=1; S=2"), BI("1") },
		{ BI("xs=1; s=2"), BI("2") },
		{ BI("s=1; s=1"), BI_NONE },
		{ BI("s=1; s=2"), BI_NONE },
		{ BI("s=; s=2"), BI_NONE },
		{ BI("s"), BI_NONE },
		{ BI("s="), BI_NONE },
		{ BI(""), BI_NONE },
		{ BI(";;; ;"), BI_NONE },
		{ BI("s=\"1\""), BI_NONE },
		{ BI("s=1 2"), BI_NONE },
		{ BI("s=1,2"), BI_NONE },
		{ BI("s=\x7F"), BI_NONE },
		{ BI("s=\xC3\xA4"), BI_NONE },
		{ BI("s =1"), BI_NONE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%.*s", BYTES_FMT(rows[i].field));
		check_bytes(cookie_get(rows[i].field, B("s")), rows[i].value);
	}
}

TEST(only_a_form_is_a_form) /* H-08 */
{
	static const struct {
		struct bytes value;
		bool form;
	} rows[] = {
		{ BI("application/x-www-form-urlencoded"), true },
		{ BI("Application/X-WWW-Form-Urlencoded"), true },
		{ BI("application/x-www-form-urlencoded; charset=utf-8"), true },
		{ BI("application/x-www-form-urlencoded;charset=UTF-8"), true },
		{ BI("application/x-www-form-urlencoded ; Charset=\"utf-8\""), true },
		{ BI("application/x-www-form-urlencoded; charset=iso-8859-1"), false },
		{ BI("application/x-www-form-urlencoded; charset=utf-8; a=b"), false },
		{ BI("application/x-www-form-urlencoded; boundary=x"), false },
		{ BI("application/x-www-form-urlencoded;"), false },
		{ BI("application/x-www-form-urlencoded, text/plain"), false },
		{ BI("application/x-www-form-urlencodedx"), false },
		{ BI("application/json"), false },
		{ BI("multipart/form-data; boundary=x"), false },
		{ BI(""), false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%.*s", BYTES_FMT(rows[i].value));
		check_int(media_type_is_form(rows[i].value), rows[i].form);
	}
	check(media_type_is(B("Text/HTML ; charset=x"), B("text/html")));
	check(!media_type_is(B("text/html5"), B("text/html")));
	check(!media_type_is(B(""), B("text/html")));
}
