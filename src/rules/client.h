/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - a client as registered (R3, R4; RFC 7591 names where it has one).
 *
 * Promises: a struct client that client_check passed holds only what may be
 * held: a public client has no secret, every redirect URI obeys section 4 of
 * the rulebook, every logo is a picture of a kind we serve. Immutable once it
 * is in a catalogue.
 */
#ifndef LATCHKEY_RULES_CLIENT_H
#define LATCHKEY_RULES_CLIENT_H

#include <jansson.h>

#include "base/arena.h"
#include "rules/refusal.h"

enum client_type {
	CLIENT_PUBLIC,
	CLIENT_CONFIDENTIAL,
	CLIENT_RESOURCE, /* an API that introspects; cannot ask for authorisations */
};

enum grant_type { /* bits */
	GRANT_TYPE_AUTHORIZATION_CODE = 1 << 0,
	GRANT_TYPE_REFRESH_TOKEN = 1 << 1,
	GRANT_TYPE_CLIENT_CREDENTIALS = 1 << 2,
};

enum subject_type { SUBJECT_ANY, SUBJECT_COMPANY, SUBJECT_ENTITY };

struct client_secret {
	uint8_t digest[32];   /* keyed SHA-256 (crypto/digest.h) */
	int64_t created_at;
	int64_t expires_at;   /* 0: does not expire */
};

struct strings { const struct bytes *p; size_t n; };

struct client {
	int64_t id;               /* the store's; in tokens, never shown */
	struct bytes client_id;   /* ours: "lkc_" and 22 unreserved characters */
	enum client_type type;
	struct bytes name;        /* client_name */
	struct bytes client_uri, tos_uri, policy_uri, initiate_uri, settings_uri;
	struct strings contacts;
	struct strings redirect_uris;
	struct strings origins;   /* CORS, public browser clients only */
	struct bytes scope;       /* canonical; what it may ask for */
	struct bytes default_scope; /* when the request names none; may be empty */
	unsigned grant_types;
	enum subject_type subject_type; /* default preference */
	bool native, development, disabled;
	bool pkce_exempt;         /* legacy, confidential only; warned of in lists */
	bool redirect_uri_optional; /* D5, at token, PKCE-bound codes only */
	int64_t retry_without_key; /* TR-13: seconds, 0 off, at most 30 */
	bool refresh_for_browser; /* NB-02: refresh tokens for a client with origins */
	struct client_secret secrets[2];
	size_t secret_count;
	int64_t not_before;       /* client tokens issued earlier are dead */
	struct bytes resource_uri; /* CLIENT_RESOURCE: RFC 8707; may be empty */
	bool has_logo;
	struct bytes logo_type;   /* "image/png", "image/svg+xml" is refused */
	uint8_t logo_digest[32];  /* served at /logo/<client_id>/<8 hex> */
	int64_t created_at;
};

/* Is this record one we may keep? brand is the platform's name (R4.1: imitation
 * is refused). On refusal *what is a sentence for the operator naming the field,
 * the value and the remedy. */
bool client_check(struct arena *a, const struct client *c, struct bytes brand,
	const char **what);
/* The document the store keeps (RFC 7591 member names), secrets and logo aside. */
json_t *client_to_json(const struct client *c);
bool client_from_json(struct arena *a, const json_t *document, struct client *out);
/* Does the server know each of its scopes (R4.4)? known is canonical. */
bool client_check_scope(struct arena *a, const struct client *c, struct bytes known,
	const char **what);
/* Weaknesses an operator allowed, each a sentence (R1.3, TR-13); n returned. */
size_t client_warnings(const struct client *c, const char *out[static 4]);
bool client_may_refresh(const struct client *c); /* TR-17, NB-02 */
bool client_has_origin(const struct client *c, struct bytes origin);
const char *client_type_name(enum client_type t);
bool client_type_by_name(struct bytes name, enum client_type *out);
unsigned grant_type_by_name(struct bytes name); /* 0: no such */
const char *subject_type_name(enum subject_type t); /* "any", "company", "entity" */
bool subject_type_by_name(struct bytes name, enum subject_type *out);

#endif
