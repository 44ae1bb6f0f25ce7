/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - what the vault keeps of a connection, and of a refresh that is under way.
 *
 * Both are one application/x-www-form-urlencoded line (RFC 6749 appendix B): it needs
 * no memory but an arena, which is wiped; a JSON parser would leave copies of tokens
 * on the heap. The vault seals them, so what is read is what we wrote, or is refused
 * here: an unknown version, a member twice, a number that is none.
 */
#ifndef LATCHKEY_CLIENT_RECORD_H
#define LATCHKEY_CLIENT_RECORD_H

#include "client/span.h"
#include "crypto/digest.h"
#include "latchkey/latchkey.h"
#include "vault/vault.h"

/* Empty texts and zeros are not written. */
struct record {
	/* as it was registered */
	struct bytes issuer, client_id, client_secret, redirect_uri, scope, resource, ca_file;
	struct bytes authorization_endpoint, token_endpoint, revocation_endpoint;
	struct bytes parameters;
	int64_t flags; /* of struct lk_registration */
	/* what the server's metadata said, and when (Unix seconds) */
	struct bytes known_token_endpoint, known_revocation_endpoint;
	int64_t known_retry_key, known_at;
	/* what was granted */
	struct bytes access_token, refresh_token, granted_scope, subject;
	int64_t connected_at;
	struct span life;         /* of the access token */
	int64_t life_unsaid;      /* the server gave no expires_in: life is our guess */
	struct bytes settled_key; /* retry key of the refresh that gave it */
	/* how the last attempt went */
	int64_t tried_at, failures, outcome; /* outcome: enum lk_status */
	struct bytes detail, code;
	struct span pause;        /* the server is not to be asked before it is over */
};

/* A sentence as a record or a history takes it: cut, and printable. */
struct bytes detail_clean(struct bytes text);
/* NONE: it is larger than a vault takes, or has a text that is not printable UTF-8. */
struct bytes record_write(struct arena *a, const struct record *r);
/* false: not a record of ours, or of a newer version. */
bool record_read(struct arena *a, struct bytes text, struct record *out);

struct journal {
	uint8_t token[DIGEST_SIZE]; /* SHA-256 of the refresh token that is being used */
	struct bytes retry_key;
	int64_t began_at;           /* Unix seconds */
	int64_t keyed;              /* the server takes retry keys */
};
struct bytes journal_write(struct arena *a, const struct journal *j);
bool journal_read(struct arena *a, struct bytes text, struct journal *out);

/* One line of a connection's history; detail is cut to fit. */
struct bytes history_write(struct arena *a, const struct lk_attempt *attempt);
/* The texts are in a. */
bool history_read(struct arena *a, struct bytes line, struct lk_attempt *out);

#endif
