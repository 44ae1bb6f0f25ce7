/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disconnect.c - the end of a connection (RULEBOOK CL-39): what is here is forgotten when
 * the server has ended it, so that a server that is away can be asked again; or without
 * the server, because the person wants that.
 */
#include "base/clock.h"
#include "client/lk.h"
#include "client/said.h"

/* ---- when the server has ended it ------------------------------------------------ */

/* RFC 7009; the refresh token stands for the whole grant, where there is one. */
static enum lk_status
revoke(struct lk_connection *c, struct arena *a, struct record *r, struct lk_error *e)
{
	const struct credentials me = credentials_of(r);
	struct bytes token = r->refresh_token.n > 0 ? r->refresh_token : r->access_token;
	struct as as;

	if (bytes_empty(token))
		return LK_OK;
	LK_TRY(server_of(c->lk, a, r, &as, e));
	if (bytes_empty(as.revocation_endpoint))
		return lk_fail(e, LK_CONFIGURATION, "%s has no revocation endpoint (RFC"
			" 7009): it can only be ended there, by hand", shown(a, r->issuer));
	return revoke_request(a, &as, &me, token, e);
}

static enum lk_status
revoke_and_tell(struct lk_connection *c, struct arena *a, struct lk_error *e)
{
	int64_t began_ms = clock_monotonic_ms();
	enum lk_status revoked;
	struct record r;

	LK_TRY(record_load(c->lk, connection_name(c), a, &r, e));
	revoked = revoke(c, a, &r, e);
	lk_tell(c->lk, a, c->name, "revoke", revoked, revoked == LK_OK ? "" : e->message,
		clock_monotonic_ms() - began_ms);
	return revoked;
}

static enum lk_status
disconnect(struct lk_connection *c, struct arena *a, struct lk_error *e)
{
	struct vault_lock *lock;
	struct fault f = { 0 };
	enum lk_status status;

	LK_TRY(lk_vault_failed(e, vault_lock(c->lk->vault, connection_name(c),
		c->lk->lock_wait_ms, &lock, &f), &f));
	status = revoke_and_tell(c, a, e);
	if (status == LK_OK && vault_remove(lock, &f) != VAULT_DONE)
		status = lk_fail(e, LK_STORAGE, "the server has ended \"%s\", which cannot"
			" be forgotten here: %s", c->name, f.what);
	vault_unlock(lock);
	return status;
}

LK_API enum lk_status
lk_disconnect(struct lk_connection *c, struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	enum lk_status status;
	struct arena *a;

	if (c == NULL)
		return lk_fail(error, LK_BUG, "lk_disconnect: there is no connection");
	LK_TRY(lk_begin(c->lk, error));
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	status = disconnect(c, a, &e);
	if (status != LK_OK && error != NULL)
		*error = e;
	arena_free(a);
	return status;
}

/* ---- without the server ----------------------------------------------------------- */

/* What cannot be read can be forgotten all the same. */
static enum lk_status
forget(struct lk *lk, struct bytes name, struct arena *a, struct lk_error *e)
{
	struct vault_lock *lock;
	struct fault f = { 0 };
	struct record r;
	enum lk_status status;

	LK_TRY(lk_vault_failed(e, vault_lock(lk->vault, name, lk->lock_wait_ms, &lock, &f),
		&f));
	status = record_load(lk, name, a, &r, e);
	if (status != LK_NOT_FOUND)
		status = lk_vault_failed(e, vault_remove(lock, &f), &f);
	if (status == LK_OK)
		lk_tell(lk, a, arena_cstr(a, name), "forget", LK_OK, "", 0);
	vault_unlock(lock);
	return status;
}

LK_API enum lk_status
lk_forget(struct lk *lk, const char *name, struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	enum lk_status status;
	struct arena *a;

	LK_TRY(lk_begin(lk, error));
	LK_TRY(name_check(bytes_of(name), error));
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	status = forget(lk, bytes_of(name), a, &e);
	if (status != LK_OK && error != NULL)
		*error = e;
	arena_free(a);
	return status;
}
