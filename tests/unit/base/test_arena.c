/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/arena.c. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "base/asan.h"
#include "tap.h"

static bool
all_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

TEST(everything_is_zeroed_and_aligned_at_any_size)
{
	struct arena *a = arena_new();

	for (size_t size = 0; size < 20000; size += 1 + size / 3) {
		unsigned char *p = arena_alloc(a, size);

		row("size %zu", size);
		check_int((int64_t)((uintptr_t)p % alignof(max_align_t)), 0);
		check(all_zero(p, size));
		memset(p, 0xA5, size);
	}
	arena_free(a);
}

TEST(things_do_not_overlap)
{
	struct arena *a = arena_new();
	unsigned char *things[200];

	for (size_t i = 0; i < 200; i++)
		memset(things[i] = arena_alloc(a, 100), (int)i, 100);
	for (size_t i = 0; i < 200; i++) {
		row("thing %zu", i);
		check_int(things[i][0], (int64_t)i);
		check_int(things[i][99], (int64_t)i);
	}
	arena_free(a);
}

TEST(a_reset_wipes_and_gives_everything_but_the_first_chunk_back)
{
	struct arena *a = arena_new();
	size_t fresh = arena_size(a);

	for (int round = 0; round < 3; round++) {
		unsigned char *p = arena_alloc(a, 1000);

		check(all_zero(p, 1000));
		memset(p, 0xFF, 1000);
		memset(arena_alloc(a, 300000), 0xFF, 300000);
		check(arena_size(a) > 300000);
		arena_reset(a);
		check_int((int64_t)arena_size(a), (int64_t)fresh);
	}
	arena_free(a);
}

TEST(octets_become_hexadecimal_digits)
{
	static const unsigned char octets[] = { 0x00, 0x0f, 0xa0, 0xff };
	struct arena *a = arena_new();

	check_str(arena_hex(a, octets, sizeof(octets)), "000fa0ff");
	check_str(arena_hex(a, octets, 0), "");
	arena_free(a);
}

TEST(copies_are_copies_and_end_in_nul)
{
	struct arena *a = arena_new();
	char text[] = "abc";
	struct bytes copy = arena_bytes(a, bytes_of(text));
	const char *cstr = arena_cstr(a, (struct bytes){ text, 2 });
	int *numbers = arena_copy(a, (int[]){ 7, 8 }, 2 * sizeof(int));

	text[0] = 'X';
	check_bytes(copy, B("abc"));
	check_int(copy.p[3], 0);
	check_str(cstr, "ab");
	check_int(numbers[1], 8);
	check_str(arena_cstr(a, NONE), "");
	check_str(arena_printf(a, "%s-%d", "x", 42), "x-42");
	check(arena_copy(a, NULL, 0) != NULL);
	arena_free(a);
}


TEST(a_reservation_is_had_at_once_zeroed_and_not_outgrown)
{
	struct arena *a = arena_reserve(1 << 20);
	size_t held = arena_size(a);

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 16; i++) {
			unsigned char *p = arena_alloc(a, (1 << 20) / 16);

			check(all_zero(p, (1 << 20) / 16));
			memset(p, 0xA5, (1 << 20) / 16);
		}
		check_int((int64_t)arena_size(a), (int64_t)held);
		arena_alloc(a, 1 << 20);
		check(arena_size(a) > held);
		arena_reset(a);
		check_int((int64_t)arena_size(a), (int64_t)held);
	}
	arena_free(a);
}

TEST(a_reservation_that_cannot_be_had_is_a_value)
{
	check(arena_reserve(SIZE_MAX) == NULL);
	if (!UNDER_ASAN && !UNDER_TSAN) /* which end the program at such a wish */
		check(arena_reserve(SIZE_MAX / 8) == NULL);
}
