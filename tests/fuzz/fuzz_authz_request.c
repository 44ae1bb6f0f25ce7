/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query string against a small platform. Nothing is redirected but to a URI its
 * client registered; what is good stays good on its way through the browser; and
 * an answer can be read back as it was meant.
 */
#include "../unit/rules/catalogues.h"
#include "fuzz.h"
#include "rules/authz_request.h"
#include "rules/redirect_uri.h"
#include "rules/scope.h"

static void
good_request_is_whole(const struct authz_request *r)
{
	holds(r->scope.n > 0 && scope_within(r->scope, r->client->scope));
	holds(r->has_challenge || r->client->pkce_exempt);
	holds(!r->prompt_none || (!r->prompt_login && !r->prompt_consent));
	holds(r->response_mode == RESPONSE_QUERY ||
		bytes_starts(r->redirect_uri, B("https:")));
}

static void
journey_changes_nothing(struct arena *a, const struct catalogue *all,
	const struct authz_request *r)
{
	struct authz_request back;
	struct bytes text = authz_request_write(a, r);

	holds(authz_request_read(a, all, text, &back));
	holds(bytes_equal(authz_request_write(a, &back), text));
	holds(bytes_equal(back.state, r->state));
	holds(bytes_equal(back.redirect_uri, r->redirect_uri));
	holds(bytes_equal(back.login_hint, r->login_hint));
}

static void
answer_can_be_read(struct arena *a, const struct authz_request *r, enum reason reason)
{
	struct form form = { 0 };
	struct bytes pairs = authz_response(a, r, B("https://auth.example"),
		B("lk_ac_x"), reason);

	form_read(a, &form, pairs, FORM_QUERY);
	holds(form_occurrences(&form, B("code")) == (reason == REASON_NONE));
	holds(form_occurrences(&form, B("error")) == (reason != REASON_NONE));
	holds(bytes_equal(form_get(&form, B("iss")), B("https://auth.example")));
	holds(form_occurrences(&form, B("state")) == r->has_state);
	holds(bytes_equal(form_get(&form, B("state")), r->state));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct catalogue *all;
	struct arena *a = arena_new();
	struct form form = { 0 };
	struct authz_request r;
	enum authz_answer answer;
	enum reason reason;

	if (all == NULL)
		all = sample_catalogue();
	form_read(a, &form, (struct bytes){ (const char *)data, size }, FORM_QUERY);
	answer = authz_request_judge(a, all, &form, &r, &reason);
	holds((answer == AUTHZ_GOOD) == (reason == REASON_NONE));
	if (answer != AUTHZ_PAGE) {
		holds(!r.client->disabled);
		holds(redirect_uri_matches(r.client, r.redirect_uri));
		answer_can_be_read(a, &r, reason);
	}
	if (answer == AUTHZ_GOOD) {
		good_request_is_whole(&r);
		journey_changes_nothing(a, all, &r);
	}
	arena_free(a);
	return 0;
}
