/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_account.c - /account, where a person sees the connected apps and can
 * disconnect each (R6.7), and /signout.
 *
 * What can be ended is proven by the form's one-time value: it was made for this
 * session and this very grant, on a page that listed only the person's own.
 */
#include <string.h>

#include "base/clock.h"
#include "server/endpoints.h"
#include "server/visit.h"

#define PAGE_MAX ((size_t)1048576)
#define GRANTS_MAX 200
#define ENDED_SHOWN ((int64_t)90 * 24 * 3600)

static step_fn account_signed_in, account_list, account_show, disconnect_read,
	disconnected, sign_out_read, signed_out;

static step_fn *const get_steps[] = { account_signed_in, account_list, account_show,
	NULL };
static step_fn *const post_steps[] = { visit_form, account_signed_in, disconnect_read,
	disconnected, NULL };
static step_fn *const sign_out_steps[] = { visit_form, account_signed_in, sign_out_read,
	signed_out, NULL };

enum step
account_enter(struct exchange *x)
{
	return exchange_into(x, x->request->method == HTTP_POST ? post_steps : get_steps);
}

enum step
sign_out_enter(struct exchange *x)
{
	return exchange_into(x, sign_out_steps);
}

static enum step
account_signed_in(struct exchange *x)
{
	return visit_of(x)->signed_in ? NEXT : visit_go(x, "/signin");
}

static enum step
account_list(struct exchange *x)
{
	struct grant_list *l = &visit_of(x)->grants;

	l->user = visit_of(x)->session.user.id;
	l->ended_too = true;
	l->limit = GRANTS_MAX;
	exchange_ask(x, &l->call);
	store_grant_list(x->worker->port, l);
	return WAIT;
}

/* ---- the page -------------------------------------------------------------------- */

/* Ends that a person did not bring about, and should know of. */
static bool
end_is_shown(const struct grant *g, int64_t now)
{
	if (now - g->ended_at > ENDED_SHOWN)
		return false;
	switch (g->end_reason) {
	case END_CODE_REPLAYED:
	case END_REFRESH_REPLAYED:
	case END_REFRESH_EXPIRED:
	case END_LIFETIME:
	case END_ROLLED_BACK:
	case END_OPERATOR:
		return true;
	case END_NONE:
	case END_DENIED:
	case END_CODE_EXPIRED:
	case END_CODE_BURNED:
	case END_PERSON:
	case END_CLIENT:
	case END_CLIENT_REMOVED:
	case END_ACCOUNT:
	case END_REASON_COUNT:
		break;
	}
	return false;
}

static bool
is_shown(const struct exchange *x, const struct grant *g)
{
	if (catalogue_client_by_row(x->catalogue, g->client) == NULL)
		return false;
	switch (g->state) {
	case GRANT_OPEN:
		return false;
	case GRANT_LIVE:
		return true;
	case GRANT_ENDED:
		return end_is_shown(g, x->now);
	}
	return false;
}

/* "23 November 2026" */
static struct bytes
day(struct arena *a, int64_t at)
{
	static const char *const months[] = { "January", "February", "March", "April", "May",
		"June", "July", "August", "September", "October", "November", "December" };
	char text[21];
	int month, date;

	if (at == 0)
		return NONE;
	clock_rfc3339(at, text);
	month = (text[5] - '0') * 10 + text[6] - '0';
	date = (text[8] - '0') * 10 + text[9] - '0';
	return bytes_of(arena_printf(a, "%d %s %.4s", date, months[month - 1], text));
}

static struct bytes
key_hex(struct exchange *x, const struct grant *g)
{
	return bytes_of(arena_hex(x->arena, g->key, GRANT_KEY_SIZE));
}

static struct page_connection
connection(struct exchange *x, const struct grant *g)
{
	const struct visit *v = visit_of(x);
	const struct context *c = user_context(&v->session.user, g->subject);
	struct page_hidden *hidden = ARENA_ARRAY(x->arena, struct page_hidden, 2);
	struct page_connection out = {
		.client = page_client_of(x, catalogue_client_by_row(x->catalogue, g->client)),
		.context = c != NULL ? c->name : g->subject,
		.since = day(x->arena, g->created_at),
		.last_used = day(x->arena,
			g->last_used_at > g->issued_at ? g->last_used_at : g->issued_at),
	};

	out.scopes = page_scopes_of(x, g->scope, &out.scope_count);
	if (g->state == GRANT_ENDED) {
		out.ended = bytes_of(end_reason_sentence(g->end_reason));
		out.ended_by_replay = g->end_reason == END_REFRESH_REPLAYED
			|| g->end_reason == END_CODE_REPLAYED;
		return out;
	}
	hidden[0] = (struct page_hidden){ B("grant"), key_hex(x, g) };
	hidden[1] = form_token(x, FORM_DISCONNECT, g->key);
	out.hidden = hidden;
	out.hidden_count = 2;
	return out;
}

/* ?disconnected=<8 hex>: said only of a grant that the person did disconnect. */
static struct bytes
notice(struct exchange *x)
{
	const struct grant_list *l = &visit_of(x)->grants;
	struct form query = { .count = 0 };
	struct bytes digest;

	form_read(x->arena, &query, x->request->query, FORM_QUERY);
	digest = form_get(&query, B("disconnected"));
	for (size_t i = 0; i < l->count && digest.n == 8; i++) {
		const struct grant *g = &l->grants[i];
		const struct client *c = catalogue_client_by_row(x->catalogue, g->client);

		if (c != NULL && g->end_reason == END_PERSON
			&& bytes_starts(key_hex(x, g), digest))
			return bytes_of(arena_printf(x->arena,
				"Disconnected %.*s. It can no longer reach your data.",
				BYTES_FMT(c->name)));
	}
	return NONE;
}

static enum step
account_show(struct exchange *x)
{
	struct visit *v = visit_of(x);
	const struct grant_list *l = &v->grants;
	struct page_connection *list =
		ARENA_ARRAY(x->arena, struct page_connection, l->count + 1);
	struct page_hidden sign_out = form_token(x, FORM_SIGN_OUT, NULL);
	struct buf html = buf_new(x->arena, PAGE_MAX);
	struct page_account page = {
		.person = v->session.user.name,
		.username = v->session.user.username,
		.connections = list,
		.disconnect_action = visit_path(x, "/account"),
		.sign_out_action = visit_path(x, "/signout"),
		.sign_out_hidden = &sign_out,
		.sign_out_hidden_count = 1,
		.notice = notice(x),
	};

	for (size_t i = 0; i < l->count; i++)
		if (is_shown(x, &l->grants[i]))
			list[page.connection_count++] = connection(x, &l->grants[i]);
	page_account(x->worker->shared->pages, &page, &html);
	return reply_html(x,
		&(struct reply_html){ .status = 200, .html = buf_bytes(&html) });
}

/* ---- disconnect --------------------------------------------------------------------- */

static enum step
disconnect_read(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct grant_change *c = ARENA_NEW(x->arena, struct grant_change);

	v->page = c;
	if (!hex_read(form_get(&x->form, B("grant")), c->key, sizeof(c->key))
		|| !form_token_spend(x, FORM_DISCONNECT, c->key))
		return refuse_with(x, 403, REASON_form_token_wrong);
	c->event = GRANT_END;
	c->now = x->now;
	c->end.why = END_PERSON;
	c->end.from = x->request->peer;
	exchange_about_grant(x, c->key);
	exchange_ask(x, &c->call);
	store_grant_change(x->worker->port, c);
	return WAIT;
}

static enum step
disconnected(struct exchange *x)
{
	const struct grant_change *c = visit_of(x)->page;

	return visit_go(x, arena_printf(x->arena, "/account?disconnected=%s",
		grant_digest(x->arena, c->key)));
}

/* ---- sign out ------------------------------------------------------------------------- */

static enum step
sign_out_read(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct session_end *e = ARENA_NEW(x->arena, struct session_end);

	if (!form_token_spend(x, FORM_SIGN_OUT, NULL))
		return refuse_with(x, 403, REASON_form_token_wrong);
	memcpy(e->key, v->session.key, sizeof(e->key));
	e->audit = (struct audit){ .at = x->now, .event = B("signed_out"),
		.actor = bytes_of(arena_printf(x->arena, "person:%.*s",
			BYTES_FMT(v->session.user.username))),
		.from = x->request->peer };
	exchange_ask(x, &e->call);
	store_session_end(x->worker->port, e);
	return WAIT;
}

/* U-06: both cookies go; the next visit begins with new ones. */
static enum step
signed_out(struct exchange *x)
{
	visit_cookie(x, SESSION_COOKIE, NONE, 0);
	visit_cookie(x, BROWSER_COOKIE, NONE, 0);
	return visit_go(x, "/signin");
}
