/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_signin.c - /signin (RULEBOOK U-04, U-06, U-07, U-12).
 *
 * Known and unknown, right and disabled take the same way: throttle, look up,
 * argon2id in the hasher, one audited answer. Too many failures make one wait,
 * by account, address and IPv6 network; a browser that signed in before has an allowance of
 * its own, so nobody can be locked out from outside.
 */
#include <string.h>

#include "base/secret.h"
#include "crypto/password.h"
#include "rules/redirect_uri.h"
#include "server/endpoints.h"
#include "server/hasher.h"
#include "server/known.h"
#include "server/throttle.h"
#include "server/visit.h"

#define PAGE_MAX ((size_t)262144)

struct sign_in {
	struct bytes username, password;
	struct known known;
	struct throttle_key account_here, account, address, network;
	bool has_network; /* IPv6 */
	struct user_find find;
	struct hash_job hash;
	struct session_open open;
	struct audit_add audit;
	struct bytes cookie;
};

static step_fn sign_in_show, sign_in_read, sign_in_may_try, sign_in_find, sign_in_hash,
	sign_in_judge, sign_in_failed, sign_in_done;

static step_fn *const get_steps[] = { sign_in_show, NULL };
static step_fn *const post_steps[] = { visit_form, sign_in_read, sign_in_may_try,
	sign_in_find, sign_in_hash, sign_in_judge, sign_in_done, NULL };
static step_fn *const failed_steps[] = { sign_in_failed, NULL };

enum step
sign_in_enter(struct exchange *x)
{
	return exchange_into(x, x->request->method == HTTP_POST ? post_steps : get_steps);
}

enum step
sign_in_page(struct exchange *x, const struct sign_in_notice *n)
{
	struct visit *v = visit_of(x);
	const struct authz_request *r = v->has_transaction ? &v->transaction.request : NULL;
	struct buf html = buf_new(x->arena, PAGE_MAX);
	struct page_hidden hidden[] = {
		form_token(x, FORM_SIGN_IN, v->has_transaction ? v->transaction.id : NULL),
		{ B("transaction"), v->transaction.sealed },
	};
	struct page_sign_in page = {
		.hidden = hidden,
		.hidden_count = v->has_transaction ? 2 : 1,
		.action = visit_path(x, "/signin"),
		.username = n->username,
		.client_name = r != NULL ? r->client->name : NONE,
		.failed = n->failed,
		.wait_seconds = n->wait_seconds,
		.out_of_date = n->out_of_date,
	};

	page_sign_in(x->worker->shared->pages, &page, &html);
	return reply_html(x,
		&(struct reply_html){ .status = n->status, .html = buf_bytes(&html),
			.form_action = r != NULL
				? redirect_uri_form_action(x->arena, r->redirect_uri) : NONE });
}

static enum step
sign_in_show(struct exchange *x)
{
	if (visit_of(x)->signed_in)
		return visit_go(x, "/account");
	return sign_in_page(x, &(struct sign_in_notice){ .status = 200 });
}

/* A phone's keyboard puts a space behind a word; no username has one. */
static struct bytes
trimmed(struct bytes text)
{
	while (bytes_starts(text, B(" ")))
		text = bytes_slice(text, 1, text.n);
	while (bytes_ends(text, B(" ")))
		text = bytes_slice(text, 0, text.n - 1);
	return text;
}

/* The transaction, if it is for one, and the one-time value. */
static enum step
sign_in_read(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct sign_in *s = ARENA_NEW(x->arena, struct sign_in);

	v->page = s;
	s->username = trimmed(form_get(&x->form, B("username")));
	s->password = form_get(&x->form, B("password"));
	if (!bytes_empty(form_get(&x->form, B("transaction")))) {
		enum reason reason = transaction_read(x, &x->form);
		if (reason != REASON_NONE)
			return refuse(x, reason);
	}
	if (form_token_spend(x, FORM_SIGN_IN, v->has_transaction ? v->transaction.id : NULL))
		return NEXT;
	refused(x, REASON_form_token_wrong);
	return sign_in_page(x, &(struct sign_in_notice){ .status = 403,
		.username = s->username, .out_of_date = true });
}

/*
 * How long this attempt must wait. An account's failures from everywhere make
 * strangers wait who have failed at it themselves; a first try, and a browser that
 * signed in before, are never held up by what others do.
 */
static int64_t
sign_in_wait(struct exchange *x, const struct sign_in *s)
{
	const struct throttles *t = x->worker->shared->throttles;
	int64_t here = throttle_wait(t->sign_in, s->account_here, x->now);
	int64_t account = 0, address, network = 0;

	if (s->known.here)
		return here;
	if (s->has_network)
		network = throttle_wait(t->sign_in_network, s->network, x->now);
	if (throttle_level(t->sign_in, s->account_here, x->now) > 0)
		account = throttle_wait(t->account, s->account, x->now);
	address = throttle_wait(t->sign_in_address, s->address, x->now);
	here = account > here ? account : here;
	here = network > here ? network : here;
	return address > here ? address : here;
}

/* A check counts as a failure until it has succeeded: it takes its time, and whoever
 * sends a hundred at once must not have them all for the price of one. */
static void
sign_in_count(struct exchange *x, const struct sign_in *s)
{
	const struct throttles *t = x->worker->shared->throttles;

	throttle_fail(t->sign_in, s->account_here, x->now);
	if (!s->known.here)
		throttle_fail(t->account, s->account, x->now);
	throttle_fail(t->sign_in_address, s->address, x->now);
	if (s->has_network)
		throttle_fail(t->sign_in_network, s->network, x->now);
}

static void
sign_in_take_back(struct exchange *x, const struct sign_in *s)
{
	const struct throttles *t = x->worker->shared->throttles;

	throttle_take_back(t->sign_in, s->account_here);
	if (!s->known.here)
		throttle_take_back(t->account, s->account);
	throttle_take_back(t->sign_in_address, s->address);
	if (s->has_network)
		throttle_take_back(t->sign_in_network, s->network);
}

/* By what this attempt is counted. */
static void
sign_in_keys(struct exchange *x, struct sign_in *s)
{
	const struct throttles *t = x->worker->shared->throttles;
	char memory[40], wide[40];
	struct bytes account = known_account(x, s->username);
	struct bytes address = throttle_address(x->request->peer, memory);
	struct bytes network = throttle_network(x->request->peer, wide);

	s->account_here = throttle_key(t->sign_in, account,
		s->known.here ? s->known.id : address);
	s->account = throttle_key(t->account, account, NONE);
	s->address = throttle_key(t->sign_in_address, NONE, address);
	s->has_network = !bytes_empty(network);
	s->network = throttle_key(t->sign_in_network, NONE, network);
}

static enum step
sign_in_throttled(struct exchange *x, int64_t wait)
{
	const struct sign_in *s = visit_of(x)->page;

	refused(x, REASON_sign_in_throttled);
	reply_header(x, B("Retry-After"),
		bytes_of(arena_printf(x->arena, "%lld", (long long)wait)));
	return sign_in_page(x, &(struct sign_in_notice){ .status = 429,
		.username = s->username, .wait_seconds = wait });
}

/* H-14: before any credential is looked at. */
static enum step
sign_in_may_try(struct exchange *x)
{
	struct sign_in *s = visit_of(x)->page;
	int64_t wait;

	known_read(x, s->username, &s->known);
	sign_in_keys(x, s);
	wait = sign_in_wait(x, s);
	return wait == 0 ? NEXT : sign_in_throttled(x, wait);
}

static enum step
sign_in_find(struct exchange *x)
{
	struct sign_in *s = visit_of(x)->page;

	/* No name is looked for as a name nobody has: user_find by name, not by id. */
	s->find.username = bytes_empty(s->username) ? B("\x7f") : s->username;
	exchange_ask(x, &s->find.call);
	store_user_find(x->worker->port, &s->find);
	return WAIT;
}

static void
hash_done(struct hash_job *job)
{
	exchange_resume(job->arg);
}

static enum step
sign_in_hash(struct exchange *x)
{
	struct sign_in *s = visit_of(x)->page;
	struct hash_job *job = &s->hash;
	int64_t wait = sign_in_wait(x, s); /* others have tried since */

	if (wait > 0)
		return sign_in_throttled(x, wait);
	sign_in_count(x, s);
	job->password = s->password;
	job->hash = s->find.found
		? arena_cstr(x->arena, s->find.user.password_hash) : NULL;
	job->known = s->known.here;
	job->reply = loop_mailbox(x->worker->loop);
	job->done = hash_done;
	job->arg = x;
	if (hasher_ask(x->worker->shared->hasher, job))
		return WAIT;
	sign_in_take_back(x, s);
	return refuse_for_now(x, 503, REASON_overloaded, 2);
}

static struct audit
sign_in_audit(struct exchange *x, struct bytes event)
{
	const struct sign_in *s = visit_of(x)->page;

	return (struct audit){
		.at = x->now,
		.event = event,
		.actor = s->find.found ? bytes_of(arena_printf(x->arena, "person:%.*s",
			BYTES_FMT(s->find.user.username))) : B("person:unknown"),
		.object = s->find.found ? bytes_of(arena_printf(x->arena, "user:%.*s",
			BYTES_FMT(s->find.user.username))) : NONE,
		.from = x->request->peer,
	};
}

/* Waits for the audit entry: a failure that was answered is on record. */
static enum step
sign_in_fail(struct exchange *x)
{
	struct sign_in *s = visit_of(x)->page;

	metric_add(&x->worker->metrics, METRIC_sign_in_failures);
	s->audit.audit = sign_in_audit(x, B("sign_in_failed"));
	x->steps = failed_steps;
	exchange_ask(x, &s->audit.call);
	store_audit_add(x->worker->port, &s->audit);
	return WAIT;
}

static enum step
sign_in_judge(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct sign_in *s = v->page;
	struct session_open *o = &s->open;

	if (!s->hash.matches || !s->find.found || s->find.user.disabled)
		return sign_in_fail(x);
	sign_in_take_back(x, s);
	throttle_clear(x->worker->shared->throttles->sign_in, s->account_here);
	s->cookie = visit_value(x->arena);
	visit_key(s->cookie, o->session.key);
	o->session.user = s->find.user.id;
	o->password_hash = s->find.user.password_hash;
	o->session.authenticated_at = x->now;
	o->session.expires_at = x->now + x->config->session_lifetime;
	/* U-06: the session rotates; the old one ends in the same transaction. */
	if (v->signed_in)
		memcpy(o->replaces, v->session.key, sizeof(o->replaces));
	o->audit = sign_in_audit(x, B("signed_in"));
	exchange_ask(x, &o->call);
	store_session_open(x->worker->port, o);
	return WAIT;
}

static enum step
sign_in_failed(struct exchange *x)
{
	const struct sign_in *s = visit_of(x)->page;

	refused(x, REASON_sign_in_failed);
	return sign_in_page(x, &(struct sign_in_notice){ .status = 400,
		.username = s->username, .failed = true });
}

/* U-07: 303, so that a reload never sends the password again. */
static enum step
sign_in_done(struct exchange *x)
{
	struct visit *v = visit_of(x);
	struct sign_in *s = v->page;
	struct buf location = buf_new(x->arena, 65536);

	/* The password changed while it was being checked: it is a wrong one now. */
	if (s->open.outdated)
		return sign_in_fail(x);
	metric_add(&x->worker->metrics, METRIC_sign_ins);
	visit_cookie(x, SESSION_COOKIE, s->cookie, 0);
	known_write(x, &s->known, s->username);
	if (!v->has_transaction)
		return visit_go(x, "/account");
	buf_put(&location, visit_path(x, "/consent?transaction="));
	buf_put(&location, v->transaction.sealed);
	return reply_see_other(x, buf_bytes(&location));
}
