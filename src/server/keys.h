/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - the master key of a data directory, and all that is derived from it.
 *
 * Promises: the master key is in one file of mode 0600 and nowhere else; it is
 * wiped from memory once the rest is derived, save for what makes token keys of
 * later epochs; a file that others may read, or the key of another
 * installation, is refused with a sentence.
 */
#ifndef LATCHKEY_SERVER_KEYS_H
#define LATCHKEY_SERVER_KEYS_H

#include "crypto/digest.h"
#include "crypto/seal.h"
#include "crypto/token.h"

struct keys {
	uint8_t token_master[32];       /* token keys of any epoch */
	struct mac_key *client_secret;  /* client_secret_digest */
	struct mac_key *retry;          /* digests of Idempotency-Key */
	struct seal_key transaction;    /* a pending authorisation, through the browser */
	struct seal_key form;           /* one-time form values */
	struct seal_key known;          /* which accounts signed in with a browser */
	uint8_t ticket_secret[32];      /* TLS session tickets */
	char check[65];                 /* hex: the fact "key_check" */
};

#define MASTER_KEY_SIZE 32

/* Writes a new random master key, mode 0600; refuses a file that exists. */
enum outcome keys_create(const char *path, struct fault *f) must_check;
/* path: the file, or NULL for $CREDENTIALS_DIRECTORY/master.key of systemd. */
enum outcome keys_open(const char *path, struct keys **out, struct fault *f) must_check;
void keys_derive(const uint8_t master[static MASTER_KEY_SIZE], struct keys *out);
void keys_free(struct keys *k); /* wiped; NULL is fine */
/* Is this the key with which the database was made? fact: its "key_check". */
enum outcome keys_belong(const struct keys *k, struct bytes fact, struct fault *f)
	must_check;

#endif
