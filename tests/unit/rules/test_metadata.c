/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/metadata.c: rulebook section 18. */
#include "rules/metadata.h"

#include "tap.h"
#include "text/json.h"

static json_t *
document_of(const struct metadata *m)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 16384);
	const char *why = NULL;
	json_t *document;

	metadata_write(&b, m);
	document = json_read(buf_bytes(&b), 16384, &why);
	if (!check(document != NULL))
		printf("# %s\n", why);
	arena_free(a);
	return document;
}

/* Every member there is, and each only as it is built (MD-03 .. MD-08). */
TEST(the_document)
{
	static const char expected[] =
		"{\"issuer\":\"https://auth.example/t1\","
		"\"authorization_endpoint\":"
		"\"https://auth.example/t1/oauth/authorize\","
		"\"token_endpoint\":\"https://auth.example/t1/oauth/token\","
		"\"revocation_endpoint\":\"https://auth.example/t1/oauth/revoke\","
		"\"introspection_endpoint\":"
		"\"https://auth.example/t1/oauth/introspect\","
		"\"response_types_supported\":[\"code\"],"
		"\"response_modes_supported\":[\"query\",\"form_post\"],"
		"\"grant_types_supported\":[\"authorization_code\",\"refresh_token\","
		"\"client_credentials\"],"
		"\"token_endpoint_auth_methods_supported\":[\"none\","
		"\"client_secret_basic\"],"
		"\"revocation_endpoint_auth_methods_supported\":[\"none\","
		"\"client_secret_basic\"],"
		"\"introspection_endpoint_auth_methods_supported\":"
		"[\"client_secret_basic\"],"
		"\"code_challenge_methods_supported\":[\"S256\"],"
		"\"authorization_response_iss_parameter_supported\":true,"
		"\"require_pushed_authorization_requests\":false,"
		"\"request_parameter_supported\":false,"
		"\"request_uri_parameter_supported\":false,"
		"\"claims_parameter_supported\":false,"
		"\"scopes_supported\":[\"jobs:read\",\"users:read\"],"
		"\"protected_resources\":[\"https://api.example\"],"
		"\"refresh_retry_key_supported\":true,"
		"\"service_documentation\":\"https://docs.example\","
		"\"op_policy_uri\":\"https://docs.example/p\","
		"\"op_tos_uri\":\"https://docs.example/t\"}";
	const struct metadata m = { .issuer = BI("https://auth.example/t1"),
		.scopes = BI("jobs:read users:read"), .retry_key = true,
		.resources = BI("https://api.example"),
		.service_documentation = BI("https://docs.example"),
		.op_policy_uri = BI("https://docs.example/p"),
		.op_tos_uri = BI("https://docs.example/t") };
	const char *why = NULL;
	json_t *want = json_read(bytes_of(expected), sizeof(expected), &why);
	json_t *got = document_of(&m);

	check(want != NULL && json_equal(got, want));
	json_decref(want);
	json_decref(got);
}

/* MD-04: nothing empty, nothing null; TR-18 */
TEST(what_is_not_there_is_not_named)
{
	static const char *const absent[] = { "scopes_supported", "protected_resources",
		"refresh_retry_key_supported", "service_documentation", "op_policy_uri",
		"op_tos_uri", "jwks_uri", "userinfo_endpoint", "registration_endpoint",
		"pushed_authorization_request_endpoint",
		"device_authorization_endpoint", "end_session_endpoint",
		"dpop_signing_alg_values_supported", "subject_types_supported",
		"check_session_iframe" };
	const struct metadata m = { .issuer = BI("https://auth.example") };
	json_t *got = document_of(&m), *value;
	const char *name;

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		row("%s", absent[i]);
		check(json_object_get(got, absent[i]) == NULL);
	}
	json_object_foreach(got, name, value) {
		row("%s", name);
		check(!json_is_null(value));
		check(!json_is_array(value) || json_array_size(value) > 0);
	}
	json_decref(got);
}

/* MD-03 */
TEST(issuers)
{
	static const struct { const char *issuer, *flaw; } rows[] = {
		{ "https://auth.example", NULL },
		{ "https://auth.example:8443", NULL },
		{ "https://localhost:8443", NULL },
		{ "https://auth.example/t1", NULL },
		{ "https://[::1]:8443", NULL },
		{ "http://auth.example", "https://" },
		{ "HTTPS://auth.example", "https://" },
		{ "auth.example", "https://" },
		{ "", "https://" },
		{ "https:///x", "host" },
		{ "https://auth.example/", "slash" },
		{ "https://auth.example/t1/", "slash" },
		{ "https://auth.example?x", "query" },
		{ "https://auth.example#x", "fragment" },
		{ "https://u@auth.example", "user name" },
		{ "https://Auth.example", "capital" },
		{ "https://auth.example:443", ":443" },
		{ "https://auth.example:0", "port" },
		{ "https://auth.example:", "port" },
		{ "https://auth.example/a/../b", "path" },
		{ "https://auth.example/%61", "path" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		const char *what = NULL;

		row("%s", rows[i].issuer);
		check_int(issuer_valid(a, bytes_of(rows[i].issuer), &what),
			rows[i].flaw == NULL);
		check((what == NULL) == (rows[i].flaw == NULL));
		if (what != NULL && rows[i].flaw != NULL)
			check(strstr(what, rows[i].flaw) != NULL);
		arena_free(a);
	}
}

/* MD-01, RFC 8414 3.1 */
TEST(where_the_document_is)
{
	struct arena *a = arena_new();

	check_bytes(metadata_path(a, B("https://auth.example")),
		B("/.well-known/oauth-authorization-server"));
	check_bytes(metadata_path(a, B("https://auth.example:8443/t1/x")),
		B("/.well-known/oauth-authorization-server/t1/x"));
	arena_free(a);
}
