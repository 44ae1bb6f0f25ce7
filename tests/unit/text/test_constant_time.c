/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No branch and no address depends on a secret: run under valgrind, which is
 * told that the secrets are uninitialised and so complains of any use of them
 * that shows outside. Without valgrind this only tests that it works.
 */
#include <valgrind/memcheck.h>

#include "base/secret.h"
#include "text/base64url.h"
#include "tap.h"

#define SECRET 37 /* a grant token's bytes; no multiple of three */

/* A result is public: whoever asks may branch on it. */
static bool
public(bool result)
{
	VALGRIND_MAKE_MEM_DEFINED(&result, sizeof(result));
	return result;
}

TEST(a_secret_is_encoded_decoded_and_compared_unseen)
{
	unsigned char secret[SECRET], decoded[SECRET];
	char text[BASE64URL_SIZE(SECRET)];
	size_t length, n = 0;

	secret_random(secret, sizeof(secret));
	VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof(secret));
	length = base64url_encode(secret, sizeof(secret), text);
	check(public(base64url_decode((struct bytes){ text, length }, decoded,
		sizeof(decoded), &n)));
	check_int((int64_t)n, SECRET);
	check(public(secret_equal(secret, decoded, sizeof(secret))));
}

TEST(a_secret_that_is_wrong_takes_the_same_way)
{
	unsigned char one[SECRET], other[SECRET];
	char text[BASE64URL_SIZE(SECRET)];
	size_t n;

	memset(text, '!', sizeof(text));
	memset(one, 1, sizeof(one));
	memset(other, 2, sizeof(other));
	VALGRIND_MAKE_MEM_UNDEFINED(text, sizeof(text));
	VALGRIND_MAKE_MEM_UNDEFINED(one, sizeof(one));
	check(!public(base64url_decode((struct bytes){ text, sizeof(text) }, one,
		sizeof(one), &n)));
	check(!public(secret_equal(one, other, sizeof(one))));
}
