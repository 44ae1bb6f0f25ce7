/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/bytes.c. */
#include "base/bytes.h"

#include "base/arena.h"
#include "tap.h"

TEST(equality_is_of_octets_and_length)
{
	static const struct {
		struct bytes a, b;
		bool equal, nocase;
	} rows[] = {
		{ BI_NONE, BI_NONE, true, true },
		{ BI_NONE, BI(""), true, true },
		{ BI("a"), BI("a"), true, true },
		{ BI("a"), BI("A"), false, true },
		{ BI("aZ9"), BI("Az9"), false, true },
		{ BI("["), BI("{"), false, false },
		{ BI("@"), BI("`"), false, false },
		{ BI("a"), BI("ab"), false, false },
		{ BI("a\0b"), BI("a\0c"), false, false },
		{ BI("\xC3\xA4"), BI("\xC3\x84"), false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check_int(bytes_equal(rows[i].a, rows[i].b), rows[i].equal);
		check_int(bytes_equal_nocase(rows[i].a, rows[i].b), rows[i].nocase);
	}
}

TEST(the_order_is_that_of_octets)
{
	static const struct { struct bytes low, high; } rows[] = {
		{ BI_NONE, BI("a") },
		{ BI("a"), BI("b") },
		{ BI("a"), BI("aa") },
		{ BI("aa"), BI("b") },
		{ BI("Z"), BI("a") },
		{ BI("a\0"), BI("a\1") },
		{ BI("z"), BI("\xC3") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check(bytes_compare(rows[i].low, rows[i].high) < 0);
		check(bytes_compare(rows[i].high, rows[i].low) > 0);
		check_int(bytes_compare(rows[i].low, rows[i].low), 0);
	}
}

TEST(slices_are_clamped)
{
	check_bytes(bytes_slice(B("hello"), 1, 3), B("ell"));
	check_bytes(bytes_slice(B("hello"), 1, 300), B("ello"));
	check_bytes(bytes_slice(B("hello"), 9, 1), NONE);
	check_bytes(bytes_slice(B("hello"), 2, SIZE_MAX), B("llo"));
	check_bytes(bytes_slice(NONE, 1, 1), NONE);
}

TEST(prefix_suffix_and_index)
{
	check(bytes_starts(B("lk_at_x"), B("lk_at_")));
	check(bytes_starts(B("x"), NONE));
	check(!bytes_starts(B("lk"), B("lk_")));
	check(bytes_ends(B("a.json"), B(".json")));
	check(!bytes_ends(B("json"), B(".json")));
	check_int((int64_t)bytes_index(B("a=b=c"), '='), 1);
	check_int((int64_t)bytes_index(B("abc"), '='), 3);
	check_int((int64_t)bytes_index(NONE, '='), 0);
}

TEST(cutting_takes_a_text_apart_and_ends)
{
	struct bytes rest = B("a,,b");

	check_bytes(bytes_cut(&rest, ','), B("a"));
	check_bytes(bytes_cut(&rest, ','), B(""));
	check_bytes(bytes_cut(&rest, ','), B("b"));
	check(bytes_empty(rest));
	check_bytes(bytes_cut(&rest, ','), NONE);
	rest = NONE;
	check_bytes(bytes_cut(&rest, ','), NONE);
}

TEST(numbers_are_digits_only_and_do_not_overflow)
{
	static const struct {
		struct bytes text;
		bool good;
		uint64_t number;
	} rows[] = {
		{ BI("0"), true, 0 },
		{ BI("007"), true, 7 },
		{ BI("18446744073709551615"), true, UINT64_MAX },
		{ BI("18446744073709551616"), false, 0 },
		{ BI("99999999999999999999"), false, 0 },
		{ BI(""), false, 0 },
		{ BI("-1"), false, 0 },
		{ BI("+1"), false, 0 },
		{ BI(" 1"), false, 0 },
		{ BI("1 "), false, 0 },
		{ BI("0x1"), false, 0 },
		{ BI("1\0"), false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t number = 4711;

		row("%.*s", BYTES_FMT(rows[i].text));
		check_int(bytes_to_u64(rows[i].text, &number), rows[i].good);
		check(number == (rows[i].good ? rows[i].number : 4711));
	}
}

TEST(hexadecimal_is_of_either_case_and_exactly_as_long)
{
	static const char good[] = "0123456789abcdefABCDEF";
	uint8_t out[3] = { 0 };

	for (int c = 0; c < 256; c++) {
		const char *at = c != 0 ? strchr(good, c) : NULL;
		int value = at == NULL ? -1 : (int)(at - good);

		check_int(hex_digit((char)c), value > 15 ? value - 6 : value);
	}
	check(hex_read(B("00fFa7"), out, 3));
	check_int(out[0] << 16 | out[1] << 8 | out[2], 0x00FFA7);
	check(hex_read(NONE, out, 0));
	check(!hex_read(B("00fF"), out, 3));
	check(!hex_read(B("00fFa70"), out, 3));
	check(!hex_read(B("00fFg7"), out, 3));
	check(!hex_read(B("00fF 7"), out, 3));
}

TEST(a_buffer_grows_to_its_maximum_and_no_further)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 1000);

	for (int i = 0; i < 1000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	check(!b.failed);
	check_int((int64_t)b.n, 1000);
	check_int((int64_t)strlen(buf_cstr(&b)), 1000);
	buf_putc(&b, 'x');
	check(b.failed);
	check_int((int64_t)b.n, 1000);
	check(buf_cstr(&b) == NULL);
	check_int(b.p[0], 'a');
	check_int(b.p[999], 'a' + 999 % 26);
	arena_free(a);
}

TEST(failure_is_remembered_and_later_puts_are_ignored)
{
	char memory[4];
	struct buf b = buf_fixed(memory, sizeof(memory));

	buf_put(&b, B("abc"));
	buf_put(&b, B("de"));
	check(b.failed);
	buf_putc(&b, 'f');
	check_bytes(buf_bytes(&b), B("abc"));
}

TEST(fixed_memory_is_filled_to_the_last_byte)
{
	char memory[4];
	struct buf b = buf_fixed(memory, sizeof(memory));

	buf_put(&b, B("abc"));
	check_str(buf_cstr(&b), "abc");
	buf_putc(&b, 'd');
	check(!b.failed);
	check_bytes(buf_bytes(&b), B("abcd"));
	check(buf_cstr(&b) == NULL);
}

TEST(numbers_and_formats_are_appended)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 200);

	buf_putu(&b, 0);
	buf_putc(&b, ' ');
	buf_putu(&b, UINT64_MAX);
	buf_putc(&b, ' ');
	buf_puti(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_puti(&b, -7);
	buf_printf(&b, " %s/%d", "x", 5);
	buf_put(&b, NONE);
	check_bytes(buf_bytes(&b),
		B("0 18446744073709551615 -9223372036854775808 -7 x/5"));
	arena_free(a);
}

TEST(an_empty_buffer_is_an_empty_string)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 0);

	check_str(buf_cstr(&b), "");
	buf_printf(&b, "%s", "");
	check(!b.failed);
	buf_printf(&b, "%d", 1);
	check(b.failed);
	arena_free(a);
}
