/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/claims.c. */
#include "rules/claims.h"

#include "catalogues.h"
#include "tap.h"

/* T-04, R4.6 */
TEST(token_responses)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 4096);
	struct token_response r = { .access_token = BI("lk_at_a"),
		.refresh_token = BI("lk_rt_r"), .expires_in = 600,
		.scope = BI("jobs:read"), .subject = BI("urn:acme:1") };

	token_response_write(&b, &r);
	check_bytes(buf_bytes(&b), B("{\"access_token\":\"lk_at_a\","
		"\"token_type\":\"Bearer\",\"expires_in\":600,\"scope\":\"jobs:read\","
		"\"refresh_token\":\"lk_rt_r\",\"subject\":\"urn:acme:1\"}"));
	/* client_credentials: no refresh token, no subject (CC-02); never a null */
	b = buf_new(a, 4096);
	r = (struct token_response){ .access_token = BI("lk_at_a"), .expires_in = -5 };
	token_response_write(&b, &r);
	check_bytes(buf_bytes(&b), B("{\"access_token\":\"lk_at_a\","
		"\"token_type\":\"Bearer\",\"expires_in\":0,\"scope\":\"\"}"));
	arena_free(a);
}

/* IN-04 */
TEST(introspection_of_an_active_token)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 4096);
	struct introspection i = { .issuer = BI("https://auth.example"),
		.client_id = BI("web"), .scope = BI("jobs:read"), .aud = BI(API_URI),
		.sub = BI("lku_1"), .subject = BI("urn:acme:1"), .exp = 20, .iat = 10,
		.auth_time = 5, .jti = BI("1a2b") };

	introspection_write(&b, &i);
	check_bytes(buf_bytes(&b),
		B("{\"active\":true,\"iss\":\"https://auth.example\","
		  "\"client_id\":\"web\",\"scope\":\"jobs:read\","
		  "\"aud\":\"https://api.example\",\"sub\":\"lku_1\","
		  "\"subject\":\"urn:acme:1\",\"exp\":20,\"iat\":10,"
		  "\"token_type\":\"Bearer\",\"jti\":\"1a2b\",\"auth_time\":5}"));
	b = buf_new(a, 4096);
	i.subject = NONE;
	i.auth_time = 0;
	introspection_write(&b, &i);
	check_bytes(buf_bytes(&b),
		B("{\"active\":true,\"iss\":\"https://auth.example\","
		  "\"client_id\":\"web\",\"scope\":\"jobs:read\","
		  "\"aud\":\"https://api.example\",\"sub\":\"lku_1\",\"exp\":20,"
		  "\"iat\":10,\"token_type\":\"Bearer\",\"jti\":\"1a2b\"}"));
	arena_free(a);
}

/* IN-03 */
TEST(introspection_of_anything_else_says_nothing_more)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 64);

	introspection_write_inactive(&b);
	check_bytes(buf_bytes(&b), B("{\"active\":false}"));
	arena_free(a);
}

/* IN-03: aud; IN-01: who may ask at all */
TEST(who_may_be_told)
{
	struct catalogue *c = sample_catalogue();
	const struct client *api = catalogue_client(c, B("api"));
	const struct client *web = catalogue_client(c, B("web"));
	struct client nameless = *api;

	nameless.resource_uri = NONE;
	check(introspection_allowed(api, NONE));
	check(introspection_allowed(api, B(API_URI)));
	check(introspection_allowed(api, B(API_URI " " OTHER_API_URI)));
	check(!introspection_allowed(api, B(OTHER_API_URI)));
	check(!introspection_allowed(api, B(API_URI "/v2")));
	check(introspection_allowed(&nameless, NONE));
	check(!introspection_allowed(&nameless, B(API_URI)));
	check(!introspection_allowed(web, NONE));
	catalogue_release(c);
}
