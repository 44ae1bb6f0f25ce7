/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_consent.c - /consent: GET goes on after a sign-in, POST is the decision.
 *
 * The decision is the insertion of the transaction's grant: durable before the
 * answer leaves, and possible once (U-11), whatever is submitted twice.
 */
#include <string.h>

#include "crypto/token.h"
#include "server/endpoints.h"
#include "server/visit.h"

static step_fn consent_resume, decision_read, decision_form, decision_repeated, decide;

static step_fn *const get_steps[] = { consent_resume, NULL };
static step_fn *const post_steps[] = { visit_form, decision_read, decision_form, decide,
	consent_written, NULL };
static step_fn *const repeated_steps[] = { decision_repeated, NULL };

enum step
consent_enter(struct exchange *x)
{
	return exchange_into(x, x->request->method == HTTP_POST ? post_steps : get_steps);
}

static enum step
neutral_page(struct exchange *x)
{
	return refuse_page(x, REASON_transaction_done,
		&(struct page_message){ .status = 400,
			.title = B("You have answered this already"),
			.for_person = B("Your first answer counts, and nothing was changed by"
					" sending it again. You can go back to the app, or look"
					" at your connected apps."),
			.link = { B("Connected apps"), visit_path(x, "/account") } });
}

static enum step
consent_resume(struct exchange *x)
{
	struct form query = { .count = 0 };
	enum reason reason;

	form_read(x->arena, &query, x->request->query, FORM_QUERY);
	reason = transaction_read(x, &query);
	if (reason != REASON_NONE)
		return refuse(x, reason);
	x->on_fault = authz_fault;
	if (transaction_needs_sign_in(x, visit_of(x)))
		return sign_in_page(x, &(struct sign_in_notice){ .status = 200 });
	return exchange_into(x, consent_steps);
}

static enum step
decision_read(struct exchange *x)
{
	enum reason reason = transaction_read(x, &x->form);

	if (reason != REASON_NONE)
		return refuse(x, reason);
	x->on_fault = authz_fault;
	if (transaction_needs_sign_in(x, visit_of(x)))
		return sign_in_page(x,
			&(struct sign_in_notice){ .status = 403, .out_of_date = true });
	return NEXT;
}

/* U-04; but a form sent twice gets the neutral page, if it was answered. */
static enum step
decision_form(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct grant_find *find;

	if (form_token_spend(x, FORM_CONSENT, v->transaction.id))
		return NEXT;
	find = ARENA_NEW(x->arena, struct grant_find);
	v->page = find;
	grant_key(v->transaction.id, find->key);
	exchange_ask(x, &find->call);
	store_grant_find(x->worker->port, find);
	x->steps = repeated_steps;
	return WAIT;
}

static enum step
decision_repeated(struct exchange *x)
{
	const struct grant_find *find = visit_of(x)->page;

	if (find->found)
		return neutral_page(x);
	refused(x, REASON_form_token_wrong);
	return consent_page(x,
		&(struct consent_notice){ .status = 403, .out_of_date = true });
}

static enum step
decide(struct exchange *x)
{
	struct visit *v = visit_of(x);
	const struct user *u = &v->session.user;
	struct bytes decision = form_get(&x->form, B("decision"));
	struct bytes subject = form_get(&x->form, B("subject"));

	if (bytes_equal(decision, B("deny")))
		return consent_write(x, NONE, false);
	if (!bytes_equal(decision, B("approve")))
		return consent_page(x, &(struct consent_notice){ .status = 400 });
	if (bytes_empty(subject) && u->context_count == 1)
		subject = u->contexts[0].urn;
	if (user_context(u, subject) == NULL)
		return consent_page(x,
			&(struct consent_notice){ .status = 400, .context_missing = true });
	return consent_write(x, subject, true);
}

/* ---- the grant -------------------------------------------------------------------- */

static void
fill_grant(struct exchange *x, struct grant *g, struct bytes subject, bool approved)
{
	struct visit *v = visit_of(x);
	const struct transaction *t = &v->transaction;
	const struct authz_request *r = &t->request;

	grant_key(t->id, g->key);
	g->user = v->session.user.id;
	g->client = r->client->id;
	g->subject = subject;
	g->scope = r->scope;
	g->resource = r->resource;
	g->redirect_uri = r->redirect_uri;
	g->has_challenge = r->has_challenge;
	memcpy(g->challenge, r->challenge, sizeof(g->challenge));
	g->refreshable = client_may_refresh(r->client);
	g->epoch = x->catalogue->epoch;
	g->created_at = x->now;
	g->authenticated_at = v->session.session.authenticated_at;
	g->code_expires_at = x->now + x->snapshot->lifetimes.code;
	g->state = GRANT_OPEN;
	if (!approved)
		(void)grant_end(g, END_DENIED, 0, x->request->peer, x->now);
}

static struct audit
consent_audit(struct exchange *x, const struct grant *g, bool approved)
{
	const struct visit *v = visit_of(x);

	return (struct audit){
		.at = x->now,
		.event = approved ? B("consent_approved") : B("consent_denied"),
		.actor = bytes_of(arena_printf(x->arena, "person:%.*s",
			BYTES_FMT(v->session.user.username))),
		.object = bytes_of(arena_printf(x->arena, "grant:%s",
			grant_digest(x->arena, g->key))),
		.detail = bytes_of(arena_printf(x->arena, "client %.*s, for %.*s, scope %.*s",
			BYTES_FMT(x->client->client_id), BYTES_FMT(g->subject),
			BYTES_FMT(g->scope))),
		.from = x->request->peer,
	};
}

enum step
consent_write(struct exchange *x, struct bytes subject, bool approved)
{
	struct grant_open *o = &visit_of(x)->open;

	/* */
	if (exchange_overloaded(x))
		return authz_answer(x, NONE, REASON_overloaded);
	fill_grant(x, &o->grant, subject, approved);
	memcpy(o->session, visit_of(x)->session.key, sizeof(o->session));
	o->audit = consent_audit(x, &o->grant, approved);
	exchange_about_grant(x, o->grant.key);
	exchange_ask(x, &o->call);
	store_grant_open(x->worker->port, o);
	return WAIT;
}

/* Signed out, or disabled, between the look at the session and the decision. */
static enum step
session_over(struct exchange *x)
{
	if (visit_of(x)->transaction.request.prompt_none)
		return authz_answer(x, NONE, REASON_login_required);
	return sign_in_page(x,
		&(struct sign_in_notice){ .status = 403, .out_of_date = true });
}

enum step
consent_written(struct exchange *x)
{
	const struct visit *v = visit_of(x);
	struct grant_token code = { .epoch = v->open.grant.epoch, .generation = 0 };
	struct token_text text;
	enum step step;

	if (v->open.taken)
		return neutral_page(x);
	if (v->open.session_over)
		return session_over(x);
	if (v->open.grant.state == GRANT_ENDED)
		return authz_answer(x, NONE, REASON_access_denied);
	metric_add(&x->worker->metrics, METRIC_codes_issued);
	memcpy(code.id, v->transaction.id, sizeof(code.id));
	grant_token_write(x->snapshot->tokens, TOKEN_CODE, &code, &text);
	step = authz_answer(x, arena_bytes(x->arena, (struct bytes){ text.p, text.n }),
		REASON_NONE);
	explicit_bzero(&text, sizeof(text));
	return step;
}
