/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_token.c - POST /oauth/token (RFC 6749 section 3.2; RULEBOOK section 9).
 *
 * The form is sound and the client authenticated (T-01). Here the grant type
 * picks its own row of steps; what those rows share stands below it.
 */
#include "server/ep_token.h"

#include <string.h>

#include "base/clock.h"
#include "rules/claims.h"
#include "rules/scope.h"
#include "server/endpoints.h"

#define RETRY_KEY_MAX ((size_t)256)
#define TOKEN_BODY_MAX ((size_t)8192)

struct grant_row {
	struct bytes grant_type;
	enum grant_type bit;
	step_fn *const *steps;
};

static const struct grant_row grant_rows[] = {
	{ BI("refresh_token"), GRANT_TYPE_REFRESH_TOKEN, token_refresh_steps },
	{ BI("authorization_code"), GRANT_TYPE_AUTHORIZATION_CODE, token_code_steps },
	{ BI("client_credentials"), GRANT_TYPE_CLIENT_CREDENTIALS, token_client_steps },
};

static const struct grant_row *
grant_row_find(struct bytes grant_type)
{
	for (size_t i = 0; i < sizeof(grant_rows) / sizeof(grant_rows[0]); i++)
		if (bytes_equal(grant_rows[i].grant_type, grant_type))
			return &grant_rows[i];
	return NULL;
}

/* T-02: present, known, registered, in this order. */
enum step
token_grant_type(struct exchange *x)
{
	struct bytes grant_type = form_get(&x->form, B("grant_type"));
	const struct grant_row *row = grant_row_find(grant_type);

	if (bytes_empty(grant_type))
		return refuse(x, REASON_grant_type_missing);
	if (row == NULL) {
		note_text(x, "grant_type", grant_type);
		return refuse(x, REASON_grant_type_unknown);
	}
	/* CC-01. */
	if (row->bit == GRANT_TYPE_CLIENT_CREDENTIALS && x->client->type == CLIENT_PUBLIC)
		return refuse(x, REASON_client_credentials_public);
	/* C-17; NB-02: browser clients may be without refresh tokens. */
	if ((x->client->grant_types & row->bit) == 0 ||
		(row->bit == GRANT_TYPE_REFRESH_TOKEN && !client_may_refresh(x->client))) {
		note_text(x, "grant_type", grant_type);
		return refuse(x, REASON_grant_type_not_registered);
	}
	return exchange_into(x, row->steps);
}

static bool
retry_key_valid(struct bytes key)
{
	if (bytes_empty(key) || key.n > RETRY_KEY_MAX)
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] < 0x21 || key.p[i] > 0x7E)
			return false;
	return true;
}

enum reason
token_retry_key(const struct exchange *x, struct retry *out)
{
	struct bytes key = http_header(x->request, B("Idempotency-Key"));
	size_t fields = http_header_occurrences(x->request, B("Idempotency-Key"));
	uint8_t digest[DIGEST_SIZE];

	if (fields == 0)
		return REASON_NONE;
	if (fields > 1 || !retry_key_valid(key))
		return REASON_retry_key_malformed;
	mac(x->worker->shared->keys->retry, key.p, key.n, digest);
	memcpy(out->key, digest, sizeof(out->key));
	out->present = true;
	return REASON_NONE;
}

enum reason
token_scope(const struct exchange *x, struct bytes *out)
{
	struct bytes asked = form_get(&x->form, B("scope"));

	*out = NONE;
	if (bytes_empty(asked) || scope_parse(x->arena, asked, out))
		return REASON_NONE;
	return REASON_scope_malformed;
}

void
token_note_resources(struct exchange *x)
{
	struct buf all = buf_new(x->arena, TOKEN_BODY_MAX);

	for (size_t i = 0; i < x->form.count; i++) {
		if (!bytes_equal(x->form.fields[i].name, B("resource")))
			continue;
		buf_put(&all, all.n > 0 ? B(" ") : NONE);
		buf_put(&all, x->form.fields[i].value);
	}
	note_text(x, "resource_presented", buf_bytes(&all));
}

enum reason
token_resource(const struct exchange *x, struct bytes *out)
{
	struct buf all = buf_new(x->arena, SCOPE_MAX);

	*out = NONE;
	for (size_t i = 0; i < x->form.count; i++) {
		const struct form_field *f = &x->form.fields[i];

		if (!bytes_equal(f->name, B("resource")) || bytes_empty(f->value))
			continue;
		if (catalogue_resource(x->catalogue, f->value) == NULL)
			return REASON_resource_unknown;
		if (all.n > 0)
			buf_putc(&all, ' ');
		buf_put(&all, f->value);
	}
	if (all.n == 0)
		return REASON_NONE;
	return !all.failed && scope_parse(x->arena, buf_bytes(&all), out) ?
		REASON_NONE : REASON_resource_malformed;
}

enum reason
token_presented(const struct exchange *x, enum token_kind kind, struct bytes text,
	struct grant_token *out)
{
	struct token_any any;

	switch (token_read(x->snapshot->tokens, text, &any)) {
	case TOKEN_IS_GRANT:
		if (any.kind != kind)
			return REASON_token_of_other_kind;
		*out = any.grant;
		return REASON_NONE;
	case TOKEN_IS_CLIENT:
	case TOKEN_OF_OTHER_KIND:
		return REASON_token_of_other_kind;
	case TOKEN_EPOCH_RETIRED:
		return REASON_token_epoch_retired;
	case TOKEN_NOT_OURS:
		break;
	}
	return REASON_token_not_ours;
}

/* ---- read, and asked ------------------------------------------------------------ */

enum step
token_read_form(struct exchange *x,
	enum reason (*parse)(const struct exchange *x, struct token_state *s))
{
	struct token_state *s = ARENA_NEW(x->arena, struct token_state);
	enum reason reason = parse(x, s);

	if (reason_error(reason) == INVALID_TARGET)
		token_note_resources(x);
	if (reason != REASON_NONE)
		return refuse(x, reason);
	x->state = s;
	return NEXT;
}

enum step
token_change(struct exchange *x, enum grant_event event)
{
	struct token_state *s = x->state;
	struct grant_change *c = &s->change;

	grant_key(s->presented.id, c->key);
	c->event = event;
	c->now = x->now;
	exchange_ask(x, &c->call);
	store_grant_change(x->worker->port, c);
	return WAIT;
}

/* ---- refused ------------------------------------------------------------------ */

static enum step
foreign_refuse(struct exchange *x)
{
	return refuse(x, REASON_token_of_other_client);
}

/* TC-04, TR-03: nothing changes, but somebody has what is another's: an alarm. */
static enum step
token_foreign(struct exchange *x)
{
	static step_fn *const foreign_steps[] = { foreign_refuse, NULL };
	struct audit_add *a = ARENA_NEW(x->arena, struct audit_add);

	a->audit = (struct audit){
		.at = x->now,
		.event = B("token_of_other_client"),
		.actor = bytes_of(arena_printf(x->arena, "client:%.*s",
			BYTES_FMT(x->client->client_id))),
		.object = bytes_of(arena_printf(x->arena, "grant:%s",
			grant_digest(x->arena, x->grant))),
		.detail = B("a code or refresh token was presented by another client"),
		.from = x->request->peer,
	};
	x->steps = foreign_steps;
	exchange_ask(x, &a->call);
	store_audit_add(x->worker->port, a);
	return WAIT;
}

static void
note_time(struct exchange *x, const char *key, int64_t at)
{
	note_text(x, key, bytes_of(clock_rfc3339(at, arena_alloc(x->arena, 21))));
}

/* The facts by which `latchkey explain` tells why a grant is dead. */
static enum step
token_refused(struct exchange *x, const struct grant_token *presented,
	const struct grant_change *c)
{
	const struct grant *g = &c->grant;

	note_number(x, "generation_presented", presented->generation);
	note_number(x, "generation_current", g->generation);
	if (g->end_reason != END_NONE) {
		note_text(x, "ended", bytes_of(end_reason_name(g->end_reason)));
		note_time(x, "ended_at", g->ended_at);
		note_text(x, "ended_from", g->ended_from);
	}
	if (c->event == GRANT_REDEEM &&
		!bytes_equal(c->redemption.redirect_uri, g->redirect_uri)) {
		note_text(x, "presented", c->redemption.redirect_uri);
		note_text(x, "registered", g->redirect_uri);
	}
	if (reason_error(c->verdict.reason) == INVALID_TARGET)
		token_note_resources(x);
	if (c->verdict.changed && (g->end_reason == END_CODE_REPLAYED ||
		g->end_reason == END_REFRESH_REPLAYED))
		metric_add(&x->worker->metrics, METRIC_replays);
	if (c->verdict.reason == REASON_token_of_other_client)
		return token_foreign(x);
	return refuse(x, c->verdict.reason);
}

/* ---- issued -------------------------------------------------------------------- */

static struct bytes
token_text_of(const struct exchange *x, enum token_kind kind,
	const struct grant_token *t)
{
	struct token_text *text = ARENA_NEW(x->arena, struct token_text);

	grant_token_write(x->snapshot->tokens, kind, t, text);
	return (struct bytes){ text->p, text->n };
}

/* T-04. The row is durable (H-16): only now are its tokens written out. */
static enum step
token_issued(struct exchange *x, const struct grant_token *presented,
	const struct grant *g)
{
	struct grant_token t = { .epoch = g->epoch, .generation = g->generation };
	struct token_response r = {
		.expires_in = g->access_expires_at - x->now,
		.scope = bytes_empty(g->access_scope) ? g->scope : g->access_scope,
		.subject = g->subject,
	};
	struct buf body = buf_new(x->arena, TOKEN_BODY_MAX);

	memcpy(t.id, presented->id, sizeof(t.id));
	r.access_token = token_text_of(x, TOKEN_ACCESS, &t);
	if (g->refreshable)
		r.refresh_token = token_text_of(x, TOKEN_REFRESH, &t);
	token_response_write(&body, &r);
	return reply_json(x, 200, buf_bytes(&body));
}

static enum metric
token_metric(const struct grant_change *c)
{
	if (c->event == GRANT_REDEEM)
		return METRIC_codes_redeemed;
	return c->verdict.kind == VERDICT_REPEAT ?
		METRIC_refreshes_repeated : METRIC_refreshes;
}

enum step
token_decided(struct exchange *x)
{
	const struct token_state *s = x->state;
	const struct grant_token *presented = &s->presented;
	const struct grant_change *c = &s->change;

	exchange_about_grant(x, c->key);
	if (!c->found)
		return refuse(x, REASON_grant_unknown);
	switch (c->verdict.kind) {
	case VERDICT_REFUSE:
		return token_refused(x, presented, c);
	case VERDICT_ISSUE:
	case VERDICT_REPEAT:
		metric_add(&x->worker->metrics, token_metric(c));
		break;
	}
	return token_issued(x, presented, &c->grant);
}
