/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/client.c. */
#include "rules/client.h"

#include "tap.h"
#include "text/json.h"

static const struct bytes uris[] = { BI("https://a.example/cb"),
	BI("https://b.example/cb") };
static const struct bytes mails[] = { BI("dev@a.example") };
static const struct bytes origins[] = { BI("https://a.example") };

/* Every field set, whether or not they go together. */
static const struct client full = { .client_id = BI("lkc_x"),
	.type = CLIENT_CONFIDENTIAL,
	.name = BI("B\xC3\xBC"
		   "cher \"&\" <Sync>"),
	.client_uri = BI("https://a.example/"),
	.tos_uri = BI("https://a.example/t"),
	.policy_uri = BI("https://a.example/p"),
	.initiate_uri = BI("https://a.example/i"),
	.settings_uri = BI("https://a.example/s"),
	.contacts = { mails, 1 },
	.redirect_uris = { uris, 2 },
	.origins = { origins, 1 },
	.scope = BI("jobs:read jobs:write"),
	.default_scope = BI("jobs:read"),
	.grant_types = GRANT_TYPE_AUTHORIZATION_CODE | GRANT_TYPE_REFRESH_TOKEN |
		GRANT_TYPE_CLIENT_CREDENTIALS,
	.subject_type = SUBJECT_ENTITY,
	.native = true,
	.development = true,
	.disabled = true,
	.pkce_exempt = true,
	.redirect_uri_optional = true,
	.retry_without_key = 30,
	.refresh_for_browser = true,
	.not_before = 77,
	.resource_uri = BI("https://api.example"),
	.created_at = 1234567890123 };

static void
check_same_strings(struct strings got, struct strings want)
{
	if (!check_int((int64_t)got.n, (int64_t)want.n))
		return;
	for (size_t i = 0; i < want.n; i++)
		check_bytes(got.p[i], want.p[i]);
}

static void
check_same(const struct client *got, const struct client *want)
{
	check_bytes(got->client_id, want->client_id);
	check_int(got->type, want->type);
	check_bytes(got->name, want->name);
	check_bytes(got->client_uri, want->client_uri);
	check_bytes(got->tos_uri, want->tos_uri);
	check_bytes(got->policy_uri, want->policy_uri);
	check_bytes(got->initiate_uri, want->initiate_uri);
	check_bytes(got->settings_uri, want->settings_uri);
	check_same_strings(got->contacts, want->contacts);
	check_same_strings(got->redirect_uris, want->redirect_uris);
	check_same_strings(got->origins, want->origins);
	check_bytes(got->scope, want->scope);
	check_bytes(got->default_scope, want->default_scope);
	check_int(got->grant_types, want->grant_types);
	check_int(got->subject_type, want->subject_type);
	check_int(got->native, want->native);
	check_int(got->development, want->development);
	check_int(got->disabled, want->disabled);
	check_int(got->pkce_exempt, want->pkce_exempt);
	check_int(got->redirect_uri_optional, want->redirect_uri_optional);
	check_int(got->retry_without_key, want->retry_without_key);
	check_int(got->refresh_for_browser, want->refresh_for_browser);
	check_int(got->not_before, want->not_before);
	check_bytes(got->resource_uri, want->resource_uri);
	check_int(got->created_at, want->created_at);
}

TEST(a_client_survives_as_a_document)
{
	static const struct client least = { .client_id = BI("lkc_y") };
	const struct client *const rows[] = { &full, &least };

	for (size_t i = 0; i < 2; i++) {
		struct arena *a = arena_new();
		json_t *document = client_to_json(rows[i]);
		char *text = json_dumps(document, 0);
		const char *why;
		json_t *again = json_read(bytes_of(text), 65536, &why);
		struct client got;

		row("%zu: %s", i, text);
		check(again != NULL && json_equal(document, again));
		if (check(client_from_json(a, again, &got)))
			check_same(&got, rows[i]);
		json_decref(document);
		json_decref(again);
		free(text);
		arena_free(a);
	}
}

/* RFC 7591 2 */
TEST(members_have_the_names_of_rfc_7591)
{
	static const char *const names[] = { "client_id", "client_name", "client_uri",
		"tos_uri", "policy_uri", "contacts", "redirect_uris", "scope",
		"grant_types", "client_id_issued_at" };
	json_t *document = client_to_json(&full);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		row("%s", names[i]);
		check(json_object_get(document, names[i]) != NULL);
	}
	check(json_object_get(document, "client_secret") == NULL);
	json_decref(document);
}

#define LEAST "\"client_id\":\"x\",\"client_type\":\"public\"," \
	"\"default_subject_type\":\"any\",\"grant_types\":[]"

TEST(a_document_that_says_something_odd_is_refused)
{
	static const struct { const char *text; bool good; } rows[] = {
		{ "{" LEAST "}", true },
		{ "{" LEAST ",\"added_later\":{}}", true },
		{ "{}", false },
		{ "[]", false },
		{ "{" LEAST ",\"client_name\":7}", false },
		{ "{" LEAST ",\"native\":\"yes\"}", false },
		{ "{" LEAST ",\"not_before\":\"1\"}", false },
		{ "{" LEAST ",\"redirect_uris\":\"https://a\"}", false },
		{ "{" LEAST ",\"redirect_uris\":[7]}", false },
		{ "{\"client_id\":\"\",\"client_type\":\"public\","
		  "\"default_subject_type\":\"any\",\"grant_types\":[]}", false },
		{ "{\"client_id\":\"x\",\"client_type\":\"other\","
		  "\"default_subject_type\":\"any\",\"grant_types\":[]}", false },
		{ "{\"client_id\":\"x\",\"client_type\":\"public\","
		  "\"default_subject_type\":\"none\",\"grant_types\":[]}", false },
		{ "{\"client_id\":\"x\",\"client_type\":\"public\","
		  "\"default_subject_type\":\"any\",\"grant_types\":[\"password\"]}",
			false },
		{ "{\"client_id\":\"x\",\"client_type\":\"public\","
		  "\"default_subject_type\":\"any\",\"grant_types\":[7]}", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		const char *why;
		json_t *document = json_read(bytes_of(rows[i].text), 4096, &why);
		struct client c;

		row("%s", rows[i].text);
		check(document != NULL);
		check_int(client_from_json(a, document, &c), rows[i].good);
		json_decref(document);
		arena_free(a);
	}
}

/* TR-17, NB-02 */
TEST(who_may_refresh)
{
	struct client c = { .grant_types = GRANT_TYPE_AUTHORIZATION_CODE };

	check(!client_may_refresh(&c));
	c.grant_types |= GRANT_TYPE_REFRESH_TOKEN;
	check(client_may_refresh(&c));
	c.origins = (struct strings){ origins, 1 };
	check(!client_may_refresh(&c));
	c.refresh_for_browser = true;
	check(client_may_refresh(&c));
}

/* CO-03, CO-05 */
TEST(origins_of_a_client)
{
	struct client c = { .type = CLIENT_PUBLIC, .origins = { origins, 1 } };

	check(client_has_origin(&c, B("https://a.example")));
	check(!client_has_origin(&c, B("https://A.example")));
	check(!client_has_origin(&c, B("https://a.example:443")));
	check(!client_has_origin(&c, B("null")));
	check(!client_has_origin(&c, NONE));
	c.disabled = true;
	check(!client_has_origin(&c, B("https://a.example")));
	c.disabled = false;
	c.type = CLIENT_CONFIDENTIAL;
	check(!client_has_origin(&c, B("https://a.example")));
}

/* R1.3, TR-13 */
TEST(weaknesses_are_warned_of)
{
	const char *out[4];
	const struct client strict = { .type = CLIENT_CONFIDENTIAL };

	check_int((int64_t)client_warnings(&strict, out), 0);
	check_int((int64_t)client_warnings(&full, out), 4);
	for (size_t i = 0; i < 4; i++)
		check(strlen(out[i]) > 10);
}

TEST(names)
{
	enum client_type type = CLIENT_PUBLIC;
	enum subject_type subject = SUBJECT_ANY;

	check(client_type_by_name(B("confidential"), &type));
	check_int(type, CLIENT_CONFIDENTIAL);
	check(client_type_by_name(B("resource"), &type));
	check_int(type, CLIENT_RESOURCE);
	check(!client_type_by_name(B("Public"), &type));
	check(!client_type_by_name(NONE, &type));
	check_int(type, CLIENT_RESOURCE);
	check(subject_type_by_name(B("entity"), &subject));
	check_int(subject, SUBJECT_ENTITY);
	check(!subject_type_by_name(B("planet"), &subject));
	check_int(grant_type_by_name(B("client_credentials")),
		GRANT_TYPE_CLIENT_CREDENTIALS);
	check_int(grant_type_by_name(B("password")), 0);
}
