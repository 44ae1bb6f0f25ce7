/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed record opens as what was sealed and as nothing else: whatever the file
 * holds, what opens is, sealed again, the same; and what is made out of the input opens
 * under its own name and kind only, and not at all once a bit of it has changed.
 */
#include <sodium.h>
#include <string.h>

#include "fuzz.h"
#include "vault/vault_seal.h"

#define NAME B("acme")
#define INPUT_MAX 4096

static uint8_t key[32]; /* of the seeds: 0, 1, 2 .. 31 */

static bool
opens(enum sealed_kind kind, struct bytes name, const uint8_t *sealed, size_t n,
	struct bytes *plain)
{
	static uint8_t copy[INPUT_MAX + SEALED_OVERHEAD];
	enum vault_result r;
	struct fault f;

	memcpy(copy, sealed, n);
	r = vault_unseal(key, kind, name, copy, n, plain, &f);
	holds(r == VAULT_DONE || r == VAULT_DAMAGED);
	return r == VAULT_DONE;
}

static void
what_opens_was_sealed(const uint8_t *data, size_t size)
{
	uint8_t again[INPUT_MAX + SEALED_OVERHEAD];
	struct bytes plain, twice;

	if (!opens(SEALED_RECORD, NAME, data, size, &plain))
		return;
	holds(plain.n + SEALED_OVERHEAD == size);
	vault_seal(key, SEALED_RECORD, NAME, plain, again);
	holds(memcmp(again, data, SEALED_HEAD) == 0);
	holds(opens(SEALED_RECORD, NAME, again, size, &twice));
	holds(!opens(SEALED_JOURNAL, NAME, data, size, &twice));
	holds(!opens(SEALED_RECORD, B("acm"), data, size, &twice));
}

/* The first octets say which bit is changed. */
static void
made_of_the_input(const uint8_t *data, size_t size)
{
	uint8_t sealed[INPUT_MAX + SEALED_OVERHEAD];
	struct bytes in = { (const char *)data, size }, plain;
	size_t n = size + SEALED_OVERHEAD, bit;

	if (size < 4)
		return;
	vault_seal(key, SEALED_ATTEMPT, NAME, in, sealed);
	holds(opens(SEALED_ATTEMPT, NAME, sealed, n, &plain) && bytes_equal(plain, in));
	holds(!opens(SEALED_RECORD, NAME, sealed, n, &plain));
	holds(!opens(SEALED_ATTEMPT, NAME, sealed, n - 1, &plain));
	bit = ((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % (n * 8);
	sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
	holds(!opens(SEALED_ATTEMPT, NAME, sealed, n, &plain));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	holds(sodium_init() >= 0);
	for (uint8_t i = 0; i < 32; i++)
		key[i] = i;
	if (size > INPUT_MAX)
		return 0;
	what_opens_was_sealed(data, size);
	made_of_the_input(data, size);
	return 0;
}
