/* SPDX-License-Identifier: Apache-2.0 */
/* A challenge has one spelling; a verifier's challenge is one that is accepted. */
#include <string.h>

#include "crypto/digest.h"
#include "fuzz.h"
#include "rules/pkce.h"
#include "text/base64url.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	uint8_t challenge[PKCE_CHALLENGE_SIZE], again[PKCE_CHALLENGE_SIZE];
	char spelled[BASE64URL_SIZE(PKCE_CHALLENGE_SIZE)];
	struct bytes spelling = { spelled, sizeof(spelled) };
	struct fault f;

	holds(crypto_start(&f) == DONE);
	if (pkce_challenge_decode(text, challenge)) {
		base64url_encode(challenge, sizeof(challenge), spelled);
		holds(bytes_equal(text, spelling));
	}
	if (pkce_verifier_valid(text)) {
		holds(size >= 43 && size <= 128);
		pkce_challenge_of(text, challenge);
		base64url_encode(challenge, sizeof(challenge), spelled);
		holds(pkce_challenge_decode(spelling, again));
		holds(memcmp(challenge, again, sizeof(again)) == 0);
	}
	return 0;
}
