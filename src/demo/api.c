/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - GET /api/export-jobs: bearer token, introspection, scope, answer. */
#include "demo/api.h"

#include <string.h>

#include "http/http_fetch.h"
#include "rules/scope.h"
#include "text/base64url.h"
#include "text/form.h"
#include "text/headers.h"
#include "text/json.h"

#define TEXT_MAX ((size_t)16384)

/* RFC 6750 section 3: the challenge says what was wrong, the body nothing more. */
static void
refuse(struct http_request *r, struct http_reply *reply, int status,
	struct bytes challenge)
{
	*reply = (struct http_reply){ .status = status };
	if (!bytes_empty(challenge))
		clerk_header(r, reply, B("WWW-Authenticate"), challenge);
	clerk_header(r, reply, B("Cache-Control"), B("no-store"));
}

/* RFC 6750 section 2.1 is the only way in; NONE: there is no token. */
static struct bytes
bearer_token(const struct http_request *r)
{
	struct bytes scheme, token;

	if (http_header_occurrences(r, B("Authorization")) != 1 ||
		!authorization_split(
			http_header(r, B("Authorization")), &scheme, &token) ||
		!bytes_equal_nocase(scheme, B("Bearer")) || !token68_valid(token))
		return NONE;
	return token;
}

static struct bytes
basic(struct arena *a, const struct api *api)
{
	struct buf both = buf_new(a, 1024), header = buf_new(a, 2048);

	form_put(&both, api->client_id);
	buf_putc(&both, ':');
	form_put(&both, api->client_secret);
	buf_put(&header, B("Basic "));
	buf_put(&header, base64_encode(a, buf_bytes(&both)));
	return buf_bytes(&header);
}

/* RFC 7662 section 2.1. NULL: the server could not be asked. */
static json_t *
introspect(const struct api *api, struct arena *a, struct bytes token)
{
	const struct http_header headers[] = {
		{ B("Content-Type"), B("application/x-www-form-urlencoded") },
		{ B("Authorization"), basic(a, api) },
	};
	struct buf form = buf_new(a, TEXT_MAX);
	struct http_fetch ask = { .method = "POST",
		.url = api->introspection_endpoint,
		.headers = headers,
		.header_count = 2,
		.ca_file = api->ca_file };
	struct http_answer answer;
	struct fault f;
	const char *why;

	form_pair(&form, B("token"), token);
	form_pair(&form, B("token_type_hint"), B("access_token"));
	ask.body = buf_bytes(&form);
	if (http_fetch(a, &ask, &answer, &f) != DONE || answer.status != 200)
		return NULL;
	return json_read(answer.body, TEXT_MAX, &why);
}

static bool
has_scope(struct arena *a, const json_t *said)
{
	struct bytes rest = json_get_bytes(a, said, "scope"), one;

	while (scope_next(&rest, &one))
		if (bytes_equal(one, B(API_SCOPE)))
			return true;
	return false;
}

/* What was asked for, and what the API learned about the token to decide so. */
static void
answer_jobs(struct http_request *r, struct http_reply *reply, json_t *said)
{
	json_t *body = json_pack("{s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}], s:O}",
		"export_jobs", "id", "2026-10", "status", "finished", "lines", 418,
		"id", "2026-11", "status", "running", "lines", 97,
		"what_the_api_learned_by_introspection", said);
	char *text = json_dumps(body, JSON_COMPACT);

	*reply = (struct http_reply){ .status = 200,
		.body = arena_bytes(r->arena, bytes_of(text)) };
	clerk_header(r, reply, B("Content-Type"), B("application/json"));
	clerk_header(r, reply, B("Cache-Control"), B("no-store"));
	free(text);
	json_decref(body);
}

static void
judge(struct http_request *r, struct http_reply *reply, json_t *said)
{
	if (!json_is_true(json_object_get(said, "active")))
		refuse(r, reply, 401, B("Bearer error=\"invalid_token\""));
	else if (!has_scope(r->arena, said))
		refuse(r, reply, 403,
			B("Bearer error=\"insufficient_scope\", scope=\"" API_SCOPE
			  "\""));
	else
		answer_jobs(r, reply, said);
}

void
api_answer(struct http_request *r, struct http_reply *reply, void *arg)
{
	struct bytes token = bearer_token(r);
	json_t *said;

	if (!bytes_equal(r->path, B(API_PATH))) {
		refuse(r, reply, 404, NONE);
		return;
	}
	if (r->method != HTTP_GET) {
		refuse(r, reply, 405, NONE);
		clerk_header(r, reply, B("Allow"), B("GET"));
		return;
	}
	if (bytes_empty(token)) {
		refuse(r, reply, 401, B("Bearer"));
		return;
	}
	said = introspect(arg, r->arena, token);
	if (said == NULL)
		refuse(r, reply, 503, NONE);
	else
		judge(r, reply, said);
	json_decref(said);
}
