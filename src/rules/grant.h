/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.h - all that can happen to an authorisation, decided in one place.
 *
 *          store_grant_open         grant_redeem         grant_refresh
 *   consent ---------------> OPEN(0) -----------> LIVE(1) ------------> LIVE(n+1)
 *                              |                     |
 *              expired, burned,|                     | replay, expiry, the person,
 *                        denied|                     | the client, the operator
 *                              v                     v    (grant_end)
 *                            ENDED(why) <------------+
 *
 * Invariants (DESIGN.md section 2; each has a test that names it):
 *  1. At any moment at most one refresh token and one access token are honoured.
 *  2. Generations only grow. An ended grant never lives again.
 *  3. A reply that carries a token leaves only after the row is durable (server).
 *  4. Of N concurrent redemptions at most one succeeds; any further one ends the
 *     grant. Likewise for refreshes, save for 5.
 *  5. The same credential with the same retry key, from the same client, while the
 *     generation is exactly one ahead and within the window, is the same request.
 *  6. A restored backup revives nothing (store, key epochs).
 *
 * Pure: no I/O, no clock, no randomness. The store loads the row, calls one of
 * these, and writes the row back when verdict.changed, in one transaction.
 */
#ifndef LATCHKEY_RULES_GRANT_H
#define LATCHKEY_RULES_GRANT_H

#include "crypto/token.h"
#include "rules/client.h"
#include "rules/pkce.h"

enum grant_state { GRANT_OPEN, GRANT_LIVE, GRANT_ENDED };

enum end_reason { /* stored as a number: append only */
	END_NONE,
	END_DENIED,           /* the person said no; nothing was issued */
	END_CODE_EXPIRED,     /* nobody redeemed it in time */
	END_CODE_BURNED,      /* the bound client failed a binding check (TC-05) */
	END_CODE_REPLAYED,    /* TC-10 */
	END_REFRESH_REPLAYED, /* TR-05 */
	END_REFRESH_EXPIRED,  /* idle limit, presented late (TR-06) */
	END_LIFETIME,         /* absolute limit */
	END_PERSON,           /* disconnected on the account page */
	END_CLIENT,           /* RFC 7009 */
	END_OPERATOR,
	END_CLIENT_REMOVED,
	END_ACCOUNT,          /* password changed, account disabled or removed */
	END_ROLLED_BACK,      /* a token newer than the row: a backup was restored */
	END_REASON_COUNT
};

#define RETRY_DIGEST_SIZE 16

struct grant {
	uint8_t key[GRANT_KEY_SIZE];
	int64_t version;          /* grows by one with each write; compare-and-swap */
	int64_t user, client;     /* the store's rows */
	struct bytes subject;     /* URN of the resource context */
	struct bytes scope;       /* as consented */
	struct bytes resource;    /* URIs, canonical (RFC 8707); empty: none named */
	struct bytes redirect_uri;
	bool has_challenge;
	uint8_t challenge[PKCE_CHALLENGE_SIZE];
	bool refreshable;         /* a refresh token is issued (TR-17) */

	enum grant_state state;
	uint32_t generation;      /* 0 while open */
	uint8_t epoch;            /* of this generation's tokens */
	int64_t created_at;
	int64_t authenticated_at; /* auth_time: the person's real sign-in */
	int64_t code_expires_at;
	int64_t issued_at;        /* when this generation was first issued */
	int64_t access_expires_at; /* 0: the access token alone was revoked (RV-05) */
	int64_t refresh_expires_at; /* idle limit; slides */
	int64_t expires_at;       /* absolute limit; 0: none */
	struct bytes access_scope; /* of the current access token (TR-08); empty: all */
	struct bytes access_resource;

	bool has_retry_key;       /* of the request that made this generation */
	uint8_t retry_key[RETRY_DIGEST_SIZE];

	int64_t last_used_at;     /* coarse; for people, never for decisions */
	enum end_reason end_reason;
	int64_t ended_at;
	uint32_t ended_generation; /* of the token that was presented */
	struct bytes ended_from;  /* address, or operator's name */
};

/* Operator's choice, in seconds. */
struct lifetimes {
	int64_t code;             /* at most 60 */
	int64_t access;           /* default 600, at most 3600 */
	int64_t refresh_idle;     /* default 60 days */
	int64_t absolute;         /* 0: none */
	int64_t retry_window;     /* default 24 h, at most 30 days, 0 off (TR-11) */
};

/* The Idempotency-Key header, as a digest. What else must be the same for a retry
 * (scope, resource: TR-12) is compared with what the row says of this generation. */
struct retry {
	bool present;
	uint8_t key[RETRY_DIGEST_SIZE];
};

struct redemption {
	int64_t client;           /* who authenticated, or the public client_id */
	bool client_is_public;
	struct bytes redirect_uri; /* NONE: absent */
	bool redirect_uri_optional; /* D5 */
	const struct client *registration; /* does it still hold the URI? */
	bool has_verifier;
	uint8_t verifier_challenge[PKCE_CHALLENGE_SIZE]; /* pkce_challenge_of it */
	struct bytes resource;    /* asked for, canonical (RI-04); NONE: all */
	struct retry retry;
	uint8_t epoch;            /* current */
	const struct lifetimes *lifetimes;
	struct bytes from;        /* the peer's address */
};

struct refresh {
	int64_t client;
	uint32_t generation;      /* in the token presented */
	struct bytes scope;       /* asked for, canonical; NONE: all */
	struct bytes resource;    /* likewise, scope_parse over the URIs */
	struct retry retry;
	int64_t retry_without_key; /* TR-13, seconds; 0 off */
	uint8_t epoch;
	const struct lifetimes *lifetimes;
	struct bytes from;
};

enum verdict_kind {
	VERDICT_ISSUE,  /* a new generation: its tokens go out */
	VERDICT_REPEAT, /* the same request again: the same tokens go out */
	VERDICT_REFUSE, /* nothing goes out; reason says why */
};

struct verdict {
	enum verdict_kind kind;
	enum reason reason;
	bool changed; /* the row must be written, also when refused (a grant ended) */
};

struct verdict grant_redeem(struct grant *g, const struct redemption *r, int64_t now);
struct verdict grant_refresh(struct grant *g, const struct refresh *r, int64_t now);
/* Ends it for good; changed is false when it had ended before. */
struct verdict grant_end(struct grant *g, enum end_reason why, uint32_t generation,
	struct bytes from, int64_t now);
/* Ends this generation's access token only (RV-05). */
struct verdict grant_end_access(struct grant *g, uint32_t generation, int64_t now);
/* Is a token of that kind and generation good now? The code counts as generation 0. */
bool grant_honours(const struct grant *g, enum token_kind kind, uint32_t generation,
	int64_t now);
/* May the row be reclaimed? Ended or expired so long ago that no token of it could
 * be told apart from garbage with harm (keeps it `keep` seconds for explain). */
bool grant_reclaimable(const struct grant *g, int64_t keep, int64_t now);
const char *end_reason_name(enum end_reason why);
const char *end_reason_sentence(enum end_reason why); /* for people */

#endif
