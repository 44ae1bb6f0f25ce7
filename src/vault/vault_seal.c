/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_seal.c - head, nonce, ciphertext and tag; the head and the name are what the
 * tag also covers.
 */
#include "vault/vault_seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "vault/vault_backend.h"

#define MAGIC "LKVAULT"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#define VERSION 1
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SEALED_HEAD == MAGIC_SIZE + 2, "the head is magic, version and kind");
_Static_assert(SEALED_OVERHEAD == SEALED_HEAD + NONCE + TAG, "and no more is added");

/* What is authenticated beside the secret: the head and the name. */
struct beside {
	uint8_t bytes[SEALED_HEAD + VAULT_NAME_MAX];
	size_t n;
};

static struct beside
beside(enum sealed_kind kind, struct bytes name)
{
	struct beside b = { .bytes = MAGIC, .n = SEALED_HEAD + name.n };

	assert(name.n <= VAULT_NAME_MAX); /* every door checks names */
	b.bytes[MAGIC_SIZE] = VERSION;
	b.bytes[MAGIC_SIZE + 1] = (uint8_t)kind;
	if (name.n > 0)
		memcpy(b.bytes + SEALED_HEAD, name.p, name.n);
	return b;
}

void
vault_seal(const uint8_t key[static 32], enum sealed_kind kind, struct bytes name,
	struct bytes plain, uint8_t *out)
{
	struct beside b = beside(kind, name);
	uint8_t *nonce = out + SEALED_HEAD;

	memcpy(out, b.bytes, SEALED_HEAD);
	secret_random(nonce, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE, NULL,
		(const uint8_t *)plain.p, plain.n, b.bytes, b.n, NULL, nonce, key);
}

enum vault_result
vault_unseal(const uint8_t key[static 32], enum sealed_kind kind, struct bytes name,
	uint8_t *sealed, size_t n, struct bytes *plain, struct fault *f)
{
	struct beside b = beside(kind, name);
	uint8_t *nonce = sealed + SEALED_HEAD;

	if (n < SEALED_OVERHEAD || !secret_equal(sealed, MAGIC, MAGIC_SIZE))
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"what is kept for %.*s is cut short "
			"or is not the vault's",
			BYTES_FMT(name));
	if (sealed[MAGIC_SIZE] > VERSION)
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"%.*s was written by a newer version "
			"of Latchkey (format %d): install that one",
			BYTES_FMT(name), sealed[MAGIC_SIZE]);
	if (!secret_equal(sealed, b.bytes, SEALED_HEAD) ||
		crypto_aead_xchacha20poly1305_ietf_decrypt(nonce + NONCE, NULL, NULL,
			nonce + NONCE, n - SEALED_HEAD - NONCE, b.bytes, b.n, nonce,
			key) != 0)
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"what is kept for %.*s is not what "
			"was written: it was changed, or moved here from another name",
			BYTES_FMT(name));
	*plain = (struct bytes){ (const char *)nonce + NONCE, n - SEALED_OVERHEAD };
	return VAULT_DONE;
}
