/* SPDX-License-Identifier: Apache-2.0 */
/* pkce.h - RFC 7636, S256 only (R1.1 to R1.5). */
#ifndef LATCHKEY_RULES_PKCE_H
#define LATCHKEY_RULES_PKCE_H

#include "base/bytes.h"

#define PKCE_CHALLENGE_SIZE 32

/* 43 to 128 characters of the unreserved set (TC-02). */
bool pkce_verifier_valid(struct bytes verifier);
/* 43 characters, canonical base64url; out gets the 32 bytes. */
bool pkce_challenge_decode(struct bytes challenge,
	uint8_t out[static PKCE_CHALLENGE_SIZE]);
/* SHA-256 of the verifier's ASCII, which a stored challenge must equal. */
void pkce_challenge_of(struct bytes verifier, uint8_t out[static PKCE_CHALLENGE_SIZE]);

#endif
