/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pages/template_read.c, template_write.c and markup.c. */
#include "pages/template.h"

#include "tap.h"

struct fruit {
	struct bytes name;
	bool ripe;
};

struct basket {
	struct bytes name, empty, path;
	const struct fruit *fruits;
	size_t fruit_count;
	size_t none;
	struct fruit best;
	bool full;
	struct bytes token;
};

struct shop {
	struct bytes brand;
};

static void
shout(const void *value, struct buf *out)
{
	buf_put(out, ((const struct basket *)value)->name);
	buf_put(out, B("<!"));
}

static void
too_long(const void *value, struct buf *out)
{
	(void)value;
	for (int i = 0; i <= TEMPLATE_MADE_MAX; i++)
		buf_putc(out, 'x');
}

static bool
has_two(const void *value)
{
	return ((const struct basket *)value)->fruit_count == 2;
}

static const struct template_field fruit_fields[] = {
	FIELD_TEXT(fruit, name),
	FIELD_FLAG(fruit, ripe),
};
static const struct template_type fruit_type =
	TEMPLATE_TYPE("fruit", fruit, fruit_fields);

static const struct template_field basket_fields[] = {
	FIELD_TEXT(basket, name),
	FIELD_TEXT(basket, empty),
	FIELD_TEXT(basket, path),
	FIELD_EXACT(basket, token),
	FIELD_LIST(basket, fruits, fruit_count, fruit_type),
	{ .name = "nothing",
		.kind = TEMPLATE_LIST,
		.offset = offsetof(struct basket, fruits),
		.count_offset = offsetof(struct basket, none),
		.type = &fruit_type },
	FIELD_PART(basket, best, fruit_type),
	FIELD_FLAG(basket, full),
	FIELD_MADE("shout", shout),
	FIELD_MADE("too_long", too_long),
	FIELD_ASKED("two", has_two),
};
static const struct template_type basket_type =
	TEMPLATE_TYPE("basket", basket, basket_fields);
static const char *const must[] = { "name", "fruits", NULL };
static const struct template_type strict_type =
	TEMPLATE_PAGE("strict", basket, basket_fields, must);

static const struct template_field shop_fields[] = {
	FIELD_TEXT(shop, brand),
};
static const struct template_type shop_type = TEMPLATE_TYPE("shop", shop, shop_fields);

static const struct fruit fruits[] = { { BI("fig & <pear>"), true },
	{ BI("plum"), false } };
static const struct basket basket = {
	.name = BI("a\"b"),
	.path = BI("/x?y=1&z=2"),
	.fruits = fruits,
	.fruit_count = 2,
	.best = { BI("quince"), true },
	.full = true,
	.token = BI("t\"\xE2\x80\xAE"),
};
static const struct shop shop = { BI("<Shop>") };

static enum outcome
read_as(struct arena *a, const struct template_type *type, const char *text,
	struct template **t, struct fault *f)
{
	const struct template_source sources[] = {
		{ "page.html", bytes_of(text) },
		{ "part.html", B("[{{name}}]\n") },
		{ "loop.html", B("{{>loop}}") },
		{ "open.html", B("\n\n<p class=\"{{name}}\" {{wrong}}>") },
	};
	struct template_read asked = { .sources = sources, .source_count = 4,
		.name = "page.html", .site = &shop_type, .page = type };

	return template_read(a, &asked, t, f);
}

TEST(a_page_is_its_template_with_the_values_in_it)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "<p>plain</p>\n", "<p>plain</p>\n" },
		{ "<p>{{name}}</p>", "<p>a&#34;b</p>" },
		{ "<p title=\"{{name}}\">", "<p title=\"a&#34;b\">" },
		{ "{{ name }}|{{brand}}", "a&#34;b|&lt;Shop&gt;" },
		{ "{{#fruits}}{{name}},{{/fruits}}", "fig &amp; &lt;pear&gt;,plum," },
		{ "{{#fruits}}{{#ripe}}{{name}} {{brand}}{{/ripe}}"
		  "{{^ripe}}!{{/ripe}}{{/fruits}}",
			"fig &amp; &lt;pear&gt; &lt;Shop&gt;!" },
		{ "{{#fruits}}{{#full}}{{token}} {{/full}}{{/fruits}}",
			"t&#34;\xE2\x80\xAE t&#34;\xE2\x80\xAE " },
		{ "{{#nothing}}x{{/nothing}}{{^nothing}}none{{/nothing}}", "none" },
		{ "{{#empty}}x{{/empty}}{{^empty}}y{{/empty}}{{#name}}z{{/name}}",
			"yz" },
		{ "{{#best}}{{name}} of {{#full}}it{{/full}}{{/best}}",
			"quince of it" },
		{ "{{#two}}two{{/two}}{{^two}}not{{/two}}", "two" },
		{ "{{shout}}", "a&#34;b&lt;!" },
		{ "{{>part}}{{#best}}{{>part}}{{/best}}", "[a&#34;b]\n[quince]\n" },
		{ "x\n  {{! a remark }}\ny", "x\ny" },
		{ "x\n  {{#fruits}}\n  <b>{{name}}</b>\n  {{/fruits}}\ny",
			"x\n  <b>fig &amp; &lt;pear&gt;</b>\n  <b>plum</b>\ny" },
		{ "x {{! inline }} y\n", "x  y\n" },
		{ "{{#full}}\n1\n{{/full}}", "1\n" },
		{ "<a href=\"{{path}}\">", "<a href=\"/x?y=1&amp;z=2\">" },
		{ "<a href=\"{{name}}\">", "<a href=\"#\">" },
		{ "<a href=\"/x/{{path}}\">", "<a href=\"/x/%2Fx%3Fy%3D1%26z%3D2\">" },
		{ "<input value=\"{{token}}\">",
			"<input value=\"t&#34;\xE2\x80\xAE\">" },
		{ "<input {{#full}}disabled {{/full}}>", "<input disabled >" },
		{ "<p>}} { {{name}}", "<p>}} { a&#34;b" },
		{ "<!doctype html>{{name}}", "<!doctype html>a&#34;b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct buf out = buf_new(a, 4096);
		struct template *t;
		struct fault f;

		row("%s", rows[i].text);
		if (!check_int(read_as(a, &basket_type, rows[i].text, &t, &f), DONE)) {
			printf("# %s\n", f.what);
		} else {
			template_write(t, &shop, &basket, &out);
			check(!out.failed);
			check_bytes(buf_bytes(&out), bytes_of(rows[i].want));
		}
		arena_free(a);
	}
}

TEST(what_is_wrong_is_said_with_file_and_line)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "<p>\n{{nmae}}</p>", "page.html:2: there is no {{nmae}} here" },
		{ "{{}}", "page.html:1: there is no {{}} here" },
		{ "{{#best}}{{nothing_here}}{{/best}}", "no {{nothing_here}}" },
		{ "{{ripe}}", "no {{ripe}}" },
		{ "\n\n{{#full}}", "page.html:3: {{#full}} is never closed" },
		{ "{{#full}}{{/name}}", "{{/name}} closes nothing" },
		{ "{{/full}}", "{{/full}} closes nothing" },
		{ "{{name", "{{ without }}" },
		{ "{{>missing}}", "no file missing.html" },
		{ "{{>loop}}", "nests deeper than" },
		{ "x\n{{>open}}", "open.html:3: there is no {{wrong}} here" },
		{ "{{full}}", "{{full}} is no text: write {{#full}}" },
		{ "{{fruits}}", "is no text" },
		{ "{{best}}", "is no text" },
		{ "{{two}}", "is no text" },
		{ "<a href=\"{{token}}\">", "{{token}} is no link" },
		{ "<{{name}}>", "between the double quotes" },
		{ "<p {{name}}>", "between the double quotes" },
		{ "<p class={{name}}>", "between the double quotes" },
		{ "<p class='x'>", "in double quotes" },
		{ "<p class=x>", "in double quotes" },
		{ "a < b", "&lt;" },
		{ "<!-- {{name}} -->", "a comment is written" },
		{ "<script>alert(1)</script>", "no page has a script" },
		{ "<SCRIPT nonce=\"{{token}}\">", "no page has a script" },
		{ "<style>p{}</style>", "never part of a page" },
		{ "<iframe src=\"/x\">", "never part of a page" },
		{ "<base href=\"/\">", "never part of a page" },
		{ "<p style=\"color:red\">", "never part of a page" },
		{ "<p style>", "never part of a page" },
		{ "<p\nonclick=\"x\">", "handler" },
		{ "<body onLoad=\"x\">", "handler" },
		{ "<meta http-equiv=\"refresh\">", "never part of a page" },
		{ "<a href=\"https://evil.example\">", "begins with / or #" },
		{ "<a href=\"javascript:x\">", "begins with / or #" },
		{ "<img src=\"//evil.example/x.png\">", "our own origin" },
		{ "<img src=\"/\\evil.example/x.png\">", "our own origin" },
		{ "<form action=\"evil\">", "begins with / or #" },
		{ "<button formaction=\"evil\">", "begins with / or #" },
		{ "{{#full}}<p {{/full}}>", "ends within other markup" },
		{ "{{#full}}<p title=\"{{/full}}\">", "ends within other markup" },
		{ "<p {{#full}}></p><b {{/full}}>", "ends within other markup" },
		{ "<p title=\"{{#full}}\" class=\"{{/full}}\">",
			"ends within other markup" },
		{ "<p ", "ends within a tag" },
		{ "<p title=\"x", "ends within a tag" },
		{ "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>", "so long a name" },
		{ "<p =\"x\">", "begins with a letter" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct template *t = NULL;
		struct fault f = { 0 };

		row("%s", rows[i].text);
		check_int(read_as(a, &basket_type, rows[i].text, &t, &f), REFUSED);
		if (!check(strstr(f.what, rows[i].says) != NULL))
			printf("# %s\n", f.what);
		check(t == NULL);
		check(f.line > 0);
		arena_free(a);
	}
}

TEST(a_page_must_show_what_it_must_show)
{
	static const struct {
		const char *text, *missing;
	} rows[] = {
		{ "{{name}}", "fruits" },
		{ "{{#fruits}}{{/fruits}}", "name" },
		{ "{{#name}}{{#fruits}}{{name}}{{/fruits}}{{/name}}", "name" },
		{ "{{#fruits}}{{/fruits}}{{>part}}", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct template *t;
		struct fault f = { 0 };
		bool good = rows[i].missing == NULL;

		row("%s", rows[i].text);
		check_int(read_as(a, &strict_type, rows[i].text, &t, &f),
			good ? DONE : REFUSED);
		check(good || strstr(f.what, rows[i].missing) != NULL);
		arena_free(a);
	}
}

TEST(a_nul_in_a_template_does_not_end_it)
{
	struct arena *a = arena_new();
	struct template_source source = { "page.html", B("x{{\0}}y{{wrong}}") };
	struct template_read asked = { .sources = &source, .source_count = 1,
		.name = "page.html", .page = &basket_type };
	struct template *t;
	struct fault f = { 0 };

	check_int(template_read(a, &asked, &t, &f), REFUSED);
	source.text = B("x{{!\0}}y{{wrong}}");
	check_int(template_read(a, &asked, &t, &f), REFUSED);
	check(strstr(f.what, "{{wrong}}") != NULL);
	arena_free(a);
}

TEST(one_script_with_a_nonce_may_be_allowed)
{
	static const struct {
		const char *text;
		enum outcome want;
	} rows[] = {
		{ "<script nonce=\"{{token}}\">f(0);</script>{{name}}", DONE },
		{ "<script>f(0);</script>", REFUSED },
		{ "<script nonce=\"fixed\">f(0);</script>", REFUSED },
		{ "<script nonce=\"{{token}}\">f({{name}});</script>", REFUSED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct template_source source = { "page.html", bytes_of(rows[i].text) };
		struct template_read asked = { .sources = &source, .source_count = 1,
			.name = "page.html", .page = &basket_type, .may_script = true };
		struct template *t;
		struct fault f;

		row("%s", rows[i].text);
		check_int(template_read(a, &asked, &t, &f), rows[i].want);
		arena_free(a);
	}
}

TEST(a_made_text_that_does_not_fit_fails_the_page)
{
	struct arena *a = arena_new();
	struct buf out = buf_new(a, 4096);
	struct template *t;
	struct fault f;

	check_int(read_as(a, &basket_type, "{{too_long}}", &t, &f), DONE);
	template_write(t, &shop, &basket, &out);
	check(out.failed);
	arena_free(a);
}
