/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - what travels through a browser and must come back unread and
 * unchanged: XSalsa20-Poly1305 (libsodium secretbox), base64url.
 *
 * The purpose is part of the key, so that what was sealed for one use never
 * opens for another.
 */
#ifndef LATCHKEY_CRYPTO_SEAL_H
#define LATCHKEY_CRYPTO_SEAL_H

#include "base/arena.h"

struct seal_key { uint8_t bytes[32]; };

void seal_key_init(struct seal_key *k, const uint8_t master[static 32],
	const char *purpose);
struct bytes seal(struct arena *a, const struct seal_key *k, struct bytes plain);
/* false: not sealed by us for this purpose. */
bool unseal(struct arena *a, const struct seal_key *k, struct bytes text,
	struct bytes *plain);

#endif
