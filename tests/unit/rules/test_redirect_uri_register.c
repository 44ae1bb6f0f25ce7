/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/redirect_uri.c: what may be registered (R-02 .. R-07, D13). */
#include "rules/redirect_uri.h"

#include "tap.h"

enum { WEB_APP = 0, NATIVE = 1, DEVELOPMENT = 2, ALL = 3 };

TEST(registration)
{
	static const struct {
		const char *rule, *uri;
		int flags;
		const char *flaw; /* NULL: registrable */
	} rows[] = {
		{ "R-02", "https://app.example/cb", WEB_APP, NULL },
		{ "R-02", "https://app.example", WEB_APP, NULL },
		{ "R-02", "https://app.example:8443/cb?t=1", WEB_APP, NULL },
		{ "R-02", "https://app.example/cb?", WEB_APP, NULL },
		{ "R-02", "https://xn--bcher-kva.example/cb", WEB_APP, NULL },
		{ "R-12", "https://app.example/cb", NATIVE, NULL },
		{ "R-02", "https://192.0.2.7/cb", WEB_APP, NULL },
		{ "R-02", "http://app.example/cb", ALL, "is http" },
		{ "R-02", "ftp://app.example/cb", ALL, "domain name in reverse" },
		{ "R-03", "http://127.0.0.1/cb", NATIVE, NULL },
		{ "R-03", "http://[::1]/cb", NATIVE, NULL },
		{ "R-03", "http://127.0.0.1:8080/cb", NATIVE, NULL },
		{ "R-03", "http://127.0.0.1/cb", WEB_APP, "--native" },
		{ "R-04", "http://localhost:3000/cb", DEVELOPMENT, NULL },
		{ "R-04", "http://127.0.0.1:3000/cb", DEVELOPMENT, NULL },
		{ "R-04", "http://[::1]:3000/cb", DEVELOPMENT, NULL },
		{ "R-04", "http://localhost:3000/cb", NATIVE, "--development" },
		{ "R-04", "http://localhost:3000/cb", WEB_APP, "--development" },
		{ "R-05", "com.example.app:/cb", NATIVE, NULL },
		{ "R-05", "com.example.my-app:/cb/x?y=1", NATIVE, NULL },
		{ "R-05", "com.example.app:/cb", WEB_APP, "--native" },
		{ "R-05", "com.example.app:/cb", DEVELOPMENT, "--native" },
		{ "R-05", "Com.example.app:/cb", NATIVE, "capital letters" },
		{ "D13", "com.example.app://cb", NATIVE, "one slash" },
		{ "D13", "com.example.app:///cb", NATIVE, "one slash" },
		{ "R-05", "com.example.app:cb", NATIVE, "no path" },
		{ "R-05", "com.example.app:", NATIVE, "no path" },
		{ "R-05", "myapp:/cb", NATIVE, "domain name in reverse" },
		{ "R-05", "com..app:/cb", NATIVE, "domain name in reverse" },
		{ "R-05", "com.app.:/cb", NATIVE, "domain name in reverse" },
		{ "R-05", "com.a+b:/cb", NATIVE, "domain name in reverse" },
		{ "R-05", "javascript:alert(1)", ALL, "domain name in reverse" },
		{ "R-05", "data:text/html,x", ALL, "domain name in reverse" },
		{ "R-05", "file:///etc/passwd", ALL, "domain name in reverse" },
		{ "R-05", "blob:https://a.example/x", ALL, "domain name in reverse" },
		{ "R-05", "about:blank", ALL, "domain name in reverse" },
		{ "R-05", "ws://app.example/cb", ALL, "domain name in reverse" },
		{ "R-06", "https://app.example/cb#f", ALL, "fragment" },
		{ "R-06", "https://app.example/cb#", ALL, "fragment" },
		{ "R-06", "https://user@app.example/cb", ALL, "user name" },
		{ "R-06", "https://@app.example/cb", ALL, "user name" },
		{ "R-06", "https://*.app.example/cb", ALL, "wildcards" },
		{ "R-06", "https://app.example/*", ALL, "wildcards" },
		{ "R-06", "https://app.example\\cb", ALL, "RFC 3986" },
		{ "R-06", "https://app.example/c b", ALL, "RFC 3986" },
		{ "R-06", "https://app.example/c\tb", ALL, "RFC 3986" },
		{ "R-06", "https://app.example/\xC3\xA4", ALL, "RFC 3986" },
		{ "R-06", "https://b\xC3\xBC" "cher.example/", ALL, "RFC 3986" },
		{ "R-06", "https://app.example/a/../cb", ALL, "'..'" },
		{ "R-06", "https://app.example/./cb", ALL, "'.'" },
		{ "R-06", "https://app.example/%2e%2E/cb", ALL, "'..'" },
		{ "R-06", "/cb", ALL, "RFC 3986" },
		{ "R-06", "//app.example/cb", ALL, "RFC 3986" },
		{ "R-06", "app.example/cb", ALL, "RFC 3986" },
		{ "R-06", "", ALL, "no characters" },
		{ "R-06", "https:///cb", ALL, "no host" },
		{ "R-06", "https:/cb", ALL, "no host" },
		{ "R-06", "https://:443/cb", ALL, "no host" },
		{ "R-06", "https://app.example:0/cb", ALL, "port" },
		{ "R-06", "https://app.example:/cb", ALL, "port" },
		{ "R-06", "https://app.example:65536/cb", ALL, "port" },
		{ "R-06", "https://app.example:0443/cb", ALL, "port" },
		{ "R-06", "http://127.0.0.1:0/cb", NATIVE, "port" },
		{ "R-06", "https://app.example/cb?code=1", ALL, "'code'" },
		{ "R-06", "https://app.example/cb?a=1&state=x", ALL, "'state'" },
		{ "R-06", "https://app.example/cb?iss", ALL, "'iss'" },
		{ "R-06", "https://app.example/cb?%65rror=1", ALL, "'error'" },
		{ "R-06", "https://app.example/cb?response=1", ALL, "'response'" },
		{ "R-06", "https://app.example/cb?codes=1", WEB_APP, NULL },
		{ "R-07", "http://127.0.0.2/cb", ALL, "is http" },
		{ "R-07", "http://127.1/cb", ALL, "is http" },
		{ "R-07", "http://0x7f.1/cb", ALL, "is http" },
		{ "R-07", "http://2130706433/cb", ALL, "is http" },
		{ "R-07", "http://0.0.0.0/cb", ALL, "is http" },
		{ "R-07", "http://[::ffff:127.0.0.1]/cb", ALL, "is http" },
		{ "R-07", "http://[0:0:0:0:0:0:0:1]/cb", ALL, "is http" },
		{ "R-07", "http://localhost./cb", ALL, "is http" },
		{ "R-07", "http://LOCALHOST/cb", ALL, "capital letters" },
		{ "R-07", "http://a.localhost/cb", ALL, "is http" },
		{ "R-07", "http://127.0.0.1.evil.example/cb", ALL, "is http" },
		/* what stands in a CSP cannot break out of it (U-02) */
		{ "U-02", "https://app.example;script-src/cb", ALL, "no domain name" },
		{ "U-02", "https://a,b.example/cb", ALL, "no domain name" },
		{ "U-02", "https://app%2eexample/cb", ALL, "no domain name" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		const char *what = NULL;
		bool good = redirect_uri_registrable(a, bytes_of(rows[i].uri),
			rows[i].flags & NATIVE, rows[i].flags & DEVELOPMENT, &what);

		row("%s: %s", rows[i].rule, rows[i].uri);
		check_int(good, rows[i].flaw == NULL);
		if (rows[i].flaw == NULL)
			check(what == NULL);
		else if (check(what != NULL) && strstr(what, rows[i].flaw) == NULL)
			check_str(what, rows[i].flaw);
		arena_free(a);
	}
}

/* P-08 */
TEST(a_redirect_uri_has_a_limit)
{
	static char text[2049] = "https://app.example/";
	struct arena *a = arena_new();
	const char *what;

	memset(text + 20, 'a', sizeof(text) - 20);
	check(redirect_uri_registrable(a, (struct bytes){ text, 2048 }, false, false,
		&what));
	check(!redirect_uri_registrable(a, (struct bytes){ text, 2049 }, false, false,
		&what));
	arena_free(a);
}
