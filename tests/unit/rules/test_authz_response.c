/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/authz_response.c: rulebook section 7. */
#include "rules/authz_request.h"

#include "catalogues.h"
#include "tap.h"

#define ISSUER B("https://auth.example")

static struct authz_request
full_request(const struct catalogue *all)
{
	struct authz_request r = { .client = catalogue_client(all, B("web")),
		.redirect_uri = web_uris[0], .response_mode = RESPONSE_FORM_POST,
		.has_state = true, .state = BI("a b&c=%?#+\"'<"),
		.scope = BI("jobs:read jobs:write"),
		.resource = BI(API_URI " " OTHER_API_URI), .has_challenge = true,
		.subject_type = SUBJECT_COMPANY, .prompt_login = true,
		.prompt_consent = true, .has_max_age = true, .max_age = 0,
		.login_hint = BI("ada@example.com") };

	memset(r.challenge, 0xA5, sizeof(r.challenge));
	return r;
}

TEST(a_request_survives_the_journey)
{
	struct catalogue *all = sample_catalogue();
	struct arena *a = arena_new();
	struct authz_request want = full_request(all), got;

	if (!check(authz_request_read(a, all, authz_request_write(a, &want), &got)))
		return;
	check(got.client == want.client);
	check_bytes(got.redirect_uri, want.redirect_uri);
	check_int(got.response_mode, want.response_mode);
	check_int(got.has_state, want.has_state);
	check_bytes(got.state, want.state);
	check_bytes(got.scope, want.scope);
	check_bytes(got.resource, want.resource);
	check_memory(got.challenge, want.challenge, sizeof(want.challenge));
	check(got.has_challenge && got.prompt_login && got.prompt_consent);
	check(!got.prompt_none);
	check_int(got.subject_type, want.subject_type);
	check(got.has_max_age);
	check_int(got.max_age, 0);
	check_bytes(got.login_hint, want.login_hint);
	/* and the least there can be */
	want = (struct authz_request){ .client = catalogue_client(all, B("legacy")),
		.redirect_uri = web_uris[0], .scope = BI("jobs:read") };
	if (!check(authz_request_read(a, all, authz_request_write(a, &want), &got)))
		return;
	check(!got.has_state && !got.has_challenge && !got.has_max_age);
	check_int(got.response_mode, RESPONSE_QUERY);
	arena_free(a);
	catalogue_release(all);
}

/* Every part at its limit still fits. */
TEST(the_longest_request_survives_too)
{
	static char state[4096], hint[8192];
	struct catalogue *all = sample_catalogue();
	struct arena *a = arena_new();
	struct authz_request want = full_request(all), got;

	memset(state, ' ', sizeof(state));
	memset(hint, '/', sizeof(hint));
	want.state = (struct bytes){ state, sizeof(state) };
	want.login_hint = (struct bytes){ hint, sizeof(hint) };
	if (check(authz_request_read(a, all, authz_request_write(a, &want), &got))) {
		check_bytes(got.state, want.state);
		check_bytes(got.login_hint, want.login_hint);
	}
	arena_free(a);
	catalogue_release(all);
}

/* AR-07 */
TEST(what_was_withdrawn_meanwhile_is_not_approved)
{
	enum what { NOTHING, DISABLED, REMOVED, URI, SCOPE, RESOURCE, GRANT_TYPE };
	static const char *const names[] = { "nothing", "client disabled",
		"client removed", "redirect URI", "scope", "resource", "grant type" };

	for (enum what w = NOTHING; w <= GRANT_TYPE; w++) {
		struct catalogue *all = sample_catalogue();
		struct arena *a = arena_new();
		struct authz_request request = full_request(all), got;
		struct bytes text = authz_request_write(a, &request);
		struct client *c = (struct client *)catalogue_client(all, B("web"));
		struct client *api = (struct client *)catalogue_client(all, B("api"));

		row("%s", names[w]);
		c->disabled = w == DISABLED;
		if (w == REMOVED)
			c->client_id = B("wea");
		if (w == URI)
			c->redirect_uris.n = 0;
		if (w == SCOPE)
			c->scope = B("jobs:read");
		api->disabled = w == RESOURCE;
		if (w == GRANT_TYPE)
			c->grant_types = GRANT_TYPE_CLIENT_CREDENTIALS;
		check_int(authz_request_read(a, all, text, &got), w == NOTHING);
		arena_free(a);
		catalogue_release(all);
	}
}

TEST(what_was_not_written_here_is_not_read)
{
	static const char *const texts[] = { "", "client_id=web",
		"client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
		"&scope=jobs%3Aread",
		"client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
		"&scope=jobs%3Aread&subject_type=any&challenge=x",
		"client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
		"&scope=jobs%3Aread&subject_type=any&max_age=x" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct catalogue *all = sample_catalogue();
		struct arena *a = arena_new();
		struct authz_request got;

		row("%s", texts[i]);
		check(!authz_request_read(a, all, bytes_of(texts[i]), &got));
		arena_free(a);
		catalogue_release(all);
	}
}

/* AR-01 .. AR-04, AR-08, RFC 9207 */
TEST(responses)
{
	struct catalogue *all = sample_catalogue();
	struct arena *a = arena_new();
	struct authz_request r = full_request(all);

	check_bytes(authz_response(a, &r, ISSUER, B("lk_ac_x"), REASON_NONE),
		B("code=lk_ac_x&iss=https%3A%2F%2Fauth.example"
		  "&state=a%20b%26c%3D%25%3F%23%2B%22%27%3C"));
	check_bytes(authz_response(a, &r, ISSUER, NONE, REASON_access_denied),
		B("error=access_denied&error_description=the%20person%20denied%20the%20"
		  "request&iss=https%3A%2F%2Fauth.example"
		  "&state=a%20b%26c%3D%25%3F%23%2B%22%27%3C"));
	r.has_state = false;
	check_bytes(authz_response(a, &r, ISSUER, B("lk_ac_x"), REASON_NONE),
		B("code=lk_ac_x&iss=https%3A%2F%2Fauth.example"));
	arena_free(a);
	catalogue_release(all);
}
