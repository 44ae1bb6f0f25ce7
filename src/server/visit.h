/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit.h - a person's browser at one of our pages: who it is, whether somebody
 * is signed in there, and what they are in the middle of.
 *
 * Two cookies, both __Host-, Secure, HttpOnly, SameSite=Lax (U-06):
 *   browser  32 random bytes; binds forms and transactions to this browser and
 *            carries no privilege;
 *   session  32 random bytes; the store knows a digest of it; new at every
 *            sign-in and gone at sign-out.
 * A third, `known`, remembers sealed which accounts signed in here, so that
 * throttles cannot be used to lock their owners out.
 *
 * What goes through the browser comes back sealed (crypto/seal.h): a
 * transaction (the checked authorization request, U-10) and each form's
 * one-time value (U-04). Nothing is stored before a person has decided.
 */
#ifndef LATCHKEY_SERVER_VISIT_H
#define LATCHKEY_SERVER_VISIT_H

#include "rules/authz_request.h"
#include "server/exchange.h"

#define BROWSER_COOKIE "__Host-latchkey-browser"
#define SESSION_COOKIE "__Host-latchkey-session"
#define KNOWN_COOKIE "__Host-latchkey-known"

#define PAGE_LIFETIME 1800 /* seconds a transaction or form may lie open */

/* A pending authorisation. */
struct transaction {
	uint8_t id[GRANT_ID_SIZE];  /* of the grant it may become (U-11) */
	int64_t created_at;
	bool has_session;           /* somebody was signed in when it began, */
	uint8_t session[SESSION_KEY_SIZE]; /* by this session (prompt=login) */
	struct authz_request request;
	struct bytes sealed;        /* as the page carries it */
};

/* x->state of every endpoint for people. */
struct visit {
	struct bytes browser;       /* the cookie's value */
	uint8_t browser_key[SESSION_KEY_SIZE];
	struct session_find session;
	bool signed_in;             /* session.user and session.session are set */
	bool has_transaction;
	struct transaction transaction;
	struct grant_list grants;   /* consent.c */
	struct grant_open open;     /* ep_consent.c: the decision */
	void *page;                 /* the endpoint's own */
};

/* ---- steps every page begins with (visit.c) ----------------------------------- */

step_fn visit_begin; /* reads the cookies, asks for the session */
step_fn visit_known; /* signed_in is decided */
step_fn visit_form;  /* a page's POST: form body, own origin (U-05) */
static inline struct visit *
visit_of(struct exchange *x)
{
	return x->state;
}

/* SHA-256 of a cookie's value, its first bytes. */
void visit_key(struct bytes value, uint8_t out[static SESSION_KEY_SIZE]);
/* 32 random bytes as a cookie's value. */
struct bytes visit_value(struct arena *a);
/* Sets a cookie of ours; lifetime 0: as long as the browser runs; NONE: removes it. */
void visit_cookie(struct exchange *x, const char *name, struct bytes value,
	int64_t lifetime);
/* "/signin" below the issuer's path. */
struct bytes visit_path(struct exchange *x, const char *path);
/* Sends a person to one of our own pages (303). */
enum step visit_go(struct exchange *x, const char *path);

/* A client as pages show it (ep_assets.c). */
struct page_client page_client_of(struct exchange *x, const struct client *c);
/* What a scope means in words, token by token (consent.c). */
const struct page_scope *page_scopes_of(struct exchange *x, struct bytes scope, size_t *n);

/* ---- transactions (transaction.c) ----------------------------------------------- */

void transaction_begin(struct exchange *x, const struct authz_request *request);
/* Reads form field or query parameter `transaction`. REASON_NONE: visit.transaction
 * is set; otherwise REASON_transaction_stale or _withdrawn. */
enum reason transaction_read(struct exchange *x, const struct form *from);
/* Must the person sign in (again) first? */
bool transaction_needs_sign_in(const struct exchange *x, const struct visit *v);

/* ---- one-time form values (form_token.c) ------------------------------------------- */

enum form_purpose { FORM_SIGN_IN, FORM_CONSENT, FORM_DISCONNECT, FORM_SIGN_OUT };

/* about: what the form acts on (a transaction's or grant's id), or NULL. */
struct page_hidden form_token(struct exchange *x, enum form_purpose purpose,
	const uint8_t *about);
/* Was x->form's value made for this browser, session, purpose and thing, lately, and
 * never used? Uses it up. */
bool form_token_spend(struct exchange *x, enum form_purpose purpose,
	const uint8_t *about);

/* ---- the way on (sign_in_page in ep_signin.c, consent.c, authz_answer.c) --------------- */

/* What a sign-in page says besides asking. */
struct sign_in_notice {
	int status;
	struct bytes username;
	bool failed, out_of_date;
	int64_t wait_seconds;
};
enum step sign_in_page(struct exchange *x, const struct sign_in_notice *n);

/* Signed in, with a transaction: consents by memory (U-09) or asks. */
extern step_fn *const consent_steps[];
struct consent_notice {
	int status;
	bool context_missing; /* sent without a choice among several */
	bool out_of_date;     /* the form's one-time value was not good any more */
};
enum step consent_page(struct exchange *x, const struct consent_notice *n);
/* Writes the new grant of the transaction; then consent_written answers. */
enum step consent_write(struct exchange *x, struct bytes subject, bool approved);
step_fn consent_written;

/* RFC 6749 4.1.2: code, or error when reason is not REASON_NONE, to redirect_uri. */
enum step authz_answer(struct exchange *x, struct bytes code, enum reason reason);
step_fn authz_fault; /* x->on_fault once redirect_uri is proven good */

#endif
