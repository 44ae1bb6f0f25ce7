/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction.c - an authorization request on its way through a browser, sealed.
 *
 *   grant id 16 | created 8 | browser 16 | has session 1 | session 16 | request
 *
 * Nothing is stored for it, so a flood of requests writes nothing. Its grant id
 * is fixed from the start: whoever decides second finds the grant there (U-11).
 */
#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "server/visit.h"

/* Every parameter has its limit (P-08); resources are registered ones, each once. */
#define TRANSACTION_MAX ((size_t)1048576)

struct transaction_head {
	uint8_t id[GRANT_ID_SIZE];
	uint8_t browser[SESSION_KEY_SIZE];
	uint8_t session[SESSION_KEY_SIZE];
	int64_t created_at;
	int64_t has_session;
};

static struct bytes
transaction_seal(struct exchange *x, const struct transaction *t)
{
	struct visit *v = visit_of(x);
	struct buf b = buf_new(x->arena, TRANSACTION_MAX);
	struct transaction_head h = { .created_at = t->created_at,
		.has_session = t->has_session };

	memcpy(h.id, t->id, sizeof(h.id));
	memcpy(h.browser, v->browser_key, sizeof(h.browser));
	memcpy(h.session, t->session, sizeof(h.session));
	buf_put(&b, (struct bytes){ (const char *)&h, sizeof(h) });
	buf_put(&b, authz_request_write(x->arena, &t->request));
	assert(!b.failed);
	return seal(x->arena, &x->worker->shared->keys->transaction, buf_bytes(&b));
}

void
transaction_begin(struct exchange *x, const struct authz_request *request)
{
	struct visit *v = visit_of(x);
	struct transaction *t = &v->transaction;

	secret_random(t->id, sizeof(t->id));
	t->created_at = x->now;
	t->has_session = v->signed_in;
	if (v->signed_in)
		memcpy(t->session, v->session.key, sizeof(t->session));
	t->request = *request;
	t->sealed = transaction_seal(x, t);
	v->has_transaction = true;
}

/* This browser's, and not too old? */
static bool
head_is_good(const struct exchange *x, const struct visit *v,
	const struct transaction_head *h)
{
	return secret_equal(h->browser, v->browser_key, sizeof(h->browser))
		&& h->created_at <= x->now && x->now - h->created_at < PAGE_LIFETIME;
}

enum reason
transaction_read(struct exchange *x, const struct form *from)
{
	struct visit *v = visit_of(x);
	struct transaction *t = &v->transaction;
	struct transaction_head h;
	struct bytes plain;

	t->sealed = form_get(from, B("transaction"));
	if (!unseal(x->arena, &x->worker->shared->keys->transaction, t->sealed, &plain)
		|| plain.n < sizeof(h))
		return REASON_transaction_stale;
	memcpy(&h, plain.p, sizeof(h));
	if (!head_is_good(x, v, &h))
		return REASON_transaction_stale;
	/* AR-07: client, redirect_uri or scope may be gone since. */
	if (!authz_request_read(x->arena, x->catalogue,
		    bytes_slice(plain, sizeof(h), plain.n), &t->request))
		return REASON_transaction_withdrawn;
	memcpy(t->id, h.id, sizeof(t->id));
	memcpy(t->session, h.session, sizeof(t->session));
	t->created_at = h.created_at;
	t->has_session = h.has_session != 0;
	v->has_transaction = true;
	x->client = t->request.client;
	return REASON_NONE;
}

/* the person gave credentials for this very request. */
static bool
signed_in_for_this(const struct visit *v)
{
	const struct transaction *t = &v->transaction;

	if (v->session.session.authenticated_at < t->created_at)
		return false;
	return !t->has_session
		|| memcmp(t->session, v->session.key, sizeof(t->session)) != 0;
}

bool
transaction_needs_sign_in(const struct exchange *x, const struct visit *v)
{
	const struct authz_request *r = &v->transaction.request;
	int64_t age = x->now - v->session.session.authenticated_at;

	if (!v->signed_in)
		return true;
	if (!r->prompt_login && (!r->has_max_age || age < r->max_age))
		return false;
	return !signed_in_for_this(v);
}
