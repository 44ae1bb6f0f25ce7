/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_authorize.c - GET and POST /oauth/authorize (RFC 6749 3.1, 4.1.1; RULEBOOK
 * section 5).
 *
 * The rules judge the request as a value (rules/authz_request.c). What is left
 * is the browser: not framed, not prefetched; then who is signed in; then the
 * sign-in page, the consent page, or the answer at once.
 */
#include "rules/redirect_uri.h"
#include "server/endpoints.h"
#include "server/seen.h"
#include "server/visit.h"
#include "text/headers.h"

#define QUERY_MAX ((size_t)16384) /* H-11 */

/* no code for a frame, and none for a page nobody looks at. */
enum step
authorize_in_window(struct exchange *x)
{
	static const struct bytes frames[] = { BI("iframe"), BI("frame"), BI("embed"),
		BI("object"), BI("fencedframe") };
	struct bytes destination = http_header(x->request, B("Sec-Fetch-Dest"));
	struct bytes purpose = http_header(x->request, B("Sec-Purpose"));

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		if (bytes_equal(destination, frames[i]))
			return refuse(x, REASON_framed);
	if (bytes_starts(purpose, B("prefetch")))
		return refuse(x, REASON_prefetched);
	return NEXT;
}

/* P-03: query and body are pooled; one name in both is a duplicate. */
enum step
authorize_read(struct exchange *x)
{
	const struct http_request *r = x->request;

	if (r->query.n > QUERY_MAX)
		return refuse_with(x, 414, REASON_request_too_large);
	form_read(x->arena, &x->form, r->query, FORM_QUERY);
	if (r->method != HTTP_POST)
		return NEXT;
	if (!media_type_is_form(http_header(r, B("Content-Type"))))
		return refuse(x, REASON_content_type_wrong);
	form_read(x->arena, &x->form, r->body, FORM_BODY);
	return NEXT;
}

/* what was sent, what is registered, and where the two part. */
static void
note_redirect_uri(struct exchange *x, const struct client *c)
{
	struct bytes sent = form_get(&x->form, B("redirect_uri"));
	struct bytes nearest = redirect_uri_nearest(c, sent);

	note_text(x, "redirect_uri_presented", sent);
	if (bytes_empty(nearest)) {
		note_text(x, "redirect_uri_registered", B("(none)"));
		return;
	}
	note_text(x, "redirect_uri_registered", nearest);
	note_text(x, "difference",
		bytes_of(redirect_uri_difference(x->arena, nearest, sent)));
}

/* R5.5: never a redirect; the person and the integrator are told, each their part. */
static enum step
authorize_page(struct exchange *x, const struct authz_request *r, enum reason reason)
{
	x->client = r->client;
	if (r->client == NULL)
		x->auth.client_id = form_get(&x->form, B("client_id"));
	else if (reason == REASON_redirect_uri_mismatch)
		note_redirect_uri(x, r->client);
	if (!bytes_empty(r->culprit))
		note_text(x, "parameter", r->culprit);
	return refuse(x, reason);
}

enum step
authorize_judge(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct authz_request *r = &v->transaction.request;
	enum reason reason = REASON_NONE;

	switch (authz_request_judge(x->arena, x->catalogue, &x->form, r, &reason)) {
	case AUTHZ_PAGE:
		return authorize_page(x, r, reason);
	case AUTHZ_REDIRECT:
		x->client = r->client;
		if (!bytes_empty(r->culprit))
			note_text(x, "parameter", r->culprit);
		return authz_answer(x, NONE, reason);
	case AUTHZ_GOOD:
		break;
	}
	x->client = r->client;
	x->on_fault = authz_fault;
	/* a challenge that has bought a code already is a constant. */
	if (r->has_challenge
		&& people_challenge_used(x->worker->shared->people, r->client->id,
			r->challenge))
		return authz_answer(x, NONE, REASON_challenge_used);
	return NEXT;
}

enum step
authorize_person(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct authz_request request = v->transaction.request;

	transaction_begin(x, &request);
	if (!transaction_needs_sign_in(x, v))
		return exchange_into(x, consent_steps);
	/* not even a page. */
	if (request.prompt_none)
		return authz_answer(x, NONE, REASON_login_required);
	return sign_in_page(x,
		&(struct sign_in_notice){ .status = 200, .username = request.login_hint });
}
