/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints.c - which check guards which door, on one screen.
 *
 * Every request first passes front_door_steps (steps.c): path, host, origin,
 * method, no Content-Encoding. Then its endpoint's row, from left to right.
 */
#include "server/endpoints.h"

#include "server/visit.h"

#define ROW(...) ((step_fn *const[]){ __VA_ARGS__, NULL })
#define PARAMETERS(...) ((const struct parameter[]){ __VA_ARGS__, { BI_NONE, 0, false } })

/* P-08: how long a value may be. */
#define CLIENT_ID { BI("client_id"), 256, false }
#define CLIENT_SECRET { BI("client_secret"), 1024, false }
#define ASSERTION_TYPE { BI("client_assertion_type"), 8192, false }
#define ASSERTION { BI("client_assertion"), 8192, false }
#define CREDENTIALS CLIENT_ID, CLIENT_SECRET, ASSERTION_TYPE, ASSERTION
#define PAGE_FORM { BI("form"), 1024, false }
#define TRANSACTION { BI("transaction"), 49152, false }
#define TOKEN { BI("token"), 1024, false }
#define TOKEN_TYPE_HINT { BI("token_type_hint"), 8192, false }

static const struct endpoint endpoints[] = {
	{ "token", BI("/oauth/token"), HTTP_POST, DOOR_DIRECT, CORS_CLIENT,
		PARAMETERS(CREDENTIALS, { BI("grant_type"), 8192, false },
			{ BI("code"), 1024, false },
			{ BI("redirect_uri"), 2048, false },
			{ BI("code_verifier"), 8192, false },
			{ BI("refresh_token"), 1024, false },
			{ BI("scope"), 2048, false },
			{ BI("resource"), 8192, true }),
		ROW(form_only, client_known, has_tokens, origin_of_client,
			token_grant_type) },
	{ "introspect", BI("/oauth/introspect"), HTTP_POST, DOOR_DIRECT, CORS_NONE,
		PARAMETERS(CREDENTIALS, TOKEN, TOKEN_TYPE_HINT),
		ROW(form_only, client_known, introspect_caller, introspect_ask,
			introspect_judge, introspect_answer) },
	{ "revoke", BI("/oauth/revoke"), HTTP_POST, DOOR_DIRECT, CORS_CLIENT,
		PARAMETERS(CREDENTIALS, TOKEN, TOKEN_TYPE_HINT),
		ROW(form_only, client_known, has_tokens, origin_of_client,
			exchange_not_overloaded, revoke_ask, revoke_answer) },
	/* RFC 8414 section 3.1: its path is not below the issuer's (endpoint_find). */
	{ "metadata", BI_NONE, HTTP_GET | HTTP_HEAD, DOOR_PUBLIC, CORS_ANY,
		NULL, ROW(metadata_answer) },
	{ "authorize", BI("/oauth/authorize"), HTTP_GET | HTTP_POST, DOOR_PAGE, CORS_NONE,
		NULL, ROW(authorize_in_window, authorize_read, visit_begin, visit_known,
			authorize_judge, authorize_person) },
	{ "signin", BI("/signin"), HTTP_GET | HTTP_POST, DOOR_PAGE, CORS_NONE,
		PARAMETERS(PAGE_FORM, TRANSACTION, { BI("username"), 256, false },
			{ BI("password"), 1024, false }),
		ROW(visit_begin, visit_known, sign_in_enter) },
	{ "consent", BI("/consent"), HTTP_GET | HTTP_POST, DOOR_PAGE, CORS_NONE,
		PARAMETERS(PAGE_FORM, TRANSACTION, { BI("decision"), 16, false },
			{ BI("subject"), 1024, false }),
		ROW(visit_begin, visit_known, consent_enter) },
	{ "account", BI("/account"), HTTP_GET | HTTP_POST, DOOR_PAGE, CORS_NONE,
		PARAMETERS(PAGE_FORM, { BI("grant"), 64, false }),
		ROW(visit_begin, visit_known, account_enter) },
	{ "signout", BI("/signout"), HTTP_POST, DOOR_PAGE, CORS_NONE,
		PARAMETERS(PAGE_FORM), ROW(visit_begin, visit_known, sign_out_enter) },
	{ "logo", BI("/logo/*"), HTTP_GET | HTTP_HEAD, DOOR_PUBLIC, CORS_NONE,
		NULL, ROW(logo_find) },
	{ "style", BI("/style-*"), HTTP_GET | HTTP_HEAD, DOOR_PUBLIC, CORS_NONE,
		NULL, ROW(asset_show) },
	{ "icon", BI("/icon-*"), HTTP_GET | HTTP_HEAD, DOOR_PUBLIC, CORS_NONE,
		NULL, ROW(asset_show) },
	{ "brand", BI("/brand-*"), HTTP_GET | HTTP_HEAD, DOOR_PUBLIC, CORS_NONE,
		NULL, ROW(asset_show) },
	{ "root", BI("/"), HTTP_GET | HTTP_HEAD, DOOR_PAGE, CORS_NONE,
		NULL, ROW(root_show) },
};

#define ENDPOINTS (sizeof(endpoints) / sizeof(endpoints[0]))

static bool
endpoint_has_path(const struct endpoint *e, struct bytes path)
{
	if (bytes_ends(e->path, B("*")))
		return bytes_starts(path, bytes_slice(e->path, 0, e->path.n - 1));
	return bytes_equal(e->path, path);
}

const struct endpoint *
endpoint_find(const struct snapshot *s, struct bytes path)
{
	bool metadata = bytes_equal(path, s->metadata_path);

	if (!metadata) {
		if (!bytes_starts(path, s->issuer_path))
			return NULL;
		path = bytes_slice(path, s->issuer_path.n, path.n);
	}
	for (size_t i = 0; i < ENDPOINTS; i++) {
		const struct endpoint *e = &endpoints[i];

		if (bytes_empty(e->path) ? metadata : endpoint_has_path(e, path))
			return e;
	}
	return NULL;
}
