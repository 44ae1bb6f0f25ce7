/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/pkce.c. */
#include "rules/pkce.h"

#include "crypto/digest.h"
#include "tap.h"

/* RFC 7636 appendix B, rulebook A3 */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define TEN "0123456789"

static void
start(void)
{
	struct fault f;

	if (crypto_start(&f) != DONE)
		abort();
}

TEST(appendix_b_of_rfc_7636)
{
	uint8_t decoded[PKCE_CHALLENGE_SIZE], computed[PKCE_CHALLENGE_SIZE];

	start();
	check(pkce_verifier_valid(B(VERIFIER)));
	check(pkce_challenge_decode(B(CHALLENGE), decoded));
	pkce_challenge_of(B(VERIFIER), computed);
	check_memory(computed, decoded, sizeof(decoded));
}

/* TC-02, R1.4 */
TEST(verifiers)
{
	static const struct { const char *verifier; bool valid; } rows[] = {
		{ VERIFIER, true },
		{ TEN TEN TEN TEN "ABC", true },
		{ TEN TEN TEN TEN "-._~xyz", true },
		{ TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "12345678", true },
		{ TEN TEN TEN TEN "AB", false },
		{ TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "123456789", false },
		{ TEN TEN TEN TEN "AB+", false },
		{ TEN TEN TEN TEN "AB/", false },
		{ TEN TEN TEN TEN "AB=", false },
		{ TEN TEN TEN TEN "AB ", false },
		{ TEN TEN TEN TEN "AB\xC3\xA4", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].verifier);
		check_int(pkce_verifier_valid(bytes_of(rows[i].verifier)),
			rows[i].valid);
	}
	check(!pkce_verifier_valid((struct bytes){ VERIFIER, sizeof(VERIFIER) }));
}

/* */
TEST(challenges)
{
	static const struct { const char *challenge; bool valid; } rows[] = {
		{ CHALLENGE, true },
		{ TEN TEN TEN TEN "-_A", true },
		{ CHALLENGE "=", false },
		{ TEN TEN TEN TEN "AA", false },
		{ TEN TEN TEN TEN "AAAA", false },
		{ TEN TEN TEN TEN "A+A", false },
		{ TEN TEN TEN TEN "A/A", false },
		{ TEN TEN TEN TEN "A A", false },
		{ "", false },
	};
	static const char last[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-_";
	uint8_t out[PKCE_CHALLENGE_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].challenge);
		check_int(pkce_challenge_decode(bytes_of(rows[i].challenge), out),
			rows[i].valid);
	}
	for (size_t i = 0; i < sizeof(last) - 1; i++) {
		char challenge[] = TEN TEN TEN TEN "AA?";

		challenge[42] = last[i];
		row("%s", challenge);
		check_int(pkce_challenge_decode(bytes_of(challenge), out),
			strchr("AEIMQUYcgkosw048", last[i]) != NULL);
	}
}
