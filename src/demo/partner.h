/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partner.h - the client's side of OAuth, as an integrator should write it.
 *
 * Promises: PKCE and a state of its own for every attempt; nothing in an answer
 * is believed before state and iss were compared (RFC 9207, RFC 9700 section
 * 4.7); a refresh keeps its Idempotency-Key until it is answered, and only
 * invalid_grant is final; tokens are in this process's memory only and wiped when
 * they are of no more use.
 * Every act is told to the story. Acts block; they belong on a thread that may.
 */
#ifndef LATCHKEY_DEMO_PARTNER_H
#define LATCHKEY_DEMO_PARTNER_H

#include "demo/story.h"

#define PARTNER_TOKEN_MAX 512

/* The authorisation server, as its own metadata describe it (RFC 8414). */
struct provider {
	struct bytes issuer, authorization_endpoint, token_endpoint,
		revocation_endpoint, introspection_endpoint;
	const char *api_url; /* what the tokens are for */
	const char *ca_file;
};

/* What the server's operator gave us. */
struct registration {
	struct bytes client_id;
	struct bytes client_secret; /* NONE: a public client */
	struct bytes redirect_uri;
	struct bytes scope;
};

struct token {
	char p[PARTNER_TOKEN_MAX];
	size_t n;
};
struct pair {
	struct token access, refresh;
};

struct partner {
	const struct provider *provider;
	const struct registration *me;
	struct story *story;
	struct arena *arena; /* of the act under way */
	char state[44], verifier[44]; /* of the attempt under way; "": none */
	bool connected;
	struct pair now;
	char retry_key[44]; /* of a refresh not answered yet; "": none */
	struct token replaced; /* the last refresh token that was replaced */
};

/* Reads the metadata of the server at issuer and checks that they are its own. */
enum outcome provider_discover(struct arena *a, struct bytes issuer,
	const char *ca_file, struct provider *out, struct fault *f) must_check;

void partner_start(struct partner *p, const struct provider *provider,
	const struct registration *me, struct story *story); /* zeroed first */
void partner_forget(struct partner *p); /* the attempt and all tokens */
void partner_stop(struct partner *p);

/* Begins a new attempt; where to send the person's browser (until the next act). */
const char *partner_connect(struct partner *p);
/* The query that the browser brought back to the redirect URI. */
bool partner_callback(struct partner *p, struct bytes query);
bool partner_call_api(struct partner *p);
bool partner_refresh(struct partner *p);
bool partner_lose_an_answer(struct partner *p);
/* Needs p->replaced: does what a thief would do, and shows what comes of it. */
bool partner_replay(struct partner *p);
bool partner_revoke(struct partner *p);

/* ---- for partner_acts.c --------------------------------------------------- */

struct token_answer { /* in the act's arena, wiped at its end */
	int status;
	struct bytes error; /* "invalid_grant" */
	bool good; /* whole and usable: pair is set */
	struct pair pair;
};

/* One request to an endpoint that wants our credentials; what it is, in words. */
enum outcome partner_ask(struct partner *p, const char *what, struct bytes endpoint,
	struct bytes retry_key, struct buf *form, struct http_answer *out,
	struct fault *f) must_check;
enum outcome partner_token(struct partner *p, const char *what, struct bytes retry_key,
	struct buf *form, struct token_answer **out, struct fault *f) must_check;
void partner_keep(struct partner *p, const struct pair *pair);
/* 256 random bits as 43 unreserved characters. */
void partner_random(char out[static 44]);
struct bytes token_bytes(const struct token *t);

#endif
