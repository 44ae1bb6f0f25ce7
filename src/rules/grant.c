/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.c - the state diagram of grant.h as code: one function an event, and in
 * each one line a transition. Nothing else in the program changes a grant.
 *
 * What the rules leave open, and how it is decided here:
 *
 *  Order.  Whose is it, before anything else: a stranger learns and changes
 *    nothing (TC-04, TR-03). Then the state; then limits of time; then bindings;
 *    and last what was asked for, which never costs more than an error (TR-09,
 *    RI-03: no change, and the code is still good).
 *  Burning.  Each check that binds a code (redirect_uri absent or different or
 *    no longer registered, verifier absent, wrong or unexpected) burns it, not
 *    only those TC-05 names: who sends the code without its proof is not who
 *    asked for it, and to burn costs one click.
 *  Replays of a code.  From the bound client they end the grant; from a public
 *    client only with the right verifier, since anybody can say its client_id (D4).
 *  The retry key.  A retry is a replay that says the same as before, in full:
 *    credential, key, and for TR-12 scope and resource. With the right key but
 *    another scope or resource it is an honest mistake, and changes nothing; for
 *    a redemption too, where TC-13 is silent.
 *  Recovery without a key (TR-13) is for requests made without one. "Its successor
 *    was never used" (R6.6) is "no later generation", as TR-13 has it: the row
 *    cannot know of an access token's use, because introspection only reads.
 *  An access token that its client revoked (RV-05) stays dead when its request is
 *    repeated; one that merely ran out lives again under the same name.
 *  A generation above the row's has a true tag, so it was issued, so the row is
 *    older than that: a backup was restored. What such a row honours was replaced
 *    once and may be in a thief's hands, so the grant ends (invariant 6).
 *  The last generation (2^32-1) cannot be refreshed; its grant has had its life.
 *  The clock.  While it is behind a generation's birth by more than CLOCK_SKEW,
 *    ages cannot be told: codes and access tokens are not honoured, a code presented
 *    is spent, and a retry gets "try later" without a change. So a clock set back
 *    revives nothing, and extends nothing short-lived by more than the skew. (An
 *    access token that lives again is as old as its last life, which the row does
 *    not know: ACCESS_LONGEST bounds it.) A refresh heals every time in the row.
 *  The epoch of the row is set when a generation is made, and so a repeat is the
 *    same bytes even after a new epoch began.
 */
#include "rules/grant.h"

#include <string.h>

#include "base/secret.h"
#include "rules/redirect_uri.h"
#include "rules/scope.h"

#define CLOCK_SKEW 60        /* clocks of two nodes may differ by this much */
#define CODE_RETRY_WINDOW 60 /* TC-13 */
#define ACCESS_LONGEST 3600  /* T-09; configuration allows no more */
#define KEEP_LEAST 3600      /* a consent sent twice arrives within this (U-11) */

/* ---- verdicts -------------------------------------------------------------- */

static struct verdict
refuse(enum reason reason)
{
	return (struct verdict){ VERDICT_REFUSE, reason, false };
}

static const struct {
	const char *name;
	enum reason reason; /* for whoever presents a code or token of it now */
	const char *sentence;
} ends[END_REASON_COUNT] = {
	[END_NONE] = { "none", REASON_NONE, "It has not ended." },
	[END_DENIED] = { "denied", REASON_ended_denied,
		"You denied the request." },
	[END_CODE_EXPIRED] = { "code_expired", REASON_code_expired,
		"The app did not finish connecting in time." },
	[END_CODE_BURNED] = { "code_burned", REASON_code_burned,
		"The app failed a security check while connecting." },
	[END_CODE_REPLAYED] = { "code_replayed", REASON_code_replayed,
		"A one-time code was used twice; the connection was cut to be safe." },
	[END_REFRESH_REPLAYED] = { "refresh_replayed", REASON_refresh_replayed,
		"A replaced token was used again; the connection was cut to be safe." },
	[END_REFRESH_EXPIRED] = { "refresh_expired", REASON_refresh_expired,
		"The app did not use the connection for a long time." },
	[END_LIFETIME] = { "lifetime", REASON_lifetime_over,
		"The connection reached the longest time it may last." },
	[END_PERSON] = { "person", REASON_ended_by_person,
		"You disconnected the app." },
	[END_CLIENT] = { "client", REASON_ended_by_client,
		"The app disconnected itself." },
	[END_OPERATOR] = { "operator", REASON_ended_by_operator,
		"An administrator ended the connection." },
	[END_CLIENT_REMOVED] = { "client_removed", REASON_ended_client_removed,
		"The app was removed from the platform." },
	[END_ACCOUNT] = { "account", REASON_ended_account,
		"The account's password or status changed." },
	[END_ROLLED_BACK] = { "rolled_back", REASON_grant_rolled_back,
		"The server was restored to an earlier state." },
};

const char *
end_reason_name(enum end_reason why)
{
	return ends[why].name;
}

const char *
end_reason_sentence(enum end_reason why)
{
	return ends[why].sentence;
}

struct verdict
grant_end(struct grant *g, enum end_reason why, uint32_t generation, struct bytes from,
	int64_t now)
{
	/* Invariant 2: the first end is the one that counts. */
	if (g->state == GRANT_ENDED)
		return refuse(ends[g->end_reason].reason);
	g->state = GRANT_ENDED;
	g->end_reason = why;
	g->ended_at = now;
	g->ended_generation = generation;
	g->ended_from = from;
	g->has_retry_key = false;
	return (struct verdict){ VERDICT_REFUSE, ends[why].reason, true };
}

/* ---- limits of time -------------------------------------------------------- */

static int64_t
earlier(int64_t time, int64_t limit)
{
	return limit != 0 && limit < time ? limit : time;
}

/* Is the clock so far behind this birth that an age would be a guess? */
static bool
age_unknown(int64_t born, int64_t now)
{
	return now < born - CLOCK_SKEW;
}

/* TR-10: the absolute limit, whatever was refreshed. */
static bool
lifetime_over(const struct grant *g, int64_t now)
{
	return g->expires_at != 0 && now >= g->expires_at;
}

/* T-09: an access token never outlives its grant. */
static int64_t
access_end(const struct grant *g, const struct lifetimes *l, int64_t now)
{
	return earlier(now + l->access, g->expires_at);
}

/* ---- issuing and repeating ------------------------------------------------- */

/* What makes a generation: its number, its epoch, what was asked, by which key. */
struct issue {
	struct bytes scope, resource; /* NONE: all */
	const struct retry *retry;
	uint8_t epoch;
	const struct lifetimes *lifetimes;
};

/* The one place where a generation begins; the one before is dead by arithmetic. */
static struct verdict
issue(struct grant *g, const struct issue *i, int64_t now)
{
	g->state = GRANT_LIVE;
	g->generation++;
	g->epoch = i->epoch;
	g->issued_at = now;
	g->last_used_at = now;
	g->access_expires_at = access_end(g, i->lifetimes, now);
	g->refresh_expires_at =
		earlier(now + i->lifetimes->refresh_idle, g->expires_at);
	g->access_scope = i->scope;
	g->access_resource = i->resource;
	g->has_retry_key = i->retry->present;
	memcpy(g->retry_key, i->retry->key, sizeof(g->retry_key));
	return (struct verdict){ VERDICT_ISSUE, REASON_NONE, true };
}

/* TR-11, TC-13: the request that made this generation, sent again. */
static struct verdict
repeat(struct grant *g, struct bytes scope, struct bytes resource,
	const struct lifetimes *l, int64_t now)
{
	bool ran_out = g->access_expires_at != 0 && now >= g->access_expires_at;

	if (age_unknown(g->issued_at, now))
		return refuse(REASON_clock_behind);
	/* TR-12 */
	if (!bytes_equal(scope, g->access_scope) ||
		!bytes_equal(resource, g->access_resource))
		return refuse(REASON_retry_differs);
	if (ran_out)
		g->access_expires_at = access_end(g, l, now);
	return (struct verdict){ VERDICT_REPEAT, REASON_NONE, ran_out };
}

/* The window of a retry begins with the generation and is never moved; 0: none. */
static bool
within(const struct grant *g, int64_t window, int64_t now)
{
	return window > 0 && now < g->issued_at + window;
}

static bool
same_key(const struct grant *g, const struct retry *r)
{
	return r->present && g->has_retry_key &&
		secret_equal(r->key, g->retry_key, sizeof(g->retry_key));
}

/* ---- the code -------------------------------------------------------------- */

static bool
verifier_fits(const struct grant *g, const struct redemption *r)
{
	if (!g->has_challenge)
		return !r->has_verifier;
	return r->has_verifier && secret_equal(r->verifier_challenge, g->challenge,
		sizeof(g->challenge));
}

/* Does what came fit what was asked for? The reason is that of the first misfit. */
static enum reason
code_misfit(const struct grant *g, const struct redemption *r)
{
	bool absent = bytes_empty(r->redirect_uri);

	/* RFC 6749 4.1.3, TC-06; D5 lets a PKCE-bound code come without. */
	if (absent && !(r->redirect_uri_optional && g->has_challenge))
		return REASON_redirect_uri_absent;
	if (!absent && !bytes_equal(r->redirect_uri, g->redirect_uri))
		return REASON_redirect_uri_differs;
	/* also where it was left out. */
	if (!redirect_uri_matches(r->registration, g->redirect_uri))
		return REASON_redirect_uri_withdrawn;
	/* RFC 7636 4.6, TC-07; RFC 9700 4.8.2, TC-08. */
	if (g->has_challenge && !r->has_verifier)
		return REASON_verifier_missing;
	if (!g->has_challenge && r->has_verifier)
		return REASON_verifier_unexpected;
	return verifier_fits(g, r) ? REASON_NONE : REASON_verifier_wrong;
}

/* OPEN -> LIVE(1), or ENDED. */
static struct verdict
redeem_first(struct grant *g, const struct redemption *r, int64_t now)
{
	const struct issue i = { .resource = r->resource, .retry = &r->retry,
		.epoch = r->epoch, .lifetimes = r->lifetimes };
	struct verdict burned;
	enum reason misfit;

	/* TC-03 */
	if (now >= g->code_expires_at)
		return grant_end(g, END_CODE_EXPIRED, 0, r->from, now);
	if (age_unknown(g->created_at, now)) {
		burned = grant_end(g, END_CODE_EXPIRED, 0, r->from, now);
		burned.reason = REASON_code_from_future;
		return burned;
	}
	misfit = code_misfit(g, r);
	if (misfit != REASON_NONE) {
		/* TC-05: this answer says what was wrong, later ones: burned. */
		burned = grant_end(g, END_CODE_BURNED, 0, r->from, now);
		burned.reason = misfit;
		return burned;
	}
	/* RI-03: an error, and the code is still good. */
	if (!scope_within(r->resource, g->resource))
		return refuse(REASON_resource_outside_grant);
	if (g->expires_at == 0 && r->lifetimes->absolute != 0)
		g->expires_at = now + r->lifetimes->absolute;
	return issue(g, &i, now);
}

/* TC-13 */
static bool
redemption_is_retry(const struct grant *g, const struct redemption *r, int64_t now)
{
	int64_t window = r->lifetimes->retry_window < CODE_RETRY_WINDOW ?
		r->lifetimes->retry_window : CODE_RETRY_WINDOW;

	return g->generation == 1 && same_key(g, &r->retry) &&
		code_misfit(g, r) == REASON_NONE && within(g, window, now);
}

/* LIVE: the code again. */
static struct verdict
redeem_again(struct grant *g, const struct redemption *r, int64_t now)
{
	if (lifetime_over(g, now))
		return grant_end(g, END_LIFETIME, 0, r->from, now);
	if (redemption_is_retry(g, r, now))
		return repeat(g, NONE, r->resource, r->lifetimes, now);
	/* D4 */
	if (r->client_is_public && !verifier_fits(g, r))
		return refuse(REASON_code_replayed_unproven);
	/* RFC 6749 4.1.2, TC-10, TC-12 */
	return grant_end(g, END_CODE_REPLAYED, 0, r->from, now);
}

struct verdict
grant_redeem(struct grant *g, const struct redemption *r, int64_t now)
{
	if (r->client != g->client)
		return refuse(REASON_token_of_other_client);
	switch (g->state) {
	case GRANT_OPEN: return redeem_first(g, r, now);
	case GRANT_LIVE: return redeem_again(g, r, now);
	case GRANT_ENDED: break;
	}
	return refuse(ends[g->end_reason].reason);
}

/* ---- the refresh token ----------------------------------------------------- */

/* LIVE(n) -> LIVE(n+1) */
static struct verdict
refresh_current(struct grant *g, const struct refresh *r, int64_t now)
{
	const struct issue i = { r->scope, r->resource, &r->retry, r->epoch,
		r->lifetimes };

	/* TR-06 */
	if (now >= g->refresh_expires_at)
		return grant_end(g, END_REFRESH_EXPIRED, r->generation, r->from, now);
	if (g->generation == UINT32_MAX)
		return grant_end(g, END_LIFETIME, r->generation, r->from, now);
	/* RFC 6749 6, TR-09; RFC 8707 2.2, RI-03 */
	if (!scope_within(r->scope, g->scope))
		return refuse(REASON_scope_exceeds_grant);
	if (!scope_within(r->resource, g->resource))
		return refuse(REASON_resource_outside_grant);
	return issue(g, &i, now);
}

/* TR-11 with the key, TR-13 without one: the immediate predecessor, soon enough. */
static bool
refresh_is_retry(const struct grant *g, const struct refresh *r, int64_t now)
{
	bool keyless = !r->retry.present && !g->has_retry_key;
	int64_t window = keyless ? r->retry_without_key : r->lifetimes->retry_window;

	return g->generation - r->generation == 1 && within(g, window, now) &&
		(keyless || same_key(g, &r->retry));
}

/* LIVE(n), token of a generation below n. */
static struct verdict
refresh_replaced(struct grant *g, const struct refresh *r, int64_t now)
{
	/* RFC 9700 4.14.2, TR-05 */
	if (!refresh_is_retry(g, r, now))
		return grant_end(g, END_REFRESH_REPLAYED, r->generation, r->from, now);
	/* What would be repeated has run out itself. */
	if (now >= g->refresh_expires_at)
		return grant_end(g, END_REFRESH_EXPIRED, r->generation, r->from, now);
	return repeat(g, r->scope, r->resource, r->lifetimes, now);
}

struct verdict
grant_refresh(struct grant *g, const struct refresh *r, int64_t now)
{
	if (r->client != g->client)
		return refuse(REASON_token_of_other_client);
	if (g->state == GRANT_ENDED)
		return refuse(ends[g->end_reason].reason);
	/* No refresh token was ever made with generation 0, or for such a grant. */
	if (r->generation == 0 || !g->refreshable)
		return refuse(REASON_refresh_not_issued);
	if (r->generation > g->generation)
		return grant_end(g, END_ROLLED_BACK, r->generation, r->from, now);
	if (lifetime_over(g, now))
		return grant_end(g, END_LIFETIME, r->generation, r->from, now);
	return r->generation == g->generation ? refresh_current(g, r, now) :
						refresh_replaced(g, r, now);
}

/* ---- ending and asking ----------------------------------------------------- */

/* RV-05: the refresh token lives on; an older access token is dead already. */
struct verdict
grant_end_access(struct grant *g, uint32_t generation, int64_t now)
{
	if (g->state == GRANT_ENDED)
		return refuse(ends[g->end_reason].reason);
	if (generation > g->generation)
		return grant_end(g, END_ROLLED_BACK, generation, NONE, now);
	if (generation < g->generation || g->access_expires_at == 0)
		return refuse(REASON_NONE);
	g->access_expires_at = 0;
	return (struct verdict){ VERDICT_REFUSE, REASON_NONE, true };
}

bool
grant_honours(const struct grant *g, enum token_kind kind, uint32_t generation,
	int64_t now)
{
	if (generation != g->generation || lifetime_over(g, now))
		return false;
	switch (kind) {
	case TOKEN_CODE:
		return g->state == GRANT_OPEN && now < g->code_expires_at &&
			!age_unknown(g->created_at, now);
	case TOKEN_ACCESS:
		return g->state == GRANT_LIVE && now < g->access_expires_at &&
			!age_unknown(g->issued_at, now) &&
			!age_unknown(g->access_expires_at - ACCESS_LONGEST, now);
	case TOKEN_REFRESH:
		return g->state == GRANT_LIVE && g->refreshable &&
			now < g->refresh_expires_at;
	}
	return false;
}

/* The moment from which no code or token of it can be good again. */
static int64_t
dead_since(const struct grant *g)
{
	int64_t last = g->access_expires_at;

	switch (g->state) {
	case GRANT_OPEN: return g->code_expires_at;
	case GRANT_ENDED: return g->ended_at;
	case GRANT_LIVE: break;
	}
	if (last < g->issued_at)
		last = g->issued_at;
	if (g->refreshable && last < g->refresh_expires_at)
		last = g->refresh_expires_at;
	return last;
}

bool
grant_reclaimable(const struct grant *g, int64_t keep, int64_t now)
{
	return now - dead_since(g) >= (keep > KEEP_LEAST ? keep : KEEP_LEAST);
}
