/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of crypto/password.c. */
#include "crypto/password.h"

#include <time.h>

#include "crypto/digest.h"
#include "tap.h"

__attribute__((constructor)) static void
begin(void)
{
	if (crypto_start(NULL) != DONE)
		abort();
}

TEST(the_right_password_matches_and_no_other)
{
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	struct fault f;

	check_int(password_hash(B("correct horse"), hash, &f), DONE);
	check_bytes(bytes_slice(bytes_of(hash), 0, 30), B("$argon2id$v=19$m=19456,t=2,p=1"));
	check(password_matches(B("correct horse"), hash));
	check(!password_matches(B("correct horsf"), hash));
	check(!password_matches(B("correct hors"), hash));
	check(!password_matches(B("correct horse\0"), hash));
	check(!password_matches(NONE, hash));
	check_int(password_hash(B("correct horse"), again, &f), DONE);
	check(strcmp(hash, again) != 0);
}

TEST(what_is_no_hash_matches_nothing)
{
	check(!password_matches(B("x"), ""));
	check(!password_matches(B("x"), "x"));
	check(!password_matches(B("x"), "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"));
}

TEST(the_length_of_a_password_has_bounds)
{
	static char longest[PASSWORD_MAX + 1];
	char hash[PASSWORD_HASH_MAX] = "untouched";
	struct fault f;

	memset(longest, 'p', sizeof(longest));
	check_int(password_hash(NONE, hash, &f), REFUSED);
	check_int(password_hash((struct bytes){ longest, sizeof(longest) }, hash, &f),
		REFUSED);
	check_str(hash, "untouched");
	check_int(password_hash((struct bytes){ longest, PASSWORD_MAX }, hash, &f), DONE);
	check(password_matches((struct bytes){ longest, PASSWORD_MAX }, hash));
	check(!password_matches((struct bytes){ longest, PASSWORD_MAX - 1 }, hash));
	check(!password_matches((struct bytes){ longest, sizeof(longest) }, hash));
}

/* Time of this thread alone: what else the machine does is not in it. */
static int64_t
thread_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		abort();
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
fastest_of_five(const char *hash)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t start = thread_us(), took;

		check(!password_matches(B("wrong"), hash));
		took = thread_us() - start;
		best = took < best ? took : best;
	}
	return best;
}

TEST(a_person_who_does_not_exist_takes_as_long)
{
	char hash[PASSWORD_HASH_MAX];
	struct fault f;
	int64_t known, unknown;

	check_int(password_hash(B("right"), hash, &f), DONE);
	known = fastest_of_five(hash);
	unknown = fastest_of_five(NULL);
	printf("# known %" PRId64 " us, unknown %" PRId64 " us\n", known, unknown);
	check(unknown >= known / 2 && known >= unknown / 2 && unknown > 2000);
}
