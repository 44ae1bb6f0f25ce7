/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - SHA-256 and HMAC by OpenSSL's EVP, without its price.
 *
 * Fetching an algorithm and making a context costs more than hashing a token.
 * So algorithms are fetched once, and each thread keeps its contexts: one for
 * SHA-256, and a few keyed ones, found by the key's serial number. A serial is
 * never used again, so a context can never be taken for another key's.
 */
#include "crypto/digest.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"

#define KEPT 16 /* keyed contexts a thread keeps; more keys only cost time */

struct mac_key {
	uint64_t serial; /* from 1 */
	EVP_MAC_CTX *keyed; /* never used itself: threads copy it */
};

struct contexts {
	EVP_MD_CTX *hash;
	struct {
		uint64_t serial;
		EVP_MAC_CTX *keyed;
	} kept[KEPT];
};

static EVP_MD *sha256_algorithm;
static EVP_MAC *hmac_algorithm;
static pthread_key_t at_thread_end;
static _Thread_local struct contexts *mine;

/* Out of memory, or OpenSSL is broken: nothing that could be answered. */
static void
must(bool worked)
{
	if (worked)
		return;
	fprintf(stderr, "latchkey: OpenSSL failed: %s\n",
		ERR_reason_error_string(ERR_peek_last_error()));
	abort();
}

static void
contexts_free(void *p)
{
	struct contexts *c = p;

	EVP_MD_CTX_free(c->hash);
	for (size_t i = 0; i < KEPT; i++)
		EVP_MAC_CTX_free(c->kept[i].keyed);
	free(c);
	mine = NULL;
}

enum outcome
crypto_start(struct fault *f)
{
	if (sodium_init() < 0)
		return FAULT_AT(f, "libsodium could not be initialised");
	if (sha256_algorithm != NULL)
		return DONE;
	if (pthread_key_create(&at_thread_end, contexts_free) != 0)
		return FAULT_AT(f, "no thread key for the digest contexts");
	sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	hmac_algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (sha256_algorithm == NULL || hmac_algorithm == NULL)
		return FAULT_AT(f, "OpenSSL has no SHA-256 or no HMAC: %s",
			ERR_reason_error_string(ERR_peek_last_error()));
	return DONE;
}

static struct contexts *
contexts(void)
{
	if (mine != NULL)
		return mine;
	mine = must_calloc(1, sizeof(*mine));
	mine->hash = EVP_MD_CTX_new();
	must(mine->hash != NULL && pthread_setspecific(at_thread_end, mine) == 0);
	return mine;
}

void
sha256(struct bytes message, uint8_t out[static DIGEST_SIZE])
{
	EVP_MD_CTX *hash;

	if (sha256_algorithm == NULL) {
		crypto_hash_sha256(out, (const unsigned char *)message.p, message.n);
		return;
	}
	hash = contexts()->hash;
	must(EVP_DigestInit_ex2(hash, sha256_algorithm, NULL) == 1 &&
		EVP_DigestUpdate(hash, message.p, message.n) == 1 &&
		EVP_DigestFinal_ex(hash, out, NULL) == 1);
}

bool
sha(enum sha_bits bits, struct bytes message, uint8_t out[static SHA_MAX])
{
	const unsigned char *p = (const unsigned char *)message.p;

	switch (bits) {
	case SHA_256:
		return crypto_hash_sha256(out, p, message.n) == 0;
	case SHA_384:
		return EVP_Digest(p, message.n, out, NULL, EVP_sha384(), NULL) == 1;
	case SHA_512:
		return crypto_hash_sha512(out, p, message.n) == 0;
	}
	return false;
}

struct mac_key *
mac_key_new(const uint8_t key[static 32])
{
	static atomic_uint_least64_t last_serial;
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	struct mac_key *k = must_calloc(1, sizeof(*k));

	assert(hmac_algorithm != NULL); /* crypto_start comes first */
	k->serial = atomic_fetch_add(&last_serial, 1) + 1;
	k->keyed = EVP_MAC_CTX_new(hmac_algorithm);
	must(k->keyed != NULL && EVP_MAC_init(k->keyed, key, 32, parameters) == 1);
	return k;
}

void
mac_key_free(struct mac_key *k)
{
	if (k == NULL)
		return;
	EVP_MAC_CTX_free(k->keyed);
	free(k);
}

/* This thread's context for the key; copied from the key when it is not kept. */
static EVP_MAC_CTX *
keyed_context(const struct mac_key *k)
{
	struct contexts *c = contexts();
	size_t slot = k->serial % KEPT;

	if (c->kept[slot].serial != k->serial) {
		EVP_MAC_CTX_free(c->kept[slot].keyed);
		c->kept[slot].keyed = EVP_MAC_CTX_dup(k->keyed);
		c->kept[slot].serial = k->serial;
		must(c->kept[slot].keyed != NULL);
	}
	return c->kept[slot].keyed;
}

void
mac(const struct mac_key *k, const void *p, size_t n, uint8_t out[static DIGEST_SIZE])
{
	EVP_MAC_CTX *keyed = keyed_context(k);

	/* No key given: start again with the one it has. */
	must(EVP_MAC_init(keyed, NULL, 0, NULL) == 1 &&
		EVP_MAC_update(keyed, p, n) == 1 &&
		EVP_MAC_final(keyed, out, NULL, DIGEST_SIZE) == 1);
}

void
derive_key(const uint8_t master[static 32], const char *label, uint32_t number,
	uint8_t out[static 32])
{
	/*
	 * RFC 5869 section 2.3 with L = 32: T(1) = HMAC(PRK, info | 0x01). The
	 * master is uniformly random, so there is nothing to extract (section 3.3).
	 * info is label | number; the number's size is fixed, so no two pairs meet.
	 */
	char info[DERIVE_LABEL_MAX + 5];
	struct buf b = buf_fixed(info, sizeof(info));
	struct mac_key *k = mac_key_new(master);

	buf_put(&b, bytes_of(label));
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(&b, (char)(number >> shift));
	buf_putc(&b, 1);
	assert(!b.failed); /* labels are literals of ours */
	mac(k, b.p, b.n, out);
	mac_key_free(k);
}
