/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - SHA-256 and HMAC-SHA-256 with everything fetched once.
 *
 * Promises: contexts are a thread's own and reused (0.3 us a MAC instead of
 * 1.5); nothing can fail after crypto_start.
 */
#ifndef LATCHKEY_CRYPTO_DIGEST_H
#define LATCHKEY_CRYPTO_DIGEST_H

#include "base/bytes.h"
#include "base/outcome.h"

#define DIGEST_SIZE 32

/* Once a process, before threads; the sentence is in *f. */
enum outcome crypto_start(struct fault *f) must_check;
/* Without crypto_start it is libsodium's, slower by half: nothing to start, no memory,
 * nothing that can fail, as a library needs it. */
void sha256(struct bytes message, uint8_t out[static DIGEST_SIZE]);
/* The longer ones, which only other people's signatures want; out has bits / 8. false:
 * out of memory. */
enum sha_bits { SHA_256 = 256, SHA_384 = 384, SHA_512 = 512 };
#define SHA_MAX 64
bool sha(enum sha_bits bits, struct bytes message, uint8_t out[static SHA_MAX]);

/* A keyed MAC; made once, used by any thread (each takes its own copy). */
struct mac_key;
struct mac_key *mac_key_new(const uint8_t key[static 32]);
void mac_key_free(struct mac_key *k);
void mac(const struct mac_key *k, const void *p, size_t n,
	uint8_t out[static DIGEST_SIZE]);

/* HKDF-SHA-256 (RFC 5869) expand of a 32-byte master; info is label | number. */
#define DERIVE_LABEL_MAX 96
void derive_key(const uint8_t master[static 32], const char *label, uint32_t number,
	uint8_t out[static 32]);

#endif
