/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/utf8.c. */
#include "text/utf8.h"

#include "tap.h"

TEST(rfc_3629_and_the_control_characters)
{
	static const struct {
		struct bytes b;
		bool valid, text;
	} rows[] = {
		{ BI_NONE, true, true },
		{ BI("plain ~"), true, true },
		{ BI("\xC2\xA3"), true, true },
		{ BI("\xE2\x82\xAC"), true, true },
		{ BI("\xF0\x9F\x94\x91"), true, true },
		{ BI("\xED\x9F\xBF\xEE\x80\x80"), true, true },
		{ BI("\xF4\x8F\xBF\xBF"), true, true },
		{ BI("\0"), true, false },
		{ BI("\x1F"), true, false },
		{ BI("\n"), true, false },
		{ BI("\x7F"), true, false },
		{ BI("\xC2\x80"), true, false },
		{ BI("\xC2\x9F"), true, false },
		{ BI("\xC2\xA0"), true, true },
		{ BI("\x80"), false, false },
		{ BI("\xC0\x80"), false, false },
		{ BI("\xC1\xBF"), false, false },
		{ BI("\xE0\x9F\xBF"), false, false },
		{ BI("\xED\xA0\x80"), false, false },
		{ BI("\xF0\x8F\xBF\xBF"), false, false },
		{ BI("\xF4\x90\x80\x80"), false, false },
		{ BI("\xF5\x80\x80\x80"), false, false },
		{ BI("\xFF"), false, false },
		{ BI("\xC2"), false, false },
		{ BI("\xE2\x82"), false, false },
		{ BI("\xE2\x82\x28"), false, false },
		{ BI("\xF0\x9F\x94"), false, false },
		{ BI("\xC2\x41"), false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check_int(utf8_valid(rows[i].b), rows[i].valid);
		check_int(utf8_text(rows[i].b), rows[i].text);
	}
}

/* Counted from the definition: 0x110000 code points less 0x800 surrogates. */
TEST(every_code_point_has_one_encoding)
{
	int64_t valid[5] = { 0 };

	for (uint32_t v = 0; v < 0x1000000; v++) {
		char p[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };

		for (size_t n = 1; n <= 3; n++) {
			bool rest_is_zero = (v & ((1u << (24 - 8 * n)) - 1)) == 0;

			if (rest_is_zero && utf8_sequence((struct bytes){ p, n }) == n)
				valid[n]++;
		}
	}
	check_int(valid[1], 0x80);
	check_int(valid[2], 0x800 - 0x80);
	check_int(valid[3], 0x10000 - 0x800 - 0x800);
	for (uint32_t v = 0; v < 1u << 24; v++) {
		char p[4] = { (char)(0xF0 | v >> 18), (char)(0x80 | (v >> 12 & 63)),
			(char)(0x80 | (v >> 6 & 63)), (char)(0x80 | (v & 63)) };

		valid[4] += v >> 18 < 8 && utf8_sequence((struct bytes){ p, 4 }) == 4;
	}
	check_int(valid[4], 0x100000);
}
