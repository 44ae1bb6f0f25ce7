/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.h - people's passwords: argon2id by libsodium (t=2, 19 MiB, p=1).
 * Slow on purpose (11 ms): never on an event loop.
 */
#ifndef LATCHKEY_CRYPTO_PASSWORD_H
#define LATCHKEY_CRYPTO_PASSWORD_H

#include "base/bytes.h"
#include "base/outcome.h"

#define PASSWORD_HASH_MAX 128
#define PASSWORD_MAX 1024 /* bytes */

/* REFUSED: empty, or longer than PASSWORD_MAX. */
enum outcome password_hash(struct bytes password, char out[static PASSWORD_HASH_MAX],
	struct fault *f) must_check;
/* hash NULL: works as long as ever and says false (unknown user). */
bool password_matches(struct bytes password, const char *hash);

#endif
