/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of crypto/seal.c. */
#include "crypto/seal.h"

#include "crypto/digest.h"
#include "text/base64url.h"
#include "tap.h"

static const uint8_t master[32] = { 7 };
static struct seal_key session, other;
static struct arena *arena;

__attribute__((constructor)) static void
begin(void)
{
	if (crypto_start(NULL) != DONE)
		abort();
	arena = arena_new();
	seal_key_init(&session, master, "session");
	seal_key_init(&other, master, "other");
}

__attribute__((destructor)) static void
end(void)
{
	arena_free(arena);
}

TEST(what_was_sealed_opens)
{
	static char text[3000];

	for (size_t n = 0; n < sizeof(text); n = n * 2 + 1) {
		struct bytes plain = { text, n }, opened = NONE;

		memset(text, (int)n, n);
		row("%zu bytes", n);
		check(unseal(arena, &session, seal(arena, &session, plain), &opened));
		check_bytes(opened, plain);
	}
}

TEST(it_tells_nothing_and_is_never_the_same)
{
	struct bytes plain = B("a secret of sixteen");
	struct bytes one = seal(arena, &session, plain), two = seal(arena, &session, plain);
	uint8_t box[200];
	size_t n;

	check(!bytes_equal(one, two));
	check(base64url_decode(one, box, sizeof(box), &n));
	check(memmem(box, n, plain.p, plain.n) == NULL);
}

TEST(sealed_for_one_purpose_it_opens_for_no_other)
{
	struct seal_key stranger;
	struct bytes text = seal(arena, &session, B("x")), opened = B("untouched");
	static const uint8_t other_master[32] = { 8 };

	seal_key_init(&stranger, other_master, "session");
	check(!unseal(arena, &other, text, &opened));
	check(!unseal(arena, &stranger, text, &opened));
	check_bytes(opened, B("untouched"));
	check(unseal(arena, &session, text, &opened));
}

TEST(any_change_is_found)
{
	struct bytes text = seal(arena, &session, B("sixteen bytes xx")), opened;

	for (size_t bit = 0; bit < text.n * 8; bit++) {
		char *changed = arena_copy(arena, text.p, text.n);

		changed[bit / 8] = (char)(changed[bit / 8] ^ 1 << bit % 8);
		row("bit %zu", bit);
		check(!unseal(arena, &session, (struct bytes){ changed, text.n }, &opened));
	}
	for (size_t n = 0; n < text.n; n++) {
		row("cut to %zu", n);
		check(!unseal(arena, &session, bytes_slice(text, 0, n), &opened));
	}
	check(!unseal(arena, &session, NONE, &opened));
}
