/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault.key that is read is, written again, the same text: there is one way to say
 * it, and nothing in it that is not understood.
 */
#include "fuzz.h"
#include "vault/vault_key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	char again[VAULT_KEY_TEXT_MAX];
	struct key_text t;
	struct fault f;
	enum vault_result r = key_text_read(text, &t, &f);

	holds(r == VAULT_DONE || r == VAULT_DAMAGED);
	if (r == VAULT_DONE)
		holds(bytes_equal(key_text_write(&t, again), text));
	return 0;
}
