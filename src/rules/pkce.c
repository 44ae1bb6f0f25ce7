/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkce.c - RFC 7636, of which only S256 exists here (R1.1).
 */
#include "rules/pkce.h"

#include "crypto/digest.h"
#include "text/base64url.h"

_Static_assert(PKCE_CHALLENGE_SIZE == DIGEST_SIZE, "a challenge is a SHA-256 digest");

/* Section 4.1: code-verifier = 43*128unreserved */
bool
pkce_verifier_valid(struct bytes verifier)
{
	if (verifier.n < 43 || verifier.n > 128)
		return false;
	for (size_t i = 0; i < verifier.n; i++) {
		char c = verifier.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
			!(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_' &&
			c != '~')
			return false;
	}
	return true;
}

/* Section 4.2, and A-16: what is not canonical no verifier can ever match. */
bool
pkce_challenge_decode(struct bytes challenge, uint8_t out[static PKCE_CHALLENGE_SIZE])
{
	size_t n;

	return challenge.n == BASE64URL_SIZE(PKCE_CHALLENGE_SIZE) &&
		base64url_decode(challenge, out, PKCE_CHALLENGE_SIZE, &n) &&
		n == PKCE_CHALLENGE_SIZE;
}

/* Section 4.6: BASE64URL-ENCODE(SHA256(ASCII(code_verifier))), before encoding. */
void
pkce_challenge_of(struct bytes verifier, uint8_t out[static PKCE_CHALLENGE_SIZE])
{
	sha256(verifier, out);
}
