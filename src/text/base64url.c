/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url.c - RFC 4648 by arithmetic, because keys and tokens pass through.
 *
 * A table would be indexed by the secret, and the cache would tell. Both
 * alphabets differ in the last two characters only.
 */
#include "text/base64url.h"

#include <stdint.h>

enum alphabet { STANDARD, URL };

/* 6 bits to a character. (limit - v) >> 8 is all ones where v > limit. */
static char
encode_6_bits(unsigned value, enum alphabet alphabet)
{
	int v = (int)(value & 63);
	int after_9 = alphabet == URL ? 13 : 15, after_62 = alphabet == URL ? 49 : 3;

	return (char)('A' + v + (((25 - v) >> 8) & 6) - (((51 - v) >> 8) & 75) -
		(((61 - v) >> 8) & after_9) + (((62 - v) >> 8) & after_62));
}

/* All ones where low <= c <= high, else zero. */
static int
within(int c, int low, int high)
{
	return ((low - 1 - c) & (c - high - 1)) >> 8;
}

/* A character to 6 bits; negative: not of the alphabet. */
static int
decode_6_bits(char character, enum alphabet alphabet)
{
	int c = (unsigned char)character;
	int c62 = alphabet == URL ? '-' : '+', c63 = alphabet == URL ? '_' : '/';

	return -1 + (within(c, 'A', 'Z') & (c - 'A' + 1)) +
		(within(c, 'a', 'z') & (c - 'a' + 27)) +
		(within(c, '0', '9') & (c - '0' + 53)) + (within(c, c62, c62) & 63) +
		(within(c, c63, c63) & 64);
}

static size_t
encode(const uint8_t *in, size_t n, char *out, enum alphabet alphabet)
{
	size_t at = 0, i = 0;

	for (; i + 3 <= n; i += 3) {
		unsigned v = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];

		out[at++] = encode_6_bits(v >> 18, alphabet);
		out[at++] = encode_6_bits(v >> 12, alphabet);
		out[at++] = encode_6_bits(v >> 6, alphabet);
		out[at++] = encode_6_bits(v, alphabet);
	}
	if (i < n) {
		unsigned v = (unsigned)in[i] << 16;

		if (i + 1 < n)
			v |= (unsigned)in[i + 1] << 8;
		out[at++] = encode_6_bits(v >> 18, alphabet);
		out[at++] = encode_6_bits(v >> 12, alphabet);
		if (i + 1 < n)
			out[at++] = encode_6_bits(v >> 6, alphabet);
	}
	return at;
}

/*
 * Without padding. Errors are gathered and looked at once, at the end; the bits
 * left over must be zero, or several texts would mean the same bytes.
 */
static bool
decode(struct bytes text, uint8_t *out, size_t max, size_t *n, enum alphabet alphabet)
{
	size_t size = text.n / 4 * 3 + (text.n % 4 > 0 ? text.n % 4 - 1 : 0), at = 0;
	uint32_t held = 0;
	unsigned bits = 0;
	int bad = 0;

	if (text.n % 4 == 1 || size > max)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int v = decode_6_bits(text.p[i], alphabet);

		bad |= v;
		held = held << 6 | (uint32_t)(v & 63);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[at++] = (uint8_t)(held >> bits);
		}
	}
	bad |= -(int)(held & ((1u << bits) - 1));
	*n = at;
	return bad >= 0;
}

size_t
base64url_encode(const void *p, size_t n, char *out)
{
	return encode(p, n, out, URL);
}

bool
base64url_decode(struct bytes text, void *out, size_t max, size_t *n)
{
	return decode(text, out, max, n, URL);
}

bool
base64_decode(struct bytes text, void *out, size_t max, size_t *n)
{
	/* RFC 4648 section 4: groups of four, the last filled up by one or two '='. */
	if (text.n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && bytes_ends(text, B("=")); i++)
		text.n--;
	return decode(text, out, max, n, STANDARD);
}

struct bytes
base64_encode(struct arena *a, struct bytes b)
{
	char *out = arena_alloc(a, (b.n + 2) / 3 * 4 + 1);
	size_t n = encode((const uint8_t *)b.p, b.n, out, STANDARD);

	while (n % 4 != 0)
		out[n++] = '=';
	return (struct bytes){ out, n };
}
