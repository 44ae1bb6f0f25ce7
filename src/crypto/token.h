/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - tokens and codes as numbered keys (DESIGN.md section 2).
 *
 * A grant token is  version+epoch 1 | grant id 16 | generation 4 | tag 16,
 * base64url, behind its prefix; the tag is an HMAC over kind and all of it.
 * A client token (client_credentials) is
 *   version+epoch 1 | client 8 | issued 5 | expires 5 | nonce 8 | scopes 2n | tag 16.
 *
 * Promises: what does not verify is refused before any store is asked; equal
 * input gives equal bytes, so nothing secret is kept for a retry; the store's
 * key of a grant is a digest from which its id cannot be had.
 */
#ifndef LATCHKEY_CRYPTO_TOKEN_H
#define LATCHKEY_CRYPTO_TOKEN_H

#include "base/bytes.h"
#include "crypto/digest.h"

#define GRANT_ID_SIZE 16
#define GRANT_KEY_SIZE 16
#define TOKEN_MAX 256     /* characters, prefix included */
#define TOKEN_MAX_SCOPES 32
#define TOKEN_EPOCHS 64   /* epoch is 6 bits, the version 2 */

enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH, TOKEN_CODE };
enum token_form { TOKEN_OF_GRANT = 1, TOKEN_OF_CLIENT = 2 };

/* The keys of all epochs; only those allowed are honoured, at first none. */
struct token_keys;
struct token_keys *token_keys_new(const uint8_t master[static 32]);
void token_keys_allow(struct token_keys *k, uint8_t epoch); /* any thread */
/* The newest epoch we have heard of: the one after it is honoured as well, for another
 * node may have begun it a moment ago. Before any thread reads. */
void token_keys_newest(struct token_keys *k, uint8_t epoch);
void token_keys_free(struct token_keys *k);

struct grant_token {
	uint8_t epoch;
	uint8_t id[GRANT_ID_SIZE];
	uint32_t generation;
};

struct client_token {
	uint8_t epoch;
	int64_t client;
	int64_t issued_at, expires_at;
	uint8_t nonce[8];
	uint16_t scopes[TOKEN_MAX_SCOPES];
	size_t scope_count;
};

struct token_text { char p[TOKEN_MAX]; size_t n; };

void grant_token_write(const struct token_keys *k, enum token_kind kind,
	const struct grant_token *t, struct token_text *out);
void client_token_write(const struct token_keys *k, const struct client_token *t,
	struct token_text *out);

enum token_read {
	TOKEN_IS_GRANT,
	TOKEN_IS_CLIENT,
	TOKEN_NOT_OURS,      /* prefix, alphabet, length or tag wrong */
	TOKEN_OF_OTHER_KIND, /* a true token of ours, but not of the kind asked for */
	TOKEN_EPOCH_RETIRED, /* an epoch that is no longer honoured */
};
struct token_any {
	enum token_kind kind;
	struct grant_token grant;
	struct client_token client;
};
/* Reads any kind; *out is set when TOKEN_IS_GRANT or TOKEN_IS_CLIENT. */
enum token_read token_read(const struct token_keys *k, struct bytes text,
	struct token_any *out);
/* Only of one kind; a true token of another is TOKEN_OF_OTHER_KIND. */
enum token_read token_read_kind(const struct token_keys *k, enum token_kind kind,
	struct bytes text, struct token_any *out);

/* The store's key of a grant: first 16 bytes of SHA-256 over a label and the id. */
void grant_key(const uint8_t id[static GRANT_ID_SIZE],
	uint8_t key[static GRANT_KEY_SIZE]);

#endif
