/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.c - argon2id with the parameters OWASP names: t=2, 19 MiB, p=1.
 */
#include "crypto/password.h"

#include <errno.h>
#include <sodium.h>

#include "base/arena.h"

#define PASSES 2
#define MEMORY ((size_t)19 << 20)

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash fits");

enum outcome
password_hash(struct bytes password, char out[static PASSWORD_HASH_MAX],
	struct fault *f)
{
	char hash[crypto_pwhash_STRBYTES];

	if (password.n == 0 || password.n > PASSWORD_MAX)
		return REFUSED;
	if (crypto_pwhash_str(hash, password.p, password.n, PASSES, MEMORY) != 0)
		return FAULT_AT(f, "no %zu bytes to hash a password in", MEMORY);
	sodium_memzero(out, PASSWORD_HASH_MAX);
	for (size_t i = 0; hash[i] != '\0'; i++)
		out[i] = hash[i];
	return DONE;
}

/*
 * For a person who does not exist the hash below is worked through instead: it
 * costs the same (its salt and tag are random and nobody knows a password for it).
 */
bool
password_matches(struct bytes password, const char *hash)
{
	static const char nobody[] =
		"$argon2id$v=19$m=19456,t=2,p=1$+KRUphPvEEmnnnU9IIJdHA"
		"$A2EVjBi1yQAO9GmpKchWNLqb6/EWuaH7g5C7WzYhTG8";
	bool matches;

	if (password.n > PASSWORD_MAX)
		return false;
	if (password.n == 0)
		password = B(""); /* not NULL, which libsodium declares forbidden */
	errno = 0;
	matches = crypto_pwhash_str_verify(hash != NULL ? hash : nobody, password.p,
			  password.n) == 0;
	/* A wrong password and no memory to find out must not look the same. */
	if (!matches && errno == ENOMEM)
		out_of_memory(MEMORY);
	return matches && hash != NULL;
}
