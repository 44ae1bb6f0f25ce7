/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logo.c - the headers of three picture formats.
 */
#include "pages/logo.h"

struct size {
	uint32_t width, height;
};

static uint32_t
big(struct bytes b, size_t from, size_t n)
{
	uint32_t number = 0;

	for (size_t i = from; i < from + n; i++)
		number = number << 8 | (unsigned char)b.p[i];
	return number;
}

static uint32_t
little(struct bytes b, size_t from, size_t n)
{
	uint32_t number = 0;

	for (size_t i = n; i-- > 0;)
		number = number << 8 | (unsigned char)b.p[from + i];
	return number;
}

/* The header chunk comes first: length, "IHDR", width, height. */
static bool
png_size(struct bytes b, struct size *out)
{
	if (b.n < 33 || !bytes_equal(bytes_slice(b, 12, 4), B("IHDR")))
		return false;
	*out = (struct size){ big(b, 16, 4), big(b, 20, 4) };
	return true;
}

/* SOF0..SOF15 say the size; C4, C8 and CC are other things in that range. */
static bool
jpeg_is_frame(uint32_t marker)
{
	return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
		marker != 0xCC;
}

static bool
jpeg_size(struct bytes b, struct size *out)
{
	size_t at = 2;

	while (at + 9 <= b.n && big(b, at, 1) == 0xFF) {
		uint32_t marker = big(b, at + 1, 1);

		if (marker == 0xFF) { /* fill */
			at++;
			continue;
		}
		if (jpeg_is_frame(marker)) {
			*out = (struct size){ big(b, at + 7, 2), big(b, at + 5, 2) };
			return true;
		}
		at += 2 + big(b, at + 2, 2);
	}
	return false;
}

/* Three kinds of first chunk: lossy, lossless, extended. */
static bool
webp_size(struct bytes b, struct size *out)
{
	struct bytes kind = bytes_slice(b, 12, 4);

	if (b.n < 30)
		return false;
	if (bytes_equal(kind, B("VP8 "))) {
		*out = (struct size){ little(b, 26, 2) & 0x3FFF,
			little(b, 28, 2) & 0x3FFF };
		return true;
	}
	if (bytes_equal(kind, B("VP8L")) && big(b, 20, 1) == 0x2F) {
		uint32_t packed = little(b, 21, 4);

		*out = (struct size){ (packed & 0x3FFF) + 1,
			(packed >> 14 & 0x3FFF) + 1 };
		return true;
	}
	if (bytes_equal(kind, B("VP8X"))) {
		*out = (struct size){ little(b, 24, 3) + 1, little(b, 27, 3) + 1 };
		return true;
	}
	return false;
}

static bool
is_webp(struct bytes b)
{
	return bytes_starts(b, B("RIFF")) &&
		bytes_equal(bytes_slice(b, 8, 4), B("WEBP"));
}

/* The type by its first bytes, and the function that knows the rest; NULL: neither. */
static bool (*sniff(struct bytes b, struct bytes *type))(struct bytes, struct size *)
{
	if (bytes_starts(b, B("\x89PNG\r\n\x1A\n"))) {
		*type = B("image/png");
		return png_size;
	}
	if (bytes_starts(b, B("\xFF\xD8\xFF"))) {
		*type = B("image/jpeg");
		return jpeg_size;
	}
	if (is_webp(b)) {
		*type = B("image/webp");
		return webp_size;
	}
	return NULL;
}

static bool
side_is_good(uint32_t side)
{
	return side >= LOGO_SIDE_MIN && side <= LOGO_SIDE_MAX;
}

bool
logo_check(struct bytes file, struct bytes *type, uint32_t *width, uint32_t *height,
	const char **what)
{
	struct bytes kind = NONE;
	struct size size = { 0, 0 };
	bool (*measure)(struct bytes, struct size *) = sniff(file, &kind);

	if (file.n > LOGO_MAX)
		*what = "the logo is larger than 256 KiB: save it smaller";
	else if (measure == NULL)
		*what = "the logo is not a PNG, JPEG or WebP picture (SVG is not "
			"taken: it may hold a script): save it as PNG";
	else if (!measure(file, &size))
		*what = "the logo's header is damaged: save it again as PNG";
	else if (!side_is_good(size.width) || !side_is_good(size.height))
		*what = "the logo is to be 48 to 2048 pixels wide and high: resize it";
	else {
		*type = kind;
		*width = size.width;
		*height = size.height;
		return true;
	}
	return false;
}

bool
logo_is_square(uint32_t width, uint32_t height)
{
	uint32_t larger = width > height ? width : height;
	uint32_t smaller = width > height ? height : width;

	return (larger - smaller) * (uint64_t)50 <= larger;
}
