/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_passphrase.c - a wrapping key out of what a person knows: argon2id (RFC 9106) by
 * libsodium, 256 MiB and three passes, about a second. Salt and cost are in vault.key.
 */
#include <sodium.h>

#include "base/secret.h"
#include "vault/vault_key.h"

#define PASSPHRASE_MIN ((size_t)8)
#define PASSPHRASE_MAX ((size_t)1024)

static enum vault_result
derive(const struct key_text *t, struct bytes text, uint8_t key[static 32],
	struct fault *f)
{
	if (crypto_pwhash(key, 32, text.p, text.n, t->salt, t->passes,
		    (size_t)t->memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return VAULT_FAIL(f, VAULT_MEMORY,
			"no %ju MiB of memory to turn a "
			"passphrase into a key",
			(uintmax_t)(t->memory >> 20));
	return VAULT_DONE;
}

/* Asks, derives, wipes. */
static enum vault_result
from_person(const struct key_text *t, const struct vault_ask *ask, bool twice,
	uint8_t key[static 32], struct fault *f)
{
	char text[PASSPHRASE_MAX];
	size_t n = sizeof(text);
	enum vault_result r;

	if (ask == NULL || ask->passphrase == NULL)
		return VAULT_FAIL(f, VAULT_LOCKED,
			"the vault is locked by a passphrase and "
			"nobody can be asked here: start `latchkey agent` at a "
			"terminal");
	if (!ask->passphrase(ask->arg, twice, text, &n) || n > sizeof(text))
		r = VAULT_FAIL(f, VAULT_LOCKED, "no passphrase was given");
	else if (twice && n < PASSPHRASE_MIN)
		r = VAULT_FAIL(f, VAULT_LOCKED,
			"a passphrase needs %zu characters at least", PASSPHRASE_MIN);
	else
		r = derive(t, (struct bytes){ text, n }, key, f);
	secret_wipe(text, sizeof(text));
	return r;
}

static enum vault_result
passphrase_make(struct key_text *t, const struct vault *v, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	(void)v;
	secret_random(t->salt, sizeof(t->salt));
	t->passes = crypto_pwhash_OPSLIMIT_MODERATE;
	t->memory = crypto_pwhash_MEMLIMIT_MODERATE;
	return from_person(t, ask, true, key, f);
}

static enum vault_result
passphrase_get(const struct key_text *t, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	if (t->passes == 0)
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"vault.key does not say how its "
			"passphrase becomes a key: bring it back from a copy");
	return from_person(t, ask, false, key, f);
}

const struct key_source key_passphrase = {
	.word = "passphrase",
	.make = passphrase_make,
	.get = passphrase_get,
	.place = "passphrase",
};
