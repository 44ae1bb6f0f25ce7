/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of pages/pages.c and the templates: what each page must say (RULEBOOK
 * section 6, R4.1, R5.2), and what an operator may change.
 */
#include "pages/pages.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages/logo.h"
#include "tap.h"

static const struct page_hidden hidden[] = { { BI("form"), BI("one-time\"value") } };
static const struct page_scope scopes[] = {
	{ BI("export-jobs:read"), BI("See your export jobs") },
	{ BI("users:read"), BI_NONE },
};
static const struct page_context contexts[] = {
	{ BI("urn:company:1"), BI("Northwind"), BI("Company"), false },
	{ BI("urn:entity:2"), BI("Northwind France"), BI("Entity"), true },
};

static struct page_consent
consent_of(size_t context_count)
{
	return (struct page_consent){ .hidden = hidden,
		.hidden_count = 1,
		.action = B("/consent"),
		.client = { .name = B("Ledger <Sync>"),
			.client_uri = B("https://ls.example"),
			.tos_uri = B("https://ls.example/tos"),
			.policy_uri = B("https://ls.example/privacy"),
			.contact = B("help@ls.example") },
		.person = B("Nadia Petrova"),
		.username = B("nadia"),
		.scopes = scopes,
		.scope_count = 2,
		.contexts = contexts,
		.context_count = context_count,
		.recipient = B("app.ls.example") };
}

/* A page under test: opened, rendered, and all of it freed by page_end. */
struct under_test {
	struct pages *pages;
	struct arena *arena;
	struct buf out;
};

static struct under_test
page_begin(void)
{
	struct under_test t = { .arena = arena_new() };
	struct fault f;

	if (pages_open(NULL, B("Acme Spend"), &t.pages, &f) != DONE) {
		printf("Bail out! %s\n", f.what);
		exit(EXIT_FAILURE);
	}
	t.out = buf_new(t.arena, (size_t)64 * 1024);
	return t;
}

static void
page_end(struct under_test *t)
{
	check(!t->out.failed);
	pages_free(t->pages);
	arena_free(t->arena);
}

static bool
holds(struct under_test *t, const char *text)
{
	return strstr(buf_cstr(&t->out), text) != NULL;
}

#define check_says(t, text) tap_check(holds(t, text), __FILE__, __LINE__, "says " text)
#define check_silent(t, text) \
	tap_check(!holds(t, text), __FILE__, __LINE__, "does not say " text)

TEST(consent_says_who_asks_for_what_as_whom_and_who_hears_the_answer_U08)
{
	struct under_test t = page_begin();
	struct page_consent v = consent_of(2);

	page_consent(t.pages, &v, &t.out);
	check_says(&t,
		"<h1>Connect <span class=\"whole\">Ledger &lt;Sync&gt;</span> to "
		"<span class=\"whole\">Acme Spend?</span></h1>");
	check_says(&t, "<strong>Nadia Petrova</strong> (nadia)");
	check_says(
		&t, "<span>See your export jobs</span> <code>export-jobs:read</code>");
	check_says(&t, "<li><code>users:read</code></li>");
	check_says(&t, "<p class=\"fact host\">app.ls.example</p>");
	check_says(&t, "it never sees your password");
	check_says(&t, "press Disconnect");
	check_says(&t, "<dd>https://ls.example</dd>");
	check_says(&t, "<dd>https://ls.example/tos</dd>");
	check_says(&t, "<dd>https://ls.example/privacy</dd>");
	check_says(&t, "<dd>help@ls.example</dd>");
	check_silent(&t, "href=\"https://");
	check_says(&t, "<form method=\"post\" action=\"/consent\">");
	check_says(&t, "name=\"form\" value=\"one-time&#34;value\"");
	check_says(&t, "name=\"decision\" value=\"approve\"");
	check_says(&t, "name=\"decision\" value=\"deny\"");
	check_says(&t, ">LS</span>");
	page_end(&t);
}

TEST(several_contexts_are_a_choice_one_is_a_sentence_none_cannot_be_approved_R46)
{
	struct under_test t = page_begin();
	struct page_consent v = consent_of(2);

	page_consent(t.pages, &v, &t.out);
	check_says(&t, "<legend>Act for</legend>");
	check_says(&t, "<input type=\"radio\" name=\"subject\" value=\"urn:company:1\" "
		"required >");
	check_says(&t, "<input type=\"radio\" name=\"subject\" value=\"urn:entity:2\" "
		"required checked >");
	t.out.n = 0;
	v.context_count = 1;
	page_consent(t.pages, &v, &t.out);
	check_silent(&t, "radio");
	check_says(
		&t, "<input type=\"hidden\" name=\"subject\" value=\"urn:company:1\">");
	t.out.n = 0;
	v.context_count = 0;
	page_consent(t.pages, &v, &t.out);
	check_says(&t, "You cannot approve this yet.");
	check_silent(&t, "value=\"approve\"");
	check_says(&t, "value=\"deny\"");
	page_end(&t);
}

TEST(consent_warns_where_there_is_reason_to)
{
	struct under_test t = page_begin();
	struct page_consent v = consent_of(2);

	page_consent(t.pages, &v, &t.out);
	check_silent(&t, "class=\"note");
	t.out.n = 0;
	v.client.development = v.client.pkce_exempt = true;
	v.runs_on_this_device = v.context_missing = v.out_of_date = true;
	page_consent(t.pages, &v, &t.out);
	check_says(&t, "Test version.");
	check_says(&t, "Older protection.");
	check_says(&t, "This app runs on your own device.");
	check_says(&t, "Nothing is chosen yet.");
	check_says(&t, "This page had run out,");
	check_says(&t, "<fieldset aria-describedby=\"problem\" >");
	page_end(&t);
}

TEST(names_that_deceive_are_cleaned_U08)
{
	struct under_test t = page_begin();
	struct page_consent v = consent_of(1);

	v.client.name = B("Acme\xE2\x80\xAE gro.live\x01");
	page_consent(t.pages, &v, &t.out);
	check_says(&t, "Connect <span class=\"whole\">Acme gro.live</span> to");
	check_silent(&t, "\xE2\x80\xAE");
	check_silent(&t, "\x01");
	page_end(&t);
}

TEST(sign_in_has_two_fields_and_one_message_for_every_failure_U12)
{
	struct under_test t = page_begin();
	struct page_sign_in v = { .hidden = hidden, .hidden_count = 1,
		.action = B("/signin"), .client_name = B("Ledger Sync") };

	page_sign_in(t.pages, &v, &t.out);
	check_says(&t,
		"name=\"username\" type=\"text\" value=\"\" autocomplete=\"username\"");
	check_says(&t, "name=\"password\" type=\"password\" "
		"autocomplete=\"current-password\"");
	check_says(&t,
		"Your password goes to Acme Spend only. Ledger Sync never sees it.");
	check_silent(&t, "role=\"alert\"");
	check_silent(&t, "aria-describedby");
	t.out.n = 0;
	v.failed = true;
	v.username = B("nadia\">");
	page_sign_in(t.pages, &v, &t.out);
	check_says(&t, "That username and password do not match.");
	check_says(&t, "value=\"nadia&#34;&gt;\"");
	check_says(&t, "aria-describedby=\"problem\" aria-invalid=\"true\"");
	t.out.n = 0;
	v.wait_seconds = 61;
	page_sign_in(t.pages, &v, &t.out);
	check_says(&t, "try again in 61 seconds.");
	check_silent(&t, "do not match");
	page_end(&t);
}

TEST(the_account_page_lists_what_is_connected_and_explains_what_was_ended_R67)
{
	const struct page_connection connections[] = {
		{ .client = { .name = B("Ledger Sync") }, .context = B("Northwind"),
		  .scopes = scopes, .scope_count = 2, .since = B("1 May 2026"),
		  .hidden = hidden, .hidden_count = 1 },
		{ .client = { .name = B("Tally"), .contact = B("help@tally.example") },
		  .context = B("Northwind"), .since = B("2 May 2026"),
		  .last_used = B("3 May 2026"), .ended = B("Ended on 4 May 2026."),
		  .ended_by_replay = true },
	};
	struct page_account v = { .person = B("Nadia"), .username = B("nadia"),
		.connections = connections, .connection_count = 1,
		.disconnect_action = B("/account"), .sign_out_action = B("/signout") };
	struct under_test t = page_begin();

	page_account(t.pages, &v, &t.out);
	check_says(&t, "<dt>Connected since</dt><dd>1 May 2026</dd>");
	check_says(&t, "<dt>Last used</dt><dd>not yet</dd>");
	check_says(&t,
		"Disconnect<span class=\"unseen\"> Ledger Sync for Northwind</span>");
	check_silent(&t, "Ended");
	t.out.n = 0;
	v.connection_count = 2;
	page_account(t.pages, &v, &t.out);
	check_says(&t, "Ended on 4 May 2026.");
	check_says(&t, "all access was cut at once");
	check_says(&t, "tell its vendor (help@tally.example).");
	t.out.n = 0;
	v.connection_count = 0;
	page_account(t.pages, &v, &t.out);
	check_says(&t, "No app is connected");
	check_says(&t, "action=\"/signout\"");
	page_end(&t);
}

TEST(an_error_page_speaks_to_the_person_first_R55)
{
	struct under_test t = page_begin();
	struct page_message v = { .status = 400,
		.title = B("This link does not work"),
		.for_person = B("Go back to the app."),
		.for_integrator =
			B("redirect_uri <https://x.example/> is not registered"),
		.error_id = B("K7Q2M9XA4T"),
		.link = { B("Home"), B("javascript:x") } };

	page_message(t.pages, &v, &t.out);
	check_says(
		&t, "<h1>This link does not work</h1>\n  <p>Go back to the app.</p>");
	check_says(&t, "&lt;https://x.example/&gt; is not registered");
	check_says(&t, "give this error id: <code class=\"id\">K7Q2M9XA4T</code>");
	check_says(&t, "<code>400</code>");
	check_says(&t, "href=\"#\"");
	t.out.n = 0;
	v.for_integrator = v.error_id = v.link.label = NONE;
	page_message(t.pages, &v, &t.out);
	check_silent(&t, "<details>");
	check_silent(&t, "error id");
	check_silent(&t, "<a ");
	page_end(&t);
}

TEST(the_answer_is_posted_byte_for_byte_by_one_script_with_a_nonce_U13)
{
	static const struct page_hidden answer[] = {
		{ BI("state"), BI("\"><script>\xE2\x80\xAE") },
	};
	struct under_test t = page_begin();
	struct page_form_post v = { .action = B("https://app.example/cb?a=1&b=2"),
		.hidden = answer, .hidden_count = 1, .client_name = B("Ledger Sync"),
		.nonce = B("bm9uY2U") };

	page_form_post(t.pages, &v, &t.out);
	check_says(&t, "action=\"https://app.example/cb?a=1&amp;b=2\"");
	check_says(&t, "name=\"state\" value=\"&#34;&gt;&lt;script&gt;\xE2\x80\xAE\"");
	check_says(&t, "<script nonce=\"bm9uY2U\">");
	check_says(&t, "<button class=\"button primary\" type=\"submit\">");
	t.out.n = 0;
	v.action = B("http://app.example/cb"); /* */
	page_form_post(t.pages, &v, &t.out);
	check_says(&t, "action=\"#\"");
	page_end(&t);
}

TEST(every_page_asks_for_assets_that_are_there)
{
	struct under_test t = page_begin();
	const struct page_asset *assets;
	struct page_message v = {
		.status = 200, .title = B("x"), .for_person = B("y")
	};
	size_t count = pages_assets(t.pages, &assets);

	page_message(t.pages, &v, &t.out);
	check_int((int64_t)count, 2);
	for (size_t i = 0; i < count; i++) {
		check(strstr(buf_cstr(&t.out), assets[i].path.p) != NULL);
		check(assets[i].body.n > 0);
	}
	check_bytes(assets[0].type, B("text/css; charset=utf-8"));
	check_bytes(bytes_slice(assets[0].path, 0, 7), B("/style-"));
	check_int((int64_t)assets[0].path.n, (int64_t)strlen("/style-01234567.css"));
	check(assets[0].body.n < (size_t)12 * 1024);
	check(bytes_starts(
		assets[0].body, B(":root{--brand:#0b6153;--brand-dark:#7fd6bd}")));
	page_end(&t);
}

TEST(below_an_issuer_with_a_path_assets_are_asked_for_there)
{
	struct under_test t = page_begin();
	const struct page_asset *assets;
	struct page_message v = {
		.status = 200, .title = B("x"), .for_person = B("y")
	};

	pages_under(t.pages, B("/t1"));
	page_message(t.pages, &v, &t.out);
	check_says(&t, "<link rel=\"stylesheet\" href=\"/t1/style-");
	check_says(&t, "<link rel=\"icon\" href=\"/t1/icon-");
	check_silent(&t, "brand-");
	pages_assets(t.pages, &assets);
	check(bytes_starts(assets[0].path, B("/style-")));
	page_end(&t);
}

/* ---- an operator's directory ---- */

struct directory {
	char path[32];
};

static struct directory
directory_begin(void)
{
	struct directory d = { "/tmp/latchkey-pages-XXXXXX" };

	if (mkdtemp(d.path) == NULL) {
		perror(d.path);
		exit(EXIT_FAILURE);
	}
	return d;
}

static void
put_file(const struct directory *d, const char *name, struct bytes text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(text.p, 1, text.n, file) != text.n ||
		fclose(file) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void
directory_end(const struct directory *d)
{
	DIR *dir = opendir(d->path);
	struct dirent *e;
	char path[512];

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", d->path, e->d_name);
		(void)unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	check_int(rmdir(d->path), 0);
}

#define PNG_64 \
	"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x40\0\0\0\x40\x08\x02\0\0\0\0\0\0\0"

TEST(an_operator_may_change_templates_brand_and_logo)
{
	struct directory d = directory_begin();
	struct arena *a = arena_new();
	struct buf out = buf_new(a, 8192);
	struct page_message v = {
		.status = 418, .title = B("T"), .for_person = B("P")
	};
	const struct page_asset *assets;
	struct pages *p;
	struct fault f = { 0 };

	put_file(&d, "message.html", B("<h1>{{title}}</h1>{{for_person}} {{error_id}}"
		"<img src=\"{{brand_logo}}\" alt=\"\">{{brand}}"));
	put_file(&d, "brand.json",
		B("{\"name\": \"Northwind Pay\", \"logo\": \"l.png\", "
		  "\"accent\": \"#102030\"}"));
	put_file(&d, "l.png", B(PNG_64));
	put_file(&d, "notes.txt", B("not read"));
	if (check_int(pages_open(d.path, B("Acme"), &p, &f), DONE)) {
		page_message(p, &v, &out);
		check(strstr(buf_cstr(&out), "<h1>T</h1>P <img src=\"/brand-") != NULL);
		check(strstr(buf_cstr(&out), ".png\" alt=\"\">Northwind Pay") != NULL);
		check_bytes(pages_brand(p), B("Northwind Pay"));
		check_int((int64_t)pages_assets(p, &assets), 3);
		check_bytes(assets[2].type, B("image/png"));
		check_bytes(assets[2].body, B(PNG_64));
		check(bytes_starts(assets[0].body, B(":root{--brand:#102030;")));
		pages_free(p);
	} else {
		printf("# %s\n", f.what);
	}
	arena_free(a);
	directory_end(&d);
}

TEST(what_an_operator_got_wrong_is_refused_by_name)
{
	static const struct {
		const char *file;
		struct bytes text;
		const char *says;
	} rows[] = {
		{ "accounts.html", BI("x"), "accounts.html: no page may be replaced" },
		{ "form_post.html", BI("x"), "no page may be replaced" },
		{ "message.html", BI("\n{{wat}}"),
			"message.html:2: there is no {{wat}}" },
		{ "message.html", BI("{{title}}{{for_person}}"),
			"must show {{error_id}}" },
		{ "consent.html", BI("{{#hidden}}{{/hidden}}"), "must show" },
		{ "head.html", BI("<script src=\"/x.js\"></script>"),
			"head.html:1: no page has" },
		{ "brand.json", BI("{\"accent\":\"#fff\"}"), "brand.json: accent" },
		{ "brand.json", BI("{\"logo\":\"none.png\"}"),
			"no logo file none.png" },
		{ "brand.json", BI("{\"logo\":\"brand.json\"}"), "not a PNG" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct directory d = directory_begin();
		struct pages *p = NULL;
		struct fault f = { 0 };

		row("%zu %s", i, rows[i].file);
		put_file(&d, rows[i].file, rows[i].text);
		check_int(pages_open(d.path, B("Acme"), &p, &f), REFUSED);
		check(p == NULL);
		if (!check(strstr(f.what, rows[i].says) != NULL))
			printf("# %s\n", f.what);
		directory_end(&d);
	}
}

TEST(a_template_too_large_and_a_directory_that_is_not_there_are_said)
{
	static char large[128 * 1024 + 1];
	struct directory d = directory_begin();
	struct pages *p;
	struct fault f = { 0 };

	memset(large, 'x', sizeof(large));
	put_file(&d, "message.html", (struct bytes){ large, sizeof(large) });
	check_int(pages_open(d.path, B("Acme"), &p, &f), REFUSED);
	check(strstr(f.what, "larger than") != NULL);
	directory_end(&d);
	check_int(pages_open(d.path, B("Acme"), &p, &f), FAULT);
	check(strstr(f.what, d.path) != NULL);
}
