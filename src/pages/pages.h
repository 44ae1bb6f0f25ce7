/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.h - what a person sees. Each page is a value; rendering it is pure.
 *
 * Promises: everything is escaped for where it stands, bidi and control
 * characters stripped; no script, no third-party content, one small style sheet
 * served from own origin (/style-<8 hex>.css); works by keyboard, with a screen
 * reader, on a phone and in the dark. An operator may override templates and the
 * brand from a directory (brand.json: name, colours, logo).
 */
#ifndef LATCHKEY_PAGES_PAGES_H
#define LATCHKEY_PAGES_PAGES_H

#include "base/arena.h"
#include "base/outcome.h"

struct pages; /* templates and brand, read once; shared by threads, immutable */

/*
 * dir NULL: built-in templates. Otherwise each of sign_in.html, consent.html,
 * account.html, message.html, their parts and style.css is taken from dir if it is
 * there, and so is brand.json (look.h). brand: the platform's name where brand.json
 * says none. REFUSED: f->what names file, line and remedy. FAULT: the disk.
 */
enum outcome pages_open(const char *dir, struct bytes brand, struct pages **out,
	struct fault *f) must_check;
/* The pages stand below this path ("/t1", an issuer's; empty: the root), so they ask
 * for their assets there. At most once, before the first page and before threads. */
void pages_under(struct pages *p, struct bytes path);
void pages_free(struct pages *p);
struct bytes pages_brand(const struct pages *p);

struct page_link { struct bytes label, href; };

/* Who is asking, as consent and account show them. */
struct page_client {
	struct bytes name;
	struct bytes client_uri, tos_uri, policy_uri; /* as text, not as links (U-03) */
	struct bytes logo_path; /* own origin; empty: initials are drawn instead */
	struct bytes contact;
	bool development, pkce_exempt;
};

struct page_hidden { struct bytes name, value; }; /* resent as they are */

struct page_sign_in {
	const struct page_hidden *hidden;
	size_t hidden_count;
	struct bytes action;        /* "/signin" */
	struct bytes username;      /* as typed before, or the login_hint */
	struct bytes client_name;   /* empty: signing in for the account page */
	bool failed;                /* one uniform message (U-12) */
	int64_t wait_seconds;       /* >0: too many attempts, try again in .. */
	bool out_of_date;           /* the form had run out; only time was lost */
};

struct page_context { struct bytes urn, name, kind; bool chosen; };
struct page_scope { struct bytes name, description; };

struct page_consent {
	const struct page_hidden *hidden;
	size_t hidden_count;
	struct bytes action;        /* "/consent" */
	struct page_client client;
	struct bytes person, username;
	const struct page_scope *scopes;
	size_t scope_count;
	const struct page_context *contexts; /* several: a choice named subject */
	size_t context_count;
	struct bytes recipient;     /* host that receives the answer */
	const struct bytes *resources; /* in words; may be none */
	size_t resource_count;
	bool runs_on_this_device;   /* loopback or private-use redirect */
	bool context_missing;       /* sent without a choice among several */
	bool out_of_date;           /* the form had run out; only time was lost */
};

struct page_connection {
	struct page_client client;
	struct bytes context;       /* name of the company or entity */
	const struct page_scope *scopes;
	size_t scope_count;
	struct bytes since, last_used; /* for people: "23 November 2026" */
	struct bytes ended;         /* empty: live; otherwise why, in a sentence */
	bool ended_by_replay;       /* a token was used twice: it is explained */
	const struct page_hidden *hidden; /* of its Disconnect form */
	size_t hidden_count;
};

struct page_account {
	struct bytes person, username;
	const struct page_connection *connections;
	size_t connection_count;
	struct bytes disconnect_action, sign_out_action; /* "/account", "/signout" */
	const struct page_hidden *sign_out_hidden;
	size_t sign_out_hidden_count;
	struct bytes notice;        /* "Disconnected Ledger Sync." */
};

/* Errors and neutral pages. */
struct page_message {
	int status;                 /* for the title only */
	struct bytes title;         /* "This link does not work" */
	struct bytes for_person;    /* what happened and what to do, plain words */
	struct bytes for_integrator; /* with the error code; may be empty */
	struct bytes error_id;      /* may be empty */
	struct page_link link;      /* own origin only; label empty: none */
};

/* form_post: one form to redirect_uri, hidden inputs, a submit button; the script that
 * submits it is by nonce (U-13). */
struct page_form_post {
	struct bytes action;
	const struct page_hidden *hidden;
	size_t hidden_count;
	struct bytes client_name;
	struct bytes nonce;
};

void page_sign_in(const struct pages *p, const struct page_sign_in *v, struct buf *out);
void page_consent(const struct pages *p, const struct page_consent *v, struct buf *out);
void page_account(const struct pages *p, const struct page_account *v, struct buf *out);
void page_message(const struct pages *p, const struct page_message *v, struct buf *out);
void page_form_post(const struct pages *p, const struct page_form_post *v,
	struct buf *out);

/* The style sheet, the icon, and the brand's logo, if any, each with the path under
 * which pages ask for it (below that of pages_under). Its digest is in the name, so
 * it may be cached for ever. */
struct page_asset { struct bytes path, type, body; };
size_t pages_assets(const struct pages *p, const struct page_asset **out);

#endif
