/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pages/logo.c: R4.1, U-03. */
#include "pages/logo.h"

#include "tap.h"

#define PNG "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR"
#define PNG_REST "\x08\x02\0\0\0\0\0\0\0"
#define APP0 "\xFF\xE0\0\x04xx"
#define FRAME(marker, height, width) "\xFF" marker "\0\x11\x08" height width "\x03"

TEST(a_picture_is_known_by_what_is_in_it)
{
	static const struct {
		struct bytes file, type;
		uint32_t width, height;
	} rows[] = {
		{ BI(PNG "\0\0\0\x60\0\0\0\x40" PNG_REST), BI("image/png"), 96, 64 },
		{ BI("\xFF\xD8" APP0 FRAME("\xC0", "\0\x40", "\0\x60")),
			BI("image/jpeg"), 96, 64 },
		{ BI("\xFF\xD8" APP0 "\xFF" FRAME("\xC2", "\x02\0", "\x02\0")),
			BI("image/jpeg"), 512, 512 },
		/* Huffman tables (C4) are no frame, though their marker is between */
		{ BI("\xFF\xD8\xFF\xC4\0\x04xx" FRAME("\xC1", "\0\x40", "\0\x40")),
			BI("image/jpeg"), 64, 64 },
		{ BI("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9D\x01\x2A\x40\x40\x60\0"),
			BI("image/webp"), 64, 96 },
		{ BI("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2F\x3F\xC0\x0F\0\0\0\0\0\0"),
			BI("image/webp"), 64, 64 },
		{ BI("RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x3F\0\0\x5F\0\0"),
			BI("image/webp"), 64, 96 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes type = NONE;
		uint32_t width = 0, height = 0;
		const char *what = "";

		row("%zu %s", i, what);
		if (!check(logo_check(rows[i].file, &type, &width, &height, &what)))
			printf("# %s\n", what);
		check_bytes(type, rows[i].type);
		check_int(width, rows[i].width);
		check_int(height, rows[i].height);
	}
}

TEST(what_is_no_such_picture_is_refused_with_a_sentence)
{
	static const struct {
		struct bytes file;
		const char *says;
	} rows[] = {
		{ BI_NONE, "not a PNG" },
		{ BI("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), "SVG" },
		{ BI("<?xml version=\"1.0\"?><svg/>"), "SVG" },
		{ BI("GIF89a\x40\0\x40\0"), "not a PNG" },
		{ BI("\x89PNG\r\n\x1A\n"), "damaged" },
		{ BI("\x89PNG\r\n\x1A\n\0\0\0\x0DIDAT\0\0\0\x40\0\0\0\x40" PNG_REST),
			"damaged" },
		{ BI(PNG "\0\0\0\x10\0\0\0\x10" PNG_REST), "48 to 2048" },
		{ BI(PNG "\0\0\x08\x01\0\0\0\x40" PNG_REST), "48 to 2048" },
		{ BI(PNG "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF" PNG_REST), "48 to 2048" },
		{ BI("\xFF\xD8\xFF"), "damaged" },
		{ BI("\xFF\xD8" APP0 APP0), "damaged" },
		{ BI("\xFF\xD8\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
			"damaged" },
		{ BI("RIFF\0\0\0\0WEBP"), "damaged" },
		{ BI("RIFF\0\0\0\0WEBPVP9 \0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "damaged" },
		{ BI("RIFF\0\0\0\0WAVEfmt "), "not a PNG" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes type = B("untouched");
		uint32_t width = 1, height = 2;
		const char *what = "";

		row("%zu", i);
		check(!logo_check(rows[i].file, &type, &width, &height, &what));
		check(strstr(what, rows[i].says) != NULL);
		check_bytes(type, B("untouched"));
		check_int(width, 1);
	}
}

TEST(a_file_too_large_is_refused_whatever_it_is)
{
	static char large[LOGO_MAX + 1] = PNG "\0\0\0\x60\0\0\0\x40" PNG_REST;
	struct bytes type;
	uint32_t width, height;
	const char *what = "";

	check(logo_check(
		(struct bytes){ large, LOGO_MAX }, &type, &width, &height, &what));
	check(!logo_check((struct bytes){ large, LOGO_MAX + 1 }, &type, &width, &height,
		&what));
	check(strstr(what, "256 KiB") != NULL);
}

TEST(square_is_within_two_per_cent)
{
	check(logo_is_square(512, 512));
	check(logo_is_square(100, 98));
	check(!logo_is_square(100, 97));
	check(!logo_is_square(97, 100));
}
