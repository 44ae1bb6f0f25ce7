/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pages/look.c. */
#include "pages/look.h"

#include "tap.h"

static enum outcome
read_brand(struct arena *a, const char *text, struct look *b, struct fault *f)
{
	*b = look_default(B("Before"));
	return look_read(a, bytes_of(text), b, f);
}

TEST(every_member_may_be_given_or_left_out)
{
	struct arena *a = arena_new();
	struct look b;
	struct fault f;

	check_int(read_brand(a, "{}", &b, &f), DONE);
	check_bytes(b.name, B("Before"));
	check_int(read_brand(a, "{\"name\":\"Acme\",\"accent\":\"#123456\","
		"\"accent_dark\":\"#ABCDEF\",\"logo\":\"logo.png\"}", &b, &f), DONE);
	check_bytes(b.name, B("Acme"));
	check_bytes(b.accent, B("#123456"));
	check_bytes(b.accent_dark, B("#ABCDEF"));
	check_bytes(b.logo_file, B("logo.png"));
	arena_free(a);
}

TEST(what_is_wrong_is_refused_naming_the_member)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "brand.json: " },
		{ "[]", "one object" },
		{ "{\"name\":7}", "name is to be a string" },
		{ "{\"nmae\":\"x\"}", "no member \"nmae\"" },
		{ "{\"name\":\"\"}", "name" },
		{ "{\"name\":\"01234567890123456789012345678901234567890123456789"
		  "01234567890\"}",
			"60 bytes" },
		{ "{\"name\":\"Acme\\u202Ex\"}", "control" },
		{ "{\"accent\":\"red\"}", "accent is to be a colour" },
		{ "{\"accent\":\"#12345\"}", "colour" },
		{ "{\"accent\":\"#12345g\"}", "colour" },
		{ "{\"accent\":\"#123;}*{\"}", "colour" },
		{ "{\"accent\":\"#ffcc00\"}", "darker" },
		{ "{\"accent_dark\":\"#123456\"}", "lighter" },
		{ "{\"logo\":\"\"}", "same directory" },
		{ "{\"logo\":\"../x.png\"}", "same directory" },
		{ "{\"logo\":\"/etc/passwd\"}", "same directory" },
		{ "{\"name\":\"a\",\"name\":\"b\"}", "brand.json: " },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct look b;
		struct fault f = { 0 };

		row("%s", rows[i].text);
		check_int(read_brand(a, rows[i].text, &b, &f), REFUSED);
		if (!check(strstr(f.what, rows[i].says) != NULL))
			printf("# %s\n", f.what);
		check_bytes(b.name, B("Before"));
	}
	arena_free(a);
}

static bool
near(double x, double y)
{
	return x - y < 0.01 && y - x < 0.01;
}

/* Values of WCAG's own examples, to two digits. */
TEST(contrast_is_as_WCAG_counts_it)
{
	uint32_t colour = 0;

	check(near(look_contrast(0x000000, 0xFFFFFF), 21));
	check(near(look_contrast(0xFFFFFF, 0xFFFFFF), 1));
	check(near(look_contrast(0x777777, 0xFFFFFF), 4.48));
	check(near(look_contrast(0xFFFFFF, 0x767676), 4.54));
	check(look_colour(B("#0aF09f"), &colour));
	check_int(colour, 0x0AF09F);
}

TEST(the_built_in_colours_pass_their_own_test)
{
	struct arena *a = arena_new();
	struct look b = look_default(B("Acme"));
	struct fault f;
	const char *text =
		arena_printf(a, "{\"accent\":\"%.*s\",\"accent_dark\":\"%.*s\"}",
			BYTES_FMT(b.accent), BYTES_FMT(b.accent_dark));

	check_int(look_read(a, bytes_of(text), &b, &f), DONE);
	arena_free(a);
}
