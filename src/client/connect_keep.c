/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect_keep.c - the code becomes tokens, the tokens a connection.
 *
 * Promises: room for the record is there before the code is spent; the connection is
 * durable before anybody has it; what stood under its name is revoked after that, and
 * what could not be kept is revoked as well, so that no grant lives on unknown.
 */
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/connect.h"
#include "client/refresh.h"
#include "text/base64url.h"

/* ---- the record ------------------------------------------------------------------- */

static struct record
record_new(const struct connecting *c, const struct token_answer *answer,
	const struct token_ending *ending)
{
	const struct attempt *t = &c->attempt;
	const char *registered = c->registration.redirect_uri; /* without a listener's port */
	struct moment now = moment_now(c->lk->boot);
	struct record r = {
		.issuer = t->issuer,
		.client_id = t->client_id,
		.client_secret = t->client_secret,
		.redirect_uri = registered != NULL ? bytes_of(registered) : t->redirect_uri,
		.scope = t->scope,
		.resource = t->resource,
		.parameters = t->parameters,
		.ca_file = t->ca_file,
		.authorization_endpoint = t->authorization_endpoint,
		.token_endpoint = t->token_endpoint,
		.revocation_endpoint = t->revocation_endpoint,
		.flags = (int64_t)t->flags,
		.granted_scope = t->scope, /* CL-21, unless the answer says otherwise */
		.connected_at = clock_now(),
	};

	server_note(&r, &c->as, r.connected_at);
	record_take(&r, answer, ending, &now);
	r.tried_at = 0; /* nothing was refreshed yet */
	return r;
}

/* Nobody waits for it, and nothing depends on it. */
static void
revoke_quietly(struct connecting *c, const struct as *as, const struct credentials *me,
	struct bytes token)
{
	struct lk_error e = { .status = LK_OK };
	int64_t began_ms = clock_monotonic_ms();
	enum lk_status status;

	if (bytes_empty(token))
		return;
	status = revoke_request(c->a, as, me, token, &e);
	lk_tell(c->lk, c->a, arena_cstr(c->a, c->name), "revoke", status, e.message,
		clock_monotonic_ms() - began_ms);
}

/* The old one's credentials; the same client has what the server has just taken. */
static struct credentials
credentials_then(const struct connecting *c, const struct record *old)
{
	return bytes_equal(old->issuer, c->attempt.issuer) &&
			bytes_equal(old->client_id, c->me.client_id)
		? c->me
		: credentials_of(old);
}

/* A server may give the same refresh token again to the same client: it stays. */
static void
revoke_old(struct connecting *c, struct record *old, const struct token_answer *answer)
{
	const struct credentials me = credentials_then(c, old);
	struct lk_error ignored;
	struct as as;

	if (!secret_equal_bytes(old->refresh_token, answer->refresh_token) &&
	    server_of(c->lk, c->a, old, &as, &ignored) == LK_OK)
		revoke_quietly(c, &as, &me, old->refresh_token);
}

static enum lk_status
write_new(struct connecting *c, struct vault_lock *lock, const struct token_answer *answer,
	const struct token_ending *ending)
{
	struct record r = record_new(c, answer, ending);
	struct bytes text = record_write(c->a, &r);
	struct fault f = { 0 };

	if (bytes_empty(text))
		return lk_fail(c->e, LK_STORAGE, "the server's tokens are larger than a vault"
			" takes, or the registration is not printable");
	LK_TRY(lk_vault_failed(c->e, vault_write(lock, text, &f), &f));
	/* It spoke of a refresh token that is no more. */
	(void)!vault_journal_clear(lock, &f);
	return LK_OK;
}

static enum lk_status
keep_locked(struct connecting *c, struct vault_lock *lock,
	const struct token_answer *answer, const struct token_ending *ending)
{
	struct bytes token =
		answer->refresh_token.n > 0 ? answer->refresh_token : answer->access_token;
	struct record old;
	struct lk_error ignored;
	bool stood = record_load(c->lk, c->name, c->a, &old, &ignored) == LK_OK;
	enum lk_status status = write_new(c, lock, answer, ending);

	if (status != LK_OK)
		revoke_quietly(c, &c->as, &c->me, token);
	else if (stood)
		revoke_old(c, &old, answer);
	return status;
}

/* ---- the lock ------------------------------------------------------------------------ */

/* And room for the record, before anything is asked. */
static enum lk_status
lock_with_room(struct connecting *c, struct vault_lock **lock)
{
	struct fault f = { 0 };
	enum vault_result done;

	LK_TRY(lk_vault_failed(c->e,
		vault_lock(c->lk->vault, c->name, c->lk->lock_wait_ms, lock, &f), &f));
	done = vault_reserve(*lock, RECORD_ROOM, &f);
	if (done != VAULT_DONE)
		vault_unlock(*lock);
	return lk_vault_failed(c->e, done, &f);
}

enum lk_status
connect_keep(struct connecting *c, const struct token_answer *answer,
	const struct token_ending *ending)
{
	struct vault_lock *lock;
	enum lk_status status;

	LK_TRY(lock_with_room(c, &lock));
	status = keep_locked(c, lock, answer, ending);
	vault_unlock(lock);
	return status;
}

/* ---- the code --------------------------------------------------------------------------- */

static struct bytes
new_retry_key(struct arena *a)
{
	uint8_t key[16];
	char text[BASE64URL_SIZE(sizeof(key))];

	secret_random(key, sizeof(key));
	return arena_bytes(a,
		(struct bytes){ text, base64url_encode(key, sizeof(key), text) });
}

/* CL-17: a code whose fate is unknown is not sent again, save with a retry key. */
static enum lk_status
redeem(struct connecting *c, struct bytes code, struct token_answer *answer,
	struct token_ending *ending)
{
	const struct code_request request = {
		.code = code,
		.redirect_uri = c->attempt.redirect_uri,
		.verifier = c->attempt.verifier,
		.scope = c->attempt.scope,
		.resource = c->attempt.resource,
		.nonce = c->attempt.nonce,
		.max_age = c->attempt.max_age,
		.acr_values = c->attempt.acr_values,
		.retry_key = new_retry_key(c->a),
	};
	int64_t until_ms = clock_monotonic_ms() + c->lk->lock_wait_ms;

	for (int attempt = 1;; attempt++) {
		enum lk_status status;

		*ending = (struct token_ending){ 0 };
		status = token_code_request(c->a, &c->as, &c->me, &request, answer, ending,
			c->e);
		if (status != LK_TRY_LATER || (ending->unanswered && !c->as.retry_key) ||
		    !lk_wait(c->lk, attempt, c->e->retry_after, until_ms))
			return status;
	}
}

/* Whatever refused it: the code is gone, and the person is asked once more. */
static enum lk_status
start_again(struct connecting *c, enum lk_status status)
{
	struct bytes said = bytes_of(c->e->message);
	struct buf more = buf_fixed(c->e->message + said.n,
		sizeof(c->e->message) - said.n - 1);

	if (status == LK_TRY_LATER || status == LK_RECONNECT) {
		buf_put(&more, B("; a code is good once: connect again"));
		(void)buf_cstr(&more);
	}
	return status;
}

enum lk_status
connect_redeem(struct connecting *c, struct bytes code)
{
	struct token_answer answer = { 0 };
	struct token_ending ending = { 0 };
	struct vault_lock *lock;
	enum lk_status status;

	LK_TRY(lock_with_room(c, &lock));
	status = redeem(c, code, &answer, &ending);
	if (status == LK_OK)
		status = keep_locked(c, lock, &answer, &ending);
	else
		status = start_again(c, status);
	vault_unlock(lock);
	return status;
}

enum lk_status
connect_end(struct connecting *c, enum lk_status status, struct lk_connection **out)
{
	if (c->name.n > 0)
		lk_tell(c->lk, c->a, arena_cstr(c->a, c->name), "connect", status,
			status == LK_OK ? "" : c->e->message,
			clock_monotonic_ms() - c->began_ms);
	if (status != LK_OK || out == NULL)
		return status;
	return connection_hold(c->lk, c->name, out, c->e);
}
