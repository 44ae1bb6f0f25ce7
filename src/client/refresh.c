/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refresh.c - the transaction that everything here is for (DESIGN.md section 8):
 *
 *	lock -> read again -> journal, with a retry key -> POST
 *	     -> write the new pair, durably -> clear the journal -> unlock
 *
 * Promises (RULEBOOK CL-25 to CL-27, CL-29 to CL-32):
 * 1. While the lock is held nobody else refreshes this connection; whoever gets it reads
 *    the record again first, and is done if it has what is wanted.
 * 2. No request leaves before the journal says which refresh token it uses, with which
 *    retry key; if the journal says so already, an earlier process died, or heard
 *    nothing: the same key is sent again, and a server that has such keys answers the same.
 * 3. No token is handed out before the record that holds it is durable.
 * 4. Tokens are dropped only for an invalid_grant, and only if the vault, read once more,
 *    still has what was refused.
 * 5. Whatever else happens, the old record stands, and the next try begins at the top.
 *
 * Read it from the end: refresh_find, transact, and what they call, upwards.
 */
#include "client/refresh.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/secret.h"
#include "client/agent_ask.h"
#include "text/base64url.h"

/* ---- reading --------------------------------------------------------------------- */

enum lk_status
refresh_read(struct refresh *r)
{
	/* The word first: what is written after it is seen next time. */
	r->generation = atomic_load(r->c->generation);
	return record_load(r->c->lk, connection_name(r->c), r->a, &r->record, r->e);
}

bool
refresh_granted(struct refresh *r, token_good *good, struct lk_token **out,
	enum lk_status *status)
{
	struct lk_token *t = NULL;
	enum lk_status adopted;

	if (bytes_empty(r->record.access_token))
		return false;
	adopted = connection_adopt(r->c, &r->record, r->generation, &t, r->e);
	if (adopted == LK_OK && !good(t, r->wish, clock_boot_ms())) {
		lk_token_free(t);
		return false;
	}
	*out = t;
	*status = adopted;
	return true;
}

/* ---- may the server be asked? ------------------------------------------------------- */

/* What the last attempt ended with holds until its pause is over, for every process:
 * a server that asked for peace has it, however many ask us. */
static enum lk_status
say_again(struct refresh *r, int64_t pause_ms)
{
	enum lk_status status = (enum lk_status)r->record.outcome;

	(void)lk_fail(r->e, status, "%.*s", BYTES_FMT(r->record.detail));
	r->e->retry_after = status == LK_TRY_LATER ? (pause_ms + 999) / 1000 : 0;
	snprintf(r->e->code, sizeof(r->e->code), "%.*s", BYTES_FMT(r->record.code));
	return status;
}

static enum lk_status
check_askable(struct refresh *r)
{
	struct moment now = moment_now(r->c->lk->boot);
	int64_t pause_ms = span_left_ms(&r->record.pause, &now);

	if (r->record.outcome == LK_RECONNECT)
		return say_again(r, 0);
	if (bytes_empty(r->record.refresh_token))
		return lk_fail(r->e, LK_RECONNECT, "the access token of \"%s\" is over and"
			" %.*s gave no refresh token: the person must connect again",
			r->c->name, BYTES_FMT(r->record.issuer));
	if (pause_ms > 0 && r->record.outcome != LK_OK)
		return say_again(r, pause_ms);
	return server_of(r->c->lk, r->a, &r->record, &r->as, r->e);
}

/* ---- the journal ----------------------------------------------------------------------- */

static enum lk_status
begin_journal(struct refresh *r, const uint8_t token[static DIGEST_SIZE])
{
	uint8_t key[16];
	char text[BASE64URL_SIZE(sizeof(key))];
	struct fault f = { 0 };
	enum vault_result done;

	secret_random(key, sizeof(key));
	memcpy(r->journal.token, token, DIGEST_SIZE);
	r->journal.retry_key = arena_bytes(r->a,
		(struct bytes){ text, base64url_encode(key, sizeof(key), text) });
	r->journal.began_at = clock_now();
	r->journal.keyed = r->as.retry_key;
	FAULT_POINT("before-journal");
	done = vault_journal_write(r->lock, journal_write(r->a, &r->journal), &f);
	FAULT_POINT("after-journal");
	return lk_vault_failed(r->e, done, &f);
}

/* Does the entry speak of the request that is to be made? One that outlived its own
 * success does not. */
static bool
journal_is_ours(const struct refresh *r, const struct journal *j,
	const uint8_t token[static DIGEST_SIZE])
{
	return secret_equal(j->token, token, DIGEST_SIZE) &&
		!bytes_equal(j->retry_key, r->record.settled_key);
}

static enum lk_status
open_journal(struct refresh *r)
{
	uint8_t token[DIGEST_SIZE];
	struct bytes entry;
	struct fault f = { 0 };
	enum vault_result got = vault_journal_read(r->lock, r->a, &entry, &f);

	/* A damaged one is as good as none: the server will say whether that matters. */
	if (got != VAULT_DONE && got != VAULT_ABSENT && got != VAULT_DAMAGED)
		return lk_vault_failed(r->e, got, &f);
	sha256(r->record.refresh_token, token);
	r->stood = got == VAULT_DONE && journal_read(r->a, entry, &r->journal) &&
		journal_is_ours(r, &r->journal, token);
	return r->stood ? LK_OK : begin_journal(r, token);
}

void
refresh_clear_journal(struct refresh *r)
{
	struct fault f = { 0 };

	/* One that stays names a refresh token that is no more, or a settled key. */
	(void)!vault_journal_clear(r->lock, &f);
	FAULT_POINT("after-clear");
}

/* ---- the request ------------------------------------------------------------------------ */

static enum lk_status
ask_once(struct refresh *r, struct token_answer *answer, struct token_ending *ending)
{
	const struct credentials me = credentials_of(&r->record);
	const struct refresh_request request = {
		.refresh_token = r->record.refresh_token,
		.retry_key = r->journal.retry_key,
		.scope = r->record.granted_scope,
	};
	enum lk_status status;

	*ending = (struct token_ending){ 0 };
	FAULT_POINT("before-post");
	status = token_refresh_request(r->a, &r->as, &me, &request, answer, ending, r->e);
	FAULT_POINT("after-post");
	r->unanswered = r->unanswered || ending->unanswered;
	r->asked = true;
	return status;
}

/* CL-30, CL-32: transient failures are tried again, a few times, while there is time for
 * a whole request before those who wait for us give up. */
static enum lk_status
ask_server(struct refresh *r, struct token_answer *answer, struct token_ending *ending)
{
	struct lk *lk = r->c->lk;

	for (int attempt = 1;; attempt++) {
		enum lk_status status = ask_once(r, answer, ending);

		if (status != LK_TRY_LATER ||
		    !lk_wait(lk, attempt, r->e->retry_after, r->until_ms))
			return status;
		lk_tell(lk, r->a, r->c->name, "retry", status, r->e->message,
			clock_monotonic_ms() - r->began_ms);
	}
}

/* ---- the transaction ---------------------------------------------------------------------- */

static enum lk_status
transact(struct refresh *r, struct lk_token **out)
{
	struct token_answer answer = { 0 };
	struct token_ending ending = { 0 };
	struct fault f = { 0 };
	enum lk_status status;

	FAULT_POINT("after-lock");
	LK_TRY(refresh_save_unsaved(r));
	LK_TRY(refresh_read(r));
	if (refresh_granted(r, token_fresh, out, &status))
		return status;
	LK_TRY(check_askable(r));
	LK_TRY(lk_vault_failed(r->e, vault_reserve(r->lock, RECORD_ROOM, &f), &f));
	LK_TRY(open_journal(r));
	status = ask_server(r, &answer, &ending);
	return refresh_settle(r, status, &answer, &ending, out);
}

static enum lk_status
transact_locked(struct refresh *r, int64_t deadline_ms, struct lk_token **out)
{
	struct lk *lk = r->c->lk;
	int64_t wait_ms = deadline_ms - clock_monotonic_ms();
	struct fault f = { 0 };
	enum vault_result got = vault_lock(lk->vault, connection_name(r->c),
		wait_ms > 0 ? (int)wait_ms : 0, &r->lock, &f);
	enum lk_status status;

	LK_TRY(lk_vault_failed(r->e, got, &f));
	r->until_ms = clock_monotonic_ms() + lk->lock_wait_ms;
	status = transact(r, out);
	vault_unlock(r->lock);
	if (r->asked)
		lk_tell(lk, r->a, r->c->name, "refresh", status,
			status == LK_OK ? "" : r->e->message,
			clock_monotonic_ms() - r->began_ms);
	return status;
}

/* ---- the way there ------------------------------------------------------------------------- */

/* The agent's word where the vault cannot be read just now. */
static enum lk_status
believe_agent(struct refresh *r, const struct agent_token *t, struct lk_token **out)
{
	bool unsaid = t->expires_at_ms < 0;
	int64_t left_ms = unsaid ? 0 : t->expires_at_ms - clock_boot_ms();

	*out = token_new(t->access_token, &r->record, left_ms > 0 ? left_ms : 0,
		unsaid ? UNTIL_REFUSED : t->expires_at_ms, unsaid);
	return *out != NULL ? LK_OK : lk_fail(r->e, LK_MEMORY, "out of memory");
}

/* true: a running agent has done it, well or not. */
static bool
agent_did(struct refresh *r, struct lk_token **out, enum lk_status *status)
{
	struct lk *lk = r->c->lk;
	struct agent_token t;

	if (lk->agent_socket[0] == '\0' ||
	    agent_ask_token(r->a, lk->agent_socket, connection_name(r->c),
		    r->wish->min_ttl_ms / 1000, r->wish->refused, lk->lock_wait_ms, &t,
		    status, r->e) != AGENT_ANSWERED)
		return false;
	/* What it got stands in the vault as well, with all that is known of it. */
	if (*status == LK_OK &&
	    (refresh_read(r) != LK_OK || !refresh_granted(r, token_fresh, out, status)))
		*status = believe_agent(r, &t, out);
	return true;
}

enum lk_status
refresh_find(struct lk_connection *c, struct arena *a, const struct wish *wish,
	int64_t deadline_ms, struct lk_token **out, struct lk_error *e)
{
	struct refresh r = { .c = c, .a = a, .wish = wish, .e = e,
		.began_ms = clock_monotonic_ms() };
	enum lk_status status;

	/* Somebody may have refreshed it: that costs one read. */
	LK_TRY(refresh_read(&r));
	if (c->unsaved == NULL && refresh_granted(&r, token_fresh, out, &status))
		return status;
	if (c->unsaved != NULL || !agent_did(&r, out, &status))
		status = transact_locked(&r, deadline_ms, out);
	/* It was early: the token that there is may last until the server is back. */
	if (status == LK_TRY_LATER)
		(void)!refresh_granted(&r, token_alive, out, &status);
	return status;
}
