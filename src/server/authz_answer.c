/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authz_answer.c - the authorization response (RFC 6749 4.1.2, RFC 9207;
 * RULEBOOK section 7): by redirect, or by form_post (U-13).
 *
 * Only called once redirect_uri is proven good.
 */
#include "base/secret.h"
#include "rules/redirect_uri.h"
#include "server/visit.h"
#include "text/base64url.h"

#define PAGE_MAX ((size_t)262144)

static enum step
answer_by_form(struct exchange *x, const struct authz_request *r, struct bytes pairs)
{
	struct form fields = { .count = 0 };
	struct buf html = buf_new(x->arena, PAGE_MAX);
	struct page_form_post page = { .action = r->redirect_uri,
		.client_name = r->client->name, .nonce = visit_value(x->arena) };
	struct page_hidden *hidden;

	form_read(x->arena, &fields, pairs, FORM_QUERY);
	hidden = ARENA_ARRAY(x->arena, struct page_hidden, fields.count + 1);
	for (size_t i = 0; i < fields.count; i++)
		hidden[i] = (struct page_hidden){ fields.fields[i].name,
			fields.fields[i].value };
	page.hidden = hidden;
	page.hidden_count = fields.count;
	page_form_post(x->worker->shared->pages, &page, &html);
	return reply_html(x,
		&(struct reply_html){ .status = 200, .html = buf_bytes(&html),
			.form_action = redirect_uri_form_action(x->arena, r->redirect_uri),
			.script_nonce = page.nonce });
}

enum step
authz_answer(struct exchange *x, struct bytes code, enum reason reason)
{
	const struct authz_request *r = &visit_of(x)->transaction.request;
	struct bytes pairs = authz_response(x->arena, r, x->snapshot->issuer, code, reason);

	if (reason != REASON_NONE)
		refused(x, reason);
	if (r->response_mode == RESPONSE_FORM_POST)
		return answer_by_form(x, r, pairs);
	return reply_see_other(x, redirect_uri_with(x->arena, r->redirect_uri, pairs));
}

/* ours, and said to the client as ours. */
enum step
authz_fault(struct exchange *x)
{
	return authz_answer(x, NONE, REASON_storage_fault);
}
