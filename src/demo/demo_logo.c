/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_logo.c - a picture of rectangles and a tick as an indexed PNG (RFC 2083),
 * its deflate blocks stored, so that nothing but sums is needed to write it.
 */
#include "demo/demo_logo.h"

#include <stdint.h>
#include <stdlib.h>

enum { SIDE = 128, ROW = SIDE + 1, PIXELS = ROW * SIDE };
enum { GROUND, PAPER, TICK };

static const uint8_t palette[] = { 0x35, 0x50, 0x9A, 0xFF, 0xFF, 0xFF, 0x8F, 0xE3,
	0xB4 };

/* ---- the picture ---------------------------------------------------------- */

static int
near_segment(int x, int y, int x1, int y1, int x2, int y2)
{
	int dx = x2 - x1, dy = y2 - y1;
	int along = (x - x1) * dx + (y - y1) * dy, length = dx * dx + dy * dy;
	int across = (x - x1) * dy - (y - y1) * dx;

	/* Within 6 pixels of the line, and between its ends. */
	return along >= 0 && along <= length && across * across <= 36 * length;
}

static uint8_t
pixel(int x, int y)
{
	static const int right[] = { 104, 88, 60 };

	if (near_segment(x, y, 70, 86, 82, 98) || near_segment(x, y, 78, 98, 106, 70))
		return TICK;
	for (int line = 0; line < 3; line++) {
		int top = 32 + line * 26;

		if (x >= 24 && x < right[line] && y >= top && y < top + 12)
			return PAPER;
	}
	return GROUND;
}

/* ---- the file ------------------------------------------------------------- */

static void
put32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(b, (char)(n >> shift & 0xFF));
}

static uint32_t
crc32_of(struct bytes b)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < b.n; i++) {
		crc ^= (uint8_t)b.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	return ~crc;
}

static uint32_t
adler32_of(struct bytes b)
{
	uint32_t low = 1, high = 0;

	for (size_t i = 0; i < b.n; i++) {
		low = (low + (uint8_t)b.p[i]) % 65521;
		high = (high + low) % 65521;
	}
	return high << 16 | low;
}

/* Length, type and data, and a sum over the last two. */
static void
put_chunk(struct buf *out, struct bytes type, struct bytes data)
{
	size_t from;

	put32(out, (uint32_t)data.n);
	from = out->n;
	buf_put(out, type);
	buf_put(out, data);
	put32(out, crc32_of(bytes_slice(buf_bytes(out), from, out->n)));
}

/* RFC 1950 around one stored block of RFC 1951. */
static struct bytes
stored(struct arena *a, struct bytes data)
{
	struct buf b = buf_new(a, data.n + 16);
	uint16_t n = (uint16_t)data.n;

	buf_put(&b, B("\x78\x01\x01"));
	buf_putc(&b, (char)(n & 0xFF));
	buf_putc(&b, (char)(n >> 8));
	buf_putc(&b, (char)(~n & 0xFF));
	buf_putc(&b, (char)(~n >> 8 & 0xFF));
	buf_put(&b, data);
	put32(&b, adler32_of(data));
	return buf_bytes(&b);
}

struct bytes
demo_logo(struct arena *a)
{
	struct buf pixels = buf_new(a, PIXELS), header = buf_new(a, 16);
	struct buf out = buf_new(a, PIXELS + 256);

	_Static_assert(PIXELS <= 65535, "one stored block holds the picture");
	for (int y = 0; y < SIDE; y++) {
		buf_putc(&pixels, 0); /* this row is not filtered */
		for (int x = 0; x < SIDE; x++)
			buf_putc(&pixels, (char)pixel(x, y));
	}
	put32(&header, SIDE);
	put32(&header, SIDE);
	buf_put(&header, B("\x08\x03\x00\x00\x00")); /* 8 bits, by palette */
	buf_put(&out, B("\x89PNG\r\n\x1A\n"));
	put_chunk(&out, B("IHDR"), buf_bytes(&header));
	put_chunk(&out, B("PLTE"),
		(struct bytes){ (const char *)palette, sizeof palette });
	put_chunk(&out, B("IDAT"), stored(a, buf_bytes(&pixels)));
	put_chunk(&out, B("IEND"), NONE);
	return buf_bytes(&out);
}
