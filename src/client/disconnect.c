/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disconnect.c - the end of a connection: the server is told, then everything is
 * forgotten; the second happens whether the first worked or not (RULEBOOK CL-39).
 */
#include "base/clock.h"
#include "client/lk.h"
#include "client/said.h"

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
	return revoke_request(a, &as, &me, token, e);
}

/* The caller asked for an end; what went wrong is for them to tell the person. */
static enum lk_status
not_revoked(struct lk_connection *c, struct arena *a, struct bytes issuer,
	struct lk_error *e)
{
	const char *why = arena_printf(a, "%s", e->message);
	int64_t retry_after = e->retry_after;

	return lk_later(e, retry_after, "\"%s\" is forgotten here, and %s could not be told:"
		" sign in there and disconnect it by hand (%s)", c->name, shown(a, issuer), why);
}

static enum lk_status
disconnect(struct lk_connection *c, struct arena *a, struct lk_error *e)
{
	struct vault_lock *lock;
	struct fault f = { 0 };
	struct record r;
	enum lk_status revoked, status;
	int64_t began_ms = clock_monotonic_ms();

	LK_TRY(lk_vault_failed(e, vault_lock(c->lk->vault, connection_name(c),
		c->lk->lock_wait_ms, &lock, &f), &f));
	status = record_load(c->lk, connection_name(c), a, &r, e);
	if (status == LK_OK) {
		revoked = revoke(c, a, &r, e);
		lk_tell(c->lk, a, c->name, "revoke", revoked,
			revoked == LK_OK ? "" : e->message,
			clock_monotonic_ms() - began_ms);
		status = revoked == LK_OK ? LK_OK : not_revoked(c, a, r.issuer, e);
	}
	/* What cannot be read can be forgotten all the same. */
	if (status != LK_NOT_FOUND && vault_remove(lock, &f) != VAULT_DONE)
		status = lk_fail(e, LK_STORAGE, "\"%s\" cannot be removed: %s", c->name,
			f.what);
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
