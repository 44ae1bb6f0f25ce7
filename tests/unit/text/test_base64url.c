/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/base64url.c. */
#include "text/base64url.h"

#include "base/secret.h"
#include "tap.h"

static bool
decodes(struct bytes text, struct bytes want)
{
	char out[64];
	size_t n = 0;

	return base64url_decode(text, out, sizeof(out), &n) &&
		check_bytes(((struct bytes){ out, n }), want);
}

TEST(rfc_4648_section_10_in_both_alphabets)
{
	static const struct {
		struct bytes plain, padded, url;
	} rows[] = {
		{ BI(""), BI(""), BI("") },
		{ BI("f"), BI("Zg=="), BI("Zg") },
		{ BI("fo"), BI("Zm8="), BI("Zm8") },
		{ BI("foo"), BI("Zm9v"), BI("Zm9v") },
		{ BI("foob"), BI("Zm9vYg=="), BI("Zm9vYg") },
		{ BI("fooba"), BI("Zm9vYmE="), BI("Zm9vYmE") },
		{ BI("foobar"), BI("Zm9vYmFy"), BI("Zm9vYmFy") },
		{ BI("\xFB\xEF\xBE"), BI("++++"), BI("----") },
		{ BI("\xFF\xFF\xFF"), BI("////"), BI("____") },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[64];
		size_t n;

		row("%.*s", BYTES_FMT(rows[i].padded));
		n = base64url_encode(rows[i].plain.p, rows[i].plain.n, out);
		check_int((int64_t)n, (int64_t)BASE64URL_SIZE(rows[i].plain.n));
		check_bytes(((struct bytes){ out, n }), rows[i].url);
		check(decodes(rows[i].url, rows[i].plain));
		check_bytes(base64_encode(a, rows[i].plain), rows[i].padded);
		check(base64_decode(rows[i].padded, out, sizeof(out), &n));
		check_bytes(((struct bytes){ out, n }), rows[i].plain);
	}
	arena_free(a);
}

TEST(each_byte_is_of_the_alphabet_or_refused)
{
	const struct bytes url = B("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_");

	for (int c = 0; c < 256; c++) {
		char text[4] = { 'A', 'A', 'A', (char)c }, out[3];
		size_t n, at = bytes_index(url, (char)c);

		row("byte %d", c);
		check_int(base64url_decode((struct bytes){ text, 4 }, out, 3, &n),
			at < url.n);
		if (at < url.n)
			check_int((unsigned char)out[2], (int64_t)at);
		check_int(base64_decode((struct bytes){ text, 4 }, out, 3, &n),
			(at < 62) || c == '+' || c == '/' || c == '=');
	}
}

TEST(only_the_canonical_form_is_decoded)
{
	static const struct bytes refused[] = {
		BI("A"), BI("AAAAA"), BI("Zg=="), BI("Zm8="), BI("Zh"), BI("Zm9"),
		BI("Z g"), BI("Zg\n"), BI("Zm9v\0"), BI("Zm9vYg="), BI("++++"),
		BI("////"), BI("="), BI("===="), BI("Zm=v"),
	};
	static const struct bytes refused_padded[] = {
		BI("Zg"), BI("Zg="), BI("Zg==="), BI("Zh=="), BI("Zm9="), BI("===="),
		BI("Z==="), BI("Zg==Zg=="), BI("Zm9v\n"), BI("Z=g="), BI("----"),
		BI(" Zg=="), BI("Zm9vYg=="  "===="),
	};
	char out[64];
	size_t n;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		row("%.*s", BYTES_FMT(refused[i]));
		check(!base64url_decode(refused[i], out, sizeof(out), &n));
	}
	for (size_t i = 0; i < sizeof(refused_padded) / sizeof(refused_padded[0]); i++) {
		row("padded %.*s", BYTES_FMT(refused_padded[i]));
		check(!base64_decode(refused_padded[i], out, sizeof(out), &n));
	}
}

TEST(what_does_not_fit_is_refused_before_it_is_written)
{
	char out[3] = "xx";
	size_t n = 77;

	check(!base64url_decode(B("Zm9v"), out, 2, &n));
	check_str(out, "xx");
	check(base64url_decode(B("Zm8"), out, 2, &n));
	check_int((int64_t)n, 2);
	check(base64url_decode(NONE, NULL, 0, &n));
	check_int((int64_t)n, 0);
}

TEST(any_bytes_come_back)
{
	for (size_t size = 0; size < 200; size++) {
		unsigned char in[200], out[200];
		char text[BASE64URL_SIZE(200)];
		size_t n, length;

		secret_random(in, size);
		length = base64url_encode(in, size, text);
		row("%zu bytes", size);
		check(base64url_decode((struct bytes){ text, length }, out, size, &n));
		check_int((int64_t)n, (int64_t)size);
		check_memory(out, in, size);
	}
}
