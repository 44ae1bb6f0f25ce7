/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - nonce 24 | secretbox(plain), as base64url.
 *
 * The nonce is random: 192 bits are enough for that (libsodium's advice).
 */
#include "crypto/seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/digest.h"
#include "text/base64url.h"

#define NONCE crypto_secretbox_NONCEBYTES
#define OVERHEAD (NONCE + crypto_secretbox_MACBYTES)

_Static_assert(sizeof(struct seal_key) == crypto_secretbox_KEYBYTES, "one key");

void
seal_key_init(struct seal_key *k, const uint8_t master[static 32], const char *purpose)
{
	char label[DERIVE_LABEL_MAX];
	struct buf b = buf_fixed(label, sizeof(label));
	const char *whole;

	buf_put(&b, B("latchkey seal "));
	buf_put(&b, bytes_of(purpose));
	whole = buf_cstr(&b);
	assert(whole != NULL); /* purposes are literals of ours */
	derive_key(master, whole, 0, k->bytes);
}

struct bytes
seal(struct arena *a, const struct seal_key *k, struct bytes plain)
{
	size_t n = OVERHEAD + plain.n;
	uint8_t *box = arena_alloc(a, n);
	char *text = arena_alloc(a, BASE64URL_SIZE(n));

	secret_random(box, NONCE);
	crypto_secretbox_easy(box + NONCE, (const uint8_t *)plain.p, plain.n, box,
		k->bytes);
	return (struct bytes){ text, base64url_encode(box, n, text) };
}

bool
unseal(struct arena *a, const struct seal_key *k, struct bytes text,
	struct bytes *plain)
{
	uint8_t *box = arena_alloc(a, text.n);
	uint8_t *opened;
	size_t n;

	if (!base64url_decode(text, box, text.n, &n) || n < OVERHEAD)
		return false;
	opened = arena_alloc(a, n - OVERHEAD + 1);
	if (crypto_secretbox_open_easy(opened, box + NONCE, n - NONCE, box,
		    k->bytes) != 0)
		return false;
	*plain = (struct bytes){ (const char *)opened, n - OVERHEAD };
	return true;
}
