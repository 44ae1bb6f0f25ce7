/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refresh_end.c - how a refresh ended: with a pair, which is written before anybody has
 * it; with a refusal that is final, after a second look; or with neither, and then
 * nothing has changed but when the server may be asked again.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/secret.h"
#include "client/refresh.h"

/* A server that just failed is left alone for that long at least, whatever the dice say. */
#define PAUSE_MIN_MS 1000

static void
note_outcome(struct record *record, const struct lk_error *e, enum lk_status status)
{
	record->tried_at = clock_now();
	record->outcome = status;
	record->failures = status == LK_OK ? 0 : record->failures + 1;
	record->detail = status == LK_OK ? NONE : detail_clean(bytes_of(e->message));
	record->code = status == LK_OK ? NONE : bytes_of(e->code);
	record->pause = (struct span){ 0 };
}

void
record_take(struct record *record, const struct token_answer *answer,
	const struct token_ending *ending, const struct moment *now)
{
	bool said = answer->expires_in > 0;

	record->access_token = answer->access_token;
	if (answer->refresh_token.n > 0) /* CL-26 */
		record->refresh_token = answer->refresh_token;
	if (answer->scope.n > 0) /* CL-21 */
		record->granted_scope = answer->scope;
	if (answer->subject.n > 0)
		record->subject = answer->subject;
	record->life_unsaid = !said;
	record->life = span_from(now, ending->began_ms,
		said ? answer->expires_in * 1000 : LIFE_UNSAID_MS);
	note_outcome(record, NULL, LK_OK);
}

/* ---- a pair ---------------------------------------------------------------------- */

/* The new record is the truth from here on, or the call has failed. */
static enum lk_status
write_record(struct refresh *r, struct bytes text)
{
	struct fault f = { 0 };
	enum vault_result done;

	if (bytes_empty(text))
		return lk_fail(r->e, LK_STORAGE, "%.*s sends tokens that are larger than a"
			" vault takes, or not printable", BYTES_FMT(r->record.issuer));
	FAULT_POINT("before-write");
	done = vault_write(r->lock, text, &f);
	FAULT_POINT("after-write");
	r->generation = atomic_load(r->c->generation);
	if (done != VAULT_DONE && done != VAULT_MEMORY)
		return lk_fail(r->e, LK_STORAGE, "the new tokens of \"%s\" cannot be kept"
			" and are not used: %s", r->c->name, f.what);
	return lk_vault_failed(r->e, done, &f);
}

/* The pair stays with this process, which tries to write it before it does anything
 * else; where the server has retry keys any other process can get it as well. */
static void
keep_unsaved(struct refresh *r, struct bytes text)
{
	connection_unsaved_drop(r->c);
	r->c->unsaved = text.n > 0 ? malloc(text.n) : NULL;
	if (r->c->unsaved == NULL)
		return;
	memcpy(r->c->unsaved, text.p, text.n);
	r->c->unsaved_size = text.n;
	memcpy(r->c->unsaved_for, r->journal.token, DIGEST_SIZE);
}

void
connection_unsaved_drop(struct lk_connection *c)
{
	if (c->unsaved == NULL)
		return;
	secret_wipe(c->unsaved, c->unsaved_size);
	free(c->unsaved);
	c->unsaved = NULL;
}

enum lk_status
refresh_save_unsaved(struct refresh *r)
{
	struct lk_connection *c = r->c;
	uint8_t token[DIGEST_SIZE];

	if (c->unsaved == NULL)
		return LK_OK;
	LK_TRY(refresh_read(r));
	sha256(r->record.refresh_token, token);
	if (secret_equal(token, c->unsaved_for, DIGEST_SIZE))
		LK_TRY(write_record(r, (struct bytes){ c->unsaved, c->unsaved_size }));
	connection_unsaved_drop(c);
	refresh_clear_journal(r);
	return LK_OK;
}

static enum lk_status
keep_pair(struct refresh *r, const struct token_answer *answer,
	const struct token_ending *ending, struct lk_token **out)
{
	struct moment now = moment_now(r->c->lk->boot);
	struct bytes text;
	enum lk_status status;

	record_take(&r->record, answer, ending, &now);
	r->record.settled_key = r->journal.retry_key;
	text = record_write(r->a, &r->record);
	status = write_record(r, text);
	if (status != LK_OK) {
		keep_unsaved(r, text);
		return status;
	}
	refresh_clear_journal(r);
	return connection_adopt(r->c, &r->record, r->generation, out, r->e);
}

/* ---- no pair ----------------------------------------------------------------------- */

/* Best effort: a vault that cannot take it changes nothing about how the call ended. */
static void
write_outcome(struct refresh *r)
{
	struct fault f = { 0 };
	struct bytes text = record_write(r->a, &r->record);

	if (text.n > 0)
		(void)!vault_write(r->lock, text, &f);
	r->generation = atomic_load(r->c->generation);
}

/* Tokens are kept; nobody asks again before the pause is over. */
static enum lk_status
note_failure(struct refresh *r, enum lk_status status)
{
	struct moment now = moment_now(r->c->lk->boot);
	int64_t pause_ms;

	note_outcome(&r->record, r->e, status);
	pause_ms = PAUSE_MIN_MS + lk_backoff_ms((int)r->record.failures, INT_MAX,
		r->e->retry_after);
	r->record.pause = span_from(&now, now.boot_ms, pause_ms);
	if (status == LK_TRY_LATER)
		r->e->retry_after = (pause_ms + 999) / 1000;
	write_outcome(r);
	/* What was answered leaves no question open; a pair that nobody believes does. */
	if (!r->unanswered && !r->stood && status != LK_REJECTED)
		refresh_clear_journal(r);
	return status;
}

/* RFC 6749 5.2: the grant is over. If an earlier answer was lost, that is why, and it is
 * said: only a retry key could have helped. */
static enum lk_status
end_connection(struct refresh *r)
{
	struct lk_error said = *r->e;
	char at[21];

	snprintf(r->e->message, sizeof(r->e->message), "%.400s: the person must connect again",
		said.message);
	if ((r->stood || r->unanswered) && !r->journal.keyed)
		snprintf(r->e->message, sizeof(r->e->message),
			"the answer to the refresh of %s was lost on its way, and %.*s takes"
			" no retry key: the person must connect again",
			clock_rfc3339(r->journal.began_at, at), BYTES_FMT(r->record.issuer));
	note_outcome(&r->record, r->e, LK_RECONNECT);
	r->record.access_token = r->record.refresh_token = NONE;
	write_outcome(r);
	refresh_clear_journal(r);
	return LK_RECONNECT;
}

/* invalid_grant is believed only if the vault still has what was refused: another
 * machine, or a restored file, may have changed it without our lock. */
static enum lk_status
doubt_invalid_grant(struct refresh *r, struct lk_token **out)
{
	struct bytes refused = r->record.refresh_token;
	struct lk_error said = *r->e;
	enum lk_status status;

	LK_TRY(refresh_read(r));
	*r->e = said;
	if (secret_equal_bytes(r->record.refresh_token, refused))
		return end_connection(r);
	if (refresh_granted(r, token_fresh, out, &status))
		return status;
	return lk_later(r->e, 1, "\"%s\" was changed by somebody else meanwhile",
		r->c->name);
}

enum lk_status
refresh_settle(struct refresh *r, enum lk_status status, const struct token_answer *answer,
	const struct token_ending *ending, struct lk_token **out)
{
	switch (status) {
	case LK_OK:
		return keep_pair(r, answer, ending, out);
	case LK_RECONNECT:
		return doubt_invalid_grant(r, out);
	case LK_TRY_LATER:
	case LK_DENIED:
	case LK_CONFIGURATION:
	case LK_REJECTED:
		return note_failure(r, status);
	case LK_LOCKED:
	case LK_STORAGE:
	case LK_NOT_FOUND:
	case LK_MEMORY:
	case LK_BUG:
		break; /* ours: the journal stands, and the next try begins with it */
	}
	return status;
}
