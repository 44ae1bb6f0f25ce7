/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_key.h - the data key, and the four places that can keep what opens it.
 *
 * vault.key (docs/VAULT.md section 3) holds the data key, wrapped: sealed under a
 * wrapping key that lives elsewhere. A source is one such elsewhere.
 *
 * Promises: a vault that has a key never gets another; a source that cannot be reached
 * is VAULT_LOCKED with what to do, and no other source is tried in its stead, save the
 * agent, which proves by `check` that it has the right one.
 */
#ifndef LATCHKEY_VAULT_KEY_H
#define LATCHKEY_VAULT_KEY_H

#include "vault/vault_backend.h"

#define KEY_WHERE_MAX ((size_t)1024)
#define KEY_BOX (24 + 32 + 16) /* nonce, data key, tag */

struct key_text {
	const struct key_source *source;
	char id[33];             /* of this vault: what a keyring finds it by */
	char where[KEY_WHERE_MAX]; /* as the source calls it, or "" */
	uint8_t salt[16];        /* passphrase: argon2id with these */
	uint64_t passes, memory;
	uint8_t check[16];       /* a digest under the data key */
	uint8_t box[KEY_BOX];
};

struct key_source {
	const char *word; /* in vault.key, and before the ':' of what is asked for */
	/* The wrapping key for a new vault; fills in what it wants to remember. */
	enum vault_result (*make)(struct key_text *t, const struct vault *v,
		const struct vault_ask *ask, uint8_t key[static 32], struct fault *f);
	/* The same again. */
	enum vault_result (*get)(const struct key_text *t, const struct vault_ask *ask,
		uint8_t key[static 32], struct fault *f);
	const char *place; /* format for key_place, with %s for `where` */
};

extern const struct key_source key_keyring, key_credential, key_file, key_passphrase;

/* Opens the vault's data key, or makes one; sets data_key and key_place. */
enum vault_result vault_key_open(struct vault *v, const char *asked,
	const struct vault_ask *ask, struct fault *f) must_check;

/* vault.key written, and read: pure. out holds VAULT_KEY_TEXT_MAX. */
struct bytes key_text_write(const struct key_text *t, char *out);
enum vault_result key_text_read(struct bytes text, struct key_text *out,
	struct fault *f) must_check;

/* The source of that word; NULL: there is none. */
const struct key_source *key_source_of(struct bytes word);

/* Is there a desktop keyring, and is it unlocked? Takes two seconds at most. */
bool key_keyring_open(void);
/* Is there a systemd credential of that name? */
bool key_credential_stands(const char *name);
/* Where a key file goes when nobody says: $XDG_CONFIG_HOME/latchkey/vault.key. */
enum vault_result key_file_default(char out[static KEY_WHERE_MAX], struct fault *f);
/* A wrapping key out of a file's content, whatever it is: at least 32 bytes. */
enum vault_result key_of_content(int dir, const char *name, const char *label,
	uint8_t key[static 32], struct fault *f) must_check;

#endif
