/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consent.c - does this person still have to be asked, and with what words
 * (R5.2, U-08, U-09)?
 *
 * What was consented to before is what the grants of the same client, person and
 * context say, live ones and those that merely ran out. Whoever disconnects the
 * app, denies it, or has it cut off takes that back. Nothing else is kept.
 */
#include <string.h>

#include "rules/redirect_uri.h"
#include "rules/scope.h"
#include "server/visit.h"

#define PAGE_MAX ((size_t)262144)
#define GRANTS_MAX 64

static step_fn consent_ask_grants, consent_judge;

step_fn *const consent_steps[] = { consent_ask_grants, consent_judge, consent_written,
	NULL };

static enum step
consent_ask_grants(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct grant_list *l = &v->grants;

	/* AR-02 and R4.6: without a context there is nothing to consent to. */
	if (v->session.user.context_count == 0) {
		if (v->transaction.request.prompt_none)
			return authz_answer(x, NONE, REASON_interaction_required);
		return refuse_page(x, REASON_no_context,
			&(struct page_message){ .status = 403,
				.title = B("Your account belongs to no company yet"),
				.for_person = B("There is nothing this app could work on. Ask"
						" whoever manages your company's account to"
						" add you, then try again.") });
	}
	l->user = v->session.user.id;
	l->client = x->client->id;
	l->ended_too = true;
	l->limit = GRANTS_MAX;
	exchange_ask(x, &l->call);
	store_grant_list(x->worker->port, l);
	return WAIT;
}

/* U-09: may consent be remembered for this client and redirect_uri at all? */
static bool
may_remember(const struct authz_request *r)
{
	return !r->prompt_consent
		&& !(r->client->type == CLIENT_PUBLIC
			&& redirect_uri_is_native(r->redirect_uri));
}

/* Did this grant run out by itself, with the consent to it never taken back? */
static bool
ran_out(const struct grant *g)
{
	switch (g->end_reason) {
	case END_CODE_EXPIRED:
	case END_CODE_BURNED:
	case END_REFRESH_EXPIRED:
	case END_LIFETIME:
	case END_CLIENT:
	case END_ROLLED_BACK:
		return true;
	case END_NONE:
	case END_DENIED:
	case END_CODE_REPLAYED:
	case END_REFRESH_REPLAYED:
	case END_PERSON:
	case END_OPERATOR:
	case END_CLIENT_REMOVED:
	case END_ACCOUNT:
	case END_REASON_COUNT:
		break;
	}
	return false;
}

/* Was the consent to this grant, which has ended, taken back after it was given: by its
 * own end, or by that of another connection, older or newer? A denial names no context
 * and counts for all. */
static bool
taken_back(const struct grant_list *l, const struct grant *given)
{
	if (given->state != GRANT_ENDED)
		return false;
	for (size_t i = 0; i < l->count; i++) {
		const struct grant *g = &l->grants[i];

		if (g->state == GRANT_ENDED && !ran_out(g) &&
			g->ended_at >= given->created_at &&
			(bytes_empty(g->subject) ||
				bytes_equal(g->subject, given->subject)))
			return true;
	}
	return false;
}

/* Resources are a set of URIs like scopes are a set of tokens. */
static bool
covers(const struct grant *g, const struct authz_request *r)
{
	if (!scope_within(r->scope, g->scope))
		return false;
	return bytes_empty(g->resource)
		|| (!bytes_empty(r->resource) && scope_within(r->resource, g->resource));
}

static bool
context_fits(const struct visit *v, struct bytes urn)
{
	enum subject_type wanted = v->transaction.request.subject_type;
	const struct context *c = user_context(&v->session.user, urn);

	return c != NULL && (wanted == SUBJECT_ANY || c->type == wanted);
}

/* The one context consented to before, NONE if there is none or more than one. */
static struct bytes
remembered_subject(const struct visit *v)
{
	const struct grant_list *l = &v->grants;
	struct bytes found = NONE;

	for (size_t i = 0; i < l->count; i++) {
		const struct grant *g = &l->grants[i];

		if (!covers(g, &v->transaction.request) || !context_fits(v, g->subject)
			|| taken_back(l, g))
			continue;
		if (!bytes_empty(found) && !bytes_equal(found, g->subject))
			return NONE;
		found = g->subject;
	}
	return found;
}

static enum step
consent_judge(struct exchange *x)
{
	struct visit *v = visit_of(x);
	const struct authz_request *r = &v->transaction.request;
	struct bytes subject = may_remember(r) ? remembered_subject(v) : NONE;

	if (!bytes_empty(subject))
		return consent_write(x, subject, true);
	if (r->prompt_none)
		return authz_answer(x, NONE,
			v->session.user.context_count > 1 && v->grants.count > 0
				? REASON_account_selection_required
				: REASON_consent_required);
	return consent_page(x, &(struct consent_notice){ .status = 200 });
}

/* ---- the page -------------------------------------------------------------------- */

const struct page_scope *
page_scopes_of(struct exchange *x, struct bytes scope, size_t *n)
{
	struct page_scope *list =
		ARENA_ARRAY(x->arena, struct page_scope, x->catalogue->scope_count + 1);
	struct bytes token;

	*n = 0;
	while (scope_next(&scope, &token)) {
		const struct scope_entry *s = catalogue_scope(x->catalogue, token);
		if (s != NULL)
			list[(*n)++] = (struct page_scope){ s->name, s->description };
	}
	return list;
}

static void
consent_contexts(struct exchange *x, struct page_consent *page)
{
	const struct visit *v = visit_of(x);
	const struct user *u = &v->session.user;
	enum subject_type wanted = v->transaction.request.subject_type;
	struct page_context *list =
		ARENA_ARRAY(x->arena, struct page_context, u->context_count);
	bool chosen = false;

	for (size_t i = 0; i < u->context_count; i++) {
		const struct context *c = &u->contexts[i];

		list[i] = (struct page_context){ c->urn, c->name,
			bytes_of(subject_type_name(c->type)), false };
		if (!chosen && (wanted == SUBJECT_ANY || wanted == c->type))
			list[i].chosen = chosen = true;
	}
	if (!chosen)
		list[0].chosen = true;
	page->contexts = list;
	page->context_count = u->context_count;
}

static void
consent_resources(struct exchange *x, struct page_consent *page)
{
	struct bytes rest = visit_of(x)->transaction.request.resource, uri;
	struct bytes *list = ARENA_ARRAY(x->arena, struct bytes, rest.n + 1);

	while (scope_next(&rest, &uri)) {
		const struct client *r = catalogue_resource(x->catalogue, uri);
		list[page->resource_count++] = r != NULL ? r->name : uri;
	}
	page->resources = list;
}

enum step
consent_page(struct exchange *x, const struct consent_notice *n)
{
	struct visit *v = visit_of(x);
	const struct authz_request *r = &v->transaction.request;
	struct buf html = buf_new(x->arena, PAGE_MAX);
	struct page_hidden hidden[] = {
		{ B("transaction"), v->transaction.sealed },
		form_token(x, FORM_CONSENT, v->transaction.id),
	};
	struct page_consent page = {
		.hidden = hidden,
		.hidden_count = 2,
		.action = visit_path(x, "/consent"),
		.client = page_client_of(x, r->client),
		.person = v->session.user.name,
		.username = v->session.user.username,
		.recipient = redirect_uri_recipient(x->arena, r->redirect_uri),
		.runs_on_this_device = redirect_uri_is_native(r->redirect_uri),
		.context_missing = n->context_missing,
		.out_of_date = n->out_of_date,
	};

	page.scopes = page_scopes_of(x, r->scope, &page.scope_count);
	consent_contexts(x, &page);
	consent_resources(x, &page);
	page_consent(x->worker->shared->pages, &page, &html);
	return reply_html(x,
		&(struct reply_html){ .status = n->status, .html = buf_bytes(&html),
			.form_action = redirect_uri_form_action(x->arena, r->redirect_uri) });
}
