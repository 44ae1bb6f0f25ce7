/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_seal.h - how what is kept becomes bytes that only the data key opens:
 * XChaCha20-Poly1305 (libsodium), a random nonce of 192 bits every time.
 *
 * Promises: what was sealed as one kind under one name opens as that and nothing
 * else, because kind, name and version are authenticated with it. What does not open
 * is VAULT_DAMAGED with a sentence. Pure: docs/VAULT.md section 2 is this file.
 */
#ifndef LATCHKEY_VAULT_SEAL_H
#define LATCHKEY_VAULT_SEAL_H

#include "vault/vault.h"

enum sealed_kind { SEALED_RECORD = 1, SEALED_JOURNAL = 2, SEALED_ATTEMPT = 3 };

/* magic 7 | version 1 | kind 1 | nonce 24 | ciphertext | tag 16 */
#define SEALED_HEAD 9
#define SEALED_OVERHEAD (SEALED_HEAD + 24 + 16)

/* Writes plain.n + SEALED_OVERHEAD bytes to out; name is at most VAULT_NAME_MAX. */
void vault_seal(const uint8_t key[static 32], enum sealed_kind kind, struct bytes name,
	struct bytes plain, uint8_t *out);
/* Opens n bytes where they lie; *plain is a view of them. */
enum vault_result vault_unseal(const uint8_t key[static 32], enum sealed_kind kind,
	struct bytes name, uint8_t *sealed, size_t n, struct bytes *plain,
	struct fault *f) must_check;

#endif
