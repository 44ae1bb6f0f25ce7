/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/client_check.c: one thing wrong at a time. */
#include "rules/client.h"

#include "tap.h"

static struct client
web(void)
{
	return (struct client){ .client_id = BI("lkc_0123456789abcdefghijkl"),
		.type = CLIENT_CONFIDENTIAL, .name = BI("Ledger Sync"),
		.grant_types = GRANT_TYPE_AUTHORIZATION_CODE | GRANT_TYPE_REFRESH_TOKEN,
		.scope = BI("jobs:read jobs:write"), .default_scope = BI("jobs:read") };
}

static struct client
app(void)
{
	struct client c = web();

	c.type = CLIENT_PUBLIC;
	c.native = true;
	return c;
}

static struct client
api(void)
{
	return (struct client){ .client_id = BI("lkc_api"), .type = CLIENT_RESOURCE,
		.name = BI("Jobs API"), .resource_uri = BI("https://api.example") };
}

/* flaw NULL: must pass; otherwise the sentence holds it, and names a remedy. */
static void
expect(const char *rule, const struct client *c, const char *flaw)
{
	struct arena *a = arena_new();
	const char *what = NULL;

	row("%s", rule);
	check_int(client_check(a, c, B("Acme Spend"), &what), flaw == NULL);
	if (flaw == NULL && what != NULL)
		check_str(what, "(nothing)");
	if (flaw != NULL && check(what != NULL) && strstr(what, flaw) == NULL)
		check_str(what, flaw);
	arena_free(a);
}

TEST(what_may_be_kept)
{
	static const struct bytes uri[] = { BI("https://app.example/cb") };
	static const struct bytes native[] = { BI("http://127.0.0.1/cb"),
		BI("com.example.app:/cb") };
	static const struct bytes origin[] = { BI("https://app.example"),
		BI("https://app.example:8443") };
	struct client c = web();

	c.redirect_uris = (struct strings){ uri, 1 };
	expect("R3.2", &c, NULL);
	c = app();
	c.redirect_uris = (struct strings){ native, 2 };
	expect("R3.1", &c, NULL);
	c.native = false;
	c.redirect_uris = (struct strings){ uri, 1 };
	c.origins = (struct strings){ origin, 2 };
	c.refresh_for_browser = true;
	expect("NB-02", &c, NULL);
	c = api();
	expect("IN-01", &c, NULL);
	c.resource_uri = B("urn:acme:api");
	expect("8707", &c, NULL);
	c.resource_uri = NONE;
	expect("8707", &c, NULL);
	c = web();
	c.grant_types = GRANT_TYPE_CLIENT_CREDENTIALS;
	expect("CC-01", &c, NULL);
}

/* Each tweak makes one thing wrong; the sentence must say which. */
typedef void tweak_fn(struct client *);
#define TWEAK(name, ...)             \
	static void                  \
	name(struct client *c)       \
	{                            \
		__VA_ARGS__;         \
	}
#define LIST(field, ...)                                                      \
	static const struct bytes list[] = { __VA_ARGS__ };                   \
	c->field = (struct strings){ list, sizeof(list) / sizeof(list[0]) }

TWEAK(id_with_space, c->client_id = B("a b"))
TWEAK(id_missing, c->client_id = NONE)
TWEAK(name_missing, c->name = NONE)
TWEAK(name_blank, c->name = B(" Sync"))
TWEAK(name_control, c->name = B("Led\nger"))
TWEAK(name_bidi, c->name = B("Ledger \xE2\x80\xAE" "cnyS"))
TWEAK(name_isolate, c->name = B("Ledger \xE2\x81\xA6Sync"))
TWEAK(name_not_utf8, c->name = B("Led\xFFger"))
TWEAK(name_long, c->name = B("Ledger Ledger Ledger Ledger Ledger Ledger Ledger "
	"Ledger Ledger Ledger Ledger Ledger"))
TWEAK(name_of_platform, c->name = B("Acrne  Spend Official"))
TWEAK(public_with_secret, c->type = CLIENT_PUBLIC, c->secret_count = 1)
TWEAK(three_secrets, c->secret_count = 3)
TWEAK(native_with_secret, c->native = true)
TWEAK(browser_with_secret, LIST(origins, BI("https://app.example")))
TWEAK(native_browser, c->type = CLIENT_PUBLIC; c->native = true;
	LIST(origins, BI("https://app.example")))
TWEAK(public_credentials, c->type = CLIENT_PUBLIC,
	c->grant_types |= GRANT_TYPE_CLIENT_CREDENTIALS)
TWEAK(refresh_alone, c->grant_types = GRANT_TYPE_REFRESH_TOKEN,
	c->redirect_uris.n = 0)
TWEAK(no_grant_types, c->grant_types = 0, c->redirect_uris.n = 0)
TWEAK(no_redirect_uri, c->redirect_uris.n = 0)
TWEAK(redirect_uri_unused, c->grant_types = GRANT_TYPE_CLIENT_CREDENTIALS)
TWEAK(redirect_uri_http, LIST(redirect_uris, BI("http://app.example/cb")))
TWEAK(redirect_uri_app, LIST(redirect_uris, BI("com.example.app:/cb")))
TWEAK(redirect_uri_twice, LIST(redirect_uris, BI("https://a/b"), BI("https://a/b")))
TWEAK(origin_path, c->type = CLIENT_PUBLIC; LIST(origins, BI("https://app.example/")))
TWEAK(origin_http, c->type = CLIENT_PUBLIC; LIST(origins, BI("http://app.example")))
TWEAK(origin_local, c->type = CLIENT_PUBLIC; LIST(origins, BI("http://localhost:3000")))
TWEAK(origin_upper, c->type = CLIENT_PUBLIC; LIST(origins, BI("https://App.example")))
TWEAK(origin_default_port, c->type = CLIENT_PUBLIC;
	LIST(origins, BI("https://app.example:443")))
TWEAK(origin_port_0, c->type = CLIENT_PUBLIC;
	LIST(origins, BI("https://app.example:0")))
TWEAK(origin_star, c->type = CLIENT_PUBLIC; LIST(origins, BI("*")))
TWEAK(link_http, c->client_uri = B("http://app.example"))
TWEAK(link_script, c->tos_uri = B("javascript:alert(1)"))
TWEAK(link_user, c->policy_uri = B("https://a@b.example"))
TWEAK(link_initiate, c->initiate_uri = B("app.example/start"))
TWEAK(link_settings, c->settings_uri = B("https:///x"))
TWEAK(contact_word, LIST(contacts, BI("support")))
TWEAK(contact_two_at, LIST(contacts, BI("a@b@c.example")))
TWEAK(contact_no_name, LIST(contacts, BI("@c.example")))
TWEAK(contact_no_dot, LIST(contacts, BI("a@localhost")))
TWEAK(contact_header, LIST(contacts, BI("a@b.example\r\nBcc: x@y.example")))
TWEAK(contact_list, LIST(contacts, BI("a@b.example,c@d.example")))
TWEAK(no_scope, c->scope = NONE, c->default_scope = NONE)
TWEAK(scope_order, c->scope = B("jobs:write jobs:read"))
TWEAK(scope_form, c->scope = B("openid"), c->default_scope = NONE)
TWEAK(default_outside, c->default_scope = B("users:read"))
TWEAK(default_order, c->default_scope = B("jobs:write jobs:read"))
TWEAK(exempt_public, c->type = CLIENT_PUBLIC, c->pkce_exempt = true)
TWEAK(recovery_long, c->retry_without_key = 31)
TWEAK(recovery_negative, c->retry_without_key = -1)
TWEAK(recovery_public, c->type = CLIENT_PUBLIC, c->retry_without_key = 10)
TWEAK(refresh_no_browser, c->refresh_for_browser = true)
TWEAK(resource_of_client, c->resource_uri = B("https://api.example"))
TWEAK(logo_svg, c->has_logo = true, c->logo_type = B("image/svg+xml"))
TWEAK(logo_png, c->has_logo = true, c->logo_type = B("image/png"))
TWEAK(api_grants, *c = api(), c->grant_types = GRANT_TYPE_CLIENT_CREDENTIALS)
TWEAK(api_scope, *c = api(), c->scope = B("jobs:read"))
TWEAK(api_http, *c = api(), c->resource_uri = B("http://api.example"))
TWEAK(api_fragment, *c = api(), c->resource_uri = B("https://api.example#x"))
TWEAK(api_relative, *c = api(), c->resource_uri = B("/api"))
TWEAK(exempt_confidential, c->pkce_exempt = true, c->retry_without_key = 30)

TEST(what_may_not_be_kept)
{
	static const struct {
		const char *rule;
		tweak_fn *tweak;
		const char *flaw;
	} rows[] = {
		{ "C-05", id_with_space, "client_id" },
		{ "C-05", id_missing, "client_id" },
		{ "R4.1", name_missing, "is empty" },
		{ "R4.1", name_blank, "ends with a space" },
		{ "U-08", name_control, "control characters" },
		{ "U-08", name_bidi, "direction" },
		{ "U-08", name_isolate, "direction" },
		{ "R4.1", name_not_utf8, "UTF-8" },
		{ "R4.1", name_long, "80 characters" },
		{ "R4.1", name_of_platform, "imitates" },
		{ "R3.1", public_with_secret, "no secret" },
		{ "R3.4", three_secrets, "two secrets" },
		{ "NB-01", native_with_secret, "--type public" },
		{ "NB-01", browser_with_secret, "--type public" },
		{ "NB-01", native_browser, "two clients" },
		{ "CC-01", public_credentials, "--type confidential" },
		{ "TR-17", refresh_alone, "authorization_code" },
		{ "C-17", no_grant_types, "no grant type" },
		{ "R-08", no_redirect_uri, "--redirect-uri" },
		{ "R-02", redirect_uri_unused, "never used" },
		{ "R-02", redirect_uri_http, "http://app.example/cb" },
		{ "R-05", redirect_uri_app, "--native" },
		{ "R4.3", redirect_uri_twice, "twice" },
		{ "CO-03", origin_path, "https://app.example/" },
		{ "CO-03", origin_http, "http://app.example" },
		{ "CO-03", origin_local, "--development" },
		{ "CO-03", origin_upper, "small letters" },
		{ "CO-03", origin_default_port, ":443" },
		{ "CO-03", origin_port_0, ":0" },
		{ "CO-03", origin_star, "*" },
		{ "R4.1", link_http, "client URI \"http://app.example\"" },
		{ "R4.1", link_script, "terms of service URI" },
		{ "R4.1", link_user, "privacy policy URI" },
		{ "R4.2", link_initiate, "initiation URI" },
		{ "R4.2", link_settings, "settings URI" },
		{ "R4.1", contact_word, "contact \"support\"" },
		{ "R4.1", contact_two_at, "e-mail" },
		{ "R4.1", contact_no_name, "e-mail" },
		{ "R4.1", contact_no_dot, "e-mail" },
		{ "R4.1", contact_header, "e-mail" },
		{ "R4.1", contact_list, "e-mail" },
		{ "R4.4", no_scope, "--scope" },
		{ "R4.4", scope_order, "in order" },
		{ "R4.4", scope_form, "resource:permission" },
		{ "R4.4", default_outside, "users:read" },
		{ "R4.4", default_order, "in order" },
		{ "R1.2", exempt_public, "PKCE" },
		{ "TR-13", recovery_long, "31 s" },
		{ "TR-13", recovery_negative, "-1 s" },
		{ "TR-13", recovery_public, "TR-13" },
		{ "NB-02", refresh_no_browser, "--origin" },
		{ "8707", resource_of_client, "resource add" },
		{ "R4.1", logo_svg, "SVG" },
		{ "R4.1", logo_png, NULL },
		{ "IN-01", api_grants, "grant types" },
		{ "IN-01", api_scope, "--scope" },
		{ "8707", api_http, "http://api.example" },
		{ "8707", api_fragment, "fragment" },
		{ "8707", api_relative, "absolute" },
		{ "R1.3", exempt_confidential, NULL },
	};
	static const struct bytes uri[] = { BI("https://app.example/cb") };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client c = web();

		c.redirect_uris = (struct strings){ uri, 1 };
		rows[i].tweak(&c);
		expect(rows[i].rule, &c, rows[i].flaw);
	}
}

/* CO-03: in development, and only there. */
TEST(an_origin_on_this_machine)
{
	static const struct bytes uri[] = { BI("http://localhost:3000/cb") };
	static const struct bytes origin[] = { BI("http://localhost:3000") };
	struct client c = web();

	c.type = CLIENT_PUBLIC;
	c.redirect_uris = (struct strings){ uri, 1 };
	c.origins = (struct strings){ origin, 1 };
	c.development = true;
	expect("CO-03", &c, NULL);
	c.development = false;
	expect("R-04", &c, "--development");
}

/* R4.4 */
TEST(scopes_must_be_known)
{
	struct arena *a = arena_new();
	struct client c = web();
	const char *what = NULL;

	check(client_check_scope(a, &c, B("jobs:read jobs:write users:read"), &what));
	check(!client_check_scope(a, &c, B("jobs:read users:read"), &what));
	check(what != NULL && strstr(what, "\"jobs:write\"") != NULL);
	arena_free(a);
}
